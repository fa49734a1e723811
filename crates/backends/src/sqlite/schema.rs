//! The tables of both files as numbered steps, and how a file is brought to the last of them. It is never brought back.

mod steps;

use std::path::Path;

use engine::ports::Clock;
use model::{Fault, FaultKind};
use rusqlite::Connection;

use super::broken::Broken;
use super::connection::{explain, transact};
use steps::{
    JOURNAL_1, JOURNAL_2, LEDGER_1, LEDGER_2, LEDGER_3, LEDGER_4, LEDGER_5, LEDGER_6, LEDGER_7, LEDGER_8, LEDGER_9,
};

/// One of the two files.
#[derive(Clone, Copy, Debug)]
pub(super) struct File {
    /// Its name in the data folder.
    pub(super) name: &'static str,
    /// What `PRAGMA application_id` says, so that the one is not taken for the other.
    mark: i32,
    steps: &'static [&'static str],
}

/// What has happened.
pub(super) const JOURNAL: File = File { name: "journal.sqlite", mark: 0x4344_6a6c, steps: &[JOURNAL_1, JOURNAL_2] };

/// The state of all work.
pub(super) const LEDGER: File = File {
    name: "ledger.sqlite",
    mark: 0x4344_6c67,
    steps: &[LEDGER_1, LEDGER_2, LEDGER_3, LEDGER_4, LEDGER_5, LEDGER_6, LEDGER_7, LEDGER_8, LEDGER_9],
};

/// As [`migrate`], and says so: the larger the file, the longer nothing is served.
pub(super) fn bring_forward(conn: &Connection, file: File, path: &Path, clock: &dyn Clock) -> Result<(), Fault> {
    let (from, _) = stamps(conn).map_err(|broken| explain(path, &broken))?;
    let to = file.steps.len();
    if from == 0 || from >= to {
        return migrate(conn, file, path);
    }
    let began = clock.now();
    tracing::info!(
        file = file.name,
        from,
        to,
        "the store is brought forward from an older schema; nothing is served until then"
    );
    migrate(conn, file, path)?;
    let took_ms = clock.now().since(began).micros() / 1_000;
    tracing::info!(file = file.name, from, to, took_ms, "the store was brought forward");
    Ok(())
}

/// Brings a file to the present schema. Refuses a newer one and what is not ours.
pub(super) fn migrate(conn: &Connection, file: File, path: &Path) -> Result<(), Fault> {
    let (version, mark) = stamps(conn).map_err(|broken| explain(path, &broken))?;
    let ours = if version == 0 { mark == 0 } else { mark == file.mark };
    if !ours {
        let what = format!("{} is a SQLite file, but not our {}", path.display(), file.name);
        return Err(Fault::from_error(FaultKind::Corrupt, "store.open", what));
    }
    if version > file.steps.len() {
        let what = format!(
            "{} has schema {version}, written by a newer version of Crossdock; this one knows schemas up to {}",
            path.display(),
            file.steps.len()
        );
        return Err(Fault::from_error(FaultKind::Corrupt, "store.open", what));
    }
    // LIMIT: the memory of a step. An index over all deliveries is sorted in files, whatever the connection does afterwards; only
    // where there is no place for those is it sorted in memory, because a store that opens slowly is better than none.
    for (done, step) in file.steps.iter().enumerate().skip(version) {
        let in_files = sorting(conn, "FILE").and_then(|()| apply(conn, file, done + 1, step));
        let applied = sorting(conn, "MEMORY").and(in_files);
        let applied = applied.or_else(|_| apply(conn, file, done + 1, step));
        applied.map_err(|broken| explain(path, &broken))?;
    }
    Ok(())
}

/// Where statements keep what does not fit into the page cache.
fn sorting(conn: &Connection, place: &str) -> Result<(), Broken> {
    Ok(conn.pragma_update(None, "temp_store", place)?)
}

fn stamps(conn: &Connection) -> Result<(usize, i32), Broken> {
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let mark: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok((usize::try_from(version).unwrap_or(usize::MAX), mark))
}

fn apply(conn: &Connection, file: File, version: usize, step: &str) -> Result<(), Broken> {
    transact(conn, || {
        conn.execute_batch(step)?;
        conn.pragma_update(None, "application_id", file.mark)?;
        conn.pragma_update(None, "user_version", super::sql::len(version))?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file as the first `steps` steps leave it.
    fn old(file: File, steps: usize) -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        for (done, step) in file.steps.iter().enumerate().take(steps) {
            apply(&conn, file, done + 1, step).unwrap();
        }
        conn
    }

    /// Of two deliveries, number 7 has an answer and a lane.
    #[test]
    fn a_delivery_of_an_older_file_has_its_answer_and_its_lane_noted() {
        let conn = old(LEDGER, 2);
        let columns = "seq, id, event, part, pos, bytes_part, bytes_pos, flow, destination, on_dead, policy, origin, owner, \
                       created_at, state, attempts, round_base, round_at, epoch, behind, why, cause, version, ready, again, \
                       is_final, person";
        for seq in [7, 8] {
            let row =
                format!("{seq}, x'0{seq}', x'00', 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 5, 2, 1, 0, 5, 1, 0, '', '', 1, 0, 1, 1, 0");
            conn.execute_batch(&format!("INSERT INTO deliveries ({columns}) VALUES ({row})")).unwrap();
            let lane = format!("UPDATE deliveries SET lane_hash = 42 WHERE seq = {seq} AND seq = 7");
            conn.execute_batch(&lane).unwrap();
            let answer = if seq == 7 { "thanks" } else { "" };
            let attempt = format!("INSERT INTO attempts VALUES ({}, 5, 1, 1, 6, '', NULL, ?1, 0)", (seq << 20) + 1);
            conn.execute(&attempt, [answer.as_bytes()]).unwrap();
        }
        migrate(&conn, LEDGER, Path::new("ledger.sqlite")).unwrap();
        for noted in ["answered = 1", "ordering_hash = 42"] {
            let mut select = conn.prepare(&format!("SELECT seq FROM deliveries WHERE {noted}")).unwrap();
            let found: Vec<i64> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            assert_eq!(found, [7], "{noted}");
        }
    }

    /// Three deliveries of an older file: the correction of what stood at 4, an ordinary one in a lane, and one that is done.
    fn a_corrected_and_two_others(conn: &Connection) {
        let columns = "seq, id, event, part, pos, bytes_part, bytes_pos, flow, destination, on_dead, policy, origin, owner, \
                       created_at, state, attempts, round_base, round_at, epoch, behind, why, cause, version, ready, again, \
                       is_final, person";
        for (seq, pos, state) in [(7, 9, 1), (8, 12, 1), (9, 15, 2)] {
            let event = format!("x'0000000000000000000000000000000{seq}'");
            let row = format!(
                "{seq}, x'0{seq}', {event}, 0, {pos}, 0, {pos}, 1, 1, 0, 1, 0, 1, 5, {state}, 1, 0, 5, 1, 0, '', '', 1, 0, 1, 1, 0"
            );
            conn.execute_batch(&format!("INSERT INTO deliveries ({columns}) VALUES ({row})")).unwrap();
        }
        conn.execute_batch("UPDATE deliveries SET lane = 'a', lane_hash = 42, ordering_hash = 42 WHERE seq = 8").unwrap();
        let kept = "INSERT INTO quarantine VALUES (?1, 5, 0, 4, 's', 0, 'o', '', 'resubmitted', 2, ?2)";
        let content = r#"{"state":{"state":"resubmitted","as_event":"00000000-0000-0000-0000-000000000007"}}"#;
        conn.execute(kept, (b"1", content)).unwrap();
        conn.execute(kept, (b"2", "damaged")).unwrap();
    }

    #[test]
    fn what_was_corrected_in_an_older_file_ranks_where_its_original_came_in() {
        let conn = old(LEDGER, 7);
        a_corrected_and_two_others(&conn);
        migrate(&conn, LEDGER, Path::new("ledger.sqlite")).unwrap();
        let mut select = conn.prepare("SELECT rank_part, rank_pos FROM deliveries ORDER BY seq").unwrap();
        let ranks: Vec<(Option<i64>, Option<i64>)> =
            select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
        assert_eq!(ranks, [(Some(0), Some(4)), (None, None), (None, None)]);
        let count = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM deliveries INDEXED BY deliveries_newest WHERE ordering_hash IS NOT NULL"), 1);
        let second = "SELECT count(*) FROM deliveries INDEXED BY deliveries_newest_lane WHERE lane_hash <> ordering_hash";
        assert_eq!(count(second), 0, "what has one key is in one index");
        assert_eq!(count("SELECT count(*) FROM removed_by"), 0, "nothing was removed");
    }

    #[test]
    fn of_an_older_file_that_was_trimmed_nothing_is_known_of_before_what_is_left() {
        for (left, removed_to) in [(true, 14), (false, 30)] {
            let conn = old(LEDGER, 7);
            a_corrected_and_two_others(&conn);
            if !left {
                conn.execute_batch("DELETE FROM deliveries WHERE seq = 9").unwrap();
            }
            conn.execute_batch("INSERT INTO tallies VALUES (1, 0, 9, 500); INSERT INTO cursors VALUES ('router', 0, 30)")
                .unwrap();
            migrate(&conn, LEDGER, Path::new("ledger.sqlite")).unwrap();
            let select = "SELECT flow, destination, pos FROM removed_by WHERE part = 0";
            let found = conn.query_row(select, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
            assert_eq!(found.unwrap(), (0_i64, 0_i64, removed_to), "whatever flow and destination");
        }
    }

    /// A bucket's number in the file, which [`LEDGER_8`] names.
    #[test]
    fn what_was_delivered_is_counted_by_nine() {
        assert_eq!(model::Bucket::Done.index(), 9);
    }

    /// What was attached before stays, and of captured records nothing is known yet.
    #[test]
    fn an_older_file_takes_what_is_known_of_captured_records() {
        let conn = old(LEDGER, 5);
        conn.execute_batch("INSERT INTO later VALUES (x'01', 5, '{}', x'02', x'03')").unwrap();
        migrate(&conn, LEDGER, Path::new("ledger.sqlite")).unwrap();
        for (table, rows) in [("later", 1), ("known", 0), ("standings", 0)] {
            let found: i64 = conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
            assert_eq!(found, rows, "{table}");
        }
        let bare = "INSERT INTO known (source, model, id, hidden) VALUES (1, 2, 42, 0)";
        conn.execute_batch(bare).unwrap();
        assert!(conn.execute_batch(bare).is_err(), "one row for each record");
        conn.execute_batch("INSERT INTO standings VALUES ('odoo', 1, '{}')").unwrap();
    }

    /// What was known before was never told, as far as the new columns say.
    #[test]
    fn an_older_file_counts_from_now_on_how_often_a_record_was_told() {
        let conn = old(LEDGER, 6);
        conn.execute_batch("INSERT INTO known (source, model, id, hidden) VALUES (1, 2, 42, 0)").unwrap();
        migrate(&conn, LEDGER, Path::new("ledger.sqlite")).unwrap();
        let row = conn.query_row("SELECT told, begun FROM known", [], |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(row.unwrap(), (0, 0));
    }

    /// A ledger of the first schema knows only how far its router has come.
    #[test]
    fn the_policy_that_the_router_reached_is_in_force() {
        let conn = old(LEDGER, 1);
        conn.execute_batch("INSERT INTO partition_policies VALUES (0, 'abc')").unwrap();
        migrate(&conn, LEDGER, Path::new("ledger.sqlite")).unwrap();
        let content: String = conn.query_row("SELECT content FROM in_force", [], |row| row.get(0)).unwrap();
        assert!(content.contains(r#""number":1,"version":"abc""#), "{content}");
    }

    #[test]
    fn every_older_file_is_brought_forward_once() {
        for file in [JOURNAL, LEDGER] {
            for steps in 1..=file.steps.len() {
                let conn = old(file, steps);
                for _ in 0..2 {
                    migrate(&conn, file, Path::new(file.name)).unwrap();
                    assert_eq!(stamps(&conn).unwrap(), (file.steps.len(), file.mark), "{} from step {steps}", file.name);
                }
            }
        }
    }
}
