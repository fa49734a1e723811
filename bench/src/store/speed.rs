//! How fast the embedded store is by itself: `crossdock-bench store [EVENTS] [FOLDER] [WHAT] [BODY_BYTES]`, where `WHAT`
//! is a part of `journal 64`, `journal 256`, `journal 1`, `ledger 64`, `ledger 256`.
//!
//! Prints, per 100 000 events of 1 KB: appended per second in batches of 64 and 256 and one by one from many senders;
//! deliveries opened with their first attempt and indexed words, in batches; attempts settled one by one. The second
//! figure of each line counts CPU seconds of the whole process, which says more on a machine that does other things.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backends::sqlite::{Options, Store};
use engine::ports::{Clock, Journal as _, Ledger as _};
use futures::StreamExt as _;
use model::change::Opened;
use model::{Appended, Batch, Fault, NewEntry};

use super::sample::{WallClock, entry, routed, settled};
use crate::Outcome;
use crate::arguments::Store as Wanted;
use crate::report::print;
use crate::stats::cpu_s;

const REPORT_EVERY: u64 = 100_000;
const IN_FLIGHT: usize = 256;
/// Events between two looks at the clock where they go one by one.
const WINDOW: u64 = 4_096;

/// What the command line asks for.
struct Task {
    events: u64,
    folder: PathBuf,
    only: String,
    body_bytes: usize,
    clock: Arc<dyn Clock>,
}

/// Each kind whose name has the part that was asked for.
pub(crate) async fn run(given: Wanted) -> Outcome<()> {
    let Wanted { events, folder, only, body_bytes } = given;
    let folder = folder.unwrap_or_else(|| std::env::temp_dir().join("crossdock-store-speed"));
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
        let began = now();
        store.close();
        drop(store);
        let closed_ms = began.elapsed().as_millis();
        let bytes = std::fs::metadata(self.folder.join(file)).map_or(0, |file| file.len());
        let began = now();
        let again = Store::open(&self.folder, Options::default(), &self.clock);
        let opened_ms = began.elapsed().as_millis();
        assert!(again.is_ok(), "{again:?}");
        let per_event = bytes / self.events.max(1);
        print(&format!("  closed in {closed_ms} ms, opened in {opened_ms} ms; {per_event} bytes an event"));
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

#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn now() -> Instant {
    Instant::now()
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
        let (since, cpu_since) = (now(), cpu());
        Self { name: name.to_owned(), since, cpu_since, part: zero, whole: zero, longest: Duration::ZERO }
    }

    fn begin(&mut self) {
        self.since = now();
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
        print(&format!("{:<44} {:>9.1} ms", "  longest wait", self.longest.as_secs_f64() * 1e3));
    }
}

fn tell(name: &str, (events, took, cpu): (u64, Duration, Duration)) {
    let rate = |took: Duration| events as f64 / took.as_secs_f64().max(1e-9);
    print(&format!("{name:<44} {:>9.0}/s {:>9.0}/CPU s", rate(took), rate(cpu)));
}

fn cpu() -> Duration {
    Duration::from_secs_f64(cpu_s("self"))
}
