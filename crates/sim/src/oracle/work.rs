//! What the ledger took, batch by batch, as seen between the nodes and the store: deliveries with their rounds and
//! attempts, lanes in the order in which deliveries entered them, lives of nodes, cursors.

use std::collections::BTreeMap;

use model::change::Opened;
use model::{
    Batch, Change, Claim, Committed, Delivery, DeliveryId, DeliveryState, Digest, Guard, NodeName, Offset, Outcome,
    Partition, TimeSpan, Timestamp,
};

/// The place of a delivery in its lane, over all lanes: the order in which deliveries entered.
pub type Entry = u64;

/// A delivery and what became of it.
#[derive(Clone, Debug)]
pub struct Followed {
    /// As it was opened.
    pub first: Delivery,
    /// Its lane.
    pub lane: Option<Digest>,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts before the present round.
    pub round_base: u32,
    /// When the present round began.
    pub round_at: Timestamp,
    /// Its attempts, oldest first.
    pub attempts: Vec<Attempted>,
    /// Its latest entry into its lane.
    pub entry: Entry,
}

/// An attempt.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// The claim that opened it.
    pub claim: Claim,
    /// When it was opened, in true time.
    pub opened: TimeSpan,
    /// When the delivery had been due.
    pub due: Timestamp,
    /// The entry into the lane that it belongs to.
    pub entry: Entry,
    /// Whether it is still open.
    pub open: bool,
    /// Whether it was declared lost.
    pub lost: bool,
    /// How often it arrived.
    pub arrivals: u32,
}

/// The latest life of a node, as it showed itself to the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// Which life.
    pub incarnation: u64,
    /// When it was last seen, in true time.
    pub seen: TimeSpan,
}

/// What happened to the work in one batch, for checkers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A delivery entered a lane.
    Entered(DeliveryId),
    /// An attempt was opened.
    Claimed(DeliveryId),
    /// An attempt was declared lost.
    Lost(DeliveryId),
}

/// All that the ledger took.
#[derive(Debug, Default)]
pub struct Work {
    /// Deliveries.
    pub deliveries: BTreeMap<DeliveryId, Followed>,
    /// Deliveries by lane, in the order of their first entry.
    pub lanes: BTreeMap<Digest, Vec<DeliveryId>>,
    /// The latest life of each node.
    pub lives: BTreeMap<NodeName, Life>,
    /// Where cursors stand.
    pub cursors: BTreeMap<(String, Partition), Offset>,
    /// Batches that were taken.
    pub batches: u64,
    entries: Entry,
}

impl Work {
    /// Follows a batch that was taken; answers what happened, in order.
    pub fn follow(&mut self, batch: &Batch, committed: &Committed, now: TimeSpan) -> Vec<Step> {
        self.batches += 1;
        for guard in &batch.guards {
            if let Guard::Cursor { consumer, partition, to, .. } = guard {
                self.cursors.insert((consumer.as_str().to_owned(), *partition), *to);
            }
        }
        let mut opened = committed.opened.iter();
        let mut steps = Vec::new();
        for change in &batch.changes {
            match change {
                Change::Open { delivery, claim } => {
                    let opened = opened.next().copied().unwrap_or(Opened::Existing);
                    self.open((delivery, claim.as_ref()), opened, now, &mut steps);
                }
                Change::Claim { delivery, claim } => self.claim(*delivery, claim, now, &mut steps),
                Change::Settle { delivery, result, state, .. } => {
                    if result.outcome == Outcome::Unknown {
                        steps.push(Step::Lost(*delivery));
                    }
                    self.settle(*delivery, state, result.outcome == Outcome::Unknown, &mut steps);
                }
                Change::Move { delivery, state, new_round, .. } => {
                    if let (Some(it), Some(round)) = (self.deliveries.get_mut(delivery), new_round) {
                        it.round_base = u32::try_from(it.attempts.len()).unwrap_or(u32::MAX);
                        it.round_at = round.at;
                    }
                    self.shift(*delivery, state, &mut steps);
                }
                Change::Expire { delivery, state, .. } => self.shift(*delivery, state, &mut steps),
                Change::Heartbeat { node, incarnation, .. } => {
                    self.lives.insert(node.clone(), Life { incarnation: *incarnation, seen: now });
                }
                _ => {}
            }
        }
        steps
    }

    fn open(
        &mut self,
        (delivery, claim): (&Delivery, Option<&Claim>),
        opened: Opened,
        now: TimeSpan,
        steps: &mut Vec<Step>,
    ) {
        if opened == Opened::Existing {
            return;
        }
        let (id, lane) = (delivery.id, delivery.lane_digest());
        self.entries += 1;
        let followed = Followed {
            first: delivery.clone(),
            lane,
            state: delivery.state.clone(),
            round_base: 0,
            round_at: delivery.round_at,
            attempts: Vec::new(),
            entry: self.entries,
        };
        self.deliveries.insert(id, followed);
        if let Some(lane) = lane {
            self.lanes.entry(lane).or_default().push(id);
            steps.push(Step::Entered(id));
        }
        if let (Some(claim), Opened::Claimed(_)) = (claim, opened) {
            self.claim(id, claim, now, steps);
        }
    }

    fn claim(&mut self, id: DeliveryId, claim: &Claim, now: TimeSpan, steps: &mut Vec<Step>) {
        let Some(it) = self.deliveries.get_mut(&id) else { return };
        let due = match it.state {
            DeliveryState::Waiting { due } => due,
            _ => Timestamp::NEVER,
        };
        let entry = it.entry;
        it.attempts.push(Attempted { claim: claim.clone(), opened: now, due, entry, open: true, lost: false, arrivals: 0 });
        steps.push(Step::Claimed(id));
    }

    fn settle(&mut self, id: DeliveryId, state: &DeliveryState, lost: bool, steps: &mut Vec<Step>) {
        if let Some(attempt) = self.deliveries.get_mut(&id).and_then(|it| it.attempts.last_mut()) {
            attempt.open = false;
            attempt.lost = lost;
        }
        self.shift(id, state, steps);
    }

    /// A delivery that left its lane and blocks it again enters at the end.
    fn shift(&mut self, id: DeliveryId, state: &DeliveryState, steps: &mut Vec<Step>) {
        let Some(it) = self.deliveries.get_mut(&id) else { return };
        let enters = !it.state.blocks_lane(it.first.on_dead) && state.blocks_lane(it.first.on_dead);
        it.state = state.clone();
        if enters && it.lane.is_some() {
            self.entries += 1;
            it.entry = self.entries;
            steps.push(Step::Entered(id));
        }
    }

    /// The deliveries of a lane.
    pub fn lane(&self, lane: Digest) -> impl Iterator<Item = (DeliveryId, &Followed)> {
        let ids = self.lanes.get(&lane).into_iter().flatten();
        ids.filter_map(|id| Some((*id, self.deliveries.get(id)?)))
    }
}
