//! `cargo xtask tidy`: the rules of STYLE.md that the compiler and clippy do not know.
//!
//! A rule is a function from the tree of files to findings. It never reads the disk or runs a
//! program itself, so each is tested on a few files written down in its own test.

mod blobs;
mod codes;
mod edges;
mod lengths;
mod links;
mod marks;
mod names;
mod opening;
mod orphans;
mod paths;
mod pure;
mod ratchet;
mod rooms;
mod syntax;
mod traits;
mod tree;
mod unnamed;

use std::time::Instant;

use crate::args;
use crate::exit::Stop;
use crate::{exit, process};
use tree::{Finding, Tree};

struct Rule {
    name: &'static str,
    says: &'static str,
    check: fn(&Tree) -> Vec<Finding>,
}

const RULES: &[Rule] = &[
    Rule { name: "syntax", says: "every Rust file can be parsed", check: syntax::check },
    Rule { name: "unnamed", says: "every Rust file is compiled: a module names it", check: unnamed::check },
    Rule { name: "edges", says: "crates depend on each other only as the table allows", check: edges::check },
    Rule { name: "opening", says: "every Rust file opens with `//!`", check: opening::check },
    Rule { name: "lengths", says: "files, functions and parameter lists stay short, with a ratchet", check: lengths::check },
    Rule { name: "names", says: "no module is named after a drawer", check: names::check },
    Rule { name: "traits", says: "traits live in the file of ports", check: traits::check },
    Rule { name: "rooms", says: "a room of the engine does not use another room", check: rooms::check },
    Rule { name: "pure", says: "decisions have no clock, no await, no chance", check: pure::check },
    Rule {
        name: "codes",
        says: "every diagnostic code has a page and an example, and every page a code",
        check: codes::check,
    },
    Rule { name: "marks", says: "what is left to do names its issue", check: marks::check },
    Rule { name: "paths", says: "no path of one machine in a file for all", check: paths::check },
    Rule { name: "blobs", says: "no large file outside corpus/", check: blobs::check },
    Rule { name: "orphans", says: "every file of the corpus is read by a test", check: orphans::check },
    Rule { name: "links", says: "what the documents point at exists", check: links::check },
];

pub(crate) fn run(given: &[String]) -> Result<u8, Stop> {
    let flags = args::read(given, &["--list", "--ratchet"])?;
    if flags.contains(&"--list") {
        for rule in RULES {
            println!("{:<8} {}", rule.name, rule.says);
        }
        return Ok(exit::DONE);
    }
    if flags.contains(&"--ratchet") {
        println!("{}", ratchet::lower(&process::root())?);
    }
    match report()? {
        0 => Ok(exit::DONE),
        _ => Ok(exit::FINDINGS),
    }
}

/// `tidy` as a step of `check` and `test`.
pub(crate) fn step() -> Result<(), String> {
    match report()? {
        0 => Ok(()),
        count => Err(format!("{count} findings")),
    }
}

fn report() -> Result<usize, String> {
    let start = Instant::now();
    let tree = Tree::read(&process::root())?;
    let findings = findings(&tree);
    for line in &findings {
        println!("{line}");
    }
    println!(
        "tidy: {} rules, {} files in {} ms: {} findings",
        RULES.len(),
        tree.files.len(),
        start.elapsed().as_millis(),
        findings.len()
    );
    Ok(findings.len())
}

/// All findings of all rules, by rule and then by place.
fn findings(tree: &Tree) -> Vec<String> {
    let mut lines = Vec::new();
    for rule in RULES {
        let mut found = (rule.check)(tree);
        found.sort();
        lines.extend(found.iter().map(|finding| finding.line(rule.name)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_rule_file_line_and_reason() {
        let tree = Tree::of(&[("crates/model/src/lib.rs", "pub fn f() {}\n")]);
        let lines = findings(&tree);
        assert!(lines.iter().any(|line| line.starts_with("tidy: opening: crates/model/src/lib.rs:1: ")), "{lines:#?}");
    }

    #[test]
    fn this_checkout_keeps_every_rule() {
        let tree = Tree::read(&process::root()).expect("the checkout can be read");
        let lines = findings(&tree);
        assert!(lines.is_empty(), "{} findings:\n{}", lines.len(), lines.join("\n"));
    }
}
