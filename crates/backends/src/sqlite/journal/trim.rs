//! What retention does to the journal: records leave from the beginning, keys are forgotten by their age.
//!
//! The floor is what was removed last; a chunk goes when all of it is at or below the floor.

use std::collections::BTreeSet;

use engine::ports::Mark;
use model::limit::{KEY_WINDOW, TRIM_ROWS_MAX};
use model::{Offset, Partition, TimeSpan, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::super::broken::Broken;
use super::super::segments::Segments;
use super::super::sql::{at, count, int, len, statements};
use super::append::{Staged, State};
use super::chunk::Draft;
use super::read;

statements! {
    META = "SELECT number FROM meta WHERE name = $1";
    PUT_META = "INSERT INTO meta (name, number) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET number = $2";
    FLOOR = "SELECT place, live, replay, synthetic FROM floor";
    DROP_FLOOR = "DELETE FROM floor";
    PUT_FLOOR = "INSERT INTO floor (place, live, replay, synthetic) VALUES ($1, $2, $3, $4)";
    CHUNK = "SELECT first, content FROM chunks WHERE last >= $1 ORDER BY last LIMIT 1";
    KEEP = "INSERT INTO kept (place, event, content) VALUES ($1, $2, $3)";
    DELETE = "DELETE FROM chunks WHERE last <= $1";
    FORGET_EMITTED = "DELETE FROM emitted WHERE id IN (SELECT id FROM
        (SELECT id, at FROM emitted WHERE place <= $1 ORDER BY place LIMIT $3) WHERE at < $2)";
    DELETE_STRAYS = "DELETE FROM strays WHERE place <= $1 AND place NOT IN (SELECT place FROM kept)";
}

/// The unit in which forgotten keys are counted.
const PERIOD: TimeSpan = TimeSpan::from_days(1);

/// Up to where the records are trimmed, and what was accepted up to there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Floor {
    pub(super) offset: u64,
    pub(super) totals: [u64; 3],
}

/// Up to where the records are trimmed.
pub(super) fn floor(conn: &Connection) -> Result<Floor, Broken> {
    let read = |row: &rusqlite::Row<'_>| {
        let totals = [count(row.get(1)?), count(row.get(2)?), count(row.get(3)?)];
        Ok(Floor { offset: count(row.get(0)?), totals })
    };
    Ok(conn.prepare_cached(FLOOR)?.query_row([], read).optional()?.unwrap_or_default())
}

/// Before when keys are forgotten; `None` where it was never looked at.
pub(super) fn forgotten(conn: &Connection) -> Result<Option<Timestamp>, Broken> {
    Ok(conn.prepare_cached(META)?.query_row(["forgotten"], |row| row.get(0)).optional()?.map(at))
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
        self.write_chunk(conn, staged)?;
        let from = self.counts.trimmed;
        let last = to.0.min(from + TRIM_ROWS_MAX as u64).min(self.counts.head);
        let Some(spared) = self.spared.since(as_of, Partition(0)).filter(|_| last > from) else {
            return Ok(Offset(from));
        };
        let [live, replay, synthetic] = read::accepted_up_to(conn, Offset(last))?.map(int);
        let keep: BTreeSet<u64> = keep.iter().chain(&spared).map(|offset| offset.0).filter(|place| *place > from).collect();
        for place in keep.range(..=last) {
            keep_record(conn, *place)?;
        }
        conn.prepare_cached(DROP_FLOOR)?.execute([])?;
        conn.prepare_cached(PUT_FLOOR)?.execute([int(last), live, replay, synthetic])?;
        conn.prepare_cached(DELETE)?.execute([int(last)])?;
        conn.prepare_cached(DELETE_STRAYS)?.execute([int(last)])?;
        self.counts.trimmed = last;
        staged.trimmed = Some(Offset(last));
        Ok(Offset(last))
    }

    /// Forgets keys whose window is over: look-ups do so at once, here their rows go, bit by bit. What is written, also
    /// where none goes, is where [`super::keys::Lived`] goes on in the next life.
    pub(super) fn forget_keys(&mut self, conn: &Connection, staged: &mut Staged) -> Result<u64, Broken> {
        let (before, forgotten) = (self.lived() - KEY_WINDOW, self.counts.forgotten.unwrap_or(at(i64::MIN)));
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
        conn.prepare_cached(PUT_META)?.execute(("forgotten", before.micros()))?;
        self.counts.forgotten = Some(before);
        Ok(days.len() as u64)
    }
}

/// See [`engine::ports::Journal::forget_emitted`].
pub(super) fn forget_emitted(conn: &Connection, trimmed: Offset, before: Timestamp) -> Result<u64, Broken> {
    let going = params![int(trimmed.0), before.micros(), len(TRIM_ROWS_MAX)];
    Ok(conn.prepare_cached(FORGET_EMITTED)?.execute(going)? as u64)
}

/// Copies a record to what is kept, as a chunk of its own.
fn keep_record(conn: &Connection, place: u64) -> Result<(), Broken> {
    let mut select = conn.prepare_cached(CHUNK)?;
    let mut rows = select.query([int(place)])?;
    let Some(row) = rows.next()? else { return Ok(()) };
    let Some(stored) = read::find(read::chunk(row)?, place)? else { return Ok(()) };
    let mut draft = Draft::default();
    draft.push(&stored);
    let event = stored.event.map(model::EventId::bytes);
    conn.prepare_cached(KEEP)?.execute(params![int(place), event, draft.finish()])?;
    Ok(())
}
