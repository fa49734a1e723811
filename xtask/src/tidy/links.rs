//! Rule `links`: a relative link in a Markdown file, and a path named in ARCHITECTURE.md, exist.

use super::tree::{Finding, Tree};

const MAP: &str = "ARCHITECTURE.md";

/// A mention that ends like this is a file, wherever it starts.
const FILE_ENDS: &[&str] = &[".rs", ".toml", ".md", ".sql", ".sh", ".yaml"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let documents = tree.files.iter().filter(|file| file.has_extension("md"));
    for file in documents.filter(|file| !file.path.starts_with("corpus/")) {
        for (line, text) in prose(&file.text) {
            let missing = |target: &&str| !exists(tree, &resolved(&file.path, target));
            for target in links(&without_code(text)).into_iter().filter(missing) {
                findings.push(Finding::new(&file.path, line, format!("`{target}` does not exist")));
            }
            if file.path != MAP {
                continue;
            }
            for mention in code_spans(text).into_iter().filter(|it| !is_there(tree, it)) {
                findings.push(Finding::new(&file.path, line, format!("`{mention}` does not exist")));
            }
        }
    }
    findings
}

/// Numbered lines outside fenced blocks.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut in_fence = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        } else if !in_fence {
            lines.push((index + 1, line));
        }
    }
    lines
}

/// The targets of `[text](target)` and `[name]: target` that are files of ours.
fn links(line: &str) -> Vec<&str> {
    let mut targets: Vec<&str> = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()).collect();
    if line.starts_with('[')
        && let Some((_, target)) = line.split_once("]: ")
    {
        targets.push(target.trim());
    }
    let bare = |target: &str| target.split('#').next().is_some_and(|path| !path.is_empty());
    targets.retain(|target| bare(target) && !target.contains(':') && !target.starts_with('/'));
    targets.into_iter().filter_map(|target| target.split('#').next()).collect()
}

/// The line with its code spans taken out.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

fn code_spans(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// The target seen from the root.
fn resolved(document: &str, target: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn exists(tree: &Tree, path: &str) -> bool {
    let folder = format!("{path}/");
    path.is_empty() || tree.files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
}

/// Whether a code span names no path at all, or one that exists. A path may be written from the
/// root, from a crate (`engine/ports.rs`, `engine/src/ports.rs`), or as the bare name of a file.
fn is_there(tree: &Tree, span: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-/".contains(letter);
    let path = span.trim_end_matches('/');
    if path.is_empty() || span.starts_with(['/', '.']) || !span.chars().all(plain) {
        return true;
    }
    let is_file = FILE_ENDS.iter().any(|end| path.ends_with(end));
    let Some((first, rest)) = path.split_once('/') else {
        let tail = format!("/{path}");
        return !is_file || exists(tree, path) || tree.files.iter().any(|it| it.path.ends_with(&tail));
    };
    let of_crate = exists(tree, &format!("crates/{first}"));
    if !is_file && !of_crate && !exists(tree, first) {
        return true;
    }
    exists(tree, path) || exists(tree, &format!("crates/{path}")) || exists(tree, &format!("crates/{first}/src/{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: (&str, &str) = ("crates/engine/src/ports.rs", "//! P.");

    #[test]
    fn relative_links_lead_somewhere() {
        let exists = ("docs/guide/a.md", "text");
        for (path, text, expected) in [
            ("README.md", "[a](docs/guide/a.md) [b](docs/guide/) [c](./docs/guide/a.md#top)", 0),
            ("README.md", "[a](docs/guide/b.md)", 1),
            ("docs/codes/H0001.md", "[a](../guide/a.md) [b](../guide/c.md)", 1),
            ("README.md", "[a](https://example.com) [b](#top) [c](/docs/x)", 0),
            ("README.md", "`[a](nowhere.md)`\n```\n[a](nowhere.md)\n```", 0),
            ("README.md", "[a]: docs/guide/z.md", 1),
        ] {
            let tree = Tree::of(&[exists, (path, text)]);
            assert_eq!(check(&tree).len(), expected, "{path} {text}: {:#?}", check(&tree));
        }
    }

    #[test]
    fn the_map_names_only_what_exists() {
        for (text, expected) in [
            ("`crates/engine/src/ports.rs`, `engine/ports.rs`, `engine/src/ports.rs`, `ports.rs`", 0),
            ("`crates/engine/` and `crates/`", 0),
            ("`crates/engine/src/gone.rs`", 1),
            ("`gone.rs` and `engine/gone`", 2),
            ("`/in/{source}`, `202/409`, `POST /in`, `Ledger::commit`, `a/*.rs`, `and/or`", 0),
        ] {
            let tree = Tree::of(&[PORTS, (MAP, text)]);
            assert_eq!(check(&tree).len(), expected, "{text}: {:#?}", check(&tree));
        }
        assert!(check(&Tree::of(&[PORTS, ("README.md", "`crates/gone.rs`")])).is_empty());
    }
}
