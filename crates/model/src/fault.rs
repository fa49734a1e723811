//! Faults: a port failed. Loops match on the kind and on nothing else.

use std::fmt;

/// What a loop may do about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The store cannot be reached or written now; the same call may succeed later. Whether the call took effect is
    /// not known.
    Unavailable,
    /// More waits for the writer of the store than it can do now. Nothing took effect; the same call may succeed soon.
    Busy,
    /// The store is at its budget: it answers reads, and takes what frees space or settles work.
    Full,
    /// A guard did not hold: what was decided is out of date. Nothing took effect; read again.
    Conflict,
    /// What is stored contradicts itself. Stop and say so; never repair by guessing.
    Corrupt,
    /// The process is going down. Nothing took effect.
    Shutdown,
}

impl FaultKind {
    /// The word for it in logs and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Busy => "busy",
            Self::Full => "full",
            Self::Conflict => "conflict",
            Self::Corrupt => "corrupt",
            Self::Shutdown => "shutdown",
        }
    }
}

/// A port failed.
#[derive(Debug)]
pub struct Fault {
    /// What can be done.
    pub kind: FaultKind,
    /// What was tried, such as `journal.append`.
    pub op: &'static str,
    /// What the layer below said; never a body or a secret.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Fault {
    /// A fault without a deeper cause.
    pub const fn new(kind: FaultKind, op: &'static str) -> Self {
        Self { kind, op, source: None }
    }

    /// A fault with the error of the layer below.
    pub fn from_error(
        kind: FaultKind,
        op: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, op, source: Some(source.into()) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            FaultKind::Unavailable => "the store is unavailable",
            FaultKind::Busy => "too much waits for the store",
            FaultKind::Full => "the store is at its budget",
            FaultKind::Conflict => "another change came first",
            FaultKind::Corrupt => "what is stored contradicts itself",
            FaultKind::Shutdown => "the process is going down",
        };
        write!(f, "{}: {kind}", self.op)?;
        self.source.as_ref().map_or(Ok(()), |source| write!(f, ": {source}"))
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}
