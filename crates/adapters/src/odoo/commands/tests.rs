//! Commands step by step: what each needs next, what it is given, and how it ends. No Odoo, no clock.

use model::outcome::Refusal;
use serde_json::{Value, json};

use super::named::Named;
use super::seen::{Holds, Need, Refused, Seen};
use super::*;
use crate::odoo::version::Version;

/// A step: what is needed in a few words, and what is given.
type Given = (&'static str, Result<Value, Failure>);

fn told(need: &Need) -> String {
    match need {
        Need::Read(call) => format!("read {}", call.model),
        Need::Lookup(call) => format!("lookup {}", call.model),
        Need::Named(external, Holds::UntilChanged) => format!("read {external}"),
        Need::Named(external, Holds::Throughout) => format!("lookup {external}"),
        Need::Fields(model) => format!("fields {model}"),
        Need::Change(name, call) => {
            let context = if call.context.is_empty() { String::new() } else { format!(" {}", json!(call.context)) };
            format!("{name}: {}.{}{context}", call.model, call.method)
        }
        Need::Refuse(Refused::Ours { refusal, again, .. }) => format!("{} {again:?}", refusal.word()),
        Need::Refuse(Refused::Theirs(failure)) => format!("theirs {:?}", failure.again()),
    }
}

/// Gives a command what it needs, in this order, and looks how it ends: with `done`, or with a refusal.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "documents are made where they are used")]
fn check(major: u32, document: Value, given: Vec<Given>, end: &str) {
    let (document, plan) = command(document.to_string().as_bytes()).unwrap_or_else(|need| panic!("{}", told(&need)));
    let mut seen = Seen::new(Version { major, text: major.to_string() }, "dlv_1");
    for (expected, value) in given {
        let Err(need) = plan(&document, &seen) else { panic!("it is done before {expected}") };
        assert_eq!(told(&need), expected);
        match (need, value) {
            (Need::Read(call), Ok(value)) => seen.was_read(*call, value),
            (Need::Lookup(call), Ok(value)) => seen.was_looked_up(*call, value),
            (Need::Named(external, holds), told) => seen.was_named(external, holds, named::answer(told).unwrap()),
            (Need::Fields(model), Ok(value)) => {
                seen.fields.insert(model, Fields::from_answer(&value).unwrap());
            }
            (Need::Change(name, _), value) => seen.was_changed(name, value),
            (need, value) => panic!("{} cannot be given {value:?}", told(&need)),
        }
    }
    let ended = plan(&document, &seen).map_or_else(|need| told(&need), |_| "done".to_owned());
    assert_eq!(ended, end);
}

fn rule() -> Failure {
    Failure::Said { refusal: Refusal::Rule, name: "odoo.exceptions.UserError".to_owned(), message: "no".to_owned() }
}

/// What is said of an external id that is not there.
fn nothing() -> Result<Value, Failure> {
    let (name, message) = ("builtins.ValueError".to_owned(), "in any language".to_owned());
    Err(Failure::Said { refusal: Refusal::Mistake, name, message })
}

fn confirm() -> Value {
    json!({ "command": "confirm", "model": "sale.order", "record": { "id": 4 } })
}

fn in_state(state: &str) -> Given {
    ("read sale.order", Ok(json!([{ "id": 4, "name": "S4", "state": state }])))
}

const CONFIRMS: &str = "confirm: sale.order.action_confirm";

#[test]
fn the_state_decides_and_no_return_value() {
    check(18, confirm(), vec![in_state("sale")], "done");
    check(18, confirm(), vec![in_state("draft"), (CONFIRMS, Ok(json!(true))), in_state("sale")], "done");
    let action = json!({ "type": "ir.actions.act_window", "res_model": "sale.order.discount" });
    check(18, confirm(), vec![in_state("draft"), (CONFIRMS, Ok(action)), in_state("draft")], "odoo_unmet Never");
    check(18, confirm(), vec![in_state("sent"), (CONFIRMS, Ok(json!(true))), in_state("sent")], "odoo_unmet Never");
    check(18, confirm(), vec![in_state("cancel")], "odoo_rule Never");
    check(18, confirm(), vec![("read sale.order", Ok(json!([])))], "odoo_missing Never");
}

#[test]
fn what_was_refused_because_another_hand_was_quicker_is_done() {
    check(19, confirm(), vec![in_state("draft"), (CONFIRMS, Err(rule())), in_state("sale")], "done");
    check(19, confirm(), vec![in_state("draft"), (CONFIRMS, Err(rule())), in_state("draft")], "theirs Never");
}

#[test]
fn a_production_order_that_was_split_is_found_by_the_name_that_it_had() {
    let named = |command: &str| json!({ "command": command, "model": "mrp.production", "record": { "find": { "name": "WH/MO/3" } } });
    let rows = |rows: Value| ("lookup mrp.production", Ok(rows));
    let done = ("read mrp.production", Ok(json!([{ "id": 9, "name": "WH/MO/3-001", "state": "done" }])));
    for command in ["confirm", "start_production"] {
        let of_notes = |need: &'static str| (command != "confirm").then(|| (need, Ok(json!([]))));
        let home = || of_notes("lookup mail.message").into_iter();
        let found = home().chain([rows(json!([])), rows(json!([{ "id": 9 }])), done.clone()]);
        check(18, named(command), found.chain(of_notes("read mail.message")).collect(), "done");
        let nothing = home().chain([rows(json!([])), rows(json!([]))]).collect();
        check(18, named(command), nothing, "odoo_reference Perhaps");
    }
}

#[test]
fn a_document_that_is_no_command_is_refused_before_anything_is_asked() {
    for document in [json!([]), json!({}), json!({ "command": "unlink" }), json!({ "command": 3 })] {
        let need = command(document.to_string().as_bytes()).map(drop).unwrap_err();
        assert_eq!(told(&need), "odoo_document Never", "{document}");
    }
    check(18, json!({ "command": "confirm", "model": "res.partner", "record": { "id": 1 } }), vec![], "odoo_document Never");
    check(18, json!({ "command": "confirm", "model": "sale.order" }), vec![], "odoo_document Never");
}

#[test]
fn references_lead_to_one_record_or_nowhere() {
    let by = |record: Value| json!({ "command": "post_invoice", "record": record });
    let rows = |rows: Value| ("lookup account.move", Ok(rows));
    let find = json!({ "find": { "ref": "EXT-1" } });
    check(18, by(find.clone()), vec![rows(json!([]))], "odoo_reference Perhaps");
    check(18, by(find.clone()), vec![rows(json!([{ "id": 1 }, { "id": 2 }]))], "odoo_reference Never");
    check(18, by(find), vec![rows(json!([{ "id": 1 }]))], "read account.move");
    let external = json!({ "external_id": "ext.inv_1" });
    let named = |told: Result<Value, Failure>| vec![("lookup ext.inv_1", told)];
    check(18, by(external.clone()), named(Ok(json!(["account.move", 7]))), "read account.move");
    check(18, by(external.clone()), named(Ok(json!(["sale.order", 7]))), "odoo_reference Never");
    check(18, by(external.clone()), named(nothing()), "odoo_reference Perhaps");
    check(18, by(external.clone()), named(Ok(json!(["account.move", false]))), "odoo_access Perhaps");
    check(18, by(external), named(Ok(json!(["sale.order", false]))), "odoo_reference Never");
    check(18, by(json!({ "external_id": "no module" })), vec![], "odoo_document Never");
}

fn upsert() -> Value {
    json!({
        "command": "upsert", "model": "sale.order", "external_id": "ext.so_1",
        "values": { "partner_id": { "id": 7 }, "date_order": "2026-12-01T11:00:00+01:00" },
        "lines": { "order_line": [
            { "external_id": "ext.so_1_a", "values": { "product_uom_qty": "2.50", "product_uom_id": { "id": 1 } } },
            { "external_id": "ext.so_1_b", "values": { "product_uom_qty": "1", "product_uom_id": { "id": 1 } } },
        ] },
    })
}

/// The fields that the upsert touches, as version 18 calls them.
fn fields() -> Vec<Given> {
    let order = json!({
        "partner_id": { "type": "many2one", "relation": "res.partner" }, "date_order": { "type": "datetime" },
        "order_line": { "type": "one2many", "relation": "sale.order.line" },
    });
    let line =
        json!({ "product_uom_qty": { "type": "float" }, "product_uom": { "type": "many2one", "relation": "uom.uom" } });
    vec![("fields sale.order", Ok(order)), ("fields sale.order.line", Ok(line))]
}

/// What the external ids lead to, in the order in which they are asked for.
fn names(known: &[Known]) -> Vec<Given> {
    let told = |(external, model, id): &Known| (*external, Ok(json!([model, id])));
    known.iter().map(told).collect()
}

/// What the first lead to, and that the next is not there.
fn without(known: &[Known], next: &'static str) -> Vec<Given> {
    names(known).into_iter().chain([(next, nothing())]).collect()
}

/// An external id that is read, and the record that it leads to.
type Known = (&'static str, &'static str, u64);
const ALL: &[Known] = &[
    ("read ext.so_1", "sale.order", 9),
    ("read ext.so_1_a", "sale.order.line", 1),
    ("read ext.so_1_b", "sale.order.line", 2),
];
const LOADS: &str = r#"load: sale.order.load {"tz":"UTC"}"#;

fn read(second: f64) -> Vec<Given> {
    let order = json!([{ "id": 9, "partner_id": [7, "ACME"], "date_order": "2026-12-01 10:00:00" }]);
    let lines = json!([
        { "id": 1, "product_uom_qty": 2.5, "product_uom": [1, "Units"] },
        { "id": 2, "product_uom_qty": second, "product_uom": [1, "Units"] },
    ]);
    vec![("read sale.order", Ok(order)), ("read sale.order.line", Ok(lines))]
}

fn upserting(steps: Vec<Vec<Given>>, end: &str) {
    check(18, upsert(), fields().into_iter().chain(steps.into_iter().flatten()).collect(), end);
}

#[test]
fn an_upsert_loads_what_is_not_so_and_reads_whether_it_is() {
    upserting(vec![names(ALL), read(1.0)], "done");
    let loaded = || vec![(LOADS, Ok(json!({ "ids": [9], "messages": [], "nextrow": 0 })))];
    // Without its head no line of it is asked for.
    upserting(vec![without(&[], "read ext.so_1"), loaded(), names(ALL), read(1.0)], "done");
    upserting(vec![without(&ALL[..1], "read ext.so_1_a"), loaded(), names(ALL), read(1.0)], "done");
    upserting(vec![names(ALL), read(4.0), loaded(), names(ALL), read(1.0)], "done");
    // What Odoo keeps otherwise than it was written is told and no reason to write it for ever.
    upserting(vec![names(ALL), read(4.0), loaded(), names(ALL), read(1.01)], "done");
    let incomplete = vec![without(&[], "read ext.so_1"), loaded(), without(&ALL[..2], "read ext.so_1_b")];
    upserting(incomplete, "odoo_unmet Never");
    upserting(vec![names(&[("read ext.so_1", "res.partner", 9)])], "odoo_reference Never");
}

fn failed(message: &Value) -> Vec<Given> {
    vec![(LOADS, Ok(json!({ "ids": false, "messages": [message], "nextrow": 0 })))]
}

#[test]
fn a_load_that_failed_is_told_by_what_is_there_and_by_its_field_and_never_by_its_text() {
    let field = json!({ "record": 0, "field": "partner_id", "message": "could not serialize" });
    let other = json!({ "record": 0, "message": "No matching record" });
    let no_head = || without(&[], "read ext.so_1");
    upserting(vec![no_head(), failed(&field), no_head()], "odoo_validation Never");
    upserting(vec![no_head(), failed(&other), no_head()], "odoo_unmet Perhaps");
    // Somebody else has made it meanwhile, and as it should be.
    upserting(vec![no_head(), failed(&other), names(ALL), read(1.0)], "done");
}

#[test]
fn what_seems_hidden_is_loaded_since_a_load_that_was_rolled_back_looks_the_same() {
    let hidden = || vec![("read ext.so_1", Ok(json!(["sale.order", false])))];
    let loaded = vec![(LOADS, Ok(json!({ "ids": [9], "messages": [], "nextrow": 0 })))];
    upserting(vec![hidden(), loaded.clone(), names(ALL), read(1.0)], "done");
    upserting(vec![hidden(), loaded, hidden()], "odoo_access Perhaps");
    let rule = json!({ "record": 0, "message": "top-secret" });
    upserting(vec![hidden(), failed(&rule), hidden()], "odoo_access Perhaps");
    let field = json!({ "record": 0, "field": "partner_id", "message": "missing" });
    upserting(vec![hidden(), failed(&field), hidden()], "odoo_validation Never");
    upserting(vec![vec![("read ext.so_1", Ok(json!(["res.partner", false])))]], "odoo_reference Never");
}

#[test]
fn cells_are_as_load_reads_them_and_lines_have_a_row_each() {
    let mut seen = Seen::new(Version { major: 18, text: "18".to_owned() }, "dlv_1");
    for (need, value) in fields() {
        seen.fields.insert(need.trim_start_matches("fields ").to_owned(), Fields::from_answer(&value.unwrap()).unwrap());
    }
    let Err(Need::Named(head, holds)) = upsert::plan(&upsert(), &seen) else { panic!("it asks first") };
    seen.was_named(head, holds, Named::Nothing);
    let Err(Need::Change(_, call)) = upsert::plan(&upsert(), &seen) else { panic!("then it loads") };
    let columns = json!([
        "id",
        "date_order",
        "partner_id/.id",
        "order_line/id",
        "order_line/product_uom/.id",
        "order_line/product_uom_qty"
    ]);
    let rows =
        json!([["ext.so_1", "2026-12-01 10:00:00", "7", "ext.so_1_a", "1", "2.50"], ["", "", "", "ext.so_1_b", "1", "1"],]);
    assert_eq!(call.first, [("fields", columns), ("data", rows)]);
}

#[test]
fn lines_with_different_fields_are_refused_since_an_empty_cell_clears_one() {
    let mut document = upsert();
    document["lines"]["order_line"][1]["values"] = json!({ "product_uom_qty": "1" });
    check(18, document, fields(), "odoo_document Never");
}

const SN_1: &str = "read crossdock.lot_3_1328993385a6ced259352d93c1d622e1b37156f79c8d64cc6bf859e5383c1e75";

#[test]
fn lots_are_made_under_external_ids_so_that_two_at_once_make_one() {
    let register = || json!({ "command": "register_lots", "product": { "id": 3 }, "lots": ["SN-1"] });
    let known = |rows: Value| ("read stock.lot", Ok(rows));
    let there = || known(json!([{ "id": 5, "name": "SN-1" }]));
    let loads = "lots from SN-1: stock.lot.load";
    check(18, register(), vec![there()], "done");
    let lost = json!({ "ids": false, "messages": [{ "message": "could not serialize" }], "nextrow": 0 });
    for (asked, came, after, end) in [
        (nothing(), json!({ "ids": [5], "messages": [], "nextrow": 0 }), there(), "done"),
        (Ok(json!(["stock.lot", false])), json!({ "ids": [5], "messages": [], "nextrow": 0 }), there(), "done"),
        (nothing(), lost.clone(), there(), "done"),
        (nothing(), lost, known(json!([])), "odoo_unmet Perhaps"),
    ] {
        check(18, register(), vec![known(json!([])), (SN_1, asked), (loads, Ok(came)), after], end);
    }
    // One that a person gave another name is not named back.
    check(18, register(), vec![known(json!([])), (SN_1, Ok(json!(["stock.lot", 5])))], "odoo_unmet Never");
}

mod ends;
