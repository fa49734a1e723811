//! The tables of both files as numbered steps. A step, once released, is never changed; a new one is added below it.

use std::path::Path;

use engine::ports::Clock;
use model::{Fault, FaultKind};
use rusqlite::Connection;

use super::broken::Broken;
use super::connection::{explain, transact};

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

/// `chunks` are appended at their end and trimmed from their beginning. Each holds the records of one commit, the bounds
/// of the ids of its events, and the running totals of accepted entries at its end, so that a count above a cursor reads
/// one chunk at most. `keys` hold the keys of one commit in a row.
const JOURNAL_1: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks (
  last INTEGER PRIMARY KEY, first INTEGER NOT NULL, low BLOB, high BLOB, live INTEGER NOT NULL, replay INTEGER NOT NULL,
  synthetic INTEGER NOT NULL, content BLOB NOT NULL);
CREATE INDEX chunks_event ON chunks (high, low) WHERE high IS NOT NULL;
CREATE TABLE strays (event BLOB PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX strays_place ON strays (place);
CREATE TABLE floor (
  place INTEGER NOT NULL, live INTEGER NOT NULL, replay INTEGER NOT NULL, synthetic INTEGER NOT NULL);
CREATE TABLE kept (place INTEGER PRIMARY KEY, event BLOB, content BLOB NOT NULL);
CREATE INDEX kept_event ON kept (event) WHERE event IS NOT NULL;
CREATE TABLE emitted (id BLOB PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE keys (last INTEGER PRIMARY KEY, first INTEGER NOT NULL, content BLOB NOT NULL);
CREATE TABLE segments (
  number INTEGER PRIMARY KEY, last_id INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
  dropped INTEGER NOT NULL, filter BLOB NOT NULL, starts BLOB NOT NULL);
CREATE TABLE segment_blocks (id INTEGER PRIMARY KEY, content BLOB NOT NULL);
";

/// `ready`, `is_final`, `person`, `node` and `lane_place` are what partial indexes are made of: each holds only what is
/// under way, so it stays small however many deliveries there were. The others are written at their end.
const LEDGER_1: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE deliveries (
  seq INTEGER PRIMARY KEY, id BLOB NOT NULL, event BLOB NOT NULL, part INTEGER NOT NULL, pos INTEGER NOT NULL,
  bytes_part INTEGER NOT NULL, bytes_pos INTEGER NOT NULL, flow INTEGER NOT NULL, destination INTEGER NOT NULL,
  lane TEXT, lane_hash INTEGER, on_dead INTEGER NOT NULL, policy INTEGER NOT NULL, origin INTEGER NOT NULL,
  replay BLOB, owner INTEGER NOT NULL, created_at INTEGER NOT NULL, state INTEGER NOT NULL, state_at INTEGER,
  state_who TEXT, attempts INTEGER NOT NULL, round_base INTEGER NOT NULL, round_at INTEGER NOT NULL,
  deadline INTEGER, epoch INTEGER NOT NULL, node INTEGER, life INTEGER, started_at INTEGER, behind INTEGER NOT NULL, output BLOB,
  why TEXT NOT NULL, cause TEXT NOT NULL, version INTEGER NOT NULL, ready INTEGER NOT NULL, again INTEGER NOT NULL,
  is_final INTEGER NOT NULL, person INTEGER NOT NULL, lane_place INTEGER);
CREATE UNIQUE INDEX deliveries_id ON deliveries (id);
CREATE INDEX deliveries_event ON deliveries (event);
CREATE INDEX deliveries_age ON deliveries (created_at, id);
CREATE INDEX deliveries_ready ON deliveries (destination, flow, again, state_at) WHERE ready = 1;
CREATE INDEX deliveries_deadline ON deliveries (deadline) WHERE state = 0 AND deadline IS NOT NULL;
CREATE INDEX deliveries_lane ON deliveries (lane_hash, lane_place) WHERE lane_place IS NOT NULL;
CREATE INDEX deliveries_leased ON deliveries (node) WHERE node IS NOT NULL;
CREATE INDEX deliveries_open ON deliveries (bytes_part, bytes_pos) WHERE is_final = 0;
CREATE INDEX deliveries_final ON deliveries (created_at, id) WHERE is_final = 1;
CREATE INDEX deliveries_person ON deliveries (created_at, id) WHERE person = 1;
CREATE INDEX deliveries_cause ON deliveries (state, flow, destination, cause, state_who, created_at, id) WHERE person = 1;
CREATE INDEX deliveries_replay ON deliveries (replay, state) WHERE replay IS NOT NULL;
CREATE TABLE attempts (
  id INTEGER PRIMARY KEY, started_at INTEGER NOT NULL, node INTEGER NOT NULL, life INTEGER NOT NULL,
  ended_at INTEGER NOT NULL, outcome TEXT NOT NULL, output BLOB, response BLOB NOT NULL, response_cut INTEGER NOT NULL);
CREATE TABLE feed (last INTEGER PRIMARY KEY, first INTEGER NOT NULL, at INTEGER NOT NULL, content BLOB NOT NULL);
CREATE TABLE tallies (
  kind INTEGER NOT NULL, origin INTEGER NOT NULL, bucket INTEGER NOT NULL, entries INTEGER NOT NULL,
  PRIMARY KEY (kind, origin, bucket)) WITHOUT ROWID;
CREATE TABLE cursors (
  consumer TEXT NOT NULL, part INTEGER NOT NULL, pos INTEGER NOT NULL, PRIMARY KEY (consumer, part)) WITHOUT ROWID;
CREATE TABLE lives (node TEXT PRIMARY KEY, life INTEGER NOT NULL, seen_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE shards (shard TEXT PRIMARY KEY, node TEXT NOT NULL, life INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE policies (version TEXT PRIMARY KEY, at INTEGER NOT NULL, files TEXT NOT NULL);
CREATE TABLE partition_policies (part INTEGER PRIMARY KEY, version TEXT NOT NULL);
CREATE TABLE quarantine (
  event BLOB PRIMARY KEY, at INTEGER NOT NULL, part INTEGER NOT NULL, pos INTEGER NOT NULL, source TEXT NOT NULL,
  origin INTEGER NOT NULL, owner TEXT NOT NULL, code TEXT NOT NULL, state TEXT NOT NULL, version INTEGER NOT NULL,
  content TEXT NOT NULL);
CREATE INDEX quarantine_age ON quarantine (at, event);
CREATE INDEX quarantine_open ON quarantine (part, pos) WHERE state = 'open';
CREATE INDEX quarantine_cause ON quarantine (source, owner, code, at, event) WHERE state = 'open';
CREATE TABLE replays (
  id BLOB PRIMARY KEY, created_at INTEGER NOT NULL, state TEXT NOT NULL, version INTEGER NOT NULL, content TEXT NOT NULL);
CREATE INDEX replays_age ON replays (created_at, id);
CREATE INDEX replays_running ON replays (id) WHERE state = 'running';
CREATE TABLE members (
  replay BLOB NOT NULL, no INTEGER NOT NULL, part INTEGER NOT NULL, pos INTEGER NOT NULL, is_sent INTEGER NOT NULL,
  content TEXT NOT NULL, PRIMARY KEY (replay, no)) WITHOUT ROWID;
CREATE INDEX members_needed ON members (replay, part, pos) WHERE is_sent = 1;
CREATE TABLE emissions (
  seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, part INTEGER NOT NULL, policy TEXT NOT NULL, waiting INTEGER NOT NULL,
  needs_part INTEGER, needs_pos INTEGER, head BLOB NOT NULL, body BLOB NOT NULL);
CREATE INDEX emissions_waiting ON emissions (seq) WHERE waiting = 1;
CREATE INDEX emissions_needed ON emissions (needs_part, needs_pos) WHERE needs_pos IS NOT NULL;
CREATE TABLE seen (id BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE breakers (destination TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE switches (object TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tokens (id BLOB PRIMARY KEY, digest BLOB NOT NULL, content TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX tokens_digest ON tokens (digest);
CREATE TABLE audit (id BLOB PRIMARY KEY, at INTEGER NOT NULL, subject TEXT NOT NULL, content TEXT NOT NULL);
CREATE INDEX audit_age ON audit (at, id);
CREATE INDEX audit_subject ON audit (subject, at, id);
CREATE TABLE words (last INTEGER PRIMARY KEY, first INTEGER NOT NULL, at INTEGER NOT NULL, content BLOB NOT NULL);
CREATE TABLE segments (
  number INTEGER PRIMARY KEY, last_id INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
  dropped INTEGER NOT NULL, filter BLOB NOT NULL, starts BLOB NOT NULL);
CREATE TABLE segment_blocks (id INTEGER PRIMARY KEY, content BLOB NOT NULL);
";

/// Writes by their keys, and the last application of a policy in one row: that which the router has reached, where there is
/// one already.
const LEDGER_2: &str = r#"
CREATE TABLE keyed (id BLOB PRIMARY KEY, begun_at INTEGER NOT NULL, turn INTEGER NOT NULL, content TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX keyed_age ON keyed (begun_at, id);
CREATE TABLE in_force (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL, content TEXT NOT NULL);
INSERT INTO in_force (one, number, content)
  SELECT 1, 1, '{"number":1,"version":"' || version || '","by":"crossdock","why":"","at":"1970-01-01T00:00:00Z"}'
  FROM partition_policies ORDER BY part LIMIT 1;
"#;

/// Ids of emitted entries are forgotten by their age, in the order of their records.
const JOURNAL_2: &str = "
ALTER TABLE emitted ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX emitted_place ON emitted (place);
";

/// What is over goes by its age: answers before their rows (`answered` says that an attempt has one that is not let go), what
/// people settled, replays that have ended, and what is remembered of emitted entries.
const LEDGER_3: &str = "
ALTER TABLE deliveries ADD COLUMN answered INTEGER NOT NULL DEFAULT 0;
UPDATE deliveries SET answered = 1 WHERE seq IN (SELECT id >> 20 FROM attempts WHERE length(response) > 0);
DROP INDEX deliveries_final;
CREATE INDEX deliveries_final ON deliveries (answered, created_at, id) WHERE is_final = 1;
CREATE INDEX quarantine_settled ON quarantine (at, event) WHERE state <> 'open';
CREATE INDEX replays_ended ON replays (created_at, id) WHERE state <> 'running';
ALTER TABLE emissions ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX emissions_over ON emissions (at) WHERE waiting = 0 AND needs_pos IS NULL;
ALTER TABLE seen ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX seen_age ON seen (at);
";

/// By what the newest delivery of a key is found: the hash of its lane or of its ordering key. No update names a column of
/// this index, so a delivery pays for it once. It stands by periods of so many deliveries: hashes are random, and one index over
/// all of them would be written everywhere, the slower the larger it is. What was unordered before has none.
const LEDGER_4: &str = "
ALTER TABLE deliveries ADD COLUMN ordering TEXT;
ALTER TABLE deliveries ADD COLUMN ordering_hash INTEGER;
UPDATE deliveries SET ordering_hash = lane_hash WHERE lane_hash IS NOT NULL;
CREATE INDEX deliveries_newest ON deliveries (seq >> 18, ordering_hash, bytes_part, bytes_pos)
  WHERE ordering_hash IS NOT NULL;
";

/// What is attached to quarantined events, apart from their rows, so that a page of these reads no bodies. `summary` is what the
/// row says of it.
const LEDGER_5: &str = "
CREATE TABLE later (
  event BLOB PRIMARY KEY, at INTEGER NOT NULL, summary TEXT NOT NULL, head BLOB NOT NULL, body BLOB NOT NULL);
CREATE INDEX later_age ON later (at, event);
";

/// What is known of records of captured models, in the order in which ranges of ids are counted, and how far each capture is.
/// `source` and `model` are numbers of names, so that a row is hardly longer than its digest.
const LEDGER_6: &str = "
CREATE TABLE known (
  source INTEGER NOT NULL, model INTEGER NOT NULL, id INTEGER NOT NULL, written_at INTEGER, state TEXT, digest BLOB,
  hidden INTEGER NOT NULL, PRIMARY KEY (source, model, id)) WITHOUT ROWID;
CREATE TABLE standings (source TEXT PRIMARY KEY, version INTEGER NOT NULL, content TEXT NOT NULL);
";

/// How often a record was told, and whether once more was begun. What was known before begins at nought: keys of the journal count
/// on from there.
const LEDGER_7: &str = "
ALTER TABLE known ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE known ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
";

/// A record is routed by the policy that it names: there is none of a partition. States rank by where they came in, which is not where
/// a corrected one has its bytes: `rank_part` and `rank_pos` say so where the two differ. `ordering_hash` is of the ordering key, or of
/// the lane where there is none; a lane that is not the ordering key has an index of its own. `removed` holds the last rank of
/// which retention has removed something delivered: of an older file it is what comes before the oldest that is left and went at its
/// first turn, for a replay and a late retry are done long after what was removed.
const LEDGER_8: &str = "
ALTER TABLE deliveries ADD COLUMN rank_part INTEGER;
ALTER TABLE deliveries ADD COLUMN rank_pos INTEGER;
UPDATE deliveries SET rank_part = corrected.part, rank_pos = corrected.pos FROM
  (SELECT part, pos, unhex(replace(CASE WHEN json_valid(content) THEN json_extract(content, '$.state.as_event') END, '-', '')) AS event
    FROM quarantine
    WHERE state = 'resubmitted') AS corrected
  WHERE deliveries.event = corrected.event;
DROP INDEX deliveries_newest;
CREATE INDEX deliveries_newest ON deliveries
  (seq >> 18, ordering_hash, coalesce(rank_part, bytes_part), coalesce(rank_pos, bytes_pos)) WHERE ordering_hash IS NOT NULL;
CREATE INDEX deliveries_newest_lane ON deliveries
  (seq >> 18, lane_hash, coalesce(rank_part, bytes_part), coalesce(rank_pos, bytes_pos)) WHERE lane_hash <> ordering_hash;
CREATE TABLE removed (part INTEGER PRIMARY KEY, pos INTEGER NOT NULL);
INSERT INTO removed (part, pos)
  SELECT part, coalesce((SELECT max(old.pos) - 1 FROM (SELECT pos FROM deliveries WHERE state = 2 AND replay IS NULL AND round_base = 0
    AND deliveries.part = cursors.part ORDER BY seq LIMIT 1) AS old), pos)
  FROM cursors WHERE consumer = 'router' AND EXISTS (SELECT 1 FROM tallies WHERE kind = 1 AND bucket = 9 AND entries > 0);
DROP TABLE partition_policies;
";

/// What was removed, by flow and destination: what went elsewhere says nothing of what waits here. What was noted before counts for
/// each, under the number that no name has.
const LEDGER_9: &str = "
CREATE TABLE removed_by (
  part INTEGER NOT NULL, flow INTEGER NOT NULL, destination INTEGER NOT NULL, pos INTEGER NOT NULL,
  PRIMARY KEY (part, flow, destination)) WITHOUT ROWID;
INSERT INTO removed_by (part, flow, destination, pos) SELECT part, 0, 0, pos FROM removed;
DROP TABLE removed;
";

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
