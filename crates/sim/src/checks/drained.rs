//! I10: after the faults have stopped, the backlog drains and a fresh event passes.

use model::view::{DeliveryQuery, QuarantineQuery};
use model::{Delivery, DeliveryState, EventId, Fault, Offset};

use crate::oracle::Stores;

/// What has not come to rest yet: unrouted records, waiting deliveries, entries in the outbox. Empty when all is drained
/// and each of the fresh events stands in the journal and is done wherever it goes.
pub async fn i10_backlog_drains(stores: &Stores, fresh: &[EventId]) -> Result<Vec<String>, Fault> {
    let mut left = Vec::new();
    let account = stores.ledger.account().await?;
    for partition in stores.journal.partitions() {
        let head = stores.journal.head(partition).await?;
        let cursor = account.routed_to.iter().find(|(of, _)| *of == partition).map_or(Offset(0), |(_, offset)| *offset);
        if cursor < head {
            left.push(format!("partition {} is routed to {} of {}", partition.0, cursor.0, head.0));
        }
    }
    let outbox = stores.ledger.outbox(1).await?.rows.len();
    if outbox > 0 {
        left.push("emitted entries are not in the journal".to_owned());
    }
    for line in stores.views.backlog().await? {
        left.push(format!("{} waiting and {} open to {}", line.waiting, line.leased, line.destination));
    }
    for event in fresh {
        let story = stores.event_story(*event).await?;
        let unfinished = story.deliveries.iter().filter(|told| !has_passed(&told.delivery));
        left.extend(
            unfinished
                .map(|told| format!("the fresh event {event} is {} in {}", told.delivery.state.word(), told.delivery.flow)),
        );
    }
    Ok(left)
}

/// It arrived, or was handed to its owner at its deadline: that may be shorter than what slow stores need.
fn has_passed(delivery: &Delivery) -> bool {
    match delivery.state {
        DeliveryState::Done { .. } => true,
        DeliveryState::Held { .. } | DeliveryState::DeadLettered { .. } => delivery.deadline.is_some(),
        DeliveryState::Waiting { .. } | DeliveryState::Cancelled { .. } | DeliveryState::Superseded { .. } => false,
    }
}

/// What waits for a person: held and dead deliveries, open quarantine. Zero after a person has settled everything.
pub async fn with_a_person(stores: &Stores) -> Result<usize, Fault> {
    let query =
        DeliveryQuery { states: vec!["held".to_owned(), "dead_lettered".to_owned()], limit: 1, ..DeliveryQuery::default() };
    let deliveries = stores.views.deliveries(query).await?.rows.len();
    let query = QuarantineQuery { states: vec!["open".to_owned()], limit: 1, ..QuarantineQuery::default() };
    Ok(deliveries + stores.views.quarantine(query).await?.rows.len())
}
