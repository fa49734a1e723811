//! The way of one request through the decisions of the engine: signed, admitted, routed, mapped. No loop, no store.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use engine::delivery::prepare;
use engine::intake::decide::{Decision, admit};
use engine::routing::decide::{Routable, route};
use formats::signature::Secret;
use formats::signature::hmac_template::{Request as Signable, Verifier};
use formats::signature::standard_webhooks::{self, SigningKey};
use http::HeaderMap;
use model::diagnostic::Place;
use model::event::Brought;
use model::{Diagnostic, Entry, Event, Offset, Outcome, Partition, Position, Received, Record, SourceName, Verdict};
use policy::compiled::Verify;
use serde_json::{Value, json};

use crate::payloads::Payload;
use crate::project::{NOW, Project, SECRET};

/// Where a request has come to.
#[derive(Debug)]
pub(crate) enum End {
    /// The sender reads a refusal.
    Refused(Value),
    /// A repeat of one that came before: its key.
    Duplicate(String),
    /// Kept for a person.
    Quarantined(Box<Event>, Vec<Diagnostic>),
    /// Admitted, with what each flow makes of it.
    Admitted(Box<Event>, Vec<Made>),
}

/// What one flow makes of an event.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) flow: String,
    pub(crate) lane: Option<String>,
    /// The body, or why it is held.
    pub(crate) body: Result<Value, Vec<String>>,
}

/// The keys that were seen, with the digests of their bodies: what the journal keeps.
pub(crate) type Seen = BTreeMap<(String, String), String>;

pub(crate) fn go(project: &Project, payload: &Payload, seen: &mut Seen) -> End {
    let received = received(project, payload);
    let verdict = match admit(&project.policy, &project.verifiers, &received, NOW) {
        Decision::Refused(refusal) => return refused(&refusal),
        Decision::Answered(answer) => return End::Refused(json!({ "answered": answer.status })),
        Decision::Nudged(nudge) => panic!("a nudge: {nudge:?}"),
        Decision::Judged(mut verdicts) => verdicts.pop().expect("one event"),
    };
    let (event, reasons) = match verdict {
        Verdict::Quarantined { event, reasons } => (event, reasons),
        Verdict::Admitted(event) => (event, Vec::new()),
    };
    let digest = event.digest.to_string();
    match seen.insert((event.source.to_string(), event.key.clone()), digest.clone()) {
        Some(before) if before == digest => return End::Duplicate(event.key),
        Some(_) => return End::Refused(json!({ "problem": "key-reused" })),
        None => {}
    }
    if reasons.is_empty() {
        let made = deliveries(project, &event);
        End::Admitted(event, made)
    } else {
        End::Quarantined(event, reasons)
    }
}

fn refused(refusal: &model::Refusal) -> End {
    let reasons: Vec<Value> = refusal.reasons.iter().map(reason).collect();
    End::Refused(json!({ "problem": refusal.kind.code(), "reasons": reasons }))
}

/// A reason in three parts.
pub(crate) fn reason(found: &Diagnostic) -> Value {
    let at = match &found.place {
        Place::Pointer(pointer) => pointer.clone(),
        Place::Header(name) => name.clone(),
        Place::File { .. } | Place::Whole => String::new(),
    };
    json!({ "code": found.code.to_string(), "at": at, "says": found.message })
}

/// The request as its sender would sign it.
fn received(project: &Project, payload: &Payload) -> Received {
    let source = SourceName::new(payload.source).expect("a name");
    let body = Bytes::copy_from_slice(payload.body.as_bytes());
    let mut headers = payload.headers.clone();
    let (mut path, mut by) = (String::new(), Brought::Sender);
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    match &project.policy.sources[&source].verify {
        Verify::Signed(scheme) => {
            let verifier = Verifier::new((**scheme).clone(), &[Secret::new(SECRET)]).expect("a scheme");
            let request = Signable { method: "POST", path: "", headers: &HeaderMap::new(), body: &body };
            headers.push((scheme.header.to_string(), verifier.sign(&request, "").expect("a signature")));
        }
        Verify::StandardWebhooks { .. } => {
            let id = headers.iter().find(|(name, _)| name == standard_webhooks::ID).expect("an id");
            let key = SigningKey::parse(SECRET).expect("a key");
            let signature = standard_webhooks::sign(&id.1, NOW.secs(), &body, &[key]).expect("a signature");
            headers.push((standard_webhooks::SIGNATURE.to_owned(), signature));
            headers.push((standard_webhooks::TIMESTAMP.to_owned(), NOW.secs().to_string()));
        }
        Verify::SecretHeader { header } => headers.push((header.clone(), SECRET.to_owned())),
        Verify::SecretPath => path = format!("/{SECRET}"),
        Verify::Captured(_) => by = Brought::Capture,
        other => panic!("no pack verifies like this: {other:?}"),
    }
    let headers = model::event::headers(headers).expect("header lines");
    let (method, query) = ("POST".to_owned(), String::new());
    Received { source, at: NOW, headers, method, path, query, body, peer: None, by, seed: 7 }
}

fn deliveries(project: &Project, event: &Event) -> Vec<Made> {
    let position = Position { partition: Partition(0), offset: Offset(1) };
    let entry = Entry::Admitted(event.clone());
    let record = Record { position, at: NOW, policy: project.policy.version, emitted: None, entry };
    let judged_by = Some(&project.policy);
    let routable = Routable { record: Arc::new(record), referred: None, judged_by, ranks_at: position };
    let routed = route(&project.policy, &[routable], &[]);
    let made = |delivery: &model::Delivery| Made {
        flow: delivery.flow.to_string(),
        lane: delivery.lane.as_ref().map(ToString::to_string),
        body: match prepare::body(&project.policy, delivery, event) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).expect("JSON")),
            Err(Outcome::Unmapped { reasons }) => Err(reasons),
            Err(other) => panic!("{other:?}"),
        },
    };
    routed.deliveries.iter().map(|(delivery, _)| made(delivery)).collect()
}
