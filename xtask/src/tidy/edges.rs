//! Rule `edges`: which crate may depend on which. The table is the architecture; a new edge or a
//! new crate changes it together with a page in docs/decisions/.

use super::tree::{File, Finding, Tree};

/// What a crate of `crates/` may depend on, among the others of `crates/`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("formats", &[]),
    ("model", &["formats"]),
    ("policy", &["model", "formats"]),
    ("engine", &["model", "formats", "policy"]),
    ("backends", &["model", "formats", "engine"]),
    ("adapters", &["model", "formats", "engine"]),
    ("console", &["model", "engine"]),
    ("server", &["model", "formats", "policy", "engine", "backends", "adapters", "console"]),
    ("sim", &["model", "formats", "policy", "engine", "backends", "adapters"]),
    ("cli", &["model", "formats", "policy", "engine", "backends", "adapters", "console", "server", "sim"]),
];

/// Build dependencies are edges like any other, and so are test dependencies but for those of [`TESTED_WITH`].
const TABLES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// Test dependencies against the direction: the engine's loops are tested over the store that is the ports' reference.
const TESTED_WITH: &[(&str, &str)] = &[("engine", "backends")];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let workspace = tree.file("Cargo.toml").and_then(|file| file.text.parse::<toml::Table>().ok());
    let mut findings = Vec::new();
    for file in &tree.files {
        let Some(name) = crate_of(&file.path) else {
            continue;
        };
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            let message = format!("crate `{name}` has no line in the table of edges");
            findings.push(Finding::new(&file.path, 1, message));
            continue;
        };
        let manifest = match file.text.parse::<toml::Table>() {
            Ok(manifest) => manifest,
            Err(error) => {
                findings.push(Finding::new(&file.path, 1, format!("not TOML: {}", error.message())));
                continue;
            }
        };
        for (table, key, target) in targets(&manifest, workspace.as_ref()) {
            let tested = table == "dev-dependencies" && TESTED_WITH.contains(&(name, target.as_str()));
            if target != name && !tested && !allowed.contains(&target.as_str()) {
                let message = format!("`{name}` may not depend on `{target}`");
                findings.push(Finding::new(&file.path, line_of(file, &key), message));
            }
        }
    }
    findings
}

/// `crates/<name>/Cargo.toml` gives the name.
fn crate_of(path: &str) -> Option<&str> {
    path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml").filter(|name| !name.contains('/'))
}

/// Dependencies that are crates of ours: the table, the key in the manifest, and the folder's name.
fn targets(manifest: &toml::Table, workspace: Option<&toml::Table>) -> Vec<(&'static str, String, String)> {
    let mut sections = vec![manifest];
    if let Some(platforms) = manifest.get("target").and_then(toml::Value::as_table) {
        sections.extend(platforms.values().filter_map(toml::Value::as_table));
    }
    let mut found = Vec::new();
    for section in sections {
        for (name, table) in TABLES.iter().filter_map(|name| Some((*name, section.get(*name)?.as_table()?))) {
            for (key, value) in table {
                found.extend(ours(key, value, workspace).map(|target| (name, key.clone(), target)));
            }
        }
    }
    found
}

fn ours(key: &str, value: &toml::Value, workspace: Option<&toml::Table>) -> Option<String> {
    let inherited = value.get("workspace").and_then(toml::Value::as_bool).unwrap_or(false);
    let shared = workspace.and_then(|root| root.get("workspace")?.get("dependencies")?.get(key));
    let value = if inherited { shared.unwrap_or(value) } else { value };
    let text = |name: &str| value.get(name).and_then(toml::Value::as_str);
    let package = text("package").unwrap_or(key).strip_prefix("crossdock-");
    let folder = text("path").and_then(|path| path.rsplit('/').next());
    folder.or(package).map(str::to_owned)
}

fn line_of(file: &File, key: &str) -> usize {
    let opens = |line: &str| line.trim_start().strip_prefix(key).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    file.text.lines().position(opens).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str = "[workspace.dependencies]\n\
        engine = { path = \"crates/engine\", package = \"crossdock-engine\" }\n\
        serde = \"1\"\n";

    fn check_manifest(path: &str, text: &str, expected: &[(usize, &str)]) {
        let findings = check(&Tree::of(&[("Cargo.toml", WORKSPACE), (path, text)]));
        let seen: Vec<(usize, &str)> = findings.iter().map(|finding| (finding.line, finding.message.as_str())).collect();
        assert_eq!(seen, expected, "{path}\n{text}");
    }

    #[test]
    fn only_the_edges_of_the_table_pass() {
        let engine = "[dependencies]\nserde.workspace = true\nengine.workspace = true\n";
        check_manifest("crates/server/Cargo.toml", engine, &[]);
        check_manifest("crates/model/Cargo.toml", engine, &[(3, "`model` may not depend on `engine`")]);
        check_manifest(
            "crates/policy/Cargo.toml",
            "[dev-dependencies]\nengine = { path = \"../engine\" }\n",
            &[(2, "`policy` may not depend on `engine`")],
        );
        check_manifest(
            "crates/server/Cargo.toml",
            "[target.'cfg(unix)'.dependencies]\ncrossdock-sim = \"0.1\"\n",
            &[(2, "`server` may not depend on `sim`")],
        );
    }

    #[test]
    fn a_crate_outside_the_table_is_found_and_one_outside_crates_is_free() {
        let text = "[dependencies]\nengine.workspace = true\n";
        check_manifest("crates/plugins/Cargo.toml", text, &[(1, "crate `plugins` has no line in the table of edges")]);
        check_manifest("bench/Cargo.toml", text, &[]);
    }

    #[test]
    fn the_table_has_no_cycle() {
        for (index, (name, allowed)) in ALLOWED.iter().enumerate() {
            for target in *allowed {
                let place = ALLOWED.iter().position(|(known, _)| known == target);
                assert!(place.is_some_and(|place| place < index), "{name} before {target}");
            }
        }
    }
}
