//! The data folder and its lock: two processes never open one folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use model::{Fault, FaultKind};

/// A folder that this process alone has open. The lock goes with the value, also when the process is killed.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder where it is missing, and takes it. Says in words what is wrong where that fails.
    pub(super) fn take(path: &Path) -> Result<Self, Fault> {
        std::fs::create_dir_all(path)
            .map_err(|error| refused(format!("the data folder {} cannot be made: {error}", path.display())))?;
        let file = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&file)
            .map_err(|error| refused(format!("the data folder {} cannot be written: {error}", path.display())))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(refused(format!("the data folder {} is open in another process", path.display())))
            }
            Err(TryLockError::Error(error)) => {
                Err(refused(format!("the data folder {} cannot be locked: {error}", path.display())))
            }
        }
    }

    /// A file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

fn refused(what: String) -> Fault {
    Fault::from_error(FaultKind::Unavailable, "store.open", what)
}
