//! Values of fields as the store keeps them, and the way to and from JSON by the kind of the field. What a kind refuses is told
//! in Odoo's own words.

use std::sync::Arc;

use model::Timestamp;
use serde_json::{Value as Json, json};

use super::errors::Failure;
use super::schema::{Field, Kind};

/// One value. Nothing of any kind is `Empty`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `false` of every kind that has no zero of its own.
    #[default]
    Empty,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A quantity or an amount.
    Float(f64),
    /// Text, a choice, or a day.
    Text(Arc<str>),
    /// An instant in microseconds.
    Time(i64),
    /// One record.
    Ref(i64),
    /// Several records.
    Refs(Vec<i64>),
}

/// What is not there.
pub(super) static EMPTY: Value = Value::Empty;

/// Text.
pub(super) fn text(value: &str) -> Value {
    if value.is_empty() { Value::Empty } else { Value::Text(Arc::from(value)) }
}

/// A time cut to seconds, as all fields but the two dates of a record keep it.
pub(super) fn second(at: Timestamp) -> Value {
    Value::Time(at.secs().saturating_mul(1_000_000))
}

/// A record, or none for 0.
pub(super) fn reference(id: i64) -> Value {
    if id == 0 { Value::Empty } else { Value::Ref(id) }
}

/// How much of a time is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grain {
    /// As calls answer.
    Seconds,
    /// As webhooks tell.
    Micros,
}

/// A time as Odoo writes it.
pub(super) fn moment(micros: i64, grain: Grain) -> String {
    let at = Timestamp::from_micros(micros).to_jiff();
    let seconds = at.strftime("%Y-%m-%d %H:%M:%S").to_string();
    match grain {
        Grain::Seconds => seconds,
        Grain::Micros => format!("{seconds}.{:06}", micros.rem_euclid(1_000_000)),
    }
}

/// Reads a time as domains take it: with a blank or a T, with a part of a second, with or without Z, or a day alone.
pub(super) fn parse_moment(text: &str) -> Option<i64> {
    let text = text.trim();
    let day = if text.len() == 10 { format!("{text}T00:00:00") } else { text.replacen(' ', "T", 1) };
    let whole = if day.ends_with('Z') || day.get(19..).is_some_and(|zone| zone.contains(['+', '-'])) {
        day
    } else {
        format!("{day}Z")
    };
    whole.parse::<Timestamp>().ok().map(Timestamp::micros)
}

/// Reads a time as writing takes it: `YYYY-MM-DD HH:MM:SS` and nothing else.
fn written_moment(text: &str) -> Result<i64, Failure> {
    let is_plain = text.len() == 19 && text.as_bytes().get(10) == Some(&b' ');
    let parsed = if is_plain || text.len() == 10 { parse_moment(text) } else { None };
    parsed.ok_or_else(|| Failure::Value(format!("time data '{text}' does not match format '%Y-%m-%d %H:%M:%S'")))
}

impl Value {
    /// The number of a record or a whole number; 0 where there is none.
    pub fn int(&self) -> i64 {
        match self {
            Self::Int(number) | Self::Ref(number) | Self::Time(number) => *number,
            Self::Bool(yes) => i64::from(*yes),
            Self::Empty | Self::Float(_) | Self::Text(_) | Self::Refs(_) => 0,
        }
    }

    /// The quantity; 0 where there is none.
    #[expect(clippy::cast_precision_loss, reason = "quantities of simulated orders are small")]
    pub fn float(&self) -> f64 {
        match self {
            Self::Float(number) => *number,
            Self::Int(number) => *number as f64,
            Self::Empty | Self::Bool(_) | Self::Text(_) | Self::Time(_) | Self::Ref(_) | Self::Refs(_) => 0.0,
        }
    }

    /// The text; none is the empty one.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Empty | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Time(_) | Self::Ref(_) | Self::Refs(_) => "",
        }
    }

    /// The records.
    pub fn refs(&self) -> &[i64] {
        match self {
            Self::Refs(ids) => ids,
            Self::Ref(id) => std::slice::from_ref(id),
            Self::Empty | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Text(_) | Self::Time(_) => &[],
        }
    }

    /// Whether it counts as true, as Python would say.
    pub fn truth(&self) -> bool {
        match self {
            Self::Empty => false,
            Self::Bool(yes) => *yes,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Time(_) | Self::Ref(_) => true,
            Self::Refs(ids) => !ids.is_empty(),
        }
    }
}

/// A value for the store from one of a call. Lists of records come as commands and are not dealt with here.
pub(super) fn from_json(model: &str, field: &Field, given: &Json) -> Result<Value, Failure> {
    if matches!(given, Json::Null | Json::Bool(false)) && !matches!(field.kind, Kind::Boolean) {
        return Ok(Value::Empty);
    }
    let wrong = || Failure::Value(format!("Wrong value for {model}.{}: {}", field.name, python(given)));
    Ok(match &field.kind {
        Kind::Boolean => match given {
            Json::Bool(yes) => Value::Bool(*yes),
            Json::Null => Value::Empty,
            other => Value::Bool(other.as_i64() != Some(0) && other.as_str() != Some("")),
        },
        Kind::Integer => Value::Int(given.as_i64().or_else(|| given.as_str()?.parse().ok()).ok_or_else(wrong)?),
        Kind::Float => Value::Float(given.as_f64().or_else(|| given.as_str()?.parse().ok()).ok_or_else(wrong)?),
        Kind::Text => match given {
            Json::String(it) => text(it),
            other => text(&other.to_string()),
        },
        Kind::Date => text(given.as_str().and_then(|it| it.get(..10)).ok_or_else(wrong)?),
        Kind::Datetime => Value::Time(written_moment(given.as_str().ok_or_else(wrong)?)?),
        Kind::Selection(choices) => {
            let chosen = given.as_str().ok_or_else(wrong)?;
            if !choices.is_empty() && !choices.iter().any(|(value, _)| value == chosen) {
                return Err(wrong());
            }
            text(chosen)
        }
        Kind::Many2one(_) => reference(given.as_i64().or_else(|| given.as_str()?.parse().ok()).ok_or_else(wrong)?),
        Kind::One2many(..) | Kind::Many2many(_) => return Err(wrong()),
    })
}

/// A value as a call answers it, references by number alone.
pub(super) fn to_json(kind: &Kind, value: &Value, grain: Grain) -> Json {
    match (kind, value) {
        (Kind::Boolean, value) => json!(value.truth()),
        (Kind::Integer, value) => json!(value.int()),
        (Kind::Float, value) => json!(value.float()),
        (Kind::One2many(..) | Kind::Many2many(_), value) => json!(value.refs()),
        (_, Value::Empty) => json!(false),
        (_, Value::Text(text)) => json!(text.as_ref()),
        (_, Value::Time(micros)) => json!(moment(*micros, grain)),
        (_, Value::Ref(id) | Value::Int(id)) => json!(id),
        (_, Value::Bool(yes)) => json!(yes),
        (_, Value::Float(number)) => json!(number),
        (_, Value::Refs(ids)) => json!(ids),
    }
}

/// A JSON value as Python would show it in a message.
pub(super) fn python(given: &Json) -> String {
    match given {
        Json::Null => "None".to_owned(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::String(text) => format!("'{text}'"),
        Json::Number(_) | Json::Array(_) | Json::Object(_) => given.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_take_more_forms_of_a_time_than_writing_does() {
        let exact = parse_moment("2026-11-21 01:14:09.700996").unwrap();
        assert_eq!(moment(exact, Grain::Seconds), "2026-11-21 01:14:09");
        assert_eq!(moment(exact, Grain::Micros), "2026-11-21 01:14:09.700996");
        for text in ["2026-11-21T00:00:00Z", "2026-11-21 00:00:00", "2026-11-21"] {
            assert!(parse_moment(text).is_some(), "{text}");
        }
        assert!(written_moment("2026-12-01 10:00:00").is_ok());
        assert!(written_moment("2026-12-01T10:00:00Z").is_err());
    }
}
