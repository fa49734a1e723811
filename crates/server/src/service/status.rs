//! One screen: is everything accounted for, what moves, and who has to do something.

use engine::observe::SinceStart;
use model::view::Backlog;
use model::{Bucket, Fault, Origin};

use crate::api::{DestinationStatus, JournalStatus, SourceStatus, Status};
use crate::app::App;
use crate::service::quarantine;

/// The status now.
pub async fn status(app: &App) -> Result<Status, Fault> {
    // INVARIANT (I11): the account first, the census after it and against its cursors, or the line would not be exact.
    let account = app.ground.ledger.account().await?;
    let census = app.ground.journal.census(account.routed_to.clone()).await?;
    let lines = account.lines(&census);
    let causes = app.views.causes().await?;
    let open = quarantine::open(&app.views).await?;
    let in_quarantine: u64 = lines.iter().map(|line| line.tally.get(Bucket::Quarantined)).sum();
    let usage = app.ground.journal.usage().await?;
    let policy = app.ground.book.current();
    let counts = app.ground.facts.meters.since_start();
    let destinations = destinations(app, &counts).await?;
    let sources = sources(app, &counts);
    let warnings = warnings(&destinations, &sources, usage.bytes, usage.budget);
    Ok(Status {
        schema: "crossdock/status/1".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        as_of: app.ground.clock.now(),
        wall: app.ground.clock.wall(),
        policy: policy.version,
        done: lines.iter().map(model::account::Line::done).sum(),
        moving: lines.iter().map(model::account::Line::moving).sum(),
        with_a_person: lines.iter().map(model::account::Line::with_a_person).sum(),
        missing: lines.iter().map(|line| line.entries_missing().abs() + line.deliveries_missing().abs()).sum(),
        lines: lines.into_iter().filter(|line| line.origin == Origin::Live || line.accepted > 0).collect(),
        causes,
        quarantined: quarantine::groups(&open),
        quarantined_further: in_quarantine.saturating_sub(open.len() as u64),
        destinations,
        sources,
        journal: JournalStatus { bytes: usage.bytes, budget: usage.budget, oldest_at: usage.oldest_at },
        warnings,
        world: app.settings.world.clone(),
    })
}

async fn destinations(app: &App, counts: &SinceStart) -> Result<Vec<DestinationStatus>, Fault> {
    let backlog = app.views.backlog().await?;
    let gates = app.node.board.gates();
    let policy = app.ground.book.current();
    let known = policy.destinations.keys().cloned();
    let mut names: Vec<_> = backlog.iter().map(|row| row.destination.clone()).chain(known).collect();
    names.sort();
    names.dedup();
    let status = names.into_iter().map(|name| {
        let gate = gates.iter().find(|(gate, ..)| *gate == name);
        let empty = Backlog { destination: name.clone(), waiting: 0, leased: 0, oldest_at: None, next_due: None };
        DestinationStatus {
            breaker: gate.map_or("closed", |(_, state, _)| state.word()).to_owned(),
            paused: app.node.board.switches.is_paused(&format!("destination/{name}")),
            system: policy.destinations.get(&name).map(|it| it.system.clone()).unwrap_or_default(),
            done_since_start: counts.done.get(&name).copied().unwrap_or_default(),
            backlog: backlog.iter().find(|row| row.destination == name).cloned().unwrap_or(empty),
        }
    });
    Ok(status.collect())
}

fn sources(app: &App, counts: &SinceStart) -> Vec<SourceStatus> {
    let policy = app.ground.book.current();
    let keys = app.ground.keys.borrow().clone();
    let status = policy.sources.values().map(|source| SourceStatus {
        source: source.name.clone(),
        owner: source.owner.to_string(),
        paused: app.node.board.switches.is_paused(&format!("source/{}", source.name)),
        secrets_missing: source.secrets.iter().filter(|name| keys.get(name).is_none()).map(ToString::to_string).collect(),
        system: source.system.clone(),
        accepted_since_start: counts.accepted.get(&source.name).copied().unwrap_or_default(),
        duplicates_since_start: counts.duplicates.get(&source.name).copied().unwrap_or_default(),
    });
    status.collect()
}

fn warnings(destinations: &[DestinationStatus], sources: &[SourceStatus], bytes: u64, budget: u64) -> Vec<String> {
    let mut warnings = Vec::new();
    for it in destinations {
        let name = &it.backlog.destination;
        if it.breaker != "closed" {
            warnings.push(format!(
                "the breaker of {name} is {}: {} deliveries wait, none is lost",
                it.breaker, it.backlog.waiting
            ));
        }
        if it.paused {
            warnings.push(format!("{name} is paused: {} deliveries wait", it.backlog.waiting));
        }
    }
    for it in sources.iter().filter(|it| !it.secrets_missing.is_empty()) {
        warnings.push(format!("{} refuses everything: no value for {}", it.source, it.secrets_missing.join(", ")));
    }
    let percent = bytes.saturating_mul(100) / budget.max(1);
    if percent >= 100 {
        warnings.push(format!(
            "the journal is full, at {percent} % of its budget: intake answers 503 until there is room; crossdock doctor says how"
        ));
    } else if percent >= 70 {
        warnings.push(format!("the journal is at {percent} % of its budget; at 100 % intake answers 503"));
    }
    warnings
}
