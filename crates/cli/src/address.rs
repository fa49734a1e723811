//! Which product a command is for. `up` writes its address and its instance into the project folder; the other commands
//! there find it by that, and notice when another product has taken the address since.

use std::path::{Path, PathBuf};

/// Where the running product of a folder writes where it is.
const FILE: &str = ".crossdock/address";
/// Where a product listens when nobody says anything.
const USUAL: &str = "http://127.0.0.1:8080";

/// Where a product is, and who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Its URL, without a slash at the end.
    pub(crate) url: String,
    /// Who said so.
    pub(crate) said_by: SaidBy,
}

/// Who said where the product is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SaidBy {
    /// The caller, by flag or variable.
    Caller,
    /// A product of this folder, which is this instance.
    Folder { file: PathBuf, instance: String },
    /// Nobody.
    Nobody,
}

impl Address {
    /// What the caller named, else what the product of the folder wrote, else the usual address.
    pub(crate) fn find(named: Option<&str>, folder: &Path) -> Self {
        if let Some(url) = named.filter(|url| !url.is_empty()) {
            return Self { url: url.trim_end_matches('/').to_owned(), said_by: SaidBy::Caller };
        }
        let file = folder.join(FILE);
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        match text.split_whitespace().collect::<Vec<_>>().as_slice() {
            [url, instance] if url.starts_with("http://") => {
                let said_by = SaidBy::Folder { file, instance: (*instance).to_owned() };
                Self { url: (*url).to_owned(), said_by }
            }
            _ => Self { url: USUAL.to_owned(), said_by: SaidBy::Nobody },
        }
    }

    /// What a person has to know who reads there, if nobody said that it is meant.
    pub(crate) fn remark(&self) -> Option<String> {
        match self.said_by {
            SaidBy::Caller | SaidBy::Folder { .. } => None,
            SaidBy::Nobody => Some(format!("asking {}: no product runs in this folder", self.url)),
        }
    }

    /// Why this one was asked, in words that fit behind it.
    pub(crate) fn why(&self) -> String {
        match &self.said_by {
            SaidBy::Caller => "named by --url or CROSSDOCK_URL".to_owned(),
            SaidBy::Folder { file, .. } => format!("named by {}", file.display()),
            SaidBy::Nobody => "the usual address: no product runs in this folder".to_owned(),
        }
    }
}

/// The address file of the product that runs here. It goes when the product does, if it is still
/// its own.
#[derive(Debug)]
pub(crate) struct Written {
    file: PathBuf,
    text: String,
}

impl Written {
    /// What will be written for a folder.
    pub(crate) fn new(folder: &Path, url: &str, instance: &str) -> Self {
        Self { file: folder.join(FILE), text: format!("{url} {instance}\n") }
    }

    /// Writes it; says in words what that means where it cannot be written.
    pub(crate) fn write(&self) -> Result<(), String> {
        let made = self.file.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(&self.file, &self.text)).map_err(|error| {
            let file = self.file.display();
            format!("other commands must name this address with --url: {file} cannot be written ({error})")
        })
    }

    /// Removes it.
    pub(crate) fn remove(&self) {
        if std::fs::read_to_string(&self.file).is_ok_and(|text| text == self.text) {
            // A file that is gone already is what is wanted.
            drop(std::fs::remove_file(&self.file));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_comes_before_the_folder_and_that_before_the_usual_address() {
        let folder = tempfile::tempdir().unwrap();
        let found = |named| Address::find(named, folder.path());
        assert_eq!((found(None).url.as_str(), found(None).said_by), (USUAL, SaidBy::Nobody));
        let asking = "asking http://127.0.0.1:8080: no product runs in this folder";
        assert_eq!(found(None).remark().as_deref(), Some(asking));
        let written = Written::new(folder.path(), "http://127.0.0.1:1234", "abc");
        written.write().unwrap();
        assert_eq!(found(None).url, "http://127.0.0.1:1234");
        assert!(matches!(found(None).said_by, SaidBy::Folder { instance, .. } if instance == "abc"));
        assert_eq!(found(Some("https://hub.example.com/")).url, "https://hub.example.com");
        assert_eq!([found(None), found(Some("https://hub.example.com/"))].map(|it| it.remark()), [None, None]);
        assert_eq!(found(Some("")).url, "http://127.0.0.1:1234", "an empty variable says nothing");
        Written::new(folder.path(), "http://127.0.0.1:1234", "another").remove();
        assert_eq!(found(None).url, "http://127.0.0.1:1234", "only the one who wrote it removes it");
        written.remove();
        assert_eq!(found(None).said_by, SaidBy::Nobody);
    }
}
