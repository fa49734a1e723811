//! Secrets by name: which of them have no value. Values are never shown.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use model::{Scope, SecretName};

use crate::api::{MissingSecret, Rows};
use crate::app::App;
use crate::http::problem::Problem;
use crate::identity::Caller;
use crate::secrets;

/// Which secrets are asked for.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Their names, with commas between them.
    names: String,
}

pub(super) async fn missing(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Json<Rows<MissingSecret>>, Problem> {
    caller.must(Scope::Read)?;
    let names = asked.names.split(',').filter(|name| !name.is_empty()).map(SecretName::new).collect::<Result<_, _>>();
    let names = names.map_err(|error| Problem::new(422, "names", error.to_string()))?;
    let (_, missing) = secrets::load(&names, &app.settings.environment, &app.settings.data);
    let row = |name: SecretName| MissingSecret { from: secrets::place(&name, &app.settings.data), name };
    let rows = missing.into_iter().map(row).collect();
    Ok(Json(Rows { schema: "crossdock/missing-secrets/1".to_owned(), rows, next: None }))
}
