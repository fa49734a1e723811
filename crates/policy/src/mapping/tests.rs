//! What mappings make, of what, and within which limits. Messages are in the golden corpus, `corpus/mapping`.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::expression::tests::event;
use crate::{SourceFile, check as check_project};

const FROM: &str = "
owner: t
schema:
  type: object
  required: [name]
  properties:
    name: { type: string }
    count: { type: integer }
    list: { type: array, items: { type: object, required: [sku], properties: { sku: { type: string }, parts: { type: array, items: { type: object, additionalProperties: true } } } } }
    more: { }
";
const TO: &str = "owner: t\nschema: { }\n";

/// The policy of one mapping `m` with these fields.
fn policy(fields: &str) -> Policy {
    let mapping =
        format!("owner: t\nfrom: from@1.0.0\nto: to@1.0.0\ntables:\n  t: {{ '1': one, two: 2 }}\nfields:\n{fields}\n");
    let files = [
        SourceFile::new("contracts/from/1.0.0.yaml", FROM),
        SourceFile::new("contracts/to/1.0.0.yaml", TO),
        SourceFile::new("mappings/m.yaml", mapping),
    ];
    let (policy, found) = check_project(&files);
    policy.unwrap_or_else(|| panic!("{found:?}"))
}

fn mapping(fields: &str) -> Arc<Mapping> {
    Arc::clone(policy(fields).mappings.values().next().unwrap())
}

/// The body, or the codes and messages.
fn apply(mapping: &Mapping, data: &str) -> Result<String, Vec<String>> {
    let event = event(data);
    let mapped = mapping.apply(&EventView::new(&event));
    mapped
        .map(|mapped| String::from_utf8(mapped.bytes.to_vec()).unwrap())
        .map_err(|reasons| reasons.iter().map(|reason| format!("{} {}", reason.code, reason.message)).collect())
}

#[test]
fn members_keep_the_order_of_the_file_and_optional_ones_are_left_out() {
    let mapping = mapping("  z: .name\n  a:\n    y: 1\n    b?: .more\n  none?: 'null'\n  c: 'null'\n  a2?: .count");
    assert_eq!(apply(&mapping, r#"{"name":"n","count":2}"#).as_deref(), Ok(r#"{"z":"n","a":{"y":1},"c":null,"a2":2}"#));
    assert_eq!(
        apply(&mapping, r#"{"name":"n","more":[1.50]}"#).as_deref(),
        Ok(r#"{"z":"n","a":{"y":1,"b":[1.5]},"c":null}"#)
    );
}

#[test]
fn lists_in_lists_see_their_item_and_the_whole_event() {
    let fields = "  lines?:\n    each: .list\n    fields:\n      sku: .sku\n      of: event.name\n      parts:\n        each: array(.parts) ?? []\n        fields:\n          part: .id\n          of: event.name\n          first: event.list[0].sku";
    let mapping = mapping(fields);
    let data = r#"{"name":"n","list":[{"sku":"a","parts":[{"id":1},{"id":2}]},{"sku":"b"}]}"#;
    let body = r#"{"lines":[{"sku":"a","of":"n","parts":[{"part":1,"of":"n","first":"a"},{"part":2,"of":"n","first":"a"}]},{"sku":"b","of":"n","parts":[]}]}"#;
    assert_eq!(apply(&mapping, data).as_deref(), Ok(body));
    assert_eq!(apply(&mapping, "{}").as_deref(), Ok("{}"));
}

#[test]
fn tables_answer_by_text_and_fail_with_the_value() {
    let mapping = mapping("  a: lookup!(\"t\", .count)\n  b: lookup(\"t\", .name) ?? \"unknown\"");
    assert_eq!(apply(&mapping, r#"{"count":1,"name":"two"}"#).as_deref(), Ok(r#"{"a":"one","b":2}"#));
    assert_eq!(
        apply(&mapping, r#"{"count":3,"name":"x"}"#),
        Err(vec!["H0802 `a` cannot be made: the table \"t\" has no \"3\"".to_owned()])
    );
}

#[test]
fn all_fields_that_fail_are_named() {
    let mapping = mapping("  a: string!(.more)\n  b: abort \"not for us\"\n  c: int!(.more)\n  d: .name");
    let failed = apply(&mapping, r#"{"more":null}"#).unwrap_err();
    assert_eq!(
        failed,
        [
            "H0801 `a` cannot be made: expected string, got null",
            "H0807 `b` refuses the event: not for us",
            "H0801 `c` cannot be made: expected integer, got null",
        ]
    );
    let event = event(r#"{"more":null}"#);
    let reasons = mapping.apply(&EventView::new(&event)).unwrap_err();
    assert_eq!(reasons[0].related[0].place, Place::Pointer("/more".to_owned()));
    assert_eq!(reasons[0].related[0].message, "`.more` was null");
}

#[test]
fn reasons_size_and_steps_have_limits() {
    let each = mapping("  l:\n    each: array!(.list)\n    fields: { s: 'string!(.sku)' }");
    let many = format!("{{\"list\":[{}]}}", vec!["{}"; 1000].join(","));
    assert_eq!(apply(&each, &many).unwrap_err().len(), model::limit::REASONS_MAX);

    let copies = mapping("  l:\n    each: array!(.list)\n    fields: { all: event }");
    let large = format!("{{\"name\":\"{}\",\"list\":[{}]}}", "x".repeat(100_000), vec!["{}"; 100].join(","));
    let failed = apply(&copies, &large).unwrap_err();
    assert!(failed.len() == 1 && failed[0].starts_with("H0804"), "{failed:?}");

    let slow = mapping(
        "  a: |\n    n = 0\n    r = range!(0, 100000)\n    for_each(r) -> |_i, _v| { for_each(r) -> |_j, _w| { n = n + 1 } }\n    n\n  b: 1",
    );
    let failed = apply(&slow, "{}").unwrap_err();
    assert!(failed.len() == 1 && failed[0].starts_with("H0805"), "{failed:?}");
}

#[test]
fn what_a_field_is_made_from_is_known() {
    let mapping =
        mapping("  a:\n    b: string!(.name) + %source\n  l:\n    each: .list\n    fields: { s: '[.sku, event.name]' }");
    assert_eq!(mapping.targets(), ["a.b", "l[].s"]);
    assert_eq!(mapping.sources("a.b"), ["%source", ".name"]);
    assert_eq!(mapping.sources("l[].s"), [".list[].sku", "event.name"]);
    assert_eq!(mapping.sources("l"), [".list"]);
    assert_eq!(mapping.sources("x"), [""; 0]);
}

#[test]
fn a_result_that_its_contract_refuses_names_the_field() {
    let policy = policy("  a: .name");
    let mapping = policy.mappings.values().next().unwrap();
    let files = [SourceFile::new(
        "contracts/to/1.0.0.yaml",
        "owner: t\nschema: { properties: { a: { type: string, minLength: 3 } } }\n",
    )];
    let (strict, _) = check_project(&files);
    let mut strict = strict.unwrap();
    strict.mappings.clone_from(&policy.mappings);
    let event = event(r#"{"name":"ab"}"#);
    let refused = mapping.apply_checked(&strict, &EventView::new(&event)).unwrap_err();
    assert_eq!(refused[0].code, codes::RESULT_REFUSED);
    assert_eq!(refused[0].message, "the result at /a breaks to@1.0.0: expected at least 3 characters, seen 2: \"ab\"");
    assert!(mapping.apply_checked(&policy, &EventView::new(&event)).is_ok());
}

#[test]
fn a_body_is_json_of_the_same_value() {
    let event = event(r#"{"name":"n"}"#);
    let mapped = mapping("  a: .name").apply(&EventView::new(&event)).unwrap();
    assert_eq!(mapped.json, json!({"a": "n"}));
    assert_eq!(serde_json::from_slice::<Value>(&mapped.bytes).unwrap(), mapped.json);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let name = prop::sample::select(vec!["name", "count", "list", "more", "sku", "parts"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..5).prop_map(|members| Value::Object(
                members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            )),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The types of the contract are believed at compile time; a message that breaks them must fail, not panic.
    #[test]
    fn any_message_is_mapped_the_same_way_twice_or_refused(data in any_json()) {
        static MAPPING: OnceLock<Arc<Mapping>> = OnceLock::new();
        let fields = "  a: .name + \"/\" + .name\n  b?: .count * 2 ?? null\n  c: upcase(.name) ?? \"\"\n  d: length(.list) ?? 0\n  e: |\n    n = 0\n    for_each(array!(.list)) -> |i, v| { n = n + i; v }\n    n\n  f: map_values(object(.more) ?? {}) -> |v| { to_string(v) ?? \"?\" }\n  g: decimal(.more) ?? null\n  l?:\n    each: .list\n    fields: { s: '.sku + \"x\"', p: 'join(.parts) ?? \"\"', t: 'iso_time(.sku, \"UTC\") ?? null' }";
        let mapping = MAPPING.get_or_init(|| mapping(fields));
        let text = data.to_string();
        prop_assert_eq!(apply(mapping, &text), apply(mapping, &text));
    }
}
