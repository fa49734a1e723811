//! Rule `marks`: what a comment leaves for later names the issue that will do it, `TODO(#12)`.

use super::tree::{File, Finding, Tree};

const MARKS: &[&str] = &["TODO", "FIXME"];

/// File kinds and what opens a comment in them.
const COMMENTS: &[(&str, &[&str])] = &[
    ("rs", &["//", "/*"]),
    ("toml", &["#"]),
    ("yaml", &["#"]),
    ("yml", &["#"]),
    ("sh", &["#"]),
    ("py", &["#"]),
    ("sql", &["--"]),
    ("js", &["//", "/*"]),
    ("css", &["/*"]),
    ("html", &["<!--"]),
];

/// This file must spell the marks in strings.
const SELF: &str = "xtask/src/tidy/marks.rs";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path != SELF && !file.path.starts_with("corpus/")) {
        let Some(openers) = openers(file) else {
            continue;
        };
        for (index, line) in file.text.lines().enumerate() {
            for mark in MARKS.iter().filter(|mark| unnumbered(line, openers, mark)) {
                let message = format!("{mark} without an issue: write {mark}(#number)");
                findings.push(Finding::new(&file.path, index + 1, message));
            }
        }
    }
    findings
}

fn openers(file: &File) -> Option<&'static [&'static str]> {
    COMMENTS.iter().find(|(kind, _)| file.has_extension(kind)).map(|(_, openers)| *openers)
}

/// Whether the line's comment has the mark as a word of its own, and no `(#number)` behind it.
fn unnumbered(line: &str, openers: &[&str], mark: &str) -> bool {
    let Some(comment) = openers.iter().filter_map(|opener| line.split_once(opener)).map(|it| it.1).next() else {
        return false;
    };
    let Some((before, after)) = comment.split_once(mark) else {
        return false;
    };
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    if before.ends_with(is_word) || after.starts_with(is_word) {
        return false;
    }
    let number = after.strip_prefix("(#").and_then(|rest| rest.split_once(')')).map(|it| it.0);
    number.is_none_or(|digits| digits.parse::<u32>().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_in_a_comment_needs_its_number() {
        for (path, text, expected) in [
            ("a.rs", "let x = 1; // TODO(#12): faster", 0),
            ("a.rs", "\n// TODO faster", 1),
            ("a.rs", "/* FIXME: broken */", 1),
            ("a.rs", "// TODO(anna)", 1),
            ("a.rs", "let s = \"TODO\";", 0),
            ("a.rs", "// the TODOS of others", 0),
            ("a.toml", "# TODO later", 1),
            ("a.sql", "select 1 -- FIXME", 1),
            ("a.md", "Write no TODO without a number.", 0),
            ("corpus/a.py", "# TODO theirs", 0),
        ] {
            assert_eq!(check(&Tree::of(&[(path, text)])).len(), expected, "{path} {text}");
        }
    }
}
