//! Answers of `pull` in the form of the addon's README, and what becomes of each kind of row.

use engine::ports::Shape;
use serde_json::json;

use super::*;
use crate::odoo::fields::Fields;

fn version() -> Version {
    Version { major: 18, text: "18".to_owned() }
}

/// What is read of a package, which 19 calls otherwise.
fn wanted(reading: &Reading) -> BTreeMap<String, Wanted<'_>> {
    let about =
        json!({ "name": { "type": "char" }, "write_date": { "type": "datetime" }, "shipping_weight": { "type": "float" } });
    let there = "stock.quant.package".to_owned();
    let fields = Known::from([(there.clone(), Fields::from_answer(&about).unwrap())]);
    let name = Specified::new(reading, &there, &version(), &fields).reading;
    BTreeMap::from([(there, Wanted { model: "stock.package", reading, name, fields })])
}

fn reading() -> Reading {
    Reading { fields: [("name".to_owned(), None)].into() }
}

fn answer(change: impl FnOnce(&mut Value)) -> Option<Line> {
    let reading = reading();
    let wanted = wanted(&reading);
    let mut row = json!({
        "txid": 5_476, "id": 101, "event_id": "628eae40-dfbb-45b7-96a7-349010b013ff",
        "event_type": "crossdock.stock.quant.package.saved", "res_model": "stock.quant.package", "res_id": 20,
        "trigger": "saved", "reading": wanted["stock.quant.package"].name,
        "payload": { "id": 20, "name": false, "write_date": "2026-11-30 09:29:58" },
        "emitted_at": "2026-11-30T09:29:58.951114Z",
    });
    change(&mut row);
    line(&row, &wanted, &version())
}

#[test]
fn a_row_of_the_present_reading_is_the_record_in_our_form_under_our_name_of_its_model() {
    let line = answer(|_| {}).unwrap();
    assert_eq!((line.txid, line.model.as_str(), line.id), (5_476, "stock.package", 20));
    assert_eq!(line.began, formats::instant::rfc3339("2026-11-30T09:29:58Z").map(Timestamp::from_secs));
    let Said::Saved(row, shape) = line.said else { panic!("{line:?}") };
    assert_eq!(shape, Shape::Plain);
    let body = r#"{"model":"stock.package","id":20,"record":{"id":20,"name":null,"write_date":"2026-11-30T09:29:58Z"}}"#;
    assert_eq!(String::from_utf8_lossy(&row.body), body);
}

#[test]
fn every_other_row_tells_that_something_changed_or_is_gone() {
    type Case = (fn(&mut Value), Said);
    let cases: [Case; 6] = [
        (|row| row["reading"] = json!("of an earlier contract"), Said::Changed),
        (|row| row["reading"] = Value::Null, Said::Changed),
        (|row| row["payload"] = json!({ "id": 20, "_error": "too large" }), Said::Changed),
        (|row| row["trigger"] = json!("deleted"), Said::Deleted),
        (
            |row| {
                row["trigger"] = json!("deleted");
                row["reading"] = Value::Null;
                row["payload"] = json!({});
            },
            Said::Deleted,
        ),
        // An addon of before: it says neither.
        (
            |row| {
                let row = row.as_object_mut().unwrap();
                row.remove("reading");
                row.remove("trigger");
            },
            Said::Changed,
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(answer(change).map(|line| line.said), Some(expected));
    }
}

#[test]
fn a_row_that_cannot_be_told_apart_or_placed_is_no_answer_of_odoo() {
    let cases: [fn(&mut Value); 4] = [
        |row| row["event_id"] = json!("a\nb"),
        |row| row["event_id"] = Value::Null,
        |row| row["txid"] = json!("5476"),
        |row| row["res_id"] = Value::Null,
    ];
    for change in cases {
        assert_eq!(answer(change), None);
    }
}

#[test]
fn a_page_says_where_it_goes_on_what_is_held_back_and_what_is_lost() {
    let mut told = json!({
        "epoch": "f11a", "reset": false, "rows": [], "next": { "txid": 5_476, "id": 101 }, "has_more": true, "behind": 11,
        "held_back": 3, "fence": 5_497, "now": "2026-11-30T09:30:04.046185Z",
    });
    let read = page(&told, Vec::new()).unwrap();
    let place = |txid, id| Place { epoch: "f11a".to_owned(), txid, id };
    assert_eq!((&read.next, read.rest, read.held_back, read.fence), (&place(5_476, 101), Rest::More, 3, 5_497));
    assert_eq!((read.at.micros() % 1_000_000, &read.lost), (46_185, &None));
    told["lost"] = json!({ "rows": 2, "upto": { "txid": 9, "id": 4 } });
    assert_eq!(page(&told, Vec::new()).and_then(|read| read.lost), Some(Lost { lines: 2, upto: place(9, 4) }));
    told["next"] = Value::Null;
    assert_eq!(page(&told, Vec::new()), None);
}

#[test]
fn the_outbox_has_causes_and_repairs_of_its_own() {
    let said = |cause| Unread { of: Extent::System, cause, why: "w".to_owned(), help: "h" };
    for (cause, expected) in [("odoo_not_found", "no_outbox"), ("odoo_access", "no_outbox_right"), ("connect", "connect")] {
        let told = unread(said(cause));
        assert_eq!((told.cause, told.help.is_empty()), (expected, false));
    }
}
