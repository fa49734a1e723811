//! Reconciliations over HTTP: how they stand, one now, and deletions that are withheld let go. Nothing is decided here.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::intake::capture::reconcile::order::Wanted;
use engine::intake::capture::reconcile::standing::Mode;
use model::TimeSpan;

use super::asking::Asking;
use crate::api::{ReconciliationCommand, ReconciliationLine, ReconciliationOrdered, ReleaseCommand, Released, Rows};
use crate::app::App;
use crate::http::parameters::Body;
use crate::http::problem::Problem;
use crate::service::reconciliation;

type Shared = State<Arc<App>>;
type Done<T> = Result<Json<T>, Problem>;

pub(super) async fn list(State(app): Shared) -> Done<Rows<ReconciliationLine>> {
    let rows = reconciliation::lines(&app).await?;
    Ok(Json(Rows { schema: "crossdock/reconciliations/1".to_owned(), rows, next: None, unreadable: Vec::new() }))
}

pub(super) async fn order(
    State(app): Shared,
    asking: Asking,
    Body(command): Body<ReconciliationCommand>,
) -> Done<ReconciliationOrdered> {
    let ReconciliationCommand { source, models, window_s, count_only, why } = command;
    let mode = if count_only { Mode::Count } else { Mode::Recover };
    let wanted = Wanted { source, models, span: window_s.map(TimeSpan::from_secs), mode };
    let asked = asking.because(why);
    let models = reconciliation::room(&app).order(&wanted, &asked).await?;
    let what = match mode {
        Mode::Recover => "gaps become events",
        Mode::Count => "gaps are only counted",
    };
    let text = format!("{} of {} will be compared; {what}", models.join(", "), wanted.source);
    Ok(Json(ReconciliationOrdered { source: wanted.source, models, asked_at: asked.at, text }))
}

pub(super) async fn release(State(app): Shared, asking: Asking, Body(command): Body<ReleaseCommand>) -> Done<Released> {
    let ReleaseCommand { source, model, why } = command;
    let count = reconciliation::room(&app).release(&source, &model, &asking.because(why)).await?;
    let text = format!("{count} of {model} that {source} does not show any more are looked at now; what is gone is deleted");
    Ok(Json(Released { source, model, count, text }))
}
