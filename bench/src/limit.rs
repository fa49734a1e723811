//! The limits: what a server can do at best that does less than ours. L0 answers 202. L1 also verifies an HMAC, parses the
//! JSON, appends to a file, and answers after a group `fdatasync`.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::arguments::Limit;
use crate::stats::{now_us, percentile};
use crate::{Outcome, event, report};

/// LIMIT: appends that wait for the writer, as in the product.
const WAITING: usize = 4096;

type Append = (Bytes, oneshot::Sender<()>);

/// Prints its port and serves until it is killed.
pub(crate) async fn process(limit: Limit, file: Option<PathBuf>) -> Outcome<()> {
    let router = match limit {
        Limit::L0 => Router::new().route("/in/bench", post(async || StatusCode::ACCEPTED)),
        Limit::L1 => l1(&file.ok_or("limit: l1 needs a file")?)?,
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    report::print(&listener.local_addr()?.port().to_string());
    axum::serve(listener, router).await?;
    Ok(())
}

fn l1(file: &Path) -> Outcome<Router> {
    let (appends, waiting) = mpsc::channel::<Append>(WAITING);
    let file = File::create(file)?;
    std::thread::Builder::new().name("append".to_owned()).spawn(move || write(file, waiting))?;
    Ok(Router::new().route("/in/bench", post(take)).with_state(Arc::new(appends)))
}

async fn take(State(appends): State<Arc<mpsc::Sender<Append>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers.get("x-signature").and_then(|value| hex::decode(value).ok()).unwrap_or_default();
    if aws_lc_rs::hmac::verify(&event::key(), &body, &signature).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    if serde_json::from_slice::<serde_json::Value>(&body).is_err() {
        return StatusCode::BAD_REQUEST;
    }
    let (done, durable) = oneshot::channel();
    match appends.send((body, done)).await {
        Ok(()) if durable.await.is_ok() => StatusCode::ACCEPTED,
        Ok(()) | Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// One write and one `fdatasync` for all that waits.
fn write(mut file: File, mut waiting: mpsc::Receiver<Append>) {
    let mut group = Vec::new();
    while waiting.blocking_recv_many(&mut group, 1024) > 0 {
        let bytes: Vec<u8> = group.iter().flat_map(|(body, _)| body.iter().copied()).collect();
        if file.write_all(&bytes).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        for (_, done) in group.drain(..) {
            // A client that has gone needs no answer.
            done.send(()).ok();
        }
    }
}

/// Median and 99th percentile of one `fdatasync` after an append of 4 KB, in microseconds.
pub(crate) fn fdatasync(folder: &Path) -> Outcome<(u64, u64)> {
    let mut file = File::create(folder.join("fdatasync"))?;
    let mut took = Vec::with_capacity(500);
    for _ in 0..500 {
        file.write_all(&[7; 4096])?;
        let begin = now_us();
        file.sync_data()?;
        took.push(now_us() - begin);
    }
    Ok((percentile(&mut took, 50), percentile(&mut took, 99)))
}
