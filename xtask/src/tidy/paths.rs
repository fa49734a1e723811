//! Rule `paths`: no file names a folder that exists on one machine only.

use super::tree::{Finding, Tree};

const MACHINE: &[&str] = &["/work/", "/root/", "/tmp/bash"];

/// This file must spell them.
const SELF: &str = "xtask/src/tidy/paths.rs";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path != SELF && !file.path.starts_with("corpus/")) {
        for (index, line) in file.text.lines().enumerate() {
            for path in MACHINE.iter().filter(|path| names(line, path)) {
                let message = format!("`{path}` is a folder of one machine");
                findings.push(Finding::new(&file.path, index + 1, message));
            }
        }
    }
    findings
}

/// Whether the path stands in the line as the start of a path, not inside a longer one.
fn names(line: &str, path: &str) -> bool {
    let inside = |before: char| before.is_alphanumeric() || "._-~}/*".contains(before);
    line.match_indices(path).any(|(place, _)| {
        let (before, _) = line.split_at(place);
        !before.ends_with(inside) || before.ends_with("://")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_one_machine_is_found_and_a_part_of_another_path_is_not() {
        for (text, expected) in [
            ("see /work/notes.md", 1),
            ("HOME=/root/x\ncat /tmp/bash_jobs.0/out", 2),
            ("file:///work/x", 1),
            ("docs/work/a.md and ../root/b", 0),
            ("https://example.com/work/orders", 0),
            ("the root/ folder", 0),
        ] {
            assert_eq!(check(&Tree::of(&[("a.txt", text)])).len(), expected, "{text}");
        }
        assert!(check(&Tree::of(&[("corpus/a.txt", "/root/x")])).is_empty());
    }
}
