//! A connection the other side of which has to read: each part of what waits to be written waits for a time, and then the
//! connection ends. It never counts while nothing waits; who says nothing is the business of the head's limit.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use engine::ports::{Clock, Waiting};
use model::TimeSpan;
use model::limit::HEAD_BYTES_MAX;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream with a deadline for its other side. It begins anew with every part that was taken, and ends when all is; a byte
/// now and then is not enough.
pub(super) struct Read<S> {
    stream: S,
    clock: Arc<dyn Clock>,
    patience: TimeSpan,
    wait: Option<Waiting<'static>>,
    /// Bytes that were taken since the deadline began.
    taken: usize,
}

impl<S: AsyncWrite + Unpin> Read<S> {
    pub(super) const fn new(stream: S, clock: Arc<dyn Clock>, patience: TimeSpan) -> Self {
        Self { stream, clock, patience, wait: None, taken: 0 }
    }

    /// What the stream says, or that it took too long to say it.
    fn within<T>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let ended @ Poll::Ready(_) = act(Pin::new(&mut self.stream), cx) {
            return ended;
        }
        let (clock, patience) = (&self.clock, self.patience);
        let wait = self.wait.get_or_insert_with(|| {
            let clock = Arc::clone(clock);
            Box::pin(async move { clock.sleep(patience).await })
        });
        ready!(wait.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn take(&mut self, bytes: usize) {
        self.taken += bytes;
        if self.taken >= HEAD_BYTES_MAX {
            self.begin_anew();
        }
    }

    fn begin_anew(&mut self) {
        self.wait = None;
        self.taken = 0;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Read<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Read<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = ready!(self.within(cx, |stream, cx| stream.poll_write(cx, bytes)))?;
        self.take(taken);
        Poll::Ready(Ok(taken))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let taken = ready!(self.within(cx, |stream, cx| stream.poll_write_vectored(cx, slices)))?;
        self.take(taken);
        Poll::Ready(Ok(taken))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.within(cx, S::poll_flush))?;
        // Whoever flushes has nothing left to write.
        self.begin_anew();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.within(cx, S::poll_shutdown)
    }
}
