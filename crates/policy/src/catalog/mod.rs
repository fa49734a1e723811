//! What a project's event types are, who answers for them, and who uses them: the contracts of its files, with what they say beside
//! the shape of their data. Nothing measured: that is what was declared.

mod users;

use std::collections::BTreeMap;

use model::TimeSpan;
use serde::Serialize;
use serde_json::Value;

pub use users::Users;

use crate::contract::Hurts;
use crate::decode::{Objects, decode};
use crate::specs::{Address, Contact, ContractSpec, TeamSpec};
use crate::{Findings, SourceFile, Spanned, near};

/// A version of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// `1.2.3`.
    pub version: String,
    /// The event type that it describes.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it describes, in a sentence.
    pub summary: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// How they are reached, where the project says so.
    pub contacts: Vec<String>,
    /// The business area.
    pub domain: Option<String>,
    /// Other names.
    pub aliases: Vec<String>,
    /// `draft`, `approved`, `deprecated`, `retired`.
    pub lifecycle: &'static str,
    /// `public`, `internal`, `confidential`, `restricted`.
    pub classification: &'static str,
    /// Fields that say something of a person.
    pub personal: Vec<String>,
    /// How long its data may be kept: `3650d`.
    pub retention: Option<String>,
    /// Where its data may be kept.
    pub residency: Option<String>,
    /// Which system is the record, by field; `.` for all that is not named.
    pub record: BTreeMap<String, String>,
    /// How it is synchronised: `real_time`, `near_real_time`, `batch`.
    pub pace: Option<&'static str>,
    /// Why so.
    pub pace_reason: Option<String>,
    /// `99% within 5m`.
    pub service: Option<String>,
    /// What people search by: name and expression.
    pub identifiers: BTreeMap<String, String>,
    /// Events with the same value are handled in order.
    pub ordering: Option<String>,
    /// The business transaction.
    pub correlation: Option<String>,
    /// When it happened.
    pub time: Option<String>,
    /// What tells two of them apart.
    pub dedupe: Vec<String>,
    /// `state`, `transition`, `command`.
    pub repeat: &'static str,
    /// Who sends and who reads it.
    pub users: Users,
    /// The JSON Schema.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub schema: Value,
    /// Examples of the data.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Value>,
}

/// All contracts of a project, by name and version, the newest of a name first. Files that cannot be read are as if they were not
/// there.
pub fn catalog(files: &[SourceFile]) -> Vec<Entry> {
    let objects = decode(files, &mut Findings::of_stored(files));
    let mut contracts: Vec<&ContractSpec> = objects.contracts.values().collect();
    contracts.sort_by_key(|contract| (contract.reference.name(), std::cmp::Reverse(contract.version_parts())));
    contracts.into_iter().map(|contract| entry(contract, &objects)).collect()
}

/// The entries that somebody means by a name, an event type, an alias or `NAME@VERSION`; else the name that was probably meant.
pub fn meant<'c>(entries: &'c [Entry], word: &str) -> Result<Vec<&'c Entry>, Option<&'c str>> {
    let is_meant = |entry: &&Entry| {
        let is = |name: &str| name.eq_ignore_ascii_case(word);
        is(&entry.name) || is(&entry.kind) || is(&entry.reference()) || entry.aliases.iter().any(|alias| is(alias))
    };
    let found: Vec<&Entry> = entries.iter().filter(is_meant).collect();
    if found.is_empty() { Err(near::nearest(word, entries.iter().map(|entry| entry.name.as_str()))) } else { Ok(found) }
}

impl Entry {
    /// `NAME@VERSION`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// The same without what fills pages.
    #[must_use]
    pub fn short(self) -> Self {
        Self { schema: Value::Null, examples: Vec::new(), ..self }
    }
}

fn entry(contract: &ContractSpec, objects: &Objects) -> Entry {
    let said = &contract.governed;
    let text = |text: &Option<Spanned<String>>| text.as_ref().map(|text| text.value.clone());
    let texts = |texts: &[Spanned<String>]| texts.iter().map(|text| text.value.clone()).collect();
    let owner = contract.owner.as_ref().map(|owner| &owner.value);
    let team = owner.and_then(|owner| objects.teams.get(owner));
    Entry {
        name: contract.reference.name().to_owned(),
        version: contract.version.clone(),
        kind: contract.kind.to_string(),
        summary: text(&contract.summary),
        owner: owner.map(ToString::to_string),
        contacts: team.map(contacts).unwrap_or_default(),
        domain: text(&said.domain),
        aliases: texts(&said.aliases),
        lifecycle: contract.lifecycle.word(),
        classification: contract.classification.word(),
        personal: texts(&said.personal),
        retention: said.retention.map(span),
        residency: text(&said.residency),
        record: said.record.iter().map(|(path, system)| (path.value.clone(), system.value.clone())).collect(),
        pace: said.mode.as_ref().map(|mode| mode.pace.word()),
        pace_reason: said.mode.as_ref().map(|mode| mode.why.value.clone()),
        service: said.service.map(|service| format!("{}% within {}", service.share_percent, span(service.within))),
        identifiers: contract.identifiers.iter().map(|(name, path)| (name.value.clone(), path.value.clone())).collect(),
        ordering: text(&contract.ordering),
        correlation: text(&contract.correlation),
        time: text(&contract.time),
        dedupe: texts(&said.dedupe),
        repeat: contract.repeat.word(),
        users: Users::of(contract.reference.as_str(), Hurts { senders: true, readers: true }, objects),
        schema: contract.schema.value.clone(),
        examples: contract.examples.iter().map(|example| example.value.clone()).collect(),
    }
}

fn contacts(team: &TeamSpec) -> Vec<String> {
    let shown = |contact: &Contact| {
        let at = match &contact.at {
            Address::Email(at) | Address::Phone(at) | Address::Url(at) => at,
        };
        contact.note.as_ref().map_or_else(|| at.clone(), |note| format!("{at} ({note})"))
    };
    team.contacts.iter().map(shown).collect()
}

/// A span as a project file writes it, in its largest whole unit.
fn span(span: TimeSpan) -> String {
    let seconds = span.secs();
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let whole = units.into_iter().find(|(_, unit)| seconds >= *unit && seconds.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{seconds}s"), |(letter, unit)| format!("{}{letter}", seconds / unit))
}

#[cfg(test)]
mod tests;
