//! Rule `blobs`: a large file is kept by every clone for ever, so it has to be in `corpus/`.

use super::tree::{Finding, Tree};

const BYTES_MAX: u64 = 512 * 1024;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| !file.path.starts_with("corpus/")) {
        if file.size_bytes > BYTES_MAX {
            let kib = file.size_bytes / 1024;
            let message = format!("{kib} KiB, {} at most outside corpus/", BYTES_MAX / 1024);
            findings.push(Finding::new(&file.path, 1, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_belongs_to_the_corpus() {
        let (at, above) = ("x".repeat(512 * 1024), "x".repeat(513 * 1024));
        let tree = Tree::of(&[("a.bin", &at), ("b.bin", &above), ("corpus/c.bin", &above)]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert_eq!(findings[0].message, "513 KiB, 512 at most outside corpus/");
    }
}
