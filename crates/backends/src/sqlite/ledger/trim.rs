//! Retention: removes what is final and old, in bounded steps, and keeps its counts.

use std::collections::BTreeMap;

use engine::ports::Trimmed;
use model::limit::TRIM_ROWS_MAX;
use model::room::Ages;
use model::{Bucket, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::segments::Segments;
use super::super::sql::{len, statements};
use super::deliveries::attempt_id;
use super::quarantine;
use super::read::name;
use super::rows::origin;
use super::state::State;
use super::words::count_words;

statements! {
    OLD_DELIVERIES = "SELECT seq, origin, state, id, coalesce(rank_part, bytes_part), coalesce(rank_pos, bytes_pos), flow, destination
        FROM deliveries WHERE is_final = 1 AND answered = 0 AND created_at < $1
        AND (replay IS NULL OR replay NOT IN (SELECT id FROM replays WHERE state = 'running')) ORDER BY created_at, id";
    OLDEST_OPEN = "SELECT created_at FROM deliveries WHERE is_final = 0 ORDER BY bytes_part, bytes_pos, created_at LIMIT 1";
    OLDEST_QUARANTINED = "SELECT at FROM quarantine WHERE state = 'open' ORDER BY part, pos LIMIT 1";
    ANSWERED = "SELECT seq FROM deliveries WHERE is_final = 1 AND answered = 1 AND created_at < $1
        ORDER BY created_at, id LIMIT $2";
    LET_ANSWERS_GO = "UPDATE attempts SET response = x'', response_cut = 1 WHERE id > $1 AND id < $2 AND length(response) > 0";
    IS_UNANSWERED = "UPDATE deliveries SET answered = 0 WHERE seq = $1";
    ENDED_REPLAY = "SELECT id FROM replays WHERE state <> 'running' AND created_at < $1 AND NOT EXISTS
        (SELECT 1 FROM deliveries WHERE replay = replays.id AND state IN (0, 1, 3)) ORDER BY created_at, id LIMIT 1";
    DELETE_MEMBERS = "DELETE FROM members WHERE replay = $1 AND no IN
        (SELECT no FROM members WHERE replay = $1 ORDER BY no LIMIT $2)";
    DELETE_REPLAY = "DELETE FROM replays WHERE id = $1";
    DELETE_EMISSIONS = "DELETE FROM emissions WHERE seq IN
        (SELECT seq FROM emissions WHERE waiting = 0 AND needs_pos IS NULL AND at < $1 ORDER BY at LIMIT $2)";
    DELETE_SEEN = "DELETE FROM seen WHERE id IN (SELECT id FROM seen WHERE at < $1
        AND NOT EXISTS (SELECT 1 FROM emissions WHERE emissions.id = seen.id) ORDER BY at LIMIT $2)";
    DELETE_DELIVERY = "DELETE FROM deliveries WHERE seq = $1";
    PUT_REMOVED = "INSERT INTO removed_by (part, flow, destination, pos) VALUES ($1, $2, $3, $4)
        ON CONFLICT (part, flow, destination) DO UPDATE SET pos = max(pos, $4)";
    DELETE_ATTEMPTS = "DELETE FROM attempts WHERE id > $1 AND id < $2";
    FEED = "SELECT last, first, at FROM feed ORDER BY last";
    DELETE_FEED = "DELETE FROM feed WHERE last <= $1";
    WORDS = "SELECT last, at, content FROM words ORDER BY last";
    DELETE_WORDS = "DELETE FROM words WHERE last <= $1";
    DELETE_AUDIT = "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY at, id LIMIT $2)";
}

/// One step of [`engine::ports::Ledger::trim`]: at most so many rows of each kind. Attempts are not counted.
///
/// Feed and words stand in the order of their time, those of one commit in one row; one whose time jumped ahead is waited
/// for.
pub(super) fn trim(conn: &Connection, state: &mut State, ages: Ages) -> Result<Trimmed, Broken> {
    let before = ages.rows;
    let bodies = ages.answers.max(before);
    let answers = let_answers_go(conn, bodies)? + quarantine::trim_later(conn, bodies, TRIM_ROWS_MAX)?;
    let mut unreadable = Vec::new();
    let settled = quarantine::trim(conn, state, before, &mut unreadable)?;
    let over = trim_deliveries(conn, state, before, &mut unreadable)? + settled + trim_replay(conn, before)?;
    let notes = trim_feed(conn, before)? + trim_words(conn, state, before.min(oldest_open(conn)?))?;
    let old = |sql, before: Timestamp| conn.prepare_cached(sql)?.execute([before.micros(), len(TRIM_ROWS_MAX)]);
    let emitted = old(DELETE_EMISSIONS, ages.emitted)? + old(DELETE_SEEN, ages.emitted)?;
    let audit = old(DELETE_AUDIT, ages.audit)?;
    Ok(Trimmed { rows: (answers + over + notes + emitted + audit) as u64, unreadable })
}

/// Since when something is open, by the first that came in: until then, nobody looks for it by a word.
fn oldest_open(conn: &Connection) -> Result<Timestamp, Broken> {
    let first = |sql| conn.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0)).optional();
    let open = [first(OLDEST_OPEN)?, first(OLDEST_QUARANTINED)?];
    Ok(open.into_iter().flatten().min().map_or(Timestamp::NEVER, Timestamp::from_micros))
}

/// Takes the answers out of the attempts of final deliveries, before these may go.
fn let_answers_go(conn: &Connection, before: Timestamp) -> Result<usize, Broken> {
    let mut select = conn.prepare_cached(ANSWERED)?;
    let answered = select.query_map([before.micros(), len(TRIM_ROWS_MAX)], |row| row.get(0))?;
    let answered: Vec<i64> = answered.collect::<Result<_, _>>()?;
    for seq in &answered {
        conn.prepare_cached(LET_ANSWERS_GO)?.execute([attempt_id(*seq, 0), attempt_id(*seq + 1, 0)])?;
        conn.prepare_cached(IS_UNANSWERED)?.execute([seq])?;
    }
    Ok(answered.len())
}

/// The members of the oldest replay that has ended, then itself.
fn trim_replay(conn: &Connection, before: Timestamp) -> Result<usize, Broken> {
    let mut select = conn.prepare_cached(ENDED_REPLAY)?;
    let ended: Option<[u8; 16]> = select.query_row([before.micros()], |row| row.get(0)).optional()?;
    let Some(id) = ended else { return Ok(0) };
    let members = conn.prepare_cached(DELETE_MEMBERS)?.execute((id, len(TRIM_ROWS_MAX)))?;
    if members < TRIM_ROWS_MAX {
        conn.prepare_cached(DELETE_REPLAY)?.execute([id])?;
    }
    Ok(members + 1)
}

fn trim_deliveries(
    conn: &Connection,
    state: &mut State,
    before: Timestamp,
    unreadable: &mut Vec<String>,
) -> Result<usize, Broken> {
    let mut select = conn.prepare_cached(OLD_DELIVERIES)?;
    let mut rows = select.query([before.micros()])?;
    let (mut old, mut removed) = (Vec::new(), BTreeMap::new());
    while old.len() < TRIM_ROWS_MAX
        && let Some(row) = rows.next()?
    {
        let counted = origin(row.get(1)?).and_then(|from| Ok((from, bucket(row.get(2)?)?)));
        match counted {
            Ok(counted) => {
                if counted.1 == Bucket::Done {
                    let way: (i64, i64, i64) = (row.get(4)?, row.get(6)?, row.get(7)?);
                    let removed_to = removed.entry(way).or_insert(0);
                    *removed_to = row.get::<_, i64>(5)?.max(*removed_to);
                }
                old.push((row.get::<_, i64>(0)?, counted));
            }
            Err(broken) => name(unreadable, format!("delivery {}: {broken}", Uuid::from_bytes(row.get(3)?))),
        }
    }
    drop(rows);
    // What is asked for its newer states is told that these went.
    for ((part, flow, destination), pos) in removed {
        conn.prepare_cached(PUT_REMOVED)?.execute([part, flow, destination, pos])?;
    }
    for (seq, (from, bucket)) in &old {
        let tally = &mut state.numbers.trimmed[from.index()].0;
        tally[Bucket::Created.index()] += 1;
        tally[bucket.index()] += 1;
        conn.prepare_cached(DELETE_ATTEMPTS)?.execute([attempt_id(*seq, 0), attempt_id(*seq + 1, 0)])?;
        conn.prepare_cached(DELETE_DELIVERY)?.execute([seq])?;
    }
    Ok(old.len())
}

/// The bucket of a final state by its number in the file.
pub(super) fn bucket(state: i64) -> Result<Bucket, Broken> {
    Ok(match state {
        0 => Bucket::Waiting,
        1 => Bucket::Held,
        2 => Bucket::Done,
        3 => Bucket::DeadLettered,
        4 => Bucket::Cancelled,
        5 => Bucket::Superseded,
        other => return Err(Broken::Corrupt(format!("there is no state {other}"))),
    })
}

/// Rows of old commits, at least one; of as many commits as have together no more rows than a step takes.
fn trim_feed(conn: &Connection, before: Timestamp) -> Result<usize, Broken> {
    let mut select = conn.prepare_cached(FEED)?;
    let mut rows = select.query([])?;
    let (mut last, mut taken) = (None, 0);
    while let Some(row) = rows.next()? {
        let ends: (i64, i64) = (row.get(0)?, row.get(1)?);
        let count = usize::try_from(ends.0 - ends.1 + 1).unwrap_or(0);
        if row.get::<_, i64>(2)? >= before.micros() || (taken > 0 && taken + count > TRIM_ROWS_MAX) {
            break;
        }
        (last, taken) = (Some(ends.0), taken + count);
    }
    drop(rows);
    if let Some(last) = last {
        conn.prepare_cached(DELETE_FEED)?.execute([last])?;
    }
    Ok(taken)
}

fn trim_words(conn: &Connection, state: &mut State, before: Timestamp) -> Result<usize, Broken> {
    let mut select = conn.prepare_cached(WORDS)?;
    let mut rows = select.query([])?;
    let (mut last, mut taken) = (None, 0);
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)? >= before.micros() || taken >= TRIM_ROWS_MAX {
            break;
        }
        last = Some(row.get::<_, i64>(0)?);
        // The count only bounds the step: one that cannot be read goes by its age as well.
        taken += row.get_ref(2)?.as_blob().map_err(Broken::corrupt).and_then(count_words).unwrap_or(1);
    }
    drop(rows);
    let Some(last) = last else { return Ok(0) };
    conn.prepare_cached(DELETE_WORDS)?.execute([last])?;
    let empty = state.words().up_to(last);
    Segments::mark_dropped(conn, &empty)?;
    state.words_dropped = empty;
    Ok(taken)
}
