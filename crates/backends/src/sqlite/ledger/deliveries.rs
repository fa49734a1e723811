//! What opening, claiming, settling and moving do to a delivery, its attempts, its lane, its counters and the feed.
//!
//! An open attempt stands in the delivery's own row: its number, who has it and when it began. Its own row is written
//! when it is settled. So an attempt costs one row, and is durable before anything is sent all the same.

use model::change::{Opened, Round};
use model::delivery::CAUSE_DEADLINE;
use model::{AttemptResult, Bucket, Claim, Delivery, DeliveryId, DeliveryState, LaneKey, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use super::super::broken::Broken;
use super::super::sql::{int, statements};
use super::prepared::{Hashes, Made, short};
use super::rows::Row;
use super::step::Step;

statements! {
    READY = "SELECT 1 FROM deliveries WHERE id = $1 AND ready = 1 AND state_at <= $2 AND (deadline IS NULL OR deadline >= $2)";
    PUT_ATTEMPT = "INSERT INTO attempts (id, started_at, node, life, ended_at, outcome, output, response, response_cut)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    LANE_HEAD = "SELECT seq, behind, state, node FROM deliveries WHERE lane_hash = $1 AND lane_place IS NOT NULL
        AND destination = $2 AND flow = $3 AND lane = $4 ORDER BY lane_place LIMIT 1";
    FREE = "UPDATE deliveries SET behind = 0, version = version + 1, ready = $2 WHERE seq = $1";
}

/// Attempts of one delivery that have room between its first id and that of the next delivery.
const ATTEMPTS_ROOM: i64 = 1 << 20;

/// The id of an attempt's row: those of one delivery stand together, without an index of their own.
pub(super) const fn attempt_id(seq: i64, no: i64) -> i64 {
    seq * ATTEMPTS_ROOM + no
}

/// The first in a lane.
#[derive(Clone, Copy, Debug)]
struct Head {
    seq: i64,
    behind: bool,
    would_be_ready: bool,
}

impl Step<'_> {
    /// Whether a claim would hold now.
    pub(super) fn is_claimable(&self, id: DeliveryId, claim: &Claim) -> Result<bool, Broken> {
        let mut read = self.conn.prepare_cached(READY)?;
        Ok(read.exists(params![id.bytes(), claim.at.micros()])?)
    }

    /// See [`model::Change::Open`].
    pub(super) fn open(&mut self, delivery: &Delivery, claim: Option<&Claim>, made: &Made) -> Result<(), Broken> {
        let hashes = if let Made::Hashes(hashes) = made { *hashes } else { Hashes::default() };
        let seq = self.state.numbers.place + 1;
        let mut row = Row { seq, lane_place: None, started_at: None, answered: false, delivery: delivery.clone() };
        self.enter_lane(&mut row, hashes.lane)?;
        let due_by = |at: Timestamp| matches!(row.delivery.state, DeliveryState::Waiting { due } if due <= at);
        let claim = claim.filter(|claim| row.is_ready() && due_by(claim.at) && row.delivery.may_begin(claim.at));
        if let Some(claim) = claim {
            row.delivery.attempts += 1;
            row.delivery.epoch += 1;
            row.delivery.version += 1;
            row.delivery.lease = Some(claim.lease.clone());
            row.started_at = Some(claim.at);
        }
        if !row.insert(self.conn, &mut self.state.names, hashes)? {
            self.committed.opened.push(Opened::Existing);
            return Ok(());
        }
        self.wrote = true;
        self.state.numbers.place = row.lane_place.unwrap_or(seq).max(seq);
        self.state.numbers.enter(delivery.origin, Bucket::Created, 1);
        self.state.numbers.enter(delivery.origin, Bucket::of(&delivery.state), 1);
        self.tell(&row.delivery)?;
        let opened = match claim {
            Some(_) => Opened::Claimed(row.delivery.epoch),
            None if row.delivery.behind => Opened::Behind,
            None => Opened::Ready,
        };
        self.committed.opened.push(opened);
        self.note_ready(&row);
        if row.delivery.lease.is_some() {
            self.state.hold_leased(row);
        }
        Ok(())
    }

    /// See [`model::Change::Claim`].
    pub(super) fn claim(&mut self, id: DeliveryId, claim: &Claim) -> Result<(), Broken> {
        let row = Row::claim(self.conn, &mut self.state.names, id, claim)?;
        let row = row.ok_or(Broken::Conflict("the delivery cannot be claimed"))?;
        self.wrote = true;
        self.committed.claimed.push(row.delivery.epoch);
        self.state.hold_leased(row);
        Ok(())
    }

    /// See [`model::Change::Settle`].
    pub(super) fn settle(
        &mut self,
        id: DeliveryId,
        (result, outcome): (&AttemptResult, &str),
        (state, why): (&DeliveryState, &str),
    ) -> Result<(), Broken> {
        let held = self.state.take_leased(id);
        let before = match held {
            Some(row) => Some(row),
            None => Row::find(self.conn, self.state.names.texts(), id)?,
        };
        let gone = Broken::Conflict("the delivery has no open attempt");
        let Some(mut row) = before else { return Err(gone) };
        let Some(lease) = row.delivery.lease.take() else { return Err(gone) };
        let node = self.state.names.number(self.conn, lease.node.as_str())?;
        self.wrote = true;
        self.conn.prepare_cached(PUT_ATTEMPT)?.execute(params![
            attempt_id(row.seq, i64::from(row.delivery.attempts)),
            row.started_at.take().map(Timestamp::micros),
            node,
            int(lease.incarnation),
            result.ended_at.micros(),
            outcome,
            result.output.map(|digest| digest.0),
            result.response,
            result.response_cut,
        ])?;
        row.answered |= !result.response.is_empty();
        let old = (Bucket::of(&row.delivery.state), row.blocks());
        let delivery = &mut row.delivery;
        delivery.state = state.clone();
        why.clone_into(&mut delivery.why);
        delivery.cause = match delivery.state {
            DeliveryState::Done { .. } => String::new(),
            _ => result.outcome.cause(),
        };
        delivery.output = delivery.output.or(result.output);
        self.change(row, old)
    }

    /// See [`model::Change::Move`].
    pub(super) fn shift(
        &mut self,
        id: DeliveryId,
        (state, why): (&DeliveryState, &str),
        new_round: Option<Round>,
    ) -> Result<(), Broken> {
        let row = Row::find(self.conn, self.state.names.texts(), id)?.filter(|row| row.delivery.lease.is_none());
        let mut row = row.ok_or(Broken::Conflict("there is no such delivery without an open attempt"))?;
        let old = (Bucket::of(&row.delivery.state), row.blocks());
        let delivery = &mut row.delivery;
        delivery.state = state.clone();
        why.clone_into(&mut delivery.why);
        if let Some(round) = new_round {
            delivery.round_base = delivery.attempts;
            (delivery.round_at, delivery.deadline, delivery.policy) = (round.at, round.deadline, round.policy);
        }
        self.change(row, old)
    }

    /// See [`model::Change::Expire`].
    pub(super) fn expire(
        &mut self,
        id: DeliveryId,
        at: Timestamp,
        (state, why): (&DeliveryState, &str),
    ) -> Result<(), Broken> {
        let row = Row::find(self.conn, self.state.names.texts(), id)?.filter(|row| row.delivery.is_overdue(at));
        let mut row = row.ok_or(Broken::Conflict("the delivery is not overdue"))?;
        let old = (Bucket::of(&row.delivery.state), row.blocks());
        let delivery = &mut row.delivery;
        delivery.state = state.clone();
        why.clone_into(&mut delivery.why);
        CAUSE_DEADLINE.clone_into(&mut delivery.cause);
        self.change(row, old)
    }

    /// Writes a delivery in its new state, with all that follows from it.
    fn change(&mut self, mut row: Row, (bucket, blocked): (Bucket, bool)) -> Result<(), Broken> {
        row.delivery.version += 1;
        self.state.numbers.shift(row.delivery.origin, bucket, Bucket::of(&row.delivery.state))?;
        let leaves = blocked && !row.blocks();
        if row.blocks() && !blocked {
            let lane = row.delivery.lane_digest().map(|lane| short(&lane));
            self.enter_lane(&mut row, lane)?;
            self.state.numbers.place = row.lane_place.unwrap_or(self.state.numbers.place);
        } else if leaves {
            row.lane_place = None;
            row.delivery.behind = false;
        }
        self.wrote = true;
        row.update(self.conn, &mut self.state.names)?;
        self.note_ready(&row);
        if leaves {
            self.free_next(&row.delivery)?;
        }
        self.tell(&row.delivery)
    }

    /// Gives a row that enters its lane its place at the end, behind what is there. The caller takes the place.
    fn enter_lane(&mut self, row: &mut Row, lane: Option<i64>) -> Result<(), Broken> {
        row.delivery.behind = false;
        if let (Some(hash), Some(key)) = (lane, &row.delivery.lane)
            && row.blocks()
        {
            row.delivery.behind = self.head(hash, &row.delivery, key)?.is_some();
            row.lane_place = Some(self.state.numbers.place + 2);
        }
        Ok(())
    }

    /// Brings the lane's next one forward, after this one has left.
    fn free_next(&mut self, left: &Delivery) -> Result<(), Broken> {
        let (Some(key), Some(lane)) = (&left.lane, left.lane_digest()) else { return Ok(()) };
        let Some(head) = self.head(short(&lane), left, key)?.filter(|head| head.behind) else {
            return Ok(());
        };
        self.conn.prepare_cached(FREE)?.execute(params![head.seq, head.would_be_ready])?;
        if head.would_be_ready {
            self.ready.insert(left.destination.clone());
        }
        Ok(())
    }

    fn head(&self, hash: i64, of: &Delivery, key: &LaneKey) -> Result<Option<Head>, Broken> {
        let names = &self.state.names;
        let numbers = (names.known(of.destination.as_str()), names.known(of.flow.as_str()));
        let (Some(destination), Some(flow)) = numbers else { return Ok(None) };
        let mut read = self.conn.prepare_cached(LANE_HEAD)?;
        let head = read.query_row(params![hash, destination, flow, key.as_str()], |row| {
            let (state, node): (i64, Option<i64>) = (row.get(2)?, row.get(3)?);
            Ok(Head { seq: row.get(0)?, behind: row.get(1)?, would_be_ready: state == 0 && node.is_none() })
        });
        Ok(head.optional()?)
    }

    fn note_ready(&mut self, row: &Row) {
        if row.is_ready() {
            self.ready.insert(row.delivery.destination.clone());
        }
    }
}
