//! Mappings: their table, the tree of target fields, and their decoding.

use model::{MappingName, Owner};

use super::fields::{Fields, scalar as scalar_of};
use super::scalar;
use super::table::{Field, Kind, Table};
use super::validate::{check_table, check_value};
use crate::specs::{FieldKind, FieldSpec, MappingSpec, TableSpec};
use crate::tree::{Entry, Node, Shape, to_json};
use crate::{Findings, Spanned, codes};

/// `mappings/NAME.yaml`.
pub(crate) static MAPPING: Table = Table {
    name: "a mapping",
    doc: "One expression for each target field.",
    fields: &[
        Field::optional("summary", Kind::Text, "what it does, in a sentence"),
        Field::optional("owner", Kind::Name, "who answers for it"),
        Field::required("from", Kind::ContractRef, "the contract of the event that it reads"),
        Field::required("to", Kind::ContractRef, "the contract of the result, which is validated before it is sent"),
        Field::optional(
            "tables",
            Kind::Map(&Kind::Text, &Kind::Map(&Kind::TextOrEmpty, &Kind::Json)),
            "lookup tables: name -> key -> value",
        ),
        Field::required("fields", Kind::Fields, "target field -> expression; `name?` is left out when it is null"),
    ],
    exactly_one: &[],
};

/// A map under `fields` with the key `each`: one object for each item of a list.
pub(crate) static EACH: Table = Table {
    name: "a field with `each`",
    doc: "One object for each item of a list.",
    fields: &[
        Field::required("each", Kind::Expression, "the list"),
        Field::required("fields", Kind::Fields, "the fields of each object; `.` is the item, `event` the whole data"),
    ],
    exactly_one: &[],
};

/// Checks a tree of target fields.
pub(crate) fn check_fields(node: &Node, key: &Spanned<String>, findings: &mut Findings) {
    let Some(entries) = node.entries() else {
        let message = format!("`{}` is not a map of target fields", key.value);
        let diagnostic = findings.error(codes::WRONG_SHAPE, key.span, message).help("write `name: expression`");
        findings.push(diagnostic);
        return;
    };
    if entries.is_empty() {
        let diagnostic = findings.error(codes::NOTHING_HERE, key.span, format!("`{}` has no fields", key.value));
        findings.push(diagnostic);
    }
    for entry in entries {
        check_field(entry, findings);
    }
}

fn check_field(entry: &Entry, findings: &mut Findings) {
    let (name, optional) = target(&entry.key.value);
    if name.is_empty() {
        let diagnostic = findings.error(codes::NOTHING_HERE, entry.key.span, "a target field needs a name");
        findings.push(diagnostic);
    }
    match &entry.value.shape {
        Shape::Map(_) if entry.value.entry("each").is_some() => {
            check_table(&entry.value, &EACH, &entry.key, findings);
        }
        Shape::Map(_) => {
            if optional {
                let message = format!("`{}` is an object, which cannot be optional itself", entry.key.value);
                let diagnostic = findings.error(codes::WRONG_SHAPE, entry.key.span, message);
                findings.push(diagnostic.help("mark its fields with `?`; an object without fields is left out"));
            }
            check_fields(&entry.value, &entry.key, findings);
        }
        Shape::List(_) => {
            let message = format!("`{name}` is a list, and should be an expression or fields");
            let diagnostic = findings.error(codes::WRONG_SHAPE, entry.key.span, message);
            findings.push(diagnostic.help("put an expression such as '[.a, .b]' in quotes, or use `each` and `fields`"));
        }
        Shape::Scalar(_) => check_value(&entry.value, &Kind::Expression, &entry.key, findings),
    }
}

/// The name of a target field without its mark, and whether it has the mark.
fn target(key: &str) -> (&str, bool) {
    key.strip_suffix('?').map_or((key, false), |name| (name, true))
}

/// The mapping of a tree that was checked against [`MAPPING`].
pub(crate) fn mapping(path: &str, name: MappingName, root: &Node) -> MappingSpec {
    let fields = Fields::new(root, &MAPPING);
    let mut specs = Vec::new();
    if let Some(node) = fields.value("fields") {
        flatten(node, &[], &mut specs);
    }
    MappingSpec {
        path: path.to_owned(),
        name,
        summary: fields.string("summary"),
        owner: fields.parsed("owner", |text| Owner::new(text).ok()),
        from: fields.parsed("from", scalar::contract_ref),
        to: fields.parsed("to", scalar::contract_ref),
        tables: fields.entries("tables").iter().map(table).collect(),
        fields: specs,
    }
}

fn table(entry: &Entry) -> TableSpec {
    let row = |row: &Entry| (row.key.clone(), Spanned::new(to_json(&row.value), row.value.span));
    let rows = entry.value.entries().unwrap_or_default().iter().map(row).collect();
    TableSpec { name: entry.key.clone(), rows }
}

/// Adds the leaves below a map of fields, each with its path from `above`.
fn flatten(node: &Node, above: &[String], specs: &mut Vec<FieldSpec>) {
    for entry in node.entries().unwrap_or_default() {
        let (name, optional) = target(&entry.key.value);
        let mut path = above.to_vec();
        path.push(name.to_owned());
        let kind = match &entry.value.shape {
            Shape::List(_) => None,
            Shape::Scalar(_) => {
                scalar_of(&entry.value, &Kind::Expression).map(|text| FieldKind::Expr(text.map(str::to_owned)))
            }
            Shape::Map(_) if entry.value.entry("each").is_some() => each(&entry.value),
            Shape::Map(_) => {
                flatten(&entry.value, &path, specs);
                None
            }
        };
        if let Some(kind) = kind {
            specs.push(FieldSpec { target: path, span: entry.key.span, optional, kind });
        }
    }
}

fn each(node: &Node) -> Option<FieldKind> {
    let fields = Fields::new(node, &EACH);
    let mut inner = Vec::new();
    flatten(fields.value("fields")?, &[], &mut inner);
    Some(FieldKind::Each { list: fields.string("each")?, fields: inner })
}
