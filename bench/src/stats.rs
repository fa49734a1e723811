//! Percentiles of durations in microseconds.

use serde::{Deserialize, Serialize};

/// What a load process reports.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct LoadReport {
    /// Answers of 202.
    pub(crate) accepted: u64,
    /// Other answers, and connections that broke.
    pub(crate) failed: u64,
    /// From the first request to the last answer.
    pub(crate) seconds: f64,
    /// Median of the answer's time.
    pub(crate) p50_us: u64,
    /// 99th percentile of the answer's time.
    pub(crate) p99_us: u64,
    /// CPU seconds that the load generator used.
    pub(crate) cpu_s: f64,
    /// When each answer came: event number and microseconds since the epoch; only at a fixed rate.
    pub(crate) answered: Vec<(u64, u64)>,
}

impl LoadReport {
    /// Accepted events per second.
    pub(crate) fn per_s(&self) -> f64 {
        if self.seconds > 0.0 { self.accepted as f64 / self.seconds } else { 0.0 }
    }
}

/// CPU seconds that a process has used, user and system; `self` for this one.
pub(crate) fn cpu_s(process: &str) -> f64 {
    seconds_at(process, 11)
}

/// The same of the processes that this one started and that have ended, and of those that these started.
pub(crate) fn children_cpu_s() -> f64 {
    seconds_at("self", 13)
}

/// Two fields of the kernel's line on a process, after its name, which Linux tells in hundredths.
fn seconds_at(process: &str, field: usize) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(field).take(2);
    ticks.filter_map(|text| text.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The value below which `percent` of the sorted values lie; 0 for none.
pub(crate) fn percentile(values: &mut [u64], percent: usize) -> u64 {
    values.sort_unstable();
    let last = values.len().saturating_sub(1);
    values.get((values.len() * percent / 100).min(last)).copied().unwrap_or_default()
}

/// Microseconds since the epoch.
#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
pub(crate) fn now_us() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
