//! Golden tests of contracts: each folder of `corpus/contracts` is a project with one contract `order@1.0.0`; `expected.txt` says
//! what each message breaks of it. `UPDATE=1 cargo test -p crossdock-policy --test contract_corpus` writes what comes out now.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use policy::expression::Data;
use policy::render::{self, Colour};
use policy::{SourceFile, restore};

const EXPECTED: &str = "expected.txt";

#[test]
#[expect(clippy::disallowed_methods, reason = "UPDATE=1 accepts what comes out")]
fn every_message_breaks_what_is_expected() {
    let mut wrong = Vec::new();
    for case in entries(&root()) {
        let shown = show(&case);
        let path = case.join(EXPECTED);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &shown).expect("the corpus can be written");
        } else if fs::read_to_string(&path).unwrap_or_default() != shown {
            wrong.push(format!("--- {}\n{shown}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "differs from {EXPECTED}; UPDATE=1 accepts it:\n{}", wrong.join("\n"));
}

/// A contract as it holds, even if this version would refuse it: a policy in force goes on.
fn show(case: &Path) -> String {
    const CONTRACT: &str = "contracts/order/1.0.0.yaml";
    let text = fs::read_to_string(case.join(CONTRACT)).expect("a contract");
    let (policy, _) = restore(&[SourceFile::new(CONTRACT, text)]);
    let contract = policy.contracts.values().next().expect("the contract is there");
    let mut shown = String::new();
    for message in entries(&case.join("messages")) {
        let name = message.file_name().expect("a file").to_string_lossy().into_owned();
        let body = fs::read(&message).expect("a message");
        let broken = contract.validate_data(&Data::json_bytes(&body));
        writeln!(shown, "=== {name}\n{}", render::text(&broken, &[], Colour::Plain)).expect("a text");
    }
    shown
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/contracts")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    entries
}
