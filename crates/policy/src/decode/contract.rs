//! Contracts: their table and their decoding.

use model::{ContractRef, EventType, Owner};

use super::fields::Fields;
use super::governed::{MODE, SERVICE, governed};
use super::table::{Field, Kind, Table};
use crate::Spanned;
use crate::specs::{Classification, ContractSpec, Lifecycle, Repeatable};
use crate::tree::{Entry, Node, to_json};

/// `contracts/NAME/VERSION.yaml`.
pub(crate) static CONTRACT: Table = Table {
    name: "a contract",
    doc: "An event type with schema, identifiers and keys.",
    fields: &[
        Field::optional("summary", Kind::Text, "what it describes, in a sentence"),
        Field::optional("owner", Kind::Name, "who answers for it"),
        Field::optional("domain", Kind::Name, "the business area: `sales`, `inventory`"),
        Field::optional("aliases", Kind::List(&Kind::Text, 0), "other names that people use for it"),
        Field::optional("type", Kind::EventType, "the event type that it describes; its own name where this is left out"),
        Field::optional(
            "lifecycle",
            Kind::Word(&["draft", "approved", "deprecated", "retired"]),
            "where it stands in its life; `approved` by default",
        ),
        Field::optional(
            "classification",
            Kind::Word(&["public", "internal", "confidential", "restricted"]),
            "how its data may be shown; `internal` by default",
        ),
        Field::optional(
            "personal",
            Kind::List(&Kind::Expression, 0),
            "fields that say something of a person: paths; `[0]` stands for each item of a list",
        ),
        Field::optional("retention", Kind::Duration("1d", "36500d"), "how long its data may be kept"),
        Field::optional("residency", Kind::Text, "where its data may be kept"),
        Field::optional(
            "record",
            Kind::Map(&Kind::Expression, &Kind::Name),
            "which system is the record: path -> system; `.` for all that is not named",
        ),
        Field::optional("mode", Kind::Table(&MODE), "how it is synchronised, and why so"),
        Field::optional("service", Kind::Table(&SERVICE), "how soon it is wanted at the other end"),
        Field::optional("identifiers", Kind::Map(&Kind::Name, &Kind::Expression), "what people search by: name -> path"),
        Field::optional("ordering", Kind::Expression, "events with the same value are handled in order"),
        Field::optional("correlation", Kind::Expression, "the business transaction; the event's id where this is left out"),
        Field::optional("time", Kind::Expression, "when it happened"),
        Field::optional(
            "dedupe",
            Kind::List(&Kind::Expression, 1),
            "what tells two of them apart where the sender gives no key: paths",
        ),
        Field::optional(
            "repeat",
            Kind::Word(&["state", "transition", "command"]),
            "what a replay may do; `state` by default",
        ),
        Field::required("schema", Kind::Json, "JSON Schema 2020-12 of the data"),
        Field::optional("examples", Kind::List(&Kind::Json, 0), "data that satisfies the schema"),
    ],
    exactly_one: &[],
};

/// The contract of a tree that was checked against [`CONTRACT`]; `None` where there is no schema.
pub(crate) fn contract(path: &str, name: &str, version: &str, root: &Node) -> Option<ContractSpec> {
    let fields = Fields::new(root, &CONTRACT);
    let schema = fields.value("schema")?;
    let word = |field: &str| fields.text(field).map_or("", |text| text.value);
    Some(ContractSpec {
        path: path.to_owned(),
        reference: ContractRef::new(name, version),
        version: version.to_owned(),
        summary: fields.string("summary"),
        owner: fields.parsed("owner", |text| Owner::new(text).ok()),
        kind: fields.text("type").map_or_else(|| EventType::new(name), |kind| EventType::new(kind.value)),
        lifecycle: match word("lifecycle") {
            "draft" => Lifecycle::Draft,
            "deprecated" => Lifecycle::Deprecated,
            "retired" => Lifecycle::Retired,
            _ => Lifecycle::Approved,
        },
        classification: match word("classification") {
            "public" => Classification::Public,
            "confidential" => Classification::Confidential,
            "restricted" => Classification::Restricted,
            _ => Classification::Internal,
        },
        governed: governed(fields),
        identifiers: fields.entries("identifiers").iter().filter_map(identifier).collect(),
        ordering: fields.string("ordering"),
        correlation: fields.string("correlation"),
        time: fields.string("time"),
        repeat: match word("repeat") {
            "transition" => Repeatable::Transition,
            "command" => Repeatable::Command,
            _ => Repeatable::State,
        },
        schema: Spanned::new(to_json(schema), schema.span),
        schema_tree: schema.clone(),
        examples: fields.items("examples").iter().map(|item| Spanned::new(to_json(item), item.span)).collect(),
        example_trees: fields.items("examples").to_vec(),
    })
}

fn identifier(entry: &Entry) -> Option<(Spanned<String>, Spanned<String>)> {
    let path = super::fields::scalar(&entry.value, &Kind::Expression)?;
    Some((entry.key.clone(), path.map(str::to_owned)))
}
