//! The newest records of the journal, as pages for people: what cannot be read is named and passed over. It never serves a
//! decision: a loop that meets what contradicts itself stops and says so.

use std::sync::Arc;

use model::view::Page;
use model::{Fault, FaultKind, Offset, Partition, Position, Record};

use crate::app::App;

/// LIMIT: records that one page passes over; the next goes on behind them.
const PASSED_MAX: u64 = 1_000;

/// The newest records before a place, newest first.
pub async fn page(app: &App, before: Option<Position>, limit: usize) -> Result<Page<Arc<Record>>, Fault> {
    match app.ground.journal.recent(before, limit).await {
        Ok(rows) => {
            let next = rows.last().filter(|_| rows.len() == limit).map(|record| record.position.to_string());
            Ok(Page { rows, next, unreadable: Vec::new() })
        }
        Err(fault) if fault.kind == FaultKind::Corrupt => one_by_one(app, before, limit).await,
        Err(fault) => Err(fault),
    }
}

/// The same where a page of them at once cannot be read.
async fn one_by_one(app: &App, before: Option<Position>, limit: usize) -> Result<Page<Arc<Record>>, Fault> {
    let journal = &app.ground.journal;
    let floor = journal.usage().await?.floor;
    let mut at = match before {
        Some(before) => before,
        None => end(app).await?,
    };
    let mut page = Page::default();
    let mut passed = Passed::default();
    while page.rows.len() < limit && passed.count < PASSED_MAX && at.offset > floor && at.offset > Offset(1) {
        at.offset = Offset(at.offset.0 - 1);
        match journal.get(at).await {
            Ok(record) => page.rows.extend(record),
            Err(fault) if fault.kind == FaultKind::Corrupt => passed.over(at, &fault),
            Err(fault) => return Err(fault),
        }
    }
    page.next = (at.offset > floor).then(|| at.to_string());
    page.unreadable = passed.told();
    Ok(page)
}

/// Behind the newest record of the first partition.
async fn end(app: &App) -> Result<Position, Fault> {
    let partition = app.ground.journal.partitions().first().copied().unwrap_or(Partition(0));
    let head = app.ground.journal.head(partition).await?;
    Ok(Position { partition, offset: Offset(head.0 + 1) })
}

/// Records that could not be read, neighbours together.
#[derive(Debug, Default)]
struct Passed {
    count: u64,
    /// Last, first, and what is wrong with them.
    runs: Vec<(Position, Position, String)>,
}

impl Passed {
    fn over(&mut self, at: Position, fault: &Fault) {
        self.count += 1;
        let why = fault.to_string();
        match self.runs.last_mut() {
            Some((_, first, same)) if first.offset.0 == at.offset.0 + 1 && *same == why => *first = at,
            _ => self.runs.push((at, at, why)),
        }
    }

    fn told(self) -> Vec<String> {
        let told = |(last, first, why): (Position, Position, String)| {
            let which = if first == last { format!("record {first}") } else { format!("records {first} to {last}") };
            format!("{which} of the journal: {why}")
        };
        self.runs.into_iter().map(told).collect()
    }
}
