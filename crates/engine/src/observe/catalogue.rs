//! Every metric of the product, by name. A name here is a promise: dashboards and alerts of others are built on it.
//! `docs/guide/reference/metrics.md` is written from this list.

use super::metric::{Kind, Metric, Unit};

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, unit: Unit::One, help, labels }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, unit: Unit::One, help, labels }
}

const fn seconds(kind: Kind, name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind, unit: Unit::Seconds, help, labels }
}

const fn bytes(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, unit: Unit::Bytes, help, labels: &[] }
}

pub static EVENTS: Metric = counter(
    "crossdock_events",
    &["source", "verdict"],
    "Events that were answered with 202: admitted, quarantined, or the duplicate of an earlier one",
);
pub static REFUSED: Metric = counter(
    "crossdock_refused",
    &["source", "code"],
    "Requests and events of batches that were refused, by the code of their problem; without a source where the name is none",
);
pub static ACCEPT: Metric = seconds(
    Kind::Histogram,
    "crossdock_accept_duration_seconds",
    &[],
    "From the last byte of a request to its durable commit",
);
pub static ROUTED: Metric = counter("crossdock_routed_records", &[], "Records that the router has passed");
pub static CREATED: Metric = counter("crossdock_deliveries_created", &[], "Deliveries that routing made");
pub static ATTEMPTS: Metric =
    counter("crossdock_attempts", &["destination", "flow", "cause"], "Attempts that ended, by what came back in a word");
pub static RETRIES: Metric =
    counter("crossdock_retries", &["destination", "flow"], "Attempts that ended and were not the first of their delivery");
pub static ATTEMPT: Metric = seconds(
    Kind::Histogram,
    "crossdock_attempt_duration_seconds",
    &["destination"],
    "From the claim of an attempt to its answer",
);
pub static DELIVERY: Metric = seconds(
    Kind::Histogram,
    "crossdock_delivery_duration_seconds",
    &["destination"],
    "From the durable record that caused a delivery to its being done",
);
pub static BREAKER_CHANGES: Metric =
    counter("crossdock_breaker_changes", &["destination", "state"], "Changes of breakers, by the state after it");
pub static NUDGES: Metric = counter("crossdock_nudges", &["source"], "Nudges that a captured source heard");
pub static CAPTURED: Metric = counter(
    "crossdock_captured",
    &["source", "found"],
    "Records that a captured source took in as events, by how they were found; with nudges on, what is found otherwise was missed by them",
);
pub static CAPTURE_READS: Metric = counter(
    "crossdock_capture_reads",
    &["source", "look"],
    "Questions that a system answered for a captured source: the load that capture is for it",
);
pub static CAPTURE_ROWS: Metric = counter("crossdock_capture_rows", &["source", "look"], "Records and ids in these answers");
pub static CAPTURE_FAILURES: Metric = counter(
    "crossdock_capture_failures",
    &["source", "cause"],
    "Times that a system began not to show what a captured source asked for, by cause; `not_taken` for a record that intake refuses, `intake` where it takes nothing now",
);
pub static CAPTURE_LEFT_OUT: Metric = counter(
    "crossdock_capture_left_out",
    &["source"],
    "Changes that a captured source found and left out: it does not list their types, and its `unknown` does not ask for them",
);
pub static OUTBOX_HELD_BACK: Metric = gauge(
    "crossdock_outbox_held_back",
    &["source"],
    "Lines of the outbox that a captured source reads which are committed there and wait for an older transaction to end",
);
pub static OUTBOX_LOST: Metric = counter(
    "crossdock_outbox_lost",
    &["source"],
    "Lines of that outbox that were removed there before they were read; all contents are compared then",
);
pub static COMPLETENESS: Metric = gauge(
    "crossdock_completeness",
    &["source", "model"],
    "The part of what the last reconciliation compared that was here as it is there: 1 where all was; none before the first",
);
pub static GAPS: Metric = gauge(
    "crossdock_completeness_gaps",
    &["source", "model", "gap"],
    "Records in which the last reconciliation met a gap: missing, differing, gone, withheld, unreadable",
);
pub static HIDDEN: Metric = gauge(
    "crossdock_capture_hidden",
    &["source", "model"],
    "Records that a rule of the system hides from our user, as the last look at identities counted them: their changes are no events",
);
pub static CAPTURE_REFUSED: Metric = gauge(
    "crossdock_capture_refused",
    &["source", "model"],
    "Records that are known and that intake refused as they are: no event tells of them",
);
pub static LOOP_FAULTS: Metric = counter("crossdock_loop_faults", &["loop", "kind"], "Faults of ports that loops met");
pub static UNREADABLE: Metric =
    counter("crossdock_unreadable_rows", &["destination"], "Rows of the store that cannot be read, each counted once");
pub static WITHOUT_SECRET: Metric = counter(
    "crossdock_waits_for_secret",
    &["destination"],
    "Times that a destination began to wait for the value of a secret",
);
pub static REMOVED: Metric =
    counter("crossdock_retention_removed", &["store"], "Rows, and periods of keys, that retention removed");
pub static ALARMS: Metric = counter(
    "crossdock_budget_alarms",
    &["store", "level"],
    "Times that a store reached a level of its budget: low, high, full",
);
pub static SPANS: Metric =
    counter("crossdock_spans", &["fate"], "Spans for the collector: sent, or dropped because it could not keep up");
pub static EXPORTS: Metric =
    counter("crossdock_exports", &["signal", "outcome"], "Requests to the collector: taken, or failed for good");

pub static ENTRIES: Metric = gauge(
    "crossdock_entries",
    &["origin", "account"],
    "Entries by account: accepted is the sum of the others, exactly, always",
);
pub static DELIVERIES: Metric = gauge(
    "crossdock_deliveries",
    &["origin", "account"],
    "Deliveries by account: created is the sum of the others, exactly, always",
);
pub static UNACCOUNTED: Metric =
    gauge("crossdock_unaccounted", &["origin"], "Entries and deliveries that no account holds: 0, or something is wrong");
pub static WAITING: Metric =
    gauge("crossdock_waiting", &["destination"], "Deliveries that wait, those behind others in their lane included");
pub static IN_FLIGHT: Metric = gauge("crossdock_in_flight", &["destination"], "Deliveries with an attempt open");
pub static OLDEST_WAITING: Metric = seconds(
    Kind::Gauge,
    "crossdock_oldest_waiting_seconds",
    &["destination"],
    "The age of the oldest delivery that waits; 0 where none does",
);
pub static BREAKER: Metric =
    gauge("crossdock_breaker", &["destination", "state"], "1 for the state that the breaker is in, 0 for the others");
pub static JOURNAL: Metric = bytes("crossdock_journal_bytes", "Bytes of the journal in use");
pub static BUDGET: Metric =
    bytes("crossdock_journal_budget_bytes", "Bytes that the journal may take before intake answers 503");
pub static LEDGER: Metric = bytes("crossdock_ledger_bytes", "Bytes of the ledger in use");
pub static LEDGER_BUDGET: Metric =
    bytes("crossdock_ledger_budget_bytes", "Bytes that the ledger may take before intake answers 503");
pub static ROUTER_LAG: Metric =
    gauge("crossdock_router_lag", &["partition"], "Offsets from the router's cursor to the head of its partition");
pub static CLOCK_AHEAD: Metric = seconds(
    Kind::Gauge,
    "crossdock_clock_ahead_seconds",
    &[],
    "How far the product's time, which never goes back, is ahead of the machine's clock: the size of a jump back",
);

/// All of them, in the order of the page.
pub static ALL: [&Metric; 42] = [
    &EVENTS,
    &REFUSED,
    &ACCEPT,
    &ROUTED,
    &CREATED,
    &ATTEMPTS,
    &RETRIES,
    &ATTEMPT,
    &DELIVERY,
    &BREAKER_CHANGES,
    &NUDGES,
    &CAPTURED,
    &CAPTURE_READS,
    &CAPTURE_ROWS,
    &CAPTURE_FAILURES,
    &OUTBOX_HELD_BACK,
    &OUTBOX_LOST,
    &CAPTURE_LEFT_OUT,
    &CAPTURE_REFUSED,
    &COMPLETENESS,
    &GAPS,
    &HIDDEN,
    &LOOP_FAULTS,
    &UNREADABLE,
    &WITHOUT_SECRET,
    &REMOVED,
    &ALARMS,
    &SPANS,
    &EXPORTS,
    &ENTRIES,
    &DELIVERIES,
    &UNACCOUNTED,
    &WAITING,
    &IN_FLIGHT,
    &OLDEST_WAITING,
    &BREAKER,
    &JOURNAL,
    &BUDGET,
    &LEDGER,
    &LEDGER_BUDGET,
    &ROUTER_LAG,
    &CLOCK_AHEAD,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ours_unique_and_end_with_their_unit() {
        let mut seen = std::collections::BTreeSet::new();
        for metric in ALL {
            let name = metric.name;
            assert!(seen.insert(name), "{name} is there twice");
            assert!(name.starts_with("crossdock_") && name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'), "{name}");
            let unit = match metric.unit {
                Unit::One => None,
                Unit::Seconds => Some("_seconds"),
                Unit::Bytes => Some("_bytes"),
            };
            assert_eq!(unit.is_some_and(|unit| name.ends_with(unit)), unit.is_some(), "{name}");
            assert!(!["_total", "_count", "_sum", "_bucket", "_info"].iter().any(|end| name.ends_with(end)), "{name}");
            assert!(!metric.help.ends_with('.') && metric.help.bytes().all(|c| c != b'"' && c != b'\\' && c != b'\n'));
        }
    }
}
