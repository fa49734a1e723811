//! What happened since this process started, by source and by destination: the counts of the metrics page, read back.
//! Accounts that outlive the process are the ledger's; these say what the other side can be compared with.

use std::collections::BTreeMap;

use prometheus_client::registry::Registry;

/// Counts since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Different events that were accepted, by source.
    pub accepted: BTreeMap<String, u64>,
    /// Repeats of them, by source.
    pub duplicates: BTreeMap<String, u64>,
    /// Deliveries that arrived, by destination.
    pub done: BTreeMap<String, u64>,
}

/// Reads the counts.
pub fn counts(registry: &Registry) -> Counts {
    let mut text = String::new();
    prometheus_client::encoding::text::encode_registry(&mut text, registry).expect("writing to a string does not fail");
    parse(&text)
}

fn parse(text: &str) -> Counts {
    let mut counts = Counts::default();
    for (labels, value) in samples(text, "crossdock_events_total") {
        let by_source = match labels.get("verdict").copied() {
            Some("admitted" | "quarantined") => &mut counts.accepted,
            Some("duplicate") => &mut counts.duplicates,
            Some(_) | None => continue,
        };
        add(by_source, labels.get("source"), value);
    }
    for (labels, value) in samples(text, "crossdock_attempts_total") {
        if labels.get("cause").is_some_and(|cause| cause.starts_with("http_2")) {
            add(&mut counts.done, labels.get("destination"), value);
        }
    }
    counts
}

fn add(to: &mut BTreeMap<String, u64>, name: Option<&&str>, value: u64) {
    if let Some(name) = name {
        *to.entry((*name).to_owned()).or_default() += value;
    }
}

/// The samples of a family. Names have no quotes in them, so labels need no unescaping.
fn samples<'t>(text: &'t str, family: &str) -> impl Iterator<Item = (BTreeMap<&'t str, &'t str>, u64)> {
    text.lines().filter_map(move |line| {
        let (labels, value) = line.strip_prefix(family)?.strip_prefix('{')?.split_once("} ")?;
        let labels = labels.split("\",").filter_map(|pair| pair.trim_end_matches('"').split_once("=\"")).collect();
        Some((labels, value.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrived_is_counted_by_name() {
        let text = "# HELP crossdock_events Events.\n\
            crossdock_events_total{source=\"shop\",verdict=\"admitted\"} 7\n\
            crossdock_events_total{source=\"shop\",verdict=\"quarantined\"} 2\n\
            crossdock_events_total{source=\"shop\",verdict=\"duplicate\"} 3\n\
            crossdock_events_total{source=\"shop\",verdict=\"bad-signature\"} 9\n\
            crossdock_attempts_total{destination=\"wms\",flow=\"a\",cause=\"http_201\"} 4\n\
            crossdock_attempts_total{destination=\"wms\",flow=\"b\",cause=\"http_200\"} 1\n\
            crossdock_attempts_total{destination=\"wms\",flow=\"b\",cause=\"http_503\"} 8\n";
        let one = |name: &str, value| BTreeMap::from([(name.to_owned(), value)]);
        assert_eq!(parse(text), Counts { accepted: one("shop", 9), duplicates: one("shop", 3), done: one("wms", 5) });
    }

    #[test]
    fn the_metrics_page_has_these_families() {
        use engine::observe::{Accepted, Fact, Facts};
        let facts = Facts::default();
        let mut registry = Registry::default();
        facts.meters.register(&mut registry);
        let source = model::SourceName::new("shop").unwrap();
        let took = model::TimeSpan::from_millis(1);
        let event = "00000000-0000-7000-8000-000000000001".parse().unwrap();
        facts.emit(&Fact::Accepted { source: &source, event, verdict: Accepted::Admitted, took });
        let (flow, destination) = (model::FlowName::new("f").unwrap(), model::DestinationName::new("wms").unwrap());
        let delivery = "00000000-0000-7000-8000-000000000002".parse().unwrap();
        facts.emit(&Fact::AttemptEnded {
            delivery,
            flow: &flow,
            destination: &destination,
            no: 1,
            cause: "http_200",
            state: "done",
            took,
        });
        let counts = counts(&registry);
        assert_eq!((counts.accepted.get("shop"), counts.done.get("wms")), (Some(&1), Some(&1)));
    }
}
