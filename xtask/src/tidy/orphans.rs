//! Rule `orphans`: a file of the corpus that nothing reads proves nothing. Either a folder around it has what is expected of
//! it (`expected.txt`, `expected.json`), which the golden tests read folder by folder, or a Rust file names it.

use std::collections::BTreeSet;

use super::tree::{File, Finding, Tree};

const CORPUS: &str = "corpus/";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let corpus = || tree.files.iter().filter(|file| file.path.starts_with(CORPUS));
    let expects = |file: &&File| file.name().starts_with("expected.");
    let cases: BTreeSet<&str> = corpus().filter(expects).filter_map(|file| folder(&file.path)).collect();
    let is_named = |file: &File| tree.rust().any(|(rust, _)| rust.text.contains(file.name()));
    corpus()
        .filter(|file| !around(&file.path).any(|folder| cases.contains(folder)) && !is_named(file))
        .map(|file| Finding::new(&file.path, 1, "no folder around it has an expected.*, and no Rust file names it"))
        .collect()
}

fn folder(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(folder, _)| folder)
}

/// The folders around a file, the nearest first.
fn around(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(folder(path), |inner| folder(inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_reads_is_an_orphan() {
        let tree = Tree::of(&[
            ("corpus/check/case/expected.txt", "x"),
            ("corpus/check/case/flows/one.yaml", "x"),
            ("corpus/check/left/flows/two.yaml", "x"),
            ("corpus/formats/named.json", "x"),
            ("corpus/formats/forgotten.json", "x"),
            ("crates/formats/tests/vectors.rs", "//! V.\nconst FILE: &str = \"named.json\";"),
        ]);
        let seen: Vec<String> = check(&tree).into_iter().map(|finding| finding.path).collect();
        assert_eq!(seen, ["corpus/check/left/flows/two.yaml", "corpus/formats/forgotten.json"]);
    }
}
