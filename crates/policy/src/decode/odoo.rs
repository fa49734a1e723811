//! `odoo` of a system and `capture` of a source: their tables and their decoding.

use model::{SecretName, TimeSpan};

use super::fields::Fields;
use super::scalar;
use super::table::{Field, Kind, Table};
use crate::compiled::{CapturedBy, Rhythm, Since};
use crate::specs::{CaptureSpec, OdooSpec, Renewal};

/// From sweep to sweep where nobody says otherwise: each reads again what was written within the overlap.
const SWEEP_EVERY: TimeSpan = TimeSpan::from_secs(60);
/// From pull to pull: an empty one costs Odoo a few milliseconds, and who waits for an event does not notice a second.
const PULL_EVERY: TimeSpan = TimeSpan::from_secs(1);

/// `odoo` of a system.
pub(crate) static ODOO: Table = Table {
    name: "`odoo`",
    doc: "How the API of an Odoo is reached.",
    fields: &[
        Field::required("url", Kind::Url, "where it is, such as `https://erp.example.com`"),
        Field::required("database", Kind::Text, "its database"),
        Field::optional("login", Kind::Text, "the login of our user there; Odoo 18 and earlier ask for it"),
        Field::required(
            "keys",
            Kind::List(&Kind::Secret, 1),
            "API keys of that user, the newest first; several for rotation",
        ),
        Field::optional("allow", Kind::List(&Kind::Network, 1), "private networks that it may be in; none by default"),
        Field::optional(
            "rotate",
            Kind::Word(&["addon", "password"]),
            "how the product makes a new key before the one in use ends: by the outbox addon, or by a web session with the user's \
             password; nobody does where this is left out",
        ),
        Field::optional("password", Kind::Secret, "the user's password by reference, for `rotate: password`"),
    ],
    exactly_one: &[],
};

/// `capture` of a source.
pub(crate) static CAPTURE: Table = Table {
    name: "`capture`",
    doc: "How the records of the system are captured; nobody sends them.",
    fields: &[
        Field::optional(
            "from",
            Kind::Word(&["sweeps", "outbox"]),
            "`sweeps` (default): by reading what was written lately; `outbox`: by pulling what the addon wrote with each change",
        ),
        Field::optional(
            "nudges",
            Kind::List(&Kind::Secret, 1),
            "secrets that the path of Odoo's webhooks ends in, the newest first; no nudges where this is left out",
        ),
        Field::optional(
            "every",
            Kind::Duration("1s", "24h"),
            "from sweep to sweep, 60s by default and 5s at least; from pull to pull of the outbox, 1s by default",
        ),
        Field::optional(
            "overlap",
            Kind::Duration("10s", "24h"),
            "how far a sweep looks back: longer than Odoo's longest transaction; 5m by default, none with the outbox",
        ),
        Field::optional(
            "identities",
            Kind::Duration("1m", "30d"),
            "from one search for deleted records to the next; 1h by default",
        ),
        Field::optional(
            "digests",
            Kind::Duration("10m", "90d"),
            "from one comparison of all contents to the next; 24h by default",
        ),
        Field::optional(
            "reconcile",
            Kind::Duration("1h", "90d"),
            "from one reconciliation to the next, which counts what is complete and recovers what is not; 24h by default",
        ),
        Field::optional(
            "window",
            Kind::Duration("1h", "400d"),
            "how much of the past a reconciliation compares, at least `reconcile`; 7d by default",
        ),
        Field::optional(
            "since",
            Kind::Word(&["now", "beginning"]),
            "`now` (default): what is there at first is known and no event; `beginning`: each record of it is one",
        ),
    ],
    exactly_one: &[],
};

/// The `odoo` of a tree that was checked against [`ODOO`].
pub(crate) fn odoo(fields: Fields<'_>) -> OdooSpec {
    OdooSpec {
        url: fields.string("url"),
        database: fields.string("database"),
        login: fields.string("login"),
        keys: fields.list("keys", |text| SecretName::new(text).ok()),
        allow: fields.plain_list("allow", scalar::network),
        rotate: fields.parsed("rotate", renewal),
        password: fields.parsed("password", |text| SecretName::new(text).ok()),
    }
}

fn renewal(word: &str) -> Option<Renewal> {
    match word {
        "addon" => Some(Renewal::Addon),
        "password" => Some(Renewal::Password),
        _ => None,
    }
}

/// The `capture` of a tree that was checked against [`CAPTURE`].
pub(crate) fn capture(fields: Fields<'_>, span: model::Span) -> CaptureSpec {
    let is = |name: &str, word: &str| fields.text(name).is_some_and(|text| text.value == word);
    let time = |name: &str, default: TimeSpan| fields.plain(name, scalar::duration).unwrap_or(default);
    let (by, every) =
        if is("from", "outbox") { (CapturedBy::Outbox, PULL_EVERY) } else { (CapturedBy::Sweeps, SWEEP_EVERY) };
    CaptureSpec {
        span,
        by,
        overlap_span: fields.key_span("overlap"),
        nudges: fields.list("nudges", |text| SecretName::new(text).ok()),
        rhythm: Rhythm {
            every: time("every", every),
            overlap: time("overlap", TimeSpan::from_secs(300)),
            identities: time("identities", TimeSpan::from_secs(3_600)),
            digests: time("digests", TimeSpan::from_days(1)),
            reconcile: time("reconcile", TimeSpan::from_days(1)),
            window: time("window", TimeSpan::from_days(7)),
        },
        since: if is("since", "beginning") { Since::Beginning } else { Since::Now },
    }
}
