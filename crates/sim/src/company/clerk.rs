//! Clerks: they change records in transactions that are short or long, are committed or rolled back, and meet each other. Some
//! change one record several times in a second, and some change it back.

use std::sync::Arc;

use model::{TimeSpan, Timestamp};

use super::nudges::nudge;
use super::{Act, Company, Content, Deed, Model, RecordId, Subject};
use crate::random::Random;
use crate::world::World;

/// How long after the faults clerks still work.
const AFTER_FAULTS: TimeSpan = TimeSpan::from_secs(180);
/// LIMIT: the longest transaction, in overlaps: some are committed later than a sweep looks back.
const OVERLAPS_MAX: u64 = 3;

/// A clerk.
#[derive(Debug)]
pub struct Clerk {
    world: Arc<World>,
    company: Arc<Company>,
    overlap: TimeSpan,
    random: Random,
}

/// When a transaction began: in true time, and by the company's clock.
type Began = (TimeSpan, Timestamp);

impl Clerk {
    /// A clerk with a number, where there is a company.
    pub fn new(world: &Arc<World>, number: u64) -> Option<Self> {
        let company = Arc::clone(world.company.as_ref()?);
        let overlap = world.projects[0].captured.as_ref()?.overlap;
        let random = Random::stream(world.seed, &format!("clerk {number}"));
        Some(Self { world: Arc::clone(world), company, overlap, random })
    }

    /// Works while faults are on, and a while longer.
    pub async fn run(mut self) {
        let mut until = None;
        while until.is_none_or(|until| self.world.timeline.elapsed() < until) {
            let pause = self.random.span(TimeSpan::ZERO, self.company.faults.pause_max);
            self.world.timeline.sleep(pause).await;
            if self.world.sky.is_calm() && until.is_none() {
                until = Some(self.world.timeline.elapsed() + AFTER_FAULTS);
            }
            self.work().await;
        }
    }

    /// Works while the company is away, or while all nodes are off: so many transactions over this span.
    pub async fn work_through(&mut self, span: TimeSpan, times: u64) {
        for _ in 0..times {
            self.work().await;
            self.world.timeline.sleep(TimeSpan::from_micros(span.micros() / times)).await;
        }
    }

    /// One transaction, or a few on the same record.
    async fn work(&mut self) {
        if self.random.in_thousand(120) {
            return self.there_and_back().await;
        }
        if self.random.in_thousand(self.company.faults.mass) {
            return self.all_at_once().await;
        }
        let began = self.begin();
        let deeds = self.deeds();
        let long = if self.random.in_thousand(self.company.faults.late) {
            self.random.span(TimeSpan::from_secs(2), self.overlap.times(OVERLAPS_MAX))
        } else {
            self.random.span(TimeSpan::ZERO, TimeSpan::from_millis(400))
        };
        if self.company.faults.nudged_inside {
            self.nudge(&deeds);
        }
        self.world.timeline.sleep(long).await;
        if self.random.in_thousand(self.company.faults.rolled_back) {
            return;
        }
        self.commit(began, deeds);
    }

    fn begin(&self) -> Began {
        (self.world.timeline.elapsed(), self.company.clock())
    }

    fn commit(&mut self, began: Began, deeds: Vec<Deed>) {
        let now = self.world.timeline.elapsed();
        let committed = self.company.history().commit(began, deeds.clone(), now);
        self.world.oracle.note(|| format!("the company commits {deeds:?} of {}: {committed:?}", began.1));
        let Ok(records) = committed else { return };
        if self.company.faults.nudged_inside {
            return;
        }
        for (id, deed) in records.into_iter().zip(deeds) {
            // A rule of Odoo's is told of writes; of what is only computed now and then, by a neighbour.
            if !matches!(deed.act, Act::Recompute(_)) || self.random.in_thousand(500) {
                nudge(&self.world, id, &mut self.random);
            }
        }
    }

    /// As Odoo 18 does: before the commit, of records that have an id by then.
    fn nudge(&mut self, deeds: &[Deed]) {
        for deed in deeds {
            if let Subject::Record(id) = deed.subject {
                nudge(&self.world, id, &mut self.random);
            }
        }
    }

    fn deeds(&mut self) -> Vec<Deed> {
        let mut deeds: Vec<Deed> = Vec::new();
        for _ in 0..self.random.between(1, 3) {
            let deed = self.deed();
            if deeds.iter().all(|other| other.subject != deed.subject || matches!(deed.subject, Subject::New(_))) {
                deeds.push(deed);
            }
        }
        deeds
    }

    fn deed(&mut self) -> Deed {
        let model = *self.random.pick(&Model::ALL);
        let Some(id) = self.a_record(model) else {
            let content = Content::draw(model, &mut self.random);
            return Deed { subject: Subject::New(model), act: Act::Write(content) };
        };
        let content = self.content(model);
        let is_hidden = self.company.history().is_hidden(id);
        let act = match self.random.below(100) {
            0..50 => Act::Write(content),
            50..65 => return Deed { subject: Subject::New(model), act: Act::Write(content) },
            65..80 => Act::Recompute(content),
            80..90 => Act::Delete,
            _ if is_hidden => Act::Show,
            _ if self.company.faults.hides => Act::Hide,
            _ => Act::Write(content),
        };
        Deed { subject: Subject::Record(id), act }
    }

    fn a_record(&mut self, model: Model) -> Option<RecordId> {
        let there = self.company.history().there(model);
        if there.is_empty() { None } else { Some(*self.random.pick(&there)) }
    }

    fn content(&mut self, model: Model) -> Content {
        let content = Content::draw(model, &mut self.random);
        if self.random.in_thousand(self.company.faults.broken) {
            return Content { amount: Content::AMOUNT_MAX + 1, ..content };
        }
        content
    }

    /// One record, changed and changed back: within a second, or without its write date.
    async fn there_and_back(&mut self) {
        let model = *self.random.pick(&Model::ALL);
        let Some(id) = self.a_record(model) else { return };
        let Some(held) = self.company.history().holds(id).map(|held| held.content) else { return };
        let other = Content { amount: (held.amount + 1) % Content::AMOUNT_MAX, ..held };
        let is_quick = self.random.in_thousand(500);
        for content in [other, held, other, held].into_iter().take(2 + self.random.place(3)) {
            let began = self.begin();
            let act = if is_quick { Act::Write(content) } else { Act::Recompute(content) };
            let deeds = vec![Deed { subject: Subject::Record(id), act }];
            if self.company.faults.nudged_inside {
                self.nudge(&deeds);
            }
            self.commit(began, deeds);
            let most = if is_quick { TimeSpan::from_millis(600) } else { TimeSpan::from_secs(6) };
            self.world.timeline.sleep(self.random.span(TimeSpan::from_millis(1), most)).await;
        }
    }

    /// More records than a page has, in one transaction.
    async fn all_at_once(&mut self) {
        let began = self.begin();
        let there = self.company.history().there(Model::Order);
        let deeds = there.into_iter().map(|id| {
            let act = Act::Write(Content::draw(Model::Order, &mut self.random));
            Deed { subject: Subject::Record(id), act }
        });
        let deeds = deeds.collect();
        self.world.timeline.sleep(self.random.span(TimeSpan::ZERO, TimeSpan::from_secs(1))).await;
        self.commit(began, deeds);
    }

    /// One more record, committed at once and told to nobody.
    pub fn make_one(&mut self) {
        let content = Content::draw(Model::Order, &mut self.random);
        let deed = Deed { subject: Subject::New(Model::Order), act: Act::Write(content) };
        let (began, now) = (self.begin(), self.world.timeline.elapsed());
        drop(self.company.history().commit(began, vec![deed], now));
    }
}
