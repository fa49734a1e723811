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

#[test]
fn a_walk_is_in_the_order_of_the_page() {
    for words in [&[] as &[&str], &["waiting"], &["held", "dead_lettered"], &["dead_lettered"], &["done"]] {
        let query =
            DeliveryQuery { states: names_of(words), flow: FlowName::new("orders").ok(), ..DeliveryQuery::default() };
        assert!(!plans(&query)[0].contains("TEMP B-TREE"), "{words:?}: {:?}", plans(&query));
    }
}
