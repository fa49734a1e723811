//! One screen: is everything accounted for, is all well, and who has to do something.

use std::collections::BTreeMap;

use engine::observe::SinceStart;
use engine::rules::breaker::State;
use model::change::Switch;
use model::view::{Backlog, QuarantineGroup};
use model::{Bucket, Fault, Identifier, Offset, Origin, Position, SecretName, SourceName, TimeSpan, Timestamp};

use policy::compiled::Source;

use crate::api::{
    CauseLine, CompletenessLine, DestinationStatus, JournalStatus, LedgerStatus, QuarantineLine, SourceStatus, Status,
};
use crate::app::App;
use crate::service::advice::Advice;
use crate::service::answers::Answers;
use crate::service::concerns::{self, Seen};
use crate::service::{reconciliation, standing};

/// LIMIT: causes whose members are looked up, so that a thousand mistakes do not make the status slow.
const NAMED_CAUSES_MAX: usize = 10;
/// LIMIT: identifiers that are told of a cause; enough to recognise what it is about.
const NAMED_MAX: usize = 6;
/// A deadline is given up within a second or two of its passing.
const GIVEN_UP_WITHIN: TimeSpan = TimeSpan::from_secs(10);

/// The status now, as far as the one who asks may read answers.
pub async fn status(app: &App, answers: Answers) -> Result<Status, Fault> {
    // INVARIANT (I11): the account first, the census after it and against its cursors, or the line would not be exact.
    let account = app.ground.ledger.account().await?;
    let census = app.ground.journal.census(account.routed_to.clone()).await?;
    let lines = account.lines(&census);
    let sum = |of: fn(&model::account::Line) -> u64| lines.iter().map(of).sum::<u64>();
    let in_buckets = |buckets: &[Bucket]| -> u64 {
        lines.iter().flat_map(|line| buckets.iter().map(|bucket| line.tally.get(*bucket))).sum()
    };
    let (causes, quarantined) = (causes(app, answers).await?, quarantined(app).await?);
    let (usage, room) = (app.ground.journal.usage().await?, app.ground.ledger.room().await?);
    let (counts, work) = (app.ground.facts.meters.since_start(), app.views.backlog().await?);
    let destinations = destinations(app, &work, &counts);
    let reconciled = reconciliation::lines(app).await?;
    let sources = sources(app, &counts, &reconciliation::by_source(&reconciled));
    let (now, wall) = (app.ground.clock.now(), app.ground.clock.wall());
    let (missing, with_a_person) = (
        lines.iter().map(|line| line.entries_missing().abs() + line.deliveries_missing().abs()).sum(),
        sum(model::account::Line::with_a_person),
    );
    let concerns = concerns::concerns(&Seen {
        now,
        wall,
        missing,
        unreadable: counts.unreadable,
        with_a_person,
        paused: &paused(app).await?,
        work: &work,
        destinations: &destinations,
        sources: &sources,
        gaps: &app.node.board.gaps.all(),
        pulls: &app.node.board.pulls.all(),
        rotations: &app.rotations.shown(now),
        reconciled: &reconciled,
        unrouted: unrouted(app, sum(|line| line.unrouted)).await?,
        deadline_passed: app.ground.ledger.overdue(now - GIVEN_UP_WITHIN, 1).await?.rows.first().and_then(|it| it.deadline),
        journal: usage.percent(),
        ledger: room.percent(),
        data: &app.settings.data,
    });
    let causes_told: u64 = causes.iter().map(|line| line.group.count).sum();
    let quarantined_told: u64 = quarantined.iter().map(|line| line.group.count).sum();
    Ok(Status {
        schema: "crossdock/status/1".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        as_of: now,
        wall,
        policy: app.ground.book.current().version,
        health: concerns::health(&concerns),
        concerns,
        done: sum(model::account::Line::done),
        moving: sum(model::account::Line::moving),
        with_a_person,
        cancelled: in_buckets(&[Bucket::Cancelled]),
        superseded: in_buckets(&[Bucket::Superseded]),
        missing,
        causes_further: in_buckets(&[Bucket::Held, Bucket::DeadLettered]).saturating_sub(causes_told),
        quarantined_further: in_buckets(&[Bucket::Quarantined]).saturating_sub(quarantined_told),
        lines: lines.into_iter().filter(|line| line.origin == Origin::Live || line.accepted > 0).collect(),
        causes,
        quarantined,
        destinations,
        sources,
        journal: JournalStatus { bytes: usage.bytes, budget: usage.budget, oldest_at: usage.oldest_at },
        ledger: LedgerStatus { bytes: room.bytes, budget: room.budget },
        world: app.settings.world.clone(),
    })
}

async fn paused(app: &App) -> Result<Vec<(String, Switch)>, Fault> {
    let mut switches = app.ground.ledger.switches().await?;
    switches.retain(|(_, switch)| switch.paused);
    switches.sort_by_key(|(_, switch)| switch.at);
    Ok(switches)
}

/// So many entries that are not routed, and when the oldest of them was accepted.
async fn unrouted(app: &App, entries: u64) -> Result<Option<(u64, Timestamp)>, Fault> {
    let mut oldest: Option<Timestamp> = None;
    for partition in app.ground.journal.partitions() {
        let cursor: Offset = app.ground.ledger.cursor(&engine::routing::run::consumer(), partition).await?;
        let above = app.ground.journal.read(partition, cursor, 1).await?;
        oldest = oldest.into_iter().chain(above.first().map(|record| record.at)).min();
    }
    // What no account counts, such as an applied policy, is routed too.
    Ok(oldest.map(|at| (entries.max(1), at)))
}

async fn causes(app: &App, answers: Answers) -> Result<Vec<CauseLine>, Fault> {
    let mut lines = Vec::new();
    for group in app.views.causes().await? {
        let is_looked_up = lines.len() < NAMED_CAUSES_MAX;
        let named = if is_looked_up { named(app, &group.samples).await? } else { Vec::new() };
        let example = if is_looked_up { app.views.delivery_story(group.example).await? } else { None };
        let mut advice = standing::advice_on_group(app, &group, example.as_ref(), answers);
        if let (1, Some(story)) = (group.count, &example)
            && let Some((said, next)) = standing::overtaken(app, &story.delivery).await?
        {
            advice = Advice { sentence: format!("{}; {said}", advice.sentence), next };
        }
        if is_looked_up
            && group.count > 1
            && let Some(told) = standing::kept_back(app, &group, &advice).await?
        {
            advice = told;
        }
        lines.push(CauseLine { group: answers.of_group(group), named, advice: advice.sentence, next: advice.next });
    }
    lines.sort_by_key(|line: &CauseLine| (std::cmp::Reverse(line.group.count), line.group.oldest_at));
    Ok(lines)
}

async fn quarantined(app: &App) -> Result<Vec<QuarantineLine>, Fault> {
    let mut lines = Vec::new();
    for group in app.views.quarantine_causes().await? {
        let named = if lines.len() < NAMED_CAUSES_MAX { named(app, &group.samples).await? } else { Vec::new() };
        let QuarantineGroup { source, code, example, .. } = &group;
        let next = match group.count {
            1 => format!("crossdock quarantine show {example}"),
            _ => format!("crossdock quarantine ls --source {source} --code {code}"),
        };
        lines.push(QuarantineLine { group, named, next });
    }
    lines.sort_by_key(|line: &QuarantineLine| (std::cmp::Reverse(line.group.count), line.group.oldest_at));
    Ok(lines)
}

/// By what people know the events at these places; none for those that are gone.
async fn named(app: &App, places: &[Position]) -> Result<Vec<Identifier>, Fault> {
    let mut named: Vec<Identifier> = Vec::new();
    for place in places {
        let record = app.ground.journal.get(*place).await?;
        let event = record.as_ref().and_then(|record| record.entry.event());
        for identifier in event.into_iter().flat_map(|event| &event.identifiers) {
            if named.len() < NAMED_MAX && !named.contains(identifier) {
                named.push(identifier.clone());
            }
        }
    }
    Ok(named)
}

fn destinations(app: &App, work: &[Backlog], counts: &SinceStart) -> Vec<DestinationStatus> {
    let gates = app.node.board.gates();
    let policy = app.ground.book.current();
    let keys = app.ground.keys.borrow().clone();
    let known = policy.destinations.keys().cloned();
    let mut names: Vec<_> = work.iter().map(|row| row.destination.clone()).chain(known).collect();
    names.sort();
    names.dedup();
    let status = names.into_iter().map(|name| {
        let state = gates.iter().find(|(gate, ..)| *gate == name).map_or(State::Closed, |(_, state, _)| *state);
        let known = policy.destinations.get(&name);
        let of_it = || work.iter().filter(|row| row.destination == name);
        let secrets = known.into_iter().flat_map(|it| it.secrets());
        DestinationStatus {
            waiting: of_it().map(|row| row.waiting).sum(),
            leased: of_it().map(|row| row.leased).sum(),
            oldest_at: of_it().filter_map(|row| row.oldest_at).min(),
            next_due: of_it().filter_map(|row| row.next_due).min(),
            breaker: state.word().to_owned(),
            failing_since: match state {
                State::Closed => None,
                State::Open { since, .. } | State::HalfOpen { since, .. } => Some(since),
            },
            paused: app.node.board.switches.is_paused(&format!("destination/{name}")),
            secrets_missing: secrets.filter(|name| keys.get(name).is_none()).map(ToString::to_string).collect(),
            system: known.map(|it| it.system.clone()).unwrap_or_default(),
            done_since_start: counts.done.get(&name).copied().unwrap_or_default(),
            destination: name,
        }
    });
    status.collect()
}

fn sources(app: &App, counts: &SinceStart, completeness: &BTreeMap<SourceName, CompletenessLine>) -> Vec<SourceStatus> {
    let policy = app.ground.book.current();
    let keys = app.ground.keys.borrow().clone();
    let has_no_value = |name: &&SecretName| keys.get(name).is_none();
    // One key with a value is enough to capture by.
    let key = |source: &Source| -> Option<SecretName> {
        let names = &source.captured()?.odoo.keys;
        names.first().filter(|_| names.iter().all(|name| keys.get(name).is_none())).cloned()
    };
    let status = policy.sources.values().map(|source| SourceStatus {
        source: source.name.clone(),
        owner: source.owner.to_string(),
        paused: app.node.board.switches.is_paused(&format!("source/{}", source.name)),
        secrets_missing: source
            .secrets
            .iter()
            .filter(has_no_value)
            .chain(key(source).as_ref())
            .map(ToString::to_string)
            .collect(),
        system: source.system.clone(),
        accepted_since_start: counts.accepted.get(&source.name).copied().unwrap_or_default(),
        duplicates_since_start: counts.duplicates.get(&source.name).copied().unwrap_or_default(),
        nudges_since_start: counts.nudges.get(&source.name).copied().unwrap_or_default(),
        completeness: completeness.get(&source.name).cloned(),
    });
    status.collect()
}
