//! A tree against a table of fields: every unknown, missing, misshapen or unreadable field is reported, and nothing stops
//! at the first. What is read later from a tree that was checked here needs to report nothing.

use model::{Code, Diagnostic, Span};

use super::header;
use super::scalar::{self, Wrong};
use super::table::{Field, Kind, Need, Table};
use crate::tree::{Entry, Node, NumberLoss, Scalar, Shape, number_loss};
use crate::{Findings, Spanned, codes, near};

/// Checks a map against its table. `name` is what a missing key is missing in, and stands where that is reported.
pub(crate) fn check_table(node: &Node, table: &'static Table, name: &Spanned<String>, findings: &mut Findings) {
    let Some(entries) = node.entries() else {
        wrong_shape(node, name, "a map of keys", findings);
        return;
    };
    for entry in entries {
        match table.field(&entry.key.value) {
            Some(field) => check_value(&entry.value, &field.kind, &entry.key, findings),
            None => unknown_key(entry, table, findings),
        }
    }
    for field in table.fields {
        if node.entry(field.name).is_none() {
            missing_key(field, table, name, findings);
        }
    }
    for group in table.exactly_one {
        check_group(entries, group, name, findings);
    }
}

/// Checks a value against its kind; `key` is what leads to it.
pub(crate) fn check_value(node: &Node, kind: &'static Kind, key: &Spanned<String>, findings: &mut Findings) {
    if node.is_null() && !matches!(kind, Kind::Json) {
        let message = format!("`{}` says nothing", key.value);
        let diagnostic = findings.error(codes::NOTHING_HERE, key.span, message).help("write a value, or remove the key");
        findings.push(diagnostic);
        return;
    }
    match kind {
        Kind::List(of, least) => check_list(node, of, *least, key, findings),
        Kind::Map(key_kind, of) => check_map(node, key_kind, of, key, findings),
        Kind::Table(table) => check_table(node, table, key, findings),
        Kind::ListOrTable(of, table) => match &node.shape {
            Shape::Map(_) => check_table(node, table, key, findings),
            Shape::List(_) | Shape::Scalar(_) => check_list(node, of, 1, key, findings),
        },
        Kind::Fields => super::mapping::check_fields(node, key, findings),
        Kind::Json => check_json(node, findings),
        Kind::Text
        | Kind::TextOrEmpty
        | Kind::Name
        | Kind::SourceName
        | Kind::Secret
        | Kind::Header
        | Kind::SentHeader
        | Kind::FixedHeader
        | Kind::HeaderValue
        | Kind::Expression
        | Kind::Word(_)
        | Kind::Duration(..)
        | Kind::Size(_)
        | Kind::Rate
        | Kind::Percent
        | Kind::Whole(..)
        | Kind::Bool
        | Kind::Network
        | Kind::Date
        | Kind::Instant
        | Kind::Url
        | Kind::ContractRef
        | Kind::EventType
        | Kind::TypePattern
        | Kind::Code => check_scalar(node, kind, key, findings),
    }
}

fn check_scalar(node: &Node, kind: &Kind, key: &Spanned<String>, findings: &mut Findings) {
    let Some(Scalar { text, .. }) = node.scalar() else {
        wrong_shape(node, key, expected(kind), findings);
        return;
    };
    if let Some(diagnostic) = scalar_of(text, kind, &key.value, node.span, findings) {
        findings.push(diagnostic);
    }
}

/// What is wrong with a scalar, if anything.
fn scalar_of(text: &str, kind: &Kind, name: &str, span: Span, findings: &Findings) -> Option<Diagnostic> {
    scalar::check(kind, text).err().map(|wrong| told(wrong, name, span, findings))
}

fn told(wrong: Wrong, name: &str, span: Span, findings: &Findings) -> Diagnostic {
    findings.error(wrong.code, span, format!("`{name}` {}", wrong.message)).help(wrong.help)
}

fn check_list(node: &Node, of: &'static Kind, least: usize, key: &Spanned<String>, findings: &mut Findings) {
    let Some(items) = node.items() else {
        wrong_shape(node, key, "a list", findings);
        return;
    };
    if items.len() < least {
        let message = format!("`{}` needs at least {least} of its kind", key.value);
        let diagnostic = findings.error(codes::NOTHING_HERE, key.span, message).help("fill the list, or remove the key");
        findings.push(diagnostic);
    }
    for item in items {
        let name = Spanned::new(key.value.clone(), item.span);
        check_value(item, of, &name, findings);
    }
}

fn check_map(node: &Node, key_kind: &Kind, of: &'static Kind, key: &Spanned<String>, findings: &mut Findings) {
    let Some(entries) = node.entries() else {
        wrong_shape(node, key, "a map", findings);
        return;
    };
    for entry in entries {
        if let Err(wrong) = scalar::check(key_kind, &entry.key.value) {
            let is_about_value = header::is_about_value(key_kind, &wrong);
            let span = if is_about_value { entry.value.span } else { entry.key.span };
            findings.push(told(wrong, &entry.key.value, span, findings));
            if is_about_value {
                continue;
            }
        }
        check_value(&entry.value, of, &entry.key, findings);
    }
}

/// Numbers that JSON would change.
fn check_json(node: &Node, findings: &mut Findings) {
    match &node.shape {
        Shape::List(items) => items.iter().for_each(|item| check_json(item, findings)),
        Shape::Map(entries) => entries.iter().for_each(|entry| check_json(&entry.value, findings)),
        Shape::Scalar(scalar) => match number_loss(scalar) {
            Some(NumberLoss::LeadingZero) => {
                let message = format!("`{}` is read as a number and loses its leading zero", scalar.text);
                let diagnostic = findings
                    .warning(codes::NUMBER_LOSS, node.span, message)
                    .help("put it in quotes if the zero belongs to it");
                findings.push(diagnostic);
            }
            Some(NumberLoss::Digits) => {
                let message = format!("`{}` has more digits than a number keeps", scalar.text);
                let diagnostic = findings.error(codes::NUMBER_LOSS, node.span, message).help("put it in quotes");
                findings.push(diagnostic);
            }
            None => {}
        },
    }
}

fn check_group(entries: &[Entry], group: &[&str], name: &Spanned<String>, findings: &mut Findings) {
    let mut present = entries.iter().filter(|entry| group.contains(&entry.key.value.as_str()));
    let list = near::listed(group.iter().copied()).unwrap_or_default();
    let Some(first) = present.next() else {
        let message = format!("`{}` needs one of {list}", name.value);
        let diagnostic = findings.error(codes::CHOOSE_ONE, name.span, message).help("write exactly one of them");
        findings.push(diagnostic);
        return;
    };
    for further in present {
        let message = format!("`{}` stands beside `{}`", further.key.value, first.key.value);
        let at_first = findings.error(codes::CHOOSE_ONE, first.key.span, "").place;
        let diagnostic =
            findings.error(codes::CHOOSE_ONE, further.key.span, message).related(at_first, "this one is here too");
        findings.push(diagnostic.help(format!("keep exactly one of {list}")));
    }
}

fn unknown_key(entry: &Entry, table: &'static Table, findings: &mut Findings) {
    let key = &entry.key.value;
    let message = format!("{} has no key `{key}`", table.name);
    let mut diagnostic = findings.error(codes::UNKNOWN_KEY, entry.key.span, message);
    if !findings.is_full() {
        diagnostic.help = match deeper(key, table) {
            Some(field) => format!("`{key}` belongs under `{}`", field.name),
            None => near::suggestion(key, table.keys()),
        };
    }
    findings.push(diagnostic);
}

/// The field of the table whose own table has this key.
fn deeper(key: &str, table: &'static Table) -> Option<&'static Field> {
    table.fields.iter().find(|field| matches!(&field.kind, Kind::Table(inner) if inner.field(key).is_some()))
}

fn missing_key(field: &Field, table: &Table, name: &Spanned<String>, findings: &mut Findings) {
    let diagnostic = match field.need {
        Need::Optional => return,
        Need::RequiredBy(codes::NO_OWNER) => findings
            .error(codes::NO_OWNER, name.span, format!("{} has no owner", table.name))
            .help("add `owner: team-…`; someone has to answer for what goes wrong"),
        Need::RequiredBy(code) => missing(field, table, code, name.span, findings),
        Need::Required => missing(field, table, codes::MISSING_KEY, name.span, findings),
    };
    findings.push(diagnostic);
}

fn missing(field: &Field, table: &Table, code: Code, span: Span, findings: &Findings) -> Diagnostic {
    findings
        .error(code, span, format!("{} needs `{}`", table.name, field.name))
        .help(format!("`{}`: {}", field.name, field.doc))
}

fn wrong_shape(node: &Node, key: &Spanned<String>, expected: &str, findings: &mut Findings) {
    let found = match &node.shape {
        Shape::Scalar(_) => "a single value",
        Shape::List(_) => "a list",
        Shape::Map(_) => "a map",
    };
    let message = format!("`{}` is {found}, and should be {expected}", key.value);
    let mut diagnostic = findings.error(codes::WRONG_SHAPE, first_line(node, key), message);
    if expected == EXPRESSION {
        "an expression that begins with `[` or `{` goes in single quotes".clone_into(&mut diagnostic.help);
    }
    findings.push(diagnostic);
}

/// A scalar is underlined itself, what is longer by its key.
fn first_line(node: &Node, key: &Spanned<String>) -> Span {
    if node.scalar().is_some() { node.span } else { key.span }
}

const EXPRESSION: &str = "an expression";

fn expected(kind: &Kind) -> &'static str {
    match kind {
        Kind::Expression => EXPRESSION,
        Kind::Duration(..) => "a span of time",
        Kind::Size(_) => "a size",
        Kind::Rate => "a rate",
        Kind::Percent => "a percentage",
        Kind::Whole(..) => "a whole number",
        Kind::Bool => "true or false",
        Kind::Word(_) => "a single word",
        Kind::Text
        | Kind::TextOrEmpty
        | Kind::Name
        | Kind::SourceName
        | Kind::Secret
        | Kind::Header
        | Kind::SentHeader
        | Kind::FixedHeader
        | Kind::HeaderValue
        | Kind::Network
        | Kind::Date
        | Kind::Instant
        | Kind::Url
        | Kind::ContractRef
        | Kind::EventType
        | Kind::TypePattern
        | Kind::Code
        | Kind::Json
        | Kind::Fields => "a single value",
        Kind::List(..) | Kind::ListOrTable(..) => "a list",
        Kind::Map(..) | Kind::Table(_) => "a map",
    }
}
