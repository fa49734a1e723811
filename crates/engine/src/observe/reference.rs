//! The page `docs/guide/reference/metrics.md` lists every metric and every fact: this keeps it so.
//! `UPDATE=1 cargo test -p crossdock-engine --lib observe` writes the lists anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::metric::Unit;
use super::*;
use crate::observe::tests::{delivery, samples};

/// What ends a list; a line with its name begins it.
const END: &str = "<!-- end of the list -->";

fn metrics() -> String {
    let mut table = "| name | kind | unit | labels | what it says |\n|---|---|---|---|---|\n".to_owned();
    for metric in catalogue::ALL {
        let unit = match metric.unit {
            Unit::One => "",
            Unit::Seconds => "seconds",
            Unit::Bytes => "bytes",
        };
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, kind, help) = (metric.name, metric.kind.word(), metric.help);
        writeln!(table, "| `{name}` | {kind} | {unit} | {} | {help} |", labels.join(" ")).unwrap();
    }
    table
}

fn facts() -> String {
    let mut table = "| fact | level | a sentence of it | span |\n|---|---|---|---|\n".to_owned();
    samples(&delivery(1), |fact| {
        let span = Span::of(fact, Share::ALL).map(|span| format!("`{}`", span.name)).unwrap_or_default();
        writeln!(table, "| `{}` | {} | {fact} | {span} |", fact.name(), fact.loudness().word()).unwrap();
    });
    table
}

#[test]
#[expect(clippy::disallowed_methods, reason = "UPDATE=1 writes the lists anew")]
fn the_page_lists_every_metric_and_fact() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/reference/metrics.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut fresh = page.clone();
    for (name, list) in [("metrics", metrics()), ("facts", facts())] {
        let begin = format!("<!-- list of {name} -->\n\n");
        let (head, rest) = fresh.split_once(&begin).unwrap_or_else(|| panic!("no list of {name}"));
        let (_, tail) = rest.split_once(END).unwrap();
        fresh = format!("{head}{begin}{list}\n{END}{tail}");
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    } else {
        assert!(page == fresh, "the lists of metrics.md are not those of the product; UPDATE=1 writes them:\n{fresh}");
    }
}

/// A fact that is new has to be listed: this does not compile without it.
const fn place(fact: &Fact<'_>) -> usize {
    match fact {
        Fact::Accepted { .. } => 0,
        Fact::Refused { .. } => 1,
        Fact::Routed { .. } => 2,
        Fact::AttemptEnded { .. } => 3,
        Fact::Breaker { .. } => 4,
        Fact::Shards { .. } => 5,
        Fact::Trimmed { .. } => 6,
        Fact::BudgetAlarm { .. } => 7,
        Fact::RequestFailed { .. } => 8,
        Fact::LoopFault { .. } => 9,
        Fact::Exported(_) => 10,
        Fact::NotExported { .. } => 11,
        Fact::Unreadable { .. } => 12,
        Fact::NoSecret { .. } => 13,
        Fact::RefusedMore { .. } => 14,
        Fact::Captured(captured) => match captured.what {
            Capturing::Nudged { .. } => 15,
            Capturing::Read { .. } => 16,
            Capturing::Taken { .. } => 17,
            Capturing::NotTaken { .. } => 18,
            Capturing::Unread { .. } => 19,
            Capturing::Reconciled { .. } => 20,
            Capturing::Withheld { .. } => 21,
            Capturing::Hidden { .. } => 22,
            Capturing::GoesOn => 23,
            Capturing::HeldBack { .. } => 24,
            Capturing::Lost { .. } => 25,
            Capturing::Anew => 26,
            Capturing::LeftOut { .. } => 27,
            Capturing::Unseen { .. } => 28,
        },
    }
}

#[test]
fn there_is_a_sample_of_every_fact() {
    let mut places = Vec::new();
    samples(&delivery(1), |fact| places.push(place(fact)));
    assert_eq!(places, (0..=28).collect::<Vec<_>>());
}
