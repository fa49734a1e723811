//! I1: a 202 means that the entry is durable; and retention takes nothing that is still needed. What was refused for want of
//! room was not taken.

use std::collections::BTreeSet;

use model::account::ROUTER;
use model::limit::READ_RECORDS_MAX;
use model::{Digest, EventId, Fault, Offset, Position};

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
