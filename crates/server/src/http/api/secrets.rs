//! Secrets by name: which of them have no value. Values are never shown.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::SecretName;

use crate::api::queries::SecretFilter;
use crate::api::{MissingSecret, Rows};
use crate::app::App;
use crate::http::parameters::Query;
use crate::secrets;

pub(super) async fn missing(State(app): State<Arc<App>>, Query(filter): Query<SecretFilter>) -> Json<Rows<MissingSecret>> {
    let names = filter.names.0.into_iter().collect();
    let (_, missing) = secrets::load(&names, &app.settings.environment, &app.settings.data);
    let row = |name: SecretName| MissingSecret { from: secrets::place(&name, &app.settings.data), name };
    let rows = missing.into_iter().map(row).collect();
    Json(Rows { schema: "crossdock/missing-secrets/1".to_owned(), rows, next: None, unreadable: Vec::new() })
}
