//! Rule `names`: no crate, folder, file or module is named after a drawer for odds and ends.

use syn::visit::{self, Visit};

use super::tree::{Finding, Tree};

const DRAWERS: &[&str] = &[
    "base",
    "common",
    "core",
    "handler",
    "handlers",
    "helper",
    "helpers",
    "manager",
    "managers",
    "misc",
    "processor",
    "processors",
    "util",
    "utils",
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, rust) in tree.rust() {
        let stem = file.path.strip_suffix(".rs").unwrap_or(&file.path);
        for part in stem.split('/').filter(|part| DRAWERS.contains(part)) {
            findings.push(Finding::new(&file.path, 1, message(part)));
        }
        let mut modules = Modules { path: &file.path, findings: Vec::new() };
        modules.visit_file(&rust.items);
        findings.extend(modules.findings);
    }
    findings
}

fn message(name: &str) -> String {
    format!("`{name}` says nothing: name it after what it holds")
}

struct Modules<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl<'ast> Visit<'ast> for Modules<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        // `mod x;` is found by its file.
        if item.content.is_some() && DRAWERS.contains(&name.as_str()) {
            let line = item.ident.span().start().line;
            self.findings.push(Finding::new(self.path, line, message(&name)));
        }
        visit::visit_item_mod(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawers_are_found_as_folder_file_and_module() {
        for (path, text, expected) in [
            ("crates/model/src/event.rs", "//! E.", 0),
            ("crates/core/src/lib.rs", "//! C.", 1),
            ("crates/model/src/util.rs", "//! U.", 1),
            ("crates/server/src/handlers/a.rs", "//! H.", 1),
            ("crates/model/src/base64.rs", "//! B.", 0),
            ("crates/model/src/a.rs", "//! A.\nmod helpers { fn a() {} }", 1),
            ("crates/model/src/a.rs", "//! A.\nmod inner { mod misc {} }", 1),
            ("docs/guide/common/a.md", "text", 0),
        ] {
            assert_eq!(check(&Tree::of(&[(path, text)])).len(), expected, "{path} {text}");
        }
    }
}
