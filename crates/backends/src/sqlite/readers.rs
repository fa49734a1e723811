//! A small pool of reading connections on threads of their own, so that no read blocks the async runtime.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use engine::ports::Answer;
use model::limit::READS_WAITING_MAX;
use model::{Fault, FaultKind};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::broken::Broken;
use super::connection;
use super::writer::{has_ended, join, spawn};

type Question = Box<dyn FnOnce(&Connection) + Send>;

/// Threads that answer questions.
#[derive(Debug)]
pub(super) struct Readers {
    queue: Mutex<Option<SyncSender<Question>>>,
    threads: Vec<Mutex<Option<JoinHandle<()>>>>,
}

impl Readers {
    /// Starts so many readers of a file.
    pub(super) fn start(name: &str, path: &Path, threads: usize) -> Result<Self, Fault> {
        let (queue, questions) = sync_channel::<Question>(READS_WAITING_MAX);
        let questions = Arc::new(Mutex::new(questions));
        let mut started = Vec::new();
        for number in 0..threads.max(1) {
            let conn = connection::reader(path)?;
            let questions = Arc::clone(&questions);
            let thread = spawn(&format!("{name}-{number}"), move || serve(&conn, &questions))?;
            started.push(Mutex::new(Some(thread)));
        }
        Ok(Self { queue: Mutex::new(Some(queue)), threads: started })
    }

    /// Asks one of them. A full queue is answered at once.
    pub(super) fn ask<'a, T: Send + 'static>(
        &self,
        op: &'static str,
        question: impl FnOnce(&Connection) -> Result<T, Broken> + Send + 'static,
    ) -> Answer<'a, T> {
        let (answer, answered) = oneshot::channel();
        let job: Question = Box::new(move |conn| {
            // Nobody waits any more for the answer of a cancelled call.
            drop(answer.send(question(conn).map_err(|broken| broken.fault(op))));
        });
        let queued = self.queue(op, job);
        Box::pin(async move {
            queued?;
            answered.await.unwrap_or_else(|_| Err(Fault::new(FaultKind::Shutdown, op)))
        })
    }

    /// Whether one of the threads is over, though nobody closed the queue: it panicked.
    pub(super) fn have_ended(&self) -> bool {
        self.threads.iter().any(has_ended)
    }

    /// Finishes what was asked and waits for the threads.
    pub(super) fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.threads.iter().for_each(join);
    }

    fn queue(&self, op: &'static str, job: Question) -> Result<(), Fault> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = queue.as_ref() else { return Err(Fault::new(FaultKind::Shutdown, op)) };
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Fault::from_error(FaultKind::Unavailable, op, "too many reads wait for the disk"),
            TrySendError::Disconnected(_) => Fault::new(FaultKind::Shutdown, op),
        })
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.close();
    }
}

fn serve(conn: &Connection, questions: &Mutex<Receiver<Question>>) {
    loop {
        // One reader waits for the next question while the others wait for their turn to wait.
        let question = questions.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match question {
            Ok(question) => question(conn),
            Err(_) => return,
        }
    }
}
