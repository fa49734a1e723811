//! Membership: a node shows itself and takes shards whose holder has gone. A shard is a wish to be the only one who
//! works on something; the guards of every commit are what keeps two holders from doing harm.
//!
//! A holder counts as gone when its heartbeat has not changed for so many looks of this node, so that a clock that jumps
//! declares nobody dead.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{Batch, Change, Fault, FaultKind, Guard, InForce, Lease, NodeName, TimeSpan, Timestamp};

use crate::board::Board;
use crate::book::Book;
use crate::observe::{Fact, Facts};
use crate::ports::{Clock, Journal, Ledger, Shard};
use crate::rules::pulse::Pulse;

/// What is stored was measured by the time of earlier lives and of other nodes. The clock begins no earlier than that, or
/// what they left to be done would wait until the machine's calendar is there again.
pub async fn resume_time(journal: &Arc<dyn Journal>, ledger: &Arc<dyn Ledger>, clock: &Arc<dyn Clock>) -> Result<(), Fault> {
    for holder in ledger.shards().await? {
        clock.not_before(holder.seen_at);
    }
    match journal.recent(None, 1).await {
        Ok(newest) => newest.iter().for_each(|record| clock.not_before(record.at)),
        // What cannot be read is told by whoever needs it, and keeps no life from beginning.
        Err(fault) if fault.kind == FaultKind::Corrupt => {}
        Err(fault) => return Err(fault),
    }
    Ok(())
}

/// Begins a new life of a node: its incarnation is one more than ever before, and its time is no earlier than it was.
pub async fn begin_life(ledger: &Arc<dyn Ledger>, node: &NodeName, clock: &Arc<dyn Clock>) -> Result<Lease, Fault> {
    let before = ledger.life(node).await?;
    if let Some(life) = before {
        clock.not_before(life.seen_at);
    }
    let incarnation = before.map_or(0, |life| life.incarnation) + 1;
    let heartbeat = Change::Heartbeat { node: node.clone(), incarnation, at: clock.now() };
    ledger.commit(Batch::new().change(heartbeat)).await?;
    Ok(Lease { node: node.clone(), incarnation })
}

/// The membership of a node.
#[derive(Debug)]
pub struct Membership {
    /// Whose partitions are worked on.
    pub journal: Arc<dyn Journal>,
    /// Where shards are.
    pub ledger: Arc<dyn Ledger>,
    /// The policies: their destinations are shards.
    pub book: Arc<Book>,
    /// What this node shares.
    pub board: Arc<Board>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where facts go.
    pub facts: Arc<Facts>,
    /// What was seen of other nodes.
    pub pulse: Pulse,
    /// The last heartbeat that this life tried to show.
    pub beat: Timestamp,
}

impl Membership {
    /// Shows this node, takes free shards, and learns what people paused and which policy holds.
    pub async fn turn(&mut self) -> Result<(), Fault> {
        let Lease { node, incarnation } = self.board.lease.clone();
        let at = self.next_beat();
        self.ledger.commit(Batch::new().change(Change::Heartbeat { node: node.clone(), incarnation, at })).await?;
        let holders = self.ledger.shards().await?;
        self.pulse.look(holders.iter().map(|shard| (shard.node.clone(), shard.seen_at)));
        // What another node makes due is due here at the same moment.
        for shard in &holders {
            self.clock.not_before(shard.seen_at);
        }
        let mut held = BTreeSet::new();
        for wanted in self.wanted() {
            if self.holds_or_takes(&wanted, &holders).await? {
                held.insert(wanted);
            }
        }
        // A node that holds nothing else answers people, and what it makes due lies in its time: the others have to see it.
        self.holds_or_takes(&format!("node/{node}"), &holders).await?;
        if held.len() != self.board.shards_held() {
            self.facts.emit(&Fact::Shards { held: held.len() });
        }
        self.board.set_shards(held);
        self.learn_switches().await?;
        self.learn_policy().await
    }

    async fn holds_or_takes(&self, wanted: &str, holders: &[Shard]) -> Result<bool, Fault> {
        let Lease { node, incarnation } = &self.board.lease;
        let holder = holders.iter().find(|shard| shard.shard == wanted);
        let ours = holder.is_some_and(|shard| shard.node == *node && shard.incarnation == *incarnation);
        Ok(ours || self.may_take(holder) && self.take(wanted, holder).await?)
    }

    /// Now, and never the same twice: a heartbeat that stands still says that the node is gone.
    fn next_beat(&mut self) -> Timestamp {
        self.beat = self.clock.now().max(self.beat + TimeSpan::from_micros(1));
        self.beat
    }

    fn wanted(&self) -> Vec<String> {
        let partitions = self.journal.partitions().into_iter().map(|partition| format!("partition/{}", partition.0));
        let present = self.book.current();
        let destinations = present.destinations.keys().map(Board::shard_of);
        partitions.chain(destinations).collect()
    }

    fn may_take(&self, holder: Option<&Shard>) -> bool {
        holder.is_none_or(|holder| holder.node == self.board.lease.node || self.pulse.is_gone(&holder.node))
    }

    async fn take(&self, shard: &str, holder: Option<&Shard>) -> Result<bool, Fault> {
        let Lease { node, incarnation } = self.board.lease.clone();
        let stale_before = holder.map_or(Timestamp::EPOCH, |holder| holder.seen_at + TimeSpan::from_micros(1));
        let guard = Guard::Shard { shard: shard.to_owned(), node: node.clone(), incarnation, stale_before };
        let change = Change::TakeShard { shard: shard.to_owned(), node, incarnation };
        match self.ledger.commit(Batch::new().guard(guard).change(change)).await {
            Ok(_) => Ok(true),
            Err(fault) if fault.kind == FaultKind::Conflict => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn learn_switches(&self) -> Result<(), Fault> {
        self.board.switches.learn(self.ledger.switches().await?);
        Ok(())
    }

    /// What another node applied is learnt here. A policy that cannot be read changes nothing: the present one goes on.
    async fn learn_policy(&self) -> Result<(), Fault> {
        let Some(InForce { number, version, .. }) = self.ledger.in_force().await? else { return Ok(()) };
        if self.book.has_reached(number) {
            return Ok(());
        }
        match self.book.at(version).await {
            Ok(policy) => self.book.adopt(number, policy),
            Err(fault) if fault.kind == FaultKind::Corrupt => {
                self.facts.tell_fault("membership", &fault, self.clock.now());
            }
            Err(fault) => return Err(fault),
        }
        Ok(())
    }
}
