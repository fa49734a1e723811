//! What is known of the records of a captured model, such as Odoo's `sale.order` 42, and how far the capture of a source is.
//!
//! By what is known a record that was read is told to be new, changed, gone, or the same as before. Nothing in here says
//! what an event is: that is decided where records are read.

use crate::digest::Digest;
use crate::time::Timestamp;

/// What is known of one record of a captured model. Which source and which model stand beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its id in the system of record; below [`i64::MAX`], because stores count so far.
    pub id: u64,
    /// When it was last written, in the system's own words and by the system's own clock, cut as it cuts it.
    pub written_at: Option<Timestamp>,
    /// Its state in the word of the system; `None` where the model has no states.
    pub state: Option<String>,
    /// The digest of the body that was last taken; `None` where none was read.
    pub digest: Option<Digest>,
    /// Whether the system shows it to us.
    pub seen: Seen,
    /// How often it was told.
    pub told: Told,
}

/// How often there was an event of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// So many times, refused ones as well. Of a record that is new this begins where keys need it to.
    pub times: u64,
    /// Whether there may be one more.
    pub telling: Telling,
}

/// Whether an event of a record is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Telling {
    /// None is.
    #[default]
    Done,
    /// One was begun, and it is not known whether it is in the journal.
    Begun,
    /// None is, and what is known was never told: intake refused it.
    Refused,
}

/// Whether the system of record shows a record to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It does.
    Shown,
    /// It lists it and refuses its content: a rule hides something that the record leads to. Its content may be shown again.
    Closed,
    /// A rule of the system hides it from us now. It is not deleted, and may be shown again.
    Hidden,
}

/// A question about how a record is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Whether the system lists it: it is shown or closed.
    Listed,
    /// Whether its content cannot be read: it is closed or hidden.
    Unread,
}

impl Seen {
    /// Whether a record that is seen so is that.
    pub const fn is(self, sight: Sight) -> bool {
        match (self, sight) {
            (Self::Shown | Self::Closed, Sight::Listed) | (Self::Closed | Self::Hidden, Sight::Unread) => true,
            (Self::Hidden, Sight::Listed) | (Self::Shown, Sight::Unread) => false,
        }
    }
}

/// How far the capture of a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// As its room wrote it (JSON), at most [`crate::limit::STANDING_BYTES_MAX`]. Nobody else reads it.
    pub text: String,
    /// Begins at 1 and rises at each write.
    pub version: u64,
}
