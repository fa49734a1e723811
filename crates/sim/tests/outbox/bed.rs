//! What the tests share: an Odoo with the addon behind a socket, the rules of its outbox, and a product that captures it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use adapters::odoo::{Odoo as Asker, OdooRecords, Specified};
use backends::memory::{MemoryJournal, MemoryLedger};
use backends::sqlite::{Options as Stores, Store};
use engine::board::Board;
use engine::book::Book;
use engine::intake::capture::reconcile::order::{Reconciliations, Wanted};
use engine::intake::capture::reconcile::standing::{Mode, Tally};
use engine::intake::capture::run::Captures;
use engine::intake::run::{Intake, Memory};
use engine::keyring::Keyring;
use engine::observe::Facts;
use engine::ports::{Clock, Journal, Ledger, Peer, Reading, Waiting};
use engine::rules::asked::Asked;
use formats::signature::Secret;
use model::{Entry, Fault, Lease, Network, NodeName, Offset, Principal, Record, SecretName, TimeSpan, Timestamp};
use policy::{Policy, SourceFile};
use serde_json::{Value as Json, json};
use sim::odoo::{Addon, Odoo, Options, Serving, Version, serve};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How much faster time runs.
const FASTER: u32 = 50;
/// Both versions that were measured.
pub(crate) const MEASURED: [Version; 2] = [Version::V18, Version::V19];

/// A clock that runs fast.
#[derive(Debug)]
struct Fast(std::time::Instant);

impl Fast {
    #[expect(clippy::disallowed_methods, reason = "the sockets of these tests are real, and so is the time that they take")]
    fn new() -> Self {
        Self(std::time::Instant::now())
    }
}

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        let passed = u64::try_from((self.0.elapsed() * FASTER).as_micros()).unwrap_or_default();
        Timestamp::from_micros(1_772_442_000_000_000_i64.saturating_add_unsigned(passed))
    }

    fn not_before(&self, _at: Timestamp) {}

    fn wall(&self) -> Timestamp {
        self.now()
    }

    fn ran(&self) -> TimeSpan {
        self.now().since(Timestamp::EPOCH)
    }

    fn sleep(&self, span: TimeSpan) -> Waiting<'_> {
        Box::pin(tokio::time::sleep(span.to_duration() / FASTER))
    }

    fn chance(&self) -> [u8; 10] {
        let mut bytes = [3; 10];
        bytes[..8].copy_from_slice(&self.now().micros().to_be_bytes());
        bytes
    }
}

const CONTRACT: &str = r#"owner: team-erp
ordering: .id
schema:
  type: object
  required: [model, id, record]
  properties:
    model: { const: sale.order }
    id: { type: integer }
    record:
      type: [object, "null"]
      properties:
        name: { type: string }
        state: { type: string }
        client_order_ref: { type: [string, "null"] }
        commitment_date: { type: [string, "null"] }
        partner_id: { type: [object, "null"], properties: { display_name: { type: string }, ref: { type: [string, "null"] } } }
        order_line:
          type: array
          items: { type: object, properties: { product_uom_qty: {}, product_uom_id: { properties: { name: {} } } } }
"#;

const SYSTEM: &str = "owner: team-erp
odoo:
  url: URL
  database: DATABASE
  login: LOGIN
  keys: [erp/key]
  allow: [127.0.0.0/8]
sources:
  erp:
    capture: { CAPTURE, digests: 90d, identities: IDENTITIES }
    events:
      sale.order.draft: { contract: odoo.sale.order@1.0.0, type: erp.draft }
      sale.order.sale: { contract: odoo.sale.order@1.0.0, type: erp.sale }
      sale.order.cancel: { contract: odoo.sale.order@1.0.0, type: erp.cancel }
      sale.order.changed: { contract: odoo.sale.order@1.0.0, type: erp.changed }
      sale.order.deleted: { contract: odoo.sale.order@1.0.0, type: erp.deleted }
";

/// An Odoo with its outbox, and who reads it.
pub(crate) struct Bed {
    pub(crate) odoo: Odoo,
    pub(crate) records: Arc<OdooRecords>,
    pub(crate) peer: Peer,
    pub(crate) policy: Arc<Policy>,
    clock: Arc<dyn Clock>,
    serving: Serving,
}

impl Bed {
    pub(crate) async fn new(version: Version) -> Self {
        Self::with(version, "from: outbox", "30d").await
    }

    /// One that is captured this way, with its identities so often.
    pub(crate) async fn with(version: Version, capture: &str, identities: &str) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(Fast::new());
        let options = Options { addon: Addon::Installed, records: 5, ..Options::new(version) };
        let odoo = Odoo::new(&options, Arc::clone(&clock));
        let serving = serve(odoo.clone(), TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
        let peer = Peer {
            name: "erp".to_owned(),
            url: serving.url.clone(),
            database: odoo.database(),
            login: Some(odoo.login().to_owned()),
            key: Secret::new(odoo.key().as_bytes().to_vec()),
            allow: vec![Network { address: std::net::Ipv4Addr::LOCALHOST.into(), bits: 8 }],
        };
        let system = SYSTEM.replace("URL", &serving.url).replace("DATABASE", &peer.database).replace("LOGIN", odoo.login());
        let system = system.replace("CAPTURE", capture).replace("IDENTITIES", identities);
        let files = [
            SourceFile::new("systems/erp.yaml", &system),
            SourceFile::new("contracts/odoo.sale.order/1.0.0.yaml", CONTRACT),
        ];
        let (policy, findings) = policy::check(&files);
        let policy = Arc::new(policy.unwrap_or_else(|| panic!("{findings:#?}")));
        let records = Arc::new(OdooRecords::new(Arc::clone(&clock)));
        Self { odoo, records, peer, policy, clock, serving }
    }

    pub(crate) async fn end(self) {
        self.serving.stop().await;
    }

    /// What the contract says is read of an order.
    pub(crate) fn reading(&self) -> Reading {
        let mut captures = self.policy.sources.values().filter_map(|source| source.captured());
        captures.next().unwrap().models["sale.order"].reading.clone()
    }

    /// Who asks this Odoo as the command line does.
    pub(crate) fn asker(&self) -> Asker {
        Asker::new(Arc::clone(&self.clock))
    }

    /// What a rule has to carry for that reading.
    pub(crate) async fn specified(&self) -> Specified {
        let asker = self.asker();
        let session = asker.greet(&self.peer).await.unwrap();
        asker.specified(&self.peer, &session, "sale.order", &self.reading()).await.unwrap()
    }

    /// Makes the two rules for orders, with this name of the reading. Answers the id of the one that tells of what is saved.
    pub(crate) async fn rules(&self, reading: &str) -> i64 {
        let specification = Json::Object(self.specified().await.specification).to_string();
        let model = self.call("ir.model", "search", json!([[["model", "=", "sale.order"]]])).await[0].clone();
        let mut made = 0;
        for trigger in ["deleted", "saved"] {
            let rule = json!({
                "event_type": format!("crossdock.sale.order.{trigger}"), "model_id": model, "trigger": trigger,
                "specification": specification, "reading": reading,
            });
            made = self.call("crossdock.rule", "create", json!([rule])).await.as_i64().unwrap();
        }
        made
    }

    /// A call as the administrator that has to succeed.
    pub(crate) async fn call(&self, model: &str, method: &str, args: Json) -> Json {
        match self.odoo.call(model, method, args, json!({})).await {
            Ok(value) => value,
            Err(failure) => panic!("{model}.{method}: {} {}", failure.name(), failure.message()),
        }
    }

    /// A draft order with one line.
    pub(crate) async fn order(&self, reference: &str) -> i64 {
        let line = json!([0, 0, { "product_id": 1, "product_uom_qty": 2.0, "price_unit": 10.0 }]);
        let values = json!({ "partner_id": 7, "client_order_ref": reference, "order_line": [line] });
        self.call("sale.order", "create", json!([values])).await.as_i64().unwrap()
    }

    pub(crate) async fn write(&self, id: i64, values: Json) {
        self.call("sale.order", "write", json!([[id], values])).await;
    }
}

/// Where a product keeps what it knows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kept {
    InMemory,
    InFiles,
}

/// What a product wrote down.
pub(crate) type Written = (Arc<dyn Journal>, Arc<dyn Ledger>, Option<tempfile::TempDir>);

/// A product that captures.
pub(crate) struct Product {
    journal: Arc<dyn Journal>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) board: Arc<Board>,
    stop: watch::Sender<bool>,
    running: tokio::task::JoinHandle<Result<(), Fault>>,
    folder: Option<tempfile::TempDir>,
    _keys: watch::Sender<Arc<Keyring>>,
}

impl Product {
    pub(crate) fn start(bed: &Bed, kept: Kept) -> Self {
        let clock = &bed.clock;
        let (journal, ledger, folder): (Arc<dyn Journal>, Arc<dyn Ledger>, _) = match kept {
            Kept::InMemory => (
                Arc::new(MemoryJournal::new(Arc::clone(clock), 10_000_000)),
                Arc::new(MemoryLedger::new(Arc::clone(clock))),
                None,
            ),
            Kept::InFiles => {
                let folder = tempfile::tempdir().unwrap();
                let store = Store::open(folder.path(), Stores::default(), clock).unwrap();
                (store.journal, store.ledger, Some(folder))
            }
        };
        Self::over(bed, (journal, ledger, folder))
    }

    /// Stops it. What it wrote down stays.
    pub(crate) async fn stop(self) -> Written {
        self.stop.send_replace(true);
        self.running.await.unwrap().unwrap();
        (self.journal, self.ledger, self.folder)
    }

    #[expect(clippy::disallowed_methods, reason = "the loop under test; it is ended and waited for")]
    pub(crate) fn over(bed: &Bed, (journal, ledger, folder): Written) -> Self {
        let clock = &bed.clock;
        let key = SecretName::new("erp/key").unwrap();
        let (sender, keys) = watch::channel(Arc::new(Keyring::from_pairs([(key, bed.peer.key.clone())])));
        let lease = Lease { node: NodeName::new("a").unwrap(), incarnation: 1 };
        let board = Arc::new(Board::new(lease, Vec::new(), keys.clone()));
        board.set_shards(BTreeSet::from(["partition/0".to_owned()]));
        let (stop, stopped) = watch::channel(false);
        let book = Arc::new(Book::new(Arc::clone(&ledger), Arc::clone(&bed.policy)));
        let facts = Arc::new(Facts::default());
        let intake = Intake {
            journal: Arc::clone(&journal),
            ledger: Arc::clone(&ledger),
            book: Arc::clone(&book),
            keys,
            switches: Arc::clone(&board.switches),
            pressure: Arc::clone(&board.pressure),
            nudges: Arc::clone(&board.nudges),
            clock: Arc::clone(clock),
            facts: Arc::clone(&facts),
            memory: Memory::default(),
        };
        let captures = Captures {
            intake: Arc::new(intake),
            ledger: Arc::clone(&ledger),
            records: bed.records.clone(),
            book,
            board: Arc::clone(&board),
            clock: Arc::clone(clock),
            facts,
            stop: stopped,
        };
        let running = tokio::spawn(captures.run());
        Self { journal, ledger, board, stop, running, folder, _keys: sender }
    }

    pub(crate) async fn end(self) {
        self.stop().await;
    }

    /// Compares now, and answers what it came to.
    pub(crate) async fn reconcile(&self, bed: &Bed, mode: Mode) -> Tally {
        let book = Arc::new(Book::new(Arc::clone(&self.ledger), Arc::clone(&bed.policy)));
        let room = Reconciliations { ledger: Arc::clone(&self.ledger), book, board: Arc::clone(&self.board) };
        let wanted =
            Wanted { source: "erp".parse().unwrap(), models: Vec::new(), span: Some(TimeSpan::from_days(30)), mode };
        let asked_at = bed.clock.now();
        let asked = Asked { by: Principal::new("ines"), why: "a test".to_owned(), at: asked_at };
        room.order(&wanted, &asked).await.unwrap();
        self.until("it is compared", async || {
            let stands = room.all().await.unwrap().into_iter().next()?;
            stands.reconciliation.last.filter(|last| last.asked_at >= asked_at).map(|last| last.tally)
        })
        .await
    }

    /// Whether deletions are withheld, and how many records are known as hidden.
    pub(crate) async fn stands(&self, bed: &Bed) -> (Option<u64>, u64) {
        let book = Arc::new(Book::new(Arc::clone(&self.ledger), Arc::clone(&bed.policy)));
        let room = Reconciliations { ledger: Arc::clone(&self.ledger), book, board: Arc::clone(&self.board) };
        let stands = room.all().await.unwrap().into_iter().next().unwrap();
        (stands.reconciliation.brake.map(|brake| brake.missing), stands.hidden)
    }

    /// Waits until something is so.
    pub(crate) async fn until<T>(&self, what: &str, is_so: impl AsyncFn() -> Option<T>) -> T {
        for _ in 0..3_000 {
            if let Some(value) = is_so().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never: {what}; gaps {:?}, events {:?}", self.board.gaps.all(), self.events().await);
    }

    /// Waits until the first look is over and all that was there is known.
    pub(crate) async fn settle(&self) {
        let source = "erp".parse().unwrap();
        self.until("the first look", async || {
            let standing = self.ledger.standing(&source).await.unwrap()?;
            (standing.text.contains("following") && standing.text.contains("outbox")).then_some(())
        })
        .await;
    }

    /// Waits for so many events.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Event> {
        self.until(&format!("{count} events"), async || Some(self.events().await).filter(|all| all.len() >= count)).await
    }

    /// All events, in the order of the journal.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let mut all = Vec::new();
        for partition in self.journal.partitions() {
            let records = self.journal.read(partition, Offset(0), 10_000).await.unwrap();
            all.extend(records.iter().filter_map(|record| Event::of(record)));
        }
        all
    }
}

/// An event, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: i64,
    /// The last part of its type.
    pub(crate) word: String,
    pub(crate) found: String,
    /// The customer's reference; none of what is gone.
    pub(crate) reference: Option<String>,
}

impl Event {
    fn of(record: &Record) -> Option<Self> {
        let Entry::Admitted(event) = &record.entry else { return None };
        let body: Json = serde_json::from_slice(&event.body).unwrap();
        let reference = body["record"]["client_order_ref"].as_str().map(str::to_owned);
        Some(Self {
            id: body["id"].as_i64().unwrap(),
            word: event.kind.to_string().trim_start_matches("erp.").to_owned(),
            found: event.attributes.get("crossdock-found").cloned().unwrap_or_default(),
            reference,
        })
    }
}

/// The states of each order as Odoo committed them, in short; what is as it was counts no more than once.
pub(crate) fn committed(odoo: &Odoo, after: u64) -> BTreeMap<i64, Vec<Option<String>>> {
    let mut all: BTreeMap<i64, Vec<Option<String>>> = BTreeMap::new();
    for change in odoo.changes_after(after).into_iter().filter(|change| change.model == "sale.order") {
        let reference = change.after.as_ref().map(|after| after.get("client_order_ref").text().to_owned());
        all.entry(change.id).or_default().push(reference);
    }
    all
}
