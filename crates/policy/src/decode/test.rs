//! Tests of a project: their table and their decoding.

use std::collections::BTreeMap;

use model::{Code, DestinationName, FlowName, SourceName};

use super::fields::{Fields, scalar as scalar_of};
use super::scalar;
use super::table::{Field, Kind, Table};
use crate::Spanned;
use crate::specs::{Expect, ExpectedDelivery, ExpectedVerdict, Given, GivenBody, TestSpec};
use crate::tree::{Entry, Node, Shape, Style, to_json};

/// `tests/NAME.yaml`.
pub(crate) static TEST: Table = Table {
    name: "a test",
    doc: "A request, and what must become of it.",
    fields: &[
        Field::optional("summary", Kind::Text, "what it shows, in a sentence"),
        Field::required("given", Kind::Table(&GIVEN), "the request"),
        Field::required("expect", Kind::Table(&EXPECT), "what must become of it"),
    ],
    exactly_one: &[],
};

static GIVEN: Table = Table {
    name: "`given`",
    doc: "The request of a test; it is signed with a test secret.",
    fields: &[
        Field::required("source", Kind::SourceName, "the source that it goes to"),
        Field::optional("headers", Kind::Map(&Kind::Header, &Kind::TextOrEmpty), "its headers"),
        Field::optional("body", Kind::Json, "its body: JSON, or a text in quotes that is sent as it is"),
        Field::optional("body_file", Kind::Text, "the file of its body, from the top of the project"),
        Field::optional("at", Kind::Instant, "when it arrives"),
    ],
    exactly_one: &[&["body", "body_file"]],
};

static EXPECT: Table = Table {
    name: "`expect`",
    doc: "What must become of the request; what is left out is not compared.",
    fields: &[
        Field::optional(
            "verdict",
            Kind::Word(&["admitted", "quarantined", "refused"]),
            "`admitted`, `quarantined` or `refused`",
        ),
        Field::optional("reasons", Kind::List(&Kind::Code, 1), "the codes of a quarantine"),
        Field::optional("problem", Kind::Word(PROBLEMS), "the problem of a refusal"),
        Field::optional("type", Kind::EventType, "the event type"),
        Field::optional("identifiers", Kind::Map(&Kind::Name, &Kind::TextOrEmpty), "identifiers by name"),
        Field::optional("deliveries", Kind::List(&Kind::Table(&DELIVERY), 0), "all deliveries, in the order of flow names"),
    ],
    exactly_one: &[],
};

static DELIVERY: Table = Table {
    name: "a delivery",
    doc: "A delivery that must be made.",
    fields: &[
        Field::required("flow", Kind::Name, "by which flow"),
        Field::optional("to", Kind::Name, "to which destination"),
        Field::optional("lane", Kind::TextOrEmpty, "in which lane"),
        Field::optional("body", Kind::Json, "the whole mapped body"),
        Field::optional("fails", Kind::List(&Kind::Code, 1), "codes of a mapping that refuses"),
    ],
    exactly_one: &[],
};

/// The problems of refusals: [`model::RefusalKind::code`].
pub(crate) const PROBLEMS: &[&str] = &[
    "unknown-source",
    "bad-signature",
    "stale-timestamp",
    "expired-permission",
    "forbidden-address",
    "malformed",
    "too-deep",
    "too-large",
    "headers-too-large",
    "unsupported-media-type",
    "key-reused",
    "contract-violation",
    "unknown-type",
    "over-limit",
    "unavailable",
];

/// The test of a tree that was checked against [`TEST`]; `None` where source or body are missing.
pub(crate) fn test(path: &str, name: &str, root: &Node) -> Option<TestSpec> {
    let fields = Fields::new(root, &TEST);
    let given = fields.inner("given")?;
    Some(TestSpec {
        path: path.to_owned(),
        name: name.to_owned(),
        given: Given {
            source: given.parsed("source", |text| SourceName::new(text).ok())?,
            headers: given.entries("headers").iter().filter_map(header).collect(),
            body: body(given)?,
            at: given.plain("at", scalar::instant),
        },
        expect: expect(fields.inner("expect")?),
    })
}

fn header(entry: &Entry) -> Option<(String, String)> {
    let text = scalar_of(&entry.value, &Kind::TextOrEmpty)?;
    Some((entry.key.value.to_ascii_lowercase(), text.value.to_owned()))
}

fn body(given: Fields<'_>) -> Option<GivenBody> {
    if let Some(file) = given.string("body_file") {
        return Some(GivenBody::File(file));
    }
    let body = given.node().entry("body")?;
    Some(match &body.value.shape {
        Shape::Scalar(scalar) if scalar.style != Style::Plain => GivenBody::Text(scalar.text.clone()),
        Shape::Scalar(_) | Shape::List(_) | Shape::Map(_) => GivenBody::Json(to_json(&body.value)),
    })
}

fn expect(fields: Fields<'_>) -> Expect {
    let verdict = |text: &str| {
        Some(match text {
            "admitted" => ExpectedVerdict::Admitted,
            "quarantined" => ExpectedVerdict::Quarantined,
            _ => ExpectedVerdict::Refused,
        })
    };
    let identifiers = fields.value("identifiers").map(|node| Spanned::new(texts(node), node.span));
    let deliveries = fields.value("deliveries").and_then(Node::items);
    Expect {
        verdict: fields.parsed("verdict", verdict),
        reasons: codes(fields, "reasons"),
        problem: fields.string("problem"),
        kind: fields.string("type"),
        identifiers,
        deliveries: deliveries.map(|items| items.iter().filter_map(delivery).collect()),
    }
}

fn texts(node: &Node) -> BTreeMap<String, String> {
    let text = |entry: &Entry| Some((entry.key.value.clone(), entry.value.scalar()?.text.clone()));
    node.entries().unwrap_or_default().iter().filter_map(text).collect()
}

fn codes(fields: Fields<'_>, name: &str) -> Option<Vec<Spanned<Code>>> {
    fields.value(name).map(|_| fields.list(name, |text| text.parse().ok()))
}

fn delivery(node: &Node) -> Option<Spanned<ExpectedDelivery>> {
    node.entries()?;
    let fields = Fields::new(node, &DELIVERY);
    let lane =
        node.entry("lane").map(|entry| fields.string("lane").map(|lane| lane.value).filter(|_| !entry.value.is_null()));
    let delivery = ExpectedDelivery {
        flow: fields.parsed("flow", |text| FlowName::new(text).ok())?,
        destination: fields.parsed("to", |text| DestinationName::new(text).ok()),
        lane,
        body: node.entry("body").map(|entry| Spanned::new(to_json(&entry.value), entry.value.span)),
        fails: codes(fields, "fails"),
    };
    let span = delivery.flow.span;
    Some(Spanned::new(delivery, span))
}

#[cfg(test)]
mod tests {
    use model::RefusalKind;

    use super::*;

    #[test]
    fn the_problems_are_those_of_refusals() {
        for kind in
            [RefusalKind::UnknownSource, RefusalKind::BadSignature, RefusalKind::ContractViolation, RefusalKind::Unavailable]
        {
            assert!(PROBLEMS.contains(&kind.code()), "{kind:?}");
        }
    }
}
