//! What all parts of a schema that hold for one value demand together, and how two demands relate. A demand that this does not
//! know how to measure is kept as a text and compared as one: never dropped.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Of;
use super::plain::plain;
use crate::contract::schema::Schema;

/// How a demand changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// It is the same.
    Same,
    /// Less is valid than before.
    Tighter,
    /// More is valid than before.
    Looser,
    /// Neither, or nobody can say.
    Other,
}

/// A rule beside types, words and members.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rule {
    /// A bound: the larger its strictness the less is valid; what is excluded is stricter than what is not.
    Bound {
        /// The bound, negative for one from above.
        strictness: f64,
        /// Whether the bound itself is no value.
        excluded: bool,
        /// As people read it.
        shown: String,
    },
    /// A step that numbers have: `multipleOf`.
    Step(f64, String),
    /// Anything else: all that is said under the keyword, without remarks; `None` where it is too large.
    Text(BTreeSet<Option<String>>),
}

/// Keywords of rules from below or above, and of those that are only compared as texts. What is a remark to people (`title`,
/// `examples`) or read elsewhere (`properties`) is in neither.
const FROM_BELOW: &[&str] = &["minLength", "minItems", "minProperties", "minContains"];
const FROM_ABOVE: &[&str] = &["maxLength", "maxItems", "maxProperties", "maxContains"];
const TEXTS: &[&str] = &[
    "pattern",
    "format",
    "patternProperties",
    "propertyNames",
    "contains",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedItems",
    "$dynamicRef",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
];

/// What holds for a value.
#[derive(Debug)]
pub(super) struct Demands<'s> {
    parts: Vec<Schema<'s>>,
    /// The types that it may have; `None` for any.
    pub(super) types: Option<BTreeSet<String>>,
    /// The values that it may have, as JSON; `None` for any.
    pub(super) words: Option<BTreeSet<String>>,
    /// The members that have to be there.
    pub(super) required: BTreeSet<&'s str>,
    /// Everything else by keyword.
    pub(super) rules: BTreeMap<&'static str, Rule>,
}

impl<'s> Demands<'s> {
    /// What these say with all that always holds beside them.
    pub(super) fn of(schemas: &[Schema<'s>]) -> Self {
        let parts: Vec<Schema<'s>> =
            schemas.iter().flat_map(Schema::parts).filter(|part| part.certain).map(|part| part.schema).collect();
        let mut demands =
            Demands { types: None, words: None, required: BTreeSet::new(), rules: BTreeMap::new(), parts: Vec::new() };
        for part in &parts {
            demands.types = narrowed(demands.types, types(part));
            demands.words = narrowed(demands.words, words(part));
            demands.required.extend(part.required());
            demands.bounds(part);
            demands.texts(part);
        }
        demands.parts = parts;
        demands
    }

    fn bounds(&mut self, part: &Schema<'_>) {
        let number = |keyword: &str| part.member(keyword).and_then(Value::as_f64);
        for (keywords, sign) in [(FROM_BELOW, 1.0), (FROM_ABOVE, -1.0)] {
            for keyword in keywords {
                if let Some(value) = number(keyword) {
                    self.bind(keyword, value * sign, value.to_string());
                }
            }
        }
        for (keyword, exclusive, sign, words) in
            [("minimum", "exclusiveMinimum", 1.0, "more than"), ("maximum", "exclusiveMaximum", -1.0, "less than")]
        {
            if let Some(value) = number(keyword) {
                self.bind(keyword, value * sign, value.to_string());
            }
            if let Some(value) = number(exclusive) {
                let rule = Rule::Bound { strictness: value * sign, excluded: true, shown: format!("{words} {value}") };
                self.strictest(keyword, rule);
            }
        }
        if part.member("uniqueItems") == Some(&Value::Bool(true)) {
            self.bind("uniqueItems", 1.0, "true".to_owned());
        }
        if let Some(step) = number("multipleOf") {
            self.rules.insert("multipleOf", Rule::Step(step, step.to_string()));
        }
    }

    fn bind(&mut self, keyword: &'static str, strictness: f64, shown: String) {
        self.strictest(keyword, Rule::Bound { strictness, excluded: false, shown });
    }

    fn strictest(&mut self, keyword: &'static str, rule: Rule) {
        let present = self.rules.get(keyword);
        if matches!(relation(present, Some(&rule)), Relation::Tighter) {
            self.rules.insert(keyword, rule);
        }
    }

    fn texts(&mut self, part: &Schema<'_>) {
        for keyword in TEXTS {
            if let Some(node) = part.member(keyword) {
                let texts = match (*keyword, node.as_array()) {
                    // Alternatives are a set: which comes first says nothing.
                    ("anyOf" | "oneOf", Some(all)) => all.iter().map(|one| plain(part, keyword, one)).collect(),
                    _ => BTreeSet::from([plain(part, keyword, node)]),
                };
                let rule = self.rules.entry(keyword).or_insert_with(|| Rule::Text(BTreeSet::new()));
                if let Rule::Text(said) = rule {
                    said.extend(texts);
                }
            }
        }
    }

    /// The types as people read them.
    pub(super) fn kinds(&self) -> String {
        let Some(types) = &self.types else { return "any".to_owned() };
        let is_told = |word: &&String| *word != "integer" || !types.contains("number");
        let words: Vec<&str> = types.iter().filter(is_told).map(String::as_str).collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(" or ") }
    }

    /// The names that are declared or required.
    pub(super) fn names(&self) -> impl Iterator<Item = &'s str> {
        let declared = self.parts.iter().filter_map(Schema::properties).flat_map(|all| all.keys().map(String::as_str));
        declared.chain(self.required.iter().copied())
    }

    /// What is declared of a member.
    pub(super) fn declared(&self, name: &str) -> Vec<Schema<'s>> {
        self.parts.iter().filter_map(|part| part.property(name)).collect()
    }

    /// Whether members that are not declared are refused.
    pub(super) fn is_closed(&self) -> bool {
        let closes = |part: &Schema<'_>| rest(part).any(|(_, node)| node == &Value::Bool(false));
        self.parts.iter().any(closes)
    }

    /// What holds for members that are not declared, where that is more than a yes or no.
    pub(super) fn others(&self) -> Vec<Schema<'s>> {
        let told = |part: &Schema<'s>| {
            rest(part).filter(|(_, node)| node.is_object()).map(|(keyword, node)| part.child(node, &[keyword])).collect()
        };
        self.parts.iter().flat_map(|part| -> Vec<Schema<'s>> { told(part) }).collect()
    }

    /// How many places of a list are declared one by one.
    pub(super) fn places(&self) -> usize {
        self.parts.iter().map(Schema::places).max().unwrap_or(0)
    }

    /// What is said of the item at a place of a list.
    pub(super) fn item(&self, place: usize) -> Vec<Schema<'s>> {
        self.parts.iter().filter_map(|part| part.item(i64::try_from(place).ok()?)).collect()
    }

    /// Where the new schema says it, or the first part that could.
    pub(super) fn pointer_of(&self, of: &Of) -> String {
        let keyword = match of {
            Of::Field | Of::Unread => None,
            Of::Type => Some("type"),
            Of::Need => Some("required"),
            Of::Rule(keyword) => Some(*keyword),
        };
        let says = |part: &&Schema<'_>| keyword.is_some_and(|keyword| part.member(keyword).is_some());
        let saying = self.parts.iter().find(says).zip(keyword).map(|(part, keyword)| format!("{}/{keyword}", part.pointer));
        saying.or_else(|| self.parts.first().map(|part| part.pointer.clone())).unwrap_or_default()
    }
}

/// What a part says of members that it does not declare.
fn rest<'s>(part: &Schema<'s>) -> impl Iterator<Item = (&'static str, &'s Value)> {
    let said =
        ["additionalProperties", "unevaluatedProperties"].map(|keyword| part.member(keyword).map(|node| (keyword, node)));
    said.into_iter().flatten()
}

fn types(part: &Schema<'_>) -> Option<BTreeSet<String>> {
    if part.node == &Value::Bool(false) {
        return Some(BTreeSet::new());
    }
    let mut types: BTreeSet<String> = part.types().into_iter().map(str::to_owned).collect();
    if types.contains("number") {
        types.insert("integer".to_owned());
    }
    (!types.is_empty()).then_some(types)
}

fn words(part: &Schema<'_>) -> Option<BTreeSet<String>> {
    let listed = part.member("enum").and_then(Value::as_array);
    let listed = listed.map(|all| all.iter().map(ToString::to_string).collect());
    let only = part.member("const").map(|only| BTreeSet::from([only.to_string()]));
    narrowed(listed, only)
}

/// What both allow.
fn narrowed(one: Option<BTreeSet<String>>, other: Option<BTreeSet<String>>) -> Option<BTreeSet<String>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.intersection(&other).cloned().collect()),
        (one, other) => one.or(other),
    }
}

/// How a set of what is valid changed; `None` is everything.
pub(super) fn sets(was: Option<&BTreeSet<String>>, is: Option<&BTreeSet<String>>) -> Relation {
    match (was, is) {
        (None, None) => Relation::Same,
        (None, Some(_)) => Relation::Tighter,
        (Some(_), None) => Relation::Looser,
        (Some(was), Some(is)) if was == is => Relation::Same,
        (Some(was), Some(is)) if is.is_subset(was) => Relation::Tighter,
        (Some(was), Some(is)) if was.is_subset(is) => Relation::Looser,
        (Some(_), Some(_)) => Relation::Other,
    }
}

/// How a rule changed; `None` is no rule.
pub(super) fn relation(was: Option<&Rule>, is: Option<&Rule>) -> Relation {
    match (was, is) {
        (None, None) => Relation::Same,
        (None, Some(_)) => Relation::Tighter,
        (Some(_), None) => Relation::Looser,
        (Some(was), Some(is)) if was == is && !is.is_unread() => Relation::Same,
        (
            Some(Rule::Bound { strictness: was, excluded: was_excluded, .. }),
            Some(Rule::Bound { strictness: is, excluded: is_excluded, .. }),
        ) => match is.total_cmp(was).then(is_excluded.cmp(was_excluded)) {
            std::cmp::Ordering::Equal => Relation::Same,
            std::cmp::Ordering::Greater => Relation::Tighter,
            std::cmp::Ordering::Less => Relation::Looser,
        },
        (Some(Rule::Step(was, _)), Some(Rule::Step(is, _))) if is_multiple(*is, *was) => Relation::Tighter,
        (Some(Rule::Step(was, _)), Some(Rule::Step(is, _))) if is_multiple(*was, *is) => Relation::Looser,
        _ => Relation::Other,
    }
}

/// Whether one step is made of whole others, as far as whole numbers tell it.
fn is_multiple(large: f64, small: f64) -> bool {
    small.fract() == 0.0 && large.fract() == 0.0 && small != 0.0 && large % small == 0.0
}

impl Rule {
    /// As people read it, on one line.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Bound { shown, .. } | Self::Step(_, shown) => shown.clone(),
            Self::Text(said) => {
                let said = said.iter().map(|one| one.as_deref().unwrap_or("(too large to compare)"));
                said.collect::<Vec<_>>().join(" ")
            }
        }
    }

    fn is_unread(&self) -> bool {
        matches!(self, Self::Text(said) if said.contains(&None))
    }
}
