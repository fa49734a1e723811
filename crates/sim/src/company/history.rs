//! Every record of the company with all of its commits, in their order: the truth that events are compared with. Pure.

use std::collections::BTreeMap;

use bytes::Bytes;
use model::{TimeSpan, Timestamp};
use serde_json::{Map, Value, json};

use crate::random::Random;

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Model {
    /// It has states.
    Order,
    /// It has none.
    Contact,
}

impl Model {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Order, Self::Contact];

    /// What the system calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "sale.order",
            Self::Contact => "res.partner",
        }
    }

    /// The model that the system calls so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.name() == name)
    }

    /// Whether its records have this field beside the write date.
    pub fn has(self, field: &str) -> bool {
        field == "amount" || field == "state" && !self.states().is_empty()
    }

    /// The states that its records may have.
    pub const fn states(self) -> &'static [&'static str] {
        match self {
            Self::Order => &["draft", "sale", "cancel"],
            Self::Contact => &[],
        }
    }
}

/// A record, by its model and id. Ids are never used again.
pub type RecordId = (Model, u64);

/// What a record holds beside its write date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its state, where its model has states.
    pub state: Option<&'static str>,
    /// A number of few values, so that records go there and back.
    pub amount: u64,
}

impl Content {
    /// The greatest amount that the contract allows.
    pub const AMOUNT_MAX: u64 = 4;

    /// Some content.
    pub fn draw(model: Model, random: &mut Random) -> Self {
        let states = model.states();
        let state = (!states.is_empty()).then(|| *random.pick(states));
        Self { state, amount: random.between(0, Self::AMOUNT_MAX) }
    }
}

/// What a committed record holds, and the write date that it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// What it holds.
    pub content: Content,
    /// The beginning of the transaction that last moved it, cut to seconds, by the company's clock.
    pub written_at: Timestamp,
}

impl Written {
    /// What is read of it, in the form in which an adapter gives it.
    pub fn body(&self, (model, id): RecordId, fields: impl Fn(&str) -> bool) -> Bytes {
        let all = [
            ("amount", json!(self.content.amount)),
            ("state", json!(self.content.state)),
            ("write_date", json!(self.written_at.to_jiff().strftime("%Y-%m-%dT%H:%M:%SZ").to_string())),
        ];
        let record: Map<String, Value> = all
            .into_iter()
            .filter(|(name, _)| *name == "write_date" || fields(name))
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Bytes::from(json!({ "model": model.name(), "id": id, "record": record }).to_string())
    }
}

/// What a commit did to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It was made, or changed with its write date.
    Written(Written),
    /// It shows something else, and its write date did not move.
    Recomputed(Written),
    /// It is gone.
    Deleted,
    /// A rule hides it from who captures.
    Hidden,
    /// No rule hides it any more.
    Shown,
}

impl What {
    /// What it holds from then on, where that changed.
    pub const fn written(&self) -> Option<&Written> {
        match self {
            Self::Written(written) | Self::Recomputed(written) => Some(written),
            Self::Deleted | Self::Hidden | Self::Shown => None,
        }
    }
}

/// A commit, as one record saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// When it was, in true time.
    pub at: TimeSpan,
    /// When its transaction began, in true time.
    pub began: TimeSpan,
    /// What it did.
    pub what: What,
}

/// What a transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed {
    /// To which record.
    pub subject: Subject,
    /// What.
    pub act: Act,
}

/// A record that is there, or one that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// It is there.
    Record(RecordId),
    /// It is made.
    New(Model),
}

/// What is done to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is made or changed, and its write date moves.
    Write(Content),
    /// It shows something else, and its write date stays.
    Recompute(Content),
    /// It is deleted.
    Delete,
    /// A rule begins to hide it.
    Hide,
    /// A rule ceases to hide it.
    Show,
}

/// A transaction met a later one on the same record, and did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict;

/// All records, with all of their commits.
#[derive(Debug, Default)]
pub struct History {
    records: BTreeMap<RecordId, Vec<Commit>>,
    last: BTreeMap<Model, u64>,
}

impl History {
    /// Commits a transaction whole or not at all; answers which records it touched. `began` is when it began, in true time and
    /// by the company's clock.
    pub fn commit(
        &mut self,
        began: (TimeSpan, Timestamp),
        deeds: Vec<Deed>,
        now: TimeSpan,
    ) -> Result<Vec<RecordId>, Conflict> {
        let is_later =
            |id: &RecordId| self.commits(*id).last().is_some_and(|last| last.at > began.0 || last.what == What::Deleted);
        let met = deeds.iter().any(|deed| matches!(&deed.subject, Subject::Record(id) if is_later(id)));
        if met {
            return Err(Conflict);
        }
        Ok(deeds.into_iter().map(|deed| self.apply(began, deed, now)).collect())
    }

    fn apply(&mut self, (began, written_at): (TimeSpan, Timestamp), deed: Deed, now: TimeSpan) -> RecordId {
        let id = match deed.subject {
            Subject::Record(id) => id,
            Subject::New(model) => {
                let last = self.last.entry(model).or_default();
                *last += 1;
                (model, *last)
            }
        };
        let shown = self.holds(id).map_or(written_at, |held| held.written_at);
        let what = match deed.act {
            Act::Write(content) => What::Written(Written { content, written_at }),
            Act::Recompute(content) => What::Recomputed(Written { content, written_at: shown }),
            Act::Delete => What::Deleted,
            Act::Hide => What::Hidden,
            Act::Show => What::Shown,
        };
        self.records.entry(id).or_default().push(Commit { at: now, began, what });
        id
    }

    /// All records that ever were.
    pub fn all(&self) -> impl Iterator<Item = (RecordId, &[Commit])> {
        self.records.iter().map(|(id, commits)| (*id, commits.as_slice()))
    }

    /// The commits of a record, oldest first; none of one that never was.
    pub fn commits(&self, id: RecordId) -> &[Commit] {
        self.records.get(&id).map_or(&[], Vec::as_slice)
    }

    /// What a record holds, hidden or not; none of one that is gone.
    pub fn holds(&self, id: RecordId) -> Option<&Written> {
        let commits = self.commits(id);
        let is_gone = commits.last().is_some_and(|last| last.what == What::Deleted);
        commits.iter().rev().find_map(|commit| commit.what.written()).filter(|_| !is_gone)
    }

    /// Whether a rule hides a record.
    pub fn is_hidden(&self, id: RecordId) -> bool {
        let turns = self.commits(id).iter().rev().map(|commit| commit.what);
        turns.clone().find(|what| matches!(what, What::Hidden | What::Shown)) == Some(What::Hidden)
    }

    /// What is shown of a model to who captures, in the order of ids.
    pub fn shown(&self, model: Model) -> impl Iterator<Item = (u64, &Written)> {
        let of_model = self.records.range((model, 0)..=(model, u64::MAX)).map(|(id, _)| *id);
        of_model.filter(|id| !self.is_hidden(*id)).filter_map(|id| Some((id.1, self.holds(id)?)))
    }

    /// The records of a model that are there, hidden ones included.
    pub fn there(&self, model: Model) -> Vec<RecordId> {
        let of_model = self.records.range((model, 0)..=(model, u64::MAX)).map(|(id, _)| *id);
        of_model.filter(|id| self.holds(*id).is_some()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: RecordId = (Model::Order, 1);

    fn s(secs: u64) -> TimeSpan {
        TimeSpan::from_secs(secs)
    }

    fn content(amount: u64) -> Content {
        Content { state: Some("draft"), amount }
    }

    fn commit(
        history: &mut History,
        subject: Subject,
        act: Act,
        (began, now): (u64, u64),
    ) -> Result<Vec<RecordId>, Conflict> {
        let at = Timestamp::from_secs(i64::try_from(began).unwrap());
        history.commit((s(began), at), vec![Deed { subject, act }], s(now))
    }

    #[test]
    fn a_write_date_is_the_beginning_of_its_transaction_and_a_recomputation_leaves_it() {
        let mut history = History::default();
        let made = commit(&mut history, Subject::New(Model::Order), Act::Write(content(1)), (10, 40));
        assert_eq!(made, Ok(vec![ORDER]));
        commit(&mut history, Subject::Record(ORDER), Act::Recompute(content(2)), (50, 51)).unwrap();
        let held = *history.holds(ORDER).unwrap();
        assert_eq!((held.content, held.written_at), (content(2), Timestamp::from_secs(10)));
    }

    #[test]
    fn the_later_of_two_transactions_on_one_record_does_nothing() {
        let mut history = History::default();
        commit(&mut history, Subject::New(Model::Order), Act::Write(content(1)), (0, 0)).unwrap();
        commit(&mut history, Subject::Record(ORDER), Act::Write(content(2)), (5, 9)).unwrap();
        assert_eq!(commit(&mut history, Subject::Record(ORDER), Act::Write(content(3)), (7, 12)), Err(Conflict));
        assert_eq!(history.commits(ORDER).len(), 2);
    }

    #[test]
    fn what_a_rule_hides_is_there_and_not_shown() {
        let mut history = History::default();
        commit(&mut history, Subject::New(Model::Order), Act::Write(content(1)), (0, 0)).unwrap();
        commit(&mut history, Subject::Record(ORDER), Act::Hide, (1, 1)).unwrap();
        assert_eq!((history.shown(Model::Order).count(), history.there(Model::Order)), (0, vec![ORDER]));
        commit(&mut history, Subject::Record(ORDER), Act::Show, (2, 2)).unwrap();
        assert_eq!(history.shown(Model::Order).count(), 1);
        commit(&mut history, Subject::Record(ORDER), Act::Delete, (3, 3)).unwrap();
        assert_eq!((history.shown(Model::Order).count(), history.there(Model::Order)), (0, Vec::new()));
    }
}
