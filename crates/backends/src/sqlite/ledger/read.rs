//! What rooms ask of the ledger's file, on a reader's connection.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use engine::ports::{Life, Readable, Shard};
use model::account::ROUTER;
use model::change::Switch;
use model::limit::READ_BYTES_MAX;
use model::{
    Account, Bucket, Delivery, DestinationName, Digest, Entry, NewEntry, NodeName, Offset, Partition, PolicyVersion,
    QuarantineRow, Replay, ReplayId, ReplayMember, Timestamp, Token,
};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::connection::snapshot;
use super::super::sql::{at, count, int, len, statements};
use super::beside::parse;
use super::names::NameTexts;
use super::quarantine::bucket as quarantine_bucket;
use super::rows::{columns, decode, origin, state_word, unreadable};
use super::state::load_tallies;
use super::trim::bucket;

statements! {
    ORPHANS = concat!("SELECT ", columns!(), ", (SELECT name FROM names WHERE names.id = deliveries.node) AS node_name
        FROM deliveries WHERE node IS NOT NULL ORDER BY node_name, seq");
    LIVES = "SELECT node, life, seen_at FROM lives";
    CURSOR = "SELECT pos FROM cursors WHERE consumer = $1 AND part = $2";
    CURSORS = "SELECT part, pos FROM cursors WHERE consumer = $1 ORDER BY part";
    POLICY = "SELECT files FROM policies WHERE version = $1";
    SEEN = "SELECT 1 FROM seen WHERE id = $1";
    OUTBOX = "SELECT id, part, policy, head, body FROM emissions WHERE waiting = 1 ORDER BY seq";
    REPLAYS_RUNNING = "SELECT id, content FROM replays WHERE state = 'running' ORDER BY id";
    REPLAY = "SELECT content FROM replays WHERE id = $1";
    MEMBERS = "SELECT content FROM members WHERE replay = $1 AND no >= $2 ORDER BY no LIMIT $3";
    PROGRESS = "SELECT state, count(*) FROM deliveries WHERE replay = $1 GROUP BY state";
    BREAKERS = "SELECT destination, state FROM breakers ORDER BY destination";
    SWITCHES = "SELECT object, content FROM switches ORDER BY object";
    SHARDS = "SELECT s.shard, s.node, s.life, coalesce(l.seen_at, 0) FROM shards s LEFT JOIN lives l ON l.node = s.node
        ORDER BY s.shard";
    LIFE = "SELECT life, seen_at FROM lives WHERE node = $1";
    TOKEN = "SELECT content FROM tokens WHERE digest = $1";
    TOKENS = "SELECT content FROM tokens ORDER BY id";
    COUNT_DELIVERIES = "SELECT origin, state, count(*) FROM deliveries GROUP BY origin, state";
    COUNT_QUARANTINE = "SELECT content FROM quarantine";
    NEEDED_DELIVERIES = "SELECT bytes_pos FROM deliveries WHERE is_final = 0 AND bytes_part = $1 AND bytes_pos > $2
        AND bytes_pos <= $3";
    NEEDED_QUARANTINE = "SELECT pos FROM quarantine WHERE state = 'open' AND part = $1 AND pos > $2 AND pos <= $3";
    NEEDED_MEMBERS = "SELECT m.pos FROM replays r JOIN members m ON m.replay = r.id WHERE r.state = 'running'
        AND m.is_sent = 1 AND m.part = $1 AND m.pos > $2 AND m.pos <= $3";
    NEEDED_EMISSIONS = "SELECT needs_pos FROM emissions WHERE needs_pos IS NOT NULL AND needs_part = $1
        AND needs_pos > $2 AND needs_pos <= $3";
}

/// Deliveries leased by a life that is over.
pub(super) fn orphans(
    conn: &Connection,
    names: &NameTexts,
    stale_before: Timestamp,
    limit: usize,
) -> Result<Readable<Delivery>, Broken> {
    snapshot(conn, || {
        let mut lives: BTreeMap<NodeName, (u64, Timestamp)> = BTreeMap::new();
        let mut statement = conn.prepare_cached(LIVES)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let node: String = row.get(0)?;
            lives.insert(node.parse().map_err(Broken::corrupt)?, (count(row.get(1)?), at(row.get(2)?)));
        }
        let mut orphans = Readable::default();
        let mut statement = conn.prepare_cached(ORPHANS)?;
        let mut rows = statement.query([])?;
        while let (Some(row), true) = (rows.next()?, orphans.rows.len() < limit) {
            let delivery = match decode(row, names) {
                Ok(row) => row.delivery,
                Err(broken) => {
                    orphans.unreadable.push(unreadable(row, &broken));
                    continue;
                }
            };
            let Some(lease) = &delivery.lease else { continue };
            let life = lives.get(&lease.node);
            if life.is_none_or(|(life, seen_at)| lease.incarnation < *life || *seen_at < stale_before) {
                orphans.rows.push(delivery);
            }
        }
        Ok(orphans)
    })
}

/// Where a consumer stands.
pub(super) fn cursor(conn: &Connection, consumer: &str, partition: Partition) -> Result<Offset, Broken> {
    let mut statement = conn.prepare_cached(CURSOR)?;
    let pos: Option<i64> = statement.query_row(params![consumer, partition.0], |row| row.get(0)).optional()?;
    Ok(Offset(count(pos.unwrap_or(0))))
}

/// The text of a policy.
pub(super) fn policy(conn: &Connection, version: PolicyVersion) -> Result<Option<Vec<(String, String)>>, Broken> {
    text(conn, POLICY, [version.to_string()])?.map(|files| parse(&files)).transpose()
}

/// The version that a text names.
pub(super) fn policy_version(text: &str) -> Result<PolicyVersion, Broken> {
    Ok(PolicyVersion(text.parse::<Digest>().map_err(Broken::corrupt)?))
}

/// Which of these a consumer has seen.
pub(super) fn seen(conn: &Connection, ids: Vec<Uuid>) -> Result<Vec<Uuid>, Broken> {
    snapshot(conn, || {
        let mut known = Vec::new();
        let mut statement = conn.prepare_cached(SEEN)?;
        for id in ids {
            if statement.exists([id.into_bytes()])? {
                known.push(id);
            }
        }
        Ok(known)
    })
}

/// Entries to append, oldest first.
pub(super) fn outbox(conn: &Connection, limit: usize) -> Result<Readable<NewEntry>, Broken> {
    let mut waiting = Readable::default();
    let mut statement = conn.prepare_cached(OUTBOX)?;
    let mut rows = statement.query([])?;
    let mut bytes = 0;
    while let (Some(row), true) = (rows.next()?, waiting.rows.len() < limit) {
        bytes += 1 + row.get_ref(4)?.as_blob().map_or(0, <[u8]>::len);
        if bytes > READ_BYTES_MAX && !waiting.rows.is_empty() {
            break;
        }
        match emission(row) {
            Ok(entry) => waiting.rows.push(entry),
            Err(broken) => name(&mut waiting.unreadable, format!("{}: {broken}", id_of("emitted entry", row))),
        }
    }
    Ok(waiting)
}

fn emission(row: &Row<'_>) -> Result<NewEntry, Broken> {
    let policy: String = row.get(2)?;
    let head = row.get_ref(3)?.as_blob().map_err(Broken::corrupt)?;
    let entry = Entry::decode(head, Bytes::from(row.get::<_, Vec<u8>>(4)?)).map_err(Broken::corrupt)?;
    let emitted = Some(Uuid::from_bytes(row.get(0)?));
    Ok(NewEntry { partition: Partition(row.get(1)?), policy: policy_version(&policy)?, emitted, entry })
}

/// Replays that are running.
pub(super) fn replays_running(conn: &Connection) -> Result<Readable<Replay>, Broken> {
    let mut running = Readable::default();
    let mut statement = conn.prepare_cached(REPLAYS_RUNNING)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let content = row.get_ref(1)?.as_str().map_err(Broken::corrupt);
        match content.and_then(parse) {
            Ok(replay) => running.rows.push(replay),
            Err(broken) => name(&mut running.unreadable, format!("{}: {broken}", id_of("replay", row))),
        }
    }
    Ok(running)
}

/// LIMIT: rows that one answer names as unreadable; a person who looks finds the others.
const UNREADABLE_MAX: usize = 100;

/// Names a row that cannot be read, while there is room.
pub(super) fn name(unreadable: &mut Vec<String>, what: String) {
    if unreadable.len() < UNREADABLE_MAX {
        unreadable.push(what);
    }
}

/// A row by the id in its first column, if that can be read.
fn id_of(kind: &str, row: &Row<'_>) -> String {
    row.get(0).map_or_else(|_| format!("{kind} without an id"), |id| format!("{kind} {}", Uuid::from_bytes(id)))
}

/// A replay.
pub(super) fn replay(conn: &Connection, id: ReplayId) -> Result<Option<Replay>, Broken> {
    text(conn, REPLAY, [id.bytes()])?.map(|row| parse(&row)).transpose()
}

/// Members of a replay from an index on.
pub(super) fn members(conn: &Connection, id: ReplayId, from: u32, limit: usize) -> Result<Vec<ReplayMember>, Broken> {
    texts(conn, MEMBERS, params![id.bytes(), from, len(limit)])?.iter().map(|row| parse(row)).collect()
}

/// How many deliveries of a replay are in which state, by its word.
pub(super) fn replay_progress(conn: &Connection, id: ReplayId) -> Result<Vec<(String, u64)>, Broken> {
    let mut counts = BTreeMap::new();
    let mut statement = conn.prepare_cached(PROGRESS)?;
    let mut rows = statement.query([id.bytes()])?;
    while let Some(row) = rows.next()? {
        counts.insert(state_word(row.get(0)?)?.to_owned(), count(row.get(1)?));
    }
    Ok(counts.into_iter().collect())
}

/// All breakers.
pub(super) fn breakers(conn: &Connection) -> Result<Vec<(DestinationName, String)>, Broken> {
    let pairs = pairs(conn, BREAKERS)?;
    pairs.into_iter().map(|(name, state)| Ok((name.parse().map_err(Broken::corrupt)?, state))).collect()
}

/// All switches.
pub(super) fn switches(conn: &Connection) -> Result<Vec<(String, Switch)>, Broken> {
    pairs(conn, SWITCHES)?.into_iter().map(|(object, switch)| Ok((object, parse(&switch)?))).collect()
}

/// The holder of each shard.
pub(super) fn shards(conn: &Connection) -> Result<Vec<Shard>, Broken> {
    let mut shards = Vec::new();
    let mut statement = conn.prepare_cached(SHARDS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let node: String = row.get(1)?;
        shards.push(Shard {
            shard: row.get(0)?,
            node: node.parse().map_err(Broken::corrupt)?,
            incarnation: count(row.get(2)?),
            seen_at: at(row.get(3)?),
        });
    }
    Ok(shards)
}

/// The latest life of a node.
pub(super) fn life(conn: &Connection, node: &str) -> Result<Option<Life>, Broken> {
    let read = |row: &Row<'_>| Ok(Life { incarnation: count(row.get(0)?), seen_at: at(row.get(1)?) });
    Ok(conn.prepare_cached(LIFE)?.query_row([node], read).optional()?)
}

/// A token by the digest of its text.
pub(super) fn token(conn: &Connection, digest: Digest) -> Result<Option<Token>, Broken> {
    text(conn, TOKEN, [digest.0])?.map(|token| parse(&token)).transpose()
}

/// All tokens.
pub(super) fn tokens(conn: &Connection) -> Result<Vec<Token>, Broken> {
    texts(conn, TOKENS, [])?.iter().map(|token| parse(token)).collect()
}

/// The counters and the router's cursors.
pub(super) fn account(conn: &Connection) -> Result<Account, Broken> {
    snapshot(conn, || {
        let [tallies, _] = load_tallies(conn)?;
        Ok(Account { tallies, routed_to: router_cursors(conn)? })
    })
}

/// The same, counted anew from the rows. What routing counted has no rows of its own and is taken as it stands.
pub(super) fn recount(conn: &Connection) -> Result<Account, Broken> {
    snapshot(conn, || {
        let [counted, mut tallies] = load_tallies(conn)?;
        for (tally, counted) in tallies.iter_mut().zip(counted) {
            tally.0[Bucket::Routed.index()] = counted.get(Bucket::Routed);
            tally.0[Bucket::Unselected.index()] = counted.get(Bucket::Unselected);
        }
        let mut statement = conn.prepare_cached(COUNT_DELIVERIES)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let tally = &mut tallies[origin(row.get(0)?)?.index()].0;
            let deliveries = count(row.get(2)?);
            tally[Bucket::Created.index()] += deliveries;
            tally[bucket(row.get(1)?)?.index()] += deliveries;
        }
        for row in texts(conn, COUNT_QUARANTINE, [])? {
            let row: QuarantineRow = parse(&row)?;
            tallies[row.origin.index()].0[quarantine_bucket(&row.state).index()] += 1;
        }
        Ok(Account { tallies, routed_to: router_cursors(conn)? })
    })
}

fn router_cursors(conn: &Connection) -> Result<Vec<(Partition, Offset)>, Broken> {
    let mut statement = conn.prepare_cached(CURSORS)?;
    let cursors = statement.query_map([ROUTER], |row| Ok((Partition(row.get(0)?), Offset(count(row.get(1)?)))))?;
    Ok(cursors.collect::<Result<_, _>>()?)
}

/// Offsets whose bytes are still needed.
pub(super) fn needed(conn: &Connection, partition: Partition, from: Offset, to: Offset) -> Result<Vec<Offset>, Broken> {
    snapshot(conn, || {
        let mut offsets = BTreeSet::new();
        for sql in [NEEDED_DELIVERIES, NEEDED_QUARANTINE, NEEDED_MEMBERS, NEEDED_EMISSIONS] {
            let mut statement = conn.prepare_cached(sql)?;
            let mut rows = statement.query([i64::from(partition.0), int(from.0), int(to.0)])?;
            while let Some(row) = rows.next()? {
                offsets.insert(Offset(count(row.get(0)?)));
            }
        }
        Ok(offsets.into_iter().collect())
    })
}

/// The only column of the only row.
fn text(conn: &Connection, sql: &str, values: impl Params) -> Result<Option<String>, Broken> {
    Ok(conn.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?)
}

/// The only column of all rows.
pub(super) fn texts(conn: &Connection, sql: &str, values: impl Params) -> Result<Vec<String>, Broken> {
    let mut statement = conn.prepare_cached(sql)?;
    let texts = statement.query_map(values, |row| row.get(0))?;
    Ok(texts.collect::<Result<_, _>>()?)
}

fn pairs(conn: &Connection, sql: &str) -> Result<Vec<(String, String)>, Broken> {
    let mut statement = conn.prepare_cached(sql)?;
    let pairs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(pairs.collect::<Result<_, _>>()?)
}
