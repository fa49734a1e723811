//! `crossdock status`: one screen. First whether everything is accounted for, then who has to do something.

use std::collections::BTreeMap;
use std::time::Duration;

use model::account::Line;
use model::{Bucket as B, Identifier, Timestamp};
use server::api::{CauseLine, Concern, DestinationStatus, Health, QuarantineLine, Status};

use crate::args::{self, Common, Form};
use crate::client::Client;
use crate::exit::{Ended, Exit};
use crate::output::Output;
use crate::verbs::other_side::{self, Seen};

/// LIMIT: causes of each kind that are printed; `--json` has more.
const CAUSES_SHOWN: usize = 20;

pub(crate) async fn run(common: &Common, status: &args::Status, output: &Output) -> Ended {
    let client = Client::new(common)?;
    loop {
        let answer: Status = client.get("/status").await?;
        let other_side = other_side::look(&client, &answer).await.unwrap_or_else(|failure| {
            output.say(&format!("the other side cannot be asked: {}", failure.message));
            None
        });
        let answer = other_side.as_ref().map_or(answer, Seen::judged);
        match output.form {
            Form::Json => output.json(&answer),
            Form::Table => {
                if status.watch {
                    output.clear();
                }
                print(&answer, output);
                if let Some(seen) = &other_side {
                    seen.print(output);
                }
                output.say(&format!("as of {}, policy {}", output.time(answer.as_of), answer.policy.short()));
                output.next(&next(&answer));
            }
        }
        if !status.watch || output.is_closed() {
            return Ok(if answer.health == Health::Unhealthy { Exit::Findings } else { Exit::Done });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn print(status: &Status, output: &Output) {
    output.line(&format!("{}: {}", health(&status.concerns), sentence(status)));
    for line in &status.lines {
        output.lines(equations(line));
    }
    // What waits for persons is told by cause.
    for concern in status.concerns.iter().filter(|it| it.kind != "person") {
        output.line(&format!("! {}", concern.text));
    }
    for source in &status.sources {
        if let Some(it) = &source.completeness {
            let age = status.as_of.since(it.at).rounded();
            output
                .line(&format!("{} was {} complete {age} ago: {} of {} records", source.source, it.percent, it.same, it.of));
        }
    }
    people(status, output);
    let row = |it: &DestinationStatus| {
        vec![
            it.destination.to_string(),
            it.waiting.to_string(),
            it.leased.to_string(),
            it.breaker.clone(),
            if it.paused { "paused" } else { "" }.to_owned(),
            it.oldest_at.map(|at| status.as_of.since(at).rounded()).unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = status.destinations.iter().map(row).collect();
    if !rows.is_empty() {
        output.table(&["destination", "waiting", "sending", "breaker", "", "oldest"], &rows);
    }
}

/// `healthy`, or `unhealthy` and by what.
fn health(concerns: &[Concern]) -> String {
    let mut kinds: Vec<&str> =
        concerns.iter().filter(|it| it.health == Health::Unhealthy).map(|it| it.kind.as_str()).collect();
    kinds.dedup();
    if kinds.is_empty() { "healthy".to_owned() } else { format!("unhealthy ({})", kinds.join(", ")) }
}

/// Whether everything is accounted for, and who has to do something.
fn sentence(status: &Status) -> String {
    let verdict = match status.missing {
        0 => "everything accepted is accounted for".to_owned(),
        missing => format!("{missing} NOT ACCOUNTED FOR"),
    };
    let mut owners: BTreeMap<&str, u64> = BTreeMap::new();
    for CauseLine { group, .. } in &status.causes {
        *owners.entry(group.owner.as_str()).or_default() += group.count;
    }
    for QuarantineLine { group, .. } in &status.quarantined {
        *owners.entry(group.owner.as_str()).or_default() += group.count;
    }
    let who: Vec<String> = owners.iter().map(|(owner, count)| format!("{owner} {count}")).collect();
    let who = if who.is_empty() { String::new() } else { format!(" ({})", who.join(", ")) };
    let apart = [(status.cancelled, "cancelled"), (status.superseded, "superseded")];
    let line =
        format!("{verdict}: {} done, {} moving, {} with a person{who}", status.done, status.moving, status.with_a_person);
    let apart = apart.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    std::iter::once(line).chain(apart).collect::<Vec<_>>().join(", ")
}

/// The conservation line of an origin, in entries and in deliveries.
fn equations(line: &Line) -> [String; 2] {
    let tally = |bucket| line.tally.get(bucket);
    let origin = line.origin.word();
    [
        format!(
            "  {origin}: {} accepted = {} unrouted + {} routed + {} selected by no flow + {} quarantined + {} resubmitted + {} \
             released + {} closed",
            line.accepted,
            line.unrouted,
            tally(B::Routed),
            tally(B::Unselected),
            tally(B::Quarantined),
            tally(B::Resubmitted),
            tally(B::Released),
            tally(B::Closed)
        ),
        format!(
            "  {origin}: {} deliveries = {} waiting + {} held + {} dead-lettered + {} done + {} cancelled + {} superseded",
            tally(B::Created),
            tally(B::Waiting),
            tally(B::Held),
            tally(B::DeadLettered),
            tally(B::Done),
            tally(B::Cancelled),
            tally(B::Superseded)
        ),
    ]
}

/// What waits for persons: a line for each cause, and below it what to do.
fn people(status: &Status, output: &Output) {
    for CauseLine { group: it, named, advice, next } in status.causes.iter().take(CAUSES_SHOWN) {
        output.line(&format!(
            "{} {} {}: {} to {}, {}: {}; {}",
            it.owner,
            it.count,
            it.state.replace('_', "-"),
            it.flow,
            it.destination,
            if it.cause.is_empty() { "held" } else { &it.cause },
            it.why,
            recognised(named, it.count, status.as_of, it.oldest_at)
        ));
        output.lines([format!("    {advice}"), format!("    {next}")]);
    }
    for QuarantineLine { group: it, named, next } in status.quarantined.iter().take(CAUSES_SHOWN) {
        // A group is of one code; the sentence is that of one event of it.
        let such_as = if it.count > 1 { "such as: " } else { "" };
        output.line(&format!(
            "{} {} quarantined: from {}, {}: {such_as}{}; {}",
            it.owner,
            it.count,
            it.source,
            it.code,
            it.reason,
            recognised(named, it.count, status.as_of, it.oldest_at)
        ));
        output.line(&format!("    {next}"));
    }
    let beyond = |counts: Vec<u64>| counts.iter().skip(CAUSES_SHOWN).sum::<u64>();
    let held = status.causes_further + beyond(status.causes.iter().map(|it| it.group.count).collect());
    if held > 0 {
        output.line(&format!("{held} deliveries wait for other causes: crossdock deliveries ls --state held,dead_lettered"));
    }
    let kept = status.quarantined_further + beyond(status.quarantined.iter().map(|it| it.group.count).collect());
    if kept > 0 {
        output.line(&format!("{kept} events are quarantined for other causes: crossdock quarantine ls"));
    }
}

/// By what somebody who does the work recognises it: `order S1, S2; for 14 min`.
fn recognised(named: &[Identifier], count: u64, now: Timestamp, oldest_at: Timestamp) -> String {
    let mut schemes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for it in named {
        schemes.entry(&it.scheme).or_default().push(&it.value);
    }
    let mut parts: Vec<String> = schemes.iter().map(|(scheme, values)| format!("{scheme} {}", values.join(", "))).collect();
    let age = now.since(oldest_at).rounded();
    parts.push(if count == 1 { format!("for {age}") } else { format!("the oldest for {age}") });
    parts.join("; ")
}

/// The most pressing thing to look at.
fn next(status: &Status) -> String {
    let concern = status.concerns.iter().find(|it| it.health == Health::Unhealthy && !it.next.is_empty());
    match (status.causes.first(), status.quarantined.first(), concern) {
        (_, _, Some(it)) if it.kind == "accounts" => it.next.clone(),
        (Some(it), ..) => format!("crossdock deliveries show {}", it.group.example),
        (None, Some(it), _) => format!("crossdock quarantine show {}", it.group.example),
        (None, None, Some(it)) => it.next.clone(),
        (None, None, None) => status.concerns.first().map_or("crossdock tail", |it| it.next.as_str()).to_owned(),
    }
}
