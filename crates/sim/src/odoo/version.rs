//! The versions of Odoo that are simulated. Measured are 18 and 19; 17 behaves as 18 does wherever nothing else is known.

/// A version of Odoo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// As 18, untested.
    V17,
    /// Odoo Community 18.0.
    V18,
    /// Odoo Community 19.0.
    V19,
}

impl Version {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::V17, Self::V18, Self::V19];

    /// The number before the point.
    pub const fn major(self) -> u16 {
        match self {
            Self::V17 => 17,
            Self::V18 => 18,
            Self::V19 => 19,
        }
    }

    /// The version of this number.
    pub fn numbered(major: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.major() == major)
    }

    /// What the server says of itself in the answers of JSON-RPC.
    pub const fn server(self) -> &'static str {
        match self {
            Self::V17 => "17.0",
            Self::V18 => "18.0-20250702",
            Self::V19 => "19.0",
        }
    }

    /// Whether it has JSON-2, and all else that came with it.
    pub fn is_new(self) -> bool {
        self >= Self::V19
    }

    /// One of two, by age: what 17 and 18 have, or what 19 has.
    pub(super) fn pick<T>(self, old: T, new: T) -> T {
        if self.is_new() { new } else { old }
    }
}
