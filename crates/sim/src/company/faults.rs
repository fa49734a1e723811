//! How a company behaves, drawn from the seed: how its clerks work, how its nudges get lost, and how its system fails.

use model::TimeSpan;

use crate::random::Random;
use crate::swarm::some;

/// How a company behaves; chances are in a thousand.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// How many clerks work.
    pub clerks: u64,
    /// Records of each model before the run begins.
    pub records: u64,
    /// The longest pause between two transactions of a clerk.
    pub pause_max: TimeSpan,
    /// A transaction takes seconds, some longer than a sweep looks back.
    pub late: u64,
    /// It is rolled back.
    pub rolled_back: u64,
    /// It changes all orders at once.
    pub mass: u64,
    /// A record is written that breaks its contract.
    pub broken: u64,
    /// Whether rules begin and cease to hide records.
    pub hides: bool,
    /// Whether nudges are sent before the commit.
    pub nudged_inside: bool,
    /// A nudge is lost.
    pub nudge_lost: u64,
    /// It is sent twice.
    pub nudged_twice: u64,
    /// A call is answered after seconds, up to a minute.
    pub slow: u64,
    /// An answer breaks off, so that nothing is known of it.
    pub cut: u64,
    /// Episodes in which nobody reaches the system.
    pub away: bool,
    /// How long nobody reaches it once, after the other faults, while its clerks go on.
    pub absence: Option<TimeSpan>,
    /// How far its clock is ahead, in microseconds.
    pub clock_off_us: i64,
}

impl Faults {
    /// The company of a seed. Where stores are short of room it is a small one.
    pub fn draw(random: &mut Random, is_short_of_room: bool) -> Self {
        let is_large = random.in_thousand(80) && !is_short_of_room;
        let minutes = i64::try_from(random.between(0, 20)).unwrap_or(0) - 10;
        Self {
            clerks: random.between(1, 2),
            records: if is_large { 220 } else { *random.pick(&[0, 3, 8, 20]) },
            pause_max: TimeSpan::from_millis(*random.pick(&[1_000, 3_000, 6_000])),
            late: some(random, 250),
            rolled_back: some(random, 200),
            mass: if is_large { 40 } else { 0 },
            broken: if random.in_thousand(200) { 60 } else { 0 },
            hides: random.in_thousand(500),
            nudged_inside: random.in_thousand(400),
            nudge_lost: *random.pick(&[0, 50, 300, 1_000]),
            nudged_twice: some(random, 300),
            slow: some(random, 150),
            cut: some(random, 150),
            away: random.in_thousand(400),
            absence: random.in_thousand(120).then(|| TimeSpan::from_secs(*random.pick(&[600, 3_600, 86_400]))),
            clock_off_us: minutes * 60_000_000,
        }
    }
}
