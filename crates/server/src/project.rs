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
    /// A link leads to a folder that it is in.
    #[error("{0} leads back to a folder that it is in")]
    Circle(PathBuf),
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
            collect(&below, &mut paths, &mut vec![folder.to_owned()])?;
        }
    }
    paths.sort();
    paths.iter().map(|path| read_one(folder, path)).collect()
}

/// `above` are the folders that this one is in: the project's as it was given, the others as they are without links.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>, above: &mut Vec<PathBuf>) -> Result<(), Unreadable> {
    let io = |error| Unreadable::Io(folder.to_owned(), error);
    let real = folder.canonicalize().map_err(io)?;
    if above.contains(&real) {
        return Err(Unreadable::Circle(folder.to_owned()));
    }
    above.push(real);
    let root = above.first().cloned().unwrap_or_default();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        // A link is what it leads to: a shared folder of contracts is part of the project.
        if path.is_dir() {
            collect(&path, paths, above)?;
        } else if is_ours(&path, &root) {
            paths.push(path);
        }
        if paths.len() > PROJECT_FILES_MAX {
            return Err(Unreadable::TooMany(root));
        }
    }
    above.pop();
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
    let bytes = std::fs::read(path).map_err(io)?;
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Ok(SourceFile::read(parts.join("/"), bytes))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A project whose contracts are those of another folder.
    fn linked() -> (tempfile::TempDir, tempfile::TempDir) {
        let (project, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir_all(shared.path().join("order")).unwrap();
        std::fs::write(shared.path().join("order/1.0.0.yaml"), "schema: {}\n").unwrap();
        std::fs::create_dir(project.path().join("contracts")).unwrap();
        symlink(shared.path().join("order"), project.path().join("contracts/order")).unwrap();
        (project, shared)
    }

    #[test]
    fn a_link_to_a_folder_is_read_like_the_folder() {
        let (project, _shared) = linked();
        let paths: Vec<String> = read(project.path()).unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(paths, ["contracts/order/1.0.0.yaml"]);
    }

    #[test]
    fn a_folder_that_leads_back_to_itself_is_told() {
        let (project, shared) = linked();
        symlink(shared.path(), shared.path().join("order/again")).unwrap();
        let told = read(project.path()).unwrap_err().to_string();
        assert!(told.ends_with("contracts/order/again/order leads back to a folder that it is in"), "{told}");
    }
}
