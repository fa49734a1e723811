//! From a schema to the types of the expression language. Never narrower than what the schema allows, so that what the
//! compiler takes for certain is certain; where the schema is involved, the answer is anything.

use std::collections::BTreeMap;

use serde_json::Value;
use vrl::value::Kind;
use vrl::value::kind::{Collection, Field};

use super::schema::{Part, Schema};
use crate::expression::{Segment, from_json};

/// LIMIT: levels that are told; below that it is anything. The compiler copies types often.
const DEPTH_MAX: usize = 5;
/// LIMIT: types that are told of one path together, for the same reason.
const TYPES_MAX: usize = 500;

/// What may still be told.
struct Told {
    depth: usize,
    left: usize,
}

impl Told {
    /// One level deeper.
    fn below(&mut self, tell: impl FnOnce(&mut Self) -> Kind) -> Kind {
        self.depth -= 1;
        let kind = tell(self);
        self.depth += 1;
        kind
    }
}

/// The type of what a path leads to from parts that all hold.
pub(super) fn kind_at(from: &[Schema<'_>], path: &[Segment]) -> Kind {
    let mut present: Vec<Schema<'_>> = from.to_vec();
    let mut may_be_absent = false;
    for segment in path {
        let certain: Vec<Schema<'_>> = present.iter().flat_map(certain_parts).collect();
        let next: Vec<Schema<'_>> = match segment {
            Segment::Field(name) => {
                let always = certain.iter().any(|part| part.required().any(|required| required == name));
                may_be_absent |= !always || !certain.iter().any(|part| part.types() == ["object"]);
                certain.iter().filter_map(|part| part.property(name)).collect()
            }
            Segment::Index(index) => {
                may_be_absent = true;
                certain.iter().filter_map(|part| part.item(*index)).collect()
            }
        };
        if next.is_empty() {
            return Kind::any();
        }
        present = next;
    }
    let kind = all_hold(&present, &mut Told { depth: DEPTH_MAX, left: TYPES_MAX });
    if may_be_absent { kind.or_undefined() } else { kind }
}

fn certain_parts<'s>(schema: &Schema<'s>) -> Vec<Schema<'s>> {
    schema.parts().into_iter().filter(|part| part.certain).map(|part| part.schema).collect()
}

/// Any of them bounds the value; the first that says something is taken.
fn all_hold(schemas: &[Schema<'_>], told: &mut Told) -> Kind {
    schemas.iter().map(|schema| kind(schema, told)).find(|kind| !kind.is_any()).unwrap_or_else(Kind::any)
}

fn kind(schema: &Schema<'_>, told: &mut Told) -> Kind {
    if told.depth == 0 || told.left == 0 {
        return Kind::any();
    }
    told.left -= 1;
    let parts = schema.parts();
    let said = parts.iter().filter(|part| part.certain).find_map(|part| own_kind(&part.schema, told));
    said.unwrap_or_else(|| alternatives(schema, &parts, told))
}

/// The types of `anyOf` or `oneOf`, together.
fn alternatives(schema: &Schema<'_>, parts: &[Part<'_>], told: &mut Told) -> Kind {
    for keyword in ["/oneOf/", "/anyOf/"] {
        let prefix = format!("{}{keyword}", schema.pointer);
        let direct = |part: &&Part<'_>| part.schema.pointer.strip_prefix(&prefix).is_some_and(|rest| !rest.contains('/'));
        let kinds = parts.iter().filter(direct).map(|part| told.below(|told| kind(&part.schema, told)));
        if let Some(all) = kinds.reduce(|all, one| all.union(one)) {
            return all;
        }
    }
    Kind::any()
}

/// What one part says by itself, without what it refers to.
fn own_kind(schema: &Schema<'_>, told: &mut Told) -> Option<Kind> {
    let object = schema.node.as_object()?;
    if let Some(constant) = object.get("const") {
        return Some(kind_of_value(constant));
    }
    if let Some(Value::Array(values)) = object.get("enum") {
        return values.iter().map(kind_of_value).reduce(|all, one| all.union(one));
    }
    let types = schema.types();
    let kinds = types.iter().map(|name| match *name {
        "string" => Kind::bytes(),
        "integer" => Kind::integer(),
        "number" => Kind::integer().or_float(),
        "boolean" => Kind::boolean(),
        "null" => Kind::null(),
        "object" => object_kind(schema, told),
        "array" => {
            // Items of a list with fixed places may differ by place.
            let item = if object.contains_key("prefixItems") { None } else { schema.item(0) };
            Kind::array(Collection::from_unknown(item.map_or_else(Kind::any, |item| told.below(|told| kind(&item, told)))))
        }
        _ => Kind::any(),
    });
    kinds.reduce(|all, one| all.union(one))
}

fn object_kind(schema: &Schema<'_>, told: &mut Told) -> Kind {
    let Some(members) = schema.properties().filter(|_| told.depth > 1) else {
        return Kind::object(Collection::any());
    };
    let required: Vec<&str> = schema.required().collect();
    let mut known: BTreeMap<Field, Kind> = BTreeMap::new();
    for name in members.keys() {
        let Some(member) = schema.property(name) else { continue };
        let value = told.below(|told| kind(&member, told));
        let value = if required.contains(&name.as_str()) { value } else { value.or_undefined() };
        known.insert(name.as_str().into(), value);
    }
    Kind::object(Collection::from_parts(known, Kind::any()))
}

/// Only the kind of scalar: the values inside of a constant list or object are not told.
fn kind_of_value(value: &Value) -> Kind {
    match value {
        Value::Array(_) => Kind::array(Collection::any()),
        Value::Object(_) => Kind::object(Collection::any()),
        // `1` and `1.0` are the same to a schema.
        Value::Number(_) => Kind::integer().or_float(),
        Value::Null | Value::Bool(_) | Value::String(_) => Kind::from(from_json(value)),
    }
}
