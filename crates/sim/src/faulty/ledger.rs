//! The ledger as a node sees it.

use std::future::Future;
use std::sync::Arc;

use engine::ports::{Answer, DueQuery, Hint, Ledger, LeftQuery, Life, Readable, Shard, Trimmed, Within};
use engine::retention::decide::ALARM_FULL;
use model::change::Switch;
use model::newest::{Latest, NewestQuery};
use model::room::{Ages, Room};
use model::{
    Account, Batch, Committed, Consumer, Delivery, DeliveryId, DestinationName, Digest, EventId, Fault, InForce, KeyedWrite,
    Known, LaterEvent, NewEntry, NodeName, Offset, Partition, PolicyVersion, QuarantineRow, Replay, ReplayId, ReplayMember,
    SourceName, Standing, Timestamp, Token,
};
use tokio::sync::watch;
use uuid::Uuid;

use super::Between;
use crate::checks::{Size, i2_retention_keeps_what_is_open, i9_everything_has_a_limit};
use crate::oracle::Rule;
use crate::watch::{watch_before, watch_commit};

/// A ledger behind weather.
#[derive(Debug)]
pub struct FaultyLedger {
    inner: Arc<dyn Ledger>,
    between: Between,
    silence: watch::Sender<u64>,
}

impl FaultyLedger {
    /// The way of one node's life to a ledger.
    pub fn new(inner: Arc<dyn Ledger>, between: Between) -> Self {
        Self { inner, between, silence: watch::Sender::new(0) }
    }

    async fn pass<T>(&self, op: &'static str, ask: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let forecast = self.between.weather.go(op).await?;
        let answer = ask.await;
        self.between.weather.come_back(op, forecast).await?;
        answer
    }

    fn look(&self, size: Size) {
        self.between.oracle.blame(Rule::I9, i9_everything_has_a_limit(size));
    }

    async fn commit_through(&self, batch: Batch) -> Result<Committed, Fault> {
        let Between { weather, oracle, defect, .. } = &self.between;
        let forecast = weather.go("ledger.commit").await?;
        let meant = batch.clone();
        let bent = match defect {
            None => batch,
            Some(defect) => defect.bend(&*self.inner, batch).await?,
        };
        for size in Size::of(&bent) {
            self.look(size);
        }
        let moved_back = watch_before(oracle, &meant);
        let answer = self.inner.commit(bent).await;
        if let Ok(committed) = &answer {
            oracle.blame(Rule::I6, moved_back);
            watch_commit(oracle, &meant, committed);
        }
        weather.come_back("ledger.commit", forecast).await?;
        answer
    }

    async fn due_through(&self, query: DueQuery) -> Result<Readable<Delivery>, Fault> {
        self.look(Size::Due(query.all));
        let now = self.between.defect.as_ref().map_or(query.now, |defect| defect.due_at(query.now));
        self.pass("ledger.due", self.inner.due(DueQuery { now, ..query })).await
    }

    async fn orphans_through(&self, stale_before: Timestamp, limit: usize) -> Result<Readable<Delivery>, Fault> {
        self.look(Size::Orphans(limit));
        let found = self.pass("ledger.orphans", self.inner.orphans(stale_before, limit)).await?;
        Ok(self.between.defect.as_ref().map_or_else(|| found.clone(), |defect| defect.orphans(found.clone())))
    }

    async fn in_force_through(&self) -> Result<Option<InForce>, Fault> {
        let found = self.pass("ledger.in_force", self.inner.in_force()).await?;
        Ok(match &self.between.defect {
            Some(defect) => defect.in_force(found),
            None => found,
        })
    }

    async fn newest_through(&self, questions: Vec<NewestQuery>) -> Result<Vec<Latest>, Fault> {
        self.look(Size::Page(questions.len()));
        let found = self.pass("ledger.newest", self.inner.newest(questions)).await?;
        Ok(match &self.between.defect {
            Some(defect) => defect.newest(found),
            None => found,
        })
    }

    async fn overdue_through(&self, now: Timestamp, limit: usize) -> Result<Readable<Delivery>, Fault> {
        self.look(Size::Due(limit));
        let found = self.pass("ledger.overdue", self.inner.overdue(now, limit)).await?;
        Ok(match &self.between.defect {
            Some(defect) => defect.overdue(found),
            None => found,
        })
    }
}

impl FaultyLedger {
    /// What is over is looked at first, and what of it has gone is archived; nothing happens between that and its removal.
    async fn trim_through(&self, ages: Ages) -> Result<Trimmed, Fault> {
        let Between { weather, oracle, stores, defect } = &self.between;
        let forecast = weather.go("ledger.trim").await?;
        let ((over, open), kept) = {
            let work = &oracle.known().work;
            (work.over_and_open(), work.kept_events())
        };
        let rows = stores.rows_over(over, ages.rows).await?;
        let ages = match defect {
            None => ages,
            Some(defect) => defect.trim(stores, ages).await?,
        };
        let trimmed = self.inner.trim(ages).await?;
        if trimmed.rows > 0 {
            let gone = stores.archive_gone(rows, (open, kept)).await?;
            oracle.note(|| format!("ledger.trim of {} rows from before {}: {gone:?}", trimmed.rows, ages.rows));
            let broken = i2_retention_keeps_what_is_open(&oracle.known().work, &gone);
            oracle.blame(Rule::I2, broken);
            let mut known = oracle.known();
            known.work.went(&gone);
            known.upkeep.rows += trimmed.rows;
        }
        weather.come_back("ledger.trim", forecast).await?;
        Ok(trimmed)
    }

    async fn room_through(&self) -> Result<Room, Fault> {
        let found = self.pass("ledger.room", self.inner.room()).await?;
        if found.percent() >= ALARM_FULL {
            self.between.oracle.known().upkeep.shut += 1;
        }
        Ok(self.between.defect.as_ref().map_or(found, |defect| defect.room(found)))
    }
}

impl Ledger for FaultyLedger {
    fn commit(&self, batch: Batch) -> Answer<'_, Committed> {
        Box::pin(self.commit_through(batch))
    }

    fn delivery(&self, id: DeliveryId) -> Answer<'_, Option<Delivery>> {
        Box::pin(self.pass("ledger.delivery", self.inner.delivery(id)))
    }

    fn due(&self, query: DueQuery) -> Answer<'_, Readable<Delivery>> {
        Box::pin(self.due_through(query))
    }

    fn next_in_lane(&self, head: DeliveryId) -> Answer<'_, Option<Delivery>> {
        Box::pin(self.pass("ledger.next_in_lane", self.inner.next_in_lane(head)))
    }

    fn overdue(&self, now: Timestamp, limit: usize) -> Answer<'_, Readable<Delivery>> {
        Box::pin(self.overdue_through(now, limit))
    }

    fn left_waiting(&self, query: LeftQuery) -> Answer<'_, Readable<Delivery>> {
        Box::pin(self.pass("ledger.left_waiting", self.inner.left_waiting(query)))
    }

    fn agenda(&self) -> Answer<'_, Vec<(DestinationName, Timestamp)>> {
        Box::pin(self.pass("ledger.agenda", self.inner.agenda()))
    }

    fn orphans(&self, stale_before: Timestamp, limit: usize) -> Answer<'_, Readable<Delivery>> {
        Box::pin(self.orphans_through(stale_before, limit))
    }

    fn newest(&self, questions: Vec<NewestQuery>) -> Answer<'_, Vec<Latest>> {
        Box::pin(self.newest_through(questions))
    }

    fn cursor(&self, consumer: &Consumer, partition: Partition) -> Answer<'_, Offset> {
        Box::pin(self.pass("ledger.cursor", self.inner.cursor(consumer, partition)))
    }

    fn policy(&self, version: PolicyVersion) -> Answer<'_, Option<Vec<(String, String)>>> {
        Box::pin(self.pass("ledger.policy", self.inner.policy(version)))
    }

    fn seen(&self, ids: Vec<Uuid>) -> Answer<'_, Vec<Uuid>> {
        Box::pin(self.pass("ledger.seen", self.inner.seen(ids)))
    }

    fn outbox(&self, limit: usize) -> Answer<'_, Readable<NewEntry>> {
        self.look(Size::Outbox(limit));
        Box::pin(self.pass("ledger.outbox", self.inner.outbox(limit)))
    }

    fn quarantined(&self, event: EventId) -> Answer<'_, Option<QuarantineRow>> {
        Box::pin(self.pass("ledger.quarantined", self.inner.quarantined(event)))
    }

    fn later(&self, of: EventId) -> Answer<'_, Option<LaterEvent>> {
        Box::pin(self.pass("ledger.later", self.inner.later(of)))
    }

    fn replays_running(&self) -> Answer<'_, Readable<Replay>> {
        Box::pin(self.pass("ledger.replays_running", self.inner.replays_running()))
    }

    fn replay(&self, id: ReplayId) -> Answer<'_, Option<Replay>> {
        Box::pin(self.pass("ledger.replay", self.inner.replay(id)))
    }

    fn members(&self, id: ReplayId, from: u32, limit: usize) -> Answer<'_, Vec<ReplayMember>> {
        self.look(Size::Members(limit));
        Box::pin(self.pass("ledger.members", self.inner.members(id, from, limit)))
    }

    fn replay_progress(&self, id: ReplayId) -> Answer<'_, Vec<(String, u64)>> {
        Box::pin(self.pass("ledger.replay_progress", self.inner.replay_progress(id)))
    }

    fn breakers(&self) -> Answer<'_, Vec<(DestinationName, String)>> {
        Box::pin(self.pass("ledger.breakers", self.inner.breakers()))
    }

    fn switches(&self) -> Answer<'_, Vec<(String, Switch)>> {
        Box::pin(self.pass("ledger.switches", self.inner.switches()))
    }

    fn shards(&self) -> Answer<'_, Vec<Shard>> {
        Box::pin(self.pass("ledger.shards", self.inner.shards()))
    }

    fn life(&self, node: &NodeName) -> Answer<'_, Option<Life>> {
        Box::pin(self.pass("ledger.life", self.inner.life(node)))
    }

    fn in_force(&self) -> Answer<'_, Option<InForce>> {
        Box::pin(self.in_force_through())
    }

    fn keyed_write(&self, id: Digest) -> Answer<'_, Option<KeyedWrite>> {
        Box::pin(self.pass("ledger.keyed_write", self.inner.keyed_write(id)))
    }

    fn keyed_writes(&self, id: Digest) -> Answer<'_, u64> {
        Box::pin(self.pass("ledger.keyed_writes", self.inner.keyed_writes(id)))
    }

    fn known(&self, source: &SourceName, model: &str, ids: Vec<u64>) -> Answer<'_, Readable<Known>> {
        self.look(Size::Known(ids.len()));
        Box::pin(self.pass("ledger.known", self.inner.known(source, model, ids)))
    }

    fn known_counts(&self, source: &SourceName, model: &str, ranges: Vec<(u64, u64)>) -> Answer<'_, Vec<u64>> {
        self.look(Size::Ranges(ranges.len()));
        Box::pin(self.pass("ledger.known_counts", self.inner.known_counts(source, model, ranges)))
    }

    fn known_ids(&self, source: &SourceName, model: &str, within: Within, limit: usize) -> Answer<'_, Vec<u64>> {
        self.look(Size::Ids(limit));
        let found = self.pass("ledger.known_ids", self.inner.known_ids(source, model, within, limit));
        Box::pin(async move {
            let ids = found.await?;
            Ok(match &self.between.defect {
                Some(defect) => defect.known_ids(within.0, ids),
                None => ids,
            })
        })
    }

    fn standing(&self, source: &SourceName) -> Answer<'_, Option<Standing>> {
        Box::pin(self.pass("ledger.standing", self.inner.standing(source)))
    }

    fn token(&self, digest: Digest) -> Answer<'_, Option<Token>> {
        Box::pin(self.pass("ledger.token", self.inner.token(digest)))
    }

    fn tokens(&self) -> Answer<'_, Vec<Token>> {
        Box::pin(self.pass("ledger.tokens", self.inner.tokens()))
    }

    fn account(&self) -> Answer<'_, Account> {
        Box::pin(self.pass("ledger.account", self.inner.account()))
    }

    fn recount(&self) -> Answer<'_, Account> {
        Box::pin(self.pass("ledger.recount", self.inner.recount()))
    }

    fn needed(&self, partition: Partition, from: Offset, to: Offset) -> Answer<'_, Vec<Offset>> {
        Box::pin(self.pass("ledger.needed", self.inner.needed(partition, from, to)))
    }

    fn trim(&self, ages: Ages) -> Answer<'_, Trimmed> {
        Box::pin(self.trim_through(ages))
    }

    fn room(&self) -> Answer<'_, Room> {
        Box::pin(self.room_through())
    }

    fn changed(&self) -> Hint {
        if self.between.weather.faults.deaf { self.silence.subscribe() } else { self.inner.changed() }
    }
}
