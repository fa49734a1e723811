//! I1: a 202 means that the entry is durable.

use model::{EventId, Fault};

use crate::oracle::{Request, Stores};

/// Every id that was answered with 202 is found in the journal, with the bytes that were sent.
pub async fn i1_accepted_is_durable(stores: &Stores, accepted: &[(EventId, Request)]) -> Result<Vec<String>, Fault> {
    let mut broken = Vec::new();
    for (id, request) in accepted {
        let Request { source, key, digest } = request;
        let record = stores.journal.find(*id).await?;
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
