//! What a call can fail with: the exception's name, its words, and the status that JSON-2 gives it. One table for both wires.
//! Tracebacks are of our own making, with paths in them as the real ones have, so that clients are seen to strip them.

use http::StatusCode;
use serde_json::{Value as Json, json};

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The secret is wrong.
    Denied,
    /// The secret of JSON-2 is wrong or missing.
    InvalidKey,
    /// The right is missing, or the method is private.
    Access(String),
    /// The record is gone.
    Missing {
        /// Its model.
        model: String,
        /// Its id.
        id: i64,
        /// Who asked.
        user: i64,
    },
    /// A constraint of the data.
    Validation(String),
    /// A rule of the business.
    User(String),
    /// `ValueError`.
    Value(String),
    /// `TypeError` out of the depth of a method.
    Type(String),
    /// `TypeError` that the signature of the method raises.
    Signature(String),
    /// There is no such method.
    NoMethod(String),
    /// There is no such model.
    NoModel(String),
    /// Two transactions wrote one record, and this is the later.
    Serialization,
    /// The database does not answer, or there is none.
    Operational(String),
    /// The session has ended.
    SessionExpired,
    /// Another open transaction holds the record; the wire waits for its end and tries again. In-process callers see it.
    Blocked(u64),
}

impl Failure {
    /// The name by which clients tell what happened.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Denied => "odoo.exceptions.AccessDenied",
            Self::InvalidKey => "werkzeug.exceptions.Unauthorized",
            Self::Access(_) => "odoo.exceptions.AccessError",
            Self::Missing { .. } => "odoo.exceptions.MissingError",
            Self::Validation(_) => "odoo.exceptions.ValidationError",
            Self::User(_) | Self::NoModel(_) => "odoo.exceptions.UserError",
            Self::Value(_) => "builtins.ValueError",
            Self::Type(_) | Self::Signature(_) => "builtins.TypeError",
            Self::NoMethod(_) => "builtins.AttributeError",
            Self::Serialization | Self::Blocked(_) => "psycopg2.errors.SerializationFailure",
            Self::Operational(_) => "psycopg2.OperationalError",
            Self::SessionExpired => "odoo.http.SessionExpiredException",
        }
    }

    /// The name in an answer of JSON-2, where HTTP's own exceptions stand for what does not exist.
    pub const fn name_json2(&self) -> &'static str {
        match self {
            Self::NoMethod(_) | Self::NoModel(_) => "werkzeug.exceptions.NotFound",
            Self::Signature(_) => "werkzeug.exceptions.UnprocessableEntity",
            Self::Denied => "werkzeug.exceptions.Unauthorized",
            _ => self.name(),
        }
    }

    /// What it says.
    pub fn message(&self) -> String {
        match self {
            Self::Denied => "Access Denied".to_owned(),
            Self::InvalidKey => "Invalid apikey".to_owned(),
            Self::Missing { model, id, user } => {
                format!("Record does not exist or has been deleted.\n(Record: {model}({id},), User: {user})")
            }
            Self::NoModel(model) => format!("Object {model} doesn't exist"),
            Self::Access(said)
            | Self::Validation(said)
            | Self::User(said)
            | Self::Value(said)
            | Self::Type(said)
            | Self::Signature(said)
            | Self::NoMethod(said)
            | Self::Operational(said) => said.clone(),
            Self::Serialization | Self::Blocked(_) => "could not serialize access due to concurrent update\n".to_owned(),
            Self::SessionExpired => "Session expired".to_owned(),
        }
    }

    /// The status of JSON-2.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Denied | Self::InvalidKey => StatusCode::UNAUTHORIZED,
            Self::Access(_) | Self::SessionExpired => StatusCode::FORBIDDEN,
            Self::Missing { .. } | Self::NoMethod(_) | Self::NoModel(_) => StatusCode::NOT_FOUND,
            Self::Validation(_) | Self::User(_) | Self::Signature(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Value(_) | Self::Type(_) | Self::Serialization | Self::Operational(_) | Self::Blocked(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// The error object of JSON-RPC.
    pub fn to_rpc(&self) -> Json {
        let (code, message) = match self {
            Self::SessionExpired => (100, "Odoo Session Expired"),
            _ => (200, "Odoo Server Error"),
        };
        json!({ "code": code, "message": message, "data": data(self.name(), &self.message()) })
    }

    /// The body of JSON-2: the data alone.
    pub fn to_json2(&self) -> Json {
        let message = match self {
            Self::NoModel(model) => format!("the model '{model}' does not exist"),
            _ => self.message(),
        };
        data(self.name_json2(), &message)
    }
}

/// What both wires say of an exception.
pub(super) fn data(name: &str, message: &str) -> Json {
    json!({
        "name": name,
        "message": message,
        "arguments": [message],
        "context": {},
        "debug": debug(name, message),
    })
}

/// A traceback as long and as talkative as a real one.
fn debug(name: &str, message: &str) -> String {
    let frames = [
        ("http.py", 2168, "_transactioning"),
        ("service/model.py", 156, "retrying"),
        ("http.py", 2135, "_serve_ir_http"),
        ("addons/base/models/ir_http.py", 333, "_dispatch"),
        ("http.py", 799, "route_wrapper"),
        ("service/model.py", 74, "dispatch"),
        ("service/model.py", 127, "execute_cr"),
        ("api.py", 517, "call_kw"),
    ];
    let frame = |(file, line, function): (&str, u32, &str)| {
        format!(
            "  File \"/opt/simulated/odoo/{file}\", line {line}, in {function}\n    result = self.simulated(*args, **kwargs)\n"
        )
    };
    format!("Traceback (most recent call last):\n{}{name}: {message}\n", frames.map(frame).concat())
}
