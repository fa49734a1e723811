//! What contracts say of messages, and what is said of wrong contracts.

use model::diagnostic::Place;
use serde_json::json;

use super::*;
use crate::decode::decode;
use crate::{Findings, SourceFile};

/// The contract of a text, with what is wrong with it as codes and marked parts.
pub(crate) fn contract(yaml: &str) -> (Contract, Vec<(u16, String)>) {
    let files = [SourceFile::new("contracts/test/1.0.0.yaml", yaml)];
    let mut findings = Findings::over(&files);
    let objects = decode(&files, &mut findings);
    let spec = objects.contracts.values().next().unwrap_or_else(|| panic!("{:?}", findings.into_sorted()));
    let (contract, wrong) = Contract::new(spec);
    let part = |found: &Diagnostic| match &found.place {
        Place::File { span, .. } => yaml.get(span.start as usize..span.end as usize).unwrap().to_owned(),
        other => format!("{other:?}"),
    };
    let of_schema = contract.check_schema();
    let rest = if of_schema.is_empty() { contract.check_rest(spec) } else { Vec::new() };
    let found = wrong.into_iter().chain(of_schema).chain(rest);
    let shown = found.map(|found| (found.code.0, part(&found))).collect();
    (contract, shown)
}

const ORDER: &str = r##"
owner: team
identifiers: { order: .name, customer: .customer.id, tracking: .tracking }
ordering: .id
correlation: .name
time: .updated_at
repeat: transition
classification: restricted
schema:
  type: object
  required: [id, name]
  properties:
    id: { type: integer }
    name: { type: string, minLength: 2, maxLength: 8, pattern: "^[A-Z]" }
    customer: { $ref: "#/$defs/customer" }
    tracking: { type: array, items: { type: string }, maxItems: 3 }
    updated_at: { type: string, format: date-time }
    state: { enum: [open, paid] }
    total: { type: number, exclusiveMinimum: 0, multipleOf: 0.01 }
    party:
      oneOf:
        - { type: object, required: [gln], properties: { gln: { type: string } } }
        - { type: object, required: [duns, country], properties: { duns: { type: string }, country: { type: string } } }
  $defs:
    customer: { type: object, additionalProperties: false, properties: { id: { type: integer } } }
examples:
  - { id: 1, name: S00042, customer: { id: 7 } }
"##;

#[test]
fn a_contract_tells_what_it_is() {
    let (contract, wrong) = contract(ORDER);
    assert_eq!(wrong, []);
    assert_eq!(
        (contract.repeat, contract.classification, contract.lifecycle),
        (Repeatable::Transition, Classification::Restricted, Lifecycle::Approved)
    );
    assert_eq!((contract.reference.as_str(), contract.kind.as_str()), ("test@1.0.0", "test"));
    assert!(contract.has_ordering());
}

#[test]
fn what_a_message_breaks_is_told_by_pointer_and_family() {
    let (contract, _) = contract(ORDER);
    for (data, expected) in [
        (json!({"id": 1, "name": "S1"}), vec![]),
        (json!({"id": 1, "name": "S1", "more": 1}), vec![]),
        (json!({"id": 1, "name": "S1", "updated_at": "yesterday"}), vec![]),
        (json!({"name": "S1"}), vec![(701, "/id", "`id` is missing")]),
        (json!({"id": "1", "name": "S1"}), vec![(702, "/id", "expected integer, seen string \"1\"")]),
        (
            json!({"id": 1.5, "name": null}),
            vec![(702, "/id", "expected integer, seen number 1.5"), (702, "/name", "expected string, seen null")],
        ),
        (
            json!({"id": 1, "name": "S1", "state": "lost"}),
            vec![(703, "/state", "expected one of \"open\", \"paid\", seen string \"lost\"")],
        ),
        (json!({"id": 1, "name": "S"}), vec![(704, "/name", "expected at least 2 characters, seen 1: \"S\"")]),
        (json!({"id": 1, "name": "S1", "total": 0}), vec![(704, "/total", "expected more than 0, seen number 0")]),
        (
            json!({"id": 1, "name": "S1", "tracking": ["a", "b", "c", "d"]}),
            vec![(704, "/tracking", "expected at most 3 items, seen a list of 4 items")],
        ),
        (json!({"id": 1, "name": "s1"}), vec![(705, "/name", "expected a text that fits `^[A-Z]`, seen string \"s1\"")]),
        (
            json!({"id": 1, "name": "S1", "customer": {"id": 1, "a/b": 2}}),
            vec![(706, "/customer/a~1b", "`a/b` is not allowed here")],
        ),
        (
            json!({"id": 1, "name": "S1", "party": {"country": "DE"}}),
            vec![(707, "/party", "none of the 2 alternatives fits, seen an object of 1 member")],
        ),
        (json!([]), vec![(702, "", "expected object, seen a list of 0 items")]),
    ] {
        let found = contract.validate(&data);
        let shown: Vec<_> = found
            .iter()
            .map(|found| match &found.place {
                Place::Pointer(pointer) => (found.code.0, pointer.as_str(), found.message.as_str()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(shown, expected, "{data}");
    }
}

#[test]
fn reasons_are_limited_and_long_values_are_cut() {
    let (contract, _) = contract("owner: t\nschema: { type: array, items: { type: integer } }\n");
    let many = contract.validate(&json!(vec!["x"; 100]));
    assert_eq!(many.len(), model::limit::REASONS_MAX);
    let enormous = contract.validate(&json!(vec!["x"; 50_000]));
    assert_eq!(enormous.len(), 1);
    let long = contract.validate(&json!(["x".repeat(500)]));
    assert!(long[0].message.len() < 160, "{}", long[0].message);
}

const SHIPMENT: &str = r#"
owner: team
identifiers:
  tracking: split(string(.tracking) ?? "", r'[,;+\s]+')
  lot: 'map_values(array(.lines) ?? []) -> |line| { line.lot || line.new_lot }'
  name: downcase(string(.name) ?? "")
schema:
  type: object
  properties:
    name: { type: string }
    tracking: { type: [string, "null"] }
    lines: { type: array, items: { type: object, properties: { lot: { type: string }, new_lot: { type: string } } } }
"#;

#[test]
fn an_identifier_may_be_an_expression_that_answers_texts() {
    let (contract, wrong) = contract(SHIPMENT);
    assert_eq!(wrong, []);
    let found = |body: &str| -> Vec<String> {
        let found = contract.identifiers(&Data::json_bytes(body.as_bytes()));
        found.into_iter().map(|id| format!("{}={}", id.scheme, id.value)).collect()
    };
    let body = r#"{"name":"OUT/1","tracking":"1Z1, 1Z2;1Z1,","lines":[{"lot":"A"},{},{"new_lot":"B"}]}"#;
    assert_eq!(found(body), ["tracking=1Z1", "tracking=1Z2", "lot=A", "lot=B", "name=out/1"]);
    assert_eq!(found(r#"{"tracking":null}"#), Vec::<String>::new());
    assert_eq!(found("[]"), Vec::<String>::new());
}

#[test]
fn an_identifier_that_may_fail_or_reads_what_is_not_there_is_refused() {
    for (expression, code, part) in [
        ("upcase(.name)", 304, ".name"),
        ("upcase!(.name)", 315, "upcase!(.name)"),
        ("downcase(string(.nmae) ?? \"\")", 330, ".nmae"),
        ("downcase(%type)", 405, "%type"),
        ("now()", 310, "now"),
        ("{\"a\": is_null(.name)}", 307, "is_null(.name)"),
    ] {
        let yaml = SHIPMENT.replace("downcase(string(.name) ?? \"\")", &format!("'{expression}'"));
        let (_, wrong) = contract(&yaml);
        assert!(wrong.iter().any(|(found, at)| *found == code && at.contains(part)), "{expression}: {wrong:?}");
    }
}

#[test]
fn of_an_identifier_that_is_too_long_the_digest_is_kept() {
    let (contract, _) = contract(ORDER);
    let long = "S".repeat(IDENTIFIER_BYTES_MAX + 1);
    let body = format!(r#"{{"name":"{long}"}}"#);
    let found = contract.identifiers(&Data::json_bytes(body.as_bytes()));
    let expected = bounded(long, IDENTIFIER_BYTES_MAX);
    assert_eq!(found.into_iter().map(|it| it.value).collect::<Vec<_>>(), [expected]);
}

#[test]
fn identifiers_keys_and_time_are_texts_of_the_message() {
    let (contract, _) = contract(ORDER);
    let data = Data::json_bytes(
        br#"{"id":820982911946154508,"name":"S00042","customer":{"id":115310627314723954},"tracking":["1Z1","1Z2","1Z1",""],"updated_at":"2026-03-01T10:00:00+01:00"}"#,
    );
    let identifiers: Vec<_> =
        contract.identifiers(&data).into_iter().map(|id| format!("{}={}", id.scheme, id.value)).collect();
    assert_eq!(identifiers, ["order=S00042", "customer=115310627314723954", "tracking=1Z1", "tracking=1Z2"]);
    assert_eq!(contract.ordering(&data).as_deref(), Some("820982911946154508"));
    assert_eq!(contract.correlation(&data).as_deref(), Some("S00042"));
    assert_eq!(contract.time(&data).map(|time| time.to_string()).as_deref(), Some("2026-03-01T09:00:00Z"));
    let empty = Data::json_bytes(br#"{"name":"","updated_at":"2026-03-01T10:00:00"}"#);
    assert_eq!(
        (contract.identifiers(&empty), contract.ordering(&empty), contract.correlation(&empty), contract.time(&empty)),
        (vec![], None, None, None)
    );
}

#[test]
fn wrong_contracts_are_marked_where_they_are_wrong() {
    for (yaml, expected) in [
        ("schema: { type: objekt }", vec![(401, "type")]),
        ("schema: { properties: { a: { minLength: -1 } } }", vec![(401, "minLength")]),
        ("schema: { properties: { a: { pattern: '(' } } }", vec![(401, "pattern")]),
        ("schema: { $ref: 'https://example.com/a.json' }", vec![(402, "$ref")]),
        ("schema: { $ref: 'other.json#/$defs/a' }", vec![(402, "$ref")]),
        ("schema: { properties: { a: { $ref: '#/$defs/a' } } }", vec![(403, "$ref")]),
        ("schema: { properties: { a: { $ref: '#a' } } }", vec![(403, "$ref")]),
        ("schema: { properties: { $ref: { type: string } } }", vec![]),
        ("schema: { const: { $ref: 'x' } }", vec![]),
        ("schema: { $schema: 'http://json-schema.org/draft-07/schema#' }", vec![(404, "$schema")]),
        ("schema: { $schema: 'https://json-schema.org/draft/2020-12/schema' }", vec![]),
        ("identifiers: { order: name }\nschema: { }", vec![(311, "name")]),
        ("identifiers: { order: .nmae }\nschema: { properties: { name: { type: string } } }", vec![(405, ".nmae")]),
        (
            "identifiers: { order: .nmae }\nschema: { additionalProperties: true, properties: { name: { type: string } } }",
            vec![],
        ),
        ("identifiers: { order: .name.x }\nschema: { properties: { name: { type: string } } }", vec![(405, ".name.x")]),
        ("ordering: .a\nschema: { properties: { a: { type: object } } }", vec![(405, ".a")]),
        (
            "time: .a[0].b\nschema: { properties: { a: { type: array, items: { properties: { c: {} } } } } }",
            vec![(405, ".a[0].b")],
        ),
        ("schema: { required: [a] }\nexamples: [{ a: 1 }, { b: 2 }]", vec![(406, "{ b: 2 }")]),
        ("schema: { properties: { a: { type: string } } }\nexamples: [{ a: 1 }]", vec![(406, "a")]),
    ] {
        let yaml = format!("owner: team\n{yaml}\n");
        let (_, found) = contract(&yaml);
        let found: Vec<_> = found.iter().map(|(code, part)| (*code, part.as_str())).collect();
        assert_eq!(found, expected, "{yaml}");
    }
}

#[test]
fn a_slip_in_a_path_finds_the_declared_member() {
    let files = [SourceFile::new(
        "contracts/test/1.0.0.yaml",
        "owner: t\nidentifiers: { order: .custmer.id }\nschema: { properties: { customer: { properties: { id: {} } } } }\n",
    )];
    let mut findings = Findings::over(&files);
    let objects = decode(&files, &mut findings);
    let spec = objects.contracts.values().next().unwrap();
    let found = Contract::new(spec).0.check_rest(spec);
    assert_eq!(found[0].message, "test@1.0.0 has no `.custmer`");
    assert_eq!(found[0].help, "did you mean `customer`?");
    let Place::File { span, .. } = &found[0].related[0].place else { panic!("a place in the file") };
    assert_eq!(files[0].text.get(span.start as usize..span.end as usize), Some("customer"));
}

#[test]
fn a_walk_in_a_schema_is_kind_only_where_the_schema_is_open() {
    let schema = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
            "free": {"type": "object"},
            "open": {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "string"}},
            "closed": {"type": "object", "additionalProperties": false},
            "pair": {"prefixItems": [{"type": "string"}, {"type": "object", "properties": {"b": {}}}], "items": false},
            "either": {"oneOf": [{"properties": {"x": {}}}, {"type": "null"}]},
            "both": {"allOf": [{"properties": {"x": {}}}, {"properties": {"y": {}}}]},
            "if": {"if": {}, "then": {"properties": {"t": {}}}},
            "self": {"$ref": "#"},
            "never": false
        },
        "$defs": {"line": {"type": "object", "properties": {"sku": {"type": "string"}, "line": {"$ref": "#/$defs/line"}}}}
    });
    let root = Schema::root(&schema);
    for (path, expected) in [
        (".", "declared"),
        (".name", "declared"),
        (".nam", "lacking"),
        (".name.x", "lacking"),
        (".name[0]", "lacking"),
        (".lines[0].sku", "declared"),
        (".lines[-1].line.line.sku", "declared"),
        (".lines[0].skuu", "lacking"),
        (".lines.sku", "lacking"),
        (".free.x", "open"),
        (".free.x.y[1]", "open"),
        (".open.b", "open"),
        (".closed.b", "lacking"),
        (".pair[1].b", "declared"),
        (".pair[0].b", "lacking"),
        (".pair[2]", "lacking"),
        (".either.x", "declared"),
        (".either.y", "lacking"),
        (".both.x", "declared"),
        (".both.y", "declared"),
        (".both.z", "lacking"),
        (".if.t", "declared"),
        (".self.self.name", "declared"),
        (".never", "lacking"),
    ] {
        let found = match root.follow(&path.parse().unwrap()) {
            Found::Declared(_) => "declared",
            Found::Open => "open",
            Found::Lacking(_) => "lacking",
        };
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn types_for_the_compiler_are_never_narrower_than_the_schema() {
    let schema = json!({
        "type": "object",
        "required": ["name", "customer", "mixed"],
        "properties": {
            "name": {"type": "string"},
            "note": {"type": "string"},
            "count": {"type": ["integer", "null"]},
            "total": {"type": "number"},
            "customer": {"$ref": "#/$defs/customer"},
            "mixed": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "state": {"enum": ["a", null]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "loose": {"minLength": 1}
        },
        "$defs": {"customer": {"type": "object", "required": ["first"], "properties": {"first": {"type": "string"}, "last": {"type": "string"}}}}
    });
    let at = |path: &str| kinds::kind_at(&[Schema::root(&schema)], path.parse::<Path>().unwrap().segments());
    assert_eq!(at(".name"), Kind::bytes());
    assert_eq!(at(".note"), Kind::bytes().or_undefined());
    assert_eq!(at(".count"), Kind::integer().or_null().or_undefined());
    assert_eq!(at(".total"), Kind::integer().or_float().or_undefined());
    assert_eq!(at(".customer.first"), Kind::bytes());
    assert_eq!(at(".customer.last"), Kind::bytes().or_undefined());
    assert_eq!(at(".mixed"), Kind::bytes().or_integer());
    assert_eq!(at(".state"), Kind::bytes().or_null().or_undefined());
    assert_eq!(at(".tags[0]"), Kind::bytes().or_undefined());
    let recursive = json!({"type": "object", "properties": (0..50).map(|no| (format!("p{no}"), json!({"$ref": "#"}))).collect::<serde_json::Map<_, _>>()});
    assert!(kinds::kind_at(&[Schema::root(&recursive)], &[]).contains_object());
    assert!(at(".loose").is_any() && at(".unknown").is_any());
    assert!(at(".tags").contains_array() && !at(".tags").contains_bytes());
}
