//! The counts of one process: what facts add up to. Everything is behind a short lock; label values are names of the
//! project, which are cheap to copy, and words.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{DestinationName, FlowName, SourceName, TimeSpan};

use super::capture::{Captured, Capturing};
use super::catalogue as all;
use super::fact::{Exported, Fact};
use super::metric::{Family, Metric, Sample, Spread, Value};

/// Upper bounds in seconds of what takes moments: half a millisecond to a minute.
const MOMENTS: &[f64] = &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 15.0, 60.0];
/// Upper bounds in seconds of what may take until tomorrow: with retries, in lanes, held for a person.
const WAITS: &[f64] = &[0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0, 3_600.0, 14_400.0, 86_400.0];

/// Counts by key.
type Counts<K> = Mutex<BTreeMap<K, u64>>;
/// Observations by key.
type Spreads<K> = Mutex<BTreeMap<K, Spread>>;

/// The counts of one process.
#[derive(Debug, Default)]
pub struct Meters {
    events: Counts<(SourceName, &'static str)>,
    refused: Counts<(Option<SourceName>, &'static str)>,
    accept: Spreads<()>,
    routed: Counts<()>,
    created: Counts<()>,
    attempts: Counts<(DestinationName, FlowName, String)>,
    retries: Counts<(DestinationName, FlowName)>,
    attempt: Spreads<DestinationName>,
    delivery: Spreads<DestinationName>,
    breaker_changes: Counts<(DestinationName, &'static str)>,
    nudges: Counts<SourceName>,
    captured: Counts<(SourceName, &'static str)>,
    capture_reads: Counts<(SourceName, &'static str)>,
    capture_rows: Counts<(SourceName, &'static str)>,
    capture_failures: Counts<(SourceName, &'static str)>,
    capture_left_out: Counts<SourceName>,
    outbox_held_back: Counts<SourceName>,
    outbox_lost: Counts<SourceName>,
    loop_faults: Counts<(&'static str, &'static str)>,
    unreadable: Counts<Option<DestinationName>>,
    without_secret: Counts<DestinationName>,
    removed: Counts<&'static str>,
    alarms: Counts<(&'static str, &'static str)>,
    spans: Counts<&'static str>,
    exports: Counts<(&'static str, &'static str)>,
}

/// What a source or a destination had to do with since the process started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinceStart {
    /// Different events that were accepted, by source.
    pub accepted: BTreeMap<SourceName, u64>,
    /// Repeats of them, by source.
    pub duplicates: BTreeMap<SourceName, u64>,
    /// Nudges that were heard, by source.
    pub nudges: BTreeMap<SourceName, u64>,
    /// Deliveries that arrived, by destination.
    pub done: BTreeMap<DestinationName, u64>,
    /// Rows of the ledger that could not be read.
    pub unreadable: u64,
}

impl Meters {
    pub(super) fn count(&self, fact: &Fact<'_>) {
        match fact {
            Fact::Accepted { arrival, verdict, took, .. } => {
                add(&self.events, (arrival.source.clone(), verdict.word()), 1);
                observe(&self.accept, (), MOMENTS, *took);
            }
            Fact::Refused { source, kind } => add(&self.refused, (source.cloned(), kind.code()), 1),
            Fact::Routed { records, deliveries } => {
                add(&self.routed, (), *records as u64);
                add(&self.created, (), *deliveries as u64);
            }
            Fact::AttemptEnded { delivery, cause, state, took, age, .. } => {
                let (to, flow) = (&delivery.destination, &delivery.flow);
                add(&self.attempts, (to.clone(), flow.clone(), (*cause).to_owned()), 1);
                if delivery.attempts > 1 {
                    add(&self.retries, (to.clone(), flow.clone()), 1);
                }
                if let Some(took) = took {
                    observe(&self.attempt, to.clone(), MOMENTS, *took);
                }
                if *state == "done" {
                    observe(&self.delivery, to.clone(), WAITS, *age);
                }
            }
            Fact::Breaker { destination, state } => add(&self.breaker_changes, ((*destination).clone(), *state), 1),
            Fact::Trimmed { store, rows } => add(&self.removed, *store, *rows),
            Fact::LoopFault { name, fault } => add(&self.loop_faults, (*name, fault.kind.word()), 1),
            Fact::Captured(captured) => self.count_captured(captured),
            Fact::Exported(Exported { signal, spans }) => {
                add(&self.spans, "sent", *spans);
                add(&self.exports, (*signal, "taken"), 1);
            }
            Fact::NotExported { lost: Exported { signal, spans }, .. } => {
                add(&self.spans, "dropped", *spans);
                add(&self.exports, (*signal, "failed"), 1);
            }
            Fact::BudgetAlarm { store, level, .. } => add(&self.alarms, (*store, *level), 1),
            Fact::Unreadable { destination, .. } => add(&self.unreadable, destination.cloned(), 1),
            Fact::NoSecret { destination, .. } => add(&self.without_secret, (*destination).clone(), 1),
            Fact::RefusedMore { .. } | Fact::Shards { .. } | Fact::RequestFailed { .. } => {}
        }
    }

    fn count_captured(&self, Captured { source, what }: &Captured<'_>) {
        let of = |word| ((*source).clone(), word);
        match *what {
            Capturing::Nudged { count } => add(&self.nudges, (*source).clone(), count),
            Capturing::Read { look, rows } => {
                add(&self.capture_reads, of(look), 1);
                add(&self.capture_rows, of(look), rows);
            }
            Capturing::Taken { found } => add(&self.captured, of(found), 1),
            Capturing::NotTaken { .. } => add(&self.capture_failures, of("not_taken"), 1),
            Capturing::LeftOut { count } => add(&self.capture_left_out, (*source).clone(), count),
            Capturing::Unread { cause, .. } => add(&self.capture_failures, of(cause), 1),
            Capturing::HeldBack { lines } => {
                lock(&self.outbox_held_back).insert((*source).clone(), lines);
            }
            Capturing::Lost { lines } => add(&self.outbox_lost, (*source).clone(), lines),
            Capturing::Reconciled { .. }
            | Capturing::Withheld { .. }
            | Capturing::Hidden { .. }
            | Capturing::Unseen { .. }
            | Capturing::GoesOn
            | Capturing::Anew => {}
        }
    }

    /// A span found no room on its way to the collector.
    pub(super) fn drop_span(&self) {
        add(&self.spans, "dropped", 1);
    }

    /// All counts at this moment.
    pub fn families(&self) -> Vec<Family> {
        let name = |name: &DestinationName| vec![name.to_string()];
        let of_source = |(source, word): &(SourceName, &'static str)| vec![source.to_string(), (*word).to_owned()];
        vec![
            counts(&all::EVENTS, &self.events, |(source, verdict)| vec![source.to_string(), (*verdict).to_owned()]),
            counts(&all::REFUSED, &self.refused, |(source, code)| {
                vec![source.as_ref().map(ToString::to_string).unwrap_or_default(), (*code).to_owned()]
            }),
            spreads(&all::ACCEPT, &self.accept, |()| Vec::new()),
            counts(&all::ROUTED, &self.routed, |()| Vec::new()),
            counts(&all::CREATED, &self.created, |()| Vec::new()),
            counts(&all::ATTEMPTS, &self.attempts, |(to, flow, cause)| {
                vec![to.to_string(), flow.to_string(), cause.clone()]
            }),
            counts(&all::RETRIES, &self.retries, |(to, flow)| vec![to.to_string(), flow.to_string()]),
            spreads(&all::ATTEMPT, &self.attempt, name),
            spreads(&all::DELIVERY, &self.delivery, name),
            counts(&all::BREAKER_CHANGES, &self.breaker_changes, |(to, state)| vec![to.to_string(), (*state).to_owned()]),
            counts(&all::NUDGES, &self.nudges, |source| vec![source.to_string()]),
            counts(&all::CAPTURED, &self.captured, of_source),
            counts(&all::CAPTURE_READS, &self.capture_reads, of_source),
            counts(&all::CAPTURE_ROWS, &self.capture_rows, of_source),
            counts(&all::CAPTURE_FAILURES, &self.capture_failures, of_source),
            counts(&all::CAPTURE_LEFT_OUT, &self.capture_left_out, |source| vec![source.to_string()]),
            counts(&all::OUTBOX_HELD_BACK, &self.outbox_held_back, |source| vec![source.to_string()]),
            counts(&all::OUTBOX_LOST, &self.outbox_lost, |source| vec![source.to_string()]),
            counts(&all::LOOP_FAULTS, &self.loop_faults, |(name, kind)| vec![(*name).to_owned(), (*kind).to_owned()]),
            counts(&all::UNREADABLE, &self.unreadable, |to| vec![to.as_ref().map(ToString::to_string).unwrap_or_default()]),
            counts(&all::WITHOUT_SECRET, &self.without_secret, |to| vec![to.to_string()]),
            counts(&all::REMOVED, &self.removed, |store| vec![(*store).to_owned()]),
            counts(&all::ALARMS, &self.alarms, |(store, level)| vec![(*store).to_owned(), (*level).to_owned()]),
            counts(&all::SPANS, &self.spans, |fate| vec![(*fate).to_owned()]),
            counts(&all::EXPORTS, &self.exports, |(signal, outcome)| vec![(*signal).to_owned(), (*outcome).to_owned()]),
        ]
    }

    /// What the other side can compare its own ledger with.
    pub fn since_start(&self) -> SinceStart {
        let (unreadable, nudges) = (lock(&self.unreadable).values().sum(), lock(&self.nudges).clone());
        let mut since = SinceStart { nudges, unreadable, ..SinceStart::default() };
        for ((source, verdict), count) in lock(&self.events).iter() {
            let by_source = if *verdict == "duplicate" { &mut since.duplicates } else { &mut since.accepted };
            *by_source.entry(source.clone()).or_default() += count;
        }
        for ((to, ..), count) in lock(&self.attempts).iter().filter(|((.., cause), _)| cause.starts_with("http_2")) {
            *since.done.entry(to.clone()).or_default() += count;
        }
        since
    }
}

fn add<K: Ord>(counts: &Counts<K>, key: K, by: u64) {
    if by > 0 {
        *lock(counts).entry(key).or_default() += by;
    }
}

fn observe<K: Ord>(spreads: &Spreads<K>, key: K, bounds: &'static [f64], took: TimeSpan) {
    lock(spreads).entry(key).or_insert_with(|| Spread::new(bounds)).observe(took.to_duration().as_secs_f64());
}

fn counts<K>(metric: &'static Metric, counts: &Counts<K>, labels: impl Fn(&K) -> Vec<String>) -> Family {
    let sample = |(key, count): (&K, &u64)| Sample { labels: labels(key), value: Value::Count(*count) };
    let samples: Vec<Sample> = lock(counts).iter().map(sample).collect();
    if samples.is_empty() && metric.labels.is_empty() {
        return Family::single(metric, Value::Count(0));
    }
    Family { metric, samples }
}

fn spreads<K>(metric: &'static Metric, spreads: &Spreads<K>, labels: impl Fn(&K) -> Vec<String>) -> Family {
    let sample = |(key, spread): (&K, &Spread)| Sample { labels: labels(key), value: Value::Spread(spread.clone()) };
    Family { metric, samples: lock(spreads).iter().map(sample).collect() }
}

/// A panic elsewhere leaves counts, not half a value: the content stays usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
