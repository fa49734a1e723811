//! What can be told of captures. As every fact it holds ids and words; never a record.

use std::fmt;

use model::SourceName;

use super::fact::Loudness;

/// A fact about the capture of a source.
#[derive(Clone, Copy, Debug)]
pub struct Captured<'a> {
    /// Whose.
    pub source: &'a SourceName,
    /// What happened.
    pub what: Capturing<'a>,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Capturing<'a> {
    /// Nudges were heard.
    Nudged {
        /// How many.
        count: u64,
    },
    /// The system showed what was asked for.
    Read {
        /// What it was asked for, in a word.
        look: &'static str,
        /// Records, or ids.
        rows: u64,
    },
    /// An event was taken in.
    Taken {
        /// How it was found, in a word.
        found: &'static str,
    },
    /// What was found is refused by intake as it is. It is tried again when it changes, and whenever all contents are compared.
    NotTaken {
        /// Its key.
        record: &'a str,
        /// Why, in a sentence.
        why: &'a str,
    },
    /// What was found is no event: the source does not list its type, and its `unknown` does not ask for it.
    LeftOut {
        /// How many.
        count: u64,
    },
    /// The system did not show what was asked for. Told once until it does again or fails otherwise.
    Unread {
        /// The model, where it is only that.
        model: Option<&'a str>,
        /// A stable word.
        cause: &'static str,
        /// In a sentence.
        why: &'a str,
        /// What mends it; empty where waiting does.
        help: &'a str,
    },
    /// A model was compared.
    Reconciled {
        /// Which.
        model: &'a str,
        /// Records that are here as they are there.
        same: u64,
        /// Of so many.
        of: u64,
    },
    /// Records are not shown any more, too many at once to take them as deleted.
    Withheld {
        /// Of which model.
        model: &'a str,
        /// So many.
        missing: u64,
        /// Of so many known ones.
        known: u64,
    },
    /// A rule hides more records from us than before.
    Hidden {
        /// Of which model.
        model: &'a str,
        /// So many in all.
        count: u64,
    },
    /// Records that are there cannot be read, since a rule hides something that they lead to.
    Unseen {
        /// Of which model.
        model: &'a str,
        /// Which.
        ids: &'a [u64],
    },
    /// It shows it again.
    GoesOn,
    /// Lines of its outbox are committed and wait for an older transaction.
    HeldBack {
        /// How many.
        lines: u64,
    },
    /// Lines of its outbox were removed before they were read.
    Lost {
        /// How many.
        lines: u64,
    },
    /// Its outbox begins anew.
    Anew,
}

impl Captured<'_> {
    /// Its name in the log.
    pub(super) const fn name(&self) -> &'static str {
        match self.what {
            Capturing::Nudged { .. } => "nudged",
            Capturing::Read { .. } => "capture_read",
            Capturing::Taken { .. } => "captured",
            Capturing::NotTaken { .. } => "not_captured",
            Capturing::LeftOut { .. } => "left_out",
            Capturing::Unread { .. } => "unread",
            Capturing::Reconciled { .. } => "reconciled",
            Capturing::Withheld { .. } => "withheld",
            Capturing::Hidden { .. } => "hidden",
            Capturing::Unseen { .. } => "unseen",
            Capturing::GoesOn => "capture_goes_on",
            Capturing::HeldBack { .. } => "outbox_held_back",
            Capturing::Lost { .. } => "outbox_lost",
            Capturing::Anew => "outbox_anew",
        }
    }

    /// A word of it for machines: how, by what, or why.
    pub(super) const fn word(&self) -> Option<&'static str> {
        match self.what {
            Capturing::Read { look: word, .. }
            | Capturing::Taken { found: word }
            | Capturing::Unread { cause: word, .. } => Some(word),
            Capturing::Nudged { .. }
            | Capturing::NotTaken { .. }
            | Capturing::LeftOut { .. }
            | Capturing::Reconciled { .. }
            | Capturing::Withheld { .. }
            | Capturing::Hidden { .. }
            | Capturing::Unseen { .. }
            | Capturing::GoesOn
            | Capturing::HeldBack { .. }
            | Capturing::Lost { .. }
            | Capturing::Anew => None,
        }
    }

    pub(super) const fn loudness(&self) -> Loudness {
        match self.what {
            Capturing::Nudged { .. }
            | Capturing::Read { .. }
            | Capturing::Taken { .. }
            | Capturing::LeftOut { .. }
            | Capturing::HeldBack { .. } => Loudness::Debug,
            Capturing::GoesOn | Capturing::Reconciled { .. } => Loudness::Info,
            Capturing::NotTaken { .. }
            | Capturing::Unread { .. }
            | Capturing::Withheld { .. }
            | Capturing::Hidden { .. }
            | Capturing::Unseen { .. }
            | Capturing::Lost { .. }
            | Capturing::Anew => Loudness::Warn,
        }
    }
}

impl fmt::Display for Captured<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.source;
        match self.what {
            Capturing::Nudged { count } => write!(f, "{source} heard {count} nudges"),
            Capturing::Read { look, rows } => write!(f, "{source} read {rows} rows for {look}"),
            Capturing::Taken { found } => write!(f, "{source} took in a record, found by {found}"),
            Capturing::NotTaken { record, why } => write!(f, "{source} cannot take in {record}: {why}"),
            Capturing::LeftOut { count } => {
                write!(f, "{source} left out {count} changes whose types it does not list")
            }
            Capturing::Unread { model, why, help, .. } => {
                let of = model.map_or_else(String::new, |model| format!("{model} of "));
                let help = if help.is_empty() { String::new() } else { format!("; {help}") };
                write!(f, "{of}{source} cannot be read: {why}{help}")
            }
            Capturing::Reconciled { model, same, of } => {
                write!(f, "{model} of {source} was compared: {same} of {of} were complete")
            }
            Capturing::Withheld { model, missing, known } => write!(
                f,
                "{missing} of {known} known {model} of {source} are not shown any more: too many to take them as deleted; \
                 mend the database or the right, or release them with `crossdock reconcile release`"
            ),
            Capturing::Hidden { model, count } => write!(
                f,
                "a rule hides {count} {model} of {source} from our user: their changes are no events; give the user the companies \
                 and the rights to see them, or leave it so if it is meant"
            ),
            Capturing::Unseen { model, ids } => write!(
                f,
                "{model} {} of {source} cannot be read: a rule hides from our user something that it leads to, such as its customer; the \
                 others are read. Give the user the companies and the rights to see that, or take those fields out of the contract",
                ids.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
            ),
            Capturing::GoesOn => write!(f, "{source} is read again"),
            Capturing::HeldBack { lines } => {
                write!(f, "{lines} lines of the outbox of {source} wait for an older transaction")
            }
            Capturing::Lost { lines } => {
                write!(
                    f,
                    "{lines} lines of the outbox of {source} were removed before they were read; all contents are compared"
                )
            }
            Capturing::Anew => {
                write!(
                    f,
                    "the outbox of {source} begins anew, as of a database that was restored or copied; all contents are compared"
                )
            }
        }
    }
}
