//! Reference pages against what they describe: two are made from the sources (UPDATE=1 writes them), the others must name
//! everything that there is.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use server::http::problem::kinds;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A page that is made from something else is as that is now.
#[expect(clippy::disallowed_methods, reason = "UPDATE=1 accepts what comes out")]
fn is_fresh(path: &str, expected: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(root().join(path), expected).unwrap();
    }
    assert!(read(path) == expected, "{path} is not what it is made from: UPDATE=1 cargo test -p crossdock-cli --test guide");
}

/// What stands between quotes or other marks after each occurrence of a text.
fn after<'t>(text: &'t str, begin: &str, end: char) -> Vec<&'t str> {
    text.split(begin).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

/// The short help of a verb: what is its own, and what every verb has.
fn help(verb: &[String]) -> (String, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_crossdock"));
    let done = process.args(verb).arg("-h").env_clear().output().unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    let (own, every) = text.split_once("\nOptions of every verb:\n").unwrap_or_else(|| panic!("{verb:?}: {text}"));
    (own.trim_end().to_owned(), every.trim_end().to_owned())
}

#[test]
fn limits_are_those_of_the_model() {
    let source = read("crates/model/src/limit.rs");
    let mut rows = Vec::new();
    let mut why = Vec::new();
    for line in source.lines() {
        if let Some(text) = line.strip_prefix("/// ") {
            why.push(text.trim_start_matches("LIMIT: "));
        } else if let Some((name, rest)) = line.strip_prefix("pub const ").and_then(|rest| rest.split_once(": ")) {
            let value = rest.split_once(" = ").unwrap().1.trim_end_matches(';');
            rows.push(format!("| `{name}` | {} | {} |", value_of(value, &source), why.join(" ").trim_end_matches('.')));
            why.clear();
        } else {
            why.clear();
        }
    }
    assert!(rows.len() > 40, "the file of limits is written in another way: {rows:?}");
    let head = "# Limits\n\nEverything has a limit, and each has its reason. Made from `crates/model/src/limit.rs`. What a source or destination may be \
        given less of is in\n[project files](project-files.md).\n\n| limit | value | what, and why |\n|---|---|---|\n";
    is_fresh("docs/guide/reference/limits.md", &format!("{head}{}\n", rows.join("\n")));
}

/// The constant expressions of that file: products, spans, and other limits.
fn value_of(text: &str, source: &str) -> String {
    if let Some((unit, number)) = text.strip_prefix("Span::from_").and_then(|rest| rest.split_once('(')) {
        return format!("{} {}", number.trim_end_matches(')'), if unit == "secs" { "s" } else { unit });
    }
    if text.starts_with(|c: char| c.is_ascii_uppercase()) {
        let other = after(source, &format!("pub const {text}: usize = "), ';');
        return value_of(other[0], source);
    }
    let factors = text.split(" * ").map(|factor| factor.replace('_', "").parse::<u64>().unwrap());
    let value: u64 = factors.product();
    match value {
        _ if value.is_multiple_of(1024 * 1024) => format!("{} Mi", value / 1024 / 1024),
        _ if value.is_multiple_of(1024) => format!("{} Ki", value / 1024),
        _ => value.to_string(),
    }
}

#[test]
fn codes_are_those_of_the_pages() {
    let mut pages: Vec<PathBuf> =
        std::fs::read_dir(root().join("docs/codes")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    let mut text = "# Codes\n\nEverything that is wrong in a project or a message has a code. `crossdock explain H0312` shows its page. Made from \
        `docs/codes`;\nthe codes of HTTP are in [answers of HTTP](http-answers.md).\n"
        .to_owned();
    let kinds = [
        ("H01", "Project files as text"),
        ("H02", "Keys and values of a project file"),
        ("H03", "Expressions and mappings"),
        ("H04", "Contracts"),
        ("H05", "Objects and their names"),
        ("H06", "Tests"),
        ("H07", "Messages against their contract"),
        ("H08", "A mapping at work"),
        ("H09", "Intake"),
        ("H10", "An Odoo that is connected"),
    ];
    let mut of = "";
    for page in pages {
        let name = page.file_stem().unwrap().to_str().unwrap().to_owned();
        let (kind, about) = kinds.iter().find(|(kind, _)| name.starts_with(kind)).expect("a hundred has its name here");
        if *kind != of {
            write!(text, "\n## {kind}xx: {about}\n\n| code | means |\n|---|---|\n").unwrap();
            of = kind;
        }
        let first = std::fs::read_to_string(&page).unwrap().lines().next().unwrap_or_default().to_owned();
        let title = first.strip_prefix(&format!("# {name}: ")).unwrap_or_else(|| panic!("{name}: {first}")).to_owned();
        writeln!(text, "| [{name}](../../codes/{name}.md) | {title} |").unwrap();
    }
    is_fresh("docs/guide/reference/codes.md", &text);
}

#[test]
fn every_problem_of_http_has_its_line() {
    let page = read("docs/guide/reference/http-answers.md");
    let refusals = model::RefusalKind::ALL.iter().map(|kind| (kind.status(), kind.code()));
    for (status, code) in refusals.chain(kinds::ALL.iter().map(|kind| (kind.status, kind.code))) {
        let is_its = |line: &&str| line.starts_with(&format!("| {status} | `{code}` | "));
        assert!(page.lines().any(|line| is_its(&line)), "{code} ({status}) has no line in http-answers.md");
    }
}

#[test]
fn every_setting_and_variable_has_its_line() {
    let page = read("docs/guide/reference/settings.md");
    let source = read("crates/server/src/settings.rs");
    let file = after(&source, "pub struct File {", '}')[0];
    let keys = after(file, "pub ", ':');
    assert!(keys.len() > 8, "{keys:?}");
    for key in keys {
        assert!(page.contains(&format!("| `{key}` | ")), "the key {key}");
    }
    let texts =
        [source, read("crates/server/src/logs.rs"), read("crates/cli/src/args.rs"), read("crates/cli/src/client.rs")];
    for name in texts.iter().flat_map(|text| after(text, "\"CROSSDOCK_", '"')).filter(|name| !name.is_empty()) {
        assert!(page.contains(&format!("`CROSSDOCK_{name}`")), "the variable CROSSDOCK_{name}");
    }
}

#[test]
fn verbs_are_those_of_the_help() {
    let overview = read("docs/guide/reference/command-line.md");
    let mut text = "# Verbs\n\nWhat `crossdock VERB -h` shows; `--help` says more. Made from the program. How verbs behave is in [command \
        line](command-line.md).\n"
        .to_owned();
    let mut verbs: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(verb) = verbs.pop() {
        let (own, every) = help(&verb);
        let is_list =
            |line: &&str| line.starts_with("  ") && !line.starts_with("   ") && !line.trim_start().starts_with('-');
        if verb.is_empty() || own.contains("\nCommands:\n") {
            let lines = own.lines().filter(is_list).filter_map(|line| line.split_whitespace().next());
            let below = lines
                .filter(|name| !["help", "exit-codes"].contains(name))
                .map(|name| [&verb[..], &[name.to_owned()]].concat());
            let mut below: Vec<Vec<String>> = below.collect();
            below.reverse();
            verbs.extend(below);
        }
        match verb.as_slice() {
            [] => write!(text, "\n## Options of every verb\n\n```text\n{every}\n```\n").unwrap(),
            [name, ..] => {
                assert!(overview.contains(&format!("`{name}`")), "{name} is not in command-line.md");
                write!(text, "\n## {}\n\n```text\n{own}\n```\n", verb.join(" ")).unwrap();
            }
        }
    }
    is_fresh("docs/guide/reference/verbs.md", &text);
}
