//! SQL texts and the values that go into them. Statements are written with `$1` as PostgreSQL wants them; `SQLite` would
//! number a bare `$2, $1` by first appearance, so they are rewritten to `?1` at compile time.

use model::Timestamp;

/// Rewrites `$n` to `?n`. INVARIANT: no statement holds a `$` for another reason.
pub(super) const fn numbered<const N: usize>(text: &str) -> [u8; N] {
    let bytes = text.as_bytes();
    let mut out = [0; N];
    let mut at = 0;
    while at < N {
        out[at] = if bytes[at] == b'$' { b'?' } else { bytes[at] };
        at += 1;
    }
    out
}

/// Statements by name, each rewritten by [`numbered`].
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {$(
        $(#[$doc])*
        pub(super) const $name: &str = {
            const BYTES: [u8; $text.len()] = $crate::sqlite::sql::numbered($text);
            match std::str::from_utf8(&BYTES) {
                Ok(text) => text,
                Err(_) => panic!("a statement is UTF-8"),
            }
        };
    )*};
}
pub(super) use statements;

/// A count or an offset as `SQLite` keeps it.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A length as `SQLite` keeps it.
pub(super) fn len(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// What was written by [`int`].
pub(super) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// An instant from its microseconds.
pub(super) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}
