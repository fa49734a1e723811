//! What a person's command about a kept event changes, decided from the row, the event and the policy.
//!
//! A correction is judged like an arrival, under the present policy, but for signature and key registry; what would be
//! kept again is not taken. What its sender sent later is a correction that nobody has to type. A release is not judged: a
//! person answers for it.

use bytes::Bytes;
use model::{
    Batch, Change, Digest, Entry, Event, EventId, Guard, Later, LaterEvent, Partition, Position, QuarantineRow,
    QuarantineState, Refusal, Verdict,
};
use policy::Policy;

use crate::intake::decide::again;
use crate::intake::key::partition;
use crate::rules::asked::{Asked, NotDone};
use crate::rules::overtaken::Newer;
use crate::rules::replayed;

/// What commands are decided on.
#[derive(Clone, Copy, Debug)]
pub struct Stand<'a> {
    /// The present policy.
    pub policy: &'a Policy,
    /// The journal's partitions.
    pub partitions: &'a [Partition],
}

/// A kept event as it is now, and as the person saw it.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// Its row.
    pub row: &'a QuarantineRow,
    /// Where its state ranks: of what was corrected before that is not where its bytes are.
    pub ranks_at: Position,
    /// The event itself.
    pub event: &'a Event,
    /// What its sender sent later.
    pub later: Option<&'a LaterEvent>,
    /// The version that the person saw; `None` for whatever it is now, where nothing came later that would be passed over.
    pub seen: Option<u64>,
}

/// What became of a kept event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The event.
    pub event: EventId,
    /// The corrected event that took its place.
    pub as_event: Option<EventId>,
    /// The row's version now.
    pub version: u64,
    /// One sentence for people.
    pub sentence: String,
}

/// What to do about a command.
#[derive(Debug)]
pub struct Decided {
    /// What to commit; `None` when this very command was carried out before.
    pub batch: Option<Batch>,
    /// What has become of the event then.
    pub moved: Moved,
}

/// Another body takes the place of the kept one, in the same form.
pub fn correct(stand: Stand<'_>, kept: Kept<'_>, body: &Bytes, asked: &Asked) -> Result<Decided, NotDone> {
    asked.check()?;
    let digest = Digest::of(body);
    match passes_over(kept, &corrected(kept.row, kept.row.revision, &digest, asked))? {
        Some(decided) => Ok(decided),
        None => replace(stand, kept, (kept.event, body, &digest), asked),
    }
}

/// What its sender sent later takes the place of the kept event, in the form in which it came. With `seen`, only where
/// that is the digest of what is attached.
pub fn resubmit(stand: Stand<'_>, kept: Kept<'_>, seen: Option<Digest>, asked: &Asked) -> Result<Decided, NotDone> {
    asked.check()?;
    let row = kept.row;
    let none =
        || NotDone::Refused(format!("nothing came under the key of event {} later; correct it with a body", row.event));
    let Some(newest) = row.later.as_ref().map(|later| later.digest) else {
        settled(kept, &QuarantineState::Open)?;
        return Err(none());
    };
    if let Some(decided) = settled(kept, &corrected(row, row.revision, &seen.unwrap_or(newest), asked))? {
        return Ok(decided);
    }
    if seen.is_some_and(|seen| seen != newest) {
        return Err(NotDone::Changed(format!("another body came since, sha256 {newest}")));
    }
    let event = &kept.later.ok_or_else(none)?.event;
    replace(stand, kept, (event, &event.body, &event.digest), asked)
}

/// Another body, in the form of an event, takes the place of the kept one.
fn replace(
    stand: Stand<'_>,
    kept: Kept<'_>,
    (form, body, digest): (&Event, &Bytes, &Digest),
    asked: &Asked,
) -> Result<Decided, NotDone> {
    let row = kept.row;
    let revision = row.revision + 1;
    let id = corrected_id(row.event, revision, digest);
    let event = match again(stand.policy, form, body.clone(), id).map_err(not_taken)? {
        Verdict::Admitted(event) => *event,
        Verdict::Quarantined { event: _, reasons } => return Err(NotDone::Invalid(reasons)),
    };
    let to = partition(&event, stand.partitions);
    let (by, why) = (asked.by.clone(), asked.why.clone());
    let entry = Entry::Resubmitted { of: row.event, at: Some(kept.ranks_at), revision, by, why, event };
    let emit = Change::Emit { id: id.0, partition: to, policy: stand.policy.version, entry: Box::new(entry) };
    Ok(decided(kept, corrected(row, revision, digest, asked), Some(emit), asked))
}

/// The event passes as it is. It keeps its id; its place in the order of its partition is a new one.
pub fn release(stand: Stand<'_>, kept: Kept<'_>, asked: &Asked) -> Result<Decided, NotDone> {
    asked.check()?;
    let row = kept.row;
    let becomes = QuarantineState::Released { by: asked.by.clone(), why: asked.why.clone() };
    if let Some(decided) = passes_over(kept, &becomes)? {
        return Ok(decided);
    }
    let entry = Entry::Released { of: row.event, at: row.position, by: asked.by.clone(), why: asked.why.clone() };
    let emit = Change::Emit {
        id: replayed::release(row.event),
        partition: row.position.partition,
        policy: stand.policy.version,
        entry: Box::new(entry),
    };
    Ok(decided(kept, becomes, Some(emit), asked))
}

/// The event that goes to flows with this batch: the kept one where it passes as it is; none where nothing goes.
pub fn passes<'a>(batch: &'a Batch, kept: &'a Event) -> Option<&'a Event> {
    batch.changes.iter().find_map(|change| {
        let Change::Emit { entry, .. } = change else { return None };
        Some(entry.event().unwrap_or(kept))
    })
}

/// What the audit says beside the command where it may go over a newer state.
pub fn over(event: EventId, newer: Newer, asked: &Asked) -> Option<Change> {
    let action = match newer {
        Newer::Stays => return None,
        Newer::MayBeGone => "quarantine.over_removed",
        Newer::GoesUnder => "quarantine.over_newer",
    };
    Some(Change::Audit(asked.audit(action, &event.to_string())))
}

/// The event is not to be delivered.
pub fn close(kept: Kept<'_>, asked: &Asked) -> Result<Decided, NotDone> {
    asked.check()?;
    let becomes = QuarantineState::Closed { by: asked.by.clone(), why: asked.why.clone() };
    match passes_over(kept, &becomes)? {
        Some(decided) => Ok(decided),
        None => Ok(decided(kept, becomes, None, asked)),
    }
}

/// The id of a corrected event follows from the original, the revision and the new bytes: the same correction twice is
/// one event, and two that race for one revision cannot be taken for each other.
fn corrected_id(of: EventId, revision: u32, digest: &Digest) -> EventId {
    EventId::derive(of.0, &[b"corrected", &revision.to_be_bytes(), &digest.0])
}

fn corrected(row: &QuarantineRow, revision: u32, digest: &Digest, asked: &Asked) -> QuarantineState {
    QuarantineState::Resubmitted {
        as_event: corrected_id(row.event, revision, digest),
        by: asked.by.clone(),
        why: asked.why.clone(),
    }
}

fn not_taken(refusal: Refusal) -> NotDone {
    if refusal.reasons.is_empty() { NotDone::Refused(refusal.detail) } else { NotDone::Invalid(refusal.reasons) }
}

/// `None` for a row that is open at the version that was seen; what became of it when this very command settled it.
fn settled(kept: Kept<'_>, becomes: &QuarantineState) -> Result<Option<Decided>, NotDone> {
    let row = kept.row;
    let seen = kept.seen.unwrap_or(row.version);
    match &row.state {
        QuarantineState::Open if seen == row.version => return Ok(None),
        QuarantineState::Open => {
            return Err(NotDone::Changed(format!("the event is at version {} now", row.version)));
        }
        QuarantineState::Resubmitted { .. } | QuarantineState::Released { .. } | QuarantineState::Closed { .. } => {}
    }
    let same_version = seen == row.version || seen.checked_add(1) == Some(row.version);
    if row.state == *becomes && same_version {
        return Ok(Some(Decided { batch: None, moved: moved(row, &row.state, row.version) }));
    }
    Err(NotDone::Refused(format!("{}; nothing was changed", sentence(row, &row.state))))
}

/// As [`settled`], of a command that leaves what came later aside: who names no version may not know that it came. What
/// comes after this fails the commit, and is then told in the same way, so that no sender can keep a command from an end.
fn passes_over(kept: Kept<'_>, becomes: &QuarantineState) -> Result<Option<Decided>, NotDone> {
    if let Some(decided) = settled(kept, becomes)? {
        return Ok(Some(decided));
    }
    match (kept.seen, &kept.row.later) {
        (None, Some(later)) => Err(NotDone::Refused(unseen(kept.row.event, later))),
        (Some(_), _) | (None, None) => Ok(None),
    }
}

fn unseen(event: EventId, Later { at, digest, count, .. }: &Later) -> String {
    let what = if *count == 1 { "another body came" } else { &*format!("{count} other bodies came") };
    format!(
        "{what} under its key later, the last at {at}, sha256 {digest}; look at it with `crossdock quarantine show {event}`, then take \
         it with `--later`, or say that you saw it with `--seen` and the version shown (`If-Match` over HTTP)"
    )
}

fn decided(kept: Kept<'_>, state: QuarantineState, emit: Option<Change>, asked: &Asked) -> Decided {
    let row = kept.row;
    let (action, subject) = (action(&state), row.event.to_string());
    let moved = moved(row, &state, row.version + 1);
    let mut batch = Batch::new()
        .guard(Guard::QuarantineVersion { event: row.event, version: row.version })
        .change(Change::QuarantineMove { event: row.event, state });
    batch.changes.extend(emit);
    Decided { batch: Some(batch.change(Change::Audit(asked.audit(action, &subject)))), moved }
}

const fn action(state: &QuarantineState) -> &'static str {
    match state {
        QuarantineState::Open => "quarantine.open",
        QuarantineState::Resubmitted { .. } => "quarantine.correct",
        QuarantineState::Released { .. } => "quarantine.release",
        QuarantineState::Closed { .. } => "quarantine.close",
    }
}

fn moved(row: &QuarantineRow, state: &QuarantineState, version: u64) -> Moved {
    let as_event = match state {
        QuarantineState::Resubmitted { as_event, .. } => Some(*as_event),
        QuarantineState::Open | QuarantineState::Released { .. } | QuarantineState::Closed { .. } => None,
    };
    Moved { event: row.event, as_event, version, sentence: sentence(row, state) }
}

fn sentence(row: &QuarantineRow, state: &QuarantineState) -> String {
    let event = row.event;
    match state {
        QuarantineState::Open => format!("event {event} waits for {}", row.owner),
        QuarantineState::Resubmitted { as_event, by, .. } => {
            format!("event {event} was corrected by {by} as {as_event}")
        }
        QuarantineState::Released { by, .. } => {
            format!("event {event} was released by {by} as it is")
        }
        QuarantineState::Closed { by, .. } => {
            format!("event {event} was closed by {by} and is not delivered")
        }
    }
}
