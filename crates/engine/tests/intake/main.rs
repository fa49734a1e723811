//! Intake over the stores in memory: what the sender is told is what is durable, and what people do with kept events
//! reaches the journal.

mod kept;
mod later;

use std::sync::Arc;

use backends::conformance::ManualClock;
use backends::memory::{MemoryJournal, MemoryLedger};
use bytes::Bytes;
use engine::book::Book;
use engine::intake::quarantine::{Quarantine, Which};
use engine::intake::run::{Answer, Intake, Item, Memory};
use engine::keyring::Keyring;
use engine::observe::Facts;
use engine::outbox::Outbox;
use engine::ports::{Clock, Journal, Ledger, Views};
use engine::rules::asked::{Asked, NotDone};
use engine::rules::traced::{Chain, Share};
use engine::switchboard::Switchboard;
use formats::signature::Secret;
use http::HeaderMap;
use model::change::Switch;
use model::diagnostic::Place;
use model::event::headers;
use model::quarantine::QuarantineState;
use model::{
    Batch, Change, Consumer, Entry, EventId, Guard, Offset, Partition, Principal, QuarantineRow, Received, Record, Refusal,
    RefusalKind, SecretName, SourceName, TimeSpan, Timestamp,
};
use policy::SourceFile;
use tokio::sync::watch;

const START: Timestamp = Timestamp::from_secs(1_793_000_000);

const SYSTEM: &str = "
owner: team-commerce
sources:
  shop:
    verify: { unsigned: { owner: team-commerce, until: 2099-01-31, why: a test } }
    key: { path: .id }
    type: { path: .type }
    unknown: quarantine
    events:
      order: { type: shop.order }
  busy:
    verify: { unsigned: { owner: team-commerce, until: 2099-01-31, why: a test } }
    limits: { rate: 10/s, burst: 2 }
  cloud:
    verify: { unsigned: { owner: team-commerce, until: 2099-01-31, why: a test } }
    format: cloudevents
    limits: { rate: 100/s, burst: 1 }
  strict:
    verify: { unsigned: { owner: team-commerce, until: 2099-01-31, why: a test } }
    format: cloudevents
    unknown: quarantine
    events:
      known: { type: cloud.known }
  token:
    verify: { shared_secret: { header: x-token }, secrets: [shop/token] }
";

struct World {
    clock: Arc<ManualClock>,
    journal: Arc<dyn Journal>,
    ledger: Arc<dyn Ledger>,
    views: Arc<dyn Views>,
    keys: watch::Sender<Arc<Keyring>>,
    intake: Intake,
}

impl World {
    fn new(budget: u64) -> Self {
        let files = [SourceFile::new("systems/shop.yaml", SYSTEM)];
        let (policy, findings) = policy::check(&files);
        let policy = Arc::new(policy.unwrap_or_else(|| panic!("{findings:#?}")));
        let clock = Arc::new(ManualClock::new(START));
        let as_clock: Arc<dyn Clock> = clock.clone();
        let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::new(Arc::clone(&as_clock), budget));
        let stored = Arc::new(MemoryLedger::new(Arc::clone(&as_clock)));
        let ledger: Arc<dyn Ledger> = stored.clone();
        let keys = watch::Sender::new(Arc::new(Keyring::default()));
        let intake = Intake {
            journal: Arc::clone(&journal),
            ledger: Arc::clone(&ledger),
            book: Arc::new(Book::new(Arc::clone(&ledger), policy)),
            keys: keys.subscribe(),
            switches: Arc::new(Switchboard::default()),
            pressure: Arc::default(),
            nudges: Arc::default(),
            clock: as_clock,
            facts: Arc::new(Facts::default()),
            memory: Memory::default(),
        };
        Self { clock, journal, ledger, views: stored, keys, intake }
    }

    fn post(&self, source: &str, body: &str) -> Received {
        Received {
            source: SourceName::new(source).expect("a literal name"),
            at: self.clock.now(),
            headers: HeaderMap::new(),
            method: "POST".to_owned(),
            path: String::new(),
            query: String::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            peer: None,
            seed: u64::try_from(self.clock.now().micros()).unwrap_or_default(),
            by: model::event::Brought::Sender,
        }
    }

    fn batch(&self, elements: &[&str]) -> Received {
        let event = |element: &&str| format!(r#"{{"specversion":"1.0","source":"/s","type":"t",{element}}}"#);
        let events: Vec<String> = elements.iter().map(event).collect();
        let content_type = headers([("content-type", "application/cloudevents-batch+json")]).expect("header lines");
        Received { headers: content_type, ..self.post("cloud", &format!("[{}]", events.join(","))) }
    }

    async fn send(&self, source: &str, body: &str) -> Answer {
        self.intake.receive(self.post(source, body)).await
    }

    async fn records(&self) -> Vec<Arc<Record>> {
        self.journal.read(Partition(0), Offset(0), 1_000).await.expect("memory answers")
    }

    async fn audit(&self) -> Vec<model::AuditRow> {
        self.views.audit(None, None, 100).await.expect("memory answers").rows
    }

    fn quarantine(&self) -> Quarantine {
        let Intake { journal, ledger, book, .. } = &self.intake;
        Quarantine { journal: Arc::clone(journal), ledger: Arc::clone(ledger), book: Arc::clone(book) }
    }

    fn asked(&self, why: &str) -> Asked {
        Asked { by: Principal::new("ines"), why: why.to_owned(), at: self.clock.now() }
    }

    /// An event that is kept for a person, and that the router has not reached.
    async fn unrouted(&self) -> EventId {
        let (id, _, quarantined) = accepted(&self.send("shop", r#"{"id":"k","type":"new"}"#).await);
        assert!(quarantined);
        id
    }

    /// A kept event with its row, as the router would write it.
    async fn kept(&self) -> EventId {
        let id = self.unrouted().await;
        self.route(id).await;
        id
    }

    /// The row of a kept event and the cursor behind it, as the router would commit them.
    async fn route(&self, id: EventId) {
        let record = self.journal.find(id).await.expect("memory answers").expect("it was accepted");
        let Entry::Quarantined { event, reasons } = &record.entry else { panic!("{record:?}") };
        let row = QuarantineRow {
            event: id,
            position: record.position,
            source: event.source.clone(),
            kind: event.kind.clone(),
            origin: event.origin,
            owner: model::Owner::new("team-commerce").expect("a literal name"),
            at: record.at,
            reasons: reasons.clone(),
            state: QuarantineState::Open,
            revision: 0,
            version: 1,
            later: None,
        };
        let consumer = Consumer::new(model::account::ROUTER).expect("a literal name");
        let cursor = Guard::Cursor { consumer, partition: Partition(0), from: Offset(0), to: record.position.offset };
        let batch = Batch::new().guard(cursor).change(Change::Quarantine(Box::new(row)));
        self.ledger.commit(batch).await.expect("memory commits");
    }

    async fn row(&self, id: EventId) -> QuarantineRow {
        self.ledger.quarantined(id).await.expect("memory answers").expect("it was routed")
    }

    /// The body that is attached to a kept event.
    async fn later(&self, id: EventId) -> Option<Bytes> {
        self.ledger.later(id).await.expect("memory answers").map(|later| later.event.body)
    }

    /// Another body under the key of the kept event is refused; answers with what the sender is told.
    async fn contradict(&self, body: &str) -> String {
        self.clock.advance(TimeSpan::from_secs(1));
        let refusal = refused(self.send("shop", body).await);
        assert_eq!(refusal.kind, RefusalKind::KeyReused);
        refusal.detail
    }

    async fn append_emitted(&self) {
        let (journal, ledger) = (Arc::clone(&self.journal), Arc::clone(&self.ledger));
        let mut outbox = Outbox { journal, ledger, facts: Arc::default() };
        while outbox.turn().await.expect("memory appends") == engine::drive::Turn::Worked {}
    }
}

/// Id, duplicate, quarantined of the only item.
fn accepted(answer: &Answer) -> (EventId, bool, bool) {
    match answer {
        Answer::Accepted(Item { id, duplicate, quarantined }) => (*id, *duplicate, *quarantined),
        other => panic!("expected an acceptance, got {other:?}"),
    }
}

/// The event of a batch of one, which is answered as a batch.
fn only(answer: &Answer) -> EventId {
    match answer {
        Answer::Batch(items) if items.len() == 1 => items[0].id,
        other => panic!("expected a batch of one, got {other:?}"),
    }
}

fn refused(answer: Answer) -> Refusal {
    match answer {
        Answer::Refused(refusal) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn what_is_accepted_is_in_the_journal_and_its_repeat_is_not() {
    let world = World::new(1_000_000);
    let body = r#"{"id":1,"type":"order"}"#;
    let (id, duplicate, quarantined) = accepted(&world.send("shop", body).await);
    assert!(!duplicate && !quarantined);
    world.clock.advance(TimeSpan::from_secs(5));
    let (again, duplicate, _) = accepted(&world.send("shop", body).await);
    assert_eq!((again, duplicate), (id, true));
    let records = world.records().await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].policy, world.intake.book.current().version);
    assert!(matches!(&records[0].entry, Entry::Admitted(event) if event.id == id && event.body == body.as_bytes()));
}

#[tokio::test]
async fn another_body_under_a_key_is_refused_and_a_sample_is_told_to_the_audit() {
    let world = World::new(1_000_000);
    let (id, _, _) = accepted(&world.send("shop", r#"{"id":1,"type":"order"}"#).await);
    for number in 0..50 {
        let refusal = refused(world.send("shop", &format!(r#"{{"id":1,"type":"order","n":{number}}}"#)).await);
        assert_eq!(refusal.kind, RefusalKind::KeyReused);
        assert!(refusal.detail.contains(&id.to_string()), "{refusal:?}");
    }
    let audit = world.audit().await;
    assert_eq!(audit.len(), 10, "the rest is counted only");
    assert!(audit.iter().all(|row| row.action == "intake.key_reused" && row.subject == id.to_string()));
    assert_eq!(audit[0].by.as_str(), "source:shop");
    assert_eq!(world.records().await.len(), 1);
}

#[tokio::test]
async fn what_a_batch_is_answered_for_with_202_is_durable_and_the_rest_is_refused_aloud() {
    let world = World::new(1_000_000);
    let one = only(&world.intake.receive(world.batch(&[r#""id":"1""#])).await);
    world.clock.advance(TimeSpan::from_secs(5));
    let answer = world.intake.receive(world.batch(&[r#""id":"1""#, r#""id":"2""#, r#""id":"2""#])).await;
    let Answer::Batch(items) = answer else { panic!("all were accepted: {answer:?}") };
    assert_eq!(items.iter().map(|item| item.duplicate).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!((items[0].id, items[1].id), (one, items[2].id));
    assert_eq!(world.records().await.len(), 2);
    world.clock.advance(TimeSpan::from_secs(5));
    let unreadable = world.batch(&[r#""id":"3""#, r#""id":"""#]);
    assert_eq!(refused(world.intake.receive(unreadable).await).kind, RefusalKind::Malformed);
    assert_eq!(world.records().await.len(), 2, "nothing of it is kept");
    world.clock.advance(TimeSpan::from_secs(5));
    let empty = world.intake.receive(world.batch(&[])).await;
    assert_eq!(empty, Answer::Batch(Vec::new()));
}

#[tokio::test]
async fn a_batch_with_a_key_that_is_known_otherwise_is_a_conflict_and_its_neighbours_are_kept() {
    let world = World::new(1_000_000);
    let one = only(&world.intake.receive(world.batch(&[r#""id":"1""#])).await);
    world.clock.advance(TimeSpan::from_secs(5));
    let elements = [r#""id":"4""#, r#""id":"1","data":7"#, r#""id":"5""#];
    let refusal = refused(world.intake.receive(world.batch(&elements)).await);
    assert_eq!(refusal.kind, RefusalKind::KeyReused);
    assert!(refusal.detail.starts_with("1 of 3 events") && refusal.detail.contains("the others are kept"), "{refusal:?}");
    let [reason] = refusal.reasons.as_slice() else { panic!("{refusal:?}") };
    assert_eq!((reason.code, &reason.place), (policy::codes::KEY_REUSED, &Place::Pointer("/1".to_owned())));
    assert!(reason.message.contains(&one.to_string()), "{reason:?}");
    assert_eq!(world.records().await.len(), 3);
    world.clock.advance(TimeSpan::from_secs(5));
    let again = world.intake.receive(world.batch(&[elements[0], elements[2]])).await;
    let Answer::Batch(items) = again else { panic!("{again:?}") };
    assert!(items.iter().all(|item| item.duplicate), "{items:?}");
}

#[tokio::test]
async fn the_rate_counts_events_and_says_when_to_come_back() {
    let world = World::new(1_000_000);
    for number in 0..2 {
        accepted(&world.send("busy", &number.to_string()).await);
    }
    let refusal = refused(world.send("busy", "2").await);
    assert_eq!((refusal.kind, refusal.retry_after_s), (RefusalKind::OverLimit, Some(1)));
    world.clock.advance(TimeSpan::from_millis(100));
    accepted(&world.send("busy", "2").await);
    let many: Vec<String> = (0..200).map(|number| format!(r#""id":"{number}""#)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(matches!(world.intake.receive(world.batch(&many)).await, Answer::Batch(items) if items.len() == 200));
    let refusal = refused(world.intake.receive(world.batch(&[])).await);
    assert_eq!((refusal.kind, refusal.retry_after_s), (RefusalKind::OverLimit, Some(2)));
}

#[tokio::test]
async fn a_paused_source_answers_who_paused_it_to_those_who_may_send() {
    let world = World::new(1_000_000);
    let switch = Switch { paused: true, by: Principal::new("ines"), why: "stocktaking".to_owned(), at: world.clock.now() };
    let paused = ["source/shop", "source/token"].map(|object| (object.to_owned(), switch.clone()));
    world.intake.switches.learn(paused);
    let refusal = refused(world.send("shop", r#"{"id":1,"type":"order"}"#).await);
    assert_eq!(refusal.kind, RefusalKind::Unavailable);
    assert!(refusal.detail.contains("ines: stocktaking") && refusal.retry_after_s.is_some(), "{refusal:?}");
    let stranger = refused(world.send("token", "{}").await);
    assert_eq!(stranger.kind, RefusalKind::BadSignature);
    world.intake.switches.learn([]);
    accepted(&world.send("shop", r#"{"id":1,"type":"order"}"#).await);
}

#[tokio::test]
async fn a_journal_without_room_is_unavailable_and_keeps_nothing() {
    let world = World::new(0);
    let refusal = refused(world.send("busy", "1").await);
    assert_eq!(refusal.kind, RefusalKind::Unavailable);
    assert!(refusal.retry_after_s.is_some() && refusal.detail.contains("no room"), "{refusal:?}");
    assert!(world.records().await.is_empty());
}

#[tokio::test]
async fn a_new_value_of_a_secret_holds_at_once() {
    let world = World::new(1_000_000);
    let set = |value: &str| {
        let name = SecretName::new("shop/token").expect("a literal name");
        world.keys.send_replace(Arc::new(Keyring::from_pairs([(name, Secret::new(value))])));
    };
    let with = |token: &str| {
        let headers = headers([("x-token", token)]).expect("header lines");
        world.intake.receive(Received { headers, ..world.post("token", "{}") })
    };
    assert_eq!(refused(with("one").await).kind, RefusalKind::BadSignature);
    set("one");
    accepted(&with("one").await);
    set("two");
    assert_eq!(refused(with("one").await).kind, RefusalKind::BadSignature);
    assert!(accepted(&with("two").await).1, "the same bytes are the same event, whoever's secret it is");
}

#[tokio::test]
async fn a_source_that_does_not_exist_is_no_label_of_a_meter() {
    let world = World::new(1_000_000);
    assert_eq!(refused(world.send("nowhere", "{}").await).kind, RefusalKind::UnknownSource);
    let shown = format!("{:?}", world.intake.facts.meters.families());
    assert!(shown.contains("unknown-source") && !shown.contains("nowhere"), "{shown}");
}
