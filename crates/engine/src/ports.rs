//! The ports: everything that the engine needs from outside, object-safe, in one file. No other trait in the product
//! until it has a second real implementation.
//!
//! What holds for all: a call may be cancelled at any await and leaves either its whole effect or none; after
//! [`FaultKind::Unavailable`](model::FaultKind) the caller does not know which, and repeats with the same ids.

mod message;
mod outbox;
mod records;
mod work;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use model::account::Census;
use model::change::Switch;
use model::newest::{Latest, NewestQuery};
use model::room::{Ages, Room};
use model::view::{
    Backlog, CauseGroup, DeliveryQuery, DeliveryStory, EventStory, FeedRow, Found, Page, QuarantineGroup, QuarantineQuery,
    ReplayStory,
};
use model::{
    Account, Appended, AuditRow, Batch, Committed, Consumer, Delivery, DeliveryId, DestinationName, Digest, EventId, Fault,
    InForce, KeyedWrite, Known, LaterEvent, NewEntry, NodeName, Offset, Partition, PolicyVersion, Position, QuarantineRow,
    Record, Replay, ReplayId, ReplayMember, SourceName, Standing, TimeSpan, Timestamp, Token,
};
use uuid::Uuid;

pub use self::message::{Errand, Message, Sent};
pub use self::outbox::{Line, Lost, Place, Pull, Pulled, Rest, Said};
pub use self::records::{Absence, Asked, Extent, Peer, Reading, Row, Shape, Shown, Unread, Which};
pub use self::work::{DueQuery, LeftQuery, Life, Mark, Readable, Shard, Trimmed, Within};

/// The answer of a port, later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// What a system of record shows, or why not.
pub type Read<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unread>> + Send + 'a>>;

/// A future without an answer.
pub type Waiting<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Told when something may have changed. A hint only: every loop also runs on a period.
pub type Hint = tokio::sync::watch::Receiver<u64>;

/// What has happened, in order, durable before it is answered. Entries are never changed.
pub trait Journal: Send + Sync + std::fmt::Debug {
    /// Appends each entry or finds its repeat, and answers in the order of the entries when all of that is durable (I1).
    ///
    /// Each decision is atomic with its append: of concurrent entries with one (source, key), one is `New`. A key is
    /// remembered from its first append until [`model::limit::KEY_WINDOW`] of time has run while the journal was open,
    /// whatever the calendar says and whatever retention does to the record.
    /// An emitted entry is found again by its derived id (answered `Duplicate` with the nil event id); a journal
    /// whose broker forgets sooner may append it twice, and consumers drop the repeat.
    ///
    /// Faults: `Full` at the byte budget when one of the entries is intake's (what rooms emit settles work and is taken),
    /// `Unavailable`, `Shutdown`. After `Unavailable` some entries may stand.
    fn append(&self, entries: Vec<NewEntry>) -> Answer<'_, Vec<Appended>>;

    /// Records of a partition after `after`, in order, at most `records` of them and at most
    /// [`model::limit::READ_BYTES_MAX`] bytes, but at least one if there is one. No record appears below an offset that was
    /// already read past.
    fn read(&self, partition: Partition, after: Offset, records: usize) -> Answer<'_, Vec<Arc<Record>>>;

    /// The record at a position, also where retention has moved it to what is kept; `None` where it is gone.
    fn get(&self, position: Position) -> Answer<'_, Option<Arc<Record>>>;

    /// The records that carry the event itself (admitted, quarantined, resubmitted): at most one.
    fn find(&self, event: EventId) -> Answer<'_, Option<Arc<Record>>>;

    /// The newest records before `before` over all partitions, newest first; for people. Neither this nor `read` shows
    /// what retention has moved to what is kept.
    fn recent(&self, before: Option<Position>, records: usize) -> Answer<'_, Vec<Arc<Record>>>;

    /// Its partitions; the same for the life of the store.
    fn partitions(&self) -> Vec<Partition>;

    /// The last offset of a partition.
    fn head(&self, partition: Partition) -> Answer<'_, Offset>;

    /// Accepted entries, and those above the given cursors, in one snapshot.
    fn census(&self, cursors: Vec<(Partition, Offset)>) -> Answer<'_, Census>;

    /// Rises when something was appended.
    fn changed(&self) -> Hint;

    /// Removes at most [`model::limit::TRIM_ROWS_MAX`] records of a partition from its beginning, up to and including `to`.
    /// Those at `keep`, and those that [`Journal::keep`] was asked for since `as_of`, move to what is kept and are still
    /// found. Answers the offset up to which it is trimmed; nothing goes where `as_of` is too long ago to tell.
    fn trim(&self, partition: Partition, to: Offset, keep: Vec<Offset>, as_of: Mark) -> Answer<'_, Offset>;

    /// What is kept of a partition after `after`, in order, at most `records`.
    fn kept(&self, partition: Partition, after: Offset, records: usize) -> Answer<'_, Vec<Offset>>;

    /// Removes at most [`model::limit::TRIM_ROWS_MAX`] of these from what is kept, but for those that [`Journal::keep`]
    /// was asked for since `as_of`. Answers how many went; nothing goes where `as_of` is too long ago to tell.
    fn release(&self, partition: Partition, offsets: Vec<Offset>, as_of: Mark) -> Answer<'_, u64>;

    /// Answers which of these records are there, live or kept, and spares them from every `trim` and `release` that was
    /// decided before now, however late it arrives. From now on whoever asked must say itself that it needs them, as
    /// [`Ledger::needed`] does. At most [`model::limit::TRIM_ROWS_MAX`].
    fn keep(&self, partition: Partition, offsets: Vec<Offset>) -> Answer<'_, Vec<Offset>>;

    /// Forgets keys whose window is over. Answers how many periods were dropped. What has run since the last key or the
    /// last call of this may be counted anew after a restart.
    fn forget_keys(&self) -> Answer<'_, u64>;

    /// Forgets at most [`model::limit::TRIM_ROWS_MAX`] ids of emitted entries that were appended before `before` and whose
    /// records are trimmed. Answers how many. Whoever asks sees to it that none of them will be appended again.
    fn forget_emitted(&self, before: Timestamp) -> Answer<'_, u64>;

    /// Bytes in use, and the age of the oldest record that is not kept.
    fn usage(&self) -> Answer<'_, Usage>;
}

/// How much room a journal takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in use, free pages not counted.
    pub bytes: u64,
    /// The budget; intake gets `Full` above it.
    pub budget: u64,
    /// Bytes that wait to be written; intake gets `Unavailable` above [`model::limit::APPEND_BYTES_WAITING_MAX`].
    pub waiting: u64,
    /// When the oldest record was appended.
    pub oldest_at: Option<Timestamp>,
    /// The first offset that is still there, in partition 0.
    pub floor: Offset,
    /// Now, in the order of the calls of [`Journal::keep`].
    pub mark: Mark,
}

impl Usage {
    /// Hundredths of the budget in use; 0 without a budget.
    pub fn percent(&self) -> u64 {
        Room { bytes: self.bytes, budget: self.budget }.percent()
    }
}

/// The state of all work. One writer order; a batch is applied whole or not at all.
pub trait Ledger: Send + Sync + std::fmt::Debug {
    /// Applies a batch when all its guards hold, durable when answered.
    ///
    /// Faults: `Conflict` when a guard or a claim does not hold (nothing is applied), `Corrupt` when a cursor would
    /// move back, `Unavailable`, `Shutdown`.
    fn commit(&self, batch: Batch) -> Answer<'_, Committed>;

    /// A delivery.
    fn delivery(&self, id: DeliveryId) -> Answer<'_, Option<Delivery>>;

    /// Deliveries of a destination that wait, are due at `now` and not past their deadline, are not behind another, and are
    /// not leased: oldest due first (of equal ones, that which was opened first), at most `all`, and of these at most `repeats` with an attempt
    /// behind them. Those of the flows `without` are left out, and however many these have waiting, they hide no other.
    ///
    /// A row that cannot be read is named in the answer and left out: it stops no other.
    fn due(&self, query: DueQuery) -> Answer<'_, Readable<Delivery>>;

    /// The delivery that comes forward in its lane when this one, its head, leaves it.
    fn next_in_lane(&self, head: DeliveryId) -> Answer<'_, Option<Delivery>>;

    /// Deliveries that are overdue at `now` ([`Delivery::is_overdue`]): earliest deadline first (of equal ones, that which was
    /// opened first), at most `limit`. A row that cannot be read is named and left out.
    fn overdue(&self, now: Timestamp, limit: usize) -> Answer<'_, Readable<Delivery>>;

    /// Deliveries that wait, by a flow or to a destination that is not among the given: those without an open attempt first
    /// (of equal ones, that which was opened first), at most `limit`. A row that cannot be read is named and left out.
    fn left_waiting(&self, query: LeftQuery) -> Answer<'_, Readable<Delivery>>;

    /// Destinations with a ready delivery, and when their first is due.
    fn agenda(&self) -> Answer<'_, Vec<(DestinationName, Timestamp)>>;

    /// Deliveries leased by a life that is over: an earlier one of the same node, or of a node that has not shown itself since
    /// `stale_before`, or never. At most `limit`. A row that cannot be read is named and left out, whoever leased it.
    fn orphans(&self, stale_before: Timestamp, limit: usize) -> Answer<'_, Readable<Delivery>>;

    /// For each question the newest delivery that is done, under way or in the way, by where it ranks and of equal ones that
    /// which was opened last; in the order of the questions. In the way is what waits for a person in the lane that is entered, or
    /// before the place that is kept there; what stands behind that place is nothing. One that another took the place of stands as
    /// that does, and is under way until that was made. At most [`model::limit::NEWEST_ROWS_MAX`] rows are looked through for each.
    fn newest(&self, questions: Vec<NewestQuery>) -> Answer<'_, Vec<Latest>>;

    /// Where a consumer stands; 0 before its first commit.
    fn cursor(&self, consumer: &Consumer, partition: Partition) -> Answer<'_, Offset>;

    /// The text of a policy.
    fn policy(&self, version: PolicyVersion) -> Answer<'_, Option<Vec<(String, String)>>>;

    /// Which of these emitted ids a consumer has seen.
    fn seen(&self, ids: Vec<Uuid>) -> Answer<'_, Vec<Uuid>>;

    /// Entries to append, oldest first, at most `limit` of them and at most [`model::limit::READ_BYTES_MAX`] bytes of bodies, but
    /// at least one if there is one. A row that cannot be read is named and left out: those behind it go
    /// on, and it stays for a person.
    fn outbox(&self, limit: usize) -> Answer<'_, Readable<NewEntry>>;

    /// A quarantined event.
    fn quarantined(&self, event: EventId) -> Answer<'_, Option<QuarantineRow>>;

    /// What is attached to a quarantined event by [`model::Change::Attach`], also before the event has its row.
    fn later(&self, of: EventId) -> Answer<'_, Option<LaterEvent>>;

    /// Replays that are running. A row that cannot be read is named and left out.
    fn replays_running(&self) -> Answer<'_, Readable<Replay>>;

    /// A replay; `Corrupt` where it cannot be read, which keeps nobody from [`model::Change::CancelReplay`].
    fn replay(&self, id: ReplayId) -> Answer<'_, Option<Replay>>;

    /// Members of a replay from an index on, at most `limit`.
    fn members(&self, id: ReplayId, from: u32, limit: usize) -> Answer<'_, Vec<ReplayMember>>;

    /// How many deliveries of a replay are in which state, by its word.
    fn replay_progress(&self, id: ReplayId) -> Answer<'_, Vec<(String, u64)>>;

    /// All breakers that were ever written, as their rule wrote them.
    fn breakers(&self) -> Answer<'_, Vec<(DestinationName, String)>>;

    /// All switches.
    fn switches(&self) -> Answer<'_, Vec<(String, Switch)>>;

    /// The holder of each shard: node, incarnation and when it was last seen.
    fn shards(&self) -> Answer<'_, Vec<Shard>>;

    /// The latest life of a node, if it ever had one.
    fn life(&self, node: &NodeName) -> Answer<'_, Option<Life>>;

    /// The last application of a policy; `None` before the first.
    fn in_force(&self) -> Answer<'_, Option<InForce>>;

    /// A write by its key, also one that is older than its window until it is forgotten.
    fn keyed_write(&self, id: Digest) -> Answer<'_, Option<KeyedWrite>>;

    /// How many writes of the principal of this id are remembered by their keys: [`KeyedWrite::of_same_principal`].
    fn keyed_writes(&self, id: Digest) -> Answer<'_, u64>;

    /// What is known of these records of a captured model, hidden ones as well, in the order of their ids and each once; of
    /// the others nothing. At most [`model::limit::CAPTURE_ROWS_MAX`] ids. A row that cannot be read is named and left out,
    /// as if nothing were known of it, and [`model::Change::Know`] writes it anew.
    fn known(&self, source: &SourceName, model: &str, ids: Vec<u64>) -> Answer<'_, Readable<Known>>;

    /// How many known records of a captured model have an id in each of these ranges, each from its first to before its
    /// second; in the order of the ranges and in one snapshot. Those that are listed are counted. At most
    /// [`model::limit::CAPTURE_RANGES_MAX`].
    fn known_counts(&self, source: &SourceName, model: &str, ranges: Vec<(u64, u64)>) -> Answer<'_, Vec<u64>>;

    /// The ids of known records of a captured model that are so, in such a range, in order, at most `limit`; that is at most
    /// [`model::limit::CAPTURE_IDS_MAX`].
    fn known_ids(&self, source: &SourceName, model: &str, within: Within, limit: usize) -> Answer<'_, Vec<u64>>;

    /// How far the capture of a source is; `None` before its first [`model::Change::Stand`].
    fn standing(&self, source: &SourceName) -> Answer<'_, Option<Standing>>;

    /// A token by the digest of its text.
    fn token(&self, digest: Digest) -> Answer<'_, Option<Token>>;

    /// All tokens.
    fn tokens(&self) -> Answer<'_, Vec<Token>>;

    /// The counters and the cursors of [`model::account::ROUTER`] in one snapshot.
    fn account(&self) -> Answer<'_, Account>;

    /// The same counters, counted anew from the rows; for checkers. Counts of what retention removed are added from its
    /// own record.
    fn recount(&self) -> Answer<'_, Account>;

    /// Offsets in (`from`, `to`] of a partition whose bytes are still needed, in order: by deliveries that are not final, by
    /// quarantined events that are open, by members that replays which are running send, by emitted entries that speak
    /// of other bytes and were not yet seen by their consumer.
    fn needed(&self, partition: Partition, from: Offset, to: Offset) -> Answer<'_, Vec<Offset>>;

    /// Removes what has had its time, of each kind at most [`model::limit::TRIM_ROWS_MAX`] rows, and keeps their counts:
    /// final deliveries with their attempts, rows of feed and index, settled quarantined events, replays that have ended
    /// with their members, and what is remembered of emitted entries that are in the journal and seen; then answers of
    /// destinations to final deliveries, what is attached to settled quarantined events, and audit. A row of the feed or the
    /// index is as old as its last commit, what is remembered of an emitted entry as old as its [`model::Change::Emitted`],
    /// anything else as old as it was made.
    ///
    /// A damaged row goes like any other; where not even its count can be read, it is named and stays. No rows: nothing is left.
    fn trim(&self, ages: Ages) -> Answer<'_, Trimmed>;

    /// How much room it takes.
    fn room(&self) -> Answer<'_, Room>;

    /// Rises when something was committed.
    fn changed(&self) -> Hint;
}

/// Pages for people; never for decisions. What of a page of deliveries, quarantined events or replays cannot be read is named in
/// it and left out.
pub trait Views: Send + Sync + std::fmt::Debug {
    /// Deliveries, newest first: by when they were made, then by id. All pages: newer rows change nothing below a cursor,
    /// and a cursor that no page gave out finds nothing. A page that is asked for rare rows may end before it is full, even
    /// empty: it looks at [`model::limit::PAGE_WALK_ROWS`] rows and says where to go on. Only a page without `next` is the last.
    fn deliveries(&self, query: DeliveryQuery) -> Answer<'_, Page<Delivery>>;

    /// A delivery with its attempts.
    fn delivery_story(&self, id: DeliveryId) -> Answer<'_, Option<DeliveryStory>>;

    /// All about an event: the audit of itself and of its deliveries, oldest first.
    fn event_story(&self, event: EventId) -> Answer<'_, EventStory>;

    /// Held and dead deliveries by cause, largest first, at most [`model::limit::CAUSES_MAX`]; the example is the newest.
    fn causes(&self) -> Answer<'_, Vec<CauseGroup>>;

    /// Open quarantined events by source, owner and first reason, the same way.
    fn quarantine_causes(&self) -> Answer<'_, Vec<QuarantineGroup>>;

    /// Quarantined events, newest first.
    fn quarantine(&self, query: QuarantineQuery) -> Answer<'_, Page<QuarantineRow>>;

    /// Events that carry this word, last position first, at most `limit`.
    fn lookup(&self, word: &str, limit: usize) -> Answer<'_, Vec<Found>>;

    /// The feed after a place, oldest first, at most `limit`.
    fn feed(&self, after: u64, limit: usize) -> Answer<'_, Vec<FeedRow>>;

    /// The last place of the feed.
    fn feed_head(&self) -> Answer<'_, u64>;

    /// Work per destination and flow, in the order of their names; none where there is none.
    fn backlog(&self) -> Answer<'_, Vec<Backlog>>;

    /// Replays, newest first.
    fn replays(&self, cursor: Option<String>, limit: usize) -> Answer<'_, Page<Replay>>;

    /// A replay with its first [`model::limit::PAGE_ROWS_MAX`] members.
    fn replay_story(&self, id: ReplayId) -> Answer<'_, Option<ReplayStory>>;

    /// The audit, newest first; with a subject, only its rows.
    fn audit(&self, subject: Option<String>, cursor: Option<String>, limit: usize) -> Answer<'_, Page<AuditRow>>;

    /// Policies that were applied, newest first: version and when it was applied for the first time.
    fn policies(&self, cursor: Option<String>, limit: usize) -> Answer<'_, Page<(PolicyVersion, Timestamp)>>;
}

/// One message to one destination kind. It never fails: whatever happens is an outcome.
pub trait Outbound: Send + Sync + std::fmt::Debug {
    /// Sends and waits for the answer, no longer than the message's timeout.
    fn send<'a>(&'a self, message: &'a Message) -> Pin<Box<dyn Future<Output = Sent> + Send + 'a>>;
}

/// What a system of record shows. It reads, and says how far it has read; it repeats nothing by itself, and holds no state that
/// matters.
pub trait Records: Send + Sync + std::fmt::Debug {
    /// Records of a model, in order of their ids, at most `asked.limit`.
    fn shown<'a>(&'a self, peer: &'a Peer, asked: &'a Asked) -> Read<'a, Shown>;

    /// How many records of a model have an id in each of these ranges, from inclusive, to exclusive.
    fn counts<'a>(&'a self, peer: &'a Peer, model: &'a str, ranges: &'a [(u64, u64)]) -> Read<'a, Vec<u64>>;

    /// Ids of a model's records in a range, from inclusive, to exclusive, in order.
    fn ids<'a>(&'a self, peer: &'a Peer, model: &'a str, range: (u64, u64)) -> Read<'a, Vec<u64>>;

    /// What became of records that are not shown any more.
    fn missing<'a>(&'a self, peer: &'a Peer, model: &'a str, ids: &'a [u64]) -> Read<'a, Vec<(u64, Absence)>>;

    /// Lines of its outbox behind a place, in order. Whatever commits later comes behind the place that is answered.
    fn pulled<'a>(&'a self, peer: &'a Peer, pull: &'a Pull) -> Read<'a, Pulled>;

    /// Says that a reader of this name has everything up to a place safe, so that it may be removed there. A place of another epoch
    /// says nothing.
    fn acknowledged<'a>(&'a self, peer: &'a Peer, reader: &'a str, place: &'a Place) -> Read<'a, ()>;
}

/// Time and sleep. Real in production, virtual in simulation.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Now: the time of the machine, but never earlier than it was or than it was told. What is due, leased or aged is measured by it.
    fn now(&self) -> Timestamp;

    /// It was `at` before, in an earlier life or on another node.
    fn not_before(&self, at: Timestamp);

    /// What the machine's clock says; it may jump both ways. Only signatures are judged by it.
    fn wall(&self) -> Timestamp;

    /// How long it has run, from any moment of this life on: it never jumps and is never faster than time. Durations are
    /// differences of it.
    fn ran(&self) -> TimeSpan;

    /// Waits that long on a clock that does not jump.
    fn sleep(&self, span: TimeSpan) -> Waiting<'_>;

    /// Ten bytes of chance for an id, and for jitter: seeded in simulation.
    fn chance(&self) -> [u8; 10];
}
