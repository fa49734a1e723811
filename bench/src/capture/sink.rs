//! The judge at the receiving end: what arrived of each record, when, and under which id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bytes::Bytes;

use crate::Outcome;
use crate::stats::now_us;

/// How long the receiver takes for each delivery: a slow one.
const TAKES: Duration = Duration::from_millis(50);

/// One arrival.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    /// When, in microseconds.
    pub(super) at: u64,
    /// Our reference and the state; nothing of a deletion.
    pub(super) shown: Option<(String, String)>,
}

/// What arrived, by record, in the order of arrival; each delivery once.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) records: BTreeMap<i64, Vec<Arrival>>,
    ids: BTreeSet<String>,
    pub(super) strangers: u64,
}

/// The sink.
#[derive(Debug)]
pub(super) struct Sink {
    /// Where it listens.
    pub(super) address: String,
    seen: Arc<Mutex<Seen>>,
}

impl Sink {
    /// Starts it on a free port; it ends with the process.
    #[expect(clippy::disallowed_methods, reason = "the bench ends with its process, and so does its sink")]
    pub(super) async fn start() -> Outcome<Self> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let router = Router::new().route("/orders", post(take)).with_state(Arc::clone(&seen));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, seen })
    }

    /// What arrived so far.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn take(State(seen): State<Arc<Mutex<Seen>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    tokio::time::sleep(TAKES).await;
    let id = headers.get("webhook-id").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((record, shown)) = read(&body) else {
        seen.strangers += 1;
        return StatusCode::BAD_REQUEST;
    };
    if seen.ids.insert(id) {
        seen.records.entry(record).or_default().push(Arrival { at: now_us(), shown });
    }
    StatusCode::OK
}

fn read(body: &[u8]) -> Option<(i64, Option<(String, String)>)> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let id = value.get("id")?.as_i64()?;
    let record = value.get("record")?;
    if record.is_null() {
        return Some((id, None));
    }
    let text = |name: &str| record.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    Some((id, Some((text("client_order_ref"), text("state")))))
}
