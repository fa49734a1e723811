//! Destinations of a system: their table and their decoding.

use model::limit::CONCURRENCY_MAX;
use model::{DestinationName, SecretName, TimeSpan};

use super::fields::{Fields, scalar as scalar_of};
use super::scalar;
use super::source::rate;
use super::table::{Field, Kind, Table};
use crate::compiled::{Auth, Breaker, Repeat, Writing};
use crate::specs::DestinationSpec;
use crate::tree::Entry;

/// One entry under `destinations:` of a system.
pub(crate) static DESTINATION: Table = Table {
    name: "a destination",
    doc: "Where deliveries go.",
    fields: &[
        Field::optional("url", Kind::Url, "an absolute `http` or `https` URL"),
        Field::optional(
            "commands",
            Kind::Word(&["on", "off"]),
            "instead of `url`: deliveries are commands to the system's Odoo; with `off` they are held, and nothing is changed",
        ),
        Field::optional("method", Kind::Word(&["POST", "PUT", "PATCH"]), "`POST` (default), `PUT` or `PATCH`"),
        Field::optional("sign", Kind::List(&Kind::Secret, 1), "secrets for Standard Webhooks, the newest first"),
        Field::optional("auth", Kind::Table(&AUTH), "how it knows us besides the signature"),
        Field::optional(
            "headers",
            Kind::Map(&Kind::FixedHeader, &Kind::HeaderValue),
            "fixed headers; credentials go into `auth`",
        ),
        Field::optional(
            "timeout",
            Kind::Duration("1s", "180s"),
            "for a whole exchange, at most 60s; 15s by default. Of commands for each change: 60s to 180s, 150s by default",
        ),
        Field::optional(
            "concurrency",
            Kind::Whole(1, CONCURRENCY_MAX),
            "sends at once; 8 by default. Of commands 1 to 4 in each node, 2 by default",
        ),
        Field::optional("rate", Kind::Rate, "sends in a time, such as `50/s`"),
        Field::optional(
            "burst",
            Kind::Whole(1, 100_000),
            "sends at once after a quiet time; those of one second where this is left out",
        ),
        Field::optional("first_attempts", Kind::Percent, "slots that repeats may not take; 30% by default"),
        Field::optional(
            "repeat",
            Kind::Word(&["safe", "unsafe"]),
            "what happens when it is not known whether an attempt arrived: `safe` (default) sends again, `unsafe` holds",
        ),
        Field::optional("breaker", Kind::Table(&BREAKER), "when it is left alone for a while"),
        Field::optional("allow", Kind::List(&Kind::Network, 1), "private networks that it may reach; none by default"),
    ],
    exactly_one: &[&["url", "commands"]],
};

static AUTH: Table = Table {
    name: "`auth`",
    doc: "How a destination knows us besides the signature.",
    fields: &[
        Field::optional("bearer", Kind::Secret, "the secret of `Authorization: Bearer`"),
        Field::optional("basic", Kind::Table(&BASIC), "`Authorization: Basic`"),
        Field::optional("header", Kind::Table(&HEADER), "a header of its own"),
    ],
    exactly_one: &[&["bearer", "basic", "header"]],
};

static BASIC: Table = Table {
    name: "`basic`",
    doc: "HTTP basic authentication.",
    fields: &[
        Field::required("user", Kind::Text, "the user's name"),
        Field::required("secret", Kind::Secret, "the password's name"),
    ],
    exactly_one: &[],
};

static HEADER: Table = Table {
    name: "`header`",
    doc: "A secret in a header of its own.",
    fields: &[
        Field::required("name", Kind::SentHeader, "the header"),
        Field::required("secret", Kind::Secret, "the value's name"),
    ],
    exactly_one: &[],
};

static BREAKER: Table = Table {
    name: "`breaker`",
    doc: "When a destination is left alone for a while.",
    fields: &[
        Field::optional("failures", Kind::Percent, "so many of its attempts fail …; 50% by default"),
        Field::optional("of", Kind::Whole(1, 1_000), "… of at least so many …; 10 by default"),
        Field::optional("within", Kind::Duration("1s", "1h"), "… within this time; 60s by default"),
        Field::optional("in_a_row", Kind::Whole(1, 1_000), "or so many failures in a row; 5 by default"),
        Field::optional(
            "pause",
            Kind::Duration("1s", "1h"),
            "the first pause; each further one is twice as long; 15s by default",
        ),
        Field::optional("pause_max", Kind::Duration("1s", "24h"), "no pause is longer; 5m by default"),
    ],
    exactly_one: &[],
};

/// The destination of an entry that was checked against [`DESTINATION`]; `None` where its name is none.
pub(crate) fn destination(entry: &Entry) -> Option<DestinationSpec> {
    let name = DestinationName::new(&entry.key.value).ok()?;
    let fields = Fields::new(&entry.value, &DESTINATION);
    Some(DestinationSpec {
        name: entry.key.clone().map(|_| name),
        url: fields.string("url"),
        commands: fields.parsed("commands", |text| Some(if text == "on" { Writing::On } else { Writing::Off })),
        given: entry.value.entries().unwrap_or_default().iter().map(|entry| entry.key.clone()).collect(),
        method: fields.text("method").map_or("POST", |method| method.value).to_owned(),
        sign: fields.plain_list("sign", |text| SecretName::new(text).ok()),
        auth: fields.inner("auth").and_then(auth),
        headers: fields.entries("headers").iter().filter_map(header).collect(),
        timeout: fields.parsed("timeout", scalar::duration),
        concurrency: fields.parsed("concurrency", scalar::whole),
        rate: rate(fields),
        first_attempts_percent: fields.plain("first_attempts", scalar::percent).unwrap_or(30),
        repeat: if fields.text("repeat").is_some_and(|it| it.value == "unsafe") { Repeat::Unsafe } else { Repeat::Safe },
        breaker: breaker(fields.inner("breaker")),
        allow: fields.plain_list("allow", scalar::network),
    })
}

fn header(entry: &Entry) -> Option<(String, String)> {
    let text = scalar_of(&entry.value, &Kind::TextOrEmpty)?;
    Some((entry.key.value.to_ascii_lowercase(), text.value.to_owned()))
}

fn auth(fields: Fields<'_>) -> Option<Auth> {
    let secret = |fields: Fields<'_>, name: &str| fields.plain(name, |text| SecretName::new(text).ok());
    if let Some(bearer) = secret(fields, "bearer") {
        return Some(Auth::Bearer(bearer));
    }
    if let Some(basic) = fields.inner("basic") {
        return Some(Auth::Basic { user: basic.string("user")?.value, secret: secret(basic, "secret")? });
    }
    let header = fields.inner("header")?;
    // A policy that was applied before some names were refused goes on as it is.
    let name = scalar_of(header.value("name")?, &Kind::Header)?.value.to_ascii_lowercase();
    Some(Auth::Header { name, secret: secret(header, "secret")? })
}

fn breaker(fields: Option<Fields<'_>>) -> Breaker {
    let whole = |name: &str, default: u32| fields.and_then(|it| it.plain(name, scalar::whole)).unwrap_or(default);
    let span =
        |name: &str, secs: u64| fields.and_then(|it| it.plain(name, scalar::duration)).unwrap_or(TimeSpan::from_secs(secs));
    Breaker {
        failures_percent: fields.and_then(|it| it.plain("failures", scalar::percent)).unwrap_or(50),
        of: whole("of", 10),
        within: span("within", 60),
        in_a_row: whole("in_a_row", 5),
        pause: span("pause", 15),
        pause_max: span("pause_max", 300),
    }
}
