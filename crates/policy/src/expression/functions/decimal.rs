//! Decimal numbers as texts: exact where they are written, free of the traces of binary arithmetic where they were floats.

use std::fmt;

use vrl::value::Value;

use crate::expression::json::kind_name;

/// A number of at most 38 digits with a decimal point. Kept without trailing zeros behind the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    /// All digits as one whole number.
    digits: i128,
    /// How many of them stand behind the point.
    scale: u32,
}

/// Places that a division keeps behind the point.
const DIVISION_SCALE: u32 = 12;

/// LIMIT: digits behind or zeros before the point; more is no quantity and no amount.
const SCALE_MAX: u32 = 30;

/// Why a value is no decimal number.
const TOO_LONG: &str = "the number has more digits than a decimal number keeps (38, at most 30 of them behind the point)";

impl Decimal {
    /// The number that a text writes: digits with sign, point and exponent, no blanks, no grouping.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let not_a_number = || format!("\"{}\" is not a decimal number", super::short(text));
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            None => (text, 0),
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| not_a_number())?),
        };
        let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty()
            || !digits.bytes().all(|digit| digit.is_ascii_digit())
            || (whole.len() < unsigned.len() && fraction.is_empty())
        {
            return Err(not_a_number());
        }
        let number: i128 = digits.parse().map_err(|_| TOO_LONG.to_owned())?;
        let scale = i64::try_from(fraction.len()).unwrap_or(i64::MAX).saturating_sub(i64::from(exponent));
        let signed = if mantissa.starts_with('-') { -number } else { number };
        Self::scaled(signed, scale)
    }

    /// The number of a value: a number or a text that writes one.
    pub(crate) fn of(value: &Value) -> Result<Self, String> {
        match value {
            Value::Integer(number) => Ok(Self { digits: i128::from(*number), scale: 0 }),
            // Fifteen digits are what a float keeps of every decimal number; more are traces of arithmetic.
            Value::Float(number) => Self::parse(&format!("{:.14e}", number.into_inner())),
            Value::Bytes(_) | Value::String(_) => Self::parse(value.to_string_lossy().trim()),
            Value::Null | Value::Boolean(_) | Value::Array(_) | Value::Object(_) | Value::Timestamp(_) | Value::Regex(_) => {
                Err(format!("expected a number or a text that writes one, got {}", kind_name(value)))
            }
        }
    }

    fn scaled(digits: i128, scale: i64) -> Result<Self, String> {
        if digits == 0 {
            return Ok(Self { digits, scale: 0 });
        }
        let too_long = || TOO_LONG.to_owned();
        if scale <= 0 {
            let zeros = u32::try_from(-scale).ok().filter(|zeros| *zeros <= SCALE_MAX).ok_or_else(too_long)?;
            let digits = power_of_ten(zeros).and_then(|power| digits.checked_mul(power)).ok_or_else(too_long)?;
            return Ok(Self { digits, scale: 0 });
        }
        let mut number = Self { digits, scale: u32::try_from(scale).map_err(|_| too_long())? };
        while number.scale > 0 && number.digits % 10 == 0 {
            number = Self { digits: number.digits / 10, scale: number.scale - 1 };
        }
        if number.scale > SCALE_MAX { Err(too_long()) } else { Ok(number) }
    }

    /// The product, exact.
    pub(crate) fn times(self, other: Self) -> Result<Self, String> {
        let digits = self.digits.checked_mul(other.digits).ok_or_else(|| TOO_LONG.to_owned())?;
        Self::scaled(digits, i64::from(self.scale) + i64::from(other.scale))
    }

    /// The quotient, rounded to twelve places behind the point, halves away from zero.
    pub(crate) fn over(self, other: Self) -> Result<Self, String> {
        let too_long = || TOO_LONG.to_owned();
        let raise =
            |digits: i128, by: u32| power_of_ten(by).and_then(|power| digits.checked_mul(power)).ok_or_else(too_long);
        let above = raise(self.digits, DIVISION_SCALE + other.scale)?;
        let below = raise(other.digits, self.scale)?;
        let quotient = above.checked_div(below).ok_or_else(|| "division by zero".to_owned())?;
        let rest = above - quotient * below;
        let away = if rest.unsigned_abs() >= below.unsigned_abs().div_ceil(2) { above.signum() * below.signum() } else { 0 };
        Self::scaled(quotient + away, i64::from(DIVISION_SCALE))
    }

    /// The text with exactly so many places behind the point, halves rounded away from zero.
    pub(crate) fn fixed(self, places: u32) -> Result<String, String> {
        let places = if places <= SCALE_MAX {
            places
        } else {
            return Err(format!("at most {SCALE_MAX} places behind the point"));
        };
        let too_long = || TOO_LONG.to_owned();
        let digits = if self.scale <= places {
            power_of_ten(places - self.scale).and_then(|power| self.digits.checked_mul(power)).ok_or_else(too_long)?
        } else {
            let power = power_of_ten(self.scale - places).ok_or_else(too_long)?;
            let rest = self.digits % power;
            let away = if rest.unsigned_abs() >= power.unsigned_abs() / 2 { self.digits.signum() } else { 0 };
            self.digits / power + away
        };
        Ok(written(digits, places))
    }
}

fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

fn written(digits: i128, scale: u32) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let width = scale as usize + 1;
    let text = format!("{:0>width$}", digits.unsigned_abs());
    let (whole, fraction) = text.split_at(text.len() - scale as usize);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The canonical form: no exponent, no sign of plus, no zeros that say nothing.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(self.digits, self.scale))
    }
}

/// `decimal(value, scale?)`.
pub(super) fn decimal(arguments: &[Option<Value>]) -> Result<Value, String> {
    let (value, places) = (super::argument(arguments, 0), super::argument(arguments, 1));
    let number = Decimal::of(value)?;
    match places {
        Value::Null => Ok(Value::from(number.to_string())),
        places => {
            let places = places.as_integer().and_then(|places| u32::try_from(places).ok());
            number.fixed(places.ok_or("`scale` is a whole number from 0 to 30")?).map(Value::from)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_become_canonical() {
        for (text, expected) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("+007.50", "7.5"),
            ("19.90", "19.9"),
            ("1e3", "1000"),
            ("1.25E-2", "0.0125"),
            (".5", "0.5"),
            ("-12.340", "-12.34"),
            ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), expected, "{text}");
        }
        for text in
            ["", "-", "1,000", "1.", "1 0", "0x1", "1e", "e5", "NaN", "1e99", "1e-99", "1e99999999999", &"9".repeat(40)]
        {
            assert!(Decimal::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn floats_lose_the_traces_of_arithmetic() {
        for (float, expected) in [
            (0.1 + 0.2, "0.3"),
            (19.99, "19.99"),
            (1e21, "1000000000000000000000"),
            (2.0, "2"),
            (1.0 / 3.0, "0.333333333333333"),
        ] {
            let value = Value::from_f64_or_zero(float);
            assert_eq!(Decimal::of(&value).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn places_are_rounded_away_from_zero() {
        for (text, places, expected) in [
            ("2.345", 2, "2.35"),
            ("-2.345", 2, "-2.35"),
            ("2.344", 2, "2.34"),
            ("19.9", 2, "19.90"),
            ("0.5", 0, "1"),
            ("7", 3, "7.000"),
            ("0.004", 2, "0.00"),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().fixed(places).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn products_are_exact_and_quotients_rounded() {
        let number = |text: &str| Decimal::parse(text).unwrap();
        assert_eq!(number("1.5").times(number("0.45359237")).unwrap().to_string(), "0.680388555");
        assert_eq!(number("1").over(number("3")).unwrap().to_string(), "0.333333333333");
        assert_eq!(number("-2").over(number("3")).unwrap().to_string(), "-0.666666666667");
        assert_eq!(number("10").over(number("4")).unwrap().to_string(), "2.5");
        assert!(number("1").over(number("0")).is_err());
        assert!(number(&"9".repeat(38)).times(number("11")).is_err());
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "\\PC*") {
            prop_assert!(Decimal::parse(&text).is_ok_and(|number| Decimal::parse(&number.to_string()) == Ok(number)) || Decimal::parse(&text).is_err());
        }

        #[test]
        fn what_it_writes_reads_back(digits in any::<i64>(), scale in 0_i64..30) {
            let number = Decimal::scaled(i128::from(digits), scale).unwrap();
            prop_assert_eq!(Decimal::parse(&number.to_string()), Ok(number));
        }

        #[test]
        fn every_price_survives_being_a_float(cents in -100_000_000_000_i64..100_000_000_000) {
            let written = Decimal::scaled(i128::from(cents), 2).unwrap().to_string();
            let float: f64 = written.parse().unwrap();
            prop_assert_eq!(Decimal::of(&Value::from_f64_or_zero(float)).unwrap().to_string(), written);
        }
    }
}
