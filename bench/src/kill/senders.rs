//! The senders: one for each lane, each sends its events in order, again and again until it has a 202, and remembers the id.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::product::Product;
use crate::{Outcome, event};

/// LIMIT: events that were accepted and have not arrived, above which the senders wait: a lane has one delivery in flight,
/// so intake takes far more than lanes bring away, and a kill should meet the present, not a backlog of hours.
const OUTSTANDING_MAX: u64 = 2_000;

/// What the senders know.
#[derive(Debug)]
pub(crate) struct Senders {
    target: watch::Sender<Option<String>>,
    ending: AtomicBool,
    accepted: AtomicU64,
    /// Events that have arrived at the sink.
    arrived: Arc<AtomicU64>,
    /// Lane and number -> the id that it was accepted under.
    pub(crate) ids: Mutex<BTreeMap<(u64, u64), String>>,
    /// What no sender should ever hear.
    pub(crate) complaints: Mutex<Vec<String>>,
    tasks: tokio::sync::Mutex<JoinSet<()>>,
}

impl Senders {
    /// Starts a sender for each lane; they wait until they are aimed.
    pub(crate) fn new(lanes: u64, seed: u64, arrived: Arc<AtomicU64>) -> Arc<Self> {
        let senders = Arc::new(Self {
            target: watch::Sender::new(None),
            ending: AtomicBool::new(false),
            accepted: AtomicU64::new(0),
            arrived,
            ids: Mutex::default(),
            complaints: Mutex::default(),
            tasks: tokio::sync::Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        for lane in 0..lanes {
            tasks.spawn(Arc::clone(&senders).send(lane, seed));
        }
        if let Ok(mut held) = senders.tasks.try_lock() {
            *held = tasks;
        }
        senders
    }

    /// Where the product is now, or that it is gone.
    pub(crate) fn aim(&self, address: Option<String>) {
        self.target.send_replace(address);
    }

    /// Every sender brings its last event to an answer and ends.
    pub(crate) async fn finish(&self) {
        self.ending.store(true, Ordering::Relaxed);
        let mut tasks = self.tasks.lock().await;
        while tasks.join_next().await.is_some() {}
    }

    /// How many events were accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// How many deliveries the product calls done; 0 while it does not answer.
    pub(crate) async fn delivered_hint(&self, product: &Product) -> u64 {
        product.metrics().await.map_or(0, |metrics| metrics.done())
    }

    async fn send(self: Arc<Self>, lane: u64, seed: u64) {
        let key = event::key();
        let mut stream: Option<TcpStream> = None;
        for number in 0.. {
            if self.ending.load(Ordering::Relaxed) {
                return;
            }
            while self.accepted().saturating_sub(self.arrived.load(Ordering::Relaxed)) >= OUTSTANDING_MAX {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let body = format!(r#"{{"id":"{seed}-{lane}-{number}","type":"step","lane":{lane},"number":{number}}}"#);
            let signature = event::sign(&key, body.as_bytes());
            self.until_accepted((lane, number), &body, &signature, &mut stream).await;
        }
    }

    async fn until_accepted(&self, which: (u64, u64), body: &str, signature: &str, stream: &mut Option<TcpStream>) {
        let mut target = self.target.subscribe();
        loop {
            let Some(address) = target.borrow_and_update().clone() else {
                if target.changed().await.is_err() {
                    return;
                }
                continue;
            };
            match exchange(stream, &address, body, signature).await {
                Ok((202, answer)) => return self.take_note(which, &answer),
                Ok((503 | 429, _)) => {}
                Ok((status, answer)) => {
                    let complaint = format!("lane {} number {}: answered {status}: {answer}", which.0, which.1);
                    self.complaints.lock().unwrap_or_else(PoisonError::into_inner).push(complaint);
                    return;
                }
                Err(_) => *stream = None,
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn take_note(&self, which: (u64, u64), answer: &str) {
        let id = serde_json::from_str::<serde_json::Value>(answer)
            .ok()
            .and_then(|value| Some(value.get("id")?.as_str()?.to_owned()));
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.insert(which, id.unwrap_or_default());
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }
}

async fn exchange(stream: &mut Option<TcpStream>, address: &str, body: &str, signature: &str) -> Outcome<(u16, String)> {
    if stream.is_none() {
        *stream = Some(TcpStream::connect(address).await?);
    }
    let stream = stream.as_mut().ok_or("no connection")?;
    let length = body.len();
    let request = format!(
        "POST /in/bench HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\nx-signature: {signature}\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err("closed".into());
        }
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
        let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap_or("0");
        let whole = head + 4 + length.trim().parse::<usize>()?;
        if answer.len() >= whole {
            let status = text.split(' ').nth(1).unwrap_or_default().parse()?;
            return Ok((status, String::from_utf8_lossy(&answer[head + 4..whole]).into_owned()));
        }
    }
}
