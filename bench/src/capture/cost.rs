//! What capture costs Odoo while nothing happens, and where little does: calls, records and ids by kind of look, counted by
//! Odoo itself over very many records. Each kind is measured in a life of the product that does no other.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use server::clock::SystemClock;
use sim::odoo::{Odoo, Options, Version};

use crate::Outcome;
use crate::product::{Metrics, Product};
use crate::report::{print, say};
use crate::stats::now_us;

use super::project;
use super::sink::Sink;

/// What the issue allows for a sweep where nothing was changed.
const READS_MAX: u64 = 30;
/// Sweeps that are measured.
const SWEEPS: u64 = 3;
/// The overlap of every life here, and a little more.
const OVERLAP: Duration = Duration::from_secs(15);
/// Records that are deleted, far from each other.
const DELETED: usize = 10;
/// How long one kind may take to come.
const PATIENCE: Duration = Duration::from_mins(15);
const ORDER: &str = "sale.order";

/// A kind of look that is measured.
struct Kind {
    /// In words.
    name: &'static str,
    /// How the source captures in this life: everything else comes rarely.
    capture: &'static str,
    /// The word of the look.
    look: &'static str,
    /// When it has been seen.
    until: Until,
}

/// How much of a look is seen before it is over.
enum Until {
    /// So many answers.
    Answers(u64),
    /// So many records.
    Rows(u64),
}

const IDENTITIES: &str = "every: 24h, overlap: 24h, identities: 1m, digests: 90d";

/// The occasion: an Odoo full of orders, and a product's folder.
struct Stand {
    odoo: Odoo,
    url: String,
    sink: String,
    folder: tempfile::TempDir,
}

/// Each kind of look, one after the other.
pub(crate) async fn run(version: Version, records: usize) -> Outcome<()> {
    say(&format!("cost: {records} orders on {version:?}"));
    let odoo = Odoo::new(&Options { records, ..Options::new(version) }, Arc::new(SystemClock::new()));
    let serving = sim::odoo::serve(odoo.clone(), tokio::net::TcpListener::bind("127.0.0.1:0").await?)?;
    let sink = Sink::start().await?;
    // What was planted lately is within the overlap, and not unchanged.
    tokio::time::sleep(OVERLAP).await;
    let stand = Stand { odoo, url: serving.url.clone(), sink: sink.address.clone(), folder: tempfile::tempdir()? };
    let swept = stand.quiet().await?;
    stand.deletions(records as u64).await?;
    serving.stop().await;
    if swept > READS_MAX {
        return Err(format!("a sweep asked {swept} times; at most {READS_MAX} are allowed").into());
    }
    Ok(())
}

impl Stand {
    /// The first look, and looks where nothing happens. Answers the calls of one sweep.
    async fn quiet(&self) -> Outcome<u64> {
        let capture = "every: 5s, overlap: 10s, identities: 30d, digests: 90d";
        // The sweep behind it says that the first look is over.
        self.life(&Kind { name: "the first look", capture, look: "sweep", until: Until::Answers(1) }).await?;
        let until = Until::Answers(SWEEPS);
        let swept = self.life(&Kind { name: "three sweeps", capture, look: "sweep", until }).await?;
        let name = "an identity sweep";
        self.life(&Kind { name, capture: IDENTITIES, look: "identities", until: Until::Answers(1) }).await?;
        Ok(swept / SWEEPS)
    }

    /// Some are deleted; then everything is compared.
    async fn deletions(&self, records: u64) -> Outcome<()> {
        let said = |failure: sim::odoo::Failure| format!("{failure:?}");
        let ids: Vec<i64> = self.odoo.records(ORDER).keys().copied().collect();
        let apart: Vec<i64> = ids.iter().copied().step_by(ids.len().div_ceil(DELETED)).collect();
        let mut open = self.odoo.begin();
        open.write(ORDER, &apart, &json!({ "state": "cancel" })).map_err(said)?;
        open.unlink(ORDER, &apart).map_err(said)?;
        open.commit().await.map_err(said)?;
        // The counts, each range that differs, and the question after what is missing there.
        let until = Until::Answers(2 + apart.len() as u64);
        let name = "an identity sweep that finds ten deleted";
        self.life(&Kind { name, capture: IDENTITIES, look: "identities", until }).await?;
        let name = "a comparison of all contents";
        let capture = "every: 24h, overlap: 24h, identities: 30d, digests: 10m";
        let until = Until::Rows(records - apart.len() as u64);
        self.life(&Kind { name, capture, look: "digests", until }).await?;
        Ok(())
    }

    /// A life of the product with looks of this kind. Prints what Odoo was asked, and answers how often.
    async fn life(&self, kind: &Kind) -> Outcome<u64> {
        let Self { odoo, url, sink, folder } = self;
        project::write(folder.path(), url, odoo, sink, kind.capture)?;
        let (project, data) = (folder.path().join("project"), folder.path().join("data"));
        let before = odoo.load();
        let began = now_us();
        let product = Product::start_with(&project, &data, &[("ERP_KEY", odoo.key())]).await?;
        product.apply(&project, &data).await?;
        while !kind.is_seen(&product.metrics().await?) {
            if Duration::from_micros(now_us() - began) > PATIENCE {
                return Err(format!("{} did not come within {PATIENCE:?}", kind.name).into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        product.kill().await?;
        let load = odoo.load();
        let calls = load.total() - before.total();
        print(&format!(
            "  {}: {calls} calls, {} records, {} ids, within {:.1} s",
            kind.name,
            load.rows - before.rows,
            load.ids - before.ids,
            (now_us() - began) as f64 / 1e6
        ));
        Ok(calls)
    }
}

impl Kind {
    fn is_seen(&self, metrics: &Metrics) -> bool {
        match self.until {
            Until::Answers(least) => metrics.reads(self.look) >= least,
            Until::Rows(least) => metrics.rows(self.look) >= least,
        }
    }
}
