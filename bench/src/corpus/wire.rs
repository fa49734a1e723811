//! One HTTP request over a connection of its own: few enough are sent that nothing more is needed.

use std::fmt::Write as _;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Outcome;

/// Sends a request and reads the whole answer: its status, and its body as JSON, or as a text where it is none.
pub(crate) async fn exchange(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Outcome<(u16, Value)> {
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n")?;
    }
    head.push_str("\r\n");
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or("an answer without an end of its head")?;
    let (head, body) = answer.split_at(end + 4);
    let status = String::from_utf8_lossy(head).split(' ').nth(1).unwrap_or_default().parse()?;
    let body = serde_json::from_slice(body).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(body).into_owned()));
    Ok((status, body))
}

/// What a path answers; anything but 200 is an error.
pub(crate) async fn get(address: &str, path: &str, token: Option<&str>) -> Outcome<Value> {
    let headers: Vec<_> = token.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))).into_iter().collect();
    match exchange(address, "GET", path, &headers, &[]).await? {
        (200, answer) => Ok(answer),
        (status, answer) => Err(format!("GET {path}: {status} {answer}").into()),
    }
}
