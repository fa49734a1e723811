//! What people do: every handler asks for its scope, hands a command with who and why to the room that does it, and answers
//! what was done in words. Nothing is decided here.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use engine::change::apply::{Changes, Terms};
use engine::change::decide::OpenDeliveries;
use engine::delivery::command::Wish;
use engine::delivery::operate::{Deed, Operate, Outcomes};
use engine::intake::quarantine::{Moved, Quarantine, Which};
use engine::replay::order::{Replays, SeenPreview, Wanted};
use engine::replay::preview::Preview;
use engine::rules::asked::Asked;
use engine::switch::decide::Way;
use engine::switch::run::Switches;
use model::{EventId, Principal, Replay, ReplayId};
use policy::SourceFile;

use crate::api::{
    ApplyCommand, ApplyResult, CancelCommand, CommandResult, DeliveryCommand, QuarantineCommand, QuarantineResult,
    ReplayCommand, ReplayOrdered, Rows, SwitchCommand, SwitchResult,
};
use crate::app::App;
use crate::http::parameters::{Body, Path};
use crate::http::problem::{Problem, kinds};
use crate::identity::Caller;

type Shared = State<Arc<App>>;
type Done<T> = Result<Json<T>, Problem>;

fn asked(app: &App, by: Principal, why: String) -> Asked {
    Asked { by, why, at: app.ground.clock.now() }
}

pub(super) async fn retry(state: Shared, caller: Caller, command: Body<DeliveryCommand>) -> Done<Rows<CommandResult>> {
    operate(state, caller, command, Wish::Retry).await
}

pub(super) async fn cancel(state: Shared, caller: Caller, command: Body<DeliveryCommand>) -> Done<Rows<CommandResult>> {
    operate(state, caller, command, Wish::Cancel).await
}

pub(super) async fn hold(state: Shared, caller: Caller, command: Body<DeliveryCommand>) -> Done<Rows<CommandResult>> {
    operate(state, caller, command, Wish::Hold).await
}

async fn operate(
    State(app): Shared,
    caller: Caller,
    Body(command): Body<DeliveryCommand>,
    wish: Wish,
) -> Done<Rows<CommandResult>> {
    let by = caller.principal;
    let room = Operate { ledger: Arc::clone(&app.ground.ledger), book: Arc::clone(&app.ground.book) };
    let outcomes = room.many(&command.deliveries, wish, &asked(&app, by, command.why)).await?;
    Ok(Json(Rows { schema: "crossdock/commands/1".to_owned(), rows: results(outcomes), next: None }))
}

fn results(outcomes: Outcomes) -> Vec<CommandResult> {
    let word = |deed| match deed {
        Deed::Done => "done",
        Deed::Skipped => "skipped",
        Deed::Conflict => "conflict",
    };
    let result = |told: engine::delivery::operate::Told| CommandResult {
        delivery: told.delivery,
        instead: told.instead,
        result: word(told.result).to_owned(),
        text: told.sentence,
    };
    outcomes.items.into_iter().map(result).collect()
}

pub(super) async fn decide_quarantine(
    State(app): Shared,
    caller: Caller,
    Path(event): Path<EventId>,
    Body(command): Body<QuarantineCommand>,
) -> Done<QuarantineResult> {
    let by = caller.principal;
    let room = Quarantine {
        journal: Arc::clone(&app.ground.journal),
        ledger: Arc::clone(&app.ground.ledger),
        book: Arc::clone(&app.ground.book),
    };
    let which = Which { event, version: None };
    let Moved { event, as_event, sentence, .. } = match command {
        QuarantineCommand::Correct { body, why } => room.correct(which, Bytes::from(body), &asked(&app, by, why)).await?,
        QuarantineCommand::Release { why } => room.release(which, &asked(&app, by, why)).await?,
        QuarantineCommand::Close { why } => room.close(which, &asked(&app, by, why)).await?,
    };
    Ok(Json(QuarantineResult { event, as_event, text: sentence }))
}

pub(super) async fn switch(State(app): Shared, caller: Caller, Body(command): Body<SwitchCommand>) -> Done<SwitchResult> {
    let by = caller.principal;
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
    let switched = room.turn(object, way, &asked(&app, by, command.why)).await?;
    Ok(Json(SwitchResult { object: switched.object.to_string(), text: switched.sentence }))
}

pub(super) async fn apply(State(app): Shared, caller: Caller, Body(command): Body<ApplyCommand>) -> Done<ApplyResult> {
    let by = caller.principal;
    let room = Changes {
        journal: Arc::clone(&app.ground.journal),
        ledger: Arc::clone(&app.ground.ledger),
        views: Arc::clone(&app.views),
        book: Arc::clone(&app.ground.book),
    };
    let open = if command.hold_removed { OpenDeliveries::Hold } else { OpenDeliveries::Refuse };
    let terms = Terms { onto: command.onto, open };
    let asked = asked(&app, by, command.why);
    let applied = match command.back_to {
        Some(version) => room.roll_back(version, terms, &asked).await?,
        None => {
            let files: Vec<SourceFile> = command.files.into_iter().map(|(path, text)| SourceFile { path, text }).collect();
            room.apply(&files, terms, &asked).await?
        }
    };
    Ok(Json(ApplyResult { schema: "crossdock/apply/1".to_owned(), version: applied.version, text: applied.sentence }))
}

fn replays(app: &App) -> Replays {
    Replays {
        journal: Arc::clone(&app.ground.journal),
        ledger: Arc::clone(&app.ground.ledger),
        views: Arc::clone(&app.views),
        book: Arc::clone(&app.ground.book),
    }
}

fn wanted(command: ReplayCommand) -> (Wanted, Option<SeenPreview>, String) {
    let seen = command.preview.map(|seen| SeenPreview { at: seen.at, digest: seen.digest });
    let wanted = Wanted {
        selection: command.selection,
        commands: command.commands,
        pace_per_s: command.pace_per_s,
        canary: command.canary,
        stop_after: command.stop_after,
    };
    (wanted, seen, command.why)
}

pub(super) async fn preview_replay(State(app): Shared, Body(command): Body<ReplayCommand>) -> Done<Preview> {
    let (wanted, ..) = wanted(command);
    Ok(Json(replays(&app).preview(&wanted, app.ground.clock.now()).await?))
}

pub(super) async fn order_replay(
    State(app): Shared,
    caller: Caller,
    Body(command): Body<ReplayCommand>,
) -> Done<ReplayOrdered> {
    let by = caller.principal;
    let (wanted, seen, why) = wanted(command);
    let ordered = replays(&app).order(&wanted, seen, &asked(&app, by, why)).await?;
    Ok(Json(ReplayOrdered { id: ordered.replay.id, text: ordered.sentence }))
}

pub(super) async fn cancel_replay(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<ReplayId>,
    Body(command): Body<CancelCommand>,
) -> Done<Replay> {
    let by = caller.principal;
    Ok(Json(replays(&app).cancel(id, None, &asked(&app, by, command.why)).await?))
}
