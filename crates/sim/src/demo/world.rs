//! What the simulated systems share: their books, their diary, their troubles, and the way to the product.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use engine::ports::Clock;
use futures::future::join_all;
use model::{TimeSpan, Timestamp};

use super::decide;
use super::diary::Diary;
use super::ledger::{Books, Ledger};
use super::letter::{Journey, Letter, Pace};
use super::post::{Answer, Post};
use super::run::{Options, Weather};
use super::sign;
use super::system::System;
use super::trouble::{Trouble, TroubleLine, Troubles};

/// LIMIT: tries of one letter, some five minutes; a partner gives up later, but the demo is short.
const TRIES_MAX: u32 = 12;
/// How often the shop sends what it sends while it duplicates.
const COPIES: u32 = 3;
/// How late the clocks are while they are.
const SKEW: TimeSpan = TimeSpan::from_secs(3_600);
/// Requests of one second that Parcelwind takes.
const PARCELWIND_PER_SECOND: u32 = 5;
/// Orders of a burst.
pub(super) const BURST: u64 = 40;

/// The world.
#[derive(Debug)]
pub(super) struct World {
    pub(super) options: Options,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ledger: Ledger,
    pub(super) troubles: Troubles,
    pub(super) diary: Diary,
    pub(super) paused: AtomicBool,
    post: Post,
    started: Timestamp,
    placed: AtomicU64,
    second: Mutex<(i64, u32)>,
}

impl World {
    pub(super) fn new(options: Options, clock: Arc<dyn Clock>, post: Post) -> Self {
        let started = clock.now();
        Self {
            options,
            clock,
            ledger: Ledger::default(),
            troubles: Troubles::default(),
            diary: Diary::default(),
            paused: AtomicBool::new(false),
            post,
            started,
            placed: AtomicU64::new(0),
            second: Mutex::new((0, 0)),
        }
    }

    /// Now, as bodies say it, and the speed.
    pub(super) fn pace(&self) -> Pace {
        Pace { now: self.clock.wall(), speed: self.options.speed }
    }

    /// Whether the world stands still: nothing is sent, deliveries are taken.
    pub(super) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    /// The shop's next orders. Above the limit of the books there are none.
    pub(super) fn place(&self, orders: u64) {
        for _ in 0..orders {
            if self.ledger.is_full() {
                return;
            }
            let number = self.options.first_order + self.placed.fetch_add(1, Ordering::Relaxed);
            let order = decide::order(self.options.seed, number);
            self.begin(decide::shop(self.options.seed, &order, self.pace()));
        }
    }

    /// Writes down what a system is going to send. Answers whether there was room.
    pub(super) fn begin(&self, journey: Journey) -> bool {
        let wait = journey.letters.front().map_or(TimeSpan::default(), |letter| self.pace().scaled(letter.wait));
        self.diary.write(self.clock.now() + wait, journey)
    }

    /// One step of a journey.
    pub(super) async fn carry(&self, mut journey: Journey) {
        let Some(mut letter) = journey.letters.pop_front() else { return };
        if letter.from == System::Warehouse && journey.tries == 0 && self.troubles.has(Trouble::WmsBadPayload) {
            // What was sent once goes on as it is: a sender repeats its bytes.
            letter = decide::broken(self.options.seed, letter);
        }
        if letter.from == System::Odoo && self.troubles.has(Trouble::OdooRestart) {
            journey.letters.push_front(letter);
            self.diary.write(self.clock.now() + TimeSpan::from_secs(1), journey);
            return;
        }
        let tripled = letter.from == System::Shop && self.troubles.has(Trouble::ShopDuplicates);
        let copies = if tripled { COPIES } else { letter.copies };
        let answers = join_all((0..copies).map(|_| self.send(&letter))).await;
        let is_dealt_with = answers.iter().any(|answer| matches!(answer, Answer::Accepted(_) | Answer::Never));
        if is_dealt_with {
            journey.tries = 0;
            self.begin(journey);
            return;
        }
        journey.tries += 1;
        if journey.tries >= TRIES_MAX {
            self.ledger.count(letter.from, |totals| totals.sent_given_up += 1);
            return;
        }
        let wait = TimeSpan::from_secs((1 << journey.tries.min(5)).min(30));
        journey.letters.push_front(letter);
        self.diary.write(self.clock.now() + wait, journey);
    }

    async fn send(&self, letter: &Letter) -> Answer {
        let skewed = matches!(letter.from, System::Warehouse | System::Parcelwind) && self.troubles.has(Trouble::ClockSkew);
        let wall = self.clock.wall();
        let wall = if skewed { wall - SKEW } else { wall };
        let body = letter.body.to_string().into_bytes();
        let Some(sealed) = sign::seal(letter, &body, wall) else { return Answer::Never };
        let answer = self.post.send(&sealed, body).await;
        match &answer {
            Answer::Accepted(event) => self.ledger.accepted(letter.from, event),
            Answer::NotNow | Answer::Never => {
                self.ledger.count(letter.from, |totals| totals.sent_refused += 1);
            }
            Answer::Silence => self.ledger.count(letter.from, |totals| totals.sent_unanswered += 1),
        }
        answer
    }

    /// Whether Parcelwind is down, by trouble or by its own bad spell.
    pub(super) fn is_parcelwind_down(&self) -> bool {
        let by_itself = match self.options.weather {
            Weather::Changing => decide::is_bad_spell(self.clock.now().since(self.started)),
            Weather::Calm => false,
        };
        by_itself || self.troubles.has(Trouble::ParcelwindDown)
    }

    /// Whether Parcelwind has had enough of this second.
    pub(super) fn is_parcelwind_busy(&self) -> bool {
        let now = self.clock.now().secs();
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if second.0 != now {
            *second = (now, 0);
        }
        second.1 += 1;
        second.1 > PARCELWIND_PER_SECOND
    }

    /// The books.
    pub(super) fn books(&self) -> Books {
        Books {
            schema: "crossdock/world/1".to_owned(),
            seed: self.options.seed,
            speed: self.options.speed,
            paused: self.is_paused(),
            orders_placed: self.placed.load(Ordering::Relaxed),
            under_way: self.diary.under_way(),
            systems: self.ledger.totals(),
        }
    }

    /// The troubles, for people.
    pub(super) fn trouble_lines(&self) -> Vec<TroubleLine> {
        let is_on =
            |trouble| self.troubles.has(trouble) || (trouble == Trouble::ParcelwindDown && self.is_parcelwind_down());
        let line = |trouble: Trouble| TroubleLine {
            name: trouble.name().to_owned(),
            on: is_on(trouble),
            summary: trouble.summary().to_owned(),
        };
        Trouble::ALL.map(line).into()
    }
}
