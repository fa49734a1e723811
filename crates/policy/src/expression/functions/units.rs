//! Units of measure by their UN/ECE Recommendation 20 codes, and what one of them is in another: exact decimal factors.

use vrl::value::Value;

use super::decimal::Decimal;

/// A unit: its code, what it measures, and how many of the first unit of its kind it is.
struct Unit {
    code: &'static str,
    measures: &'static str,
    factor: &'static str,
}

macro_rules! units {
    ($($measures:literal: $($code:literal $factor:literal),*;)*) => {
        &[$($(Unit { code: $code, measures: $measures, factor: $factor },)*)*]
    };
}

/// Codes that mean the same by agreement only (`EA`, `H87`, `C62`) are not converted into each other.
const UNITS: &[Unit] = units! {
    "mass": "KGM" "1", "GRM" "0.001", "MGM" "0.000001", "TNE" "1000", "LBR" "0.45359237", "ONZ" "0.028349523125",
        "CWA" "45.359237", "STN" "907.18474";
    "length": "MTR" "1", "MMT" "0.001", "CMT" "0.01", "DMT" "0.1", "KMT" "1000", "INH" "0.0254", "FOT" "0.3048",
        "YRD" "0.9144", "SMI" "1609.344";
    "area": "MTK" "1", "CMK" "0.0001", "MMK" "0.000001", "INK" "0.00064516", "FTK" "0.09290304";
    "volume": "LTR" "1", "MLT" "0.001", "CLT" "0.01", "DLT" "0.1", "HLT" "100", "MTQ" "1000", "DMQ" "1", "CMQ" "0.001",
        "INQ" "0.016387064", "FTQ" "28.316846592", "GLL" "3.785411784", "GLI" "4.54609", "OZA" "0.0295735295625";
    "time": "SEC" "1", "MIN" "60", "HUR" "3600", "DAY" "86400", "WEE" "604800";
    "count": "C62" "1", "PR" "2", "DZN" "12", "DPC" "12", "CEN" "100", "GRO" "144", "MIL" "1000";
};

fn unit(code: &Value) -> Result<&'static Unit, String> {
    let code = code.to_string_lossy();
    UNITS.iter().find(|unit| unit.code == code).ok_or_else(|| {
        format!(
            "\"{}\" is not among the unit codes that can be converted (Rec 20, such as KGM, LBR, MTR)",
            super::short(&code)
        )
    })
}

/// `convert(value, from_unit, to_unit)`: a decimal text, rounded to twelve places where it does not end.
pub(super) fn convert(arguments: &[Option<Value>]) -> Result<Value, String> {
    let value = Decimal::of(super::argument(arguments, 0))?;
    let (from, to) = (unit(super::argument(arguments, 1))?, unit(super::argument(arguments, 2))?);
    if from.measures != to.measures {
        return Err(format!("{} measures {}, {} measures {}", from.code, from.measures, to.code, to.measures));
    }
    let converted = value.times(Decimal::parse(from.factor)?)?.over(Decimal::parse(to.factor)?)?;
    Ok(Value::from(converted.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(value: &str, from: &str, to: &str) -> Result<String, String> {
        let arguments = [value, from, to].map(|text| Some(Value::from(text)));
        convert(&arguments).map(|value| value.to_string_lossy().into_owned())
    }

    #[test]
    fn quantities_are_converted_without_float_traces() {
        for (value, from, to, expected) in [
            ("1", "LBR", "KGM", "0.45359237"),
            ("2.5", "KGM", "GRM", "2500"),
            ("16", "ONZ", "LBR", "1"),
            ("1", "KGM", "LBR", "2.204622621849"),
            ("12", "INH", "CMT", "30.48"),
            ("1", "MTQ", "LTR", "1000"),
            ("0.1", "MTR", "MTR", "0.1"),
            ("3", "DZN", "C62", "36"),
            ("90", "MIN", "HUR", "1.5"),
        ] {
            assert_eq!(converted(value, from, to).as_deref(), Ok(expected), "{value} {from} {to}");
        }
    }

    #[test]
    fn what_cannot_be_converted_says_why() {
        assert_eq!(converted("1", "KGM", "MTR"), Err("KGM measures mass, MTR measures length".to_owned()));
        assert!(converted("1", "EA", "C62").unwrap_err().starts_with("\"EA\" is not among the unit codes"));
        assert_eq!(converted("many", "KGM", "GRM"), Err("\"many\" is not a decimal number".to_owned()));
    }

    #[test]
    fn every_factor_is_a_decimal_and_every_code_stands_once() {
        for (at, unit) in UNITS.iter().enumerate() {
            assert!(Decimal::parse(unit.factor).is_ok(), "{}", unit.code);
            assert!(UNITS.iter().skip(at + 1).all(|other| other.code != unit.code), "{}", unit.code);
        }
    }
}
