//! Writing to a simulated Odoo: orders with their lines, made and confirmed by the real product, while answers are lost after and
//! before the commit and transactions conflict. In the end each order must be there once, with its lines, confirmed once. Odoo's own
//! ledger is the judge.
//!
//! In the first seconds lost answers are silence, so that the product's own timeouts strike; then a proxy gives up
//! with 504, which says as little about what was done and takes less time.

mod project;
mod shop;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use model::TimeSpan;
use serde_json::json;
use server::clock::SystemClock;
use sim::odoo::{Fault, INTERNAL, Odoo, Options, Version};

use crate::Outcome;
use crate::event;
use crate::product::{Metrics, Product};
use crate::report::{print, say};
use crate::stats::now_us;

/// Of a thousand: changes that stand and are not answered, requests that come to nothing, changes that conflict.
const FAULTS: [(Fault, u64); 3] = [(Fault::TimeoutAfter, 30), (Fault::TimeoutBefore, 10), (Fault::Serialization, 20)];
/// How long lost answers are silence.
const SILENT: Duration = Duration::from_secs(15);
/// The groups of our user there, as the guide names them for orders (docs/guide/how-to/write-to-odoo.md).
const GROUPS: [&str; 2] = [INTERNAL, "Sales/User: All Documents"];
/// Its login and password.
const PLAIN: &str = "crossdock";
/// LIMIT: how long the whole may take.
const END: Duration = Duration::from_hours(1);
/// Products that orders are of: those of one product conflict.
const PRODUCTS: u64 = 20;

/// So many orders, and the verdict.
pub(crate) async fn run(version: Version, orders: u64, seed: Option<u64>) -> Outcome<()> {
    let seed = seed.unwrap_or_else(now_us);
    say(&format!("writes: {orders} orders to {version:?}, seed {seed}"));
    let odoo = Odoo::new(&Options { seed, ..Options::new(version) }, Arc::new(SystemClock::new()));
    stock(&odoo).await?;
    let serving = sim::odoo::serve(odoo.clone(), tokio::net::TcpListener::bind("127.0.0.1:0").await?)?;
    let folder = tempfile::tempdir()?;
    project::write(folder.path(), &serving.url, (&odoo.database(), PLAIN))?;
    let key = odoo.issue_key(odoo.add_user(PLAIN, PLAIN, &GROUPS), PLAIN, None);
    let secrets = [("ERP_KEY", key.as_str()), ("SHOP_WEBHOOK", event::SECRET)];
    let product = Product::start_with(&folder.path().join("project"), &folder.path().join("data"), &secrets).await?;
    for (fault, share) in FAULTS {
        odoo.begin_fault_for(fault, share);
    }
    let began = now_us();
    shop::post(&product.address, orders).await?;
    let metrics = until_done(&odoo, &product, orders * 2, began).await?;
    let took_s = (now_us() - began) as f64 / 1e6;
    let mut failures = verdict::judge(&odoo, orders);
    if metrics.done() != orders * 2 || metrics.stuck() > 0 || metrics.unaccounted() > 0 {
        let (done, stuck, lost) = (metrics.done(), metrics.stuck(), metrics.unaccounted());
        failures.push(format!(
            "of {} deliveries {done} are done, {stuck} wait for a person, {lost} are unaccounted",
            orders * 2
        ));
    }
    let load = odoo.load();
    print(&format!(
        "writes: {version:?}, seed {seed}, {orders} orders made and confirmed in {took_s:.0} s, {} failures",
        failures.len()
    ));
    for (cause, count) in metrics.attempts() {
        print(&format!("  attempts that came to {cause}: {count}"));
    }
    print(&format!(
        "  asked of Odoo: {} requests, {} calls ({:.1} for each order), of these {} load and {} action_confirm, {} conflicts",
        load.requests,
        load.total(),
        load.total() as f64 / orders.max(1) as f64,
        load.count("sale.order", "load"),
        load.count("sale.order", "action_confirm"),
        load.conflicts
    ));
    product.kill().await?;
    serving.stop().await;
    for failure in &failures {
        print(failure);
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(format!("{} failures; again with --orders {orders} --seed {seed}", failures.len()).into())
    }
}

/// Products, and enough of each on stock.
async fn stock(odoo: &Odoo) -> Outcome<()> {
    let said = |failure: sim::odoo::Failure| format!("{failure:?}");
    for number in 0..PRODUCTS {
        let values = json!({ "name": format!("Part {number}"), "default_code": shop::code(number), "is_storable": true });
        let made = odoo.call("product.product", "create", json!([values]), json!({})).await.map_err(said)?;
        let counted = json!({ "product_id": made, "location_id": 8, "inventory_quantity": 1_000_000 });
        let context = json!({ "context": { "inventory_mode": true } });
        let quant = odoo.call("stock.quant", "create", json!([counted]), context).await.map_err(said)?;
        odoo.call("stock.quant", "action_apply_inventory", json!([[quant]]), json!({})).await.map_err(said)?;
    }
    Ok(())
}

/// Waits until all is done, or nothing moves any more.
async fn until_done(odoo: &Odoo, product: &Product, deliveries: u64, began: u64) -> Outcome<Metrics> {
    let mut told = 0;
    loop {
        let elapsed = Duration::from_micros(now_us() - began);
        if elapsed > SILENT {
            odoo.set_silence(TimeSpan::from_millis(200));
        }
        let metrics = product.metrics().await?;
        if metrics.done() + metrics.stuck() >= deliveries || elapsed > END {
            return Ok(metrics);
        }
        if metrics.done() / 500 > told {
            told = metrics.done() / 500;
            say(&format!("{} of {deliveries} after {:.0} s", metrics.done(), elapsed.as_secs_f64()));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
