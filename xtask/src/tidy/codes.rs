//! Rule `codes`: a diagnostic code, its page and its example come and go together.
//!
//! A code is declared by the literal `"H0123"` in a file `codes.rs`, outside its tests; the page is
//! `docs/codes/H0123.md`. Its example is whatever of the corpus really raises it: a golden test has written it as that of
//! a diagnostic into an `expected.*`.

use std::collections::{BTreeMap, BTreeSet};

use super::syntax::{self, Word};
use super::tree::{File, Finding, Rust, Tree};

const PAGES: &str = "docs/codes/";
const CORPUS: &str = "corpus/";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut declared: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for (file, rust) in tree.rust().filter(|(file, _)| declares(file)) {
        for (code, line) in codes(rust) {
            declared.entry(code).or_insert_with(|| (file.path.clone(), line));
        }
    }
    let raised = raised(tree);
    let mut findings = Vec::new();
    for (code, (path, line)) in &declared {
        if !raised.contains(code.as_str()) {
            findings.push(Finding::new(
                path,
                *line,
                format!("{code} is raised by no example: no {CORPUS}**/expected.* shows it"),
            ));
        }
        if tree.file(&format!("{PAGES}{code}.md")).is_none() {
            findings.push(Finding::new(path, *line, format!("{code} has no page {PAGES}{code}.md")));
        }
    }
    for file in &tree.files {
        let Some(code) = file.path.strip_prefix(PAGES).and_then(|name| name.strip_suffix(".md")) else {
            continue;
        };
        if is_code(code) && !declared.contains_key(code) {
            let message = format!("{code} is declared in no codes.rs");
            findings.push(Finding::new(&file.path, 1, message));
        }
    }
    findings
}

fn declares(file: &File) -> bool {
    file.path.starts_with("crates/") && file.name() == "codes.rs"
}

/// The codes that golden tests have seen: as diagnostics are rendered, or as reasons in JSON.
fn raised(tree: &Tree) -> BTreeSet<&str> {
    let expected = tree.files.iter().filter(|file| file.path.starts_with(CORPUS) && file.name().starts_with("expected."));
    expected.flat_map(|file| file.text.lines()).filter_map(shown).filter(|code| is_code(code)).collect()
}

fn shown(line: &str) -> Option<&str> {
    const BEFORE: [&str; 3] = ["error[", "warning[", "\"code\": \""];
    let rest = BEFORE.iter().find_map(|before| line.trim_start().strip_prefix(before))?;
    rest.split([']', '"']).next()
}

/// The codes in the file's literals, up to its tests.
fn codes(rust: &Rust) -> Vec<(String, usize)> {
    const TESTS: [&str; 6] = ["#", "[", "cfg", "(", "test", ")"];
    let words = syntax::words(&rust.tokens);
    let opens_tests = |window: &[Word]| window.iter().map(|word| word.text.as_str()).eq(TESTS);
    let end = words.windows(TESTS.len()).position(opens_tests).unwrap_or(words.len());
    let mut found = Vec::new();
    for word in words.into_iter().take(end) {
        let literal = word.text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        if let Some(code) = literal.filter(|text| is_code(text)) {
            found.push((code.to_owned(), word.line));
        }
    }
    found
}

fn is_code(text: &str) -> bool {
    text.strip_prefix('H').is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "//! C.\nconst ALL: &[(&str, &str)] = &[\n  (\"H0101\", \"a\"),\n  (\"H0102\", \"b\"),\n];\n\
        #[cfg(test)]\nmod tests { const NONE: &str = \"H9999\"; }\n";

    fn check_files(files: &[(&str, &str)], expected: &[&str]) {
        let findings = check(&Tree::of(files));
        let seen: Vec<String> = findings.iter().map(|it| format!("{}:{} {}", it.path, it.line, it.message)).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn codes_and_pages_come_in_pairs() {
        let (table, one, two) = ("crates/policy/src/codes.rs", "docs/codes/H0101.md", "docs/codes/H0102.md");
        let raised = ("corpus/check/yaml/expected.txt", "error[H0101]: a\nerror[H0102]: b\n");
        check_files(&[(table, TABLE), (one, "# H0101"), (two, "# H0102"), raised], &[]);
        check_files(
            &[(table, TABLE), (one, "# H0101"), raised, ("docs/codes/README.md", "all")],
            &["crates/policy/src/codes.rs:4 H0102 has no page docs/codes/H0102.md"],
        );
        check_files(&[(one, "# H0101")], &["docs/codes/H0101.md:1 H0101 is declared in no codes.rs"]);
    }

    #[test]
    fn a_code_that_nothing_of_the_corpus_raises_has_no_example() {
        let (table, one, two) = ("crates/policy/src/codes.rs", "docs/codes/H0101.md", "docs/codes/H0102.md");
        let message = "H0102 is raised by no example: no corpus/**/expected.* shows it";
        let files = [
            (table, TABLE),
            (one, "# H0101"),
            (two, "# H0102"),
            ("corpus/packs/shop/1/expected.json", "{\n  \"code\": \"H0101\"\n}\n"),
            ("corpus/check/a/expected.txt", "error[H0605]: no such code\n6 |   reasons: [H0102]\n"),
            ("corpus/check/a/flows/one.yaml", "reasons: [H0102]\n"),
        ];
        check_files(&files, &[&format!("{table}:4 {message}")]);
    }

    #[test]
    fn a_code_elsewhere_is_a_use_and_no_declaration() {
        check_files(&[("crates/policy/src/check.rs", "fn f() { g(\"H0777\") }")], &[]);
        assert!(is_code("H0001") && !is_code("H001") && !is_code("H00011") && !is_code("X0001"));
    }
}
