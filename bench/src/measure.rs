//! What is measured, in order. Every figure of one table comes from one run.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use crate::arguments::Measure;
use crate::product::{self, Product};
use crate::report::{self, Figure, say};
use crate::sides::{Load, Side};
use crate::stats::percentile;
use crate::store::fill;
use crate::{Outcome, limit, starts};

/// What can be measured, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Demo,
    Accept,
    Deliver,
    Latency,
    FanOut,
    Resume,
    Size,
    Packs,
    Growth,
    /// Takes long and needs no limit of this run; only by its name.
    Build,
}

/// Events stored where the start with all packs is measured.
const STORED_WITH_PACKS: u64 = 1_000_000;

/// How long the product may take to deliver what it has, after a load.
const DRAIN_S: u64 = 120;

/// The limits of this machine in this run.
#[derive(Clone, Copy, Debug, Default)]
struct Limits {
    f_p50_us: u64,
    f_p99_us: u64,
    l0_1024: f64,
    l1_64: f64,
}

/// A run of the bench.
#[derive(Debug)]
struct Run {
    folder: PathBuf,
    seconds: u64,
    limits: Limits,
    figures: Vec<Figure>,
    /// Events of the small and of the large store whose throughputs are compared.
    stored: (u64, u64),
}

/// Measures what is wanted, and prints the table.
pub(crate) async fn run(wanted: &Measure) -> Outcome<()> {
    let Measure { quick, only, json } = wanted;
    let folder = tempfile::tempdir()?;
    let (seconds, stored) = if *quick { (5, (100_000, 1_000_000)) } else { (20, (100_000, 10_000_000)) };
    let mut run = Run { folder: folder.path().to_owned(), seconds, limits: Limits::default(), figures: Vec::new(), stored };
    if *only != Some(Part::Build) {
        run.limits().await?;
    }
    let is_wanted = |part: &Part| only.map_or(*part != Part::Build, |only| only == *part);
    for part in Part::value_variants().iter().copied().filter(is_wanted) {
        say(&format!("{part:?}"));
        match part {
            Part::Demo => run.figures.extend(starts::demo(&run.folder).await?),
            Part::Accept => run.accept().await?,
            Part::Deliver => run.deliver().await?,
            Part::Latency => run.latency().await?,
            Part::FanOut => run.fan_out().await?,
            Part::Resume => run.figures.extend(starts::resume(&run.folder).await?),
            Part::Size => run.size()?,
            Part::Packs => run.figures.extend(starts::packs(&run.folder, STORED_WITH_PACKS).await?),
            Part::Growth => run.growth().await?,
            Part::Build => run.figures.extend(starts::build(&run.folder)?),
        }
    }
    report::table(&run.figures);
    if let Some(file) = json {
        std::fs::write(file, serde_json::to_vec_pretty(&run.figures)?)?;
    }
    Ok(())
}

impl Run {
    fn tell(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    const fn load<'a>(&self, connections: u32, run: &'a str) -> Load<'a> {
        Load { connections, seconds: self.seconds, rate: 0, run }
    }

    async fn limits(&mut self) -> Outcome<()> {
        say("limits");
        let (f_p50_us, f_p99_us) = limit::fdatasync(&self.folder)?;
        let l0 = Side::limit(&["l0"]).await?;
        let l0_1024 = self.load(1024, "l0").send(&l0.address).await?.per_s();
        drop(l0);
        let file = self.folder.join("l1");
        let l1 = Side::limit(&["l1", &file.to_string_lossy()]).await?;
        let loaded = self.load(64, "l1").send(&l1.address).await?;
        let l1_cores = l1.cpu_s() / loaded.seconds;
        self.limits = Limits { f_p50_us, f_p99_us, l0_1024, l1_64: loaded.per_s() };
        std::fs::remove_file(file)?;
        self.tell(Figure::plain("F, one fdatasync, p50", f_p50_us as f64, "us"));
        self.tell(Figure::plain("F, one fdatasync, p99", f_p99_us as f64, "us"));
        self.tell(Figure::plain("L0 at 1,024 connections", l0_1024, "/s"));
        self.tell(Figure::plain("L1 at 64 connections", loaded.per_s(), "/s"));
        self.tell(Figure::plain("cores used by L1's server", l1_cores, ""));
        self.tell(Figure::plain("cores used by its load generator", loaded.cpu_s / loaded.seconds, ""));
        Ok(())
    }

    /// A product of its own folder, with so many flows to a sink.
    async fn product(&self, name: &str, sink: Option<&Side>, flows: usize) -> Outcome<Product> {
        let project = self.folder.join(name);
        product::project(&project, sink.map_or("127.0.0.1:1", |sink| &sink.address), flows)?;
        Product::start(&project, &self.folder.join(format!("{name}-data"))).await
    }

    /// Accepting alone: no flow is active, so an event makes no delivery.
    async fn accept(&mut self) -> Outcome<()> {
        let product = self.product("accept", None, 0).await?;
        let idle = product.memory_mb()?.0;
        let at_64 = self.load(64, "a").send(&product.address).await?;
        let cpu_us = product.cpu_s()? * 1e6 / at_64.accepted.max(1) as f64;
        let at_1024 = self.load(1024, "b").send(&product.address).await?;
        let Limits { l0_1024, l1_64, .. } = self.limits;
        self.tell(Figure::at_most("ready with an empty store", product.ready_s, "s", 0.5));
        self.tell(Figure::at_most("memory idle", idle, "MB", 60.0));
        self.tell(Figure::at_least("accepted at 64 connections, no flows", at_64.per_s(), "/s", (0.7, l1_64)));
        self.tell(Figure::plain("CPU of the process per accepted event", cpu_us, "us"));
        self.tell(Figure::at_most("p99 of the answer at 64", at_64.p99_us as f64 / 1e3, "ms", 100.0));
        self.tell(Figure::at_least("accepted at 1,024 connections, no flows", at_1024.per_s(), "/s", (0.3, l0_1024)));
        self.tell(Figure::at_most("p99 of the answer at 1,024", at_1024.p99_us as f64 / 1e3, "ms", 100.0));
        self.tell(Figure::plain("requests that failed", (at_64.failed + at_1024.failed) as f64, ""));
        product.kill().await
    }

    /// Accepting and delivering at the same time: one flow with a mapping, one delivery an event.
    async fn deliver(&mut self) -> Outcome<()> {
        let sink = Side::sink().await?;
        let product = self.product("deliver", Some(&sink), 1).await?;
        let loaded = self.load(64, "d").send(&product.address).await?;
        let arrived = sink.arrivals().await?.count;
        let cores = product.cpu_s()? / loaded.seconds;
        let others = (sink.cpu_s() + loaded.cpu_s) / loaded.seconds;
        let backlog = product.metrics().await?.moving();
        let delivered = arrived as f64 / loaded.seconds;
        drained(&product).await?;
        let arrived = sink.arrivals().await?.count;
        let cpu_ms = product.cpu_s()? * 1e3 / arrived.max(1) as f64;
        let memory = product.memory_mb()?.1;
        let l1_64 = self.limits.l1_64;
        self.tell(Figure::plain("accepted while delivering, 64 connections", loaded.per_s(), "/s"));
        self.tell(Figure::at_most("p99 of the answer while delivering", loaded.p99_us as f64 / 1e3, "ms", 100.0));
        let sustained = loaded.per_s().min(delivered);
        self.tell(Figure::at_least("accepted and delivered, one flow with a mapping", sustained, "/s", (0.5, l1_64)));
        self.tell(Figure::plain("backlog when the load ended", backlog as f64, ""));
        self.tell(Figure::plain("cores used by the product", cores, ""));
        self.tell(Figure::plain("cores used by load and sink", others, ""));
        self.tell(Figure::at_most("CPU per event, accepted, mapped, delivered", cpu_ms, "ms", 0.25));
        self.tell(Figure::at_most("memory at full load", memory, "MB", 256.0));
        product.kill().await
    }

    /// From the answer of 202 to the subscriber's socket, at 100 events a second.
    async fn latency(&mut self) -> Outcome<()> {
        let sink = Side::sink().await?;
        let product = self.product("latency", Some(&sink), 1).await?;
        let loaded = Load { rate: 100, ..self.load(8, "t") }.send(&product.address).await?;
        drained(&product).await?;
        let mut took: Vec<u64> = Vec::new();
        for (number, at) in &sink.arrivals().await?.first {
            let answered = loaded.answered.iter().find(|(it, _)| it == number);
            took.extend(answered.map(|(_, answered)| at.saturating_sub(*answered)));
        }
        let p50 = percentile(&mut took, 50) as f64 / 1e3;
        let p99 = percentile(&mut took, 99) as f64 / 1e3;
        let Limits { f_p50_us, f_p99_us, .. } = self.limits;
        self.tell(Figure::at_most("accept to socket, p50", p50, "ms", 2.0 + 2.0 * f_p50_us as f64 / 1e3));
        self.tell(Figure::at_most("accept to socket, p99", p99, "ms", 10.0 + 3.0 * f_p99_us as f64 / 1e3));
        product.kill().await
    }

    /// Deliveries per second to ten subscribers, against those to one.
    async fn fan_out(&mut self) -> Outcome<()> {
        let mut per_s = Vec::new();
        for flows in [1, 10] {
            let sink = Side::sink().await?;
            let product = self.product(&format!("fan-{flows}"), Some(&sink), flows).await?;
            let loaded = self.load(64, "f").send(&product.address).await?;
            per_s.push(sink.arrivals().await?.count as f64 / loaded.seconds);
            product.kill().await?;
        }
        self.tell(Figure::at_least("deliveries with ten subscribers", per_s[1], "/s", (4.0, per_s[0])));
        Ok(())
    }

    /// The same load on a small and on a large store, and how soon the large one is ready.
    async fn growth(&mut self) -> Outcome<()> {
        let (small, large) = self.stored;
        let (mut accepted, mut delivered) = (Vec::new(), Vec::new());
        for events in [small, large] {
            let sink = Side::sink().await?;
            let name = format!("grown-{events}");
            fill::run(&self.folder.join(format!("{name}-data")), events).await?;
            let product = self.product(&name, Some(&sink), 1).await?;
            let ready_s = product.ready_s;
            let loaded = self.load(64, "g").send(&product.address).await?;
            accepted.push(loaded.per_s());
            delivered.push(sink.arrivals().await?.count as f64 / loaded.seconds);
            self.tell(Figure::at_most(&format!("ready with {events} events stored"), ready_s, "s", 0.5));
            product.kill().await?;
            std::fs::remove_dir_all(self.folder.join(format!("{name}-data")))?;
        }
        self.tell(Figure::at_least(&format!("accepted with {large} events stored"), accepted[1], "/s", (0.9, accepted[0])));
        let name = format!("delivered with {large} events stored");
        self.tell(Figure::at_least(&name, delivered[1], "/s", (0.9, delivered[0])));
        Ok(())
    }

    fn size(&mut self) -> Outcome<()> {
        let stripped = tempfile::NamedTempFile::new()?;
        let done = std::process::Command::new("strip").arg("-o").arg(stripped.path()).arg(product::binary()?).status()?;
        if done.success() {
            let mb = std::fs::metadata(stripped.path())?.len() as f64 / 1e6;
            self.tell(Figure::at_most("stripped binary", mb, "MB", 60.0));
        }
        Ok(())
    }
}

/// Waits until nothing is on its way any more.
async fn drained(product: &Product) -> Outcome<()> {
    for _ in 0..DRAIN_S * 10 {
        if product.metrics().await?.moving() == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err("the product did not deliver what it had".into())
}
