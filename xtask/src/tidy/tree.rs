//! The files that the rules look at, read once, and what a rule says about a place in them.

use std::collections::BTreeSet;
use std::path::Path;

use proc_macro2::TokenStream;

use crate::process;

/// Every file that belongs to the project: tracked, or new and not ignored.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
    /// The ratchet as last committed, to see that it did not grow.
    pub(crate) ratchet_before: Option<String>,
}

#[derive(Debug)]
pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    /// Empty for what is not UTF-8.
    pub(crate) text: String,
    pub(crate) size_bytes: u64,
    /// Only for Rust files.
    pub(crate) rust: Option<Result<Rust, Unreadable>>,
}

/// A Rust file, as tokens for rules about words and as items for rules about shape.
#[derive(Debug)]
pub(crate) struct Rust {
    pub(crate) tokens: TokenStream,
    pub(crate) items: syn::File,
}

#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) line: usize,
    pub(crate) why: String,
}

/// What a rule has to say about a line.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }

    pub(crate) fn line(&self, rule: &str) -> String {
        format!("tidy: {rule}: {}:{}: {}", self.path, self.line, self.message)
    }
}

impl File {
    fn new(path: &str, text: String, size_bytes: u64) -> Self {
        let is_rust = Path::new(path).extension().is_some_and(|kind| kind == "rs");
        let rust = is_rust.then(|| Rust::read(&text));
        Self { path: path.to_owned(), text, size_bytes, rust }
    }

    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    pub(crate) fn has_extension(&self, wanted: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == wanted)
    }
}

impl Rust {
    fn read(text: &str) -> Result<Self, Unreadable> {
        let tokens: TokenStream = text.parse().map_err(|error: proc_macro2::LexError| Unreadable {
            line: error.span().start().line,
            why: error.to_string(),
        })?;
        let items = syn::parse2(tokens.clone())
            .map_err(|error| Unreadable { line: error.span().start().line, why: error.to_string() })?;
        Ok(Self { tokens, items })
    }
}

impl Tree {
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let paths = match tracked_or_new(root) {
            Some(paths) => paths,
            None => walked(root)?,
        };
        let mut files = Vec::new();
        for path in paths {
            // A file that is tracked but deleted, or a link into nowhere, is git's to report.
            let Ok(body) = std::fs::read(root.join(&path)) else {
                continue;
            };
            let size_bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
            files.push(File::new(&path, String::from_utf8(body).unwrap_or_default(), size_bytes));
        }
        let ratchet_before = process::output("git", &["show", "HEAD:xtask/ratchet.toml"], root)
            .and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(Self { files, ratchet_before })
    }

    /// A tree written down in a test.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file =
            |(path, text): &(&str, &str)| File::new(path, (*text).to_owned(), u64::try_from(text.len()).unwrap_or(u64::MAX));
        Self { files: files.iter().map(file).collect(), ratchet_before: None }
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Rust files that can be parsed; the others are findings of the rule `syntax`.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&File, &Rust)> {
        self.files.iter().filter_map(|file| match &file.rust {
            Some(Ok(rust)) => Some((file, rust)),
            Some(Err(_)) | None => None,
        })
    }
}

fn tracked_or_new(root: &Path) -> Option<BTreeSet<String>> {
    let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = String::from_utf8(process::output("git", &args, root)?).ok()?;
    Some(listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// Without git: every file below the root but what builds and runs leave behind.
fn walked(root: &Path) -> Result<BTreeSet<String>, String> {
    const LEFT_BEHIND: &[&str] = &["target", ".git", ".crossdock"];
    let mut found = BTreeSet::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let told = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
        for entry in std::fs::read_dir(&folder).map_err(told)? {
            let entry = entry.map_err(told)?;
            let kind = entry.file_type().map_err(told)?;
            let name = entry.file_name();
            if kind.is_dir() && !LEFT_BEHIND.iter().any(|left| name == *left) {
                folders.push(entry.path());
            } else if kind.is_file()
                && let Ok(path) = entry.path().strip_prefix(root)
            {
                found.insert(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_leaves_out_what_builds_and_runs_leave_behind() {
        let root = std::env::temp_dir().join(format!("xtask-walk-{}", std::process::id()));
        for folder in ["crates/model", "target/debug", ".git/refs", ".ci"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
            std::fs::write(root.join(folder).join("file"), "text").unwrap();
        }
        let found: Vec<String> = walked(&root).unwrap().into_iter().collect();
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(found, [".ci/file", "crates/model/file"]);
    }

    #[test]
    fn a_broken_file_keeps_its_line_and_hides_nothing_else() {
        let tree = Tree::of(&[("a.rs", "//! A.\nfn a( {}\n"), ("b.rs", "//! B.\n")]);
        assert_eq!(tree.rust().count(), 1);
        assert!(matches!(&tree.files[0].rust, Some(Err(Unreadable { line: 2, .. }))));
    }
}
