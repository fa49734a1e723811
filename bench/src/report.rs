//! The table: name, value, limit, ratio, target, met. The only place of the bench that prints.

use serde::Serialize;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// What.
    pub(crate) name: String,
    /// How much.
    pub(crate) value: f64,
    /// Of what.
    pub(crate) unit: &'static str,
    /// What it is measured against, in the same unit.
    pub(crate) limit: Option<f64>,
    /// Value by limit.
    pub(crate) ratio: Option<f64>,
    /// What the ratio, or the value where there is no limit, should be.
    pub(crate) target: Option<String>,
    /// Whether it is.
    pub(crate) met: Option<bool>,
}

impl Figure {
    /// A figure that is only told.
    pub(crate) fn plain(name: &str, value: f64, unit: &'static str) -> Self {
        Self { name: name.to_owned(), value, unit, limit: None, ratio: None, target: None, met: None }
    }

    /// A figure that should be at least `share` of its limit.
    pub(crate) fn at_least(name: &str, value: f64, unit: &'static str, (share, limit): (f64, f64)) -> Self {
        let ratio = value / limit.max(f64::MIN_POSITIVE);
        let (target, met) = (Some(format!(">= {share}")), Some(ratio >= share));
        Self { limit: Some(limit), ratio: Some(ratio), target, met, ..Self::plain(name, value, unit) }
    }

    /// A figure that should be at most `most`.
    pub(crate) fn at_most(name: &str, value: f64, unit: &'static str, most: f64) -> Self {
        Self { target: Some(format!("<= {most}")), met: Some(value <= most), ..Self::plain(name, value, unit) }
    }
}

/// A line for a person who reads along.
#[expect(clippy::print_stderr, reason = "a bench tells how far it is")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

/// What went wrong.
pub(crate) fn complain(text: &str) {
    say(&format!("bench: {text}"));
}

/// A line for the process that started this one.
#[expect(clippy::print_stdout, reason = "this is the bench's answer")]
pub(crate) fn print(text: &str) {
    println!("{text}");
}

/// The table.
pub(crate) fn table(figures: &[Figure]) {
    print("| figure | value | limit | ratio | target | met |");
    print("|---|---|---|---|---|---|");
    for it in figures {
        let limit = it.limit.map_or(String::new(), |limit| format!("{limit:.0}"));
        let ratio = it.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let met = it.met.map_or("", |met| if met { "yes" } else { "NO" });
        let target = it.target.as_deref().unwrap_or_default();
        print(&format!("| {} | {:.2} {} | {limit} | {ratio} | {target} | {met} |", it.name, it.value, it.unit));
    }
}
