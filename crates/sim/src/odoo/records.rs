//! Making, changing and deleting records by what a call says: conversion by kind, commands for lists, required fields,
//! uniqueness, and what refers to what is deleted. A model's own consequences are in `methods`.

use serde_json::{Map, Value as Json};

use super::calls::{Amount, Call, Method, On, Outcome};
use super::env::Env;
use super::errors::Failure;
use super::methods;
use super::rights::{self, Operation};
use super::schema::{Field, Kind, Model};
use super::store::Record;
use super::value::{Value, from_json, text};

/// LIMIT: records of one call.
const RECORDS_MAX: usize = 10_000;
/// LIMIT: lists inside of lists.
const DEPTH_MAX: usize = 4;

pub(super) const METHODS: &[Method] = &[
    Method { model: "*", name: "create", on: On::Model, needs: Operation::Create, takes: &["vals_list!"], work: create },
    Method { model: "*", name: "write", on: On::Records, needs: Operation::Write, takes: &["vals!"], work: write },
    Method { model: "*", name: "unlink", on: On::Records, needs: Operation::Unlink, takes: &[], work: unlink },
];

fn create(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let (list, amount) = match call.get("vals_list") {
        Json::Array(list) => (list.clone(), Amount::List),
        one => (vec![one.clone()], Amount::One),
    };
    if list.len() > RECORDS_MAX {
        return Err(Failure::User(format!("at most {RECORDS_MAX} records are made in one call")));
    }
    let none = Map::new();
    let mut made = Vec::new();
    for values in &list {
        made.push(make(env, &call.model, values.as_object().unwrap_or(&none))?);
    }
    Ok(Outcome::Made(made, amount))
}

fn write(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let values = call.get("vals").as_object().cloned().unwrap_or_default();
    for id in &call.ids {
        change(env, &call.model, *id, &values)?;
    }
    Ok(Outcome::yes())
}

fn unlink(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        delete(env, &call.model, *id)?;
    }
    Ok(Outcome::yes())
}

/// Makes a record.
pub(super) fn make(env: &mut Env<'_>, model: &str, values: &Map<String, Json>) -> Result<i64, Failure> {
    make_in(env, model, values, (None, 0))
}

/// As [`make`], with the field by which it belongs to the one whose list it is made in.
fn make_in(
    env: &mut Env<'_>,
    model: &str,
    values: &Map<String, Json>,
    (parent, depth): (Option<(&'static str, i64)>, usize),
) -> Result<i64, Failure> {
    rights::check(env, model, Operation::Create)?;
    let (schema, name) = env.model(model)?;
    let model = schema.model(name).ok_or_else(|| Failure::NoModel(name.to_owned()))?;
    if let Some(id) = methods::instead(env, name, values)? {
        return Ok(id);
    }
    let mut record = Record::default();
    for field in model.fields.values() {
        if let Some(default) = field.default {
            record.set(field.name, default_value(field, default));
        }
    }
    let mut lists = Vec::new();
    for (key, given) in values {
        let field = env.view().field(model, key)?.clone();
        assign(env, model, &field, given, (&mut record, &mut lists))?;
    }
    if let Some((field, id)) = parent {
        record.set(field, Value::Ref(id));
    }
    methods::fill(env, name, &mut record)?;
    for field in model.fields.values().filter(|field| field.is_required) {
        if !record.get(field.name).truth() && !matches!(field.kind, Kind::Integer | Kind::Float) {
            return Err(mandatory(env, model, field));
        }
    }
    methods::unique(env, name, 0, &record)?;
    let fields = record.fields().map(|(name, value)| (name, value.clone())).collect();
    let id = env.add(name, fields)?;
    follow(env, id, lists, depth)?;
    methods::made(env, name, id)?;
    Ok(id)
}

/// Changes a record.
pub(super) fn change(env: &mut Env<'_>, model: &str, id: i64, values: &Map<String, Json>) -> Result<(), Failure> {
    change_in(env, model, id, (values, 0))
}

fn change_in(env: &mut Env<'_>, model: &str, id: i64, (values, depth): (&Map<String, Json>, usize)) -> Result<(), Failure> {
    rights::check(env, model, Operation::Write)?;
    let (schema, name) = env.model(model)?;
    let model = schema.model(name).ok_or_else(|| Failure::NoModel(name.to_owned()))?;
    let before = env.get(name, id)?;
    let mut record = Record::default();
    let mut lists = Vec::new();
    let mut written = Vec::new();
    for (key, given) in values {
        let field = env.view().field(model, key)?.clone();
        assign(env, model, &field, given, (&mut record, &mut lists))?;
        if field.is_required && !record.get(field.name).truth() && !matches!(field.kind, Kind::Integer | Kind::Float) {
            return Err(mandatory(env, model, &field));
        }
        if !matches!(field.kind, Kind::One2many(..)) && field.is_stored && field.name != "id" {
            written.push((field.name, record.get(field.name).clone()));
        }
    }
    let mut whole = Record::clone(&before);
    for (field, value) in &written {
        whole.set(field, value.clone());
    }
    methods::unique(env, name, id, &whole)?;
    env.set(name, id, &written)?;
    follow(env, id, lists, depth)?;
    let names: Vec<&str> = written.iter().map(|(name, _)| *name).collect();
    methods::changed(env, name, id, &names)
}

/// Deletes a record, and what belongs to it.
pub(super) fn delete(env: &mut Env<'_>, model: &str, id: i64) -> Result<(), Failure> {
    rights::check(env, model, Operation::Unlink)?;
    let (schema, name) = env.model(model)?;
    env.get(name, id)?;
    methods::may_go(env, name, id)?;
    for (other, field) in schema.models().flat_map(|other| other.fields.values().map(move |field| (other, field))) {
        if field.kind != Kind::Many2one(name) || !env.world.store.is_indexed(other.name, field.name) {
            continue;
        }
        for child in env.referring(other.name, field.name, id) {
            let belongs = Kind::One2many(other.name, field.name);
            let is_part = schema.model(name).is_some_and(|it| it.fields.values().any(|field| field.kind == belongs));
            if is_part && field.is_required {
                delete(env, other.name, child)?;
            } else if field.is_restricting {
                return Err(restricted(other, field));
            } else {
                env.set(other.name, child, &[(field.name, Value::Empty)])?;
            }
        }
    }
    env.remove(name, id)?;
    methods::gone(env, name, id)
}

fn restricted(model: &Model, field: &Field) -> Failure {
    let table = model.name.replace('.', "_");
    Failure::Validation(format!(
        "The operation cannot be completed: another model requires the record being deleted. If possible, archive it instead.\n\nModel: {} ({})\nConstraint: {table}_{}_fkey\n",
        model.label, model.name, field.name
    ))
}

fn mandatory(env: &Env<'_>, model: &Model, field: &Field) -> Failure {
    let (model_label, model_name, label, name) = (model.label, model.name, field.label, field.name);
    Failure::Validation(env.version().pick(
        format!("The operation cannot be completed:\n- Create/update: a mandatory field is not set.\n- Delete: another model requires the record being deleted. If possible, archive it instead.\n\nModel: {model_label} ({model_name})\nField: {label} ({name})\n"),
        format!("The operation cannot be completed: Missing required value for the field '{label}' ({name}).\nModel: '{model_label}' ({model_name})\n- create/update: a mandatory field is not set\n- delete: another model requires the record being deleted, you can archive it instead\n"),
    ))
}

fn default_value(field: &Field, default: &str) -> Value {
    match field.kind {
        Kind::Boolean => Value::Bool(default == "true"),
        Kind::Integer => default.parse().map_or(Value::Empty, Value::Int),
        Kind::Float => default.parse().map_or(Value::Empty, Value::Float),
        _ => text(default),
    }
}

/// A command on a list, kept until the record that has the list is there.
struct Command {
    field: Field,
    model: &'static str,
    inverse: &'static str,
    given: Json,
}

fn assign(
    env: &Env<'_>,
    model: &Model,
    field: &Field,
    given: &Json,
    (record, lists): (&mut Record, &mut Vec<Command>),
) -> Result<(), Failure> {
    match field.kind {
        Kind::One2many(model, inverse) => {
            let commands = given.as_array().cloned().unwrap_or_default();
            let command = |given| Command { field: field.clone(), model, inverse, given };
            lists.extend(commands.into_iter().map(command));
        }
        Kind::Many2many(_) => record.set(field.name, Value::Refs(many(record.get(field.name).refs(), given))),
        Kind::Many2one(target) => {
            let value = from_json(model.name, field, given)?;
            if value.truth() {
                env.get(target, value.int())?;
            }
            record.set(field.name, value);
        }
        _ => record.set(field.name, from_json(model.name, field, given)?),
    }
    Ok(())
}

/// The ids of a many2many after its commands.
fn many(before: &[i64], given: &Json) -> Vec<i64> {
    let mut ids = before.to_vec();
    for command in given.as_array().into_iter().flatten() {
        let Some(parts) = command.as_array() else {
            ids.extend(command.as_i64());
            continue;
        };
        let id = parts.get(1).and_then(Json::as_i64).unwrap_or_default();
        match parts.first().and_then(Json::as_i64) {
            Some(2 | 3) => ids.retain(|it| *it != id),
            Some(4) if !ids.contains(&id) => ids.push(id),
            Some(5) => ids.clear(),
            Some(6) => ids = parts.get(2).map(super::calls::ids).unwrap_or_default(),
            _ => {}
        }
    }
    ids
}

/// Runs the commands on lists.
fn follow(env: &mut Env<'_>, id: i64, commands: Vec<Command>, depth: usize) -> Result<(), Failure> {
    if depth >= DEPTH_MAX && !commands.is_empty() {
        return Err(Failure::User(format!("lists are nested more than {DEPTH_MAX} deep")));
    }
    let none = Map::new();
    for Command { field, model, inverse, given } in commands {
        let wrong = || Failure::Value(format!("Wrong value for {}: {given}", field.name));
        let parts = given.as_array().ok_or_else(wrong)?;
        let target = parts.get(1).and_then(Json::as_i64).unwrap_or_default();
        let values = parts.get(2).and_then(Json::as_object).unwrap_or(&none);
        match parts.first().and_then(Json::as_i64) {
            Some(0) => {
                make_in(env, model, values, (Some((inverse, id)), depth + 1))?;
            }
            Some(1) => change_in(env, model, target, (values, depth + 1))?,
            Some(2 | 3) => delete(env, model, target)?,
            Some(4) => env.set(model, target, &[(inverse, Value::Ref(id))])?,
            Some(5) => {
                for child in env.referring(model, inverse, id) {
                    delete(env, model, child)?;
                }
            }
            Some(6) => {
                for child in parts.get(2).map(super::calls::ids).unwrap_or_default() {
                    env.set(model, child, &[(inverse, Value::Ref(id))])?;
                }
            }
            _ => return Err(wrong()),
        }
    }
    Ok(())
}
