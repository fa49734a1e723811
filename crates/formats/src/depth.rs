//! The nesting depth of a JSON text, found in one pass over its bytes before any parser runs.
//!
//! It must never allocate or recurse: a hostile body is refused here at the cost of reading it.
//! It does not check that the text is JSON; that is the parser's work.

use thiserror::Error;

/// The text opens more arrays and objects inside each other than the limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the JSON is nested more than {limit} levels deep (at byte {offset})")]
pub struct TooDeep {
    /// The byte, counted from 0, of the bracket that goes over the limit.
    pub offset: usize,
    /// The deepest nesting that would have been accepted, in levels.
    pub limit: usize,
}

/// Finds the deepest nesting of arrays and objects, in levels (`1` is 0, `[]` is 1).
///
/// Brackets inside strings do not count. Stops with [`TooDeep`] at the first bracket that opens
/// level `limit + 1`.
pub fn check(json: &[u8], limit: usize) -> Result<usize, TooDeep> {
    let mut depth = 0_usize;
    let mut deepest = 0;
    let mut in_string = false;
    let mut escaped = false;
    for (offset, byte) in json.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' if depth == limit => return Err(TooDeep { offset, limit }),
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(deepest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings() {
        for (json, expected) in [
            ("", 0),
            ("1", 0),
            ("\"[[[[\"", 0),
            ("[]", 1),
            ("[{}, {}]", 2),
            (r#"{"a":[{"b":"\"]}[[["}]}"#, 3),
            (r#"["\\",[[]]]"#, 3),
            ("]]]]", 0),
        ] {
            assert_eq!(check(json.as_bytes(), 8), Ok(expected), "{json}");
        }
    }

    #[test]
    fn the_level_above_the_limit_is_refused_where_it_opens() {
        assert_eq!(check(b"[[[]]]", 3), Ok(3));
        assert_eq!(check(b"[[[]]]", 2), Err(TooDeep { offset: 2, limit: 2 }));
        assert_eq!(check(b" {}", 0), Err(TooDeep { offset: 1, limit: 0 }));
        let hostile = vec![b'['; 1_000_000];
        assert_eq!(check(&hostile, 64), Err(TooDeep { offset: 64, limit: 64 }));
    }
}
