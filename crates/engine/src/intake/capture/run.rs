//! The loop of captures: for each captured source one look after the other, sources beside each other, so that one system that
//! does not answer holds up no other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use model::{Fault, FaultKind, SourceName, TimeSpan, Timestamp};
use policy::compiled::{Capture, CapturedBy, Source};

use super::decide::outbox::Step;
use super::decide::{self, outbox};
use super::look::{Came, Looker};
use super::nudged::Nudged;
use super::pull::{OUTBOX, Pulling};
use crate::board::Board;
use crate::book::Book;
use crate::drive::Stop;
use crate::intake::run::Intake;
use crate::observe::{Captured, Capturing, Fact, Facts};
use crate::ports::{Clock, Extent, Ledger, Peer, Records, Unread};
use crate::unread::Gap;

/// The shard whose holder captures: a source has one hand.
const SHARD: &str = "partition/0";
/// How often it is looked whether something is due.
const BEAT: TimeSpan = TimeSpan::from_millis(500);
/// How long a system that did not show what was asked for is left alone, at first and at most.
const LEFT_ALONE: (TimeSpan, TimeSpan) = (TimeSpan::from_secs(2), TimeSpan::from_secs(60));
/// LIMIT: records of one model that nudges make be read at once.
const NUDGED_MAX: usize = decide::PAGE;
/// LIMIT: turns in a row that go to nudges, however many are due: sweeps and passes find what no nudge tells.
const NUDGED_TURNS_MAX: u32 = 4;
/// What mends a source whose keys have no value.
const KEY_HELP: &str = "give one of its `keys` a value, as `crossdock status` says";

/// Causes of our own that nothing is read: no key has a value, and intake takes nothing now.
const NO_KEY: &str = "no_key";
const NOT_TAKEN: &str = "intake";

/// The captures of a node.
#[derive(Debug)]
pub struct Captures {
    /// Where events come in.
    pub intake: Arc<Intake>,
    /// What is known.
    pub ledger: Arc<dyn Ledger>,
    /// The outside.
    pub records: Arc<dyn Records>,
    /// The policies.
    pub book: Arc<Book>,
    /// What this node works on, its nudges and keys.
    pub board: Arc<Board>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where facts go.
    pub facts: Arc<Facts>,
    /// When to stop.
    pub stop: Stop,
}

/// What is remembered of a source from look to look. Lost at the end of the process.
#[derive(Debug, Default)]
struct Memory {
    /// Records that nudges named.
    nudged: Nudged,
    /// Where it is with the outbox, if it reads one.
    pulling: Pulling,
    /// Until when the system is left alone, and how often in a row it did not show what was asked for.
    left_alone: Option<(Timestamp, u32)>,
    /// The same of models by themselves.
    models_left_alone: BTreeMap<String, (Timestamp, u32)>,
    /// What was told last: of the system, or of a model.
    told: BTreeMap<Option<String>, &'static str>,
    /// Turns in a row that went to nudges.
    nudged_turns: u32,
}

type Looking = BoxFuture<'static, (SourceName, Memory, Result<(), Fault>)>;

impl Captures {
    /// Looks until it is told to stop.
    pub async fn run(self) -> Result<(), Fault> {
        let mut memories: BTreeMap<SourceName, Memory> = BTreeMap::new();
        let mut looking: FuturesUnordered<Looking> = FuturesUnordered::new();
        let mut busy: BTreeSet<SourceName> = BTreeSet::new();
        let (mut stop, mut heard) = (self.stop.clone(), self.board.nudges.changed());
        while !*stop.borrow() {
            heard.borrow_and_update();
            for (source, capture) in self.captured() {
                if busy.contains(&source.name) {
                    continue;
                }
                let name = source.name.clone();
                let mut memory = memories.remove(&name).unwrap_or_default();
                self.listen(&name, &mut memory);
                let now = self.clock.now();
                if memory.left_alone.is_some_and(|(until, _)| now < until) {
                    memories.insert(name, memory);
                    continue;
                }
                busy.insert(name);
                looking.push(self.start(&source, &capture, memory));
            }
            tokio::select! {
                biased;
                _ = stop.changed() => {}
                Some((name, mut memory, ended)) = looking.next(), if !looking.is_empty() => {
                    busy.remove(&name);
                    if let Err(fault) = ended {
                        self.endured(&fault)?;
                        // A store that answers at once that it cannot be reached is not asked again at once.
                        let times = memory.left_alone.map_or(0, |(_, times)| times);
                        memory.left_alone = Some((self.clock.now() + BEAT, times));
                    }
                    memories.insert(name, memory);
                }
                _ = heard.changed() => {}
                () = self.clock.sleep(BEAT) => {}
            }
        }
        Ok(())
    }

    /// A fault that may pass is told and endured.
    fn endured(&self, fault: &Fault) -> Result<(), Fault> {
        match fault.kind {
            FaultKind::Conflict | FaultKind::Shutdown => Ok(()),
            FaultKind::Unavailable | FaultKind::Busy | FaultKind::Full => {
                self.facts.tell_fault("capture", fault, self.clock.now());
                Ok(())
            }
            FaultKind::Corrupt => {
                self.facts.tell_fault("capture", fault, self.clock.now());
                Err(Fault::from_error(FaultKind::Corrupt, "capture", fault.to_string()))
            }
        }
    }

    /// Sources that this node captures now: none that a person paused.
    fn captured(&self) -> Vec<(Arc<Source>, Capture)> {
        if !self.board.holds(SHARD) {
            return Vec::new();
        }
        let policy = self.book.current();
        let by = |name: &SourceName| policy.sources.get(name).and_then(|source| source.captured()).map(|it| it.by);
        let is_paused = |name: &SourceName| self.board.switches.paused(&format!("source/{name}")).is_some();
        // What a person paused is not read, and that is told as a pause.
        self.board.gaps.keep(|name| by(name).is_some() && !is_paused(name));
        self.board.pulls.keep(|name| by(name) == Some(CapturedBy::Outbox));
        let sources = policy.sources.values().filter(|source| !is_paused(&source.name));
        sources.filter_map(|source| Some((Arc::clone(source), source.captured()?.clone()))).collect()
    }

    /// Takes note of what nudges named. What finds no room waits where it is.
    fn listen(&self, name: &SourceName, memory: &mut Memory) {
        if !memory.nudged.has_room() {
            return;
        }
        let taken = self.board.nudges.take(name, NUDGED_MAX);
        if taken.heard > 0 {
            let what = Capturing::Nudged { count: taken.heard };
            self.facts.emit(&Fact::Captured(Captured { source: name, what }));
        }
        let now = self.clock.now();
        for nudge in taken.records {
            memory.nudged.hear(nudge, now);
        }
    }

    /// Nothing can be asked without a key. It is looked for again with the next beat: a look that ends at once would begin at once.
    fn without_key(&self, source: &Arc<Source>, mut memory: Memory) -> Memory {
        let (now, why) = (self.clock.now(), "no key has a value");
        let gap = Gap { source: source.name.clone(), model: None, since: now, why: why.to_owned(), help: KEY_HELP };
        self.board.gaps.open(gap);
        if memory.told.insert(None, NO_KEY) != Some(NO_KEY) {
            let what = Capturing::Unread { model: None, cause: NO_KEY, why, help: KEY_HELP };
            self.facts.emit(&Fact::Captured(Captured { source: &source.name, what }));
        }
        memory.left_alone = Some((now + BEAT, memory.left_alone.map_or(0, |(_, times)| times)));
        memory
    }

    fn start(&self, source: &Arc<Source>, capture: &Capture, memory: Memory) -> Looking {
        let name = source.name.clone();
        let keys = Arc::clone(&self.board.keys.borrow());
        let Some(peer) = Peer::of(&capture.odoo, &keys) else {
            return Box::pin(std::future::ready((name, self.without_key(source, memory), Ok(()))));
        };
        let looker = Looker {
            source: Arc::clone(source),
            capture: capture.clone(),
            peer,
            intake: Arc::clone(&self.intake),
            ledger: Arc::clone(&self.ledger),
            records: Arc::clone(&self.records),
            clock: Arc::clone(&self.clock),
            facts: Arc::clone(&self.facts),
            board: Arc::clone(&self.board),
        };
        Box::pin(async move {
            let mut memory = memory;
            let ended = match looker.capture.by {
                CapturedBy::Sweeps => turn(&looker, &mut memory).await,
                CapturedBy::Outbox => turn_of_outbox(&looker, &mut memory).await,
            };
            (name, memory, ended)
        })
    }
}

/// Reads what nudges named, where any is due.
async fn turn_of_nudges(looker: &Looker, memory: &mut Memory, now: Timestamp) -> Result<bool, Fault> {
    let Some(batch) = memory.nudged.take(now, NUDGED_MAX) else { return Ok(false) };
    let name = batch.model.clone();
    let (came, news) = match looker.nudged(&name, batch.ids.keys().copied().collect()).await {
        Ok(came) => came,
        Err(fault) => {
            // Somebody stepped on meanwhile, or the store is away.
            memory.nudged.put_back_unread(batch, now);
            return Err(fault);
        }
    };
    if came == Came::Done {
        memory.nudged.put_back(batch, &news, now);
    }
    // Otherwise the next sweep finds them.
    settle(looker, memory, &name, &came);
    Ok(true)
}

/// One look at what is due: nudged records before all else, but for a turn now and then. A model that cannot be read holds up no other.
async fn turn(looker: &Looker, memory: &mut Memory) -> Result<(), Fault> {
    let now = looker.clock.now();
    if memory.nudged_turns < NUDGED_TURNS_MAX && turn_of_nudges(looker, memory, now).await? {
        memory.nudged_turns += 1;
        return Ok(());
    }
    memory.nudged_turns = 0;
    let (progress, _) = looker.progress().await?;
    let rhythm = &looker.capture.rhythm;
    let awake = || {
        let is_awake = |name: &String| memory.models_left_alone.get(name).is_none_or(|(until, _)| *until <= now);
        progress.models.iter().filter(move |(name, _)| is_awake(name))
    };
    let next = awake()
        .find_map(|(name, model)| decide::next(model, rhythm, looker.capture.since, now).map(|look| (name.clone(), look)));
    match next {
        Some((name, look)) => {
            let came = looker.look(&name, &look, &memory.nudged).await?;
            settle(looker, memory, &name, &came);
        }
        None => {
            let due = awake().filter_map(|(_, model)| decide::due_at(model, rhythm)).min();
            rest(looker, memory, due).await;
        }
    }
    Ok(())
}

/// One step with an outbox, or with what is read beside it.
async fn turn_of_outbox(looker: &Looker, memory: &mut Memory) -> Result<(), Fault> {
    let now = looker.clock.now();
    let left_alone = memory.models_left_alone.clone();
    let is_awake = |name: &str| left_alone.get(name).is_none_or(|(until, _)| *until <= now);
    if !is_awake(OUTBOX) {
        looker.clock.sleep(BEAT).await;
        return Ok(());
    }
    let (progress, version) = looker.progress().await?;
    let pulling = &mut memory.pulling;
    let when = (&looker.capture.rhythm, looker.capture.since);
    let outbox = OUTBOX.to_owned();
    let (name, came) = match outbox::next(&progress, &pulling.reader, when, now, is_awake) {
        Step::Begin => (outbox, looker.begin((progress, version)).await?),
        Step::Acknowledge(place) => (outbox, looker.acknowledge(place, pulling).await),
        Step::Pull(place) => (outbox, looker.pull(place, (progress, version), pulling).await?),
        Step::Look(name, look) => {
            let came = looker.read_beside((&name, &look), (progress, version), pulling).await?;
            (name, came)
        }
        Step::Judge => looker.judge_beside((progress, version), pulling).await?,
        Step::Drop => {
            if let Some(name) = pulling.drop_beside() {
                let until = longer(looker, left_alone.get(&name).copied());
                memory.models_left_alone.insert(name, until);
            }
            return Ok(());
        }
        Step::Rest(until) => {
            let span = if until > now { until.since(now).min(BEAT) } else { TimeSpan::default() };
            looker.clock.sleep(span).await;
            return Ok(());
        }
    };
    settle(looker, memory, &name, &came);
    Ok(())
}

/// Waits a beat where nothing is due: a source that rests costs a read of the ledger each time.
async fn rest(looker: &Looker, memory: &Memory, due: Option<Timestamp>) {
    let now = looker.clock.now();
    let nudge = memory.nudged.due_at();
    let until = due.into_iter().chain(nudge).min();
    let span = until.map_or(BEAT, |until| if until > now { until.since(now).min(BEAT) } else { TimeSpan::default() });
    looker.clock.sleep(span).await;
}

/// What follows from a look: what did not answer is left alone for a while, and that is told once for each cause.
fn settle(looker: &Looker, memory: &mut Memory, name: &str, came: &Came) {
    match came {
        Came::Done => {
            memory.left_alone = None;
            memory.models_left_alone.remove(name);
            looker.board.gaps.close(&looker.source.name, name);
            let told = [None, Some(name.to_owned())].map(|of| memory.told.remove(&of));
            if told.iter().any(Option::is_some) {
                looker.tell(Capturing::GoesOn);
            }
        }
        Came::Unread(unread) => {
            let of = match unread.of {
                Extent::System => None,
                Extent::Model => Some(name.to_owned()),
            };
            open(looker, memory, of, unread);
            match unread.of {
                Extent::System => memory.left_alone = Some(longer(looker, memory.left_alone)),
                Extent::Model => {
                    let until = longer(looker, memory.models_left_alone.get(name).copied());
                    memory.models_left_alone.insert(name.to_owned(), until);
                }
            }
        }
        Came::Refused(why) => {
            let why = format!("what was read cannot be taken in now: {why}");
            open(looker, memory, None, &Unread { of: Extent::System, cause: NOT_TAKEN, why, help: "" });
            memory.left_alone = Some(longer(looker, memory.left_alone));
        }
    }
}

/// Says what is not read, once for each cause, and for as long as it is so.
fn open(looker: &Looker, memory: &mut Memory, model: Option<String>, unread: &Unread) {
    let Unread { cause, why, help, .. } = unread;
    if memory.told.insert(model.clone(), cause) != Some(*cause) {
        looker.tell(Capturing::Unread { model: model.as_deref(), cause, why, help });
    }
    let (source, since) = (looker.source.name.clone(), looker.clock.now());
    looker.board.gaps.open(Gap { source, model, since, why: why.clone(), help });
}

/// Until when to leave alone what was left alone before, and how often that was.
fn longer(looker: &Looker, before: Option<(Timestamp, u32)>) -> (Timestamp, u32) {
    let (first, most) = LEFT_ALONE;
    let times = before.map_or(0, |(_, times)| times);
    (looker.clock.now() + first.times(1 << times.min(8)).min(most), times.saturating_add(1))
}
