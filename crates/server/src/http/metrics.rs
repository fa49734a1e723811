//! The metrics page, in the form that the scraper asks for.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use http::{HeaderMap, header};

use super::exposition::{self, Form};
use crate::app::App;
use crate::service::metrics;

/// The page.
pub async fn page(State(app): State<Arc<App>>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let form = Form::accepted(&accept.collect::<Vec<_>>().join(","));
    let families = metrics::families(&app).await;
    ([(header::CONTENT_TYPE, form.content_type())], exposition::write(&families, form))
}
