//! Reading: the methods that answer and change nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::calls::{Call, Method, On, Outcome};
use super::domain::Domain;
use super::env::Env;
use super::errors::Failure;
use super::rights::Operation;
use super::schema::{Field, Kind, Model};
use super::search::{Archived, Slice, search};
use super::store::Record;
use super::value::{Grain, Value, moment, to_json};
use super::view::View;

const PAGE: &[&str] = &["domain", "fields", "offset", "limit", "order"];

const fn reads(name: &'static str, on: On, takes: &'static [&'static str], work: super::calls::Work) -> Method {
    Method { model: "*", name, on, needs: Operation::Read, takes, work }
}

pub(super) const METHODS: &[Method] = &[
    reads("context_get", On::Model, &[], context_get),
    reads("fields_get", On::Model, &["allfields", "attributes"], fields_get),
    reads("search", On::Model, &["domain!", "offset", "limit", "order"], search_ids),
    reads("search_count", On::Model, &["domain!", "limit"], search_count),
    reads("search_read", On::Model, PAGE, search_read),
    reads("read", On::Records, &["fields", "load"], read),
    reads("exists", On::Records, &[], exists),
    reads("name_search", On::Model, &["name", "args", "operator", "limit"], name_search),
    reads("web_read", On::Records, &["specification!"], web_read),
    reads(
        "web_search_read",
        On::Model,
        &["domain!", "specification!", "offset", "limit", "order", "count_limit"],
        web_search_read,
    ),
    reads("read_group", On::Model, &["domain!", "fields!", "groupby!", "offset", "limit", "orderby", "lazy"], read_group),
    reads(
        "formatted_read_group",
        On::Model,
        &["domain!", "groupby", "aggregates", "having", "offset", "limit", "order"],
        formatted,
    ),
    reads("check_access_rights", On::Model, &["operation!", "raise_exception"], may),
    reads("has_access", On::Records, &["operation!"], may),
];

/// The domain, the slice and the model of a call.
fn found(env: &mut Env<'_>, call: &Call) -> Result<Vec<i64>, Failure> {
    let domain = Domain::parse(call.get("domain"))?;
    let slice = Slice {
        offset: call.number("offset").unwrap_or_default(),
        limit: call.number("limit"),
        order: call.get("order").as_str().unwrap_or_default().to_owned(),
        archived: Archived::of(&env.context),
    };
    let view = env.view();
    search(&view, view.model(&call.model)?, &domain, &slice)
}

fn search_ids(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let ids = found(env, call)?;
    env.world.ledger.read_ids(ids.len());
    Ok(Outcome::Plain(json!(ids)))
}

fn search_count(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let count = found(env, call)?.len();
    Ok(Outcome::Plain(json!(count)))
}

fn search_read(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let names = call.names("fields");
    check_names(env, call, &names)?;
    let ids = found(env, call)?;
    rows(env, call, &ids, &names)
}

fn read(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let names = call.names("fields");
    check_names(env, call, &names)?;
    super::rights::check_records(env, &call.model, &call.ids)?;
    if names.iter().all(|name| name == "id") && !names.is_empty() {
        // Nothing is looked up for what the caller has given itself: what is gone is answered as well.
        return Ok(Outcome::Plain(call.ids.iter().map(|id| json!({ "id": id })).collect()));
    }
    rows(env, call, &call.ids, &names)
}

fn check_names(env: &Env<'_>, call: &Call, names: &[String]) -> Result<(), Failure> {
    let view = env.view();
    let model = view.model(&call.model)?;
    names.iter().try_for_each(|name| view.field(model, name).map(drop))
}

fn rows(env: &mut Env<'_>, call: &Call, ids: &[i64], names: &[String]) -> Result<Outcome, Failure> {
    let pairs = if call.named.get("load").is_some_and(|load| load.as_str() != Some("_classic_read")) {
        Pairs::Ids
    } else {
        Pairs::Named
    };
    let view = env.view();
    let model = view.model(&call.model)?;
    let rows: Vec<Json> = ids.iter().filter_map(|id| row(&view, model, *id, (names, pairs))).collect();
    env.world.ledger.read_rows(rows.len());
    Ok(Outcome::Plain(Json::Array(rows)))
}

/// How references are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pairs {
    /// With their names.
    Named,
    /// By number alone.
    Ids,
}

/// A record as `read` answers it; none where it is gone.
pub(super) fn row(view: &View<'_>, model: &Model, id: i64, (names, pairs): (&[String], Pairs)) -> Option<Json> {
    let record = view.find(model.name, id)?;
    let mut row = Map::new();
    row.insert("id".to_owned(), json!(id));
    let fields: Vec<&Field> = if names.is_empty() {
        model.fields.values().collect()
    } else {
        names.iter().filter_map(|name| model.field(name)).collect()
    };
    for field in fields {
        row.insert(field.name.to_owned(), cell(view, model, (id, &record), (field, pairs)));
    }
    Some(Json::Object(row))
}

fn cell(view: &View<'_>, model: &Model, (id, record): (i64, &Record), (field, pairs): (&Field, Pairs)) -> Json {
    let value = view.value(model, id, record, field);
    match (&field.kind, &value) {
        (Kind::Many2one(target), Value::Ref(id)) if pairs == Pairs::Named => json!([id, view.name(target, *id)]),
        (kind, value) => to_json(kind, value, Grain::Seconds),
    }
}

/// Who asks, as every user may ask: what a client learns its own number from.
#[expect(clippy::unnecessary_wraps, reason = "a method of the table of methods")]
fn context_get(env: &mut Env<'_>, _call: &Call) -> Result<Outcome, Failure> {
    Ok(Outcome::Plain(serde_json::json!({ "lang": "en_US", "tz": false, "uid": env.tx.user })))
}

fn fields_get(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let (only, attributes) = (call.names("allfields"), call.names("attributes"));
    let view = env.view();
    let mut all = Map::new();
    for field in view.model(&call.model)?.fields.values() {
        if only.is_empty() || only.iter().any(|name| name == field.name) {
            let mut described = described(field);
            described.retain(|key, _| attributes.is_empty() || attributes.contains(key));
            all.insert(field.name.to_owned(), Json::Object(described));
        }
    }
    Ok(Outcome::Plain(Json::Object(all)))
}

fn described(field: &Field) -> Map<String, Json> {
    let mut all = Map::new();
    let mut put = |key: &str, value: Json| all.insert(key.to_owned(), value);
    put("name", json!(field.name));
    put("string", json!(field.label));
    put("type", json!(field.type_name));
    put("required", json!(field.is_required));
    put("readonly", json!(!field.is_stored));
    put("store", json!(field.is_stored && !matches!(field.kind, Kind::One2many(..))));
    put("searchable", json!(true));
    match &field.kind {
        Kind::Many2one(target) | Kind::Many2many(target) => {
            put("relation", json!(target));
        }
        Kind::One2many(target, inverse) => {
            put("relation", json!(target));
            put("relation_field", json!(inverse));
        }
        Kind::Selection(choices) => {
            put("selection", json!(choices));
        }
        _ => {}
    }
    all
}

fn exists(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    if env.version().is_new() {
        return Err(super::calls::is_private(&call.model, "exists"));
    }
    let view = env.view();
    let there = |id: &&i64| view.find(&call.model, **id).is_some();
    Ok(Outcome::Plain(json!(call.ids.iter().filter(there).collect::<Vec<_>>())))
}

fn name_search(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let wanted = call.get("name").as_str().unwrap_or_default().to_lowercase();
    let limit = call.number("limit").unwrap_or(100);
    let view = env.view();
    view.model(&call.model)?;
    let named = |id: i64| (id, view.name(&call.model, id));
    let fits = |(_, name): &(i64, String)| name.to_lowercase().contains(&wanted);
    let pairs: Vec<_> = view.all(&call.model).into_iter().map(named).filter(fits).take(limit).collect();
    Ok(Outcome::Plain(json!(pairs)))
}

fn web_read(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    super::rights::check_records(env, &call.model, &call.ids)?;
    let rows = nested(env, call, &call.ids)?;
    Ok(Outcome::Plain(Json::Array(rows)))
}

fn web_search_read(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let ids = found(env, call)?;
    let records = nested(env, call, &ids)?;
    let mut counted = call.clone();
    for key in ["offset", "limit", "order"] {
        counted.named.remove(key);
    }
    let length = found(env, &counted)?.len();
    Ok(Outcome::Plain(json!({ "length": length, "records": records })))
}

fn nested(env: &mut Env<'_>, call: &Call, ids: &[i64]) -> Result<Vec<Json>, Failure> {
    let specification = call.get("specification").as_object().cloned().unwrap_or_default();
    let view = env.view();
    let model = view.model(&call.model)?;
    let mut read = 0;
    let mut rows = Vec::new();
    for id in ids {
        may_see(env, (&view, model), *id, &specification)?;
        rows.extend(branch(&view, model, *id, (&specification, &mut read))?);
    }
    env.world.ledger.read_rows(read);
    Ok(rows)
}

/// Refuses the reading of a record that refers to one that a rule hides, where more than its name is asked for: the name is told to
/// everybody. In a list what is hidden refuses nothing.
fn may_see(
    env: &Env<'_>,
    (view, model): (&View<'_>, &Model),
    id: i64,
    specification: &Map<String, Json>,
) -> Result<(), Failure> {
    let Some(record) = view.find(model.name, id) else { return Ok(()) };
    for (name, wanted) in specification {
        let (field, Some(inner)) = (view.field(model, name)?, wanted.get("fields").and_then(Json::as_object)) else {
            continue;
        };
        let value = view.value(model, id, &record, field);
        match &field.kind {
            Kind::Many2one(target) if value.truth() && inner.keys().any(|name| name != "display_name") => {
                super::rights::check_records(env, target, &[value.int()])?;
                may_see(env, (view, view.model(target)?), value.int(), inner)?;
            }
            Kind::One2many(target, _) | Kind::Many2many(target) => {
                for id in value.refs().iter().filter(|id| !view.hides(target, **id)) {
                    may_see(env, (view, view.model(target)?), *id, inner)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A record with what its specification asks for of the records that it refers to.
pub(super) fn branch(
    view: &View<'_>,
    model: &Model,
    id: i64,
    (specification, read): (&Map<String, Json>, &mut usize),
) -> Result<Option<Json>, Failure> {
    let Some(record) = view.find(model.name, id) else { return Ok(None) };
    *read += 1;
    let mut row = Map::new();
    row.insert("id".to_owned(), json!(id));
    for (name, wanted) in specification {
        let field = view.field(model, name)?;
        let value = view.value(model, id, &record, field);
        let inner = wanted.get("fields").and_then(Json::as_object);
        let cell = match (&field.kind, inner) {
            (Kind::Many2one(target), Some(inner)) if value.truth() => {
                branch(view, view.model(target)?, value.int(), (inner, &mut *read))?.unwrap_or(Json::Bool(false))
            }
            (Kind::One2many(target, _) | Kind::Many2many(target), Some(inner)) => {
                let mut list = Vec::new();
                for id in value.refs() {
                    list.extend(branch(view, view.model(target)?, *id, (inner, &mut *read))?);
                }
                Json::Array(list)
            }
            (kind, _) => to_json(kind, &value, Grain::Seconds),
        };
        row.insert(name.clone(), cell);
    }
    Ok(Some(Json::Object(row)))
}

/// Groups by one field, for times by day or month: how many records have each value.
fn groups(env: &Env<'_>, call: &Call, by: &str) -> Result<BTreeMap<String, (Json, usize)>, Failure> {
    let view = env.view();
    let model = view.model(&call.model)?;
    let domain = Domain::parse(call.get("domain"))?;
    let (name, grain) = by.split_once(':').unwrap_or((by, "month"));
    let field = if name.is_empty() { None } else { Some(view.field(model, name)?) };
    let mut groups: BTreeMap<String, (Json, usize)> = BTreeMap::new();
    for id in search(&view, model, &domain, &Slice { archived: Archived::of(&env.context), ..Slice::default() })? {
        let Some(record) = view.find(model.name, id) else { continue };
        let value = match field {
            None => Json::Null,
            Some(field) => match (&field.kind, view.value(model, id, &record, field)) {
                (Kind::Datetime, Value::Time(micros)) => json!(period(micros, grain)),
                (Kind::Many2one(target), Value::Ref(id)) => json!([id, view.name(target, id)]),
                (kind, value) => to_json(kind, &value, Grain::Seconds),
            },
        };
        groups.entry(value.to_string()).or_insert_with(|| (value, 0)).1 += 1;
    }
    Ok(groups)
}

fn period(micros: i64, grain: &str) -> String {
    let whole = moment(micros, Grain::Seconds);
    let (length, rest) = match grain {
        "hour" => (13, ":00:00"),
        "day" => (10, ""),
        "year" => (4, "-01-01"),
        _ => (7, "-01"),
    };
    format!("{}{rest}", whole.get(..length).unwrap_or_default())
}

fn first_name(given: &Json) -> String {
    let one = given.as_array().and_then(|list| list.first()).unwrap_or(given);
    one.as_str().unwrap_or_default().to_owned()
}

fn read_group(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let by = first_name(call.get("groupby"));
    let count = format!("{}_count", by.split(':').next().unwrap_or_default());
    let line = |(value, number): (Json, usize)| {
        if by.is_empty() { json!({ "__count": number }) } else { json!({ &by: value, &count: number, "__count": number }) }
    };
    let lines: Vec<Json> = groups(env, call, &by)?.into_values().map(line).collect();
    Ok(Outcome::Plain(Json::Array(lines)))
}

fn formatted(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    if !env.version().is_new() {
        return Err(Failure::NoMethod(format!("The method '{}.formatted_read_group' does not exist", call.model)));
    }
    let by = first_name(call.get("groupby"));
    let line = |(value, number): (Json, usize)| {
        if by.is_empty() {
            json!({ "__count": number })
        } else {
            json!({ &by: value, "__count": number, "__extra_domain": [] })
        }
    };
    let lines: Vec<Json> = groups(env, call, &by)?.into_values().map(line).collect();
    Ok(Outcome::Plain(Json::Array(lines)))
}

fn may(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let operation = match call.get("operation").as_str() {
        Some("read") => Operation::Read,
        Some("write") => Operation::Write,
        Some("create") => Operation::Create,
        Some("unlink") => Operation::Unlink,
        _ => return Err(Failure::Value("there is no such operation".to_owned())),
    };
    match super::rights::check(env, &call.model, operation) {
        Ok(()) => Ok(Outcome::yes()),
        Err(refused) if call.get("raise_exception").as_bool() == Some(true) => Err(refused),
        Err(_) => Ok(Outcome::Plain(json!(false))),
    }
}
