//! I13: what is committed in a captured system and stays is an event, once, in the order of its commits; and nothing else is.
//! Judged by the company's own history and by what stands in the journal.

use std::collections::BTreeMap;

use bytes::Bytes;
use model::limit::{KEY_WINDOW, READ_RECORDS_MAX};
use model::{Fault, Offset, Position, Sight, SourceName, TimeSpan};
use serde_json::Value;

use crate::company::{Commit, History, Model, RecordId, What};
use crate::oracle::{Captures, Stores};
use crate::project::{Captured, Since};

/// LIMIT: what the cut to seconds and the way of an answer take from an overlap.
const CUT: TimeSpan = TimeSpan::from_secs(2);
/// LIMIT: ids of one question to the ledger; more than a company has.
const IDS_MAX: u64 = 2_000;

/// An event of a record.
#[derive(Clone, Debug)]
pub struct Told {
    /// Where it stands.
    pub at: Position,
    /// What it says.
    pub body: Bytes,
}

/// The events of each record, in the order of the journal.
pub type ToldOf = BTreeMap<RecordId, Vec<Told>>;

/// How far what is owed reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owed {
    /// What sweeps find: changes that moved the write date, and were committed before a sweep looks no further back.
    BySweeps,
    /// All of it: also what was committed late, moved no write date, was hidden for a while, or is gone.
    ByPasses,
}

/// The ids of a model's records that are there.
#[derive(Clone, Debug)]
pub struct There {
    /// Those that are shown, in order.
    pub shown: Vec<u64>,
    /// Those that a rule hides.
    pub hidden: Vec<u64>,
}

/// What a checker compares the journal with.
#[derive(Debug)]
pub struct Truth<'a> {
    /// The company's history.
    pub history: &'a History,
    /// What was known when.
    pub captures: &'a Captures,
    /// The rhythm of the capture.
    pub captured: &'a Captured,
    /// How long at the most everything was off: beyond the window of keys a telling that was begun before may be told once more.
    pub off: TimeSpan,
}

/// All events of the captured source.
pub async fn told(stores: &Stores) -> Result<ToldOf, Fault> {
    let mut all = ToldOf::new();
    for partition in stores.journal.partitions() {
        let mut after = Offset::default();
        loop {
            let records = stores.read(partition, after, READ_RECORDS_MAX).await?;
            let Some(last) = records.last() else { break };
            after = last.position.offset;
            for record in &records {
                let event = record.entry.dedupe().and_then(|_| record.entry.event());
                let Some(event) = event.filter(|event| event.source.as_str() == Captured::NAME) else { continue };
                let body: Value = serde_json::from_slice(&event.body).unwrap_or_default();
                let model = body["model"].as_str().and_then(Model::named);
                if let (Some(model), Some(id)) = (model, body["id"].as_u64()) {
                    let told = Told { at: record.position, body: event.body.clone() };
                    all.entry((model, id)).or_default().push(told);
                }
            }
        }
    }
    Ok(all)
}

/// Each event of a record is a commit of it, and a later one than the event before: no phantom, nothing twice, nothing out of
/// order, and gone is only what was deleted.
pub fn i13_events_are_commits_in_their_order(truth: &Truth<'_>, told: &ToldOf) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, events) in told {
        let commits = truth.history.commits(*id);
        let mut next = 0;
        for event in events {
            let says = |commit: &Commit| said(*id, commit).is_some_and(|body| body == event.body);
            let repeats_the_last =
                events.iter().take_while(|it| it.at != event.at).last().is_some_and(|it| it.body == event.body);
            if truth.off > KEY_WINDOW && repeats_the_last {
                continue;
            }
            if let Some(place) = commits.iter().skip(next).position(says) {
                next += place + 1;
                continue;
            }
            let how = if commits.iter().any(says) {
                "is told again, or out of its order"
            } else if event.body == deleted(*id) {
                "is told to be gone, and is there"
            } else {
                "never was so"
            };
            broken.push(format!("{} {} {how}: {} at {}", id.0.name(), id.1, String::from_utf8_lossy(&event.body), event.at));
        }
    }
    broken
}

/// The last event of each record says what the record holds, as far as that is owed.
pub fn i13_what_stays_is_told(truth: &Truth<'_>, told: &ToldOf, owed: Owed) -> Vec<String> {
    let not_followed = Model::ALL.into_iter().filter(|model| truth.captures.following(*model).is_none());
    let mut broken: Vec<String> = not_followed.map(|model| format!("{} is not followed", model.name())).collect();
    for (id, commits) in truth.history.all() {
        let events = told.get(&id).map_or(&[][..], Vec::as_slice);
        let Some(last) = truth.owed(id, commits, owed).filter(|last| truth.is_due(id, commits, last, events)) else {
            continue;
        };
        let right = said(id, last);
        let is = events.last().map(|event| &event.body);
        if is != right.as_ref() {
            let text =
                |body: Option<&Bytes>| body.map(|body| String::from_utf8_lossy(body).into_owned()).unwrap_or_default();
            broken.push(format!(
                "{} {} is {} since {}, and the last event says {}",
                id.0.name(),
                id.1,
                text(right.as_ref()),
                last.at,
                text(is)
            ));
        }
    }
    broken
}

/// What stayed for at least `window` while nothing was wrong, from `calm` on, has an event, though it is another now.
pub fn i13_what_stayed_was_told(truth: &Truth<'_>, told: &ToldOf, (calm, window): (TimeSpan, TimeSpan)) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, commits) in truth.history.all().filter(|(_, commits)| !was_hidden(commits)) {
        let events = told.get(&id).map_or(&[][..], Vec::as_slice);
        for (commit, next) in commits.iter().zip(commits.iter().skip(1)) {
            let stayed = commit.at >= calm && next.at >= commit.at + window;
            if stayed && truth.is_in_time(commit) && truth.is_due(id, commits, commit, events) {
                let right = said(id, commit);
                if !events.iter().any(|event| Some(&event.body) == right.as_ref()) {
                    broken.push(format!("{} {} was {commit:?} until {}, and nothing says so", id.0.name(), id.1, next.at));
                }
            }
        }
    }
    broken
}

/// What is known is what is shown, all of it, and of the rest nothing but what is there and hidden.
pub async fn i13_the_account_is_right(stores: &Stores, there: &BTreeMap<Model, There>) -> Result<Vec<String>, Fault> {
    let mut broken = Vec::new();
    let source = SourceName::new(Captured::NAME).expect("a literal name");
    let limit = usize::try_from(IDS_MAX).unwrap_or(usize::MAX);
    for (model, There { shown, hidden }) in there {
        let known = |sight| stores.ledger.known_ids(&source, model.name(), (sight, (0, IDS_MAX)), limit);
        let known_shown = known(Sight::Listed).await?;
        if known_shown != *shown {
            broken.push(format!("of {} there are {shown:?}, and known are {known_shown:?}", model.name()));
        }
        let known_hidden = known(Sight::Unread).await?;
        if known_hidden.iter().any(|id| !hidden.contains(id)) {
            broken.push(format!("of {} {hidden:?} are hidden, and known as that are {known_hidden:?}", model.name()));
        }
    }
    Ok(broken)
}

impl Truth<'_> {
    /// The commit that the last event of a record must say, where one is owed.
    fn owed<'c>(&self, id: RecordId, commits: &'c [Commit], owed: Owed) -> Option<&'c Commit> {
        let last = commits.last()?;
        match owed {
            // What a rule ever hid waits for the passes: it may have been hidden when the sweep came by.
            Owed::BySweeps => Some(last).filter(|last| self.is_in_time(last) && !was_hidden(commits)),
            // Also of what was hidden when it was deleted, where it had become known before.
            Owed::ByPasses if last.what == What::Deleted => Some(last),
            Owed::ByPasses if self.history.is_hidden(id) => None,
            Owed::ByPasses => commits.iter().rev().find(|commit| commit.what.written().is_some()),
        }
    }

    /// Whether a sweep can see it: its write date moved, and it was committed before sweeps look no further back.
    fn is_in_time(&self, commit: &Commit) -> bool {
        let took = TimeSpan::from_micros(commit.at.micros() - commit.began.micros());
        matches!(commit.what, What::Written(_)) && took + CUT <= self.captured.overlap
    }

    /// Whether it is news: what was there before the first look is none, nor is a content that nobody has read before.
    fn is_due(&self, id: RecordId, commits: &[Commit], commit: &Commit, events: &[Told]) -> bool {
        let Some(following) = self.captures.following(id.0) else { return false };
        if commit.what == What::Deleted {
            return !events.is_empty() || self.captures.known(id).is_some_and(|known| known < commit.at);
        }
        if self.captured.since == Since::Beginning || commits.first().is_some_and(|first| first.at > following) {
            return true;
        }
        // Where nothing was told yet, what went there and back may be as it was when it was read first.
        let is_back = commits.iter().any(|other| other.at < commit.at && other.what.written() == commit.what.written());
        let is_read = self.captures.known_whole(id).is_some_and(|read| read < commit.at) && !(events.is_empty() && is_back);
        let before = commits.iter().rev().filter(|before| before.at <= following).find_map(|before| before.what.written());
        let is_dated = match (&commit.what, before) {
            (What::Written(written), Some(before)) => written.written_at > before.written_at,
            (What::Written(_), None) => true,
            (What::Recomputed(_) | What::Deleted | What::Hidden | What::Shown, _) => false,
        };
        commit.at > following && (is_read || is_dated)
    }
}

fn was_hidden(commits: &[Commit]) -> bool {
    commits.iter().any(|commit| commit.what == What::Hidden)
}

/// What an event of a commit says; none where it has none.
fn said(id: RecordId, commit: &Commit) -> Option<Bytes> {
    match &commit.what {
        What::Written(written) | What::Recomputed(written) => Some(written.body(id, |name| id.0.has(name))),
        What::Deleted => Some(deleted(id)),
        What::Hidden | What::Shown => None,
    }
}

fn deleted((model, id): RecordId) -> Bytes {
    Bytes::from(serde_json::json!({ "model": model.name(), "id": id, "record": null }).to_string())
}
