//! Exit codes: stable, documented in `crossdock help exit-codes` and in the reference.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// 0: done.
    Done = 0,
    /// 1: it failed.
    Failed = 1,
    /// 2: wrong usage; the argument parser's own code too.
    Usage = 2,
    /// 3: findings (`check`, `test`, `doctor`, `reconcile`), or unhealthy (`status`).
    Findings = 3,
    /// 4: changes are pending (`plan --exit-code`).
    Changes = 4,
    /// 5: what was asked for is not there.
    NotFound = 5,
    /// 6: refused by policy, scope or missing approval.
    Refused = 6,
    /// 7: cannot reach the product, or cannot sign in.
    Unreachable = 7,
    /// 8: a command on many was done in part.
    Partly = 8,
    /// 130: interrupted.
    Interrupted = 130,
}

impl Exit {
    /// Every one, with what it means.
    pub(crate) const ALL: [(Self, &'static str); 10] = [
        (Self::Done, "done"),
        (Self::Failed, "failed"),
        (Self::Usage, "wrong usage"),
        (Self::Findings, "findings (check, test, doctor, reconcile), or unhealthy (status)"),
        (Self::Changes, "changes are pending (plan and diff with --exit-code); 2 in other tools"),
        (Self::NotFound, "what was asked for is not there"),
        (Self::Refused, "refused by policy, scope or state"),
        (Self::Unreachable, "cannot reach the product, or cannot sign in"),
        (Self::Partly, "a command on many was done in part"),
        (Self::Interrupted, "interrupted"),
    ];

    /// For the operating system.
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// Why a command did not do what it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// A stable code, such as `not-found`.
    pub(crate) code: String,
    /// What went wrong, in a sentence.
    pub(crate) message: String,
    /// What to do, or empty.
    pub(crate) hint: String,
}

impl Failure {
    /// A failure with its sentence.
    pub(crate) fn new(exit: Exit, code: &str, message: impl Into<String>) -> Self {
        Self { exit, code: code.to_owned(), message: message.into(), hint: String::new() }
    }

    /// The same with what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// How a verb ends.
pub(crate) type Ended = Result<Exit, Failure>;
