//! I3: nothing is delivered that was not admitted; the bytes that are sent equal the mapping of the bytes that are stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Entry, EventId, Fault, PolicyVersion, QuarantineState, Record};
use serde_json::Value;

use crate::oracle::{Arrival, Followed, Stores};
use crate::project::{ExpectedBody, Project, body_of, lane_of};

/// An arrival, with its delivery as it was opened.
pub type Arrived = (Arrival, Option<Followed>);

/// Each arrival is of an admitted event, in a delivery of the ledger, with the bytes that its flow makes of the event.
pub async fn i3_only_admitted_bytes_arrive(
    stores: &Stores,
    projects: &BTreeMap<PolicyVersion, Arc<Project>>,
    arrived: &[Arrived],
) -> Result<Vec<String>, Fault> {
    let mut broken = Vec::new();
    for (arrival, followed) in arrived {
        let Some(followed) = followed else {
            broken.push(format!("{} got {}, which is no delivery", arrival.destination, arrival.delivery));
            continue;
        };
        let Ok(event) = arrival.event.parse::<EventId>() else {
            broken.push(format!("{} got {} of an event without an id", arrival.destination, arrival.delivery));
            continue;
        };
        match stores.find(event).await? {
            Some(record) if is_admitted(stores, &record, event).await? => {
                broken.extend(
                    differs(projects, (arrival, followed), &record).map(|why| format!("{}: {why}", arrival.delivery)),
                );
            }
            Some(_) => broken.push(format!("{} got {event}, which waits in quarantine", arrival.destination)),
            None => broken.push(format!("{} got {event}, which is not in the journal", arrival.destination)),
        }
    }
    Ok(broken)
}

async fn is_admitted(stores: &Stores, record: &Record, event: EventId) -> Result<bool, Fault> {
    Ok(match &record.entry {
        Entry::Admitted(_) | Entry::Resubmitted { .. } => true,
        Entry::Quarantined { .. } => {
            let row = stores.quarantined(event).await?;
            row.is_some_and(|row| matches!(row.state, QuarantineState::Released { .. }))
        }
        Entry::Released { .. } | Entry::Replayed { .. } | Entry::PolicyApplied { .. } => false,
    })
}

fn differs(
    projects: &BTreeMap<PolicyVersion, Arc<Project>>,
    (arrival, followed): (&Arrival, &Followed),
    record: &Record,
) -> Option<String> {
    let delivery = &followed.first;
    let project = projects.get(&followed.policy)?;
    let Some(flow) = project.flow(&arrival.flow) else {
        return Some(format!("the flow {} is not in its project", arrival.flow));
    };
    let event = record.entry.event()?;
    if delivery.event != event.id || flow.destination != arrival.destination || delivery.flow.as_str() != arrival.flow {
        return Some(format!(
            "it came to {} by {}, and is {} by {}",
            arrival.destination, arrival.flow, flow.destination, delivery.flow
        ));
    }
    if !arrival.signed_well {
        return Some("its signature is wrong".to_owned());
    }
    if lane_of(flow, event).as_deref() != delivery.lane.as_ref().map(model::LaneKey::as_str) {
        return Some(format!("it is in the lane {:?}, and belongs into {:?}", delivery.lane, lane_of(flow, event)));
    }
    let right = match body_of(flow, event) {
        ExpectedBody::Bytes(bytes) => bytes == arrival.body,
        ExpectedBody::Json(value) => serde_json::from_slice::<Value>(&arrival.body).is_ok_and(|got| got == value),
        ExpectedBody::Refused => false,
    };
    (!right).then(|| format!("other bytes than {:?}: {}", body_of(flow, event), String::from_utf8_lossy(&arrival.body)))
}
