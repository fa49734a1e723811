//! What a mapping makes against the contract of its target: fields that this does not have, fields that it needs, and
//! types that cannot fit.

use std::collections::BTreeSet;

use model::Diagnostic;
use vrl::value::Kind;

use super::compile::Step;
use super::{Field, FieldKind, Mapping};
use crate::contract::{Contract, Found, Schema, follow, type_from};
use crate::expression::{Path, Segment};
use crate::{codes, spanned};

/// Everything that is wrong with the targets.
pub(super) fn targets(mapping: &Mapping, found: &mut Vec<Diagnostic>) {
    twice(&mapping.fields, mapping, found);
    let Some(contract) = mapping.writes.as_deref() else { return };
    let target = Target { mapping, contract };
    let root = vec![contract.schema()];
    target.fields(&mapping.fields, &root, found);
    let all: Vec<(&[String], &Field)> = mapping.fields.iter().map(|field| (field.target.as_slice(), field)).collect();
    target.required(&all, &root, None, found);
    target.types(&mapping.compiled().steps, &mapping.fields, &root, found);
}

struct Target<'t> {
    mapping: &'t Mapping,
    contract: &'t Contract,
}

impl<'t> Target<'t> {
    fn place(&self, field: &Field) -> model::diagnostic::Place {
        spanned::place(&self.mapping.path, field.span)
    }

    /// Every field exists in the contract.
    fn fields(&self, fields: &[Field], from: &[Schema<'t>], found: &mut Vec<Diagnostic>) {
        for field in fields {
            let path = field_path(field);
            match (follow(from.to_vec(), &path), &field.kind) {
                (Found::Lacking(lacking), _) => {
                    found.push(self.contract.lacking(codes::UNKNOWN_TARGET, self.place(field), &path, &lacking));
                }
                (Found::Declared(inner), FieldKind::Each { fields, .. }) => {
                    self.fields(fields, &inner, found);
                }
                (Found::Declared(_) | Found::Open, _) => {}
            }
        }
    }

    /// Every required member is made, always. `owner` is the field whose items are looked at.
    fn required(
        &self,
        fields: &[(&'t [String], &'t Field)],
        from: &[Schema<'t>],
        owner: Option<&Field>,
        found: &mut Vec<Diagnostic>,
    ) {
        let parts: Vec<Schema<'t>> =
            from.iter().flat_map(Schema::parts).filter(|part| part.certain).map(|part| part.schema).collect();
        for part in &parts {
            for name in part.required() {
                let making: Vec<_> =
                    fields.iter().filter(|(target, _)| target.first().is_some_and(|first| first == name)).collect();
                match making.as_slice() {
                    [] => found.push(self.missing(name, part, fields, owner)),
                    [(target, field)] if target.len() == 1 && field.optional => {
                        let message =
                            format!("`{name}` is required in {}, but left out when it is null", self.contract.reference);
                        let diagnostic = Diagnostic::error(codes::TARGET_MISSING, self.place(field), message);
                        found.push(
                            diagnostic
                                .help("take the `?` away")
                                .related(self.contract.place(&format!("{}/required", part.pointer)), "required here"),
                        );
                    }
                    _ => {}
                }
            }
        }
        let names: BTreeSet<&String> = fields.iter().filter_map(|(target, _)| target.first()).collect();
        for name in names {
            self.inside(name, fields, from, found);
        }
    }

    /// The required members of what stands under one name.
    fn inside(&self, name: &str, fields: &[(&'t [String], &'t Field)], from: &[Schema<'t>], found: &mut Vec<Diagnostic>) {
        let step = Path::new(vec![Segment::Field(name.to_owned())]);
        let Found::Declared(schemas) = follow(from.to_vec(), &step) else { return };
        let below: Vec<(&[String], &Field)> = fields
            .iter()
            .filter_map(|(target, field)| {
                target.split_first().filter(|(first, _)| first.as_str() == name).map(|(_, rest)| (rest, *field))
            })
            .collect();
        let nested: Vec<_> = below.iter().copied().filter(|(rest, _)| !rest.is_empty()).collect();
        if !nested.is_empty() {
            self.required(&nested, &schemas, nested.first().map(|(_, field)| *field), found);
        }
        for (_, field) in below.iter().filter(|(rest, _)| rest.is_empty()) {
            let FieldKind::Each { fields, .. } = &field.kind else { continue };
            if let Found::Declared(items) = follow(schemas.clone(), &Path::new(vec![Segment::Index(i64::MAX)])) {
                let inner: Vec<_> = fields.iter().map(|field| (field.target.as_slice(), field)).collect();
                self.required(&inner, &items, Some(field), found);
            }
        }
    }

    fn missing(&self, name: &str, part: &Schema<'_>, fields: &[(&[String], &Field)], owner: Option<&Field>) -> Diagnostic {
        let field = owner.or_else(|| fields.first().map(|(_, field)| *field));
        let place =
            field.map_or_else(|| spanned::place(&self.mapping.path, model::Span::default()), |field| self.place(field));
        Diagnostic::error(
            codes::TARGET_MISSING,
            place,
            format!("{} requires `{name}`, and nothing makes it", self.contract.reference),
        )
        .help(format!("add a field `{name}`"))
        .related(self.contract.place(&format!("{}/properties/{name}", part.pointer)), "declared here")
    }

    /// What the compiler knows of a field's type can be what the contract wants.
    fn types(&self, steps: &[Step], fields: &[Field], from: &[Schema<'t>], found: &mut Vec<Diagnostic>) {
        for step in steps {
            let Some(field) = fields.iter().find(|field| field.target == step.target) else {
                continue;
            };
            let Found::Declared(schemas) = follow(from.to_vec(), &field_path(field)) else {
                continue;
            };
            if let (Some(inside), FieldKind::Each { fields, .. }) = (&step.each, &field.kind) {
                self.types(inside, fields, &schemas, found);
                continue;
            }
            let wanted = json_types(&type_from(&schemas, &Path::new(Vec::new())), false);
            let made = json_types(&step.program.result, step.optional);
            if wanted.is_empty() || made.is_empty() || made.iter().any(|one| wanted.contains(one)) {
                continue;
            }
            let list = |types: &BTreeSet<&str>| types.iter().copied().collect::<Vec<_>>().join(" or ");
            let message = format!(
                "`{}` is {}, but {} wants {}",
                step.target.join("."),
                list(&made),
                self.contract.reference,
                list(&wanted)
            );
            let declared = schemas.first().map_or_else(String::new, |schema| schema.pointer.clone());
            let diagnostic = Diagnostic::error(codes::TARGET_TYPE, step.source.place(), message).help(conversion(&wanted));
            found.push(diagnostic.related(self.contract.place(&declared), "declared here"));
        }
    }
}

/// How a value becomes one of the types that are wanted.
fn conversion(wanted: &BTreeSet<&str>) -> &'static str {
    match wanted.first().copied().unwrap_or_default() {
        "array" => "put it in brackets, as in `[…]`, or map the list with `each`",
        "boolean" => "compare it, as in `… == \"yes\"`, or convert it with `to_bool!(…)`",
        "null" => "mark the field with `?`, which leaves it out when it is null",
        "number" => "convert it with `to_int!(…)` or `to_float!(…)`",
        "object" => "write its fields below it, each with its own expression",
        _ => "convert it with `to_string!(…)`",
    }
}

/// The path of a field in its object; for a list, that of its items.
fn field_path(field: &Field) -> Path {
    let mut segments: Vec<Segment> = field.target.iter().cloned().map(Segment::Field).collect();
    if matches!(field.kind, FieldKind::Each { .. }) {
        segments.push(Segment::Index(i64::MAX));
    }
    Path::new(segments)
}

/// The types of JSON that a value can have; none where it can be anything.
fn json_types(kind: &Kind, null_is_left_out: bool) -> BTreeSet<&'static str> {
    if kind.is_any() || kind.is_never() {
        return BTreeSet::new();
    }
    let types = [
        ("string", kind.contains_bytes() || kind.contains_timestamp() || kind.contains_regex()),
        // `1` and `1.0` are the same to a schema.
        ("number", kind.contains_integer() || kind.contains_float()),
        ("boolean", kind.contains_boolean()),
        ("object", kind.contains_object()),
        ("array", kind.contains_array()),
        ("null", (kind.contains_null() || kind.contains_undefined()) && !null_is_left_out),
    ];
    types.into_iter().filter(|(_, can)| *can).map(|(name, _)| name).collect()
}

/// No field is made twice, and none is both a value and an object.
fn twice(fields: &[Field], mapping: &Mapping, found: &mut Vec<Diagnostic>) {
    for (at, field) in fields.iter().enumerate() {
        let clashes = |other: &&Field| field.target.starts_with(&other.target) || other.target.starts_with(&field.target);
        if let Some(other) = fields.get(..at).unwrap_or_default().iter().find(clashes) {
            let message = format!("`{}` is made twice", field.target.join("."));
            let diagnostic = Diagnostic::error(codes::TARGET_TWICE, spanned::place(&mapping.path, field.span), message);
            let diagnostic = diagnostic.help("remove one of them");
            found.push(diagnostic.related(spanned::place(&mapping.path, other.span), "made here already"));
        }
        if let FieldKind::Each { fields, .. } = &field.kind {
            twice(fields, mapping, found);
        }
    }
}
