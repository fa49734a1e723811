//! A time that only goes on, whatever the machine's calendar does: it is never earlier than it was, and while it is ahead of
//! the calendar it goes a tenth slower, until the calendar has caught up. It never reads a clock.

use model::{TimeSpan, Timestamp};

/// How fast it goes while it is ahead, in hundredths. Waits get that much longer meanwhile, and an hour is made up in ten.
const PACE_PERCENT: u64 = 90;

/// How long it takes until the calendar has caught up with a time that is that far ahead.
pub const fn caught_up_in(ahead: TimeSpan) -> TimeSpan {
    ahead.times(100 / (100 - PACE_PERCENT))
}

/// What was shown last, and when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Onward {
    /// How long the clock had run by then.
    ran: TimeSpan,
    shown: Timestamp,
}

impl Onward {
    /// The time, after the clock has run so long, and while the calendar says `wall`.
    pub fn read(&mut self, ran: TimeSpan, wall: Timestamp) -> Timestamp {
        let passed = ran.micros().saturating_sub(self.ran.micros());
        let shown = self.shown + TimeSpan::from_micros(passed).percent(PACE_PERCENT);
        if wall < shown {
            // Nothing is rounded away: the next reading counts from the same moment.
            return shown;
        }
        (self.ran, self.shown) = (ran, wall);
        wall
    }

    /// It was `at` already, in an earlier life or on another node.
    pub fn not_before(&mut self, at: Timestamp, ran: TimeSpan, wall: Timestamp) {
        if self.read(ran, wall) < at {
            (self.ran, self.shown) = (ran, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    const fn ran(secs: u64) -> TimeSpan {
        TimeSpan::from_secs(secs)
    }

    #[test]
    fn it_follows_the_calendar_forwards_and_goes_on_slower_until_a_late_one_has_caught_up() {
        let mut time = Onward::default();
        for (after, wall, expected) in [
            (0, 1_000, 1_000),
            (10, 1_010, 1_010),
            // An hour forward …
            (20, 4_620, 4_620),
            // … and back.
            (30, 1_030, 4_629),
            (1_020, 2_020, 5_520),
            (40_020, 41_020, 41_020),
        ] {
            assert_eq!(time.read(ran(after), s(wall)), s(expected), "after {after} s");
        }
    }

    #[test]
    fn an_hour_is_made_up_in_ten() {
        assert_eq!(caught_up_in(ran(3_600)), ran(36_000));
    }

    #[test]
    fn however_often_it_is_read_it_goes_on() {
        let mut time = Onward::default();
        time.not_before(s(5_000), ran(0), s(1_000));
        let last = (0..=1_000_000).map(|micros| time.read(TimeSpan::from_micros(micros), s(1_000))).last();
        assert_eq!(last, Some(s(5_000) + TimeSpan::from_millis(900)));
    }

    #[test]
    fn what_an_earlier_life_showed_is_where_the_next_one_begins() {
        let mut time = Onward::default();
        time.not_before(s(900), ran(0), s(1_000));
        assert_eq!(time.read(ran(0), s(1_000)), s(1_000));
        time.not_before(s(4_600), ran(0), s(1_000));
        assert_eq!(time.read(ran(10), s(1_010)), s(4_609));
        time.not_before(s(2_000), ran(10), s(1_010));
        assert_eq!(time.read(ran(10), s(1_010)), s(4_609));
    }
}
