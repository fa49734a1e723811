//! The HTTP surface: intake at `/in`, the management API at `/api/v1`, metrics and health.

pub mod api;
pub mod exposition;
pub mod guard;
pub mod health;
pub mod ingest;
pub mod metrics;
pub mod problem;
pub mod room;
pub mod serve;

use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get};

use crate::app::App;

/// All routes.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/in/{source}", any(ingest::receive))
        .route("/in/{source}/{*rest}", any(ingest::receive))
        .nest("/api/v1", api::router())
        .route("/metrics", get(metrics::page))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .fallback(not_found)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), guard::guard))
        .with_state(app)
}

async fn not_found() -> problem::Problem {
    problem::Problem::not_found("there is nothing at this path")
}
