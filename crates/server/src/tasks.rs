//! Tasks with names and an owner who awaits them. Nothing in the product runs without one.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::task::{AbortHandle, JoinSet};

/// The tasks of an owner.
#[derive(Debug, Default)]
pub struct Tasks {
    set: Mutex<JoinSet<(String, Result<(), model::Fault>)>>,
}

impl Tasks {
    /// Starts a task under a name.
    pub fn spawn(&self, name: &str, task: impl Future<Output = Result<(), model::Fault>> + Send + 'static) -> AbortHandle {
        let name = name.to_owned();
        self.set.lock().unwrap_or_else(PoisonError::into_inner).spawn(async move { (name, task.await) })
    }

    /// Waits for all tasks; answers the names of those that did not end well, each with why.
    pub async fn join(&self) -> Vec<String> {
        let mut set = std::mem::take(&mut *self.set.lock().unwrap_or_else(PoisonError::into_inner));
        let mut failed = Vec::new();
        while let Some(ended) = set.join_next().await {
            match ended {
                Ok((_, Ok(()))) => {}
                Ok((name, Err(fault))) => failed.push(format!("{name}: {fault}")),
                Err(error) if error.is_cancelled() => {}
                Err(error) => failed.push(format!("a task panicked: {error}")),
            }
        }
        failed
    }
}
