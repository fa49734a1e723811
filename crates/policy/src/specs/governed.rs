//! What a contract says beside the shape of its data: what people call it, which system is the record, how its data is kept, and how
//! soon it is wanted.

use model::TimeSpan;

use crate::Spanned;

/// What people and organisations agree on about an event type. All of it may be left out.
#[derive(Clone, Debug, Default)]
pub struct Governed {
    /// The business area: `sales`.
    pub domain: Option<Spanned<String>>,
    /// Other names that people use for it.
    pub aliases: Vec<Spanned<String>>,
    /// Which system is the record: by field, `.` for all that is not named.
    pub record: Vec<(Spanned<String>, Spanned<String>)>,
    /// What tells two of them apart where the sender gives no key: paths.
    pub dedupe: Vec<Spanned<String>>,
    /// Fields that say something of a person: paths; `[0]` stands for each item of a list.
    pub personal: Vec<Spanned<String>>,
    /// How long its data may be kept.
    pub retention: Option<TimeSpan>,
    /// Where its data may be kept, in words.
    pub residency: Option<Spanned<String>>,
    /// How soon it is wanted at the other end.
    pub service: Option<Service>,
    /// How it is synchronised, and why so.
    pub mode: Option<Mode>,
}

/// A service level: so many of a hundred arrive within a time after they were accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The time.
    pub within: TimeSpan,
    /// Of a hundred.
    pub share_percent: u32,
}

/// How an event type is synchronised.
#[derive(Clone, Debug)]
pub struct Mode {
    /// How.
    pub pace: Pace,
    /// Why not faster, and why not slower.
    pub why: Spanned<String>,
}

/// The classes of synchronisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Each by itself, at once.
    RealTime,
    /// Each by itself, within minutes.
    NearRealTime,
    /// Many together, at times.
    Batch,
}

impl Pace {
    /// As files say it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::RealTime => "real_time",
            Self::NearRealTime => "near_real_time",
            Self::Batch => "batch",
        }
    }
}
