//! Rule `rooms`: what rooms of the engine tell each other goes through journal and ledger. None
//! names another; what two of them need is a noun under `rules` or in the model.

use super::syntax::{self, Word};
use super::tree::{Finding, Tree};

const ENGINE: &str = "crates/engine/src/";

/// `observe` is no room in this sense: every room tells it facts, and it tells none.
const ROOMS: &[&str] = &[
    "assist",
    "case",
    "change",
    "delivery",
    "exception",
    "gateway",
    "intake",
    "process",
    "reconcile",
    "replay",
    "retention",
    "routing",
    "switch",
    "watch",
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, rust) in tree.rust() {
        let Some(inner) = file.path.strip_prefix(ENGINE) else {
            continue;
        };
        let parts = module_path(inner);
        let Some(room) = parts.first().filter(|part| ROOMS.contains(part)) else {
            continue;
        };
        for used in from_root(&syntax::words(&rust.tokens), parts.len()) {
            if used.text != *room && ROOMS.contains(&used.text.as_str()) {
                let message = format!("room `{room}` uses room `{}`", used.text);
                findings.push(Finding::new(&file.path, used.line, message));
            }
        }
    }
    findings
}

/// `delivery/decide.rs` is the module `delivery::decide`, `delivery/mod.rs` is `delivery`.
fn module_path(inner: &str) -> Vec<&str> {
    let stem = inner.strip_suffix(".rs").unwrap_or(inner);
    stem.strip_suffix("/mod").unwrap_or(stem).split('/').collect()
}

/// The first names after `crate::`, or after as many `super::` as lead to the root of the crate.
fn from_root(words: &[Word], file_depth: usize) -> Vec<&Word> {
    let text = |index: usize| words.get(index).map_or("", |word| word.text.as_str());
    let mut found = Vec::new();
    let mut braces = Vec::new();
    let mut index = 0;
    while index < words.len() {
        match text(index) {
            "{" => braces.push(index >= 2 && text(index - 2) == "mod"),
            "}" => {
                braces.pop();
            }
            "crate" if text(index + 1) == "::" => found.extend(heads(words, index + 2)),
            "super" => {
                let mut ups = 1;
                while text(index + 1) == "::" && text(index + 2) == "super" {
                    ups += 1;
                    index += 2;
                }
                let depth = file_depth + braces.iter().filter(|is_module| **is_module).count();
                if ups == depth && text(index + 1) == "::" {
                    found.extend(heads(words, index + 2));
                }
            }
            _ => {}
        }
        index += 1;
    }
    found
}

/// The name at a place, or each name of the group `{a::x, b}` that opens there.
fn heads(words: &[Word], start: usize) -> Vec<&Word> {
    let Some(rest) = words.get(start..) else {
        return Vec::new();
    };
    if rest.first().is_none_or(|word| word.text != "{") {
        return rest.first().into_iter().collect();
    }
    let mut found = Vec::new();
    let mut depth = 0_usize;
    for pair in rest.windows(2) {
        let [word, next] = pair else { break };
        match word.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && (word.text == "," || word.text == "{") {
            found.push(next);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_room(path: &str, text: &str, expected: &[(usize, &str)]) {
        let findings = check(&Tree::of(&[(path, text)]));
        let seen: Vec<(usize, &str)> = findings.iter().map(|finding| (finding.line, finding.message.as_str())).collect();
        assert_eq!(seen, expected, "{path}\n{text}");
    }

    #[test]
    fn a_room_uses_itself_and_what_is_no_room() {
        let path = "crates/engine/src/delivery/run.rs";
        check_room(path, "use crate::delivery::decide;\nuse crate::{ports::Ledger, rules, book};", &[]);
        check_room(path, "use super::decide;\nuse model::delivery::State;", &[]);
        check_room(path, "/// Not [`crate::routing`].\nfn a() {} // crate::routing", &[]);
        check_room("crates/engine/src/lib.rs", "pub use crate::routing::route;", &[]);
        check_room("crates/engine/src/rules/lane.rs", "use crate::routing::route;", &[]);
        check_room("crates/server/src/delivery/a.rs", "use crate::routing::route;", &[]);
    }

    #[test]
    fn another_room_is_found_however_it_is_written() {
        let path = "crates/engine/src/delivery/run.rs";
        let uses_routing = "room `delivery` uses room `routing`";
        check_room(path, "use crate::routing;", &[(1, uses_routing)]);
        check_room(path, "use crate::{\n  ports::{A, B},\n  routing::{route, x},\n};", &[(3, uses_routing)]);
        check_room(path, "fn a() {\n    crate::routing::route()\n}", &[(2, uses_routing)]);
        check_room(path, "fn a() { assert_eq!(crate::routing::f(), 1); }", &[(1, uses_routing)]);
        check_room(path, "use super::super::routing::route;", &[(1, uses_routing)]);
        check_room(
            path,
            "mod tests { use super::super::super::{intake, routing}; }",
            &[(1, "room `delivery` uses room `intake`"), (1, uses_routing)],
        );
        check_room(
            "crates/engine/src/switch/run.rs",
            "use crate::routing::route;",
            &[(1, "room `switch` uses room `routing`")],
        );
        check_room("crates/engine/src/delivery.rs", "use super::routing::route;", &[(1, uses_routing)]);
        check_room("crates/engine/src/delivery/mod.rs", "use super::routing::route;", &[(1, uses_routing)]);
    }
}
