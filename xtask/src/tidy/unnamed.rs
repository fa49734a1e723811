//! Rule `unnamed`: a Rust file that no module names is not compiled, so nothing in it is true or false. Crate roots need no name.

use std::collections::BTreeSet;

use super::tree::{Finding, Tree};

/// Folders whose own files are roots: of tests, of programs.
const OF_ROOTS: &[&str] = &["tests", "bin", "benches", "examples"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let named: BTreeSet<(&str, String)> =
        tree.rust().flat_map(|(file, rust)| names(&rust.items).into_iter().map(|name| (file.path.as_str(), name))).collect();
    let is_named = |path: &str| {
        let (folder, name) = place(path);
        let is_in = |owner: &str| named.contains(&(owner, name.to_owned()));
        owners(folder).iter().any(|owner| is_in(owner)) || roots_beside(tree, folder).any(is_in)
    };
    tree.rust()
        .filter(|(file, _)| !is_root(&file.path) && !is_named(&file.path))
        .map(|(file, _)| Finding::new(&file.path, 1, "no module names this file, so it is not compiled"))
        .collect()
}

/// The modules that a file names and does not hold itself.
fn names(items: &syn::File) -> Vec<String> {
    let modules = items.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) if module.content.is_none() => Some(module.ident.to_string()),
        _ => None,
    });
    modules.collect()
}

/// The folder that a module's owner is in or beside, and the module's name.
fn place(path: &str) -> (&str, &str) {
    let module = path.strip_suffix("/mod.rs").or_else(|| path.strip_suffix(".rs")).unwrap_or(path);
    module.rsplit_once('/').unwrap_or(("", module))
}

/// The files that may name the modules of a folder.
fn owners(folder: &str) -> [String; 4] {
    [format!("{folder}/mod.rs"), format!("{folder}/lib.rs"), format!("{folder}/main.rs"), format!("{folder}.rs")]
}

/// Roots in the folder itself.
fn roots_beside<'a>(tree: &'a Tree, folder: &'a str) -> impl Iterator<Item = &'a str> {
    let paths = tree.files.iter().map(|file| file.path.as_str());
    paths.filter(move |path| is_root(path) && place(path).0 == folder)
}

fn is_root(path: &str) -> bool {
    let (folder, name) = place(path);
    let holder = folder.rsplit('/').next().unwrap_or_default();
    match name {
        "lib" => holder == "src",
        // A folder of its own below `tests` or `bin` is a root with modules.
        "main" => true,
        "build" => !folder.ends_with("src"),
        _ => OF_ROOTS.contains(&holder) && !path.ends_with("/mod.rs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_module_names_is_found() {
        let tree = Tree::of(&[
            ("crates/a/src/lib.rs", "mod b;\nmod c;\nmod held { fn f() {} }"),
            ("crates/a/src/b.rs", "mod d;"),
            ("crates/a/src/b/d.rs", ""),
            ("crates/a/src/c/mod.rs", "pub mod e;"),
            ("crates/a/src/c/e.rs", ""),
            ("crates/a/src/c/left.rs", ""),
            ("crates/a/src/held.rs", ""),
            ("crates/a/build.rs", ""),
            ("crates/a/src/bin/run.rs", ""),
            ("crates/a/tests/one.rs", "mod shared;"),
            ("crates/a/tests/shared/mod.rs", ""),
            ("crates/a/tests/two/main.rs", "mod part;"),
            ("crates/a/tests/two/part.rs", ""),
            ("crates/a/tests/two/copy.rs", ""),
        ]);
        let seen: Vec<String> = check(&tree).into_iter().map(|finding| finding.path).collect();
        assert_eq!(seen, ["crates/a/src/c/left.rs", "crates/a/src/held.rs", "crates/a/tests/two/copy.rs"]);
    }
}
