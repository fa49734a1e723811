//! Requests that are answered and admit nothing.

use bytes::Bytes;
use model::RefusalKind;

use super::*;
use crate::intake::HandshakeAnswer;

fn world(handshake: Handshake) -> World {
    World::of(vec![Source { handshake: vec![handshake], ..verified("shop", shopify(), &["shop/new"]) }])
}

fn shopify() -> Verify {
    Verify::Signed(Box::new(presets::shopify()))
}

fn get(query: &str) -> Received {
    Received {
        method: "GET".to_owned(),
        query: query.to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        ..post("shop", "")
    }
}

fn answered(world: &World, received: &Received) -> HandshakeAnswer {
    match world.admit(received) {
        Decision::Answered(answer) => answer,
        other => panic!("expected an answer, got {other:?}"),
    }
}

#[test]
fn a_challenge_is_echoed_as_text_where_it_is_declared() {
    let world = world(Handshake::Challenge { query: "hub.challenge".to_owned() });
    let answer = answered(&world, &get("mode=x&hub.challenge=a%20b%3Cscript%3E&hub.challenge=second"));
    assert_eq!((answer.status, &answer.body[..]), (200, &b"a b<script>"[..]));
    assert!(answer.headers.contains(&("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())));
    assert!(answer.headers.contains(&("x-content-type-options".to_owned(), "nosniff".to_owned())));
    for query in ["", "mode=x", "challenge=a", "hub.challenge", "hub.challenge=%FF"] {
        assert_eq!(world.refused(&get(query)).kind, RefusalKind::Malformed, "{query}");
    }
    let long = format!("hub.challenge={}", "x".repeat(1_025));
    assert_eq!(world.refused(&get(&long)).kind, RefusalKind::Malformed);
    assert_eq!(World::new().refused(&get("hub.challenge=a")).kind, RefusalKind::WrongMethod, "not declared");
}

#[test]
fn a_challenge_at_a_secret_address_needs_the_address() {
    let handshake = vec![Handshake::Challenge { query: "c".to_owned() }];
    let world = World::of(vec![Source { handshake, ..verified("shop", Verify::SecretPath, &["path"]) }]);
    assert_eq!(world.refused(&get("c=1")).kind, RefusalKind::BadSignature);
    let at_address = Received { path: "/s3cr3t-p4th".to_owned(), ..get("c=1") };
    assert_eq!(&answered(&world, &at_address).body[..], b"1");
}

#[test]
fn a_ping_must_be_signed_where_events_are() {
    let world = world(Handshake::Ping { header: "x-event".to_owned(), equals: "ping".to_owned() });
    let ping = with(post("shop", r#"{"zen":"x"}"#), "x-event", "ping");
    assert_eq!(world.refused(&ping).kind, RefusalKind::BadSignature);
    let answer = answered(&world, &signed(ping.clone(), SHOP_SECRET));
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let other = signed(with(ping, "x-event", "push"), SHOP_SECRET);
    assert!(matches!(world.admit(&other), Decision::Judged(_)));
}

#[test]
fn the_form_that_nobody_signs_admits_nothing() {
    let world = world(Handshake::FormPing { field: "webhook_id".to_owned() });
    let form = |body: &str| with(post("shop", body), "content-type", "application/x-www-form-urlencoded; charset=utf-8");
    assert_eq!(answered(&world, &form("webhook_id=7")).status, 200);
    for body in ["webhook_id=7&a=1", "other=7", "webhook_id", ""] {
        assert_eq!(world.refused(&form(body)).kind, RefusalKind::UnsupportedMediaType, "{body}");
    }
    assert_eq!(world.refused(&post("shop", "webhook_id=7")).kind, RefusalKind::BadSignature);
}

#[test]
fn options_gives_permission_by_the_cloudevents_rules() {
    let limits = SourceLimits { rate: Some(policy::compiled::Rate { per_s: 2.0, burst: 4 }), ..open_source("shop").limits };
    let world = World::of(vec![Source { handshake: vec![Handshake::CloudEvents], limits, ..open_source("shop") }]);
    let options = Received { method: "OPTIONS".to_owned(), ..get("") };
    let asked = with(with(options.clone(), "webhook-request-origin", "Emitter.example.com"), "webhook-request-rate", "1000");
    let answer = answered(&world, &asked);
    assert_eq!(answer.status, 200);
    for line in [("webhook-allowed-origin", "emitter.example.com"), ("webhook-allowed-rate", "120"), ("allow", "POST")] {
        assert!(answer.headers.contains(&(line.0.to_owned(), line.1.to_owned())), "{line:?} in {answer:?}");
    }
    assert_eq!(world.refused(&options).kind, RefusalKind::Malformed, "no origin");
    assert_eq!(World::new().refused(&asked).kind, RefusalKind::WrongMethod, "not declared");
}
