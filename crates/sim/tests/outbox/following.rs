//! Capture from the outbox, from the Odoo to the journal: exact order, nothing missed, nothing twice, and what happens when the
//! outbox itself is another one, has lost something, or tells without showing.

use std::collections::BTreeMap;

use serde_json::json;

use crate::bed::{Bed, Event, Kept, MEASURED, Product, committed};

fn by_record(events: &[Event]) -> BTreeMap<i64, Vec<Option<String>>> {
    let mut all: BTreeMap<i64, Vec<Option<String>>> = BTreeMap::new();
    for event in events {
        all.entry(event.id).or_default().push(event.reference.clone());
    }
    all
}

#[tokio::test]
async fn every_committed_state_is_an_event_once_and_in_order_over_both_stores() {
    for (version, kept) in [(MEASURED[0], Kept::InMemory), (MEASURED[1], Kept::InFiles)] {
        let bed = Bed::new(version).await;
        bed.rules(&bed.specified().await.reading).await;
        let product = Product::start(&bed, kept);
        product.settle().await;
        assert_eq!(product.events().await, [], "what was there is known and no event");
        let from = bed.odoo.changes().last().map_or(0, |change| change.sequence);
        // A late committer, whose rows come before those of the transactions that overtook it.
        let mut late = bed.odoo.begin();
        late.write("sale.order", &[1], &json!({ "client_order_ref": "late" })).unwrap();
        let order = bed.order("a").await;
        bed.write(order, json!({ "client_order_ref": "b" })).await;
        bed.write(order, json!({ "client_order_ref": "a" })).await;
        bed.write(order, json!({ "client_order_ref": "b" })).await;
        let mut undone = bed.odoo.begin();
        undone.write("sale.order", &[2], &json!({ "client_order_ref": "never" })).unwrap();
        late.commit().await.unwrap();
        undone.roll_back().await;
        bed.write(order, json!({ "state": "cancel", "client_order_ref": "c" })).await;
        bed.call("sale.order", "unlink", json!([[order]])).await;
        let expected = committed(&bed.odoo, from);
        let events = product.wait_for(expected.values().map(Vec::len).sum()).await;
        assert_eq!(by_record(&events), expected, "{version:?}");
        assert!(events.iter().all(|event| event.found == "outbox"), "{events:?}");
        let words: Vec<&str> = events.iter().filter(|it| it.id == order).map(|it| it.word.as_str()).collect();
        assert_eq!(words, ["draft", "changed", "changed", "changed", "cancel", "deleted"]);
        product.until("what is committed here is acknowledged", async || bed.odoo.acknowledged("crossdock/erp")).await;
        product.end().await;
        bed.end().await;
    }
}

#[tokio::test]
async fn a_rule_that_shows_nothing_makes_the_record_be_read() {
    let bed = Bed::new(MEASURED[0]).await;
    bed.rules("of an earlier contract").await;
    let product = Product::start(&bed, Kept::InMemory);
    product.settle().await;
    let order = bed.order("a").await;
    let events = product.wait_for(1).await;
    assert_eq!((events[0].id, events[0].found.as_str(), events[0].word.as_str()), (order, "outbox", "draft"));
    product.end().await;
    bed.end().await;
}

#[tokio::test]
async fn another_epoch_makes_no_event_twice_and_all_contents_are_compared() {
    let bed = Bed::new(MEASURED[1]).await;
    bed.rules(&bed.specified().await.reading).await;
    let product = Product::start(&bed, Kept::InFiles);
    product.settle().await;
    let order = bed.order("a").await;
    product.wait_for(1).await;
    let asked = || bed.odoo.load().count("sale.order", "web_search_read");
    let before = asked();
    bed.odoo.restore();
    bed.write(order, json!({ "client_order_ref": "b" })).await;
    let events = product.wait_for(2).await;
    let references: Vec<_> = events.iter().filter(|it| it.id == order).map(|it| it.reference.as_deref()).collect();
    assert_eq!(references, [Some("a"), Some("b")], "{events:?}");
    product.until("all contents are read", async || (asked() > before).then_some(())).await;
    product.end().await;
    bed.end().await;
}

#[tokio::test]
async fn lost_lines_are_told_and_made_up_for_by_a_comparison() {
    let bed = Bed::new(MEASURED[0]).await;
    bed.rules(&bed.specified().await.reading).await;
    let product = Product::start(&bed, Kept::InMemory);
    product.settle().await;
    // A transaction that stays open holds back what is written after it: time to lose it.
    let mut open = bed.odoo.begin();
    open.write("sale.order", &[1], &json!({ "client_order_ref": "never" })).unwrap();
    let order = bed.order("lost").await;
    let held_back = async || product.board.pulls.all().into_iter().find(|(_, outlook)| outlook.held_back.is_some());
    product.until("it is seen that something is held back", held_back).await;
    bed.odoo.lose(10_000);
    open.roll_back().await;
    let events = product.wait_for(1).await;
    assert_eq!((events[0].id, events[0].reference.as_deref()), (order, Some("lost")), "{events:?}");
    assert_ne!(events[0].found, "outbox", "a comparison finds it");
    let made_up = async || product.board.pulls.all().into_iter().find(|(_, outlook)| outlook.lost.is_none());
    product.until("it is made up for", made_up).await;
    product.end().await;
    bed.end().await;
}
