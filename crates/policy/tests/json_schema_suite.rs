//! The official test suite of JSON Schema 2020-12, read where it lies: `CROSSDOCK_CORPUS`, or `../shared/corpus` beside
//! the workspace. The test runs only when it is asked for, and fails without it. What contracts do not take (references
//! that lead out of the contract, other vocabularies) is left out by name and counted.

use std::fs;
use std::path::{Path, PathBuf};

use policy::contract::Contract;
use policy::specs::ContractSpec;
use policy::tree::{Node, Shape};
use policy::{SourceFile, Spanned};
use serde_json::Value;

/// Files of the suite that test what contracts do not take.
const LEFT_OUT: &[(&str, &str)] =
    &[("refRemote.json", "references to other documents"), ("vocabulary.json", "other vocabularies than the standard ones")];

#[derive(Default)]
struct Tally {
    passed: usize,
    outside: usize,
    failed: Vec<String>,
}

#[test]
#[ignore = "needs the suite, which is not part of the project: CROSSDOCK_CORPUS says where it is"]
fn contracts_judge_as_the_official_suite_says() {
    let folder = suite();
    let mut tally = Tally::default();
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder).expect("the suite").map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    for path in files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if LEFT_OUT.iter().any(|(left_out, _)| *left_out == name) {
            continue;
        }
        let groups: Vec<Value> = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
        for group in &groups {
            judge(&name, group, &mut tally);
        }
    }
    assert!(tally.failed.is_empty(), "{} of {}:\n{}", tally.failed.len(), tally.passed, tally.failed.join("\n"));
    assert!(tally.passed > 1_000, "{} passed, {} outside", tally.passed, tally.outside);
}

fn judge(file: &str, group: &Value, tally: &mut Tally) {
    let spec = spec(&group["schema"]);
    let (contract, _) = Contract::new(&spec);
    let tests = group["tests"].as_array().expect("tests");
    // H0402: it leads out of the contract, H0403: by a name of another document, H0404: another dialect.
    if contract.check_schema().iter().any(|found| matches!(found.code.0, 402..=404)) {
        tally.outside += tests.len();
        return;
    }
    for test in tests {
        let valid = contract.validate(&test["data"]).is_empty();
        if Value::Bool(valid) == test["valid"] {
            tally.passed += 1;
        } else {
            tally.failed.push(format!("{file}: {}: {} (answers {valid})", group["description"], test["description"]));
        }
    }
}

fn spec(schema: &Value) -> ContractSpec {
    let text = "owner: suite\nschema: { }\n";
    let files = [SourceFile::new("contracts/suite/1.0.0.yaml", text)];
    let mut findings = policy::Findings::over(&files);
    let objects = policy::decode::decode(&files, &mut findings);
    let mut spec = objects.contracts.values().next().expect("a contract").clone();
    spec.schema = Spanned::new(schema.clone(), spec.schema.span);
    spec.schema_tree = Node { span: spec.schema.span, shape: Shape::Map(Vec::new()) };
    spec
}

#[expect(clippy::disallowed_methods, reason = "where the corpus lies is for the machine to say")]
fn suite() -> PathBuf {
    let given = std::env::var_os("CROSSDOCK_CORPUS").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let folder = given.unwrap_or(beside).join("standards/json-schema-test-suite/tests/draft2020-12");
    assert!(folder.is_dir(), "the suite is not at {}", folder.display());
    folder
}
