//! When deletions are so many at once that a wrong or restored database is likelier than they are: pure.

use model::limit::{GONE_AT_ONCE_MAX, GONE_SHARE};
use model::{Principal, Timestamp};

use super::standing::Brake;

/// Known records of a model that are not shown any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// So many, at least.
    pub missing: u64,
    /// Of so many known ones.
    pub known: u64,
}

impl Lacking {
    /// Whether these are more than are believed, unless a person released as many.
    pub fn is_too_many(self, held: Option<&Brake>) -> bool {
        let released = held.filter(|brake| brake.released.is_some()).map_or(0, |brake| brake.missing);
        self.missing > GONE_AT_ONCE_MAX.max(self.known / GONE_SHARE).max(released)
    }
}

/// What a pass over ranges of ids would take as deleted: counts at first, ids where they were read.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// By range.
    missing: Vec<u64>,
    /// What the pass took before.
    before: u64,
    known: u64,
}

impl Forecast {
    /// By the counts of each range, the last of which goes to the end of all ids. `known` are all known records, `before` what
    /// the same pass has taken as deleted already.
    pub fn by_counts(there: &[u64], known_there: &[u64], known: u64, before: u64) -> Self {
        let missing = there.iter().zip(known_there).map(|(there, known)| known.saturating_sub(*there)).collect();
        Self { missing, before, known: known + before }
    }

    /// So many are missing in a range: its ids were read.
    pub fn learn(&mut self, range: usize, missing: usize) {
        if let Some(held) = self.missing.get_mut(range) {
            *held = missing as u64;
        }
    }

    /// All together.
    pub fn lacking(&self) -> Lacking {
        Lacking { missing: self.before + self.missing.iter().sum::<u64>(), known: self.known }
    }
}

/// The brake after a pass met so many, or ended without: it keeps its beginning, and a release does not outlast what was released.
pub fn after(held: Option<Brake>, lacking: Option<Lacking>, now: Timestamp) -> Option<Brake> {
    let Lacking { missing, known } = lacking?;
    Some(Brake { since: held.map_or(now, |brake| brake.since), missing, known, released: None })
}

/// The brake once somebody released it.
pub fn release(mut brake: Brake, by: &Principal) -> Brake {
    brake.released = Some(by.clone());
    brake
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brake(missing: u64, released: bool) -> Brake {
        let released = released.then(|| Principal::new("ines"));
        Brake { since: Timestamp::from_secs(1), missing, known: 10_000, released }
    }

    #[test]
    fn a_hundred_or_a_tenth_are_believed_and_what_a_person_released() {
        for (missing, known, held, expected) in [
            (100, 100, None, false),
            (101, 100, None, true),
            (101, 1_010, None, false),
            (102, 1_010, None, true),
            (1_000, 10_000, None, false),
            (1_001, 10_000, None, true),
            (5_000, 10_000, Some(brake(5_000, false)), true),
            (5_000, 10_000, Some(brake(5_000, true)), false),
            (5_001, 10_000, Some(brake(5_000, true)), true),
        ] {
            let lacking = Lacking { missing, known };
            assert_eq!(lacking.is_too_many(held.as_ref()), expected, "{lacking:?} {held:?}");
        }
    }

    #[test]
    fn counts_are_replaced_by_what_the_ids_say_and_what_the_pass_took_counts() {
        let mut forecast = Forecast::by_counts(&[90, 120, 0], &[100, 100, 30], 230, 5);
        assert_eq!(forecast.lacking(), Lacking { missing: 10 + 30 + 5, known: 235 });
        forecast.learn(1, 80);
        assert_eq!(forecast.lacking(), Lacking { missing: 10 + 80 + 30 + 5, known: 235 });
    }

    #[test]
    fn a_brake_keeps_its_beginning_and_goes_with_a_pass_that_finds_few() {
        let (now, lacking) = (Timestamp::from_secs(9), Lacking { missing: 7_000, known: 9_000 });
        assert_eq!(after(None, Some(lacking), now).map(|it| (it.since, it.missing)), Some((now, 7_000)));
        let again = after(Some(brake(5_000, true)), Some(lacking), now).unwrap();
        assert_eq!((again.since, again.released), (Timestamp::from_secs(1), None), "more came than a person released");
        assert_eq!(after(Some(brake(5_000, true)), None, now), None);
        assert_eq!(release(brake(5, false), &Principal::new("ines")), brake(5, true));
    }
}
