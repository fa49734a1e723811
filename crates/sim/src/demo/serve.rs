//! HTTP of the simulated systems: their doors, their books, and the switches of their troubles.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::doors::Door;
use super::receive;
use super::trouble::Trouble;
use super::world::World;

/// A header without which nothing is switched: pages of other sites cannot send it.
pub const SWITCH: &str = "x-crossdock-world";

/// What handlers share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) world: Arc<World>,
    pub(super) stop: watch::Receiver<bool>,
}

/// All routes. Odoo's doors are open on the world's port too; its own port is the one that can be closed.
pub(super) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/ledger", get(ledger))
        .route("/faults", get(faults))
        .route("/faults/{name}", post(switch))
        .route("/pause", post(pause))
        .fallback(delivery)
        .layer(DefaultBodyLimit::max(model::limit::BODY_BYTES_MAX))
        .with_state(shared)
}

async fn ledger(State(shared): State<Shared>) -> Response {
    answer(200, &json!(shared.world.books()))
}

async fn faults(State(shared): State<Shared>) -> Response {
    answer(200, &json!({ "schema": "crossdock/faults/1", "faults": shared.world.trouble_lines() }))
}

async fn switch(State(shared): State<Shared>, Path(name): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(on) = wanted(&headers, &body) else { return misused() };
    let Some(trouble) = Trouble::named(&name) else {
        let names: Vec<&str> = Trouble::ALL.iter().map(|it| it.name()).collect();
        return answer(404, &json!({ "detail": format!("there is no fault {name:?}; there are {}", names.join(", ")) }));
    };
    if on {
        shared.world.troubles.begin(trouble)
    } else {
        shared.world.troubles.end(trouble)
    };
    faults(State(shared)).await
}

async fn pause(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(on) = wanted(&headers, &body) else { return misused() };
    shared.world.paused.store(on, Ordering::Relaxed);
    ledger(State(shared)).await
}

fn wanted(headers: &HeaderMap, body: &[u8]) -> Option<bool> {
    headers.get(SWITCH)?;
    serde_json::from_slice::<Value>(body).ok()?["on"].as_bool()
}

fn misused() -> Response {
    answer(400, &json!({ "detail": format!("send {{\"on\": true}} or {{\"on\": false}} with the header {SWITCH}") }))
}

async fn delivery(State(mut shared): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let Some(door) = Door::at(uri.path()) else {
        return answer(404, &json!({ "detail": "nobody lives here" }));
    };
    let reply = receive::delivery(&shared.world, door, &headers, &body);
    tokio::select! {
        () = shared.world.clock.sleep(reply.delay) => {}
        _ = shared.stop.wait_for(|stopped| *stopped) => {}
    }
    let mut response = answer(reply.status, &json!({ "said": reply.said }));
    if let Some(seconds) = reply.retry_after_s {
        response.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
    }
    response
}

fn answer(status: u16, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
