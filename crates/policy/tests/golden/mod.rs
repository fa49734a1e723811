//! Golden tests: each folder of a part of the corpus is a case, and `expected.txt` beside it says what comes of it. With
//! `UPDATE=1` what comes out now is written instead of compared. It must never pass where there is no case.

use std::fs;
use std::path::{Path, PathBuf};

/// What a case is compared with.
pub(crate) const EXPECTED: &str = "expected.txt";

/// A part of the corpus.
pub(crate) fn corpus(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus").join(part)
}

/// Compares every case of a part with what is expected of it.
pub(crate) fn compare_all(part: &str, show: impl Fn(&Path) -> String) {
    let cases: Vec<PathBuf> = entries(&corpus(part)).into_iter().filter(|path| path.is_dir()).collect();
    assert!(!cases.is_empty(), "the corpus is there");
    let wrong: Vec<String> = cases.iter().filter_map(|case| difference(case, &show(case))).collect();
    assert!(wrong.is_empty(), "differs from {EXPECTED}; UPDATE=1 accepts it:\n{}", wrong.join("\n"));
}

/// What comes of a case, where it is not what is expected.
#[expect(clippy::disallowed_methods, reason = "UPDATE=1 accepts what comes out")]
pub(crate) fn difference(case: &Path, shown: &str) -> Option<String> {
    let path = case.join(EXPECTED);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, shown).expect("the corpus can be written");
        return None;
    }
    (fs::read_to_string(&path).unwrap_or_default() != shown).then(|| format!("--- {}\n{shown}", case.display()))
}

/// What is in a folder, in order.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    entries
}
