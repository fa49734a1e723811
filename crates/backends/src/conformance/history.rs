//! Random batches: mostly such as rooms would commit, some that must be refused. The same seed gives the same history.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::ports::{Clock as _, DueQuery, Ledger as _};
use model::audit::version_of_tokens;
use model::change::{Round, Switch};
use model::{
    AuditId, Batch, Bucket, Change, Claim, Delivery, DeliveryId, DeliveryState, Digest, Entry, Guard, KeyedWrite, Known,
    LaneKey, Offset, OnDead, Origin, Outcome, Partition, Principal, QuarantineState, Replay, ReplayState, Scope, Seen,
    Telling, TimeSpan, Timestamp, Token, TokenId, Told, TransportError,
};

use super::clock::ManualClock;
use super::portrait::Subjects;
use super::sample::{
    ACCEPTED, BUSY, audit, delivery, delivery_id, emitted_id, ended, event_id, in_force, kept_answer, keyed, keyed_id,
    known, later, lease, member, name, owner, policy, position, quarantined, replay, replay_id, replayed,
};
use crate::memory::MemoryLedger;
use crate::random::Dice;

const DESTINATIONS: [&str; 3] = ["erp", "tms", "wms"];
const FLOWS: [&str; 2] = ["orders", "returns"];
const LANES: [&str; 3] = ["a", "b", "c"];
const NODES: [&str; 3] = ["one", "three", "two"];
const CONSUMERS: [&str; 2] = ["router", "watch"];
const SHARDS: [&str; 2] = ["destination/wms", "partition/0"];
const WHYS: [&str; 3] = ["", "it's \"so\"", "said a person"];
const CAPTURES: [&str; 2] = ["odoo", "odoo-test"];
const MODELS: [&str; 2] = ["sale.order", "stock.picking"];
const TELLINGS: [Telling; 3] = [Telling::Done, Telling::Begun, Telling::Refused];
const KINDS: u64 = 26;

/// A history in the making, and the ledger that has it as it should be.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) reference: Arc<MemoryLedger>,
    pub(crate) dice: Dice,
    clock: Arc<ManualClock>,
    /// How many deliveries were opened.
    opened: u64,
}

impl History {
    pub(crate) fn new(seed: u64, clock: &Arc<ManualClock>) -> Self {
        let reference = Arc::new(MemoryLedger::new(Arc::clone(clock) as _));
        Self { reference, dice: Dice::new(seed), clock: Arc::clone(clock), opened: 0 }
    }

    /// Lets some time pass, and makes the next batch.
    pub(crate) async fn next_batch(&mut self) -> Batch {
        self.clock.advance(TimeSpan::from_millis(self.dice.below(4_000)));
        let mut batch = Batch::new();
        if self.dice.one_in(3) {
            batch.guards.push(self.guard().await);
        }
        for _ in 0..=self.dice.below(3) {
            let change = self.change().await;
            batch.changes.push(change);
        }
        batch
    }

    /// All that the history can have touched, and a little more.
    pub(crate) fn subjects(&self) -> Subjects {
        let now = self.clock.now();
        let waiting = vec!["waiting".to_owned()];
        let queries = [
            model::view::DeliveryQuery::default(),
            model::view::DeliveryQuery { destination: Some(name("wms")), states: waiting, ..Default::default() },
            model::view::DeliveryQuery { replay: Some(replay_id(1)), flow: Some(name("orders")), ..Default::default() },
            model::view::DeliveryQuery {
                cause: Some("http_503".to_owned()),
                since: Some(super::sample::at(20)),
                ..Default::default()
            },
        ];
        Subjects {
            now,
            stale_before: now - TimeSpan::from_secs(20),
            deliveries: (0..=self.opened + 1).map(delivery_id).collect(),
            events: (0..=30).map(event_id).collect(),
            destinations: DESTINATIONS.iter().map(|text| name(text)).collect(),
            keys: LANES.iter().map(|text| LaneKey::new(text)).collect(),
            flows: FLOWS.iter().map(|text| name(text)).collect(),
            consumers: CONSUMERS.iter().map(|text| name(text)).collect(),
            partitions: vec![Partition(0), Partition(1), Partition(2)],
            policies: (0..6).map(policy).collect(),
            emitted: (0..30).map(emitted_id).collect(),
            replays: (0..6).map(replay_id).collect(),
            nodes: NODES.iter().map(|text| name(text)).collect(),
            tokens: (0..4_u64).map(|n| Digest::of(&n.to_be_bytes())).collect(),
            keyed: (0..7).map(keyed_id).collect(),
            captured: CAPTURES.iter().flat_map(|of| MODELS.map(|model| (name(of), model.to_owned()))).collect(),
            words: (0..8).map(|n| format!("word-{n}")).collect(),
            audited: vec![event_id(3).to_string(), delivery_id(3).to_string()],
            queries: queries.into(),
        }
    }

    fn pick(&mut self, of: &[&'static str]) -> &'static str {
        self.dice.pick(of).copied().expect("the lists are not empty")
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A time around now.
    fn around(&mut self) -> Timestamp {
        self.now() + TimeSpan::from_millis(self.dice.below(40_000)) - TimeSpan::from_secs(20)
    }

    fn number(&mut self) -> u64 {
        self.dice.below(self.opened + 2)
    }

    fn why(&mut self) -> String {
        self.pick(&WHYS).to_owned()
    }

    async fn change(&mut self) -> Change {
        match self.dice.below(KINDS) {
            0..=5 => self.open(),
            6..=8 => self.claim().await,
            9..=12 => self.settle().await,
            13..=15 => self.shift().await,
            16..=18 => self.entry_change(),
            19..=20 => self.emission(),
            21..=22 => self.capture(),
            _ => self.setting(),
        }
    }

    fn open(&mut self) -> Change {
        if self.dice.one_in(8) {
            return Change::Open { delivery: Box::new(delivery(self.number())), claim: None };
        }
        self.opened += 1;
        let lane = if self.dice.one_in(4) { None } else { Some(LaneKey::new(self.pick(&LANES))) };
        let opened = Delivery {
            event: event_id(self.dice.below(25)),
            bytes_at: position(15 + self.dice.below(15)),
            ranks_at: position(self.dice.below(30)),
            flow: name(self.pick(&FLOWS)),
            destination: name(self.pick(&DESTINATIONS)),
            ordering: self.dice.one_in(2).then(|| LaneKey::new(self.pick(&LANES))),
            lane,
            on_dead: if self.dice.one_in(2) { OnDead::Hold } else { OnDead::Pass },
            origin: Origin::ALL[usize::try_from(self.dice.below(3)).expect("below three")],
            replay: self.dice.one_in(4).then(|| replay_id(self.dice.below(5))),
            created_at: self.now(),
            state: DeliveryState::Waiting { due: self.around() },
            deadline: self.deadline(),
            ..delivery(self.opened)
        };
        let claim = self.dice.one_in(3).then(|| self.claim_now());
        Change::Open { delivery: Box::new(opened), claim }
    }

    fn claim_now(&mut self) -> Claim {
        Claim { lease: lease(self.pick(&NODES), 1 + self.dice.below(3)), at: self.now() }
    }

    async fn claim(&mut self) -> Change {
        let destination = name(self.pick(&DESTINATIONS));
        let query = DueQuery { destination, now: self.now(), all: 9, repeats: 9, without: BTreeSet::new() };
        let due = self.reference.due(query).await.expect("memory answers").rows;
        let ready = self.dice.pick(&due).map(|delivery| delivery.id);
        let id = ready.filter(|_| !self.dice.one_in(10)).unwrap_or_else(|| delivery_id(self.number()));
        Change::Claim { delivery: id, claim: self.claim_now() }
    }

    async fn settle(&mut self) -> Change {
        let leased = self.reference.orphans(Timestamp::NEVER, usize::MAX).await.expect("memory answers").rows;
        let open = self.dice.pick(&leased).map(|delivery| delivery.id);
        let id = open.filter(|_| !self.dice.one_in(10)).unwrap_or_else(|| delivery_id(self.number()));
        let (outcome, state) = match self.dice.below(5) {
            0 | 1 => (ACCEPTED, DeliveryState::Done { at: self.now() }),
            2 => (BUSY, DeliveryState::Waiting { due: self.around() }),
            3 => (Outcome::Unreached { error: TransportError::Timeout }, self.state()),
            _ => (Outcome::Unknown, self.state()),
        };
        let output = self.dice.one_in(2).then(|| Digest::of(&self.dice.draw().to_be_bytes()));
        let result = model::AttemptResult { output, ended_at: self.now(), ..ended(0, outcome) };
        Change::Settle { delivery: id, result, state, why: self.why() }
    }

    fn state(&mut self) -> DeliveryState {
        match self.dice.below(7) {
            0 => DeliveryState::Held { for_whom: owner() },
            1 => DeliveryState::DeadLettered { owner: name("finance") },
            2 => DeliveryState::Cancelled { by: Principal::new("ines") },
            3 => DeliveryState::Superseded { by: delivery_id(self.number()) },
            4 => DeliveryState::Done { at: self.now() },
            _ => DeliveryState::Waiting { due: self.around() },
        }
    }

    async fn shift(&mut self) -> Change {
        if self.dice.one_in(3) {
            return self.expire().await;
        }
        let new_round = self.dice.one_in(3).then(|| self.round());
        Change::Move { delivery: self.delivery_number(), state: self.state(), why: self.why(), new_round }
    }

    fn round(&mut self) -> Round {
        Round { at: self.now(), deadline: self.deadline(), policy: policy(self.dice.below(5)) }
    }

    fn deadline(&mut self) -> Option<Timestamp> {
        self.dice.one_in(2).then(|| self.around())
    }

    async fn expire(&mut self) -> Change {
        let overdue = self.reference.overdue(self.now(), usize::MAX).await.expect("memory answers").rows;
        let late = self.dice.pick(&overdue).map(|delivery| delivery.id);
        let delivery = late.filter(|_| !self.dice.one_in(10)).unwrap_or_else(|| delivery_id(self.number()));
        Change::Expire { delivery, at: self.now(), state: self.state(), why: self.why() }
    }

    fn delivery_number(&mut self) -> DeliveryId {
        delivery_id(self.number())
    }

    /// Changes about entries: counts, index, quarantine.
    fn entry_change(&mut self) -> Change {
        let origin = Origin::ALL[usize::try_from(self.dice.below(3)).expect("below three")];
        let event = self.dice.below(20);
        let (by, why) = (Principal::new("ines"), self.why());
        match self.dice.below(7) {
            0 => {
                let bucket = if self.dice.one_in(3) { Bucket::Unselected } else { Bucket::Routed };
                Change::Count { bucket, origin, entries: self.dice.below(9) }
            }
            1 => {
                let words = (0..self.dice.below(4)).map(|_| format!("word-{}", self.dice.below(7))).collect();
                Change::Index { event: event_id(event), at: position(event), words }
            }
            2 | 3 => Change::Quarantine(Box::new(model::QuarantineRow { origin, at: self.now(), ..quarantined(event) })),
            4 => Change::QuarantineMove { event: event_id(event), state: QuarantineState::Released { by, why } },
            5 => {
                let mut later = later(self.dice.below(4));
                later.event.received_at = self.now();
                Change::Attach { to: event_id(event), at: position(event), later: Box::new(later) }
            }
            _ => {
                let as_event = event_id(event + 20);
                Change::QuarantineMove { event: event_id(event), state: QuarantineState::Resubmitted { as_event, by, why } }
            }
        }
    }

    fn emission(&mut self) -> Change {
        let n = self.dice.below(25);
        let id = emitted_id(n);
        match self.dice.below(5) {
            0 | 1 => {
                let entry: Entry = replayed(n, self.dice.below(20));
                Change::Emit { id, partition: Partition(0), policy: policy(1), entry: Box::new(entry) }
            }
            2 => Change::Emitted { id },
            3 => Change::See { id },
            _ => {
                let of = if self.dice.one_in(2) { event_id(3).to_string() } else { delivery_id(3).to_string() };
                let row = audit(self.dice.below(40), &of);
                Change::Audit(model::AuditRow { id: AuditId(row.id.0), at: self.now(), ..row })
            }
        }
    }

    /// Changes about what stands beside events and deliveries.
    fn setting(&mut self) -> Change {
        let n = self.dice.below(5);
        let (by, why, at) = (Principal::new("ines"), self.why(), self.now());
        match self.dice.below(14) {
            0 => Change::StorePolicy { version: policy(n), files: vec![("flows/a.yaml".to_owned(), why)], at },
            1 | 2 => Change::Breaker { destination: name(self.pick(&DESTINATIONS)), state: format!("{{\"n\":{n}}}") },
            3 => Change::Switch { object: format!("flow/{n}"), switch: Switch { paused: self.dice.one_in(2), by, why, at } },
            4 => {
                let members = (0..4).map(|index| member(index, self.dice.one_in(3).then_some("not now"))).collect();
                Change::Replay { replay: Box::new(Replay { created_at: at, ..replay(n, 4) }), members }
            }
            5 => {
                let state = if self.dice.one_in(2) { ReplayState::Sent { at } } else { ReplayState::Running };
                Change::ReplayMove(Box::new(Replay { state, next: 2, ..replay(n, 4) }))
            }
            6 => Change::PutToken(Box::new(self.token(n.min(3)))),
            7 => Change::Heartbeat { node: name(self.pick(&NODES)), incarnation: 1 + self.dice.below(3), at },
            8 => Change::Heartbeat { node: name(self.pick(&NODES)), incarnation: 3, at },
            9 => Change::PutInForce(Box::new(in_force(n, at))),
            10 => {
                let answer = self.dice.one_in(2).then(|| kept_answer(n));
                Change::PutKeyed(Box::new(KeyedWrite { begun_at: at, answer, ..keyed(n, 1 + self.dice.below(3)) }))
            }
            11 => Change::ForgetKeyed { before: self.around() },
            12 => Change::CancelReplay { replay: replay_id(n), by },
            _ => {
                let (shard, node) = (self.pick(&SHARDS).to_owned(), name(self.pick(&NODES)));
                Change::TakeShard { shard, node, incarnation: 1 + self.dice.below(3) }
            }
        }
    }

    /// Changes of what is known of captured records.
    fn capture(&mut self) -> Change {
        let (source, model) = (name(self.pick(&CAPTURES)), self.pick(&MODELS).to_owned());
        match self.dice.below(5) {
            0..=2 => Change::Know { source, model, rows: (0..self.dice.below(5)).map(|_| self.known()).collect() },
            3 => Change::Forget { source, model, ids: (0..self.dice.below(4)).map(|_| self.dice.below(30)).collect() },
            _ => Change::Stand { source, text: format!("{{\"n\":{}}}", self.dice.below(99)) },
        }
    }

    fn known(&mut self) -> Known {
        let row = known(self.dice.below(30));
        Known {
            written_at: self.dice.one_in(2).then(|| self.around()),
            state: self.dice.one_in(2).then(|| self.why()),
            digest: if self.dice.one_in(3) { None } else { row.digest },
            seen: self.dice.pick(&[Seen::Shown, Seen::Shown, Seen::Closed, Seen::Hidden]).copied().unwrap_or(Seen::Shown),
            told: Told { telling: self.dice.pick(&TELLINGS).copied().unwrap_or_default(), ..row.told },
            ..row
        }
    }

    fn token(&mut self, n: u64) -> Token {
        Token {
            id: TokenId::derive(event_id(n).0, &[b"token"]),
            digest: Digest::of(&n.to_be_bytes()),
            name: format!("ci-{n}"),
            scopes: vec![Scope::Read],
            created_at: super::sample::at(n.cast_signed()),
            expires_at: Timestamp::NEVER,
            revoked_at: self.dice.one_in(2).then(|| self.now()),
        }
    }

    /// A guard that holds, but for one in six.
    async fn guard(&mut self) -> Guard {
        let off = u64::from(self.dice.one_in(6));
        let asked = self.delivery_number();
        let stored = self.reference.delivery(asked).await.expect("memory answers");
        match (self.dice.below(11), stored) {
            (0, Some(delivery)) => Guard::Epoch { delivery: delivery.id, epoch: delivery.epoch + off },
            (1, Some(delivery)) => Guard::DeliveryVersion { delivery: delivery.id, version: delivery.version + off },
            (2, _) => Guard::Life { node: name(self.pick(&NODES)), incarnation: 1 + self.dice.below(3) },
            (3, _) => {
                let write = keyed_id(self.dice.below(5));
                let stored = self.reference.keyed_write(write).await.expect("memory answers");
                Guard::KeyedTurn { write, turn: stored.map_or(0, |write| write.turn) + off }
            }
            (8, _) => {
                let write = keyed_id(self.dice.below(5));
                let there = self.reference.keyed_writes(write).await.expect("memory answers");
                Guard::KeyedRoom { write, most: there + 1 - off }
            }
            (4, _) => {
                let last = self.reference.in_force().await.expect("memory answers");
                Guard::InForce { number: last.map_or(0, |last| last.number) + off }
            }
            (5, _) => {
                let name = format!("ci-{}", self.dice.below(4));
                let tokens = self.reference.tokens().await.expect("memory answers");
                Guard::Tokens { version: version_of_tokens(&tokens, &name) + off, name }
            }
            (6, _) => {
                let source = name(self.pick(&CAPTURES));
                let stored = self.reference.standing(&source).await.expect("memory answers");
                Guard::Standing { source, version: stored.map_or(0, |standing| standing.version) + off }
            }
            (7, _) => Guard::Shard {
                shard: self.pick(&SHARDS).to_owned(),
                node: name(self.pick(&NODES)),
                incarnation: 1 + self.dice.below(3),
                stale_before: self.now() - TimeSpan::from_secs(self.dice.below(60)),
            },
            _ => {
                let (consumer, partition) = (name(self.pick(&CONSUMERS)), Partition(u16::from(self.dice.one_in(2))));
                let stands = self.reference.cursor(&consumer, partition).await.expect("memory answers");
                let from = Offset(stands.0 + off);
                Guard::Cursor { consumer, partition, from, to: Offset(from.0 + self.dice.below(9)) }
            }
        }
    }
}
