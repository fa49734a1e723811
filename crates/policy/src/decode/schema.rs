//! JSON Schemas of project files for editors, made from the tables of fields: completion, hints and first mistakes while
//! typing. `check` knows more; a schema is never stricter than it.

use serde_json::{Map, Value, json};

use super::object::ObjectKind;
use super::table::{Kind, Need, Table};

/// The schema of the files of a kind (draft 7, which editors know).
pub fn schema(kind: ObjectKind) -> Value {
    let mut root = table(kind.table());
    root["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    root["title"] = json!(format!("Crossdock: {}", kind.word()));
    if kind == ObjectKind::Mapping {
        root["definitions"] = json!({
            "fields": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {
                    "anyOf": [scalar_text("a VRL expression"), table(&super::mapping::EACH), { "$ref": "#/definitions/fields" }],
                },
            },
        });
    }
    root
}

fn table(table: &Table) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in table.fields {
        let mut property = kind(&field.kind);
        property["description"] = json!(field.doc);
        properties.insert(field.name.to_owned(), property);
        match field.need {
            Need::Required | Need::RequiredBy(_) => required.push(field.name),
            Need::Optional => {}
        }
    }
    let mut schema = json!({
        "type": "object",
        "description": table.doc,
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    let one_of =
        |group: &&[&str]| json!({ "oneOf": group.iter().map(|name| json!({ "required": [name] })).collect::<Vec<_>>() });
    if !table.exactly_one.is_empty() {
        schema["allOf"] = table.exactly_one.iter().map(one_of).collect();
    }
    schema
}

fn kind(of: &Kind) -> Value {
    match of {
        Kind::Text | Kind::TextOrEmpty | Kind::HeaderValue | Kind::Expression => scalar_text(""),
        Kind::Name | Kind::SourceName | Kind::Secret => {
            json!({ "type": ["string", "number"], "pattern": "^[a-z0-9][a-z0-9._/-]*$" })
        }
        Kind::Header | Kind::SentHeader | Kind::FixedHeader => {
            json!({ "type": "string", "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" })
        }
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Duration(least, most) => {
            json!({ "type": "string", "pattern": "^([0-9]+(us|ms|s|m|h|d))+$", "examples": [least, most] })
        }
        Kind::Size(_) => {
            json!({ "type": "string", "pattern": "^[0-9]+(B|KiB|MiB)$", "examples": ["256KiB"] })
        }
        Kind::Rate => {
            json!({ "type": "string", "pattern": "^[0-9]+/(s|m|h)$", "examples": ["50/s"] })
        }
        Kind::Percent => {
            json!({ "type": "string", "pattern": "^[0-9]{1,3}%$", "examples": ["30%"] })
        }
        Kind::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Network => json!({ "type": "string", "examples": ["10.0.0.0/8"] }),
        Kind::Date => {
            json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "examples": ["2027-01-31"] })
        }
        Kind::Instant => json!({ "type": "string", "examples": ["2026-03-01T10:00:00Z"] }),
        Kind::Url => json!({ "type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://" }),
        Kind::ContractRef => {
            json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9._-]*@[0-9]+[.][0-9]+[.][0-9]+$" })
        }
        Kind::EventType | Kind::TypePattern => json!({ "type": ["string", "number"] }),
        Kind::Code => json!({ "type": "string", "pattern": "^H[0-9]{4}$" }),
        Kind::Json => json!({}),
        Kind::List(item, least) => {
            json!({ "type": "array", "items": kind(item), "minItems": least })
        }
        Kind::Map(_, value) => json!({ "type": "object", "additionalProperties": kind(value) }),
        Kind::Table(inner) => table(inner),
        Kind::ListOrTable(item, inner) => {
            json!({ "anyOf": [{ "type": "array", "items": kind(item), "minItems": 1 }, table(inner)] })
        }
        Kind::Fields => json!({ "$ref": "#/definitions/fields" }),
    }
}

fn scalar_text(description: &str) -> Value {
    let mut schema = json!({ "type": ["string", "number", "boolean"] });
    if !description.is_empty() {
        schema["description"] = json!(description);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_schema_that_is_one() {
        for kind in ObjectKind::ALL {
            assert!(jsonschema::meta::is_valid(&schema(kind)), "{kind:?}");
        }
    }

    #[test]
    fn a_reference_has_no_siblings_that_draft_7_would_drop() {
        let mapping = schema(ObjectKind::Mapping);
        assert_eq!(mapping["properties"]["fields"]["$ref"], json!("#/definitions/fields"));
        assert_eq!(mapping["properties"]["from"]["description"], json!("the contract of the event that it reads"));
    }
}
