//! Reading a project folder: its YAML files and the bodies beside its tests, in the order of their paths, within limits.
//! Nothing else is opened. What cannot be read is told beside what can, and ends nothing.

use std::io;
use std::path::{Path, PathBuf};

use model::limit::{PROJECT_FILE_BYTES_MAX, PROJECT_FILES_MAX};
use policy::decode::ObjectKind;
use policy::source_file::{too_large, too_many, unreadable};
use policy::{Folder, SourceFile};

/// The folders that a project consists of: one for each kind of object.
pub fn folders() -> impl Iterator<Item = &'static str> {
    ObjectKind::ALL.into_iter().map(ObjectKind::folder)
}

/// What a project folder has; nothing where it has none of the project's folders.
pub fn read(folder: &Path) -> Folder {
    let mut reader = Reader { root: folder, paths: Vec::new(), found: Folder::default() };
    for name in folders() {
        let below = folder.join(name);
        if below.is_dir() {
            reader.collect(&below, &mut vec![folder.to_owned()]);
        }
    }
    reader.paths.sort();
    if reader.paths.len() > PROJECT_FILES_MAX {
        reader.found.unreadable.push(too_many(reader.paths.len()));
        return reader.found;
    }
    for path in std::mem::take(&mut reader.paths) {
        reader.take(&path);
    }
    reader.found
}

/// A folder that is being read.
struct Reader<'a> {
    root: &'a Path,
    /// The project's files. LIMIT: one more than a project can have tells that there are too many.
    paths: Vec<PathBuf>,
    found: Folder,
}

impl Reader<'_> {
    /// `above` are the folders that this one is in: the project's as it was given, the others as they are without links.
    fn collect(&mut self, folder: &Path, above: &mut Vec<PathBuf>) {
        let real = match folder.canonicalize() {
            Ok(real) if above.contains(&real) => {
                return self.tell(folder, "it leads back to a folder that it is in");
            }
            Ok(real) => real,
            Err(error) => return self.tell(folder, &error.to_string()),
        };
        above.push(real);
        if let Err(error) = self.collect_entries(folder, above) {
            self.tell(folder, &error.to_string());
        }
        above.pop();
    }

    fn collect_entries(&mut self, folder: &Path, above: &mut Vec<PathBuf>) -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if self.paths.len() > PROJECT_FILES_MAX {
                return Ok(());
            }
            // A link is what it leads to: a shared folder of contracts is part of the project.
            if path.is_dir() {
                self.collect(&path, above);
            } else if is_ours(&path, self.root) {
                self.paths.push(path);
            }
        }
        Ok(())
    }

    fn take(&mut self, path: &Path) {
        match read_one(path) {
            Ok(Ok(bytes)) => self.found.files.push(SourceFile::read(self.relative(path), bytes)),
            Ok(Err(bytes)) => self.found.unreadable.push(too_large(&self.relative(path), bytes)),
            Err(error) => self.tell(path, &error.to_string()),
        }
    }

    fn tell(&mut self, path: &Path, why: &str) {
        self.found.unreadable.push(unreadable(&self.relative(path), why));
    }

    /// The path inside of the project, with `/`.
    fn relative(&self, path: &Path) -> String {
        let relative = path.strip_prefix(self.root).unwrap_or(path);
        let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        parts.join("/")
    }
}

/// The bytes of a file, or how many there are where they are too many. What is no file, such as a pipe, may have no end.
fn read_one(path: &Path) -> io::Result<Result<Vec<u8>, u64>> {
    let meta = std::fs::metadata(path)?;
    if !meta.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    if meta.len() > PROJECT_FILE_BYTES_MAX as u64 {
        return Ok(Err(meta.len()));
    }
    std::fs::read(path).map(Ok)
}

/// YAML everywhere; below `tests/` every file whose name does not begin with a dot, because tests name bodies as they came.
fn is_ours(path: &Path, root: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    yaml || (!hidden && path.starts_with(root.join("tests")))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use model::Span;
    use policy::codes::{FILE_TOO_LARGE, UNREADABLE};

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
        let paths: Vec<String> = read(project.path()).files.into_iter().map(|file| file.path).collect();
        assert_eq!(paths, ["contracts/order/1.0.0.yaml"]);
    }

    #[test]
    fn a_folder_that_leads_back_to_itself_is_told() {
        let (project, shared) = linked();
        symlink(shared.path(), shared.path().join("order/again")).unwrap();
        let found = read(project.path());
        let told: Vec<_> = found.unreadable.iter().map(|it| (it.place.clone(), it.message.as_str())).collect();
        let place = policy::spanned::place("contracts/order/again/order", Span::default());
        assert_eq!(told, [(place, "this cannot be read: it leads back to a folder that it is in")]);
        assert!(found.files.iter().any(|file| file.path == "contracts/order/1.0.0.yaml"), "the rest is read");
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_path_and_the_rest_is_read() {
        let (project, shared) = linked();
        let flows = project.path().join("flows");
        std::fs::create_dir(&flows).unwrap();
        std::fs::write(shared.path().join("one.yaml"), "to: wms\n").unwrap();
        symlink(shared.path().join("one.yaml"), flows.join("linked.yaml")).unwrap();
        symlink(shared.path().join("nowhere.yaml"), flows.join("lost.yaml")).unwrap();
        std::fs::write(flows.join("large.yaml"), vec![b'#'; PROJECT_FILE_BYTES_MAX + 1]).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(flows.join("pipe.yaml")).status().unwrap().success());
        let found = read(project.path());
        let paths: Vec<&str> = found.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["contracts/order/1.0.0.yaml", "flows/linked.yaml"]);
        let told: Vec<_> = found.unreadable.iter().map(|it| (it.code, it.place.clone())).collect();
        let place = |name: &str| policy::spanned::place(&format!("flows/{name}.yaml"), Span::default());
        let expected = [(FILE_TOO_LARGE, place("large")), (UNREADABLE, place("lost")), (UNREADABLE, place("pipe"))];
        assert_eq!(told, expected);
    }
}
