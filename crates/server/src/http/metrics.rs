//! The metrics page: OpenMetrics text. Counts of what happened, and the conservation line of this moment.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use model::account::{Bucket, Line};
use serde_json::Value;

use super::problem::{Problem, kinds};
use crate::app::App;

/// What the page is.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The page.
pub async fn page(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let account = app.ground.ledger.account().await?;
    let census = app.ground.journal.census(account.routed_to.clone()).await?;
    let usage = app.ground.journal.usage().await?;
    let mut text = String::new();
    prometheus_client::encoding::text::encode_registry(&mut text, &app.registry)
        .map_err(|_| Problem::new(kinds::METRICS, "the metrics could not be written"))?;
    lines(&mut text, &account.lines(&census));
    gauge(&mut text, "crossdock_journal_bytes", "Bytes of the journal in use", &[(String::new(), usage.bytes)]);
    gauge(&mut text, "crossdock_journal_budget_bytes", "Bytes that the journal may take", &[(String::new(), usage.budget)]);
    text.push_str("# EOF\n");
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}

/// The conservation line in the units of its definition: entries and deliveries apart, each by origin.
fn lines(text: &mut String, lines: &[Line]) {
    let mut entries = Vec::new();
    let mut deliveries = Vec::new();
    let mut missing = Vec::new();
    for line in lines {
        let origin = word(&line.origin);
        entries.push((format!("{{origin=\"{origin}\",account=\"accepted\"}}"), line.accepted));
        entries.push((format!("{{origin=\"{origin}\",account=\"unrouted\"}}"), line.unrouted));
        for bucket in Bucket::ALL {
            let labels = format!("{{origin=\"{origin}\",account=\"{}\"}}", word(&bucket));
            let rows = if bucket.index() < Bucket::Created.index() { &mut entries } else { &mut deliveries };
            rows.push((labels, line.tally.get(bucket)));
        }
        let lost = line.entries_missing().unsigned_abs() + line.deliveries_missing().unsigned_abs();
        missing.push((format!("{{origin=\"{origin}\"}}"), u64::try_from(lost).unwrap_or(u64::MAX)));
    }
    gauge(text, "crossdock_entries", "Entries by account; accepted is the sum of the others", &entries);
    gauge(text, "crossdock_deliveries", "Deliveries by account; created is the sum of the others", &deliveries);
    gauge(text, "crossdock_unaccounted", "Entries and deliveries that no account holds", &missing);
}

fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

/// One family; names come first so that nothing is interleaved. The end mark of the registry's own text is taken off.
fn gauge(text: &mut String, name: &str, help: &str, samples: &[(String, u64)]) {
    if let Some(stripped) = text.strip_suffix("# EOF\n") {
        text.truncate(stripped.len());
    }
    let mut write = || -> std::fmt::Result {
        writeln!(text, "# HELP {name} {help}.\n# TYPE {name} gauge")?;
        samples.iter().try_for_each(|(labels, value)| writeln!(text, "{name}{labels} {value}"))
    };
    write().expect("writing to a string does not fail");
}
