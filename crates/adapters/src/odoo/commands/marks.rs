//! Whose doing the end of a record is: notes at it in Odoo that carry the keys of commands. Pure.
//!
//! A transfer can be validated once and looks the same whoever did it, and the next batch says the same as the last one. So a
//! command leaves a note at the record before it touches it, and the first note says whose the record is: what is done under
//! another note was another batch, and what is done under none was a person. Must never take a record for ours by its looks.

use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use super::refer::{said, search};
use super::seen::{Need, Seen, Step, refused};
use crate::odoo::call::Call;

const MESSAGE: &str = "mail.message";
/// The change that takes a note away again.
const LEAVE: &str = "leave it";

/// What is done to records of a model, once for each of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doing {
    /// The model.
    pub(super) model: &'static str,
    /// What, in a word that is part of the notes' names.
    pub(super) word: &'static str,
}

/// A note at a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note<'a> {
    id: u64,
    at: u64,
    /// The key of the command that left it.
    pub(super) key: &'a str,
}

/// Whose a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose<'a> {
    /// No command has left a note.
    Nobodys,
    /// This one has, by the note of this id.
    Ours(u64),
    /// The command with this key has.
    Anothers(&'a str),
}

impl Doing {
    /// The notes at records, the first one first. It stays the first: ids rise, and a note is not changed.
    pub(super) fn notes<'a>(self, at: &[u64], seen: &'a Seen) -> Step<Vec<Note<'a>>> {
        let end = self.end();
        let domain = json!([["model", "=", self.model], ["res_id", "in", at], ["message_id", "=like", format!("<%{end}")]]);
        let rows = seen.read(search(MESSAGE, domain, &["res_id", "message_id"]))?;
        let note = |row: &'a Value| {
            let key = said(&row["message_id"]).strip_prefix('<')?.strip_suffix(end.as_str())?;
            Some(Note { id: row["id"].as_u64()?, at: row["res_id"].as_u64()?, key })
        };
        Ok(rows.as_array().into_iter().flatten().filter_map(note).collect())
    }

    /// Leaves our note at a record. It is sent to nobody.
    fn leave(self, at: u64, says: &str, seen: &Seen) -> Need {
        let post = Call::of_records(self.model, "message_post", vec![at])
            .with("body", format!("{says} By the delivery {}.", seen.key))
            .with("message_type", "notification")
            // Odoo refuses a message of a user without a mail address; it is sent to nobody, so any will do.
            .with("email_from", "Crossdock <crossdock@crossdock.invalid>")
            .with("subtype_xmlid", "mail.mt_note")
            .with("message_id", format!("<{}{}", seen.key, self.end()));
        seen.change(&note_at(at), post)
    }

    fn end(self) -> String {
        format!(".{}@crossdock>", self.word)
    }

    /// What a step at an open record comes to under its note: before the first change there is one, and what is refused for good
    /// takes it away again, since nothing is under way then and a corrected command must find the record free.
    pub(super) fn guarded<T>(self, step: Step<T>, (at, whose): (u64, Whose<'_>), says: &str, seen: &Seen) -> Step<T> {
        let has_left = seen.came(LEAVE).is_some();
        match (step, whose) {
            (Err(Need::Change(..)), Whose::Nobodys) if has_left => {
                Err(refused(Refusal::Concurrency, Again::Perhaps, "what kept it from being done has changed meanwhile"))
            }
            (Err(Need::Change(..)), Whose::Nobodys) => Err(self.leave(at, says, seen)),
            (Err(Need::Refuse(_)), Whose::Ours(note)) if !has_left => {
                Err(seen.change(LEAVE, Call::of_records(MESSAGE, "unlink", vec![note])))
            }
            (step, Whose::Nobodys | Whose::Ours(_) | Whose::Anothers(_)) => step,
        }
    }
}

fn note_at(at: u64) -> String {
    format!("note at {at}")
}

/// Whose a record is: of the first note at it.
pub(super) fn whose<'a>(notes: &[Note<'a>], at: u64, seen: &Seen) -> Whose<'a> {
    match notes.iter().find(|note| note.at == at) {
        None => Whose::Nobodys,
        Some(note) if note.key == seen.key => Whose::Ours(note.id),
        Some(note) => Whose::Anothers(note.key),
    }
}

/// Whether we left a note at a record, the first or a later one.
pub(super) fn ours(notes: &[Note<'_>], at: u64, seen: &Seen) -> Whose<'static> {
    let own = notes.iter().find(|note| note.at == at && note.key == seen.key);
    own.map_or(Whose::Nobodys, |note| Whose::Ours(note.id))
}

/// A record that another command is about to end: what is left of it is known when it has.
pub(super) fn under_way(name: &str, key: &str) -> Need {
    let why = format!(
        "{name} is being done by the delivery {key}. If that one is given up, take its note away from {name} in Odoo, and retry this one"
    );
    refused(Refusal::Concurrency, Again::Perhaps, why)
}

/// Whether a record was ended before our note was there: it was left in this attempt, and the change was not asked for since.
pub(super) fn is_late(at: u64, change: &str, seen: &Seen) -> bool {
    seen.came(&note_at(at)).is_some() && seen.came(change).is_none()
}
