//! What the ledger took, batch by batch, as seen between the nodes and the store: deliveries with their rounds and
//! attempts, lanes in the order in which deliveries entered them, lives of nodes, cursors.

use std::collections::{BTreeMap, BTreeSet};

use model::change::Opened;
use model::{
    Batch, Change, Claim, Committed, Delivery, DeliveryId, DeliveryState, Digest, EventId, Guard, InForce, MemberVerdict,
    NodeName, Offset, Outcome, Partition, PolicyVersion, Position, ReplayId, ReplayState, TimeSpan, Timestamp,
};
use uuid::Uuid;

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
    /// Since when, in true time.
    pub since: TimeSpan,
    /// Attempts before the present round.
    pub round_base: u32,
    /// When the present round began.
    pub round_at: Timestamp,
    /// The policy that it keeps.
    pub policy: PolicyVersion,
    /// Its attempts, oldest first.
    pub attempts: Vec<Attempted>,
    /// Its latest entry into its lane.
    pub entry: Entry,
    /// When its destination had it, in true time.
    pub delivered: Option<TimeSpan>,
    /// Whether retention has removed its row.
    pub gone: bool,
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
    /// A delivery was opened that had been there before.
    Again(DeliveryId),
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
    /// Policies in the order in which they came into force.
    pub applications: Vec<InForce>,
    /// Batches that were taken.
    pub batches: u64,
    /// Since when at the earliest somebody had looked who let an event pass, corrected or as it was, that may go over nothing newer.
    pub let_pass: BTreeMap<EventId, TimeSpan>,
    /// Since when people ask for something that is not answered yet, by their names.
    pub asked: BTreeMap<&'static str, TimeSpan>,
    /// Where events came in that were kept for a person.
    came: BTreeMap<EventId, Position>,
    /// What was corrected, by its correction.
    corrected: BTreeMap<EventId, EventId>,
    /// Kept events that are open, with the place of their bytes.
    pub(super) kept: BTreeMap<EventId, Position>,
    /// Emitted entries that no router has seen, with the place of the bytes that they speak of.
    emitted: BTreeMap<Uuid, Position>,
    seen: BTreeSet<Uuid>,
    /// Running replays with the batch that ordered them, and the places of what they will send.
    replays: BTreeMap<ReplayId, (u64, Vec<Position>)>,
    /// Places of which somebody was told that they are there and stay, and after which batch.
    told: BTreeMap<Position, u64>,
    entries: Entry,
    /// The true time of the last batch.
    now: TimeSpan,
}

impl Work {
    /// Follows a batch that was taken; answers what happened, in order.
    pub fn follow(&mut self, batch: &Batch, committed: &Committed, now: TimeSpan) -> Vec<Step> {
        self.batches += 1;
        self.now = now;
        self.follow_corrections(batch);
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
                        it.policy = round.policy;
                    }
                    self.shift(*delivery, state, &mut steps);
                }
                Change::PutInForce(next) => self.applications.push((**next).clone()),
                Change::Expire { delivery, state, .. } => self.shift(*delivery, state, &mut steps),
                Change::Heartbeat { node, incarnation, .. } => {
                    self.lives.insert(node.clone(), Life { incarnation: *incarnation, seen: now });
                }
                other => self.follow_bytes(other),
            }
        }
        steps
    }

    /// What a person lets pass, unless it may go over a newer state.
    fn follow_corrections(&mut self, batch: &Batch) {
        let over = |change: &Change| matches!(change, Change::Audit(row) if row.action == "quarantine.over_newer");
        let may_go_over = batch.changes.iter().any(over);
        for change in &batch.changes {
            let Change::Emit { entry, .. } = change else { continue };
            let event = match &**entry {
                model::Entry::Resubmitted { of, event, .. } => {
                    self.corrected.insert(event.id, *of);
                    event.id
                }
                model::Entry::Released { of, .. } => *of,
                _ => continue,
            };
            if !may_go_over {
                self.let_pass.insert(event, self.looked_at(self.now));
            }
        }
    }

    /// When at the earliest a person looked who has something done now.
    pub fn looked_at(&self, now: TimeSpan) -> TimeSpan {
        self.asked.values().copied().min().unwrap_or(now)
    }

    /// Where the state of a delivery ranks: where its event came in, whatever became of it since.
    pub fn rank(&self, delivery: &Delivery) -> Position {
        let original = self.corrected.get(&delivery.event).and_then(|of| self.came.get(of));
        original.copied().unwrap_or(delivery.bytes_at)
    }

    /// Who needs which bytes besides deliveries.
    fn follow_bytes(&mut self, change: &Change) {
        match change {
            Change::Quarantine(row) => {
                self.kept.entry(row.event).or_insert(row.position);
                self.came.entry(row.event).or_insert(row.position);
            }
            Change::QuarantineMove { event, .. } => drop(self.kept.remove(event)),
            Change::Emit { id, entry, .. } => {
                if let Some(position) = entry.refers_to().filter(|_| !self.seen.contains(id)) {
                    self.emitted.insert(*id, position);
                }
            }
            Change::See { id } => {
                self.seen.insert(*id);
                self.emitted.remove(id);
            }
            Change::Replay { replay, members } if replay.state == ReplayState::Running => {
                let sent = members.iter().filter(|member| member.verdict == MemberVerdict::Send);
                self.replays.insert(replay.id, (self.batches, sent.map(|member| member.at).collect()));
            }
            Change::ReplayMove(replay) if replay.state != ReplayState::Running => drop(self.replays.remove(&replay.id)),
            Change::CancelReplay { replay, .. } => drop(self.replays.remove(replay)),
            _ => {}
        }
    }

    /// Somebody was told that what is at these places stays.
    pub fn kept_now(&mut self, places: impl Iterator<Item = Position>) {
        self.told.extend(places.map(|at| (at, self.batches)));
    }

    /// Whose bytes are still needed, and by whom. A replay needs what nobody needed before; what retention was removing
    /// just then it learns to be gone when it asks, and what it was told to be there stays.
    pub fn needed(&self) -> BTreeMap<Position, String> {
        let open = self.deliveries.values().filter(|it| !it.state.is_final());
        let deliveries = open.map(|it| (it.first.bytes_at, format!("the delivery {}", it.first.id)));
        let kept = self.kept.iter().map(|(event, at)| (*at, format!("the kept event {event}")));
        let emitted = self.emitted.iter().map(|(id, at)| (*at, format!("the emitted entry {id}")));
        let members = |(id, (ordered, places)): (&ReplayId, &(u64, Vec<Position>))| -> Vec<(Position, String)> {
            let was_told = |at: &&Position| self.told.get(at).is_some_and(|told| told >= ordered);
            places.iter().filter(was_told).map(|at| (*at, format!("the replay {id}"))).collect()
        };
        deliveries.chain(kept).chain(emitted).chain(self.replays.iter().flat_map(members)).collect()
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
            since: now,
            round_base: 0,
            round_at: delivery.round_at,
            policy: delivery.policy,
            attempts: Vec::new(),
            entry: self.entries,
            delivered: None,
            gone: false,
        };
        if self.deliveries.insert(id, followed).is_some() {
            steps.push(Step::Again(id));
        }
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
        it.since = self.now;
        if matches!(state, DeliveryState::Done { .. }) {
            it.delivered = Some(self.now);
        }
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
