//! Capture under a simulated Odoo: thousands of changes by concurrent users, with lost nudges, late committers, roll-backs and
//! deletions. In the end every committed change must have been found in time, none twice, and nothing that never was; from the outbox
//! every one by itself and in order. Odoo's own ledger is the judge.

pub(crate) mod cost;
mod exact;
mod project;
mod sink;
mod users;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use server::clock::SystemClock;
use sim::odoo::{Addon, Odoo, Options, Version};

use crate::Outcome;
use crate::arguments::{Capture, Told};
use crate::product::Product;
use crate::report::{print, say};
use crate::stats::now_us;

use self::sink::Sink;
use self::users::{Plan, Users};
use self::verdict::Judged;

/// Orders that are there before capture begins.
const ORDERS: usize = 2_000;
/// From sweep to sweep, and from one search for deletions to the next, as the project says.
const SWEEP: Duration = Duration::from_secs(5);
const IDENTITIES: Duration = Duration::from_mins(1);
/// LIMIT: what a look itself, routing and delivery may take beside the rhythm on a busy machine.
const SLACK: Duration = Duration::from_secs(10);

/// How long the product leaves a system alone at most that did not answer.
const LEFT_ALONE: Duration = Duration::from_mins(1);

impl Told {
    const fn word(self) -> &'static str {
        match self {
            Self::Sweeps => "sweeps",
            Self::Outbox => "outbox",
        }
    }

    /// How the project says it.
    const fn capture(self) -> &'static str {
        match self {
            Self::Sweeps => project::RUN,
            Self::Outbox => project::OUTBOX,
        }
    }
}

/// A day of users, and the verdict.
pub(crate) async fn run(given: &Capture) -> Outcome<()> {
    let Capture { version, from: told, changes, seed, away } = *given;
    let version = Version::from(version);
    let seed = seed.unwrap_or_else(now_us);
    say(&format!("capture: {changes} changes on {version:?} from {told:?}, seed {seed}"));
    let addon = if told == Told::Outbox { Addon::Installed } else { Addon::Missing };
    let odoo = Odoo::new(&Options { seed, records: ORDERS, addon, ..Options::new(version) }, Arc::new(SystemClock::new()));
    let plan = Plan { changes, seed, away_s: away };
    work(&odoo, told, plan).await
}

/// The users' day with the product beside it, and the verdict.
async fn work(odoo: &Odoo, told: Told, plan: Plan) -> Outcome<()> {
    let users = Users::new(odoo.clone(), plan);
    let serving = sim::odoo::serve(odoo.clone(), tokio::net::TcpListener::bind("127.0.0.1:0").await?)?;
    let sink = Sink::start().await?;
    let folder = tempfile::tempdir()?;
    project::write(folder.path(), &serving.url, odoo, &sink.address, told.capture())?;
    if told == Told::Outbox {
        users.rules(&serving.url).await?;
    }
    let alone = users.alone().await?;
    let secrets = [("ERP_KEY", odoo.key()), ("ERP_NUDGE", project::NUDGE)];
    let product = Product::start_with(&folder.path().join("project"), &folder.path().join("data"), &secrets).await?;
    if told == Told::Sweeps {
        users.nudge(&format!("http://{}/in/erp/{}", product.address, project::NUDGE)).await?;
    }
    users.settle(&product, told).await?;
    let before = odoo.load();
    let began = now_us();
    users.work().await?;
    let worked_s = (now_us() - began) as f64 / 1e6;
    let judged = judge(odoo, told, (&sink, &users), Duration::from_secs(plan.away_s)).await;
    let metrics = product.metrics().await?;
    let load = odoo.load();
    print(&format!(
        "capture: {:?} from {}, seed {}, {} committed changes in {worked_s:.0} s, {}",
        odoo.version(),
        told.word(),
        plan.seed,
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
    print(&format!(
        "  a user's transaction took {} beside nobody, {} beside the product",
        alone.told(),
        users.took().told()
    ));
    product.kill().await?;
    serving.stop().await;
    ended(&judged, told, plan)
}

/// Waits until what has to arrive can have arrived, and compares.
async fn judge(odoo: &Odoo, told: Told, (sink, users): (&Sink, &Users), away: Duration) -> Judged {
    match told {
        Told::Sweeps => {
            tokio::time::sleep(IDENTITIES + SWEEP + SLACK + away).await;
            verdict::judge(odoo, sink, users.began(), away)
        }
        Told::Outbox => {
            exact::wait(odoo, sink, users.began(), SLACK + away + LEFT_ALONE).await;
            exact::judge(odoo, sink, users.began())
        }
    }
}

fn ended(judged: &Judged, told: Told, Plan { changes, seed, .. }: Plan) -> Outcome<()> {
    for failure in &judged.failures {
        print(failure);
    }
    if judged.failures.is_empty() {
        return Ok(());
    }
    let (failures, from) = (judged.failures.len(), told.word());
    Err(format!("{failures} failures; again with --from {from} --changes {changes} --seed {seed}").into())
}
