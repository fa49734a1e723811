//! The commands on deliveries: read, decide, commit. One, or a frozen list of ids of which each is judged by itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::delivery::CAUSE_UNDECIDED;
use model::{Delivery, DeliveryId, Event, Fault, FaultKind, Guard, InForce, Record};
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

/// LIMIT: applications of a policy that one command may lose a race to.
const TRIES_MAX: usize = 4;

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

    /// INVARIANT: a retry makes nothing wait for what was removed. So it is decided on the policy that is in force when it is
    /// committed: an application in between makes it a conflict, and it is decided anew.
    async fn fulfil(&self, delivery: &Delivery, wish: Wish, asked: &Asked) -> Result<Told, NotDone> {
        let Wish::Retry(newer) = wish else {
            return match command::plan(delivery, wish, &self.book.current(), asked) {
                Ok(plan) => Ok(self.carry_out(delivery, plan).await?.unwrap_or_else(|| changed(delivery.id))),
                Err(why) => Ok(told(delivery.id, Deed::Skipped, why)),
            };
        };
        let mut decided_on = None;
        for _ in 0..TRIES_MAX {
            let (number, present) = self.in_force().await?;
            if decided_on == Some(number) {
                break;
            }
            decided_on = Some(number);
            let mut plan = match self.plan_retry(delivery, newer, &present, asked).await? {
                Ok(plan) => plan,
                Err(not_done) => return Ok(not_done),
            };
            plan.batch.guards.push(Guard::InForce { number });
            if let Some(told) = self.carry_out(delivery, plan).await? {
                return Ok(told);
            }
        }
        Ok(changed(delivery.id))
    }

    /// What a retry comes to under a policy, or why it is not done.
    async fn plan_retry(
        &self,
        delivery: &Delivery,
        newer: Newer,
        present: &Arc<Policy>,
        asked: &Asked,
    ) -> Result<Result<Plan, Told>, Fault> {
        let wish = Wish::Retry(newer);
        let plan = match command::plan(delivery, wish, present, asked) {
            Ok(plan) => plan,
            Err(why) => return Ok(Err(told(delivery.id, Deed::Skipped, why))),
        };
        let record = self.record(delivery).await?;
        let event = record.as_ref().and_then(|record| record.entry.event());
        // What was held for want of an answer is asked for it again. Of what cannot be read the router tells.
        if let Some(event) = event.filter(|_| delivery.cause == CAUSE_UNDECIDED) {
            let judged_by = self.book.kept(delivery.policy).await?;
            match command::filter_says(delivery, event, (judged_by.as_deref(), present)) {
                FilterSays::Yes => {}
                FilterSays::No => return Ok(Ok(command::not_selected(delivery, wish, asked))),
                FilterSays::Nothing(why) => return Ok(Err(told(delivery.id, Deed::Skipped, why))),
            }
        }
        // A word that lets everything through needs no answer.
        if newer != Newer::GoesUnder
            && let Some(found) = self.over(delivery, event, present).await?
            && !newer.lets(found.newer)
        {
            return Ok(Err(told(delivery.id, Deed::Overtaken, found.sentence())));
        }
        Ok(Ok(plan))
    }

    /// Nothing where something changed in between.
    async fn carry_out(&self, delivery: &Delivery, plan: Plan) -> Result<Option<Told>, Fault> {
        match self.ledger.commit(plan.batch).await {
            Ok(_) => Ok(Some(Told { instead: plan.instead, ..told(delivery.id, Deed::Done, plan.sentence) })),
            Err(fault) if fault.kind == FaultKind::Conflict => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The policy in force, as the ledger says it is. One that cannot be read changes nothing: the present one goes on.
    async fn in_force(&self) -> Result<(u64, Arc<Policy>), Fault> {
        let Some(InForce { number, version, .. }) = self.ledger.in_force().await? else {
            return Ok((0, self.book.current()));
        };
        let kept = self.book.kept(version).await?;
        Ok((number, kept.unwrap_or_else(|| self.book.current())))
    }
}

impl Operate {
    /// Whether a retry would go over a newer state.
    pub async fn would_go_over(&self, delivery: &Delivery) -> Result<Option<Overtaken>, Fault> {
        let record = self.record(delivery).await?;
        let event = record.as_ref().and_then(|record| record.entry.event());
        self.over(delivery, event, &self.book.current()).await
    }

    async fn over(&self, delivery: &Delivery, event: Option<&Event>, policy: &Policy) -> Result<Option<Overtaken>, Fault> {
        let Some(passing) = command::passing(delivery, event, policy) else { return Ok(None) };
        let repeat = event.map_or(Repeatable::State, |event| repeat_of(policy, event));
        let (journal, ledger) = (Arc::clone(&self.journal), Arc::clone(&self.ledger));
        let lookup = Lookup { journal, ledger, book: Arc::clone(&self.book) };
        let found = lookup.found(&passing).await?;
        Ok(found.map(|(newer, flow)| Overtaken { flow, newer, repeat }))
    }

    /// Where its bytes are. What cannot be read is told by the attempt.
    async fn record(&self, delivery: &Delivery) -> Result<Option<Arc<Record>>, Fault> {
        match self.journal.get(delivery.bytes_at).await {
            Err(fault) if fault.kind == FaultKind::Corrupt => Ok(None),
            read => read,
        }
    }
}

fn changed(delivery: DeliveryId) -> Told {
    told(delivery, Deed::Conflict, "it changed in between; look again".to_owned())
}

fn told(delivery: DeliveryId, result: Deed, sentence: String) -> Told {
    Told { delivery, result, instead: None, sentence }
}
