//! The router's loop: read records above the cursor, decide, commit deliveries and cursor together, hand over what was
//! claimed in the same commit. It never appends to the journal, and never sends.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::change::Opened;
use model::limit::READ_RECORDS_MAX;
use model::{
    Change, Claim, Consumer, Delivery, DeliveryId, DeliveryState, Fault, FaultKind, Offset, Partition, PolicyVersion, Record,
};
use policy::Policy;
use tokio::sync::mpsc;

use super::decide::{self, From, Routable};
use crate::board::{Board, Claimed, Handover};
use crate::book::Book;
use crate::drive::{self, Stop, Turn};
use crate::newer;
use crate::observe::{Fact, Facts};
use crate::ports::{Clock, Journal, Ledger};
use crate::rules::gate::Slot;

/// The router of one partition.
#[derive(Debug)]
pub struct Router {
    /// Where records are read.
    pub journal: Arc<dyn Journal>,
    /// Where deliveries are written.
    pub ledger: Arc<dyn Ledger>,
    /// The policies.
    pub book: Arc<Book>,
    /// What this node shares.
    pub board: Arc<Board>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where facts go.
    pub facts: Arc<Facts>,
    /// Where claimed deliveries go, by destination.
    pub handovers: mpsc::Sender<Handover>,
    /// Which partition.
    pub partition: Partition,
    /// When to stop.
    pub stop: Stop,
    /// Where it stands, as of its last commit; `None` when that has to be read.
    pub at: Option<Standing>,
}

/// Where a router stands.
#[derive(Clone, Debug)]
pub struct Standing {
    offset: Offset,
    /// The number of the application in force, and its policy.
    in_force: u64,
    present: Arc<Policy>,
}

/// Policies by version.
type Policies = BTreeMap<PolicyVersion, Option<Arc<Policy>>>;

/// The name of the router's cursor.
pub fn consumer() -> Consumer {
    Consumer::new("router").expect("a literal name")
}

impl Router {
    /// The name of a partition's shard.
    pub fn shard_of(partition: Partition) -> String {
        format!("partition/{}", partition.0)
    }

    /// Routes the next records, if there are any.
    pub async fn turn(&mut self) -> Result<Turn, Fault> {
        if !self.board.holds(&Self::shard_of(self.partition)) {
            self.at = None;
            return Ok(Turn::Idle);
        }
        let standing = match self.at.take() {
            Some(standing) => standing,
            None => self.standing().await?,
        };
        let records = self.journal.read(self.partition, standing.offset, READ_RECORDS_MAX).await?;
        if records.is_empty() {
            self.at = Some(standing);
            return Ok(Turn::Idle);
        }
        if records.len() == READ_RECORDS_MAX {
            self.board.pressure.behind();
        }
        let policies = self.policies(&records).await?;
        let (routables, seen) = self.gather(records, &policies).await?;
        let mut routed = decide::route(&standing.present, &routables, &seen);
        let (to, count) = (routed.to, routed.records);
        let deliveries = std::mem::take(&mut routed.deliveries);
        let from = From { partition: self.partition, offset: standing.offset, in_force: standing.in_force };
        let batch = decide::batch(routed, &consumer(), from);
        match self.commit(batch, deliveries, count).await {
            Ok(()) => self.at = Some(Standing { offset: to, ..standing }),
            // Another policy was applied since, or another node routed them: where it stands is read again.
            Err(fault) if fault.kind == FaultKind::Conflict => {}
            Err(fault) => return Err(fault),
        }
        Ok(Turn::Worked)
    }

    async fn standing(&self) -> Result<Standing, Fault> {
        let offset = self.ledger.cursor(&consumer(), self.partition).await?;
        let Some(last) = self.ledger.in_force().await? else {
            return Ok(Standing { offset, in_force: 0, present: self.book.current() });
        };
        let present = self.book.kept(last.version).await?.unwrap_or_else(|| self.book.current());
        Ok(Standing { offset, in_force: last.number, present })
    }

    async fn gather<'p>(
        &self,
        records: Vec<Arc<Record>>,
        policies: &'p Policies,
    ) -> Result<(Vec<Routable<'p>>, Vec<uuid::Uuid>), Fault> {
        let emitted: Vec<uuid::Uuid> = records.iter().filter_map(|record| record.emitted).collect();
        let seen = if emitted.is_empty() { Vec::new() } else { self.ledger.seen(emitted).await? };
        let mut routables = Vec::with_capacity(records.len());
        for record in records {
            let referred = match record.entry.refers_to() {
                Some(position) => self.journal.get(position).await?,
                None => None,
            };
            let judged_by = policies.get(&record.policy).and_then(Option::as_deref);
            let ranks_at = newer::rank_of(&*self.ledger, referred.as_deref().unwrap_or(&record)).await?;
            routables.push(Routable { record, referred, judged_by, ranks_at });
        }
        Ok((routables, seen))
    }

    /// The policies that judged records; none where it cannot be read any more.
    async fn policies(&self, records: &[Arc<Record>]) -> Result<Policies, Fault> {
        let mut policies = Policies::new();
        for record in records {
            let version = record.policy;
            if policies.contains_key(&version) {
                continue;
            }
            let kept = self.book.kept(version).await?;
            if kept.is_none() {
                self.facts.tell_unreadable(None, &[format!("the policy {}, which judged records", version.short())]);
            }
            policies.insert(version, kept);
        }
        Ok(policies)
    }

    /// Commits a batch with its deliveries, claiming those that have a slot now, and hands these over.
    async fn commit(
        &self,
        mut batch: model::Batch,
        deliveries: Vec<(Delivery, Arc<Record>)>,
        records: usize,
    ) -> Result<(), Fault> {
        let now = self.clock.now();
        let present = self.book.current();
        let mut slots: Vec<Option<Slot>> = Vec::with_capacity(deliveries.len());
        for (delivery, _) in &deliveries {
            let paused = self.board.switches.is_paused(&format!("flow/{}", delivery.flow));
            let waits = matches!(delivery.state, DeliveryState::Waiting { .. });
            let destination = present.destinations.get(&delivery.destination).filter(|_| waits && !paused);
            let slot = destination.and_then(|destination| self.board.enter_fresh(destination, now).ok());
            let claim = slot.as_ref().map(|_| Claim { lease: self.board.lease.clone(), at: now });
            batch.changes.push(Change::Open { delivery: Box::new(delivery.clone()), claim });
            slots.push(slot);
        }
        let wanted: Vec<DeliveryId> = deliveries.iter().map(|(delivery, _)| delivery.id).collect();
        self.board.question(wanted.iter().copied());
        let answer = self.ledger.commit(batch).await;
        let ended = match answer {
            Ok(committed) => {
                self.facts.emit(&Fact::Routed { records, deliveries: deliveries.len() });
                self.hand_over_all(deliveries, slots, committed.opened).await;
                Ok(())
            }
            Err(fault) if fault.kind == FaultKind::Unavailable => {
                match self.resolve(&deliveries).await {
                    Ok(opened) => self.hand_over_all(deliveries, slots, opened).await,
                    // What was claimed is found by the next life.
                    Err(_) => self.give_back(&deliveries, slots),
                }
                // Whether the cursor moved is read again.
                Err(fault)
            }
            Err(fault) => {
                self.give_back(&deliveries, slots);
                Err(fault)
            }
        };
        self.board.settle(wanted);
        ended
    }

    async fn hand_over_all(&self, deliveries: Vec<(Delivery, Arc<Record>)>, slots: Vec<Option<Slot>>, opened: Vec<Opened>) {
        for (((delivery, record), slot), opened) in deliveries.into_iter().zip(slots).zip(opened) {
            self.hand_over(delivery, record, slot, opened).await;
        }
    }

    async fn hand_over(&self, delivery: Delivery, record: Arc<Record>, slot: Option<Slot>, opened: Opened) {
        match (slot, opened) {
            (Some(slot), Opened::Claimed(epoch)) => {
                let (delivery, claim) = (Box::new(delivery), Claimed::Surely(epoch));
                let handover = Handover { delivery, claim, record: Some(record), slot };
                self.board.hand_over(&self.handovers, handover, self.clock.now()).await;
            }
            (Some(slot), Opened::Existing | Opened::Behind | Opened::Ready) => {
                self.board.leave_unused(&delivery.destination, &slot, self.clock.now());
            }
            (None, _) => {}
        }
    }

    /// After an unavailable store it is not known whether the batch was applied. Asks until it is, or until the process is
    /// told to stop.
    async fn resolve(&self, deliveries: &[(Delivery, Arc<Record>)]) -> Result<Vec<Opened>, Fault> {
        let mut opened = Vec::with_capacity(deliveries.len());
        for (delivery, _) in deliveries {
            let found = drive::insist(&*self.clock, Some(&self.stop), || self.ledger.delivery(delivery.id)).await?;
            opened.push(self.opened(found));
        }
        Ok(opened)
    }

    fn opened(&self, found: Option<Delivery>) -> Opened {
        let ours = |delivery: &Delivery| {
            delivery.lease.as_ref() == Some(&self.board.lease)
                && delivery.attempts == 1
                && matches!(delivery.state, DeliveryState::Waiting { .. })
        };
        match found {
            Some(delivery) if ours(&delivery) => Opened::Claimed(delivery.epoch),
            Some(_) | None => Opened::Existing,
        }
    }

    fn give_back(&self, deliveries: &[(Delivery, Arc<Record>)], slots: Vec<Option<Slot>>) {
        for ((delivery, _), slot) in deliveries.iter().zip(slots) {
            if let Some(slot) = slot {
                self.board.leave_unused(&delivery.destination, &slot, self.clock.now());
            }
        }
    }
}
