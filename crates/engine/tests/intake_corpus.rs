//! Golden tests of intake: each folder of `corpus/intake` is a project with requests to its source `shop`; `expected.txt` says
//! what each is answered or kept for. `UPDATE=1 cargo test -p crossdock-engine --test intake_corpus` writes what comes out now.

#[path = "../../policy/tests/golden/mod.rs"]
mod golden;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use engine::intake::Verifiers;
use engine::intake::decide::{Decision, admit};
use engine::keyring::Keyring;
use model::{Diagnostic, Received, SourceName, Timestamp, Verdict};
use policy::render::{self, Colour};
use policy::{Policy, SourceFile};
use serde::Deserialize;

const NOW: Timestamp = Timestamp::from_secs(1_772_000_000);

/// A request as it arrives. The body is a text, so that it can be no JSON.
#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: String,
}

#[test]
fn every_request_is_judged_as_expected() {
    golden::compare_all("intake", show);
}

fn show(case: &Path) -> String {
    const SYSTEM: &str = "systems/shop.yaml";
    let files = [SourceFile::new(SYSTEM, fs::read_to_string(case.join(SYSTEM)).expect("a system"))];
    let (policy, findings) = policy::check(&files);
    let policy = policy.unwrap_or_else(|| panic!("{}: {findings:#?}", case.display()));
    let mut shown = String::new();
    for path in golden::entries(&case.join("requests")) {
        let text = fs::read_to_string(&path).expect("a request");
        let request: Request = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (word, reasons) = judge(&policy, request);
        let name = path.file_name().expect("a file").to_string_lossy();
        writeln!(shown, "=== {name}: {word}\n{}", render::text(&reasons, &[], Colour::Plain)).expect("a text");
    }
    shown
}

fn judge(policy: &Policy, request: Request) -> (String, Vec<Diagnostic>) {
    let received = Received {
        source: SourceName::new("shop").expect("a name"),
        at: NOW,
        headers: model::event::headers(request.headers).expect("header lines"),
        method: "POST".to_owned(),
        path: String::new(),
        query: String::new(),
        body: Bytes::from(request.body),
        peer: None,
        seed: 7,
        by: model::event::Brought::Sender,
    };
    let verifiers = Verifiers::new(policy, &Keyring::default());
    match admit(policy, &verifiers, &received, NOW) {
        Decision::Refused(refusal) => (format!("refused as {}: {}", refusal.kind.code(), refusal.detail), refusal.reasons),
        Decision::Answered(answer) => (format!("answered with {}", answer.status), Vec::new()),
        Decision::Nudged(nudge) => (format!("taken as a nudge of {} {}", nudge.model, nudge.id), Vec::new()),
        Decision::Judged(verdicts) => {
            let judged = verdicts.into_iter().map(|verdict| match verdict {
                Verdict::Admitted(_) => ("admitted", Vec::new()),
                Verdict::Quarantined { reasons, .. } => ("quarantined", reasons),
            });
            let (words, reasons): (Vec<_>, Vec<_>) = judged.unzip();
            (words.join(", "), reasons.concat())
        }
    }
}
