//! How many parts of a schema can apply to one value of an event, however deep it stands. Where a type contains itself in
//! several alternatives, the number multiplies with each level, and so does the work of the validator.
//!
//! It counts too many rather than too few: which alternative a value takes is not known here.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use model::limit::BODY_DEPTH_MAX;
use serde_json::Value;

use super::schema::Schema;

/// LIMIT: parts that may apply to one value before a validation is counted; the largest contract that is known has 40.
const PARTS_MAX: u128 = 1_000;
/// LIMIT: parts and ways of one schema that are looked at; what is larger is taken for the worst.
const WAYS_MAX: usize = 200_000;
/// LIMIT: parts that stand in each other at one value; the walk recurses.
const NESTED_MAX: usize = 200;
/// A number that grows by this from half of the levels to all of them multiplies; one that adds up does not.
const GROWTH: u128 = 16;

/// What is known of the parts that apply to one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spread {
    /// There are few of them at every level.
    Few,
    /// There are many, or it cannot be known.
    Many,
    /// They multiply from level to level, at the members that are declared at these two places.
    Grows(String, String),
}

/// Looks at a whole schema.
pub(super) fn spread(schema: &Value) -> Spread {
    let mut graph = Graph::default();
    let Some(root) = graph.value(&Schema::root(schema)) else { return Spread::Many };
    let mut next = 0;
    while next < graph.values.len() {
        if graph.open(next).is_none() {
            return Spread::Many;
        }
        next += 1;
    }
    graph.judge(root)
}

/// Parts that values below a value may have, each with how often: those of one member, one place of a list, or the rest.
type Way = BTreeMap<usize, u128>;

/// The parts that begin at a value, and the ways from each to values below.
#[derive(Default)]
struct Graph<'s> {
    values: Vec<Schema<'s>>,
    known: BTreeMap<usize, usize>,
    /// How many parts apply at the value itself.
    here: Vec<u128>,
    ways: Vec<Vec<Way>>,
    size: usize,
    /// Whether a part says something of what no other part has looked at.
    rest: bool,
}

impl<'s> Graph<'s> {
    /// The number of a part that begins at a value.
    fn value(&mut self, part: &Schema<'s>) -> Option<usize> {
        self.size += 1;
        let number = *self.known.entry(std::ptr::from_ref(part.node).addr()).or_insert(self.values.len());
        if number == self.values.len() {
            self.values.push(part.clone());
        }
        (self.size <= WAYS_MAX).then_some(number)
    }

    /// Finds the ways from a part; nothing where there are too many.
    fn open(&mut self, number: usize) -> Option<()> {
        let mut beside = Beside::default();
        beside.gather(&self.values.get(number)?.clone())?;
        let parts: Vec<(Schema<'s>, u128)> = beside.found.into_values().collect();
        self.rest |= parts.iter().any(|(part, _)| part.looks_at_the_rest());
        let mut ways = Vec::new();
        for below in below(&parts) {
            let mut way = Way::new();
            for (part, often) in below.into_iter().filter(|(part, _)| part.node.is_object()) {
                let total = way.entry(self.value(&part)?).or_insert(0_u128);
                *total = total.saturating_add(often);
            }
            ways.push(way);
        }
        self.here.push(parts.iter().fold(0, |sum, (_, often)| sum.saturating_add(*often)));
        self.ways.push(ways);
        Some(())
    }

    /// How many parts apply, level by level: first to each value itself, then to those below it.
    fn judge(&self, root: usize) -> Spread {
        let mut levels = vec![self.here.clone()];
        for _ in 0..BODY_DEPTH_MAX {
            let below = levels.last().map_or(&[][..], Vec::as_slice);
            let level: Vec<u128> =
                self.ways.iter().map(|ways| ways.iter().map(|way| total(way, below)).max().unwrap_or(0)).collect();
            if level.iter().all(|parts| *parts == 0) {
                break;
            }
            levels.push(level);
        }
        let most = |levels: &[Vec<u128>]| levels.iter().filter_map(|level| level.get(root)).max().copied().unwrap_or(0);
        if most(&levels) <= PARTS_MAX {
            // What is left over is found by looking at all parts once more, at each level.
            let looks_twice = levels.len() > BODY_DEPTH_MAX && self.rest;
            return if looks_twice { Spread::Many } else { Spread::Few };
        }
        let (near, far) = levels.split_at(levels.len().min(BODY_DEPTH_MAX / 2));
        let (near, far) = (most(near), most(far));
        if far <= PARTS_MAX || (far / GROWTH < near && near < u128::MAX) {
            return Spread::Many;
        }
        self.meeting(root, &levels).map_or(Spread::Many, |(one, other)| Spread::Grows(one, other))
    }

    /// Where two ways that both grow lead to one value.
    fn meeting(&self, root: usize, levels: &[Vec<u128>]) -> Option<(String, String)> {
        let mut at = root;
        for below in levels.iter().rev().skip(1) {
            let way = self.ways.get(at)?.iter().max_by_key(|way| total(way, below))?;
            let weight = |part: usize, often: u128| often.saturating_mul(below.get(part).copied().unwrap_or(0));
            let mut heavy: Vec<(u128, usize)> = way.iter().map(|(part, often)| (weight(*part, *often), *part)).collect();
            heavy.sort_unstable_by_key(|(weight, part)| (Reverse(*weight), *part));
            let pointer = |part: usize| self.values.get(part).map_or_else(String::new, |part| part.pointer.clone());
            let (_, first) = *heavy.first()?;
            match heavy.get(1) {
                Some((weight, second)) if *weight > PARTS_MAX => return Some((pointer(first), pointer(*second))),
                _ if way.get(&first).is_some_and(|often| *often > 1) => return Some((pointer(first), pointer(first))),
                _ => at = first,
            }
        }
        None
    }
}

fn total(way: &Way, below: &[u128]) -> u128 {
    way.iter().fold(0, |sum, (part, often)| sum.saturating_add(often.saturating_mul(below.get(*part).copied().unwrap_or(0))))
}

/// The parts that apply to the same value.
#[derive(Default)]
struct Beside<'s> {
    /// Each with how often it applies.
    found: BTreeMap<usize, (Schema<'s>, u128)>,
    around: Vec<usize>,
    steps: usize,
}

impl<'s> Beside<'s> {
    /// Nothing where there are too many, or a reference is none that can be followed.
    fn gather(&mut self, part: &Schema<'s>) -> Option<()> {
        let address = std::ptr::from_ref(part.node).addr();
        if !part.node.is_object() || self.around.contains(&address) {
            // Truth costs nothing, and the validator ends a circle too.
            return Some(());
        }
        self.steps += 1;
        if self.around.len() >= NESTED_MAX || self.steps > WAYS_MAX {
            return None;
        }
        self.found.entry(address).or_insert_with(|| (part.clone(), 0)).1 += 1;
        self.around.push(address);
        for beside in part.applied_beside()? {
            self.gather(&beside)?;
        }
        self.around.pop();
        Some(())
    }
}

/// What the parts at a value say of the values below it: for each declared member, each place of a list, and the rest.
fn below<'s>(parts: &[(Schema<'s>, u128)]) -> Vec<Vec<(Schema<'s>, u128)>> {
    let mut names: Vec<&str> =
        parts.iter().filter_map(|(part, _)| part.properties()).flat_map(|all| all.keys()).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let with = |find: &dyn Fn(&Schema<'s>) -> Vec<Schema<'s>>| -> Vec<(Schema<'s>, u128)> {
        parts.iter().flat_map(|(part, often)| find(part).into_iter().map(|below| (below, *often))).collect()
    };
    let mut all: Vec<_> = names.iter().map(|name| with(&|part| part.applied_to_member(name))).collect();
    all.push(with(&Schema::applied_to_undeclared));
    let places = parts.iter().map(|(part, _)| part.places()).max().unwrap_or(0);
    all.extend((0..=places).map(|place| with(&|part| part.applied_to_item(place))));
    all.push(with(&Schema::applied_to_names));
    all
}
