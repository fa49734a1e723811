//! Our own cases: `corpus/packs/PACK/CASE/request.json` is a request or a list of them, `expected.json` what becomes of
//! each, in the same order. A request goes to the source that is called like the pack, or to the one that it names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::payloads::Payload;
use crate::project::{Project, project, root};
use crate::way::{End, Made, Seen, go, reason};

/// A request of a case. The body keeps its digits: it is cut out of the file, not written anew.
#[derive(Deserialize)]
struct Request<'t> {
    /// Where a pack has several.
    source: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(borrow)]
    body: &'t RawValue,
}

#[test]
#[expect(clippy::disallowed_methods, reason = "UPDATE=1 accepts what comes out")]
fn every_case_gives_what_is_written_beside_it() {
    let mut wrong = Vec::new();
    for pack in crate::PACKS {
        let project = project(&[pack]);
        let cases = folders(&root().join("corpus/packs").join(pack));
        assert!(cases.len() >= 6, "{pack} has {} cases", cases.len());
        for case in cases {
            let shown = show(&project, pack, &case);
            let path = case.join("expected.json");
            if std::env::var_os("UPDATE").is_some() {
                fs::write(&path, &shown).expect("the corpus can be written");
            } else if fs::read_to_string(&path).unwrap_or_default() != shown {
                wrong.push(format!("--- {}\n{shown}", case.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "differs from what is expected; UPDATE=1 accepts it:\n{}", wrong.join("\n"));
}

fn show(project: &Project, pack: &'static str, case: &Path) -> String {
    let text = fs::read_to_string(case.join("request.json")).expect("a case has a request");
    let requests: Vec<Request<'_>> = if text.trim_start().starts_with('[') {
        serde_json::from_str(&text).expect("requests")
    } else {
        vec![serde_json::from_str(&text).expect("a request")]
    };
    let mut seen = Seen::new();
    let ends: Vec<Value> = requests
        .iter()
        .map(|request| {
            let headers = request.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            let source = request.source.clone().map_or(pack, |source| &*source.leak());
            let payload = Payload { source, name: String::new(), headers, body: request.body.get().to_owned() };
            end(&go(project, &payload, &mut seen))
        })
        .collect();
    let shown =
        if let [only] = ends.as_slice() { serde_json::to_string_pretty(only) } else { serde_json::to_string_pretty(&ends) };
    shown.expect("JSON") + "\n"
}

fn end(end: &End) -> Value {
    match end {
        End::Refused(why) => json!({ "verdict": "refused", "why": why }),
        End::Duplicate(key) => json!({ "verdict": "duplicate", "key": key }),
        End::Quarantined(event, reasons) => {
            let reasons: Vec<Value> = reasons.iter().map(reason).collect();
            json!({ "verdict": "quarantined", "type": event.kind.as_str(), "key": event.key, "reasons": reasons })
        }
        End::Admitted(event, made) => {
            let identifiers: Vec<String> =
                event.identifiers.iter().map(|one| format!("{}: {}", one.scheme, one.value)).collect();
            let time = event.time.map(|time| time.to_string());
            let deliveries: Vec<Value> = made.iter().map(delivery).collect();
            json!({
                "verdict": "admitted", "type": event.kind.as_str(), "key": event.key, "time": time,
                "ordering": event.ordering, "correlation": event.correlation, "identifiers": identifiers, "deliveries": deliveries,
            })
        }
    }
}

fn delivery(made: &Made) -> Value {
    match &made.body {
        Ok(body) => json!({ "flow": made.flow, "lane": made.lane, "body": body }),
        Err(fails) => json!({ "flow": made.flow, "lane": made.lane, "fails": fails }),
    }
}

fn folders(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root).into_iter().flatten().map(|entry| entry.expect("an entry").path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}
