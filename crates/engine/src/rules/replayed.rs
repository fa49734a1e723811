//! The delivery that a replayed entry leads to, and the emissions that rooms derive. The router derives the same id
//! when it reaches the entry, so a delivery can name its successor before that exists.

use model::{DeliveryId, EventId, FlowName, ReplayId};
use uuid::Uuid;

/// The id of the delivery that the router makes for this event, replay and flow.
pub fn delivery(event: EventId, replay: ReplayId, flow: &FlowName) -> DeliveryId {
    DeliveryId::derive(event.0, &[b"replay", replay.0.as_bytes(), flow.as_str().as_bytes()])
}

/// The id of the delivery that the router makes when it first routes this event.
pub fn first_delivery(event: EventId, flow: &FlowName) -> DeliveryId {
    DeliveryId::derive(event.0, &[b"flow", flow.as_str().as_bytes()])
}

/// The id of the entry by which a quarantined event passes as it is.
pub fn release(of: EventId) -> Uuid {
    EventId::derive(of.0, &[b"released"]).0
}

/// The id of an entry that a room emits because of `parent`.
pub fn emission(parent: Uuid, parts: &[&[u8]]) -> Uuid {
    let mut fields: Vec<&[u8]> = vec![b"emission"];
    fields.extend_from_slice(parts);
    EventId::derive(parent, &fields).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_event_replay_and_flow_alone() {
        let (event, flow) = (EventId(Uuid::from_u128(1)), FlowName::new("orders").unwrap());
        let one = delivery(event, ReplayId(Uuid::from_u128(2)), &flow);
        assert_eq!(one, delivery(event, ReplayId(Uuid::from_u128(2)), &flow));
        assert_ne!(one, delivery(event, ReplayId(Uuid::from_u128(3)), &flow));
        assert_ne!(one, first_delivery(event, &flow));
    }
}
