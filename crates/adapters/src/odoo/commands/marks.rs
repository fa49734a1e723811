//! Whose doing the end of a record is: notes at it in Odoo that carry the keys of commands. Pure.
//!
//! A transfer can be validated once and looks the same whoever did it, and the next batch says the same as the last one. So a
//! command leaves a note at the record before it touches it, and the note says whose the record is: what is done under another
//! note was another batch, and what is done under none, or before the note, was a person. Two notes at once are told apart by
//! reading behind leaving: whoever sees the other's goes. Must never take a record for ours by its looks, nor by the order of ids.

use std::cmp::Ordering;

use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use super::refer::{one, said, search};
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
    /// What, in a word that is part of the notes' names, and the name of the change that does it.
    pub(super) word: &'static str,
    /// The field that says when it was done.
    pub(super) when: &'static str,
}

/// A note at a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note<'a> {
    id: u64,
    at: u64,
    /// The key of the command that left it.
    pub(super) key: &'a str,
    /// When, by the clock that says too when records are done, to the second.
    left: &'a str,
    /// The user who did.
    by: Option<u64>,
}

/// Whose a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose<'a> {
    /// No command has left a note.
    Nobodys,
    /// This one has.
    Ours(Note<'a>),
    /// The command with this key has.
    Anothers(&'a str),
    /// This one has, and the command with this key: they did not see each other yet.
    Contested(Note<'a>, &'a str),
}

impl Doing {
    /// The record at which this command has left its note, whichever its document leads to by now: what it ended is not found
    /// by what it was, and what it made is. The last one, where it left a first that was another's.
    pub(super) fn home(self, seen: &Seen) -> Step<Option<u64>> {
        let domain = json!([["model", "=", self.model], ["message_id", "=", self.name(seen)]]);
        // A note that is left later in this attempt is left at the record that the document leads to in it.
        let rows = seen.lookup(search(MESSAGE, domain, &["res_id"]))?;
        Ok(rows.as_array().and_then(|rows| rows.last()).and_then(|row| row["res_id"].as_u64()))
    }

    /// The notes at records, in the order of their ids.
    pub(super) fn notes<'a>(self, at: &[u64], seen: &'a Seen) -> Step<Vec<Note<'a>>> {
        let end = self.end();
        let domain = json!([["model", "=", self.model], ["res_id", "in", at], ["message_id", "=like", format!("<%{end}")]]);
        let rows = seen.read(search(MESSAGE, domain, &["res_id", "message_id", "date", "create_uid"]))?;
        let note = |row: &'a Value| {
            let key = said(&row["message_id"]).strip_prefix('<')?.strip_suffix(end.as_str())?;
            let (id, at) = (row["id"].as_u64()?, row["res_id"].as_u64()?);
            Some(Note { id, at, key, left: said(&row["date"]), by: one(&row["create_uid"]) })
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
            .with("message_id", self.name(seen));
        if matches!(seen.came(&note_at(at)), Some(Ok(_))) {
            return behind("the note at it was left, and is not read yet");
        }
        seen.change(&note_at(at), post)
    }

    /// The message id of our note.
    fn name(self, seen: &Seen) -> String {
        format!("<{}{}", seen.key, self.end())
    }

    /// The name of the change that does it to a record.
    fn doing(self, at: u64) -> String {
        format!("{} {at}", self.word)
    }

    /// Asks for it to be done.
    pub(super) fn done(self, at: u64, call: Call, seen: &Seen) -> Need {
        seen.change(&self.doing(at), call)
    }

    fn end(self) -> String {
        format!(".{}@crossdock>", self.word)
    }

    /// What a step at an open record comes to under its note: before the first change there is one, and what is refused for good
    /// takes it away again, since nothing is under way then and a corrected command must find the record free.
    pub(super) fn guarded<T>(self, step: Step<T>, (at, whose): (u64, Whose<'_>), says: &str, seen: &Seen) -> Step<T> {
        let has_left = seen.came(LEAVE).is_some();
        match (step, whose) {
            (Err(_), Whose::Ours(_)) if self.was_answered(at, seen) => {
                Err(behind("Odoo answers that it is done, and it is not read so yet"))
            }
            (Err(Need::Change(..)), Whose::Nobodys) if has_left => {
                Err(refused(Refusal::Concurrency, Again::Perhaps, "what kept it from being done has changed meanwhile"))
            }
            (Err(Need::Change(..)), Whose::Nobodys) => Err(self.leave(at, says, seen)),
            // Contested is only what was cancelled: an open record or a done one was decided before.
            (Err(Need::Refuse(_)), Whose::Ours(note) | Whose::Contested(note, _)) if !has_left => Err(withdraw(note, seen)),
            (step, Whose::Nobodys | Whose::Ours(_) | Whose::Anothers(_) | Whose::Contested(..)) => step,
        }
    }

    /// Whether Odoo said in this attempt that it has done it: with anything but a question to a person, which is an action of
    /// another model. An order that leaves a rest answers with the action that shows it.
    fn was_answered(self, at: u64, seen: &Seen) -> bool {
        let is_question = |answer: &Value| answer["res_model"].as_str().is_some_and(|of| of != self.model);
        matches!(seen.came(&self.doing(at)), Some(Ok(answer)) if !is_question(answer))
    }

    /// Whether a record under our note was done by somebody else. What this attempt did is ours, and what it did not come to is
    /// not. Else it was done before the note was left, or not; within the same second by whoever changed the record last.
    pub(super) fn is_by_hand(self, (at, row): (u64, &Value), whose: Whose<'_>, seen: &Seen) -> bool {
        let Whose::Ours(note) = whose else { return false };
        if matches!(seen.came(&self.doing(at)), Some(Ok(_))) {
            return false;
        }
        if seen.came(&note_at(at)).is_some() && seen.came(&self.doing(at)).is_none() {
            return true;
        }
        let done = said(&row[self.when]);
        let is_known = !done.is_empty() && !note.left.is_empty();
        match done.cmp(note.left) {
            Ordering::Less if is_known => true,
            Ordering::Greater if is_known => false,
            Ordering::Less | Ordering::Equal | Ordering::Greater => one(&row["write_uid"]) != note.by,
        }
    }
}

/// A record with two notes. Whoever sees the other's in its first read behind its own takes its own away and comes again; so
/// at most one of them has gone on. Where the record is done, and an earlier attempt of ours may have done it, nothing says which.
pub(super) fn contested((at, row): (u64, &Value), (note, key): (Note<'_>, &str), seen: &Seen) -> Need {
    let name = said(&row["name"]);
    if said(&row["state"]) == "done" && seen.came(&note_at(at)).is_none() {
        let why = format!(
            "{name} was done under two notes, of the deliveries {} and {key}, and which of them did it is not known. If it was \
             this one, cancel this delivery; if not, take its note away from {name} in Odoo, and retry",
            note.key
        );
        return refused(Refusal::Unmet, Again::Never, why);
    }
    if seen.came(LEAVE).is_some() { under_way(name, key) } else { withdraw(note, seen) }
}

/// Takes a note of ours away.
fn withdraw(note: Note<'_>, seen: &Seen) -> Need {
    seen.change(LEAVE, Call::of_records(MESSAGE, "unlink", vec![note.id]))
}

/// What Odoo answered is not read yet: it may read from a copy of its database that is behind. The note stays, and the next
/// attempt reads again.
fn behind(what: &str) -> Need {
    refused(Refusal::Unmet, Again::Perhaps, format!("{what}; if Odoo reads from a replica, that may be behind"))
}

fn note_at(at: u64) -> String {
    format!("note at {at}")
}

/// Whose a record is. Another's note beside ours counts until something was changed under ours in this attempt: that was begun
/// when ours stood alone, and so the other one goes.
pub(super) fn whose<'a>(notes: &[Note<'a>], at: u64, seen: &Seen) -> Whose<'a> {
    let other = notes.iter().find(|note| note.at == at && note.key != seen.key);
    match (ours(notes, at, seen), other) {
        (Whose::Ours(own), Some(other)) if !seen.has_changed_besides(&[&note_at(at), LEAVE]) => {
            Whose::Contested(own, other.key)
        }
        (Whose::Nobodys, Some(other)) => Whose::Anothers(other.key),
        (whose, _) => whose,
    }
}

/// Whether we left a note at a record, alone or not.
pub(super) fn ours<'a>(notes: &[Note<'a>], at: u64, seen: &Seen) -> Whose<'a> {
    let own = notes.iter().find(|note| note.at == at && note.key == seen.key);
    own.map_or(Whose::Nobodys, |note| Whose::Ours(*note))
}

/// A record that another command is about to end: what is left of it is known when it has.
pub(super) fn under_way(name: &str, key: &str) -> Need {
    let why = format!(
        "{name} is being done by the delivery {key}. If that one is given up, take its note away from {name} in Odoo, and retry this one"
    );
    refused(Refusal::Concurrency, Again::Perhaps, why)
}
