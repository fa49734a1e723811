//! What people did: every command that was answered as done.

/// A command of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Who.
    pub by: String,
    /// To what, as the audit names it.
    pub subject: String,
    /// Why.
    pub why: String,
}

/// All that people did.
#[derive(Debug, Default)]
pub struct People {
    /// Commands that were answered as done.
    pub done: Vec<Action>,
}
