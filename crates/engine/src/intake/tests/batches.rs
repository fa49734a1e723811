//! Batches: each element has its own bytes, its own id and its own fate.

use model::RefusalKind;
use model::limit::BATCH_EVENTS_MAX;

use super::*;

fn batch(source: &str, body: &str) -> Received {
    with(post(source, body), "content-type", "application/cloudevents-batch+json")
}

fn element(id: &str, data: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t","data":{data}}}"#)
}

#[test]
fn elements_are_events_of_their_own() {
    let (one, two) = (element("1", r#"{"a":1}"#), element("2", "[]"));
    let verdicts = World::new().events(&batch("cloud", &format!("[{one} ,\n {two}]")));
    let events: Vec<&Event> = verdicts
        .iter()
        .map(|verdict| match verdict {
            Verdict::Admitted(event) => &**event,
            other => panic!("expected an admitted event, got {other:?}"),
        })
        .collect();
    assert_eq!((&events[0].body[..], &events[1].body[..]), (one.as_bytes(), two.as_bytes()));
    assert_eq!((&*events[0].data(), &*events[1].data()), (&br#"{"a":1}"#[..], &b"[]"[..]));
    assert_eq!((events[0].key.as_str(), events[1].key.as_str()), ("/s 1", "/s 2"));
    assert_eq!(events[0].digest, Digest::of(one.as_bytes()));
    assert_ne!(events[0].id, events[1].id);
}

#[test]
fn an_element_has_the_digest_of_the_same_event_sent_alone() {
    let one = element("1", "{}");
    let verdicts = World::new().events(&batch("cloud", &format!("[{one}]")));
    let [Verdict::Admitted(in_batch)] = verdicts.as_slice() else { panic!("one event") };
    let alone = World::new().admitted(&with(post("cloud", &one), "content-type", "application/cloudevents+json"));
    assert_eq!((in_batch.digest, &in_batch.key), (alone.digest, &alone.key));
}

#[test]
fn an_element_that_is_wrong_does_not_take_the_others_with_it() {
    let deep = element("3", &format!("{}{}", "[".repeat(9), "]".repeat(9)));
    let body = format!("[{}, {}, 7, {}]", element("1", "1"), r#"{"specversion":"1.0"}"#, element("2", "2"));
    let verdicts = World::new().events(&batch("cloud", &body));
    let kinds: Vec<Option<RefusalKind>> = verdicts
        .iter()
        .map(|verdict| match verdict {
            Verdict::Refused(refusal) => Some(refusal.kind),
            Verdict::Admitted(_) | Verdict::Quarantined { .. } => None,
        })
        .collect();
    assert_eq!(kinds, [None, Some(RefusalKind::Malformed), Some(RefusalKind::Malformed), None]);
    let refusal = World::new().refused(&batch("cloud", &format!("[{deep}]")));
    assert_eq!(refusal.kind, RefusalKind::TooDeep, "depth is a matter of the body as a whole");
}

#[test]
fn an_empty_batch_is_legal_and_an_endless_one_is_not() {
    assert!(World::new().events(&batch("cloud", "[]")).is_empty());
    let many = |count: usize| format!("[{}]", vec![element("1", "1"); count].join(","));
    assert_eq!(World::new().events(&batch("cloud", &many(BATCH_EVENTS_MAX))).len(), BATCH_EVENTS_MAX);
    let refusal = World::new().refused(&batch("cloud", &many(BATCH_EVENTS_MAX + 1)));
    assert_eq!(refusal.kind, RefusalKind::TooLarge);
}

#[test]
fn what_is_no_batch_is_refused_as_a_whole() {
    for body in ["", "{}", "[", "null"] {
        assert_eq!(World::new().refused(&batch("cloud", body)).kind, RefusalKind::Malformed, "{body}");
    }
}

#[test]
fn equal_partitions_are_found_by_ordering_key_and_spread_by_key() {
    use model::{EventId, Partition};

    let partitions: Vec<Partition> = (0..8).map(Partition).collect();
    let event = World::new().admitted(&post("any", "{}"));
    let of = |ordering: Option<&str>, key: &str| {
        let event =
            Event { ordering: ordering.map(str::to_owned), key: key.to_owned(), id: EventId(event.id.0), ..event.clone() };
        crate::intake::partition(&event, &partitions)
    };
    assert_eq!(of(Some("order 1"), "a"), of(Some("order 1"), "b"));
    let spread: std::collections::BTreeSet<Partition> = (0..100).map(|key| of(None, &key.to_string())).collect();
    assert_eq!(spread.len(), 8);
    assert_eq!(crate::intake::partition(&event, &[]), Partition(0));
}
