//! Rotations in words: what keeps one from being done, each with its repair, and what was done. No key is among it.

use std::fmt;
use std::io;

use adapters::odoo::{Failure, Maker};
use model::diagnostic::Place as Whole;
use model::outcome::Refusal;
use model::{Diagnostic, SecretName};
use policy::codes;

use super::{Known, Old, Rotated, Rotation};
use crate::odoo::words::diagnostic;
use crate::secrets;

impl fmt::Display for Rotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has a new key, {:?} in Odoo; {}", self.secret, self.name, self.old)
    }
}

impl fmt::Display for Old {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(name) => write!(f, "the old one, {name:?}, is ended"),
            Self::Ends(name, at) => write!(f, "the old one, {name:?}, ends by itself on {}", at.to_jiff().strftime("%Y-%m-%d")),
            Self::Endless(name) => {
                write!(f, "the old one, {name:?}, has no end: remove it in Odoo, Preferences, Account Security")
            }
            Self::Unknown => f.write_str(
                "which one is the old one Odoo does not tell: remove those no longer in use there, Preferences, Account Security",
            ),
        }
    }
}

impl Rotation<'_> {
    fn error(&self, code: model::Code, message: &str) -> Diagnostic {
        Diagnostic::error(code, Whole::Whole, format!("{}: {message}", self.declared.system))
    }

    pub(super) fn no_rotation(&self) -> Diagnostic {
        self.error(codes::ODOO_NO_ROTATION, "nothing says by what a new key is made").help(
            "add `rotate: addon` to `odoo` in the system's file where the outbox addon is installed, or `rotate: password` with \
             `password`",
        )
    }

    pub(super) fn no_key(&self) -> Diagnostic {
        let places: Vec<String> = self.declared.keys.iter().map(|name| secrets::place(name, self.data)).collect();
        self.error(codes::ODOO_KEY_PLACE, "none of its keys has a value here")
            .help(format!("give one as {}", places.join(", or ")))
    }

    pub(super) fn elsewhere(&self, secret: &SecretName) -> Diagnostic {
        self.error(
            codes::ODOO_KEY_PLACE,
            &format!("{secret} is a variable of the environment, which nobody here can replace"),
        )
        .help(format!(
            "keep it as the file {} instead, or make a key in Odoo and put it there yourself",
            self.data.join("secrets").join(secret.as_str()).display()
        ))
    }

    pub(super) fn unwritable(&self, known: &Known, error: &io::Error) -> Diagnostic {
        let (secret, path) = (&known.secret, known.place.path().display());
        self.error(codes::ODOO_KEY_PLACE, &format!("{secret} cannot be replaced: {error}"))
            .help(format!("let this user write {path} and its folder; the key in use is as it was"))
    }

    pub(super) fn under_way(&self, known: &Known) -> Diagnostic {
        self.error(codes::ODOO_KEY_PLACE, &format!("{} is being rotated by another process", known.secret))
            .help("wait for it; `crossdock doctor` says how keys stand")
    }

    pub(super) fn no_password(&self, name: &SecretName) -> Diagnostic {
        self.error(codes::ODOO_PASSWORD, &format!("the password {name} has no value"))
            .help(format!("give it one as {}", secrets::place(name, self.data)))
    }

    pub(super) fn no_addon(&self) -> Diagnostic {
        self.error(codes::ODOO_MODEL, "Odoo has no outbox addon, which was to make a key").help(
            "install Crossdock Outbox in Odoo (`cargo xtask addon` makes the zip), or say `rotate: password` with `password`",
        )
    }

    pub(super) fn not_made(&self, failure: &Failure, by: Maker<'_>) -> Diagnostic {
        match (by, failure) {
            (Maker::Password(_), Failure::Said { refusal: Refusal::KeyRefused, .. }) => self
                .error(codes::ODOO_PASSWORD, "Odoo does not accept the password of the key's user")
                .help("correct `login`, or the password's value; an API key is no password here"),
            (Maker::Password(_), Failure::Unusable(why)) => {
                self.error(codes::ODOO_PASSWORD, why.trim_end_matches('.')).help("use `rotate: addon`, or make keys in Odoo")
            }
            (_, failure) => {
                let found = diagnostic(failure, &self.declared.system);
                Diagnostic {
                    message: format!("{}; no new key was made, and the one in use is as it was", found.message),
                    ..found
                }
            }
        }
    }

    pub(super) fn does_not_work(&self) -> Diagnostic {
        self.error(codes::ODOO_KEY, "Odoo does not accept the key that it has just made; the one before is in use")
            .help("run it again; if it stays so, make a key in Odoo: Preferences, Account Security, New API Key")
    }

    pub(super) fn not_ended(&self, failure: &Failure, name: &str) -> Diagnostic {
        let found = diagnostic(failure, &self.declared.system);
        let message = format!("{}; the new key is in use, and the old one, {name:?}, is not ended yet", found.message);
        Diagnostic { message, ..found }
    }
}
