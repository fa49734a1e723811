//! A system of record in a few maps: it shows what a test put there, and what it was asked is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use backends::conformance::ManualClock;
use bytes::Bytes;
use engine::board::Board;
use engine::nudges::Nudge;
use engine::ports::{
    Absence, Asked, Clock as _, Extent, Peer, Place, Pull, Pulled, Read, Records, Row, Shape, Shown, Unread, Which,
};
use model::{TimeSpan, Timestamp};
use serde_json::json;
use tokio::sync::watch;

use crate::world::erp;

pub(crate) const MODEL: &str = "sale.order";

/// A record.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    written_at: Timestamp,
    customer: String,
    state: Option<String>,
}

/// What is there.
#[derive(Debug, Default)]
struct There {
    orders: BTreeMap<u64, Order>,
    /// Those that a rule hides from us.
    closed: BTreeSet<u64>,
    hidden: BTreeSet<u64>,
    away: Option<Unread>,
    asked: u64,
    /// Answers about named records wait until it is open.
    gate: Option<watch::Receiver<bool>>,
    flow: Flow,
}

/// Each answer about named records takes long, and is followed by another nudge.
#[derive(Debug, Default)]
struct Flow {
    board: Option<Arc<Board>>,
    left: u64,
    /// Sweeps meanwhile.
    swept: u64,
}

#[derive(Debug)]
pub(crate) struct FakeOdoo {
    clock: Arc<ManualClock>,
    there: Mutex<There>,
}

impl FakeOdoo {
    pub(crate) fn new(clock: Arc<ManualClock>) -> Self {
        Self { clock, there: Mutex::default() }
    }

    /// Writes an order now, as its users do.
    pub(crate) fn write(&self, id: u64, customer: &str) {
        self.write_at(id, customer, self.clock.now());
    }

    /// Writes an order with a write date of its own.
    pub(crate) fn write_at(&self, id: u64, customer: &str, at: Timestamp) {
        let written_at = Timestamp::from_secs(at.secs());
        let order = Order { written_at, customer: customer.to_owned(), state: None };
        self.lock().orders.insert(id, order);
    }

    /// An order enters a state now.
    pub(crate) fn enter(&self, id: u64, state: &str) {
        self.lock().orders.get_mut(&id).unwrap().state = Some(state.to_owned());
        self.touch(id);
    }

    /// An order is written now, as it is.
    pub(crate) fn touch(&self, id: u64) {
        self.lock().orders.get_mut(&id).unwrap().written_at = Timestamp::from_secs(self.clock.now().secs());
    }

    /// Answers about named records are on their way from now on, until this says that they come.
    pub(crate) fn hold_named(&self) -> watch::Sender<bool> {
        let (open, gate) = watch::channel(false);
        self.lock().gate = Some(gate);
        open
    }

    /// The next so many answers about named records take 600 ms each, and each is followed by another nudge.
    pub(crate) fn nudge_for_ever(&self, board: &Arc<Board>, answers: u64) {
        self.lock().flow = Flow { board: Some(Arc::clone(board)), left: answers, swept: 0 };
    }

    /// How many of these are left, and how often it was swept meanwhile.
    pub(crate) fn nudged(&self) -> (u64, u64) {
        let there = self.lock();
        (there.flow.left, there.flow.swept)
    }

    fn flow(&self, which: &Which) {
        let mut there = self.lock();
        let Flow { board: Some(board), left: left @ 1.., swept } = &mut there.flow else { return };
        match which {
            Which::These(_) => {
                *left -= 1;
                board.nudges.hear(&erp(), Nudge { model: MODEL.to_owned(), id: 1_000 + *left });
                self.clock.advance(TimeSpan::from_millis(600));
            }
            Which::Written { after: 0, .. } => *swept += 1,
            Which::Written { .. } | Which::All { .. } => {}
        }
    }

    /// What an order shows is changed, and its write date is not.
    pub(crate) fn rename(&self, id: u64, customer: &str) {
        customer.clone_into(&mut self.lock().orders.get_mut(&id).unwrap().customer);
    }

    pub(crate) fn delete(&self, ids: impl IntoIterator<Item = u64>) {
        let mut there = self.lock();
        for id in ids {
            there.orders.remove(&id).unwrap();
        }
    }

    /// A rule hides these from us.
    pub(crate) fn hide(&self, ids: impl IntoIterator<Item = u64>) {
        self.lock().hidden.extend(ids);
    }

    /// They are listed, and their content is refused.
    pub(crate) fn close(&self, ids: impl IntoIterator<Item = u64>) {
        self.lock().closed.extend(ids);
    }

    /// Their content is shown again.
    pub(crate) fn open(&self, id: u64) {
        assert!(self.lock().closed.remove(&id));
    }

    /// No rule hides it any more.
    pub(crate) fn show(&self, id: u64) {
        assert!(self.lock().hidden.remove(&id));
    }

    /// From now on it says so, or shows again.
    pub(crate) fn is_away(&self, of: Option<Extent>) {
        let unread = |of| Unread { of, cause: "connect", why: "nobody is there".to_owned(), help: "" };
        self.lock().away = of.map(unread);
    }

    /// Calls so far.
    pub(crate) fn asked(&self) -> u64 {
        self.lock().asked
    }

    fn ask<T>(&self, tell: impl FnOnce(&There) -> T) -> Result<T, Unread> {
        let mut there = self.lock();
        there.asked += 1;
        match &there.away {
            Some(unread) => Err(unread.clone()),
            None => Ok(tell(&there)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, There> {
        self.there.lock().unwrap()
    }
}

fn row(id: u64, order: &Order) -> Row {
    let record = json!({ "partner_id": { "display_name": order.customer }, "state": order.state });
    let body = json!({ "model": MODEL, "id": id, "record": record });
    Row { id, written_at: Some(order.written_at), state: order.state.clone(), body: Bytes::from(body.to_string()) }
}

fn within(there: &There, (from, to): (u64, u64)) -> Vec<u64> {
    there.orders.range(from..to).map(|(id, _)| *id).filter(|id| !there.hidden.contains(id)).collect()
}

impl Records for FakeOdoo {
    fn shown<'a>(&'a self, _peer: &'a Peer, asked: &'a Asked) -> Read<'a, Shown> {
        let is_asked = |id: u64, order: &Order| match &asked.which {
            Which::Written { from, after } => id > *after && order.written_at >= *from,
            Which::These(ids) => ids.contains(&id),
            Which::All { after } => id > *after,
        };
        let at = Timestamp::from_secs(self.clock.now().secs());
        let shown = self.ask(|there| {
            let page = there.orders.iter().filter(|(id, order)| is_asked(**id, order) && !there.hidden.contains(id));
            let page: Vec<(&u64, &Order)> = page.take(asked.limit).collect();
            let more_after = page.last().map(|(id, _)| **id).filter(|_| page.len() >= asked.limit);
            // What a light look asks for leads nowhere, and is never refused.
            let is_closed = |id: &u64| there.closed.contains(id) && !asked.reading.fields.is_empty();
            let closed = page.iter().map(|(id, _)| **id).filter(is_closed).collect();
            let rows = page.iter().filter(|(id, _)| !is_closed(id)).map(|(id, order)| row(**id, order)).collect();
            let is_stated = there.orders.values().any(|order| order.state.is_some());
            Shown { rows, closed, more_after, at, shape: if is_stated { Shape::Stated } else { Shape::Plain } }
        });
        self.flow(&asked.which);
        let gate = self.lock().gate.clone().filter(|_| matches!(asked.which, Which::These(_)));
        Box::pin(async move {
            if let Some(mut gate) = gate {
                gate.wait_for(|is_open| *is_open).await.unwrap();
            }
            shown
        })
    }

    fn counts<'a>(&'a self, _peer: &'a Peer, _model: &'a str, ranges: &'a [(u64, u64)]) -> Read<'a, Vec<u64>> {
        let counts = self.ask(|there| ranges.iter().map(|range| within(there, *range).len() as u64).collect());
        Box::pin(async move { counts })
    }

    fn ids<'a>(&'a self, _peer: &'a Peer, _model: &'a str, range: (u64, u64)) -> Read<'a, Vec<u64>> {
        let ids = self.ask(|there| within(there, range));
        Box::pin(async move { ids })
    }

    fn missing<'a>(&'a self, _peer: &'a Peer, _model: &'a str, ids: &'a [u64]) -> Read<'a, Vec<(u64, Absence)>> {
        let is = |there: &There, id| if there.orders.contains_key(&id) { Absence::Hidden } else { Absence::Gone };
        let missing = self.ask(|there| ids.iter().map(|id| (*id, is(there, *id))).collect());
        Box::pin(async move { missing })
    }

    fn pulled<'a>(&'a self, _peer: &'a Peer, _pull: &'a Pull) -> Read<'a, Pulled> {
        Box::pin(async { Err(no_outbox()) })
    }

    fn acknowledged<'a>(&'a self, _peer: &'a Peer, _reader: &'a str, _upto: &'a Place) -> Read<'a, ()> {
        Box::pin(async { Err(no_outbox()) })
    }
}

fn no_outbox() -> Unread {
    Unread { of: Extent::System, cause: "no_outbox", why: "it has none".to_owned(), help: "" }
}
