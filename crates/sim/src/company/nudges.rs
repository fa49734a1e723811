//! The webhooks of the company: sent once, to whichever node is reached, with nobody who asks whether they came. Sent in the
//! middle of the transaction or after its commit, lost, or sent twice.

use std::sync::Arc;

use bytes::Bytes;
use engine::intake::run::Answer;
use http::HeaderMap;
use model::event::Brought;
use model::{Received, RefusalKind, SourceName, TimeSpan};

use super::RecordId;
use crate::oracle::Rule;
use crate::project::Captured;
use crate::random::Random;
use crate::world::World;

/// Sends what a rule of the company sends for a record.
pub(super) fn nudge(world: &Arc<World>, id: RecordId, random: &mut Random) {
    let Some(company) = &world.company else { return };
    let faults = company.faults;
    let times = if random.in_thousand(faults.nudged_twice) { 2 } else { 1 };
    for _ in 0..times {
        let (is_lost, random) = (random.in_thousand(faults.nudge_lost), random.branch("nudge"));
        if !is_lost {
            world.spawner.spawn("world", "nudge", send(Arc::clone(world), id, random));
        }
    }
}

async fn send(world: Arc<World>, (model, id): RecordId, mut random: Random) {
    world.timeline.sleep(random.span(TimeSpan::ZERO, TimeSpan::from_millis(300))).await;
    let Some(door) = world.a_door(&mut random) else { return };
    let body = serde_json::json!({ "_model": model.name(), "_id": id, "_action": "tell(#7)" });
    let (inside, spawner) = (Arc::clone(&door), world.spawner.clone());
    spawner.spawn(&door.group, "nudge", async move {
        let received = Received {
            source: SourceName::new(Captured::NAME).expect("a literal name"),
            at: inside.clock.now(),
            headers: HeaderMap::new(),
            method: "POST".to_owned(),
            path: format!("/{}", Captured::NUDGE),
            query: String::new(),
            body: Bytes::from(body.to_string()),
            peer: None,
            seed: 0,
            by: Brought::Sender,
        };
        match inside.intake.receive(received).await {
            Answer::Handshake(_) => {}
            Answer::Refused(refusal) if refusal.kind == RefusalKind::Unavailable => {}
            other => world.oracle.blame(Rule::I13, [format!("a nudge is answered {other:?}")]),
        }
    });
}
