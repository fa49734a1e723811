//! Rule `traits`: an interface between parts is a port, and all ports are in one file.
//!
//! An exemption names file and trait, and says which real implementations there are. STYLE.md
//! repeats the list for readers.

use syn::visit::{self, Visit};

use super::tree::{Finding, Tree};

const PORTS: &str = "crates/engine/src/ports.rs";

#[derive(Clone, Copy, Debug)]
struct Exempt {
    path: &'static str,
    name: &'static str,
    reason: &'static str,
}

const EXEMPT: &[Exempt] = &[];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    check_with(tree, EXEMPT)
}

fn check_with(tree: &Tree, exempt: &[Exempt]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, rust) in tree.rust().filter(|(file, _)| file.path != PORTS) {
        let mut traits = Traits { path: &file.path, found: Vec::new() };
        traits.visit_file(&rust.items);
        found.extend(traits.found);
    }
    let mut findings = Vec::new();
    for (path, line, name) in &found {
        if !exempt.iter().any(|it| it.path == path && it.name == name) {
            let message = format!("trait `{name}` outside {PORTS}; is there a second real implementation?");
            findings.push(Finding::new(path, *line, message));
        }
    }
    for Exempt { path, name, reason } in exempt {
        if !found.iter().any(|(place, _, known)| place == path && known == name) {
            let message = format!("the exemption of trait `{name}` ({reason}) is no longer needed");
            findings.push(Finding::new(path, 1, message));
        }
    }
    findings
}

struct Traits<'a> {
    path: &'a str,
    found: Vec<(String, usize, String)>,
}

impl<'ast> Visit<'ast> for Traits<'_> {
    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let line = item.ident.span().start().line;
        self.found.push((self.path.to_owned(), line, item.ident.to_string()));
        visit::visit_item_trait(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traits_live_with_the_ports_or_are_listed() {
        let listed = [Exempt { path: "crates/sim/src/a.rs", name: "Fate", reason: "two fates" }];
        for (path, text, exempt, expected) in [
            (PORTS, "pub trait Journal {}", &[][..], 0),
            ("crates/model/src/a.rs", "\ntrait Named {}", &[], 1),
            ("crates/model/src/a.rs", "fn f() { trait Inner {} }", &[], 1),
            ("crates/sim/src/a.rs", "trait Fate {}", &listed, 0),
            ("crates/sim/src/a.rs", "trait Other {}", &listed, 2),
            ("crates/sim/src/a.rs", "struct Fate;", &listed, 1),
        ] {
            let findings = check_with(&Tree::of(&[(path, text)]), exempt);
            assert_eq!(findings.len(), expected, "{path} {text}: {findings:#?}");
        }
    }
}
