//! Troubles of the demo world: what can be broken on purpose, by name.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// Something that can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// Parcelwind answers 503.
    ParcelwindDown,
    /// Parcelwind does what it is asked and answers too late.
    ParcelwindSlow,
    /// Parcelwind refuses a share of the labels for good.
    ParcelwindRefuses,
    /// The shop sends everything three times.
    ShopDuplicates,
    /// The warehouse tells of shipments before their picks.
    WmsOutOfOrder,
    /// The warehouse breaks its contract.
    WmsBadPayload,
    /// Odoo cannot be reached.
    OdooRestart,
    /// Finance answers 500.
    #[serde(rename = "finance-500")]
    Finance500,
    /// The clocks of warehouse and Parcelwind are an hour late, so their signatures are stale.
    ClockSkew,
    /// The shop places many orders at once.
    Burst,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ParcelwindDown,
        Self::ParcelwindSlow,
        Self::ParcelwindRefuses,
        Self::ShopDuplicates,
        Self::WmsOutOfOrder,
        Self::WmsBadPayload,
        Self::OdooRestart,
        Self::Finance500,
        Self::ClockSkew,
        Self::Burst,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ParcelwindDown => "parcelwind-down",
            Self::ParcelwindSlow => "parcelwind-slow",
            Self::ParcelwindRefuses => "parcelwind-refuses",
            Self::ShopDuplicates => "shop-duplicates",
            Self::WmsOutOfOrder => "wms-out-of-order",
            Self::WmsBadPayload => "wms-bad-payload",
            Self::OdooRestart => "odoo-restart",
            Self::Finance500 => "finance-500",
            Self::ClockSkew => "clock-skew",
            Self::Burst => "burst",
        }
    }

    /// What it does and what is to be seen.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::ParcelwindDown => "Parcelwind answers 503: its breaker opens, labels wait, none is lost",
            Self::ParcelwindSlow => {
                "Parcelwind makes the label and answers too late: it is asked again and recognises the repeat"
            }
            Self::ParcelwindRefuses => "Parcelwind refuses three labels of ten with 422: they are held for team-transport",
            Self::ShopDuplicates => "the shop sends each webhook three times: one event, two duplicates",
            Self::WmsOutOfOrder => "the warehouse tells of shipments before their picks",
            Self::WmsBadPayload => {
                "the warehouse writes every second weight as a text: these events are quarantined for team-warehouse"
            }
            Self::OdooRestart => "Odoo refuses connections: what it misses waits, in the order of each lane",
            Self::Finance500 => "finance answers 500: bookings are tried again",
            Self::ClockSkew => {
                "warehouse and Parcelwind sign with clocks an hour late: what they send is refused, and sent again when it is mended"
            }
            Self::Burst => "the shop places forty orders at once",
        }
    }

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// Which troubles there are now.
#[derive(Debug, Default)]
pub struct Troubles(Mutex<BTreeSet<Trouble>>);

impl Troubles {
    /// Whether there is this one.
    pub fn has(&self, trouble: Trouble) -> bool {
        self.set().contains(&trouble)
    }

    /// Begins one; answers whether it is new.
    pub fn begin(&self, trouble: Trouble) -> bool {
        self.set().insert(trouble)
    }

    /// Ends one; answers whether there was one.
    pub fn end(&self, trouble: Trouble) -> bool {
        self.set().remove(&trouble)
    }

    fn set(&self) -> MutexGuard<'_, BTreeSet<Trouble>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A trouble in a list for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TroubleLine {
    /// Its name.
    pub name: String,
    /// Whether it is there now.
    pub on: bool,
    /// What it does.
    pub summary: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_is_found_by_its_name_which_is_also_how_it_is_written() {
        for trouble in Trouble::ALL {
            assert_eq!(Trouble::named(trouble.name()), Some(trouble));
            assert_eq!(serde_json::to_value(trouble).unwrap(), trouble.name());
        }
        assert_eq!(Trouble::named("meteor"), None);
    }

    #[test]
    fn troubles_begin_and_end() {
        let troubles = Troubles::default();
        assert!(troubles.begin(Trouble::ClockSkew) && !troubles.begin(Trouble::ClockSkew));
        assert!(troubles.has(Trouble::ClockSkew) && !troubles.has(Trouble::Burst));
        assert!(troubles.end(Trouble::ClockSkew) && !troubles.end(Trouble::ClockSkew));
    }
}
