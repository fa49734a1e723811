//! What is sent: the message as it is, over few connections, or not at all.

use engine::ports::{Message, Outbound};
use futures::future::join_all;
use model::outcome::{Lack, Outcome};
use tokio::sync::mpsc;

use crate::servers::{Server, http, message, read_request, write};
use crate::{OK, accepted};

#[tokio::test]
async fn a_message_is_sent_as_it_is_and_framed_by_us() {
    let (seen, mut requests) = mpsc::channel(1);
    let server = Server::start(move |mut stream| {
        let seen = seen.clone();
        async move {
            let request = read_request(&mut stream).await.unwrap();
            seen.send(request).await.unwrap();
            write(&mut stream, OK).await;
        }
    })
    .await;
    let mut message = message(&server.url());
    "PATCH".clone_into(&mut message.method);
    for (name, value) in [("X-Twice", "a"), ("X-Twice", "b"), ("Content-Length", "3"), ("Transfer-Encoding", "chunked")] {
        message.headers.push((name.to_owned(), value.to_owned()));
    }
    assert_eq!(http().send(&message).await, accepted("ok", false));
    let (head, body) = requests.recv().await.unwrap();
    assert_eq!(body, b"{\"order\":1}");
    let lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines[0], "PATCH /hook?x=1 HTTP/1.1");
    for line in ["webhook-id: msg_1", "x-twice: a", "x-twice: b", "content-length: 11"] {
        assert!(lines.contains(&line), "{line} in {lines:?}");
    }
    for name in ["transfer-encoding", "content-length: 3", "accept-encoding", "referer", "cookie"] {
        assert!(!head.contains(name), "{name} in {lines:?}");
    }
}

#[tokio::test]
async fn an_empty_body_is_sent_too() {
    let server = Server::answering(OK).await;
    let message = Message { body: bytes::Bytes::new(), ..message(&server.url()) };
    assert_eq!(http().send(&message).await, accepted("ok", false));
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = Server::keeping_open(OK).await;
    let (http, message) = (http(), message(&server.url()));
    for _ in 0..20 {
        assert_eq!(http.send(&message).await, accepted("ok", false));
    }
    // A connection is sometimes still on its way back to the pool when the next message comes.
    assert!(server.connections() < 10, "{} connections for 20 messages", server.connections());
}

#[tokio::test]
async fn a_hundred_messages_at_once_all_arrive() {
    let server = Server::keeping_open(OK).await;
    let (http, message) = (http(), message(&server.url()));
    let sent = join_all((0..100).map(|_| http.send(&message))).await;
    assert!(sent.iter().all(|sent| *sent == accepted("ok", false)), "{sent:?}");
    assert!(server.connections() <= 100);
}

#[tokio::test]
async fn what_http_cannot_carry_is_said_and_not_sent() {
    let server = Server::answering(OK).await;
    let check = async |change: fn(&mut Message), expected: &[&str]| {
        let mut message = message(&server.url());
        change(&mut message);
        let why = format!("no message can be made: {}", expected.join(" "));
        assert_eq!(http().send(&message).await.outcome, Outcome::Unsent { lack: Lack::Message, why });
    };
    check(
        |message| "ftp://127.0.0.1/".clone_into(&mut message.url),
        &["The URL of the destination is neither http nor https."],
    )
    .await;
    let relative = "The URL of the destination cannot be read: relative URL without a base.";
    check(|message| "/hook".clone_into(&mut message.url), &[relative]).await;
    let header = "The value of the header `x-note` has characters that cannot be sent.";
    check(|message| message.headers.push(("X-Note".to_owned(), "a\r\nb: secret".to_owned())), &[header]).await;
    let several = ["The method of the destination is not one of HTTP.", "The name of header 2 cannot be sent."];
    let change: fn(&mut Message) = |message| {
        "PO ST".clone_into(&mut message.method);
        message.headers.push(("x y".to_owned(), String::new()));
    };
    check(change, &several).await;
    assert_eq!(server.connections(), 0);
}
