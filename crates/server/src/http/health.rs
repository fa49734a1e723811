//! Whether the process lives, and whether it takes traffic.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;

use super::problem::Problem;
use crate::app::App;

/// Says which start of which product answers, to whoever asks.
pub const INSTANCE: &str = "crossdock-instance";

/// The process answers, and which it is.
pub async fn live(State(app): State<Arc<App>>) -> ([(&'static str, String); 1], &'static str) {
    ([(INSTANCE, app.instance.clone())], "live\n")
}

/// Traffic is accepted and the journal answers.
pub async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    if !app.ready.load(Ordering::Relaxed) {
        return Err(Problem::new(503, "not-ready", "starting, or going down"));
    }
    app.ground.journal.usage().await?;
    Ok("ready\n")
}
