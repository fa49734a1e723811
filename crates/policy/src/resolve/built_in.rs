//! The retry policies that every project has.

use model::{RetryName, TimeSpan};

use crate::compiled::{End, Retry};

/// `critical`, `standard` and `bulk`.
pub fn built_in() -> Vec<Retry> {
    const S: u64 = 1;
    const M: u64 = 60;
    const H: u64 = 3600;
    [
        ("critical", &[2 * S, 10 * S, 30 * S, 2 * M, 5 * M, 15 * M][..], Some(TimeSpan::from_days(1)), End::Hold),
        ("standard", &[5 * S, M, 5 * M, 30 * M, 2 * H, 5 * H, 10 * H, 10 * H], None, End::DeadLetter),
        ("bulk", &[M, 10 * M, H, 6 * H, 24 * H], None, End::DeadLetter),
    ]
    .into_iter()
    .map(|(name, waits, deadline, end)| Retry {
        name: RetryName::new(name).expect("the names above are names"),
        waits: waits.iter().map(|secs| TimeSpan::from_secs(*secs)).collect(),
        repeat_last: deadline.is_some(),
        deadline,
        jitter_percent: crate::decode::JITTER_PERCENT,
        end,
    })
    .collect()
}

/// The name of the policy that a flow has where it names none.
pub(crate) const DEFAULT: &str = "standard";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_policies_are_as_documented() {
        let shown: Vec<String> = built_in()
            .iter()
            .map(|retry| {
                let waits: Vec<String> = retry.waits.iter().map(ToString::to_string).collect();
                let last = retry.deadline.map_or_else(String::new, |deadline| format!(" repeated for {deadline}"));
                format!("{}: {}{last}, then {:?}", retry.name, waits.join(" "), retry.end)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "critical: 2s 10s 30s 2m 5m 15m repeated for 1d, then Hold",
                "standard: 5s 1m 5m 30m 2h 5h 10h 10h, then DeadLetter",
                "bulk: 1m 10m 1h 6h 1d, then DeadLetter",
            ]
        );
    }
}
