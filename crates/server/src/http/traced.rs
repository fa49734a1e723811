//! Each request has a trace: the caller's, where it sent one (W3C Trace Context), or one of its own. A problem names it, and
//! what fails for our reasons is told under it.

use axum::body::Body;
use axum::response::Response;
use engine::observe::Fact;
use formats::trace_context::TraceContext;
use http::header;

use super::problem::Problem;
use crate::app::App;

/// Writes the trace into a problem; all other answers are as they were.
pub fn traced(app: &App, sent: Option<TraceContext>, mut response: Response) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let trace = trace(app, sent);
    if response.status().is_server_error() {
        app.ground.facts.emit(&Fact::RequestFailed { code: &problem.code, trace: &trace });
    }
    let told = Problem { trace_id: Some(trace), ..problem };
    *response.body_mut() = Body::from(serde_json::to_vec(&told).unwrap_or_default());
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response
}

fn trace(app: &App, sent: Option<TraceContext>) -> String {
    if let Some(sent) = sent {
        return hex::encode(sent.parent.trace_id);
    }
    let chance = [app.ground.clock.chance(), app.ground.clock.chance()].concat();
    hex::encode(chance.get(..16).unwrap_or_default())
}
