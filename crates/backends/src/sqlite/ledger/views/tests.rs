//! The plans of the pages of deliveries: each goes by the index that was meant for it. Which rows they find is in the
//! conformance list.

use model::{DestinationName, FlowName};

use super::super::super::schema::{LEDGER, migrate};
use super::*;

fn names_of(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// The steps of the plan of each statement that a question can lead to.
fn plans(query: &DeliveryQuery) -> Vec<String> {
    let conn = Connection::open_in_memory().unwrap();
    migrate(&conn, LEDGER, std::path::Path::new("ledger.sqlite")).unwrap();
    let texts = DELIVERIES.texts(&of_deliveries(query, TOP, (51, 100)));
    let plan = |text: &String| {
        let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
        let unbound = vec![rusqlite::types::Value::Null; statement.parameter_count()];
        let steps = statement.query_map(rusqlite::params_from_iter(unbound), |row| row.get::<_, String>(3)).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    };
    texts.iter().map(plan).collect()
}

#[test]
fn each_page_goes_by_its_index_and_none_through_the_table() {
    let any = DeliveryQuery::default;
    let states = |words: &[&str]| DeliveryQuery { states: names_of(words), ..any() };
    let flow = || Some(FlowName::new("orders").unwrap());
    let destination = || Some(DestinationName::new("wms").unwrap());
    let period = DeliveryQuery { since: Some(at(1)), until: Some(at(9)), ..any() };
    let cases: [(DeliveryQuery, &[&str]); 10] = [
        (any(), &["deliveries_age"]),
        (period, &["deliveries_age"]),
        (DeliveryQuery { flow: flow(), destination: destination(), ..any() }, &["deliveries_age"]),
        (DeliveryQuery { cause: Some("http_503".to_owned()), ..any() }, &["deliveries_age"]),
        (DeliveryQuery { flow: flow(), ..states(&["waiting"]) }, &["deliveries_age", "deliveries_open"]),
        (states(&["waiting", "held"]), &["deliveries_age", "deliveries_open"]),
        (states(&["cancelled", "done"]), &["deliveries_age"]),
        (states(&["held", "dead_lettered"]), &["deliveries_person", "deliveries_cause"]),
        (DeliveryQuery { flow: flow(), ..states(&["dead_lettered"]) }, &["deliveries_person", "deliveries_cause"]),
        (DeliveryQuery { replay: Some(ReplayId(Uuid::nil())), ..states(&["held"]) }, &["deliveries_replay"]),
    ];
    for (query, expected) in cases {
        let plans = plans(&query);
        assert_eq!(plans.len(), expected.len(), "{query:?}: {plans:?}");
        for (plan, index) in plans.iter().zip(expected) {
            assert!(plan.contains(&format!("INDEX {index}")), "{query:?} by {index}: {plan}");
            assert!(!plan.contains("AUTOMATIC"), "{query:?}: {plan}");
        }
    }
}

/// The columns that the index by cause is entered by, of the plan that looks among few.
fn entered_by(query: &DeliveryQuery) -> String {
    let plans = plans(query);
    let (_, rest) = plans[1].split_once("INDEX deliveries_cause (").expect("the index by cause");
    rest.split_once(')').expect("its columns").0.to_owned()
}

#[test]
fn the_index_by_cause_leads_to_all_rows_that_are_counted_and_to_no_others() {
    let dead = || DeliveryQuery { states: names_of(&["dead_lettered"]), ..DeliveryQuery::default() };
    let (flow, destination) = (FlowName::new("orders").ok(), DestinationName::new("wms").ok());
    let cause = Some("http_400".to_owned());
    let by_destination = DeliveryQuery { destination: destination.clone(), cause: cause.clone(), ..dead() };
    assert_eq!(entered_by(&by_destination), "state=?");
    assert_eq!(of_a_cause(&by_destination).len(), of_a_cause(&dead()).len());
    let by_flow = DeliveryQuery { flow: flow.clone(), cause: cause.clone(), ..dead() };
    assert_eq!(entered_by(&by_flow), "state=? AND flow=?");
    let by_all = DeliveryQuery { flow, destination, cause, ..dead() };
    assert_eq!(entered_by(&by_all), "state=? AND flow=? AND destination=? AND cause=?");
}

#[test]
fn a_walk_is_in_the_order_of_the_page() {
    for words in [&[] as &[&str], &["waiting"], &["held", "dead_lettered"], &["dead_lettered"], &["done"]] {
        let query =
            DeliveryQuery { states: names_of(words), flow: FlowName::new("orders").ok(), ..DeliveryQuery::default() };
        assert!(!plans(&query)[0].contains("TEMP B-TREE"), "{words:?}: {:?}", plans(&query));
    }
}
