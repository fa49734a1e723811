//! Events and work of a store that nothing else made: unlike each other where real ones are, alike where they may be.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use engine::ports::{Clock, Waiting};
use model::event::DataAt;
use model::{
    AttemptResult, Batch, Change, Claim, Delivery, DeliveryId, DeliveryState, Digest, Entry, Event, EventId, EventType,
    Guard, LaneKey, Lease, NewEntry, Offset, OnDead, Origin, Outcome, Partition, PolicyVersion, Position, TimeSpan,
    Timestamp, arrival_id,
};

#[derive(Debug)]
pub(super) struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn not_before(&self, _at: Timestamp) {}

    fn wall(&self) -> Timestamp {
        self.now()
    }

    fn ran(&self) -> TimeSpan {
        self.now().since(Timestamp::EPOCH)
    }

    fn sleep(&self, span: TimeSpan) -> Waiting<'_> {
        Box::pin(tokio::time::sleep(span.to_duration()))
    }

    fn chance(&self) -> [u8; 10] {
        [7; 10]
    }
}

/// When the first of them came in: an hour ago, so that none of it has had its time.
fn began() -> Timestamp {
    static BEGAN: OnceLock<Timestamp> = OnceLock::new();
    *BEGAN.get_or_init(|| WallClock.now() - TimeSpan::from_secs(3_600))
}

/// A routing batch: deliveries with their first attempt, words, the count and the cursor.
pub(super) fn routed(from: u64, batch: u64) -> Batch {
    let to = Offset(from + batch);
    let cursor = Guard::Cursor { consumer: name("router"), partition: Partition(0), from: Offset(from), to };
    let mut routed = Batch::new().guard(cursor);
    for number in from..from + batch {
        let words = vec![format!("S{number}"), format!("C{}", number % 1_000), format!("T{number}")];
        let index = Change::Index { event: event_id(number), at: position(number), words };
        let claim = Claim { lease: lease(), at: Timestamp::NEVER };
        routed.changes.push(Change::Open { delivery: Box::new(delivery(number)), claim: Some(claim) });
        routed.changes.push(index);
    }
    routed.change(Change::Count { bucket: model::Bucket::Routed, origin: Origin::Live, entries: batch })
}

pub(super) fn settled(n: u64) -> Batch {
    let result = AttemptResult {
        ended_at: began() + TimeSpan::from_secs(1),
        outcome: Outcome::Accepted { status: 200 },
        output: Some(Digest::of(&n.to_be_bytes())),
        response: b"{\"ok\":true}".to_vec(),
        response_cut: false,
    };
    let state = DeliveryState::Done { at: began() + TimeSpan::from_secs(1) };
    let why = "the destination answered 200".to_owned();
    Batch::new().guard(Guard::Epoch { delivery: delivery_id(n), epoch: 1 }).change(Change::Settle {
        delivery: delivery_id(n),
        result,
        state,
        why,
    })
}

pub(super) fn name<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("names in here are good")
}

pub(super) fn arrival(n: u64) -> uuid::Uuid {
    let mut chance = [7; 10];
    chance[..8].copy_from_slice(&Digest::of(&n.to_be_bytes()).head::<8>());
    let millis = n / 20;
    arrival_id(began() + TimeSpan::from_millis(millis), chance)
}

pub(super) fn event_id(n: u64) -> EventId {
    EventId(arrival(n))
}

pub(super) fn delivery_id(n: u64) -> DeliveryId {
    DeliveryId::derive(arrival(n), &[b"orders-to-wms"])
}

pub(super) fn position(n: u64) -> Position {
    Position { partition: Partition(0), offset: Offset(n + 1) }
}

pub(super) fn lease() -> Lease {
    Lease { node: name("one"), incarnation: 1 }
}

pub(super) fn policy() -> PolicyVersion {
    PolicyVersion(Digest::of(b"policy"))
}

pub(super) fn entry(n: u64, body_bytes: usize) -> NewEntry {
    let mut body = format!(r#"{{"order":"S{n}","lines":["#).into_bytes();
    body.resize(body_bytes, b'1');
    let digest = Digest::of(&body);
    let event = Event {
        id: event_id(n),
        source: name("shop"),
        kind: EventType::new("sales.order.created.v1"),
        key: format!("evt_{:016x}", Digest::of(&n.to_le_bytes()).short()),
        digest,
        subject: Some(format!("order/S{n}")),
        time: Some(began()),
        received_at: began(),
        contract: None,
        ordering: Some(format!("order/S{n}")),
        correlation: format!("S{n}"),
        trace: None,
        identifiers: vec![model::Identifier { scheme: "order".to_owned(), value: format!("S{n}") }],
        origin: Origin::Live,
        attributes: BTreeMap::new(),
        body: body.into(),
        data: DataAt::Whole,
        content_type: "application/json".to_owned(),
    };
    NewEntry { partition: Partition(0), policy: policy(), emitted: None, entry: Entry::Admitted(event) }
}

pub(super) fn delivery(n: u64) -> Delivery {
    let now = began() + TimeSpan::from_micros(n * 50);
    Delivery {
        id: delivery_id(n),
        event: event_id(n),
        position: position(n),
        bytes_at: position(n),
        ranks_at: position(n),
        flow: name("orders-to-wms"),
        destination: name("wms"),
        lane: Some(LaneKey::new(&format!("order/S{n}"))),
        ordering: Some(LaneKey::new(&format!("order/S{n}"))),
        on_dead: OnDead::Hold,
        policy: policy(),
        origin: Origin::Live,
        replay: None,
        owner: name("fulfilment"),
        created_at: now,
        state: DeliveryState::Waiting { due: now },
        attempts: 0,
        round_base: 0,
        round_at: now,
        deadline: None,
        epoch: 0,
        lease: None,
        behind: false,
        output: None,
        why: String::new(),
        cause: String::new(),
        version: 0,
    }
}
