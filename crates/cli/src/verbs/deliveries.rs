//! `crossdock deliveries`: events on their way through flows, and what became of each attempt.

use model::Attempt;
use serde_json::json;
use server::api::{DeliveryPage, DeliveryRow};

use crate::args::{Common, Deliveries, DeliveriesLs, Form};
use crate::client::Client;
use crate::exit::{Ended, Exit};
use crate::output::{Output, counted};

/// LIMIT: characters of an answer that are shown to people.
const ANSWER_CHARS_SHOWN: usize = 400;

pub(crate) async fn run(common: &Common, verb: &Deliveries, output: &Output) -> Ended {
    let client = Client::new(common)?;
    match verb {
        Deliveries::Ls(args) => list(&client, args, output).await,
        Deliveries::Show(args) => {
            let page: DeliveryPage = client.get(&format!("/deliveries/{}", args.delivery)).await?;
            match output.form {
                Form::Json => output.json_as("delivery", &page),
                Form::Table => show(&page, output),
            }
            Ok(Exit::Done)
        }
    }
}

async fn list(client: &Client, args: &DeliveriesLs, output: &Output) -> Ended {
    let mut query = vec![("states", args.state.join(","))];
    query.extend(args.flow.iter().map(|it| ("flow", it.to_string())));
    query.extend(args.destination.iter().map(|it| ("destination", it.to_string())));
    query.extend(args.event.iter().map(|it| ("event", it.to_string())));
    query.extend(args.cause.iter().map(|it| ("cause", it.clone())));
    query.extend(args.since.iter().map(|it| ("since", it.at().to_string())));
    let rows: Vec<DeliveryRow> = client.rows("/deliveries", &query, args.limit).await?;
    if output.form == Form::Json {
        output.json(&json!({ "schema": "crossdock/deliveries/1", "rows": rows }));
        return Ok(Exit::Done);
    }
    let row = |DeliveryRow { delivery: it, waits_for, .. }: &DeliveryRow| {
        vec![
            it.id.to_string(),
            it.state.word().to_owned(),
            it.flow.to_string(),
            it.destination.to_string(),
            it.attempts.to_string(),
            output.time(it.created_at),
            if waits_for.is_empty() { it.why.clone() } else { waits_for.clone() },
        ]
    };
    output.table(
        &["delivery", "state", "flow", "destination", "attempts", "made", "why"],
        &rows.iter().map(row).collect::<Vec<_>>(),
    );
    if let Some(first) = rows.first() {
        output.next(&format!("crossdock deliveries show {}", first.delivery.id));
    }
    Ok(Exit::Done)
}

fn show(DeliveryPage { story, waits_for, next }: &DeliveryPage, output: &Output) {
    let it = &story.delivery;
    output.line(&format!(
        "{} {} to {}: {}, {}. {}",
        it.id,
        it.flow,
        it.destination,
        it.state.word(),
        counted(it.attempts as usize, "attempt"),
        if waits_for.is_empty() { &it.why } else { waits_for }
    ));
    let lane = it.lane.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
    output.line(&format!("  of event {}, for {}, lane {lane}, policy {}", it.event, it.owner, it.policy.short()));
    for attempt in &story.attempts {
        show_attempt(attempt, output);
    }
    if !next.is_empty() {
        output.next(next);
    }
}

fn show_attempt(attempt: &Attempt, output: &Output) {
    let Some(result) = &attempt.result else {
        output.line(&format!("  {:>3}  {}  under way", attempt.no, output.time(attempt.started_at)));
        return;
    };
    let took = result.ended_at.since(attempt.started_at).millis();
    output.line(&format!(
        "  {:>3}  {}  {} after {took} ms",
        attempt.no,
        output.time(attempt.started_at),
        result.outcome.cause()
    ));
    let answer: String = String::from_utf8_lossy(&result.response).trim().chars().take(ANSWER_CHARS_SHOWN).collect();
    if !answer.is_empty() {
        output.line(&format!("       {}", answer.replace('\n', "\n       ")));
    }
}
