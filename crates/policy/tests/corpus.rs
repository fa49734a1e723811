//! Golden tests: each folder of `corpus/check` is a project with the expected rendering of its check beside it.
//! `UPDATE=1 cargo test -p crossdock-policy --test corpus` writes what comes out now.

mod golden;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use model::limit::{DIAGNOSTICS_MAX, PROJECT_FILE_BYTES_MAX, PROJECT_FILES_MAX};
use policy::render::{self, Colour};
use policy::source_file::unreadable;
use policy::{Folder, SourceFile, check_at, check_folder};

#[test]
fn every_case_of_the_corpus_is_rendered_as_expected() {
    golden::compare_all("check", render_case);
}

#[test]
fn the_valid_project_gives_a_policy() {
    let files = files(&golden::corpus("check/ok"));
    let (policy, diagnostics) = check_at(&files, now());
    assert_eq!(render::text(&diagnostics, &files, Colour::Plain), "");
    let policy = policy.expect("a policy");
    let names: Vec<&str> = policy.sources.keys().map(model::SourceName::as_str).collect();
    assert_eq!(names, ["carrier", "edi", "lab", "odoo", "shop"]);
    assert_eq!(policy.flows.len(), 2);
    assert_eq!(policy.retries.len(), 4);
}

/// What no folder can hold, or nobody would keep: it is built here.
#[test]
fn what_is_beyond_a_limit_is_rendered_as_expected() {
    let owner = "owner: team-shop\n";
    let one = SourceFile::new("systems/shop.yaml", owner);
    let large = SourceFile::new("systems/large.yaml", format!("{owner}# {}\n", "x".repeat(PROJECT_FILE_BYTES_MAX)));
    let files: Vec<SourceFile> =
        (0..=PROJECT_FILES_MAX).map(|n| SourceFile::new(format!("systems/{n}.yaml"), owner)).collect();
    let keys: Vec<String> = (0..DIAGNOSTICS_MAX + 20).map(|n| format!("key-{n}: 1\n")).collect();
    let many = SourceFile::new("systems/shop.yaml", format!("{owner}{}", keys.concat()));
    let cases = [
        ("a file is too large", vec![large]),
        ("too many files", files),
        ("the same file twice", vec![one.clone(), one]),
        ("too many mistakes; the last of them", vec![many]),
    ];
    let cases = cases.map(|(what, files)| (what, Folder { files, ..Folder::default() }));
    let lost = unreadable("flows/orders.yaml", "No such file or directory (os error 2)");
    let unread = ("something cannot be read", Folder { unreadable: vec![lost], ..Folder::default() });
    let mut rendered = String::new();
    for (what, folder) in cases.into_iter().chain([unread]) {
        let (_, diagnostics) = check_folder(&folder, now());
        let last = diagnostics.last().cloned();
        let text = render::text(last.as_slice(), &folder.files, Colour::Plain);
        write!(rendered, "=== {what}\n{text}").expect("a text");
    }
    assert_eq!(golden::difference(&golden::corpus("limits"), &rendered), None, "UPDATE=1 accepts it");
}

fn render_case(case: &Path) -> String {
    let files = files(case);
    let (policy, diagnostics) = check_at(&files, now());
    let outcome = if policy.is_some() { "a policy" } else { "no policy" };
    let text = render::text(&diagnostics, &files, Colour::Plain);
    format!("{text}\n{}: {outcome}\n", render::count(&diagnostics)).trim_start().to_owned()
}

fn now() -> model::Timestamp {
    "2026-06-01T00:00:00Z".parse().expect("an instant")
}

fn files(case: &Path) -> Vec<SourceFile> {
    let mut files = Vec::new();
    collect(case, case, &mut files);
    files.retain(|file| file.path != golden::EXPECTED);
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

fn collect(case: &Path, folder: &Path, files: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(case, &path, files);
        } else {
            let name = path.strip_prefix(case).expect("inside").to_string_lossy().replace('\\', "/");
            files.push(SourceFile::new(name, fs::read_to_string(&path).expect("a text")));
        }
    }
}
