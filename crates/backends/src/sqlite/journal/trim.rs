//! What retention does to the journal: records leave from the beginning, keys are forgotten by their age.

use std::collections::BTreeSet;

use engine::ports::Mark;
use model::limit::TRIM_ROWS_MAX;
use model::{Offset, Partition, TimeSpan, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};

use super::super::broken::Broken;
use super::super::segments::Segments;
use super::super::sql::{at, count, int, statements};
use super::append::{Staged, State};
use super::read;

statements! {
    META = "SELECT number FROM meta WHERE name = $1";
    PUT_META = "INSERT INTO meta (name, number) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET number = $2";
    KEEP = "INSERT INTO kept (place, at, kind, policy, emitted, event, accepted, head, body)
        SELECT place, at, kind, policy, emitted, event, accepted, head, body FROM records WHERE place = $1";
    DELETE = "DELETE FROM records WHERE place <= $1";
    PUT_MARK = "INSERT INTO marks (place, live, replay, synthetic) VALUES ($1, $2, $3, $4)
        ON CONFLICT (place) DO NOTHING";
    DELETE_MARKS = "DELETE FROM marks WHERE place < $1";
}

/// The unit in which forgotten keys are counted.
const PERIOD: TimeSpan = TimeSpan::from_days(1);

/// Up to where the records are trimmed.
pub(super) fn trimmed(conn: &Connection) -> Result<Offset, Broken> {
    Ok(Offset(count(meta(conn, "trimmed")?.unwrap_or(0))))
}

/// Before when keys are forgotten.
pub(super) fn forgotten(conn: &Connection) -> Result<Timestamp, Broken> {
    Ok(at(meta(conn, "forgotten")?.unwrap_or(i64::MIN)))
}

impl State {
    /// Removes the oldest records up to and including `to`, those of one commit at most.
    pub(super) fn trim(
        &mut self,
        conn: &Connection,
        to: Offset,
        (keep, as_of): (&[Offset], Mark),
        staged: &mut Staged,
    ) -> Result<Offset, Broken> {
        let from = self.counts.trimmed;
        let last = to.0.min(from + TRIM_ROWS_MAX as u64).min(self.counts.head);
        let Some(spared) = self.spared.since(as_of, Partition(0)).filter(|_| last > from) else {
            return Ok(Offset(from));
        };
        let [live, replay, synthetic] = read::accepted_up_to(conn, Offset(last))?.map(int);
        conn.prepare_cached(PUT_MARK)?.execute([int(last), live, replay, synthetic])?;
        conn.prepare_cached(DELETE_MARKS)?.execute([int(last)])?;
        let keep: BTreeSet<u64> = keep.iter().chain(&spared).map(|offset| offset.0).filter(|place| *place > from).collect();
        for place in keep.range(..=last) {
            conn.prepare_cached(KEEP)?.execute([int(*place)])?;
        }
        conn.prepare_cached(DELETE)?.execute([int(last)])?;
        put_meta(conn, "trimmed", int(last))?;
        self.counts.trimmed = last;
        staged.trimmed = Some(Offset(last));
        Ok(Offset(last))
    }

    /// Forgets keys that were first seen before `before`: at once for look-ups, their rows bit by bit.
    pub(super) fn forget(&mut self, conn: &Connection, before: Timestamp, staged: &mut Staged) -> Result<u64, Broken> {
        let forgotten = self.counts.forgotten;
        if before <= forgotten {
            return Ok(0);
        }
        let day = |at: Timestamp| at.since(Timestamp::EPOCH).micros() / PERIOD.micros();
        let mut days = BTreeSet::new();
        for (first_at, last_at) in self.keys.periods() {
            if last_at >= forgotten && first_at < before {
                days.extend([day(first_at.max(forgotten)), day(last_at.min(before))]);
            }
        }
        staged.dropped = self.keys.older_than(before);
        Segments::mark_dropped(conn, &staged.dropped)?;
        put_meta(conn, "forgotten", before.micros())?;
        self.counts.forgotten = before;
        Ok(days.len() as u64)
    }
}

fn meta(conn: &Connection, name: &str) -> Result<Option<i64>, Broken> {
    Ok(conn.prepare_cached(META)?.query_row([name], |row| row.get(0)).optional()?)
}

fn put_meta(conn: &Connection, name: &str, number: i64) -> Result<(), Broken> {
    conn.prepare_cached(PUT_META)?.execute((name, number))?;
    Ok(())
}
