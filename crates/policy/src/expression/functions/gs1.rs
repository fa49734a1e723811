//! GS1 identifiers: their lengths and their check digit.

use vrl::value::Value;

/// The digits of a value, if it is a text of digits or a number.
fn digits(value: &Value) -> Option<String> {
    let text = match value {
        Value::Bytes(_) | Value::String(_) | Value::Integer(_) => value.to_string_lossy(),
        Value::Null
        | Value::Boolean(_)
        | Value::Float(_)
        | Value::Array(_)
        | Value::Object(_)
        | Value::Timestamp(_)
        | Value::Regex(_) => {
            return None;
        }
    };
    let text = text.trim();
    (!text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())).then(|| text.to_owned())
}

/// Whether the last digit fits the others: weights 3 and 1 from the right, sum divisible by ten.
fn check_digit_fits(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .zip([1_u32, 3].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    sum.is_multiple_of(10)
}

/// `gtin14(value)`: a GTIN of 8, 12, 13 or 14 digits with a right check digit, padded with zeros to 14.
pub(super) fn gtin14(arguments: &[Option<Value>]) -> Result<Value, String> {
    let value = super::argument(arguments, 0);
    let seen = || super::short(&value.to_string_lossy());
    let digits =
        digits(value).ok_or_else(|| format!("\"{}\" is not a GTIN: it has other characters than digits", seen()))?;
    if !matches!(digits.len(), 8 | 12 | 13 | 14) {
        return Err(format!("\"{}\" is not a GTIN: it has {} digits instead of 8, 12, 13 or 14", seen(), digits.len()));
    }
    if !check_digit_fits(&digits) {
        return Err(format!("\"{}\" is not a GTIN: its check digit is wrong", seen()));
    }
    Ok(Value::from(format!("{digits:0>14}")))
}

/// `is_sscc(value)`: whether it is a serial shipping container code of 18 digits with a right check digit.
pub(super) fn is_sscc(arguments: &[Option<Value>]) -> Value {
    let digits = digits(super::argument(arguments, 0));
    Value::Boolean(digits.is_some_and(|digits| digits.len() == 18 && check_digit_fits(&digits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gtin_is_padded_when_its_check_digit_fits() {
        for (value, expected) in [
            (Value::from("4006381333931"), Ok("04006381333931")),
            (Value::from("036000291452"), Ok("00036000291452")),
            (Value::from(96_385_074), Ok("00000096385074")),
            (Value::from("10614141543219"), Ok("10614141543219")),
            (Value::from("4006381333932"), Err("\"4006381333932\" is not a GTIN: its check digit is wrong")),
            (Value::from("123"), Err("\"123\" is not a GTIN: it has 3 digits instead of 8, 12, 13 or 14")),
            (Value::from("AB"), Err("\"AB\" is not a GTIN: it has other characters than digits")),
        ] {
            let padded = gtin14(&[Some(value)]).map(|value| value.to_string_lossy().into_owned());
            assert_eq!(padded, expected.map(ToOwned::to_owned).map_err(ToOwned::to_owned));
        }
    }

    #[test]
    fn an_sscc_has_18_digits_and_a_check_digit() {
        for (value, expected) in [
            (Value::from("106141412345678908"), true),
            (Value::from("106141412345678907"), false),
            (Value::from("00106141412345678908"), false),
            (Value::from("x"), false),
            (Value::Null, false),
        ] {
            assert_eq!(is_sscc(&[Some(value)]), Value::Boolean(expected));
        }
    }
}
