//! Changes of what stands beside deliveries: emissions, policies, replays, switches, tokens, audit, lives. Those of the
//! quarantine and of what is known are in files of their own.

use model::audit::version_of_tokens;
use model::limit::TRIM_ROWS_MAX;
use model::{
    Change, Digest, Entry, Guard, InForce, KeyedWrite, NewEntry, NodeName, Principal, Replay, ReplayId, ReplayMember,
    ReplayState, Timestamp, Token,
};
use rusqlite::{Connection, OptionalExtension as _, ToSql, params};
use serde::Serialize;
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::sql::{count, int, len, statements};
use super::known::STANDING_VERSION;
use super::state::Life;
use super::step::Step;

statements! {
    EMIT = "INSERT INTO emissions (seq, id, part, policy, waiting, needs_part, needs_pos, head, body, at)
        VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";
    EMITTED = "UPDATE emissions SET waiting = 0, head = x'', body = x'', at = $2 WHERE id = $1 AND waiting = 1";
    SEE = "INSERT INTO seen (id, at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
    SEEN = "UPDATE emissions SET needs_part = NULL, needs_pos = NULL WHERE id = $1 AND needs_pos IS NOT NULL";
    IS_SEEN = "SELECT 1 FROM seen WHERE id = $1";
    PUT_POLICY = "INSERT INTO policies (version, at, files) VALUES ($1, $2, $3) ON CONFLICT (version) DO NOTHING";
    PUT_BREAKER = "INSERT INTO breakers (destination, state) VALUES ($1, $2)
        ON CONFLICT (destination) DO UPDATE SET state = $2";
    PUT_SWITCH = "INSERT INTO switches (object, content) VALUES ($1, $2) ON CONFLICT (object) DO UPDATE SET content = $2";
    PUT_REPLAY = "INSERT INTO replays (id, created_at, state, version, content) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO NOTHING";
    PUT_MEMBER = "INSERT INTO members (replay, no, part, pos, is_sent, content) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (replay, no) DO UPDATE SET part = $3, pos = $4, is_sent = $5, content = $6";
    REPLAY_VERSION = "SELECT version FROM replays WHERE id = $1";
    MOVE_REPLAY = "UPDATE replays SET created_at = $2, state = $3, version = $4, content = $5 WHERE id = $1";
    RUNNING_REPLAY = "SELECT content FROM replays WHERE id = $1 AND state = 'running'";
    CANCEL_UNREAD = "UPDATE replays SET state = 'cancelled', version = version + 1 WHERE id = $1";
    PUT_TOKEN = "INSERT INTO tokens (id, digest, content) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET digest = $2, content = $3";
    PUT_AUDIT = "INSERT INTO audit (id, at, subject, content) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING";
    PUT_IN_FORCE = "INSERT INTO in_force (one, number, content) VALUES (1, $1, $2)
        ON CONFLICT (one) DO UPDATE SET number = $1, content = $2";
    IN_FORCE = "SELECT content FROM in_force";
    IN_FORCE_NUMBER = "SELECT number FROM in_force";
    PUT_KEYED = "INSERT INTO keyed (id, begun_at, turn, content) VALUES ($1, $2, $3, $4)
        ON CONFLICT (id) DO UPDATE SET begun_at = $2, turn = $3, content = $4";
    FORGET_KEYED = "DELETE FROM keyed WHERE id IN
        (SELECT id FROM keyed WHERE begun_at < $1 ORDER BY begun_at, id LIMIT $2)";
    KEYED = "SELECT content FROM keyed WHERE id = $1";
    KEYED_TURN = "SELECT turn FROM keyed WHERE id = $1";
    COUNT_KEYED = "SELECT count(*) FROM keyed WHERE id BETWEEN $1 AND $2";
    TOKENS = "SELECT content FROM tokens";
    TAKE_SHARD = "INSERT INTO shards (shard, node, life) VALUES ($1, $2, $3)
        ON CONFLICT (shard) DO UPDATE SET node = $2, life = $3";
}

impl Step<'_> {
    /// Applies one of them. The changes of deliveries are applied elsewhere.
    pub(super) fn apply_beside(&mut self, change: &Change) -> Result<(), Broken> {
        match change {
            Change::Quarantine(row) => self.quarantine(row),
            Change::QuarantineMove { event, state } => self.quarantine_move(*event, state),
            Change::Attach { to, at, later } => self.attach(*to, *at, later),
            Change::Emit { id, partition, policy, entry } => {
                self.emit(&NewEntry { partition: *partition, policy: *policy, emitted: Some(*id), entry: (**entry).clone() })
            }
            Change::Emitted { id } => self.write(EMITTED, params![id.into_bytes(), self.now.micros()]).map(drop),
            Change::See { id } => {
                self.write(SEE, params![id.into_bytes(), self.now.micros()])?;
                self.write(SEEN, params![id.into_bytes()]).map(drop)
            }
            Change::StorePolicy { version, files, at } => {
                self.write(PUT_POLICY, params![version.to_string(), at.micros(), json(files)?]).map(drop)
            }
            Change::PutInForce(last) => self.write(PUT_IN_FORCE, params![int(last.number), json(last)?]).map(drop),
            Change::PutKeyed(write) => {
                let row = params![write.id.0, write.begun_at.micros(), int(write.turn), json(write)?];
                self.write(PUT_KEYED, row).map(drop)
            }
            Change::ForgetKeyed { before } => {
                self.write(FORGET_KEYED, params![before.micros(), len(TRIM_ROWS_MAX)]).map(drop)
            }
            Change::Know { source, model, rows } => self.know(source, model, rows),
            Change::Forget { source, model, ids } => self.forget(source, model, ids),
            Change::Stand { source, text } => self.stand(source, text),
            Change::Breaker { destination, state } => {
                self.write(PUT_BREAKER, params![destination.as_str(), state]).map(drop)
            }
            Change::Switch { object, switch } => self.write(PUT_SWITCH, params![object, json(switch)?]).map(drop),
            Change::Replay { replay, members } => self.replay(replay, members),
            Change::ReplayMove(replay) => self.replay_move(replay),
            Change::CancelReplay { replay, by } => self.cancel_replay(*replay, by),
            Change::PutToken(token) => {
                self.write(PUT_TOKEN, params![token.id.bytes(), token.digest.0, json(token)?]).map(drop)
            }
            Change::Audit(row) => {
                self.write(PUT_AUDIT, params![row.id.bytes(), row.at.micros(), row.subject, json(row)?]).map(drop)
            }
            Change::Heartbeat { node, incarnation, at } => self.heartbeat(node, *incarnation, *at),
            Change::TakeShard { shard, node, incarnation } => {
                self.write(TAKE_SHARD, params![shard, node.as_str(), int(*incarnation)]).map(drop)
            }
            Change::Open { .. }
            | Change::Claim { .. }
            | Change::Settle { .. }
            | Change::Move { .. }
            | Change::Expire { .. }
            | Change::Count { .. }
            | Change::Index { .. } => Ok(()),
        }
    }

    /// Whether a guard about one of them holds. The others are checked elsewhere.
    pub(super) fn holds_beside(&self, guard: &Guard) -> Result<bool, Broken> {
        let number = |sql, id: &[&dyn ToSql]| -> Result<u64, Broken> {
            let found: Option<i64> = self.conn.prepare_cached(sql)?.query_row(id, |row| row.get(0)).optional()?;
            Ok(found.map_or(0, count))
        };
        match guard {
            Guard::KeyedTurn { write, turn } => Ok(number(KEYED_TURN, params![write.0])? == *turn),
            Guard::KeyedRoom { write, most } => Ok(keyed_writes(self.conn, *write)? < *most),
            Guard::InForce { number: last } => Ok(number(IN_FORCE_NUMBER, params![])? == *last),
            Guard::Standing { source, version } => Ok(number(STANDING_VERSION, params![source.as_str()])? == *version),
            Guard::Tokens { name, version } => {
                let mut read = self.conn.prepare_cached(TOKENS)?;
                let texts = read.query_map([], |row| row.get::<_, String>(0))?;
                let tokens = texts.map(|text| parse::<Token>(&text?)).collect::<Result<Vec<_>, _>>()?;
                Ok(version_of_tokens(&tokens, name) == *version)
            }
            Guard::Cursor { .. }
            | Guard::Epoch { .. }
            | Guard::DeliveryVersion { .. }
            | Guard::QuarantineVersion { .. }
            | Guard::ReplayVersion { .. }
            | Guard::Life { .. }
            | Guard::Shard { .. } => Ok(true),
        }
    }

    /// Writes by a statement; answers how many rows.
    pub(super) fn write(&mut self, sql: &str, values: &[&dyn ToSql]) -> Result<usize, Broken> {
        self.wrote = true;
        Ok(self.conn.prepare_cached(sql)?.execute(values)?)
    }

    fn emit(&mut self, new: &NewEntry) -> Result<(), Broken> {
        let id = new.emitted.unwrap_or_default();
        // What it refers to is needed until a consumer has seen it; one that was seen before it was emitted needs nothing.
        let needs = if self.is_seen(id)? { None } else { new.entry.refers_to() };
        let encoded = Entry::encode(&new.entry).map_err(Broken::corrupt)?;
        let seq = self.state.numbers.next_place();
        self.write(
            EMIT,
            params![
                seq,
                id.into_bytes(),
                new.partition.0,
                new.policy.to_string(),
                needs.map(|at| at.partition.0),
                needs.map(|at| int(at.offset.0)),
                encoded.head,
                &encoded.body[..],
                self.now.micros(),
            ],
        )
        .map(drop)
    }

    fn is_seen(&self, id: Uuid) -> Result<bool, Broken> {
        Ok(self.conn.prepare_cached(IS_SEEN)?.exists([id.into_bytes()])?)
    }

    fn replay(&mut self, replay: &Replay, members: &[ReplayMember]) -> Result<(), Broken> {
        let id = replay.id.bytes();
        let row = params![id, replay.created_at.micros(), replay.state.word(), int(replay.version), json(replay)?];
        if self.write(PUT_REPLAY, row)? == 0 {
            return Ok(());
        }
        for member in members {
            let is_sent = matches!(member.verdict, model::MemberVerdict::Send);
            let (part, pos) = (member.at.partition.0, int(member.at.offset.0));
            self.write(PUT_MEMBER, params![id, member.index, part, pos, is_sent, json(member)?])?;
        }
        Ok(())
    }

    fn replay_move(&mut self, replay: &Replay) -> Result<(), Broken> {
        let id = replay.id.bytes();
        let mut read = self.conn.prepare_cached(REPLAY_VERSION)?;
        let version: Option<i64> = read.query_row([id], |row| row.get(0)).optional()?;
        let version = count(version.ok_or(Broken::Conflict("there is no such replay"))?) + 1;
        let moved = Replay { version, ..replay.clone() };
        let row = params![id, moved.created_at.micros(), moved.state.word(), int(version), json(&moved)?];
        self.write(MOVE_REPLAY, row).map(drop)
    }

    /// What loops and retention ask is in columns of its own, so a damaged content keeps nobody from ending it.
    fn cancel_replay(&mut self, id: ReplayId, by: &Principal) -> Result<(), Broken> {
        let mut read = self.conn.prepare_cached(RUNNING_REPLAY)?;
        let content = read.query_row([id.bytes()], |row| Ok(row.get_ref(0)?.as_str().ok().map(str::to_owned)));
        let content = content.optional()?.ok_or(Broken::Conflict("there is no such replay that runs"))?;
        match content.as_deref().map(parse::<Replay>) {
            Some(Ok(replay)) => self.replay_move(&Replay { state: ReplayState::Cancelled { by: by.clone() }, ..replay }),
            Some(Err(_)) | None => self.write(CANCEL_UNREAD, params![id.bytes()]).map(drop),
        }
    }

    fn heartbeat(&mut self, node: &NodeName, incarnation: u64, at: Timestamp) -> Result<(), Broken> {
        if self.state.lives.get(node).is_some_and(|life| incarnation < life.incarnation) {
            return Err(Broken::Conflict("a later life of the node has begun"));
        }
        self.state.lives.put(node.clone(), Life { incarnation, seen_at: at });
        Ok(())
    }
}

/// The last application of a policy.
pub(super) fn in_force(conn: &Connection) -> Result<Option<InForce>, Broken> {
    let found: Option<String> = conn.prepare_cached(IN_FORCE)?.query_row([], |row| row.get(0)).optional()?;
    found.map(|text| parse(&text)).transpose()
}

/// A write by its key.
pub(super) fn keyed_write(conn: &Connection, id: Digest) -> Result<Option<KeyedWrite>, Broken> {
    let found: Option<String> = conn.prepare_cached(KEYED)?.query_row([id.0], |row| row.get(0)).optional()?;
    found.map(|text| parse(&text)).transpose()
}

/// How many writes of the principal of this one are kept by their keys.
pub(super) fn keyed_writes(conn: &Connection, id: Digest) -> Result<u64, Broken> {
    let (first, last) = KeyedWrite::of_same_principal(id).into_inner();
    Ok(count(conn.prepare_cached(COUNT_KEYED)?.query_row([first.0, last.0], |row| row.get(0))?))
}

/// A value as the file keeps it.
pub(super) fn json(value: &impl Serialize) -> Result<String, Broken> {
    serde_json::to_string(value).map_err(Broken::corrupt)
}

/// What the file kept.
pub(super) fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Broken> {
    serde_json::from_str(text).map_err(Broken::corrupt)
}
