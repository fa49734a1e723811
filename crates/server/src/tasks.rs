//! Tasks with names and an owner who awaits them. Nothing in the product runs without one, and none of them ends
//! unnoticed: a panic is an end too.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use engine::ports::Clock;
use futures::FutureExt as _;
use model::{Fault, FaultKind, TimeSpan};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The tasks of an owner.
#[derive(Debug)]
pub struct Tasks {
    running: Mutex<Set>,
    first: watch::Sender<Option<End>>,
}

#[derive(Debug, Default)]
struct Set {
    tasks: JoinSet<End>,
    names: BTreeMap<tokio::task::Id, String>,
}

/// The end of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Which task.
    pub name: String,
    /// Why it ended; nothing where it came to its own end.
    pub why: Option<String>,
    /// What kind of fault it ended with, if it was one.
    pub fault: Option<FaultKind>,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Some(why) => write!(f, "{}: {why}", self.name),
            None => write!(f, "{}: it came to its end", self.name),
        }
    }
}

/// How all tasks ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endings {
    /// Those that did not end well.
    pub failed: Vec<End>,
    /// The names of those that were still running when there was no more time, and were cut short.
    pub cut: Vec<String>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { running: Mutex::default(), first: watch::Sender::new(None) }
    }
}

impl Tasks {
    /// Starts a task under a name.
    pub fn spawn(&self, name: &str, task: impl Future<Output = Result<(), Fault>> + Send + 'static) {
        let (first, named) = (self.first.clone(), name.to_owned());
        let watched = async move {
            // What the task had half done is dropped with it; what others see is in the stores, and committed.
            let (why, fault) = match AssertUnwindSafe(task).catch_unwind().await {
                Ok(Ok(())) => (None, None),
                Ok(Err(fault)) => (Some(fault.to_string()), Some(fault.kind)),
                Err(panic) => (Some(format!("it panicked: {}", words(panic.as_ref()))), None),
            };
            let end = End { name: named, why, fault };
            first.send_if_modified(|first| first.is_none() && first.replace(end.clone()).is_none());
            end
        };
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let id = running.tasks.spawn(watched).id();
        running.names.insert(id, name.to_owned());
    }

    /// Told the first end of any task.
    pub fn watch(&self) -> watch::Receiver<Option<End>> {
        self.first.subscribe()
    }

    /// The first end of any task, awaited.
    pub async fn first_end(&self) -> End {
        let mut first = self.watch();
        let ended = first.wait_for(Option::is_some).await;
        ended.ok().and_then(|end| end.clone()).expect("its sender is a field of these tasks, and it waited for a value")
    }

    /// Waits so long for all tasks, and cuts short those that still run then.
    pub async fn join(&self, clock: &Arc<dyn Clock>, patience: TimeSpan) -> Endings {
        let mut running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        let mut endings = Endings::default();
        let mut patience = clock.sleep(patience);
        loop {
            let ended = tokio::select! {
                biased;
                ended = running.tasks.join_next_with_id() => ended,
                () = &mut patience => break,
            };
            match ended {
                None => return endings,
                Some(Ok((id, end))) => {
                    running.names.remove(&id);
                    endings.failed.extend(Some(end).filter(|end| end.why.is_some()));
                }
                Some(Err(error)) => {
                    running.names.remove(&error.id());
                }
            }
        }
        running.tasks.shutdown().await;
        endings.cut = running.names.into_values().collect();
        endings
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it said nothing")
}

#[cfg(test)]
mod tests {
    use model::FaultKind;

    use super::*;
    use crate::clock::SystemClock;

    fn clock() -> Arc<dyn Clock> {
        Arc::new(SystemClock::new())
    }

    #[tokio::test]
    async fn the_first_end_is_told_with_its_reason_whatever_it_is() {
        type Task = futures::future::BoxFuture<'static, Result<(), Fault>>;
        let panics: Task = Box::pin(async { panic!("of all things, {}", 7) });
        let fails: Task = Box::pin(async { Err(Fault::new(FaultKind::Corrupt, "ledger.commit")) });
        let ends: Task = Box::pin(async { Ok(()) });
        for (task, expected) in
            [(panics, "it panicked: of all things, 7"), (fails, "ledger.commit"), (ends, "it came to its end")]
        {
            let tasks = Tasks::default();
            tasks.spawn("goes on", std::future::pending());
            tasks.spawn("ends", task);
            let end = tasks.first_end().await.to_string();
            assert!(end.starts_with("ends: ") && end.contains(expected), "{end}");
        }
    }

    #[tokio::test]
    async fn the_end_of_all_is_awaited_and_failures_are_named() {
        let tasks = Tasks::default();
        tasks.spawn("well", async { Ok(()) });
        tasks.spawn("badly", async { Err(Fault::new(FaultKind::Corrupt, "x")) });
        let endings = tasks.join(&clock(), TimeSpan::from_secs(3_600)).await;
        let failed: Vec<&str> = endings.failed.iter().map(|end| end.name.as_str()).collect();
        assert_eq!((failed, endings.cut), (vec!["badly"], Vec::new()));
    }

    #[tokio::test]
    async fn a_task_that_does_not_end_in_time_is_cut_short_and_named() {
        let tasks = Tasks::default();
        tasks.spawn("endless", std::future::pending());
        let endings = tasks.join(&clock(), TimeSpan::ZERO).await;
        assert_eq!((endings.failed, endings.cut), (Vec::new(), vec!["endless".to_owned()]));
    }
}
