//! How a request proves where it comes from: the table of `verify` and its decoding.

use formats::signature::hmac_template::{Algorithm, Encoding, TimestampFormat};
use model::Owner;
use model::limit::SIGNATURE_TOLERANCE;

use super::fields::Fields;
use super::scalar;
use super::table::{Field, Kind, Table};
use crate::codes;
use crate::presets::{PRESETS, Preset};
use crate::specs::{HmacFrame, HmacSpec, VerifySpec};

/// `verify` of a source.
pub(crate) static VERIFY: Table = Table {
    name: "`verify`",
    doc: "How a request proves where it comes from.",
    fields: &[
        Field::optional("preset", Kind::Word(PRESETS), "a scheme known by name"),
        Field::optional("hmac", Kind::Table(&HMAC), "a signature scheme of one's own"),
        Field::optional("shared_secret", Kind::Table(&SHARED_SECRET), "a secret in the path or in a header"),
        Field::optional("basic", Kind::Table(&BASIC), "HTTP basic authentication"),
        Field::optional("unsigned", Kind::Table(&UNSIGNED), "no proof, and a person has said so until a day"),
        Field::optional("secrets", Kind::List(&Kind::Secret, 1), "names of secrets, the newest first; several for rotation"),
    ],
    exactly_one: &[&["preset", "hmac", "shared_secret", "basic", "unsigned"]],
};

static HMAC: Table = Table {
    name: "`hmac`",
    doc: "A signature over a text that is made from the request.",
    fields: &[
        Field::required(
            "algorithm",
            Kind::Word(&["sha1", "sha256", "sha512", "ed25519"]),
            "`sha1`, `sha256`, `sha512` or `ed25519`",
        ),
        Field::required("header", Kind::Header, "the header of the signature"),
        Field::required("encoding", Kind::Word(&["hex", "base64"]), "how the signature is written: `hex` or `base64`"),
        Field::optional("prefix", Kind::TextOrEmpty, "what stands before the signature"),
        Field::required("signed", Kind::Text, "the signed text: {body} {timestamp} {id} {method} {path} {header:NAME}"),
        Field::optional("timestamp", Kind::Table(&TIMESTAMP), "where the timestamp is found"),
        Field::optional("id", Kind::Table(&ID), "where the text for {id} is found"),
        Field::optional("tolerance", Kind::Duration("1s", "1h"), "how far the timestamp may be off; 5m by default"),
    ],
    exactly_one: &[],
};

static TIMESTAMP: Table = Table {
    name: "`timestamp`",
    doc: "Where the timestamp of a signature is found.",
    fields: &[
        Field::required("header", Kind::Header, "its header"),
        Field::required(
            "format",
            Kind::Word(&["seconds", "millis", "rfc3339"]),
            "how it is written: `seconds`, `millis` or `rfc3339`",
        ),
    ],
    exactly_one: &[],
};

static ID: Table = Table {
    name: "`id`",
    doc: "Where the text for {id} is found.",
    fields: &[Field::required("header", Kind::Header, "its header")],
    exactly_one: &[],
};

static SHARED_SECRET: Table = Table {
    name: "`shared_secret`",
    doc: "A secret that is sent as it is.",
    fields: &[
        Field::optional("in", Kind::Word(&["path"]), "`path`: the last part of the path, `POST /in/NAME/SECRET`"),
        Field::optional("header", Kind::Header, "in this header"),
    ],
    exactly_one: &[&["in", "header"]],
};

static BASIC: Table = Table {
    name: "`basic`",
    doc: "HTTP basic authentication.",
    fields: &[Field::required("user", Kind::Text, "the user's name")],
    exactly_one: &[],
};

static UNSIGNED: Table = Table {
    name: "an unsigned source",
    doc: "No proof at all, allowed by a person for a time.",
    fields: &[
        Field::required_by(codes::UNSIGNED_INCOMPLETE, "owner", Kind::Name, "who allows it"),
        Field::required_by(codes::UNSIGNED_INCOMPLETE, "until", Kind::Date, "the last day on which it is allowed"),
        Field::required_by(codes::UNSIGNED_INCOMPLETE, "why", Kind::Text, "for what reason"),
    ],
    exactly_one: &[],
};

/// The verification of a map that was checked against [`VERIFY`].
pub(crate) fn verify(fields: Fields<'_>) -> Option<VerifySpec> {
    if let Some(preset) = fields.plain("preset", Preset::named) {
        return Some(VerifySpec::Preset(preset));
    }
    if let Some(hmac) = fields.inner("hmac") {
        return self::hmac(hmac).map(|spec| VerifySpec::Hmac(Box::new(spec)));
    }
    if let Some(shared) = fields.inner("shared_secret") {
        let header = shared.lower("header").map(VerifySpec::SecretHeader);
        return header.or_else(|| shared.text("in").map(|_| VerifySpec::SecretPath));
    }
    if let Some(basic) = fields.inner("basic") {
        return basic.string("user").map(|user| VerifySpec::Basic(user.value));
    }
    let unsigned = fields.inner("unsigned")?;
    Some(VerifySpec::Unsigned {
        owner: unsigned.plain("owner", |text| Owner::new(text).ok())?,
        until: unsigned.parsed("until", scalar::end_of_day)?,
        why: unsigned.string("why")?.value,
    })
}

/// The signed text is looked at even where something else is wrong, so that one run tells both.
fn hmac(fields: Fields<'_>) -> Option<HmacSpec> {
    Some(HmacSpec { signed: fields.string("signed")?, frame: frame(fields) })
}

fn frame(fields: Fields<'_>) -> Option<HmacFrame> {
    let algorithm = fields.plain("algorithm", |text| match text {
        "sha1" => Some(Algorithm::HmacSha1),
        "sha256" => Some(Algorithm::HmacSha256),
        "sha512" => Some(Algorithm::HmacSha512),
        "ed25519" => Some(Algorithm::Ed25519),
        _ => None,
    })?;
    let encoding = if fields.text("encoding")?.value == "hex" { Encoding::Hex } else { Encoding::Base64 };
    // What is written and wrong is not what is left out: the text would be blamed for lacking it.
    let timestamp = match fields.inner("timestamp") {
        Some(fields) => Some(timestamp(fields)?),
        None => None,
    };
    let id = match fields.inner("id") {
        Some(fields) => Some(fields.lower("header")?),
        None => None,
    };
    Some(HmacFrame {
        algorithm,
        header: fields.lower("header")?,
        encoding,
        prefix: fields.string("prefix").map_or_else(String::new, |prefix| prefix.value),
        timestamp,
        id,
        tolerance: fields.plain("tolerance", scalar::duration).unwrap_or(SIGNATURE_TOLERANCE),
    })
}

fn timestamp(fields: Fields<'_>) -> Option<(String, TimestampFormat)> {
    let format = match fields.text("format")?.value {
        "seconds" => TimestampFormat::Seconds,
        "millis" => TimestampFormat::Millis,
        _ => TimestampFormat::Rfc3339,
    };
    Some((fields.lower("header")?, format))
}
