//! Retry policies: their table and their decoding.

use model::limit::ATTEMPTS_MAX;
use model::{RetryName, TimeSpan};

use super::fields::Fields;
use super::scalar;
use super::table::{Field, Kind, Table};
use crate::compiled::{End, Retry};
use crate::specs::RetrySpec;
use crate::tree::Node;

/// `policies/NAME.yaml`.
pub(crate) static RETRY: Table = Table {
    name: "a retry policy",
    doc: "When and how often a delivery is repeated, and how it ends.",
    fields: &[
        Field::optional("summary", Kind::Text, "what it is for, in a sentence"),
        Field::required("waits", Kind::ListOrTable(&WAIT, &FORMULA), "the wait before attempt 2, 3, …: a list or a formula"),
        Field::optional("repeat_last", Kind::Bool, "goes on with the last wait until the deadline"),
        Field::optional(
            "deadline",
            Kind::Duration("1s", "365d"),
            "gives up then, counted from when the event was accepted or a person retried it",
        ),
        Field::optional(
            "jitter",
            Kind::Percent,
            "hundredths added at random to a wait, upwards only; 20% where it is left out",
        ),
        Field::required(
            "end",
            Kind::Word(&["hold", "dead_letter"]),
            "what a delivery ends in: `hold` for a person, or `dead_letter`",
        ),
    ],
    exactly_one: &[],
};

static WAIT: Kind = Kind::Duration("1ms", "30d");

static FORMULA: Table = Table {
    name: "`waits`",
    doc: "Waits that grow by a factor.",
    fields: &[
        Field::required("first", Kind::Duration("1ms", "30d"), "the first wait"),
        Field::required("factor", Kind::Whole(1, 100), "each wait is so many times the one before"),
        Field::required("max", Kind::Duration("1ms", "30d"), "no wait is longer"),
        Field::required("times", Kind::Whole(1, ATTEMPTS_MAX), "how many waits there are"),
    ],
    exactly_one: &[],
};

/// Hundredths of jitter where a policy says nothing.
pub(crate) const JITTER_PERCENT: u32 = 20;

/// The retry policy of a tree that was checked against [`RETRY`].
pub(crate) fn retry(path: &str, name: RetryName, root: &Node) -> RetrySpec {
    let fields = Fields::new(root, &RETRY);
    let repeat_last = fields.plain("repeat_last", scalar::boolean).unwrap_or(false);
    let mut waits = fields.inner("waits").map_or_else(|| fields.plain_list("waits", scalar::duration), formula);
    // LIMIT: attempts, the first one included.
    waits.truncate(ATTEMPTS_MAX as usize - 1);
    let retry = Retry {
        name,
        waits,
        repeat_last,
        deadline: fields.plain("deadline", scalar::duration),
        jitter_percent: fields.plain("jitter", scalar::percent).unwrap_or(JITTER_PERCENT),
        end: if fields.text("end").is_some_and(|end| end.value == "hold") { End::Hold } else { End::DeadLetter },
    };
    RetrySpec { path: path.to_owned(), retry, repeat_last: fields.key_span("repeat_last").filter(|_| repeat_last) }
}

fn formula(fields: Fields<'_>) -> Vec<TimeSpan> {
    let (Some(first), Some(factor), Some(max), Some(times)) = (
        fields.plain("first", scalar::duration),
        fields.plain("factor", scalar::whole),
        fields.plain("max", scalar::duration),
        fields.plain("times", scalar::whole),
    ) else {
        return Vec::new();
    };
    let mut waits = Vec::new();
    let mut wait = first;
    for _ in 0..times {
        waits.push(wait.min(max));
        wait = wait.times(u64::from(factor));
    }
    waits
}
