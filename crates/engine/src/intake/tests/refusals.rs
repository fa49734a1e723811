//! Every kind of refusal that a decision gives, and what comes before what.

use bytes::Bytes;
use formats::signature::{Secret, presets};
use model::limit::{HEADER_BYTES_MAX, HEADERS_MAX};
use model::{RefusalKind, TimeSpan};

use super::*;

fn check(received: &Received, expected: RefusalKind, words: &str) {
    let refusal = World::new().refused(received);
    assert_eq!(refusal.kind, expected, "{refusal:?}");
    assert!(refusal.detail.contains(words), "{:?} does not say {words:?}", refusal.detail);
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn a_source_that_nobody_declared_is_unknown() {
    check(&post("nowhere", "{}"), RefusalKind::UnknownSource, "no such source");
}

#[test]
fn only_addresses_of_the_list_may_send() {
    let from = |peer: Option<[u8; 4]>| Received { peer: peer.map(Into::into), ..post("lab", r#"{"type":"known"}"#) };
    check(&from(Some([10, 21, 0, 1])), RefusalKind::ForbiddenAddress, "address");
    check(&from(None), RefusalKind::ForbiddenAddress, "address");
    World::new().admitted(&from(Some([10, 20, 255, 255])));
}

#[test]
fn a_body_above_the_limit_of_its_source_is_refused_before_its_signature() {
    let large = format!("\"{}\"", "x".repeat(64 * 1024));
    check(&post("shop", &large), RefusalKind::TooLarge, "65536");
}

#[test]
fn too_many_or_too_long_headers_are_refused() {
    let many = (0..32).fold(post("any", "{}"), |received, number| with(received, &format!("x-{number}"), "v"));
    check(&many, RefusalKind::HeadersTooLarge, "33 header lines");
    check(&with(post("any", "{}"), "x-long", &"v".repeat(HEADER_BYTES_MAX + 1)), RefusalKind::HeadersTooLarge, "8192");
    check(&with(post("any", "{}"), &"n".repeat(129), "v"), RefusalKind::HeadersTooLarge, "128");
    let source = Source { limits: SourceLimits { headers: 10_000, ..open_source("any").limits }, ..open_source("any") };
    let flood = (0..=HEADERS_MAX).fold(post("any", "{}"), |received, number| with(received, &format!("x-{number}"), "v"));
    assert_eq!(World::of(vec![source]).refused(&flood).kind, RefusalKind::HeadersTooLarge);
}

#[test]
fn a_header_that_is_no_text_is_malformed() {
    let mut received = post("any", "{}");
    received.headers.insert("x-value", HeaderValue::from_bytes(b"a\xff").unwrap());
    check(&received, RefusalKind::Malformed, "the header x-value is no UTF-8 text");
}

#[test]
fn media_types_that_the_source_does_not_take_are_refused() {
    for (source, content_type) in [
        ("any", "text/xml"),
        ("any", "application/x-www-form-urlencoded"),
        ("any", "application/cloudevents+avro"),
        ("cloud", "application/json"),
    ] {
        check(&with(post(source, "{}"), "content-type", content_type), RefusalKind::UnsupportedMediaType, "take");
    }
    check(&with(post("any", "{}"), "content-encoding", "gzip"), RefusalKind::UnsupportedMediaType, "compressed");
}

#[test]
fn a_signature_that_does_not_match_is_refused() {
    let good = shop(r#"{"id":1}"#);
    World::new().admitted(&good);
    World::new().admitted(&signed(good.clone(), "older-secret"));
    check(&signed(good.clone(), "wrong"), RefusalKind::BadSignature, "none of the secrets");
    check(&Received { body: Bytes::from_static(br#"{"id":2}"#), ..good.clone() }, RefusalKind::BadSignature, "none of");
    check(&Received { body: Bytes::from_static(br#"{"id": 1}"#), ..good }, RefusalKind::BadSignature, "none of");
    check(&post("shop", "{}"), RefusalKind::BadSignature, "x-shopify-hmac-sha256 is missing");
}

#[test]
fn a_source_without_a_usable_secret_is_closed() {
    let received = signed(post("no-secret", "{}"), SHOP_SECRET);
    check(&received, RefusalKind::BadSignature, "no secret is set");
    let empty = Verifier::new(presets::shopify(), &[Secret::new("")]);
    assert!(empty.is_err());
    for source in ["hooks", "odoo", "token", "edi", "stripe", "shop"] {
        let mut world = World::new();
        world.verifiers = Verifiers::new(&world.policy, &Keyring::default());
        for received in [post(source, "{}"), Received { path: "/".to_owned(), ..post(source, "{}") }] {
            assert_eq!(world.refused(&received).kind, RefusalKind::BadSignature, "{source}");
        }
        drop(world.keys);
    }
}

#[test]
fn a_timestamp_outside_of_the_tolerance_is_stale() {
    let at = |seconds: i64| webhook("{}", "msg_1", Timestamp::from_secs(NOW.secs() + seconds));
    for within in [-300, 0, 300] {
        World::new().admitted(&at(within));
    }
    check(&at(-301), RefusalKind::StaleTimestamp, "301 seconds in the past");
    check(&at(301), RefusalKind::StaleTimestamp, "301 seconds in the future");
    let stripe = with(post("stripe", "{}"), "stripe-signature", "t=1,v1=00");
    check(&stripe, RefusalKind::StaleTimestamp, "in the past");
}

#[test]
fn secrets_that_are_sent_as_they_are_are_compared_whole() {
    let path = |path: &str| Received { path: path.to_owned(), ..post("odoo", "{}") };
    World::new().admitted(&path("/s3cr3t-p4th"));
    for wrong in ["", "/", "/s3cr3t-p4t", "/s3cr3t-p4th/", "/s3cr3t-p4th/x", "/S3cr3t-p4th"] {
        check(&path(wrong), RefusalKind::BadSignature, "none of the secrets");
    }
    let token = |value: &str| with(post("token", "{}"), "authorization", value);
    World::new().admitted(&token("Bearer t0ken"));
    World::new().admitted(&token("t0ken"));
    check(&token("Bearer t0ke"), RefusalKind::BadSignature, "none of the secrets");
    let basic = |value: &str| with(post("edi", "{}"), "authorization", value);
    World::new().admitted(&basic("Basic ZWRpLWh1YjpwNHNzd29yZA=="));
    check(&basic("Basic ZWRpLWh1YjpwNHNzd29yZQ=="), RefusalKind::BadSignature, "none of the secrets");
}

#[test]
fn a_secret_in_the_path_is_nowhere_in_the_event() {
    let received = Received { path: "/s3cr3t-p4th".to_owned(), ..post("odoo", "{}") };
    let event = World::new().admitted(&received);
    assert!(!format!("{event:?}").contains("s3cr3t"), "{event:?}");
}

#[test]
fn an_unsigned_source_is_open_until_its_day() {
    check(&post("expired", "{}"), RefusalKind::ExpiredPermission, "2026-03-01T10:00:00Z");
    let world = World::of(vec![Source {
        verify: Verify::Unsigned { owner: Owner::new("team").unwrap(), until: NOW + TimeSpan::from_micros(1) },
        ..open_source("any")
    }]);
    world.admitted(&post("any", "{}"));
}

#[test]
fn a_body_nested_too_deeply_is_refused_before_it_is_parsed() {
    World::new().admitted(&post("any", &nested(8)));
    check(&post("any", &nested(9)), RefusalKind::TooDeep, "8 levels");
    check(&post("any", &"[".repeat(60_000)), RefusalKind::TooDeep, "8 levels");
    let event = |data: &str| {
        let body = format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{data}}}"#);
        with(post("cloud", &body), "content-type", "application/cloudevents+json")
    };
    World::new().admitted(&event(&nested(8)));
    check(&event(&nested(9)), RefusalKind::TooDeep, "levels");
}

#[test]
fn what_is_no_json_is_malformed() {
    for body in ["", " ", "{", "{\"a\":}", "nothing", "{} {}", "{\"a\":\"\u{0}\"}"] {
        check(&post("any", body), RefusalKind::Malformed, "not JSON");
    }
    check(
        &Received { body: Bytes::from_static(b"{\"a\":\"\xff\"}"), ..post("any", "") },
        RefusalKind::Malformed,
        "not JSON",
    );
    for body in ["1", "null", "\"text\"", "[]", " {} "] {
        World::new().admitted(&post("any", body));
    }
}

#[test]
fn an_envelope_that_breaks_a_rule_is_malformed() {
    let structured = |body: &str| with(post("cloud", body), "content-type", "application/cloudevents+json");
    check(&structured("{}"), RefusalKind::Malformed, "specversion");
    check(&structured("[]"), RefusalKind::Malformed, "object");
    check(&structured("{"), RefusalKind::Malformed, "JSON");
    check(&structured(r#"{"specversion":"1.0","id":"","source":"/s","type":"t"}"#), RefusalKind::Malformed, "empty");
    check(&with(post("cloud", "{}"), "ce-specversion", "0.3"), RefusalKind::Malformed, "specversion");
    let long = format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t","{}":"v"}}"#, "n".repeat(65));
    check(&structured(&long), RefusalKind::Malformed, "too long");
}

#[test]
fn a_type_that_is_not_listed_is_refused_where_the_source_says_so() {
    check(&post("lab", r#"{"type":"new"}"#), RefusalKind::UnknownType, "`new`");
    check(&post("lab", r#"{"a":1}"#), RefusalKind::UnknownType, "does not say what type");
    let refusal = World::new().refused(&post("lab", r#"{"type":"new"}"#));
    assert_eq!(refusal.reasons.iter().map(|reason| reason.code.to_string()).collect::<Vec<_>>(), ["H0901"]);
}

#[test]
fn an_event_without_its_key_is_malformed() {
    let mut received = shop(r#"{"id":1}"#);
    received.headers.remove("x-shopify-webhook-id");
    check(&received, RefusalKind::Malformed, "no key");
    check(&post("derived", r#"{"type":"t","other":1}"#), RefusalKind::Malformed, "no key");
    World::new().events(&post("derived", r#"{"type":"t","id":1}"#));
}

#[test]
fn other_methods_than_those_declared_are_refused() {
    for method in ["GET", "OPTIONS", "PUT", "DELETE", ""] {
        check(&Received { method: method.to_owned(), ..post("any", "{}") }, RefusalKind::WrongMethod, "POST");
    }
}

#[test]
fn a_refusal_never_repeats_what_was_sent_as_a_secret() {
    let received = with(post("token", "{}"), "authorization", "Bearer wrong-but-nearly");
    let refusal = format!("{:?}", World::new().refused(&received));
    assert!(!refusal.contains("nearly"), "{refusal}");
}
