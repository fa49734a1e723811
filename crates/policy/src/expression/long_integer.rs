//! Integers with more digits than 64 bits hold, in JSON text. They are identifiers, so for expressions they become texts
//! before any parser can round them.

use std::borrow::Cow;

/// Digits that every 64-bit number of fewer digits has; integers with more may be rounded by a parser.
const DIGITS_KEPT: usize = 19;

/// The same JSON with integers beyond 64 bits in quotes. Text without such integers is not copied.
pub(crate) fn quote_long_integers(json: &[u8]) -> Cow<'_, [u8]> {
    if !may_have_long_integer(json) {
        return Cow::Borrowed(json);
    }
    let mut quoted = Vec::with_capacity(json.len() + 16);
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        let end = match byte {
            b'"' => string_end(json, at),
            b'-' | b'0'..=b'9' => number_end(json, at),
            _ => at + 1,
        };
        let token = json.get(at..end).unwrap_or_default();
        if is_long_integer(token) {
            quoted.push(b'"');
            quoted.extend_from_slice(token);
            quoted.push(b'"');
        } else {
            quoted.extend_from_slice(token);
        }
        at = end;
    }
    Cow::Owned(quoted)
}

/// Looks at every twentieth byte only: a run of twenty digits covers one of them.
fn may_have_long_integer(json: &[u8]) -> bool {
    json.iter().enumerate().skip(DIGITS_KEPT).step_by(DIGITS_KEPT + 1).any(|(at, byte)| {
        byte.is_ascii_digit() && {
            let before = json.get(..at).unwrap_or_default().iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
            let after = json.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
            before + after > DIGITS_KEPT
        }
    })
}

fn string_end(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

fn number_end(json: &[u8], start: usize) -> usize {
    let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    start + json.get(start..).unwrap_or_default().iter().take_while(is_part).count()
}

fn is_long_integer(token: &[u8]) -> bool {
    let digits = token.strip_prefix(b"-").unwrap_or(token);
    if digits.len() <= DIGITS_KEPT || !digits.iter().all(u8::is_ascii_digit) || digits.starts_with(b"0") {
        return false;
    }
    std::str::from_utf8(token).is_ok_and(|text| text.parse::<u64>().is_err() && text.parse::<i64>().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_beyond_64_bits_become_texts() {
        for (json, expected) in [
            (r#"{"a":184467440737095516160}"#, r#"{"a":"184467440737095516160"}"#),
            ("[-92233720368547758080, 1]", r#"["-92233720368547758080", 1]"#),
            (r#"{"a":18446744073709551615}"#, r#"{"a":18446744073709551615}"#),
            (r#"{"a":820982911946154508}"#, r#"{"a":820982911946154508}"#),
            (r#"{"a":"184467440737095516160"}"#, r#"{"a":"184467440737095516160"}"#),
            (r#"{"a":"x\"184467440737095516160"}"#, r#"{"a":"x\"184467440737095516160"}"#),
            (r#"{"a":0.184467440737095516160}"#, r#"{"a":0.184467440737095516160}"#),
            (r#"{"a":184467440737095516160e2}"#, r#"{"a":184467440737095516160e2}"#),
            (r#"{"184467440737095516160":"open"#, r#"{"184467440737095516160":"open"#),
        ] {
            assert_eq!(String::from_utf8(quote_long_integers(json.as_bytes()).into_owned()).unwrap(), expected);
        }
    }

    #[test]
    fn text_without_them_is_not_copied() {
        assert!(matches!(quote_long_integers(br#"{"id":820982911946154508,"x":"1234567890123456789"}"#), Cow::Borrowed(_)));
    }
}
