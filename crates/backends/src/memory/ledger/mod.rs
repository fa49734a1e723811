//! The ledger in memory, and its views. One lock is the one writer order; it is never held across an await.

mod apply;
mod counters;
mod deliveries;
mod guards;
mod known;
mod lanes;
mod quarantine;
mod queries;
mod retention;
mod state;
mod views;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::ports::{Answer, Clock, DueQuery, Hint, Ledger, LeftQuery, Life, Readable, Shard, Trimmed, Views, Within};
use model::change::Switch;
use model::newest::{Latest, NewestQuery};
use model::room::{Ages, Room};
use model::view::{
    Backlog, CauseGroup, DeliveryQuery, DeliveryStory, EventStory, FeedRow, Found, Page, QuarantineGroup, QuarantineQuery,
    ReplayStory,
};
use model::{
    Account, AuditRow, Batch, Committed, Consumer, Delivery, DeliveryId, DestinationName, Digest, EventId, Fault, InForce,
    KeyedWrite, Known, LaterEvent, NewEntry, NodeName, Offset, Partition, PolicyVersion, QuarantineRow, Replay, ReplayId,
    ReplayMember, SourceName, Standing, Timestamp, Token,
};
use tokio::sync::watch;
use uuid::Uuid;

use self::state::State;
use super::table::End;

/// A ledger in memory. It lives as long as the value; a restart is simulated by keeping the value.
#[derive(Debug)]
pub struct MemoryLedger {
    clock: Arc<dyn Clock>,
    budget: u64,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

impl MemoryLedger {
    /// An empty ledger without a budget that takes from `clock` when a feed or index row was written.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::within(0, clock)
    }

    /// The same with a budget of so many bytes; 0 for none.
    pub fn within(budget: u64, clock: Arc<dyn Clock>) -> Self {
        Self { clock, budget, state: Mutex::new(State::default()), changed: watch::Sender::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit_now(&self, batch: Batch) -> Result<Committed, Fault> {
        let now = self.clock.now();
        let mut state = self.state();
        let applied = apply::batch(&mut state, batch, now);
        state.close(if applied.is_ok() { End::Keep } else { End::Undo });
        drop(state);
        if applied.is_ok() {
            self.changed.send_modify(|count| *count += 1);
        }
        applied
    }

    fn trim_now(&self, ages: Ages) -> u64 {
        let mut state = self.state();
        let gone = retention::trim(&mut state, ages);
        state.close(End::Keep);
        gone
    }

    fn ask<'a, T, F>(&'a self, question: F) -> Answer<'a, T>
    where
        T: Send + 'a,
        F: FnOnce(&State) -> T + Send + 'a,
    {
        Box::pin(async move { Ok(question(&self.state())) })
    }
}

impl Ledger for MemoryLedger {
    fn commit(&self, batch: Batch) -> Answer<'_, Committed> {
        Box::pin(async move { self.commit_now(batch) })
    }

    fn delivery(&self, id: DeliveryId) -> Answer<'_, Option<Delivery>> {
        self.ask(move |state| state.delivery(id))
    }

    fn due(&self, query: DueQuery) -> Answer<'_, Readable<Delivery>> {
        self.ask(move |state| state.due(&query))
    }

    fn next_in_lane(&self, head: DeliveryId) -> Answer<'_, Option<Delivery>> {
        self.ask(move |state| lanes::second(state, head))
    }

    fn overdue(&self, now: Timestamp, limit: usize) -> Answer<'_, Readable<Delivery>> {
        self.ask(move |state| Readable::all(state.overdue(now, limit)))
    }

    fn left_waiting(&self, query: LeftQuery) -> Answer<'_, Readable<Delivery>> {
        self.ask(move |state| state.left_waiting(&query))
    }

    fn agenda(&self) -> Answer<'_, Vec<(DestinationName, Timestamp)>> {
        self.ask(State::agenda)
    }

    fn orphans(&self, stale_before: Timestamp, limit: usize) -> Answer<'_, Readable<Delivery>> {
        self.ask(move |state| Readable::all(state.orphans(stale_before, limit)))
    }

    fn newest(&self, questions: Vec<NewestQuery>) -> Answer<'_, Vec<Latest>> {
        self.ask(move |state| questions.iter().map(|question| state.newest(question)).collect())
    }

    fn cursor(&self, consumer: &Consumer, partition: Partition) -> Answer<'_, Offset> {
        let consumer = consumer.clone();
        self.ask(move |state| state.cursor(&consumer, partition))
    }

    fn policy(&self, version: PolicyVersion) -> Answer<'_, Option<Vec<(String, String)>>> {
        self.ask(move |state| state.policies.get(&version).map(|text| text.files.clone()))
    }

    fn seen(&self, ids: Vec<Uuid>) -> Answer<'_, Vec<Uuid>> {
        self.ask(move |state| state.seen(ids))
    }

    fn outbox(&self, limit: usize) -> Answer<'_, Readable<NewEntry>> {
        self.ask(move |state| Readable::all(state.outbox(limit)))
    }

    fn quarantined(&self, event: EventId) -> Answer<'_, Option<QuarantineRow>> {
        self.ask(move |state| state.quarantine.get(&event).cloned())
    }

    fn later(&self, of: EventId) -> Answer<'_, Option<LaterEvent>> {
        self.ask(move |state| state.later.get(&of).map(|(later, _)| later.clone()))
    }

    fn replays_running(&self) -> Answer<'_, Readable<Replay>> {
        self.ask(|state| Readable::all(state.replays_running()))
    }

    fn replay(&self, id: ReplayId) -> Answer<'_, Option<Replay>> {
        self.ask(move |state| state.replays.get(&id).cloned())
    }

    fn members(&self, id: ReplayId, from: u32, limit: usize) -> Answer<'_, Vec<ReplayMember>> {
        self.ask(move |state| state.members(id, from, limit))
    }

    fn replay_progress(&self, id: ReplayId) -> Answer<'_, Vec<(String, u64)>> {
        self.ask(move |state| state.replay_progress(id))
    }

    fn breakers(&self) -> Answer<'_, Vec<(DestinationName, String)>> {
        self.ask(|state| state.breakers.rows().clone().into_iter().collect())
    }

    fn switches(&self) -> Answer<'_, Vec<(String, Switch)>> {
        self.ask(|state| state.switches.rows().clone().into_iter().collect())
    }

    fn shards(&self) -> Answer<'_, Vec<Shard>> {
        self.ask(State::shards)
    }

    fn life(&self, node: &NodeName) -> Answer<'_, Option<Life>> {
        let node = node.clone();
        self.ask(move |state| state.lives.get(&node).copied())
    }

    fn in_force(&self) -> Answer<'_, Option<InForce>> {
        self.ask(|state| state.in_force.get(&()).cloned())
    }

    fn keyed_write(&self, id: Digest) -> Answer<'_, Option<KeyedWrite>> {
        self.ask(move |state| state.keyed.get(&id).cloned())
    }

    fn keyed_writes(&self, id: Digest) -> Answer<'_, u64> {
        self.ask(move |state| state.keyed_writes(id))
    }

    fn known(&self, source: &SourceName, model: &str, ids: Vec<u64>) -> Answer<'_, Readable<Known>> {
        let (source, model) = (source.clone(), model.to_owned());
        self.ask(move |state| Readable::all(known::rows(state, &source, &model, &ids)))
    }

    fn known_counts(&self, source: &SourceName, model: &str, ranges: Vec<(u64, u64)>) -> Answer<'_, Vec<u64>> {
        let (source, model) = (source.clone(), model.to_owned());
        self.ask(move |state| known::counts(state, &source, &model, &ranges))
    }

    fn known_ids(&self, source: &SourceName, model: &str, within: Within, limit: usize) -> Answer<'_, Vec<u64>> {
        let (source, model) = (source.clone(), model.to_owned());
        self.ask(move |state| known::ids(state, &source, &model, within).take(limit).collect())
    }

    fn standing(&self, source: &SourceName) -> Answer<'_, Option<Standing>> {
        let source = source.clone();
        self.ask(move |state| state.standings.get(&source).cloned())
    }

    fn token(&self, digest: Digest) -> Answer<'_, Option<Token>> {
        self.ask(move |state| state.tokens.rows().values().find(|token| token.digest == digest).cloned())
    }

    fn tokens(&self) -> Answer<'_, Vec<Token>> {
        self.ask(|state| state.tokens.rows().values().cloned().collect())
    }

    fn account(&self) -> Answer<'_, Account> {
        self.ask(counters::account)
    }

    fn recount(&self) -> Answer<'_, Account> {
        self.ask(counters::recount)
    }

    fn needed(&self, partition: Partition, from: Offset, to: Offset) -> Answer<'_, Vec<Offset>> {
        self.ask(move |state| state.needed(partition, from, to))
    }

    fn trim(&self, ages: Ages) -> Answer<'_, Trimmed> {
        Box::pin(async move { Ok(Trimmed { rows: self.trim_now(ages), unreadable: Vec::new() }) })
    }

    fn room(&self) -> Answer<'_, Room> {
        self.ask(|state| Room { bytes: state.bytes(), budget: self.budget })
    }

    fn changed(&self) -> Hint {
        self.changed.subscribe()
    }
}

impl Views for MemoryLedger {
    fn deliveries(&self, query: DeliveryQuery) -> Answer<'_, Page<Delivery>> {
        self.ask(move |state| state.deliveries_page(&query))
    }

    fn delivery_story(&self, id: DeliveryId) -> Answer<'_, Option<DeliveryStory>> {
        self.ask(move |state| state.delivery_story(id))
    }

    fn event_story(&self, event: EventId) -> Answer<'_, EventStory> {
        self.ask(move |state| state.event_story(event))
    }

    fn causes(&self) -> Answer<'_, Vec<CauseGroup>> {
        self.ask(State::causes)
    }

    fn quarantine_causes(&self) -> Answer<'_, Vec<QuarantineGroup>> {
        self.ask(State::quarantine_causes)
    }

    fn quarantine(&self, query: QuarantineQuery) -> Answer<'_, Page<QuarantineRow>> {
        self.ask(move |state| state.quarantine_page(&query))
    }

    fn lookup(&self, word: &str, limit: usize) -> Answer<'_, Vec<Found>> {
        let word = word.to_owned();
        self.ask(move |state| state.lookup(&word, limit))
    }

    fn feed(&self, after: u64, limit: usize) -> Answer<'_, Vec<FeedRow>> {
        self.ask(move |state| state.feed_after(after, limit))
    }

    fn feed_head(&self) -> Answer<'_, u64> {
        self.ask(|state| state.numbers.feed)
    }

    fn backlog(&self) -> Answer<'_, Vec<Backlog>> {
        self.ask(State::backlog)
    }

    fn replays(&self, cursor: Option<String>, limit: usize) -> Answer<'_, Page<Replay>> {
        self.ask(move |state| state.replays_page(cursor.as_deref(), limit))
    }

    fn replay_story(&self, id: ReplayId) -> Answer<'_, Option<ReplayStory>> {
        self.ask(move |state| state.replay_story(id))
    }

    fn audit(&self, subject: Option<String>, cursor: Option<String>, limit: usize) -> Answer<'_, Page<AuditRow>> {
        self.ask(move |state| state.audit_page(subject.as_deref(), cursor.as_deref(), limit))
    }

    fn policies(&self, cursor: Option<String>, limit: usize) -> Answer<'_, Page<(PolicyVersion, Timestamp)>> {
        self.ask(move |state| state.policies_page(cursor.as_deref(), limit))
    }
}
