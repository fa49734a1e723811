//! What an admitted event is: type, key, digest, and what it keeps of its request.

use model::limit::KEY_BYTES_MAX;

use super::*;

fn structured(source: &str, body: &str) -> Received {
    with(post(source, body), "content-type", "application/cloudevents+json; charset=utf-8")
}

fn only(verdicts: Vec<Verdict>) -> Verdict {
    let [verdict] = <[Verdict; 1]>::try_from(verdicts).expect("one verdict");
    verdict
}

#[test]
fn a_shopify_order_is_admitted_with_all_that_its_source_declares() {
    let body = r#"{"id":820982911946154508,"updated_at":"2026-03-01T09:59:58+00:00"}"#;
    let received = signed(with(shop(body), "x-shopify-shop-domain", "acme.myshopify.com"), SHOP_SECRET);
    let event = World::new().admitted(&received);
    assert_eq!(event.kind.as_str(), "shopify.orders.create");
    assert_eq!(event.key, "w-1");
    assert_eq!(event.digest, Digest::of(body.as_bytes()));
    assert_eq!(event.time, Some(Timestamp::from_secs(NOW.secs() - 2)));
    assert_eq!(event.attributes, BTreeMap::from([("x-shopify-shop-domain".to_owned(), "acme.myshopify.com".to_owned())]));
    assert_eq!(event.correlation, event.id.to_string());
    assert_eq!(&event.body[..], body.as_bytes());
    assert_eq!(&*event.data(), body.as_bytes());
    assert_eq!(event.content_type, "application/json");
    assert_eq!((event.ordering, event.trace, event.subject), (None, None, None));
}

#[test]
fn the_same_request_has_the_same_key_and_digest_whenever_it_comes() {
    for received in [
        shop(r#"{"id":1}"#),
        webhook("{}", "msg_1", NOW),
        post("derived", r#"{"type":"t","id":1,"revision":2}"#),
        post("any", r#"{"a":1}"#),
        structured("cloud", r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#),
    ] {
        let again = Received { at: NOW + TimeSpan::from_secs(60), seed: 8, ..received.clone() };
        let world = World::new();
        let (one, other) = (world.admitted(&received), world.admitted(&again));
        assert_eq!((&one.key, one.digest, one.key_hash()), (&other.key, other.digest, other.key_hash()));
        assert_ne!(one.id, other.id);
        assert_eq!(world.admitted(&received).id, one.id, "a decision has no chance of its own");
    }
}

#[test]
fn keys_are_found_where_the_source_or_the_standard_says() {
    let world = World::new();
    assert_eq!(world.admitted(&webhook("{}", "msg_1", NOW)).key, "msg_1");
    let digest = Digest::of(br#"{"a":1}"#);
    assert_eq!(world.admitted(&post("any", r#"{"a":1}"#)).key, format!("sha256:{digest}"));
    let cloud = structured("any", r#"{"specversion":"1.0","id":"A 1","source":"/shops/1","type":"t"}"#);
    assert_eq!(world.admitted(&cloud).key, "/shops/1 A 1");
    let long = signed(with(shop("{}"), "x-shopify-webhook-id", &"k".repeat(KEY_BYTES_MAX + 1)), SHOP_SECRET);
    assert_eq!(world.admitted(&long).key, format!("sha256:{}", Digest::of(&[b'k'; KEY_BYTES_MAX + 1])));
}

#[test]
fn a_derived_key_tells_types_values_and_missing_values_apart() {
    let key = |body: &str| World::new().admitted(&post("derived", body)).key;
    let bodies = [
        r#"{"type":"t","id":1,"revision":2}"#,
        r#"{"type":"u","id":1,"revision":2}"#,
        r#"{"type":"t","id":12}"#,
        r#"{"type":"t","id":"1","revision":2}"#,
        r#"{"type":"t","id":1,"revision":""}"#,
        r#"{"type":"t","revision":1}"#,
        r#"{"type":"t","id":1}"#,
    ];
    let keys: std::collections::BTreeSet<String> = bodies.iter().map(|body| key(body)).collect();
    assert_eq!(keys.len(), bodies.len());
    assert_eq!(key(r#"{"type":"t","id":1,"note":"a"}"#), key(r#"{"note":"b","revision":null,"id":1,"type":"t"}"#));
}

#[test]
fn types_that_are_not_listed_follow_the_rule_of_their_source() {
    let lab = |unknown: Unknown, body: &str| {
        let kind = Some(Pick::Path(".type".parse().unwrap()));
        let events = BTreeMap::from([("known".to_owned(), rule("lab.known"))]);
        let world = World::of(vec![Source { unknown, kind, events, ..open_source("lab") }]);
        only(world.events(&post("lab", body)))
    };
    let Verdict::Admitted(event) = lab(Unknown::Quarantine, r#"{"type":"known"}"#) else { panic!("listed") };
    assert_eq!(event.kind.as_str(), "lab.known");
    let Verdict::Admitted(event) = lab(Unknown::Accept, r#"{"type":"a b"}"#) else { panic!("accepted") };
    assert_eq!(event.kind.as_str(), "a_b");
    for (body, kind, code) in [(r#"{"type":"new"}"#, "new", "H0901"), ("{}", "lab", "H0902")] {
        let Verdict::Quarantined { event, reasons } = lab(Unknown::Quarantine, body) else { panic!("quarantined") };
        assert_eq!((event.kind.as_str(), reasons[0].code.to_string().as_str()), (kind, code));
    }
}

#[test]
fn a_source_without_a_list_accepts_every_type_and_lends_its_name_where_there_is_none() {
    assert_eq!(World::new().admitted(&post("any", "{}")).kind.as_str(), "any");
    let event = World::new().admitted(&structured("any", r#"{"specversion":"1.0","id":"1","source":"/s","type":"com.x"}"#));
    assert_eq!(event.kind.as_str(), "com.x");
}

#[test]
fn a_structured_event_keeps_its_attributes_and_the_place_of_its_data() {
    let body = r#" {"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"order/1","time":"2026-03-01T09:00:00Z",
        "correlationid":"S00042","partitionkey":"p1","sequence":7,"data": {"a":1} ,"datacontenttype":"text/weird"}"#;
    let event = World::new().admitted(&structured("cloud", body));
    assert_eq!(&*event.data(), br#"{"a":1}"#);
    assert_eq!(&event.body[..], body.as_bytes());
    assert_eq!(event.content_type, "application/json", "the bytes of the data are JSON");
    assert_eq!(event.subject.as_deref(), Some("order/1"));
    assert_eq!(event.time, Some(Timestamp::from_secs(NOW.secs() - 3_600)));
    assert_eq!(event.correlation, "S00042");
    assert_eq!(event.ordering.as_deref(), Some("p1"));
    assert_eq!(event.attributes.get("sequence").map(String::as_str), Some("7"));
}

#[test]
fn data_in_base64_is_found_without_being_written_anew() {
    let event = |member: &str| {
        let body = format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t",{member}}}"#);
        World::new().admit(&structured("cloud", &body))
    };
    let Decision::Judged(verdicts) = event(r#""datacontenttype":"image/png","data_base64" : "aGk/""#) else {
        panic!("judged")
    };
    let Verdict::Admitted(admitted) = only(verdicts) else { panic!("admitted") };
    assert_eq!(&*admitted.data(), b"hi?");
    assert_eq!(admitted.content_type, "image/png");
    let Decision::Judged(verdicts) = event(r#""data_base64":"e30=""#) else { panic!("judged") };
    assert!(matches!(only(verdicts), Verdict::Admitted(_)), "{{}} is JSON");
    let Decision::Refused(refusal) = event(r#""data_base64":"aGk=""#) else { panic!("refused") };
    assert!(refusal.detail.contains("not JSON"), "without a media type it is JSON: {refusal:?}");
    let Decision::Refused(refusal) = event(r#""datacontenttype":"image/png","data_base64":"aGk\/""#) else {
        panic!("refused")
    };
    assert!(refusal.detail.contains("escapes"), "{refusal:?}");
    let Decision::Judged(verdicts) = event(r#""subject":"none""#) else { panic!("judged") };
    let Verdict::Admitted(admitted) = only(verdicts) else { panic!("admitted") };
    assert_eq!(&*admitted.data(), b"");
}

#[test]
fn a_binary_event_takes_its_attributes_from_headers() {
    let received = with(with(post("any", "<a/>"), "content-type", "application/xml"), "ce-specversion", "1.0");
    let received = with(with(with(received, "ce-id", "1"), "ce-source", "/s"), "ce-type", "t");
    let received = with(received, "ce-region", "Z%C3%BCrich");
    let event = World::new().admitted(&received);
    assert_eq!((event.kind.as_str(), event.key.as_str()), ("t", "/s 1"));
    assert_eq!(event.content_type, "application/xml");
    assert_eq!(event.attributes.get("region").map(String::as_str), Some("Z\u{fc}rich"));
    assert_eq!(&*event.data(), b"<a/>");
}

#[test]
fn the_trace_and_the_transaction_come_from_headers_where_the_event_names_none() {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let received = with(with(post("any", "{}"), "traceparent", parent), "tracestate", "a=1");
    let event = World::new().admitted(&with(received, "x-correlation-id", "S00042"));
    let trace = event.trace.unwrap();
    assert_eq!(
        (trace.trace_id.as_str(), trace.parent_id.as_str()),
        ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    );
    assert_eq!((trace.flags, trace.state.as_str()), (1, "a=1"));
    assert_eq!(event.correlation, "S00042");
    let broken = with(post("any", "{}"), "traceparent", "00-zz");
    assert_eq!(World::new().admitted(&broken).trace, None);
    let long = with(post("any", "{}"), "correlationid", &"c".repeat(201));
    assert!(World::new().admitted(&long).correlation.starts_with("sha256:"));
}

#[test]
fn ids_are_of_their_time_and_differ_inside_of_a_request() {
    let event = World::new().admitted(&post("any", "{}"));
    assert_eq!(event.id.0.get_version_num(), 7);
    let millis = u64::from_be_bytes([
        0,
        0,
        event.id.bytes()[0],
        event.id.bytes()[1],
        event.id.bytes()[2],
        event.id.bytes()[3],
        event.id.bytes()[4],
        event.id.bytes()[5],
    ]);
    assert_eq!(i64::try_from(millis).unwrap(), NOW.millis());
    assert_eq!(event.received_at, NOW);
}
