//! Connections: how many there are, how long a request may take to arrive, and how they end. Nothing that a stranger
//! leaves half done stays for ever, and no answer is lost because its request was not read to its end.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use engine::drive::Stop;
use engine::ports::{Clock, Waiting};
use http::Request;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use model::limit::{HEAD_BYTES_MAX, PERIOD};
use model::{Fault, TimeSpan};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::Surface;
use super::read_in_time::Read;
use crate::settings::HttpLimits;

/// What connections are served with.
#[derive(Debug)]
pub struct Serving {
    /// What answers.
    pub surface: Surface,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When to stop.
    pub stop: Stop,
    /// What one stranger, or all of them, can occupy.
    pub limits: HttpLimits,
}

impl Serving {
    /// Serves until told to stop; then takes nothing new, finishes what is under way, and cuts off what does not end.
    pub async fn run(self, listener: TcpListener) -> Result<(), Fault> {
        let mut stop = self.stop.clone();
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let mut connections = JoinSet::new();
        loop {
            let arrival = tokio::select! {
                biased;
                () = told(&mut stop) => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                arrival = self.arrival(&listener, &places) => arrival,
            };
            if let Some((stream, peer, place)) = arrival {
                connections.spawn(self.connection(stream, peer, place));
            }
        }
        drop(listener);
        let all = async { while connections.join_next().await.is_some() {} };
        let in_time = tokio::select! {
            () = all => true,
            () = self.clock.sleep(self.limits.grace) => false,
        };
        if !in_time {
            let cut = connections.len();
            connections.shutdown().await;
            tracing::warn!(
                cut,
                "{cut} requests did not arrive whole in time and were cut off; their senders have no answer"
            );
        }
        Ok(())
    }

    /// The next connection, when there is a place for it.
    async fn arrival(
        &self,
        listener: &TcpListener,
        places: &Arc<Semaphore>,
    ) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Without it small answers wait for the peer's acknowledgement; failing to set it costs only time.
                drop(stream.set_nodelay(true));
                Some((stream, peer, place))
            }
            Err(error) if is_the_peers(&error) => None,
            Err(error) => {
                // Such as too many open files: it passes when connections end, and not sooner for being asked at once.
                tracing::warn!(%error, "no connection can be taken now");
                self.clock.sleep(PERIOD).await;
                None
            }
        }
    }

    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        place: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (surface, clock, mut stop) = (self.surface.clone(), Arc::clone(&self.clock), self.stop.clone());
        let HttpLimits { head, body: patience, answer, linger, .. } = self.limits;
        let stream = Read::new(stream, Arc::clone(&clock), answer);
        let unread = Unread::default();
        let (time, mark) = (Arc::clone(&clock), unread.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let timed = |body| Timed {
                body,
                clock: Arc::clone(&time),
                patience,
                wait: None,
                has_ended: false,
                unread: mark.clone(),
            };
            let mut request = request.map(|body| Body::new(timed(body)));
            request.extensions_mut().insert(ConnectInfo(peer));
            let surface = surface.clone();
            // Pinned, since only such a connection can be taken apart when it ends.
            Box::pin(async move { Ok::<_, Infallible>(surface.answer(request).await) })
        });
        async move {
            let mut http = Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(head.to_duration()).max_buf_size(HEAD_BYTES_MAX);
            let mut served = http.serve_connection(TokioIo::new(stream), service);
            let ended = tokio::select! {
                biased;
                ended = poll_fn(|cx| served.poll_without_shutdown(cx)) => ended,
                () = told(&mut stop) => {
                    Pin::new(&mut served).graceful_shutdown();
                    poll_fn(|cx| served.poll_without_shutdown(cx)).await
                }
            };
            // However it ended: the peer knows, and there is nobody else to tell.
            if ended.is_err_and(|error| error.is_parse()) || unread.is_any() {
                tokio::select! {
                    () = let_it_read(served.into_parts().io.into_inner()) => {}
                    () = clock.sleep(linger) => {}
                }
            }
            drop(place);
        }
    }
}

/// The end of a connection whose sender may still be sending (RFC 9112, 9.6). To close it over bytes that nobody has read would
/// reset it, and that takes the answer away from who has not read it yet: nothing is sent any more, and what comes is thrown
/// away until the other side ends it too.
async fn let_it_read<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut thrown_away = [0; 4_096];
    while matches!(stream.read(&mut thrown_away).await, Ok(1..)) {}
}

/// Waits until it is told to stop; the sender's end means the same as its word.
async fn told(stop: &mut Stop) {
    drop(stop.wait_for(|stopped| *stopped).await);
}

fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset)
}

/// The body did not arrive in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body took too long")]
pub struct TooSlow;

/// Whether a body of a connection was given up before its end.
#[derive(Clone, Debug, Default)]
struct Unread(Arc<AtomicBool>);

impl Unread {
    fn is_any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body with a deadline. What is there at once costs no timer.
struct Timed {
    body: Incoming,
    clock: Arc<dyn Clock>,
    patience: TimeSpan,
    wait: Option<Waiting<'static>>,
    has_ended: bool,
    unread: Unread,
}

impl Drop for Timed {
    fn drop(&mut self) {
        if !self.has_ended && !self.body.is_end_stream() {
            self.unread.0.store(true, Ordering::Relaxed);
        }
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = Box<dyn StdError + Send + Sync>;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.has_ended = frame.is_none();
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let (clock, patience) = (&this.clock, this.patience);
        let wait = this.wait.get_or_insert_with(|| {
            let clock = Arc::clone(clock);
            Box::pin(async move { clock.sleep(patience).await })
        });
        ready!(wait.as_mut().poll(cx));
        Poll::Ready(Some(Err(Box::new(TooSlow))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
