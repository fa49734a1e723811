//! What a validation may cost: contracts whose parts multiply are refused by the check, and where one is in force all the
//! same, the count ends it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;

use super::effort::Effort;
use super::spread::{Spread, spread};
use super::tests::contract;
use super::*;

/// A type with two alternatives, each of which has it again.
const MULTIPLIES: &str = r##"
schema:
  $ref: "#/$defs/node"
  $defs:
    node: { anyOf: [{ $ref: "#/$defs/a" }, { $ref: "#/$defs/b" }] }
    a: { type: object, properties: { child: { $ref: "#/$defs/node" }, leaf: { type: string } } }
    b: { type: object, properties: { child: { $ref: "#/$defs/node" }, leaf: { type: boolean } } }
"##;

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!({"leaf": 1}), |child, _| json!({"child": child}))
}

/// Steps of a request in most of these, where so many prove as much as all that one has.
const FEW_STEPS: usize = 50_000;
/// Far more than it takes in a build without optimisation on a busy machine, far less than what it took without the count.
const SOON: Duration = Duration::from_secs(20);

fn validate_with_few_steps(contract: &Contract, data: &Value) -> Vec<Code> {
    contract.validate_within(data, &mut Effort::of(FEW_STEPS)).iter().map(|broken| broken.code).collect()
}

#[test]
fn a_small_event_of_many_levels_is_not_tried_without_end() {
    let (contract, _) = contract(MULTIPLIES);
    for depth in [24, 60] {
        let began = Instant::now();
        assert_eq!(validate_with_few_steps(&contract, &nested(depth)), [codes::TOO_COSTLY], "{depth}");
        assert!(began.elapsed() < SOON, "{depth}: {:?}", began.elapsed());
    }
}

#[test]
fn with_few_levels_all_that_is_wrong_is_still_told() {
    let (contract, _) = contract(MULTIPLIES);
    assert_eq!(contract.validate(&json!({"child": {"leaf": "a"}})), []);
    let broken = contract.validate(&nested(2));
    assert_eq!(broken.iter().map(|broken| broken.code).collect::<Vec<_>>(), [codes::NO_ALTERNATIVE]);
}

fn codes_of(contract: &Contract, data: &Value) -> Vec<Code> {
    contract.validate(data).iter().map(|broken| broken.code).collect()
}

/// No part of this multiplies, and each mistake in an alternative has a copy of all that is below it: gigabytes of a body of 40 kB.
#[test]
fn a_mistake_that_copies_much_is_not_written_down_for_every_level() {
    let missing = |letter: char| (1..=20).map(|n| format!("{letter}{n}")).collect::<Vec<_>>().join(", ");
    let yaml = format!(
        "schema:\n  $ref: '#/$defs/node'\n  $defs:\n    node:\n      properties: {{ child: {{ $ref: '#/$defs/node' }}, items: {{ type: \
         array }} }}\n      anyOf: [{{ required: [{}] }}, {{ required: [{}] }}]\n",
        missing('a'),
        missing('b'),
    );
    let (contract, wrong) = contract(&yaml);
    assert_eq!(wrong, []);
    assert!(contract.validator().is_ok_and(|ready| !ready.is_counted()));
    let nested =
        |items: usize, levels: usize| (0..levels).fold(json!({"items": vec![1; items]}), |child, _| json!({"child": child}));
    assert_eq!(codes_of(&contract, &nested(19_900, 58)), [codes::TOO_COSTLY]);
    // With less to copy the innermost is told, and with little all of them.
    assert_eq!(codes_of(&contract, &nested(2_000, 58)), [codes::NO_ALTERNATIVE]);
    assert_eq!(codes_of(&contract, &nested(10, 5)), [codes::NO_ALTERNATIVE; 6]);
}

#[test]
fn where_all_mistakes_are_too_many_the_first_is_told() {
    let names = (1..=20).map(|n| format!("m{n}")).collect::<Vec<_>>().join(", ");
    let (lines, _) = contract(&format!("schema: {{ items: {{ required: [{names}] }} }}\n"));
    assert_eq!(codes_of(&lines, &json!(vec![json!({}); 10_000])), [codes::FIELD_MISSING]);
    // A mistake says where it is, and that can be most of the body.
    let (names, _) = contract(&format!("schema: {{ required: [{names}], additionalProperties: {{ $ref: '#' }} }}\n"));
    let long = (0..50).fold(json!({}), |inner, n| json!({format!("{n}{}", "x".repeat(10_000)): inner}));
    assert_eq!(codes_of(&names, &long), [codes::FIELD_MISSING]);
    // And of a fixed list it repeats all that would have been right.
    let listed = (0..500).map(|n| format!("code-{n}")).collect::<Vec<_>>().join(", ");
    let (fixed, _) = contract(&format!("schema: {{ items: {{ enum: [{listed}] }} }}\n"));
    assert_eq!(codes_of(&fixed, &json!(vec!["x"; 10_000])), [codes::NOT_ALLOWED]);
}

#[test]
fn of_a_large_event_with_few_mistakes_all_are_told() {
    let fields = (0..20).map(|n| format!("f{n}: {{ anyOf: [{{ type: string }}, {{ type: 'null' }}] }}")).collect::<Vec<_>>();
    let (contract, _) = contract(&format!(
        "schema: {{ properties: {{ lines: {{ items: {{ required: [f0], properties: {{ {} }}, additionalProperties: false }} }} }} }}\n",
        fields.join(", ")
    ));
    let line = |of: usize| -> Value {
        let member = |n: usize| (format!("f{n}"), if of.is_multiple_of(100) && n == 3 { json!(1) } else { json!("text") });
        Value::Object((0..20).map(member).collect())
    };
    let data = json!({"lines": (0..1_000).map(line).collect::<Vec<_>>()});
    assert_eq!(codes_of(&contract, &data), [codes::NO_ALTERNATIVE; 10]);
}

/// Nothing recurs here, but each part refers twice to the next, at the same value.
#[test]
fn parts_that_refer_twice_to_the_next_end_too() {
    let mut yaml = "schema:\n  $ref: '#/$defs/p0'\n  $defs:\n    p30: { type: object }\n".to_owned();
    for at in 0..30 {
        let next = at + 1;
        writeln!(yaml, "    p{at}: {{ allOf: [{{ $ref: '#/$defs/p{next}' }}, {{ $ref: '#/$defs/p{next}' }}] }}").unwrap();
    }
    let (contract, wrong) = contract(&yaml);
    assert_eq!(wrong, []);
    let began = Instant::now();
    assert_eq!(validate_with_few_steps(&contract, &json!({})), [codes::TOO_COSTLY]);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[test]
fn the_events_of_a_request_share_what_they_may_cost_and_each_has_a_little() {
    let (contract, _) = contract(MULTIPLIES);
    let mut effort = Effort::of(FEW_STEPS);
    let mut codes = |data: &Value| -> Vec<Code> {
        contract.validate_within(data, &mut effort).iter().map(|broken| broken.code).collect()
    };
    for _ in 0..20 {
        assert_eq!(codes(&nested(60)), [codes::TOO_COSTLY]);
    }
    assert_eq!(codes(&json!({"child": {"child": {"leaf": "a"}}})), []);
    assert_eq!(codes(&json!({"child": {"leaf": 1}})), [codes::NO_ALTERNATIVE]);
}

/// One of them that goes through a whole list for each of its items uses up what all have; a path costs nothing.
#[test]
fn expressions_that_find_identifiers_share_their_steps_and_end() {
    let loops = r#""for_each(array(.a) ?? []) -> |_i, v| { includes(array(.a) ?? [], v) }; \"x\"""#;
    let rows: Vec<String> = (0..20).map(|n| format!("  loop-{n}: {loops}\n")).collect();
    let yaml = format!("identifiers:\n  name: .name\n{}schema: {{ type: object }}\n", rows.concat());
    let (contract, wrong) = contract(&yaml);
    assert_eq!(wrong, []);
    let body = json!({"name": "S1", "a": (0..60_000).collect::<Vec<_>>()}).to_string();
    let (data, mut effort) = (Data::json_bytes(body.as_bytes()), Effort::of_one_request());
    let began = Instant::now();
    let found = contract.identifiers_within(&data, &mut effort);
    assert_eq!(found.iter().map(|found| found.value.as_str()).collect::<Vec<_>>(), ["S1"]);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[test]
fn the_check_says_where_alternatives_multiply() {
    let (_, wrong) = contract(MULTIPLIES);
    assert_eq!(wrong, [(408, "child".to_owned())]);
}

#[test]
fn a_schema_is_counted_only_where_its_parts_multiply() {
    let defined = |node: Value| json!({"$ref": "#/$defs/n", "$defs": {"n": node}});
    let again = || json!({"$ref": "#/$defs/n"});
    for (what, node, expected) in [
        ("a list of itself", json!({"properties": {"parts": {"items": again()}}}), "few"),
        ("a tree of two branches", json!({"properties": {"left": again(), "right": again()}}), "few"),
        ("one way back beside a leaf", json!({"anyOf": [{"type": "string"}, {"items": again()}]}), "few"),
        (
            "alternatives with members of different names",
            json!({"oneOf": [
                {"properties": {"and": {"items": again()}}, "required": ["and"], "additionalProperties": false},
                {"properties": {"or": {"items": again()}}, "required": ["or"], "additionalProperties": false},
                {"properties": {"not": again()}, "required": ["not"], "additionalProperties": false},
            ]}),
            "few",
        ),
        (
            "a member declared once beside the alternatives",
            json!({"properties": {"child": again()}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}),
            "few",
        ),
        (
            "the rest of what one way back looked at",
            json!({"anyOf": [{"properties": {"child": again()}}], "unevaluatedProperties": false}),
            "many",
        ),
        ("two ways back", json!({"anyOf": [{"items": again()}, {"items": again()}]}), "grows"),
        (
            "a name of its own and all names",
            json!({"properties": {"a": again()}, "patternProperties": {".": again()}}),
            "grows",
        ),
        (
            "conditions",
            json!({"allOf": [
                {"if": {"required": ["a"]}, "then": {"properties": {"child": again()}}},
                {"if": {"required": ["b"]}, "then": {"properties": {"child": again()}}},
            ]}),
            "grows",
        ),
        ("one part twice", json!({"allOf": [{"properties": {"c": {"allOf": [again(), again()]}}}]}), "grows"),
        ("nothing but itself", again(), "few"),
        ("what leads nowhere", json!({"$ref": "#/$defs/other"}), "many"),
    ] {
        let seen = match spread(&defined(node)) {
            Spread::Few => "few",
            Spread::Many => "many",
            Spread::Grows { .. } => "grows",
        };
        assert_eq!(seen, expected, "{what}");
    }
    assert_eq!(spread(&json!({"anyOf": [{"const": 1}, {"const": 2}]})), Spread::Few);
}

#[test]
fn a_contract_without_recursion_is_not_counted() {
    let (contract, _) = contract("schema: { type: object, properties: { id: { type: integer } } }\n");
    assert!(contract.validator().is_ok_and(|ready| !ready.is_counted()));
}

/// The counting keyword changes no answer, whatever the schema says under data or names that look like keywords.
#[test]
fn what_is_counted_is_judged_as_before() {
    let schema = json!({
        "type": "object",
        "properties": {
            "properties": {"properties": {"const": {"type": "integer"}}},
            "kind": {"enum": [{"a": 1}, ["x"]]},
            "fixed": {"const": {"properties": {"a": {}}}},
            "items": {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": true},
        },
        "additionalProperties": false,
    });
    let plain = jsonschema::draft202012::new(&schema).unwrap();
    let counted = jsonschema::draft202012::options()
        .with_keyword(counting::KEYWORD, counting::asked)
        .build(&counting::with_keyword(&schema))
        .unwrap();
    for data in [
        json!({"properties": {"const": 1}, "kind": {"a": 1}, "fixed": {"properties": {"a": {}}}, "items": ["a"]}),
        json!({"properties": {"const": "1"}}),
        json!({"kind": {"a": 2}}),
        json!({"fixed": {"properties": {}}}),
        json!({"items": []}),
        json!({"items": ["a", "a"]}),
        json!({"other": 1}),
        json!([]),
    ] {
        let said = |validator: &jsonschema::Validator| -> Vec<String> {
            validator.iter_errors(&data).map(|error| format!("{} {error}", error.instance_path())).collect()
        };
        assert_eq!(said(&counted), said(&plain));
    }
}
