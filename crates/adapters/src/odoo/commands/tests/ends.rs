//! Transfers and production orders, which can be ended once: what a command finds at each point where an attempt may have ended,
//! whose doing that is, and what it does next.

use super::*;

fn transfer(quantity: &str, backorder: &str) -> Value {
    let line = json!({ "product": { "id": 2 }, "quantity": quantity, "lots": [] });
    json!({ "command": "validate_transfer", "record": { "id": 5 }, "lines": [line], "backorder": backorder, "tracking": [] })
}

/// Where this command has left its note, which it asks first.
fn home(at: Option<u64>) -> Given {
    ("lookup mail.message", Ok(at.into_iter().map(|at| json!({ "id": 70, "res_id": at })).collect()))
}

/// As [`super::check`], of a command that has not left a note yet, or at the record that its document names.
#[track_caller]
fn check(major: u32, document: Value, given: Vec<Given>, end: &str) {
    super::check(major, document, [home(None)].into_iter().chain(given).collect(), end);
}

/// When notes are left, and who leaves ours.
const LEFT: &str = "2026-11-30 10:00:05";
const US: u64 = 6;

/// A transfer as it is read, with the notes of these commands at it. What is done was done behind the notes, by us.
fn picking(id: u64, state: &str, keys: &[&str]) -> [Given; 2] {
    ended(id, state, keys, ("2026-11-30 10:00:07", US))
}

fn ended(id: u64, state: &str, keys: &[&str], (at, by): (&str, u64)) -> [Given; 2] {
    let done = if state == "done" { json!(at) } else { json!(false) };
    let row = json!([{
        "id": id, "name": format!("OUT/{id}"), "state": state, "picking_type_code": "outgoing", "backorder_ids": [],
        "date_done": done, "write_uid": [by, "who"],
    }]);
    [("read stock.picking", Ok(row)), notes(id, "validate", keys)]
}

fn notes(at: u64, word: &str, keys: &[&str]) -> Given {
    let note = |(id, key): (usize, &&str)| {
        let name = format!("<{key}.{word}@crossdock>");
        json!({ "id": id + 70, "res_id": at, "message_id": name, "date": LEFT, "create_uid": [US, "us"] })
    };
    ("read mail.message", Ok(keys.iter().enumerate().map(note).collect()))
}

fn moves(rows: Value) -> Given {
    ("read stock.move", Ok(rows))
}

fn bolts(quantity: f64, picked: bool, state: &str) -> Value {
    json!({ "id": 3, "product_id": [2, "Bolt"], "product_uom_qty": 5.0, "quantity": quantity, "picked": picked, "state": state })
}

const NO_UNIT: fn() -> Given = || ("fields stock.move", Ok(json!({})));
const NOTES: &str = "note at 5: stock.picking.message_post";
const MAKE: &str = r#"validate 5: stock.picking.button_validate {"skip_backorder":true}"#;
const MAKE_6: &str = r#"validate 6: stock.picking.button_validate {"skip_backorder":true}"#;
const DROP: &str = r#"validate 5: stock.picking.button_validate {"skip_backorder":true,"picking_ids_not_to_backorder":[5]}"#;
const WRITES: &str = "move 3: stock.move.write";
const LEAVES: &str = "leave it: mail.message.unlink";

/// What is read of transfer 5 and its bolts, the first time with the fields of moves.
fn sight(is_first: bool, state: &str, keys: &[&str], held: (f64, bool)) -> Vec<Given> {
    let of_move = if state == "done" { "done" } else { "assigned" };
    let unit = is_first.then(NO_UNIT);
    picking(5, state, keys).into_iter().chain(unit).chain([moves(json!([bolts(held.0, held.1, of_move)]))]).collect()
}

fn yes(change: &'static str) -> Vec<Given> {
    vec![(change, Ok(json!(true)))]
}

#[track_caller]
fn transferring(document: Value, steps: Vec<Vec<Given>>, end: &str) {
    check(18, document, steps.into_iter().flatten().collect(), end);
}

#[test]
fn a_transfer_is_noted_written_and_read_before_it_is_validated_and_asks_nobody() {
    for (backorder, validate) in [("make", MAKE), ("none", DROP)] {
        let steps = vec![
            sight(true, "assigned", &[], (5.0, false)),
            yes(NOTES),
            sight(false, "assigned", &["dlv_1"], (5.0, false)),
            yes(WRITES),
            sight(false, "assigned", &["dlv_1"], (3.0, true)),
            yes(validate),
            sight(false, "done", &["dlv_1"], (3.0, true)),
        ];
        transferring(transfer("3", backorder), steps, "done");
    }
    super::check(19, transfer("0", "make"), vec![], "odoo_document Never");
    super::check(19, transfer("3", "perhaps"), vec![], "odoo_document Never");
}

/// What the next attempt finds, whatever ended the one before, and what it does first.
#[test]
fn each_point_where_an_attempt_may_have_ended_leads_to_one_change() {
    let found = |state: &str, keys: &[&str], held: (f64, bool)| vec![sight(true, state, keys, held)];
    for (sights, next) in [
        (found("assigned", &[], (5.0, false)), NOTES),
        (found("assigned", &[], (3.0, true)), NOTES),
        (found("assigned", &["dlv_1"], (5.0, false)), WRITES),
        (found("assigned", &["dlv_1"], (3.0, true)), MAKE),
        (found("done", &["dlv_1"], (3.0, true)), "done"),
        // It was written over in between.
        (found("done", &["dlv_1"], (5.0, true)), "odoo_unmet Never"),
        // By nobody of ours: with the same quantities too.
        (found("done", &[], (3.0, true)), "odoo_unmet Never"),
    ] {
        // A transfer that nobody noted is not looked into further than its words need.
        let steps = sights.into_iter().flatten().collect();
        check(18, transfer("3", "make"), steps, next);
    }
    check(18, transfer("3", "make"), picking(5, "assigned", &["dlv_2"]).into(), "odoo_concurrency Perhaps");
}

fn rests(rows: &[(u64, &str)]) -> Given {
    (
        "read stock.picking",
        Ok(rows.iter().map(|(id, state)| json!({ "id": id, "name": format!("OUT/{id}"), "state": state })).collect()),
    )
}

#[test]
fn a_second_batch_of_the_same_quantity_is_the_backorder_and_never_what_the_first_one_did() {
    let other = || picking(5, "done", &["dlv_0"]).into_iter();
    let held = |quantity: f64, picked: bool, state: &str| moves(json!([bolts(quantity, picked, state)]));
    let steps = |rest: &[(u64, &str)], then: Vec<Given>| other().chain([rests(rest)]).chain(then).collect();
    let at = |state: &str, keys: &[&str], quantity: f64| {
        let of_move = if state == "done" { "done" } else { "assigned" };
        picking(6, state, keys).into_iter().chain([NO_UNIT(), held(quantity, true, of_move)]).collect()
    };
    for (rest, then, end) in [
        ([(6, "assigned")], at("assigned", &[], 3.0), "note at 6: stock.picking.message_post"),
        ([(6, "assigned")], at("assigned", &["dlv_1"], 3.0), MAKE_6),
        ([(6, "done")], at("done", &["dlv_1"], 3.0), "done"),
        ([(6, "done")], at("done", &[], 3.0), "odoo_unmet Never"),
        ([(6, "assigned")], picking(6, "assigned", &["dlv_2"]).into(), "odoo_concurrency Perhaps"),
        // Nothing is left of it.
        ([(6, "cancel")], vec![NO_UNIT(), held(3.0, true, "done")], "odoo_unmet Never"),
    ] {
        check(18, transfer("3", "make"), steps(&rest, then), end);
    }
    let two = [(6, "assigned"), (7, "assigned")];
    check(18, transfer("3", "make"), steps(&two, vec![notes(6, "validate", &[])]), "odoo_unmet Never");
    let own = vec![notes(6, "validate", &["dlv_1"])].into_iter().chain(at("assigned", &["dlv_1"], 3.0)).collect();
    check(18, transfer("3", "make"), steps(&two, own), MAKE_6);
}

#[test]
fn what_is_refused_takes_its_note_away_and_stays_refused() {
    let wizard = json!({ "res_model": "stock.backorder.confirmation" });
    for (answer, end) in [(Ok(wizard), "odoo_unmet Never"), (Err(rule()), "theirs Never")] {
        let steps = vec![
            sight(true, "assigned", &["dlv_1"], (3.0, true)),
            vec![(MAKE, answer)],
            sight(false, "assigned", &["dlv_1"], (3.0, true)),
            yes(LEAVES),
            sight(false, "assigned", &[], (3.0, true)),
        ];
        transferring(transfer("3", "make"), steps, end);
    }
    // A user who may not take it away is refused all the same.
    let steps = vec![
        sight(true, "assigned", &["dlv_1"], (3.0, true)),
        vec![(MAKE, Err(rule()))],
        sight(false, "assigned", &["dlv_1"], (3.0, true)),
        vec![(LEAVES, Err(rule()))],
        sight(false, "assigned", &["dlv_1"], (3.0, true)),
    ];
    transferring(transfer("3", "make"), steps, "theirs Never");
}

#[test]
fn a_person_who_was_quicker_than_the_note_has_done_it() {
    let steps = vec![
        sight(true, "assigned", &[], (3.0, true)),
        yes(NOTES),
        sight(false, "done", &["dlv_1"], (3.0, true)),
        yes(LEAVES),
        sight(false, "done", &[], (3.0, true)),
    ];
    transferring(transfer("3", "make"), steps, "odoo_unmet Never");
}

/// The answer to the note was lost, so that the next attempt finds it at a transfer that is done: whose doing is that?
#[test]
fn what_was_done_before_the_note_was_done_by_a_person_in_whichever_attempt_it_is_found() {
    const OTHER: u64 = 9;
    for (done, end) in [
        (("2026-11-30 10:00:07", US), "done"),
        // A person looked after it since.
        (("2026-11-30 10:00:07", OTHER), "done"),
        (("2026-11-30 10:00:04", OTHER), LEAVES),
        (("2026-11-30 10:00:04", US), LEAVES),
        // Within the same second it is whose who changed it last.
        ((LEFT, US), "done"),
        ((LEFT, OTHER), LEAVES),
        (("", OTHER), LEAVES),
        (("", US), "done"),
    ] {
        let found = ended(5, "done", &["dlv_1"], done).into_iter();
        let steps = found.chain([NO_UNIT(), moves(json!([bolts(3.0, true, "done")]))]).collect();
        check(18, transfer("3", "make"), steps, end);
    }
}

#[test]
fn two_notes_that_did_not_see_each_other_are_told_apart_by_reading_behind_leaving() {
    let at_5 = |state: &str, keys: &[&str]| picking(5, state, keys).to_vec();
    // Whichever came first: who sees the other's in the first read behind its own goes, and comes again.
    for keys in [["dlv_1", "dlv_2"], ["dlv_2", "dlv_1"]] {
        let other = || at_5("assigned", &["dlv_2"]);
        let late = || vec![at_5("assigned", &keys), yes(LEAVES), other()];
        transferring(transfer("3", "make"), late(), "odoo_concurrency Perhaps");
        let fresh = vec![sight(true, "assigned", &[], (5.0, false)), yes(NOTES)].into_iter().chain(late()).collect();
        transferring(transfer("3", "make"), fresh, "odoo_concurrency Perhaps");
        // The other one was done in between: this attempt did not, so it is about what is left.
        let steps = vec![
            sight(true, "assigned", &[], (5.0, false)),
            yes(NOTES),
            at_5("done", &keys),
            yes(LEAVES),
            at_5("done", &["dlv_2"]),
            vec![rests(&[(6, "assigned")])],
            picking(6, "assigned", &[]).to_vec(),
            vec![moves(json!([bolts(5.0, false, "assigned")]))],
        ];
        transferring(transfer("3", "make"), steps, "odoo_concurrency Perhaps");
        // What an earlier attempt may have done is a person's to say.
        transferring(transfer("3", "make"), vec![at_5("done", &keys)], "odoo_unmet Never");
        // What this attempt did stays its own, whatever note turns up meanwhile.
        let steps =
            vec![sight(true, "assigned", &["dlv_1"], (3.0, true)), yes(MAKE), sight(false, "done", &keys, (3.0, true))];
        transferring(transfer("3", "make"), steps, "done");
    }
    // One that may not take its note away waits all the same.
    let keys = &["dlv_1", "dlv_2"];
    let steps = vec![at_5("assigned", keys), vec![(LEAVES, Err(rule()))], at_5("assigned", keys)];
    transferring(transfer("3", "make"), steps, "odoo_concurrency Perhaps");
}

#[test]
fn the_record_is_where_the_note_is_and_not_where_the_reference_leads_by_now() {
    let mut document = transfer("3", "make");
    document["record"] = json!({ "find": { "origin": "S1", "state": "assigned" } });
    let found = ("lookup stock.picking", Ok(json!([{ "id": 6 }])));
    let first = [home(None), found].into_iter().chain(picking(6, "assigned", &[])).chain([NO_UNIT()]);
    let first = first.chain([moves(json!([bolts(5.0, false, "assigned")]))]).collect();
    super::check(18, document.clone(), first, "note at 6: stock.picking.message_post");
    let again = [home(Some(5))].into_iter().chain(sight(true, "done", &["dlv_1"], (3.0, true))).collect();
    super::check(18, document.clone(), again, "done");
    // What was cancelled in between gives its note back, so that a retry follows the reference.
    let cancelled = || picking(5, "cancel", &["dlv_1"]).into_iter();
    let steps = [home(Some(5))].into_iter().chain(cancelled()).chain([NO_UNIT(), moves(json!([]))]);
    super::check(18, document.clone(), steps.collect(), LEAVES);
    // Also where another one's note stands beside it: neither of them has anything left to do there.
    let cancelled = picking(5, "cancel", &["dlv_1", "dlv_2"]).into_iter();
    let steps = [home(Some(5))].into_iter().chain(cancelled).chain([NO_UNIT(), moves(json!([]))]);
    super::check(18, document, steps.collect(), LEAVES);
}

#[test]
fn what_odoo_answers_and_is_not_read_yet_is_read_again_later_and_keeps_its_note() {
    let steps =
        vec![sight(true, "assigned", &["dlv_1"], (3.0, true)), yes(MAKE), sight(false, "assigned", &["dlv_1"], (3.0, true))];
    transferring(transfer("3", "make"), steps, "odoo_unmet Perhaps");
    let steps = vec![
        sight(true, "assigned", &[], (3.0, true)),
        vec![(NOTES, Ok(json!(70)))],
        sight(false, "assigned", &[], (3.0, true)),
    ];
    transferring(transfer("3", "make"), steps, "odoo_unmet Perhaps");
}

#[test]
fn lots_are_compared_with_what_was_done() {
    let mut document = transfer("3", "make");
    document["lines"][0]["lots"] = json!([{ "name": "L-1", "quantity": "2" }, { "name": "L-2", "quantity": "1" }]);
    let lines = |second: &str| {
        let line = |lot: &str, quantity: f64| json!({ "move_id": [3, "m"], "lot_id": [1, lot], "lot_name": false, "quantity": quantity });
        vec![("read stock.move.line", Ok(json!([line(second, 1.0), line("L-1", 2.0)])))]
    };
    let done = || sight(true, "done", &["dlv_1"], (3.0, true));
    transferring(document.clone(), vec![done(), lines("L-2")], "done");
    transferring(document, vec![done(), lines("L-9")], "odoo_unmet Never");
}

#[test]
fn a_number_is_added_and_none_is_replaced() {
    let track = |numbers: Value| json!({ "command": "set_tracking", "record": { "id": 5 }, "tracking": numbers });
    let has = |text: Value| json!([{ "id": 5, "name": "OUT/5", "state": "done", "carrier_tracking_ref": text }]);
    for (there, told, wanted) in [
        (json!(false), json!(["1Z1", "1Z2"]), Some("1Z1,1Z2")),
        (json!("1Z1"), json!(["1Z2"]), Some("1Z1,1Z2")),
        (json!("1Z1; 1Z2"), json!(["1Z2", "1Z3", "1Z3"]), Some("1Z1; 1Z2,1Z3")),
        (json!("1Z1 + 1Z2"), json!(["1Z2"]), None),
        (json!("1Z1"), json!([]), None),
    ] {
        let (document, plan) =
            command(track(told).to_string().as_bytes()).unwrap_or_else(|need| panic!("{}", super::told(&need)));
        let mut seen = Seen::new(Version { major: 18, text: "18".to_owned() }, "dlv_1");
        let Err(Need::Read(call)) = plan(&document, &seen) else { panic!("it reads first") };
        seen.was_read(*call, has(there));
        let written = match plan(&document, &seen) {
            Ok(_) => None,
            Err(Need::Change(_, call)) => call.first[0].1["carrier_tracking_ref"].as_str().map(str::to_owned),
            Err(need) => panic!("{}", super::told(&need)),
        };
        assert_eq!(written.as_deref(), wanted);
    }
}

#[test]
fn what_was_not_moved_is_not_picked_and_what_has_no_move_is_refused() {
    let tins = json!({ "id": 4, "product_id": [9, "Tin"], "product_uom_qty": 2.0, "quantity": 2.0, "picked": true, "state": "assigned" });
    let first = || picking(5, "assigned", &["dlv_1"]).into_iter().chain([NO_UNIT()]);
    let both = moves(json!([bolts(5.0, true, "assigned"), tins.clone()]));
    check(18, transfer("5", "make"), first().chain([both]).collect(), "move 4 is not picked: stock.move.write");
    let other = moves(json!([tins]));
    let free = || picking(5, "assigned", &[]).into_iter().chain([NO_UNIT()]);
    check(18, transfer("5", "make"), free().chain([other]).collect(), "odoo_reference Never");
}
