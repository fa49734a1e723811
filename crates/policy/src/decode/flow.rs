//! Flows: their table and their decoding.

use model::{DestinationName, FlowName, MappingName, OnDead, Owner, RetryName, SourceName};

use super::fields::Fields;
use super::scalar;
use super::table::{Field, Kind, Table};
use crate::codes;
use crate::specs::{FlowSpec, LaneSpec};
use crate::tree::Node;

/// `flows/NAME.yaml`.
pub(crate) static FLOW: Table = Table {
    name: "a flow",
    doc: "Event selection, mapping, destination, and how to deliver.",
    fields: &[
        Field::optional("summary", Kind::Text, "what it does, in a sentence"),
        Field::required_by(codes::NO_OWNER, "owner", Kind::Name, "who answers for its deliveries"),
        Field::required("on", Kind::Table(&ON), "which events it takes"),
        Field::optional("mapping", Kind::Name, "what makes the body; without one the data goes as it came"),
        Field::required("to", Kind::Name, "the destination"),
        Field::optional("deliver", Kind::Table(&DELIVER), "how to deliver"),
    ],
    exactly_one: &[],
};

static ON: Table = Table {
    name: "`on`",
    doc: "Which events a flow takes.",
    fields: &[
        Field::required("types", Kind::List(&Kind::TypePattern, 1), "event types, exact or a prefix with a final `*`"),
        Field::optional("sources", Kind::List(&Kind::SourceName, 1), "sources; all where this is left out"),
        Field::optional("where", Kind::Expression, "a boolean expression that cannot fail"),
    ],
    exactly_one: &[],
};

static DELIVER: Table = Table {
    name: "`deliver`",
    doc: "How a flow delivers.",
    fields: &[
        Field::optional("retry", Kind::Name, "`critical`, `standard` (default), `bulk`, or one of policies/"),
        Field::optional(
            "lane",
            Kind::Expression,
            "an expression for a text; `ordering` (default): the contract's key; `none`: unordered",
        ),
        Field::optional(
            "on_dead",
            Kind::Word(&["hold", "pass"]),
            "what a held or dead delivery does to its lane: `hold` (default) or `pass`",
        ),
        Field::optional("deadline", Kind::Duration("1s", "365d"), "gives up then, whatever the count says"),
    ],
    exactly_one: &[],
};

/// The flow of a tree that was checked against [`FLOW`].
pub(crate) fn flow(path: &str, name: FlowName, root: &Node) -> FlowSpec {
    let fields = Fields::new(root, &FLOW);
    let on = fields.inner("on");
    let deliver = fields.inner("deliver");
    FlowSpec {
        path: path.to_owned(),
        name,
        summary: fields.string("summary"),
        owner: fields.parsed("owner", |text| Owner::new(text).ok()),
        types: on.map_or_else(Vec::new, |on| on.list("types", |text| Some(text.to_owned()))),
        sources: on.map_or_else(Vec::new, |on| on.list("sources", |text| SourceName::new(text).ok())),
        filter: on.and_then(|on| on.string("where")),
        mapping: fields.parsed("mapping", |text| MappingName::new(text).ok()),
        destination: fields.parsed("to", |text| DestinationName::new(text).ok()),
        retry: deliver.and_then(|deliver| deliver.parsed("retry", |text| RetryName::new(text).ok())),
        lane: deliver.map_or(LaneSpec::Ordering(None), lane),
        on_dead: if deliver.and_then(|it| it.text("on_dead")).is_some_and(|it| it.value == "pass") {
            OnDead::Pass
        } else {
            OnDead::Hold
        },
        deadline: deliver.and_then(|deliver| deliver.plain("deadline", scalar::duration)),
    }
}

fn lane(deliver: Fields<'_>) -> LaneSpec {
    match deliver.string("lane") {
        None => LaneSpec::Ordering(None),
        Some(text) if text.value == "ordering" => LaneSpec::Ordering(Some(text.span)),
        Some(text) if text.value == "none" => LaneSpec::Unordered,
        Some(text) => LaneSpec::By(text),
    }
}
