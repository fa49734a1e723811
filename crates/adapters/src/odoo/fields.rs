//! What fields a model has in the version at hand, and what they are called there. Pure.
//!
//! Contracts use the names of the newest version (decision 0040). A field that a version does not have is left out; whether an
//! event can do without it is its contract's business.

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::Reading;
use serde_json::{Map, Value, json};

use super::version::Version;

/// The version whose names are ours.
const NEWEST: u32 = 19;

/// Fields that were renamed in 19: model, name since, name before. One that led to one record and leads to several since is read as a
/// list of one.
const RENAMED: &[(&str, &str, &str)] = &[
    ("sale.order.line", "product_uom_id", "product_uom"),
    ("sale.order.line", "tax_ids", "tax_id"),
    ("sale.order.line", "route_ids", "route_id"),
    ("purchase.order.line", "product_uom_id", "product_uom"),
    ("purchase.order.line", "tax_ids", "taxes_id"),
    ("purchase.order", "note", "notes"),
    ("mrp.production", "lot_producing_ids", "lot_producing_id"),
    ("mrp.production", "production_group_id", "procurement_group_id"),
];

/// Models that were renamed in 19: name since, name before.
const RENAMED_MODELS: &[(&str, &str)] = &[("stock.package", "stock.quant.package")];

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A truth value: of all others `false` says that there is nothing.
    Bool,
    /// A moment, in UTC and without saying so.
    Moment,
    /// One record of this model, or none.
    One(String),
    /// Records of this model.
    Many(String),
    /// Anything else.
    Plain,
}

/// The fields of a model, by their names in the version at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(pub(super) BTreeMap<String, Kind>);

impl Fields {
    /// Of the answer to `fields_get`.
    pub(super) fn from_answer(answer: &Value) -> Option<Self> {
        let fields = answer.as_object()?.iter().map(|(name, about)| (name.clone(), kind(about)));
        Some(Self(fields.collect()))
    }
}

fn kind(about: &Value) -> Kind {
    let relation = || about["relation"].as_str().unwrap_or_default().to_owned();
    match about["type"].as_str().unwrap_or_default() {
        "boolean" => Kind::Bool,
        "datetime" => Kind::Moment,
        "many2one" => Kind::One(relation()),
        "one2many" | "many2many" => Kind::Many(relation()),
        _ => Kind::Plain,
    }
}

/// What a field of ours is called in this version.
pub(super) fn name_there<'a>(version: &Version, model: &str, name: &'a str) -> &'a str {
    let renamed = || RENAMED.iter().find(|(of, since, _)| *of == model && *since == name).map(|(_, _, before)| *before);
    if version.major < NEWEST { renamed().unwrap_or(name) } else { name }
}

/// What a model of ours is called in this version.
pub(super) fn model_there<'a>(version: &Version, model: &'a str) -> &'a str {
    let renamed = || RENAMED_MODELS.iter().find(|(since, _)| *since == model).map(|(_, before)| *before);
    if version.major < NEWEST { renamed().unwrap_or(model) } else { model }
}

/// All fields of the models that a reading touches, by the models' names in this version.
pub(super) type Known = BTreeMap<String, Fields>;

/// Models that a reading touches and whose fields are not known yet.
pub(super) fn unknown(reading: &Reading, model: &str, version: &Version, known: &Known) -> Vec<String> {
    let Some(fields) = known.get(model) else { return vec![model.to_owned()] };
    let within =
        reading.fields.iter().filter_map(|(name, inner)| match (fields.0.get(name_there(version, model, name))?, inner) {
            (Kind::One(of) | Kind::Many(of), Some(inner)) => Some(unknown(inner, of, version, known)),
            (Kind::One(_) | Kind::Many(_), None) | (Kind::Bool | Kind::Moment | Kind::Plain, _) => None,
        });
    within.flatten().collect()
}

/// Models that a reading leads to, beside its own.
pub(super) fn touched(reading: &Reading, model: &str, version: &Version, known: &Known, into: &mut BTreeSet<String>) {
    let Some(fields) = known.get(model) else { return };
    for (name, inner) in &reading.fields {
        let kind = fields.0.get(name_there(version, model, name));
        if let (Some(Kind::One(of) | Kind::Many(of)), Some(inner)) = (kind, inner) {
            into.insert(of.clone());
            touched(inner, of, version, known, into);
        }
    }
}

/// What `web_search_read` is to read, in its own language. Fields that the version does not have are left out.
pub(super) fn specification(reading: &Reading, model: &str, version: &Version, known: &Known) -> Map<String, Value> {
    let Some(fields) = known.get(model) else { return Map::new() };
    let mut specification = Map::new();
    for (name, inner) in &reading.fields {
        let there = name_there(version, model, name);
        let within = match (fields.0.get(there), inner) {
            (None, _) => continue,
            (Some(Kind::One(of) | Kind::Many(of)), Some(inner)) => {
                json!({ "fields": specification_or_name(inner, of, version, known) })
            }
            (Some(_), _) => json!({}),
        };
        specification.insert(there.to_owned(), within);
    }
    specification
}

/// A reading of which the version has nothing still reads that there is a record.
fn specification_or_name(reading: &Reading, model: &str, version: &Version, known: &Known) -> Map<String, Value> {
    let within = specification(reading, model, version, known);
    if within.is_empty() { Map::from_iter([("display_name".to_owned(), json!({}))]) } else { within }
}

/// A record as it came, in our form: names, moments, and nothing as null. The order of members is always the same.
pub(super) fn in_our_form(record: &Value, reading: &Reading, model: &str, version: &Version, known: &Known) -> Value {
    let (Some(record), Some(fields)) = (record.as_object(), known.get(model)) else { return Value::Null };
    let mut ours = Map::new();
    ours.insert("id".to_owned(), record.get("id").cloned().unwrap_or_default());
    for (name, inner) in &reading.fields {
        let there = name_there(version, model, name);
        let (Some(kind), Some(value)) = (fields.0.get(there), record.get(there)) else { continue };
        if name == "id" {
            continue;
        }
        let value = match (kind, inner) {
            (Kind::One(_) | Kind::Many(_), _) if is_nothing(value) => nothing(kind, there != name),
            (Kind::One(of), Some(inner)) => one(in_our_form(value, inner, of, version, known), name, there),
            (Kind::One(_), None) => one(value.clone(), name, there),
            (Kind::Many(of), Some(inner)) => {
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                items.iter().map(|item| in_our_form(item, inner, of, version, known)).collect()
            }
            (Kind::Moment, _) => moment(value),
            (Kind::Plain, _) if is_nothing(value) => Value::Null,
            (Kind::Many(_), None) | (Kind::Bool | Kind::Plain, _) => value.clone(),
        };
        ours.insert(name.clone(), value);
    }
    Value::Object(ours)
}

fn is_nothing(value: &Value) -> bool {
    matches!(value, Value::Bool(false) | Value::Null)
}

fn nothing(kind: &Kind, renamed: bool) -> Value {
    match kind {
        Kind::One(_) if !renamed => Value::Null,
        _ => json!([]),
    }
}

/// One record, in a list where the field leads to several since.
fn one(value: Value, name: &str, there: &str) -> Value {
    if name.ends_with("_ids") && !there.ends_with("_ids") { json!([value]) } else { value }
}

/// `2026-11-21 00:51:48` in UTC, as RFC 3339 writes it. The part behind the second comes only sometimes, so it never does.
fn moment(value: &Value) -> Value {
    value
        .as_str()
        .and_then(|text| text.get(..19))
        .map_or(Value::Null, |text| json!(format!("{}Z", text.replacen(' ', "T", 1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(major: u32) -> Version {
        Version { major, text: major.to_string() }
    }

    fn reading(names: &[&str]) -> Reading {
        Reading { fields: names.iter().map(|name| ((*name).to_owned(), None)).collect() }
    }

    fn within(mut outer: Reading, name: &str, inner: Reading) -> Reading {
        outer.fields.insert(name.to_owned(), Some(inner));
        outer
    }

    fn known(major: u32) -> Known {
        let (uom, lot) = if major < 19 { ("product_uom", "many2one") } else { ("product_uom_id", "many2one") };
        let order = json!({
            "name": { "type": "char" }, "locked": { "type": "boolean" }, "commitment_date": { "type": "datetime" },
            "partner_id": { "type": "many2one", "relation": "res.partner" }, "client_order_ref": { "type": "char" },
            "order_line": { "type": "one2many", "relation": "sale.order.line" }, "amount_total": { "type": "monetary" },
        });
        let line = json!({ uom: { "type": lot, "relation": "uom.uom" }, "product_uom_qty": { "type": "float" } });
        let partner = json!({ "display_name": { "type": "char" }, "ref": { "type": "char" } });
        let uoms = json!({ "name": { "type": "char" } });
        [("sale.order", order), ("sale.order.line", line), ("res.partner", partner), ("uom.uom", uoms)]
            .into_iter()
            .map(|(model, fields)| (model.to_owned(), Fields::from_answer(&fields).unwrap()))
            .collect()
    }

    fn wanted() -> Reading {
        let lines = within(reading(&["product_uom_qty", "not_here"]), "product_uom_id", reading(&["name"]));
        let order = reading(&["name", "locked", "commitment_date", "client_order_ref", "amount_total"]);
        within(within(order, "partner_id", reading(&["display_name", "ref"])), "order_line", lines)
    }

    #[test]
    fn one_reading_is_read_in_the_words_of_each_version() {
        for (major, uom) in [(18, "product_uom"), (19, "product_uom_id")] {
            let specification = specification(&wanted(), "sale.order", &version(major), &known(major));
            assert_eq!(
                Value::Object(specification),
                json!({
                    "amount_total": {}, "client_order_ref": {}, "commitment_date": {}, "locked": {}, "name": {},
                    "order_line": { "fields": { uom: { "fields": { "name": {} } }, "product_uom_qty": {} } },
                    "partner_id": { "fields": { "display_name": {}, "ref": {} } },
                }),
                "{major}"
            );
        }
    }

    #[test]
    fn a_record_has_one_form_whatever_the_version() {
        for (major, uom) in [(18, "product_uom"), (19, "product_uom_id")] {
            let record = json!({
                "id": 1, "name": "S00001", "locked": false, "commitment_date": false, "client_order_ref": false, "amount_total": 0.0,
                "order_line": [{ "id": 1, uom: { "id": 1, "name": "Units" }, "product_uom_qty": 5.0 }], "partner_id": false,
            });
            assert_eq!(
                in_our_form(&record, &wanted(), "sale.order", &version(major), &known(major)).to_string(),
                r#"{"id":1,"amount_total":0.0,"client_order_ref":null,"commitment_date":null,"locked":false,"name":"S00001","order_line":[{"id":1,"product_uom_id":{"id":1,"name":"Units"},"product_uom_qty":5.0}],"partner_id":null}"#,
                "{major}"
            );
        }
    }

    #[test]
    fn a_field_that_became_several_is_a_list_in_each_version() {
        let lots = reading(&["lot_producing_ids"]);
        for (major, name, kind, value, expected) in [
            (18, "lot_producing_id", "many2one", json!(7), json!([7])),
            (18, "lot_producing_id", "many2one", json!(false), json!([])),
            (19, "lot_producing_ids", "many2many", json!([7]), json!([7])),
        ] {
            let fields = Fields::from_answer(&json!({ name: { "type": kind, "relation": "stock.lot" } })).unwrap();
            let known = Known::from([("mrp.production".to_owned(), fields)]);
            let record = json!({ "id": 4, name: value });
            let ours = in_our_form(&record, &lots, "mrp.production", &version(major), &known);
            assert_eq!(ours, json!({ "id": 4, "lot_producing_ids": expected }), "{major}");
        }
    }

    #[test]
    fn a_moment_is_an_instant_in_utc() {
        for (value, expected) in [
            (json!("2026-11-21 00:51:48"), json!("2026-11-21T00:51:48Z")),
            (json!("2026-11-21 00:51:48.225510"), json!("2026-11-21T00:51:48Z")),
            (json!(false), Value::Null),
            (json!("today"), Value::Null),
        ] {
            assert_eq!(moment(&value), expected, "{value}");
        }
    }

    #[test]
    fn models_are_asked_for_until_all_that_is_touched_is_known() {
        let mut seen = Known::new();
        let all = known(18);
        let mut asked = Vec::new();
        while let Some(next) = unknown(&wanted(), "sale.order", &version(18), &seen).first().cloned() {
            seen.insert(next.clone(), all[&next].clone());
            asked.push(next);
        }
        assert_eq!(asked, ["sale.order", "sale.order.line", "uom.uom", "res.partner"]);
    }
}
