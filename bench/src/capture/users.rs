//! People at work in Odoo: they make, change, confirm and delete orders, some of them in transactions that take long, and some
//! change their minds. Every change writes a reference of its own, by which it is known again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use serde_json::json;
use sim::odoo::{Odoo, Open, Receipt};

use crate::Outcome;
use crate::product::Product;
use crate::stats::now_us;

/// Changes in a second.
const PACE: u64 = 150;
/// Of a hundred nudges, how many are lost.
const LOST_PERCENT: u64 = 5;
/// LIMIT: how long a transaction is held open; the overlap of the sweeps is longer.
const HELD_MAX_S: u64 = 20;
const ORDER: &str = "sale.order";

/// How much work there is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) changes: u64,
    pub(super) seed: u64,
}

/// The people.
#[derive(Debug)]
pub(super) struct Users {
    odoo: Odoo,
    plan: Plan,
    lost: Arc<AtomicU64>,
    began: AtomicU64,
}

/// A transaction that is held open, until then, and whether it is taken back.
struct Held {
    until_us: u64,
    open: Open,
    is_taken_back: bool,
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
        let mut held: Vec<Held> = Vec::new();
        let mut live: Vec<i64> = self.odoo.records(ORDER).keys().copied().collect();
        for number in 0..self.plan.changes {
            let due = began + number * 1_000_000 / PACE;
            while now_us() < due {
                end(&mut held, now_us()).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let reference = format!("change {number}");
            let mut open = self.odoo.begin();
            let at = usize::try_from(chance.below(live.len() as u64))?;
            let done = match chance.below(100) {
                0..10 => {
                    open.create(ORDER, &json!({ "partner_id": 1, "client_order_ref": reference })).map(|id| live.push(id))
                }
                10..14 => {
                    let id = live.swap_remove(at);
                    open.write(ORDER, &[id], &json!({ "state": "cancel" })).and_then(|()| open.unlink(ORDER, &[id]))
                }
                14..20 => open.write(ORDER, &[live[at]], &json!({ "state": "sale", "client_order_ref": reference })),
                _ => open.write(ORDER, &[live[at]], &json!({ "client_order_ref": reference })),
            };
            if done.is_err() {
                // Somebody else's transaction has the record; this one gives up, as people do.
                open.roll_back().await;
                continue;
            }
            match chance.below(100) {
                0..5 => {
                    let until_us = now_us() + 1_000_000 * (1 + chance.below(HELD_MAX_S));
                    held.push(Held { until_us, open, is_taken_back: false });
                }
                5..8 => held.push(Held { until_us: now_us() + 1_000_000, open, is_taken_back: true }),
                _ => drop(open.commit().await),
            }
        }
        while !held.is_empty() {
            end(&mut held, now_us()).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// Ends the transactions whose time has come. One whose records were changed by another meanwhile fails, and that is its end.
async fn end(held: &mut Vec<Held>, now: u64) {
    let (due, later): (Vec<Held>, Vec<Held>) = std::mem::take(held).into_iter().partition(|it| it.until_us <= now);
    *held = later;
    for Held { open, is_taken_back, .. } in due {
        if is_taken_back {
            open.roll_back().await;
        } else {
            drop(open.commit().await);
        }
    }
}
