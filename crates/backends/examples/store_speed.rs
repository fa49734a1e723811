//! How fast the embedded store is on this machine: `store_speed [EVENTS] [FOLDER] [WHAT] [BODY_BYTES]`,
//! where `WHAT` is a part of `journal 64`, `journal 256`, `journal 1`, `ledger 64`, `ledger 256`.
//!
//! Prints, per 100 000 events of 1 KB: appended per second in batches of 64 and 256 and one by one from many senders;
//! deliveries opened with their first attempt and indexed words, in batches; attempts settled one by one. The second
//! figure of each line counts CPU seconds of the whole process, which says more on a machine that does other things.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measuring tool prints and reads the clock")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use backends::sqlite::{Options, Store};
use engine::ports::{Clock, Journal as _, Ledger as _, Waiting};
use futures::StreamExt as _;
use model::change::{Change, Opened};
use model::event::DataAt;
use model::{
    Appended, AttemptResult, Batch, Claim, Delivery, DeliveryId, DeliveryState, Digest, Entry, Event, EventId, EventType,
    Fault, Guard, LaneKey, Lease, NewEntry, Offset, OnDead, Origin, Outcome, Partition, PolicyVersion, Position, TimeSpan,
    Timestamp, arrival_id,
};

const BODY_BYTES: usize = 1_024;
const REPORT_EVERY: u64 = 100_000;
const IN_FLIGHT: usize = 256;
/// Events between two looks at the clock where they go one by one.
const WINDOW: u64 = 4_096;

#[derive(Debug)]
struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn wall(&self) -> Timestamp {
        self.now()
    }

    fn sleep(&self, span: TimeSpan) -> Waiting<'_> {
        Box::pin(tokio::time::sleep(span.to_duration()))
    }

    fn chance(&self) -> [u8; 10] {
        [7; 10]
    }
}

/// What the command line asks for.
struct Task {
    events: u64,
    folder: PathBuf,
    only: String,
    body_bytes: usize,
    clock: Arc<dyn Clock>,
}

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let mut arguments = std::env::args().skip(1);
    let events = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(300_000);
    let folder = arguments.next().map_or_else(|| std::env::temp_dir().join("crossdock-store-speed"), PathBuf::from);
    let only = arguments.next().unwrap_or_default();
    let body_bytes = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(BODY_BYTES);
    let task = Task { events, folder, only, body_bytes, clock: Arc::new(WallClock) };
    for batch in [64, 256, 1] {
        let name = format!("journal {batch}");
        if name.contains(&task.only) {
            let store = task.fresh()?;
            append(&store, &task, &name, batch).await?;
            task.finish(store, "journal.sqlite");
        }
    }
    for batch in [64, 256] {
        let name = format!("ledger {batch}");
        if name.contains(&task.only) {
            let store = task.fresh()?;
            route_and_settle(&store, &task, &name, batch).await?;
            task.finish(store, "ledger.sqlite");
        }
    }
    drop(std::fs::remove_dir_all(&task.folder));
    Ok(())
}

impl Task {
    fn fresh(&self) -> Result<Store, Fault> {
        drop(std::fs::remove_dir_all(&self.folder));
        Store::open(&self.folder, Options::default(), &self.clock)
    }

    fn finish(&self, store: Store, file: &str) {
        let began = Instant::now();
        store.close();
        drop(store);
        let closed_ms = began.elapsed().as_millis();
        let bytes = std::fs::metadata(self.folder.join(file)).map_or(0, |file| file.len());
        let began = Instant::now();
        let again = Store::open(&self.folder, Options::default(), &self.clock);
        let opened_ms = began.elapsed().as_millis();
        assert!(again.is_ok(), "{again:?}");
        let per_event = bytes / self.events.max(1);
        println!("  closed in {closed_ms} ms, opened in {opened_ms} ms; {per_event} bytes an event");
    }
}

/// Appends; one batch at a time, or single entries from many senders.
async fn append(store: &Store, task: &Task, name: &str, batch: u64) -> Result<(), Fault> {
    let mut meter = Meter::new(&format!("{name}: append"));
    let mut n = 0;
    while n < task.events {
        let size = if batch == 1 { WINDOW } else { batch };
        let entries: Vec<NewEntry> = (n..n + size).map(|n| entry(n, task.body_bytes)).collect();
        meter.begin();
        if batch == 1 {
            let appends = entries.into_iter().map(|entry| store.journal.append(vec![entry]));
            let mut running = futures::stream::iter(appends).buffer_unordered(IN_FLIGHT);
            while let Some(answer) = running.next().await {
                assert!(matches!(answer?[..], [Appended::New(_)]), "each is new");
            }
        } else {
            let answers = store.journal.append(entries).await?;
            assert!(answers.iter().all(|answer| matches!(answer, Appended::New(_))), "each is new");
        }
        meter.end(size);
        n += size;
    }
    meter.total();
    Ok(())
}

/// In turn: a window of deliveries is opened with first attempts, in routing batches; then each is settled on its own.
async fn route_and_settle(store: &Store, task: &Task, name: &str, batch: u64) -> Result<(), Fault> {
    let mut opening = Meter::new(&format!("{name}: open and claim"));
    let mut settling = Meter::new(&format!("{name}: settle, {IN_FLIGHT} at a time"));
    let mut n = 0;
    while n < task.events {
        for from in (n..n + WINDOW).step_by(usize::try_from(batch).unwrap_or(1)) {
            let routed = routed(from, batch);
            opening.begin();
            let committed = store.ledger.commit(routed).await?;
            opening.end(batch);
            assert!(committed.opened.iter().all(|opened| matches!(opened, Opened::Claimed(1))), "each lane is free");
        }
        let batches: Vec<Batch> = (n..n + WINDOW).map(settled).collect();
        settling.begin();
        let commits = batches.into_iter().map(|batch| store.ledger.commit(batch));
        let mut running = futures::stream::iter(commits).buffer_unordered(IN_FLIGHT);
        while let Some(answer) = running.next().await {
            answer?;
        }
        settling.end(WINDOW);
        n += WINDOW;
    }
    opening.total();
    settling.total();
    Ok(())
}

/// A routing batch: deliveries with their first attempt, words, the count and the cursor.
fn routed(from: u64, batch: u64) -> Batch {
    let to = Offset(from + batch);
    let cursor = Guard::Cursor { consumer: name("router"), partition: Partition(0), from: Offset(from), to };
    let mut routed = Batch::new().guard(cursor);
    for number in from..from + batch {
        let words = vec![format!("S{number}"), format!("C{}", number % 1_000), format!("T{number}")];
        let index = Change::Index { event: event_id(number), at: position(number), words };
        let claim = Claim { lease: lease(), at: Timestamp::NEVER };
        routed.changes.push(Change::Open { delivery: Box::new(delivery(number)), claim: Some(claim) });
        routed.changes.push(index);
    }
    routed.change(Change::Count { bucket: model::Bucket::Routed, origin: Origin::Live, entries: batch })
}

fn settled(n: u64) -> Batch {
    let result = AttemptResult {
        ended_at: Timestamp::from_secs(1_793_000_001),
        outcome: Outcome::Accepted { status: 200 },
        output: Some(Digest::of(&n.to_be_bytes())),
        response: b"{\"ok\":true}".to_vec(),
        response_cut: false,
    };
    let state = DeliveryState::Done { at: Timestamp::from_secs(1_793_000_001) };
    let why = "the destination answered 200".to_owned();
    Batch::new().guard(Guard::Epoch { delivery: delivery_id(n), epoch: 1 }).change(Change::Settle {
        delivery: delivery_id(n),
        result,
        state,
        why,
    })
}

/// Time spent waiting for the store, and CPU seconds of the process.
struct Meter {
    name: String,
    since: Instant,
    cpu_since: Duration,
    part: (u64, Duration, Duration),
    whole: (u64, Duration, Duration),
    longest: Duration,
}

impl Meter {
    fn new(name: &str) -> Self {
        let zero = (0, Duration::ZERO, Duration::ZERO);
        let (since, cpu_since) = (Instant::now(), cpu());
        Self { name: name.to_owned(), since, cpu_since, part: zero, whole: zero, longest: Duration::ZERO }
    }

    fn begin(&mut self) {
        self.since = Instant::now();
        self.cpu_since = cpu();
    }

    fn end(&mut self, events: u64) {
        let took = self.since.elapsed();
        let cpu = cpu().saturating_sub(self.cpu_since);
        self.longest = self.longest.max(took);
        for sum in [&mut self.part, &mut self.whole] {
            *sum = (sum.0 + events, sum.1 + took, sum.2 + cpu);
        }
        if self.part.0 >= REPORT_EVERY {
            tell(&format!("{} at {}", self.name, self.whole.0), self.part);
            self.part = (0, Duration::ZERO, Duration::ZERO);
        }
    }

    fn total(&self) {
        tell(&format!("{} TOTAL", self.name), self.whole);
        println!("{:<44} {:>9.1} ms", "  longest wait", self.longest.as_secs_f64() * 1e3);
    }
}

#[expect(clippy::cast_precision_loss, reason = "rates for people")]
fn tell(name: &str, (events, took, cpu): (u64, Duration, Duration)) {
    let rate = |took: Duration| events as f64 / took.as_secs_f64().max(1e-9);
    println!("{name:<44} {:>9.0}/s {:>9.0}/CPU s", rate(took), rate(cpu));
}

/// CPU time of this process in clock ticks of a hundredth of a second, as Linux tells it.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = text.split_whitespace().skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn name<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("names in here are good")
}

fn arrival(n: u64) -> uuid::Uuid {
    let mut chance = [7; 10];
    chance[..8].copy_from_slice(&Digest::of(&n.to_be_bytes()).head::<8>());
    let millis = i64::try_from(n / 20).unwrap_or(0);
    arrival_id(Timestamp::from_micros(1_793_000_000_000_000 + millis * 1_000), chance)
}

fn event_id(n: u64) -> EventId {
    EventId(arrival(n))
}

fn delivery_id(n: u64) -> DeliveryId {
    DeliveryId::derive(arrival(n), &[b"orders-to-wms"])
}

fn position(n: u64) -> Position {
    Position { partition: Partition(0), offset: Offset(n + 1) }
}

fn lease() -> Lease {
    Lease { node: name("one"), incarnation: 1 }
}

fn policy() -> PolicyVersion {
    PolicyVersion(Digest::of(b"policy"))
}

fn entry(n: u64, body_bytes: usize) -> NewEntry {
    let mut body = format!(r#"{{"order":"S{n}","lines":["#).into_bytes();
    body.resize(body_bytes, b'1');
    let digest = Digest::of(&body);
    let event = Event {
        id: event_id(n),
        source: name("shop"),
        kind: EventType::new("sales.order.created.v1"),
        key: format!("evt_{:016x}", Digest::of(&n.to_le_bytes()).short()),
        digest,
        subject: Some(format!("order/S{n}")),
        time: Some(Timestamp::from_secs(1_793_000_000)),
        received_at: Timestamp::from_secs(1_793_000_000),
        contract: None,
        ordering: Some(format!("order/S{n}")),
        correlation: format!("S{n}"),
        trace: None,
        identifiers: vec![model::Identifier { scheme: "order".to_owned(), value: format!("S{n}") }],
        origin: Origin::Live,
        attributes: BTreeMap::new(),
        body: body.into(),
        data: DataAt::Whole,
        content_type: "application/json".to_owned(),
    };
    NewEntry { partition: Partition(0), policy: policy(), emitted: None, entry: Entry::Admitted(event) }
}

fn delivery(n: u64) -> Delivery {
    let now = Timestamp::from_micros(1_793_000_000_000_000 + i64::try_from(n).unwrap_or(0) * 50);
    Delivery {
        id: delivery_id(n),
        event: event_id(n),
        position: position(n),
        bytes_at: position(n),
        flow: name("orders-to-wms"),
        destination: name("wms"),
        lane: Some(LaneKey::new(&format!("order/S{n}"))),
        on_dead: OnDead::Hold,
        policy: policy(),
        origin: Origin::Live,
        replay: None,
        owner: name("fulfilment"),
        created_at: now,
        state: DeliveryState::Waiting { due: now },
        attempts: 0,
        round_base: 0,
        round_at: now,
        deadline: None,
        epoch: 0,
        lease: None,
        behind: false,
        output: None,
        why: String::new(),
        cause: String::new(),
        version: 0,
    }
}
