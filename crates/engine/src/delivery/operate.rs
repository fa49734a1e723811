//! The commands on deliveries: read, decide, commit. One, or a frozen list of ids of which each is judged by itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::delivery::CAUSE_UNDECIDED;
use model::{Delivery, DeliveryId, Fault, FaultKind};
use policy::Policy;
use policy::specs::Repeatable;

use super::command::{self, FilterSays, Plan, Wish};
use crate::book::Book;
use crate::newer::{Lookup, repeat_of};
use crate::ports::{Journal, Ledger};
use crate::rules::asked::{Asked, NotDone};
use crate::rules::overtaken::{Newer, Overtaken};

/// LIMIT: deliveries of one command; more dead letters are replayed, with preview and pace of their own.
pub const MANY_MAX: usize = 1_000;

/// The commands on deliveries.
#[derive(Clone, Debug)]
pub struct Operate {
    /// Where their events are.
    pub journal: Arc<dyn Journal>,
    /// Where deliveries are.
    pub ledger: Arc<dyn Ledger>,
    /// What they may go to.
    pub book: Arc<Book>,
}

/// What became of one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub delivery: DeliveryId,
    /// What was done.
    pub result: Deed,
    /// The delivery that takes its place, where one does.
    pub instead: Option<DeliveryId>,
    /// One sentence for people.
    pub sentence: String,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// What was asked for.
    Done,
    /// Nothing: it stands so that it cannot be done.
    Skipped,
    /// Nothing: it would put an old state over a newer one.
    Overtaken,
    /// Nothing: there is no such delivery.
    Unknown,
    /// Nothing: it changed in between.
    Conflict,
}

/// What became of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Each, in journal order; unknown ids last.
    pub items: Vec<Told>,
    /// How many were done.
    pub done: usize,
    /// How many were skipped.
    pub skipped: usize,
    /// How many are not there.
    pub unknown: usize,
    /// How many had changed in between.
    pub conflicts: usize,
    /// One sentence for people.
    pub sentence: String,
}

impl Operate {
    /// Fulfils a wish for one delivery. With `version` only while the delivery is at that version.
    ///
    /// Refused: `Unknown`, `Changed` when the version is another, `Refused` when its state does not allow it, `Overtaken`
    /// when a newer state of its key went and the wish is not to go over it.
    pub async fn one(&self, id: DeliveryId, wish: Wish, version: Option<u64>, asked: &Asked) -> Result<Told, NotDone> {
        asked.check()?;
        let found = self.ledger.delivery(id).await?;
        let delivery = found.ok_or_else(|| NotDone::Unknown(format!("there is no delivery {id}")))?;
        if version.is_some_and(|version| version != delivery.version) {
            return Err(NotDone::Changed(format!("the delivery has changed: it is {} now", delivery.state.word())));
        }
        let told = self.fulfil(&delivery, wish, asked).await?;
        match told.result {
            Deed::Done => Ok(told),
            Deed::Skipped => Err(NotDone::Refused(told.sentence)),
            Deed::Overtaken => Err(NotDone::Overtaken(told.sentence)),
            Deed::Unknown => Err(NotDone::Unknown(told.sentence)),
            Deed::Conflict => Err(NotDone::Changed(told.sentence)),
        }
    }

    /// Fulfils a wish for each of a frozen list, one after the other in journal order. Faults of a port end it; what was
    /// done until then is done, and asking again skips it.
    pub async fn many(&self, ids: &[DeliveryId], wish: Wish, asked: &Asked) -> Result<Outcomes, NotDone> {
        asked.check()?;
        if ids.len() > MANY_MAX {
            return Err(NotDone::Refused(format!(
                "{} deliveries are more than {MANY_MAX} at once; replay them instead",
                ids.len()
            )));
        }
        let mut outcomes = Outcomes::default();
        let mut deliveries = Vec::with_capacity(ids.len());
        let mut unknown = Vec::new();
        for id in ids.iter().copied().collect::<BTreeSet<DeliveryId>>() {
            match self.ledger.delivery(id).await? {
                Some(delivery) => deliveries.push(delivery),
                None => {
                    unknown.push(told(id, Deed::Unknown, "there is no such delivery".to_owned()));
                }
            }
        }
        deliveries.sort_by_key(|delivery| (delivery.position, delivery.id));
        for delivery in &deliveries {
            outcomes.items.push(self.fulfil(delivery, wish, asked).await?);
        }
        outcomes.items.extend(unknown);
        let count = |deed| outcomes.items.iter().filter(|told| told.result == deed).count();
        let (done, skipped) = (count(Deed::Done), count(Deed::Skipped) + count(Deed::Overtaken));
        let (unknown, conflicts) = (count(Deed::Unknown), count(Deed::Conflict));
        let sentence = format!("{done} done, {skipped} skipped, {unknown} unknown, {conflicts} changed in between");
        Ok(Outcomes { done, skipped, unknown, conflicts, sentence, ..outcomes })
    }

    async fn fulfil(&self, delivery: &Delivery, wish: Wish, asked: &Asked) -> Result<Told, NotDone> {
        let present = self.book.current();
        let plan = match command::plan(delivery, wish, &present, asked) {
            Ok(plan) => plan,
            Err(why) => return Ok(told(delivery.id, Deed::Skipped, why)),
        };
        match self.filter_says(delivery, wish, &present).await? {
            FilterSays::Yes => {}
            FilterSays::No => return self.carry_out(delivery, command::not_selected(delivery, wish, asked)).await,
            FilterSays::Nothing(why) => return Ok(told(delivery.id, Deed::Skipped, why)),
        }
        if wish == Wish::Retry(Newer::Stays)
            && let Some(newer) = self.would_go_over(delivery).await?
        {
            return Ok(told(delivery.id, Deed::Overtaken, newer.sentence()));
        }
        self.carry_out(delivery, plan).await
    }

    async fn carry_out(&self, delivery: &Delivery, plan: Plan) -> Result<Told, NotDone> {
        match self.ledger.commit(plan.batch).await {
            Ok(_) => Ok(Told { instead: plan.instead, ..told(delivery.id, Deed::Done, plan.sentence) }),
            Err(fault) if fault.kind == FaultKind::Conflict => {
                Ok(told(delivery.id, Deed::Conflict, "it changed in between; look again".to_owned()))
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// What was held for want of an answer is asked for it again.
    async fn filter_says(&self, delivery: &Delivery, wish: Wish, present: &Policy) -> Result<FilterSays, Fault> {
        if !matches!(wish, Wish::Retry(_)) || delivery.cause != CAUSE_UNDECIDED {
            return Ok(FilterSays::Yes);
        }
        let record = match self.journal.get(delivery.bytes_at).await {
            // What cannot be read is told by the router.
            Err(fault) if fault.kind == FaultKind::Corrupt => None,
            read => read?,
        };
        let event = record.as_ref().and_then(|record| record.entry.event());
        Ok(event.map_or(FilterSays::Yes, |event| command::filter_says(delivery, event, present)))
    }
}

impl Operate {
    /// Whether a retry would go over a newer state.
    pub async fn would_go_over(&self, delivery: &Delivery) -> Result<Option<Overtaken>, Fault> {
        let policy = self.book.current();
        let record = match self.journal.get(delivery.bytes_at).await {
            // What cannot be read is told by the attempt.
            Err(fault) if fault.kind == FaultKind::Corrupt => None,
            read => read?,
        };
        let event = record.as_ref().and_then(|record| record.entry.event());
        let Some(passing) = command::passing(delivery, event, &policy) else { return Ok(None) };
        let repeat = event.map_or(Repeatable::State, |event| repeat_of(&policy, event));
        let (journal, ledger) = (Arc::clone(&self.journal), Arc::clone(&self.ledger));
        let lookup = Lookup { journal, ledger, book: Arc::clone(&self.book) };
        let newer = lookup.than(&passing).await?;
        Ok(newer.map(|newer| Overtaken { flow: passing.flow, newer, repeat }))
    }
}

fn told(delivery: DeliveryId, result: Deed, sentence: String) -> Told {
    Told { delivery, result, instead: None, sentence }
}
