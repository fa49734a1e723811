//! The load generator: raw HTTP/1.1 over kept connections, so that it costs little beside what it measures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::arguments::Load;
use crate::stats::{LoadReport, cpu_s, now_us, percentile};
use crate::{Outcome, event, report};

/// The process that sends. Prints its report as JSON.
pub(crate) async fn process(load: Load) -> Outcome<()> {
    report::print(&serde_json::to_string(&drive(load).await?)?);
    Ok(())
}

/// What one connection counted.
#[derive(Debug, Default)]
struct Counted {
    accepted: u64,
    failed: u64,
    took_us: Vec<u64>,
    answered: Vec<(u64, u64)>,
}

async fn drive(load: Load) -> Outcome<LoadReport> {
    let begin = now_us();
    let load = Arc::new(load);
    let next = Arc::new(AtomicU64::new(0));
    let mut connections = JoinSet::new();
    for _ in 0..load.connections {
        connections.spawn(connection(Arc::clone(&load), Arc::clone(&next), begin));
    }
    let mut all = Counted::default();
    while let Some(counted) = connections.join_next().await {
        let counted = counted?;
        all.accepted += counted.accepted;
        all.failed += counted.failed;
        all.took_us.extend(counted.took_us);
        all.answered.extend(counted.answered);
    }
    Ok(LoadReport {
        accepted: all.accepted,
        failed: all.failed,
        seconds: (now_us() - begin) as f64 / 1e6,
        p50_us: percentile(&mut all.took_us, 50),
        p99_us: percentile(&mut all.took_us, 99),
        cpu_s: cpu_s("self"),
        answered: all.answered,
    })
}

async fn connection(load: Arc<Load>, next: Arc<AtomicU64>, begin: u64) -> Counted {
    let until_us = begin + load.seconds * 1_000_000;
    let mut counted = Counted::default();
    let key = event::key();
    let mut buffer = Vec::with_capacity(4096);
    let Ok(mut stream) = TcpStream::connect(&load.address).await else {
        counted.failed += 1;
        return counted;
    };
    drop(stream.set_nodelay(true));
    while now_us() < until_us {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if let Some(after) = (number * 1_000_000).checked_div(load.rate) {
            let due = begin + after;
            tokio::time::sleep(Duration::from_micros(due.saturating_sub(now_us()))).await;
        }
        let request = request(&load, &key, number);
        let sent = now_us();
        match exchange(&mut stream, &request, &mut buffer).await {
            Ok(202) => {
                let answered = now_us();
                counted.accepted += 1;
                counted.took_us.push(answered - sent);
                if load.rate > 0 {
                    counted.answered.push((number, answered));
                }
            }
            Ok(_) => counted.failed += 1,
            Err(_) => {
                counted.failed += 1;
                return counted;
            }
        }
    }
    counted
}

fn request(load: &Load, key: &aws_lc_rs::hmac::Key, number: u64) -> Vec<u8> {
    let body = event::body(&load.run, number);
    let signature = event::sign(key, body.as_bytes());
    let (path, host, length) = (&load.path, &load.address, body.len());
    format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nx-signature: {signature}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends one request and reads one answer with a content length; answers its status.
async fn exchange(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> Outcome<u16> {
    stream.write_all(request).await?;
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the connection was closed".into());
        }
        if let Some(head) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = std::str::from_utf8(&buffer[..head])?.to_ascii_lowercase();
            let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
            let whole = head + 4 + length.unwrap_or("0").trim().parse::<usize>()?;
            while buffer.len() < whole {
                if stream.read_buf(buffer).await? == 0 {
                    return Err("the connection was closed".into());
                }
            }
            return Ok(text.split(' ').nth(1).unwrap_or_default().parse()?);
        }
    }
}
