//! The sink: a subscriber that answers 200 and remembers when what arrived.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::stats::now_us;
use crate::{Outcome, report};

/// LIMIT: arrivals that are remembered one by one; the rest is counted.
const REMEMBERED: usize = 200_000;

/// What arrived.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Arrivals {
    /// How many requests.
    pub(crate) count: u64,
    /// The first ones: event number and microseconds since the epoch.
    pub(crate) first: Vec<(u64, u64)>,
}

#[derive(Debug, Default)]
struct Seen {
    count: AtomicU64,
    first: Mutex<Vec<(u64, u64)>>,
}

/// Prints its port and serves until it is killed.
pub(crate) async fn process() -> Outcome<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    report::print(&listener.local_addr()?.port().to_string());
    axum::serve(listener, router()).await?;
    Ok(())
}

/// Serves beside what this process does otherwise, and ends with it; answers its address.
#[expect(clippy::disallowed_methods, reason = "the bench ends with its process, and so does its sink")]
pub(crate) async fn start() -> Outcome<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move { axum::serve(listener, router()).await });
    Ok(address)
}

fn router() -> Router {
    Router::new().route("/{sink}", post(take)).route("/", get(tell)).with_state(Arc::new(Seen::default()))
}

async fn take(State(seen): State<Arc<Seen>>, Path(_): Path<String>, body: Bytes) -> &'static str {
    let at = now_us();
    seen.count.fetch_add(1, Ordering::Relaxed);
    let mut first = seen.first.lock().unwrap_or_else(PoisonError::into_inner);
    if first.len() < REMEMBERED
        && let Some(number) = number(&body)
    {
        first.push((number, at));
    }
    "ok"
}

/// The event's number: what stands after the last dash of the first member.
fn number(body: &[u8]) -> Option<u64> {
    let head = std::str::from_utf8(body.get(..80)?).ok()?;
    let id = head.split('"').nth(3)?;
    id.rsplit('-').next()?.parse().ok()
}

async fn tell(State(seen): State<Arc<Seen>>) -> Json<Arrivals> {
    let first = seen.first.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Json(Arrivals { count: seen.count.load(Ordering::Relaxed), first })
}
