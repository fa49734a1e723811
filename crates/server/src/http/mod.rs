//! The HTTP surface: intake at `/in`, the management API at `/api/v1`, metrics and health. All of it is one list of
//! operations, of which the router and the description are made.

pub mod api;
pub mod conditions;
pub mod exposition;
pub mod guard;
pub mod health;
pub mod ingest;
pub mod metrics;
pub mod once;
pub mod openapi;
pub mod operation;
pub mod parameters;
pub mod problem;
mod read_in_time;
pub mod room;
pub mod serve;
pub mod traced;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use formats::trace_context;
use http::{Method, header};
use model::Scope;
use tower::Service as _;

use self::operation::{Access, Effect, Operation};
use self::problem::{Problem, kinds};
use crate::api::Admission;
use crate::app::App;

/// Where events come in.
const INTAKE: [&str; 2] = ["/in/{source}", "/in/{source}/{*rest}"];

/// All operations, this list's own description among them.
pub fn operations() -> Vec<Operation> {
    let mut operations = [intake(), api::operations(), health()].concat();
    let description = Operation::new(Method::GET, openapi::PATH, "openapi", "This description", describe)
        .answers::<std::collections::BTreeMap<String, serde_json::Value>>();
    operations.push(description);
    operations
}

fn intake() -> Vec<Operation> {
    const IDS: [[&str; 3]; 2] =
        [["admit", "challenge", "askForPermission"], ["admitBelow", "challengeBelow", "askForPermissionBelow"]];
    INTAKE.into_iter().zip(IDS).flat_map(|(path, ids)| intake_at(path, ids)).collect()
}

fn intake_at(path: &str, [post, get, options]: [&'static str; 3]) -> [Operation; 3] {
    let operation = |method, id, summary| {
        Operation::new(method, path, id, summary, ingest::receive)
            .access(Access::Source)
            .parameter::<model::SourceName>()
            .problems(&[401, 404, 405, 408, 429, 431, 503])
    };
    [
        operation(Method::POST, post, "Takes an event, or a batch of them")
            .effect(Effect::Admits)
            .takes_raw("*/*")
            .status(202)
            .answers::<Admission>()
            .problems(&[409, 413, 415, 422]),
        operation(Method::GET, get, "Answers the challenge that a source declares").answers_raw("text/plain"),
        operation(Method::OPTIONS, options, "Answers who may send, as CloudEvents webhooks ask it").answers_raw("*/*"),
    ]
}

fn health() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, "/metrics", "metrics", "The metrics, as text", metrics::page)
            .access(Access::ScopeOrOpen(Scope::Read))
            .answers_raw("text/plain"),
        Operation::new(Method::GET, "/health/live", "live", "The process answers", health::live).answers_raw("text/plain"),
        Operation::new(Method::GET, "/health/ready", "ready", "Traffic is accepted", health::ready)
            .answers_raw("text/plain")
            .problems(&[503]),
    ]
}

/// All that is served: every request is traced and guarded, whatever it asks for.
///
/// These two are calls and not layers of the router: a layer costs two allocations a request, and intake is asked ten
/// thousand times a second.
#[derive(Clone, Debug)]
pub struct Surface {
    app: Arc<App>,
    router: Router,
}

impl Surface {
    /// The surface of a running product.
    pub fn new(app: Arc<App>) -> Self {
        Self { router: router(Arc::clone(&app)), app }
    }

    /// Answers a request.
    pub async fn answer(mut self, mut request: Request) -> Response {
        let sent = trace_context::extract(request.headers());
        let response = match guard::guard(&self.app, &mut request).await {
            Ok(()) => match self.router.call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            },
            Err(problem) => problem.into_response(),
        };
        traced::traced(&self.app, sent, response)
    }
}

/// The router: every operation, and problems for what is none.
fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for operation in operations() {
        router = router.route(&operation.path.clone(), operation.into_route(&app));
    }
    // A source says itself which methods it takes, whatever the method.
    for path in INTAKE {
        router = router.route(path, MethodRouter::new().fallback(ingest::receive));
    }
    router.method_not_allowed_fallback(method_not_allowed).fallback(not_found).with_state(app)
}

async fn not_found() -> Problem {
    Problem::not_found("there is nothing at this path")
}

async fn method_not_allowed(method: Method) -> Problem {
    Problem::new(kinds::METHOD_NOT_ALLOWED, format!("this path has no {method}; the header Allow names what it has"))
}

async fn describe() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| openapi::document(&operations()).to_string());
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}
