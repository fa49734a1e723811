//! What the product would do with a request: verdict, deliveries, bodies; by intake's and the router's own decisions.

use std::sync::Arc;

use engine::delivery::prepare;
use engine::intake::Verifiers;
use engine::intake::decide::{Decision, admit};
use engine::routing::decide::{Routable, route};
use model::{Diagnostic, Entry, Event, Offset, Outcome, Partition, Position, Received, Record, Refusal, Verdict};
use policy::Policy;
use policy::specs::ExpectedVerdict;
use serde_json::Value;

use crate::client::reason;

/// What became of a request.
#[derive(Debug, Default)]
pub(super) struct Actual {
    /// The verdict; none where it was answered without one.
    pub(super) verdict: Option<ExpectedVerdict>,
    /// Codes of a quarantine or a refusal.
    pub(super) codes: Vec<String>,
    /// In words, why it was not admitted.
    pub(super) why: Vec<String>,
    /// The problem of a refusal.
    pub(super) problem: Option<String>,
    /// The event type.
    pub(super) kind: Option<String>,
    /// Identifiers: scheme and value.
    pub(super) identifiers: Vec<(String, String)>,
    /// Deliveries in the order of flow names.
    pub(super) deliveries: Vec<Made>,
}

/// A delivery that was made.
#[derive(Debug)]
pub(super) struct Made {
    /// By which flow.
    pub(super) flow: String,
    /// Where to.
    pub(super) destination: String,
    /// In which lane.
    pub(super) lane: Option<String>,
    /// The body, or why the mapping refuses: `CODE: message`.
    pub(super) body: Result<Value, Vec<String>>,
}

/// What becomes of a request. Of a batch the first event that was not admitted speaks for the verdict, and the deliveries of
/// all are listed.
pub(super) fn of(policy: &Policy, verifiers: &Verifiers, received: &Received) -> Actual {
    let mut actual = Actual::default();
    match admit(policy, verifiers, received, received.at) {
        Decision::Answered(_) => {
            actual.why.push("it was answered as a handshake and admits nothing".to_owned());
        }
        Decision::Nudged(_) => actual.why.push("it was taken as a nudge and admits nothing".to_owned()),
        Decision::Refused(refusal) => actual.refused(&refusal),
        Decision::Judged(verdicts) => {
            for verdict in verdicts {
                actual.judged(policy, verdict, received);
            }
        }
    }
    actual
}

impl Actual {
    fn judged(&mut self, policy: &Policy, verdict: Verdict, received: &Received) {
        match verdict {
            Verdict::Admitted(event) => {
                self.verdict = self.verdict.or(Some(ExpectedVerdict::Admitted));
                self.describe(&event);
                self.deliver(policy, *event, received);
            }
            Verdict::Quarantined { event, reasons } => {
                self.verdict = Some(ExpectedVerdict::Quarantined);
                self.describe(&event);
                self.reasons(&reasons);
            }
        }
    }

    fn refused(&mut self, refusal: &Refusal) {
        self.verdict = Some(ExpectedVerdict::Refused);
        self.problem = Some(refusal.kind.code().to_owned());
        self.why.push(refusal.detail.clone());
        self.reasons(&refusal.reasons);
    }

    fn reasons(&mut self, reasons: &[Diagnostic]) {
        self.codes.extend(reasons.iter().map(|reason| reason.code.to_string()));
        self.codes.sort_unstable();
        self.codes.dedup();
        self.why.extend(reasons.iter().map(reason));
    }

    fn describe(&mut self, event: &Event) {
        self.kind.get_or_insert_with(|| event.kind.to_string());
        self.identifiers.extend(event.identifiers.iter().map(|it| (it.scheme.clone(), it.value.clone())));
    }

    fn deliver(&mut self, policy: &Policy, event: Event, received: &Received) {
        let position = Position { partition: Partition(0), offset: Offset(1) };
        let entry = Entry::Admitted(event);
        let record = Arc::new(Record { position, at: received.at, policy: policy.version, emitted: None, entry });
        let routable = Routable { record: Arc::clone(&record), referred: None, judged_by: Some(policy), ranks_at: position };
        let routed = route(policy, &[routable], &[]);
        let Some(event) = record.entry.event() else { return };
        for (delivery, _) in routed.deliveries {
            self.deliveries.push(Made {
                flow: delivery.flow.to_string(),
                destination: delivery.destination.to_string(),
                lane: delivery.lane.as_ref().map(ToString::to_string),
                body: match prepare::body(policy, &delivery, event) {
                    Ok(bytes) => Ok(json(&bytes)),
                    Err(Outcome::Unmapped { reasons }) => Err(reasons),
                    Err(outcome) => Err(vec![outcome.cause()]),
                },
            });
        }
    }
}

/// JSON as it is; anything else as a text.
fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}
