//! Survival: the product is killed at random moments under load, started again, and in the end everything that it accepted
//! must have arrived, once, under one id, in order, and accounted for. The senders and the sink are the judges; the product's
//! own word is only compared with theirs.

mod senders;
mod sink;
mod verdict;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::Outcome;
use crate::product::{self, Product};
use crate::report::{print, say};
use crate::stats::{now_us, percentile};

use self::senders::Senders;
use self::sink::Sink;

/// Lanes that are written to at once; each is one sender that waits for its answer before it sends the next.
const LANES: u64 = 24;
/// LIMIT: how long the backlog may take to drain in the end.
const DRAIN: Duration = Duration::from_mins(2);

/// So many rounds, and the verdict.
pub(crate) async fn run(rounds: u64, seed: Option<u64>) -> Outcome<()> {
    let seed = seed.unwrap_or_else(now_us);
    say(&format!("kill: {rounds} rounds, seed {seed}"));
    let folder = tempfile::tempdir()?;
    let sink = Sink::start().await?;
    product::lanes_project(&folder.path().join("project"), &sink.address)?;
    let senders = Senders::new(LANES, seed, Arc::clone(&sink.arrived));
    let figures = rounds_of_killing(folder.path(), rounds, seed, &senders).await?;
    let product = start(folder.path()).await?;
    senders.aim(Some(product.address.clone()));
    senders.finish().await;
    let drained = drain(&product).await;
    let failures = verdict::judge(&senders, &sink, &product, drained).await?;
    let (mut ready, mut resumed) = figures;
    print(&format!(
        "kill: seed {seed}, {rounds} kills, {} events accepted, {} requests at the sink, ready p50 {} ms p99 {} ms, first delivery after a restart p50 {} ms p99 {} ms, {} failures",
        senders.accepted(),
        sink.requests(),
        percentile(&mut ready, 50) / 1_000,
        percentile(&mut ready, 99) / 1_000,
        percentile(&mut resumed, 50) / 1_000,
        percentile(&mut resumed, 99) / 1_000,
        failures.len()
    ));
    product.kill().await?;
    for failure in &failures {
        print(failure);
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(format!("{} failures; again with --rounds {rounds} --seed {seed}", failures.len()).into())
    }
}

/// Kills and starts; answers the times to the ready line and to the first delivery after it, in microseconds.
async fn rounds_of_killing(folder: &Path, rounds: u64, seed: u64, senders: &Arc<Senders>) -> Outcome<(Vec<u64>, Vec<u64>)> {
    let (mut ready, mut resumed) = (Vec::new(), Vec::new());
    let mut state = seed;
    for round in 0..rounds {
        let product = start(folder).await?;
        ready.push((product.ready_s * 1e6) as u64);
        senders.aim(Some(product.address.clone()));
        let begin = now_us();
        let before = senders.delivered_hint(&product).await;
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let live = Duration::from_millis(60 + (state >> 33) % 900);
        let until = begin + u64::try_from(live.as_micros()).unwrap_or(u64::MAX);
        let mut first = None;
        while now_us() < until {
            if first.is_none() && senders.delivered_hint(&product).await > before {
                first = Some(now_us() - begin);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        resumed.extend(first);
        senders.aim(None);
        product.kill().await?;
        if (round + 1) % (rounds / 10).max(1) == 0 {
            say(&format!("{} kills, {} accepted", round + 1, senders.accepted()));
        }
    }
    Ok((ready, resumed))
}

async fn start(folder: &Path) -> Outcome<Product> {
    Product::start(&folder.join("project"), &folder.join("data")).await
}

/// Waits until nothing moves any more; answers whether that came in time.
async fn drain(product: &Product) -> bool {
    let end = now_us() + u64::try_from(DRAIN.as_micros()).unwrap_or(u64::MAX);
    while now_us() < end {
        if let Ok(metrics) = product.metrics().await
            && metrics.moving() == 0
        {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}
