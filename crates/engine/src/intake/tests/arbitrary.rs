//! Whatever comes in, a decision is made and nothing panics; and what is accepted keeps to the limits.

use bytes::Bytes;
use model::limit::{HEADER_BYTES_MAX, IDENTIFIER_BYTES_MAX, KEY_BYTES_MAX, LANE_KEY_BYTES_MAX, REASONS_MAX};
use proptest::prelude::*;

use super::*;

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "content-type",
            "content-encoding",
            "ce-specversion",
            "ce-id",
            "ce-source",
            "ce-type",
            "ce-time",
            "ce-x",
            "x-shopify-topic",
            "x-shopify-webhook-id",
            "x-shopify-hmac-sha256",
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
            "stripe-signature",
            "authorization",
            "traceparent",
            "tracestate",
            "correlationid",
        ])
        .prop_map(str::to_owned),
        ".{0,20}",
    ]
}

fn values() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "application/json",
            "application/cloudevents+json",
            "application/cloudevents-batch+json",
            "text/plain",
            "1.0",
            "orders/create",
            "t=1,v1=ff",
            "v1,AAAA",
            "Basic AAAA",
            "Bearer t0ken",
            "1772359200",
        ])
        .prop_map(str::to_owned),
        ".{0,40}",
    ]
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let event = (".{0,8}", ".{0,8}", "[a-z]{0,4}", "\\PC{0,12}").prop_map(|(id, kind, name, data)| {
        let text = serde_json::json!({"specversion": "1.0", "id": id, "source": "/s", "type": kind, name: data, "data": {"id": data}});
        text.to_string()
    });
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..64),
        event.clone().prop_map(String::into_bytes),
        proptest::collection::vec(event, 0..4).prop_map(|events| format!("[{}]", events.join(",")).into_bytes()),
        "[\\[\\]{}\",:0-9a-z\\\\]{0,40}".prop_map(String::into_bytes),
    ]
}

/// Those of the lines that HTTP can carry.
fn lines(lines: &[(String, String)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
    headers
}

fn requests() -> impl Strategy<Value = Received> {
    let source = proptest::sample::select(
        sources().iter().map(|source| source.name.clone()).chain([SourceName::new("nowhere").unwrap()]).collect::<Vec<_>>(),
    );
    let method = proptest::sample::select(vec!["POST", "POST", "POST", "GET", "OPTIONS", "x"]);
    let headers = proptest::collection::vec((names(), values()), 0..8);
    let outside = (".{0,12}", ".{0,24}", any::<Option<std::net::Ipv4Addr>>());
    (source, method, headers, outside, bodies(), any::<(u64, i64)>()).prop_map(
        |(source, method, headers, (path, query, peer), body, (seed, at))| Received {
            source,
            at: Timestamp::from_micros(at),
            headers: lines(&headers),
            method: method.to_owned(),
            path,
            query,
            body: Bytes::from(body),
            peer: peer.map(Into::into),
            seed,
            by: model::event::Brought::Sender,
        },
    )
}

fn check_limits(event: &Event) {
    assert!(event.key.len() <= KEY_BYTES_MAX && !event.correlation.is_empty());
    assert!(event.correlation.len() <= IDENTIFIER_BYTES_MAX.max(71));
    assert!(event.ordering.as_ref().is_none_or(|key| key.len() <= LANE_KEY_BYTES_MAX));
    assert!(event.attributes.values().all(|value| value.len() <= HEADER_BYTES_MAX));
    assert_eq!(event.digest, Digest::of(&event.body));
}

proptest! {
    #[test]
    fn no_request_makes_a_decision_panic(received in requests(), wall in any::<i64>()) {
        let world = World::new();
        let decision = admit(&world.policy, &world.verifiers, &received, Timestamp::from_micros(wall));
        if let Decision::Judged(verdicts) = decision {
            for verdict in verdicts {
                match verdict {
                    Verdict::Admitted(event) => check_limits(&event),
                    Verdict::Quarantined { event, reasons } => {
                        check_limits(&event);
                        prop_assert!(!reasons.is_empty() && reasons.len() <= REASONS_MAX);
                    }
                }
            }
        }
    }

    #[test]
    fn a_signed_request_is_admitted_and_no_change_of_its_body_is(body in "\\PC{0,60}", at in any::<proptest::sample::Index>()) {
        let body = serde_json::Value::from(body).to_string();
        let received = shop(&body);
        let world = World::new();
        world.admitted(&received);
        let mut changed = body.into_bytes();
        let at = at.index(changed.len());
        changed[at] ^= 1;
        let refusal = world.refused(&Received { body: Bytes::from(changed), ..received });
        prop_assert_eq!(refusal.kind, model::RefusalKind::BadSignature);
    }
}
