//! `crossdock status`: one screen. First whether everything is accounted for, then who has to do something.

use std::time::Duration;

use model::Bucket as B;
use server::api::Status;

use crate::args::{self, Common, Form};
use crate::client::Client;
use crate::exit::{Ended, Exit};
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
            Form::Table => print(answer, output),
        }
        if let (Form::Table, Some(seen)) = (output.form, &other_side) {
            seen.print(output);
        }
        if !status.watch || output.is_closed() {
            return Ok(exit);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn print(status: &Status, output: &Output) {
    let verdict = match status.missing {
        0 => "everything accepted is accounted for".to_owned(),
        missing => format!("{missing} NOT ACCOUNTED FOR"),
    };
    output
        .line(&format!("{verdict}: {} done, {} moving, {} with a person", status.done, status.moving, status.with_a_person));
    for line in &status.lines {
        let tally = |bucket| line.tally.get(bucket);
        output.line(&format!(
            "  {:?}: {} accepted = {} unrouted + {} routed + {} quarantined + {} resubmitted + {} released + {} closed",
            line.origin,
            line.accepted,
            line.unrouted,
            tally(B::Routed),
            tally(B::Quarantined),
            tally(B::Resubmitted),
            tally(B::Released),
            tally(B::Closed)
        ));
        output.line(&format!(
            "  {:?}: {} deliveries = {} waiting + {} held + {} dead + {} done + {} cancelled + {} superseded",
            line.origin,
            tally(B::Created),
            tally(B::Waiting),
            tally(B::Held),
            tally(B::DeadLettered),
            tally(B::Done),
            tally(B::Cancelled),
            tally(B::Superseded)
        ));
    }
    for warning in &status.warnings {
        output.line(&format!("! {warning}"));
    }
    people(status, output);
    let rows: Vec<Vec<String>> = status
        .destinations
        .iter()
        .map(|it| {
            let paused = if it.paused { "paused" } else { "" };
            let oldest = it.backlog.oldest_at.map(|at| at.to_string()).unwrap_or_default();
            vec![
                it.backlog.destination.to_string(),
                it.backlog.waiting.to_string(),
                it.backlog.leased.to_string(),
                it.breaker.clone(),
                paused.to_owned(),
                oldest,
            ]
        })
        .collect();
    if !rows.is_empty() {
        output.table(&["destination", "waiting", "sending", "breaker", "", "oldest"], &rows);
    }
    output.say(&format!("as of {}, policy {}", status.as_of, status.policy.short()));
}

fn people(status: &Status, output: &Output) {
    for it in &status.causes {
        output.line(&format!(
            "{} for {}: {} of {} to {} ({}), since {}: {}",
            it.state, it.owner, it.count, it.flow, it.destination, it.cause, it.oldest_at, it.why
        ));
        output.say(&format!("  next: crossdock retry {} --reason …", it.example));
    }
    for it in &status.quarantined {
        output.line(&format!("quarantined for {}: {} of {}: {}", it.owner, it.kind, it.source, it.reason));
        output.say(&format!("  next: crossdock quarantine show {}", it.event));
    }
}
