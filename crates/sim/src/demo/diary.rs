//! What the simulated systems have still to do, by when. In memory and with a limit: the demo world forgets it at its end.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{TimeSpan, Timestamp};
use tokio::sync::Notify;

use super::letter::Journey;

/// LIMIT: journeys that wait; an hour of orders at the highest speed.
const JOURNEYS_MAX: usize = 50_000;

#[derive(Debug, Default)]
struct Pages {
    entries: BTreeMap<(Timestamp, u64), Journey>,
    written: u64,
    in_hand: u64,
}

/// Journeys by the time of their next step.
#[derive(Debug, Default)]
pub(super) struct Diary {
    pages: Mutex<Pages>,
    changed: Notify,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    /// This, now.
    Due(Journey),
    /// Nothing before this time has passed.
    In(TimeSpan),
    /// Nothing is known.
    Nothing,
}

impl Diary {
    /// Writes a journey down. Answers whether there was room.
    pub(super) fn write(&self, due: Timestamp, journey: Journey) -> bool {
        if journey.letters.is_empty() {
            return true;
        }
        let mut pages = self.pages();
        if pages.entries.len() >= JOURNEYS_MAX {
            return false;
        }
        pages.written += 1;
        let number = pages.written;
        pages.entries.insert((due, number), journey);
        drop(pages);
        self.changed.notify_one();
        true
    }

    /// Whether another journey can be written down, with some to spare for those that are in hand.
    pub(super) fn has_room(&self) -> bool {
        self.pages().entries.len() < JOURNEYS_MAX / 2
    }

    /// What is due, taken in hand.
    pub(super) fn next(&self, now: Timestamp) -> Next {
        let mut pages = self.pages();
        let Some((first, _)) = pages.entries.first_key_value() else { return Next::Nothing };
        if first.0 > now {
            return Next::In(first.0.since(now));
        }
        match pages.entries.pop_first() {
            Some((_, journey)) => {
                pages.in_hand += 1;
                Next::Due(journey)
            }
            None => Next::Nothing,
        }
    }

    /// What was in hand is dealt with.
    pub(super) fn lay_down(&self) {
        let mut pages = self.pages();
        pages.in_hand = pages.in_hand.saturating_sub(1);
    }

    /// Journeys that are not at their end.
    pub(super) fn under_way(&self) -> u64 {
        let pages = self.pages();
        pages.entries.len() as u64 + pages.in_hand
    }

    /// Waits until something is written.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::decide;
    use crate::demo::letter::Pace;

    #[test]
    fn what_is_due_first_comes_first() {
        let at = Timestamp::from_secs;
        let journey = |order: &str| decide::odoo(7, order, Pace { now: at(0), speed: 1 });
        let diary = Diary::default();
        assert!(
            diary.write(at(20), journey("S00002"))
                && diary.write(at(10), journey("S00001"))
                && diary.write(at(10), Journey::default())
        );
        assert!(matches!(diary.next(at(9)), Next::In(span) if span == TimeSpan::from_secs(1)));
        for order in ["S00001", "S00002"] {
            let Next::Due(due) = diary.next(at(30)) else { panic!("something is due") };
            assert_eq!(due, journey(order));
        }
        assert!(matches!(diary.next(at(30)), Next::Nothing));
        assert_eq!(diary.under_way(), 2);
        diary.lay_down();
        assert_eq!(diary.under_way(), 1);
    }
}
