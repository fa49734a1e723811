//! `crossdock replay`: earlier events again, to chosen flows; previewed, confirmed, at a pace of its own, and watched.

use engine::replay::decide::Commands;
use engine::replay::preview::Preview;
use engine::replay::selection::{Filter, Selection};
use model::{Replay, ReplayId, ReplayState};
use serde_json::json;
use server::api::{ReplayCancelled, ReplayCommand, ReplayOrdered, ReplayPage, SeenPreview};

use super::retry;
use crate::args::{self, Common, Form, ReplayOrder, ReplayVerb};
use crate::ask;
use crate::client::Client;
use crate::exit::{Ended, Exit, Failure};
use crate::moment::Moment;
use crate::output::Output;
use crate::patience::Patience;

/// What to do once a replay is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Leave it to itself.
    Leave,
    /// Watch it until it ends.
    Watch,
}

pub(crate) async fn run(common: &Common, args: &args::Replay, output: &Output) -> Ended {
    let mut client = Client::new(common)?;
    match &args.verb {
        None => begin(&mut client, &args.order, output).await,
        Some(ReplayVerb::Ls(ls)) => list(&client, ls.limit, output).await,
        Some(ReplayVerb::Show(show)) if show.wait => watch(&client, show.replay, output).await,
        Some(ReplayVerb::Show(show)) => {
            let page: ReplayPage = client.get(&format!("/replays/{}", show.replay)).await?;
            print_page(&page, output);
            Ok(Exit::Done)
        }
        Some(ReplayVerb::Cancel(cancel)) => {
            let why = ask::reason(&cancel.reason, output)?;
            let path = format!("/replays/{}/cancel", cancel.replay);
            let cancelled: ReplayCancelled = client.post(&path, &json!({ "why": why })).await?;
            match output.form {
                Form::Json => output.json_as("replay-cancelled", &cancelled),
                Form::Table => output.line(&cancelled.text),
            }
            Ok(Exit::Done)
        }
    }
}

async fn begin(client: &mut Client, args: &ReplayOrder, output: &Output) -> Ended {
    let mut command = retry::command(selection(args)?, args.pace, String::new());
    command.over_removed = args.over_removed;
    command.commands = if args.commands { Commands::Include } else { Commands::Leave };
    let preview: Preview = client.post("/replays/preview", &command).await?;
    if args.dry_run && output.form == Form::Json {
        output.json_as("replay-preview", &preview);
    }
    if output.form == Form::Table {
        print_preview(&preview, output);
    }
    if args.dry_run {
        output.say("nothing was sent: this was a dry run");
        return Ok(Exit::Done);
    }
    if preview.send == 0 {
        return Err(Failure::new(Exit::Refused, "refused", format!("there is nothing to send: {}", preview.sentence)));
    }
    command.why = ask::reason(&args.reason, output)?;
    command.preview = Some(SeenPreview { at: preview.at, digest: preview.digest });
    ask::confirm("send these?", args.sure, output)?;
    let then = if args.wait { Then::Watch } else { Then::Leave };
    order(client, &command, then, output).await
}

fn selection(args: &ReplayOrder) -> Result<Selection, Failure> {
    if !args.event.is_empty() {
        return Ok(Selection::Events { events: args.event.clone(), flows: args.flow.clone() });
    }
    let chosen = args.source.is_some()
        || args.kind.is_some()
        || args.since.is_some()
        || args.until.is_some()
        || args.identifier.is_some();
    if !chosen {
        let failure = Failure::new(Exit::Usage, "selection", "which events? everything at once is never meant");
        return Err(failure.hint("say --event, or one of --since, --until, --source, --type, --identifier"));
    }
    Ok(Selection::Filter(Filter {
        source: args.source.clone(),
        kind: args.kind.clone(),
        since: args.since.map(Moment::at),
        until: args.until.map(Moment::at),
        identifier: args.identifier.clone(),
        flows: args.flow.clone(),
    }))
}

fn print_preview(preview: &Preview, output: &Output) {
    output.line(&preview.sentence);
    for share in &preview.targets {
        output.line(&format!("  {:>7}  {}", share.count, share.name));
    }
    print_left_out(preview, output);
    for example in &preview.examples {
        output.line(&format!("           would fail again: {example}"));
    }
}

/// How many are not sent, and why.
pub(super) fn print_left_out(preview: &Preview, output: &Output) {
    for left_out in &preview.left_out {
        output.line(&format!("  {:>7}  left out: {}", left_out.count, left_out.why));
    }
}

/// Orders what was previewed; the answer is the replay's id, and with [`Then::Watch`] how it ended.
pub(super) async fn order(client: &mut Client, command: &ReplayCommand, then: Then, output: &Output) -> Ended {
    let ordered: ReplayOrdered = client.post("/replays", command).await?;
    match (output.form, then) {
        (Form::Json, Then::Leave) => output.json_as("replay-ordered", &ordered),
        (Form::Json, Then::Watch) => {}
        (Form::Table, _) => output.line(&format!("replay {}: {}", ordered.id, ordered.text)),
    }
    match then {
        Then::Watch => watch(client, ordered.id, output).await,
        Then::Leave => {
            output.next(&format!("crossdock replay show {} --wait", ordered.id));
            Ok(Exit::Done)
        }
    }
}

/// Shows progress until the replay has ended and none of its deliveries is on its way.
async fn watch(client: &Client, id: ReplayId, output: &Output) -> Ended {
    let mut patience = Patience::new();
    let mut told = None;
    loop {
        let page: ReplayPage = client.get(&format!("/replays/{id}")).await?;
        let tenth = u64::from(page.story.replay.next) * 10 / u64::from(page.story.replay.members.max(1));
        if told != Some(tenth) {
            told = Some(tenth);
            patience.renew();
            output.say(&progress(&page));
        }
        if is_over(&page) {
            print_page(&page, output);
            return Ok(ending(&page));
        }
        if patience.wait().await.is_interrupted() {
            output.next(&format!("crossdock replay show {id} --wait, or crossdock replay cancel {id} --reason …"));
            let message =
                format!("at member {} of {}; it goes on without us", page.story.replay.next, page.story.replay.members);
            return Err(Failure::new(Exit::Interrupted, "interrupted", message));
        }
    }
}

fn count(page: &ReplayPage, states: &[&str]) -> u64 {
    page.progress.iter().filter(|(state, _)| states.contains(&state.as_str())).map(|(_, count)| count).sum()
}

fn is_over(page: &ReplayPage) -> bool {
    page.story.replay.state != ReplayState::Running && count(page, &["waiting"]) == 0 && !is_unrouted(page)
}

/// Whether the router has not made all deliveries of what was sent.
fn is_unrouted(page: &ReplayPage) -> bool {
    let made: u64 = page.progress.iter().map(|(_, count)| count).sum();
    let all_shown = page.story.members.len() == usize::try_from(page.story.replay.members).unwrap_or(usize::MAX);
    let sent = |member: &&model::ReplayMember| {
        member.index < page.story.replay.next && member.verdict == model::MemberVerdict::Send
    };
    all_shown && made + u64::from(page.story.replay.passed) < page.story.members.iter().filter(sent).count() as u64
}

fn ending(page: &ReplayPage) -> Exit {
    let failed = count(page, &["held", "dead_lettered", "cancelled"]);
    match page.story.replay.state {
        ReplayState::Sent { .. } if failed == 0 => Exit::Done,
        ReplayState::Running | ReplayState::Sent { .. } | ReplayState::Stopped { .. } | ReplayState::Cancelled { .. } => {
            Exit::Partly
        }
    }
}

fn progress(page: &ReplayPage) -> String {
    let replay = &page.story.replay;
    let states: Vec<String> =
        page.progress.iter().map(|(state, count)| format!("{count} {}", state.replace('_', " "))).collect();
    let passed = if replay.passed > 0 { format!(", {} passed over", replay.passed) } else { String::new() };
    format!("{}/{}  {}{passed}", replay.next, replay.members, states.join(", ")).trim_end().to_owned()
}

fn print_page(page: &ReplayPage, output: &Output) {
    let replay = &page.story.replay;
    if output.form == Form::Json {
        output.json_as("replay", page);
        return;
    }
    output.line(&format!("{} {}: {}", replay.id, replay.state.word(), progress(page)));
    output.line(&format!("  {} by {} at {}: {}", replay.selection, replay.by, output.time(replay.created_at), replay.why));
    output.line(&format!("  {} a second", replay.pace_per_s));
    for passed in &replay.passed_for {
        output.line(&format!("  {} passed over: {}", passed.count, passed.why));
    }
    if let ReplayState::Stopped { why } = &replay.state {
        output.line(&format!("  {why}"));
    }
}

async fn list(client: &Client, limit: usize, output: &Output) -> Ended {
    let replays: Vec<Replay> = client.rows("/replays", &[], limit).await?;
    match output.form {
        Form::Json => output.json(&json!({ "schema": "crossdock/replays/1", "rows": replays })),
        Form::Table => {
            let row = |it: &Replay| {
                let done = format!("{}/{}", it.next, it.members);
                vec![
                    it.id.to_string(),
                    it.state.word().to_owned(),
                    done,
                    output.time(it.created_at),
                    it.by.to_string(),
                    it.why.clone(),
                ]
            };
            output.table(
                &["replay", "state", "members", "ordered", "by", "why"],
                &replays.iter().map(row).collect::<Vec<_>>(),
            );
        }
    }
    Ok(Exit::Done)
}
