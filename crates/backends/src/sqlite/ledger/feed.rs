//! The feed: what happened to deliveries, in order, the rows of one commit packed into one.

use model::view::FeedRow;
use model::{Delivery, DeliveryId, EventId};
use rusqlite::{Connection, OptionalExtension as _};
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::sql::{at, count, int, statements};
use super::names::NameTexts;
use super::packed::{Pack, part, take};
use super::rows::{state_number, state_word};
use super::step::Step;

statements! {
    PUT = "INSERT INTO feed (last, first, at, content) VALUES ($1, $2, $3, $4)";
    ROWS = "SELECT first, content FROM feed WHERE last > $1 ORDER BY last";
    HEAD = "SELECT number FROM meta WHERE name = 'feed'";
}

impl Step<'_> {
    /// Tells where a delivery stands now.
    pub(super) fn tell(&mut self, delivery: &Delivery) -> Result<(), Broken> {
        let names = &mut self.state.names;
        let numbers = [
            names.number(self.conn, delivery.flow.as_str())?,
            names.number(self.conn, delivery.destination.as_str())?,
            state_number(&delivery.state),
        ];
        self.state.numbers.feed += 1;
        let (seq, now) = (self.state.numbers.feed, self.now);
        self.state.fresh_feed.put(seq, now, |bytes| {
            bytes.extend(now.micros().to_le_bytes());
            bytes.extend(delivery.id.bytes());
            bytes.extend(delivery.event.bytes());
            bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            bytes.extend(delivery.attempts.to_le_bytes());
            // LIMIT: a sentence.
            bytes.extend(u32::try_from(delivery.why.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(delivery.why.as_bytes());
        });
        Ok(())
    }
}

/// Writes the rows of a commit.
pub(super) fn write(conn: &Connection, fresh: &Pack) -> Result<(), Broken> {
    fresh.write(conn, PUT)
}

/// The feed after a place.
pub(super) fn after(conn: &Connection, names: &NameTexts, after: u64, limit: usize) -> Result<Vec<FeedRow>, Broken> {
    let mut statement = conn.prepare_cached(ROWS)?;
    let mut rows = statement.query([int(after)])?;
    let mut feed = Vec::new();
    while let (Some(row), true) = (rows.next()?, feed.len() < limit) {
        let mut rest = row.get_ref(1)?.as_blob().map_err(Broken::corrupt)?;
        let mut seq = count(row.get(0)?);
        while !rest.is_empty() && feed.len() < limit {
            let next = read(seq, &mut rest, names)?;
            feed.extend(Some(next).filter(|row| row.seq > after));
            seq += 1;
        }
    }
    Ok(feed)
}

/// The last place of the feed.
pub(super) fn head(conn: &Connection) -> Result<u64, Broken> {
    let head: Option<i64> = conn.prepare_cached(HEAD)?.query_row([], |row| row.get(0)).optional()?;
    Ok(count(head.unwrap_or(0)))
}

fn read(seq: u64, rest: &mut &[u8], names: &NameTexts) -> Result<FeedRow, Broken> {
    let told_at = at(i64::from_le_bytes(take(rest)?));
    let delivery = DeliveryId(Uuid::from_bytes(take(rest)?));
    let event = EventId(Uuid::from_bytes(take(rest)?));
    let flow = i64::from_le_bytes(take(rest)?);
    let destination = i64::from_le_bytes(take(rest)?);
    let state = i64::from_le_bytes(take(rest)?);
    let attempts = u32::from_le_bytes(take(rest)?);
    let why = std::str::from_utf8(part(rest)?).map_err(Broken::corrupt)?;
    Ok(FeedRow {
        seq,
        at: told_at,
        delivery,
        event,
        flow: names.name(flow)?,
        destination: names.name(destination)?,
        state: state_word(state)?.to_owned(),
        attempts,
        why: why.to_owned(),
    })
}
