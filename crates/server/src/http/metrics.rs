//! The metrics page, in the form that the scraper asks for.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use http::{HeaderMap, header};
use model::Scope;

use super::exposition::{self, Form};
use super::problem::Problem;
use crate::app::App;
use crate::identity::Caller;
use crate::service::metrics;
use crate::settings::Metrics;

/// The page: names of partners and figures of a company, so that it asks who reads it, unless the settings open it.
pub async fn page(
    State(app): State<Arc<App>>,
    caller: Result<Caller, Problem>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    match app.settings.metrics {
        Metrics::Open => {}
        Metrics::Tokens => drop(caller?.must(Scope::Read)?),
    }
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let form = Form::accepted(&accept.collect::<Vec<_>>().join(","));
    let families = metrics::families(&app).await;
    Ok(([(header::CONTENT_TYPE, form.content_type())], exposition::write(&families, form)))
}
