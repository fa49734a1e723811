//! Behaviour of the three content modes. It must never need the corpus; the conformance features
//! run in `tests/vectors.rs`.

use super::*;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

const MINIMAL: &[(&str, &str)] = &[("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")];

fn headers(list: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        let name = HeaderName::try_from(*name).expect("a header name");
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
    }
    headers
}

/// Decodes the minimal headers with one more, or with another value for one of them.
fn binary_with(name: &str, value: &str) -> Result<CloudEvent, Error> {
    let kept = MINIMAL.iter().copied().filter(|(kept, _)| *kept != name);
    decode_binary(&headers(&kept.chain([(name, value)]).collect::<Vec<_>>()), b"{}")
}

/// Decodes a structured event with the minimal members and these.
fn structured_with(members: &str) -> Result<CloudEvent, Error> {
    let json = format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t"{members}}}"#);
    decode_structured(json.as_bytes())
}

fn at(error: &Error) -> (String, &Problem) {
    (error.at.to_string(), &error.problem)
}

#[test]
fn the_mode_is_decided_by_the_content_type_without_regard_to_case() {
    for (content_type, expected) in [
        (Some("application/cloudevents-batch+json"), Mode::Batch),
        (Some("Application/CloudEvents-Batch+JSON ; charset=UTF-8"), Mode::Batch),
        (Some("application/cloudevents+json"), Mode::Structured),
        (Some("APPLICATION/CLOUDEVENTS+JSON; charset=\"utf-8\""), Mode::Structured),
        (Some("application/cloudevents+json; charset=utf-16"), Mode::Unsupported),
        (Some("application/cloudevents+avro"), Mode::Unsupported),
        (Some("application/cloudevents-batch+xml"), Mode::Unsupported),
        (Some("application/cloudevents"), Mode::Unsupported),
        (Some("application/json"), Mode::Binary),
        (Some("text/plain; x=application/cloudevents+json"), Mode::Binary),
        (Some(""), Mode::Binary),
        (None, Mode::Binary),
    ] {
        assert_eq!(mode(content_type), expected, "{content_type:?}");
    }
}

#[test]
fn json_media_types_are_known_by_their_name() {
    for (media_type, expected) in [
        ("application/json", true),
        ("Text/JSON; charset=utf-8", true),
        ("application/problem+json", true),
        ("application/jsonx", false),
        ("text/plain", false),
        ("json", false),
    ] {
        assert_eq!(is_json(media_type), expected, "{media_type}");
    }
}

#[test]
fn a_binary_event_takes_its_attributes_from_headers_and_the_body_whole() {
    let sent = headers(&[
        ("ce-specversion", "1.0"),
        ("ce-id", "1234"),
        ("ce-source", "/ctx"),
        ("ce-type", "com.example"),
        ("ce-time", "2018-04-05T03:56:24Z"),
        ("ce-traceparent", "00-x"),
        ("content-type", "application/json; charset=utf-8"),
        ("host", "example.com"),
    ]);
    let body = b" {\"a\": 1} ";
    let event = decode_binary(&sent, body).expect("an event");
    assert_eq!((event.id.as_str(), event.kind.as_str()), ("1234", "com.example"));
    assert_eq!(event.datacontenttype.as_deref(), Some("application/json; charset=utf-8"));
    assert_eq!(event.extensions["traceparent"], Value::String("00-x".to_owned()));
    assert_eq!(event.extensions.len(), 1);
    assert_eq!(event.data.raw(body), Some(&body[..]));
    let empty = decode_binary(&headers(MINIMAL), b"").expect("an event");
    assert_eq!(empty.data, Data::Absent);
}

#[test]
fn header_values_are_unquoted_and_percent_decoded_once() {
    for (sent, expected) in [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", Ok("Euro \u{20ac} \u{1f600}")),
        ("%61b%63", Ok("abc")),
        ("100%2541", Ok("100%41")),
        ("\"a \\\"b\\\\ c\"", Ok("a \"b\\ c")),
        ("\"a%20b\"", Ok("a b")),
        ("a\"b", Ok("a\"b")),
        ("\u{20ac}", Ok("\u{20ac}")),
        ("%C0%A0", Err(Problem::Utf8)),
        ("%ED%A0%80", Err(Problem::Utf8)),
        ("100%", Err(Problem::PercentEncoding)),
        ("%zz", Err(Problem::PercentEncoding)),
        ("%%41", Err(Problem::PercentEncoding)),
        ("\"open", Err(Problem::Quoting)),
        ("\"a\"b", Err(Problem::Quoting)),
        ("%00", Err(Problem::Character)),
        ("%C2%85", Err(Problem::Character)),
        ("%EF%BF%BF", Err(Problem::Character)),
        ("", Err(Problem::Empty)),
    ] {
        let event = binary_with("ce-subject", sent);
        let subject = event.map(|event| event.subject.expect("a subject"));
        let subject = subject.map_err(|error| error.problem);
        assert_eq!(subject, expected.map(str::to_owned), "{sent:?}");
    }
}

#[test]
fn wrong_headers_are_refused_by_name() {
    for (name, value, problem) in [
        ("ce-specversion", "0.3", Problem::SpecVersion),
        ("ce-id", "", Problem::Empty),
        ("ce-source", "a%20b", Problem::UriReference),
        ("ce-time", "yesterday", Problem::Time),
        ("ce-dataschema", "/relative", Problem::Uri),
        ("ce-my-extension", "x", Problem::Name),
        ("ce-my_extension", "x", Problem::Name),
        ("ce-", "x", Problem::Name),
        ("ce-data", "x", Problem::ReservedName),
        ("ce-datacontenttype", "a/b", Problem::ReservedName),
        ("content-type", "json", Problem::MediaType),
    ] {
        let error = binary_with(name, value).expect_err("refused");
        assert_eq!(at(&error), (format!("header {name}"), &problem), "{name}: {value}");
    }
    for (name, _) in MINIMAL {
        let without: Vec<_> = MINIMAL.iter().copied().filter(|(kept, _)| kept != name).collect();
        let error = decode_binary(&headers(&without), b"").expect_err("refused");
        assert_eq!(at(&error), (format!("header {name}"), &Problem::Missing));
        let twice = [MINIMAL, &[(*name, "1.0")]].concat();
        let error = decode_binary(&headers(&twice), b"").expect_err("refused");
        assert_eq!(at(&error), (format!("header {name}"), &Problem::Repeated));
    }
}

#[test]
fn a_structured_payload_stays_the_bytes_that_were_sent() {
    for (json, expected) in [
        (r#"{"b" : 1.0, "b":2}"#, r#"{"b" : 1.0, "b":2}"#),
        (r#"  "a string \u00e9" "#, r#""a string \u00e9""#),
        ("12345678901234567890.10", "12345678901234567890.10"),
        ("null", "null"),
        ("[ ]", "[ ]"),
    ] {
        let body = format!("\n {{\"data\":{json},\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"}}");
        let event = decode_structured(body.as_bytes()).expect("an event");
        assert!(matches!(event.data, Data::Json(_)));
        assert_eq!(event.data.raw(body.as_bytes()), Some(expected.as_bytes()), "{json}");
    }
    let event = structured_with(r#","data_base64":"AP8=""#).expect("an event");
    assert_eq!(event.data, Data::Bytes(vec![0, 255]));
    for absent in ["", r#","data_base64":null"#] {
        assert_eq!(structured_with(absent).expect("an event").data, Data::Absent);
    }
    let event = structured_with(r#","data":null,"data_base64":"AP8=""#).expect("an event");
    assert_eq!(event.data, Data::Bytes(vec![0, 255]));
}

#[test]
fn structured_attributes_keep_their_type_and_null_is_absent() {
    let members = r#","b":true,"i":-2147483648,"s":"\u00e9","n":null,"subject":null,"time":null"#;
    let event = structured_with(members).expect("an event");
    let expected = [("b", Value::Boolean(true)), ("i", Value::Integer(i32::MIN)), ("s", Value::String("\u{e9}".to_owned()))];
    assert_eq!(event.extensions, expected.map(|(name, value)| (name.to_owned(), value)).into());
    assert_eq!((event.subject, event.time), (None, None));
}

#[test]
fn wrong_members_are_refused_by_pointer() {
    for (members, pointer, problem) in [
        (r#","i":2147483648"#, "/i", Problem::IntegerRange),
        (r#","i":-2147483649"#, "/i", Problem::IntegerRange),
        (r#","i":1.0"#, "/i", Problem::NotAnAttributeValue),
        (r#","i":1e2"#, "/i", Problem::NotAnAttributeValue),
        (r#","o":{}"#, "/o", Problem::NotAnAttributeValue),
        (r#","o":[1]"#, "/o", Problem::NotAnAttributeValue),
        (r#","subject":1"#, "/subject", Problem::NotAString),
        (r#","subject":"""#, "/subject", Problem::Empty),
        (r#","subject":"\ud800""#, "/subject", Problem::Character),
        (r#","x":"a\u0007""#, "/x", Problem::Character),
        (r#","Camel":"x""#, "/Camel", Problem::Name),
        (r#","a/b~c":"x""#, "/a~1b~0c", Problem::Name),
        (r#","":"x""#, "/", Problem::Name),
        (r#","id":"2""#, "/id", Problem::Repeated),
        (r#","x":"1","x":"1""#, "/x", Problem::Repeated),
        (r#","data":1,"data":1"#, "/data", Problem::Repeated),
        (r#","data":1,"data_base64":"AA==""#, "/data_base64", Problem::TwoPayloads),
        (r#","data_base64":"A""#, "/data_base64", Problem::Base64),
        (r#","data_base64":1"#, "/data_base64", Problem::Base64),
        (r#","time":"2018""#, "/time", Problem::Time),
        (r#","dataschema":"x""#, "/dataschema", Problem::Uri),
        (r#","datacontenttype":"x""#, "/datacontenttype", Problem::MediaType),
    ] {
        let error = structured_with(members).expect_err("refused");
        assert_eq!(at(&error), (format!("body at {pointer}"), &problem), "{members}");
    }
    for (body, problem) in [
        ("[]", Problem::NotAnObject),
        ("", Problem::NotAnObject),
        ("{", Problem::NotJson { line: 1, column: 1 }),
        ("{}x", Problem::NotJson { line: 1, column: 3 }),
    ] {
        let error = decode_structured(body.as_bytes()).expect_err("refused");
        assert_eq!(at(&error), ("body".to_owned(), &problem), "{body}");
    }
    let error = decode_structured(b"{\"id\":\"\xff\"}").expect_err("refused");
    assert!(matches!(error.problem, Problem::NotJson { .. }));
}

#[test]
fn a_batch_gives_each_element_with_its_place_and_its_own_fate() {
    let first = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"n": 1}}"#;
    let second = r#"{"specversion":"1.0","id":"","source":"/s","type":"t"}"#;
    let third = "17";
    let body = format!(" [ {first} ,\n{second},{third}]\n");
    let elements = decode_batch(body.as_bytes(), 3).expect("a batch");
    let raw = |element: &BatchElement| body.get(element.raw.clone()).map(str::to_owned);
    let raws: Vec<String> = elements.iter().filter_map(raw).collect();
    assert_eq!(raws, [first, second, third]);
    let event = elements[0].event.as_ref().expect("an event");
    assert_eq!(event.data.raw(body.as_bytes()), Some(&b"{\"n\": 1}"[..]));
    let error = elements[1].event.as_ref().expect_err("an empty id");
    assert_eq!(at(error), ("body at /1/id".to_owned(), &Problem::Empty));
    let error = elements[2].event.as_ref().expect_err("a number");
    assert_eq!(at(error), ("body at /2".to_owned(), &Problem::NotAnObject));
    let error = decode_batch(body.as_bytes(), 2).expect_err("refused");
    assert_eq!(error.problem, Problem::TooManyEvents(2));
    assert_eq!(decode_batch(b" [] ", 0), Ok(vec![]));
    assert_eq!(decode_batch(b"{}", 9).expect_err("refused").problem, Problem::NotAnArray);
    let error = decode_batch(b"[{},", 9).expect_err("refused");
    assert!(matches!(error.problem, Problem::NotJson { .. }));
}

#[test]
fn deep_nesting_costs_no_stack() {
    let deep = format!(",\"data\":{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(structured_with(&deep).is_ok());
}

#[test]
fn a_payload_goes_between_the_modes_without_a_change() {
    let data = r#"{"a" : 1.00}"#;
    let json = format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{data}}}"#);
    let event = decode_structured(json.as_bytes()).expect("an event");
    let sent = encode_binary_headers(&event).expect("headers");
    assert_eq!(sent["content-type"], "application/json");
    let body = encode_binary_body(&event, json.as_bytes()).expect("a body");
    assert_eq!(*body, *data.as_bytes());
    let back = decode_binary(&sent, &body).expect("an event");
    let again = encode_structured(&back, &body).expect("encoded");
    let again_text = String::from_utf8(again).expect("UTF-8");
    assert!(again_text.ends_with(r#""datacontenttype":"application/json","data":{"a" : 1.00}}"#));
    assert!(encode_structured(&event, b"short").is_err());
    assert!(encode_binary_body(&event, b"short").is_err());
}

#[test]
fn payloads_that_are_not_json_go_as_base64_and_strings_as_their_text() {
    let typed = |media_type: &str| headers(&[MINIMAL, &[("content-type", media_type)]].concat());
    for (media_type, body, expected) in [
        ("application/json", "{}", r#""data":{}}"#),
        ("application/json", "{", r#""data_base64":"ew=="}"#),
        ("text/plain", "{}", r#""data_base64":"e30="}"#),
    ] {
        let event = decode_binary(&typed(media_type), body.as_bytes()).expect("an event");
        let out = encode_structured(&event, body.as_bytes()).expect("encoded");
        let out = String::from_utf8(out).expect("UTF-8");
        assert!(out.ends_with(expected), "{out}");
    }
    for (media_type, expected) in [("text/plain", "a\"b"), ("application/json", r#""a\"b""#)] {
        let json = format!(
            r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"{media_type}","data":"a\"b"}}"#
        );
        let event = decode_structured(json.as_bytes()).expect("an event");
        let body = encode_binary_body(&event, json.as_bytes()).expect("a body");
        assert_eq!(*body, *expected.as_bytes(), "{media_type}");
    }
}

#[test]
fn an_event_that_breaks_a_rule_is_not_encoded() {
    let event = structured_with("").expect("an event");
    let extended = |name: &str| {
        let extensions = [(name.to_owned(), Value::Integer(1))].into();
        CloudEvent { extensions, ..event.clone() }
    };
    for (wrong, problem) in [
        (CloudEvent { id: String::new(), ..event.clone() }, Problem::Empty),
        (CloudEvent { source: "a b".to_owned(), ..event.clone() }, Problem::UriReference),
        (CloudEvent { time: Some("now".to_owned()), ..event.clone() }, Problem::Time),
        (extended("Big"), Problem::Name),
        (extended("data"), Problem::ReservedName),
        (extended("datacontenttype"), Problem::ReservedName),
        (extended("id"), Problem::ReservedName),
    ] {
        assert_eq!(encode_binary_headers(&wrong).expect_err("refused").problem, problem);
        assert_eq!(encode_structured(&wrong, b"").expect_err("refused").problem, problem);
    }
}

fn text() -> impl Strategy<Value = String> {
    "[ -~\u{a0}-\u{d7ff}\u{1f300}-\u{1f6ff}]{1,24}"
}

prop_compose! {
    fn events()(
        id in text(),
        source in "/[a-z0-9/]{0,12}",
        kind in text(),
        subject in proptest::option::of(text()),
        extensions in proptest::collection::btree_map("x[a-z0-9]{1,10}", text(), 0..5),
    ) -> CloudEvent {
        let extensions = extensions.into_iter().map(|(name, text)| (name, Value::String(text)));
        CloudEvent {
            id, source, kind, subject,
            time: Some("2018-04-05T03:56:24Z".to_owned()),
            datacontenttype: Some("application/json".to_owned()),
            dataschema: None,
            extensions: extensions.collect(),
            data: Data::Absent,
        }
    }
}

proptest! {
    #[test]
    fn binary_headers_come_back_as_the_same_event(event in events()) {
        let headers = encode_binary_headers(&event).expect("headers");
        for (name, value) in &headers {
            let is_plain = value.as_bytes().iter().all(|b| b.is_ascii_graphic() && *b != b'"');
            prop_assert!(is_plain, "{}", name);
        }
        prop_assert_eq!(decode_binary(&headers, b"").expect("an event"), event);
    }

    #[test]
    fn a_structured_event_comes_back_and_its_range_is_the_payload(
        event in events(),
        payload in "\\{\"k\":\"[a-z ]{0,20}\", \"n\":[1-9][0-9]{0,8}\\.[0-9]{1,9}\\}",
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let with_json = CloudEvent { data: Data::Json(0..payload.len()), ..event.clone() };
        let out = encode_structured(&with_json, payload.as_bytes()).expect("encoded");
        let back = decode_structured(&out).expect("an event");
        prop_assert_eq!(back.data.raw(&out), Some(payload.as_bytes()));
        prop_assert_eq!(CloudEvent { data: Data::Absent, ..back }, event.clone());

        let batch = [b"[ ", &out[..], b" ,", &out[..], b"]"].concat();
        for element in decode_batch(&batch, 2).expect("a batch") {
            prop_assert_eq!(&batch[element.raw.clone()], &out[..]);
            let event = element.event.expect("an event");
            prop_assert_eq!(event.data.raw(&batch), Some(payload.as_bytes()));
        }

        let with_bytes = CloudEvent { data: Data::Bytes(bytes), ..event };
        let out = encode_structured(&with_bytes, b"").expect("encoded");
        prop_assert_eq!(decode_structured(&out).expect("an event"), with_bytes);
    }

    #[test]
    fn no_body_makes_the_decoders_panic(body in proptest::collection::vec(any::<u8>(), 0..60)) {
        // The outcome does not matter, only that there is one.
        drop((decode_structured(&body), decode_batch(&body, 3)));
    }
}
