//! The outbox that the addon keeps in an Odoo: its pages in the form in which records are read, and how far they are read.
//!
//! A line whose values were not written by the present reading tells only that its record changed: nothing is guessed from them.

use std::collections::BTreeMap;

use engine::ports::{Extent, Line, Lost, Peer, Place, Pull, Pulled, Reading, Rest, Said, Unread};
use model::Timestamp;
use model::outcome::Refusal;
use serde_json::Value;

use super::call::Call;
use super::failure::Failure;
use super::fields::{Known, in_our_form, model_there};
use super::records::{OdooRecords, instant, row, shape};
use super::session::{Odoo, Session};
use super::specified::{Specified, WRITTEN, no_such_model, not_odoo};
use super::survey::{Standing, standing};
use super::version::Version;

/// The model whose methods are the outbox.
pub(super) const OUTBOX: &str = "crossdock.outbox";
/// What a rule tells deletions with.
const DELETED: &str = "deleted";
/// In values that could not be made: why.
const ERROR: &str = "_error";
/// LIMIT: what a line is known by; a UUID has 36 characters. It becomes part of a key.
const EVENT_CHARS_MAX: usize = 64;

/// What is read of one model now.
struct Wanted<'a> {
    /// The model by our name.
    model: &'a str,
    reading: &'a Reading,
    /// The name of the reading.
    name: String,
    fields: Known,
}

impl OdooRecords {
    /// A page of the outbox.
    pub(super) async fn pull(&self, peer: &Peer, pull: &Pull) -> Result<Pulled, Failure> {
        let session = self.learnt(peer).await?.session;
        let value = self.odoo.pull_page((peer, &session), pull.after.as_ref(), pull.limit).await?;
        let rows = value.get("rows").and_then(Value::as_array).ok_or_else(not_odoo)?;
        let wanted = self.wanted(peer, &session.version, pull, rows).await?;
        let lines: Option<Vec<Line>> = rows.iter().map(|row| line(row, &wanted, &session.version)).collect();
        let other_reading = rows.iter().filter(|row| is_by_another_reading(row, &wanted)).count() as u64;
        let page = page(&value, lines.ok_or_else(not_odoo)?).ok_or_else(not_odoo)?;
        Ok(Pulled { other_reading, ..page })
    }

    /// Says how far a reader has read. It may be said again at any time: the place never goes back.
    pub(super) async fn acknowledge(&self, peer: &Peer, reader: &str, place: &Place) -> Result<(), Failure> {
        let session = self.learnt(peer).await?.session;
        let call = Call::of_model(OUTBOX, "acknowledge")
            .with("txid", place.txid)
            .with("id", place.id)
            .with("epoch", place.epoch.as_str())
            .with("consumer", reader.chars().take(EVENT_CHARS_MAX).collect::<String>());
        self.odoo.call(peer, &session, &call).await.map_err(no_such_model).map(drop)
    }

    /// What is read now of the models that these rows name, by their names there. A model that cannot be learnt is left out: its rows
    /// tell of changes all the same, and who reads it then is told why it cannot.
    async fn wanted<'a>(
        &self,
        peer: &Peer,
        version: &Version,
        pull: &'a Pull,
        rows: &[Value],
    ) -> Result<BTreeMap<String, Wanted<'a>>, Failure> {
        let mut wanted = BTreeMap::new();
        for (model, reading) in &pull.readings {
            let there = model_there(version, model);
            if !rows.iter().any(|row| row.get("res_model").and_then(Value::as_str) == Some(there)) {
                continue;
            }
            match self.learnt_of(peer, model, reading).await {
                Ok(learnt) => {
                    let name = Specified::new(reading, there, version, &learnt.fields).reading;
                    wanted.insert(there.to_owned(), Wanted { model, reading, name, fields: learnt.fields });
                }
                Err(failure) if failure.unread().of == Extent::Model => {
                    let (name, fields) = (String::new(), Known::new());
                    wanted.insert(there.to_owned(), Wanted { model, reading, name, fields });
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(wanted)
    }
}

impl Odoo {
    /// Whether our user may read the outbox, and whether there is one.
    pub async fn may_pull(&self, peer: &Peer, session: &Session) -> Result<Standing, Failure> {
        standing(self.pull_page((peer, session), None, 1).await.map(|_| true))
    }

    async fn pull_page(
        &self,
        (peer, session): (&Peer, &Session),
        after: Option<&Place>,
        limit: usize,
    ) -> Result<Value, Failure> {
        let mut call = Call::of_model(OUTBOX, "pull")
            .with("after_txid", after.map_or(0, |place| place.txid))
            .with("after_id", after.map_or(0, |place| place.id))
            .with("limit", limit);
        if let Some(place) = after {
            call = call.with("epoch", place.epoch.as_str());
        }
        Ok(self.call(peer, session, &call).await.map_err(no_such_model)?.value)
    }
}

/// Why the outbox cannot be read, where that is its own business: there is none, or it is not for our user.
pub(super) fn unread(unread: Unread) -> Unread {
    let of = Extent::Model;
    match unread.cause {
        cause if cause == Refusal::NotFound.word() => Unread {
            of,
            cause: "no_outbox",
            why: "this Odoo has no outbox".to_owned(),
            help: "install the addon crossdock_outbox there, or take `from: outbox` out of the source",
        },
        cause if cause == Refusal::Access.word() => Unread {
            of,
            cause: "no_outbox_right",
            help: "give our user in Odoo the group \"Crossdock: read the outbox\"",
            ..unread
        },
        _ => unread,
    }
}

fn page(value: &Value, lines: Vec<Line>) -> Option<Pulled> {
    let epoch = value.get("epoch")?.as_str()?;
    let lost = value.get("lost").filter(|lost| !lost.is_null());
    let lost = match lost {
        Some(lost) => Some(Lost { lines: lost.get("rows")?.as_u64()?, upto: place(epoch, lost.get("upto")?)? }),
        None => None,
    };
    Some(Pulled {
        lines,
        next: place(epoch, value.get("next")?)?,
        rest: if value.get("has_more")?.as_bool()? { Rest::More } else { Rest::Nothing },
        held_back: value.get("held_back")?.as_u64()?,
        other_reading: 0,
        fence: value.get("fence")?.as_u64()?,
        at: value.get("now")?.as_str()?.parse::<Timestamp>().ok()?,
        lost,
    })
}

fn place(epoch: &str, value: &Value) -> Option<Place> {
    Some(Place { epoch: epoch.to_owned(), txid: value.get("txid")?.as_u64()?, id: value.get("id")?.as_u64()? })
}

/// Whether the rule that wrote this row reads something else than is read now. A row without a reading says nothing of its rule.
fn is_by_another_reading(row: &Value, wanted: &BTreeMap<String, Wanted<'_>>) -> bool {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let known = text("res_model").and_then(|there| wanted.get(there)).filter(|known| !known.name.is_empty());
    let is_other = known.zip(text("reading")).is_some_and(|(known, reading)| known.name != reading);
    is_other && text("trigger") != Some(DELETED)
}

fn line(value: &Value, wanted: &BTreeMap<String, Wanted<'_>>, version: &Version) -> Option<Line> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let event =
        text("event_id").filter(|event| event.len() <= EVENT_CHARS_MAX && event.bytes().all(|it| it.is_ascii_graphic()))?;
    let there = text("res_model")?;
    let known = wanted.get(there);
    let payload = value.get("payload").unwrap_or(&Value::Null);
    let said = match known {
        _ if text("trigger") == Some(DELETED) => Said::Deleted,
        Some(known) if text("reading") == Some(&known.name) && payload.get(ERROR).is_none() => {
            let ours = in_our_form(payload, known.reading, there, version, &known.fields);
            Said::Saved(Box::new(row(known.model, payload, ours)?), shape(there, &known.fields)?)
        }
        Some(_) | None => Said::Changed,
    };
    Some(Line {
        txid: value.get("txid")?.as_u64()?,
        event: event.to_owned(),
        model: known.map_or(there, |known| known.model).to_owned(),
        id: value.get("res_id")?.as_u64()?,
        began: payload.get(WRITTEN).and_then(Value::as_str).and_then(instant),
        said,
    })
}

#[cfg(test)]
mod tests;
