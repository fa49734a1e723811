//! What must hold in the end, by Odoo's own ledger: each order made once, with its lines made once, confirmed once, and no other.

use std::collections::BTreeMap;

use sim::odoo::{Deed, Odoo};

use super::shop::quantities;

/// LIMIT: sentences that are shown.
const SHOWN: usize = 20;

/// Broken promises.
pub(super) fn judge(odoo: &Odoo, orders: u64) -> Vec<String> {
    let mut failures = Vec::new();
    let mut confirmed: BTreeMap<i64, u64> = BTreeMap::new();
    let mut made: BTreeMap<&str, u64> = BTreeMap::new();
    for change in odoo.changes() {
        // Counting the stock before the run made moves without a transfer.
        let is_counted = change.model == "stock.move" && change.after.as_ref().is_some_and(|it| it.int("picking_id") == 0);
        if change.deed == Deed::Created && !is_counted {
            *made.entry(change.model).or_default() += 1;
        }
        let state = |record: &Option<std::sync::Arc<sim::odoo::Record>>| {
            record.as_ref().map(|record| record.get("state").text().to_owned()).unwrap_or_default()
        };
        if change.model == "sale.order" && state(&change.after) == "sale" && state(&change.before) != "sale" {
            *confirmed.entry(change.id).or_default() += 1;
        }
    }
    for (model, each) in [("sale.order", 1), ("sale.order.line", 2), ("stock.picking", 1), ("stock.move", 2)] {
        let (made, expected) = (made.get(model).copied().unwrap_or_default(), orders * each);
        if made != expected {
            failures.push(format!("{made} of {model} were made, and {expected} were wanted"));
        }
    }
    let lines = odoo.records("sale.order.line");
    let mut by_order: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for line in lines.values() {
        by_order.entry(line.int("order_id")).or_default().push(line.float("product_uom_qty"));
    }
    let mut by_reference: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (id, order) in odoo.records("sale.order") {
        by_reference.entry(order.get("client_order_ref").text().to_owned()).or_default().push(id);
    }
    for order in 1..=orders {
        let found = by_reference.remove(&format!("PO-{order}")).unwrap_or_default();
        let [id] = found.as_slice() else {
            failures.push(format!("order {order} is there {} times", found.len()));
            continue;
        };
        let wanted = quantities(order).map(|quantity| quantity as f64);
        if by_order.get(id).map(Vec::as_slice) != Some(&wanted[..]) {
            failures.push(format!("order {order} has the lines {:?}, and {wanted:?} were wanted", by_order.get(id)));
        }
        let times = confirmed.get(id).copied().unwrap_or_default();
        if times != 1 {
            failures.push(format!("order {order} was confirmed {times} times"));
        }
    }
    failures.extend(by_reference.keys().map(|reference| format!("nobody wanted the order {reference}")));
    failures.truncate(SHOWN);
    failures
}
