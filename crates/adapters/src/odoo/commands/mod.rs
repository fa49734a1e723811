//! Commands to Odoo: small documents that say what should be true there, so that a repeat changes nothing (decision 0048).
//!
//! Each command is a pure function of its document and of what was seen ([`seen::Seen`]); this is the loop around them all. It reads
//! before it does anything, asks for one change at a time, reads again after it, and takes only what it read for done. What may
//! have happened without an answer ends the attempt: the next one reads first, whoever makes it.

mod batch;
mod came;
mod confirm;
mod gate;
mod invoice;
mod lots;
mod marks;
mod message;
mod moves;
mod named;
mod production;
mod refer;
mod seen;
mod tracking;
mod transfer;
mod upsert;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::ports::{Clock, Errand, Message, Peer, Sent};
use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use self::gate::Gates;
use self::seen::{Need, Seen, Step, refused, unreadable};
use super::call::Call;
use super::failure::Failure;
use super::fields::Fields;
use super::session::{Odoo, Session};

/// LIMIT: steps of one attempt. A transfer takes one for each product and six for each change, and its lots are two changes however many
/// they are; an order of nine hundred lines, each with a product of its own, takes two for each. The rest goes on in the next.
const STEPS_MAX: usize = 2_000;
/// LIMIT: models whose fields are kept of one Odoo.
const MODELS_MAX: usize = 200;

/// All Odoos of the process, written to.
#[derive(Debug)]
pub struct Commands {
    odoo: Odoo,
    gates: Gates,
    learnt: Mutex<BTreeMap<String, Learnt>>,
}

/// What was learnt of an Odoo. It holds until Odoo refuses something, so that an upgrade needs nobody here.
#[derive(Clone, Debug)]
struct Learnt {
    peer: Peer,
    session: Session,
    fields: BTreeMap<String, Fields>,
}

/// A command by its document.
type Plan = fn(&Value, &Seen) -> Step<Value>;

/// The commands, by the word for them.
const COMMANDS: &[(&str, Plan)] = &[
    ("upsert", upsert::plan),
    ("confirm", confirm::plan),
    ("validate_transfer", transfer::plan),
    ("set_tracking", tracking::plan),
    ("register_lots", lots::plan),
    ("start_production", production::start),
    ("finish_production", production::finish),
    ("post_invoice", invoice::plan),
    ("post_message", message::plan),
    ("schedule_activity", message::schedule),
];

impl Commands {
    /// With no connection yet. The clock measures the timeouts.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { odoo: Odoo::new(clock), gates: Gates::default(), learnt: Mutex::default() }
    }

    /// Makes true what the message says.
    pub async fn run(&self, message: &Message, errand: &Errand) -> Sent {
        match self.attempt(message, errand).await {
            Ok(sent) => sent,
            Err(failure) => {
                if failure.is_about_what_is_there() {
                    self.lock().remove(&errand.peer.name);
                }
                came::failed(&failure)
            }
        }
    }

    async fn attempt(&self, message: &Message, errand: &Errand) -> Result<Sent, Failure> {
        let Errand { peer, key, at_once } = errand;
        let (document, plan) = match command(&message.body) {
            Ok(command) => command,
            Err(need) => return Ok(ended(need)),
        };
        let learnt = self.learnt(peer).await?;
        let session = learnt.session;
        let mut seen = Seen::new(session.version.clone(), key);
        seen.fields = learnt.fields;
        for _ in 0..STEPS_MAX {
            match plan(&document, &seen) {
                Ok(state) => return Ok(came::done(&state)),
                Err(Need::Read(call)) => {
                    let told = self.odoo.call(peer, &session, &call).await?;
                    seen.was_read(*call, told.value);
                }
                Err(Need::Lookup(call)) => {
                    let told = self.odoo.call(peer, &session, &call).await?;
                    seen.was_looked_up(*call, told.value);
                }
                Err(Need::Named(external, holds)) => {
                    let told = self.odoo.call(peer, &session, &named::ask(&external)).await;
                    seen.was_named(external, holds, named::answer(told.map(|told| told.value))?);
                }
                Err(Need::Fields(model)) => {
                    let fields = self.fields_of(peer, &session, &model).await?;
                    seen.fields.insert(model, fields);
                }
                Err(Need::Change(name, mut call)) => {
                    call.patience = Some(message.timeout);
                    let place = self.gates.enter(peer, *at_once).await;
                    let came = self.odoo.call(peer, &session, &call).await;
                    drop(place);
                    match came {
                        // Another hand may have done it meanwhile; the state decides.
                        Err(failure) if is_final(&failure) => seen.was_changed(name, Err(failure)),
                        Err(failure) => return Err(failure),
                        Ok(told) => seen.was_changed(name, Ok(told.value)),
                    }
                }
                Err(need @ Need::Refuse(_)) => return Ok(ended(need)),
            }
        }
        Ok(ended(refused(Refusal::Unmet, Again::Perhaps, format!("after {STEPS_MAX} steps it is not done yet"))))
    }

    async fn learnt(&self, peer: &Peer) -> Result<Learnt, Failure> {
        let held = self.lock().get(&peer.name).filter(|learnt| learnt.peer == *peer).cloned();
        if let Some(held) = held {
            return Ok(held);
        }
        let session = self.odoo.greet(peer).await?;
        let learnt = Learnt { peer: peer.clone(), session, fields: BTreeMap::new() };
        self.lock().insert(peer.name.clone(), learnt.clone());
        Ok(learnt)
    }

    async fn fields_of(&self, peer: &Peer, session: &Session, model: &str) -> Result<Fields, Failure> {
        let ask = Call::of_model(model, "fields_get").with("attributes", json!(["type", "relation"]));
        let told = self.odoo.call(peer, session, &ask).await?;
        let fields =
            Fields::from_answer(&told.value).ok_or(Failure::Foreign { status: 200, looks: "not an answer of Odoo's" })?;
        if let Some(learnt) = self.lock().get_mut(&peer.name).filter(|learnt| learnt.fields.len() < MODELS_MAX) {
            learnt.fields.insert(model.to_owned(), fields.clone());
        }
        Ok(fields)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Learnt>> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The document of a body, and what does it.
fn command(body: &[u8]) -> Step<(Value, Plan)> {
    let document: Value = serde_json::from_slice(body).map_err(|_| unreadable("the body is no JSON"))?;
    let word = refer::text(&document, "command")?;
    let plan = COMMANDS.iter().find(|(name, _)| *name == word).map(|(_, plan)| *plan);
    let plan = plan.ok_or_else(|| unreadable(format!("there is no command `{word}`")))?;
    Ok((document, plan))
}

fn ended(need: Need) -> Sent {
    match need {
        Need::Refuse(refused) => came::refused(&refused),
        Need::Read(_) | Need::Lookup(_) | Need::Named(..) | Need::Fields(_) | Need::Change(..) => {
            unreachable!("what is needed from Odoo is asked for by the loop")
        }
    }
}

/// Odoo rolled back and would say the same again.
fn is_final(failure: &Failure) -> bool {
    matches!(failure, Failure::Said { .. }) && failure.again() == Again::Never
}

#[cfg(test)]
mod tests;
