//! `cargo xtask addon`: the Odoo module as a zip, the same bytes for the same files. It packs what git knows of and nothing else, so
//! that no cache of Python's and no note of a person's gets into somebody's Odoo.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::exit::{self, Stop};
use crate::process;

/// Where the module is.
const ROOT: &str = "odoo";
const MODULE: &str = "crossdock_outbox";

/// Writes `target/crossdock_outbox.zip`.
pub(crate) fn run(rest: &[String]) -> Result<u8, Stop> {
    if !rest.is_empty() {
        return Err(Stop::Usage("`addon` takes no flags".to_owned()));
    }
    let (root, target) = (process::root().join(ROOT), process::root().join("target"));
    let files = known_to_git(&root)?;
    let bytes = pack(&root, &files)?;
    let written =
        std::fs::create_dir_all(&target).and_then(|()| std::fs::write(target.join(format!("{MODULE}.zip")), &bytes));
    written.map_err(|error| format!("target/{MODULE}.zip: {error}"))?;
    println!("target/{MODULE}.zip: {} files, {} bytes", files.len(), bytes.len());
    Ok(exit::DONE)
}

/// The module's files below [`ROOT`], in order.
fn known_to_git(root: &Path) -> Result<Vec<String>, String> {
    let mut git = Command::new("git");
    let listed = git.arg("-C").arg(root).args(["ls-files", "-z", MODULE]).output().map_err(|error| error.to_string())?;
    if !listed.status.success() {
        return Err(String::from_utf8_lossy(&listed.stderr).into_owned());
    }
    let text = String::from_utf8(listed.stdout).map_err(|error| error.to_string())?;
    let mut files: Vec<String> = text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    files.sort();
    if files.is_empty() { Err(format!("there is no {ROOT}/{MODULE} here")) } else { Ok(files) }
}

/// A zip of these files, which are named as they stand below the root.
fn pack(root: &Path, files: &[String]) -> Result<Vec<u8>, String> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    // Stored, and with one date for all: whoever compares two builds sees what differs.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    for file in files {
        let bytes = std::fs::read(root.join(file)).map_err(|error| format!("{file}: {error}"))?;
        zip.start_file(file, options).map_err(|error| error.to_string())?;
        zip.write_all(&bytes).map_err(|error| error.to_string())?;
    }
    zip.finish().map(std::io::Cursor::into_inner).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_are_the_same_bytes_and_come_out_as_they_went_in() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("m/models")).unwrap();
        std::fs::write(folder.path().join("m/__manifest__.py"), "{}\n").unwrap();
        std::fs::write(folder.path().join("m/models/x.py"), "pass\n").unwrap();
        let files = ["m/__manifest__.py", "m/models/x.py"].map(str::to_owned);
        let first = pack(folder.path(), &files).unwrap();
        assert_eq!(first, pack(folder.path(), &files).unwrap());
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(first)).unwrap();
        let names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
        assert_eq!(names, files);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut zip.by_name("m/models/x.py").unwrap(), &mut text).unwrap();
        assert_eq!(text, "pass\n");
    }
}
