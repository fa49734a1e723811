//! The real payloads, where they are: each ends in exactly one of six ways, and how many in which stands in
//! `corpus/packs/real.txt`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::payloads::{self, Payload};
use crate::project::{Project, project, root};
use crate::way::{End, Seen, go};

/// How often payloads of one source ended like this.
type Counts = BTreeMap<String, usize>;

#[test]
#[ignore = "needs the real payloads, which are not part of the project: CROSSDOCK_CORPUS says where they are"]
#[expect(clippy::disallowed_methods, reason = "UPDATE=1 accepts what comes out, and CROSSDOCK_CORPUS names what goes in")]
fn every_real_payload_is_accounted_for() {
    let corpus = std::env::var_os("CROSSDOCK_CORPUS").map_or_else(|| root().join("../shared/corpus"), PathBuf::from);
    assert!(corpus.is_dir(), "there are no real payloads at {}", corpus.display());
    let shown = show(&payloads::all(&corpus).expect("the corpus can be read"));
    let path = root().join("corpus/packs/real.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &shown).expect("the corpus can be written");
    }
    assert_eq!(shown, fs::read_to_string(&path).unwrap_or_default(), "UPDATE=1 accepts it");
}

fn show(payloads: &[Payload]) -> String {
    let project = project(&crate::PACKS);
    let mut seen = Seen::new();
    let mut sources: BTreeMap<&str, (usize, Counts)> = BTreeMap::new();
    for payload in payloads {
        let (posted, counts) = sources.entry(payload.source).or_default();
        *posted += 1;
        *counts.entry(outcome(&project, payload, &mut seen)).or_default() += 1;
    }
    let mut shown = String::new();
    for (source, (posted, counts)) in sources {
        assert_eq!(posted, counts.values().sum::<usize>(), "every payload of {source} ends in one way");
        writeln!(shown, "{source}: {posted} payloads").expect("a text");
        for (outcome, count) in counts {
            writeln!(shown, "{count:>5}  {outcome}").expect("a text");
        }
    }
    shown
}

/// One of: refused, duplicate, quarantined, no flow, mapped, held.
fn outcome(project: &Project, payload: &Payload, seen: &mut Seen) -> String {
    match go(project, payload, seen) {
        End::Refused(why) => format!("refused: {why}"),
        End::Duplicate(_) => "duplicate".to_owned(),
        End::Quarantined(event, reasons) => {
            let mut codes: Vec<String> = reasons.iter().map(|reason| reason.code.to_string()).collect();
            codes.dedup();
            // Of types that are not listed there are many, and each is the same finding.
            let kind = if codes == ["H0901"] { "a type that is not listed" } else { event.kind.as_str() };
            format!("quarantined: {} {kind}", codes.join(" "))
        }
        End::Admitted(event, made) if made.is_empty() => {
            format!("no flow: {}", event.kind.as_str())
        }
        End::Admitted(_, made) => {
            let ends = made.iter().map(|made| match &made.body {
                Ok(body) => {
                    format!("mapped: {}", body["type"].as_str().unwrap_or_else(|| panic!("{}: no type", payload.name)))
                }
                Err(reasons) => format!("held: {}", reasons.join("; ")),
            });
            ends.collect::<Vec<_>>().join(" and ")
        }
    }
}
