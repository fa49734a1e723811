//! Reading: the domain language, paging by key, grouping, nested reads, what fields there are by version, and what a read
//! costs.

use serde_json::{Value as Json, json};
use sim::odoo::{Options, Version};

use crate::bed::{Bed, MEASURED};

fn partners(bed: &Bed) -> Vec<i64> {
    [("Alpha", "A1"), ("Beta", "B1"), ("Gamma", "A2")]
        .map(|(name, number)| bed.create("res.partner", json!({ "name": name, "ref": number })))
        .into()
}

#[test]
fn domains_find_what_they_say() {
    let bed = Bed::new(Version::V18);
    let ids = partners(&bed);
    let all = json!(ids);
    let child = bed.create("res.partner", json!({ "name": "Child", "parent_id": ids[0] }));
    let [a, b, c] = ids[..] else { panic!("three") };
    for (domain, expected) in [
        (json!([["id", "in", all], ["ref", "=like", "A%"]]), vec![a, c]),
        (json!([["id", "in", all], ["name", "ilike", "ETA"]]), vec![b]),
        (json!([["id", "in", all], ["name", "like", "ETA"]]), vec![]),
        (json!(["&", ["id", "in", all], "|", ["ref", "=", "A1"], ["ref", "=", "B1"]]), vec![a, b]),
        (json!([["id", "in", all], "!", ["ref", "=", "A1"]]), vec![b, c]),
        (json!([["id", ">", a], ["id", "<=", c]]), vec![b, c]),
        (json!([["id", ">=", a], ["id", "not in", [b, child]], ["id", "!=", c]]), vec![a]),
        (json!([["parent_id.ref", "=", "A1"]]), vec![child]),
        (json!([["parent_id", "=", a]]), vec![child]),
        (json!([["child_ids.name", "=", "Child"]]), vec![a]),
        (json!([["parent_id", "!=", false]]), vec![child]),
        (json!([["email", "=", false], ["id", "in", all]]), vec![a, b, c]),
        (json!([["write_date", ">=", "2026-03-02T00:00:00Z"], ["id", "in", [a]]]), vec![a]),
        (json!([["write_date", ">", "2027-01-01"]]), vec![]),
        (json!([[0, "=", 1]]), vec![]),
    ] {
        assert_eq!(bed.search("res.partner", domain.clone()), expected, "{domain}");
    }
    for domain in [json!([["nope", "=", 1]]), json!(["&"]), json!([["id", "~", 1]]), json!([["write_date", ">", "soon"]])] {
        let failure = bed.refused("res.partner", "search", json!([domain]), json!({}));
        assert_eq!(failure.name(), "builtins.ValueError", "{domain}");
    }
}

#[test]
fn archived_records_are_found_only_by_who_asks() {
    let bed = Bed::new(Version::V19);
    let id = bed.create("res.partner", json!({ "name": "Old", "active": false }));
    assert!(bed.search("res.partner", json!([["name", "=", "Old"]])).is_empty());
    assert_eq!(bed.search("res.partner", json!([["name", "=", "Old"], ["active", "in", [true, false]]])), [id]);
    let tested = |test: bool| json!({ "context": { "active_test": test } });
    let count = |test| bed.call("res.partner", "search_count", json!([[["name", "=", "Old"]]]), tested(test));
    assert_eq!((count(false), count(true)), (json!(1), json!(0)));
}

#[test]
fn write_dates_are_cut_to_seconds_and_found_by_their_microseconds() {
    let bed = Bed::new(Version::V18);
    bed.run(bed.sleep(1));
    let id = bed.create("res.partner", json!({ "name": "A" }));
    let date = bed.read("res.partner", id, &["write_date"]);
    assert_eq!(date, "2026-03-02 09:00:00");
    assert_eq!(bed.search("res.partner", json!([["write_date", ">", date]])), [id]);
    assert_eq!(bed.search("res.partner", json!([["write_date", ">", "2026-03-02 09:00:00.001000"]])), [0; 0]);
}

#[test]
fn pages_orders_and_counts_agree() {
    let bed = Bed::with(&Options { records: 25, ..Options::new(Version::V19) });
    let page = |after: i64| {
        let named = json!({ "fields": ["name"], "limit": 10, "order": "id" });
        let rows = bed.call("sale.order", "search_read", json!([[["id", ">", after]]]), named);
        rows.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!([page(0).len(), page(10).len(), page(20).len(), page(25).len()], [10, 10, 5, 0]);
    let count = |domain: Json| bed.call("sale.order", "search_count", json!([domain]), json!({}));
    assert_eq!(count(json!([])), 25);
    assert_eq!(count(json!([["id", ">", 10], ["id", "<=", 20]])), 10);
    let down = bed.call("sale.order", "search", json!([[]]), json!({ "order": "write_date desc, id desc", "limit": 2 }));
    assert_eq!(down, json!([25, 24]));
    let offset = bed.call("sale.order", "search", json!([[]]), json!({ "offset": 23 }));
    assert_eq!(offset, json!([24, 25]));
}

#[test]
fn pages_by_time_and_id_come_in_order_whoever_looks() {
    let bed = Bed::with(&Options { records: 6, ..Options::new(Version::V18) });
    for id in [4, 2, 5] {
        bed.run(bed.sleep(1_500));
        bed.call("sale.order", "write", json!([[id], { "origin": "x" }]), json!({}));
    }
    let named = json!({ "order": "write_date, id", "limit": 4 });
    let after = json!([
        "|",
        ["write_date", ">", "2026-03-02 09:00:00"],
        "&",
        ["write_date", "=", "2026-03-02 09:00:00"],
        ["id", ">", 1]
    ]);
    for (domain, expected) in [
        (json!([]), json!([1, 3, 6, 4])),
        (after, json!([3, 6, 4, 2])),
        (json!([["write_date", ">=", "2026-03-02 09:00:03"]]), json!([2, 5])),
        (json!([["write_date", ">=", "2026-03-02 09:00:03"], ["id", "<", 5]]), json!([2])),
    ] {
        assert_eq!(bed.call("sale.order", "search", json!([domain]), named.clone()), expected, "{domain}");
    }
    let mut open = bed.odoo.begin();
    bed.run(bed.sleep(1_500));
    bed.call("sale.order", "write", json!([[3], { "origin": "x" }]), json!({}));
    let seen = open.call("sale.order", "search", &json!([[]]), &named);
    assert_eq!(seen, Ok(json!([1, 3, 6, 4])), "a transaction stays with what it saw");
    assert_eq!(bed.call("sale.order", "search", json!([[]]), named), json!([1, 6, 4, 2]));
}

#[test]
fn groups_are_counted_as_the_version_does() {
    let bed = Bed::with(&Options { records: 3, ..Options::new(Version::V18) });
    let rows = bed.call("sale.order", "read_group", json!([[], ["__count"], ["write_date:day"]]), json!({ "lazy": false }));
    assert_eq!(rows[0]["__count"], 3);
    assert_eq!(rows[0]["write_date:day"], "2026-03-02");
    let failure = bed.refused("sale.order", "formatted_read_group", json!([[]]), json!({}));
    assert_eq!(failure.name(), "builtins.AttributeError");
    let bed = Bed::with(&Options { records: 3, ..Options::new(Version::V19) });
    let rows = bed.call("sale.order", "formatted_read_group", json!([[], ["state"], ["__count"]]), json!({}));
    assert_eq!(rows, json!([{ "state": "draft", "__count": 3, "__extra_domain": [] }]));
}

#[test]
fn each_version_has_its_fields() {
    let old = Bed::new(Version::V18);
    let new = Bed::new(Version::V19);
    for (model, was, is) in [
        ("sale.order.line", Some("product_uom"), Some("product_uom_id")),
        ("sale.order.line", Some("tax_id"), Some("tax_ids")),
        ("sale.order.line", Some("route_id"), Some("route_ids")),
        ("purchase.order.line", Some("product_uom"), Some("product_uom_id")),
        ("purchase.order.line", Some("taxes_id"), Some("tax_ids")),
        ("stock.picking", Some("group_id"), Some("reference_ids")),
        ("stock.picking", Some("move_ids_without_package"), None),
        ("stock.move", Some("name"), Some("description_picking_manual")),
        ("mrp.production", Some("lot_producing_id"), Some("lot_producing_ids")),
        ("mrp.production", Some("procurement_group_id"), Some("production_group_id")),
        ("sale.order", Some("procurement_group_id"), Some("stock_reference_ids")),
        ("purchase.order", Some("notes"), Some("note")),
        ("purchase.order", None, Some("locked")),
        ("res.partner", Some("mobile"), None),
        ("stock.location", Some("scrap_location"), None),
    ] {
        let has = |bed: &Bed, name: &str| !bed.call(model, "fields_get", json!([[name]]), json!({}))[name].is_null();
        for (name, on_old) in was.map(|name| (name, true)).into_iter().chain(is.map(|name| (name, false))) {
            assert_eq!((has(&old, name), has(&new, name)), (on_old, !on_old), "{model}.{name}");
        }
    }
    let states =
        |bed: &Bed| bed.call("mrp.workorder", "fields_get", json!([["state"]]), json!({ "attributes": ["selection"] }));
    assert_eq!(states(&old)["state"]["selection"][0][0], "pending");
    assert_eq!(
        states(&new)["state"],
        json!({ "selection": [["blocked", "Blocked"], ["ready", "Ready"], ["progress", "In Progress"], ["done", "Finished"], ["cancel", "Cancelled"]] })
    );
}

#[test]
fn a_sweep_over_many_unchanged_records_is_cheap() {
    let bed = Bed::with(&Options { records: 20_000, ..Options::new(Version::V18) });
    let before = bed.odoo.load();
    for range in 0..20 {
        let domain = json!([["id", ">", range * 1_000], ["id", "<=", (range + 1) * 1_000]]);
        assert_eq!(bed.call("sale.order", "search_count", json!([domain]), json!({})), 1_000);
    }
    let since = json!([["write_date", ">", "2026-03-02 09:00:01"]]);
    assert!(bed.search("sale.order", since).is_empty());
    let after = bed.odoo.load();
    assert_eq!((after.total() - before.total(), after.rows, after.ids), (21, 0, 0));
}

#[test]
fn the_load_on_odoo_is_counted() {
    for version in MEASURED {
        let bed = Bed::with(&Options { records: 40, ..Options::new(version) });
        let before = bed.odoo.load();
        bed.answer(&bed.execute("sale.order", "search_read", json!([[]]), json!({ "fields": ["name"], "limit": 30 })));
        bed.answer(&bed.execute("sale.order", "search", json!([[]]), json!({})));
        let after = bed.odoo.load();
        assert_eq!(after.requests - before.requests, 2);
        assert_eq!((after.rows - before.rows, after.ids - before.ids), (30, 40));
        assert_eq!(after.count("sale.order", "search_read"), 1);
        assert_eq!(after.total() - before.total(), 2);
    }
}

#[test]
fn what_is_gone_is_answered_for_its_id_and_one_that_is_hidden_refuses_all() {
    for version in Version::ALL {
        let bed = Bed::new(version);
        let [shown, hidden, gone] = partners(&bed)[..] else { panic!("three") };
        bed.call("res.partner", "unlink", json!([[gone]]), json!({}));
        bed.odoo.hide("res.partner", &[hidden]);
        let read = |ids: &[i64], fields: Json| {
            let named = json!({ "fields": fields });
            bed.run(bed.odoo.call("res.partner", "read", json!([ids]), named)).map_err(|failure| failure.name())
        };
        assert_eq!(read(&[gone, shown], json!(["id"])), Ok(json!([{ "id": gone }, { "id": shown }])), "{version:?}");
        let stored = read(&[gone, shown], json!(["write_date"])).unwrap();
        assert_eq!((stored.as_array().unwrap().len(), &stored[0]["id"]), (1, &json!(shown)), "{version:?}");
        assert_eq!(read(&[gone], json!(["write_date"])), Ok(json!([])), "{version:?}");
        for fields in [json!(["id"]), json!(["write_date"])] {
            assert_eq!(read(&[gone, hidden, shown], fields), Err("odoo.exceptions.AccessError"), "{version:?}");
        }
        assert_eq!(bed.search("res.partner", json!([["id", "in", [shown, hidden, gone]]])), [shown]);
        bed.odoo.show("res.partner");
        assert_eq!(bed.search("res.partner", json!([["id", "in", [shown, hidden, gone]]])), [shown, hidden]);
    }
}
