//! Rules of the outbox that somebody made: which records of a transaction they tell of, and with which values. A record is told of
//! once for each rule and transaction, as it is at the end; also when only something was changed that its specification shows below it.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::env::Env;
use super::errors::Failure;
use super::outbox::{self, Telling};
use super::read::branch;
use super::schema::{Kind, Model};
use super::store::Record;
use super::value::text;
use super::view::View;

/// The model of rules.
pub(super) const MODEL: &str = "crossdock.rule";
/// LIMIT: values of one row; beyond it is told that there are too many.
const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
/// LIMIT: characters of a reading's name.
const READING_CHARS_MAX: usize = 64;

/// A rule in force.
struct Rule {
    model: &'static str,
    trigger: String,
    event_type: String,
    specification: Option<Map<String, Json>>,
    reading: String,
}

/// Fills a new rule, and refuses one that names what is not there.
pub(super) fn fill(env: &Env<'_>, record: &mut Record) -> Result<(), Failure> {
    let view = env.view();
    let of = view.get("ir.model", record.int("model_id"))?;
    record.set("model", text(of.text("model")));
    if record.text("reading").chars().count() > READING_CHARS_MAX {
        return Err(Failure::Validation(format!("The name of a reading has at most {READING_CHARS_MAX} characters.")));
    }
    let given = record.text("specification");
    if given.is_empty() {
        return Ok(());
    }
    let parsed: Option<Map<String, Json>> = serde_json::from_str(given).ok();
    let specification = parsed.ok_or_else(|| Failure::Validation("A specification is a JSON object.".to_owned()))?;
    check(&view, view.model(of.text("model"))?, &specification)
}

fn check(view: &View<'_>, model: &Model, specification: &Map<String, Json>) -> Result<(), Failure> {
    for (name, wanted) in specification {
        let unknown = || Failure::Validation(format!("You may not read: {}.{name}", model.name));
        let field = model.field(name).ok_or_else(unknown)?;
        if let (Some(target), Some(inner)) = (target(&field.kind), wanted.get("fields").and_then(Json::as_object)) {
            check(view, view.model(target)?, inner)?;
        }
    }
    Ok(())
}

fn target(kind: &Kind) -> Option<&'static str> {
    match kind {
        Kind::Many2one(target) | Kind::One2many(target, _) | Kind::Many2many(target) => Some(target),
        Kind::Boolean | Kind::Integer | Kind::Float | Kind::Text | Kind::Date | Kind::Datetime | Kind::Selection(_) => None,
    }
}

/// Whether somebody made a rule that tells of each change of a model.
pub(super) fn tell_all_of(env: &Env<'_>, model: &str) -> bool {
    active(env).iter().any(|rule| rule.model == model && rule.trigger == "saved")
}

fn active(env: &Env<'_>) -> Vec<Rule> {
    let view = env.view();
    let records = view.all(MODEL).into_iter().filter_map(|id| view.find(MODEL, id));
    let rules = records.filter(|it| it.get("active").truth()).filter_map(|it| {
        Some(Rule {
            model: view.model(it.text("model")).ok()?.name,
            trigger: it.text("trigger").to_owned(),
            event_type: it.text("event_type").to_owned(),
            specification: serde_json::from_str(it.text("specification")).ok(),
            reading: it.text("reading").to_owned(),
        })
    });
    rules.collect()
}

/// Writes the rows of all rules about what a transaction changed.
pub(super) fn record(env: &mut Env<'_>, changed: &[(&'static str, i64)]) -> Result<(), Failure> {
    for rule in active(env) {
        let none = Map::new();
        let ids = match rule.trigger.as_str() {
            "saved" => saved(env, rule.model, rule.specification.as_ref().unwrap_or(&none), changed),
            "deleted" => deleted(env, rule.model, changed),
            _ => BTreeSet::new(),
        };
        for id in ids {
            let payload = if rule.trigger == "deleted" { json!({ "id": id }) } else { payload(env, &rule, id) };
            outbox::tell(
                env,
                &Telling {
                    event_type: rule.event_type.clone(),
                    model: rule.model,
                    id,
                    trigger: &rule.trigger,
                    reading: if payload.get("_error").is_some() { "" } else { &rule.reading },
                    payload: &payload,
                },
            )?;
        }
    }
    Ok(())
}

fn deleted(env: &Env<'_>, model: &str, changed: &[(&'static str, i64)]) -> BTreeSet<i64> {
    let ids = changed.iter().filter(|(of, _)| *of == model).map(|(_, id)| *id);
    let is_gone = |id: &i64| env.view().find(model, *id).is_none() && env.world.store.committed(model, *id).is_some();
    ids.filter(is_gone).collect()
}

/// Records of a model that are there and that were changed, or have something below them that was, as far as the specification
/// shows it.
fn saved(
    env: &Env<'_>,
    model: &'static str,
    specification: &Map<String, Json>,
    changed: &[(&'static str, i64)],
) -> BTreeSet<i64> {
    let view = env.view();
    let touched = touched(env, model, specification, changed);
    touched.into_iter().filter(|id| view.find(model, *id).is_some()).collect()
}

fn touched(
    env: &Env<'_>,
    model: &'static str,
    specification: &Map<String, Json>,
    changed: &[(&'static str, i64)],
) -> BTreeSet<i64> {
    let view = env.view();
    let differs = |id: &i64| env.world.store.committed(model, *id) != view.find(model, *id);
    let own = changed.iter().filter(|(of, _)| *of == model).map(|(_, id)| *id).filter(differs);
    let mut touched: BTreeSet<i64> = own.collect();
    let Ok(described) = view.model(model) else { return touched };
    for (name, wanted) in specification {
        let Some(Kind::One2many(target, inverse)) = described.field(name).map(|field| &field.kind) else { continue };
        let none = Map::new();
        let inner = wanted.get("fields").and_then(Json::as_object).unwrap_or(&none);
        for child in self::touched(env, target, inner, changed) {
            let states = [env.world.store.committed(target, child), view.find(target, child)];
            touched.extend(states.into_iter().flatten().map(|state| state.int(inverse)).filter(|parent| *parent != 0));
        }
    }
    touched
}

fn payload(env: &Env<'_>, rule: &Rule, id: i64) -> Json {
    let view = env.view();
    let none = Map::new();
    let specification = rule.specification.as_ref().unwrap_or(&none);
    let read = view.model(rule.model).and_then(|model| branch(&view, model, id, (specification, &mut 0)));
    let failed = |why: String| json!({ "id": id, "_model": rule.model, "_trigger": rule.trigger, "_error": why });
    match read {
        Ok(Some(values)) if values.to_string().len() > PAYLOAD_BYTES_MAX => failed("the values are too large".to_owned()),
        Ok(Some(values)) => values,
        Ok(None) => failed("the record is gone".to_owned()),
        Err(failure) => failed(failure.message()),
    }
}
