//! The test event (decision 0051): Odoo is asked to send the webhook of a record that is there, and the record is read as capture
//! reads it. It writes nothing, in Odoo or here.

use std::sync::Arc;
use std::time::Duration;

use adapters::odoo::{Failure as Refused, Odoo, OdooRecords, Session};
use engine::ports::{Asked, Clock as _, Peer, Records as _, Row, Which};
use model::diagnostic::Place;
use model::outcome::Refusal;
use model::{Diagnostic, TimeSpan, Timestamp};
use policy::codes;
use policy::compiled::{Capture, CapturedBy, Source};
use serde::Serialize;
use serde_json::{Value, json};
use server::clock::SystemClock;

use super::ear::{Ear, Named};
use super::{diagnostic, sentence};
use crate::moment;

/// Odoo waits for an answer for a second; what is not there after this does not come.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether somebody saved something.
const LOOK: Duration = Duration::from_secs(1);

/// What is tried.
#[derive(Debug)]
pub(crate) struct Trial<'a> {
    pub(crate) odoo: &'a Odoo,
    pub(crate) peer: &'a Peer,
    pub(crate) session: &'a Session,
    pub(crate) source: &'a Source,
    pub(crate) capture: &'a Capture,
}

/// A record as it would be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Example {
    pub(crate) model: String,
    pub(crate) id: u64,
    /// The native type that it would have if it were new.
    pub(crate) native: String,
    /// What people call it, where it has a name.
    pub(crate) name: String,
    pub(crate) written_at: Option<Timestamp>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    /// The record; none where there is none to be read.
    pub(crate) example: Option<Example>,
    /// How long after the asking the webhook was heard.
    pub(crate) heard_after: Option<TimeSpan>,
    /// Why no webhook was waited for.
    pub(crate) not_rung: Option<String>,
    /// What is wrong.
    pub(crate) finding: Option<Diagnostic>,
}

/// A record that somebody saved.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Saved {
    #[serde(flatten)]
    pub(crate) example: Example,
    pub(crate) found: Found,
}

/// How it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Found {
    /// A webhook named it.
    Nudge,
    /// It was read, and nobody named it.
    Sweep,
}

impl Example {
    /// What it is, for people.
    fn words(&self) -> String {
        let name = if self.name.is_empty() { String::new() } else { format!(" ({})", self.name) };
        format!("{} {}{name}", self.model, self.id)
    }
}

impl Tried {
    /// What came of it, for people.
    pub(crate) fn words(&self) -> String {
        let Some(example) = &self.example else {
            return "nothing is there to be read: the first record that is saved will be an event".to_owned();
        };
        let read = format!("read as its contract says, {}", example.native);
        match (&self.heard_after, &self.not_rung) {
            (Some(after), _) => format!(
                "test event of {}: Odoo's webhook was heard after {} ms; {read}, and written nowhere",
                example.words(),
                after.millis()
            ),
            (None, Some(why)) => format!("{}: {read}; no webhook was tried: {why}", example.words()),
            (None, None) => format!("{}: {read}; its webhook was not heard", example.words()),
        }
    }

    /// The same for programs.
    pub(crate) fn value(&self) -> Value {
        json!({
            "record": self.example,
            "found": self.heard_after.map(|_| Found::Nudge),
            "heard_after_ms": self.heard_after.map(TimeSpan::millis),
            "not_rung": self.not_rung,
        })
    }
}

impl Saved {
    /// What came, for people.
    pub(crate) fn words(&self) -> String {
        let found = match self.found {
            Found::Nudge => "named by Odoo's webhook",
            Found::Sweep => "found by a sweep; no webhook named it",
        };
        format!("event of {}: {found}; read as its contract says, {}", self.example.words(), self.example.native)
    }
}

/// The name of the rule that tells of saved records of a model.
pub(crate) fn rule_name(source: &str, model: &str) -> String {
    format!("Crossdock {source}: {model}")
}

impl Trial<'_> {
    /// Tries it, with whoever can hear, or why nobody can.
    pub(crate) async fn run(&self, ear: &mut Result<Ear, String>) -> Result<Tried, Diagnostic> {
        let told = |failure: Refused| diagnostic(&failure, &self.peer.name);
        let mut tried = Tried { example: None, heard_after: None, not_rung: None, finding: None };
        let Some(named) = self.first_record().await.map_err(told)? else { return Ok(tried) };
        tried.example = self.read(Which::These(vec![named.1]), &named.0).await?.first().map(|row| example(&named.0, row));
        let rule = if self.source.secrets.is_empty() { None } else { self.rule(&named.0).await.map_err(told)? };
        match (rule, ear) {
            (None, _) if self.capture.by == CapturedBy::Outbox => {
                tried.not_rung = Some("the outbox tells of changes".to_owned());
            }
            (None, _) => tried.not_rung = Some("there is none that our user may run".to_owned()),
            (Some(_), Err(why)) => tried.not_rung = Some(why.clone()),
            (Some(rule), Ok(ear)) => {
                let asked_at = moment::now();
                let rung = self.odoo.ring(self.peer, self.session, rule, (&named.0, named.1)).await.map_err(told)?;
                if rung && ear.hears(&named, PATIENCE).await {
                    tried.heard_after = Some(moment::now().since(asked_at));
                } else {
                    tried.finding = Some(self.unheard());
                }
            }
        }
        Ok(tried)
    }

    /// The rule, where our user may see it: without the rights of an administrator nobody may.
    async fn rule(&self, model: &str) -> Result<Option<u64>, Refused> {
        let name = rule_name(self.source.name.as_str(), model);
        match self.odoo.rule_named(self.peer, self.session, &name).await {
            Err(Refused::Said { refusal: Refusal::Access | Refusal::NotFound | Refusal::Rule, .. }) => Ok(None),
            told => told,
        }
    }

    /// The newest record of the first model that has any.
    async fn first_record(&self) -> Result<Option<Named>, Refused> {
        for model in self.capture.models.keys() {
            if let Some(id) = self.odoo.newest(self.peer, self.session, model).await? {
                return Ok(Some((model.clone(), id)));
            }
        }
        Ok(None)
    }

    /// Waits until somebody saves something in Odoo, for so long.
    pub(crate) async fn wait(&self, ear: &mut Result<Ear, String>, patience: TimeSpan) -> Result<Option<Saved>, Diagnostic> {
        let (since, until) = (self.clock_there(), moment::now() + patience);
        // Write dates are whole seconds: what was saved in this one before the wait began is not what is waited for.
        let before = self.written(since).await?;
        loop {
            let written = self.written(since).await?;
            if let Some((model, row)) = written.iter().rfind(|it| !before.contains(it)) {
                let is_heard = if let Ok(ear) = ear { ear.hears(&(model.clone(), row.id), LOOK).await } else { false };
                let found = if is_heard { Found::Nudge } else { Found::Sweep };
                return Ok(Some(Saved { example: example(model, row), found }));
            }
            if moment::now() >= until {
                return Ok(None);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What was written since then, by model.
    async fn written(&self, since: Timestamp) -> Result<Vec<(String, Row)>, Diagnostic> {
        let mut written = Vec::new();
        for model in self.capture.models.keys() {
            let rows = self.read(Which::Written { from: since, after: 0 }, model).await?;
            written.extend(rows.into_iter().map(|row| (model.clone(), row)));
        }
        Ok(written)
    }

    /// Reads as capture does.
    async fn read(&self, which: Which, model: &str) -> Result<Vec<Row>, Diagnostic> {
        let reading = self.capture.models.get(model).map(|it| it.reading.clone()).unwrap_or_default();
        let asked = Asked { model: model.to_owned(), reading, which, limit: 20 };
        let records = OdooRecords::new(Arc::new(SystemClock::new()));
        let shown = records.shown(self.peer, &asked).await.map_err(|unread| {
            let code = if unread.cause == Refusal::Access.word() { codes::ODOO_ACCESS } else { codes::ODOO_REFUSES };
            let why = sentence(&unread.why);
            let message = format!("{}: {model} cannot be read as its contract says: {why}", self.peer.name);
            Diagnostic::error(code, Place::Whole, message).help(unread.help)
        })?;
        Ok(shown.rows)
    }

    /// Odoo's clock now, by ours and what is known of their difference.
    fn clock_there(&self) -> Timestamp {
        let now = SystemClock::new().wall();
        let ahead = self.session.ahead_s.unwrap_or_default();
        let span = TimeSpan::from_secs(ahead.unsigned_abs());
        if ahead < 0 { now - span } else { now + span }
    }

    fn unheard(&self) -> Diagnostic {
        let message = format!("{}: Odoo was asked to send a webhook, and none arrived within 5 s", self.peer.name);
        let address = format!("/in/{}/‹secret›", self.source.name);
        Diagnostic::warning(codes::ODOO_UNHEARD, Place::Whole, message).help(format!(
            "see from Odoo's machine whether the address of its rules leads here, {address} at the end included; until then sweeps \
             find each change within a minute"
        ))
    }
}

fn example(model: &str, row: &Row) -> Example {
    let body: Value = serde_json::from_slice(&row.body).unwrap_or_default();
    let named = ["name", "display_name"].iter().find_map(|field| body["record"][*field].as_str());
    let name = named.unwrap_or_default().chars().take(60).collect();
    let native = format!("{model}.{}", row.state.as_deref().unwrap_or("changed"));
    Example { model: model.to_owned(), id: row.id, native, name, written_at: row.written_at }
}
