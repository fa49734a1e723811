//! What is due, on a reader's connection. The index of what is ready stands by destination and flow, so that a flow that is
//! left out is stepped over whole, however much it has waiting.

use std::collections::BTreeMap;

use engine::ports::{DueQuery, LeftQuery, Readable};
use model::{Delivery, DeliveryId, DeliveryState, DestinationName, FlowName, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Rows, params};

use super::super::broken::Broken;
use super::super::connection::snapshot;
use super::super::sql::{at, len, statements};
use super::names::NameTexts;
use super::rows::{Row, columns, decode, unreadable};

statements! {
    NUMBER = "SELECT id FROM names WHERE name = $1";
    NEXT_FLOW = "SELECT min(flow) FROM deliveries WHERE ready = 1 AND destination = $1 AND flow > $2";
    NEXT_DESTINATION = "SELECT min(destination) FROM deliveries WHERE ready = 1 AND destination > $1";
    FIRST_DUE = "SELECT min(state_at) FROM deliveries WHERE ready = 1 AND destination = $1 AND flow = $2 AND again = $3";
    DUE = concat!("SELECT ", columns!(), " FROM deliveries WHERE ready = 1 AND destination = $1 AND flow = $2
        AND again = $3 AND state_at <= $4 AND (deadline IS NULL OR deadline >= $4) ORDER BY state_at, seq");
    NEXT_IN_LANE = concat!("SELECT ", columns!(), " FROM deliveries WHERE lane_hash = (SELECT lane_hash FROM deliveries
        WHERE id = $1) AND lane_place > $2 AND destination = (SELECT destination FROM deliveries WHERE id = $1)
        AND flow = (SELECT flow FROM deliveries WHERE id = $1) AND lane = $3 ORDER BY lane_place LIMIT 1");
    WAITING_BY = "SELECT DISTINCT destination, flow FROM deliveries WHERE is_final = 0 AND state = 0";
    LEFT = concat!("SELECT ", columns!(), " FROM deliveries WHERE is_final = 0 AND state = 0 AND destination = $1
        AND flow = $2 AND round_at <= $3 ORDER BY node IS NOT NULL, seq LIMIT $4");
    OVERDUE = concat!("SELECT ", columns!(), " FROM deliveries WHERE state = 0 AND deadline IS NOT NULL AND deadline < $1
        AND node IS NULL ORDER BY deadline, seq");
}

/// Ready deliveries of a destination: first attempts and repeats are two queues, merged by due time.
pub(super) fn due(conn: &Connection, names: &NameTexts, query: &DueQuery) -> Result<Readable<Delivery>, Broken> {
    let mut readable = Readable::default();
    let mut found: Vec<Row> = Vec::new();
    snapshot(conn, || {
        let mut number = conn.prepare_cached(NUMBER)?;
        let number: Option<i64> = number.query_row([query.destination.as_str()], |row| row.get(0)).optional()?;
        let Some(destination) = number else { return Ok(()) };
        let flows = flows(conn, names, (destination, query))?;
        for (again, most) in [(false, query.all), (true, query.repeats.min(query.all))] {
            let mut queue = Queue { most, rows: Vec::new(), unreadable: Vec::new() };
            for flow in &flows {
                let mut due = conn.prepare_cached(DUE)?;
                queue.take(due.query(params![destination, *flow, again, query.now.micros()])?, names)?;
            }
            queue.rows.sort_by_key(order);
            queue.rows.truncate(most);
            found.append(&mut queue.rows);
            readable.unreadable.append(&mut queue.unreadable);
        }
        Ok(())
    })?;
    found.sort_by_key(order);
    found.truncate(query.all);
    readable.rows = found.into_iter().map(|row| row.delivery).collect();
    Ok(readable)
}

/// The flows with something ready for a destination, without those that are left out.
fn flows(conn: &Connection, names: &NameTexts, (destination, query): (i64, &DueQuery)) -> Result<Vec<i64>, Broken> {
    let mut flows = Vec::new();
    let mut next = conn.prepare_cached(NEXT_FLOW)?;
    let mut last = 0;
    while let Some(flow) = next.query_row([destination, last], |row| row.get::<_, Option<i64>>(0))? {
        last = flow;
        let name: Option<FlowName> = names.name(flow).ok();
        if name.is_none_or(|name| !query.without.contains(&name)) {
            flows.push(flow);
        }
    }
    Ok(flows)
}

/// First attempts, or repeats.
struct Queue {
    /// At most so many of each flow.
    most: usize,
    rows: Vec<Row>,
    unreadable: Vec<String>,
}

impl Queue {
    /// Takes the first that can be read, and what is wrong with those before them that cannot.
    fn take(&mut self, mut due: Rows<'_>, names: &NameTexts) -> Result<(), Broken> {
        let mut left = self.most;
        while left > 0
            && let Some(row) = due.next()?
        {
            match decode(row, names) {
                Ok(row) => {
                    self.rows.push(row);
                    left -= 1;
                }
                Err(broken) => self.unreadable.push(unreadable(row, &broken)),
            }
        }
        Ok(())
    }
}

fn order(row: &Row) -> (Option<Timestamp>, i64) {
    (due_at(&row.delivery), row.seq)
}

fn due_at(delivery: &Delivery) -> Option<Timestamp> {
    if let DeliveryState::Waiting { due } = delivery.state { Some(due) } else { None }
}

/// The one behind the head of a lane.
pub(super) fn next_in_lane(conn: &Connection, names: &NameTexts, head: DeliveryId) -> Result<Option<Delivery>, Broken> {
    snapshot(conn, || {
        let row = Row::find(conn, names, head)?.filter(|row| !row.delivery.behind);
        let Some((place, lane)) = row.as_ref().and_then(|row| row.lane_place.zip(row.delivery.lane.as_ref())) else {
            return Ok(None);
        };
        let mut statement = conn.prepare_cached(NEXT_IN_LANE)?;
        let mut rows = statement.query(params![head.bytes(), place, lane.as_str()])?;
        rows.next()?.map(|row| Ok(decode(row, names)?.delivery)).transpose()
    })
}

/// Deliveries that wait beyond their deadline.
pub(super) fn overdue(
    conn: &Connection,
    names: &NameTexts,
    now: Timestamp,
    limit: usize,
) -> Result<Readable<Delivery>, Broken> {
    let mut found = Readable::default();
    let mut statement = conn.prepare_cached(OVERDUE)?;
    let mut rows = statement.query([now.micros()])?;
    while found.rows.len() < limit
        && let Some(row) = rows.next()?
    {
        match decode(row, names) {
            Ok(row) => found.rows.push(row.delivery),
            Err(broken) => found.unreadable.push(unreadable(row, &broken)),
        }
    }
    Ok(found)
}

/// Deliveries that wait for what is not there. It reads all that is open: it is asked after a change, and by no other way.
pub(super) fn left_waiting(conn: &Connection, names: &NameTexts, query: &LeftQuery) -> Result<Readable<Delivery>, Broken> {
    let mut found = Readable::default();
    let mut left: Vec<Row> = Vec::new();
    snapshot(conn, || {
        let mut statement = conn.prepare_cached(WAITING_BY)?;
        let by = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        for (destination, flow) in by.collect::<Result<Vec<_>, _>>()? {
            let (to, by): (DestinationName, FlowName) = (names.name(destination)?, names.name(flow)?);
            let Some(until) = query.until(&by, &to) else { continue };
            let mut statement = conn.prepare_cached(LEFT)?;
            let mut rows = statement.query(params![destination, flow, until.micros(), len(query.limit)])?;
            while let Some(row) = rows.next()? {
                match decode(row, names) {
                    Ok(row) => left.push(row),
                    Err(broken) => found.unreadable.push(unreadable(row, &broken)),
                }
            }
        }
        Ok(())
    })?;
    left.sort_by_key(|row| (row.delivery.lease.is_some(), row.seq));
    left.truncate(query.limit);
    found.rows = left.into_iter().map(|row| row.delivery).collect();
    Ok(found)
}

/// Destinations with a ready delivery, and when their first is due.
pub(super) fn agenda(conn: &Connection, names: &NameTexts) -> Result<Vec<(DestinationName, Timestamp)>, Broken> {
    let mut agenda = BTreeMap::new();
    snapshot(conn, || {
        let (mut next, mut flows) = (conn.prepare_cached(NEXT_DESTINATION)?, conn.prepare_cached(NEXT_FLOW)?);
        let mut first = conn.prepare_cached(FIRST_DUE)?;
        let mut last = 0;
        while let Some(destination) = next.query_row([last], |row| row.get::<_, Option<i64>>(0))? {
            last = destination;
            let mut earliest: Option<i64> = None;
            let mut flow = 0;
            while let Some(found) = flows.query_row([destination, flow], |row| row.get::<_, Option<i64>>(0))? {
                flow = found;
                for again in [false, true] {
                    let due: Option<i64> = first.query_row(params![destination, flow, again], |row| row.get(0))?;
                    earliest = [earliest, due].into_iter().flatten().min();
                }
            }
            if let (Some(due), Ok(name)) = (earliest, names.name(destination)) {
                agenda.insert(name, at(due));
            }
        }
        Ok(())
    })?;
    Ok(agenda.into_iter().collect())
}
