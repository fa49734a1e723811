//! `crossdock reconcile`: a captured source is compared with what is known of it; how complete it was is a number, and gaps
//! become events.

use std::collections::{BTreeMap, BTreeSet};

use model::{SourceName, Timestamp};
use serde_json::json;
use server::api::{ReconciliationCommand, ReconciliationLine, ReconciliationOrdered, ReleaseCommand, Released, Rows};

use crate::args::{Common, Form, Reconcile, ReconcileOdoo, ReconcileRelease};
use crate::ask;
use crate::client::Client;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::patience::Patience;

/// What the audit says where nobody gave a reason: a comparison takes nothing away.
const WHY: &str = "a comparison was asked for";

pub(crate) async fn run(common: &Common, verb: &Reconcile, output: &Output) -> Ended {
    let mut client = Client::new(common)?;
    match verb {
        Reconcile::Odoo(args) => compare(&mut client, args, output).await,
        Reconcile::Ls => list(&client, output).await,
        Reconcile::Release(args) => release(&mut client, args, output).await,
    }
}

async fn compare(client: &mut Client, args: &ReconcileOdoo, output: &Output) -> Ended {
    let mut ordered = Vec::new();
    for source in sources(client, args).await? {
        let command = ReconciliationCommand {
            source,
            models: args.model.clone(),
            window_s: args.window.map(model::TimeSpan::secs),
            count_only: args.dry_run,
            why: args.reason.reason.clone().unwrap_or_else(|| WHY.to_owned()),
        };
        let one: ReconciliationOrdered = client.post("/reconciliations", &command).await?;
        output.say(&one.text);
        ordered.push(one);
    }
    if args.no_wait {
        if output.form == Form::Json {
            output.json(&json!({ "schema": "crossdock/reconciliations-ordered/1", "rows": ordered }));
        }
        output.next("crossdock reconcile ls");
        return Ok(Exit::Done);
    }
    let lines = watch(client, &ordered, output).await?;
    print(&lines, output);
    Ok(ending(&lines))
}

/// The source that was named, or all that are captured.
async fn sources(client: &Client, args: &ReconcileOdoo) -> Result<Vec<SourceName>, Failure> {
    if let Some(source) = &args.source {
        return Ok(vec![source.clone()]);
    }
    let found: BTreeSet<SourceName> = lines(client).await?.into_iter().map(|line| line.source).collect();
    if found.is_empty() {
        let failure = Failure::new(Exit::NotFound, "not-found", "no source of the applied policy is captured");
        return Err(failure.hint("connect an Odoo with `crossdock add odoo`"));
    }
    Ok(found.into_iter().collect())
}

async fn lines(client: &Client) -> Result<Vec<ReconciliationLine>, Failure> {
    let rows: Rows<ReconciliationLine> = client.get("/reconciliations").await?;
    Ok(rows.rows)
}

/// Shows what is compared, until all of it is.
async fn watch(
    client: &Client,
    ordered: &[ReconciliationOrdered],
    output: &Output,
) -> Result<Vec<ReconciliationLine>, Failure> {
    let mut patience = Patience::new();
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let mut lines = lines(client).await?;
        lines.retain(|line| ordered.iter().any(|it| it.source == line.source && it.models.contains(&line.model)));
        let asked_at = |line: &ReconciliationLine| -> Option<Timestamp> {
            ordered.iter().find(|it| it.source == line.source).map(|it| it.asked_at)
        };
        let is_over = |line: &ReconciliationLine| {
            let last = line.last.as_ref();
            last.is_some_and(|last| asked_at(line).is_some_and(|asked_at| last.asked_at >= asked_at))
        };
        for line in lines.iter().filter(|line| !is_over(line)) {
            let (of, state) = (format!("{} of {}", line.model, line.source), progress(line));
            if told.get(&of) != Some(&state) {
                output.say(&format!("{of}: {state}"));
                told.insert(of, state);
                patience.renew();
            }
        }
        if lines.iter().all(is_over) {
            return Ok(lines);
        }
        if patience.wait().await.is_interrupted() {
            output.next("crossdock reconcile ls");
            let left = lines.iter().filter(|line| !is_over(line)).count();
            let message = format!("{} of {} models were compared; it goes on without us", lines.len() - left, lines.len());
            return Err(Failure::new(Exit::Interrupted, "interrupted", message));
        }
    }
}

fn progress(line: &ReconciliationLine) -> String {
    if let Some(why) = &line.unread {
        return format!("cannot be read now: {why}; it goes on from where it was");
    }
    match line.state.as_str() {
        "waiting" => "waits for a sweep".to_owned(),
        "contents" => "compares contents".to_owned(),
        "identities" => "compares identities".to_owned(),
        other => other.to_owned(),
    }
}

fn ending(lines: &[ReconciliationLine]) -> Exit {
    let last = || lines.iter().filter_map(|line| line.last.as_ref());
    if last().any(|last| last.unread.is_some()) {
        Exit::Partly
    } else if last().any(|last| last.tally.gaps() > 0) {
        Exit::Findings
    } else {
        Exit::Done
    }
}

async fn list(client: &Client, output: &Output) -> Ended {
    let lines = lines(client).await?;
    print(&lines, output);
    Ok(Exit::Done)
}

fn print(lines: &[ReconciliationLine], output: &Output) {
    if output.form == Form::Json {
        output.json(&json!({ "schema": "crossdock/reconciliations/1", "rows": lines }));
        return;
    }
    let row = |line: &ReconciliationLine| {
        let tally = line.last.as_ref().map(|last| last.tally).unwrap_or_default();
        let count = |count: u64| if line.last.is_some() { count.to_string() } else { String::new() };
        vec![
            line.source.to_string(),
            line.model.clone(),
            line.completeness.as_ref().map_or_else(|| "not known".to_owned(), |it| it.percent.clone()),
            count(tally.there()),
            count(tally.same),
            count(tally.missing),
            count(tally.differing),
            count(tally.gone),
            line.last.as_ref().map(|last| output.time(last.ended_at)).unwrap_or_default(),
        ]
    };
    let head = ["source", "model", "complete", "there", "same", "missing", "differ", "gone", "compared"];
    output.table(&head, &lines.iter().map(row).collect::<Vec<_>>());
    for line in lines.iter().filter(|line| !line.text.is_empty()) {
        output.line(&format!("{} of {}: {}", line.model, line.source, line.text));
    }
    for line in lines.iter().filter(|line| line.state != "nothing") {
        output.line(&format!("{} of {}: {}", line.model, line.source, progress(line)));
    }
    output.next(&next(lines));
}

fn next(lines: &[ReconciliationLine]) -> String {
    let withheld = |line: &&ReconciliationLine| line.brake.as_ref().is_some_and(|brake| brake.released.is_none());
    if let Some(line) = lines.iter().find(withheld) {
        return format!(
            "is it the right database? then crossdock reconcile release {} --model {} --reason …",
            line.source, line.model
        );
    }
    let recovered = |line: &&ReconciliationLine| line.last.as_ref().is_some_and(|last| last.tally.recovered > 0);
    match lines.iter().find(recovered) {
        Some(line) => format!("crossdock events ls --source {}", line.source),
        None => "crossdock status".to_owned(),
    }
}

async fn release(client: &mut Client, args: &ReconcileRelease, output: &Output) -> Ended {
    let why = ask::reason(&args.reason, output)?;
    let command = ReleaseCommand { source: args.source.clone(), model: args.model.clone(), why };
    let released: Released = client.post("/reconciliations/release", &command).await?;
    match output.form {
        Form::Json => output.json_as("reconciliation-released", &released),
        Form::Table => output.line(&released.text),
    }
    output.next("crossdock status");
    Ok(Exit::Done)
}
