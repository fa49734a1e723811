//! Batches: each element has its own bytes, its own id and its own fate.

use formats::signature::hmac_template::TimestampFrom;
use model::RefusalKind;
use model::diagnostic::Place;
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
            other @ Verdict::Quarantined { .. } => panic!("expected an admitted event, got {other:?}"),
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

/// The pointers of the reasons, in their order.
fn pointers(refusal: &Refusal) -> Vec<&str> {
    let places = refusal.reasons.iter().map(|reason| &reason.place);
    places
        .map(|place| match place {
            Place::Pointer(pointer) => pointer.as_str(),
            other => panic!("expected a pointer, got {other:?}"),
        })
        .collect()
}

#[test]
fn an_element_that_cannot_be_taken_refuses_the_batch_and_each_is_named() {
    let no_json = r#"{"specversion":"1.0","id":"3","source":"/s","type":"t","data_base64":"aGk="}"#;
    let escaped = r#"{"specversion":"1.0","id":"4","source":"/s","type":"t","datacontenttype":"a/b","data_base64":"aGk\/"}"#;
    let body = format!("[{}, {}, 7, {no_json}, {escaped}]", element("1", "1"), r#"{"specversion":"1.0"}"#);
    let refusal = World::new().refused(&batch("cloud", &body));
    assert_eq!(refusal.kind, RefusalKind::Malformed);
    assert!(refusal.detail.starts_with("4 of 5 events cannot be taken, so none was; event 1: "), "{refusal:?}");
    assert_eq!(pointers(&refusal), ["/1/id", "/2", "/3", "/4/data_base64"]);
    let deep = element("3", &format!("{}{}", "[".repeat(9), "]".repeat(9)));
    let refusal = World::new().refused(&batch("cloud", &format!("[{deep}]")));
    assert_eq!(refusal.kind, RefusalKind::TooDeep, "depth is a matter of the body as a whole");
}

#[test]
fn what_a_source_refuses_is_named_in_its_batch_and_the_list_stays_short() {
    let events = BTreeMap::from([("known".to_owned(), rule("lab.known"))]);
    let world = World::of(vec![Source { unknown: Unknown::Refuse, events, ..open_source("lab") }]);
    let body =
        |count: usize| format!("[{}]", (0..count).map(|id| element(&id.to_string(), "1")).collect::<Vec<_>>().join(","));
    let refusal = world.refused(&batch("lab", &body(3)));
    assert_eq!((refusal.kind, pointers(&refusal)), (RefusalKind::UnknownType, vec!["/0", "/1", "/2"]));
    assert_eq!(world.refused(&batch("lab", &body(BATCH_EVENTS_MAX))).reasons.len(), BATCH_EVENTS_MAX);
}

#[test]
fn elements_that_contradict_each_other_refuse_the_batch_and_repeats_do_not() {
    let body = format!("[{}, {}, {}]", element("1", "1"), element("1", "1"), element("2", "2"));
    assert_eq!(World::new().events(&batch("cloud", &body)).len(), 3);
    let body = format!("[{}, {}, {}]", element("1", "1"), element("2", "2"), element("1", "3"));
    let refusal = World::new().refused(&batch("cloud", &body));
    assert_eq!((refusal.kind, pointers(&refusal)), (RefusalKind::KeyReused, vec!["/2"]));
}

/// The policy's only source with this preset and rule for keys, and a way to send it signed CloudEvents.
struct Preset {
    policy: Policy,
    verifiers: Verifiers,
}

const PRESET_SECRET: &str = WEBHOOK_SECRET;

impl Preset {
    fn new(preset: &str, key: &str) -> Self {
        let text = format!("owner: team\nsources:\n  it:\n    verify: {{ preset: {preset}, secrets: [it] }}\n{key}");
        let (policy, findings) = policy::check(&[policy::SourceFile::new("systems/it.yaml", &text)]);
        let policy = policy.unwrap_or_else(|| panic!("{findings:#?}"));
        let keys = Keyring::from_pairs([(SecretName::new("it").unwrap(), Secret::new(PRESET_SECRET))]);
        let verifiers = Verifiers::new(&policy, &keys);
        Self { policy, verifiers }
    }

    /// The keys of the events of a batch, or of one event alone, that come in a request of this name.
    fn keys(&self, request: &str, (media, body): (&str, &str)) -> Vec<String> {
        let mut received = with(post("it", body), "content-type", media);
        for header in ["webhook-id", "x-shopify-webhook-id", "x-wc-webhook-delivery-id", "x-github-delivery", "x-key"] {
            received = with(received, header, request);
        }
        let received = self.signed(received);
        match admit(&self.policy, &self.verifiers, &received, NOW) {
            Decision::Judged(verdicts) => verdicts.iter().map(|verdict| verdict.event().key.clone()).collect(),
            other => panic!("{:?}: {other:?}", self.policy.sources),
        }
    }

    fn signed(&self, received: Received) -> Received {
        let now = NOW.secs().to_string();
        let source = self.policy.sources.values().next().unwrap();
        match &source.verify {
            Verify::StandardWebhooks { .. } => {
                let key = standard_webhooks::SigningKey::parse(PRESET_SECRET).unwrap();
                let id = received.header("webhook-id").unwrap();
                let signature = standard_webhooks::sign(id, NOW.secs(), &received.body, &[key]).unwrap();
                with(with(received, "webhook-timestamp", &now), "webhook-signature", &signature)
            }
            Verify::Signed(scheme) => {
                let verifier = Verifier::new((**scheme).clone(), &[Secret::new(PRESET_SECRET)]).unwrap();
                let received = match scheme.timestamp.as_ref().map(|timestamp| &timestamp.from) {
                    Some(TimestampFrom::Header(name)) => with(received, name.as_str(), &now),
                    Some(TimestampFrom::Field(_)) | None => received,
                };
                let path = format!("/in/{}", received.source);
                let request = Request { method: "POST", path: &path, headers: &received.headers, body: &received.body };
                let signature = verifier.sign(&request, &now).unwrap();
                with(received, scheme.header.as_str(), &signature)
            }
            other => panic!("no preset verifies by {other:?}"),
        }
    }
}

const BATCH: &str = "application/cloudevents-batch+json";
const ONE: &str = "application/cloudevents+json";

#[test]
fn with_every_preset_an_event_of_a_batch_is_known_by_its_source_and_id() {
    for name in policy::presets::PRESETS {
        let preset = Preset::new(name, "");
        let body = format!("[{},{},{}]", element("1", "1"), element("2", "2"), element("3", "3"));
        let keys = preset.keys("r-1", (BATCH, &body));
        assert_eq!(keys, ["/s 1", "/s 2", "/s 3"], "{name}");
        assert_eq!(preset.keys("r-2", (BATCH, &body)), keys, "{name}: in another request it is the same event");
        assert_eq!(preset.keys("r-3", (ONE, &element("2", "2"))), ["/s 2"], "{name}: and alone");
    }
}

#[test]
fn with_a_declared_header_an_event_of_a_batch_is_known_by_request_source_and_id() {
    for name in policy::presets::PRESETS {
        let preset = Preset::new(name, "    key: { header: x-key }\n");
        let body = format!("[{},{},{}]", element("1", "1"), element("2", "2"), element("3", "3"));
        let keys = preset.keys("r-1", (BATCH, &body));
        let different: std::collections::BTreeSet<&String> = keys.iter().collect();
        assert_eq!(different.len(), 3, "{name}: {keys:?}");
        assert_eq!(preset.keys("r-1", (BATCH, &body)), keys, "{name}: the same request has the same keys");
        let other = preset.keys("r-2", (BATCH, &body));
        assert!(other.iter().all(|key| !keys.contains(key)), "{name}: another request is another, as its source declares");
        assert_eq!(preset.keys("r-1", (ONE, &element("2", "2"))), ["r-1"], "{name}: alone the header is enough");
    }
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
