//! People at work in Odoo: they make, change, confirm and delete orders, some of them in transactions that take long, and some
//! change their minds. Every change writes a reference of its own, by which it is known again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use model::TimeSpan;
use serde_json::json;
use sim::odoo::{Fault, Odoo, Open, Receipt};

use crate::Outcome;
use crate::product::Product;
use crate::stats::now_us;

/// Changes in a second.
const PACE: u64 = 150;
/// Of a hundred nudges, how many are lost.
const LOST_PERCENT: u64 = 5;
/// LIMIT: how long a transaction is held open; the overlap of the sweeps is longer.
const HELD_MAX_S: u64 = 20;
/// LIMIT: transactions that are ending at once, as Odoo's workers are.
const ENDING_MAX: usize = 32;
const ORDER: &str = "sale.order";

/// How much work there is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) changes: u64,
    pub(super) seed: u64,
    /// For how many seconds Odoo is away from the third part of the work on.
    pub(super) away_s: u64,
}

/// The people.
#[derive(Debug)]
pub(super) struct Users {
    odoo: Odoo,
    plan: Plan,
    lost: Arc<AtomicU64>,
    began: AtomicU64,
}

/// A sequence of chance; the same seed gives the same one.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end.max(1)
    }
}

impl Users {
    /// People, and a network that loses some of what Odoo sends.
    pub(super) fn new(odoo: Odoo, plan: Plan) -> Self {
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lost);
        let chance = Mutex::new(Chance(plan.seed));
        if let Ok(post) = sim::odoo::post() {
            odoo.set_sender(Arc::new(move |hook| {
                let is_lost = chance.lock().unwrap_or_else(PoisonError::into_inner).below(100) < LOST_PERCENT;
                if is_lost {
                    counted.fetch_add(1, Ordering::Relaxed);
                    return async { Receipt::Lost }.boxed();
                }
                post(hook)
            }));
        }
        Self { odoo, plan, lost, began: AtomicU64::new(0) }
    }

    /// Makes the automation rule that nudges `url`, as a person would in Odoo.
    pub(super) async fn nudge(&self, url: &str) -> Outcome<()> {
        let said = |failure: sim::odoo::Failure| format!("{failure:?}");
        let found = self.odoo.call("ir.model", "search", json!([[["model", "=", ORDER]]]), json!({})).await.map_err(said)?;
        let model = found.get(0).cloned().ok_or("Odoo has no sale.order")?;
        let action = json!({ "name": "hook", "model_id": model, "state": "webhook", "webhook_url": url });
        let rule = json!({
            "name": "orders", "model_id": model, "trigger": "on_create_or_write", "action_server_ids": [[0, 0, action]],
        });
        self.odoo.call("base.automation", "create", json!([rule]), json!({})).await.map_err(said)?;
        Ok(())
    }

    /// Waits until the product knows all that is there.
    pub(super) async fn settle(&self, product: &Product) -> Outcome<()> {
        let until = now_us() + 60_000_000;
        while now_us() < until {
            let metrics = product.metrics().await?;
            if metrics.reads("sweep") >= 1 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err("capture did not begin within a minute".into())
    }

    /// When work began, in microseconds.
    pub(super) fn began(&self) -> u64 {
        self.began.load(Ordering::Relaxed)
    }

    /// Nudges that were lost on the way.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Works until all is done and every transaction has ended.
    pub(super) async fn work(&self) -> Outcome<()> {
        let began = now_us();
        self.began.store(began, Ordering::Relaxed);
        let mut chance = Chance(self.plan.seed ^ 0x5eed);
        let mut day = Day::default();
        let mut live: Vec<i64> = self.odoo.records(ORDER).keys().copied().collect();
        for number in 0..self.plan.changes {
            let due = began + number * 1_000_000 / PACE;
            while now_us() < due || day.ending.len() >= ENDING_MAX {
                day.pass().await;
            }
            day.end_due();
            if number == self.plan.changes / 3 && self.plan.away_s > 0 {
                // Who works in Odoo works on; nobody else reaches it.
                self.odoo.begin_fault_span(Fault::Refused, TimeSpan::from_secs(self.plan.away_s));
            }
            let mut open = self.odoo.begin();
            if change(&mut open, &mut chance, &mut live, number).is_err() {
                // Somebody else's transaction has the record; this one gives up, as people do.
                open.roll_back().await;
                continue;
            }
            match chance.below(100) {
                0..5 => day.hold(open, 1 + chance.below(HELD_MAX_S), Fate::Committed),
                5..8 => day.hold(open, 1, Fate::TakenBack),
                _ => day.commit(open),
            }
        }
        while !day.is_over() {
            day.end_due();
            day.pass().await;
        }
        Ok(())
    }
}

/// One thing that somebody does to an order.
fn change(open: &mut Open, chance: &mut Chance, live: &mut Vec<i64>, number: u64) -> Result<(), sim::odoo::Failure> {
    let reference = format!("change {number}");
    let at = usize::try_from(chance.below(live.len() as u64)).unwrap_or_default();
    match chance.below(100) {
        0..10 => open.create(ORDER, &json!({ "partner_id": 1, "client_order_ref": reference })).map(|id| live.push(id)),
        10..14 => {
            let id = live.swap_remove(at);
            open.write(ORDER, &[id], &json!({ "state": "cancel" })).and_then(|()| open.unlink(ORDER, &[id]))
        }
        14..20 => open.write(ORDER, &[live[at]], &json!({ "state": "sale", "client_order_ref": reference })),
        _ => open.write(ORDER, &[live[at]], &json!({ "client_order_ref": reference })),
    }
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Committed,
    TakenBack,
}

/// Transactions that are open, and those that are ending.
#[derive(Default)]
struct Day {
    held: Vec<(u64, Open, Fate)>,
    ending: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl Day {
    fn hold(&mut self, open: Open, secs: u64, fate: Fate) {
        self.held.push((now_us() + secs * 1_000_000, open, fate));
    }

    /// One whose records were changed by another meanwhile fails, and that is its end.
    fn commit(&mut self, open: Open) {
        self.ending.push(open.commit().map(drop).boxed());
    }

    fn end_due(&mut self) {
        let now = now_us();
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.held).into_iter().partition(|(until, ..)| *until <= now);
        self.held = later;
        for (_, open, fate) in due {
            match fate {
                Fate::Committed => self.commit(open),
                Fate::TakenBack => self.ending.push(open.roll_back().boxed()),
            }
        }
    }

    /// A moment in which transactions may come to their end.
    async fn pass(&mut self) {
        tokio::select! {
            Some(()) = self.ending.next(), if !self.ending.is_empty() => {}
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
    }

    fn is_over(&self) -> bool {
        self.held.is_empty() && self.ending.is_empty()
    }
}
