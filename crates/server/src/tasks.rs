//! Tasks with names and an owner who awaits them. Nothing in the product runs without one.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::task::{AbortHandle, JoinError, JoinSet};

/// How a task ended.
type Ended = (String, Result<(), model::Fault>);

/// The tasks of an owner.
#[derive(Debug, Default)]
pub struct Tasks {
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    set: JoinSet<Ended>,
    names: BTreeSet<String>,
}

impl Tasks {
    /// Starts a task under a name.
    pub fn spawn(&self, name: &str, task: impl Future<Output = Result<(), model::Fault>> + Send + 'static) -> AbortHandle {
        let name = name.to_owned();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.names.insert(name.clone());
        running.set.spawn(async move { (name, task.await) })
    }

    /// Waits for all tasks, but no longer than `patience`: what still runs then is cut off, as a crash would do. Answers
    /// the names of those that did not end well, each with why.
    pub async fn join(&self, patience: impl Future<Output = ()>) -> Vec<String> {
        let Running { mut set, mut names } =
            std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        let mut patience = std::pin::pin!(patience);
        let mut failed = Vec::new();
        loop {
            tokio::select! {
                biased;
                ended = set.join_next() => match ended {
                    None => return failed,
                    Some(ended) => failed.extend(why(ended, &mut names)),
                },
                () = &mut patience => break,
            }
        }
        set.shutdown().await;
        let cut_off: Vec<String> = names.into_iter().collect();
        failed.push(format!("cut off, and taken up at the next start: {}", cut_off.join(", ")));
        failed
    }
}

/// Why a task did not end well.
fn why(ended: Result<Ended, JoinError>, names: &mut BTreeSet<String>) -> Option<String> {
    match ended {
        Ok((name, ended)) => {
            names.remove(&name);
            ended.err().map(|fault| format!("{name}: {fault}"))
        }
        Err(error) if error.is_cancelled() => None,
        Err(error) => Some(format!("a task panicked: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use model::{Fault, FaultKind};

    use super::*;

    #[tokio::test]
    async fn what_ends_is_awaited_and_what_does_not_is_cut_off() {
        let tasks = Tasks::default();
        tasks.spawn("good", async { Ok(()) });
        tasks.spawn("bad", async { Err(Fault::new(FaultKind::Corrupt, "x")) });
        let failed = tasks.join(std::future::pending()).await;
        assert!(failed.len() == 1 && failed[0].starts_with("bad: "), "{failed:?}");

        tasks.spawn("endless", std::future::pending());
        let failed = tasks.join(std::future::ready(())).await;
        assert_eq!(failed, ["cut off, and taken up at the next start: endless"]);
    }
}
