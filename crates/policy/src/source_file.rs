//! The files of a project and the check of all of them in one run.

use model::diagnostic::Place;
use model::limit::{PROJECT_FILE_BYTES_MAX, PROJECT_FILES_MAX};
use model::{Diagnostic, Digest, PolicyVersion, Severity, Span, Timestamp};

use crate::compiled::Policy;
use crate::decode::{ObjectKind, decode};
use crate::resolve::{assemble, resolve};
use crate::spanned::place;
use crate::{Findings, codes};

/// A file of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path inside of the project, with `/`.
    pub path: String,
    /// What it says.
    pub text: String,
}

impl SourceFile {
    /// A file.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// A file of these bytes. What is no UTF-8 becomes U+FFFD, which [`check`] refuses at its place (H0117) and
    /// [`crate::fmt::format`] leaves alone, so that no altered text is used or written.
    pub fn read(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        let text = String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Self { path: path.into(), text }
    }
}

/// What a project folder has: the files that could be read, and a mistake for each thing that could not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// The files, by their paths.
    pub files: Vec<SourceFile>,
    /// The mistakes.
    pub unreadable: Vec<Diagnostic>,
}

impl Folder {
    /// Whether it has nothing of a project.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.unreadable.is_empty()
    }
}

/// The mistake of a file or folder that cannot be read.
pub fn unreadable(path: &str, why: &str) -> Diagnostic {
    Diagnostic::error(codes::UNREADABLE, place(path, Span::default()), format!("this cannot be read: {why}"))
        .help("make it readable, or take it out of the project's folders")
}

/// The mistake of a file with too many bytes.
pub fn too_large(path: &str, bytes: u64) -> Diagnostic {
    let message = format!("the file has {bytes} bytes; {PROJECT_FILE_BYTES_MAX} are the most");
    Diagnostic::error(codes::FILE_TOO_LARGE, place(path, Span::default()), message)
        .help("what is so large is data: keep it elsewhere, or beside the tests, which name it by `body_file`")
}

/// The mistake of a project with so many files, or with at least so many.
pub fn too_many(files: usize) -> Diagnostic {
    let message = format!("the project has {files} files; {PROJECT_FILES_MAX} are the most");
    Diagnostic::error(codes::TOO_MANY_FILES, Place::Whole, message).help("is this the right folder?")
}

/// Checks all files and compiles them: every mistake of all of them, by file and place, and a policy when none of them is
/// an error. Warnings that depend on the day are left out; see [`check_at`].
pub fn check(files: &[SourceFile]) -> (Option<Policy>, Vec<Diagnostic>) {
    check_with(files, &[], None)
}

/// As [`check`], with what is only wrong at this time, such as a permission that has ended.
pub fn check_at(files: &[SourceFile], now: Timestamp) -> (Option<Policy>, Vec<Diagnostic>) {
    check_with(files, &[], Some(now))
}

/// As [`check_at`], of a folder: what cannot be read is a mistake like the others.
pub fn check_folder(folder: &Folder, now: Timestamp) -> (Option<Policy>, Vec<Diagnostic>) {
    check_with(&folder.files, &folder.unreadable, Some(now))
}

/// Compiles files that were checked when they were stored, perhaps by a version that knew fewer mistakes: whatever can be
/// read is in the policy, and only what cannot be carried out fails, where it is carried out. Answers the errors too.
pub fn restore(files: &[SourceFile]) -> (Policy, Vec<Diagnostic>) {
    let mut findings = Findings::of_stored(files);
    let objects = decode(files, &mut findings);
    let policy = assemble(&objects, version(files), None, &mut findings);
    let errors = findings.into_sorted().into_iter().filter(|finding| finding.severity == Severity::Error);
    (policy, errors.collect())
}

fn check_with(files: &[SourceFile], unreadable: &[Diagnostic], now: Option<Timestamp>) -> (Option<Policy>, Vec<Diagnostic>) {
    let mut findings = Findings::over(files);
    for found in unreadable {
        findings.push(found.clone());
    }
    let objects = decode(files, &mut findings);
    let policy = resolve(&objects, files, version(files), now, &mut findings);
    (policy, findings.into_sorted())
}

/// The version of a policy: the digest of its files in the order of their paths. Tests change nothing that is done, and so
/// they are no part of it.
pub fn version(files: &[SourceFile]) -> PolicyVersion {
    let is_test = |path: &str| path.split_once('/').is_some_and(|(folder, _)| folder == ObjectKind::Test.folder());
    let mut sorted: Vec<&SourceFile> = files.iter().filter(|file| !is_test(&file.path)).collect();
    sorted.sort_by(|one, other| one.path.cmp(&other.path));
    let fields: Vec<&[u8]> = sorted.iter().flat_map(|file| [file.path.as_bytes(), file.text.as_bytes()]).collect();
    PolicyVersion(Digest::of_fields(&fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEM: &str = "owner: team-warehouse\ndestinations:\n  wms:\n    url: https://wms.example.com/in\n";

    #[test]
    fn what_a_newer_check_would_refuse_is_restored_whole_and_named() {
        let flow = "owner: team-warehouse\non:\n  types: [orders]\n  where: .paid +\nto: wms\n";
        let files = [SourceFile::new("systems/wms.yaml", SYSTEM), SourceFile::new("flows/orders.yaml", flow)];
        assert!(check(&files).0.is_none());
        let (policy, errors) = restore(&files);
        assert_eq!((policy.flows.len(), policy.destinations.len(), errors.is_empty()), (1, 1, false));
        assert_eq!(policy.version, version(&files));
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_the_rest_is_there() {
        let files = [SourceFile::new("systems/wms.yaml", SYSTEM), SourceFile::new("flows/orders.yaml", "to: [")];
        let (policy, errors) = restore(&files);
        assert_eq!((policy.flows.len(), policy.destinations.len(), errors.is_empty()), (0, 1, false));
    }

    #[test]
    fn what_cannot_be_read_hides_no_other_mistake_and_lets_no_policy_pass() {
        let files = vec![SourceFile::new("systems/wms.yaml", SYSTEM)];
        let folder = Folder { files, unreadable: vec![unreadable("flows/orders.yaml", "it is no file")] };
        let now = Timestamp::EPOCH;
        let (policy, found) = check_folder(&folder, now);
        assert!(policy.is_none() && check_at(&folder.files, now).0.is_some());
        assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), [codes::UNREADABLE]);
        let odd = SourceFile::new("systems/wms.yaml", format!("{SYSTEM}oddity: 1\n"));
        let (_, found) = check_folder(&Folder { files: vec![odd], ..folder }, now);
        assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), [codes::UNREADABLE, codes::UNKNOWN_KEY]);
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_refused_where_they_stand_and_left_alone() {
        let owner = b"# Caf\xe9\nowner:   team-warehouse\n".to_vec();
        let body = SourceFile::read("tests/order.json", b"{\"city\": \"K\xf6ln\"}".to_vec());
        let file = SourceFile::read("systems/wms.yaml", [owner, b"oddity: 1\n".to_vec()].concat());
        let files = [file.clone(), body];
        let (policy, found) = check(&files);
        let told = crate::render::text(&found, &files, crate::render::Colour::Plain);
        for part in ["error[H0117]", "systems/wms.yaml:1:6", "warning[H0117]", "tests/order.json:1:12", "no key `oddity`"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(policy.is_none());
        assert!(matches!(crate::fmt::format(&file), crate::fmt::Formatted::Left { .. }));
    }

    #[test]
    fn the_version_depends_on_what_is_done_and_on_nothing_else() {
        let (one, two) = (SourceFile::new("flows/a.yaml", "a"), SourceFile::new("flows/b.yaml", "b"));
        let test = SourceFile::new("tests/a.yaml", "t");
        let all = version(&[one.clone(), two.clone()]);
        assert_eq!(all, version(&[two.clone(), test, one.clone()]));
        assert_ne!(all, version(std::slice::from_ref(&one)));
        assert_ne!(all, version(&[one, SourceFile::new("flows/b.yaml", "c")]));
    }
}
