//! Each request has a trace: the caller's, where it sent one (W3C Trace Context), or one of its own. A problem names it, and
//! what fails for our reasons is told under it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use engine::observe::Fact;
use formats::trace_context;
use http::{HeaderMap, header};

use super::problem::Problem;
use crate::app::App;

/// Writes the trace into a problem.
pub async fn traced(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let trace = trace_of(&app, request.headers());
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    if response.status().is_server_error() {
        app.ground.facts.emit(&Fact::RequestFailed { code: &problem.code, trace: &trace });
    }
    let told = Problem { trace_id: Some(trace), ..problem };
    *response.body_mut() = Body::from(serde_json::to_vec(&told).unwrap_or_default());
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response
}

fn trace_of(app: &App, headers: &HeaderMap) -> String {
    if let Some(sent) = trace_context::extract(headers) {
        return hex::encode(sent.parent.trace_id);
    }
    let chance = [app.ground.clock.chance(), app.ground.clock.chance()].concat();
    hex::encode(chance.get(..16).unwrap_or_default())
}
