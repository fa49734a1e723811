//! Every function that expressions may call, with values of every kind: it answers or refuses, twice the same, and ends.

use serde_json::{Value as Json, json};

use super::functions::library;
use super::tests::event;
use super::*;

/// Values that break what is careless: limits of numbers, texts that are nearly something, nesting, emptiness.
fn pool() -> Vec<Json> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1),
        json!(400),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(0.5),
        json!(-0.0),
        json!(1e308),
        json!(-1e-320),
        json!(""),
        json!("a"),
        json!("\u{e9}\u{1f600}\u{0}\u{301}"),
        json!("%Y-%m-%dT%H:%M:%S%.f%z %Q %"),
        json!("2026-03-01T10:00:00Z"),
        json!("999999999-99-99"),
        json!("-9223372036854775808"),
        json!("1h99999999999999999999d"),
        json!("1e999"),
        json!("/a/../b//"),
        json!("http://[::1]:99999/%zz?a=%ff&b[]=c"),
        json!("255.255.255.256/33"),
        json!("=?utf-8?q?=zz?= =ff"),
        json!("xn--a-ecp.ru"),
        json!("{\"a\": [1, {\"b\": null}]}"),
        json!("<a b='c'>&amp;<d/></a>"),
        json!("a=b c=\"d\\\" e"),
        json!("x".repeat(5000)),
        json!([]),
        json!([1, "a", null, [2], {"b": 3}]),
        json!([["a", 1], ["b", 2]]),
        json!({}),
        json!({"a": {"b": [1, 2]}, "": null, "a.b": 1}),
        json!([{"key": "k", "value": 1}]),
    ]
}

#[test]
fn every_function_answers_or_refuses_and_twice_the_same() {
    let pool = pool();
    // A fixed sequence: the same calls in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for function in library().iter().filter(|function| function.identifier().len() > 1) {
        for compiled in calls(function.as_ref()) {
            for first in &pool {
                let rest = (1..6).map(|no| (format!("v{no}"), pool[next(pool.len())].clone()));
                let values = [("v0".to_owned(), first.clone())].into_iter().chain(rest);
                let event = event(&Json::Object(values.collect()).to_string());
                // What breaks down is caught and refused; what hangs or takes all memory would end the test.
                let (once, again) = (compiled.eval(&EventView::new(&event)), compiled.eval(&EventView::new(&event)));
                assert_eq!(once, again, "{}", compiled.source.text());
            }
        }
    }
}

/// A function called with the required parameters, with all, and with each optional one; the calls that compile.
pub(super) fn calls(function: &dyn vrl::compiler::Function) -> Vec<Expression> {
    let parameters = function.parameters();
    let optional: Vec<_> =
        parameters.iter().filter(|parameter| !parameter.required).map(|parameter| parameter.keyword).collect();
    let mut sets: Vec<Vec<&str>> = vec![vec![], optional.clone()];
    if optional.len() > 1 {
        sets.extend(optional.iter().map(|keyword| vec![*keyword]));
    }
    sets.dedup();
    let call = |set: &Vec<&str>| {
        let given = parameters.iter().filter(|parameter| parameter.required || set.contains(&parameter.keyword));
        let arguments: Vec<String> =
            given.enumerate().map(|(no, parameter)| format!("{}: .v{}", parameter.keyword, no % 6)).collect();
        let closures = ["", " -> |v| { v }", " -> |_k, v| { v }", " -> |_k, v| { v == null }"];
        let texts = closures.iter().flat_map(|closure| {
            ["!", ""].map(|mark| format!("{}{mark}({}){closure}", function.identifier(), arguments.join(", ")))
        });
        texts.into_iter().find_map(|text| Expression::compile(Source::bare(&text), Kind::Any).ok())
    };
    sets.iter().filter_map(call).collect()
}
