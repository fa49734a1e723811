//! Systems: their table and their decoding; sources and destinations have files of their own.

use model::Owner;

use super::destination::{DESTINATION, destination};
use super::fields::Fields;
use super::odoo::{ODOO, odoo};
use super::source::{SOURCE, source};
use super::table::{Field, Kind, Table};
use crate::codes;
use crate::specs::SystemSpec;
use crate::tree::Node;

/// `systems/NAME.yaml`.
pub(crate) static SYSTEM: Table = Table {
    name: "a system",
    doc: "A system with its sources and destinations.",
    fields: &[
        Field::optional("kind", Kind::Word(KINDS), "one of the kinds known by name"),
        Field::required_by(codes::NO_OWNER, "owner", Kind::Name, "answers for what goes wrong with it"),
        Field::optional("summary", Kind::Text, "what it is, in a sentence"),
        Field::optional("odoo", Kind::Table(&ODOO), "how its API is reached, where it is an Odoo"),
        Field::optional(
            "sources",
            Kind::Map(&Kind::SourceName, &Kind::Table(&SOURCE)),
            "where events come in: `POST /in/NAME`",
        ),
        Field::optional("destinations", Kind::Map(&Kind::Name, &Kind::Table(&DESTINATION)), "where deliveries go"),
    ],
    exactly_one: &[],
};

/// The kinds of systems that have a name.
pub(crate) const KINDS: &[&str] = &[
    "odoo",
    "wms",
    "3pl",
    "carrier",
    "tms",
    "shop",
    "marketplace",
    "edi",
    "supplier",
    "customs",
    "crm",
    "finance",
    "payment",
    "tax",
    "contract",
    "support",
    "hr",
    "mes",
    "plm",
    "quality",
    "maintenance",
    "iot",
    "analytics",
];

/// The system of a tree that was checked against [`SYSTEM`].
pub(crate) fn system(path: &str, name: &str, root: &Node) -> SystemSpec {
    let fields = Fields::new(root, &SYSTEM);
    SystemSpec {
        path: path.to_owned(),
        name: name.to_owned(),
        kind: fields.string("kind"),
        owner: fields.parsed("owner", |text| Owner::new(text).ok()),
        summary: fields.string("summary"),
        odoo: fields.inner("odoo").map(odoo),
        sources: fields.entries("sources").iter().filter_map(source).collect(),
        destinations: fields.entries("destinations").iter().filter_map(destination).collect(),
    }
}
