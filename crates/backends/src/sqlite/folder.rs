//! The data folder and its lock: two processes never open one folder, and no other user of the machine reads in it.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use model::{Fault, FaultKind};

/// Read, written and entered by its owner.
const OWNER_ONLY: u32 = 0o700;

/// A folder that this process alone has open. The lock goes with the value, also when the process is killed.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder where it is missing, and takes it. Says in words what is wrong where that fails.
    ///
    /// It holds the bytes of events, so it is its owner's alone from the first time on. Whoever opens it later for a group
    /// on purpose keeps that.
    pub(super) fn take(path: &Path) -> Result<Self, Fault> {
        let unmade = |error| refused(format!("the data folder {} cannot be made: {error}", path.display()));
        DirBuilder::new().recursive(true).mode(OWNER_ONLY).create(path).map_err(unmade)?;
        let file = path.join("lock");
        if !file.exists() {
            std::fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY)).map_err(unmade)?;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_folder_is_its_owners_alone_unless_it_was_opened_later() {
        let place = tempfile::tempdir().unwrap();
        let made = place.path().join("above/data");
        drop(Folder::take(&made).unwrap());
        assert_eq!((mode(&made), mode(&place.path().join("above"))), (0o700, 0o700));
        let found = place.path().join("found");
        std::fs::create_dir(&found).unwrap();
        std::fs::set_permissions(&found, Permissions::from_mode(0o755)).unwrap();
        drop(Folder::take(&found).unwrap());
        assert_eq!(mode(&found), 0o700, "it held nothing of ours yet");
        std::fs::set_permissions(&found, Permissions::from_mode(0o750)).unwrap();
        drop(Folder::take(&found).unwrap());
        assert_eq!(mode(&found), 0o750, "somebody has opened it on purpose");
    }
}
