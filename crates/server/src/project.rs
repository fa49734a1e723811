//! Reading a project folder: its YAML files and the bodies beside its tests, in the order of their paths, within limits.
//! Nothing else is opened.

use std::path::{Path, PathBuf};

use model::limit::{PROJECT_FILE_BYTES_MAX, PROJECT_FILES_MAX};
use policy::SourceFile;

/// The folders that a project consists of.
pub const FOLDERS: [&str; 6] = ["systems", "contracts", "mappings", "flows", "policies", "tests"];

/// A folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The operating system says no.
    #[error("{0}: {1}")]
    Io(PathBuf, std::io::Error),
    /// A file is larger than a project file can be.
    #[error("{0} is larger than {PROJECT_FILE_BYTES_MAX} bytes: no project file is")]
    TooLarge(PathBuf),
    /// More files than a project can have.
    #[error("{0} has more than {PROJECT_FILES_MAX} project files: is it a project folder?")]
    TooMany(PathBuf),
}

/// The project files of a folder; none where it has none of the project's folders.
pub fn read(folder: &Path) -> Result<Vec<SourceFile>, Unreadable> {
    let mut paths = Vec::new();
    for name in FOLDERS {
        let below = folder.join(name);
        if below.is_dir() {
            collect(&below, &mut paths, folder)?;
        }
    }
    paths.sort();
    paths.iter().map(|path| read_one(folder, path)).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>, root: &Path) -> Result<(), Unreadable> {
    let io = |error| Unreadable::Io(folder.to_owned(), error);
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let kind = std::fs::symlink_metadata(&path).map_err(io)?;
        if kind.is_dir() {
            collect(&path, paths, root)?;
        } else if is_ours(&path, root) {
            paths.push(path);
        }
        if paths.len() > PROJECT_FILES_MAX {
            return Err(Unreadable::TooMany(root.to_owned()));
        }
    }
    Ok(())
}

/// YAML everywhere; below `tests/` every file whose name does not begin with a dot, because tests name bodies as they came.
fn is_ours(path: &Path, root: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    yaml || (!hidden && path.starts_with(root.join("tests")))
}

fn read_one(root: &Path, path: &Path) -> Result<SourceFile, Unreadable> {
    let io = |error| Unreadable::Io(path.to_owned(), error);
    if std::fs::metadata(path).map_err(io)?.len() > PROJECT_FILE_BYTES_MAX as u64 {
        return Err(Unreadable::TooLarge(path.to_owned()));
    }
    let text = String::from_utf8_lossy(&std::fs::read(path).map_err(io)?).into_owned();
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Ok(SourceFile { path: parts.join("/"), text })
}
