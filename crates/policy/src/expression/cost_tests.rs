//! What an expression may cost: every function with large arguments, and loops around those that go through all of one.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::function_tests::calls;
use super::functions::library;
use super::tests::event;
use super::*;

/// Far more than all that a run may do takes in a build without optimisation on a busy machine, and far less than a cost that
/// grows with the square of what a message may hold.
const SOON: Duration = Duration::from_secs(20);
/// For one call with values of 64 KiB: what grows with their square takes longer, and what only goes through them a tenth of it.
const AT_ONCE: Duration = Duration::from_secs(4);

/// Large values, each of a form that some function has most to do with.
fn large() -> Vec<Json> {
    const ITEMS: usize = 3_000;
    const BYTES: usize = 64 * 1024;
    let text = |part: &str| json!(part.repeat(BYTES / part.len()));
    let list = |item: &dyn Fn(usize) -> Json| Json::Array((0..ITEMS).map(item).collect());
    let object = |value: &dyn Fn(usize) -> Json| Json::Object((0..ITEMS).map(|n| (format!("k{n}"), value(n))).collect());
    vec![
        text("x"),
        text("\u{e9}"),
        text("a b "),
        text("a=b "),
        text("a=\"b\\\" \" "),
        text("[{"),
        text("\"a\" => [1, {"),
        text("(a"),
        text("a,\"b\"\n"),
        text("%zz&a[]=1&"),
        text("=?utf-8?q?=41?= "),
        text("\u{1b}[31m"),
        text("aB1-_ "),
        text("9"),
        text("1h"),
        text("/../a"),
        text("<a>"),
        text("xn--a."),
        text("a.b."),
        text("%Y%"),
        text("'\""),
        text(":|"),
        list(&|n| json!(n)),
        list(&|n| json!(format!("text {n}"))),
        list(&|n| json!([format!("k{n}"), n])),
        list(&|n| json!({"key": format!("k{n}"), "value": n})),
        object(&|n| json!(n)),
        object(&|n| json!({"a": {"b": [n, "text"]}})),
        (0..100).fold(json!("x".repeat(2_000)), |inner, n| json!({format!("level {n} {}", "y".repeat(2_000)): inner})),
    ]
}

#[test]
fn every_function_ends_soon_with_large_arguments() {
    let large = large();
    let functions: Vec<_> = library().iter().filter(|function| function.identifier().len() > 1).collect();
    let calls: Vec<Expression> = functions.iter().flat_map(|function| calls(function.as_ref())).collect();
    let mut slow = Vec::new();
    for first in &large {
        // All arguments alike, and a small one beside the large one.
        for other in [first.clone(), json!("a")] {
            let values = (0..6).map(|no| (format!("v{no}"), if no == 0 { first.clone() } else { other.clone() }));
            let event = event(&Json::Object(values.collect()).to_string());
            let view = EventView::new(&event);
            for call in &calls {
                let began = Instant::now();
                drop(call.eval(&view));
                let took = began.elapsed();
                if took > AT_ONCE {
                    slow.push((took, call.source.text().to_owned(), short(&first.to_string())));
                }
            }
        }
    }
    assert_eq!(slow, []);
}

/// Each of these goes through all of a value once more for each item of a list.
#[test]
fn a_loop_around_what_goes_through_a_whole_list_is_refused_soon() {
    let numbers: Vec<usize> = (0..60_000).collect();
    let texts: Vec<String> = (0..20_000).map(|n| format!("text {n}")).collect();
    let event = event(&json!({"a": numbers, "t": texts, "s": "x".repeat(500_000)}).to_string());
    let view = EventView::new(&event);
    for text in [
        "for_each(array!(.a)) -> |_i, v| { includes(array!(.a), v) }; 1",
        "l = array!(.a); for_each(l) -> |_i, v| { includes(l, v) }; 1",
        "l = []; for_each(array!(.a)) -> |_i, v| { l = push(l, v) }; 1",
        "filter(array!(.a)) -> |_i, v| { length(unique(array!(.a))) == v }",
        "for_each(array!(.a)) -> |_i, _v| { replace(string!(.s), \"x\", \"y\") }; 1",
        "for_each(array!(.a)) -> |_i, _v| { split(string!(.s), \"\") }; 1",
        "for_each(array!(.t)) -> |_i, _v| { encode_json(.) }; 1",
        "for_each(array!(.t)) -> |_i, _v| { flatten(array!(.t)) }; 1",
    ] {
        let call = Expression::compile(Source::bare(text), Kind::Any).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
        let began = Instant::now();
        let answer = call.eval(&view).map_err(|no| no.0);
        assert_eq!(answer, Err("it takes more steps than it may".to_owned()), "{text}");
        assert!(began.elapsed() < SOON, "{text}: {:?}", began.elapsed());
    }
}

#[test]
fn ordinary_work_over_a_large_message_is_not_refused() {
    let line = |n: usize| json!({"sku": format!("sku-{n}"), "quantity": n, "price": {"net": "1.20", "currency": "EUR"}});
    let lines: Vec<Json> = (0..5_000).map(line).collect();
    let event = event(&json!({"lines": lines, "note": "<p>text</p> ".repeat(4_000)}).to_string());
    let view = EventView::new(&event);
    for text in [
        "sum = 0; for_each(array!(.lines)) -> |_i, line| { sum = sum + (int(line.quantity) ?? 0) }; sum",
        "map_values(array!(.lines)) -> |line| { {\"id\": line.sku, \"n\": line.quantity} }",
        "filter(array!(.lines)) -> |_i, line| { line.price.currency == \"EUR\" }",
        "length(unique(array!(.lines)))",
        "replace(string!(.note), r'<[^>]*>', \"\")",
        "skus = []; for_each(slice!(array!(.lines), 0, 2000)) -> |_i, line| { skus = push(skus, line.sku) }; join!(skus, \",\")",
        "encode_json(.)",
    ] {
        let call = Expression::compile(Source::bare(text), Kind::Any).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
        assert_eq!(call.eval(&view).err(), None, "{text}");
    }
}
