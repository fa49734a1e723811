//! What is measured, in order. Every figure of one table comes from one run.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::product::{self, Product};
use crate::report::{self, Figure, say};
use crate::sink::Arrivals;
use crate::stats::{LoadReport, percentile};
use crate::{Outcome, limit};

/// A process of this binary that told its port.
#[derive(Debug)]
struct Side {
    _child: Child,
    address: String,
}

async fn side(args: &[&str]) -> Outcome<Side> {
    let mut child = Command::new(std::env::current_exe()?).args(args).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let stdout = child.stdout.take().ok_or("no output")?;
    let port = BufReader::new(stdout).lines().next_line().await?.ok_or("a side process ended at once")?;
    Ok(Side { _child: child, address: format!("127.0.0.1:{port}") })
}

/// A load against an address; `rate` 0 is as fast as answers come.
async fn load(address: &str, connections: u32, seconds: u64, rate: u64, run: &str) -> Outcome<LoadReport> {
    let output = Command::new(std::env::current_exe()?)
        .args(["load", address, "/in/bench", &connections.to_string(), &seconds.to_string(), &rate.to_string(), run])
        .stderr(Stdio::inherit())
        .output()
        .await?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

async fn arrivals(sink: &Side) -> Outcome<Arrivals> {
    let mut stream = TcpStream::connect(&sink.address).await?;
    stream.write_all(format!("GET / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", sink.address).as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let body = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
    Ok(serde_json::from_slice(&answer[body..])?)
}

/// The limits of this machine in this run.
#[derive(Clone, Copy, Debug, Default)]
struct Limits {
    f_p50_us: u64,
    f_p99_us: u64,
    l0_1024: f64,
    l1_64: f64,
}

/// `[--quick] [--json FILE]`.
pub(crate) async fn run(args: &[String]) -> Outcome<()> {
    let quick = args.iter().any(|arg| arg == "--quick");
    let seconds = if quick { 5 } else { 20 };
    let folder = tempfile::tempdir()?;
    let mut figures = Vec::new();
    let limits = limits(folder.path(), seconds, &mut figures).await?;
    accept(folder.path(), seconds, limits, &mut figures).await?;
    deliver(folder.path(), seconds, limits, &mut figures).await?;
    latency(folder.path(), seconds, limits, &mut figures).await?;
    fan_out(folder.path(), seconds, &mut figures).await?;
    size(&mut figures)?;
    report::table(&figures);
    if let Some(file) = args.iter().position(|arg| arg == "--json").and_then(|at| args.get(at + 1)) {
        std::fs::write(file, serde_json::to_vec_pretty(&figures)?)?;
    }
    Ok(())
}

async fn limits(folder: &Path, seconds: u64, figures: &mut Vec<Figure>) -> Outcome<Limits> {
    say("limits");
    let (f_p50_us, f_p99_us) = limit::fdatasync(folder)?;
    let l0 = side(&["limit", "l0"]).await?;
    let l0_64 = load(&l0.address, 64, seconds, 0, "l0a").await?.per_s();
    let l0_1024 = load(&l0.address, 1024, seconds, 0, "l0b").await?.per_s();
    drop(l0);
    let file = folder.join("l1");
    let l1 = side(&["limit", "l1", &file.to_string_lossy()]).await?;
    let l1_64 = load(&l1.address, 64, seconds, 0, "l1a").await?.per_s();
    figures.push(Figure::plain("F, one fdatasync, p50", f_p50_us as f64, "us"));
    figures.push(Figure::plain("F, one fdatasync, p99", f_p99_us as f64, "us"));
    figures.push(Figure::plain("L0 at 64 connections", l0_64, "/s"));
    figures.push(Figure::plain("L0 at 1,024 connections", l0_1024, "/s"));
    figures.push(Figure::plain("L1 at 64 connections", l1_64, "/s"));
    Ok(Limits { f_p50_us, f_p99_us, l0_1024, l1_64 })
}

/// Accepting alone: no flow is active, so an event makes no delivery.
async fn accept(folder: &Path, seconds: u64, limits: Limits, figures: &mut Vec<Figure>) -> Outcome<()> {
    say("accept, no flows");
    let project = folder.join("accept");
    product::project(&project, "127.0.0.1:1", 0)?;
    let product = Product::start(&project, &folder.join("accept-data")).await?;
    figures.push(Figure::plain("ready with an empty store", product.ready_s, "s"));
    figures.push(Figure::at_most("memory idle", product.memory_mb()?.0, "MB", 60.0));
    let at_64 = load(&product.address, 64, seconds, 0, "a").await?;
    let at_1024 = load(&product.address, 1024, seconds, 0, "b").await?;
    figures.push(Figure::at_least("accepted at 64 connections, no flows", at_64.per_s(), "/s", (0.7, limits.l1_64)));
    figures.push(Figure::at_most("p99 of the answer at 64", at_64.p99_us as f64 / 1e3, "ms", 100.0));
    figures.push(Figure::at_least("accepted at 1,024 connections, no flows", at_1024.per_s(), "/s", (0.3, limits.l0_1024)));
    figures.push(Figure::at_most("p99 of the answer at 1,024", at_1024.p99_us as f64 / 1e3, "ms", 100.0));
    figures.push(Figure::plain("requests that failed", (at_64.failed + at_1024.failed) as f64, ""));
    product.kill().await
}

/// Accepting and delivering at the same time: one flow with a mapping, one delivery an event.
async fn deliver(folder: &Path, seconds: u64, limits: Limits, figures: &mut Vec<Figure>) -> Outcome<()> {
    say("accept and deliver, one flow");
    let sink = side(&["sink"]).await?;
    let project = folder.join("deliver");
    product::project(&project, &sink.address, 1)?;
    let product = Product::start(&project, &folder.join("deliver-data")).await?;
    let loaded = load(&product.address, 64, seconds, 0, "d").await?;
    let delivered = arrivals(&sink).await?.count as f64 / loaded.seconds;
    let cpu_ms = product.cpu_s()? * 1e3 / arrivals(&sink).await?.count.max(1) as f64;
    let sustained = loaded.per_s().min(delivered);
    figures.push(Figure::plain("accepted while delivering, 64 connections", loaded.per_s(), "/s"));
    figures.push(Figure::at_least("accepted and delivered, one flow", sustained, "/s", (0.5, limits.l1_64)));
    figures.push(Figure::at_most("CPU of the process per event", cpu_ms, "ms", 0.25));
    figures.push(Figure::at_most("memory at full load", product.memory_mb()?.1, "MB", 256.0));
    product.kill().await
}

/// From the answer of 202 to the subscriber's socket, at 100 events a second.
async fn latency(folder: &Path, seconds: u64, limits: Limits, figures: &mut Vec<Figure>) -> Outcome<()> {
    say("latency at 100 events/s");
    let sink = side(&["sink"]).await?;
    let project = folder.join("latency");
    product::project(&project, &sink.address, 1)?;
    let product = Product::start(&project, &folder.join("latency-data")).await?;
    let loaded = load(&product.address, 8, seconds, 100, "t").await?;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let arrived = arrivals(&sink).await?;
    let mut took: Vec<u64> = Vec::new();
    for (number, at) in &arrived.first {
        let answered = loaded.answered.iter().find(|(it, _)| it == number);
        took.extend(answered.map(|(_, answered)| at.saturating_sub(*answered)));
    }
    let p50 = percentile(&mut took, 50) as f64 / 1e3;
    let p99 = percentile(&mut took, 99) as f64 / 1e3;
    figures.push(Figure::at_most("accept to socket, p50", p50, "ms", 2.0 + 2.0 * limits.f_p50_us as f64 / 1e3));
    figures.push(Figure::at_most("accept to socket, p99", p99, "ms", 10.0 + 3.0 * limits.f_p99_us as f64 / 1e3));
    product.kill().await
}

/// Deliveries per second to ten subscribers, against those to one.
async fn fan_out(folder: &Path, seconds: u64, figures: &mut Vec<Figure>) -> Outcome<()> {
    let mut per_s = Vec::new();
    for flows in [1, 10] {
        say(&format!("fan-out to {flows}"));
        let sink = side(&["sink"]).await?;
        let project = folder.join(format!("fan-{flows}"));
        product::project(&project, &sink.address, flows)?;
        let product = Product::start(&project, &folder.join(format!("fan-data-{flows}"))).await?;
        let loaded = load(&product.address, 64, seconds, 0, "f").await?;
        per_s.push(arrivals(&sink).await?.count as f64 / loaded.seconds);
        product.kill().await?;
    }
    figures.push(Figure::at_least("deliveries with ten subscribers", per_s[1], "/s", (4.0, per_s[0])));
    Ok(())
}

fn size(figures: &mut Vec<Figure>) -> Outcome<()> {
    let stripped = tempfile::NamedTempFile::new()?;
    let done = std::process::Command::new("strip").arg("-o").arg(stripped.path()).arg(product::binary()?).status()?;
    if done.success() {
        let mb = std::fs::metadata(stripped.path())?.len() as f64 / 1e6;
        figures.push(Figure::at_most("stripped binary", mb, "MB", 60.0));
    }
    Ok(())
}
