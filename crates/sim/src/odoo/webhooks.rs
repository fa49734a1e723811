//! Webhooks out of Odoo: automation rules of the database, the body as it was at the write, and one try of a second. When they
//! are sent is the version's business and decided in `perform`; here is what and whether.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use model::TimeSpan;
use serde_json::Value as Json;

use super::domain::Domain;
use super::env::Env;
use super::python;
use super::schema::Model;
use super::store::Record;
use super::value::{Grain, to_json};

/// How long Odoo waits for a receiver.
pub const TIMEOUT: TimeSpan = TimeSpan::from_secs(1);
/// LIMIT: webhooks of one transaction.
const HOOKS_MAX: usize = 100_000;

/// A request to a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Where to.
    pub url: String,
    /// The body, in Python's way of writing JSON.
    pub body: String,
}

impl Hook {
    /// The headers that go with it.
    pub const HEADERS: [(&'static str, &'static str); 4] = [
        ("user-agent", "python-requests/2.31.0"),
        ("accept-encoding", "gzip, deflate"),
        ("accept", "*/*"),
        ("content-type", "application/json"),
    ];
}

/// What came of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// The receiver answered well.
    Taken,
    /// It did not. Odoo writes a line in its log and goes on.
    Lost,
}

/// Sends a webhook: HTTP in a server, whatever a test wants in a test. It is given up after [`TIMEOUT`].
pub type Sender = Arc<dyn Fn(Hook) -> BoxFuture<'static, Receipt> + Send + Sync>;

/// One write, for the rules.
#[derive(Clone, Debug)]
pub(super) struct Occasion {
    pub(super) model: &'static str,
    pub(super) id: i64,
    pub(super) before: Option<Arc<Record>>,
    pub(super) after: Option<Arc<Record>>,
}

/// Writes down what the rules want to be told of a write.
pub(super) fn ring(env: &mut Env<'_>, occasion: &Occasion) {
    let mut rung = Vec::new();
    {
        let view = env.view();
        for rule in view.all("base.automation") {
            let Some(record) = view.find("base.automation", rule) else { continue };
            if record.get("active").truth() && fits(env, &record, occasion) {
                rung.extend(view.referring("ir.actions.server", "base_automation_id", rule));
            }
        }
    }
    for action in rung {
        let hook = env.view().find("ir.actions.server", action).and_then(|record| hook(env, action, &record, occasion));
        put(env, hook);
    }
}

/// Writes down what a person wants told who runs an action on a record by hand; nothing where there is no such record.
pub(super) fn tell(env: &mut Env<'_>, id: i64, action: &Record, (model, record): (&'static str, i64)) {
    let after = env.view().find(model, record);
    put(env, hook(env, id, action, &Occasion { model, id: record, before: after.clone(), after }));
}

fn put(env: &mut Env<'_>, hook: Option<Hook>) {
    if let Some(hook) = hook
        && env.tx.hooks.len() < HOOKS_MAX
    {
        env.tx.hooks.push(hook);
    }
}

fn fits(env: &Env<'_>, rule: &Record, occasion: &Occasion) -> bool {
    let view = env.view();
    let model = view.find("ir.model", rule.int("model_id"));
    if model.is_none_or(|model| model.text("model") != occasion.model) {
        return false;
    }
    let on = rule.text("trigger");
    let is_wanted = match (&occasion.before, &occasion.after) {
        (None, Some(_)) => matches!(on, "on_create" | "on_create_or_write" | "on_state_set"),
        (Some(_), Some(_)) => matches!(on, "on_write" | "on_create_or_write" | "on_state_set" | "on_archive"),
        (Some(_), None) => on == "on_unlink",
        (None, None) => false,
    };
    is_wanted && is_triggered(env, rule, occasion) && is_meant(env, rule, occasion)
}

fn is_triggered(env: &Env<'_>, rule: &Record, occasion: &Occasion) -> bool {
    let (Some(before), Some(after)) = (&occasion.before, &occasion.after) else { return true };
    let fields = rule.get("trigger_field_ids").refs();
    let view = env.view();
    let differs = |field: &i64| {
        let field = view.find("ir.model.fields", *field);
        field.is_some_and(|field| before.get(field.text("name")) != after.get(field.text("name")))
    };
    fields.is_empty() || fields.iter().any(differs)
}

fn is_meant(env: &Env<'_>, rule: &Record, occasion: &Occasion) -> bool {
    let Some(record) = occasion.after.as_ref().or(occasion.before.as_ref()) else { return false };
    let view = env.view();
    let Some(model) = view.schema.model(occasion.model) else { return false };
    let domain = Domain::parse_python(rule.text("filter_domain"));
    domain.and_then(|domain| domain.means(&view, model, occasion.id, record)).unwrap_or_default()
}

fn hook(env: &Env<'_>, id: i64, action: &Record, occasion: &Occasion) -> Option<Hook> {
    if action.text("state") != "webhook" {
        return None;
    }
    let record = occasion.after.as_ref().or(occasion.before.as_ref())?;
    let view = env.view();
    let model = view.schema.model(occasion.model)?;
    let mut body: BTreeMap<String, Json> = BTreeMap::new();
    body.insert("_action".to_owned(), Json::from(format!("{}(#{id})", action.text("name"))));
    body.insert("_id".to_owned(), Json::from(occasion.id));
    body.insert("_model".to_owned(), Json::from(occasion.model));
    body.insert("id".to_owned(), Json::from(occasion.id));
    for field in action.get("webhook_field_ids").refs() {
        let field = view.find("ir.model.fields", *field)?;
        body.insert(field.text("name").to_owned(), told(env, model, (occasion.id, record), field.text("name")));
    }
    let body = python::dumps(&Json::Object(body.into_iter().collect()));
    Some(Hook { url: action.text("webhook_url").to_owned(), body })
}

fn told(env: &Env<'_>, model: &Model, (id, record): (i64, &Record), name: &str) -> Json {
    let Some(field) = model.field(name) else { return Json::Bool(false) };
    let grain = if matches!(name, "write_date" | "create_date") { Grain::Micros } else { Grain::Seconds };
    to_json(&field.kind, &env.view().value(model, id, record, field), grain)
}
