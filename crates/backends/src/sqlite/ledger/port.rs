//! The two ports of the ledger: each call is one question to a reader or one request to the writer.

use std::sync::Arc;

use engine::ports::{Answer, DueQuery, Hint, Ledger, LeftQuery, Life, Readable, Shard, Trimmed, Views, Within};
use model::change::Switch;
use model::newest::{Latest, NewestQuery};
use model::room::{Ages, Room};
use model::view::{
    Backlog, CauseGroup, DeliveryQuery, DeliveryStory, EventStory, FeedRow, Found, Page, QuarantineGroup, QuarantineQuery,
    ReplayStory,
};
use model::{
    Account, AuditRow, Batch, Committed, Consumer, Delivery, DeliveryId, DestinationName, Digest, EventId, Fault, FaultKind,
    InForce, KeyedWrite, Known, LaterEvent, NewEntry, NodeName, Offset, Partition, PolicyVersion, QuarantineRow, Replay,
    ReplayId, ReplayMember, SourceName, Standing, Timestamp, Token,
};
use uuid::Uuid;

use super::super::connection;
use super::group::{Reply, Request};
use super::prepared::Prepared;
use super::rows::Row;
use super::{SqliteLedger, beside, causes, due, feed, known, newest, quarantine, read, views, words};

impl Ledger for SqliteLedger {
    fn commit(&self, batch: Batch) -> Answer<'_, Committed> {
        const OP: &str = "ledger.commit";
        let request = Prepared::of(batch).map(|prepared| Request::Commit(Box::new(prepared)));
        let request = request.map_err(|error| Fault::from_error(FaultKind::Corrupt, OP, error));
        self.request(OP, request, |reply| match reply {
            Reply::Committed(committed) => Some(committed),
            Reply::Trimmed(_) => None,
        })
    }

    fn delivery(&self, id: DeliveryId) -> Answer<'_, Option<Delivery>> {
        self.ask("ledger.delivery", move |conn, names| Ok(Row::find(conn, names, id)?.map(|row| row.delivery)))
    }

    fn due(&self, query: DueQuery) -> Answer<'_, Readable<Delivery>> {
        self.ask("ledger.due", move |conn, names| due::due(conn, names, &query))
    }

    fn next_in_lane(&self, head: DeliveryId) -> Answer<'_, Option<Delivery>> {
        self.ask("ledger.next_in_lane", move |conn, names| due::next_in_lane(conn, names, head))
    }

    fn overdue(&self, now: Timestamp, limit: usize) -> Answer<'_, Readable<Delivery>> {
        self.ask("ledger.overdue", move |conn, names| due::overdue(conn, names, now, limit))
    }

    fn left_waiting(&self, query: LeftQuery) -> Answer<'_, Readable<Delivery>> {
        self.ask("ledger.left_waiting", move |conn, names| due::left_waiting(conn, names, &query))
    }

    fn agenda(&self) -> Answer<'_, Vec<(DestinationName, Timestamp)>> {
        self.ask("ledger.agenda", due::agenda)
    }

    fn orphans(&self, stale_before: Timestamp, limit: usize) -> Answer<'_, Readable<Delivery>> {
        self.ask("ledger.orphans", move |conn, names| read::orphans(conn, names, stale_before, limit))
    }

    fn newest(&self, questions: Vec<NewestQuery>) -> Answer<'_, Vec<Latest>> {
        self.ask("ledger.newest", move |conn, names| newest::newest(conn, names, &questions))
    }

    fn cursor(&self, consumer: &Consumer, partition: Partition) -> Answer<'_, Offset> {
        let consumer = consumer.clone();
        self.readers.ask("ledger.cursor", move |conn| read::cursor(conn, consumer.as_str(), partition))
    }

    fn policy(&self, version: PolicyVersion) -> Answer<'_, Option<Vec<(String, String)>>> {
        self.readers.ask("ledger.policy", move |conn| read::policy(conn, version))
    }

    fn seen(&self, ids: Vec<Uuid>) -> Answer<'_, Vec<Uuid>> {
        self.readers.ask("ledger.seen", move |conn| read::seen(conn, ids))
    }

    fn outbox(&self, limit: usize) -> Answer<'_, Readable<NewEntry>> {
        self.readers.ask("ledger.outbox", move |conn| read::outbox(conn, limit))
    }

    fn quarantined(&self, event: EventId) -> Answer<'_, Option<QuarantineRow>> {
        self.readers.ask("ledger.quarantined", move |conn| quarantine::row(conn, event))
    }

    fn later(&self, of: EventId) -> Answer<'_, Option<LaterEvent>> {
        self.readers.ask("ledger.later", move |conn| quarantine::later(conn, of))
    }

    fn replays_running(&self) -> Answer<'_, Readable<Replay>> {
        self.readers.ask("ledger.replays_running", read::replays_running)
    }

    fn replay(&self, id: ReplayId) -> Answer<'_, Option<Replay>> {
        self.readers.ask("ledger.replay", move |conn| read::replay(conn, id))
    }

    fn members(&self, id: ReplayId, from: u32, limit: usize) -> Answer<'_, Vec<ReplayMember>> {
        self.readers.ask("ledger.members", move |conn| read::members(conn, id, from, limit))
    }

    fn replay_progress(&self, id: ReplayId) -> Answer<'_, Vec<(String, u64)>> {
        self.readers.ask("ledger.replay_progress", move |conn| read::replay_progress(conn, id))
    }

    fn breakers(&self) -> Answer<'_, Vec<(DestinationName, String)>> {
        self.readers.ask("ledger.breakers", read::breakers)
    }

    fn switches(&self) -> Answer<'_, Vec<(String, Switch)>> {
        self.readers.ask("ledger.switches", read::switches)
    }

    fn shards(&self) -> Answer<'_, Vec<Shard>> {
        self.readers.ask("ledger.shards", read::shards)
    }

    fn life(&self, node: &NodeName) -> Answer<'_, Option<Life>> {
        let node = node.clone();
        self.readers.ask("ledger.life", move |conn| read::life(conn, node.as_str()))
    }

    fn in_force(&self) -> Answer<'_, Option<InForce>> {
        self.readers.ask("ledger.in_force", beside::in_force)
    }

    fn keyed_write(&self, id: Digest) -> Answer<'_, Option<KeyedWrite>> {
        self.readers.ask("ledger.keyed_write", move |conn| beside::keyed_write(conn, id))
    }

    fn keyed_writes(&self, id: Digest) -> Answer<'_, u64> {
        self.readers.ask("ledger.keyed_writes", move |conn| beside::keyed_writes(conn, id))
    }

    fn known(&self, source: &SourceName, model: &str, ids: Vec<u64>) -> Answer<'_, Readable<Known>> {
        let (source, model) = (source.clone(), model.to_owned());
        self.readers.ask("ledger.known", move |conn| known::known(conn, source.as_str(), &model, ids))
    }

    fn known_counts(&self, source: &SourceName, model: &str, ranges: Vec<(u64, u64)>) -> Answer<'_, Vec<u64>> {
        let (source, model) = (source.clone(), model.to_owned());
        self.readers.ask("ledger.known_counts", move |conn| known::counts(conn, source.as_str(), &model, &ranges))
    }

    fn known_ids(&self, source: &SourceName, model: &str, within: Within, limit: usize) -> Answer<'_, Vec<u64>> {
        let (source, model) = (source.clone(), model.to_owned());
        self.readers.ask("ledger.known_ids", move |conn| known::ids(conn, source.as_str(), &model, within, limit))
    }

    fn standing(&self, source: &SourceName) -> Answer<'_, Option<Standing>> {
        let source = source.clone();
        self.readers.ask("ledger.standing", move |conn| known::standing(conn, source.as_str()))
    }

    fn token(&self, digest: Digest) -> Answer<'_, Option<Token>> {
        self.readers.ask("ledger.token", move |conn| read::token(conn, digest))
    }

    fn tokens(&self) -> Answer<'_, Vec<Token>> {
        self.readers.ask("ledger.tokens", read::tokens)
    }

    fn account(&self) -> Answer<'_, Account> {
        self.readers.ask("ledger.account", read::account)
    }

    fn recount(&self) -> Answer<'_, Account> {
        self.readers.ask("ledger.recount", read::recount)
    }

    fn needed(&self, partition: Partition, from: Offset, to: Offset) -> Answer<'_, Vec<Offset>> {
        self.readers.ask("ledger.needed", move |conn| read::needed(conn, partition, from, to))
    }

    fn trim(&self, ages: Ages) -> Answer<'_, Trimmed> {
        self.request("ledger.trim", Ok(Request::Trim(ages)), |reply| match reply {
            Reply::Trimmed(trimmed) => Some(trimmed),
            Reply::Committed(_) => None,
        })
    }

    fn room(&self) -> Answer<'_, Room> {
        let budget = self.budget_bytes;
        self.readers.ask("ledger.room", move |conn| Ok(Room { bytes: connection::used_bytes(conn)?, budget }))
    }

    fn changed(&self) -> Hint {
        self.changed.subscribe()
    }
}

impl Views for SqliteLedger {
    fn deliveries(&self, query: DeliveryQuery) -> Answer<'_, Page<Delivery>> {
        let walk = self.page_walk_rows;
        self.page("views.deliveries", move |conn, names| views::deliveries(conn, names, &query, walk))
    }

    fn delivery_story(&self, id: DeliveryId) -> Answer<'_, Option<DeliveryStory>> {
        self.page("views.delivery_story", move |conn, names| views::delivery_story(conn, names, id))
    }

    fn event_story(&self, event: EventId) -> Answer<'_, EventStory> {
        self.page("views.event_story", move |conn, names| views::event_story(conn, names, event))
    }

    fn causes(&self) -> Answer<'_, Vec<CauseGroup>> {
        self.page("views.causes", causes::causes)
    }

    fn quarantine_causes(&self) -> Answer<'_, Vec<QuarantineGroup>> {
        self.pages.ask("views.quarantine_causes", causes::quarantine_causes)
    }

    fn quarantine(&self, query: QuarantineQuery) -> Answer<'_, Page<QuarantineRow>> {
        let walk = self.page_walk_rows;
        self.pages.ask("views.quarantine", move |conn| views::quarantine(conn, &query, walk))
    }

    fn lookup(&self, word: &str, limit: usize) -> Answer<'_, Vec<Found>> {
        let (word, words) = (word.to_owned(), Arc::clone(&self.words));
        self.pages.ask("views.lookup", move |conn| words::lookup(conn, &words, &word, limit))
    }

    fn feed(&self, after: u64, limit: usize) -> Answer<'_, Vec<FeedRow>> {
        self.page("views.feed", move |conn, names| feed::after(conn, names, after, limit))
    }

    fn feed_head(&self) -> Answer<'_, u64> {
        self.pages.ask("views.feed_head", feed::head)
    }

    fn backlog(&self) -> Answer<'_, Vec<Backlog>> {
        self.page("views.backlog", views::backlog)
    }

    fn replays(&self, cursor: Option<String>, limit: usize) -> Answer<'_, Page<Replay>> {
        self.pages.ask("views.replays", move |conn| views::replays(conn, cursor.as_deref(), limit))
    }

    fn replay_story(&self, id: ReplayId) -> Answer<'_, Option<ReplayStory>> {
        self.pages.ask("views.replay_story", move |conn| views::replay_story(conn, id))
    }

    fn audit(&self, subject: Option<String>, cursor: Option<String>, limit: usize) -> Answer<'_, Page<AuditRow>> {
        self.pages.ask("views.audit", move |conn| views::audit(conn, subject.as_deref(), cursor.as_deref(), limit))
    }

    fn policies(&self, cursor: Option<String>, limit: usize) -> Answer<'_, Page<(PolicyVersion, Timestamp)>> {
        self.pages.ask("views.policies", move |conn| views::policies(conn, cursor.as_deref(), limit))
    }
}
