//! A part of a schema as one text in which everything that it refers to is written out and remarks to people are left out: two
//! parts with the same text demand the same.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::contract::schema::Schema;

/// LIMIT: parts that are written out; a reference in a reference multiplies them.
const PARTS_MAX: usize = 10_000;

/// Keywords that demand nothing.
const REMARKS: &[&str] = &[
    "title",
    "description",
    "examples",
    "default",
    "$comment",
    "$schema",
    "$id",
    "$defs",
    "definitions",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// What a value of a schema is.
#[derive(Clone, Copy)]
enum What {
    /// A schema, or a list of some.
    Schema,
    /// Names, each with a schema.
    Named,
    /// Data, such as the values of an `enum`.
    Data,
}

/// What stands under a keyword.
fn under(keyword: &str) -> What {
    match keyword {
        "properties" | "patternProperties" | "dependentSchemas" => What::Named,
        "enum" | "const" | "required" | "dependentRequired" => What::Data,
        _ => What::Schema,
    }
}

/// The text of what stands under a keyword of `schema`, or of a part of it; `None` where it is too large.
pub(super) fn plain(schema: &Schema<'_>, keyword: &str, node: &Value) -> Option<String> {
    let mut writing = Writing { schema, way: Vec::new(), parts: 0 };
    writing.written(node, under(keyword)).map(|value| value.to_string())
}

struct Writing<'a, 's> {
    schema: &'a Schema<'s>,
    /// The references on the way: one that leads back stays one.
    way: Vec<String>,
    parts: usize,
}

impl Writing<'_, '_> {
    fn written(&mut self, node: &Value, what: What) -> Option<Value> {
        self.parts += 1;
        if self.parts > PARTS_MAX {
            return None;
        }
        Some(match (node, what) {
            (_, What::Data) | (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => node.clone(),
            (Value::Array(items), _) => {
                Value::Array(items.iter().map(|item| self.written(item, what)).collect::<Option<_>>()?)
            }
            (Value::Object(members), _) => Value::Object(self.members(members, what)?),
        })
    }

    fn members(&mut self, members: &Map<String, Value>, what: What) -> Option<Map<String, Value>> {
        let sorted: BTreeMap<&String, &Value> = members.iter().collect();
        let mut written = Map::new();
        for (name, node) in sorted {
            let value = match (what, name.as_str()) {
                (What::Named, _) => self.written(node, What::Schema)?,
                (_, name) if REMARKS.contains(&name) => continue,
                (_, "$ref") => self.referred(node)?,
                (_, keyword) => self.written(node, under(keyword))?,
            };
            written.insert(name.clone(), value);
        }
        Some(written)
    }

    fn referred(&mut self, reference: &Value) -> Option<Value> {
        let Some(target) = reference.as_str().and_then(|reference| self.schema.referred(reference)) else {
            return Some(reference.clone());
        };
        if self.way.contains(&target.pointer) {
            return Some(reference.clone());
        }
        self.way.push(target.pointer.clone());
        let written = self.written(target.node, What::Schema);
        self.way.pop();
        written
    }
}
