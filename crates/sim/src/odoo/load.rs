//! `load`: records by external id, from columns of text. It fails inside of a good answer: `ids` is false, the messages say
//! why, and nothing is written.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::calls::{Call, Method, On, Outcome};
use super::env::Env;
use super::errors::Failure;
use super::records;
use super::rights::Operation;
use super::schema::{Field, Kind, Model};
use super::value::{Value, text};

/// The model of external ids.
pub(super) const NAMES: &str = "ir.model.data";

pub(super) const METHODS: &[Method] = &[
    Method { model: "*", name: "load", on: On::Model, needs: Operation::Create, takes: &["fields!", "data!"], work: load },
    Method { model: "*", name: "get_external_id", on: On::Records, needs: Operation::Read, takes: &[], work: external },
];

/// The answer to a load that another one has overtaken.
pub(super) fn overtaken() -> Outcome {
    let message = message(0, None, "could not serialize access due to concurrent update");
    failed(&[message])
}

fn failed(messages: &[Json]) -> Outcome {
    Outcome::Plain(json!({ "ids": false, "messages": messages, "nextrow": 0 }))
}

fn message(record: usize, field: Option<&str>, said: &str) -> Json {
    let mut all = json!({
        "type": "error",
        "rows": { "from": record, "to": record },
        "record": record,
        "message": said,
    });
    if let Some(field) = field {
        all["field"] = json!(field);
    }
    all
}

fn load(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let columns = call.names("fields");
    let rows: Vec<Vec<String>> = call.get("data").as_array().into_iter().flatten().map(texts).collect();
    let before = env.tx.clone();
    let mut ids = Vec::new();
    let mut messages = Vec::new();
    let (schema, name) = env.model(&call.model)?;
    let model = schema.model(name).ok_or_else(|| Failure::NoModel(name.to_owned()))?;
    for (at, group) in groups(model, &columns, &rows) {
        match one(env, model, &columns, group) {
            Ok(id) => ids.push(id),
            Err(Bad::Cell(field, said)) => messages.push(message(at, Some(&field), &said)),
            Err(Bad::Failure(blocked @ Failure::Blocked(_))) => {
                *env.tx = before;
                return Err(blocked);
            }
            Err(Bad::Failure(Failure::Serialization)) => {
                *env.tx = before;
                return Ok(overtaken());
            }
            Err(Bad::Failure(other)) => messages.push(message(at, None, &other.message())),
        }
    }
    if messages.is_empty() {
        return Ok(Outcome::Plain(json!({ "ids": ids, "messages": [], "nextrow": 0 })));
    }
    *env.tx = before;
    Ok(failed(&messages))
}

fn texts(row: &Json) -> Vec<String> {
    let cell = |it: &Json| match it {
        Json::String(text) => text.clone(),
        Json::Null | Json::Bool(false) => String::new(),
        other => other.to_string(),
    };
    row.as_array().into_iter().flatten().map(cell).collect()
}

enum Bad {
    /// A cell cannot be understood.
    Cell(String, String),
    Failure(Failure),
}

impl From<Failure> for Bad {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Rows that are one record: a row of which only the columns of lists are filled goes on with the record before it.
fn groups<'a>(model: &Model, columns: &[String], rows: &'a [Vec<String>]) -> Vec<(usize, &'a [Vec<String>])> {
    let is_list = |column: &str| {
        let head = column.split_once('/').map(|(head, _)| head);
        head.and_then(|head| model.field(head)).is_some_and(|field| matches!(field.kind, Kind::One2many(..)))
    };
    let begins = |row: &Vec<String>| columns.iter().zip(row).any(|(column, cell)| !is_list(column) && !cell.is_empty());
    let firsts = rows.iter().enumerate().filter(|(at, row)| *at == 0 || begins(row));
    let mut starts: Vec<usize> = firsts.map(|(at, _)| at).collect();
    starts.push(rows.len());
    starts.windows(2).filter_map(|pair| Some((pair[0], rows.get(pair[0]..pair[1])?))).collect()
}

/// Loads one record with its lines.
fn one(env: &mut Env<'_>, model: &Model, columns: &[String], rows: &[Vec<String>]) -> Result<i64, Bad> {
    let name = model.name;
    let mut lists: BTreeMap<&'static str, (Vec<String>, Vec<usize>)> = BTreeMap::new();
    let mut own = Map::new();
    let (mut external, mut id) = (None, 0);
    let Some(first) = rows.first() else { return Ok(0) };
    for (at, column) in columns.iter().enumerate() {
        let cell = first.get(at).map(String::as_str).unwrap_or_default();
        let (head, rest) = column.split_once('/').map_or((column.as_str(), None), |(head, rest)| (head, Some(rest)));
        match head {
            "id" => external = Some(cell.to_owned()).filter(|it| !it.is_empty()),
            ".id" => id = cell.parse().unwrap_or_default(),
            head => {
                let field = env.view().field(model, head)?.clone();
                if let (Kind::One2many(..), Some(rest)) = (&field.kind, rest) {
                    let list = lists.entry(field.name).or_default();
                    list.0.push(rest.to_owned());
                    list.1.push(at);
                    continue;
                }
                if !cell.is_empty() {
                    own.insert(field.name.to_owned(), converted(env, &field, rest, cell)?);
                }
            }
        }
    }
    if let Some(external) = &external {
        id = id.max(resolve(env, name, external));
    }
    let mut lines = Vec::new();
    for (list, (columns, places)) in lists {
        lines.push((list, lines_of(env, model, list, (&columns, &places, rows))?));
    }
    for (list, commands) in &lines {
        own.insert((*list).to_owned(), Json::Array(commands.iter().map(|(_, command)| command.clone()).collect()));
    }
    let id = if id > 0 {
        records::change(env, name, id, &own)?;
        id
    } else {
        records::make(env, name, &own)?
    };
    if let Some(external) = &external {
        remember(env, name, external, id)?;
    }
    for (list, commands) in lines {
        name_lines(env, model, (list, id), &commands)?;
    }
    Ok(id)
}

/// The commands for the lines of a record, each with its external id where it has one.
fn lines_of(
    env: &Env<'_>,
    model: &Model,
    list: &str,
    (columns, places, rows): (&[String], &[usize], &[Vec<String>]),
) -> Result<Vec<(Option<String>, Json)>, Bad> {
    let view = env.view();
    let field = view.field(model, list)?;
    let Kind::One2many(target, _) = field.kind else { return Ok(Vec::new()) };
    let target = view.model(target)?;
    let mut commands = Vec::new();
    for row in rows {
        let (mut values, mut external, mut id) = (Map::new(), None, 0);
        for (column, at) in columns.iter().zip(places) {
            let cell = row.get(*at).map(String::as_str).unwrap_or_default();
            if cell.is_empty() {
                continue;
            }
            let (head, rest) = column.split_once('/').map_or((column.as_str(), None), |(head, rest)| (head, Some(rest)));
            match head {
                "id" => external = Some(cell.to_owned()),
                ".id" => id = cell.parse().unwrap_or_default(),
                head => {
                    let field = view.field(target, head)?.clone();
                    values.insert(head.to_owned(), converted(env, &field, rest, cell)?);
                }
            }
        }
        if let Some(external) = &external {
            id = id.max(resolve(env, target.name, external));
        }
        let is_line = !values.is_empty() || external.is_some();
        if is_line {
            let command = if id > 0 { json!([1, id, values]) } else { json!([0, 0, values]) };
            commands.push((external, command));
        }
    }
    Ok(commands)
}

/// Gives new lines their external ids: they were made in the order of their commands.
fn name_lines(
    env: &mut Env<'_>,
    model: &Model,
    (list, id): (&str, i64),
    commands: &[(Option<String>, Json)],
) -> Result<(), Bad> {
    let Some(Kind::One2many(target, inverse)) = model.field(list).map(|field| field.kind.clone()) else { return Ok(()) };
    let made = commands.iter().filter(|(_, command)| command[0] == 0).count();
    let children = env.referring(target, inverse, id);
    let mut newest = children.into_iter().rev().take(made).rev();
    for (external, command) in commands {
        if command[0] != 0 {
            continue;
        }
        if let (Some(external), Some(child)) = (external, newest.next()) {
            remember(env, target, external, child)?;
        }
    }
    Ok(())
}

/// A cell as a value of a call.
fn converted(env: &Env<'_>, field: &Field, rest: Option<&str>, cell: &str) -> Result<Json, Bad> {
    let (Kind::Many2one(target) | Kind::Many2many(target)) = field.kind else {
        return Ok(match field.kind {
            Kind::Boolean => json!(matches!(cell, "1" | "true" | "True" | "yes")),
            _ => json!(cell),
        });
    };
    let (found, by) = match rest {
        Some("id") => (resolve(env, target, cell), "external id"),
        Some(".id") => {
            let id = cell.parse().unwrap_or_default();
            (env.view().find(target, id).map_or(0, |_| id), "database id")
        }
        _ => {
            let view = env.view();
            (view.all(target).into_iter().find(|id| view.name(target, *id) == cell).unwrap_or_default(), "name")
        }
    };
    if found == 0 {
        let said = format!("No matching record found for {by} '{cell}' in field '{}'", field.label);
        return Err(Bad::Cell(field.name.to_owned(), said));
    }
    Ok(if matches!(field.kind, Kind::Many2many(_)) { json!([[6, 0, [found]]]) } else { json!(found) })
}

fn parts(external: &str) -> (&str, &str) {
    external.split_once('.').unwrap_or(("__import__", external))
}

/// The record that has an external id; 0 where none has.
pub(super) fn resolve(env: &Env<'_>, model: &str, external: &str) -> i64 {
    let row = env.world.store.named(env.tx, external);
    let view = env.view();
    let record = row.and_then(|row| view.find(NAMES, row));
    let id = record.filter(|it| it.text("model") == model).map_or(0, |it| it.int("res_id"));
    if view.find(model, id).is_some() { id } else { 0 }
}

/// Writes down which record has an external id.
pub(super) fn remember(env: &mut Env<'_>, model: &'static str, external: &str, id: i64) -> Result<(), Failure> {
    if resolve(env, model, external) == id {
        return Ok(());
    }
    let (module, name) = parts(external);
    let row = env.add(
        NAMES,
        vec![("module", text(module)), ("name", text(name)), ("model", text(model)), ("res_id", Value::Int(id))],
    )?;
    env.name(external, row)
}

fn external(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let view = env.view();
    view.model(&call.model)?;
    let mut names: Map<String, Json> = call.ids.iter().map(|id| (id.to_string(), json!(""))).collect();
    for id in &call.ids {
        for row in view.referring(NAMES, "res_id", *id) {
            let Some(record) = view.find(NAMES, row) else { continue };
            if record.text("model") == call.model {
                names.insert(id.to_string(), json!(format!("{}.{}", record.text("module"), record.text("name"))));
            }
        }
    }
    Ok(Outcome::Plain(Json::Object(names)))
}
