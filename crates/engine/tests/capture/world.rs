//! A captured source over a store, whose loop runs while a test lets time pass.

use std::collections::BTreeSet;
use std::sync::Arc;

use backends::conformance::ManualClock;
use backends::memory::{MemoryJournal, MemoryLedger};
use backends::sqlite::{Options, Store};
use engine::board::Board;
use engine::book::Book;
use engine::change::apply::bootstrap;
use engine::intake::capture::reconcile::order::{Reconciliations, Stands, Wanted};
use engine::intake::capture::reconcile::standing::{Mode, Outcome, Reconciliation};
use engine::intake::capture::run::Captures;
use engine::intake::run::{Intake, Memory};
use engine::keyring::Keyring;
use engine::membership;
use engine::observe::Facts;
use engine::observe::metric::Value;
use engine::ports::{Clock, Journal, Ledger, Records, Views};
use engine::pressure::Pressure;
use engine::rules::asked::{Asked, NotDone};
use formats::signature::Secret;
use model::event::Event;
use model::{NodeName, Offset, Partition, Principal, SecretName, SourceName, TimeSpan, Timestamp};
use policy::SourceFile;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::CountedClock;
use crate::odoo::{FakeOdoo, MODEL};

const BEGINNING: Timestamp = Timestamp::from_secs(1_793_000_000);
/// LIMIT: seconds of the clock that a test waits for something.
const PATIENCE: usize = 3_000;

const SYSTEM: &str = "kind: odoo
owner: team-erp
odoo:
  url: https://erp.example.com
  database: prod
  keys: [erp/key]
sources:
  erp:
    capture: { every: 60s, overlap: 5m, identities: 30d, digests: 90d, reconcile: 90d, window: 90d }
    events:
      sale.order.created: { contract: odoo.sale.order@1.0.0, type: erp.order.created }
      sale.order.changed: { contract: odoo.sale.order@1.0.0, type: erp.order.changed }
      sale.order.deleted: { contract: odoo.sale.order@1.0.0, type: erp.order.deleted }
  shop:
    verify: { unsigned: { owner: team-erp, until: 2099-01-31, why: a test } }
";

const CONTRACT: &str = "owner: team-erp
ordering: .id
schema:
  type: object
  required: [model, id, record]
  properties:
    model: { type: string }
    id: { type: integer }
    record:
      type: [object, \"null\"]
      properties:
        partner_id: { type: [object, \"null\"], properties: { display_name: { type: string } } }
";

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) odoo: Arc<FakeOdoo>,
    pub(crate) board: Arc<Board>,
    pub(crate) room: Reconciliations,
    pub(crate) views: Arc<dyn Views>,
    pub(crate) pressure: Arc<Pressure>,
    journal: Arc<dyn Journal>,
    intake: Arc<Intake>,
    keys: watch::Sender<Arc<Keyring>>,
    facts: Arc<Facts>,
    counted: Arc<CountedClock>,
    loops: Option<(watch::Sender<bool>, JoinHandle<()>)>,
    others: Vec<(watch::Sender<bool>, JoinHandle<()>)>,
    _folder: Option<TempDir>,
}

/// Over which store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Over {
    Memory,
    Sqlite,
}

pub(crate) fn erp() -> SourceName {
    SourceName::new("erp").unwrap()
}

/// A store, in three roles, and the folder that it is in.
type Stores = (Arc<dyn Journal>, Arc<dyn Ledger>, Arc<dyn Views>, Option<TempDir>);

impl World {
    /// A source that has looked at `orders` orders of one customer, which were written long ago.
    pub(crate) async fn new(over: Over, orders: u64) -> Self {
        Self::with(over, orders, |system| system).await
    }

    /// The same of another system.
    pub(crate) async fn with(over: Over, orders: u64, system: impl FnOnce(String) -> String) -> Self {
        let clock = Arc::new(ManualClock::new(BEGINNING));
        let as_clock: Arc<dyn Clock> = clock.clone();
        let odoo = Arc::new(FakeOdoo::new(Arc::clone(&clock)));
        (1..=orders).for_each(|id| odoo.write_at(id, "ACME", BEGINNING - TimeSpan::from_days(1)));
        let (journal, ledger, views, folder): Stores = match over {
            Over::Memory => {
                let ledger = Arc::new(MemoryLedger::new(Arc::clone(&as_clock)));
                (Arc::new(MemoryJournal::new(Arc::clone(&as_clock), 100_000_000)), ledger.clone(), ledger, None)
            }
            Over::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let store = Store::open(folder.path(), Options::default(), &as_clock).unwrap();
                (store.journal.clone(), store.ledger.clone(), store.ledger.clone(), Some(folder))
            }
        };
        let system = system(SYSTEM.to_owned());
        let files =
            [SourceFile::new("systems/erp.yaml", system), SourceFile::new("contracts/odoo.sale.order/1.0.0.yaml", CONTRACT)];
        let asked = Asked { by: Principal::product(), why: "first start".to_owned(), at: BEGINNING };
        let beginning = bootstrap(&ledger, &journal.partitions(), &files, &asked).await.unwrap();
        let book = Arc::new(Book::new(Arc::clone(&ledger), beginning.policy));
        let lease = membership::begin_life(&ledger, &NodeName::new("a").unwrap(), &as_clock).await.unwrap();
        let (given, keys) = watch::channel(keyring(Some("k3y")));
        let board = Arc::new(Board::new(lease, Vec::new(), keys.clone()));
        let (pressure, facts) = (Arc::<Pressure>::default(), Arc::<Facts>::default());
        let counted = Arc::new(CountedClock::new(Arc::clone(&clock)));
        board.set_shards(BTreeSet::from(["partition/0".to_owned()]));
        let intake = Arc::new(Intake {
            journal: Arc::clone(&journal),
            ledger: Arc::clone(&ledger),
            book: Arc::clone(&book),
            keys,
            switches: Arc::clone(&board.switches),
            pressure: Arc::clone(&pressure),
            nudges: Arc::clone(&board.nudges),
            clock: as_clock,
            facts: Arc::clone(&facts),
            memory: Memory::default(),
        });
        let room = Reconciliations { ledger, book, board: Arc::clone(&board) };
        let mut world = Self {
            clock,
            odoo,
            board,
            room,
            views,
            pressure,
            journal,
            intake,
            keys: given,
            facts,
            counted,
            loops: None,
            others: Vec::new(),
            _folder: folder,
        };
        world.start();
        // The first look has come to its end.
        while world.first().await.is_none() {
            world.second().await;
        }
        world.pass(5).await;
        world
    }

    /// Starts the loop of captures, as a process that begins.
    pub(crate) fn start(&mut self) {
        self.loops = Some(self.capture(Arc::clone(&self.board)));
    }

    /// The captured source is another node's now.
    pub(crate) fn lose_source(&self) {
        self.board.set_shards(BTreeSet::new());
    }

    /// Starts the captures of another node, which has the source.
    pub(crate) async fn start_another(&mut self) {
        let as_clock: Arc<dyn Clock> = self.clock.clone();
        let lease = membership::begin_life(&self.room.ledger, &NodeName::new("b").unwrap(), &as_clock).await.unwrap();
        let board = Arc::new(Board::new(lease, Vec::new(), self.keys.subscribe()));
        board.set_shards(BTreeSet::from(["partition/0".to_owned()]));
        self.others.push(self.capture(board));
    }

    /// The only key has this value from now on.
    pub(crate) fn give_key(&self, value: Option<&str>) {
        self.keys.send_replace(keyring(value));
    }

    /// How often loops of captures looked at the clock.
    pub(crate) fn looks(&self) -> u64 {
        self.counted.looks()
    }

    /// What a metric counts, of all labels together.
    pub(crate) fn count(&self, metric: &str) -> u64 {
        let families = self.facts.meters.families();
        let samples = families.into_iter().filter(|family| family.metric.name == metric).flat_map(|family| family.samples);
        samples.map(|sample| if let Value::Count(count) = sample.value { count } else { 0 }).sum()
    }

    #[expect(clippy::disallowed_methods, reason = "the world awaits it when it ends")]
    fn capture(&self, board: Arc<Board>) -> (watch::Sender<bool>, JoinHandle<()>) {
        let (stop, told) = watch::channel(false);
        let captures = Captures {
            intake: Arc::clone(&self.intake),
            ledger: Arc::clone(&self.room.ledger),
            records: Arc::clone(&self.odoo) as Arc<dyn Records>,
            book: Arc::clone(&self.room.book),
            board,
            clock: Arc::clone(&self.counted) as Arc<dyn Clock>,
            facts: Arc::clone(&self.facts),
            stop: told,
        };
        (stop, tokio::spawn(async move { captures.run().await.unwrap() }))
    }

    /// Ends it.
    pub(crate) async fn stop(&mut self) {
        let (stop, run) = self.loops.take().unwrap();
        stop.send_replace(true);
        run.await.unwrap();
    }

    /// Lets so many seconds pass.
    pub(crate) async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.second().await;
        }
    }

    /// A second, and room for what is due in it.
    async fn second(&self) {
        self.clock.advance(TimeSpan::from_secs(1));
        for _ in 0..40 {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn asked(&self) -> Asked {
        Asked { by: Principal::new("ines"), why: "the auditor asks".to_owned(), at: self.clock.now() }
    }

    async fn first(&self) -> Option<Timestamp> {
        self.stands().await.ended_at
    }

    pub(crate) async fn stands(&self) -> Reconciliation {
        self.of_orders().await.reconciliation
    }

    /// Records that a rule hides, as far as is told.
    pub(crate) async fn hidden(&self) -> u64 {
        self.of_orders().await.hidden
    }

    async fn of_orders(&self) -> Stands {
        let all = self.room.all().await.unwrap();
        let stands = all.into_iter().find(|it| it.model == MODEL).unwrap();
        assert_eq!(stands.source, erp());
        stands
    }

    /// Lets the next pass over identities come.
    pub(crate) async fn identities(&self) {
        self.clock.advance(TimeSpan::from_days(30));
        self.pass(70).await;
    }

    /// Records that intake refused.
    pub(crate) async fn refused(&self) -> u64 {
        self.of_orders().await.refused
    }

    /// The customers of an order by its events, in order.
    pub(crate) async fn customers(&self, order: u64) -> Vec<String> {
        let records = self.journal.read(Partition(0), Offset(0), 1_000).await.unwrap();
        let events = records.iter().filter_map(|record| record.entry.event()).filter(|event| id(event) == order);
        let customer = |event: &Event| {
            let body: serde_json::Value = serde_json::from_slice(&event.body).unwrap();
            body["record"]["partner_id"]["display_name"].as_str().unwrap().to_owned()
        };
        events.map(customer).collect()
    }

    /// Asks for one of the last 30 days.
    pub(crate) async fn order(&self, mode: Mode) -> Result<Vec<String>, NotDone> {
        let wanted = Wanted { source: erp(), models: Vec::new(), span: Some(TimeSpan::from_days(30)), mode };
        self.room.order(&wanted, &self.asked()).await
    }

    /// The same, and what it came to.
    pub(crate) async fn reconcile(&self, mode: Mode) -> Outcome {
        let asked_at = self.clock.now();
        self.order(mode).await.unwrap();
        self.outcome_of(asked_at).await
    }

    pub(crate) async fn outcome_of(&self, asked_at: Timestamp) -> Outcome {
        for _ in 0..PATIENCE {
            self.second().await;
            if let Some(last) = self.stands().await.last.filter(|last| last.asked_at >= asked_at) {
                return last;
            }
        }
        panic!("it never ends: {:?}", self.stands().await)
    }

    /// Type, id and way of each event, in order.
    pub(crate) async fn events(&self) -> Vec<(String, u64, String)> {
        let records = self.journal.read(Partition(0), Offset(0), 1_000).await.unwrap();
        let events = records.iter().filter_map(|record| record.entry.event());
        events.map(|event| (event.kind.to_string(), id(event), found(event))).collect()
    }
}

/// A loop whose world is gone would turn for ever, and slow the next one down.
impl Drop for World {
    fn drop(&mut self) {
        for (stop, _) in self.loops.iter().chain(&self.others) {
            stop.send_replace(true);
        }
    }
}

fn keyring(value: Option<&str>) -> Arc<Keyring> {
    let key = value.map(|value| (SecretName::new("erp/key").unwrap(), Secret::new(value)));
    Arc::new(Keyring::from_pairs(key))
}

fn id(event: &Event) -> u64 {
    serde_json::from_slice::<serde_json::Value>(&event.body).unwrap()["id"].as_u64().unwrap()
}

fn found(event: &Event) -> String {
    event.attributes["crossdock-found"].clone()
}
