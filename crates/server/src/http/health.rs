//! Whether the process lives, and whether it takes traffic.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;

use super::problem::{Problem, kinds};
use crate::app::App;

/// The process answers.
pub async fn live() -> &'static str {
    "live\n"
}

/// Traffic is accepted and the journal answers.
pub async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    if !app.ready.load(Ordering::Relaxed) {
        return Err(Problem::new(kinds::NOT_READY, "starting, or going down"));
    }
    app.ground.journal.usage().await?;
    Ok("ready\n")
}
