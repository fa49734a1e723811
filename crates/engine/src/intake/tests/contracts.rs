//! Contracts, with a policy as people write it: what is read out of the data, and what happens to data that breaks it.

use bytes::Bytes;
use model::{ContractRef, EventId, Identifier, RefusalKind};
use policy::SourceFile;

use super::*;
use crate::intake::decide::again;

const CONTRACT: &str = r"
summary: An order.
owner: team-commerce
type: shopify.orders.create
identifiers:
  order: .name
  line: .lines
ordering: .id
correlation: .name
time: .updated_at
schema:
  type: object
  required: [id, name]
  properties:
    id: { type: integer }
    name: { type: string }
    lines: { type: array, items: { type: string } }
    updated_at: { type: string }
examples: []
";

fn world(on_invalid: &str) -> World {
    let system = format!(
        r"
kind: shop
owner: team-commerce
sources:
  shop:
    verify: {{ preset: shopify, secrets: [shop/new, shop/old] }}
    events:
      orders/create: {{ contract: shopify.order@1.0.0 }}
      orders/free: {{ type: shopify.orders.free }}
    on_invalid: {on_invalid}
  cloud:
    verify: {{ unsigned: {{ owner: team-lab, until: 2027-01-31, why: bench }} }}
    format: cloudevents
    events:
      order: {{ contract: shopify.order@1.0.0 }}
"
    );
    let files =
        [SourceFile::new("systems/shop.yaml", system), SourceFile::new("contracts/shopify.order/1.0.0.yaml", CONTRACT)];
    let (policy, findings) = policy::check(&files);
    let policy = policy.unwrap_or_else(|| panic!("{findings:#?}"));
    let keys = World::new().keys;
    let verifiers = Verifiers::new(&policy, &keys);
    World { policy, keys, verifiers }
}

fn order(body: &str) -> Received {
    shop(body)
}

const VALID: &str =
    r##"{"id":820982911946154508,"name":"#1001","lines":["a","b"],"updated_at":"2026-03-01T09:00:00+00:00"}"##;

#[test]
fn a_contract_reads_identifiers_ordering_transaction_and_time() {
    let event = world("quarantine").admitted(&order(VALID));
    assert_eq!(event.contract, Some(ContractRef::new("shopify.order", "1.0.0")));
    assert_eq!(event.kind.as_str(), "shopify.orders.create");
    let identifiers = [("order", "#1001"), ("line", "a"), ("line", "b")];
    let expected = identifiers.map(|(scheme, value)| Identifier { scheme: scheme.to_owned(), value: value.to_owned() });
    assert_eq!(event.identifiers, expected);
    assert_eq!(event.ordering.as_deref(), Some("820982911946154508"), "digits are kept");
    assert_eq!(event.correlation, "#1001");
    assert!(event.time.is_some());
}

#[test]
fn data_that_breaks_its_contract_is_kept_with_reasons_and_can_be_found() {
    let body = r##"{"id":"x","name":"#1001"}"##;
    let Verdict::Quarantined { event, reasons } = world("quarantine").events(&order(body)).remove(0) else { panic!("kept") };
    assert_eq!(event.identifiers[0].value, "#1001");
    assert_eq!(event.contract, Some(ContractRef::new("shopify.order", "1.0.0")));
    assert!(reasons.iter().all(|reason| reason.code.to_string().starts_with("H07")), "{reasons:?}");
}

#[test]
fn data_that_breaks_its_contract_is_refused_where_the_source_says_so() {
    let refusal = world("refuse").refused(&order("{}"));
    assert_eq!(refusal.kind, RefusalKind::ContractViolation);
    assert_eq!(refusal.reasons.len(), 2, "{refusal:?}");
    assert!(refusal.detail.contains("shopify.order@1.0.0"), "{refusal:?}");
}

#[test]
fn a_listed_type_without_a_contract_is_admitted_whatever_it_says() {
    let received = signed(with(order("[]"), "x-shopify-topic", "orders/free"), SHOP_SECRET);
    let event = world("refuse").admitted(&received);
    assert_eq!((event.kind.as_str(), event.contract), ("shopify.orders.free", None));
}

#[test]
fn data_that_is_no_json_breaks_every_contract() {
    let received = with(with(post("cloud", "<a/>"), "content-type", "text/xml"), "ce-specversion", "1.0");
    let received = with(with(with(received, "ce-id", "1"), "ce-source", "/s"), "ce-type", "order");
    let Verdict::Quarantined { reasons, .. } = world("refuse").events(&received).remove(0) else { panic!("kept") };
    assert!(!reasons.is_empty());
}

#[test]
fn what_the_sender_names_comes_before_what_the_contract_reads() {
    let received = with(order(VALID), "x-correlation-id", "S00042");
    let received = with(received, "x-shopify-triggered-at", "2026-03-01T09:30:00Z");
    let event = world("quarantine").admitted(&received);
    assert_eq!(event.correlation, "S00042");
}

#[test]
fn a_kept_event_is_judged_again_by_its_contract() {
    let world = world("quarantine");
    let Verdict::Quarantined { event, .. } = world.events(&order(r#"{"id":"x"}"#)).remove(0) else { panic!("kept") };
    let judge = |body: &'static str| again(&world.policy, &event, Bytes::from_static(body.as_bytes()), event.id).unwrap();
    assert!(matches!(judge(VALID), Verdict::Admitted(new) if new.ordering.is_some() && new.key == event.key));
    assert!(matches!(judge(r#"{"id":1}"#), Verdict::Quarantined { .. }));
}

/// What breaks the contract, with all that the contract reads.
const WRONG: &str = r#"{"id":"x","name":"WRONG","updated_at":"2026-03-01T09:00:00Z"}"#;

fn corrected(world: &World, received: &Received, body: &'static str) -> Event {
    let Verdict::Quarantined { event, .. } = world.events(received).remove(0) else { panic!("kept") };
    match again(&world.policy, &event, Bytes::from_static(body.as_bytes()), EventId::derive(event.id.0, &[])).unwrap() {
        Verdict::Admitted(event) => *event,
        other @ Verdict::Quarantined { .. } => panic!("expected an admitted event, got {other:?}"),
    }
}

#[test]
fn a_corrected_body_says_what_the_wrong_one_said() {
    let new =
        corrected(&world("quarantine"), &order(WRONG), r#"{"id":1,"name":"RIGHT","updated_at":"2026-04-01T09:00:00Z"}"#);
    assert_eq!((new.correlation.as_str(), new.time), ("RIGHT", "2026-04-01T09:00:00Z".parse().ok()));
    let silent = corrected(&world("quarantine"), &order(WRONG), r#"{"id":1,"name":""}"#);
    assert_eq!((silent.correlation == "WRONG", silent.time), (false, None), "{silent:?}");
}

#[test]
fn what_only_headers_said_stays_where_the_corrected_body_says_nothing() {
    let named = with(order(r#"{"id":"x"}"#), "x-correlation-id", "S00042");
    let silent = corrected(&world("quarantine"), &named, r#"{"id":1,"name":""}"#);
    assert_eq!(silent.correlation, "S00042");
    let spoken = corrected(&world("quarantine"), &named, r#"{"id":1,"name":"RIGHT"}"#);
    assert_eq!(spoken.correlation, "RIGHT");
}

#[test]
fn what_the_replaced_envelope_said_goes_with_it() {
    let envelope = |more: &str, data: &str| {
        format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"free",{more}"data":{data}}}"#)
    };
    let wrong = r#""correlationid":"WRONG-CORR","time":"2020-01-01T00:00:00Z","subject":"old","dataschema":"https://x/y","partitionkey":"K1","region":"eu","#;
    let received = with(post("cloud", &envelope(wrong, "{}")), "content-type", "application/cloudevents+json");
    let world = world("quarantine");
    let event = world.events(&with(received, "x-correlation-id", "S00042")).remove(0).event().clone();
    assert_eq!((event.correlation.as_str(), event.ordering.as_deref()), ("WRONG-CORR", Some("K1")));
    let judged = |more: &str| {
        let body = Bytes::from(envelope(more, r#"{"a":1}"#));
        again(&world.policy, &event, body, EventId::derive(event.id.0, &[])).unwrap().event().clone()
    };
    let silent = judged("");
    assert_eq!(silent.correlation, silent.id.to_string());
    assert_eq!((silent.time, &silent.subject, &silent.ordering), (None, &None, &None));
    let kept: Vec<&str> = silent.attributes.keys().map(String::as_str).collect();
    assert_eq!(kept, event.attributes.keys().filter(|name| name.starts_with("x-")).map(String::as_str).collect::<Vec<_>>());
    let spoken = judged(r#""correlationid":"RIGHT","region":"us","#);
    assert_eq!((spoken.correlation.as_str(), spoken.attributes["region"].as_str()), ("RIGHT", "us"));
}

#[test]
fn a_corrected_event_in_binary_form_keeps_lane_transaction_and_time_of_its_attributes() {
    let received = with(with(post("cloud", "{}"), "ce-specversion", "1.0"), "ce-type", "free");
    let received = with(with(with(received, "ce-id", "1"), "ce-source", "/s"), "ce-partitionkey", "K7");
    let received = with(with(received, "ce-correlationid", "S00042"), "ce-time", "2026-03-01T09:00:00Z");
    let received = with(received, "content-type", "application/json");
    let event = world("quarantine").events(&received).remove(0).event().clone();
    let new =
        again(&world("quarantine").policy, &event, Bytes::from_static(br#"{"a":1}"#), event.id).unwrap().event().clone();
    assert_eq!(new.ordering.as_deref(), Some("K7"));
    assert_eq!((new.correlation.as_str(), new.time), ("S00042", "2026-03-01T09:00:00Z".parse().ok()));
}
