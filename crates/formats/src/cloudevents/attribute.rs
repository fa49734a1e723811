//! The rules for names and values of attributes, apart from how a binding carries them.
//!
//! It must never know about headers or JSON.

use super::Problem;
use crate::instant;

pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if name.is_empty() || !name.bytes().all(allowed) {
        return Err(Problem::Name);
    }
    Ok(())
}

/// The type String of the specification: Unicode without C0 and C1 controls and noncharacters.
pub(super) fn check_string(value: &str) -> Result<(), Problem> {
    let is_noncharacter = |character: char| {
        let code = u32::from(character);
        (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
    };
    if value.chars().any(|character| character.is_control() || is_noncharacter(character)) {
        return Err(Problem::Character);
    }
    Ok(())
}

/// A string that is not empty: `id`, `type`, `subject`.
pub(super) fn check_text(value: &str) -> Result<(), Problem> {
    check_string(value)?;
    if value.is_empty() { Err(Problem::Empty) } else { Ok(()) }
}

pub(super) fn check_time(value: &str) -> Result<(), Problem> {
    instant::rfc3339(value).map(|_| ()).ok_or(Problem::Time)
}

/// A URI reference (RFC 3986) by its characters; the structure is left to who resolves it.
pub(super) fn check_uri_reference(value: &str) -> Result<(), Problem> {
    check_text(value)?;
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        let is_allowed = match byte {
            b'%' => {
                let mut is_hex = || bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit());
                is_hex() && is_hex()
            }
            _ => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(&byte),
        };
        if !is_allowed {
            return Err(Problem::UriReference);
        }
    }
    Ok(())
}

/// A URI with a scheme.
pub(super) fn check_uri(value: &str) -> Result<(), Problem> {
    check_uri_reference(value).map_err(|problem| match problem {
        Problem::UriReference => Problem::Uri,
        other => other,
    })?;
    let (scheme, _) = value.split_once(':').ok_or(Problem::Uri)?;
    let starts_with_letter = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    if starts_with_letter && scheme.bytes().all(allowed) { Ok(()) } else { Err(Problem::Uri) }
}

/// A media type (RFC 2046): `type/subtype` with tokens; parameters are not looked into.
pub(super) fn check_media_type(value: &str) -> Result<(), Problem> {
    check_text(value)?;
    let essence = value.split(';').next().unwrap_or_default().trim();
    let token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_token = |part: &str| !part.is_empty() && part.bytes().all(token_byte);
    match essence.split_once('/') {
        Some((kind, subtype)) if is_token(kind) && is_token(subtype) && value.is_ascii() => Ok(()),
        _ => Err(Problem::MediaType),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uri_references_and_uris_are_told_apart_from_text() {
        for (value, reference, uri) in [
            ("https://example.com/a?b=c#d", true, true),
            ("urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", true, true),
            ("mailto:a@b.c", true, true),
            ("/sensors/tn-1234567/alerts", true, false),
            ("1-555-123-4567", true, false),
            ("//host/%C3%A9", true, false),
            ("1a:b", true, false),
            ("a b", false, false),
            ("a%2", false, false),
            ("http://ex.com/\u{e9}", false, false),
            ("<script>", false, false),
        ] {
            assert_eq!(check_uri_reference(value).is_ok(), reference, "{value}");
            assert_eq!(check_uri(value).is_ok(), uri, "{value}");
        }
        assert_eq!(check_uri_reference(""), Err(Problem::Empty));
    }

    #[test]
    fn strings_have_no_controls_and_no_noncharacters() {
        for allowed in ["", "a", "\u{a0}", "\u{fffd}", "\u{1f30e}", "\u{fdcf}"] {
            assert_eq!(check_string(allowed), Ok(()), "{allowed:?}");
        }
        for refused in ["\0", "\n", "\u{7f}", "\u{9f}", "\u{fdd0}", "\u{ffff}", "\u{10fffe}"] {
            assert_eq!(check_string(refused), Err(Problem::Character), "{refused:?}");
        }
    }

    #[test]
    fn media_types_are_two_tokens_and_parameters() {
        for allowed in ["a/b", "application/json; charset=utf-8", "image/svg+xml"] {
            assert_eq!(check_media_type(allowed), Ok(()), "{allowed}");
        }
        for refused in ["json", "/", "a/", "a b/c", "a/b/c", "a/\u{e9}"] {
            assert_eq!(check_media_type(refused), Err(Problem::MediaType), "{refused}");
        }
    }
}
