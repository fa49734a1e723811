//! Values of a document as cells of `load`, and compared with what is read. Pure.

use model::Timestamp;
use model::outcome::{Again, Refusal};
use serde_json::{Map, Value};

use crate::odoo::commands::refer::{one, record};
use crate::odoo::commands::seen::{Seen, Step, refused, unreadable};
use crate::odoo::fields::{Kind, name_there};

/// A value that a field should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// The field, as this version calls it.
    pub(super) field: String,
    /// The column of `load`.
    pub(super) column: String,
    /// As `load` reads it; empty for nothing.
    pub(super) text: String,
    kind: Kind,
}

/// The values of a record, in the order of their columns, however the document has them.
pub(super) fn cells(values: &Map<String, Value>, model: &str, seen: &Seen) -> Step<Vec<Cell>> {
    let mut cells: Vec<Cell> = values.iter().map(|(name, value)| cell(name, value, model, seen)).collect::<Step<_>>()?;
    cells.sort_by(|one, other| one.column.cmp(&other.column));
    Ok(cells)
}

fn cell(name: &str, value: &Value, model: &str, seen: &Seen) -> Step<Cell> {
    let there = name_there(&seen.version, model, name);
    let kind = seen.fields(model)?.0.get(there).cloned();
    let kind = kind.ok_or_else(|| refused(Refusal::Mistake, Again::Never, format!("{model} has no field `{there}`")))?;
    let (column, text) = match &kind {
        Kind::One(of) | Kind::Many(of) => (format!("{there}/.id"), ids(name, value, of, seen)?),
        Kind::Moment => (there.to_owned(), moment(name, value)?),
        Kind::Bool | Kind::Plain => (there.to_owned(), plain(name, value)?),
    };
    Ok(Cell { field: there.to_owned(), column, text, kind })
}

fn ids(name: &str, value: &Value, model: &str, seen: &Seen) -> Step<String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Object(_) => record(seen, model, value).map(|id| id.to_string()),
        Value::Array(items) => {
            let ids: Vec<String> =
                items.iter().map(|item| record(seen, model, item).map(|id| id.to_string())).collect::<Step<_>>()?;
            Ok(ids.join(","))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(unreadable(format!("`{name}` leads to records, and its value is no reference")))
        }
    }
}

/// RFC 3339 to what a write takes: UTC, without saying so.
fn moment(name: &str, value: &Value) -> Step<String> {
    match value {
        Value::Null => Ok(String::new()),
        value => {
            let secs = value.as_str().and_then(formats::instant::rfc3339);
            let secs = secs.ok_or_else(|| unreadable(format!("`{name}` is no moment as RFC 3339 writes it")))?;
            Ok(Timestamp::from_secs(secs).to_jiff().strftime("%Y-%m-%d %H:%M:%S").to_string())
        }
    }
}

fn plain(name: &str, value: &Value) -> Step<String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(true) => Ok("1".to_owned()),
        Value::Bool(false) => Ok("0".to_owned()),
        Value::Number(number) => Ok(number.to_string()),
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) | Value::Object(_) => Err(unreadable(format!("`{name}` is a single value"))),
    }
}

/// Fields whose value in a row that was read is another one.
pub(super) fn differing<'a>(cells: &'a [Cell], row: &'a Value) -> impl Iterator<Item = &'a str> {
    cells.iter().filter(|cell| !cell.is_in(&row[&cell.field])).map(|cell| cell.field.as_str())
}

impl Cell {
    /// Whether a field that reads so has the value.
    fn is_in(&self, read: &Value) -> bool {
        match &self.kind {
            Kind::One(_) => one(read).map_or_else(String::new, |id| id.to_string()) == self.text,
            Kind::Many(_) => {
                let mut there: Vec<String> = read.as_array().into_iter().flatten().map(Value::to_string).collect();
                let mut wanted: Vec<&str> = self.text.split(',').filter(|id| !id.is_empty()).collect();
                there.sort_unstable();
                wanted.sort_unstable();
                there == wanted
            }
            Kind::Bool => read.as_bool() == Some(self.text == "1"),
            // The part behind the second comes only sometimes.
            Kind::Moment => read.as_str().and_then(|text| text.get(..19)).unwrap_or_default() == self.text,
            Kind::Plain => match read {
                Value::Number(number) => {
                    let wanted = if self.text.is_empty() { Some(0.0) } else { self.text.parse::<f64>().ok() };
                    number.as_f64().zip(wanted).is_some_and(|(there, wanted)| (there - wanted).abs() < 1e-6)
                }
                Value::String(text) => *text == self.text,
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => self.text.is_empty(),
            },
        }
    }
}
