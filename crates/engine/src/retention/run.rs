//! The loop of this room: one bounded step at a time, with a pause between steps, so that intake never waits for it longer
//! than for a commit. [`Trimmer`] does the steps for the loop and for the offline command alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::account::ROUTER;
use model::limit::TRIM_ROWS_MAX;
use model::{Consumer, Fault, Offset, Partition, TimeSpan, Timestamp};

use super::decide::{self, Level, Pressure, Retention};
use crate::board::Board;
use crate::drive::Turn;
use crate::observe::{Fact, Facts};
use crate::ports::{Clock, Journal, Ledger, Trimmed};

/// The pause after a step that removed something.
const PAUSE: TimeSpan = TimeSpan::from_millis(20);
/// How long rows, keys and what is kept are left alone after there was nothing to remove.
const QUIET: TimeSpan = TimeSpan::from_secs(60);
/// How long what is kept is left alone when room is short: intake may be waiting for it.
const PRESSED: TimeSpan = TimeSpan::from_secs(1);
/// The shard whose holder removes rows and keys.
const SHARD: &str = "partition/0";

/// The steps of retention.
#[derive(Clone, Debug)]
pub struct Trimmer {
    /// Whose records and keys go.
    pub journal: Arc<dyn Journal>,
    /// Whose rows go, and what is needed.
    pub ledger: Arc<dyn Ledger>,
    /// How long things are kept.
    pub settings: Retention,
}

impl Trimmer {
    /// Removes at most a step of a partition's oldest records. Answers how many went, those that moved to what is kept
    /// included.
    pub async fn records(&self, partition: Partition, now: Timestamp) -> Result<u64, Fault> {
        let usage = self.journal.usage().await?;
        let pressure = decide::pressure(usage, &self.settings, now);
        if pressure == Pressure::Nothing {
            return Ok(0);
        }
        let oldest = self.journal.read(partition, Offset(0), TRIM_ROWS_MAX).await?;
        let router = Consumer::new(ROUTER).expect("a literal name");
        let routed = self.ledger.cursor(&router, partition).await?;
        let to = decide::trim_to(&oldest, routed, pressure, self.settings.records_before(now));
        let (Some(first), Some(to)) = (oldest.first(), to) else { return Ok(0) };
        let keep = self.ledger.needed(partition, first.position.offset.before(), to).await?;
        let trimmed = self.journal.trim(partition, to, keep, usage.mark).await?;
        Ok(oldest.iter().filter(|record| record.position.offset <= trimmed).count() as u64)
    }

    /// Looks at a page of what is kept of a partition after `after`, and removes what nobody needs any more.
    pub async fn kept(&self, partition: Partition, after: Offset) -> Result<Looked, Fault> {
        let mark = self.journal.usage().await?.mark;
        let mut kept = self.journal.kept(partition, after, TRIM_ROWS_MAX).await?;
        let (Some(first), Some(last)) = (kept.first().copied(), kept.last().copied()) else {
            return Ok(Looked { released: 0, next: None });
        };
        let needed = self.ledger.needed(partition, first.before(), last).await?;
        let next = (kept.len() == TRIM_ROWS_MAX).then_some(last);
        kept.retain(|offset| needed.binary_search(offset).is_err());
        let released = if kept.is_empty() { 0 } else { self.journal.release(partition, kept, mark).await? };
        Ok(Looked { released, next })
    }

    /// Removes at most a step of the ledger's old rows.
    pub async fn rows(&self, now: Timestamp) -> Result<Trimmed, Fault> {
        let room = self.ledger.room().await?;
        self.ledger.trim(self.settings.ages(room, now)).await
    }

    /// Forgets at most a step of the ids of old emitted entries. Answers how many went.
    ///
    /// What was appended and whose mark in the ledger was lost with a crash is still in the outbox and will be appended again:
    /// while there is anything in it, all ids are needed. What cannot be read there is not appended; were it mended one day and
    /// appended twice, its consumers would know it, because the ledger remembers what was seen as long as its row is there.
    pub async fn emitted(&self, now: Timestamp) -> Result<u64, Fault> {
        let before = Retention::emitted_before(now);
        if !self.ledger.outbox(1).await?.rows.is_empty() {
            return Ok(0);
        }
        self.journal.forget_emitted(before).await
    }
}

/// A page of what is kept, after a look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// How many went.
    pub released: u64,
    /// After where the next page begins; `None` after the last.
    pub next: Option<Offset>,
}

/// How far the kept records of a partition were looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sweep {
    after: Offset,
    /// When all of them had been looked at.
    ended_at: Timestamp,
}

impl Sweep {
    /// Whether it has seen a page and not yet the last.
    fn is_under_way(&self) -> bool {
        self.after > Offset::default()
    }
}

/// The loop of retention.
#[derive(Debug)]
pub struct Keeper {
    /// What removes.
    pub trimmer: Trimmer,
    /// What this node works on.
    pub board: Arc<Board>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where facts go.
    pub facts: Arc<Facts>,
    /// How loud the alarm of the journal is, and that of the ledger.
    pub levels: (Level, Level),
    /// When rows were looked at and none of them could go.
    pub barren_at: Timestamp,
    /// When all that had to be forgotten of keys and emitted entries was.
    pub forgot_at: Timestamp,
    /// How far what is kept was looked at.
    pub sweeps: BTreeMap<Partition, Sweep>,
}

impl Keeper {
    /// One step of records, of what is kept, of rows and keys each.
    pub async fn turn(&mut self) -> Result<Turn, Fault> {
        let is_short = self.alarm().await?;
        let now = self.clock.now();
        let (mut removed, mut is_on_its_way) = (0, false);
        for partition in self.trimmer.journal.partitions() {
            if self.board.holds(&format!("partition/{}", partition.0)) {
                let records = self.trimmer.records(partition, now).await?;
                self.tell("journal", records);
                removed += records + self.sweep(partition, now).await?;
                is_on_its_way |= self.sweeps.get(&partition).is_some_and(Sweep::is_under_way);
            }
        }
        if self.board.holds(SHARD) && now >= self.barren_at + if is_short { PRESSED } else { QUIET } {
            let rows = self.rows(now).await?;
            if rows == 0 {
                self.barren_at = now;
            }
            removed += rows;
        }
        if self.board.holds(SHARD) && now >= self.forgot_at + QUIET {
            removed += self.forget(now).await?;
        }
        // Where room is short what may be released stands anywhere among what may not, and intake waits for it.
        if removed == 0 && !(is_on_its_way && self.levels.0 >= Level::High) {
            return Ok(Turn::Idle);
        }
        self.clock.sleep(PAUSE).await;
        Ok(Turn::Worked)
    }

    /// A page of what is kept: the next one when it is due, from the beginning again after the last.
    async fn sweep(&mut self, partition: Partition, now: Timestamp) -> Result<u64, Fault> {
        let quiet = if self.levels.0 >= Level::High { PRESSED } else { QUIET };
        let sweep = self.sweeps.entry(partition).or_default();
        if !sweep.is_under_way() && now < sweep.ended_at + quiet {
            return Ok(0);
        }
        let Looked { released, next } = self.trimmer.kept(partition, sweep.after).await?;
        *sweep = Sweep { after: next.unwrap_or_default(), ended_at: now };
        self.tell("kept", released);
        Ok(released)
    }

    async fn rows(&self, now: Timestamp) -> Result<u64, Fault> {
        let Trimmed { rows, unreadable } = self.trimmer.rows(now).await?;
        self.facts.tell_unreadable(None, &unreadable);
        self.tell("ledger", rows);
        Ok(rows)
    }

    /// Keys and emitted entries that have had their time. It has a rhythm of its own: rows go all the time where much is done.
    async fn forget(&mut self, now: Timestamp) -> Result<u64, Fault> {
        let periods = self.trimmer.journal.forget_keys().await?;
        self.tell("keys", periods);
        let emitted = self.trimmer.emitted(now).await?;
        self.tell("emitted", emitted);
        if emitted == 0 {
            self.forgot_at = now;
        }
        Ok(emitted)
    }

    /// Tells what is filling up, and shuts intake while the ledger is full. Answers whether the ledger is short of room.
    async fn alarm(&mut self) -> Result<bool, Fault> {
        let journal = self.trimmer.journal.usage().await?.percent();
        let room = self.trimmer.ledger.room().await?;
        self.levels.0 = self.louder("journal", self.levels.0, journal);
        self.levels.1 = self.louder("ledger", self.levels.1, room.percent());
        self.board.pressure.set_full(room.percent() >= decide::ALARM_FULL);
        Ok(self.trimmer.settings.is_short(room))
    }

    fn louder(&self, store: &'static str, before: Level, percent: u64) -> Level {
        let level = decide::level(before, percent);
        if level > before {
            self.facts.emit(&Fact::BudgetAlarm { store, percent, level: level.word() });
        }
        level
    }

    fn tell(&self, store: &'static str, rows: u64) {
        if rows > 0 {
            self.facts.emit(&Fact::Trimmed { store, rows });
        }
    }
}
