//! What people do: every handler asks for its scope, hands a command with who and why to the room that does it, and answers
//! what was done in words. Nothing is decided here.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use engine::change;
use engine::change::apply::Changes;
use engine::change::decide::{Breaches, MissingSecrets, OpenDeliveries, Removal, Terms};
use engine::delivery::command::Wish;
use engine::delivery::operate::{Deed, Told};
use engine::intake::quarantine::{Moved, Which};
use engine::replay::decide::Included;
use engine::replay::order::{SeenPreview, Wanted};
use engine::replay::preview::Preview;
use engine::rules::asked::NotDone;
use engine::rules::overtaken::Newer;
use engine::switch::decide::Way;
use engine::switch::run::Switches;
use model::{DeliveryId, Diagnostic, EventId, Forgotten, PolicyVersion, Replay, ReplayId};
use policy::SourceFile;

use super::asking::Asking;
use crate::api::{
    ApplyCommand, ApplyPreview, ApplyRefusal, ApplyResult, Because, CommandResult, DeliveryCommand, QuarantineCommand,
    QuarantineResult, RemovalLine, ReplayCancelled, ReplayCommand, ReplayOrdered, RetryCommand, RetryManyCommand, Rows,
    SwitchCommand, SwitchResult,
};
use crate::app::App;
use crate::http::conditions::Seen;
use crate::http::parameters::{Body, Path};
use crate::http::problem::{Problem, kinds};
use crate::identity::Caller;
use crate::service::answers::Answers;

type Shared = State<Arc<App>>;
type Done<T> = Result<Json<T>, Problem>;
type One = (Path<DeliveryId>, Seen);

pub(super) async fn retry(
    state: Shared,
    asking: Asking,
    Body(command): Body<RetryManyCommand>,
) -> Done<Rows<CommandResult>> {
    let RetryManyCommand { deliveries, why, over_newer, over_removed } = command;
    let wish = Wish::Retry(newer((over_newer, over_removed)));
    many(state, asking, Body(DeliveryCommand { deliveries, why }), wish).await
}

pub(super) async fn cancel(state: Shared, asking: Asking, command: Body<DeliveryCommand>) -> Done<Rows<CommandResult>> {
    many(state, asking, command, Wish::Cancel).await
}

pub(super) async fn hold(state: Shared, asking: Asking, command: Body<DeliveryCommand>) -> Done<Rows<CommandResult>> {
    many(state, asking, command, Wish::Hold).await
}

async fn many(
    State(app): Shared,
    asking: Asking,
    Body(command): Body<DeliveryCommand>,
    wish: Wish,
) -> Done<Rows<CommandResult>> {
    let outcomes = app.operate().many(&command.deliveries, wish, &asking.because(command.why)).await?;
    let results = outcomes.items.into_iter().map(result).collect();
    Ok(Json(Rows { schema: "crossdock/commands/1".to_owned(), rows: results, next: None, unreadable: Vec::new() }))
}

pub(super) async fn retry_one(
    state: Shared,
    asking: Asking,
    of: One,
    Body(command): Body<RetryCommand>,
) -> Done<CommandResult> {
    let wish = Wish::Retry(newer((command.over_newer, command.over_removed)));
    one((state, asking), of, Body(Because { why: command.why }), wish).await
}

pub(super) async fn cancel_one(state: Shared, asking: Asking, of: One, why: Body<Because>) -> Done<CommandResult> {
    one((state, asking), of, why, Wish::Cancel).await
}

pub(super) async fn hold_one(state: Shared, asking: Asking, of: One, why: Body<Because>) -> Done<CommandResult> {
    one((state, asking), of, why, Wish::Hold).await
}

async fn one(
    (State(app), asking): (Shared, Asking),
    (Path(id), seen): One,
    Body(because): Body<Because>,
    wish: Wish,
) -> Done<CommandResult> {
    match app.operate().one(id, wish, seen.number(), &asking.because(because.why)).await {
        Ok(told) => Ok(Json(result(told))),
        Err(not_done) => {
            let present = app.ground.ledger.delivery(id).await?;
            Err(seen.problem(not_done, present.map(|delivery| delivery.version.to_string())))
        }
    }
}

/// What a person says with `over_newer` and `over_removed`; the one that lets more through says it.
const fn newer(over: (bool, bool)) -> Newer {
    match over {
        (true, _) => Newer::GoesUnder,
        (false, true) => Newer::MayBeGone,
        (false, false) => Newer::Stays,
    }
}

fn result(told: Told) -> CommandResult {
    let word = match told.result {
        Deed::Done => "done",
        Deed::Skipped | Deed::Overtaken => "skipped",
        Deed::Unknown => "unknown",
        Deed::Conflict => "conflict",
    };
    CommandResult { delivery: told.delivery, instead: told.instead, result: word.to_owned(), text: told.sentence }
}

pub(super) async fn decide_quarantine(
    State(app): Shared,
    asking: Asking,
    (Path(event), seen): (Path<EventId>, Seen),
    Body(command): Body<QuarantineCommand>,
) -> Done<QuarantineResult> {
    let room = app.quarantine();
    let which = Which { event, version: seen.number() };
    let moved = match command {
        QuarantineCommand::Correct { body, why, over_newer, over_removed } => {
            room.correct(which, Bytes::from(body), newer((over_newer, over_removed)), &asking.because(why)).await
        }
        QuarantineCommand::Resubmit { digest, why, over_newer, over_removed } => {
            let newer = newer((over_newer, over_removed));
            room.resubmit(which, digest, newer, &asking.because(why)).await.map_err(without_values)
        }
        QuarantineCommand::Release { why, over_newer, over_removed } => {
            room.release(which, newer((over_newer, over_removed)), &asking.because(why)).await
        }
        QuarantineCommand::Close { why } => room.close(which, &asking.because(why)).await,
    };
    match moved {
        Ok(Moved { event, as_event, sentence, .. }) => Ok(Json(QuarantineResult { event, as_event, text: sentence })),
        Err(not_done) => {
            let present = app.ground.ledger.quarantined(event).await?;
            Err(seen.problem(not_done, present.map(|row| row.version.to_string())))
        }
    }
}

/// The body that breaks rules is not one that the caller sent.
fn without_values(not_done: NotDone) -> NotDone {
    match not_done {
        NotDone::Invalid(mut reasons) => {
            reasons.iter_mut().for_each(Diagnostic::hide_values);
            NotDone::Invalid(reasons)
        }
        other => other,
    }
}

pub(super) async fn switch(State(app): Shared, asking: Asking, Body(command): Body<SwitchCommand>) -> Done<SwitchResult> {
    let bad = |_| Problem {
        pointer: Some("/object".to_owned()),
        ..Problem::new(kinds::INVALID_BODY, "name it as source/NAME, flow/NAME or destination/NAME")
    };
    let object = command.object.parse().map_err(bad)?;
    let room = Switches {
        ledger: Arc::clone(&app.ground.ledger),
        book: Arc::clone(&app.ground.book),
        board: Arc::clone(&app.node.board),
    };
    let way = if command.paused { Way::Pause } else { Way::Resume };
    let switched = room.turn(object, way, &asking.because(command.why)).await?;
    Ok(Json(SwitchResult { object: switched.object.to_string(), text: switched.sentence }))
}

pub(super) async fn apply(
    State(app): Shared,
    asking: Asking,
    seen: Seen,
    Body(command): Body<ApplyCommand>,
) -> Done<ApplyResult> {
    let (room, terms) = (changes(&app), Terms { onto: seen.policy(), ..terms(&command) });
    let asked = asking.because(command.why);
    let applied = match origin(command.files, command.back_to)? {
        Origin::Version(version) => room.roll_back(version, terms, &asked).await,
        Origin::Files(files) => room.apply(&files, terms, &asked).await,
    };
    match applied {
        Ok(it) => Ok(Json(ApplyResult { schema: "crossdock/apply/1".to_owned(), version: it.version, text: it.sentence })),
        Err(not_done) => {
            let present = app.ground.ledger.in_force().await?;
            Err(seen.problem(not_done, present.map(|last| last.version.to_string())))
        }
    }
}

/// What the next policy is made of.
enum Origin {
    Files(Vec<SourceFile>),
    Version(PolicyVersion),
}

#[expect(clippy::result_large_err, reason = "a refusal ends the request, once")]
fn origin(files: Vec<(String, String)>, back_to: Option<PolicyVersion>) -> Result<Origin, Problem> {
    let wrong = |why| Problem { pointer: Some("/files".to_owned()), ..Problem::new(kinds::INVALID_BODY, why) };
    match (files.is_empty(), back_to) {
        (false, None) => Ok(Origin::Files(files.into_iter().map(|(path, text)| SourceFile { path, text }).collect())),
        (true, Some(version)) => Ok(Origin::Version(version)),
        (true, None) => Err(wrong("send exactly one of files and back_to: without both, every source would be removed")),
        (false, Some(_)) => Err(wrong("send exactly one of files and back_to: both are here")),
    }
}

pub(super) async fn preview_apply(State(app): Shared, Body(command): Body<ApplyCommand>) -> Done<ApplyPreview> {
    let (room, terms, at) = (changes(&app), terms(&command), app.ground.clock.now());
    let change::apply::Preview { version, previous, found, refusals, .. } = match origin(command.files, command.back_to)? {
        Origin::Version(version) => room.preview_back(version, terms, at).await?,
        Origin::Files(files) => room.preview(&files, terms, at).await?,
    };
    let removal = |it: Removal| RemovalLine { object: it.object.to_string(), open: it.open, more: it.more };
    let refusal = |it: NotDone| {
        let problem = Problem::from(it);
        ApplyRefusal { code: problem.code, text: problem.detail }
    };
    Ok(Json(ApplyPreview {
        schema: "crossdock/apply-preview/1".to_owned(),
        present: previous,
        version,
        removals: found.removals.into_iter().map(removal).collect(),
        secrets_missing: found.secrets_missing,
        refusals: refusals.into_iter().map(refusal).collect(),
    }))
}

fn changes(app: &App) -> Changes {
    Changes {
        journal: Arc::clone(&app.ground.journal),
        ledger: Arc::clone(&app.ground.ledger),
        views: Arc::clone(&app.views),
        book: Arc::clone(&app.ground.book),
    }
}

fn terms(command: &ApplyCommand) -> Terms {
    let open = if command.hold_removed { OpenDeliveries::Hold } else { OpenDeliveries::Refuse };
    let missing = if command.allow_missing_secrets { MissingSecrets::Allow } else { MissingSecrets::Refuse };
    let breaches = if command.allow_breaking { Breaches::Allow } else { Breaches::Refuse };
    Terms { onto: None, open, missing, breaches }
}

fn wanted(command: ReplayCommand) -> (Wanted, Option<SeenPreview>, String) {
    let seen = command.preview.map(|seen| SeenPreview { at: seen.at, digest: seen.digest });
    let forgotten = if command.over_removed { Forgotten::Include } else { Forgotten::Leave };
    let wanted = Wanted {
        selection: command.selection,
        included: Included { commands: command.commands, forgotten },
        pace_per_s: command.pace_per_s,
        canary: command.canary,
        stop_after: command.stop_after,
    };
    (wanted, seen, command.why)
}

pub(super) async fn preview_replay(State(app): Shared, caller: Caller, Body(command): Body<ReplayCommand>) -> Done<Preview> {
    let (wanted, ..) = wanted(command);
    let preview = app.replays().preview(&wanted, app.ground.clock.now()).await?;
    Ok(Json(Answers::of(&caller).of_preview(preview)))
}

pub(super) async fn order_replay(
    State(app): Shared,
    asking: Asking,
    Body(command): Body<ReplayCommand>,
) -> Done<ReplayOrdered> {
    let (wanted, seen, why) = wanted(command);
    let ordered = app.replays().order(&wanted, seen, &asking.because(why)).await?;
    Ok(Json(ReplayOrdered { id: ordered.replay.id, text: ordered.sentence }))
}

pub(super) async fn cancel_replay(
    State(app): Shared,
    asking: Asking,
    (Path(id), seen): (Path<ReplayId>, Seen),
    Body(because): Body<Because>,
) -> Done<ReplayCancelled> {
    match app.replays().cancel(id, seen.number(), &asking.because(because.why)).await {
        Ok(replay) => Ok(Json(cancelled(replay))),
        Err(not_done) => {
            // Of one that cannot be read, no version can be told.
            let present = app.ground.ledger.replay(id).await.ok().flatten();
            Err(seen.problem(not_done, present.map(|replay| replay.version.to_string())))
        }
    }
}

fn cancelled(replay: Option<Replay>) -> ReplayCancelled {
    let text = match &replay {
        Some(replay) => format!("cancelled at member {} of {}; what was sent stays sent", replay.next, replay.members),
        None => "cancelled, though it cannot be read; what was sent stays sent".to_owned(),
    };
    ReplayCancelled { text, replay }
}
