//! A batch is taken whole or not at all: its sender reads one status, so a refusal of one event must not stand behind a
//! 202. Every event that cannot be taken is named by its pointer.

use std::collections::BTreeMap;

use model::diagnostic::Place;
use model::limit::REASONS_MAX;
use model::{Diagnostic, Digest, Event, Refusal, RefusalKind, Verdict};
use policy::codes;

use super::conflict::{Conflict, Fate};

/// Refusals by the indexes of their events in the request.
pub(super) type Refused = Vec<(usize, Refusal)>;

/// The refusal of the batch, with the kind of its first bad event. Each event keeps a first reason, and more of them
/// where few are bad.
pub(super) fn refusal(events: usize, refused: Refused) -> Refusal {
    let each = (REASONS_MAX / refused.len().max(1)).max(1);
    let kind = refused.first().map_or(RefusalKind::Malformed, |(_, first)| first.kind);
    let first = refused.first().map_or_else(String::new, |(index, first)| format!("event {index}: {}", first.detail));
    let detail = format!("{} of {events} events cannot be taken, so none was; {first}", refused.len());
    let reasons = refused.into_iter().flat_map(|(_, refusal)| refusal.reasons.into_iter().take(each)).collect();
    Refusal { reasons, ..Refusal::new(kind, detail) }
}

/// Events with the key of an earlier one and other bytes: which of the two is meant, nobody here can know.
pub(super) fn contradictions(verdicts: &[Verdict]) -> Refused {
    let mut seen: BTreeMap<&str, Digest> = BTreeMap::new();
    let mut refused = Vec::new();
    for (index, verdict) in verdicts.iter().enumerate() {
        let Event { key, digest, .. } = verdict.event();
        if *seen.entry(key).or_insert(*digest) != *digest {
            let why = "another event of this batch has the same key and other content";
            refused
                .push((index, Refusal { reasons: vec![reused(index, why)], ..Refusal::new(RefusalKind::KeyReused, why) }));
        }
    }
    refused
}

/// The refusal of a request with events whose keys the journal knows with other bytes. What the journal took of the others
/// stays, and is a duplicate when it comes again.
pub(super) fn known_otherwise(events: usize, conflicts: &[Conflict]) -> Refusal {
    let (detail, reasons) = match conflicts {
        [only] if events == 1 => (used_before(only), Vec::new()),
        _ => (
            format!(
                "{} of {events} events came under keys that were used before with other bodies{}",
                conflicts.len(),
                if conflicts.len() < events {
                    "; the others are kept, and are duplicates when they are sent again"
                } else {
                    ""
                }
            ),
            conflicts.iter().map(|conflict| reused(conflict.index, used_before(conflict))).collect(),
        ),
    };
    Refusal { reasons, ..Refusal::new(RefusalKind::KeyReused, detail) }
}

fn used_before(Conflict { first, fate, .. }: &Conflict) -> String {
    let sentence = format!("the key was used before with another body, for the event {first}");
    match fate {
        Fate::Attached => format!("{sentence}; that one waits for a person, who has this body beside it now"),
        Fate::Dropped => sentence,
    }
}

fn reused(index: usize, why: impl Into<String>) -> Diagnostic {
    Diagnostic::error(codes::KEY_REUSED, Place::Pointer(format!("/{index}")), why)
}

/// The refusal of an event as its batch shows it: what was the whole is the element, and pointers begin at `at`.
pub(super) fn in_element(mut refusal: Refusal, index: usize, at: &str) -> Refusal {
    for reason in &mut refusal.reasons {
        let place = std::mem::replace(&mut reason.place, Place::Whole);
        reason.place = match place {
            Place::Whole => Place::Pointer(format!("/{index}")),
            Place::Pointer(pointer) => Place::Pointer(format!("/{index}{at}{pointer}")),
            other @ (Place::Header(_) | Place::File { .. }) => other,
        };
    }
    refusal
}
