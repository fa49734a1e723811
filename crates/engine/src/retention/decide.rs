//! What may be removed next. Nothing that a router has not passed, nothing that is still needed, never more than a step.

use std::sync::Arc;

use model::{Offset, Record, TimeSpan, Timestamp};

use crate::ports::Usage;
use model::room::{Ages, Room};

/// How long ids of emitted entries are remembered. Their repeats come within moments after a crash, and none goes while there is
/// an entry that may be appended again; the days are for who mends a store.
const EMITTED_AGE: TimeSpan = TimeSpan::from_days(15);

/// How long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Records with their bytes, and what destinations answered.
    pub payload: TimeSpan,
    /// Deliveries, attempts, feed, words, what people settled.
    pub metadata: TimeSpan,
    /// What people did: longer than what they did it to, and whatever the room.
    pub audit: TimeSpan,
    /// Above this share of a budget, in hundredths, records and rows go before their age, oldest first.
    pub soft_percent: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            payload: TimeSpan::from_days(30),
            metadata: TimeSpan::from_days(400),
            audit: TimeSpan::from_days(7 * 365 + 2),
            soft_percent: ALARM_HIGH,
        }
    }
}

impl Retention {
    /// Records that were appended before this have had their time.
    pub fn records_before(&self, now: Timestamp) -> Timestamp {
        now - self.payload
    }

    /// Rows of the ledger from before these have had their time. Where the ledger is short of room, all that is over has, but for
    /// what is remembered of emitted entries: without it a repeat would be routed again, to deliveries that have gone.
    pub fn ages(&self, room: Room, now: Timestamp) -> Ages {
        let rows = if self.is_short(room) { now } else { now - self.metadata };
        Ages {
            rows,
            answers: rows.max(self.records_before(now)),
            emitted: rows.min(Self::emitted_before(now)),
            audit: now - self.audit,
        }
    }

    /// Whether rows go before their age.
    pub fn is_short(&self, room: Room) -> bool {
        room.percent() >= self.soft_percent
    }

    /// Ids of emitted entries from before this have had their time.
    pub fn emitted_before(now: Timestamp) -> Timestamp {
        now - EMITTED_AGE
    }
}

/// Whether records go by age alone, or by space as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressure {
    /// Those that have had their time.
    Age,
    /// All that the routers have passed, oldest first, until there is room.
    Space,
    /// None.
    Nothing,
}

/// Whether it is worth looking at the oldest records.
pub fn pressure(usage: Usage, settings: &Retention, now: Timestamp) -> Pressure {
    if usage.percent() >= settings.soft_percent {
        return Pressure::Space;
    }
    let old = usage.oldest_at.is_some_and(|oldest| oldest < settings.records_before(now));
    if old { Pressure::Age } else { Pressure::Nothing }
}

/// The offset up to which a partition may be trimmed now, from its oldest records and the router's cursor; `None` for
/// nothing. What is needed of it moves to what is kept.
pub fn trim_to(oldest: &[Arc<Record>], router: Offset, pressure: Pressure, before: Timestamp) -> Option<Offset> {
    let may_go = |record: &&Arc<Record>| {
        let passed = record.position.offset <= router;
        let time = match pressure {
            Pressure::Space => true,
            Pressure::Age => record.at < before,
            Pressure::Nothing => false,
        };
        passed && time
    };
    oldest.iter().take_while(may_go).last().map(|record| record.position.offset)
}

/// The first alarm, in hundredths of the budget.
pub const ALARM_LOW: u64 = 70;
/// The second.
pub const ALARM_HIGH: u64 = 85;
/// The third: intake is answered `Full`.
pub const ALARM_FULL: u64 = 100;
/// How far usage must fall below a level before that can alarm again.
const REARM: u64 = 5;

/// How loud the alarm is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// There is room.
    #[default]
    Quiet,
    /// At least [`ALARM_LOW`].
    Low,
    /// At least [`ALARM_HIGH`].
    High,
    /// At least [`ALARM_FULL`].
    Full,
}

impl Level {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Low => "low",
            Self::High => "high",
            Self::Full => "full",
        }
    }

    const fn threshold(self) -> u64 {
        match self {
            Self::Quiet => 0,
            Self::Low => ALARM_LOW,
            Self::High => ALARM_HIGH,
            Self::Full => ALARM_FULL,
        }
    }
}

/// The level after a look at the usage. It is told when it is higher than before; it falls only some way below its
/// threshold, so that usage around a threshold does not alarm again and again.
pub fn level(before: Level, percent: u64) -> Level {
    let holds = |level: &Level| {
        let slack = if *level <= before { REARM } else { 0 };
        percent + slack >= level.threshold()
    };
    [Level::Full, Level::High, Level::Low].into_iter().find(holds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use model::{Digest, Entry, Partition, PolicyVersion, Position, Principal};

    use super::*;
    use crate::ports::Mark;

    fn days(days: u64) -> Timestamp {
        Timestamp::EPOCH + TimeSpan::from_days(days)
    }

    fn usage(bytes: u64, oldest_day: u64) -> Usage {
        let floor = Offset(1);
        Usage { bytes, budget: 1_000, waiting: 0, oldest_at: Some(days(oldest_day)), floor, mark: Mark::default() }
    }

    fn record(offset: u64, day: u64) -> Arc<Record> {
        let version = PolicyVersion(Digest::of(b"policy"));
        Arc::new(Record {
            position: Position { partition: Partition(0), offset: Offset(offset) },
            at: days(day),
            policy: version,
            emitted: None,
            entry: Entry::PolicyApplied { version, by: Principal::product(), why: String::new() },
        })
    }

    #[test]
    fn age_and_space_press_and_nothing_else() {
        let check = |bytes, oldest, expected| {
            assert_eq!(pressure(usage(bytes, oldest), &Retention::default(), days(100)), expected, "{bytes} {oldest}");
        };
        check(100, 80, Pressure::Nothing);
        check(100, 60, Pressure::Age);
        check(849, 80, Pressure::Nothing);
        check(850, 99, Pressure::Space);
    }

    #[test]
    fn only_what_the_router_passed_and_has_had_its_time_goes() {
        let records = [record(3, 10), record(5, 20), record(9, 90)];
        let check = |router, pressure, expected: Option<u64>| {
            assert_eq!(trim_to(&records, Offset(router), pressure, days(70)), expected.map(Offset), "{router} {pressure:?}");
        };
        check(100, Pressure::Age, Some(5));
        check(4, Pressure::Age, Some(3));
        check(2, Pressure::Age, None);
        check(100, Pressure::Space, Some(9));
        check(5, Pressure::Space, Some(5));
        check(100, Pressure::Nothing, None);
    }

    #[test]
    fn the_alarm_rises_at_its_levels_and_falls_below_them() {
        let mut level_now = Level::Quiet;
        for (percent, expected) in [
            (69, Level::Quiet),
            (70, Level::Low),
            (66, Level::Low),
            (85, Level::High),
            (81, Level::High),
            (100, Level::Full),
            (95, Level::Full),
            (94, Level::High),
            (79, Level::Low),
            (64, Level::Quiet),
            (130, Level::Full),
            (0, Level::Quiet),
        ] {
            level_now = level(level_now, percent);
            assert_eq!(level_now, expected, "{percent}");
        }
    }

    #[test]
    fn a_store_without_a_budget_is_never_full() {
        assert_eq!(Usage { bytes: 9, ..Usage::default() }.percent(), 0);
        assert_eq!(Room { bytes: 9, budget: 0 }.percent(), 0);
        assert_eq!(Room { bytes: 9, budget: 4 }.percent(), 225);
    }

    #[test]
    fn rows_go_by_age_and_where_room_is_short_all_that_is_over_but_the_audit() {
        let settings = Retention::default();
        let now = days(10_000);
        let ages = |bytes| settings.ages(Room { bytes, budget: 1_000 }, now);
        let rows = days(9_600);
        let by_age = Ages { answers: days(9_970), rows, emitted: rows, audit: days(10_000 - 2_557) };
        assert_eq!(ages(849), by_age);
        assert_eq!(ages(850), Ages { answers: now, rows: now, emitted: days(9_985), ..by_age });
        let short = Retention { metadata: TimeSpan::from_days(7), ..settings };
        let ages = short.ages(Room::default(), now);
        assert_eq!((ages.rows, ages.answers), (days(9_993), days(9_993)), "an answer goes with its row at the latest");
    }
}
