//! What a person asks of the product: who, why and when; and the ways in which it is not done. Every command takes an
//! [`Asked`] and writes the audit row that it makes into its own batch (I8).

use std::fmt;

use model::{AuditId, AuditRow, Diagnostic, Digest, Fault, FaultKind, Principal, Severity, Timestamp};

/// LIMIT: a reason; a paragraph, not an attachment.
pub const WHY_BYTES_MAX: usize = 2_000;

/// Who asks, why, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who.
    pub by: Principal,
    /// Why, in the person's words.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

impl Asked {
    /// Refuses a command without a reason.
    pub fn check(&self) -> Result<(), NotDone> {
        if self.why.trim().is_empty() {
            return Err(NotDone::WithoutReason);
        }
        if self.why.len() > WHY_BYTES_MAX {
            return Err(NotDone::Refused(format!("the reason is longer than {WHY_BYTES_MAX} bytes")));
        }
        Ok(())
    }

    /// The audit row of what is done because of it; the same row for the same deed.
    pub fn audit(&self, action: &str, subject: &str) -> AuditRow {
        let fields = [action.as_bytes(), subject.as_bytes(), self.by.as_str().as_bytes(), self.why.as_bytes()];
        AuditRow {
            id: AuditId(model::arrival_id(self.at, Digest::of_fields(&fields).head())),
            at: self.at,
            by: self.by.clone(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            why: self.why.clone(),
        }
    }
}

/// Why a command was not done. Nothing took effect, but for [`NotDone::Fault`] of the kind `Unavailable`: then it is
/// not known, and asking again is safe.
#[derive(Debug)]
pub enum NotDone {
    /// No reason was given.
    WithoutReason,
    /// What it names does not exist.
    Unknown(String),
    /// What it names has changed since the person saw it.
    Changed(String),
    /// It cannot be done to what it names as that stands now.
    Refused(String),
    /// It would put an old state over a newer one.
    Overtaken(String),
    /// Secrets that it needs have no value: each with where it would be read from.
    SecretsMissing(Vec<String>),
    /// Contracts would break what they promised, each in a sentence.
    Breaks(Vec<String>),
    /// What was handed in is wrong.
    Invalid(Vec<Diagnostic>),
    /// A port failed.
    Fault(Fault),
}

impl From<Fault> for NotDone {
    fn from(fault: Fault) -> Self {
        match fault.kind {
            FaultKind::Conflict => Self::Changed("another change came first; look again".to_owned()),
            FaultKind::Unavailable | FaultKind::Busy | FaultKind::Full | FaultKind::Corrupt | FaultKind::Shutdown => {
                Self::Fault(fault)
            }
        }
    }
}

/// One sentence for people.
impl fmt::Display for NotDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WithoutReason => f.write_str("a reason is needed: it goes into the audit"),
            Self::Unknown(what) | Self::Changed(what) | Self::Refused(what) | Self::Overtaken(what) => f.write_str(what),
            Self::SecretsMissing(secrets) => write!(f, "these secrets have no value: {}", secrets.join("; ")),
            Self::Breaks(breaches) => f.write_str(&breaches.join("; ")),
            Self::Invalid(diagnostics) => invalid(f, diagnostics),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

/// The first error is the reason; a warning refuses nothing.
fn invalid(f: &mut fmt::Formatter<'_>, diagnostics: &[Diagnostic]) -> fmt::Result {
    let error = diagnostics.iter().find(|it| it.severity == Severity::Error);
    let Some(told) = error.or(diagnostics.first()) else { return f.write_str("what was handed in is wrong") };
    let plural = if diagnostics.len() == 1 { "finding" } else { "findings" };
    write!(f, "{}: {} ({} {plural})", told.code, told.message, diagnostics.len())
}

impl std::error::Error for NotDone {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Fault(fault) => Some(fault),
            Self::WithoutReason
            | Self::Unknown(_)
            | Self::Changed(_)
            | Self::Refused(_)
            | Self::Overtaken(_)
            | Self::SecretsMissing(_)
            | Self::Breaks(_)
            | Self::Invalid(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Code;
    use model::diagnostic::Place;

    use super::*;

    fn asked(why: &str) -> Asked {
        Asked { by: Principal::new("ines"), why: why.to_owned(), at: Timestamp::from_secs(1_793_000_000) }
    }

    #[test]
    fn a_command_needs_a_reason_of_bearable_length() {
        assert!(asked("the WMS is up again").check().is_ok());
        assert!(matches!(asked(" \n").check(), Err(NotDone::WithoutReason)));
        assert!(matches!(asked(&"x".repeat(2_001)).check(), Err(NotDone::Refused(_))));
    }

    #[test]
    fn the_same_deed_makes_the_same_row_and_another_makes_another() {
        let row = asked("why").audit("delivery.retry", "one");
        assert_eq!(row, asked("why").audit("delivery.retry", "one"));
        assert_ne!(row.id, asked("why").audit("delivery.retry", "other").id);
        assert_ne!(row.id, asked("why").audit("delivery.cancel", "one").id);
    }

    #[test]
    fn a_conflict_of_the_store_tells_the_person_to_look_again() {
        let conflict = NotDone::from(Fault::new(FaultKind::Conflict, "ledger.commit"));
        assert!(matches!(conflict, NotDone::Changed(_)));
    }

    #[test]
    fn what_breaks_rules_is_refused_for_its_first_error_and_counted() {
        let warning = || Diagnostic::warning(Code(301), Place::Whole, "it is not used");
        let error = || Diagnostic::error(Code(102), Place::Whole, "it cannot be read");
        for (findings, expected) in [
            (vec![warning(), error()], "H0102: it cannot be read (2 findings)"),
            (vec![error()], "H0102: it cannot be read (1 finding)"),
            (vec![warning()], "H0301: it is not used (1 finding)"),
            (Vec::new(), "what was handed in is wrong"),
        ] {
            assert_eq!(NotDone::Invalid(findings).to_string(), expected);
        }
    }
}
