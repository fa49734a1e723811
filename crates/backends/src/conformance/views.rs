//! The views: what people see of deliveries, events, causes, words, the feed and work.

use model::diagnostic::Place;
use model::limit::CAUSES_MAX;
use model::view::{Backlog, CauseGroup, DeliveryQuery, Found, QuarantineGroup, QuarantineQuery};
use model::{Batch, Change, Code, Delivery, DeliveryId, Diagnostic, EventId, Partition, Position, TimeSpan};

use super::fixture::LedgerFixture;
use super::sample::{
    ACCEPTED, BUSY, at, audit, claim, dead, delivery, delivery_id, done, event_id, held, in_lane, member, name, person,
    position, quarantined, replay, replay_id, waiting,
};
use super::steps::{open, settle, shift};

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("a_page_of_deliveries_obeys_every_filter", |it| Box::pin(a_page_of_deliveries_obeys_every_filter(it))),
    ("a_page_of_quarantine_obeys_every_filter", |it| Box::pin(a_page_of_quarantine_obeys_every_filter(it))),
    ("an_event_tells_its_whole_story", |it| Box::pin(an_event_tells_its_whole_story(it))),
    ("what_is_unknown_has_no_story", |it| Box::pin(what_is_unknown_has_no_story(it))),
    ("causes_group_what_waits_for_people", |it| Box::pin(causes_group_what_waits_for_people(it))),
    ("causes_group_what_is_in_quarantine", |it| Box::pin(causes_group_what_is_in_quarantine(it))),
    ("causes_are_so_many_and_the_largest", |it| Box::pin(causes_are_so_many_and_the_largest(it))),
    ("a_word_finds_its_events_last_first", |it| Box::pin(a_word_finds_its_events_last_first(it))),
    ("words_are_matched_whole_and_as_they_are", |it| Box::pin(words_are_matched_whole_and_as_they_are(it))),
    ("the_feed_tells_changes_in_the_order_of_commits", |it| Box::pin(the_feed_tells_changes_in_the_order_of_commits(it))),
    ("the_feed_is_read_in_pieces", |it| Box::pin(the_feed_is_read_in_pieces(it))),
    ("the_backlog_counts_work_by_destination_and_flow", |it| Box::pin(the_backlog_counts_work_by_destination_and_flow(it))),
    ("replays_come_newest_first_with_their_members", |it| Box::pin(replays_come_newest_first_with_their_members(it))),
];

impl LedgerFixture {
    /// The first rows that a question finds: a page may end short before it has them.
    async fn page(&self, mut query: DeliveryQuery) -> Vec<u64> {
        let mut found = Vec::new();
        loop {
            let page = self.views().deliveries(query.clone()).await.expect("the views read");
            found.extend(numbers(page.rows.iter().map(|delivery| delivery.id)));
            query.cursor = page.next;
            if query.cursor.is_none() || (query.limit > 0 && found.len() >= query.limit) {
                return found;
            }
        }
    }

    async fn quarantine_page(&self, mut query: QuarantineQuery) -> Vec<EventId> {
        let mut found = Vec::new();
        loop {
            let page = self.views().quarantine(query.clone()).await.expect("the views read");
            found.extend(page.rows.iter().map(|row| row.event));
            query.cursor = page.next;
            if query.cursor.is_none() || (query.limit > 0 && found.len() >= query.limit) {
                return found;
            }
        }
    }
}

fn numbers(ids: impl Iterator<Item = DeliveryId>) -> Vec<u64> {
    ids.filter_map(|id| (1..=40).find(|n| delivery_id(*n) == id)).collect()
}

async fn a_page_of_deliveries_obeys_every_filter(mut it: LedgerFixture) {
    for given in [
        delivery(1),
        Delivery { flow: name("returns"), ..delivery(2) },
        Delivery { destination: name("erp"), ..delivery(3) },
        Delivery { event: event_id(1), ..delivery(4) },
        Delivery { replay: Some(replay_id(1)), ..delivery(5) },
        delivery(6),
        delivery(7),
    ] {
        it.open(given).await;
    }
    it.claim(delivery_id(6), 50).await;
    it.settle(delivery_id(6), 51, BUSY, dead()).await;
    it.shift(delivery_id(7), held()).await;
    it.reopen().await;
    let any = DeliveryQuery::default;
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let cases: [(DeliveryQuery, &[u64]); 15] = [
        (any(), &[7, 6, 5, 4, 3, 2, 1]),
        (DeliveryQuery { states: words(&["waiting"]), ..any() }, &[5, 4, 3, 2, 1]),
        (DeliveryQuery { states: words(&["held", "dead_lettered"]), ..any() }, &[7, 6]),
        (DeliveryQuery { states: words(&["lost"]), ..any() }, &[]),
        (DeliveryQuery { flow: Some(name("returns")), ..any() }, &[2]),
        (DeliveryQuery { destination: Some(name("erp")), ..any() }, &[3]),
        (DeliveryQuery { event: Some(event_id(1)), ..any() }, &[4, 1]),
        (DeliveryQuery { replay: Some(replay_id(1)), ..any() }, &[5]),
        (DeliveryQuery { cause: Some("http_503".to_owned()), ..any() }, &[6]),
        (DeliveryQuery { since: Some(at(6)), ..any() }, &[7, 6]),
        (DeliveryQuery { until: Some(at(2)), ..any() }, &[1]),
        (DeliveryQuery { since: Some(at(2)), until: Some(at(5)), ..any() }, &[4, 3, 2]),
        (
            DeliveryQuery { since: Some(at(2)), states: words(&["waiting"]), destination: Some(name("wms")), ..any() },
            &[5, 4, 2],
        ),
        (DeliveryQuery { event: Some(event_id(1)), flow: Some(name("returns")), ..any() }, &[]),
        (DeliveryQuery { limit: 2, ..any() }, &[7, 6]),
    ];
    for (query, expected) in cases {
        assert_eq!(it.page(query.clone()).await, expected, "{query:?}");
    }
}

async fn a_page_of_quarantine_obeys_every_filter(it: LedgerFixture) {
    for n in 1..=4 {
        let source = name(if n == 2 { "portal" } else { "shop" });
        it.apply(Change::Quarantine(Box::new(model::QuarantineRow { source, ..quarantined(n) }))).await;
    }
    let closed = model::QuarantineState::Closed { by: person(), why: String::new() };
    it.apply(Change::QuarantineMove { event: event_id(3), state: closed }).await;
    let any = QuarantineQuery::default;
    let cases: [(QuarantineQuery, &[u64]); 5] = [
        (any(), &[4, 3, 2, 1]),
        (QuarantineQuery { states: vec!["open".to_owned()], ..any() }, &[4, 2, 1]),
        (
            QuarantineQuery { states: vec!["open".to_owned(), "closed".to_owned()], source: Some(name("shop")), ..any() },
            &[4, 3, 1],
        ),
        (QuarantineQuery { source: Some(name("nobody")), ..any() }, &[]),
        (QuarantineQuery { limit: 3, ..any() }, &[4, 3, 2]),
    ];
    for (query, expected) in cases {
        let events = it.quarantine_page(query.clone()).await;
        assert_eq!(events, expected.iter().map(|n| event_id(*n)).collect::<Vec<_>>(), "{query:?}");
    }
}

async fn an_event_tells_its_whole_story(it: LedgerFixture) {
    it.apply(Change::Quarantine(Box::new(quarantined(1)))).await;
    for given in
        [Delivery { event: event_id(1), ..delivery(3) }, Delivery { event: event_id(1), ..delivery(2) }, delivery(4)]
    {
        it.open(given).await;
    }
    it.claim(delivery_id(3), 5).await;
    it.settle(delivery_id(3), 6, BUSY, waiting(7)).await;
    it.claim(delivery_id(3), 8).await;
    let event = event_id(1).to_string();
    for (n, subject) in [(2, delivery_id(3).to_string()), (1, event.clone()), (3, delivery_id(4).to_string()), (4, event)] {
        it.apply(Change::Audit(audit(n, &subject))).await;
    }
    let early = model::AuditRow { at: at(0), ..audit(5, &event_id(1).to_string()) };
    it.apply(Change::Audit(early)).await;
    let story = it.views().event_story(event_id(1)).await.expect("the views read");
    assert_eq!(story.quarantine, Some(quarantined(1)));
    let told: Vec<_> = story.deliveries.iter().map(|one| (one.delivery.id, one.attempts.len())).collect();
    assert_eq!(told, [(delivery_id(2), 0), (delivery_id(3), 2)]);
    assert_eq!(story.deliveries[1].delivery, it.get(delivery_id(3)).await);
    let attempts: Vec<_> = story.deliveries[1].attempts.iter().map(|one| (one.no, one.result.is_some())).collect();
    assert_eq!(attempts, [(1, true), (2, false)]);
    let audited: Vec<_> = story.audit.iter().map(|row| row.at).collect();
    assert_eq!(audited, [at(0), at(1), at(2), at(4)], "of the event and of its deliveries, oldest first");
}

async fn what_is_unknown_has_no_story(it: LedgerFixture) {
    assert_eq!(it.views().delivery_story(delivery_id(1)).await.ok(), Some(None));
    assert_eq!(it.views().replay_story(replay_id(1)).await.ok(), Some(None));
    assert_eq!(it.views().event_story(event_id(1)).await.ok(), Some(model::view::EventStory::default()));
}

async fn causes_group_what_waits_for_people(it: LedgerFixture) {
    let fails = |n: u64, state| {
        let batch = Batch::new().change(Change::Open { delivery: Box::new(delivery(n)), claim: Some(claim(50)) });
        batch.change(settle(delivery_id(n), 51, BUSY, state))
    };
    for (n, state) in [(1, dead()), (2, dead()), (3, held()), (4, waiting(60)), (5, done(51)), (6, dead())] {
        it.commit(fails(n, state)).await;
    }
    it.open(Delivery { destination: name("erp"), ..delivery(7) }).await;
    it.shift(delivery_id(7), held()).await;
    let other = model::DeliveryState::DeadLettered { owner: name("finance") };
    it.commit(fails(8, other)).await;
    let groups = it.views().causes().await.expect("the views read");
    let first = CauseGroup {
        state: "dead_lettered".to_owned(),
        flow: name("orders"),
        destination: name("wms"),
        cause: "http_503".to_owned(),
        owner: super::sample::owner(),
        count: 3,
        oldest_at: at(1),
        newest_at: at(6),
        example: delivery_id(6),
        why: "settled at 51".to_owned(),
        samples: vec![position(6), position(2), position(1)],
    };
    assert_eq!(groups[0], first);
    let mut rest: Vec<_> =
        groups[1..].iter().map(|group| (group.state.as_str(), group.cause.as_str(), group.count)).collect();
    rest.sort_unstable();
    assert_eq!(rest, [("dead_lettered", "http_503", 1), ("held", "", 1), ("held", "http_503", 1)]);
}

async fn causes_group_what_is_in_quarantine(mut it: LedgerFixture) {
    for (n, source, code) in [(1, "shop", 704), (2, "portal", 704), (3, "shop", 701), (4, "shop", 704), (5, "shop", 704)] {
        it.apply(Change::Quarantine(Box::new(kept(n, source, code)))).await;
    }
    it.apply(Change::Quarantine(Box::new(kept(6, "shop", 704)))).await;
    let released = model::QuarantineState::Released { by: person(), why: String::new() };
    it.apply(Change::QuarantineMove { event: event_id(5), state: released }).await;
    it.reopen().await;
    let groups = it.views().quarantine_causes().await.expect("the views read");
    let first = QuarantineGroup {
        source: name("shop"),
        code: "H0704".to_owned(),
        owner: super::sample::owner(),
        count: 3,
        oldest_at: at(1),
        newest_at: at(6),
        example: event_id(6),
        reason: "message 6".to_owned(),
        samples: vec![position(6), position(4), position(1)],
    };
    assert_eq!(groups[0], first, "what a person has decided is not counted");
    let mut rest: Vec<_> =
        groups[1..].iter().map(|group| (group.source.as_str(), group.code.as_str(), group.count)).collect();
    rest.sort_unstable();
    assert_eq!(rest, [("portal", "H0704", 1), ("shop", "H0701", 1)]);
}

fn kept(n: u64, source: &str, code: u16) -> model::QuarantineRow {
    let reason = Diagnostic::error(Code(code), Place::Whole, format!("message {n}"));
    model::QuarantineRow { source: name(source), reasons: vec![reason], ..quarantined(n) }
}

async fn causes_are_so_many_and_the_largest(it: LedgerFixture) {
    let more = u16::try_from(CAUSES_MAX).expect("small") + 2;
    for code in 1..=more {
        let n = u64::from(code);
        it.apply(Change::Quarantine(Box::new(kept(n, "shop", code)))).await;
        it.open(Delivery { flow: name(&format!("flow-{code}")), ..delivery(n) }).await;
        it.shift(delivery_id(n), held()).await;
    }
    it.apply(Change::Quarantine(Box::new(kept(1_000, "shop", more)))).await;
    it.open(Delivery { flow: name(&format!("flow-{more}")), ..delivery(1_000) }).await;
    it.shift(delivery_id(1_000), held()).await;
    let (held, kept) = (it.views().causes().await, it.views().quarantine_causes().await);
    let (held, kept) = (held.expect("the views read"), kept.expect("the views read"));
    assert_eq!((held.len(), kept.len()), (CAUSES_MAX, CAUSES_MAX));
    assert_eq!((held[0].count, held[0].samples.len(), kept[0].count, kept[0].samples.len()), (2, 2, 2, 2));
}

async fn a_word_finds_its_events_last_first(mut it: LedgerFixture) {
    let index = |n: u64, words: &[&str]| Change::Index {
        event: event_id(n),
        at: position(n),
        words: words.iter().map(ToString::to_string).collect(),
    };
    for change in
        [index(2, &["S1", "C9"]), index(5, &["S1", "S1"]), index(3, &["C9", "S1"]), index(5, &["S1"]), index(4, &[])]
    {
        it.apply(change).await;
    }
    it.reopen().await;
    let found = |n: u64| Found { at: position(n), event: event_id(n) };
    let cases = [("S1", 10, vec![5, 3, 2]), ("S1", 2, vec![5, 3]), ("C9", 10, vec![3, 2]), ("C8", 10, vec![])];
    for (word, limit, expected) in cases {
        let expected: Vec<_> = expected.into_iter().map(found).collect();
        assert_eq!(it.views().lookup(word, limit).await.ok(), Some(expected), "{word}");
    }
    let elsewhere = Position { partition: Partition(3), ..position(1) };
    it.apply(Change::Index { event: event_id(9), at: elsewhere, words: vec!["S1".to_owned()] }).await;
    let first = it.views().lookup("S1", 1).await.expect("the views read");
    assert_eq!(first, [Found { at: elsewhere, event: event_id(9) }]);
}

async fn words_are_matched_whole_and_as_they_are(it: LedgerFixture) {
    let words = ["S1", "s1", "S1 ", "S_", "S%", "it's", "\"S1\"", "Grüße", "", "0001", "1", "1.0", "S1; --", "日本"];
    for (n, word) in (1..).zip(words) {
        it.apply(Change::Index { event: event_id(n), at: position(n), words: vec![word.to_owned()] }).await;
    }
    for (n, word) in (1..).zip(words) {
        let found = it.views().lookup(word, 10).await.expect("the views read");
        assert_eq!(found, [Found { at: position(n), event: event_id(n) }], "{word:?}");
    }
    assert_eq!(it.views().lookup("S", 10).await.ok(), Some(Vec::new()));
}

async fn the_feed_tells_changes_in_the_order_of_commits(mut it: LedgerFixture) {
    assert_eq!((it.views().feed_head().await.ok(), it.views().feed(0, 10).await.ok()), (Some(0), Some(Vec::new())));
    it.clock.set(at(3));
    it.open_with(in_lane(1, "a"), Some(claim(5))).await;
    it.open(in_lane(2, "a")).await;
    it.clock.advance(TimeSpan::from_secs(7));
    it.settle(delivery_id(1), 6, BUSY, waiting(7)).await;
    it.claim(delivery_id(1), 8).await;
    let both = Batch::new().change(settle(delivery_id(1), 9, ACCEPTED, done(9))).change(shift(delivery_id(2), held()));
    it.commit(both).await;
    it.refusal(Batch::new().change(open(delivery(3))).change(shift(delivery_id(9), held()))).await;
    it.reopen().await;
    let rows = it.views().feed(0, 10).await.expect("the views read");
    let told: Vec<_> =
        rows.iter().map(|row| (row.delivery, row.state.as_str(), row.attempts, row.at, row.why.as_str())).collect();
    let expected = [
        (delivery_id(1), "waiting", 1, at(3), ""),
        (delivery_id(2), "waiting", 0, at(3), ""),
        (delivery_id(1), "waiting", 1, at(10), "settled at 6"),
        (delivery_id(1), "done", 2, at(10), "settled at 9"),
        (delivery_id(2), "held", 0, at(10), "a person said so"),
    ];
    assert_eq!(told, expected, "a claim and a freed lane are no rows");
    let first = &rows[0];
    assert_eq!((&first.event, first.flow.as_str(), first.destination.as_str()), (&event_id(1), "orders", "wms"));
}

async fn the_feed_is_read_in_pieces(it: LedgerFixture) {
    for n in 1..=9 {
        it.open(delivery(n)).await;
    }
    let mut after = 0;
    let mut read = Vec::new();
    loop {
        let rows = it.views().feed(after, 4).await.expect("the views read");
        let Some(last) = rows.last() else { break };
        assert!(rows.len() <= 4 && rows.iter().all(|row| row.seq > after));
        after = last.seq;
        read.extend(rows.into_iter().map(|row| row.delivery));
    }
    assert_eq!((numbers(read.into_iter()), it.views().feed_head().await.ok()), ((1..=9).collect(), Some(after)));
}

async fn the_backlog_counts_work_by_destination_and_flow(it: LedgerFixture) {
    let to = |given: Delivery, destination: &str| Delivery { destination: name(destination), ..given };
    for given in [in_lane(3, "a"), in_lane(2, "a"), delivery(6), to(delivery(4), "erp"), to(delivery(5), "ant"), delivery(1)]
    {
        it.open(given).await;
    }
    it.claim(delivery_id(1), 50).await;
    it.claim(delivery_id(4), 50).await;
    it.shift(delivery_id(5), held()).await;
    it.shift(delivery_id(6), waiting(90)).await;
    it.open(Delivery { flow: name("returns"), ..delivery(7) }).await;
    let line = |(destination, flow): (&str, &str), waiting, leased, oldest: Option<i64>, next: Option<i64>| Backlog {
        flow: name(flow),
        destination: name(destination),
        waiting,
        leased,
        oldest_at: oldest.map(at),
        next_due: next.map(at),
    };
    let expected = [
        line(("erp", "orders"), 0, 1, None, None),
        line(("wms", "orders"), 3, 1, Some(2), Some(3)),
        line(("wms", "returns"), 1, 0, Some(7), Some(7)),
    ];
    assert_eq!(it.views().backlog().await.expect("the views read"), expected);
}

async fn replays_come_newest_first_with_their_members(it: LedgerFixture) {
    for n in [2, 1, 3] {
        let members: Vec<_> = (0..u32::try_from(n).expect("small")).map(|index| member(index, None)).collect();
        it.apply(Change::Replay { replay: Box::new(replay(n, 3)), members }).await;
    }
    let rows = it.views().replays(None, 10).await.map(|page| page.rows).ok();
    assert_eq!(rows, Some(vec![replay(3, 3), replay(2, 3), replay(1, 3)]));
    let story = it.views().replay_story(replay_id(2)).await.expect("the views read").expect("it is there");
    assert_eq!((story.replay, story.members), (replay(2, 3), vec![member(0, None), member(1, None)]));
}
