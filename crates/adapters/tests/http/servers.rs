//! Servers on free loopback ports that behave as a test says, a clock that a test holds, and messages.
//!
//! Nothing here reaches beyond loopback. A server ends with the test that owns it.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use adapters::http::Http;
use bytes::Bytes;
use engine::ports::{Clock, Message, Outbound, Sent, Waiting};
use model::{DestinationName, Network, TimeSpan, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Sun, 06 Nov 1994 08:49:37 GMT, as in RFC 9110.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(784_111_777);

/// A timeout that no test waits for: what it guards has happened long before.
pub(crate) const LONG: TimeSpan = TimeSpan::from_secs(60);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    _accepting: JoinSet<()>,
}

impl Server {
    /// Treats every connection like this.
    pub(crate) async fn start<F, B>(behaviour: B) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
        B: Fn(TcpStream) -> F + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                open.spawn(behaviour(stream));
            }
        });
        Self { address, connections, _accepting: accepting }
    }

    /// Reads one request, answers with these bytes and closes.
    pub(crate) async fn answering(answer: &'static [u8]) -> Self {
        Self::start(move |mut stream| async move {
            read_request(&mut stream).await;
            write(&mut stream, answer).await;
        })
        .await
    }

    /// Answers every request of a connection with these bytes.
    pub(crate) async fn keeping_open(answer: &'static [u8]) -> Self {
        Self::start(move |mut stream| async move {
            while read_request(&mut stream).await.is_some() {
                write(&mut stream, answer).await;
            }
        })
        .await
    }

    /// Reads one request, writes the first bytes, then the others again and again; tells when the client has gone.
    pub(crate) async fn endless(first: &'static [u8], again: &'static [u8]) -> (Self, Arc<Notify>) {
        let ended = Arc::new(Notify::new());
        let told = Arc::clone(&ended);
        let server = Self::start(move |mut stream| {
            let told = Arc::clone(&told);
            async move {
                read_request(&mut stream).await;
                write(&mut stream, first).await;
                while stream.write_all(again).await.is_ok() {}
                told.notify_one();
            }
        })
        .await;
        (server, ended)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook?x=1", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Head and body of one request; `None` where the connection ended before.
pub(crate) async fn read_request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut body = bytes.split_off(end + 4);
            let announced = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let announced: usize = announced.and_then(|digits| digits.parse().ok())?;
            while body.len() < announced {
                stream.read_buf(&mut body).await.ok().filter(|count| *count > 0)?;
            }
            return Some((head, body));
        }
        stream.read_buf(&mut bytes).await.ok().filter(|count| *count > 0)?;
    }
}

/// Writes as much as the client takes.
pub(crate) async fn write(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).await.ok();
}

/// Holds a connection until the client ends it.
pub(crate) async fn hold(stream: &mut TcpStream) {
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
}

/// Its time stands still. A wait ends when the test says so, or else as long as the machine takes for it.
#[derive(Debug)]
pub(crate) struct TestClock {
    pub(crate) over: Option<Arc<Notify>>,
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn not_before(&self, _at: Timestamp) {}

    fn wall(&self) -> Timestamp {
        NOW
    }

    fn ran(&self) -> TimeSpan {
        TimeSpan::ZERO
    }

    fn sleep(&self, span: TimeSpan) -> Waiting<'_> {
        match &self.over {
            Some(over) => Box::pin(over.notified()),
            None => Box::pin(tokio::time::sleep(span.to_duration())),
        }
    }

    fn chance(&self) -> [u8; 10] {
        [7; 10]
    }
}

/// The adapter under test.
pub(crate) fn http() -> Http {
    Http::new(Arc::new(TestClock { over: None }))
}

/// A message to a URL, which may be on loopback.
pub(crate) fn message(url: &str) -> Message {
    Message {
        destination: DestinationName::new("wms").expect("a name"),
        url: url.to_owned(),
        method: "POST".to_owned(),
        headers: vec![("webhook-id".to_owned(), "msg_1".to_owned())],
        body: Bytes::from_static(b"{\"order\":1}"),
        timeout: LONG,
        allow: vec![Network { address: IpAddr::from(Ipv4Addr::LOCALHOST), bits: 8 }],
        errand: None,
    }
}

/// Sends one message to a URL with a fresh adapter.
pub(crate) async fn send(url: &str) -> Sent {
    http().send(&message(url)).await
}

/// Sends one message to a server, whose behaviour says by the second value when the time is over.
pub(crate) async fn send_until(url: &str, over: Arc<Notify>) -> Sent {
    Http::new(Arc::new(TestClock { over: Some(over) })).send(&message(url)).await
}
