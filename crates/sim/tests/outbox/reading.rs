//! What the adapter makes of the outbox: the form of other reads in both versions, and its refusals by their causes.

use std::collections::{BTreeMap, BTreeSet};

use adapters::odoo::Kept;
use engine::ports::{Absence, Asked, Extent, Line, Place, Pull, Pulled, Records as _, Said, Which};
use formats::signature::Secret;
use serde_json::json;
use sim::odoo::{Addon, Version};

use crate::bed::{Bed, MEASURED};

async fn pull(bed: &Bed, after: Option<&Place>) -> Pulled {
    let readings = BTreeMap::from([("sale.order".to_owned(), bed.reading())]);
    bed.records.pulled(&bed.peer, &Pull { after: after.cloned(), limit: 500, readings }).await.unwrap()
}

/// The lines of orders that tell something that was not told otherwise.
fn told(pulled: &Pulled) -> Vec<&Line> {
    let lines = pulled.lines.iter().filter(|line| line.model == "sale.order");
    lines.filter(|line| line.said != Said::Changed).collect()
}

#[tokio::test]
async fn a_line_is_what_a_read_of_the_record_would_show() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        bed.rules(&bed.specified().await.reading).await;
        let id = u64::try_from(bed.order("PO-1").await).unwrap();
        let pulled = pull(&bed, None).await;
        let lines = told(&pulled);
        let [Line { id: of, said: Said::Saved(row, _), .. }] = lines[..] else { panic!("{version:?} {pulled:?}") };
        let asked =
            Asked { model: "sale.order".to_owned(), reading: bed.reading(), which: Which::These(vec![id]), limit: 1 };
        let shown = bed.records.shown(&bed.peer, &asked).await.unwrap();
        assert_eq!((*of, row.body.clone()), (id, shown.rows[0].body.clone()), "{version:?}");
        assert_eq!(**row, shown.rows[0], "{version:?}");
        bed.end().await;
    }
}

#[tokio::test]
async fn a_change_below_the_record_tells_of_it_and_a_deletion_tells_that_it_is_gone() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        bed.rules(&bed.specified().await.reading).await;
        let id = bed.order("PO-1").await;
        let before = pull(&bed, None).await.next;
        let line = bed.call("sale.order.line", "search", json!([[["order_id", "=", id]]])).await[0].clone();
        bed.call("sale.order.line", "write", json!([[line], { "product_uom_qty": 5.0 }])).await;
        let pulled = pull(&bed, Some(&before)).await;
        let lines = told(&pulled);
        let [Line { said: Said::Saved(row, _), .. }] = lines[..] else { panic!("{version:?} {pulled:?}") };
        assert!(String::from_utf8_lossy(&row.body).contains(r#""product_uom_qty":5.0"#), "{row:?}");
        bed.call("sale.order", "unlink", json!([[id]])).await;
        let gone = pull(&bed, Some(&pulled.next)).await;
        assert!(!told(&gone).is_empty() && told(&gone).iter().all(|line| line.said == Said::Deleted), "{gone:?}");
        bed.end().await;
    }
}

#[tokio::test]
async fn what_another_reading_wrote_tells_only_that_the_record_changed() {
    let bed = Bed::new(MEASURED[1]).await;
    bed.rules("of an earlier contract").await;
    bed.order("PO-1").await;
    let pulled = pull(&bed, None).await;
    assert!(told(&pulled).is_empty() && !pulled.lines.is_empty(), "{pulled:?}");
    bed.end().await;
}

#[tokio::test]
async fn a_place_of_another_epoch_begins_anew_and_what_was_acknowledged_comes_no_more() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        bed.rules(&bed.specified().await.reading).await;
        bed.order("PO-1").await;
        let first = pull(&bed, None).await;
        bed.records.acknowledged(&bed.peer, "crossdock/erp", &first.next).await.unwrap();
        let held = bed.odoo.acknowledged("crossdock/erp").map(|(txid, id)| (txid.unsigned_abs(), id.unsigned_abs()));
        assert_eq!(held, Some((first.next.txid, first.next.id)));
        let kept = bed.order("PO-2").await;
        bed.odoo.restore();
        let anew = pull(&bed, Some(&first.next)).await;
        assert_ne!(anew.next.epoch, first.next.epoch);
        assert_eq!((anew.lines.len(), anew.next.txid), (0, 0));
        let again = pull(&bed, Some(&anew.next)).await;
        let ids: BTreeSet<u64> = again.lines.iter().filter(|line| line.model == "sale.order").map(|line| line.id).collect();
        assert_eq!(ids, BTreeSet::from([kept.unsigned_abs()]), "{version:?}");
        assert!(told(&again).is_empty(), "what is of an older epoch only names: {again:?}");
        bed.records.acknowledged(&bed.peer, "crossdock/erp", &first.next).await.unwrap();
        assert_eq!(bed.odoo.acknowledged("crossdock/erp"), None, "a place of another epoch says nothing");
        bed.end().await;
    }
}

#[tokio::test]
async fn without_the_addon_and_without_the_right_each_has_its_cause_and_repair() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        let ask = Pull { after: None, limit: 1, readings: BTreeMap::new() };
        bed.odoo.set_addon(Addon::Missing);
        let unread = bed.records.pulled(&bed.peer, &ask).await.unwrap_err();
        assert_eq!((unread.cause, unread.of), ("no_outbox", Extent::Model), "{version:?} {unread:?}");
        bed.odoo.set_addon(Addon::Installed);
        let user = bed.odoo.add_user("clerk", "secret", &["Sales/User: All Documents"]);
        let key = Secret::new(bed.odoo.issue_key(user, "clerk", None).into_bytes());
        let clerk = engine::ports::Peer { login: Some("clerk".to_owned()), key, ..bed.peer.clone() };
        let unread = bed.records.pulled(&clerk, &ask).await.unwrap_err();
        assert_eq!(unread.cause, "no_outbox_right", "{version:?} {unread:?}");
        assert!(unread.help.contains("Crossdock: read the outbox"), "{unread:?}");
        bed.end().await;
    }
}

#[tokio::test]
async fn what_the_outbox_tells_of_and_our_user_may_not_see_is_counted_where_the_addon_can() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        bed.rules(&bed.specified().await.reading).await;
        let ours = bed.order("theirs").await;
        let all = bed.odoo.records("sale.order").len() as u64;
        let asker = bed.asker();
        let session = asker.greet(&bed.peer).await.unwrap();
        let kept = async || asker.kept_from_us(&bed.peer, &session, &["sale.order", "res.partner"]).await.unwrap();
        let of_orders = |hidden| Some(vec![Kept { model: "sale.order".to_owned(), told: all, hidden }]);
        assert_eq!(kept().await, of_orders(0), "{version:?}");
        bed.odoo.hide("sale.order", &[ours]);
        assert_eq!(kept().await, of_orders(1), "{version:?}");
        bed.odoo.set_addon(Addon::Before);
        assert_eq!(kept().await, None, "{version:?}");
        bed.end().await;
    }
}

#[tokio::test]
async fn what_is_gone_is_told_from_what_is_hidden_and_few_hidden_ones_take_few_calls() {
    for version in Version::ALL {
        let bed = Bed::new(version).await;
        let mut ids = Vec::new();
        for number in 0..40 {
            ids.push(bed.order(&format!("PO-{number}")).await);
        }
        let asked: Vec<u64> = ids.iter().map(|id| id.unsigned_abs()).collect();
        let missing = async |asked: &[u64]| {
            let before = bed.odoo.load().count("sale.order", "read");
            let mut absent = bed.records.missing(&bed.peer, "sale.order", asked).await.unwrap();
            absent.sort_unstable_by_key(|(id, _)| *id);
            (absent, bed.odoo.load().count("sale.order", "read") - before)
        };
        bed.call("sale.order", "unlink", json!([ids[..30]])).await;
        let gone: Vec<_> = asked[..30].iter().map(|id| (*id, Absence::Gone)).collect();
        assert_eq!(missing(&asked[..30]).await, (gone.clone(), 1), "{version:?}");

        bed.odoo.hide("sale.order", &ids[30..31]);
        let mixed: Vec<_> = gone.iter().copied().chain([(asked[30], Absence::Hidden)]).collect();
        assert_eq!(missing(&asked[..31]).await, (mixed, 1 + 7), "{version:?}");

        bed.odoo.hide("sale.order", &ids[30..]);
        let hidden: Vec<_> = asked[30..].iter().map(|id| (*id, Absence::Hidden)).collect();
        assert_eq!(missing(&asked[30..]).await, (hidden, 1 + 4 + 9), "{version:?}");
        assert_eq!(missing(&asked[..1]).await.0, [(asked[0], Absence::Gone)], "{version:?}");
        bed.end().await;
    }
}
