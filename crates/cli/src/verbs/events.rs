//! `crossdock events`: what was accepted, by the journal itself.

use model::EventId;
use serde_json::json;
use server::api::{EventSummary, Rows};

use crate::args::{Common, Events, EventsLs, Form};
use crate::client::{Client, reason};
use crate::exit::{Ended, Exit, Failure};
use crate::moment::Moment;
use crate::output::Output;

/// LIMIT: events that are looked through for those that are wanted.
const LOOKED_AT_MAX: usize = 50_000;
/// Rows that are asked for at once.
const PAGE: usize = 500;

pub(crate) async fn run(common: &Common, verb: &Events, output: &Output) -> Ended {
    let client = Client::new(common)?;
    match verb {
        Events::Ls(args) => list(&client, args, output).await,
        Events::Show(args) if args.body => {
            output.bytes(&client.bytes(&format!("/events/{}/body", args.event)).await?);
            Ok(Exit::Done)
        }
        Events::Show(args) => show(&client, args.event, output).await,
    }
}

async fn list(client: &Client, args: &EventsLs, output: &Output) -> Ended {
    let events = find(client, args, output).await?;
    if output.form == Form::Json {
        output.json(&json!({ "schema": "crossdock/events/1", "rows": events }));
        return Ok(Exit::Done);
    }
    let row = |it: &EventSummary| {
        let names: Vec<String> = it.identifiers.iter().map(|name| name.value.clone()).collect();
        vec![
            it.id.to_string(),
            output.time(it.received_at),
            it.verdict.clone(),
            it.source.to_string(),
            it.kind.to_string(),
            names.join(" "),
        ]
    };
    output.table(
        &["event", "received", "verdict", "source", "type", "identifiers"],
        &events.iter().map(row).collect::<Vec<_>>(),
    );
    if let Some(first) = events.first() {
        output.next(&format!("crossdock trace {}", first.id));
    }
    Ok(Exit::Done)
}

async fn find(client: &Client, args: &EventsLs, output: &Output) -> Result<Vec<EventSummary>, Failure> {
    let since = args.since.map(Moment::at);
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    let mut looked_at = 0;
    while found.len() < args.limit {
        let page: Rows<EventSummary> = client.query("/events", &json!({ "limit": PAGE, "cursor": cursor })).await?;
        looked_at += page.rows.len();
        let is_past = since.is_some_and(|since| page.rows.last().is_some_and(|last| last.received_at < since));
        found.extend(
            page.rows.into_iter().filter(|event| fits(args, event) && since.is_none_or(|since| event.received_at >= since)),
        );
        cursor = page.next;
        if cursor.is_none() || is_past {
            break;
        }
        if looked_at >= LOOKED_AT_MAX {
            output.say(&format!(
                "looked through the newest {looked_at} events; `crossdock trace` finds older ones by their identifiers"
            ));
            break;
        }
    }
    found.truncate(args.limit);
    Ok(found)
}

fn fits(args: &EventsLs, event: &EventSummary) -> bool {
    let kind = |wanted: &String| match wanted.strip_suffix('*') {
        Some(prefix) => event.kind.as_str().starts_with(prefix),
        None => event.kind.as_str() == wanted,
    };
    args.source.as_ref().is_none_or(|source| *source == event.source) && args.kind.as_ref().is_none_or(kind)
}

async fn show(client: &Client, id: EventId, output: &Output) -> Ended {
    let event: EventSummary = client.get(&format!("/events/{id}")).await?;
    if output.form == Form::Json {
        output.json_as("event", &event);
        return Ok(Exit::Done);
    }
    output.line(&format!("{} {} of {}, {}", event.id, event.kind, event.source, event.verdict));
    let time = event.time.map_or_else(|| "unknown".to_owned(), |time| output.time(time));
    let rows = [
        ("received", output.time(event.received_at)),
        ("happened", time),
        ("key", event.key.clone()),
        ("correlation", event.correlation.clone()),
        ("contract", event.contract.clone().unwrap_or_else(|| "none".to_owned())),
        ("policy", event.policy.short()),
        ("place", event.position.to_string()),
        ("bytes", event.bytes.to_string()),
    ];
    let rows = rows.into_iter().map(|(name, value)| format!("  {name:<12} {value}"));
    let identifiers = event.identifiers.iter().map(|it| format!("  {:<12} {}", it.scheme, it.value));
    let reasons = event.reasons.iter().map(|it| format!("  {}", reason(it)));
    output.lines(rows.chain(identifiers).chain(reasons));
    output.next(&format!("crossdock trace {id}"));
    Ok(Exit::Done)
}
