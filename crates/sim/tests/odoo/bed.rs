//! What the tests share: an Odoo in virtual time, requests to it, and a small executor that lets time pass only when nothing
//! else can happen.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use engine::ports::Clock as _;
use futures::FutureExt as _;
use model::TimeSpan;
use serde_json::{Value as Json, json};
use sim::clock::{Calendar, SimClock};
use sim::odoo::{Failure, Hook, Odoo, Options, Receipt, Reply, Request, Version};
use sim::random::Random;
use sim::timeline::Timeline;

/// An Odoo and its time.
pub(crate) struct Bed {
    pub(crate) odoo: Odoo,
    timeline: Arc<Timeline>,
    clock: Arc<SimClock>,
}

impl Bed {
    pub(crate) fn new(version: Version) -> Self {
        Self::with(&Options::new(version))
    }

    pub(crate) fn with(options: &Options) -> Self {
        let timeline = Arc::new(Timeline::default());
        let calendar = Arc::new(Calendar::default());
        let clock = Arc::new(SimClock::new(Arc::clone(&timeline), calendar, Random::stream(options.seed, "clock")));
        Self { odoo: Odoo::new(options, clock.clone()), timeline, clock }
    }

    /// Runs a future to its end.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
            assert!(self.timeline.advance(), "it waits for what never comes");
        }
    }

    pub(crate) async fn sleep(&self, millis: u64) {
        self.clock.sleep(TimeSpan::from_millis(millis)).await;
    }

    pub(crate) fn elapsed(&self) -> TimeSpan {
        self.timeline.elapsed()
    }

    pub(crate) fn now(&self) -> model::Timestamp {
        self.clock.now()
    }

    pub(crate) fn answer(&self, request: &Request) -> Reply {
        self.run(self.odoo.answer(request))
    }

    /// A call as the administrator that has to succeed.
    pub(crate) fn call(&self, model: &str, method: &str, args: Json, named: Json) -> Json {
        match self.run(self.odoo.call(model, method, args, named)) {
            Ok(value) => value,
            Err(failure) => panic!("{model}.{method}: {} {}", failure.name(), failure.message()),
        }
    }

    /// A call as the administrator that has to fail.
    pub(crate) fn refused(&self, model: &str, method: &str, args: Json, named: Json) -> Failure {
        self.run(self.odoo.call(model, method, args, named)).expect_err("it fails")
    }

    #[expect(clippy::needless_pass_by_value, reason = "values are made where they are used")]
    pub(crate) fn create(&self, model: &str, values: Json) -> i64 {
        self.call(model, "create", json!([values]), json!({})).as_i64().expect("one id")
    }

    /// The values of some fields of a record.
    pub(crate) fn read(&self, model: &str, id: i64, fields: &[&str]) -> Json {
        let rows = self.call(model, "read", json!([[id]]), json!({ "fields": fields, "load": "" }));
        let row = rows[0].clone();
        if let [one] = fields { row[*one].clone() } else { row }
    }

    #[expect(clippy::needless_pass_by_value, reason = "values are made where they are used")]
    pub(crate) fn search(&self, model: &str, domain: Json) -> Vec<i64> {
        let ids = self.call(model, "search", json!([domain]), json!({ "order": "id" }));
        serde_json::from_value(ids).expect("ids")
    }

    /// `execute_kw` with the administrator's key.
    #[expect(clippy::needless_pass_by_value, reason = "values are made where they are used")]
    pub(crate) fn execute(&self, model: &str, method: &str, args: Json, named: Json) -> Request {
        let args = json!([self.odoo.database(), 2, self.odoo.key(), model, method, args, named]);
        rpc(json!({ "service": "object", "method": "execute_kw", "args": args }))
    }

    /// A storable product with so many on stock.
    pub(crate) fn product(&self, name: &str, stock: f64) -> i64 {
        let product = self.create(
            "product.product",
            json!({ "name": name, "is_storable": true, "list_price": 10.0, "standard_price": 4.0 }),
        );
        if stock > 0.0 {
            self.stock(product, stock);
        }
        product
    }

    pub(crate) fn stock(&self, product: i64, stock: f64) {
        let values = json!({ "product_id": product, "location_id": 8, "inventory_quantity": stock });
        let context = json!({ "context": { "inventory_mode": true } });
        let quant = self.call("stock.quant", "create", json!([values]), context);
        self.call("stock.quant", "action_apply_inventory", json!([[quant]]), json!({}));
    }

    /// A draft order of one line.
    pub(crate) fn order(&self, product: i64, quantity: f64) -> i64 {
        let line = json!([0, 0, { "product_id": product, "product_uom_qty": quantity, "price_unit": 10.0 }]);
        self.create("sale.order", json!({ "partner_id": 7, "order_line": [line] }))
    }

    /// A rule that tells a webhook when a record of a model reaches a state.
    pub(crate) fn rule(&self, model: &str, state: &str, fields: &[&str]) -> i64 {
        let choice = json!([["field_id.model", "=", model], ["field_id.name", "=", "state"], ["value", "=", state]]);
        let choice = self.search("ir.model.fields.selection", choice);
        let of = self.search("ir.model", json!([["model", "=", model]]))[0];
        let told = self.search("ir.model.fields", json!([["model", "=", model], ["name", "in", fields]]));
        let action = json!([0, 0, {
            "name": "hook", "model_id": of, "state": "webhook", "webhook_url": "http://receiver/hook",
            "webhook_field_ids": [[6, 0, told]],
        }]);
        let rule = json!({
            "name": "rule", "model_id": of, "trigger": "on_state_set",
            "trg_selection_field_id": choice[0], "action_server_ids": [action],
        });
        self.create("base.automation", rule)
    }

    /// Keeps what webhooks are told; each is taken after so many milliseconds.
    pub(crate) fn listen(&self, takes_ms: u64) -> Arc<Mutex<Vec<Json>>> {
        let heard: Arc<Mutex<Vec<Json>>> = Arc::default();
        let (ears, clock) = (Arc::clone(&heard), Arc::clone(&self.clock));
        self.odoo.set_sender(Arc::new(move |hook: Hook| {
            let (ears, clock) = (Arc::clone(&ears), Arc::clone(&clock));
            async move {
                ears.lock().expect("a lock").push(serde_json::from_str(&hook.body).expect("JSON"));
                clock.sleep(TimeSpan::from_millis(takes_ms)).await;
                Receipt::Taken
            }
            .boxed()
        }));
        heard
    }
}

/// A request of JSON-RPC.
#[expect(clippy::needless_pass_by_value, reason = "values are made where they are used")]
pub(crate) fn rpc(params: Json) -> Request {
    Request::post("/jsonrpc", &json!({ "jsonrpc": "2.0", "method": "call", "id": 1, "params": params }))
}

/// Both versions that were measured.
pub(crate) const MEASURED: [Version; 2] = [Version::V18, Version::V19];
