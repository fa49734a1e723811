//! Sources of a system: their table and their decoding.

use model::limit::{BODY_BYTES_MAX, BODY_DEPTH_MAX, HEADERS_MAX};
use model::{EventType, SecretName, SourceName};

use super::fields::Fields;
use super::odoo::{CAPTURE, capture};
use super::scalar;
use super::table::{Field, Kind, Table};
use super::verify::{VERIFY, verify};
use crate::compiled::{Format, Handshake, OnInvalid, Rate, SourceLimits, Unknown};
use crate::specs::{EventSpec, KeySpec, PickSpec, SourceSpec};
use crate::tree::Entry;

/// One entry under `sources:` of a system.
pub(crate) static SOURCE: Table = Table {
    name: "a source",
    doc: "Where events come in.",
    fields: &[
        Field::optional("verify", Kind::Table(&VERIFY), "how a request proves where it comes from"),
        Field::optional(
            "capture",
            Kind::Table(&CAPTURE),
            "how the records of its system are captured, where nobody sends them",
        ),
        Field::optional("allow_from", Kind::List(&Kind::Network, 1), "addresses that may send; all where this is left out"),
        Field::optional(
            "format",
            Kind::Word(&["json", "cloudevents"]),
            "`json` (default) or `cloudevents`; a CloudEvents request is understood on both",
        ),
        Field::optional("type", Kind::Table(&PICK), "where the native event type is found"),
        Field::optional(
            "key",
            Kind::Table(&KEY),
            "where the key is found that tells a repeat from a new event; default: the digest of the body",
        ),
        Field::optional("time", Kind::Table(&WHEN), "where the time of occurrence is found"),
        Field::optional("keep_headers", Kind::List(&Kind::Header, 1), "headers that become `%attributes`"),
        Field::optional("events", Kind::Map(&Kind::Text, &Kind::Table(&EVENT)), "native type -> what it is here"),
        Field::optional(
            "unknown",
            Kind::Word(&["accept", "quarantine", "refuse"]),
            "what happens to a type that is not listed; `quarantine` by default",
        ),
        Field::optional(
            "on_invalid",
            Kind::Word(&["quarantine", "refuse"]),
            "what happens to a broken contract; `quarantine` by default",
        ),
        Field::optional("limits", Kind::Table(&LIMITS), "its limits"),
        Field::optional("handshake", Kind::Table(&HANDSHAKE), "requests that are answered and admit nothing"),
    ],
    exactly_one: &[&["verify", "capture"]],
};

static PICK: Table = Table {
    name: "`type`",
    doc: "Where the native event type is found.",
    fields: &[
        Field::optional("header", Kind::Header, "in a header"),
        Field::optional("path", Kind::Expression, "in the data, such as `.event.type`"),
        Field::optional("is", Kind::Text, "it is always this"),
    ],
    exactly_one: &[&["header", "path", "is"]],
};

static WHEN: Table = Table {
    name: "`time`",
    doc: "Where the time of occurrence is found.",
    fields: &[
        Field::optional("header", Kind::Header, "in a header"),
        Field::optional("path", Kind::Expression, "in the data, such as `.updated_at`"),
    ],
    exactly_one: &[&["header", "path"]],
};

static KEY: Table = Table {
    name: "`key`",
    doc: "Where the key is found that tells a repeat from a new event.",
    fields: &[
        Field::optional("header", Kind::Header, "in a header"),
        Field::optional("path", Kind::Expression, "in the data, such as `.event.id`"),
        Field::optional("paths", Kind::List(&Kind::Expression, 1), "in several values of the data together"),
        Field::optional("digest", Kind::Word(&["body"]), "`body`: the same bytes are the same event"),
    ],
    exactly_one: &[&["header", "path", "paths", "digest"]],
};

static EVENT: Table = Table {
    name: "an event",
    doc: "What a native event type is here.",
    fields: &[
        Field::optional("contract", Kind::ContractRef, "the contract that it must satisfy"),
        Field::optional("type", Kind::EventType, "our event type; the contract's where this is left out"),
    ],
    exactly_one: &[],
};

static LIMITS: Table = Table {
    name: "`limits`",
    doc: "The limits of a source.",
    fields: &[
        Field::optional("body", Kind::Size(BODY_BYTES_MAX), "bytes of a body; 1MiB by default and at most"),
        Field::optional("depth", Kind::Whole(1, 64), "nesting of JSON; 64 by default and at most"),
        Field::optional("headers", Kind::Whole(1, 100), "header lines; 100 by default and at most"),
        Field::optional("rate", Kind::Rate, "requests in a time, such as `200/s`"),
        Field::optional("burst", Kind::Whole(1, 100_000), "requests at once; those of one second where this is left out"),
    ],
    exactly_one: &[],
};

static HANDSHAKE: Table = Table {
    name: "`handshake`",
    doc: "Requests that are answered and admit nothing.",
    fields: &[
        Field::optional("challenge", Kind::Table(&CHALLENGE), "answers GET with the value of a query parameter"),
        Field::optional("ping", Kind::Table(&PING), "answers a POST that a header marks as a test call"),
    ],
    exactly_one: &[],
};

static CHALLENGE: Table = Table {
    name: "`challenge`",
    doc: "A GET whose query value is echoed.",
    fields: &[Field::required("query", Kind::Text, "the query parameter")],
    exactly_one: &[],
};

static PING: Table = Table {
    name: "`ping`",
    doc: "A POST that a header marks as a test call.",
    fields: &[
        Field::required("header", Kind::Header, "the header"),
        Field::optional("equals", Kind::Text, "its value; any where this is left out"),
    ],
    exactly_one: &[],
};

/// The source of an entry that was checked against [`SOURCE`]; `None` where its name is none.
pub(crate) fn source(entry: &Entry) -> Option<SourceSpec> {
    let name = SourceName::new(&entry.key.value).ok()?;
    let fields = Fields::new(&entry.value, &SOURCE);
    let proof = fields.inner("verify");
    let capture_span = fields.key_span("capture").unwrap_or(entry.key.span);
    let capture = fields.inner("capture").map(|fields| capture(fields, capture_span));
    let format = if is_word(fields, "format", "cloudevents") { Format::CloudEvents } else { Format::Json };
    Some(SourceSpec {
        name: entry.key.clone().map(|_| name),
        verify: proof.and_then(verify),
        verify_span: fields.key_span("verify").unwrap_or(entry.key.span),
        secrets: match (proof, &capture) {
            (Some(proof), _) => proof.list("secrets", |text| SecretName::new(text).ok()),
            (None, Some(capture)) => capture.nudges.clone(),
            (None, None) => Vec::new(),
        },
        capture,
        format,
        kind: fields.inner("type").and_then(pick),
        key: fields.inner("key").and_then(key),
        time: fields.inner("time").and_then(moment),
        keep_headers: fields.plain_list("keep_headers", |text| Some(text.to_ascii_lowercase())),
        events: fields.entries("events").iter().map(event).collect(),
        unknown: fields.text("unknown").map(|text| match text.value {
            "accept" => Unknown::Accept,
            "refuse" => Unknown::Refuse,
            _ => Unknown::Quarantine,
        }),
        on_invalid: if is_word(fields, "on_invalid", "refuse") { OnInvalid::Refuse } else { OnInvalid::Quarantine },
        limits: limits(fields.inner("limits")),
        allow_from: fields.plain_list("allow_from", scalar::network),
        handshake: handshake(fields.inner("handshake"), format),
    })
}

fn is_word(fields: Fields<'_>, name: &str, word: &str) -> bool {
    fields.text(name).is_some_and(|text| text.value == word)
}

fn pick(fields: Fields<'_>) -> Option<PickSpec> {
    if let Some(is) = fields.string("is") {
        return Some(PickSpec::Is(is.value));
    }
    place(fields)
}

fn moment(fields: Fields<'_>) -> Option<PickSpec> {
    place(fields)
}

fn place(fields: Fields<'_>) -> Option<PickSpec> {
    fields.lower("header").map(PickSpec::Header).or_else(|| fields.string("path").map(PickSpec::Path))
}

fn key(fields: Fields<'_>) -> Option<KeySpec> {
    if fields.text("digest").is_some() {
        return Some(KeySpec::Body);
    }
    let paths = fields.list("paths", |text| Some(text.to_owned()));
    if paths.is_empty() { place(fields).map(KeySpec::Native) } else { Some(KeySpec::Derived(paths)) }
}

fn event(entry: &Entry) -> EventSpec {
    let fields = Fields::new(&entry.value, &EVENT);
    EventSpec {
        native: entry.key.clone(),
        contract: fields.parsed("contract", scalar::contract_ref),
        kind: fields.plain("type", |text| Some(EventType::new(text))),
    }
}

fn limits(fields: Option<Fields<'_>>) -> SourceLimits {
    let whole = |name: &str| fields.and_then(|it| it.plain(name, scalar::whole)).and_then(|it| usize::try_from(it).ok());
    SourceLimits {
        body_bytes: fields.and_then(|it| it.plain("body", scalar::size)).unwrap_or(BODY_BYTES_MAX),
        depth: whole("depth").unwrap_or(BODY_DEPTH_MAX),
        headers: whole("headers").unwrap_or(HEADERS_MAX),
        rate: fields.and_then(rate),
    }
}

/// `rate` and `burst` of a table that has both.
pub(crate) fn rate(fields: Fields<'_>) -> Option<Rate> {
    let per_s = fields.plain("rate", scalar::rate)?;
    let burst = fields.plain("burst", scalar::whole).unwrap_or_else(|| one_second(per_s));
    Some(Rate { per_s, burst })
}

/// The requests of one second, at least one.
fn one_second(per_s: f64) -> u32 {
    let mut burst = 1;
    while f64::from(burst) < per_s && burst < 100_000 {
        burst += 1;
    }
    burst
}

fn handshake(fields: Option<Fields<'_>>, format: Format) -> Vec<Handshake> {
    let mut list = Vec::new();
    if let Some(query) = fields.and_then(|it| it.inner("challenge")).and_then(|it| it.string("query")) {
        list.push(Handshake::Challenge { query: query.value });
    }
    if let Some(ping) = fields.and_then(|it| it.inner("ping"))
        && let Some(header) = ping.lower("header")
    {
        let equals = ping.string("equals").map_or_else(String::new, |it| it.value);
        list.push(Handshake::Ping { header, equals });
    }
    match format {
        Format::CloudEvents => list.push(Handshake::CloudEvents),
        Format::Json => {}
    }
    list
}
