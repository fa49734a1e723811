//! The domain language: prefix operators, comparisons, and paths through references. It says which records are meant and
//! reads nothing that the transaction does not see.

use serde_json::Value as Json;

use super::errors::Failure;
use super::schema::{Kind, Model};
use super::store::Record;
use super::value::{Value, parse_moment, python};
use super::view::View;

/// LIMIT: terms of one domain.
const TERMS_MAX: usize = 2_000;

/// A domain.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Domain {
    /// All of these; none means every record.
    And(Vec<Self>),
    /// One of these.
    Or(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// A comparison.
    Term { path: String, operator: String, value: Json },
}

impl Domain {
    /// Reads one as calls carry it.
    pub(super) fn parse(given: &Json) -> Result<Self, Failure> {
        let list = match given {
            Json::Array(list) => list,
            Json::Null => return Ok(Self::And(Vec::new())),
            other => return Err(malformed(other)),
        };
        if list.len() > TERMS_MAX {
            return Err(malformed(given));
        }
        let mut rest = list.iter();
        let mut all = Vec::new();
        while rest.len() > 0 {
            all.push(next(&mut rest, given)?);
        }
        Ok(match all.pop() {
            Some(one) if all.is_empty() => one,
            last => Self::And(all.into_iter().chain(last).collect()),
        })
    }

    /// Reads one as automation rules keep it: a Python list.
    pub(super) fn parse_python(text: &str) -> Result<Self, Failure> {
        if text.trim().is_empty() {
            return Ok(Self::And(Vec::new()));
        }
        let json: String = text
            .chars()
            .map(|it| match it {
                '(' => '[',
                ')' => ']',
                '\'' => '"',
                other => other,
            })
            .collect();
        let json = json.replace("True", "true").replace("False", "false").replace("None", "null").replace(",]", "]");
        serde_json::from_str(&json)
            .map_err(|_| Failure::Value(format!("malformed domain {text}")))
            .and_then(|it| Self::parse(&it))
    }

    /// The terms that hold for every record that is meant.
    pub(super) fn certain(&self) -> Vec<&Self> {
        match self {
            Self::And(all) => all.iter().flat_map(Self::certain).collect(),
            Self::Term { .. } => vec![self],
            Self::Or(_) | Self::Not(_) => Vec::new(),
        }
    }

    /// An instant before which nothing that it means was written.
    pub(super) fn written_from(&self) -> Option<i64> {
        match self {
            Self::And(all) => all.iter().filter_map(Self::written_from).max(),
            Self::Or(all) => all.iter().map(Self::written_from).min().flatten(),
            Self::Not(_) => None,
            Self::Term { path, operator, value } => {
                let bounds = path == "write_date" && matches!(operator.as_str(), "=" | ">" | ">=");
                value.as_str().filter(|_| bounds).and_then(parse_moment)
            }
        }
    }

    /// Whether it means a record.
    pub(super) fn means(&self, view: &View<'_>, model: &Model, id: i64, record: &Record) -> Result<bool, Failure> {
        match self {
            Self::And(all) => {
                for one in all {
                    if !one.means(view, model, id, record)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Or(all) => {
                for one in all {
                    if one.means(view, model, id, record)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Not(one) => Ok(!one.means(view, model, id, record)?),
            Self::Term { path, operator, value } => {
                let term = Term { operator, value };
                term.holds(view, model, (id, record), path)
            }
        }
    }

    /// Says what is wrong with it before any record is looked at, as the compilation to SQL does.
    pub(super) fn check(&self, model: &Model) -> Result<(), Failure> {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().try_for_each(|one| one.check(model)),
            Self::Not(one) => one.check(model),
            Self::Term { path, operator, value } => {
                let first = path.split('.').next().unwrap_or_default();
                let invalid = || {
                    let leaf = format!("('{path}', '{operator}', {})", python(value));
                    Failure::Value(format!("Invalid field {}.{first} in leaf {leaf}", model.name))
                };
                let field = model.field(first).ok_or_else(invalid)?;
                if matches!(field.kind, Kind::Datetime) && value.as_str().is_some_and(|it| parse_moment(it).is_none()) {
                    let text = value.as_str().unwrap_or_default();
                    return Err(Failure::Value(format!("time data '{text}' does not match format '%Y-%m-%d %H:%M:%S'")));
                }
                if OPERATORS.contains(&operator.as_str()) {
                    return Ok(());
                }
                Err(Failure::Value(format!("Invalid operator {operator} in domain term {path}")))
            }
        }
    }
}

const OPERATORS: [&str; 16] = [
    "=",
    "!=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "not in",
    "like",
    "ilike",
    "not like",
    "not ilike",
    "=like",
    "=ilike",
    "==",
];

fn malformed(given: &Json) -> Failure {
    Failure::Value(format!("malformed domain {given}"))
}

fn next(rest: &mut std::slice::Iter<'_, Json>, whole: &Json) -> Result<Domain, Failure> {
    let item = rest.next().ok_or_else(|| malformed(whole))?;
    match item {
        Json::String(word) if word == "&" => Ok(Domain::And(vec![next(rest, whole)?, next(rest, whole)?])),
        Json::String(word) if word == "|" => Ok(Domain::Or(vec![next(rest, whole)?, next(rest, whole)?])),
        Json::String(word) if word == "!" => Ok(Domain::Not(Box::new(next(rest, whole)?))),
        Json::Array(term) => match term.as_slice() {
            // (1, '=', 1) and (0, '=', 1) are the constants.
            [Json::Number(left), Json::String(_), Json::Number(right)] => {
                Ok(if left == right { Domain::And(Vec::new()) } else { Domain::Or(Vec::new()) })
            }
            [Json::String(path), Json::String(operator), value] => {
                Ok(Domain::Term { path: path.clone(), operator: operator.to_lowercase(), value: value.clone() })
            }
            _ => Err(malformed(whole)),
        },
        _ => Err(malformed(whole)),
    }
}

#[derive(Clone, Copy)]
struct Term<'a> {
    operator: &'a str,
    value: &'a Json,
}

impl Term<'_> {
    fn holds(self, view: &View<'_>, model: &Model, (id, record): (i64, &Record), path: &str) -> Result<bool, Failure> {
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let field = view.field(model, name)?;
        let value = view.value(model, id, record, field);
        let target = match &field.kind {
            Kind::Many2one(target) | Kind::One2many(target, _) | Kind::Many2many(target) => Some(*target),
            _ => None,
        };
        let (Some(rest), Some(target)) = (rest, target) else {
            return Ok(self.compares(view, target, &field.kind, &value));
        };
        let target = view.model(target)?;
        for id in value.refs() {
            if let Some(record) = view.find(target.name, *id)
                && self.holds(view, target, (*id, &record), rest)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn compares(self, view: &View<'_>, target: Option<&str>, kind: &Kind, value: &Value) -> bool {
        match self.operator {
            "=" | "==" => equals(view, (target, kind), value, self.value),
            "!=" | "<>" => !equals(view, (target, kind), value, self.value),
            "in" => self.is_in(view, target, kind, value),
            "not in" => !self.is_in(view, target, kind, value),
            "like" | "ilike" | "=like" | "=ilike" => self.is_like(view, target, value),
            "not like" | "not ilike" => !self.is_like(view, target, value),
            _ => self.is_ordered(kind, value),
        }
    }

    fn is_in(self, view: &View<'_>, target: Option<&str>, kind: &Kind, value: &Value) -> bool {
        match self.value {
            Json::Array(list) => list.iter().any(|one| equals(view, (target, kind), value, one)),
            one => equals(view, (target, kind), value, one),
        }
    }

    fn is_like(self, view: &View<'_>, target: Option<&str>, value: &Value) -> bool {
        let pattern = self.value.as_str().unwrap_or_default();
        let names = match target {
            Some(target) => value.refs().iter().map(|id| view.name(target, *id)).collect(),
            None => vec![value.text().to_owned()],
        };
        let is_whole = self.operator.starts_with('=');
        let pattern = if is_whole { pattern.to_owned() } else { format!("%{pattern}%") };
        let folds = self.operator.ends_with("ilike");
        names.iter().any(|name| {
            if folds { is_alike(&name.to_lowercase(), &pattern.to_lowercase()) } else { is_alike(name, &pattern) }
        })
    }

    fn is_ordered(self, kind: &Kind, value: &Value) -> bool {
        if !value.truth() && !matches!(kind, Kind::Integer | Kind::Float) {
            return false;
        }
        let order = match (kind, self.value) {
            (Kind::Datetime, Json::String(text)) => parse_moment(text).map(|wanted| value.int().cmp(&wanted)),
            (Kind::Integer | Kind::Many2one(_), Json::Number(wanted)) => wanted.as_i64().map(|it| value.int().cmp(&it)),
            (_, Json::Number(wanted)) => wanted.as_f64().and_then(|wanted| value.float().partial_cmp(&wanted)),
            (_, Json::String(wanted)) => Some(value.text().cmp(wanted.as_str())),
            _ => None,
        };
        order.is_some_and(|order| match self.operator {
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            ">=" => order.is_ge(),
            _ => false,
        })
    }
}

/// Whether a value is the wanted one, as its kind compares.
fn equals(view: &View<'_>, (target, kind): (Option<&str>, &Kind), value: &Value, wanted: &Json) -> bool {
    match (kind, wanted) {
        (Kind::Boolean, wanted) => value.truth() == wanted.as_bool().unwrap_or(!wanted.is_null()),
        (_, Json::Bool(false) | Json::Null) => !value.truth(),
        (_, Json::Bool(true)) => value.truth(),
        (Kind::Many2one(_) | Kind::One2many(..) | Kind::Many2many(_), Json::Number(number)) => {
            number.as_i64().is_some_and(|number| value.refs().contains(&number))
        }
        (Kind::Many2one(_) | Kind::One2many(..) | Kind::Many2many(_), Json::String(name)) => {
            value.refs().iter().any(|id| target.is_some_and(|target| view.name(target, *id) == *name))
        }
        (Kind::Datetime, Json::String(text)) => parse_moment(text) == Some(value.int()) && value.truth(),
        (Kind::Integer, Json::Number(number)) => number.as_i64() == Some(value.int()),
        (_, Json::Number(number)) => number.as_f64().is_some_and(|number| (number - value.float()).abs() < 1e-9),
        (_, Json::String(text)) => value.text() == text,
        (_, Json::Array(_) | Json::Object(_)) => false,
    }
}

/// LIKE of SQL: `%` stands for any text, `_` for one letter.
fn is_alike(name: &str, pattern: &str) -> bool {
    let (name, pattern): (Vec<char>, Vec<char>) = (name.chars().collect(), pattern.chars().collect());
    let mut reach = vec![false; name.len() + 1];
    reach[0] = true;
    for letter in pattern {
        let mut after = vec![false; name.len() + 1];
        let mut any = false;
        for (at, was) in reach.iter().enumerate() {
            any |= was;
            match letter {
                '%' => after[at] = any,
                letter => {
                    let fits = *was && name.get(at).is_some_and(|it| letter == '_' || *it == letter);
                    if fits {
                        after[at + 1] = true;
                    }
                }
            }
        }
        reach = after;
    }
    reach.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_knows_both_wildcards() {
        for (name, pattern, expected) in [
            ("S00001", "S%", true),
            ("S00001", "%1", true),
            ("S00001", "S____1", true),
            ("S00001", "S___1", false),
            ("", "%", true),
        ] {
            assert_eq!(is_alike(name, pattern), expected, "{name} {pattern}");
        }
    }

    #[test]
    fn prefix_operators_take_what_follows_and_the_rest_is_joined() {
        let domain = serde_json::json!(["|", ["a", "=", 1], ["b", "=", 2], ["c", "=", 3]]);
        let Domain::And(parts) = Domain::parse(&domain).unwrap() else { panic!("joined") };
        assert!(matches!(parts.as_slice(), [Domain::Or(_), Domain::Term { .. }]));
        let rule = Domain::parse_python("[('state', '=', 'sale')]").unwrap();
        assert_eq!(rule, Domain::Term { path: "state".to_owned(), operator: "=".to_owned(), value: "sale".into() });
        assert!(Domain::parse(&serde_json::json!(["&", ["a", "=", 1]])).is_err());
    }
}
