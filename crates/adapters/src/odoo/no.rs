//! What Odoo says no with, as people have to know it: a few kinds, each with a sentence and a repair. Pure. The one place where a
//! refusal becomes words; diagnostics and what is said of a system that cannot be read both begin here.

use model::outcome::Refusal;

/// A kind of no, by what a person does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum No {
    /// The login or its key.
    Key,
    /// The database.
    Database,
    /// A right.
    Access,
    /// A model, or a method of it.
    Model,
    /// A field, or how it was asked.
    Field,
    /// Others changed the same.
    Conflict,
    /// Not now.
    Unavailable,
    /// A rule of Odoo's own, which its words say.
    Refused,
}

impl No {
    /// The kind of a refusal.
    pub const fn of(refusal: Refusal) -> Self {
        match refusal {
            Refusal::KeyRefused => Self::Key,
            Refusal::Database => Self::Database,
            Refusal::Access => Self::Access,
            Refusal::NotFound => Self::Model,
            Refusal::Mistake => Self::Field,
            Refusal::Concurrency => Self::Conflict,
            Refusal::Unavailable => Self::Unavailable,
            Refusal::Missing
            | Refusal::Validation
            | Refusal::Constraint
            | Refusal::Rule
            | Refusal::Other
            | Refusal::Foreign
            | Refusal::Document
            | Refusal::Reference
            | Refusal::Unmet => Self::Refused,
        }
    }

    /// In a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Key => "Odoo does not accept the login or its key",
            Self::Database => "Odoo has no database of this name",
            Self::Access => "our user in Odoo may not do this",
            Self::Model => "this Odoo has no such model",
            Self::Field => "Odoo does not understand what was asked",
            Self::Conflict => "Odoo gave up after its own tries, because others changed the same",
            Self::Unavailable => "Odoo cannot work now",
            Self::Refused => "Odoo refuses",
        }
    }

    /// What mends it; empty where waiting does.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Key => {
                "make a new API key in Odoo (Preferences, Account Security), since keys expire, and put it first under `keys`"
            }
            Self::Database => {
                "correct `database`; it is the name before the first dot of the address online, and in the database manager else"
            }
            Self::Access => "give the user one of the groups that Odoo names, or take the model out",
            Self::Model => "install the module that brings it, or take its events out of the source",
            Self::Field => "a field may have been removed in Odoo: compare the contract with its fields",
            Self::Conflict | Self::Unavailable => "",
            Self::Refused => "see what Odoo says; its own log has the rest",
        }
    }
}
