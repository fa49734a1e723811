//! The one thread that writes a file: requests queue up while a commit runs, and the next commit takes them together.
//! A full queue is answered at once; nothing here grows without a limit.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use model::{Fault, FaultKind};

/// How long the writer waits for a request before it does what can be done in idle moments.
const IDLE: Duration = Duration::from_millis(100);

/// A thread and the bounded queue in front of it.
#[derive(Debug)]
pub(super) struct Writer<T> {
    op: &'static str,
    queue: Mutex<Option<SyncSender<T>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How much one group takes.
#[derive(Debug)]
pub(super) struct GroupLimit<T> {
    /// Requests.
    pub(super) requests: usize,
    /// Weight of all requests together; at least one request is taken.
    pub(super) weight: usize,
    /// The weight of a request.
    pub(super) weigh: fn(&T) -> usize,
}

impl<T: Send + 'static> Writer<T> {
    /// Starts the thread `name`. `group` gets the requests of each commit, and an empty group in idle moments; it is
    /// dropped when the queue is closed and empty.
    pub(super) fn start(
        name: &'static str,
        waiting_max: usize,
        limit: GroupLimit<T>,
        mut group: impl FnMut(Vec<T>) + Send + 'static,
    ) -> Result<Self, Fault> {
        let (queue, requests) = sync_channel(waiting_max);
        let thread = spawn(name, move || {
            while let Some(taken) = take(&requests, &limit) {
                group(taken);
            }
        })?;
        Ok(Self { op: name, queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    /// Queues a request, or says at once that it cannot.
    pub(super) fn send(&self, request: T) -> Result<(), Fault> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = queue.as_ref() else {
            return Err(Fault::new(FaultKind::Shutdown, self.op));
        };
        match queue.try_send(request) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                Err(Fault::from_error(FaultKind::Busy, self.op, "too many requests wait for the disk"))
            }
            Err(TrySendError::Disconnected(_)) => {
                Err(Fault::from_error(FaultKind::Unavailable, self.op, "the writer's thread has ended"))
            }
        }
    }

    /// Whether the thread is over, though nobody closed the queue: it panicked.
    pub(super) fn has_ended(&self) -> bool {
        has_ended(&self.thread)
    }

    /// Takes no more requests, finishes those that were queued, and waits for the thread.
    pub(super) fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        join(&self.thread);
    }
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        join(&self.thread);
    }
}

/// Starts a named thread.
pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Fault> {
    Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| Fault::from_error(FaultKind::Unavailable, "store.open", format!("no thread for {name}: {error}")))
}

/// Waits for a thread, once.
pub(super) fn join(thread: &Mutex<Option<JoinHandle<()>>>) {
    let thread = thread.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(thread) = thread {
        // A thread that panicked has told so on its own; there is nothing more to undo here.
        drop(thread.join());
    }
}

/// Whether a thread that nobody has waited for is over.
pub(super) fn has_ended(thread: &Mutex<Option<JoinHandle<()>>>) -> bool {
    thread.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(JoinHandle::is_finished)
}

/// The next group, empty when nothing came for a while; `None` when the queue is closed and empty.
fn take<T>(requests: &Receiver<T>, limit: &GroupLimit<T>) -> Option<Vec<T>> {
    let first = match requests.recv_timeout(IDLE) {
        Ok(first) => first,
        Err(RecvTimeoutError::Timeout) => return Some(Vec::new()),
        Err(RecvTimeoutError::Disconnected) => return None,
    };
    let mut weight = (limit.weigh)(&first);
    let mut group = vec![first];
    while group.len() < limit.requests && weight < limit.weight {
        let Ok(next) = requests.try_recv() else { break };
        weight += (limit.weigh)(&next);
        group.push(next);
    }
    Some(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_that_panicked_has_ended_and_one_that_was_closed_has_not() {
        let limit = || GroupLimit { requests: 1, weight: 1, weigh: |_: &u8| 1 };
        let dies = Writer::start("dies", 1, limit(), |group| assert!(group.is_empty(), "on purpose")).unwrap();
        let lives = Writer::start("lives", 1, limit(), drop).unwrap();
        assert!(!dies.has_ended());
        dies.send(7).unwrap();
        while !dies.has_ended() {
            std::thread::yield_now();
        }
        assert_eq!(dies.send(8).unwrap_err().kind, FaultKind::Unavailable);
        lives.send(7).unwrap();
        lives.close();
        assert!(!lives.has_ended());
    }

    #[test]
    fn a_full_queue_says_that_nothing_was_done() {
        let (go, going) = sync_channel::<()>(0);
        let (began, begun) = sync_channel::<()>(1);
        let limit = GroupLimit { requests: 1, weight: 1, weigh: |_: &u8| 1 };
        let writer = Writer::start("waits", 1, limit, move |group: Vec<u8>| {
            if !group.is_empty() {
                began.try_send(()).ok();
                going.recv().ok();
            }
        })
        .unwrap();
        writer.send(1).unwrap();
        begun.recv().unwrap();
        writer.send(2).unwrap();
        assert_eq!(writer.send(3).unwrap_err().kind, FaultKind::Busy);
        drop(go);
        writer.close();
        assert_eq!(writer.send(4).unwrap_err().kind, FaultKind::Shutdown);
    }
}
