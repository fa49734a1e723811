//! What a contract says beside the shape of its data: the tables of those fields, and their decoding.

use super::fields::{Fields, scalar};
use super::scalar::{duration, percent};
use super::table::{Field, Kind, Table};
use crate::Spanned;
use crate::specs::{Governed, Mode, Pace, Service};
use crate::tree::Entry;

/// `mode:` of a contract.
pub(super) static MODE: Table = Table {
    name: "a mode",
    doc: "How an event type is synchronised, and why so.",
    fields: &[
        Field::required(
            "pace",
            Kind::Word(&["real_time", "near_real_time", "batch"]),
            "each at once, each within minutes, or many together at times",
        ),
        Field::required("why", Kind::Text, "why not faster, and why not slower"),
    ],
    exactly_one: &[],
};

/// `service:` of a contract.
pub(super) static SERVICE: Table = Table {
    name: "a service level",
    doc: "So many of a hundred arrive within a time after they were accepted.",
    fields: &[
        Field::required("within", Kind::Duration("1s", "30d"), "the time from when it was accepted to its delivery"),
        Field::required("share", Kind::Percent, "how many of them: `99%`"),
    ],
    exactly_one: &[],
};

/// What the fields of a contract say of it.
pub(super) fn governed(fields: Fields<'_>) -> Governed {
    let texts = |name: &str| fields.list(name, |text| Some(text.to_owned()));
    Governed {
        domain: fields.string("domain"),
        aliases: texts("aliases"),
        record: fields.entries("record").iter().filter_map(record).collect(),
        dedupe: texts("dedupe"),
        personal: texts("personal"),
        retention: fields.plain("retention", duration),
        residency: fields.string("residency"),
        service: fields.inner("service").and_then(service),
        mode: fields.inner("mode").and_then(mode),
    }
}

fn record(entry: &Entry) -> Option<(Spanned<String>, Spanned<String>)> {
    let system = scalar(&entry.value, &Kind::Name)?;
    Some((entry.key.clone(), system.map(str::to_owned)))
}

fn service(fields: Fields<'_>) -> Option<Service> {
    Some(Service { within: fields.plain("within", duration)?, share_percent: fields.plain("share", percent)? })
}

fn mode(fields: Fields<'_>) -> Option<Mode> {
    let pace = match fields.text("pace")?.value {
        "real_time" => Pace::RealTime,
        "near_real_time" => Pace::NearRealTime,
        _ => Pace::Batch,
    };
    Some(Mode { pace, why: fields.string("why")? })
}
