//! `upsert`: a record that is made, or changed where its external id is known; with the lines that belong to it. Pure.
//!
//! `load` makes records and their external ids in one transaction, so that a repeat finds what the first made. What is already
//! as it should be is not written again.

mod cells;

use std::collections::BTreeMap;

use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use self::cells::{Cell, cells, differing};
use super::refer::{is_about_a_field, list, member, own, search, text};
use super::seen::{Need, Seen, Step, refused, unreadable};
use crate::odoo::call::Call;
use crate::odoo::fields::{Kind, model_there, name_there};

/// A record that should be there.
#[derive(Debug)]
struct Wanted<'a> {
    model: String,
    external: &'a str,
    cells: Vec<Cell>,
}

/// A record with its lines, by the field that holds them.
#[derive(Debug)]
struct Whole<'a> {
    head: Wanted<'a>,
    lines: Vec<(String, Vec<Wanted<'a>>)>,
}

/// `{"command": "upsert", "model": "sale.order", "external_id": …, "values": {…}, "lines": {"order_line": [{"external_id": …, "values": {…}}]}}`.
pub(super) fn plan(document: &Value, seen: &Seen) -> Step<Value> {
    let whole = whole(document, seen)?;
    let mut ids = BTreeMap::new();
    // Without one of them it is loaded, whatever the others are.
    for wanted in whole.all() {
        let Some(id) = own(seen, &wanted.model, wanted.external, "load")? else { break };
        ids.insert(wanted.external, id);
    }
    let is_whole = ids.len() == whole.all().count();
    let kept_otherwise = if is_whole { whole.differing(&ids, seen)? } else { Vec::new() };
    // What Odoo rounds or rewrites is another value than ours however often it is written.
    let is_loaded = matches!(seen.came("load"), Some(Ok(answer)) if answer["ids"].is_array());
    if is_whole && (kept_otherwise.is_empty() || is_loaded) {
        return Ok(json!({
            "model": whole.head.model, "id": ids.get(whole.head.external), "external_id": whole.head.external,
            "kept_otherwise": kept_otherwise,
        }));
    }
    match seen.came("load") {
        Some(Ok(answer)) if !is_loaded => Err(not_loaded(answer)),
        Some(_) | None => Err(seen.change("load", whole.load())),
    }
}

/// Nothing was written. What is wrong with a field stays wrong; anything else may have been another's transaction, which Odoo says
/// in no other way than by a text.
pub(super) fn not_loaded(answer: &Value) -> Need {
    let messages = answer["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let said: Vec<&str> = messages.iter().filter_map(|message| message["message"].as_str()).collect();
    let said = said.join(" ").chars().take(2_000).collect::<String>();
    if is_about_a_field(answer) {
        return refused(Refusal::Validation, Again::Never, said);
    }
    refused(Refusal::Unmet, Again::Perhaps, said)
}

fn whole<'a>(document: &'a Value, seen: &Seen) -> Step<Whole<'a>> {
    let model = model_there(&seen.version, text(document, "model")?).to_owned();
    let head = wanted(document, &model, seen)?;
    let mut lines = Vec::new();
    for (name, _) in document.get("lines").and_then(Value::as_object).into_iter().flatten() {
        let there = name_there(&seen.version, &model, name).to_owned();
        let Some(Kind::Many(of)) = seen.fields(&model)?.0.get(&there).cloned() else {
            return Err(unreadable(format!("`{name}` of {model} leads to no lines")));
        };
        let items = list(&document["lines"], name)?;
        let items = items.iter().map(|item| wanted(item, &of, seen)).collect::<Step<Vec<_>>>()?;
        if items.windows(2).any(|pair| !pair[0].has_fields_of(&pair[1])) {
            return Err(unreadable(format!("the lines of `{name}` have different fields: an empty cell would clear one")));
        }
        lines.push((there, items));
    }
    Ok(Whole { head, lines })
}

fn wanted<'a>(document: &'a Value, model: &str, seen: &Seen) -> Step<Wanted<'a>> {
    let values = member(document, "values")?.as_object().ok_or_else(|| unreadable("`values` are no map"))?;
    Ok(Wanted { model: model.to_owned(), external: text(document, "external_id")?, cells: cells(values, model, seen)? })
}

impl Wanted<'_> {
    fn has_fields_of(&self, other: &Self) -> bool {
        self.cells.iter().map(|cell| &cell.column).eq(other.cells.iter().map(|cell| &cell.column))
    }
}

impl<'a> Whole<'a> {
    fn all(&self) -> impl Iterator<Item = &Wanted<'a>> {
        std::iter::once(&self.head).chain(self.lines.iter().flat_map(|(_, lines)| lines))
    }

    /// Fields that hold something else.
    fn differing(&self, ids: &BTreeMap<&str, u64>, seen: &Seen) -> Step<Vec<String>> {
        let mut models: BTreeMap<&str, Vec<&Wanted<'_>>> = BTreeMap::new();
        for wanted in self.all().filter(|wanted| !wanted.cells.is_empty()) {
            models.entry(&wanted.model).or_default().push(wanted);
        }
        let mut differing_fields = Vec::new();
        for (model, all) in models {
            let asked: Vec<u64> = all.iter().filter_map(|wanted| ids.get(wanted.external).copied()).collect();
            let mut fields: Vec<&str> = all.iter().flat_map(|it| it.cells.iter().map(|cell| cell.field.as_str())).collect();
            fields.sort_unstable();
            fields.dedup();
            let call = search(model, json!([["id", "in", asked]]), &fields).context("active_test", false);
            let rows = seen.read(call)?.as_array().map_or(&[][..], Vec::as_slice);
            for wanted in all {
                let row = rows.iter().find(|row| row["id"].as_u64() == ids.get(wanted.external).copied());
                let Some(row) = row else {
                    return Err(refused(Refusal::Missing, Again::Never, format!("{} is not there", wanted.external)));
                };
                let of = |field: &str| format!("{}.{field}", wanted.external);
                differing_fields.extend(differing(&wanted.cells, row).map(of));
            }
        }
        Ok(differing_fields)
    }

    /// The record in its first row, and each of its lines in one.
    fn load(&self) -> Call {
        let mut columns = vec!["id".to_owned()];
        let mut row = vec![self.head.external.to_owned()];
        for cell in &self.head.cells {
            columns.push(cell.column.clone());
            row.push(cell.text.clone());
        }
        let own = columns.len();
        for (field, lines) in &self.lines {
            let Some(first) = lines.first() else { continue };
            columns.push(format!("{field}/id"));
            columns.extend(first.cells.iter().map(|cell| format!("{field}/{}", cell.column)));
        }
        row.resize(columns.len(), String::new());
        let mut rows = vec![row];
        let mut at = own;
        let mut is_first = true;
        for (_, lines) in &self.lines {
            let width = lines.first().map_or(0, |first| first.cells.len() + 1);
            for line in lines {
                if !std::mem::take(&mut is_first) {
                    rows.push(vec![String::new(); columns.len()]);
                }
                let texts = std::iter::once(line.external).chain(line.cells.iter().map(|cell| cell.text.as_str()));
                if let Some(row) = rows.last_mut() {
                    row.iter_mut().skip(at).zip(texts).for_each(|(cell, text)| text.clone_into(cell));
                }
            }
            at += width;
        }
        // Moments without a zone are read in that of the user.
        Call::of_model(&self.head.model, "load")
            .first("fields", json!(columns))
            .first("data", json!(rows))
            .context("tz", "UTC")
    }
}
