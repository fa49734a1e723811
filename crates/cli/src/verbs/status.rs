//! `crossdock status`: one screen. First whether everything is accounted for, then who has to do something.

use std::collections::BTreeMap;
use std::time::Duration;

use model::Bucket as B;
use model::account::Line;
use model::view::CauseGroup;
use server::api::{DestinationStatus, Status};

use crate::args::{self, Common, Form};
use crate::client::Client;
use crate::exit::{Ended, Exit};
use crate::moment::age;
use crate::output::Output;
use crate::verbs::other_side;

pub(crate) async fn run(common: &Common, status: &args::Status, output: &Output) -> Ended {
    let client = Client::new(common)?;
    loop {
        let answer: Status = client.get("/status").await?;
        let other_side = other_side::look(&client, &answer).await.unwrap_or_else(|failure| {
            output.say(&format!("the other side cannot be asked: {}", failure.message));
            None
        });
        let answer = other_side.as_ref().map_or(&answer, |seen| &seen.status);
        let exit = if answer.missing == 0 {
            other_side.as_ref().map_or(Exit::Done, other_side::Seen::exit)
        } else {
            Exit::Findings
        };
        match output.form {
            Form::Json => output.json(answer),
            Form::Table => {
                if status.watch {
                    output.clear();
                }
                print(answer, output);
                if let Some(seen) = &other_side {
                    seen.print(output);
                }
                output.say(&format!("as of {}, policy {}", output.time(answer.as_of), answer.policy.short()));
                output.next(&next(answer));
            }
        }
        if !status.watch || output.is_closed() {
            return Ok(exit);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn print(status: &Status, output: &Output) {
    output.line(&sentence(status));
    for line in &status.lines {
        output.lines(equations(line));
    }
    for warning in &status.warnings {
        output.line(&format!("! {warning}"));
    }
    people(status, output);
    let row = |it: &DestinationStatus| {
        vec![
            it.backlog.destination.to_string(),
            it.backlog.waiting.to_string(),
            it.backlog.leased.to_string(),
            it.breaker.clone(),
            if it.paused { "paused" } else { "" }.to_owned(),
            it.backlog.oldest_at.map(|at| age(status.as_of.since(at))).unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = status.destinations.iter().map(row).collect();
    if !rows.is_empty() {
        output.table(&["destination", "waiting", "sending", "breaker", "", "oldest"], &rows);
    }
}

/// The answer: whether everything is accounted for, and who has to do something.
fn sentence(status: &Status) -> String {
    let verdict = match status.missing {
        0 => "everything accepted is accounted for".to_owned(),
        missing => format!("{missing} NOT ACCOUNTED FOR"),
    };
    let mut owners: BTreeMap<&str, u64> = BTreeMap::new();
    for it in &status.causes {
        *owners.entry(it.owner.as_str()).or_default() += it.count;
    }
    for it in &status.quarantined {
        *owners.entry(it.owner.as_str()).or_default() += it.count;
    }
    let who: Vec<String> = owners.iter().map(|(owner, count)| format!("{owner} {count}")).collect();
    let who = if who.is_empty() { String::new() } else { format!(" ({})", who.join(", ")) };
    format!("{verdict}: {} done, {} moving, {} with a person{who}", status.done, status.moving, status.with_a_person)
}

/// The conservation line of an origin, in entries and in deliveries.
fn equations(line: &Line) -> [String; 2] {
    let tally = |bucket| line.tally.get(bucket);
    let origin = line.origin.word();
    [
        format!(
            "  {origin}: {} accepted = {} unrouted + {} routed + {} quarantined + {} resubmitted + {} released + {} closed",
            line.accepted,
            line.unrouted,
            tally(B::Routed),
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

/// What waits for persons: two lines for each cause, the second is what to do.
fn people(status: &Status, output: &Output) {
    for it in &status.causes {
        let (state, oldest) = (it.state.replace('_', "-"), age(status.as_of.since(it.oldest_at)));
        output.line(&format!(
            "{} {} {state}: {} to {}, {}: {}; the oldest for {oldest}",
            it.owner, it.count, it.flow, it.destination, it.cause, it.why
        ));
        output.line(&format!("    {}", retry(it)));
    }
    for it in &status.quarantined {
        let oldest = age(status.as_of.since(it.oldest_at));
        output.line(&format!(
            "{} {} quarantined: from {}, {}: {}; the oldest for {oldest}",
            it.owner, it.count, it.source, it.code, it.reason
        ));
        output.line(&format!("    crossdock quarantine ls --source {} --code {}", it.source, it.code));
    }
    if status.quarantined_further > 0 {
        output.line(&format!("{} older events are quarantined too: crossdock quarantine ls", status.quarantined_further));
    }
}

fn retry(group: &CauseGroup) -> String {
    if group.count == 1 {
        return format!("crossdock retry {} --reason …", group.example);
    }
    format!("crossdock retry --cause {}/{}/{} --canary 1 --reason …", group.flow, group.destination, group.cause)
}

/// The most pressing thing to look at.
fn next(status: &Status) -> String {
    let troubled = status.missing != 0 || !status.warnings.is_empty();
    match (status.causes.first(), status.quarantined.first()) {
        (Some(it), _) => format!("crossdock deliveries show {}", it.example),
        (None, Some(it)) => format!("crossdock quarantine show {}", it.example),
        (None, None) if troubled => "crossdock doctor".to_owned(),
        (None, None) => "crossdock tail".to_owned(),
    }
}
