//! What a rule of Odoo's hides from our user: what the outbox tells of it all the same, what is asked after, and that one such record
//! holds up no other.

use engine::intake::capture::reconcile::standing::Mode;
use engine::nudges::Nudge;
use engine::ports::{Asked, Records as _, Which};
use serde_json::json;
use sim::odoo::Addon;

use crate::bed::{Bed, Kept, MEASURED, Product};

/// Orders of another company, more than are believed to be deleted at once.
const OTHERS: i64 = 150;

#[tokio::test]
async fn orders_of_another_company_are_hidden_and_not_deleted_and_what_is_deleted_is_told() {
    let bed = Bed::with(MEASURED[0], "from: outbox", "2m").await;
    bed.rules(&bed.specified().await.reading).await;
    let product = Product::start(&bed, Kept::InMemory);
    product.settle().await;
    let ours = bed.order("ours").await;
    let others: Vec<i64> = (ours + 1..=ours + OTHERS).collect();
    bed.odoo.hide("sale.order", &others);
    for id in &others {
        assert_eq!(bed.order("theirs").await, *id);
    }
    product.wait_for(1 + others.len()).await;
    // As by SQL: no row tells of it.
    bed.odoo.set_addon(Addon::Missing);
    bed.call("sale.order", "unlink", json!([[ours]])).await;
    bed.odoo.set_addon(Addon::Installed);
    let deleted = async || product.events().await.into_iter().find(|event| event.word == "deleted");
    let event = product.until("the deletion is told", deleted).await;
    assert_eq!((event.id, event.found.as_str()), (ours, "identities"));
    let hidden = async || Some(product.stands(&bed).await).filter(|(_, hidden)| *hidden == others.len() as u64);
    assert_eq!(product.until("all are known as hidden", hidden).await.0, None, "nothing is withheld");

    // Rows go on telling of them, and they stay hidden.
    bed.write(others[0], json!({ "client_order_ref": "theirs, changed" })).await;
    product.wait_for(others.len() + 3).await;
    let tally = product.reconcile(&bed, Mode::Recover).await;
    assert_eq!((tally.gaps(), tally.same > 0), (0, true), "{tally:?}");
    assert_eq!(product.events().await.len(), others.len() + 3);
    product.end().await;
    bed.end().await;
}

#[tokio::test]
async fn a_comparison_asks_after_what_is_missing_before_it_withholds() {
    let bed = Bed::new(MEASURED[1]).await;
    bed.rules(&bed.specified().await.reading).await;
    let product = Product::start(&bed, Kept::InMemory);
    product.settle().await;
    let mut ids = Vec::new();
    for _ in 0..OTHERS {
        ids.push(bed.order("theirs").await);
    }
    product.wait_for(ids.len()).await;
    bed.odoo.hide("sale.order", &ids);
    let tally = product.reconcile(&bed, Mode::Recover).await;
    assert_eq!((tally.withheld, tally.gone, product.stands(&bed).await.0), (0, 0, None), "{tally:?}");
    product.end().await;
    bed.end().await;
}

#[tokio::test]
async fn what_was_named_and_is_hidden_stays_named_and_is_told_once_it_is_shown() {
    let bed = Bed::with(MEASURED[0], "from: outbox", "2m").await;
    bed.rules("of an earlier contract").await;
    let product = Product::start(&bed, Kept::InMemory);
    product.settle().await;
    let ours = bed.order("ours").await;
    product.wait_for(1).await;
    bed.odoo.hide("sale.order", &[ours + 1]);
    let theirs = bed.order("theirs").await;
    bed.write(ours, json!({ "client_order_ref": "ours, changed" })).await;
    let hidden = async || product.board.pulls.all().into_iter().find(|(_, outlook)| outlook.hidden == 1);
    product.until("it is told that one is hidden", hidden).await;
    let events = product.wait_for(2).await;
    assert!(events.iter().all(|event| event.id == ours), "{events:?}");
    bed.odoo.show("sale.order");
    let events = product.wait_for(3).await;
    assert_eq!((events[2].id, events[2].reference.as_deref()), (theirs, Some("theirs")));
    let shown = async || product.board.pulls.all().into_iter().find(|(_, outlook)| outlook.hidden == 0);
    product.until("none is hidden", shown).await;
    product.end().await;
    bed.end().await;
}

#[tokio::test]
async fn one_record_that_leads_to_a_hidden_one_holds_up_no_other() {
    for version in MEASURED {
        let bed = Bed::with(version, "from: sweeps", "1m").await;
        let secret = bed.call("res.partner", "create", json!([{ "name": "Secret", "ref": "S" }])).await;
        let product = Product::start(&bed, Kept::InMemory);
        let source = "erp".parse().unwrap();
        let follows = async || {
            let standing = product.ledger.standing(&source).await.unwrap()?;
            standing.text.contains("following").then_some(())
        };
        product.until("the first look", follows).await;
        bed.odoo.hide("res.partner", &[secret.as_i64().unwrap()]);
        let hidden = bed.order("hidden").await;
        bed.write(hidden, json!({ "partner_id": secret })).await;
        // Sockets tell the date of this machine, which is none of this Odoo's: nudges tell of them, and identities find them.
        let nudge = |id: i64| {
            product.board.nudges.hear(&source, Nudge { model: "sale.order".to_owned(), id: id.unsigned_abs() });
        };
        nudge(hidden);
        nudge(bed.order("a").await);
        product.wait_for(1).await;
        let known = async || Some(product.stands(&bed).await).filter(|(_, hidden)| *hidden == 1);
        product.until("it is known as hidden", known).await;
        nudge(bed.order("b").await);
        let events = product.wait_for(2).await;
        let told: Vec<_> = events.iter().map(|event| event.reference.as_deref().unwrap()).collect();
        assert_eq!((told, product.board.gaps.all()), (vec!["a", "b"], vec![]), "{version:?}");
        bed.odoo.show("res.partner");
        let events = product.wait_for(3).await;
        assert_eq!((events[2].id, events[2].reference.as_deref()), (hidden, Some("hidden")));
        product.end().await;
        bed.end().await;
    }
}

#[tokio::test]
async fn a_page_that_is_refused_is_halved_until_the_one_stands_alone() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        let secret = bed.call("res.partner", "create", json!([{ "name": "Secret", "ref": "S" }])).await;
        let mut ids = Vec::new();
        for number in 0..64 {
            ids.push(bed.order(&format!("PO-{number}")).await.unsigned_abs());
        }
        let one = ids[40];
        bed.write(one.cast_signed(), json!({ "partner_id": secret })).await;
        bed.odoo.hide("res.partner", &[secret.as_i64().unwrap()]);
        let show = async |which: Which| {
            let before = bed.odoo.load().count("sale.order", "web_search_read");
            let asked = Asked { model: "sale.order".to_owned(), reading: bed.reading(), which, limit: 64 };
            let shown = bed.records.shown(&bed.peer, &asked).await.unwrap();
            let rows: Vec<u64> = shown.rows.iter().map(|row| row.id).collect();
            (rows, shown.closed, bed.odoo.load().count("sale.order", "web_search_read") - before)
        };
        let others: Vec<u64> = ids.iter().copied().filter(|id| *id != one).collect();
        assert_eq!(show(Which::These(ids)).await, (others, vec![one], 1 + 1 + 2 * 6), "{version:?}");
        assert_eq!(show(Which::These(vec![one])).await, (vec![], vec![one], 1 + 1), "{version:?}");
        bed.end().await;
    }
}
