//! I2: every admitted event reaches, for every flow that matched, an end state or a named person.

use std::collections::BTreeMap;

use model::{Batch, Change, DeliveryId, DeliveryState, Fault, TimeSpan, Timestamp};

use super::attempts::deadline_of;
use super::cursors::Due;
use crate::oracle::{Gone, Known, Stores, Work};
use crate::project::owner_of;

/// What each routed record had to lead to, in the ledger as it stands when nothing moves any more.
pub async fn i2_every_event_ends_or_has_an_owner(stores: &Stores, due: &[Due]) -> Result<Vec<String>, Fault> {
    let mut broken = Vec::new();
    for Due { event, replay, flows, at } in due {
        let story = stores.event_story(*event).await?;
        let mut found: BTreeMap<&str, Vec<(DeliveryId, &DeliveryState)>> = BTreeMap::new();
        for told in story.deliveries.iter().filter(|told| told.delivery.replay == *replay) {
            let of_flow = found.entry(told.delivery.flow.as_str()).or_default();
            of_flow.push((told.delivery.id, &told.delivery.state));
        }
        for flow in flows {
            match found.remove(flow.as_str()).as_deref() {
                Some([(id, state)]) => {
                    broken.extend(stands_well(state, flow).map(|why| format!("delivery {id} of {event}: {why}")));
                }
                Some(several) => {
                    broken.push(format!("{event} has {} deliveries in {flow}", several.len()));
                }
                None => broken.push(format!("{event}, routed at {at}, has no delivery in {flow}, which takes it")),
            }
        }
        // What a second version of the project adds is due at the records that it routes, not at this one.
        for flow in found.keys().filter(|flow| !due.iter().any(|other| other.covers(*event, *replay, flow))) {
            broken.push(format!("{event}, routed at {at}, has a delivery in {flow}, which does not take it"));
        }
    }
    Ok(broken)
}

/// What a flow made that the policy in force does not have is with a person from the first moment: nobody waits for it.
pub fn i2_removed_flows_make_nothing_wait(known: &Known, batch: &Batch) -> Vec<String> {
    let Some(last) = known.work.applications.last() else { return Vec::new() };
    let Some(project) = known.projects.get(&last.version) else { return Vec::new() };
    let made = batch
        .changes
        .iter()
        .filter_map(|change| if let Change::Open { delivery, .. } = change { Some(delivery) } else { None });
    let waits = made.filter(|it| matches!(it.state, DeliveryState::Waiting { .. }));
    let removed = waits.filter(|it| project.flow(it.flow.as_str()).is_none());
    removed.map(|it| format!("{} waits for {}, and application {} has no such flow", it.id, it.flow, last.number)).collect()
}

fn stands_well(state: &DeliveryState, flow: &str) -> Option<String> {
    match state {
        DeliveryState::Done { .. } | DeliveryState::Cancelled { .. } | DeliveryState::Superseded { .. } => None,
        DeliveryState::Held { for_whom: owner } | DeliveryState::DeadLettered { owner } => {
            let right = owner.as_str() == owner_of(flow);
            (!right).then(|| format!("it waits for {owner}, and {flow} is {}'s", owner_of(flow)))
        }
        DeliveryState::Waiting { due } => Some(format!("it still waits, due {due}")),
    }
}

/// LIMIT: how long after its deadline a delivery may still wait, once all nodes and stores are well: restarts and leases that
/// have to run out first.
const AFTER_DEADLINE_MAX: TimeSpan = TimeSpan::from_secs(90);

/// What waits, however long its destination, its flow or its lane is closed, is given to a person at its deadline. Asked
/// when nothing has been wrong with nodes and stores since `calm`.
pub fn i2_deadlines_are_kept(known: &Known, calm: Timestamp, now: Timestamp) -> Vec<String> {
    let late = known.work.deliveries.iter().filter_map(|(id, it)| {
        let deadline = deadline_of(&known.projects, it)?;
        let is_open = it.attempts.last().is_some_and(|attempt| attempt.open);
        let waits = matches!(it.state, DeliveryState::Waiting { .. }) && !is_open;
        let late = waits && deadline.max(calm) + AFTER_DEADLINE_MAX < now;
        late.then(|| format!("{id} still waits, and its deadline was {deadline}"))
    });
    late.collect()
}

/// What retention has removed of the ledger was over: no delivery that is open, no event that waits for a person.
pub fn i2_retention_keeps_what_is_open(work: &Work, gone: &Gone) -> Vec<String> {
    let deliveries = gone.deliveries.iter().filter_map(|id| work.deliveries.get(id).filter(|it| !it.state.is_final()));
    let deliveries =
        deliveries.map(|it| format!("retention has removed the delivery {}, which is {}", it.first.id, it.state.word()));
    let kept = work.kept_events().into_iter().filter(|event| gone.events.contains(event));
    let kept = kept.map(|event| format!("retention has removed {event}, which waits for a person"));
    deliveries.chain(kept).collect()
}

/// Whoever waits for a person waits for the one who owns the flow.
pub async fn i2_people_have_names(stores: &Stores) -> Result<Vec<String>, Fault> {
    let groups = stores.views.causes().await?;
    let wrong = groups.iter().filter(|group| group.owner.as_str() != owner_of(group.flow.as_str()));
    Ok(wrong.map(|group| format!("{} deliveries of {} wait for {}", group.count, group.flow, group.owner)).collect())
}
