//! Differences by example: two schemas, and each difference with whom it hurts (`s` those who send, `r` those who read).

use serde_json::json;

use super::*;

fn told(was: &Value, is: &Value) -> Vec<String> {
    let line = |difference: &Difference| {
        let Difference { path, of, before, after, hurts, .. } = difference;
        let what = match of {
            Of::Field => "",
            Of::Type => " type",
            Of::Need => " need",
            Of::Rule(keyword) => &format!(" {keyword}"),
            Of::Unread => " unread",
        };
        let hurts = match (hurts.senders, hurts.readers) {
            (false, false) => "-",
            (true, false) => "s",
            (false, true) => "r",
            (true, true) => "sr",
        };
        let side = |side: &Option<String>| side.clone().unwrap_or_default();
        format!("{path}{what}: {} > {} [{hurts}]", side(before), side(after))
    };
    compare(was, is).iter().map(line).collect()
}

/// One difference there, and, the other way round, the one that hurts the others.
fn check(was: &Value, is: &Value, there: &str, back: &str) {
    assert_eq!(told(was, is), [there], "{was} > {is}");
    assert_eq!(told(is, was), [back], "{is} > {was}");
}

fn one(rules: &Value) -> Value {
    json!({ "properties": { "x": rules } })
}

#[test]
fn types_and_values_hurt_by_their_direction() {
    for (was, is, there, back) in [
        (json!({}), json!(false), "x type: any > nothing [s]", "x type: nothing > any [r]"),
        (json!({}), json!({ "type": "string" }), "x type: any > string [s]", "x type: string > any [r]"),
        (
            json!({ "type": "integer" }),
            json!({ "type": "number" }),
            "x type: integer > number [r]",
            "x type: number > integer [s]",
        ),
        (
            json!({ "type": "string" }),
            json!({ "type": ["string", "null"] }),
            "x type: string > null or string [r]",
            "x type: null or string > string [s]",
        ),
        (
            json!({ "type": "string" }),
            json!({ "type": "integer" }),
            "x type: string > integer [sr]",
            "x type: integer > string [sr]",
        ),
        (
            json!({ "enum": ["a", "b"] }),
            json!({ "enum": ["a"] }),
            "x enum: \"a\" \"b\" > \"a\" [s]",
            "x enum: \"a\" > \"a\" \"b\" [r]",
        ),
        (
            json!({ "enum": ["a", "b"] }),
            json!({ "const": "a" }),
            "x enum: \"a\" \"b\" > \"a\" [s]",
            "x enum: \"a\" > \"a\" \"b\" [r]",
        ),
        (
            json!({ "enum": ["a", "b"] }),
            json!({ "enum": ["a", "c"] }),
            "x enum: \"a\" \"b\" > \"a\" \"c\" [sr]",
            "x enum: \"a\" \"c\" > \"a\" \"b\" [sr]",
        ),
    ] {
        check(&one(&was), &one(&is), there, back);
    }
}

#[test]
fn each_rule_hurts_by_its_direction() {
    for (was, is, there, back) in [
        (json!({ "minimum": 1 }), json!({ "minimum": 2 }), "x minimum: 1 > 2 [s]", "x minimum: 2 > 1 [r]"),
        (
            json!({ "minimum": 1 }),
            json!({ "exclusiveMinimum": 1 }),
            "x minimum: 1 > more than 1 [s]",
            "x minimum: more than 1 > 1 [r]",
        ),
        (json!({ "maximum": 5 }), json!({ "maximum": 6 }), "x maximum: 5 > 6 [r]", "x maximum: 6 > 5 [s]"),
        (json!({ "maxLength": 8 }), json!({}), "x maxLength: 8 > none [r]", "x maxLength: none > 8 [s]"),
        (json!({ "minItems": 1 }), json!({ "minItems": 0 }), "x minItems: 1 > 0 [r]", "x minItems: 0 > 1 [s]"),
        (json!({ "uniqueItems": true }), json!({}), "x uniqueItems: true > none [r]", "x uniqueItems: none > true [s]"),
        (json!({ "multipleOf": 2 }), json!({ "multipleOf": 4 }), "x multipleOf: 2 > 4 [s]", "x multipleOf: 4 > 2 [r]"),
        (json!({ "multipleOf": 2 }), json!({ "multipleOf": 3 }), "x multipleOf: 2 > 3 [sr]", "x multipleOf: 3 > 2 [sr]"),
        (json!({}), json!({ "pattern": "a" }), "x pattern: none > \"a\" [s]", "x pattern: \"a\" > none [r]"),
        (
            json!({ "pattern": "a" }),
            json!({ "pattern": "b" }),
            "x pattern: \"a\" > \"b\" [sr]",
            "x pattern: \"b\" > \"a\" [sr]",
        ),
        (json!({}), json!({ "format": "date" }), "x format: none > \"date\" [s]", "x format: \"date\" > none [r]"),
        (
            json!({ "anyOf": [{ "const": 1 }, { "const": 2 }] }),
            json!({ "anyOf": [{ "const": 2 }, { "const": 3 }] }),
            "x anyOf: {\"const\":1} {\"const\":2} > {\"const\":2} {\"const\":3} [sr]",
            "x anyOf: {\"const\":2} {\"const\":3} > {\"const\":1} {\"const\":2} [sr]",
        ),
    ] {
        check(&one(&was), &one(&is), there, back);
    }
}

#[test]
fn fields_hurt_by_their_need_and_by_what_else_is_allowed() {
    let open = |names: Value, required: Value| json!({ "properties": names, "required": required });
    let closed =
        |names: Value, required: Value| json!({ "properties": names, "required": required, "additionalProperties": false });
    let text = json!({ "type": "string" });
    for (was, is, there, back) in [
        (
            open(json!({}), json!([])),
            open(json!({ "a": text }), json!([])),
            "a:  > string, optional [-]",
            "a: string, optional >  [r]",
        ),
        (
            closed(json!({}), json!([])),
            closed(json!({ "a": text }), json!([])),
            "a:  > string, optional [-]",
            "a: string, optional >  [sr]",
        ),
        (
            open(json!({}), json!([])),
            open(json!({ "a": text }), json!(["a"])),
            "a:  > string, required [s]",
            "a: string, required >  [r]",
        ),
        (
            open(json!({ "a": text }), json!([])),
            open(json!({ "a": text }), json!(["a"])),
            "a need: optional > required [s]",
            "a need: required > optional [r]",
        ),
        (
            open(json!({}), json!([])),
            open(json!({}), json!(["a"])),
            "a need: optional > required [s]",
            "a need: required > optional [r]",
        ),
    ] {
        check(&was, &is, there, back);
    }
    assert_eq!(told(&open(json!({}), json!([])), &closed(json!({}), json!([]))), [" additionalProperties: any > none [s]"]);
    assert!(told(&closed(json!({}), json!([])), &open(json!({}), json!([]))).is_empty(), "readers are tolerant");
}

#[test]
fn members_of_one_form_are_compared_with_those_that_get_a_name() {
    let map = |form: Value, names: Value| json!({ "additionalProperties": form, "properties": names });
    let text = json!({ "type": "string" });
    check(
        &map(text.clone(), json!({})),
        &map(json!({ "type": "integer" }), json!({})),
        "* type: string > integer [sr]",
        "* type: integer > string [sr]",
    );
    let named = map(text.clone(), json!({ "a": { "type": "integer" } }));
    assert_eq!(told(&map(text, json!({})), &named), ["a:  > integer, optional [-]", "a type: string > integer [sr]"]);
}

#[test]
fn items_are_compared_by_their_place() {
    check(
        &json!({ "properties": { "l": { "items": { "required": ["q"] } } } }),
        &json!({ "properties": { "l": { "items": {} } } }),
        "l[].q need: required > optional [r]",
        "l[].q need: optional > required [s]",
    );
    check(
        &json!({ "prefixItems": [{ "type": "string" }], "items": { "type": "integer" } }),
        &json!({ "items": { "type": "integer" } }),
        "[0] type: string > integer [sr]",
        "[0] type: integer > string [sr]",
    );
}

#[test]
fn what_is_referred_to_is_seen_wherever_it_is_used() {
    let with = |money: Value| {
        json!({
            "properties": { "net": { "$ref": "#/$defs/money" }, "gross": { "allOf": [{ "$ref": "#/$defs/money" }] },
                            "other": { "anyOf": [{ "$ref": "#/$defs/money" }, { "type": "null" }] } },
            "$defs": { "money": money },
        })
    };
    let told = told(&with(json!({ "type": "string" })), &with(json!({ "type": "string", "maxLength": 9 })));
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("gross maxLength") && told[1].starts_with("net maxLength"), "{told:?}");
    assert!(told[2].starts_with("other anyOf") && told[2].ends_with("[sr]"), "{told:?}");
}

#[test]
fn remarks_order_and_names_are_no_difference() {
    let was = json!({ "title": "x", "properties": { "title": { "type": ["string", "null"] } }, "anyOf": [{ "required": ["a"] }, { "required": ["b"] }] });
    let is = json!({ "anyOf": [{ "required": ["b"], "description": "?" }, { "required": ["a"] }], "properties": { "title": { "type": ["null", "string"], "examples": [1] } } });
    assert!(told(&was, &is).is_empty(), "{:?}", told(&was, &is));
    let gone = json!({ "anyOf": [{ "required": ["a"] }, { "required": ["b"] }] });
    assert_eq!(told(&was, &gone), ["title: null or string, optional >  [r]"]);
}

#[test]
fn rules_of_several_parts_hold_together() {
    let both = json!({ "allOf": [{ "minimum": 1, "enum": [1, 2, 3] }, { "minimum": 2, "enum": [2, 3] }] });
    assert!(told(&both, &json!({ "minimum": 2, "enum": [2, 3] })).is_empty());
}

#[test]
fn types_that_contain_themselves_end_and_what_is_too_large_is_told() {
    let tree = |leaf: &str| json!({ "$ref": "#/$defs/t", "$defs": { "t": { "properties": { "l": { "$ref": "#/$defs/t" }, "r": { "$ref": "#/$defs/t" }, "v": { "type": leaf } } } } });
    let told_of_trees = told(&tree("string"), &tree("integer"));
    assert!(told_of_trees.contains(&"v type: string > integer [sr]".to_owned()), "{told_of_trees:?}");
    let wide = |kind: &str| {
        let names: serde_json::Map<String, Value> =
            (0..=FIELDS_MAX).map(|no| (format!("f{no:05}"), json!({ "type": kind }))).collect();
        json!({ "properties": names })
    };
    let told_of_wide = told(&wide("string"), &wide("integer"));
    assert_eq!(told_of_wide.iter().filter(|line| line.ends_with("unread:  >  [sr]")).count(), 1);
    assert_eq!(told_of_wide.len(), FIELDS_MAX);
}

#[test]
fn a_difference_has_its_place_in_the_new_schema() {
    let was = json!({ "properties": { "x": { "type": "string" }, "y": {} }, "required": ["y"] });
    let is = json!({ "properties": { "x": { "$ref": "#/$defs/n" }, "y": {} }, "$defs": { "n": { "type": "integer" } } });
    let places: Vec<String> = compare(&was, &is).into_iter().map(|difference| difference.pointer).collect();
    assert_eq!(places, ["/$defs/n/type", ""]);
}
