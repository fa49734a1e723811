//! `crossdock quarantine`: what was accepted and cannot go on without a person.

use model::{Diagnostic, EventId, Later, QuarantineRow, QuarantineState};
use serde_json::json;
use server::api::{QuarantineCommand, QuarantinePage, QuarantineResult};

use super::send::body;
use crate::args::{
    Common, Form, Quarantine, QuarantineCorrect, QuarantineDecide, QuarantineLs, QuarantineRelease, SeenVersion,
};
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
        Quarantine::Release(QuarantineRelease {
            decide: QuarantineDecide { event, seen, reason },
            over_newer,
            over_removed,
        }) => {
            let why = ask::reason(reason, output)?;
            let command = QuarantineCommand::Release { why, over_newer: *over_newer, over_removed: *over_removed };
            decide(&mut client, (*event, *seen), &command, output).await
        }
        Quarantine::Close(QuarantineDecide { event, seen, reason }) => {
            let why = ask::reason(reason, output)?;
            decide(&mut client, (*event, *seen), &QuarantineCommand::Close { why }, output).await
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
        let why = if it.later.is_some() { format!("{why} (another body came later)") } else { why };
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

/// A body as text. Without the scope for bodies the rest is shown, and what is missing is said.
type Shown = Result<String, String>;

async fn shown(client: &Client, path: &str) -> Result<Shown, Failure> {
    match client.bytes(path).await {
        Ok(bytes) => Ok(Ok(String::from_utf8_lossy(&bytes).into_owned())),
        Err(failure) if failure.exit == Exit::Refused || failure.exit == Exit::NotFound => Ok(Err(failure.message)),
        Err(failure) => Err(failure),
    }
}

async fn show(client: &Client, event: EventId, output: &Output) -> Ended {
    let page: QuarantinePage = client.get(&format!("/quarantine/{event}")).await?;
    let body = shown(client, &format!("/events/{event}/body")).await?;
    let QuarantinePage { row, newer, may_close } = &page;
    let later_body = match &row.later {
        Some(_) => Some(shown(client, &format!("/quarantine/{event}/later/body")).await?),
        None => None,
    };
    if output.form == Form::Json {
        let mut value = json!(page);
        value["schema"] = json!("crossdock/quarantined/1");
        value["body"] = json!(body.ok());
        value["later_body"] = json!(later_body.and_then(Result::ok));
        output.json(&value);
        return Ok(Exit::Done);
    }
    output.line(&format!(
        "{} {} of {}, for {}, since {}, version {}",
        row.event,
        row.state.word(),
        row.source,
        row.owner,
        output.time(row.at),
        row.version
    ));
    broken(&row.reasons, output);
    decided(&row.state, output);
    print_body(body, output);
    if let Some((later, body)) = row.later.as_ref().zip(later_body) {
        came_later(later, output);
        print_body(body, output);
    }
    if row.state == QuarantineState::Open {
        let with = row.later.as_ref().map_or("--file FILE".to_owned(), |later| format!("--later={}", later.digest));
        let seen = format!("--seen {} --reason …", row.version);
        if let Some(newer) = newer {
            output.line(&format!("  {newer}"));
        }
        if *may_close {
            output.next(&format!("crossdock quarantine close {event} {seen}"));
            return Ok(Exit::Done);
        }
        output.next(&format!("crossdock quarantine correct {event} {with} {seen}"));
        output.next(&format!("crossdock quarantine release {event} {seen}, or close"));
    }
    Ok(Exit::Done)
}

fn broken(reasons: &[Diagnostic], output: &Output) {
    for broken in reasons {
        output.line(&format!("  {}", reason(broken)));
        if !broken.help.is_empty() {
            output.line(&format!("    help: {}", broken.help));
        }
    }
}

fn print_body(body: Shown, output: &Output) {
    match body {
        Ok(text) => {
            output.line("");
            output.paragraph(&shortened(&text));
        }
        Err(why) => output.say(&format!("its body is not shown: {why}")),
    }
}

/// What its sender sent under its key later, which was refused.
fn came_later(later: &Later, output: &Output) {
    let which =
        if later.count == 1 { "another body".to_owned() } else { format!("the last of {} other bodies", later.count) };
    let rules = if later.reasons.is_empty() { "it broke no rule" } else { "it broke rules as well" };
    output.line("");
    output.line(&format!(
        "under its key came {which} later, {}: {} bytes, sha256 {}; {rules}",
        output.time(later.at),
        later.bytes,
        later.digest
    ));
    broken(&later.reasons, output);
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
    let (over_newer, over_removed) = (args.over_newer, args.over_removed);
    if let Some(later) = args.later {
        let why = ask::reason(&args.reason, output)?;
        let command = QuarantineCommand::Resubmit { digest: later.digest(), why, over_newer, over_removed };
        return decide(client, (args.event, args.seen), &command, output).await;
    }
    let bytes = body(args.file.as_deref())?;
    let text = String::from_utf8(bytes.to_vec())
        .map_err(|_| Failure::new(Exit::Usage, "body", "the corrected body is no UTF-8 text"))?;
    let why = ask::reason(&args.reason, output)?;
    let command = QuarantineCommand::Correct { body: text, why, over_newer, over_removed };
    decide(client, (args.event, args.seen), &command, output).await
}

async fn decide(
    client: &mut Client,
    (event, seen): (EventId, SeenVersion),
    command: &QuarantineCommand,
    output: &Output,
) -> Ended {
    let path = format!("/quarantine/{event}");
    let result: QuarantineResult = match seen.version {
        Some(version) => client.post_onto(&path, command, &version.to_string()).await?,
        None => client.post(&path, command).await?,
    };
    match output.form {
        Form::Json => output.json_as("quarantine-decision", &result),
        Form::Table => output.line(&result.text),
    }
    output.next(&format!("crossdock trace {}", result.as_event.unwrap_or(result.event)));
    Ok(Exit::Done)
}
