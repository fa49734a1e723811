//! A team as its file says it.

use model::Owner;

use crate::Spanned;

/// `teams/NAME.yaml`.
#[derive(Clone, Debug)]
pub struct TeamSpec {
    /// The file.
    pub path: String,
    /// Its name, from the path: what `owner:` says.
    pub name: Owner,
    /// What it answers for, in a sentence.
    pub summary: Option<Spanned<String>>,
    /// How it is reached, the first first.
    pub contacts: Vec<Contact>,
}

/// A way to reach a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Where.
    pub at: Address,
    /// For what or when, in words.
    pub note: Option<String>,
}

/// Where somebody is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// By electronic mail.
    Email(String),
    /// By telephone.
    Phone(String),
    /// At a page, such as a channel or a roster.
    Url(String),
}
