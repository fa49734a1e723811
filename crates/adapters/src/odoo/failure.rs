//! Why a call gave no result, by the name of Odoo's exception. Pure.
//!
//! Messages are translated into the language of Odoo's user, so nothing is decided by their text. The `debug` of an error
//! holds the server's traceback with paths and code: it is never read here, and so goes nowhere.

use model::outcome::{Again, Refusal, TransportError};
use serde_json::Value;

/// LIMIT: what is kept of a message; Odoo lists groups and fields in it.
const MESSAGE_CHARS_MAX: usize = 2_000;
/// LIMIT: what is kept of the name of an exception.
const NAME_CHARS_MAX: usize = 120;

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Odoo answered with an error of its own.
    Said {
        /// What kind it is.
        refusal: Refusal,
        /// The exception, such as `odoo.exceptions.UserError`.
        name: String,
        /// In the language of the user there. Without the traceback.
        message: String,
    },
    /// No whole answer came.
    Unreached(TransportError),
    /// What answered is not Odoo, or not at this address: a proxy's page, another program.
    Foreign {
        /// The status.
        status: u16,
        /// What it looked like, in a few words of ours.
        looks: &'static str,
    },
    /// The answer is larger than one may be.
    TooLarge,
    /// A call that cannot be made: the reason, in a sentence.
    Unusable(String),
    /// A version that is not spoken to.
    Version(String),
}

/// Names of exceptions and what they mean; of what ends in a star, those that begin so. The first that fits holds.
const NAMES: &[(&str, Refusal)] = &[
    ("odoo.exceptions.AccessDenied", Refusal::KeyRefused),
    ("werkzeug.exceptions.Unauthorized", Refusal::KeyRefused),
    ("odoo.http.SessionExpiredException", Refusal::KeyRefused),
    ("odoo.exceptions.AccessError", Refusal::Access),
    ("werkzeug.exceptions.Forbidden", Refusal::Access),
    ("odoo.exceptions.MissingError", Refusal::Missing),
    ("odoo.exceptions.ValidationError", Refusal::Validation),
    ("odoo.exceptions.LockError", Refusal::Concurrency),
    ("odoo.exceptions.ConcurrencyError", Refusal::Concurrency),
    ("odoo.exceptions.UserError", Refusal::Rule),
    ("odoo.exceptions.RedirectWarning", Refusal::Rule),
    ("odoo.exceptions.Warning", Refusal::Rule),
    ("werkzeug.exceptions.NotFound", Refusal::NotFound),
    ("werkzeug.exceptions.UnprocessableEntity", Refusal::Mistake),
    ("werkzeug.exceptions.BadRequest", Refusal::Mistake),
    ("builtins.AttributeError", Refusal::NotFound),
    ("builtins.ValueError", Refusal::Mistake),
    ("builtins.TypeError", Refusal::Mistake),
    ("builtins.KeyError", Refusal::Mistake),
    ("psycopg2.errors.SerializationFailure", Refusal::Concurrency),
    ("psycopg2.errors.DeadlockDetected", Refusal::Concurrency),
    ("psycopg2.errors.LockNotAvailable", Refusal::Concurrency),
    ("psycopg2.errors.UniqueViolation", Refusal::Constraint),
    ("psycopg2.errors.ForeignKeyViolation", Refusal::Constraint),
    ("psycopg2.errors.NotNullViolation", Refusal::Constraint),
    ("psycopg2.errors.CheckViolation", Refusal::Constraint),
    ("psycopg2.errors.ExclusionViolation", Refusal::Constraint),
    ("psycopg2.IntegrityError", Refusal::Constraint),
    ("psycopg2.DataError", Refusal::Mistake),
    ("psycopg2.errors.NumericValueOutOfRange", Refusal::Mistake),
    ("psycopg2.errors.InvalidTextRepresentation", Refusal::Mistake),
    ("psycopg2.errors.InvalidDatetimeFormat", Refusal::Mistake),
    ("psycopg2.errors.DatetimeFieldOverflow", Refusal::Mistake),
    ("psycopg2.errors.StringDataRightTruncation", Refusal::Mistake),
    ("psycopg2.errors.UndefinedColumn", Refusal::Mistake),
    ("psycopg2.errors.UndefinedTable", Refusal::Mistake),
    ("psycopg2.*", Refusal::Unavailable),
    ("odoo.sql_db.*", Refusal::Unavailable),
    ("builtins.MemoryError", Refusal::Unavailable),
];

/// The kind of an exception of this name.
pub fn refusal(name: &str) -> Refusal {
    let fits = |pattern: &str| pattern.strip_suffix('*').map_or(name == pattern, |start| name.starts_with(start));
    NAMES.iter().find(|(pattern, _)| fits(pattern)).map_or(Refusal::Other, |(_, refusal)| *refusal)
}

impl Failure {
    /// What the `data` of an error says; none where this is no error of Odoo's.
    pub(super) fn said(data: &Value) -> Option<Self> {
        let name = data.get("name")?.as_str()?;
        let message = data.get("message").and_then(Value::as_str).unwrap_or_default();
        let cut = |text: &str, max: usize| text.trim().chars().take(max).collect();
        Some(Self::Said {
            refusal: refusal(name),
            name: cut(name, NAME_CHARS_MAX),
            message: cut(message, MESSAGE_CHARS_MAX),
        })
    }

    /// Whether something may have been changed although there is no result.
    pub fn may_have_happened(&self) -> bool {
        match self {
            // Odoo rolls back before it answers with an error.
            Self::Said { .. } | Self::Unusable(_) | Self::Version(_) => false,
            Self::Unreached(error) => error.may_have_arrived(),
            Self::Foreign { .. } | Self::TooLarge => true,
        }
    }

    /// Whether Odoo says no to what was asked, and not to the moment: what was learnt of it may have changed there.
    pub(super) const fn is_about_what_is_there(&self) -> bool {
        matches!(self, Self::Said { refusal, .. } if !matches!(refusal, Refusal::Concurrency | Refusal::Unavailable))
    }

    /// Whether the same call may be made again by itself.
    pub const fn again(&self) -> Again {
        match self {
            Self::Said { refusal, .. } => again(*refusal),
            Self::Unreached(_) | Self::Foreign { .. } => Again::Perhaps,
            Self::TooLarge | Self::Unusable(_) | Self::Version(_) => Again::Never,
        }
    }
}

/// Whether the same call can succeed later without anybody changing it. What a person mends in Odoo (a right, a key, a module)
/// counts as that; a rule of the business does not.
const fn again(refusal: Refusal) -> Again {
    match refusal {
        Refusal::KeyRefused
        | Refusal::Database
        | Refusal::Access
        | Refusal::Concurrency
        | Refusal::Unavailable
        | Refusal::NotFound
        | Refusal::Foreign
        | Refusal::Other => Again::Perhaps,
        Refusal::Missing
        | Refusal::Validation
        | Refusal::Constraint
        | Refusal::Rule
        | Refusal::Mistake
        | Refusal::Document
        | Refusal::Reference
        | Refusal::Unmet => Again::Never,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_is_told_by_its_name() {
        for (name, expected) in [
            ("odoo.exceptions.AccessDenied", Refusal::KeyRefused),
            ("odoo.exceptions.AccessError", Refusal::Access),
            ("odoo.exceptions.MissingError", Refusal::Missing),
            ("odoo.exceptions.ValidationError", Refusal::Validation),
            ("odoo.exceptions.UserError", Refusal::Rule),
            ("builtins.ValueError", Refusal::Mistake),
            ("builtins.AttributeError", Refusal::NotFound),
            ("psycopg2.errors.SerializationFailure", Refusal::Concurrency),
            ("psycopg2.errors.UniqueViolation", Refusal::Constraint),
            ("psycopg2.errors.AdminShutdown", Refusal::Unavailable),
            ("psycopg2.errors.NumericValueOutOfRange", Refusal::Mistake),
            ("psycopg2.OperationalError", Refusal::Unavailable),
            ("odoo.exceptions.LockError", Refusal::Concurrency),
            ("odoo.exceptions.CacheMiss", Refusal::Other),
        ] {
            assert_eq!(refusal(name), expected, "{name}");
        }
    }

    #[test]
    fn a_traceback_goes_nowhere_and_a_message_has_an_end() {
        let data = json!({
            "name": "odoo.exceptions.UserError", "message": "x".repeat(5_000),
            "debug": "Traceback (most recent call last):\n  File \"/opt/odoo/secret.py\"", "arguments": ["x"], "context": {},
        });
        let said = Failure::said(&data).unwrap();
        let shown = format!("{said:?}");
        assert!(!shown.contains("Traceback") && !shown.contains("/opt/odoo"), "{shown}");
        assert!(shown.len() < 2_200, "{}", shown.len());
        assert_eq!(Failure::said(&json!({ "jsonrpc": "2.0" })), None);
    }

    #[test]
    fn only_what_may_have_left_may_have_happened() {
        let said = Failure::Said { refusal: Refusal::Unavailable, name: String::new(), message: String::new() };
        for (failure, expected) in [
            (said, false),
            (Failure::Unreached(TransportError::Connect), false),
            (Failure::Unreached(TransportError::Timeout), true),
            (Failure::Unreached(TransportError::Closed), true),
            (Failure::Foreign { status: 502, looks: "a page" }, true),
            (Failure::Unusable(String::new()), false),
        ] {
            assert_eq!(failure.may_have_happened(), expected, "{failure:?}");
        }
    }
}
