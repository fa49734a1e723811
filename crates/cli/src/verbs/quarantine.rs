//! `crossdock quarantine`: what was accepted and cannot go on without a person.

use model::{EventId, QuarantineRow, QuarantineState};
use serde_json::json;
use server::api::{QuarantineCommand, QuarantineResult};

use super::send::body;
use crate::args::{Common, Form, Quarantine, QuarantineCorrect, QuarantineDecide, QuarantineLs};
use crate::ask;
use crate::client::{Client, reason};
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;

/// LIMIT: characters of a body that are shown to people; `crossdock events show --body` gives all of it.
const BODY_CHARS_SHOWN: usize = 4_000;

/// LIMIT: rows that are looked through for those with a code.
const LOOKED_AT_MAX: usize = 5_000;

pub(crate) async fn run(common: &Common, verb: &Quarantine, output: &Output) -> Ended {
    let mut client = Client::new(common)?;
    match verb {
        Quarantine::Ls(args) => list(&client, args, output).await,
        Quarantine::Show(args) => show(&client, args.event, output).await,
        Quarantine::Correct(args) => correct(&mut client, args, output).await,
        Quarantine::Release(args) => {
            let why = ask::reason(&args.reason, output)?;
            decide(&mut client, args.event, &QuarantineCommand::Release { why }, output).await
        }
        Quarantine::Close(QuarantineDecide { event, reason }) => {
            let why = ask::reason(reason, output)?;
            decide(&mut client, *event, &QuarantineCommand::Close { why }, output).await
        }
    }
}

async fn list(client: &Client, args: &QuarantineLs, output: &Output) -> Ended {
    let mut query = vec![("states", args.state.join(","))];
    query.extend(args.source.iter().map(|source| ("source", source.to_string())));
    // One more tells whether there are more.
    let looked_at = if args.code.is_some() { LOOKED_AT_MAX + 1 } else { args.limit };
    let mut rows: Vec<QuarantineRow> = client.rows("/quarantine", &query, looked_at).await?;
    if args.code.is_some() && rows.len() > LOOKED_AT_MAX {
        rows.truncate(LOOKED_AT_MAX);
        output.say(&format!(
            "looked through the newest {LOOKED_AT_MAX} for this code, and there are more; --source and --state narrow them down"
        ));
    }
    rows.retain(|row| args.code.is_none_or(|code| row.reasons.iter().any(|reason| reason.code == code)));
    rows.truncate(args.limit);
    if output.form == Form::Json {
        output.json(&json!({ "schema": "crossdock/quarantine/1", "rows": rows }));
        return Ok(Exit::Done);
    }
    let Some(first) = rows.first() else {
        output.say("nothing waits in quarantine that was asked for");
        return Ok(Exit::Done);
    };
    let row = |it: &QuarantineRow| {
        let why = it.reasons.first().map(reason).unwrap_or_default();
        vec![
            it.event.to_string(),
            it.state.word().to_owned(),
            it.source.to_string(),
            it.kind.to_string(),
            it.owner.to_string(),
            output.time(it.at),
            why,
        ]
    };
    output.table(&["event", "state", "source", "type", "for", "since", "why"], &rows.iter().map(row).collect::<Vec<_>>());
    output.next(&format!("crossdock quarantine show {}", first.event));
    Ok(Exit::Done)
}

async fn show(client: &Client, event: EventId, output: &Output) -> Ended {
    let row: QuarantineRow = client.get(&format!("/quarantine/{event}")).await?;
    // Without the scope for bodies the rest is shown, and what is missing is said.
    let bytes = match client.bytes(&format!("/events/{event}/body")).await {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(failure) if failure.exit == Exit::Refused || failure.exit == Exit::NotFound => Err(failure.message),
        Err(failure) => return Err(failure),
    };
    if output.form == Form::Json {
        let mut value = json!(row);
        value["schema"] = json!("crossdock/quarantined/1");
        value["body"] = json!(bytes.ok());
        output.json(&value);
        return Ok(Exit::Done);
    }
    output.line(&format!(
        "{} {} of {}, for {}, since {}",
        row.event,
        row.state.word(),
        row.source,
        row.owner,
        output.time(row.at)
    ));
    for broken in &row.reasons {
        output.line(&format!("  {}", reason(broken)));
        if !broken.help.is_empty() {
            output.line(&format!("    help: {}", broken.help));
        }
    }
    decided(&row.state, output);
    match bytes {
        Ok(text) => {
            output.line("");
            output.line(&shortened(&text));
        }
        Err(why) => output.say(&format!("its body is not shown: {why}")),
    }
    if row.state == QuarantineState::Open {
        output.next(&format!("crossdock quarantine correct {event} --file FILE --reason …, or release, or close"));
    }
    Ok(Exit::Done)
}

fn decided(state: &QuarantineState, output: &Output) {
    match state {
        QuarantineState::Open => {}
        QuarantineState::Resubmitted { as_event, by, why } => {
            output.line(&format!("  corrected as {as_event} by {by}: {why}"));
        }
        QuarantineState::Released { by, why } => output.line(&format!("  released by {by}: {why}")),
        QuarantineState::Closed { by, why } => output.line(&format!("  closed by {by}: {why}")),
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= BODY_CHARS_SHOWN {
        return text.trim_end().to_owned();
    }
    let head: String = text.chars().take(BODY_CHARS_SHOWN).collect();
    format!("{head}… (crossdock events show --body EVENT gives all of it)")
}

async fn correct(client: &mut Client, args: &QuarantineCorrect, output: &Output) -> Ended {
    let bytes = body(args.file.as_deref())?;
    let text = String::from_utf8(bytes.to_vec())
        .map_err(|_| Failure::new(Exit::Usage, "body", "the corrected body is no UTF-8 text"))?;
    let why = ask::reason(&args.reason, output)?;
    decide(client, args.event, &QuarantineCommand::Correct { body: text, why }, output).await
}

async fn decide(client: &mut Client, event: EventId, command: &QuarantineCommand, output: &Output) -> Ended {
    let result: QuarantineResult = client.post(&format!("/quarantine/{event}"), command).await?;
    match output.form {
        Form::Json => output.json_as("quarantine-decision", &result),
        Form::Table => output.line(&result.text),
    }
    output.next(&format!("crossdock trace {}", result.as_event.unwrap_or(result.event)));
    Ok(Exit::Done)
}
