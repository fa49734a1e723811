//! What expressions answer, and what is said of wrong ones.

use std::collections::BTreeMap;

use bytes::Bytes;
use model::event::DataAt;
use model::{Digest, Event, EventType, Origin, SourceName, Timestamp};
use proptest::prelude::*;

use super::*;

/// An event with this data.
pub(crate) fn event(data: &str) -> Event {
    Event {
        id: "01890000-0000-7000-8000-000000000007".parse().unwrap(),
        source: SourceName::new("shop").unwrap(),
        kind: EventType::new("shopify.orders.create"),
        key: "w-1".to_owned(),
        digest: Digest::of(data.as_bytes()),
        subject: None,
        time: Some(Timestamp::from_secs(1_793_000_000)),
        received_at: Timestamp::from_secs(1_793_000_001),
        contract: None,
        ordering: None,
        correlation: "S00042".to_owned(),
        trace: None,
        identifiers: Vec::new(),
        origin: Origin::Live,
        attributes: BTreeMap::from([("region".to_owned(), "eu".to_owned())]),
        body: Bytes::copy_from_slice(data.as_bytes()),
        data: DataAt::Whole,
        content_type: "application/json".to_owned(),
    }
}

const ORDER: &str = r#"{"id":820982911946154508,"name":"S00042","paid":true,"total":19.90,"note":null,"big":123456789012345678901234567890,
    "tags":["a","b"],"customer":{"first_name":"Ada"}}"#;

fn compile(text: &str, kind: Kind) -> Result<Expression, Vec<Diagnostic>> {
    Expression::compile(Source::bare(text), kind)
}

/// The codes and the marked parts of what is wrong.
fn complaints(text: &str, kind: Kind) -> Vec<(u16, String)> {
    let found = compile(text, kind).map_or_else(|errors| errors, |expression| expression.check());
    let part = |found: &Diagnostic| match &found.place {
        model::diagnostic::Place::File { span, .. } => text.get(span.start as usize..span.end as usize).unwrap().to_owned(),
        other => panic!("{other:?}"),
    };
    found.iter().map(|found| (found.code.0, part(found))).collect()
}

#[test]
fn a_filter_is_true_or_false_of_an_event() {
    let event = event(ORDER);
    let view = EventView::new(&event);
    for (filter, expected) in [
        (".paid == true", true),
        (".name == \"S00042\" && %source == \"shop\"", true),
        (".name == \"other\"", false),
        ("exists(.customer.first_name)", true),
        ("exists(.customer.last_name)", false),
        ("includes(array(.tags) ?? [], \"b\")", true),
        ("starts_with(string(.name) ?? \"\", \"S\")", true),
        ("(.total > 10) ?? false", true),
        (".note == null", true),
        ("%attributes.region == \"eu\"", true),
        ("%type == \"shopify.orders.create\" && %key == \"w-1\" && %correlation == \"S00042\" && %subject == null", true),
        ("%time == \"2026-10-26T07:33:20Z\"", true),
        (".big == \"123456789012345678901234567890\"", true),
        ("gone = .gone; gone == null", true),
    ] {
        let compiled = compile(filter, Kind::Bool).unwrap_or_else(|errors| panic!("{filter}: {errors:?}"));
        assert_eq!(compiled.eval_bool(&view), Ok(expected), "{filter}");
    }
}

#[test]
fn a_lane_is_a_text_or_nothing() {
    let event = event(ORDER);
    let view = EventView::new(&event);
    for (lane, expected) in [
        (".id", Some("820982911946154508")),
        (".name", Some("S00042")),
        (".paid", Some("true")),
        (".total", Some("19.9")),
        (".big", Some("123456789012345678901234567890")),
        (".note", None),
        (".gone", None),
        (".customer", None),
        ("\"\"", None),
        ("upcase(string(.customer.first_name) ?? \"\") + \"/\" + %source", Some("ADA/shop")),
    ] {
        let compiled = compile(lane, Kind::Text).unwrap_or_else(|errors| panic!("{lane}: {errors:?}"));
        assert_eq!(compiled.eval_text(&view).unwrap().as_deref(), expected, "{lane}");
    }
}

#[test]
fn what_is_wrong_has_a_code_and_its_place() {
    for (text, kind, expected) in [
        (".a ==", Kind::Bool, (301, ".a ==")),
        (".a == 'x'", Kind::Bool, (301, "'")),
        ("upcse(.a) == \"A\"", Kind::Bool, (302, "upcse")),
        ("upcase(1) == \"A\"", Kind::Bool, (303, "1")),
        ("\"x\" * .n", Kind::Any, (303, "\"x\"")),
        ("upcase(.a) == \"A\"", Kind::Bool, (304, ".a")),
        (".a > 1", Kind::Bool, (304, ".a > 1")),
        ("!.a", Kind::Bool, (305, "!")),
        (".a", Kind::Bool, (306, ".a")),
        ("{\"a\": 1}", Kind::Text, (307, "{\"a\": 1}")),
        (".a = 1", Kind::Any, (308, ".a =")),
        ("del(.a)", Kind::Any, (308, "del(.a)")),
        ("paid == true", Kind::Bool, (309, "paid")),
        ("now()", Kind::Any, (310, "now")),
        ("format_timestamp!(t'2026-01-01T00:00:00Z', \"%F\", timezone: \"local\")", Kind::Any, (310, "\"local\"")),
        ("%subjct == \"x\"", Kind::Bool, (312, "%subjct")),
        ("x = []; x[99999999] = 1; x", Kind::Any, (313, "x[99999999]")),
        ("x = {}; x.a[-99999999].b = 1; x", Kind::Any, (313, "x.a[-99999999].b")),
        ("x, err = to_int(.a); x", Kind::Any, (316, "x, err")),
        (".a[99999999] = 1", Kind::Any, (313, ".a[99999999]")),
        ("exists(.a[99999999].b)", Kind::Any, (313, ".a[99999999].b")),
        ("string!(.a) == \"x\"", Kind::Bool, (315, "string!(.a) == \"x\"")),
        ("abort", Kind::Bool, (315, "abort")),
        ("lookup!(\"payment\", .a)", Kind::Any, (334, "\"payment\"")),
        ("lookup!(.table, .a)", Kind::Any, (334, ".table")),
    ] {
        let found = complaints(text, kind);
        assert_eq!(found.first(), Some(&(expected.0, expected.1.to_owned())), "{text}: {found:?}");
    }
}

#[test]
fn caution_is_no_mistake() {
    assert_eq!(complaints("(.a == 1) ?? false", Kind::Bool), [(314, "??".to_owned())]);
    assert_eq!(complaints("upcase!(\"a\") == \"A\"", Kind::Any), []);
    let event = event("{\"a\":1}");
    assert!(compile("((.a == 1) ?? false) ?? true", Kind::Bool).unwrap().eval_bool(&EventView::new(&event)).unwrap());
}

#[test]
fn no_message_makes_an_expression_ask_for_much() {
    let event = event(
        r#"{"n":9000000000,"s":"0123456789","list":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]}"#,
    );
    let view = EventView::new(&event);
    for text in [
        "(.s * .n) ?? null",
        "x = string!(.s); for_each(array!(.list)) -> |_i, _v| { x = x + x }; x",
        "x = [1]; for_each(array!(.list)) -> |_i, _v| { x = append(x, x) }; x",
        "format_number!(1.5, scale: int!(.n))",
        "r = array!(range!(0, 90000)); n = 0; for_each(r) -> |_i, _v| { for_each(r) -> |_j, _w| { n = n + 1 } }; n",
    ] {
        let compiled = compile(text, Kind::Any).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        assert!(matches!(compiled.eval(&view), Err(_) | Ok(Value::Null)), "{text}");
    }
    for double in ["x = [x, x]", "x = {\"a\": x, \"b\": x}", "x = x + x", "x = push(x, x)"] {
        let text = format!("x = {}; {}; x", if double.contains('+') { "\"x\"" } else { "[]" }, vec![double; 40].join("; "));
        let ends = compile(&text, Kind::Any).map(|compiled| compiled.eval(&view));
        assert!(matches!(ends, Err(_) | Ok(Err(_))), "{double}");
    }
    let three = compile("(.n * 3) ?? 0", Kind::Text).unwrap();
    assert_eq!(three.eval_text(&view).unwrap().as_deref(), Some("27000000000"));
}

#[test]
fn deep_nesting_is_refused_before_it_is_compiled() {
    let around = |before: &str, after: &str, times: usize| format!("{}1{}", before.repeat(times), after.repeat(times));
    for (text, fits) in [
        (around("(", ")", 50), true),
        (around("[upcase!(", ")]", 25), true),
        (format!("1{}", " + 1".repeat(55)), true),
        (around("(", ")", 3000), false),
        (around("(", ")", 61), false),
        (around("[upcase!(", ")]", 31), false),
        (format!("1{}", " + 1".repeat(1900)), false),
        (format!("1{}", " + 1".repeat(390)), false),
        (format!("{}1", "!".repeat(390)), false),
        (format!("if true {{ 1 }}{}", " else if true { 1 }".repeat(390)), false),
        (format!("\"{}\"", "x".repeat(9000)), false),
    ] {
        let found = compile(&text, Kind::Any);
        let too_large =
            found.as_ref().is_err_and(|errors| errors.iter().any(|error| error.code == codes::EXPRESSION_TOO_LARGE));
        assert_eq!(!too_large, fits, "{text}: {found:?}");
    }
}

#[test]
fn nesting_has_an_end_whatever_the_message_says() {
    let list = format!("{{\"list\":[{}1]}}", "1,".repeat(50_000));
    let json = event(&list);
    let mut xml = event(&format!("{}{}", "<a>".repeat(50_000), "</a>".repeat(50_000)));
    xml.content_type = "application/xml".to_owned();
    for (text, event) in [
        ("x = 1; for_each(array!(.list)) -> |_i, _v| { x = [x] }; x", &json),
        ("x = {}; for_each(array!(.list)) -> |_i, _v| { x = {\"x\": x} }; x", &json),
        ("parse_xml!(string!(.))", &xml),
        ("parse_xml!(value: string!(.))", &xml),
    ] {
        let compiled = compile(text, Kind::Any).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        assert!(compiled.eval(&EventView::new(event)).is_err(), "{text}");
    }
}

#[test]
fn data_that_is_no_object_can_be_read_too() {
    let mut event = event("<a>1</a>");
    event.content_type = "application/xml".to_owned();
    let view = EventView::new(&event);
    let lane = compile("parse_xml(string(.) ?? \"\").a ?? null", Kind::Text);
    assert_eq!(lane.unwrap().eval_text(&view).unwrap().as_deref(), Some("1"));
    assert_eq!(compile(".a", Kind::Text).unwrap().eval_text(&view), Ok(None));
}

#[test]
fn what_an_expression_reads_is_known() {
    let compiled = compile("upcase(string(.a.b[0]) ?? \"\") + %source", Kind::Text).unwrap();
    let read: Vec<_> = compiled.queries().iter().map(|query| (query.root, query.path.to_string())).collect();
    assert_eq!(read, [(Root::Here, ".a.b[0]".to_owned()), (Root::Envelope, ".source".to_owned())]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_is_an_expression_or_is_refused(text in "\\PC{0,60}") {
        prop_assert!(compile(&text, Kind::Any).map_or_else(|errors| !errors.is_empty(), |_| true));
    }

    #[test]
    fn any_words_are_an_expression_or_are_refused(
        words in prop::collection::vec(
            prop::sample::select(vec![
                ".a", ".", "%", "%id", "(", ")", "[", "]", "{", "}", "==", "*", "+", "??", "!", "upcase", "string!", "\"x\"", "1", "1.5",
                ",", "|", "->", "=", "x", "if", "else", "r'a'", "t'x'", "s'", "\"{{ x }}\"", "-", "/", "null", "abort", "return", "_", ";", "\n",
            ]),
            0..14,
        ),
    ) {
        let text = words.join(" ");
        if let Ok(compiled) = compile(&text, Kind::Any) {
            let event = event(r#"{"a":{"b":[1,"x"]}}"#);
            prop_assert_eq!(compiled.eval(&EventView::new(&event)), compiled.eval(&EventView::new(&event)));
        }
    }
}
