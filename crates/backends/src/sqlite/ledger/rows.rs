//! A delivery as a row: its columns, and what the partial indexes are made of.

use model::{
    Delivery, DeliveryId, DeliveryState, Digest, EventId, LaneKey, Lease, Offset, OnDead, Origin, Partition, PolicyVersion,
    Position, Principal, ReplayId, Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params};
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::sql::{at, count, int, statements};
use super::names::{NameTexts, Names};
use super::prepared::Hashes;

/// The columns in the order in which [`decode`] reads them.
macro_rules! columns {
    () => {
        "seq, id, event, part, pos, bytes_part, bytes_pos, flow, destination, lane, on_dead, policy, origin, replay,
        owner, created_at, state, state_at, state_who, attempts, round_base, round_at, epoch, node, life, started_at,
        behind, output, why, cause, version, lane_place, deadline, ordering, answered, rank_part, rank_pos"
    };
}
pub(super) use columns;

statements! {
    BY_ID = concat!("SELECT ", columns!(), " FROM deliveries WHERE id = $1");
    INSERT = "INSERT INTO deliveries (seq, id, event, part, pos, bytes_part, bytes_pos, flow, destination, lane, lane_hash,
        on_dead, policy, origin, replay, owner, created_at, state, state_at, state_who, attempts, round_base, round_at,
        epoch, node, life, started_at, behind, output, why, cause, version, ready, again, is_final, person, lane_place,
        deadline, ordering, ordering_hash, answered, rank_part, rank_pos)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
        $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43) ON CONFLICT (id) DO NOTHING";
    UPDATE = "UPDATE deliveries SET state = $2, state_at = $3, state_who = $4, attempts = $5, round_base = $6,
        round_at = $7, node = $8, life = $9, started_at = $10, behind = $11, output = $12, why = $13, cause = $14,
        version = $15, ready = $16, again = $17, is_final = $18, person = $19, lane_place = $20,
        deadline = $21, policy = $22, answered = $23 WHERE seq = $1";
    CLAIM = concat!("UPDATE deliveries SET attempts = attempts + 1, epoch = epoch + 1, version = version + 1, node = $3,
        life = $4, started_at = $2, ready = 0, again = 1 WHERE id = $1 AND ready = 1 AND state_at <= $2
        AND (deadline IS NULL OR deadline >= $2) RETURNING ", columns!());
}

/// A delivery with what the ledger adds to it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its place in the order of opening.
    pub(super) seq: i64,
    /// Its place in its lane, while it blocks it.
    pub(super) lane_place: Option<i64>,
    /// When its open attempt began.
    pub(super) started_at: Option<Timestamp>,
    /// Whether an attempt has an answer that retention has not let go.
    pub(super) answered: bool,
    pub(super) delivery: Delivery,
}

impl Row {
    /// Whether it blocks a lane in its present state.
    pub(super) fn blocks(&self) -> bool {
        self.delivery.lane.is_some() && self.delivery.state.blocks_lane(self.delivery.on_dead)
    }

    /// Whether it waits, is not behind another and is not leased; and whether it would be a repeat.
    pub(super) fn is_ready(&self) -> bool {
        let delivery = &self.delivery;
        matches!(delivery.state, DeliveryState::Waiting { .. }) && !delivery.behind && delivery.lease.is_none()
    }

    /// Writes a new row; false where there is one with its id, which stays as it is.
    pub(super) fn insert(&self, conn: &Connection, names: &mut Names, hashes: Hashes) -> Result<bool, Broken> {
        let delivery = &self.delivery;
        let (state, state_at, who) = state_columns(&delivery.state);
        let rank = Some(delivery.ranks_at).filter(|rank| *rank != delivery.bytes_at);
        let node = delivery.lease.as_ref().map(|lease| names.number(conn, lease.node.as_str())).transpose()?;
        let written = conn.prepare_cached(INSERT)?.execute(params![
            self.seq,
            delivery.id.bytes(),
            delivery.event.bytes(),
            delivery.position.partition.0,
            int(delivery.position.offset.0),
            delivery.bytes_at.partition.0,
            int(delivery.bytes_at.offset.0),
            names.number(conn, delivery.flow.as_str())?,
            names.number(conn, delivery.destination.as_str())?,
            delivery.lane.as_ref().map(LaneKey::as_str),
            hashes.lane,
            matches!(delivery.on_dead, OnDead::Pass),
            names.policy(conn, delivery.policy)?,
            super::super::sql::len(delivery.origin.index()),
            delivery.replay.map(ReplayId::bytes),
            names.number(conn, delivery.owner.as_str())?,
            delivery.created_at.micros(),
            state,
            state_at,
            who,
            delivery.attempts,
            delivery.round_base,
            delivery.round_at.micros(),
            int(delivery.epoch),
            node,
            delivery.lease.as_ref().map(|lease| int(lease.incarnation)),
            self.started_at.map(Timestamp::micros),
            delivery.behind,
            delivery.output.map(|digest| digest.0),
            delivery.why,
            delivery.cause,
            int(delivery.version),
            self.is_ready(),
            delivery.attempts > 0,
            delivery.state.is_final(),
            is_with_a_person(&delivery.state),
            self.lane_place,
            delivery.deadline.map(Timestamp::micros),
            delivery.ordering.as_ref().map(LaneKey::as_str),
            hashes.ordering,
            self.answered,
            rank.map(|rank| rank.partition.0),
            rank.map(|rank| int(rank.offset.0)),
        ])?;
        Ok(written == 1)
    }

    /// Writes what can change.
    pub(super) fn update(&self, conn: &Connection, names: &mut Names) -> Result<(), Broken> {
        let delivery = &self.delivery;
        let (state, state_at, who) = state_columns(&delivery.state);
        let node = delivery.lease.as_ref().map(|lease| names.number(conn, lease.node.as_str())).transpose()?;
        conn.prepare_cached(UPDATE)?.execute(params![
            self.seq,
            state,
            state_at,
            who,
            delivery.attempts,
            delivery.round_base,
            delivery.round_at.micros(),
            node,
            delivery.lease.as_ref().map(|lease| int(lease.incarnation)),
            self.started_at.map(Timestamp::micros),
            delivery.behind,
            delivery.output.map(|digest| digest.0),
            delivery.why,
            delivery.cause,
            int(delivery.version),
            self.is_ready(),
            delivery.attempts > 0,
            delivery.state.is_final(),
            is_with_a_person(&delivery.state),
            self.lane_place,
            delivery.deadline.map(Timestamp::micros),
            names.policy(conn, delivery.policy)?,
            self.answered,
        ])?;
        Ok(())
    }

    /// The row of a delivery.
    pub(super) fn find(conn: &Connection, names: &NameTexts, id: DeliveryId) -> Result<Option<Self>, Broken> {
        let mut statement = conn.prepare_cached(BY_ID)?;
        let mut rows = statement.query([id.bytes()])?;
        rows.next()?.map(|row| decode(row, names)).transpose()
    }

    /// Opens the next attempt of a ready, due delivery; `None` where it is not.
    pub(super) fn claim(
        conn: &Connection,
        names: &mut Names,
        id: DeliveryId,
        claim: &model::Claim,
    ) -> Result<Option<Self>, Broken> {
        let node = names.number(conn, claim.lease.node.as_str())?;
        let mut statement = conn.prepare_cached(CLAIM)?;
        let wanted = params![id.bytes(), claim.at.micros(), node, int(claim.lease.incarnation)];
        let mut decoded = None;
        let found = statement.query_row(wanted, |row| {
            decoded = Some(decode(row, names.texts()));
            Ok(())
        });
        found.optional()?;
        decoded.transpose()
    }
}

/// The number of a state in the file.
pub(super) const fn state_number(state: &DeliveryState) -> i64 {
    match state {
        DeliveryState::Waiting { .. } => 0,
        DeliveryState::Held { .. } => 1,
        DeliveryState::Done { .. } => 2,
        DeliveryState::DeadLettered { .. } => 3,
        DeliveryState::Cancelled { .. } => 4,
        DeliveryState::Superseded { .. } => 5,
    }
}

/// The words of the states, by their number.
pub(super) const STATE_WORDS: [&str; 6] = ["waiting", "held", "done", "dead_lettered", "cancelled", "superseded"];

/// The word of a state's number.
pub(super) fn state_word(number: i64) -> Result<&'static str, Broken> {
    let word = usize::try_from(number).ok().and_then(|index| STATE_WORDS.get(index));
    word.copied().ok_or_else(|| Broken::Corrupt(format!("there is no state {number}")))
}

fn is_with_a_person(state: &DeliveryState) -> bool {
    matches!(state, DeliveryState::Held { .. } | DeliveryState::DeadLettered { .. })
}

fn state_columns(state: &DeliveryState) -> (i64, Option<i64>, Option<String>) {
    let number = state_number(state);
    match state {
        DeliveryState::Waiting { due: at } | DeliveryState::Done { at } => (number, Some(at.micros()), None),
        DeliveryState::Held { for_whom: owner } | DeliveryState::DeadLettered { owner } => {
            (number, None, Some(owner.as_str().to_owned()))
        }
        DeliveryState::Cancelled { by } => (number, None, Some(by.as_str().to_owned())),
        DeliveryState::Superseded { by } => (number, None, Some(by.to_string())),
    }
}

fn state_of(row: &SqlRow<'_>) -> Result<DeliveryState, Broken> {
    let moment = || -> Result<Timestamp, Broken> { Ok(at(row.get(17)?)) };
    let who = || -> Result<String, Broken> { Ok(row.get(18)?) };
    Ok(match row.get::<_, i64>(16)? {
        0 => DeliveryState::Waiting { due: moment()? },
        1 => DeliveryState::Held { for_whom: who()?.parse().map_err(Broken::corrupt)? },
        2 => DeliveryState::Done { at: moment()? },
        3 => DeliveryState::DeadLettered { owner: who()?.parse().map_err(Broken::corrupt)? },
        4 => DeliveryState::Cancelled { by: Principal::new(&who()?) },
        5 => DeliveryState::Superseded { by: who()?.parse().map_err(Broken::corrupt)? },
        other => return Err(Broken::Corrupt(format!("there is no state {other}"))),
    })
}

/// Reads the columns of [`columns`].
pub(super) fn decode(row: &SqlRow<'_>, names: &NameTexts) -> Result<Row, Broken> {
    let position = |part: usize| -> Result<Position, Broken> {
        Ok(Position { partition: Partition(row.get(part)?), offset: Offset(count(row.get(part + 1)?)) })
    };
    let node: Option<i64> = row.get(23)?;
    let lease = match node {
        Some(node) => Some(Lease { node: names.name(node)?, incarnation: count(row.get(24)?) }),
        None => None,
    };
    let (lane, ordering): (Option<String>, Option<String>) = (row.get(9)?, row.get(33)?);
    let policy: String = names.name(row.get(11)?)?;
    let replay: Option<[u8; 16]> = row.get(13)?;
    let output: Option<[u8; 32]> = row.get(27)?;
    let started_at: Option<i64> = row.get(25)?;
    let deadline: Option<i64> = row.get(32)?;
    let rank_part: Option<u16> = row.get(35)?;
    let delivery = Delivery {
        id: DeliveryId(Uuid::from_bytes(row.get(1)?)),
        event: EventId(Uuid::from_bytes(row.get(2)?)),
        position: position(3)?,
        bytes_at: position(5)?,
        ranks_at: if rank_part.is_some() { position(35)? } else { position(5)? },
        flow: names.name(row.get(7)?)?,
        destination: names.name(row.get(8)?)?,
        lane: lane.map(|lane| LaneKey::new(&lane)),
        ordering: ordering.map(|key| LaneKey::new(&key)),
        on_dead: if row.get(10)? { OnDead::Pass } else { OnDead::Hold },
        policy: PolicyVersion(policy.parse::<Digest>().map_err(Broken::corrupt)?),
        origin: origin(row.get(12)?)?,
        replay: replay.map(|id| ReplayId(Uuid::from_bytes(id))),
        owner: names.name(row.get(14)?)?,
        created_at: at(row.get(15)?),
        state: state_of(row)?,
        attempts: row.get(19)?,
        round_base: row.get(20)?,
        round_at: at(row.get(21)?),
        deadline: deadline.map(at),
        epoch: count(row.get(22)?),
        lease,
        behind: row.get(26)?,
        output: output.map(Digest),
        why: row.get(28)?,
        cause: row.get(29)?,
        version: count(row.get(30)?),
    };
    let answered = row.get(34)?;
    Ok(Row { seq: row.get(0)?, lane_place: row.get(31)?, started_at: started_at.map(at), answered, delivery })
}

/// A row that cannot be decoded, by its id, or by its number where not even that can be read; and what is wrong with it.
pub(super) fn unreadable(row: &SqlRow<'_>, broken: &Broken) -> String {
    match (row.get::<_, [u8; 16]>(1), row.get::<_, i64>(0)) {
        (Ok(id), _) => format!("delivery {}: {broken}", Uuid::from_bytes(id)),
        (Err(_), Ok(seq)) => format!("row {seq} of the deliveries: {broken}"),
        (Err(_), Err(_)) => format!("a row of the deliveries: {broken}"),
    }
}

/// The origin with this number.
pub(super) fn origin(number: i64) -> Result<Origin, Broken> {
    let origin = usize::try_from(number).ok().and_then(|index| Origin::ALL.get(index));
    origin.copied().ok_or_else(|| Broken::Corrupt(format!("there is no origin {number}")))
}
