//! A product in memory whose loops turn when a test says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use backends::conformance::ManualClock;
use backends::memory::{MemoryJournal, MemoryLedger};
use engine::board::{Board, Handover};
use engine::book::Book;
use engine::change::apply::{Applied, Changes, bootstrap};
use engine::change::decide::Terms;
use engine::delivery::operate::Operate;
use engine::drive::Turn;
use engine::keyring::Keyring;
use engine::membership::{self, Membership};
use engine::observe::Facts;
use engine::outbox::Outbox;
use engine::ports::{Clock, DueQuery, Journal, Ledger, Message, Views};
use engine::replay::order::Replays;
use engine::replay::previews::Previews;
use engine::replay::run::Replayer;
use engine::routing::run::Router;
use engine::rules::asked::{Asked, NotDone};
use engine::rules::pulse::Pulse;
use engine::rules::replayed;
use model::account::{Account, Line};
use model::outcome::Again;
use model::view::DeliveryQuery;
use model::{
    AttemptResult, Batch, Body, Change, Claim, Delivery, DeliveryId, DeliveryState, DestinationName, Digest, Entry, Event,
    EventId, EventType, FlowName, Lease, NewEntry, NodeName, Origin, Outcome, Partition, PolicyVersion, Principal,
    SourceName, TimeSpan, Timestamp,
};
use policy::SourceFile;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

/// When every world begins.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_secs(1_793_000_000);

pub(crate) const DAY: TimeSpan = TimeSpan::from_days(1);

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) views: Arc<dyn Views>,
    pub(crate) book: Arc<Book>,
    pub(crate) board: Arc<Board>,
    pub(crate) keys: watch::Sender<Arc<Keyring>>,
    router: Router,
    _handovers: mpsc::Receiver<Handover>,
    pub(crate) replayer: Replayer,
    pub(crate) previews: Arc<Previews>,
    /// What the destination was sent.
    pub(crate) heard: Arc<Mutex<Vec<Message>>>,
}

/// The project: one source, one destination, one flow with the given delivery lines; `more` are further files.
pub(crate) fn project(deliver: &str, more: &[(&str, &str)]) -> Vec<SourceFile> {
    let system = "owner: team-commerce\nsources:\n  shop:\n    verify: { unsigned: { owner: team-commerce, until: 2099-01-31, why: a test } }\n";
    let wms = "owner: team-warehouse\ndestinations:\n  wms:\n    url: https://wms.example.com/orders\n    rate: 50/s\n";
    let flow = format!("owner: team-warehouse\non:\n  types: [orders]\nto: wms\ndeliver:\n  {deliver}\n");
    let mut files =
        vec![("systems/shop.yaml", system), ("systems/wms.yaml", wms), ("flows/orders-to-wms.yaml", flow.as_str())];
    files.extend_from_slice(more);
    files.into_iter().map(|(path, text)| SourceFile { path: path.to_owned(), text: text.to_owned() }).collect()
}

pub(crate) fn flow() -> FlowName {
    FlowName::new("orders-to-wms").unwrap()
}

pub(crate) fn wms() -> DestinationName {
    DestinationName::new("wms").unwrap()
}

impl World {
    pub(crate) async fn new(files: &[SourceFile]) -> Self {
        let clock = Arc::new(ManualClock::new(BEGINNING));
        let as_clock: Arc<dyn Clock> = clock.clone();
        let journal = Arc::new(MemoryJournal::new(Arc::clone(&as_clock), 1_000_000));
        let stored = Arc::new(MemoryLedger::new(as_clock));
        Self::over(files, clock, journal, (stored.clone(), stored)).await
    }

    /// A product over these stores.
    pub(crate) async fn over(
        files: &[SourceFile],
        clock: Arc<ManualClock>,
        journal: Arc<dyn Journal>,
        (ledger, views): (Arc<dyn Ledger>, Arc<dyn Views>),
    ) -> Self {
        let as_clock: Arc<dyn Clock> = clock.clone();
        let asked = Asked { by: Principal::product(), why: "first start".to_owned(), at: clock.now() };
        let beginning = bootstrap(&ledger, &journal.partitions(), files, &asked).await.unwrap();
        let book = Arc::new(Book::new(Arc::clone(&ledger), beginning.policy));
        let lease = membership::begin_life(&ledger, &NodeName::new("a").unwrap(), &(clock.clone() as _)).await.unwrap();
        let (keys, known) = watch::channel(Arc::default());
        let board = Arc::new(Board::new(lease, Vec::new(), known));
        board.set_shards(BTreeSet::from(["partition/0".to_owned()]));
        let (sender, handovers) = mpsc::channel(8);
        let router = Router {
            journal: Arc::clone(&journal),
            ledger: Arc::clone(&ledger),
            book: Arc::clone(&book),
            board: Arc::clone(&board),
            clock: Arc::clone(&as_clock),
            facts: Arc::new(Facts::default()),
            handovers: sender,
            partition: Partition(0),
            stop: watch::channel(false).1,
            at: None,
        };
        let replayer = Replayer {
            journal: Arc::clone(&journal),
            ledger: Arc::clone(&ledger),
            book: Arc::clone(&book),
            board: Arc::clone(&board),
            clock: as_clock,
            facts: Arc::default(),
            paces: BTreeMap::new(),
            replaced: BTreeMap::new(),
        };
        Self {
            clock,
            journal,
            ledger,
            views,
            book,
            board,
            keys,
            router,
            _handovers: handovers,
            replayer,
            previews: Arc::default(),
            heard: Arc::default(),
        }
    }

    pub(crate) fn asked(&self) -> Asked {
        Asked { by: Principal::new("ines"), why: "the WMS is up again".to_owned(), at: self.clock.now() }
    }

    pub(crate) fn changes(&self) -> Changes {
        Changes {
            journal: Arc::clone(&self.journal),
            ledger: Arc::clone(&self.ledger),
            views: Arc::clone(&self.views),
            book: Arc::clone(&self.book),
        }
    }

    pub(crate) async fn apply(&self, files: &[SourceFile], terms: Terms) -> Result<Applied, NotDone> {
        self.changes().apply(files, terms, &self.asked()).await
    }

    pub(crate) fn operate(&self) -> Operate {
        Operate { journal: Arc::clone(&self.journal), ledger: Arc::clone(&self.ledger), book: Arc::clone(&self.book) }
    }

    pub(crate) fn replays(&self) -> Replays {
        Replays {
            journal: Arc::clone(&self.journal),
            ledger: Arc::clone(&self.ledger),
            views: Arc::clone(&self.views),
            book: Arc::clone(&self.book),
            previews: Arc::clone(&self.previews),
        }
    }

    /// The loop that appends what was emitted.
    pub(crate) fn outbox(&self) -> Outbox {
        let (journal, ledger) = (Arc::clone(&self.journal), Arc::clone(&self.ledger));
        Outbox { journal, ledger, facts: Arc::default() }
    }

    /// Everything that was emitted is appended, everything that was appended is routed.
    pub(crate) async fn route(&mut self) {
        let mut outbox = self.outbox();
        while outbox.turn().await.unwrap() == Turn::Worked {}
        while self.router.turn().await.unwrap() == Turn::Worked {}
    }

    /// The next records, up to one that changes the policy.
    pub(crate) async fn route_one(&mut self) -> Turn {
        self.router.turn().await.unwrap()
    }

    /// The membership of another node over the same stores.
    pub(crate) fn membership(&self, book: Arc<Book>) -> Membership {
        let lease = Lease { node: NodeName::new("b").unwrap(), incarnation: 1 };
        Membership {
            journal: Arc::clone(&self.journal),
            ledger: Arc::clone(&self.ledger),
            book,
            board: Arc::new(Board::new(lease, Vec::new(), watch::channel(Arc::default()).1)),
            clock: self.clock.clone(),
            facts: Arc::new(Facts::default()),
            pulse: Pulse::default(),
            beat: Timestamp::EPOCH,
        }
    }

    /// The replay loop turns until it has nothing to do at this moment.
    pub(crate) async fn replay(&mut self) {
        while self.replayer.turn().await.unwrap() == Turn::Worked {}
        self.route().await;
    }

    /// Accepts an event with this ordering key and routes it.
    pub(crate) async fn accept(&mut self, number: u128, key: &str) -> DeliveryId {
        self.accept_in(number, key, &format!("order-{key}")).await
    }

    /// The same, with a correlation id of its own.
    pub(crate) async fn accept_in(&mut self, number: u128, key: &str, correlation: &str) -> DeliveryId {
        self.accept_event(Event { correlation: correlation.to_owned(), ..event(number, key, self.clock.now()) }).await
    }

    /// The same of another media type.
    pub(crate) async fn accept_as(&mut self, number: u128, content_type: &str) -> DeliveryId {
        self.accept_event(Event { content_type: content_type.to_owned(), ..event(number, "", self.clock.now()) }).await
    }

    async fn accept_event(&mut self, event: Event) -> DeliveryId {
        let first = replayed::first_delivery(event.id, &flow());
        self.append_event(event).await;
        self.route().await;
        self.clock.advance(TimeSpan::from_millis(1));
        first
    }

    /// Accepts an event and does not route it.
    pub(crate) async fn append(&self, number: u128, key: &str) {
        self.append_event(event(number, key, self.clock.now())).await;
    }

    async fn append_event(&self, event: Event) {
        self.append_entry(Entry::Admitted(event)).await;
    }

    /// Appends an event of this type as it is judged by this policy, whatever is in force by now; answers its first delivery.
    pub(crate) async fn append_judged(&self, number: u128, kind: &str, policy: PolicyVersion) -> DeliveryId {
        let event = Event { kind: EventType::new(kind), ..event(number, "", self.clock.now()) };
        let first = replayed::first_delivery(event.id, &flow());
        self.append_under(Entry::Admitted(event), policy).await;
        first
    }

    async fn append_entry(&self, entry: Entry) {
        self.append_under(entry, self.book.current().version).await;
    }

    async fn append_under(&self, entry: Entry, policy: PolicyVersion) {
        let new = NewEntry { partition: Partition(0), policy, emitted: None, entry };
        self.journal.append(vec![new]).await.unwrap();
    }

    /// Keeps an event for a person.
    pub(crate) async fn keep(&mut self, number: u128, key: &str) -> EventId {
        let event = event(number, key, self.clock.now());
        let id = event.id;
        self.append_entry(Entry::Quarantined { event, reasons: Vec::new() }).await;
        self.route().await;
        self.clock.advance(TimeSpan::from_millis(1));
        id
    }

    pub(crate) async fn delivery(&self, id: DeliveryId) -> Delivery {
        self.ledger.delivery(id).await.unwrap().expect("the delivery exists")
    }

    /// Attempts whatever is due, and ends each attempt like this.
    pub(crate) async fn attempt(&self, end: End) -> usize {
        let due = self.ledger.due(self.due_now()).await.unwrap().rows;
        for delivery in &due {
            let claim = Claim { lease: self.board.lease.clone(), at: self.clock.now() };
            self.ledger.commit(Batch::new().change(Change::Claim { delivery: delivery.id, claim })).await.unwrap();
            self.ledger.commit(Batch::new().change(end.settle(delivery, self.clock.now()))).await.unwrap();
        }
        due.len()
    }

    /// Attempts one delivery, wherever it goes.
    pub(crate) async fn settle(&self, id: DeliveryId, end: End) {
        let claim = Claim { lease: self.board.lease.clone(), at: self.clock.now() };
        self.ledger.commit(Batch::new().change(Change::Claim { delivery: id, claim })).await.unwrap();
        let delivery = self.delivery(id).await;
        self.ledger.commit(Batch::new().change(end.settle(&delivery, self.clock.now()))).await.unwrap();
    }

    fn due_now(&self) -> DueQuery {
        DueQuery { destination: wms(), now: self.clock.now(), all: 100, repeats: 100, without: BTreeSet::new() }
    }

    pub(crate) async fn of_replay(&self, replay: model::ReplayId) -> Vec<Delivery> {
        let query = DeliveryQuery { replay: Some(replay), limit: 500, ..DeliveryQuery::default() };
        let mut rows = self.views.deliveries(query).await.unwrap().rows;
        rows.sort_by_key(|delivery| delivery.position);
        rows
    }

    /// I11: nothing is missing on any line, and counters agree with the rows.
    pub(crate) async fn check_accounts(&self) {
        let account: Account = self.ledger.account().await.unwrap();
        assert_eq!(account, self.ledger.recount().await.unwrap());
        let census = self.journal.census(account.routed_to.clone()).await.unwrap();
        let missing = |line: &Line| (line.entries_missing(), line.deliveries_missing());
        assert!(account.lines(&census).iter().all(|line| missing(line) == (0, 0)), "{:?}", account.lines(&census));
    }
}

/// How an attempt ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Done,
    Held,
    Dead,
}

impl End {
    fn settle(self, delivery: &Delivery, at: Timestamp) -> Change {
        let owner = delivery.owner.clone();
        let (outcome, state) = match self {
            Self::Done => (Outcome::Accepted { status: 200 }, DeliveryState::Done { at }),
            Self::Held => (
                Outcome::Refused { status: 503, again: Again::Perhaps, refusal: None },
                DeliveryState::Held { for_whom: owner },
            ),
            Self::Dead => {
                (Outcome::Refused { status: 422, again: Again::Never, refusal: None }, DeliveryState::DeadLettered { owner })
            }
        };
        let output = Some(Digest::of(b"{\"order\":1}"));
        let result = AttemptResult { ended_at: at, outcome, output, response: Vec::new(), response_cut: false };
        Change::Settle { delivery: delivery.id, result, state, why: "as the test says".to_owned() }
    }
}

fn event(number: u128, key: &str, at: Timestamp) -> Event {
    let body = Body::from_static(b"{\"order\":1}");
    Event {
        id: EventId(Uuid::from_u128(number)),
        source: SourceName::new("shop").unwrap(),
        kind: EventType::new("orders"),
        key: number.to_string(),
        digest: Digest::of(&body),
        subject: None,
        time: None,
        received_at: at,
        contract: None,
        ordering: (!key.is_empty()).then(|| key.to_owned()),
        correlation: format!("order-{key}"),
        trace: None,
        identifiers: Vec::new(),
        origin: Origin::Live,
        // Where a corrected body says nothing of its key, this does.
        attributes: (!key.is_empty()).then(|| ("partitionkey".to_owned(), key.to_owned())).into_iter().collect(),
        body,
        data: model::event::DataAt::Whole,
        content_type: "application/json".to_owned(),
    }
}
