//! What waits for people, by cause: grouped where the rows are, each group from one range of an index, so that what a flood of
//! one mistake costs is a count. Only so many groups are read, and of each the newest members.

use model::limit::{CAUSE_SAMPLES, CAUSES_MAX};
use model::view::{CauseGroup, QuarantineGroup};
use model::{DeliveryId, EventId, Offset, Partition, Position, QuarantineRow, Timestamp};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::connection::snapshot;
use super::super::sql::{at, count, len, statements};
use super::beside::parse;
use super::names::NameTexts;
use super::rows::state_word;

statements! {
    CAUSES = "SELECT state, flow, destination, cause, state_who, count(*), min(created_at), max(created_at)
        FROM deliveries WHERE person = 1 GROUP BY state, flow, destination, cause, state_who
        ORDER BY count(*) DESC, state, flow, destination, cause, state_who LIMIT $1";
    OF_CAUSE = "SELECT id, why, bytes_part, bytes_pos FROM deliveries
        WHERE person = 1 AND state = $1 AND flow = $2 AND destination = $3 AND cause = $4 AND state_who = $5
        ORDER BY created_at DESC, id DESC LIMIT $6";
    QUARANTINE_CAUSES = "SELECT source, owner, code, count(*), min(at), max(at) FROM quarantine WHERE state = 'open'
        GROUP BY source, owner, code ORDER BY count(*) DESC, source, owner, code LIMIT $1";
    OF_QUARANTINE_CAUSE = "SELECT event, content, part, pos FROM quarantine
        WHERE state = 'open' AND source = $1 AND owner = $2 AND code = $3 ORDER BY at DESC, event DESC LIMIT $4";
}

/// How many, when the oldest and the newest of them came: as both statements end.
struct Extent {
    count: u64,
    oldest_at: Timestamp,
    newest_at: Timestamp,
}

fn extent(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Extent> {
    Ok(Extent { count: count(row.get(first)?), oldest_at: at(row.get(first + 1)?), newest_at: at(row.get(first + 2)?) })
}

/// Held and dead deliveries by cause, largest first.
pub(super) fn causes(conn: &Connection, names: &NameTexts) -> Result<Vec<CauseGroup>, Broken> {
    snapshot(conn, || {
        let mut groups = Vec::new();
        let mut statement = conn.prepare_cached(CAUSES)?;
        let mut rows = statement.query([len(CAUSES_MAX)])?;
        while let Some(row) = rows.next()? {
            let key: (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (cause, owner): (String, String) = (row.get(3)?, row.get(4)?);
            let Extent { count, oldest_at, newest_at } = extent(row, 5)?;
            let newest = newest(conn, key, (&cause, &owner))?;
            let Some((example, why, _)) = newest.first().cloned() else { continue };
            groups.push(CauseGroup {
                state: state_word(key.0)?.to_owned(),
                flow: names.name(key.1)?,
                destination: names.name(key.2)?,
                cause,
                owner: owner.parse().map_err(Broken::corrupt)?,
                count,
                oldest_at,
                newest_at,
                example,
                why,
                samples: newest.into_iter().map(|(.., at)| at).collect(),
            });
        }
        Ok(groups)
    })
}

type Member = (DeliveryId, String, Position);

fn newest(conn: &Connection, key: (i64, i64, i64), (cause, owner): (&str, &str)) -> Result<Vec<Member>, Broken> {
    let mut statement = conn.prepare_cached(OF_CAUSE)?;
    let members = statement.query_map(params![key.0, key.1, key.2, cause, owner, len(CAUSE_SAMPLES)], |row| {
        let place = Position { partition: Partition(row.get(2)?), offset: Offset(count(row.get(3)?)) };
        Ok((DeliveryId(Uuid::from_bytes(row.get(0)?)), row.get(1)?, place))
    })?;
    Ok(members.collect::<Result<_, _>>()?)
}

/// Open quarantined events by cause, largest first.
pub(super) fn quarantine_causes(conn: &Connection) -> Result<Vec<QuarantineGroup>, Broken> {
    snapshot(conn, || {
        let mut groups = Vec::new();
        let mut statement = conn.prepare_cached(QUARANTINE_CAUSES)?;
        let mut rows = statement.query([len(CAUSES_MAX)])?;
        while let Some(row) = rows.next()? {
            let (source, owner, code): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let Extent { count, oldest_at, newest_at } = extent(row, 3)?;
            let newest = kept(conn, [&source, &owner, &code])?;
            let Some((example, reason, _)) = newest.first().cloned() else { continue };
            groups.push(QuarantineGroup {
                source: source.parse().map_err(Broken::corrupt)?,
                owner: owner.parse().map_err(Broken::corrupt)?,
                code,
                count,
                oldest_at,
                newest_at,
                example,
                reason,
                samples: newest.into_iter().map(|(.., at)| at).collect(),
            });
        }
        Ok(groups)
    })
}

/// The newest of a cause. A row that cannot be read waits for its person like any other.
fn kept(conn: &Connection, [source, owner, code]: [&str; 3]) -> Result<Vec<(EventId, String, Position)>, Broken> {
    let mut statement = conn.prepare_cached(OF_QUARANTINE_CAUSE)?;
    let mut rows = statement.query(params![source, owner, code, len(CAUSE_SAMPLES)])?;
    let mut kept = Vec::new();
    while let Some(row) = rows.next()? {
        let place = Position { partition: Partition(row.get(2)?), offset: Offset(count(row.get(3)?)) };
        let content = row.get_ref(1)?.as_str().map_err(Broken::corrupt).and_then(parse::<QuarantineRow>);
        let reason = match content {
            Ok(row) => row.reasons.first().map(|reason| reason.message.clone()).unwrap_or_default(),
            Err(broken) => format!("its row cannot be read: {broken}"),
        };
        kept.push((EventId(Uuid::from_bytes(row.get(0)?)), reason, place));
    }
    Ok(kept)
}
