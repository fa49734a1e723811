//! What must become of an event, computed from the drawn project alone: which flows take it, in which lane, as which body.

use model::Event;
use serde_json::{Map, Value};

use super::{Filter, Flow, Lane, Mapping, Project};

/// The body that a destination must get.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpectedBody {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A JSON text of this value.
    Json(Value),
    /// None: the mapping refuses the event.
    Refused,
}

/// The flows that take an event, in the order of the project.
pub fn selected<'a>(project: &'a Project, event: &'a Event) -> impl Iterator<Item = &'a Flow> {
    project.flows.iter().filter(|flow| takes(flow, event))
}

fn takes(flow: &Flow, event: &Event) -> bool {
    let kind = event.kind.as_str();
    let fits = |wanted: &String| wanted.strip_suffix('*').map_or(kind == wanted, |prefix| kind.starts_with(prefix));
    let from_source = flow.source.as_ref().is_none_or(|name| name == event.source.as_str());
    flow.types.iter().any(fits) && from_source && passes(&flow.filter, &data_of(event))
}

fn passes(filter: &Filter, data: &Value) -> bool {
    let region = data.get("region").and_then(Value::as_str);
    match filter {
        Filter::All => true,
        Filter::Region(wanted) => region == Some(wanted),
        Filter::NotRegion(other) => region != Some(other),
    }
}

/// The key of the lane that an event takes in a flow.
pub fn lane_of(flow: &Flow, event: &Event) -> Option<String> {
    match flow.lane {
        Lane::Ordering => event.ordering.clone(),
        Lane::Region => data_of(event).get("region").and_then(Value::as_str).map(str::to_owned),
        Lane::None => None,
    }
}

/// The body that a flow makes of an event.
pub fn body_of(flow: &Flow, event: &Event) -> ExpectedBody {
    match &flow.mapping {
        None => ExpectedBody::Bytes(event.data().into_owned()),
        Some(mapping) => mapped(mapping, &data_of(event)),
    }
}

fn mapped(mapping: &Mapping, data: &Value) -> ExpectedBody {
    let field = |name: &str| data.get(name).cloned().unwrap_or(Value::Null);
    if !field("total").is_i64() {
        return ExpectedBody::Refused;
    }
    let mut body = Map::new();
    body.insert("orderId".to_owned(), field("order"));
    body.insert("region".to_owned(), field("region"));
    body.insert("total".to_owned(), field("total"));
    body.insert("revision".to_owned(), Value::from(format!("r{}", mapping.revision)));
    match field("note") {
        Value::String(note) => {
            body.insert("note".to_owned(), Value::String(note));
        }
        _ if mapping.needs_note => return ExpectedBody::Refused,
        _ => {}
    }
    let lines = field("lines").as_array().cloned().unwrap_or_default();
    body.insert("lines".to_owned(), lines.iter().map(line).collect());
    ExpectedBody::Json(Value::Object(body))
}

fn line(line: &Value) -> Value {
    let field = |name: &str| line.get(name).cloned().unwrap_or(Value::Null);
    serde_json::json!({ "sku": field("sku"), "amount": field("qty") })
}

fn data_of(event: &Event) -> Value {
    serde_json::from_slice(&event.data()).unwrap_or(Value::Null)
}
