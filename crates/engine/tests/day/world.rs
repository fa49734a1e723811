//! The product over an embedded store whose loops turn when the day says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use backends::sqlite::{JournalOptions, LedgerOptions, Options, Store};
use bytes::Bytes;
use engine::board::{Board, Handover};
use engine::book::Book;
use engine::change::apply::bootstrap;
use engine::drive::Turn;
use engine::intake::run::{Answer, Intake, Item, Memory};
use engine::keyring::Keyring;
use engine::membership;
use engine::observe::metric::Value;
use engine::observe::{Facts, catalogue};
use engine::outbox::Outbox;
use engine::ports::{Clock, DueQuery, Journal, Ledger, Usage, Views};
use engine::replay::run::Replayer;
use engine::replay::selection::{Filter, Selection};
use engine::retention::decide::Retention;
use engine::retention::run::{Keeper, Trimmer};
use engine::routing::run::Router;
use engine::rules::asked::Asked;
use engine::switchboard::Switchboard;
use futures::future::join_all;
use model::limit::CLAIM_MAX;
use model::outcome::Again;
use model::{
    AttemptResult, Batch, Change, Claim, Delivery, DeliveryState, DestinationName, NodeName, Offset, Outcome, Partition,
    Principal, Received, SourceName, TimeSpan, Timestamp,
};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use crate::project;
use crate::watched::{DayClock, WatchedJournal};

const ZERO: Partition = Partition(0);
/// Bytes of an event, about.
const EVENT_BYTES: usize = 6_000;
/// Requests that are open at the same time.
const AT_ONCE: usize = 25;
/// What may stand above the budget: the appends of one commit, and what rooms emit.
const SLACK: u64 = 1024 * 1024;
/// Attempts after which a delivery is dead.
const ATTEMPTS: u32 = 3;

pub(crate) struct World {
    pub(crate) clock: Arc<DayClock>,
    pub(crate) journal: Arc<WatchedJournal>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) views: Arc<dyn Views>,
    pub(crate) book: Arc<Book>,
    board: Arc<Board>,
    facts: Arc<Facts>,
    intake: Intake,
    router: Router,
    replayer: Replayer,
    keeper: Keeper,
    accepted: u64,
    // In the order in which they have to end.
    _handovers: mpsc::Receiver<Handover>,
    _keys: watch::Sender<Arc<Keyring>>,
    _folder: TempDir,
}

/// Bytes that each store may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budgets {
    pub(crate) journal: u64,
    pub(crate) ledger: u64,
}

impl Budgets {
    /// Stores under these budgets.
    fn open(self, folder: &TempDir, clock: &Arc<dyn Clock>) -> Store {
        let (budget_bytes, window_bytes) = (self.journal, 256 * 1024);
        let journal = JournalOptions { budget_bytes, window_bytes, ..JournalOptions::default() };
        let ledger = LedgerOptions { budget_bytes: self.ledger, ..LedgerOptions::default() };
        Store::open(folder.path(), Options { journal, ledger }, clock).expect("it opens")
    }
}

/// What a sender was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Accepted,
    Duplicate,
    /// With this status and Retry-After.
    Refused(u16, Option<u64>),
}

/// How attempts end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    /// Not now, and after some times never.
    Busy,
}

impl World {
    /// An empty store with byte budgets, hours of retention, and the project applied.
    pub(crate) async fn open(budgets: Budgets) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let clock = Arc::new(DayClock::new(Timestamp::from_secs(1_793_000_000)));
        let as_clock: Arc<dyn Clock> = clock.clone();
        let store = budgets.open(&folder, &as_clock);
        let journal = Arc::new(WatchedJournal::new(store.journal));
        let as_journal: Arc<dyn Journal> = journal.clone();
        let ledger: Arc<dyn Ledger> = store.ledger.clone();
        let asked = Asked { by: Principal::product(), why: "first start".to_owned(), at: clock.now() };
        let beginning = bootstrap(&ledger, &journal.partitions(), &project::files(), &asked).await.expect("it applies");
        let book = Arc::new(Book::new(Arc::clone(&ledger), beginning.policy));
        let lease = membership::begin_life(&ledger, &node(), &as_clock).await.expect("a life begins");
        let keys = watch::Sender::new(Arc::new(Keyring::default()));
        let board = Arc::new(Board::new(lease, Vec::new(), keys.subscribe()));
        // Not of the destination: its deliveries are attempted by hand.
        board.set_shards(BTreeSet::from(["partition/0".to_owned()]));
        let facts = Arc::new(Facts::default());
        let (handovers, receiver) = mpsc::channel(1);
        let intake = Intake {
            journal: Arc::clone(&as_journal),
            ledger: Arc::clone(&ledger),
            book: Arc::clone(&book),
            keys: keys.subscribe(),
            switches: Arc::new(Switchboard::default()),
            pressure: Arc::clone(&board.pressure),
            nudges: Arc::default(),
            clock: Arc::clone(&as_clock),
            facts: Arc::clone(&facts),
            memory: Memory::default(),
        };
        let router = Router {
            journal: Arc::clone(&as_journal),
            ledger: Arc::clone(&ledger),
            book: Arc::clone(&book),
            board: Arc::clone(&board),
            clock: Arc::clone(&as_clock),
            facts: Arc::clone(&facts),
            handovers,
            partition: ZERO,
            stop: watch::channel(false).1,
            at: None,
        };
        let replayer = Replayer {
            journal: Arc::clone(&as_journal),
            ledger: Arc::clone(&ledger),
            book: Arc::clone(&book),
            board: Arc::clone(&board),
            clock: Arc::clone(&as_clock),
            facts: Arc::clone(&facts),
            paces: BTreeMap::new(),
            replaced: BTreeMap::new(),
        };
        let keeper = keeper((&as_journal, &ledger), (&board, &as_clock, &facts));
        Self {
            clock,
            journal,
            ledger,
            views: store.ledger,
            book,
            board,
            facts,
            intake,
            router,
            replayer,
            keeper,
            accepted: 0,
            _handovers: receiver,
            _keys: keys,
            _folder: folder,
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn receive(&mut self, body: &str) -> Told {
        let told = told(&self.intake.receive(received(body, self.now())).await);
        self.accepted += u64::from(told == Told::Accepted);
        told
    }

    /// Requests, some at once, while retention takes its steps: each is accepted.
    pub(crate) async fn receive_beside_retention(&mut self, bodies: &[String]) {
        for some in bodies.chunks(AT_ONCE) {
            let now = self.clock.now();
            let Self { intake, keeper, .. } = self;
            let requests = join_all(some.iter().map(|body| intake.receive(received(body, now))));
            let (answers, turned) = futures::join!(requests, keeper.turn());
            turned.expect("retention takes a step");
            for answer in &answers {
                assert_eq!(told(answer), Told::Accepted);
            }
            self.accepted += answers.len() as u64;
        }
    }

    /// An event that waits for a person.
    pub(crate) async fn receive_kept(&mut self, n: u32) {
        assert_eq!(self.receive(&format!(r#"{{"id":"odd-{n}","type":"odd"}}"#)).await, Told::Accepted);
    }

    /// Everything that was emitted is appended, everything that was appended is routed.
    pub(crate) async fn route(&mut self) {
        let (journal, ledger) = (self.journal.clone(), Arc::clone(&self.ledger));
        let mut outbox = Outbox { journal, ledger, facts: Arc::clone(&self.facts) };
        while outbox.turn().await.expect("the outbox turns") == Turn::Worked {}
        while self.router.turn().await.expect("the router turns") == Turn::Worked {}
    }

    /// The replay loop turns until it has nothing to do at this moment.
    pub(crate) async fn replay(&mut self) {
        while self.replayer.turn().await.expect("replays turn") == Turn::Worked {}
        self.route().await;
    }

    /// Attempts whatever is due, and ends each attempt like this.
    pub(crate) async fn attempt(&mut self, end: End) {
        let destination = DestinationName::new("wms").expect("a literal name");
        let now = self.now();
        loop {
            let (all, without) = (CLAIM_MAX, BTreeSet::new());
            let query = DueQuery { destination: destination.clone(), now, all, repeats: all, without };
            let some = self.ledger.due(query).await.expect("the ledger answers").rows;
            if some.is_empty() {
                return;
            }
            let claim = Claim { lease: self.board.lease.clone(), at: self.now() };
            let claims = some.iter().map(|it| Change::Claim { delivery: it.id, claim: claim.clone() });
            self.commit(claims.collect()).await;
            self.commit(some.iter().map(|it| settle(it, end, self.now())).collect()).await;
        }
    }

    async fn commit(&self, changes: Vec<Change>) {
        self.ledger.commit(Batch { guards: Vec::new(), changes }).await.expect("the ledger commits");
    }

    /// One look of retention.
    pub(crate) async fn look(&mut self) {
        self.keeper.turn().await.expect("retention takes a step");
    }

    /// Retention takes steps until there is nothing to do.
    pub(crate) async fn retain(&mut self) {
        while self.keeper.turn().await.expect("retention takes a step") == Turn::Worked {}
    }

    async fn usage(&self) -> Usage {
        self.journal.usage().await.expect("the journal measures")
    }

    pub(crate) async fn check_budget(&self, budget: u64) {
        let usage = self.usage().await;
        assert!(usage.bytes <= budget + SLACK, "{} bytes of {budget}", usage.bytes);
    }

    /// The bytes of everything that is not finished are there.
    pub(crate) async fn check_what_is_needed(&self) {
        for delivery in self.unfinished().await {
            let record = self.journal.get(delivery.bytes_at).await.expect("the journal reads");
            assert!(record.is_some(), "{} needs {}", delivery.id, delivery.bytes_at);
        }
        for row in self.waiting_for_a_person().await {
            let record = self.journal.get(row.position).await.expect("the journal reads");
            assert!(record.is_some(), "{} needs {}", row.event, row.position);
        }
    }

    /// I11: nothing is missing on any line, and counters agree with the rows.
    pub(crate) async fn check_accounts(&self) {
        let account = self.ledger.account().await.expect("the ledger answers");
        assert_eq!(account, self.ledger.recount().await.expect("the ledger counts"));
        let census = self.journal.census(account.routed_to.clone()).await.expect("the journal counts");
        for line in account.lines(&census) {
            assert_eq!((line.entries_missing(), line.deliveries_missing()), (0, 0), "{line:?}");
        }
    }

    /// No commit of retention took more rows, and no append waited for more than the one that was under way and the one
    /// that came into its group.
    pub(crate) fn check_commits(&self, rows_max: u64) {
        let (largest, waited_for) = (&self.journal.largest, &self.journal.waited_for);
        assert!(largest.load(Ordering::Relaxed) <= rows_max, "{largest:?}");
        assert!(waited_for.load(Ordering::Relaxed) <= 2, "{waited_for:?}");
    }

    /// While nothing comes in any more, what was accepted is routed and delivered, and the entries of rooms are taken.
    pub(crate) async fn receive_nothing_but_settle(&mut self, taken: u32) {
        self.route().await;
        let before = self.journal.head(ZERO).await.expect("the journal answers");
        self.attempt(End::Done).await;
        self.clock.advance(TimeSpan::from_secs(1));
        self.replay_of(Selection::Filter(Filter::default()), 1_000).await;
        self.replay().await;
        let after = self.journal.head(ZERO).await.expect("the journal answers");
        assert_eq!(after.0 - before.0, u64::from(taken), "what rooms emit is taken, one entry for each event");
        assert!(matches!(self.receive(&body(0, taken)).await, Told::Refused(503, Some(60))), "intake is closed");
        self.attempt(End::Done).await;
        assert_eq!(self.unfinished().await.len(), 0, "everything is delivered");
    }

    pub(crate) const fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Records below the floor.
    pub(crate) async fn gone(&self) -> u64 {
        self.usage().await.floor.0 - 1
    }

    /// Records that are kept.
    pub(crate) async fn kept(&self) -> usize {
        self.journal.kept(ZERO, Offset(0), usize::MAX).await.expect("the journal reads").len()
    }

    /// The levels of a store's alarm with how often each was told.
    pub(crate) fn alarms(&self, store: &str) -> Vec<(&'static str, u64)> {
        let families = self.facts.meters.families();
        let alarms = families.iter().find(|family| family.metric.name == catalogue::ALARMS.name);
        let samples = alarms.map(|family| family.samples.as_slice()).unwrap_or_default();
        let count = |level: &str| {
            let sample = samples.iter().find(|sample| sample.labels == [store, level]);
            sample.map_or(0, |sample| if let Value::Count(count) = sample.value { count } else { 0 })
        };
        ["full", "high", "low"].map(|level| (level, count(level))).to_vec()
    }
}

fn node() -> NodeName {
    NodeName::new("a").expect("a literal name")
}

fn keeper(
    (journal, ledger): (&Arc<dyn Journal>, &Arc<dyn Ledger>),
    (board, clock, facts): (&Arc<Board>, &Arc<dyn Clock>, &Arc<Facts>),
) -> Keeper {
    let (payload, metadata) = (TimeSpan::from_secs(4 * 3_600), TimeSpan::from_secs(6 * 3_600));
    let settings = Retention { payload, metadata, ..Retention::default() };
    Keeper {
        trimmer: Trimmer { journal: Arc::clone(journal), ledger: Arc::clone(ledger), settings },
        board: Arc::clone(board),
        clock: Arc::clone(clock),
        facts: Arc::clone(facts),
        levels: Default::default(),
        barren_at: Timestamp::EPOCH,
        forgot_at: Timestamp::EPOCH,
        sweeps: BTreeMap::new(),
    }
}

/// Event `n` of an hour; the same one is the same bytes.
pub(crate) fn body(hour: u32, n: u32) -> String {
    let note = "x".repeat(EVENT_BYTES);
    format!(r#"{{"id":"{hour}-{n}","type":"order","note":"{note}"}}"#)
}

fn received(body: &str, at: Timestamp) -> Received {
    Received {
        source: SourceName::new("shop").expect("a literal name"),
        at,
        headers: http::HeaderMap::new(),
        method: "POST".to_owned(),
        path: String::new(),
        query: String::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        peer: None,
        seed: body.bytes().take(24).fold(0, |seed, byte| seed.rotate_left(7) ^ u64::from(byte)),
        by: model::event::Brought::Sender,
    }
}

fn told(answer: &Answer) -> Told {
    match answer {
        Answer::Accepted(Item { duplicate: false, .. }) => Told::Accepted,
        Answer::Accepted(Item { duplicate: true, .. }) => Told::Duplicate,
        Answer::Batch(items) => panic!("one event was sent: {items:?}"),
        Answer::Refused(refusal) => Told::Refused(refusal.kind.status(), refusal.retry_after_s),
        Answer::Handshake(_) => panic!("there are no handshakes"),
    }
}

fn settle(delivery: &Delivery, end: End, at: Timestamp) -> Change {
    let refused = |again| Outcome::Refused { status: 503, again, refusal: None };
    let (outcome, state) = match end {
        End::Done => (Outcome::Accepted { status: 200 }, DeliveryState::Done { at }),
        End::Busy if delivery.attempts + 1 >= ATTEMPTS => {
            (refused(Again::Perhaps), DeliveryState::DeadLettered { owner: delivery.owner.clone() })
        }
        End::Busy => (refused(Again::Perhaps), DeliveryState::Waiting { due: at + TimeSpan::from_secs(600) }),
    };
    let result = AttemptResult { ended_at: at, outcome, output: None, response: Vec::new(), response_cut: false };
    Change::Settle { delivery: delivery.id, result, state, why: "as the day says".to_owned() }
}
