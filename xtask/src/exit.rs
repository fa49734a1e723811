//! The exit codes of `cargo xtask`, a subset of those of the product's own command line.

/// Everything asked for was done.
pub(crate) const DONE: u8 = 0;
/// A step failed.
pub(crate) const FAILED: u8 = 1;
/// The command line was not understood.
pub(crate) const USAGE: u8 = 2;
/// The work was done and found something to mend.
pub(crate) const FINDINGS: u8 = 3;

/// Why a command came to nothing, apart from findings and failed steps.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The command line makes no sense.
    Usage(String),
    /// What was asked for could not be done.
    Failed(String),
}

impl From<String> for Stop {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}
