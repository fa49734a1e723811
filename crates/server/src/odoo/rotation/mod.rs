//! A new key in the place of the one in use (decision 0051): made by the addon or a web session, kept, tried, put in its place,
//! and only then the old one is ended.
//!
//! At any moment one key that works is where the product looks. What a crash interrupts, the next run goes on with.

mod place;
mod state;
mod told;
pub mod watch;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use adapters::odoo::{Failure, Maker, Odoo, Session, Standing};
use engine::ports::{Clock, Peer};
use formats::signature::Secret;
use futures::future::BoxFuture;
use model::outcome::Refusal;
use model::{Diagnostic, SecretName, Timestamp};
use policy::compiled::{Odoo as Declared, Rotate};

use self::place::Place;
use self::state::{Next, Row, State, Step};
use super::words::diagnostic;
use crate::secrets;
use crate::settings::Environment;

pub use self::state::DUE;

/// LIMIT: of a system's name in the name of a key; Odoo's addon takes 64 characters for all of it.
const NAMED_MAX: usize = 30;
/// The addon's model.
const OUTBOX: &str = "crossdock.outbox";

/// A rotation of one system's key.
#[derive(Debug)]
pub struct Rotation<'a> {
    /// What asks.
    pub odoo: &'a Odoo,
    /// The system.
    pub declared: &'a Declared,
    /// Where values of secrets may be.
    pub environment: &'a Environment,
    /// The data folder.
    pub data: &'a Path,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// What there is to rotate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The secret whose value is the key in use.
    pub secret: SecretName,
    /// When that key ends, or the first of several of which nobody knows which it is.
    pub ends_at: Option<Timestamp>,
    /// Whether it is accepted now.
    pub works: bool,
    /// Whether an earlier rotation was not finished.
    pub unfinished: bool,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The secret whose value is the new key.
    pub secret: SecretName,
    /// What the new key is called in Odoo.
    pub name: String,
    /// What became of the old one.
    pub old: Old,
}

/// What became of an old key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Old {
    /// It was ended.
    Ended(String),
    /// It ends by itself.
    Ends(String, Timestamp),
    /// It has no end, and only a person can give it one.
    Endless(String),
    /// It is one of several, and nobody knows which.
    Unknown,
}

/// All that is needed to begin.
struct Known {
    secret: SecretName,
    place: Place,
    peer: Peer,
    /// For a web session; none where the addon makes keys.
    password: Option<Secret>,
}

impl Looked {
    /// Whether it is time.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.unfinished || !self.works || self.ends_at.is_some_and(|at| at <= now + DUE)
    }
}

impl Rotation<'_> {
    /// Looks which key is in use and when it ends. It changes nothing.
    pub async fn look(&self) -> Result<Looked, Diagnostic> {
        let known = self.known()?;
        let state = known.place.state().map_err(|error| self.unwritable(&known, &error))?;
        let (session, works) = self.session(&known).await?;
        // Who may not list the own keys is told nothing about their end.
        let keys = if works { self.odoo.keys(&known.peer, &session).await.unwrap_or_default() } else { Vec::new() };
        Ok(Looked {
            ends_at: state::ends_at(state.as_ref(), &keys, self.clock.wall()),
            unfinished: state.is_some_and(|state| state.step != Step::Done),
            secret: known.secret,
            works,
        })
    }

    /// Rotates, from where an earlier run stopped. `taken` is awaited before the old key ends: until whoever uses it has the new one.
    pub async fn run(&self, taken: BoxFuture<'_, ()>) -> Result<Rotated, Diagnostic> {
        let known = self.known()?;
        let unwritable = |error: io::Error| self.unwritable(&known, &error);
        let lock = known.place.lock().map_err(unwritable)?;
        let Some(_held) = lock else { return Err(self.under_way(&known)) };
        loop {
            let state = known.place.state().map_err(unwritable)?;
            let has_new = known.place.new_key().map_err(unwritable)?.is_some();
            match (state::next(state.as_ref(), has_new), state) {
                (Next::Take, Some(state)) => self.take(&known, &state).await?,
                (Next::Settle, Some(state)) => return self.settle(&state, taken).await,
                (Next::AskAnew, Some(state)) => {
                    self.clear(&known, &state).await;
                    self.ask(&known, Some(state)).await?;
                }
                (Next::Ask | Next::AskAnew | Next::Take | Next::Settle, state) => self.ask(&known, state).await?,
            }
        }
    }

    #[expect(clippy::result_large_err, reason = "what is found is shown as it is; this is asked once an hour")]
    fn known(&self) -> Result<Known, Diagnostic> {
        let declared = self.declared;
        let rotate = declared.rotate.as_ref().ok_or_else(|| self.no_rotation())?;
        let wanted: BTreeSet<SecretName> = declared.secrets().cloned().collect();
        let (keys, _) = secrets::load(&wanted, self.environment, self.data);
        let secret = declared.keys.iter().find(|name| keys.get(name).is_some()).ok_or_else(|| self.no_key())?.clone();
        let password = match rotate {
            Rotate::Addon => None,
            Rotate::Password(name) => Some(keys.get(name).ok_or_else(|| self.no_password(name))?.clone()),
        };
        let place = Place::of(&secret, self.data);
        if self.environment.get(&secret.variable()).is_some() || !place.is_file() {
            return Err(self.elsewhere(&secret));
        }
        let peer = Peer::of(declared, &keys).ok_or_else(|| self.no_key())?;
        Ok(Known { secret, place, peer, password })
    }

    /// Greets with the key in use. One that has ended is no obstacle where a password makes the next.
    async fn session(&self, known: &Known) -> Result<(Session, bool), Diagnostic> {
        let told = |failure: Failure| diagnostic(&failure, &self.declared.system);
        match self.odoo.greet(&known.peer).await {
            Ok(session) => Ok((session, true)),
            Err(Failure::Said { refusal: Refusal::KeyRefused, .. }) if known.password.is_some() => {
                let (version, ahead_s) = self.odoo.version(&known.peer).await.map_err(told)?;
                let wire = version.wire().ok_or_else(|| told(Failure::Version(version.text.clone())))?;
                Ok((Session { version, wire, user: 0, ahead_s }, false))
            }
            Err(failure) => Err(told(failure)),
        }
    }

    /// Has a key made and keeps it. The name is kept before Odoo is asked, so that a key that nobody kept is found again.
    async fn ask(&self, known: &Known, before: Option<State>) -> Result<(), Diagnostic> {
        let unwritable = |error: io::Error| self.unwritable(known, &error);
        let (session, works) = self.session(known).await?;
        let by = match &known.password {
            Some(password) => Maker::Password(password),
            None => Maker::Addon,
        };
        if matches!(by, Maker::Addon) {
            let standing = self.odoo.may(&known.peer, &session, OUTBOX, "read").await;
            if matches!(standing, Ok(Standing::Absent)) {
                return Err(self.no_addon());
            }
        }
        let now = self.clock.wall();
        let keys = if works { self.odoo.keys(&known.peer, &session).await.unwrap_or_default() } else { Vec::new() };
        // A password in the place of a key is none of those that Odoo lists.
        let is_key = known.peer.key.expose().len() == 40;
        let old = state::in_use(before.as_ref(), &keys, now).filter(|_| is_key);
        let old = old.map(|key| Row { id: key.id, name: key.name.clone() });
        let state = State { step: Step::Asked, name: self.name(now), old };
        known.place.keep_state(Some(&state)).map_err(unwritable)?;
        match self.odoo.make_key(&known.peer, &session, &state.name, by).await {
            Ok(key) => known.place.keep_new(&key).map_err(unwritable),
            Err(failure) => {
                if !failure.may_have_happened() {
                    known.place.keep_state(before.as_ref()).map_err(unwritable)?;
                }
                Err(self.not_made(&failure, by))
            }
        }
    }

    /// A key that was made and never kept is of no use to anybody. Where it cannot be ended, it ends by itself.
    async fn clear(&self, known: &Known, state: &State) {
        let Some(password) = &known.password else { return };
        let Ok((session, true)) = self.session(known).await else { return };
        let keys = self.odoo.keys(&known.peer, &session).await.unwrap_or_default();
        if let Some(key) = keys.iter().find(|key| key.name == state.name) {
            drop(self.odoo.end_key(&known.peer, &session, password, key.id).await);
        }
    }

    /// Tries the new key, and puts it in the old one's place where it works.
    async fn take(&self, known: &Known, state: &State) -> Result<(), Diagnostic> {
        let unwritable = |error: io::Error| self.unwritable(known, &error);
        let Some(key) = known.place.new_key().map_err(unwritable)? else { return Ok(()) };
        match self.odoo.greet(&Peer { key, ..known.peer.clone() }).await {
            Ok(_) => {
                known.place.keep_state(Some(&State { step: Step::Made, ..state.clone() })).map_err(unwritable)?;
                known.place.promote().map_err(unwritable)
            }
            Err(Failure::Said { refusal: Refusal::KeyRefused, .. }) => {
                // The state stays: the next run clears the key away in Odoo, and asks for another.
                known.place.keep_state(Some(&State { step: Step::Asked, ..state.clone() })).map_err(unwritable)?;
                known.place.forget_new().map_err(unwritable)?;
                Err(self.does_not_work())
            }
            Err(failure) => Err(diagnostic(&failure, &self.declared.system)),
        }
    }

    /// Sees that the key in its place works, and ends the old one.
    async fn settle(&self, state: &State, taken: BoxFuture<'_, ()>) -> Result<Rotated, Diagnostic> {
        let known = self.known()?;
        let unwritable = |error: io::Error| self.unwritable(&known, &error);
        let session = match self.odoo.greet(&known.peer).await {
            Ok(session) => session,
            Err(Failure::Said { refusal: Refusal::KeyRefused, .. }) if known.place.restore().map_err(unwritable)? => {
                known.place.keep_state(Some(&State { step: Step::Asked, ..state.clone() })).map_err(unwritable)?;
                return Err(self.does_not_work());
            }
            Err(failure) => return Err(diagnostic(&failure, &self.declared.system)),
        };
        taken.await;
        let old = self.end_old(&known, &session, state).await?;
        known.place.forget_before().map_err(unwritable)?;
        let done = State { step: Step::Done, name: state.name.clone(), old: None };
        known.place.keep_state(Some(&done)).map_err(unwritable)?;
        Ok(Rotated { secret: known.secret, name: state.name.clone(), old })
    }

    async fn end_old(&self, known: &Known, session: &Session, state: &State) -> Result<Old, Diagnostic> {
        let Some(row) = &state.old else { return Ok(Old::Unknown) };
        let Some(password) = &known.password else {
            let keys = self.odoo.keys(&known.peer, session).await.unwrap_or_default();
            return Ok(match keys.iter().find(|key| key.id == row.id).map(|key| key.ends_at) {
                Some(Some(at)) => Old::Ends(row.name.clone(), at),
                Some(None) => Old::Endless(row.name.clone()),
                None => Old::Ended(row.name.clone()),
            });
        };
        match self.odoo.end_key(&known.peer, session, password, row.id).await {
            Ok(()) | Err(Failure::Said { refusal: Refusal::Missing, .. }) => Ok(Old::Ended(row.name.clone())),
            Err(failure) => Err(self.not_ended(&failure, &row.name)),
        }
    }

    /// A name of which there is no other.
    fn name(&self, now: Timestamp) -> String {
        let system: String = self.declared.system.chars().take(NAMED_MAX).collect();
        let day = now.to_jiff().strftime("%Y-%m-%d");
        format!("Crossdock {system} {day} {}", hex::encode(&self.clock.chance()[..4]))
    }
}
