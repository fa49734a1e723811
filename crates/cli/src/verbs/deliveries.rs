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

fn show(DeliveryPage { story, answers_hidden, waits_for, next }: &DeliveryPage, output: &Output) {
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
        for line in answer_lines(attempt, answers_hidden) {
            output.line(&format!("       {line}"));
        }
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
}

/// What was answered, as far as it may be read.
fn answer_lines(attempt: &Attempt, hidden: &[u32]) -> Vec<String> {
    if hidden.contains(&attempt.no) {
        return vec!["answer hidden: the token lacks the scope bodies".to_owned()];
    }
    let response = attempt.result.as_ref().map_or(&[][..], |result| &result.response);
    let shown: String = String::from_utf8_lossy(response).trim().chars().take(ANSWER_CHARS_SHOWN).collect();
    shown.lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_that_may_not_be_read_is_said_to_be_there() {
        let attempt: Attempt = serde_json::from_value(json!({
            "delivery": "00000000-0000-7000-8000-000000000001", "no": 2, "started_at": "2026-06-01T00:00:00Z",
            "lease": { "node": "one", "incarnation": 1 },
            "result": {
                "ended_at": "2026-06-01T00:00:01Z", "outcome": { "outcome": "refused", "status": 422, "again": "never" },
                "output": null, "response": " no such sku\nline 7\n", "response_cut": false,
            },
        }))
        .unwrap();
        let says = "answer hidden: the token lacks the scope bodies";
        for (hidden, expected) in [(&[2][..], &[says][..]), (&[1, 3], &["no such sku", "line 7"])] {
            assert_eq!(answer_lines(&attempt, hidden), expected, "{hidden:?}");
        }
    }
}
