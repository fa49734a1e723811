//! Capture under a simulated Odoo: thousands of changes by concurrent users, with lost nudges, late committers, roll-backs and
//! deletions. In the end every committed change must have been found in time, none twice, and nothing that never was. Odoo's own
//! ledger is the judge.

pub(crate) mod cost;
mod project;
mod sink;
mod users;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use server::clock::SystemClock;
use sim::odoo::{Odoo, Options, Version};

use crate::Outcome;
use crate::product::Product;
use crate::report::{print, say};
use crate::stats::now_us;

use self::sink::Sink;
use self::users::{Plan, Users};

/// Orders that are there before capture begins.
const ORDERS: usize = 2_000;
/// From sweep to sweep, and from one search for deletions to the next, as the project says.
const SWEEP: Duration = Duration::from_secs(5);
const IDENTITIES: Duration = Duration::from_mins(1);
/// LIMIT: what a look itself, routing and delivery may take beside the rhythm on a busy machine.
const SLACK: Duration = Duration::from_secs(10);

/// How long the product leaves a system alone at most that did not answer.
const LEFT_ALONE: Duration = Duration::from_mins(1);

/// `capture [--version 18|19] [--changes N] [--seed S] [--away SECONDS]`.
pub(crate) async fn run(args: &[String]) -> Outcome<()> {
    let number = |name: &str| {
        let text = args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1));
        text.map(|text| text.parse::<u64>()).transpose()
    };
    let version = match number("--version")?.unwrap_or(18) {
        18 => Version::V18,
        19 => Version::V19,
        other => return Err(format!("there is no simulated Odoo {other}").into()),
    };
    let changes = number("--changes")?.unwrap_or(20_000);
    let seed = number("--seed")?.unwrap_or_else(now_us);
    let away_s = number("--away")?.unwrap_or_default();
    say(&format!("capture: {changes} changes on {version:?}, seed {seed}"));
    let odoo = Odoo::new(&Options { seed, records: ORDERS, ..Options::new(version) }, Arc::new(SystemClock::new()));
    let serving = sim::odoo::serve(odoo.clone(), tokio::net::TcpListener::bind("127.0.0.1:0").await?)?;
    let sink = Sink::start().await?;
    let folder = tempfile::tempdir()?;
    project::write(folder.path(), &serving.url, &odoo, &sink.address, project::RUN)?;
    let secrets = [("ERP_KEY", odoo.key()), ("ERP_NUDGE", project::NUDGE)];
    let product = Product::start_with(&folder.path().join("project"), &folder.path().join("data"), &secrets).await?;
    let users = Users::new(odoo.clone(), Plan { changes, seed, away_s });
    users.nudge(&format!("http://{}/in/erp/{}", product.address, project::NUDGE)).await?;
    users.settle(&product).await?;
    let before = odoo.load();
    let began = now_us();
    users.work().await?;
    let worked_s = (now_us() - began) as f64 / 1e6;
    tokio::time::sleep(IDENTITIES + SWEEP + SLACK + Duration::from_secs(away_s)).await;
    let judged = verdict::judge(&odoo, &sink, users.began(), Duration::from_secs(away_s));
    let metrics = product.metrics().await?;
    let load = odoo.load();
    print(&format!(
        "capture: {version:?}, seed {seed}, {} committed changes in {worked_s:.0} s, {}",
        judged.changes,
        judged.told()
    ));
    for (found, count) in metrics.captured() {
        print(&format!("  found by {found}: {count}"));
    }
    let asked = load.total() - before.total();
    print(&format!(
        "  asked of Odoo: {asked} calls, {} records ({:.2} calls and {:.1} records for each event), {} nudges lost on the way",
        load.rows - before.rows,
        asked as f64 / judged.events.max(1) as f64,
        (load.rows - before.rows) as f64 / judged.events.max(1) as f64,
        users.lost()
    ));
    product.kill().await?;
    serving.stop().await;
    for failure in &judged.failures {
        print(failure);
    }
    if judged.failures.is_empty() {
        Ok(())
    } else {
        Err(format!("{} failures; again with --changes {changes} --seed {seed}", judged.failures.len()).into())
    }
}
