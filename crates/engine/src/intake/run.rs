//! Receiving a request: decide, journal, answer. What is answered as accepted is durable (I1); what comes again under
//! its key is answered with the id of the first.
//!
//! It never writes what it accepts anywhere but to the journal, and all events of a request in one append.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use model::event::Brought;
use model::limit::BODY_BYTES_MAX;
use model::{
    Appended, Entry, Event, EventId, Fault, FaultKind, NewEntry, Received, Refusal, RefusalKind, SourceName, TimeSpan,
    Verdict,
};
use policy::Policy;
use policy::compiled::Source;
use tokio::sync::watch;

use super::batch;
use super::conflict::{Conflict, Found};
use super::decide::{self, Form, Opened, Proven};
use super::handshake::{HandshakeAnswer, check_method, methods};
use super::key::partition;
use super::meter::{Meter, Told, Untold};
use super::nudge;
use super::request;
use super::verify::Verifiers;
use crate::book::Book;
use crate::keyring::Keyring;
use crate::nudges::{Nudge, Nudges};
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
    /// Where key conflicts are told, and what is refused for one goes to the person who waits for it.
    pub ledger: Arc<dyn Ledger>,
    /// The policies: the present one judges.
    pub book: Arc<Book>,
    /// Secrets' values.
    pub keys: watch::Receiver<Arc<Keyring>>,
    /// What people paused.
    pub switches: Arc<Switchboard>,
    /// Whether this node has more to do than it can.
    pub pressure: Arc<Pressure>,
    /// Where nudges wait to be looked after.
    pub nudges: Arc<Nudges>,
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
    quarantined: bool,
}

impl Intake {
    /// Receives a request: the HTTP layer, the simulator and `crossdock send` all come in here.
    pub async fn receive(&self, received: Received) -> Answer {
        let began = self.clock.ran();
        if let Some(hold) = self.pressure.hold() {
            self.clock.sleep(hold).await;
        }
        let ready = self.ready();
        let (proven, verdicts) = match self.judge(&ready, &received) {
            Ok(Judged::Answered(answer)) => return Answer::Handshake(answer),
            Ok(Judged::Nudged(nudge)) => return self.nudged(&received.source, nudge),
            Ok(Judged::Events(proven, verdicts)) => (proven, verdicts),
            Err(refusal) => return self.refused(&received.source, refusal),
        };
        match self.take(&ready.policy, (&received, began), &proven, verdicts).await {
            Ok(taken) => self.answer(&received.source, proven.form(), taken),
            Err(Failed::Journal(fault)) => {
                self.facts.tell_fault("intake", &fault, self.clock.now());
                self.refused(&received.source, unavailable(&fault))
            }
            Err(Failed::Copy(fault)) => {
                self.facts.tell_fault("intake.attach", &fault, self.clock.now());
                self.refused(&received.source, without_copy(&fault))
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

    fn judge<'a>(&self, ready: &'a Ready, received: &'a Received) -> Result<Judged<'a>, Refusal> {
        let proven = match decide::open(&ready.policy, &ready.verifiers, received, self.clock.wall())? {
            Opened::Answered(answer) => return Ok(Judged::Answered(answer)),
            Opened::Nudged(nudge) => return Ok(Judged::Nudged(nudge)),
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
        // What this process reads it reads at its own pace: a meter would refuse the rest of a page each time that it is read.
        let metered = Some(proven.source()).filter(|_| received.by == Brought::Sender);
        metered.map_or(Ok(()), |source| self.enter(source))?;
        let verdicts = decide::judge(&ready.policy, &proven)?;
        if let Some(source) = metered {
            self.owe(source, verdicts.len().saturating_sub(1));
        }
        Ok(Judged::Events(proven, verdicts))
    }

    fn nudged(&self, source: &SourceName, nudge: Nudge) -> Answer {
        self.nudges.hear(source, nudge);
        Answer::Handshake(nudge::heard())
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

    /// The meter of a source, for one act.
    pub(super) fn meter<T>(&self, source: &SourceName, act: impl FnOnce(&mut Meter) -> T) -> T {
        act(lock(&self.memory.meters).entry(source.clone()).or_default())
    }

    /// Journals the events, and gives what the journal refused to whom it is for.
    async fn take(
        &self,
        policy: &Policy,
        received: (&Received, TimeSpan),
        proven: &Proven<'_>,
        verdicts: Vec<Verdict>,
    ) -> Result<Taken, Failed> {
        let (items, found) = self.journal(policy, received, verdicts).await.map_err(Failed::Journal)?;
        let conflicts = self.conflicts(policy, proven, found).await.map_err(Failed::Copy)?;
        Ok(Taken { items, conflicts })
    }

    /// Appends the events in one append, and tells what became of each. With the request comes what the clock had run when it
    /// came in: how long that took is no difference of times, of which the one is the machine's.
    async fn journal(
        &self,
        policy: &Policy,
        (received, began): (&Received, TimeSpan),
        verdicts: Vec<Verdict>,
    ) -> Result<(Vec<Item>, Vec<Found>), Fault> {
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
            sent.push(Sent { arrival, quarantined });
            entries.push(NewEntry { partition, policy: policy.version, emitted: None, entry });
        }
        let appended = if entries.is_empty() { Vec::new() } else { self.journal.append(entries).await? };
        let took = self.clock.ran() - began;
        let mut appended = appended.into_iter();
        let (mut items, mut found) = (Vec::with_capacity(sent.len()), Vec::new());
        for (index, Sent { arrival, quarantined }) in sent.into_iter().enumerate() {
            let missing = || Fault::from_error(FaultKind::Corrupt, "journal.append", "fewer answers than entries");
            let (id, duplicate, verdict) = match appended.next().ok_or_else(missing)? {
                Appended::New(_) if quarantined => (arrival.id, false, Accepted::Quarantined),
                Appended::New(_) => (arrival.id, false, Accepted::Admitted),
                Appended::Duplicate(_, first) => (first, true, Accepted::Duplicate),
                Appended::KeyReused(at, first) => {
                    found.push(Found { index, at, first });
                    continue;
                }
            };
            self.facts.emit(&Fact::Accepted { arrival: &arrival, event: id, verdict, took });
            items.push(Item { id, duplicate, quarantined });
        }
        Ok((items, found))
    }

    fn answer(&self, source: &SourceName, form: Form, Taken { items, conflicts }: Taken) -> Answer {
        for _ in &conflicts {
            self.tell_refusal(Some(source), RefusalKind::KeyReused);
        }
        match (form, items.as_slice()) {
            _ if !conflicts.is_empty() => Answer::Refused(batch::known_otherwise(items.len() + conflicts.len(), &conflicts)),
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

/// What became of the events of a request.
struct Taken {
    /// Those that are durable, in their order.
    items: Vec<Item>,
    /// Those whose keys are known with other bodies.
    conflicts: Vec<Conflict>,
}

/// Why it is not known, or not said, what became of the events of a request.
enum Failed {
    /// The journal did not answer.
    Journal(Fault),
    /// It did, but what it refused for a key could not be given to the person whom it is for.
    Copy(Fault),
}

enum Judged<'a> {
    Answered(HandshakeAnswer),
    Nudged(Nudge),
    Events(Proven<'a>, Vec<Verdict>),
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

/// Said of one event and of a batch: what the journal took of this stands, and is a duplicate when it comes again.
fn without_copy(fault: &Fault) -> Refusal {
    let detail = "a key was used before with another body, and the copy for the person who decides could not be written; what is \
                  kept is not touched, so send the same again";
    let retry_after_s = match fault.kind {
        FaultKind::Busy => RETRY_BUSY_S,
        FaultKind::Full => RETRY_PERSON_S,
        FaultKind::Unavailable | FaultKind::Shutdown | FaultKind::Conflict | FaultKind::Corrupt => RETRY_UNAVAILABLE_S,
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
