//! All metrics of this moment: what facts added up to, and what stores, gates and clock say now. The metrics page and the
//! collector get the same.

use std::collections::BTreeMap;

use engine::observe::catalogue as all;
use engine::observe::metric::{Family, Metric, Sample, Value};
use model::account::{Bucket, Line};
use model::{DestinationName, Fault, TimeSpan};
use serde_json::Value as Json;

use crate::app::App;
use crate::service::reconciliation;

/// The states of a breaker.
const BREAKER_STATES: [&str; 3] = ["closed", "open", "half_open"];

/// All metrics. Where a store is away, what only it knows is left out: the rest is wanted most at that time.
pub async fn families(app: &App) -> Vec<Family> {
    let mut families = app.ground.facts.meters.families();
    families.push(gates(app));
    families.push(clock(app));
    for stored in [stores(app).await, backlog(app).await, reconciliation::families(app).await.map(Vec::from)] {
        match stored {
            Ok(stored) => families.extend(stored),
            Err(fault) => app.ground.facts.tell_fault("metrics", &fault, app.ground.clock.now()),
        }
    }
    families
}

async fn stores(app: &App) -> Result<Vec<Family>, Fault> {
    let (journal, ledger) = (&app.ground.journal, &app.ground.ledger);
    // INVARIANT (I11): the account first, the census after it and against its cursors, or the line would not be exact.
    let account = ledger.account().await?;
    let census = journal.census(account.routed_to.clone()).await?;
    let usage = journal.usage().await?;
    let mut lag = Vec::new();
    for partition in journal.partitions() {
        let cursor = account.routed_to.iter().find(|(of, _)| *of == partition).map_or(0, |(_, to)| to.0);
        lag.push((vec![partition.0.to_string()], journal.head(partition).await?.0.saturating_sub(cursor)));
    }
    let mut families = conservation(&account.lines(&census));
    families.push(Family::levels(&all::JOURNAL, [(Vec::new(), usage.bytes)]));
    families.push(Family::levels(&all::BUDGET, [(Vec::new(), usage.budget)]));
    let room = ledger.room().await?;
    families.push(Family::levels(&all::LEDGER, [(Vec::new(), room.bytes)]));
    families.push(Family::levels(&all::LEDGER_BUDGET, [(Vec::new(), room.budget)]));
    families.push(Family::levels(&all::ROUTER_LAG, lag));
    Ok(families)
}

/// The conservation line in the units of its definition: entries and deliveries apart, each by origin.
fn conservation(lines: &[Line]) -> Vec<Family> {
    let (mut entries, mut deliveries, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        let origin = word(&line.origin);
        let labels = |account: &str| vec![origin.clone(), account.to_owned()];
        entries.push((labels("accepted"), line.accepted));
        entries.push((labels("unrouted"), line.unrouted));
        for bucket in Bucket::ALL {
            let levels = if bucket.is_of_entries() { &mut entries } else { &mut deliveries };
            levels.push((labels(&word(&bucket)), line.tally.get(bucket)));
        }
        let lost = line.entries_missing().unsigned_abs() + line.deliveries_missing().unsigned_abs();
        missing.push((vec![origin], u64::try_from(lost).unwrap_or(u64::MAX)));
    }
    vec![
        Family::levels(&all::ENTRIES, entries),
        Family::levels(&all::DELIVERIES, deliveries),
        Family::levels(&all::UNACCOUNTED, missing),
    ]
}

/// The word by which the interface knows it too.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Json::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

async fn backlog(app: &App) -> Result<Vec<Family>, Fault> {
    let now = app.ground.clock.now();
    let mut rows = BTreeMap::new();
    for name in app.ground.book.current().destinations.keys() {
        rows.insert(name.clone(), (0, 0, TimeSpan::ZERO));
    }
    for row in app.views.backlog().await? {
        let age = row.oldest_at.map_or(TimeSpan::ZERO, |at| now.since(at));
        let sums = rows.entry(row.destination).or_default();
        *sums = (sums.0 + row.waiting, sums.1 + row.leased, sums.2.max(age));
    }
    let label = |name: &DestinationName| vec![name.to_string()];
    Ok(vec![
        Family::levels(&all::WAITING, rows.iter().map(|(name, sums)| (label(name), sums.0))),
        Family::levels(&all::IN_FLIGHT, rows.iter().map(|(name, sums)| (label(name), sums.1))),
        spans(&all::OLDEST_WAITING, rows.iter().map(|(name, sums)| (label(name), sums.2))),
    ])
}

fn gates(app: &App) -> Family {
    let gates = app.node.board.gates().into_iter();
    let levels = gates.flat_map(|(name, state, _)| {
        BREAKER_STATES.map(|word| (vec![name.to_string(), word.to_owned()], u64::from(word == state.word())))
    });
    Family::levels(&all::BREAKER, levels)
}

fn clock(app: &App) -> Family {
    let wall = app.ground.clock.wall();
    spans(&all::CLOCK_AHEAD, [(Vec::new(), app.ground.clock.now().since(wall))])
}

/// Spans of time as gauges, to the millisecond.
fn spans(metric: &'static Metric, spans: impl IntoIterator<Item = (Vec<String>, TimeSpan)>) -> Family {
    let seconds = |span: TimeSpan| TimeSpan::from_millis(span.millis()).to_duration().as_secs_f64();
    let sample = |(labels, span)| Sample { labels, value: Value::Level(seconds(span)) };
    Family { metric, samples: spans.into_iter().map(sample).collect() }
}
