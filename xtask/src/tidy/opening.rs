//! Rule `opening`: every Rust file opens with `//!` and says what it is.

use super::tree::{Finding, Tree};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        if file.rust.is_none() {
            continue;
        }
        let first = file.text.lines().next().unwrap_or_default();
        let says = first.strip_prefix("//!").is_some_and(|rest| !rest.trim().is_empty());
        if !says {
            let message = "open with a `//!` line: what this file is and what it must never do";
            findings.push(Finding::new(&file.path, 1, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_it_is_on_its_first_line() {
        for (text, expected) in [
            ("//! Routes.\nfn a() {}\n", 0),
            ("fn a() {}\n", 1),
            ("\n//! Too late.\n", 1),
            ("//!\n//! Nothing on the first line.\n", 1),
            ("// Not a doc comment.\n", 1),
            ("", 1),
        ] {
            assert_eq!(check(&Tree::of(&[("a.rs", text)])).len(), expected, "{text:?}");
        }
        assert!(check(&Tree::of(&[("a.md", "text")])).is_empty());
    }
}
