//! Every function that expressions may call, with values of every kind: it answers or refuses, and never panics.

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
fn no_function_panics_whatever_it_is_given() {
    let pool = pool();
    // A fixed sequence: the same calls in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for function in library().iter().filter(|function| function.identifier().len() > 1) {
        for call in calls(function.as_ref()) {
            let Ok(compiled) = Expression::compile(Source::bare(&call), Kind::Any) else { continue };
            for round in 0..pool.len() * 3 {
                let mut values = vec![];
                for no in 0..6 {
                    let value = if no == round % 3 { &pool[round / 3] } else { &pool[next(pool.len())] };
                    values.push((format!("v{no}"), value.clone()));
                }
                let data = Json::Object(values.into_iter().collect()).to_string();
                let event = event(&data);
                std::fs::write("/tmp/last_call", format!("{call} with {data}")).unwrap();
                let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| compiled.eval(&EventView::new(&event))));
                assert!(answer.is_ok(), "{call} with {data}");
            }
        }
    }
}

/// Calls of a function with all, with the required, and with each optional parameter.
fn calls(function: &dyn vrl::compiler::Function) -> Vec<String> {
    let name = function.identifier();
    let closures: &[&str] = &["", " -> |v| { v }", " -> |_k, v| { v }", " -> |_k, v| { v == null }"];
    let parameters = function.parameters();
    let optional: Vec<_> = parameters.iter().filter(|parameter| !parameter.required).map(|parameter| parameter.keyword).collect();
    let mut sets: Vec<Vec<&str>> = vec![vec![], optional.clone()];
    sets.extend(optional.iter().map(|keyword| vec![*keyword]));
    let mut calls = Vec::new();
    for set in sets {
        let given = parameters.iter().filter(|parameter| parameter.required || set.contains(&parameter.keyword));
        let arguments: Vec<String> = given.enumerate().map(|(no, parameter)| format!("{}: .v{}", parameter.keyword, no % 6)).collect();
        for closure in closures {
            for mark in ["!", ""] {
                calls.push(format!("{name}{mark}({}){closure}", arguments.join(", ")));
            }
        }
    }
    calls
}
