//! An old state over a newer one: why a person's retry or release is not done, and the word by which it is done all the same.

use model::newest::Fate;

/// Whether what is sent may go over a newer state of its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Newer {
    /// It may not: the newer one stays.
    #[default]
    Stays,
    /// It may, on the person's word.
    GoesUnder,
}

/// What became of the newer one.
pub const fn why(newer: Fate) -> &'static str {
    match newer {
        Fate::Done => "a newer event of the same key was delivered since",
        Fate::UnderWay => "a newer event of the same key is on its way",
        Fate::Unknown => "it cannot be told now whether a newer event of the same key was delivered",
    }
}

/// Why it is not done, with the way to do it all the same.
pub fn sentence(flow: impl std::fmt::Display, newer: Fate) -> String {
    let why = why(newer);
    format!(
        "{why} by {flow}, and this one would put the old state over it: cancel or close it, or send it all the same with \
         `--over-newer` (`over_newer` over HTTP)"
    )
}
