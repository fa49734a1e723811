//! The judge at the receiving end: what arrived, under which id, in which order, and whether two of a lane were there at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bytes::Bytes;

use crate::Outcome;

/// What arrived.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Requests.
    pub(crate) requests: u64,
    /// Event number of a lane -> the delivery ids that it came under.
    pub(crate) ids: BTreeMap<(u64, u64), BTreeSet<String>>,
    /// Lane -> event numbers in the order of their first arrivals.
    pub(crate) order: BTreeMap<u64, Vec<u64>>,
    /// Lanes with a request under way -> its event number.
    open: BTreeMap<u64, u64>,
    /// Two different events of one lane at once.
    pub(crate) overlaps: Vec<String>,
    /// Requests that were no event of ours.
    pub(crate) strangers: u64,
}

/// The sink.
#[derive(Debug)]
pub(crate) struct Sink {
    /// Where it listens.
    pub(crate) address: String,
    seen: Arc<Mutex<Seen>>,
    /// How many different events arrived.
    pub(crate) arrived: Arc<AtomicU64>,
}

impl Sink {
    /// Starts it on a free port; it ends with the process.
    #[expect(clippy::disallowed_methods, reason = "the bench ends with its process, and so does its sink")]
    pub(crate) async fn start() -> Outcome<Self> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let arrived = Arc::<AtomicU64>::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let router = Router::new().route("/{flow}", post(take)).with_state((Arc::clone(&seen), Arc::clone(&arrived)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, seen, arrived })
    }

    /// What arrived so far.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many requests arrived.
    pub(crate) fn requests(&self) -> u64 {
        self.seen().requests
    }
}

type Shared = (Arc<Mutex<Seen>>, Arc<AtomicU64>);

async fn take(State((seen, arrived)): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let lock = || seen.lock().unwrap_or_else(PoisonError::into_inner);
    let id = headers.get("webhook-id").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let Some((lane, number)) = event(&body) else {
        lock().strangers += 1;
        return StatusCode::BAD_REQUEST;
    };
    {
        let mut seen = lock();
        seen.requests += 1;
        if let Some(other) = seen.open.insert(lane, number).filter(|other| *other != number) {
            seen.overlaps.push(format!("lane {lane}: {number} arrived while {other} was under way"));
        }
        if seen.ids.entry((lane, number)).or_default().insert(id) {
            let order = seen.order.entry(lane).or_default();
            if !order.contains(&number) {
                order.push(number);
                arrived.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    // Long enough that kills meet deliveries under way.
    tokio::time::sleep(std::time::Duration::from_millis(number % 4)).await;
    let mut seen = lock();
    if seen.open.get(&lane) == Some(&number) {
        seen.open.remove(&lane);
    }
    StatusCode::OK
}

/// Lane and number from the mapped body.
fn event(body: &[u8]) -> Option<(u64, u64)> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    Some((value.get("lane")?.as_u64()?, value.get("number")?.as_u64()?))
}
