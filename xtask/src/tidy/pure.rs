//! Rule `pure`: a decision is a function of its arguments. Files named `decide.rs`, what lies in a
//! folder `decide/`, and the engine's `rules` know no clock, no chance, no task and no outside.

use super::syntax::{self, Word};
use super::tree::{File, Finding, Tree};

const FORBIDDEN: &[(&str, &str)] = &[
    ("async", "decisions do not wait"),
    ("await", "decisions do not wait"),
    ("tokio", "decisions do not wait"),
    ("SystemTime", "time comes in by argument"),
    ("Instant", "time comes in by argument"),
    ("rand", "chance comes in as a seed"),
];

/// Modules of `std` that reach outside.
const OUTSIDE: &[&str] = &["env", "fs", "io", "net", "process", "thread"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, rust) in tree.rust().filter(|(file, _)| is_decision(file)) {
        let words = syntax::words(&rust.tokens);
        for (index, word) in words.iter().enumerate() {
            if let Some(why) = broken(&words, index) {
                let message = format!("`{}` in a pure file: {why}", word.text);
                findings.push(Finding::new(&file.path, word.line, message));
            }
        }
    }
    findings
}

fn is_decision(file: &File) -> bool {
    file.path.starts_with("crates/")
        && (file.name() == "decide.rs"
            || file.path.contains("/decide/")
            || file.path.starts_with("crates/engine/src/rules/"))
}

fn broken(words: &[Word], index: usize) -> Option<&'static str> {
    let text = words.get(index)?.text.as_str();
    if let Some((_, why)) = FORBIDDEN.iter().find(|(name, _)| *name == text) {
        return Some(why);
    }
    let (before, from) = (words.get(index.checked_sub(1)?)?, words.get(index.checked_sub(2)?)?);
    let from_std = before.text == "::" && from.text == "std";
    (from_std && OUTSIDE.contains(&text)).then_some("the outside comes in by argument")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_tasks_chance_and_the_outside_are_found_in_decisions_only() {
        let decide = "crates/engine/src/delivery/decide.rs";
        for (path, text, expected) in [
            (decide, "fn f(now: Timestamp) -> Batch { g(now) }", 0),
            (decide, "// async, await, tokio and Instant are words of a comment\n", 0),
            (decide, "async fn f() { g().await }", 2),
            (decide, "use tokio::time;", 1),
            (decide, "use std::time::{Duration, Instant};", 1),
            (decide, "fn f() { std::env::var(\"A\"); }", 1),
            (decide, "fn f() -> u8 { rand::random() }", 1),
            ("crates/engine/src/delivery/decide/lane.rs", "use std::time::SystemTime;", 1),
            ("crates/engine/src/rules/lane.rs", "use std::time::SystemTime;", 1),
            ("crates/engine/src/delivery/run.rs", "async fn f() { g().await }", 0),
        ] {
            assert_eq!(check(&Tree::of(&[(path, text)])).len(), expected, "{path} {text}");
        }
    }
}
