//! What a simulated system does with a delivery: it checks the proof, may turn it away, takes it once, and answers. What
//! follows from it is written into the diary before the answer is given.

use http::HeaderMap;
use model::TimeSpan;
use serde_json::Value;

use super::decide::{self, Parcel, Telling, text};
use super::doors::{Door, Work};
use super::ledger::{Deed, Taken};
use super::letter::Journey;
use super::prove;
use super::system::System;
use super::trouble::Trouble;
use super::world::World;

/// How long Parcelwind takes while it is slow: longer than anybody waits for it.
const TOO_LONG: TimeSpan = TimeSpan::from_secs(6);

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// The status.
    pub(super) status: u16,
    /// What is said.
    pub(super) said: &'static str,
    /// How long it takes.
    pub(super) delay: TimeSpan,
    /// How many seconds the caller is asked to wait.
    pub(super) retry_after_s: Option<u32>,
}

impl Reply {
    const fn now(status: u16, said: &'static str) -> Self {
        Self { status, said, delay: TimeSpan::from_micros(0), retry_after_s: None }
    }
}

/// Takes a delivery at a door.
pub(super) fn delivery(world: &World, door: &Door, headers: &HeaderMap, body: &[u8]) -> Reply {
    world.ledger.count(door.system, |totals| totals.received += 1);
    let turned_away = |reply: Reply| {
        world.ledger.count(door.system, |totals| totals.turned_away += 1);
        reply
    };
    if let Some(reply) = unwilling(world, door.system) {
        return turned_away(reply);
    }
    let Ok(id) = prove::delivery(door, headers, body, world.clock.wall()) else {
        world.ledger.count(door.system, |totals| totals.unproven += 1);
        return Reply::now(401, "who are you?");
    };
    let Ok(data) = serde_json::from_slice::<Value>(body) else {
        return turned_away(Reply::now(400, "no JSON"));
    };
    let order = text(&data, "/order");
    let is_choosy = door.system == System::Parcelwind && world.troubles.has(Trouble::ParcelwindRefuses);
    if is_choosy && decide::is_refused(world.options.seed, order) {
        return turned_away(Reply::now(422, "the postcode is not valid for this service"));
    }
    let taken = world.ledger.take(door.system, &id, deed(door.work, &data));
    if let Some(journey) = consequence(world, door, &data, taken) {
        world.begin(journey);
    }
    let delay = delay(world, door.system, order);
    match taken {
        Taken::New | Taken::Further => Reply { delay, ..Reply::now(201, "done") },
        Taken::Repeat => Reply { delay, ..Reply::now(200, "was done before") },
    }
}

/// Why a system takes nothing at all now.
fn unwilling(world: &World, system: System) -> Option<Reply> {
    match system {
        System::Parcelwind if world.is_parcelwind_down() => Some(Reply::now(503, "out of order")),
        System::Parcelwind if world.is_parcelwind_busy() => {
            Some(Reply { retry_after_s: Some(1), ..Reply::now(429, "not so fast") })
        }
        System::Finance if world.troubles.has(Trouble::Finance500) => Some(Reply::now(500, "internal error")),
        _ if !world.diary.has_room() => Some(Reply::now(503, "too much to do")),
        System::Shop | System::Odoo | System::Warehouse | System::Parcelwind | System::Northpost | System::Finance => None,
    }
}

fn deed(work: Work, data: &Value) -> Deed<'_> {
    match work {
        Work::Keep(pointer) => Deed::State(text(data, pointer)),
        Work::KeepOrder => Deed::State(text(data, "/orderId")),
        Work::Fulfil | Work::Book => Deed::Command(text(data, "/order")),
        Work::Label(reference) => Deed::Command(text(data, reference)),
    }
}

/// What the system is going to send because of it.
fn consequence(world: &World, door: &Door, data: &Value, taken: Taken) -> Option<Journey> {
    let (seed, pace) = (world.options.seed, world.pace());
    match (door.work, taken) {
        (_, Taken::Repeat) | (Work::Keep(_), _) | (Work::KeepOrder, Taken::Further) => None,
        (Work::KeepOrder, Taken::New) => Some(decide::odoo(seed, text(data, "/orderId"), pace)),
        (Work::Fulfil, Taken::New | Taken::Further) => {
            let telling = if world.troubles.has(Trouble::WmsOutOfOrder) { Telling::OutOfOrder } else { Telling::InOrder };
            Some(decide::warehouse(seed, data, pace, telling))
        }
        (Work::Label(reference), Taken::New | Taken::Further) => {
            let parcel = Parcel {
                carrier: door.system,
                order: text(data, "/order").to_owned(),
                reference: text(data, reference).to_owned(),
            };
            Some(decide::carrier(seed, &parcel, pace))
        }
        (Work::Book, Taken::New | Taken::Further) => Some(decide::finance(seed, data, pace)),
    }
}

fn delay(world: &World, system: System, order: &str) -> TimeSpan {
    match system {
        System::Northpost => world.pace().scaled(decide::northpost_takes(world.options.seed, order)),
        System::Parcelwind if world.troubles.has(Trouble::ParcelwindSlow) => TOO_LONG,
        System::Shop | System::Odoo | System::Warehouse | System::Parcelwind | System::Finance => TimeSpan::default(),
    }
}
