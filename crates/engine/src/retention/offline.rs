//! Retention without the engine: what would go, and all of it at once, for the command line and for a store that is full.

use std::fmt;
use std::sync::Arc;

use model::account::ROUTER;
use model::limit::READ_RECORDS_MAX;
use model::{Consumer, Fault, Offset, Partition, TimeSpan, Timestamp};

use super::decide::{self, Pressure, Retention};
use super::run::Trimmer;
use crate::ports::{Clock, Journal, Ledger, Usage};
use model::room::{Ages, Room};

/// The pause between steps: whoever reads beside gets in.
const PAUSE: TimeSpan = TimeSpan::from_millis(1);

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records, those that moved to what is kept included.
    pub records: u64,
    /// What was kept because somebody needed it, and nobody does any more.
    pub kept: u64,
    /// Rows of the ledger.
    pub rows: u64,
    /// Rows that have had their time and cannot be read: they stay.
    pub unreadable: Vec<String>,
    /// Periods of keys.
    pub key_periods: u64,
    /// Ids of emitted entries.
    pub emitted: u64,
    /// The journal before.
    pub before: Usage,
    /// The journal after.
    pub after: Usage,
    /// The ledger before.
    pub room_before: Room,
    /// The ledger after.
    pub room_after: Room,
}

/// One sentence for people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "removed {} records, {} that were kept, {} rows, {} periods of keys and {} ids of emitted entries; \
             the journal has {} bytes, it had {}; the ledger has {} bytes, it had {}",
            self.records,
            self.kept,
            self.rows,
            self.key_periods,
            self.emitted,
            self.after.bytes,
            self.before.bytes,
            self.room_after.bytes,
            self.room_before.bytes,
        )
    }
}

/// Removes everything that has had its time, step by step. Each step is a commit of its own: it can be broken off and
/// begun again.
pub async fn run_once(
    journal: &Arc<dyn Journal>,
    ledger: &Arc<dyn Ledger>,
    clock: &Arc<dyn Clock>,
    settings: Retention,
) -> Result<Report, Fault> {
    let trimmer = Trimmer { journal: Arc::clone(journal), ledger: Arc::clone(ledger), settings };
    let now = clock.now();
    let (before, room_before) = (journal.usage().await?, ledger.room().await?);
    let mut report = Report { before, room_before, ..Report::default() };
    for partition in journal.partitions() {
        loop {
            let records = trimmer.records(partition, now).await?;
            if records == 0 {
                break;
            }
            report.records += records;
            clock.sleep(PAUSE).await;
        }
        let mut after = Some(Offset(0));
        while let Some(from) = after {
            let looked = trimmer.kept(partition, from).await?;
            report.kept += looked.released;
            after = looked.next;
            clock.sleep(PAUSE).await;
        }
    }
    loop {
        let step = trimmer.rows(now).await?;
        if step.rows == 0 {
            report.unreadable = step.unreadable;
            break;
        }
        report.rows += step.rows;
        clock.sleep(PAUSE).await;
    }
    report.key_periods = journal.forget_keys().await?;
    loop {
        let emitted = trimmer.emitted(now).await?;
        if emitted == 0 {
            break;
        }
        report.emitted += emitted;
        clock.sleep(PAUSE).await;
    }
    (report.after, report.room_after) = (journal.usage().await?, ledger.room().await?);
    Ok(report)
}

/// What would go from one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Going {
    /// Which.
    pub partition: Partition,
    /// Records that would leave the journal.
    pub records: u64,
    /// Of these, those that would move to what is kept, because they are still needed.
    pub kept: u64,
    /// Records that were kept before and that nobody needs any more: they would go as well.
    pub let_go: u64,
    /// Bytes of bodies that would go for good.
    pub body_bytes: u64,
    /// Up to here.
    pub to: Offset,
}

/// What [`run_once`] would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// From each partition.
    pub records: Vec<Going>,
    /// Rows of the ledger from before these would go.
    pub ages: Ages,
    /// The journal now.
    pub usage: Usage,
    /// The ledger now.
    pub room: Room,
    /// Whether records would go by space as well: then they go until there is room, at most what is counted.
    pub pressure: Pressure,
}

/// What [`run_once`] would do. Changes nothing.
pub async fn preview(
    journal: &Arc<dyn Journal>,
    ledger: &Arc<dyn Ledger>,
    now: Timestamp,
    settings: Retention,
) -> Result<Forecast, Fault> {
    let usage = journal.usage().await?;
    let pressure = decide::pressure(usage, &settings, now);
    let mut records = Vec::new();
    for partition in journal.partitions() {
        records.push(going(journal, ledger, partition, (pressure, settings.records_before(now))).await?);
    }
    let room = ledger.room().await?;
    Ok(Forecast { records, ages: settings.ages(room, now), usage, room, pressure })
}

async fn going(
    journal: &Arc<dyn Journal>,
    ledger: &Arc<dyn Ledger>,
    partition: Partition,
    (pressure, before): (Pressure, Timestamp),
) -> Result<Going, Fault> {
    let router = Consumer::new(ROUTER).expect("a literal name");
    let routed = ledger.cursor(&router, partition).await?;
    let let_go = let_go(journal, ledger, partition).await?;
    let mut going = Going { partition, records: 0, kept: 0, let_go, body_bytes: 0, to: Offset(0) };
    loop {
        let oldest = journal.read(partition, going.to, READ_RECORDS_MAX).await?;
        let Some(to) = decide::trim_to(&oldest, routed, pressure, before) else { return Ok(going) };
        let needed = ledger.needed(partition, going.to, to).await?;
        for record in oldest.iter().filter(|record| record.position.offset <= to) {
            going.records += 1;
            if needed.contains(&record.position.offset) {
                going.kept += 1;
            } else {
                going.body_bytes += record.entry.event().map_or(0, |event| event.body.len() as u64);
            }
        }
        going.to = to;
    }
}

async fn let_go(journal: &Arc<dyn Journal>, ledger: &Arc<dyn Ledger>, partition: Partition) -> Result<u64, Fault> {
    let (mut after, mut count) = (Offset(0), 0);
    loop {
        let kept = journal.kept(partition, after, READ_RECORDS_MAX).await?;
        let Some(last) = kept.last().copied() else { return Ok(count) };
        let needed = ledger.needed(partition, after, last).await?;
        count += kept.iter().filter(|offset| needed.binary_search(offset).is_err()).count() as u64;
        after = last;
    }
}
