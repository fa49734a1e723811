//! What comes back: good answers, bad ones, endless ones and none.

use std::net::TcpListener;
use std::sync::Arc;

use engine::ports::{Message, Outbound, Sent};
use model::TimeSpan;
use model::limit::RESPONSE_BYTES_KEPT;
use model::outcome::{Again, Outcome, TransportError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};

use crate::servers::{Server, hold, http, message, read_request, send, send_until, write};
use crate::{OK, accepted, unreached};

/// What becomes of a message when the server reads it, answers so and closes.
async fn check(answer: &'static [u8], expected: Outcome) {
    let server = Server::answering(answer).await;
    let sent = send(&server.url()).await;
    assert_eq!(sent.outcome, expected, "{}", String::from_utf8_lossy(answer));
}

#[tokio::test]
async fn a_status_is_the_verdict() {
    let refused = |status, again| Outcome::Refused { status, again, refusal: None };
    check(b"HTTP/1.1 204 No Content\r\n\r\n", Outcome::Accepted { status: 204 }).await;
    check(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n\r\n", Outcome::Accepted { status: 201 }).await;
    check(b"HTTP/1.0 200 OK\r\n\r\nyes", Outcome::Accepted { status: 200 }).await;
    check(b"HTTP/1.1 400 No\r\n\r\n", refused(400, Again::Never)).await;
    check(b"HTTP/1.1 401 Who\r\n\r\n", refused(401, Again::Perhaps)).await;
    check(b"HTTP/1.1 410 Gone\r\n\r\n", refused(410, Again::Never)).await;
    check(b"HTTP/1.1 500 Oh\r\n\r\n", refused(500, Again::Perhaps)).await;
    check(b"HTTP/1.1 777 Odd\r\n\r\n", refused(777, Again::Perhaps)).await;
}

#[tokio::test]
async fn a_destination_may_ask_for_patience() {
    let deferred = |status, wait_s: Option<u64>| Outcome::Deferred { status, retry_after: wait_s.map(TimeSpan::from_secs) };
    check(b"HTTP/1.1 429 Slow\r\n\r\n", deferred(429, None)).await;
    check(b"HTTP/1.1 503 Full\r\nRetry-After: 120\r\n\r\n", deferred(503, Some(120))).await;
    check(b"HTTP/1.1 502 Bad\r\nRetry-After: 5\r\n\r\n", deferred(502, Some(5))).await;
    // By our clock, 08:49:37, and by the destination's own, which is an hour ahead.
    check(b"HTTP/1.1 503 Full\r\nRetry-After: Sun, 06 Nov 1994 08:50:37 GMT\r\n\r\n", deferred(503, Some(60))).await;
    let ahead = b"HTTP/1.1 503 Full\r\nDate: Sun, 06 Nov 1994 09:49:37 GMT\r\n\
        Retry-After: Sun, 06 Nov 1994 09:50:07 GMT\r\n\r\n";
    check(ahead, deferred(503, Some(30))).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::answering(OK).await;
    let location = elsewhere.url();
    for status in [301, 302, 307, 308] {
        let answer = format!("HTTP/1.1 {status} Over there\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let server = Server::start(move |mut stream| {
            let answer = answer.clone();
            async move {
                read_request(&mut stream).await;
                write(&mut stream, answer.as_bytes()).await;
            }
        })
        .await;
        assert_eq!(send(&server.url()).await.outcome, unreached(TransportError::Redirected), "{status}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_yes_that_breaks_off_is_no_yes() {
    for (answer, expected) in [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n123".as_slice(), TransportError::Closed),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", TransportError::Closed),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n123\r\n", TransportError::Closed),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzzz\r\n", TransportError::Protocol),
    ] {
        check(answer, unreached(expected)).await;
    }
}

#[tokio::test]
async fn a_yes_whose_end_is_the_end_of_the_connection_is_a_yes() {
    for answer in [b"HTTP/1.1 200 OK\r\n\r\n123".as_slice(), b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n123"] {
        let server = Server::answering(answer).await;
        assert_eq!(send(&server.url()).await, accepted("123", false));
    }
}

#[tokio::test]
async fn a_no_that_breaks_off_is_a_no() {
    let server = Server::answering(b"HTTP/1.1 422 No\r\ncontent-length: 10\r\n\r\nbad").await;
    let outcome = Outcome::Refused { status: 422, again: Again::Never, refusal: None };
    assert_eq!(send(&server.url()).await, Sent { outcome, response: "bad".into(), cut: true });
}

#[tokio::test]
async fn no_more_of_an_answer_is_kept_than_its_limit() {
    for (extra, cut) in [(0, false), (1, true)] {
        let server = Server::start(move |mut stream| async move {
            read_request(&mut stream).await;
            let body = "x".repeat(RESPONSE_BYTES_KEPT + extra);
            write(&mut stream, format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await;
        })
        .await;
        let sent = send(&server.url()).await;
        assert_eq!((sent.outcome, sent.response.len()), (Outcome::Accepted { status: 200 }, RESPONSE_BYTES_KEPT));
        assert_eq!(sent.cut, cut);
    }
}

#[tokio::test]
async fn an_answer_of_fifty_megabytes_is_not_read() {
    const CHUNK: &[u8] = &[b'x'; 64 * 1024];
    const CHUNKS: usize = 800;
    let (taken, mut counts) = mpsc::channel(1);
    let server = Server::start(move |mut stream| {
        let taken = taken.clone();
        async move {
            read_request(&mut stream).await;
            write(&mut stream, b"HTTP/1.1 200 OK\r\ncontent-length: 52428800\r\n\r\n").await;
            let mut count = 0;
            while count < CHUNKS && stream.write_all(CHUNK).await.is_ok() {
                count += 1;
            }
            taken.send(count).await.unwrap();
        }
    })
    .await;
    let sent = send(&server.url()).await;
    assert_eq!((sent.outcome, sent.cut), (Outcome::Accepted { status: 200 }, true));
    assert_eq!(sent.response.len(), RESPONSE_BYTES_KEPT);
    assert!(counts.recv().await.unwrap() < CHUNKS, "the connection was dropped");
}

#[tokio::test]
async fn heads_without_end_are_given_up() {
    for (first, again) in [
        (b"HTTP/1.1 200 OK\r\n".as_slice(), b"x-more: and more\r\n".as_slice()),
        (b"HTTP/1.1 200 OK\r\nx-more: ", b"and more"),
        (b"HTTP/1.1 200 ", b"OK and "),
    ] {
        let (server, given_up) = Server::endless(first, again).await;
        assert_eq!(send(&server.url()).await.outcome, unreached(TransportError::Protocol));
        given_up.notified().await;
    }
}

#[tokio::test]
async fn what_is_not_http_is_a_broken_protocol() {
    for answer in [
        b"\0\x01\x02\x03 garbage \xff\r\n\r\n".as_slice(),
        b"220 mail.example.com ESMTP ready\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    ] {
        check(answer, unreached(TransportError::Protocol)).await;
    }
}

#[tokio::test]
async fn an_end_before_the_answer_is_closed() {
    check(b"", unreached(TransportError::Closed)).await;
    check(b"HTTP/1.1 200 OK\r\ncontent-le", unreached(TransportError::Closed)).await;
}

#[tokio::test]
async fn no_answer_in_time_may_have_arrived() {
    for beginning in [b"".as_slice(), b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"] {
        let over = Arc::new(Notify::new());
        let tell = Arc::clone(&over);
        let server = Server::start(move |mut stream| {
            let tell = Arc::clone(&tell);
            async move {
                read_request(&mut stream).await;
                write(&mut stream, beginning).await;
                tell.notify_one();
                hold(&mut stream).await;
            }
        })
        .await;
        assert_eq!(send_until(&server.url(), over).await.outcome, unreached(TransportError::Timeout));
    }
}

#[tokio::test]
async fn a_time_that_is_over_before_anything_was_sent_is_no_connection() {
    let over = Arc::new(Notify::new());
    let tell = Arc::clone(&over);
    // It takes the connection and says nothing, so that the TLS handshake never ends.
    let server = Server::start(move |mut stream| {
        tell.notify_one();
        async move { hold(&mut stream).await }
    })
    .await;
    let sent = send_until(&server.url().replace("http:", "https:"), over).await;
    assert_eq!(sent.outcome, unreached(TransportError::Connect));
}

#[tokio::test]
async fn a_yes_whose_body_trickles_past_the_time_is_a_yes() {
    let server = Server::start(|mut stream| async move {
        read_request(&mut stream).await;
        write(&mut stream, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nok,\r\n").await;
        hold(&mut stream).await;
    })
    .await;
    let message = Message { timeout: TimeSpan::from_secs(2), ..message(&server.url()) };
    assert_eq!(http().send(&message).await, accepted("ok,", true));
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(send(&url).await.outcome, unreached(TransportError::Connect));
}

#[tokio::test]
async fn tls_to_a_plain_port_is_a_tls_failure() {
    for answer in [b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(), b"SSH-2.0-OpenSSH_9.2\r\n", b""] {
        let server = Server::start(move |mut stream| async move {
            let mut hello = [0; 16];
            stream.read_exact(&mut hello).await.ok();
            write(&mut stream, answer).await;
            stream.shutdown().await.ok();
            hold(&mut stream).await;
        })
        .await;
        let sent = send(&server.url().replace("http:", "https:")).await;
        assert_eq!(sent.outcome, unreached(TransportError::Tls));
    }
}
