//! Where a key lies, and what lies beside it while another one takes its place: the new one, the one before, how far it is. Files
//! for this user only, each written whole or not at all. It never writes over the only copy of a key.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use formats::signature::Secret;
use model::SecretName;

use super::state::State;

/// The files of a key.
#[derive(Clone, Debug)]
pub(super) struct Place {
    value: PathBuf,
}

impl Place {
    /// Of a secret below the data folder.
    pub(super) fn of(name: &SecretName, data: &Path) -> Self {
        Self { value: data.join("secrets").join(name.as_str()) }
    }

    /// Whether the key is a file here.
    pub(super) fn is_file(&self) -> bool {
        self.value.is_file()
    }

    /// Where it is, for people.
    pub(super) fn path(&self) -> &Path {
        &self.value
    }

    /// Held for as long as it lives, so that two at once do not rotate one key; nothing where another one holds it.
    pub(super) fn lock(&self) -> io::Result<Option<File>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(self.beside("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// How far a rotation is.
    pub(super) fn state(&self) -> io::Result<Option<State>> {
        match std::fs::read(self.beside("rotation")) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Remembers how far it is.
    pub(super) fn keep_state(&self, state: Option<&State>) -> io::Result<()> {
        match state {
            Some(state) => self.write("rotation", &serde_json::to_vec(state).map_err(io::Error::from)?),
            None => remove(&self.beside("rotation")),
        }
    }

    /// The new key that waits.
    pub(super) fn new_key(&self) -> io::Result<Option<Secret>> {
        match std::fs::read(self.beside("new")) {
            Ok(bytes) => Ok(Some(Secret::new(bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps a new key beside the one in use.
    pub(super) fn keep_new(&self, key: &Secret) -> io::Result<()> {
        self.write("new", key.expose())
    }

    /// Forgets a new key that does not work.
    pub(super) fn forget_new(&self) -> io::Result<()> {
        remove(&self.beside("new"))
    }

    /// Puts the new key in the place of the one in use, which is kept beside it.
    pub(super) fn promote(&self) -> io::Result<()> {
        self.write("before", &std::fs::read(&self.value)?)?;
        self.rename(&self.beside("new"), &self.value)
    }

    /// Puts the key before back in its place. Answers whether there was one.
    pub(super) fn restore(&self) -> io::Result<bool> {
        let before = self.beside("before");
        if !before.exists() {
            return Ok(false);
        }
        self.rename(&before, &self.value).map(|()| true)
    }

    /// Forgets the key before.
    pub(super) fn forget_before(&self) -> io::Result<()> {
        remove(&self.beside("before"))
    }

    /// A name that no secret has: these begin with a letter or a digit.
    fn beside(&self, what: &str) -> PathBuf {
        let name = self.value.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.value.with_file_name(format!(".{name}.{what}"))
    }

    fn write(&self, what: &str, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.beside("unfinished");
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        self.rename(&unfinished, &self.beside(what))
    }

    /// The folder is synced too: a name that a power cut takes back would take a key with it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)?;
        self.value.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_new_key_takes_the_place_and_the_one_before_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("secrets/erp")).unwrap();
        let place = Place::of(&SecretName::new("erp/key").unwrap(), folder.path());
        std::fs::write(place.path(), "old\n").unwrap();
        let held = || std::fs::read_to_string(place.path()).unwrap();
        assert_eq!((place.new_key().unwrap(), place.restore().unwrap()), (None, false));
        place.keep_new(&Secret::new("new")).unwrap();
        let mode = std::fs::metadata(place.beside("new")).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode, held()), (0o600, "old\n".to_owned()));
        place.promote().unwrap();
        assert_eq!((held(), place.new_key().unwrap()), ("new".to_owned(), None));
        assert!(place.restore().unwrap());
        assert_eq!(held(), "old\n");
    }

    #[test]
    fn only_one_at_a_time_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("secrets")).unwrap();
        let place = Place::of(&SecretName::new("key").unwrap(), folder.path());
        let held = place.lock().unwrap();
        assert!(held.is_some() && place.lock().unwrap().is_none());
        drop(held);
        assert!(place.lock().unwrap().is_some());
    }
}
