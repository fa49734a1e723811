//! What an expression may cost: every function with large arguments, and loops around those that go through all of one.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::function_tests::calls;
use super::functions::library;
use super::tests::event;
use super::*;

/// Far more than all that the runs here may do takes in a build without optimisation, and far less than a cost that grows with the square of
/// what a message may hold.
const SOON: Duration = Duration::from_secs(5);
/// For one call with values of 8 KiB: what grows with their square takes longer, and what only goes through them a tenth of it.
const AT_ONCE: Duration = Duration::from_millis(200);
/// What a call may make of them; what puts one text in for each byte of another would make 32 MB.
const MADE_BYTES_MAX: usize = 20 * 1024 * 1024;

/// How long this thread has worked: a busy machine does not make it longer. Where it cannot be read nothing is measured.
fn worked() -> Duration {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(schedule.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// Large values, each of a form that some function has most to do with.
fn large() -> Vec<Json> {
    const ITEMS: usize = 400;
    const BYTES: usize = 8 * 1024;
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
    let (mut slow, mut long) = (Vec::new(), Vec::new());
    for first in &large {
        // All arguments alike, and small ones beside the large one: what may be found in it, and what may be put in.
        let letter =
            first.as_str().and_then(|text| text.chars().next()).map_or(json!("a"), |letter| json!(letter.to_string()));
        let put_in = json!("y".repeat(4_000));
        for others in [[first.clone(), first.clone()], [letter.clone(), put_in.clone()], [put_in, letter]] {
            let value = |no: usize| if no == 0 { first.clone() } else { others[(no - 1) % 2].clone() };
            let values = (0..6).map(|no| (format!("v{no}"), value(no)));
            let event = event(&Json::Object(values.collect()).to_string());
            let view = EventView::new(&event);
            for call in &calls {
                let began = worked();
                let answer = call.eval(&view);
                let took = worked().saturating_sub(began);
                let told = || (call.source.text().to_owned(), short(&first.to_string()));
                if took > AT_ONCE {
                    slow.push((took, told()));
                }
                let made = answer.map_or(0, |answer| answer.to_string().len());
                if made > MADE_BYTES_MAX {
                    long.push((made, told()));
                }
            }
        }
    }
    assert_eq!((slow, long), (Vec::new(), Vec::new()));
}

/// Each of these goes through all of a value once more for each item of a list.
#[test]
fn a_loop_around_what_goes_through_a_whole_list_is_refused_soon() {
    let numbers: Vec<usize> = (0..10_000).collect();
    let texts: Vec<String> = (0..4_000).map(|n| format!("text {n}")).collect();
    let event = event(&json!({"a": numbers, "t": texts, "s": "x".repeat(100_000)}).to_string());
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
        let (began, steps) = (worked(), Steps::of(STEPS_MAX / 10));
        let answer = call.run(Reading { here: view.data().value(), view: Some(&view) }, &steps).map_err(|no| no.0);
        assert_eq!(answer, Err("it takes more steps than it may".to_owned()), "{text}");
        let took = worked().saturating_sub(began);
        assert!(took < SOON, "{text}: {took:?}");
    }
}

/// Each of these puts a text or a name of the message in again and again: gigabytes, if that were only counted once it is made.
#[test]
fn what_would_be_far_longer_than_the_message_is_not_made() {
    let deep = |levels: usize, inner: Json| (0..levels).fold(inner, |inner, _| json!({"n".repeat(5_000): inner}));
    let wide = Json::Object((0..20_000).map(|n| (format!("k{n}"), json!(1))).collect());
    let event = event(
        &json!({
            "x": "x".repeat(1_000_000),
            "short": "x".repeat(60_000),
            "mixed": "ax".repeat(30_000),
            "with": "y".repeat(1_000),
            "all": "$0".repeat(500),
            "list": vec!["x"; 50_000],
            "deep": deep(40, wide.clone()),
            "wide": wide,
        })
        .to_string(),
    );
    let view = EventView::new(&event);
    for (text, expected) in [
        ("replace(string!(.x), \"x\", string!(.with))", TOO_LONG),
        ("replace(string!(.x), \"\", string!(.with))", TOO_LONG),
        ("replace(string!(.short), r'x', string!(.with))", TOO_LONG),
        ("replace(string!(.short), r'x+', string!(.all))", TOO_LONG),
        ("sieve(string!(.mixed), r'a', string!(.with), \"\")", TOO_LONG),
        ("sieve(string!(.mixed), r'a', \"\", string!(.x))", TOO_LONG),
        ("join!(array!(.list), string!(.with))", TOO_LONG),
        ("flatten(object!(.deep))", NAMES_TOO_LONG),
        ("flatten(object!(.wide), string!(.with))", SEPARATOR_TOO_LONG),
        ("encode_key_value!(object!(.deep))", NAMES_TOO_LONG),
        ("encode_key_value!(object!(.wide), key_value_delimiter: string!(.with))", SEPARATOR_TOO_LONG),
        ("encode_key_value!(object!(.wide), field_delimiter: string!(.x))", SEPARATOR_TOO_LONG),
        ("encode_logfmt!(object!(.deep))", NAMES_TOO_LONG),
    ] {
        let call = Expression::compile(Source::bare(text), Kind::Any).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
        assert_eq!(call.eval(&view).map(|_| ()).map_err(|no| no.0), Err(expected.to_owned()), "{text}");
    }
}

const TOO_LONG: &str = "the text would be longer than an event may be";
const NAMES_TOO_LONG: &str = "the names of all values would be longer than an event may be";
const SEPARATOR_TOO_LONG: &str = "a separator between names is too long";

/// The functions with a body of ours, beside what the library says of them.
#[test]
fn what_is_measured_answers_as_the_library_does() {
    let event = event(
        &json!({"text": "one, two,, three", "with": "<$0>", "long": "w".repeat(2_000), "mixed": [1, "a"]}).to_string(),
    );
    let view = EventView::new(&event);
    for (text, expected) in [
        ("replace(string!(.text), \",\", \";\")", json!("one; two;; three")),
        ("replace(string!(.text), \",\", \";\", 1)", json!("one; two,, three")),
        ("replace(string!(.text), \",\", \";\", 0)", json!("one, two,, three")),
        ("replace(string!(.text), \",\", \";\", -3)", json!("one; two;; three")),
        ("replace(string!(.text), r't\\w+', string!(.with))", json!("one, <two>,, <three>")),
        ("replace(string!(.text), r't\\w+', string!(.with), count: 1)", json!("one, <two>,, three")),
        ("replace(string!(.text), \"two\", string!(.with))", json!("one, <$0>,, three")),
        ("replace(string!(.text), r'\\w+', \"x\", 0)", json!("one, two,, three")),
        ("length(replace(string!(.text), \"one\", string!(.long)))", json!(2_013)),
        ("join!(split(string!(.text), \",\"), \"-\")", json!("one- two-- three")),
        ("join([\"a\", \"b\"])", json!("ab")),
        ("sieve(string!(.text), r'[a-z]', \"_\", \"-\")", json!("one-two-three")),
        ("sieve(string!(.text), r'[a-z]')", json!("onetwothree")),
    ] {
        let call = Expression::compile(Source::bare(text), Kind::Any).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
        let answer = call.eval(&view).unwrap_or_else(|no| panic!("{text}: {}", no.0));
        assert_eq!(serde_json::to_value(answer).ok(), Some(expected), "{text}");
    }
    let mixed = Expression::compile(Source::bare("join!(array!(.mixed))"), Kind::Any)
        .map(|call| call.eval(&view).map_err(|no| no.0));
    assert_eq!(mixed, Ok(Err("all array items must be strings".to_owned())));
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
