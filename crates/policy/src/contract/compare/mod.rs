//! How two schemas of a contract differ, keyword by keyword, and whom each difference hurts (decision 0065).
//!
//! Those who send are hurt where a message that was valid is refused, those who read where a message is valid that was not:
//! they counted on the rule. What nobody can decide, such as whether one pattern is narrower than another, hurts both; a
//! difference is never left out because it is hard. Readers are tolerant: a field that comes and may be left out hurts nobody.

mod demands;
mod plain;

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use self::demands::{Demands, Relation};
use super::schema::Schema;

/// LIMIT: nesting of the fields that are compared.
const DEPTH_MAX: usize = 32;
/// LIMIT: fields of two schemas that are compared; types that contain themselves end by themselves.
const FIELDS_MAX: usize = 5_000;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field: `lines[].quantity`; empty for the whole.
    pub path: String,
    /// What of it differs.
    pub of: Of,
    /// What it was; `None` where there was nothing.
    pub before: Option<String>,
    /// What it is; `None` where there is nothing.
    pub after: Option<String>,
    /// Whom it hurts.
    pub hurts: Hurts,
    /// JSON pointer to the part of the new schema that says it, or does not say it any more.
    pub pointer: String,
    /// JSON pointer to the part of the old schema that said it, or did not.
    pub pointer_before: String,
}

/// What of a field differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// Whether it is declared.
    Field,
    /// Its type.
    Type,
    /// Whether it has to be there.
    Need,
    /// A rule, by its keyword: `enum`, `maxLength`.
    Rule(&'static str),
    /// Nobody looked: the schemas are larger or deeper than what is compared.
    Unread,
}

/// Whom a change hurts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Hurts {
    /// Those who send: what was valid is refused.
    pub senders: bool,
    /// Those who read: what they counted on does not hold.
    pub readers: bool,
}

impl Hurts {
    const NOBODY: Self = Self { senders: false, readers: false };
    const SENDERS: Self = Self { senders: true, readers: false };
    const READERS: Self = Self { senders: false, readers: true };
    const BOTH: Self = Self { senders: true, readers: true };

    /// Whether it hurts anyone.
    pub const fn is_any(self) -> bool {
        self.senders || self.readers
    }

    /// Whom this or that hurts.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { senders: self.senders || other.senders, readers: self.readers || other.readers }
    }

    /// `those who send and those who read`; empty where it hurts nobody.
    pub const fn whom(self) -> &'static str {
        match (self.senders, self.readers) {
            (false, false) => "",
            (true, false) => "those who send",
            (false, true) => "those who read",
            (true, true) => "those who send and those who read",
        }
    }
}

impl From<Relation> for Hurts {
    fn from(relation: Relation) -> Self {
        match relation {
            Relation::Same => Self::NOBODY,
            Relation::Tighter => Self::SENDERS,
            Relation::Looser => Self::READERS,
            Relation::Other => Self::BOTH,
        }
    }
}

/// All differences of two schemas, by the paths of their fields.
pub fn compare(was: &Value, is: &Value) -> Vec<Difference> {
    if was == is {
        return Vec::new();
    }
    let mut walk = Walk { found: Vec::new(), way: Vec::new(), fields: 0 };
    walk.place("", &[Schema::root(was)], &[Schema::root(is)]);
    walk.found.sort_by(|one, other| one.path.cmp(&other.path));
    walk.found
}

/// Whom differences hurt together.
pub fn hurt_by(differences: &[Difference]) -> Hurts {
    differences.iter().fold(Hurts::NOBODY, |hurts, difference| hurts.and(difference.hurts))
}

struct Walk {
    found: Vec<Difference>,
    /// The pairs of parts on the way to where the walk is: a type that contains itself is compared once.
    way: Vec<(String, String)>,
    fields: usize,
}

/// Whom a difference hurts, and the two demands that it is between.
type Told<'d> = (Hurts, &'d Demands<'d>, &'d Demands<'d>);

impl Walk {
    fn tell(&mut self, path: &str, of: Of, (before, after): (Option<String>, Option<String>), (hurts, was, is): Told<'_>) {
        let (pointer, pointer_before) = (is.pointer_of(&of), was.pointer_of(&of));
        self.found.push(Difference { path: path.to_owned(), of, before, after, hurts, pointer, pointer_before });
    }

    /// Compares what is said of one value; nothing said is anything allowed.
    fn place(&mut self, path: &str, was: &[Schema<'_>], is: &[Schema<'_>]) {
        let pair = (pointers(was), pointers(is));
        if was.is_empty() && is.is_empty() || self.way.contains(&pair) {
            return;
        }
        let (was, is) = (Demands::of(was), Demands::of(is));
        self.fields += 1;
        if self.way.len() >= DEPTH_MAX || self.fields > FIELDS_MAX {
            // Told once: the first place that was not looked at stands for all that follow.
            if self.found.iter().all(|difference| difference.of != Of::Unread) {
                self.tell(path, Of::Unread, (None, None), (Hurts::BOTH, &was, &is));
            }
            return;
        }
        self.way.push(pair);
        self.types(path, &was, &is);
        self.rules(path, &was, &is);
        self.members(path, &was, &is);
        self.items(path, &was, &is);
        self.way.pop();
    }

    fn types(&mut self, path: &str, was: &Demands<'_>, is: &Demands<'_>) {
        let relation = demands::sets(was.types.as_ref(), is.types.as_ref());
        if relation != Relation::Same {
            self.tell(path, Of::Type, (Some(was.kinds()), Some(is.kinds())), (relation.into(), was, is));
        }
    }

    fn rules(&mut self, path: &str, was: &Demands<'_>, is: &Demands<'_>) {
        let relation = demands::sets(was.words.as_ref(), is.words.as_ref());
        if relation != Relation::Same {
            let shown = |words: Option<&BTreeSet<String>>| {
                words.map_or_else(|| "any".to_owned(), |words| words.iter().cloned().collect::<Vec<_>>().join(" "))
            };
            let sides = (Some(shown(was.words.as_ref())), Some(shown(is.words.as_ref())));
            self.tell(path, Of::Rule("enum"), sides, (relation.into(), was, is));
        }
        let keywords: BTreeSet<&'static str> = was.rules.keys().chain(is.rules.keys()).copied().collect();
        for keyword in keywords {
            let (before, after) = (was.rules.get(keyword), is.rules.get(keyword));
            let relation = demands::relation(before, after);
            if relation != Relation::Same {
                let shown =
                    |rule: Option<&demands::Rule>| Some(rule.map_or_else(|| "none".to_owned(), demands::Rule::shown));
                self.tell(path, Of::Rule(keyword), (shown(before), shown(after)), (relation.into(), was, is));
            }
        }
    }

    fn members(&mut self, path: &str, was: &Demands<'_>, is: &Demands<'_>) {
        let names: BTreeSet<&str> = was.names().chain(is.names()).collect();
        for name in names {
            let field = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let (old, new) = (was.declared(name), is.declared(name));
            let (needed, needs) = (was.required.contains(name), is.required.contains(name));
            match (old.is_empty(), new.is_empty()) {
                (true, false) => {
                    let hurts = if needs { Hurts::SENDERS } else { Hurts::NOBODY };
                    self.tell(&field, Of::Field, (None, Some(described(&new, needs))), (hurts, was, &Demands::of(&new)));
                    // What was allowed under any name had this form.
                    self.place(&field, &was.others(), if was.others().is_empty() { &[] } else { &new });
                }
                (false, true) => {
                    let hurts = if is.is_closed() { Hurts::BOTH } else { Hurts::READERS };
                    self.tell(&field, Of::Field, (Some(described(&old, needed)), None), (hurts, &Demands::of(&old), is));
                    let others = is.others();
                    self.place(&field, if others.is_empty() { &[] } else { &old }, &others);
                }
                (false, false) | (true, true) => {
                    if needed != needs {
                        let hurts = if needs { Hurts::SENDERS } else { Hurts::READERS };
                        self.tell(&field, Of::Need, (Some(need(needed)), Some(need(needs))), (hurts, was, is));
                    }
                    self.place(&field, &old, &new);
                }
            }
        }
        match (was.is_closed(), is.is_closed()) {
            // Readers are tolerant: what may come beside what they know is nothing that they counted on.
            (true, _) => {}
            (false, true) => {
                let open = Some(if was.others().is_empty() { "any" } else { "of one form" }.to_owned());
                let sides = (open, Some("none".to_owned()));
                self.tell(path, Of::Rule("additionalProperties"), sides, (Hurts::SENDERS, was, is));
            }
            (false, false) => {
                let field = if path.is_empty() { "*".to_owned() } else { format!("{path}.*") };
                self.place(&field, &was.others(), &is.others());
            }
        }
    }

    fn items(&mut self, path: &str, was: &Demands<'_>, is: &Demands<'_>) {
        let places = was.places().max(is.places());
        for place in 0..places {
            self.place(&format!("{path}[{place}]"), &was.item(place), &is.item(place));
        }
        self.place(&format!("{path}[]"), &was.item(places), &is.item(places));
    }
}

fn pointers(schemas: &[Schema<'_>]) -> String {
    schemas.iter().map(|schema| schema.pointer.as_str()).collect::<Vec<_>>().join("\n")
}

fn need(required: bool) -> String {
    if required { "required" } else { "optional" }.to_owned()
}

fn described(schemas: &[Schema<'_>], required: bool) -> String {
    format!("{}, {}", Demands::of(schemas).kinds(), need(required))
}

#[cfg(test)]
mod tests;
