//! Finding records: a domain to the ids it means, in an order, with offset and limit. What a domain says for certain narrows
//! what is looked at; what a transaction cannot see is never found.

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::domain::Domain;
use super::errors::Failure;
use super::schema::{Kind, Model};
use super::value::Value;
use super::view::View;

/// What is wanted of what is found.
#[derive(Clone, Debug, Default)]
pub(super) struct Slice {
    pub(super) offset: usize,
    pub(super) limit: Option<usize>,
    pub(super) order: String,
    pub(super) archived: Archived,
}

/// Whether records that are switched off are found where the domain does not ask for them: the `active_test` of the context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Archived {
    /// They are not.
    #[default]
    Left,
    /// They are.
    Found,
}

impl Archived {
    /// As a context says it.
    pub(super) fn of(context: &serde_json::Map<String, serde_json::Value>) -> Self {
        if context.get("active_test").and_then(serde_json::Value::as_bool) == Some(false) { Self::Found } else { Self::Left }
    }
}

/// The ids that a domain means.
pub(super) fn search(view: &View<'_>, model: &Model, domain: &Domain, slice: &Slice) -> Result<Vec<i64>, Failure> {
    domain.check(model)?;
    let order = Order::parse(view, model, &slice.order)?;
    let wants_archived = domain.certain().iter().any(|term| matches!(term, Domain::Term { path, .. } if path == "active"));
    let hides_archived = model.field("active").is_some() && !wants_archived && slice.archived == Archived::Left;
    // What comes in the order that is wanted is looked at until there is enough of it.
    let by_time = if order.is_by_time() { view.store.in_time(view.tx, model.name, domain.written_from()) } else { None };
    let is_sorted = order.is_by_id() || by_time.is_some();
    let enough = slice.limit.map(|limit| limit.saturating_add(slice.offset)).filter(|limit| is_sorted && *limit > 0);
    let mut found = Vec::new();
    for id in by_time.unwrap_or_else(|| candidates(view, model, domain)) {
        if enough.is_some_and(|enough| found.len() >= enough) {
            break;
        }
        let Some(record) = view.find(model.name, id) else { continue };
        if view.hides(model.name, id) {
            continue;
        }
        if hides_archived && !record.get("active").truth() {
            continue;
        }
        if domain.means(view, model, id, &record)? {
            found.push((order.key(view, model, id, &record), id));
        }
    }
    if !is_sorted {
        found.sort_by(|(left, left_id), (right, right_id)| order.compare(left, right).then(left_id.cmp(right_id)));
    }
    let found = found.into_iter().map(|(_, id)| id).skip(slice.offset);
    Ok(match slice.limit {
        Some(limit) if limit > 0 => found.take(limit).collect(),
        _ => found.collect(),
    })
}

/// What has to be looked at, ascending by id.
fn candidates(view: &View<'_>, model: &Model, domain: &Domain) -> Vec<i64> {
    let (mut from, mut to) = (i64::MIN, i64::MAX);
    let since = domain.written_from();
    for term in domain.certain() {
        let Domain::Term { path, operator, value } = term else { continue };
        match (path.as_str(), operator.as_str(), value) {
            ("id", "in", Json::Array(list)) => {
                let mut ids: Vec<i64> = list.iter().filter_map(Json::as_i64).collect();
                ids.sort_unstable();
                ids.dedup();
                return ids;
            }
            ("id", operator, Json::Number(number)) => {
                let Some(number) = number.as_i64() else { continue };
                match operator {
                    "=" => (from, to) = (from.max(number), to.min(number)),
                    ">" => from = from.max(number.saturating_add(1)),
                    ">=" => from = from.max(number),
                    "<" => to = to.min(number.saturating_sub(1)),
                    "<=" => to = to.min(number),
                    _ => {}
                }
            }
            (path, "=", Json::Number(number)) if view.store.is_indexed(model.name, path) => {
                if let (Some(target), Some(field)) = (number.as_i64(), model.field(path)) {
                    return view.referring(model.name, field.name, target);
                }
            }
            _ => {}
        }
    }
    match since {
        Some(since) => {
            let mut ids = view.store.written_since(view.tx, model.name, since);
            ids.retain(|id| (from..=to).contains(id));
            ids
        }
        None => view.store.candidates(view.tx, model.name, from, to),
    }
}

/// An order of records.
struct Order {
    by: Vec<(String, Way)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

impl Order {
    fn parse(view: &View<'_>, model: &Model, text: &str) -> Result<Self, Failure> {
        let mut by = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let mut words = part.split_whitespace();
            let name = words.next().unwrap_or_default();
            let way = if words.next().is_some_and(|word| word.eq_ignore_ascii_case("desc")) { Way::Down } else { Way::Up };
            view.field(model, name)?;
            by.push((name.to_owned(), way));
        }
        Ok(Self { by })
    }

    /// Whether candidates are in this order already.
    fn is_by_id(&self) -> bool {
        self.by.first().is_none_or(|(name, way)| name == "id" && *way == Way::Up)
    }

    /// Whether the order is that of the last changes, the ids telling apart what was written at once.
    fn is_by_time(&self) -> bool {
        match self.by.as_slice() {
            [(time, Way::Up)] => time == "write_date",
            [(time, Way::Up), (id, Way::Up)] => time == "write_date" && id == "id",
            _ => false,
        }
    }

    fn key(&self, view: &View<'_>, model: &Model, id: i64, record: &super::store::Record) -> Vec<Value> {
        if self.is_by_id() {
            return Vec::new();
        }
        let value = |(name, _): &(String, Way)| {
            let field = model.field(name)?;
            let value = view.value(model, id, record, field);
            Some(match &field.kind {
                Kind::Many2one(target) => super::value::text(&view.name(target, value.int())),
                _ => value,
            })
        };
        self.by.iter().map(|by| value(by).unwrap_or_default()).collect()
    }

    fn compare(&self, left: &[Value], right: &[Value]) -> Ordering {
        for ((left, right), (_, way)) in left.iter().zip(right).zip(&self.by) {
            let order = compared(left, right);
            let order = if *way == Way::Down { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }
}

fn compared(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        (Value::Float(_), _) | (_, Value::Float(_)) => left.float().total_cmp(&right.float()),
        (Value::Text(_), _) => Ordering::Less,
        (_, Value::Text(_)) => Ordering::Greater,
        _ => left.int().cmp(&right.int()),
    }
}
