//! Golden tests of contracts: each folder of `corpus/contracts` is a project with one contract `order@1.0.0`; `expected.txt`
//! says what each message breaks of it. `UPDATE=1 cargo test -p crossdock-policy --test contract_corpus` writes what comes
//! out now.

mod golden;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use policy::contract::Effort;
use policy::expression::Data;
use policy::render::{self, Colour};
use policy::{SourceFile, restore};

#[test]
fn every_message_breaks_what_is_expected() {
    golden::compare_all("contracts", show);
}

/// A contract as it holds, even if this version would refuse it: a policy in force goes on.
fn show(case: &Path) -> String {
    const CONTRACT: &str = "contracts/order/1.0.0.yaml";
    let text = fs::read_to_string(case.join(CONTRACT)).expect("a contract");
    let (policy, _) = restore(&[SourceFile::new(CONTRACT, text)]);
    let contract = policy.contracts.values().next().expect("the contract is there");
    let mut shown = String::new();
    for message in golden::entries(&case.join("messages")) {
        let name = message.file_name().expect("a file").to_string_lossy().into_owned();
        let body = fs::read(&message).expect("a message");
        let broken = contract.validate_data(&Data::json_bytes(&body), &mut Effort::of_one_request());
        writeln!(shown, "=== {name}\n{}", render::text(&broken, &[], Colour::Plain)).expect("a text");
    }
    shown
}
