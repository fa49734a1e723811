//! The management API. Each handler names the scope that it asks for; reads come from views, writes go to the rooms.

mod command;
mod read;
mod secrets;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use model::limit::BODY_BYTES_MAX;

use crate::app::App;

/// The routes below `/api/v1`.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/session", get(session::session))
        .route("/tokens", get(session::tokens).post(session::make_token))
        .route("/tokens/{name}/revoke", post(session::revoke_token))
        .route("/status", get(read::status))
        .route("/trace/{*reference}", get(read::trace))
        .route("/events", get(read::events))
        .route("/events/{id}", get(read::event))
        .route("/events/{id}/body", get(read::event_body))
        .route("/deliveries", get(read::deliveries))
        .route("/deliveries/{id}", get(read::delivery))
        .route("/causes", get(read::causes))
        .route("/quarantine", get(read::quarantine))
        .route("/feed", get(read::feed))
        .route("/audit", get(read::audit))
        .route("/policies", get(read::policies))
        .route("/policies/{version}", get(read::policy))
        .route("/secrets/missing", get(secrets::missing))
        .route("/replays", get(read::replays).post(command::order_replay))
        .route("/replays/preview", post(command::preview_replay))
        .route("/replays/{id}", get(read::replay))
        .route("/replays/{id}/cancel", post(command::cancel_replay))
        .route("/deliveries/retry", post(command::retry))
        .route("/deliveries/cancel", post(command::cancel))
        .route("/deliveries/hold", post(command::hold))
        .route("/quarantine/{event}", get(read::quarantined).post(command::decide_quarantine).layer(bodies()))
        .route("/switches", get(read::switches).post(command::switch))
        .route("/policies/apply", post(command::apply).layer(DefaultBodyLimit::max(PROJECT_BYTES_MAX)))
}

/// LIMIT: a project in one request; as JSON a text can take twice its bytes.
const PROJECT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// LIMIT: a corrected body as a JSON text, every byte of which may be escaped.
fn bodies() -> DefaultBodyLimit {
    DefaultBodyLimit::max(6 * BODY_BYTES_MAX + 16 * 1024)
}
