//! A part of a YAML file as JSON: for schemas, examples and bodies of tests, which have no table of fields.
//!
//! Plain scalars are typed by the core rules of YAML 1.2, where `NO` is a text and `021` the number 21.

use serde_json::{Map, Number, Value};

use super::{Node, Scalar, Shape, Style};

/// The part as JSON.
pub fn to_json(node: &Node) -> Value {
    match &node.shape {
        Shape::Scalar(scalar) => scalar_json(scalar),
        Shape::List(items) => Value::Array(items.iter().map(to_json).collect()),
        Shape::Map(entries) => {
            let members = entries.iter().map(|entry| (entry.key.value.clone(), to_json(&entry.value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

fn scalar_json(scalar: &Scalar) -> Value {
    if scalar.style != Style::Plain {
        return Value::String(scalar.text.clone());
    }
    match scalar.text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        text => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(unsigned(digits)?, 16).ok().map(Number::from);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return u64::from_str_radix(unsigned(digits)?, 8).ok().map(Number::from);
    }
    if is_whole(text) {
        let whole = text.strip_prefix('+').unwrap_or(text);
        let unsigned = whole.parse::<u64>().ok().map(Number::from);
        return unsigned.or_else(|| whole.parse::<i64>().ok().map(Number::from)).or_else(|| float(text));
    }
    if is_fraction(text) { float(text) } else { None }
}

fn unsigned(digits: &str) -> Option<&str> {
    digits.bytes().next().is_some_and(|byte| byte != b'+').then_some(digits)
}

fn float(text: &str) -> Option<Number> {
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

/// `[-+]?[0-9]+`
fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_fraction(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = rest.split_once(['e', 'E']).map_or((rest, None), |(head, tail)| (head, Some(tail)));
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    digits(before) && digits(after) && !(before.is_empty() && after.is_empty()) && exponent.is_none_or(is_whole)
}

/// What a plain number loses when it is read as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberLoss {
    /// `021` becomes 21.
    LeadingZero,
    /// It has more digits than a number can keep.
    Digits,
}

/// What this scalar loses by being read as a number, if it is one and loses something.
pub fn number_loss(scalar: &Scalar) -> Option<NumberLoss> {
    if scalar.style != Style::Plain || !is_whole(&scalar.text) {
        return None;
    }
    let digits = scalar.text.trim_start_matches(['-', '+']);
    if digits.len() > 1 && digits.starts_with('0') {
        return Some(NumberLoss::LeadingZero);
    }
    let whole = scalar.text.trim_start_matches('+');
    (whole.parse::<u64>().is_err() && whole.parse::<i64>().is_err()).then_some(NumberLoss::Digits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plain(text: &str) -> Scalar {
        Scalar { text: text.to_owned(), style: Style::Plain }
    }

    #[test]
    fn plain_scalars_follow_the_core_rules_of_yaml_1_2() {
        for (text, expected) in [
            ("NO", json!("NO")),
            ("no", json!("no")),
            ("True", json!(true)),
            ("~", json!(null)),
            ("", json!(null)),
            ("021", json!(21)),
            ("-3", json!(-3)),
            ("+4", json!(4)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("0x+1", json!("0x+1")),
            ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000.0)),
            (".5", json!(0.5)),
            (".", json!(".")),
            ("1.2.3", json!("1.2.3")),
            ("12:30", json!("12:30")),
            ("2026-01-01", json!("2026-01-01")),
            (".inf", json!(".inf")),
            ("e5", json!("e5")),
            ("-", json!("-")),
        ] {
            assert_eq!(scalar_json(&plain(text)), expected, "{text}");
        }
        let quoted = Scalar { text: "21".to_owned(), style: Style::Quoted };
        assert_eq!(scalar_json(&quoted), json!("21"));
    }

    #[test]
    fn numbers_that_would_change_are_known() {
        for (text, expected) in [
            ("021", Some(NumberLoss::LeadingZero)),
            ("-007", Some(NumberLoss::LeadingZero)),
            ("0", None),
            ("820982911946154508", None),
            ("18446744073709551616", Some(NumberLoss::Digits)),
            ("0.50", None),
            ("text", None),
        ] {
            assert_eq!(number_loss(&plain(text)), expected, "{text}");
        }
    }
}
