//! What stands in the ledger of the reconciliations of a model: the one under way, what the last one came to, and the brake. Values
//! without a decision.

use std::fmt;

use model::{Principal, TimeSpan, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reconciliation {
    /// The one under way.
    pub run: Option<Run>,
    /// What the last one came to.
    pub last: Option<Outcome>,
    /// When one of the schedule last came to its end, by our clock.
    pub ended_at: Option<Timestamp>,
    /// Deletions that are withheld.
    pub brake: Option<Brake>,
}

/// One that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ReconciliationRun")]
pub struct Run {
    /// When it was asked for, by our clock: which one it is.
    pub asked_at: Timestamp,
    /// Who asked; the product itself by its schedule.
    pub by: Principal,
    /// What becomes of gaps.
    pub mode: Mode,
    /// How much of the past its window has, in microseconds.
    pub span: TimeSpan,
    /// Where it is; none while it waits for its sweep.
    pub step: Option<Step>,
    /// What it has counted.
    pub tally: Tally,
}

/// What becomes of gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReconciliationMode")]
pub enum Mode {
    /// They become events.
    Recover,
    /// They are counted and stay.
    Count,
}

/// Where one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ReconciliationStep")]
pub struct Step {
    /// Its window.
    pub window: Window,
    /// At what of it.
    pub place: Place,
}

/// Write dates, by the clock of the system of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ReconciliationWindow")]
pub struct Window {
    /// From then on.
    pub from: Timestamp,
    /// Until then, that moment included.
    pub to: Timestamp,
}

/// At what of its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReconciliationPlace")]
pub enum Place {
    /// At contents.
    Contents {
        /// The last id that was compared.
        after: u64,
    },
    /// At identities.
    Identities {
        /// The next id.
        from: u64,
    },
}

/// Counts of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "ReconciliationTally")]
pub struct Tally {
    /// Here as they are there.
    pub same: u64,
    /// There, and not known here.
    pub missing: u64,
    /// Here in another content.
    pub differing: u64,
    /// Deleted there, and not here.
    pub gone: u64,
    /// Not shown there any more, and not taken as deleted: so many at once are not believed.
    pub withheld: u64,
    /// What was known of them cannot be read.
    pub unreadable: u64,
    /// Left to a nudge that was waiting; they are not compared.
    pub moving: u64,
    /// Gaps that are events in the journal now.
    pub recovered: u64,
    /// Gaps of a type that the source leaves out: they became known, and no event.
    pub unlisted: u64,
    /// Gaps that intake refuses as they are; the log names each. They stay gaps.
    pub refused: u64,
}

impl Tally {
    /// How much was complete.
    pub const fn completeness(&self) -> Completeness {
        Completeness { same: self.same, of: self.same + self.gaps() }
    }

    /// Records that were compared and were not the same.
    pub const fn gaps(&self) -> u64 {
        self.missing + self.differing + self.gone + self.withheld + self.unreadable
    }

    /// Records of the window that are there.
    pub const fn there(&self) -> u64 {
        self.same + self.missing + self.differing + self.unreadable
    }
}

/// What one came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ReconciliationOutcome")]
pub struct Outcome {
    /// When it was asked for, by our clock: which one it is.
    pub asked_at: Timestamp,
    /// When it came to its end, by our clock.
    pub ended_at: Timestamp,
    /// Who asked; the product itself by its schedule.
    pub by: Principal,
    /// What became of gaps.
    pub mode: Mode,
    /// Its window; none where it came to none.
    pub window: Option<Window>,
    /// What it counted.
    pub tally: Tally,
    /// Why the model could not be read, in a sentence: then nothing was counted to the end.
    pub unread: Option<String>,
}

impl Outcome {
    /// How much was complete; none where the model could not be read.
    pub const fn completeness(&self) -> Option<Completeness> {
        if self.unread.is_some() { None } else { Some(self.tally.completeness()) }
    }
}

/// How much is complete: so many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completeness {
    /// Here as they are there.
    pub same: u64,
    /// Of so many that were compared.
    pub of: u64,
}

impl Completeness {
    /// In hundredths of a percent, rounded down: only what is complete has 10,000. Of nothing, all is there.
    pub fn hundredths(self) -> u64 {
        let scaled = u128::from(self.same) * 10_000;
        scaled.checked_div(u128::from(self.of)).map_or(10_000, |it| u64::try_from(it).unwrap_or(u64::MAX))
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { same: self.same + other.same, of: self.of + other.of }
    }
}

/// `99.99 %`.
impl fmt::Display for Completeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hundredths() {
            10_000 => f.write_str("100 %"),
            part => write!(f, "{}.{:02} %", part / 100, part % 100),
        }
    }
}

/// Deletions that are withheld.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ReconciliationBrake")]
pub struct Brake {
    /// Since when.
    pub since: Timestamp,
    /// Records that are known and not shown any more, at least.
    pub missing: u64,
    /// Of so many known ones.
    pub known: u64,
    /// Who released it, for as many as these; it ends with the next pass.
    pub released: Option<Principal>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_complete_is_a_hundred_percent() {
        for (same, of, text) in [
            (0, 0, "100 %"),
            (5, 5, "100 %"),
            (0, 5, "0.00 %"),
            (119, 120, "99.16 %"),
            (2, 3, "66.66 %"),
            (99_999, 100_000, "99.99 %"),
            (999_999_999, 1_000_000_000, "99.99 %"),
            (u64::MAX - 1, u64::MAX, "99.99 %"),
            (u64::MAX, u64::MAX, "100 %"),
        ] {
            assert_eq!(Completeness { same, of }.to_string(), text, "{same} of {of}");
        }
    }

    #[test]
    fn every_kind_of_gap_lowers_the_number() {
        let one = |set: fn(&mut Tally)| {
            let mut tally = Tally { same: 9, ..Tally::default() };
            set(&mut tally);
            (tally.completeness().same, tally.completeness().of)
        };
        for set in [
            (|it| it.missing = 1) as fn(&mut Tally),
            |it| it.differing = 1,
            |it| it.gone = 1,
            |it| it.withheld = 1,
            |it| it.unreadable = 1,
        ] {
            assert_eq!(one(set), (9, 10));
        }
        assert_eq!(one(|it| it.moving = 1), (9, 9));
    }

    #[test]
    fn what_an_earlier_version_wrote_is_read() {
        assert_eq!(serde_json::from_str::<Reconciliation>("{}").unwrap(), Reconciliation::default());
        assert_eq!(serde_json::from_str::<Tally>(r#"{"same":3}"#).unwrap(), Tally { same: 3, ..Tally::default() });
    }
}
