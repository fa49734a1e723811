//! The newest delivery of a lane or ordering key that is done, under way or in the way, on a reader's connection.
//!
//! Its indexes stand by periods of the order of opening, so that a hash is written into a small part of them, however large they
//! are; a question looks into each period.

use std::collections::BTreeSet;

use model::delivery::ordering_digest;
use model::limit::{NEWEST_ROWS_MAX, SUCCESSORS_MAX};
use model::newest::{Blind, Fate, Latest, Newest, NewestQuery, Place};
use model::{DeliveryId, Offset};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::connection::snapshot;
use super::super::sql::{count, int, len, statements};
use super::names::NameTexts;
use super::prepared::short;

/// What [`Standing::read`] reads.
macro_rules! standing {
    () => {
        "id, state, state_who, lane_hash, lane_place"
    };
}

statements! {
    NEWEST = concat!("WITH RECURSIVE period (no) AS (SELECT min(seq) >> 18 FROM deliveries
        UNION ALL SELECT no + 1 FROM period WHERE no < (SELECT max(seq) >> 18 FROM deliveries))
        SELECT coalesce(rank_pos, bytes_pos) AS rank, seq, ", standing!(), " FROM period CROSS JOIN deliveries
        WHERE seq >> 18 = no AND ordering_hash = $1 AND coalesce(rank_part, bytes_part) = $2
        AND coalesce(rank_pos, bytes_pos) > $3 AND (ordering = $4 OR lane = $4)
        UNION ALL SELECT coalesce(rank_pos, bytes_pos), seq, ", standing!(), " FROM period CROSS JOIN deliveries
        WHERE seq >> 18 = no AND lane_hash = $1 AND lane_hash <> ordering_hash AND coalesce(rank_part, bytes_part) = $2
        AND coalesce(rank_pos, bytes_pos) > $3 AND lane = $4
        ORDER BY rank DESC, seq DESC LIMIT $5");
    STANDING = concat!("SELECT ", standing!(), " FROM deliveries WHERE id = $1");
    REMOVED = "SELECT max(pos) FROM removed_by WHERE part = $1
        AND ((flow = $2 AND destination = $3) OR (flow = 0 AND destination = 0))";
}

/// Where a delivery stands, and where in its lane while it keeps that.
struct Standing {
    id: DeliveryId,
    /// By its number.
    state: i64,
    /// Whom the state names.
    who: Option<String>,
    lane: Option<i64>,
    place: Option<i64>,
}

impl Standing {
    fn read(row: &Row<'_>, from: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            id: DeliveryId(Uuid::from_bytes(row.get(from)?)),
            state: row.get(from + 1)?,
            who: row.get(from + 2)?,
            lane: row.get(from + 3)?,
            place: row.get(from + 4)?,
        })
    }

    fn find(conn: &Connection, id: DeliveryId) -> Result<Option<Self>, Broken> {
        Ok(conn.prepare_cached(STANDING)?.query_row([id.bytes()], |row| Self::read(row, 0)).optional()?)
    }
}

/// See [`engine::ports::Ledger::newest`].
pub(super) fn newest(conn: &Connection, names: &NameTexts, questions: &[NewestQuery]) -> Result<Vec<Latest>, Broken> {
    snapshot(conn, || questions.iter().map(|question| latest(conn, names, question)).collect())
}

fn latest(conn: &Connection, names: &NameTexts, question: &NewestQuery) -> Result<Latest, Broken> {
    Ok(Latest { newest: newest_of(conn, question)?, removed_to: removed_to(conn, names, question)? })
}

/// What was removed before it was noted by flow and destination stands under no name, and counts for each.
fn removed_to(conn: &Connection, names: &NameTexts, question: &NewestQuery) -> Result<Offset, Broken> {
    let number = |text: &str| names.number(text).unwrap_or(0);
    let (flow, destination) = (number(question.flow.as_str()), number(question.destination.as_str()));
    let mut statement = conn.prepare_cached(REMOVED)?;
    let found: Option<i64> = statement.query_row((question.after.partition.0, flow, destination), |row| row.get(0))?;
    Ok(found.map_or(Offset(0), |pos| Offset(count(pos))))
}

fn newest_of(conn: &Connection, question: &NewestQuery) -> Result<Option<Newest>, Broken> {
    let NewestQuery { flow, destination, key, after, place } = question;
    let hash = short(&ordering_digest(destination, flow, key));
    let way = match place {
        Place::Beside => Way::Beside,
        Place::End { but } => Way::End { lane: hash, but },
        Place::Of(id) => Standing::find(conn, *id)?
            .and_then(|it| Some(Way::Of { lane: it.lane?, place: it.place? }))
            .unwrap_or(Way::Beside),
    };
    let mut statement = conn.prepare_cached(NEWEST)?;
    let (part, pos, most) = (after.partition.0, int(after.offset.0), len(NEWEST_ROWS_MAX + 1));
    let mut rows = statement.query(params![hash, part, pos, key.as_str(), most])?;
    let mut looked = 0;
    while let Some(row) = rows.next()? {
        let at = Offset(count(row.get(0)?));
        if looked == NEWEST_ROWS_MAX {
            return Ok(Some(Newest { at, fate: Fate::Unknown(Blind::Crowded) }));
        }
        looked += 1;
        if let Some(fate) = fate(conn, Standing::read(row, 2)?, &way)? {
            return Ok(Some(Newest { at, fate }));
        }
    }
    Ok(None)
}

/// Where that which asks stands or enters.
enum Way<'q> {
    Beside,
    End { lane: i64, but: &'q BTreeSet<DeliveryId> },
    Of { lane: i64, place: i64 },
}

/// What a delivery, or that which took its place, is to whatever asks; nothing where it neither went nor goes before it.
fn fate(conn: &Connection, mut standing: Standing, way: &Way<'_>) -> Result<Option<Fate>, Broken> {
    for _ in 0..SUCCESSORS_MAX {
        match standing.state {
            0 => return Ok(Some(Fate::UnderWay).filter(|_| !is_behind(&standing, way))),
            2 => return Ok(Some(Fate::Done)),
            1 | 3 => return Ok(Some(Fate::Blocks).filter(|_| is_in_the_way(&standing, way))),
            5 => {
                let by = standing.who.as_deref().unwrap_or_default().parse().map_err(Broken::corrupt)?;
                let Some(successor) = Standing::find(conn, by)? else { return Ok(Some(Fate::UnderWay)) };
                standing = successor;
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(Fate::UnderWay))
}

fn is_behind(standing: &Standing, way: &Way<'_>) -> bool {
    match way {
        Way::Beside | Way::End { .. } => false,
        Way::Of { lane, place } => standing.lane == Some(*lane) && standing.place.is_some_and(|it| it > *place),
    }
}

fn is_in_the_way(standing: &Standing, way: &Way<'_>) -> bool {
    let keeps = |in_lane: &i64| standing.lane == Some(*in_lane) && standing.place.is_some();
    match way {
        Way::Beside => false,
        Way::End { lane, but } => keeps(lane) && !but.contains(&standing.id),
        Way::Of { lane, .. } => keeps(lane) && !is_behind(standing, way),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::sqlite::schema::{LEDGER, migrate};

    #[test]
    fn both_keys_are_looked_up_in_their_indexes() {
        let conn = Connection::open_in_memory().unwrap();
        migrate(&conn, LEDGER, Path::new("ledger.sqlite")).unwrap();
        let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {NEWEST}")).unwrap();
        let steps = explain.query_map(params![1, 0, 0, "a", 1], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<String> = steps.map(Result::unwrap).filter(|step| step.contains("deliveries USING")).collect();
        for index in ["deliveries_newest (", "deliveries_newest_lane ("] {
            assert!(steps.iter().any(|step| step.contains(index) && step.contains(">?")), "{index}: {steps:?}");
        }
    }
}
