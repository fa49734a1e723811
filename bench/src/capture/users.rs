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

use super::Told;
use crate::Outcome;
use crate::product::Product;
use crate::stats::{now_us, percentile};

/// Changes in a second.
const PACE: u64 = 150;
/// Of a hundred nudges, how many are lost.
const LOST_PERCENT: u64 = 5;
/// LIMIT: how long a transaction is held open; the overlap of the sweeps is longer.
const HELD_MAX_S: u64 = 20;
/// LIMIT: transactions that are ending at once, as Odoo's workers are.
const ENDING_MAX: usize = 32;
const ORDER: &str = "sale.order";
/// Transactions that are measured beside nobody.
const ALONE: u64 = 500;

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
    took: Arc<Mutex<Took>>,
}

/// How long transactions took that nobody held, in microseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Took(Vec<u64>);

impl Took {
    pub(super) fn told(&self) -> String {
        let mut all = self.0.clone();
        format!("p50 {} µs, p99 {} µs", percentile(&mut all, 50), percentile(&mut all, 99))
    }
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
        Self { odoo, plan, lost, began: AtomicU64::new(0), took: Arc::default() }
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

    /// Makes the two rules of the outbox, as `crossdock add odoo` does.
    pub(super) async fn rules(&self, url: &str) -> Outcome<()> {
        let specified = super::project::specified(url, &self.odoo).await?;
        let said = |failure: sim::odoo::Failure| format!("{failure:?}");
        let found = self.odoo.call("ir.model", "search", json!([[["model", "=", ORDER]]]), json!({})).await.map_err(said)?;
        let model = found.get(0).cloned().ok_or("Odoo has no sale.order")?;
        for trigger in ["saved", "deleted"] {
            let rule = json!({
                "event_type": format!("crossdock.{ORDER}.{trigger}"), "model_id": model, "trigger": trigger,
                "specification": serde_json::Value::Object(specified.specification.clone()).to_string(),
                "reading": specified.reading,
            });
            self.odoo.call("crossdock.rule", "create", json!([rule]), json!({})).await.map_err(said)?;
        }
        Ok(())
    }

    /// Works for a while where nobody looks. Answers how long transactions took.
    pub(super) async fn alone(&self) -> Outcome<Took> {
        let mut day = Day::default();
        let orders: Vec<i64> = self.odoo.records(ORDER).keys().copied().collect();
        let began = now_us();
        for (id, number) in orders.iter().cycle().zip(0..ALONE) {
            let due = began + number * 1_000_000 / PACE;
            while now_us() < due || day.ending.len() >= ENDING_MAX {
                day.pass().await;
            }
            let opened = now_us();
            let mut open = self.odoo.begin();
            if open.write(ORDER, &[*id], &json!({ "client_order_ref": format!("alone {number}") })).is_ok() {
                day.commit(open, Some(opened));
            }
        }
        while !day.is_over() {
            day.pass().await;
        }
        Ok(day.took.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// How long transactions took beside the product.
    pub(super) fn took(&self) -> Took {
        self.took.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the product knows all that is there.
    pub(super) async fn settle(&self, product: &Product, told: Told) -> Outcome<()> {
        let until = now_us() + 60_000_000;
        let mut pulled = None;
        while now_us() < until {
            let metrics = product.metrics().await?;
            let is_settled = match told {
                Told::Sweeps => metrics.reads("sweep") >= 1,
                // Full pages of the first look, the empty one behind them, and some pulls that let it be judged.
                Told::Outbox if metrics.reads("beginning") < 2 => false,
                Told::Outbox => metrics.reads("outbox") >= *pulled.get_or_insert(metrics.reads("outbox") + 4),
            };
            if is_settled {
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
        let mut day = Day { took: Arc::clone(&self.took), ..Day::default() };
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
            let opened = now_us();
            let mut open = self.odoo.begin();
            if change(&mut open, &mut chance, &mut live, number).is_err() {
                // Somebody else's transaction has the record; this one gives up, as people do.
                open.roll_back().await;
                continue;
            }
            match chance.below(100) {
                0..5 => day.hold(open, 1 + chance.below(HELD_MAX_S), Fate::Committed),
                5..8 => day.hold(open, 1, Fate::TakenBack),
                _ => day.commit(open, Some(opened)),
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
    took: Arc<Mutex<Took>>,
}

impl Day {
    fn hold(&mut self, open: Open, secs: u64, fate: Fate) {
        self.held.push((now_us() + secs * 1_000_000, open, fate));
    }

    /// One whose records were changed by another meanwhile fails, and that is its end.
    fn commit(&mut self, open: Open, opened: Option<u64>) {
        let took = Arc::clone(&self.took);
        let ends = async move {
            drop(open.commit().await);
            if let Some(opened) = opened {
                took.lock().unwrap_or_else(PoisonError::into_inner).0.push(now_us().saturating_sub(opened));
            }
        };
        self.ending.push(ends.boxed());
    }

    fn end_due(&mut self) {
        let now = now_us();
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.held).into_iter().partition(|(until, ..)| *until <= now);
        self.held = later;
        for (_, open, fate) in due {
            match fate {
                Fate::Committed => self.commit(open, None),
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
