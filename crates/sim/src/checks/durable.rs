//! I1: a 202 means that the entry is durable; and retention takes nothing that is still needed. What was refused for want of
//! room was not taken; what was refused and is said to wait beside a kept event is there.

use std::collections::{BTreeMap, BTreeSet};

use model::account::ROUTER;
use model::limit::READ_RECORDS_MAX;
use model::{Consumer, Digest, EventId, Fault, Offset, Position, QuarantineState};

use crate::oracle::{Request, Stores, Work};

/// Every id that was answered with 202 is found in the journal, with the bytes that were sent.
pub async fn i1_accepted_is_durable(stores: &Stores, accepted: &[(EventId, Request)]) -> Result<Vec<String>, Fault> {
    let mut broken = Vec::new();
    for (id, request) in accepted {
        let Request { source, key, digest } = request;
        let record = stores.find(*id).await?;
        match record.as_ref().and_then(|record| record.entry.event()) {
            None => {
                broken.push(format!("{source} was answered 202 for key {key} as {id}, and the journal does not have it"));
            }
            Some(event) if event.digest != *digest => {
                broken.push(format!(
                    "{source} was answered 202 for key {key} as {id}, and the journal has other bytes under it"
                ));
            }
            Some(_) => {}
        }
    }
    Ok(broken)
}

/// What is said to be beside a kept event is there until a person has settled that; `beside` are events and the digests of the
/// newest bodies of which it was said.
pub async fn i1_later_bodies_are_there(stores: &Stores, beside: &BTreeMap<EventId, Digest>) -> Result<Vec<String>, Fault> {
    let router = Consumer::new(ROUTER).expect("a literal name");
    let mut broken = Vec::new();
    for (event, digest) in beside {
        let Some(record) = stores.find(*event).await? else { continue };
        // Before the row: what the router passes in between is a row that is not looked for any more.
        let routed_to = stores.ledger.cursor(&router, record.position.partition).await?;
        let row = stores.ledger.quarantined(*event).await?;
        let waits = row.as_ref().map_or(routed_to < record.position.offset, |row| row.state == QuarantineState::Open);
        let shown = row.map_or(Some(*digest), |row| row.later.map(|later| later.digest));
        let attached = stores.ledger.later(*event).await?.map(|later| Digest::of(&later.event.body));
        if waits && (shown != Some(*digest) || attached != Some(*digest)) {
            broken.push(format!("{digest} is said to be beside {event}, which shows {shown:?} and has {attached:?}"));
        }
    }
    Ok(broken)
}

/// A sender that was told that there is no room, and went away, has left nothing in the journal. `not_taken` are sources and
/// bodies that were answered with nothing else.
pub async fn i1_refused_is_not_kept(stores: &Stores, not_taken: &BTreeSet<(String, Digest)>) -> Result<Vec<String>, Fault> {
    let mut broken = Vec::new();
    for partition in stores.journal.partitions() {
        let mut after = Offset::default();
        loop {
            let records = stores.read(partition, after, READ_RECORDS_MAX).await?;
            let Some(last) = records.last() else { break };
            after = last.position.offset;
            for event in records.iter().filter_map(|record| record.entry.event()) {
                if not_taken.contains(&(event.source.to_string(), event.digest)) {
                    broken.push(format!(
                        "{} was told that there is no room, and {} is in the journal",
                        event.source, event.id
                    ));
                }
            }
        }
    }
    Ok(broken)
}

/// What retention has removed was routed, and nobody needs its bytes: no open delivery, no kept event, no emitted entry that
/// speaks of them, no running replay that was told that they are there.
pub fn i1_retention_keeps_what_is_needed(work: &Work, gone: &[Position]) -> Vec<String> {
    let mut broken = Vec::new();
    if gone.is_empty() {
        return broken;
    }
    let needed = work.needed();
    for at in gone {
        let cursor = work.cursors.get(&(ROUTER.to_owned(), at.partition)).copied().unwrap_or_default();
        if at.offset > cursor {
            broken.push(format!("retention has removed {at}, and the router is at {}", cursor.0));
        }
        if let Some(why) = needed.get(at) {
            broken.push(format!("retention has removed {at}, and {why} needs it"));
        }
    }
    broken
}
