//! The statements of each step. A step, once released, is never changed; a new one is added below those of its file.

/// `chunks` are appended at their end and trimmed from their beginning. Each holds the records of one commit, the bounds
/// of the ids of its events, and the running totals of accepted entries at its end, so that a count above a cursor reads
/// one chunk at most. `keys` hold the keys of one commit in a row.
pub(super) const JOURNAL_1: &str = "
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
pub(super) const LEDGER_1: &str = "
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
pub(super) const LEDGER_2: &str = r#"
CREATE TABLE keyed (id BLOB PRIMARY KEY, begun_at INTEGER NOT NULL, turn INTEGER NOT NULL, content TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX keyed_age ON keyed (begun_at, id);
CREATE TABLE in_force (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL, content TEXT NOT NULL);
INSERT INTO in_force (one, number, content)
  SELECT 1, 1, '{"number":1,"version":"' || version || '","by":"crossdock","why":"","at":"1970-01-01T00:00:00Z"}'
  FROM partition_policies ORDER BY part LIMIT 1;
"#;

/// Ids of emitted entries are forgotten by their age, in the order of their records.
pub(super) const JOURNAL_2: &str = "
ALTER TABLE emitted ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX emitted_place ON emitted (place);
";

/// What is over goes by its age: answers before their rows (`answered` says that an attempt has one that is not let go), what
/// people settled, replays that have ended, and what is remembered of emitted entries.
pub(super) const LEDGER_3: &str = "
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
pub(super) const LEDGER_4: &str = "
ALTER TABLE deliveries ADD COLUMN ordering TEXT;
ALTER TABLE deliveries ADD COLUMN ordering_hash INTEGER;
UPDATE deliveries SET ordering_hash = lane_hash WHERE lane_hash IS NOT NULL;
CREATE INDEX deliveries_newest ON deliveries (seq >> 18, ordering_hash, bytes_part, bytes_pos)
  WHERE ordering_hash IS NOT NULL;
";

/// What is attached to quarantined events, apart from their rows, so that a page of these reads no bodies. `summary` is what the
/// row says of it.
pub(super) const LEDGER_5: &str = "
CREATE TABLE later (
  event BLOB PRIMARY KEY, at INTEGER NOT NULL, summary TEXT NOT NULL, head BLOB NOT NULL, body BLOB NOT NULL);
CREATE INDEX later_age ON later (at, event);
";

/// What is known of records of captured models, in the order in which ranges of ids are counted, and how far each capture is.
/// `source` and `model` are numbers of names, so that a row is hardly longer than its digest.
pub(super) const LEDGER_6: &str = "
CREATE TABLE known (
  source INTEGER NOT NULL, model INTEGER NOT NULL, id INTEGER NOT NULL, written_at INTEGER, state TEXT, digest BLOB,
  hidden INTEGER NOT NULL, PRIMARY KEY (source, model, id)) WITHOUT ROWID;
CREATE TABLE standings (source TEXT PRIMARY KEY, version INTEGER NOT NULL, content TEXT NOT NULL);
";

/// How often a record was told, and whether once more was begun. What was known before begins at nought: keys of the journal count
/// on from there.
pub(super) const LEDGER_7: &str = "
ALTER TABLE known ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE known ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
";

/// A record is routed by the policy that it names: there is none of a partition. States rank by where they came in, which is not where
/// a corrected one has its bytes: `rank_part` and `rank_pos` say so where the two differ. `ordering_hash` is of the ordering key, or of
/// the lane where there is none; a lane that is not the ordering key has an index of its own. `removed` holds the last rank of
/// which retention has removed something delivered: of an older file it is what comes before the oldest that is left and went at its
/// first turn, for a replay and a late retry are done long after what was removed.
pub(super) const LEDGER_8: &str = "
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
pub(super) const LEDGER_9: &str = "
CREATE TABLE removed_by (
  part INTEGER NOT NULL, flow INTEGER NOT NULL, destination INTEGER NOT NULL, pos INTEGER NOT NULL,
  PRIMARY KEY (part, flow, destination)) WITHOUT ROWID;
INSERT INTO removed_by (part, flow, destination, pos) SELECT part, 0, 0, pos FROM removed;
DROP TABLE removed;
";
