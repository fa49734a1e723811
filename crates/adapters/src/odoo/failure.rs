//! Why a call gave no result, by the name of Odoo's exception. Pure.
//!
//! Messages are translated into the language of Odoo's user, so nothing is decided by their text. The `debug` of an error
//! holds the server's traceback with paths and code: it is never read here, and so goes nowhere.

use model::outcome::{Again, TransportError};
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
        class: Class,
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

/// Kinds of Odoo's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// The login or the key is not accepted, or the key has expired.
    KeyRefused,
    /// There is no such database.
    Database,
    /// The user may not do that.
    Access,
    /// The record is gone, or never was.
    Missing,
    /// A value breaks a rule of its field or its model; unique values and references among them, where Odoo says so.
    Validation,
    /// A constraint of the database that Odoo did not put into words.
    Constraint,
    /// A rule of the business: not in this state, nothing reserved.
    Rule,
    /// Somebody else changed the same records, after all of Odoo's own tries.
    Concurrency,
    /// Odoo or its database cannot work now.
    Unavailable,
    /// No such model or method: the module is not installed, or the version does not have it.
    NotFound,
    /// The call itself is wrong: an unknown field, a value of another type.
    Mistake,
    /// An exception that none of the above names.
    Other,
}

impl Class {
    /// The stable word for it, in metrics and causes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::KeyRefused => "key_refused",
            Self::Database => "database",
            Self::Access => "access",
            Self::Missing => "missing",
            Self::Validation => "validation",
            Self::Constraint => "constraint",
            Self::Rule => "rule",
            Self::Concurrency => "concurrency",
            Self::Unavailable => "unavailable",
            Self::NotFound => "not_found",
            Self::Mistake => "mistake",
            Self::Other => "other",
        }
    }

    /// Whether the same call can succeed later without anybody changing it. What a person mends in Odoo (a right, a key, a
    /// module) counts as that; a rule of the business does not.
    pub const fn again(self) -> Again {
        match self {
            Self::KeyRefused
            | Self::Database
            | Self::Access
            | Self::Concurrency
            | Self::Unavailable
            | Self::NotFound
            | Self::Other => Again::Perhaps,
            Self::Missing | Self::Validation | Self::Constraint | Self::Rule | Self::Mistake => Again::Never,
        }
    }
}

/// Names of exceptions and what they mean; of what ends in a star, those that begin so. The first that fits holds.
const NAMES: &[(&str, Class)] = &[
    ("odoo.exceptions.AccessDenied", Class::KeyRefused),
    ("werkzeug.exceptions.Unauthorized", Class::KeyRefused),
    ("odoo.http.SessionExpiredException", Class::KeyRefused),
    ("odoo.exceptions.AccessError", Class::Access),
    ("werkzeug.exceptions.Forbidden", Class::Access),
    ("odoo.exceptions.MissingError", Class::Missing),
    ("odoo.exceptions.ValidationError", Class::Validation),
    ("odoo.exceptions.LockError", Class::Concurrency),
    ("odoo.exceptions.ConcurrencyError", Class::Concurrency),
    ("odoo.exceptions.UserError", Class::Rule),
    ("odoo.exceptions.RedirectWarning", Class::Rule),
    ("odoo.exceptions.Warning", Class::Rule),
    ("werkzeug.exceptions.NotFound", Class::NotFound),
    ("werkzeug.exceptions.UnprocessableEntity", Class::Mistake),
    ("werkzeug.exceptions.BadRequest", Class::Mistake),
    ("builtins.AttributeError", Class::NotFound),
    ("builtins.ValueError", Class::Mistake),
    ("builtins.TypeError", Class::Mistake),
    ("builtins.KeyError", Class::Mistake),
    ("psycopg2.errors.SerializationFailure", Class::Concurrency),
    ("psycopg2.errors.DeadlockDetected", Class::Concurrency),
    ("psycopg2.errors.LockNotAvailable", Class::Concurrency),
    ("psycopg2.errors.UniqueViolation", Class::Constraint),
    ("psycopg2.errors.ForeignKeyViolation", Class::Constraint),
    ("psycopg2.errors.NotNullViolation", Class::Constraint),
    ("psycopg2.errors.CheckViolation", Class::Constraint),
    ("psycopg2.errors.ExclusionViolation", Class::Constraint),
    ("psycopg2.IntegrityError", Class::Constraint),
    ("psycopg2.DataError", Class::Mistake),
    ("psycopg2.errors.NumericValueOutOfRange", Class::Mistake),
    ("psycopg2.errors.InvalidTextRepresentation", Class::Mistake),
    ("psycopg2.errors.InvalidDatetimeFormat", Class::Mistake),
    ("psycopg2.errors.DatetimeFieldOverflow", Class::Mistake),
    ("psycopg2.errors.StringDataRightTruncation", Class::Mistake),
    ("psycopg2.errors.UndefinedColumn", Class::Mistake),
    ("psycopg2.errors.UndefinedTable", Class::Mistake),
    ("psycopg2.*", Class::Unavailable),
    ("odoo.sql_db.*", Class::Unavailable),
    ("builtins.MemoryError", Class::Unavailable),
];

/// The kind of an exception of this name.
pub fn class(name: &str) -> Class {
    let fits = |pattern: &str| pattern.strip_suffix('*').map_or(name == pattern, |start| name.starts_with(start));
    NAMES.iter().find(|(pattern, _)| fits(pattern)).map_or(Class::Other, |(_, class)| *class)
}

impl Failure {
    /// What the `data` of an error says; none where this is no error of Odoo's.
    pub(super) fn said(data: &Value) -> Option<Self> {
        let name = data.get("name")?.as_str()?;
        let message = data.get("message").and_then(Value::as_str).unwrap_or_default();
        let cut = |text: &str, max: usize| text.trim().chars().take(max).collect();
        Some(Self::Said { class: class(name), name: cut(name, NAME_CHARS_MAX), message: cut(message, MESSAGE_CHARS_MAX) })
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

    /// Whether the same call may be made again by itself.
    pub const fn again(&self) -> Again {
        match self {
            Self::Said { class, .. } => class.again(),
            Self::Unreached(_) | Self::Foreign { .. } => Again::Perhaps,
            Self::TooLarge | Self::Unusable(_) | Self::Version(_) => Again::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_is_told_by_its_name() {
        for (name, expected) in [
            ("odoo.exceptions.AccessDenied", Class::KeyRefused),
            ("odoo.exceptions.AccessError", Class::Access),
            ("odoo.exceptions.MissingError", Class::Missing),
            ("odoo.exceptions.ValidationError", Class::Validation),
            ("odoo.exceptions.UserError", Class::Rule),
            ("builtins.ValueError", Class::Mistake),
            ("builtins.AttributeError", Class::NotFound),
            ("psycopg2.errors.SerializationFailure", Class::Concurrency),
            ("psycopg2.errors.UniqueViolation", Class::Constraint),
            ("psycopg2.errors.AdminShutdown", Class::Unavailable),
            ("psycopg2.errors.NumericValueOutOfRange", Class::Mistake),
            ("psycopg2.OperationalError", Class::Unavailable),
            ("odoo.exceptions.LockError", Class::Concurrency),
            ("odoo.exceptions.CacheMiss", Class::Other),
        ] {
            assert_eq!(class(name), expected, "{name}");
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
        let said = Failure::Said { class: Class::Unavailable, name: String::new(), message: String::new() };
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
