//! Receiving a request: decide, journal, answer. What is answered as accepted is durable (I1); what comes again under
//! its key is answered with the id of the first.
//!
//! It never writes an event anywhere but to the journal, and all events of a request in one append.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use model::limit::BODY_BYTES_MAX;
use model::{
    Appended, AuditId, AuditRow, Batch, Change, Digest, Entry, Event, EventId, Fault, FaultKind, NewEntry, Principal,
    Received, Refusal, RefusalKind, SourceName, TimeSpan, Timestamp, Verdict,
};
use policy::Policy;
use policy::compiled::Source;
use tokio::sync::watch;

use super::batch;
use super::decide::{self, Form, Opened};
use super::handshake::{HandshakeAnswer, check_method, methods};
use super::key::partition;
use super::meter::{Meter, Told, Untold};
use super::request;
use super::verify::Verifiers;
use crate::book::Book;
use crate::keyring::Keyring;
use crate::observe::{Accepted, Arrival, Fact, Facts};
use crate::ports::{Clock, Journal, Ledger};
use crate::pressure::Pressure;
use crate::rules::traced;
use crate::switchboard::Switchboard;

/// How long a sender should wait when the journal could not be written.
const RETRY_UNAVAILABLE_S: u64 = 5;
/// How long a sender should wait when too much is waiting: a group commit takes milliseconds.
const RETRY_BUSY_S: u64 = 1;
/// What a sender is told when the ledger has used its budget.
const LEDGER_FULL: &str = "the ledger has no room; its owner has been told";
/// How long a sender should wait when there is no room, or a person paused the source: people act in minutes.
const RETRY_PERSON_S: u64 = 60;

/// Intake of a node.
#[derive(Debug)]
pub struct Intake {
    /// Where events go.
    pub journal: Arc<dyn Journal>,
    /// Where key conflicts are told.
    pub ledger: Arc<dyn Ledger>,
    /// The policies: the present one judges.
    pub book: Arc<Book>,
    /// Secrets' values.
    pub keys: watch::Receiver<Arc<Keyring>>,
    /// What people paused.
    pub switches: Arc<Switchboard>,
    /// Whether this node has more to do than it can.
    pub pressure: Arc<Pressure>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where facts go.
    pub facts: Arc<Facts>,
    /// What it remembers; begins with the default.
    pub memory: Memory,
}

/// What intake remembers from request to request. Lost at the end of the process; nothing of it is the truth.
#[derive(Debug, Default)]
pub struct Memory {
    ready: Mutex<Option<Arc<Ready>>>,
    meters: Mutex<BTreeMap<SourceName, Meter>>,
    /// Of requests whose source is not known: names that anyone may think of have no meters.
    strangers: Mutex<Meter>,
}

/// Verifiers with what they were made of.
#[derive(Debug)]
struct Ready {
    policy: Arc<Policy>,
    keys: Arc<Keyring>,
    verifiers: Verifiers,
}

/// What the sender is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was no event.
    Handshake(HandshakeAnswer),
    /// Its event is durable: 202.
    Accepted(Item),
    /// Every event of the batch is durable: 202. One item for each, in their order; none for an empty batch.
    Batch(Vec<Item>),
    /// Not every event is durable. Nothing was kept, unless the refusal says so: events under keys that are known with
    /// other bodies are found only while the others are journalled.
    Refused(Refusal),
}

/// An event that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its id; of a duplicate the first one's.
    pub id: EventId,
    /// Whether it was there before.
    pub duplicate: bool,
    /// Whether this request's event was judged to need a person.
    pub quarantined: bool,
}

/// An event that is being journalled.
struct Sent<'a> {
    arrival: Arrival<'a>,
    digest: Digest,
    quarantined: bool,
}

impl Intake {
    /// Receives a request: the HTTP layer, the simulator and `crossdock send` all come in here.
    pub async fn receive(&self, received: Received) -> Answer {
        if let Some(hold) = self.pressure.hold() {
            self.clock.sleep(hold).await;
        }
        let ready = self.ready();
        let (form, verdicts) = match self.judge(&ready, &received) {
            Ok(Judged::Answered(answer)) => return Answer::Handshake(answer),
            Ok(Judged::Events(form, verdicts)) => (form, verdicts),
            Err(refusal) => return self.refused(&received.source, refusal),
        };
        match self.journal(&ready.policy, &received, verdicts).await {
            Ok(outcomes) => self.answer(&received.source, form, outcomes),
            Err(fault) => {
                self.facts.emit(&Fact::LoopFault { name: "intake", fault: &fault });
                self.refused(&received.source, unavailable(&fault))
            }
        }
    }

    /// What can be known before a body is read: that there is such a source, that it answers this method and takes these
    /// headers, and how many bytes it takes at most.
    pub fn body_bytes_max(&self, source: &SourceName, method: &str, headers: &HeaderMap) -> Result<usize, Refusal> {
        let policy = self.book.current();
        let source = policy.sources.get(source).ok_or_else(request::unknown_source)?;
        check_method(source, method)?;
        request::check_headers(source, headers)?;
        Ok(source.limits.body_bytes.min(BODY_BYTES_MAX))
    }

    /// The methods that a source answers; none where there is no such source.
    pub fn methods(&self, source: &SourceName) -> Vec<&'static str> {
        self.book.current().sources.get(source).map_or_else(Vec::new, |source| methods(source))
    }

    /// The verifiers of the present policy and keyring; made when one of the two has changed.
    fn ready(&self) -> Arc<Ready> {
        let (policy, keys) = self.policy_and_keys();
        let held = lock(&self.memory.ready).clone();
        if let Some(held) = held.filter(|held| Arc::ptr_eq(&held.policy, &policy) && Arc::ptr_eq(&held.keys, &keys)) {
            return held;
        }
        let verifiers = Verifiers::new(&policy, &keys);
        let ready = Arc::new(Ready { policy, keys, verifiers });
        *lock(&self.memory.ready) = Some(Arc::clone(&ready));
        ready
    }

    /// Keys that were read while their policy was the present one: the book takes none away from it.
    fn policy_and_keys(&self) -> (Arc<Policy>, Arc<Keyring>) {
        let mut policy = self.book.current();
        loop {
            let keys = Arc::clone(&self.keys.borrow());
            let present = self.book.current();
            if Arc::ptr_eq(&policy, &present) {
                return (policy, keys);
            }
            policy = present;
        }
    }

    fn judge(&self, ready: &Ready, received: &Received) -> Result<Judged, Refusal> {
        let proven = match decide::open(&ready.policy, &ready.verifiers, received, self.clock.wall())? {
            Opened::Answered(answer) => return Ok(Judged::Answered(answer)),
            Opened::Proven(proven) => proven,
        };
        if let Some(switch) = self.switches.paused(&format!("source/{}", received.source)) {
            let detail = format!("the source is paused by {}: {}", switch.by, switch.why);
            return Err(Refusal { retry_after_s: Some(RETRY_PERSON_S), ..Refusal::new(RefusalKind::Unavailable, detail) });
        }
        if self.pressure.is_full() {
            return Err(Refusal {
                retry_after_s: Some(RETRY_PERSON_S),
                ..Refusal::new(RefusalKind::Unavailable, LEDGER_FULL)
            });
        }
        let source = proven.source();
        self.enter(source)?;
        let verdicts = decide::judge(&ready.policy, &proven)?;
        self.owe(source, verdicts.len().saturating_sub(1));
        Ok(Judged::Events(proven.form(), verdicts))
    }

    fn enter(&self, source: &Source) -> Result<(), Refusal> {
        let Some(rate) = source.limits.rate else { return Ok(()) };
        let now = self.clock.now();
        self.meter(&source.name, |meter| meter.enter(rate, now)).map_err(|wait| {
            let detail = format!("this source takes {} events per second", rate.per_s);
            Refusal { retry_after_s: Some(whole_secs(wait)), ..Refusal::new(RefusalKind::OverLimit, detail) }
        })
    }

    fn owe(&self, source: &Source, further: usize) {
        if let Some(rate) = source.limits.rate.filter(|_| further > 0) {
            let now = self.clock.now();
            self.meter(&source.name, |meter| meter.owe(rate, further, now));
        }
    }

    fn meter<T>(&self, source: &SourceName, act: impl FnOnce(&mut Meter) -> T) -> T {
        act(lock(&self.memory.meters).entry(source.clone()).or_default())
    }

    /// Appends the events in one append, and tells what became of each.
    async fn journal(&self, policy: &Policy, received: &Received, verdicts: Vec<Verdict>) -> Result<Vec<Outcome>, Fault> {
        let partitions = self.journal.partitions();
        let mut entries = Vec::with_capacity(verdicts.len());
        let mut sent = Vec::with_capacity(verdicts.len());
        for verdict in verdicts {
            let partition = partition(verdict.event(), &partitions);
            let (entry, quarantined) = match verdict {
                Verdict::Admitted(event) => (Entry::Admitted(*event), false),
                Verdict::Quarantined { event, reasons } => (Entry::Quarantined { event: *event, reasons }, true),
            };
            let Some(event) = entry.event() else { continue };
            let arrival = arrival(received, event, policy);
            sent.push(Sent { arrival, digest: event.digest, quarantined });
            entries.push(NewEntry { partition, policy: policy.version, emitted: None, entry });
        }
        let appended = if entries.is_empty() { Vec::new() } else { self.journal.append(entries).await? };
        let took = self.clock.now().since(received.at);
        let mut appended = appended.into_iter();
        let mut outcomes = Vec::with_capacity(sent.len());
        for sent in sent {
            let missing = || Fault::from_error(FaultKind::Corrupt, "journal.append", "fewer answers than entries");
            outcomes.push(self.outcome(&sent, appended.next().ok_or_else(missing)?, took).await);
        }
        Ok(outcomes)
    }

    async fn outcome(&self, sent: &Sent<'_>, appended: Appended, took: TimeSpan) -> Outcome {
        let arrival = &sent.arrival;
        let (id, duplicate, verdict) = match appended {
            Appended::New(_) if sent.quarantined => (arrival.id, false, Accepted::Quarantined),
            Appended::New(_) => (arrival.id, false, Accepted::Admitted),
            Appended::Duplicate(_, first) => (first, true, Accepted::Duplicate),
            Appended::KeyReused(_, first) => {
                self.tell_conflict(arrival.source, first, sent.digest).await;
                return Outcome::KeyReused(first);
            }
        };
        self.facts.emit(&Fact::Accepted { arrival, event: id, verdict, took });
        Outcome::Durable(Item { id, duplicate, quarantined: sent.quarantined })
    }

    /// A sample of key conflicts goes to the audit, where the first event's story shows them. It is no part of the
    /// answer: a ledger that fails changes nothing about it.
    async fn tell_conflict(&self, source: &SourceName, first: EventId, digest: Digest) {
        let now = self.clock.now();
        if !self.meter(source, |meter| meter.tells_conflict(now)) {
            return;
        }
        let row = conflict_row(source, first, digest, now);
        if let Err(fault) = self.ledger.commit(Batch::new().change(Change::Audit(row))).await {
            self.facts.emit(&Fact::LoopFault { name: "intake.audit", fault: &fault });
        }
    }

    fn answer(&self, source: &SourceName, form: Form, outcomes: Vec<Outcome>) -> Answer {
        let events = outcomes.len();
        let mut items = Vec::with_capacity(events);
        let mut reused = Vec::new();
        for (index, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Outcome::Durable(item) => items.push(item),
                Outcome::KeyReused(first) => {
                    self.tell_refusal(Some(source), RefusalKind::KeyReused);
                    reused.push((index, first));
                }
            }
        }
        match (form, items.as_slice()) {
            _ if !reused.is_empty() => Answer::Refused(batch::known_otherwise(events, &reused)),
            (Form::Alone, [only]) => Answer::Accepted(*only),
            (Form::Alone | Form::Batch, _) => Answer::Batch(items),
        }
    }

    /// Counts a refusal and answers it; for what is refused before it could be received, too. A name that is no source is
    /// not repeated to the meters: anyone could fill them.
    pub fn refused(&self, source: &SourceName, refusal: Refusal) -> Answer {
        let known = Some(source).filter(|_| refusal.kind != RefusalKind::UnknownSource);
        self.tell_refusal(known, refusal.kind);
        Answer::Refused(refusal)
    }

    /// Every refusal is counted; of a flood the log has a few, and how many there were besides.
    fn tell_refusal(&self, source: Option<&SourceName>, kind: RefusalKind) {
        let now = self.clock.now();
        let fact = Fact::Refused { source, kind };
        let told = match source {
            Some(source) => self.meter(source, |meter| meter.tells_refusal(now)),
            None => lock(&self.memory.strangers).tells_refusal(now),
        };
        match told {
            Told::After(untold) => {
                if let Some(Untold { count, since }) = untold {
                    self.facts.emit(&Fact::RefusedMore { source, count, within: now.since(since) });
                }
                self.facts.emit(&fact);
            }
            Told::Not => self.facts.count(&fact),
        }
    }
}

fn arrival<'a>(received: &'a Received, event: &Event, policy: &Policy) -> Arrival<'a> {
    Arrival {
        id: event.id,
        source: &received.source,
        kind: event.kind.clone(),
        at: received.at,
        policy: policy.version,
        sender: traced::sender(event),
    }
}

/// What became of one event in the journal.
enum Outcome {
    /// It is there.
    Durable(Item),
    /// Its key is there with another body, under this event.
    KeyReused(EventId),
}

enum Judged {
    Answered(HandshakeAnswer),
    Events(Form, Vec<Verdict>),
}

fn conflict_row(source: &SourceName, first: EventId, digest: Digest, at: Timestamp) -> AuditRow {
    AuditRow {
        id: AuditId::derive(first.0, &[b"intake.key_reused", &digest.0]),
        at,
        by: Principal::new(&format!("source:{source}")),
        action: "intake.key_reused".to_owned(),
        subject: first.to_string(),
        why: format!("another body came under its key, sha256 {digest}"),
    }
}

fn unavailable(fault: &Fault) -> Refusal {
    let (detail, retry_after_s) = match fault.kind {
        FaultKind::Busy => ("more waits for the journal than it can write now; nothing of this was kept", RETRY_BUSY_S),
        FaultKind::Full => ("the journal has no room; its owner has been told", RETRY_PERSON_S),
        FaultKind::Unavailable | FaultKind::Shutdown | FaultKind::Conflict | FaultKind::Corrupt => (
            "the journal cannot be written now; it is not known whether it was, so send the same again",
            RETRY_UNAVAILABLE_S,
        ),
    };
    Refusal { retry_after_s: Some(retry_after_s), ..Refusal::new(RefusalKind::Unavailable, detail) }
}

/// Up to the next whole second, so that who waits so long does not come too early.
fn whole_secs(wait: TimeSpan) -> u64 {
    wait.micros().div_ceil(1_000_000).max(1)
}

/// A panic elsewhere leaves counts, not half a value: the content stays usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
