//! What is wrong with a contract, found before a message comes: with places in the project's file.

use model::limit::IDENTIFIERS_MAX;
use model::{Code, Diagnostic};
use serde_json::Value;

use super::schema::{Found, Schema};
use super::sought::Sought;
use super::spread::{Spread, spread};
use super::validator::DIALECT;
use super::{Contract, bad_path, unknown_paths, validator, violation};
use crate::codes;
use crate::expression::{Path, Root, short};
use crate::specs::ContractSpec;
use crate::tree::Node;
use crate::{Spanned, near, spanned};

/// What is wrong with the schema alone. Where there is nothing, everything else can be held against it.
pub(super) fn schema(contract: &Contract) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    read(contract, &mut found);
    if found.is_empty()
        && let Err(error) = validator::compile(&contract.schema)
    {
        let place = contract.place(error.instance_path().as_str());
        let said = violation::diagnostics(&error).into_iter().find(|broken| broken.code != codes::RULE_BROKEN);
        let why = said.map_or_else(|| error.to_string(), |broken| broken.message);
        found.push(Diagnostic::error(codes::BAD_SCHEMA, place, format!("the schema cannot be used: {why}")));
    }
    found
}

/// What is wrong beside the schema, which can be used.
pub(super) fn rest(contract: &Contract, spec: &ContractSpec) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    growth(contract, &mut found);
    paths(contract, spec, &mut found);
    governed(contract, spec, &mut found);
    for (_, sought) in &contract.identifiers {
        expressions(contract, sought, &mut found);
    }
    for (example, tree) in spec.examples.iter().zip(&spec.example_trees) {
        examples(contract, &example.value, tree, &mut found);
    }
    found
}

fn read(contract: &Contract, found: &mut Vec<Diagnostic>) {
    if let Some(dialect) = contract
        .schema
        .get("$schema")
        .filter(|dialect| dialect.as_str().map(|text| text.trim_end_matches('#')) != Some(DIALECT))
    {
        let message = format!("schemas are written in JSON Schema 2020-12, not in {dialect}");
        let help = format!("leave `$schema` out, or write {DIALECT}");
        found.push(Diagnostic::error(codes::OTHER_DIALECT, contract.place("/$schema"), message).help(help));
        return;
    }
    for error in jsonschema::draft202012::meta::validator().iter_errors(&contract.schema) {
        for broken in violation::diagnostics(&error) {
            let model::diagnostic::Place::Pointer(pointer) = &broken.place else { continue };
            // Of several forms of a keyword, the nearest says what is wrong.
            let said = broken.related.first().map_or(&broken.message, |nearest| &nearest.message);
            let message = format!("not a JSON Schema: {said}");
            found.push(Diagnostic::error(codes::BAD_SCHEMA, contract.place(pointer), message));
        }
    }
    references(contract, &contract.schema, &mut String::new(), found);
}

/// A type that contains itself in several alternatives is tried that often at each level: an event of a few hundred bytes would
/// take minutes.
fn growth(contract: &Contract, found: &mut Vec<Diagnostic>) {
    if let Spread::Grows(one, other) = spread(&contract.schema) {
        let message = "what stands here contains its own type in more than one alternative, so that the work multiplies with \
                       each level of an event";
        let help = "declare the member once, beside the alternatives, and leave to these only in what they differ";
        let mut wrong = Diagnostic::error(codes::ALTERNATIVES_MULTIPLY, contract.place(&one), message).help(help);
        if other != one {
            wrong = wrong.related(contract.place(&other), "the other alternative is here");
        }
        found.push(wrong);
    }
}

/// Keywords the values of which are data, not schemas.
const DATA: &[&str] = &["const", "enum", "default", "examples"];

/// Finds references wherever they stand.
fn references(contract: &Contract, node: &Value, pointer: &mut String, found: &mut Vec<Diagnostic>) {
    let length = pointer.len();
    match node {
        Value::Object(members) => {
            let is_names =
                pointer.ends_with("/properties") || pointer.ends_with("/$defs") || pointer.ends_with("/patternProperties");
            for (name, value) in members {
                if !is_names && DATA.contains(&name.as_str()) {
                    continue;
                }
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                match value.as_str().filter(|_| !is_names && matches!(name.as_str(), "$ref" | "$dynamicRef")) {
                    Some(reference) => found.extend(wrong_reference(contract, reference, pointer)),
                    None => references(contract, value, pointer, found),
                }
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&at.to_string());
                references(contract, item, pointer, found);
                pointer.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn wrong_reference(contract: &Contract, reference: &str, pointer: &str) -> Option<Diagnostic> {
    let wrong =
        |code: Code, message: String, help: &str| Some(Diagnostic::error(code, contract.place(pointer), message).help(help));
    let defined = defined(contract, reference);
    let shown = short(reference);
    match reference.strip_prefix('#') {
        None => wrong(
            codes::REMOTE_REF,
            format!("`{shown}` leads out of this contract"),
            "copy the definition under `$defs` and refer to it with `#/$defs/…`",
        ),
        Some(fragment) if fragment.is_empty() || fragment.starts_with('/') => match contract.schema().referred(reference) {
            Some(_) => None,
            None => wrong(codes::UNKNOWN_REF, format!("`{shown}` leads nowhere"), &defined),
        },
        Some(anchor) if has_anchor(&contract.schema, anchor) => None,
        Some(_) => wrong(codes::UNKNOWN_REF, format!("there is no anchor `{shown}`"), &defined),
    }
}

/// What a reference may have meant.
fn defined(contract: &Contract, reference: &str) -> String {
    let definitions = contract.schema.get("$defs").and_then(Value::as_object);
    let names = definitions.into_iter().flat_map(|definitions| definitions.keys().map(String::as_str));
    let name = reference.rsplit(['/', '#']).next().unwrap_or_default();
    near::nearest(name, names).map_or_else(
        || "definitions stand under `$defs`".to_owned(),
        |near| format!("did you mean `#/$defs/{}`?", near.replace('~', "~0").replace('/', "~1")),
    )
}

fn has_anchor(node: &Value, anchor: &str) -> bool {
    match node {
        Value::Object(members) => {
            let named = |keyword: &str| members.get(keyword).and_then(Value::as_str) == Some(anchor);
            named("$anchor") || named("$dynamicAnchor") || members.values().any(|value| has_anchor(value, anchor))
        }
        Value::Array(items) => items.iter().any(|item| has_anchor(item, anchor)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The paths of identifiers and keys have to lead somewhere in the schema.
fn paths(contract: &Contract, spec: &ContractSpec, found: &mut Vec<Diagnostic>) {
    let keys = [&spec.ordering, &spec.correlation, &spec.time].into_iter().flatten();
    for text in spec.identifiers.iter().map(|(_, text)| text).chain(keys) {
        let Ok(path) = text.value.parse::<Path>() else { continue };
        found.extend(wrong_path(contract, &path, text, spec));
    }
    if let Some((scheme, _)) = spec.identifiers.get(IDENTIFIERS_MAX) {
        let message = format!("a contract has at most {IDENTIFIERS_MAX} business identifiers");
        let help = "keep those that people search by";
        found.push(Diagnostic::error(codes::TOO_MANY_IDENTIFIERS, scheme.place(&spec.path), message).help(help));
    }
}

/// The paths of what people agree on lead somewhere; those that tell events apart to a value.
fn governed(contract: &Contract, spec: &ContractSpec, found: &mut Vec<Diagnostic>) {
    let said = &spec.governed;
    let parts = said.personal.iter().chain(said.record.iter().map(|(text, _)| text));
    for (text, is_value) in said.dedupe.iter().map(|text| (text, true)).chain(parts.map(|text| (text, false))) {
        found.extend(match text.value.parse::<Path>() {
            Err(bad) => Some(bad_path(text, bad, &spec.path)),
            Ok(path) if is_value => wrong_path(contract, &path, text, spec),
            Ok(path) => lacking_path(contract, &path, text, spec),
        });
    }
}

fn lacking_path(contract: &Contract, path: &Path, text: &Spanned<String>, spec: &ContractSpec) -> Option<Diagnostic> {
    match contract.schema().follow(path) {
        Found::Open | Found::Declared(_) => None,
        Found::Lacking(lacking) => Some(contract.lacking(codes::PATH_NOT_IN_SCHEMA, text.place(&spec.path), path, &lacking)),
    }
}

/// An identifier that is an expression answers always, and reads only what the contract has.
fn expressions(contract: &Contract, sought: &Sought, found: &mut Vec<Diagnostic>) {
    let Sought::Expression(expression) = sought else { return };
    found.extend(expression.check());
    found.extend(unknown_paths(expression, &[contract]));
    if let Some(query) = expression.queries().iter().find(|query| query.root == Root::Envelope) {
        let place = expression.source().place_of(&query.span);
        let message = "an identifier is found in the data; there is no envelope yet";
        found.push(Diagnostic::error(codes::PATH_NOT_IN_SCHEMA, place, message).help("read a field of the data"));
    }
}

fn wrong_path(contract: &Contract, path: &Path, text: &Spanned<String>, spec: &ContractSpec) -> Option<Diagnostic> {
    match contract.schema().follow(path) {
        Found::Open => None,
        Found::Lacking(lacking) => Some(contract.lacking(codes::PATH_NOT_IN_SCHEMA, text.place(&spec.path), path, &lacking)),
        Found::Declared(parts) => {
            let types: Vec<_> = parts.iter().flat_map(Schema::parts).flat_map(|part| part.schema.types()).collect();
            let only_objects = !types.is_empty() && types.iter().all(|name| matches!(*name, "object" | "null"));
            only_objects.then(|| {
                Diagnostic::error(
                    codes::PATH_NOT_IN_SCHEMA,
                    text.place(&spec.path),
                    format!("`{path}` is an object, not a text or a number"),
                )
                .help("choose one of its members")
            })
        }
    }
}

fn examples(contract: &Contract, example: &Value, tree: &Node, found: &mut Vec<Diagnostic>) {
    for broken in contract.validate(example) {
        let model::diagnostic::Place::Pointer(pointer) = &broken.place else { continue };
        let place = spanned::place(&contract.path, tree.at_pointer(pointer));
        let at = if pointer.is_empty() { String::new() } else { format!(" at {pointer}") };
        let message = format!("the example breaks the schema{at}: {}", broken.message);
        let help = "correct the example, or the schema if the example is what comes";
        found.push(Diagnostic::error(codes::EXAMPLE_REFUSED, place, message).help(help));
    }
}
