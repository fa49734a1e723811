//! What a command has seen so far, and what it needs next. Pure.
//!
//! A command is a function of its document and of what was seen: it reads what it has to know, asks for one change where the
//! state is not as it should be, and is done only where what was read says so. After each change all that may be different is
//! forgotten and it begins anew, so that no return value is ever taken for a state. No change is asked for twice in one attempt.

use std::collections::BTreeMap;

use model::outcome::{Again, Refusal};
use serde_json::Value;

use super::named::Named;
use crate::odoo::call::Call;
use crate::odoo::failure::Failure;
use crate::odoo::fields::Fields;
use crate::odoo::version::Version;

/// What is needed to go on.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Need {
    /// The answer to a call that reads.
    Read(Box<Call>),
    /// The answer to a call that reads what no command changes: a product, a unit.
    Lookup(Box<Call>),
    /// What an external id leads to, and how long that holds.
    Named(String, Holds),
    /// The fields of a model, by its name in this version.
    Fields(String),
    /// A change, under its name.
    Change(String, Box<Call>),
    /// Nothing can be done.
    Refuse(Refused),
}

/// How long what was seen holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Until something is changed: it may be our own doing.
    UntilChanged,
    /// No command changes it.
    Throughout,
}

/// Why nothing can be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refused {
    /// We say so.
    Ours {
        /// What kind it is.
        refusal: Refusal,
        /// Whether waiting helps.
        again: Again,
        /// In a sentence.
        why: String,
    },
    /// Odoo said so, and what it was asked for is not so by another hand either.
    Theirs(Failure),
}

/// What comes of a step: a value, or what is needed first.
pub(super) type Step<T> = Result<T, Need>;

/// What was seen in this attempt.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) version: Version,
    /// The same whenever a flow does an event, and of another event or flow another.
    pub(super) key: String,
    /// By the models' names in this version.
    pub(super) fields: BTreeMap<String, Fields>,
    reads: Vec<(Call, Value)>,
    lookups: Vec<(Call, Value)>,
    names: BTreeMap<String, (Named, Holds)>,
    changes: Vec<(String, Result<Value, Failure>)>,
}

impl Seen {
    pub(super) fn new(version: Version, key: &str) -> Self {
        Self {
            version,
            key: key.to_owned(),
            fields: BTreeMap::new(),
            reads: Vec::new(),
            lookups: Vec::new(),
            names: BTreeMap::new(),
            changes: Vec::new(),
        }
    }

    /// What a call that reads answers.
    pub(super) fn read(&self, call: Call) -> Step<&Value> {
        found(&self.reads, &call).ok_or_else(|| Need::Read(Box::new(call)))
    }

    /// What a call answers that reads what no command changes.
    pub(super) fn lookup(&self, call: Call) -> Step<&Value> {
        found(&self.lookups, &call).ok_or_else(|| Need::Lookup(Box::new(call)))
    }

    /// What an external id leads to.
    pub(super) fn named(&self, external: &str, holds: Holds) -> Step<&Named> {
        if external.split_once('.').is_none_or(|(module, name)| module.is_empty() || name.is_empty()) {
            return Err(unreadable(format!("`{external}` is no external id, MODULE.NAME")));
        }
        let named = self.names.get(external).map(|(named, _)| named);
        named.ok_or_else(|| Need::Named(external.to_owned(), holds))
    }

    /// The fields of a model, by its name in this version.
    pub(super) fn fields(&self, model: &str) -> Step<&Fields> {
        self.fields.get(model).ok_or_else(|| Need::Fields(model.to_owned()))
    }

    /// What came of a change; none where it was not asked for yet.
    pub(super) fn came(&self, name: &str) -> Option<&Result<Value, Failure>> {
        self.changes.iter().find(|(done, _)| done == name).map(|(_, came)| came)
    }

    /// Whether a change was asked for under another name than these.
    pub(super) fn has_changed_besides(&self, names: &[&str]) -> bool {
        self.changes.iter().any(|(done, _)| !names.contains(&done.as_str()))
    }

    /// Asks for a change because the state is not as it should be. If it was made and the state still is not, that is the end.
    pub(super) fn change(&self, name: &str, call: Call) -> Need {
        match self.came(name) {
            None => Need::Change(name.to_owned(), Box::new(call.changing())),
            Some(Err(failure)) => Need::Refuse(Refused::Theirs(failure.clone())),
            Some(Ok(answer)) => refused(Refusal::Unmet, Again::Never, unmet(&call, answer)),
        }
    }

    pub(super) fn was_read(&mut self, call: Call, value: Value) {
        self.reads.push((call, value));
    }

    pub(super) fn was_looked_up(&mut self, call: Call, value: Value) {
        self.lookups.push((call, value));
    }

    pub(super) fn was_named(&mut self, external: String, holds: Holds, named: Named) {
        self.names.insert(external, (named, holds));
    }

    /// A change was made or refused: whatever was read may be different.
    pub(super) fn was_changed(&mut self, name: String, came: Result<Value, Failure>) {
        self.reads.clear();
        self.names.retain(|_, (_, holds)| *holds == Holds::Throughout);
        self.changes.push((name, came));
    }
}

fn found<'a>(among: &'a [(Call, Value)], call: &Call) -> Option<&'a Value> {
    among.iter().find(|(asked, _)| asked == call).map(|(_, value)| value)
}

/// A refusal of ours.
pub(super) fn refused(refusal: Refusal, again: Again, why: impl Into<String>) -> Need {
    Need::Refuse(Refused::Ours { refusal, again, why: why.into() })
}

/// A document that is no command.
pub(super) fn unreadable(why: impl Into<String>) -> Need {
    refused(Refusal::Document, Again::Never, why)
}

/// An action object in place of true is a question to a person, and nothing was done.
fn unmet(call: &Call, answer: &Value) -> String {
    let Call { model, method, .. } = call;
    match answer.get("res_model").and_then(Value::as_str) {
        Some(asks) => format!("{model}.{method} changed nothing: Odoo asks a person ({asks})"),
        None => format!("{model}.{method} was answered, and what should be true is not"),
    }
}
