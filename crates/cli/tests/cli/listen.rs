//! `crossdock listen`: what it shows, what it keeps to itself, and what it passes on.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use crate::product::Going;

/// Sends an order with this header, and answers everything that comes back.
fn post(url: &str, header: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = "content-type: application/json\r\nwebhook-id: msg_1\r\ncrossdock-attempt: 2\r\nconnection: close";
    write!(stream, "POST /orders HTTP/1.1\r\nhost: {address}\r\n{head}\r\n{header}\r\ncontent-length: 2\r\n\r\n{{}}")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn of_a_header_that_may_be_a_secret_only_the_name_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut receiver = Going::listener_with(folder.path(), &["--status", "204"]);
    for header in ["x-api-key: opensesame", "authorization: Bearer opensesame", "webhook-signature: v1,opensesame"] {
        post(&receiver.url, header);
        let line = receiver.line();
        assert!(!line.to_string().contains("opensesame"), "{line}");
        let name = header.split(':').next().unwrap();
        assert!(line["withheld"].as_array().unwrap().contains(&name.into()), "{line}");
        for shown in [["webhook-id", "msg_1"], ["crossdock-attempt", "2"], ["content-type", "application/json"]] {
            assert!(line["headers"].as_array().unwrap().contains(&serde_json::json!(shown)), "{shown:?}: {line}");
        }
    }
}

#[test]
fn who_sends_on_answers_when_to_come_again_and_what_the_answer_is() {
    let behind = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/orders", behind.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = behind.accept().unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"{}") {
            let mut some = [0; 1_024];
            let count = stream.read(&mut some).unwrap();
            seen.extend_from_slice(&some[..count]);
        }
        let head = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-type: application/problem+json";
        write!(stream, "{head}\r\nset-cookie: a=b\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]").unwrap();
    });
    let folder = tempfile::tempdir().unwrap();
    let mut receiver = Going::listener_with(folder.path(), &["--forward", &url]);
    let answer = post(&receiver.url, "x-a: b").to_ascii_lowercase();
    answering.join().unwrap();
    assert!(answer.starts_with("http/1.1 429") && answer.ends_with("[]\r\n0\r\n\r\n") || answer.ends_with("[]"), "{answer}");
    assert!(answer.contains("\r\nretry-after: 7\r\n"), "{answer}");
    assert!(answer.contains("\r\ncontent-type: application/problem+json\r\n"), "{answer}");
    assert!(!answer.contains("set-cookie"), "{answer}");
    assert_eq!(receiver.line()["answered"], 429);
}
