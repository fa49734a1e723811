//! What documents refer to, found in Odoo: records by external id, by id, or as the only one with some values; units; decimal
//! quantities. Pure.

use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use super::named::Named;
use super::seen::{Holds, Need, Seen, Step, refused, unreadable};
use crate::odoo::call::Call;
use crate::odoo::fields::name_there;

/// Quantities that differ by less are the same.
const LEAST: f64 = 1e-6;

/// A member of a document, or the words for its being away.
pub(super) fn member<'a>(document: &'a Value, name: &str) -> Step<&'a Value> {
    document.get(name).filter(|value| !value.is_null()).ok_or_else(|| unreadable(format!("the command has no `{name}`")))
}

/// A text of a document.
pub(super) fn text<'a>(document: &'a Value, name: &str) -> Step<&'a str> {
    member(document, name)?.as_str().ok_or_else(|| unreadable(format!("`{name}` is no text")))
}

/// Texts of a document; none where it has no such member.
pub(super) fn texts(document: &Value, name: &str) -> Step<Vec<String>> {
    list(document, name)?
        .iter()
        .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| unreadable(format!("`{name}` is no list of texts"))))
        .collect()
}

/// A list of a document; empty where it has no such member.
pub(super) fn list<'a>(document: &'a Value, name: &str) -> Step<&'a [Value]> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(unreadable(format!("`{name}` is no list"))),
    }
}

/// A quantity of a document: a decimal text, or a number.
pub(super) fn quantity(document: &Value, name: &str) -> Step<f64> {
    let value = member(document, name)?;
    let parsed = value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    parsed.filter(|it| it.is_finite() && *it >= 0.0).ok_or_else(|| unreadable(format!("`{name}` is no quantity")))
}

/// Whether two quantities are the same.
pub(super) fn same(one: f64, other: f64) -> bool {
    (one - other).abs() < LEAST
}

/// The record that a reference leads to, by the model's name in this version.
pub(super) fn record(seen: &Seen, model: &str, reference: &Value) -> Step<u64> {
    match found(seen, model, reference)? {
        Some(id) => Ok(id),
        None => Err(nothing(model, reference)),
    }
}

/// That there is nothing yet; somebody may still make it.
pub(super) fn nothing(model: &str, reference: &Value) -> Need {
    refused(Refusal::Reference, Again::Perhaps, format!("Odoo has no {model} with {reference}"))
}

/// The same, where there may be none.
pub(super) fn found(seen: &Seen, model: &str, reference: &Value) -> Step<Option<u64>> {
    if let Some(id) = reference.get("id") {
        return id.as_u64().map(Some).ok_or_else(|| unreadable("the `id` of a reference is no number"));
    }
    if let Some(external) = reference.get("external_id") {
        let external = external.as_str().ok_or_else(|| unreadable("an `external_id` is no text"))?;
        return of_model(seen.named(external, Holds::Throughout)?, external, model);
    }
    let find = reference.get("find").and_then(Value::as_object).filter(|find| !find.is_empty());
    let find = find.ok_or_else(|| unreadable("a reference needs `external_id`, `id` or `find`"))?;
    let domain: Vec<Value> =
        find.iter().map(|(name, value)| json!([name_there(&seen.version, model, name), "=", value])).collect();
    let rows = seen.lookup(search(model, json!(domain), &["id"]).with("limit", 2))?;
    match rows.as_array().map_or(&[][..], Vec::as_slice) {
        [] => Ok(None),
        [only] => Ok(only.get("id").and_then(Value::as_u64)),
        [_, ..] => {
            let why = format!("Odoo has several {model} with {reference}, and only one can be meant");
            Err(refused(Refusal::Reference, Again::Never, why))
        }
    }
}

/// Asks for records with some fields, in the order of their ids.
pub(super) fn search(model: &str, domain: Value, fields: &[&str]) -> Call {
    Call::of_model(model, "search_read").with("domain", domain).with("fields", json!(fields)).with("order", "id")
}

/// The record that an external id of ours leads to, which the `load` of this name makes; none where there is none.
pub(super) fn own(seen: &Seen, model: &str, external: &str, load: &str) -> Step<Option<u64>> {
    let named = seen.named(external, Holds::UntilChanged)?;
    // Odoo says hidden also of what an earlier load made before it was rolled back: the next one finds out, and mends it.
    let is_open = match seen.came(load) {
        None | Some(Err(_)) => true,
        Some(Ok(answer)) => is_about_a_field(answer),
    };
    match named {
        Named::Hidden { model: of } if of == model && is_open => Ok(None),
        Named::Hidden { .. } | Named::Record { .. } | Named::Nothing => of_model(named, external, model),
    }
}

/// Whether a `load` wrote nothing because a field is wrong.
pub(super) fn is_about_a_field(answer: &Value) -> bool {
    answer["messages"].as_array().is_some_and(|all| all.iter().any(|message| message["field"].is_string()))
}

/// The record of a model among what an external id may lead to.
fn of_model(named: &Named, external: &str, model: &str) -> Step<Option<u64>> {
    match named {
        Named::Nothing => Ok(None),
        Named::Record { model: of, id } if of == model => Ok(Some(*id)),
        Named::Hidden { model: of } if of == model => {
            let why = format!("{external} is there, and hidden from our user: a rule of Odoo's, or deleted past Odoo");
            Err(refused(Refusal::Access, Again::Perhaps, why))
        }
        Named::Record { model: of, .. } | Named::Hidden { model: of } => {
            Err(refused(Refusal::Reference, Again::Never, format!("{external} is of {of}, and not of {model}")))
        }
    }
}

/// The only row of an answer.
pub(super) fn only<'a>(rows: &'a Value, model: &str, id: u64) -> Step<&'a Value> {
    rows.get(0).ok_or_else(|| refused(Refusal::Missing, Again::Never, format!("{model} {id} is not there any more")))
}

/// The id of a many2one as it is read: a pair, or nothing.
pub(super) fn one(value: &Value) -> Option<u64> {
    value.get(0).and_then(Value::as_u64).or_else(|| value.as_u64())
}

/// A text as it is read: nothing is `false`.
pub(super) fn said(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Refuses a quantity in another unit than that which Odoo counts a record in: nothing is converted here.
pub(super) fn same_unit(seen: &Seen, line: &Value, row: &Value, field: &str) -> Step<()> {
    let (Some(unit), Some(there)) = (line.get("unit").filter(|unit| !unit.is_null()), one(&row[field])) else {
        return Ok(());
    };
    if record(seen, "uom.uom", unit)? == there {
        return Ok(());
    }
    let counted = row[field].get(1).and_then(Value::as_str).unwrap_or("another unit");
    Err(refused(Refusal::Document, Again::Never, format!("Odoo counts it in {counted}, and the command in {unit}")))
}
