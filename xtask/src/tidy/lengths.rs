//! Rule `lengths`: how long a file, a function and a parameter list may be.
//!
//! Above the limit stands only what `xtask/ratchet.toml` names with its present length. A file
//! above the stop is a finding whatever the ratchet says.

use std::collections::BTreeMap;

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::ratchet::{self, Ratchet};
use super::syntax::{is_test_file, marks_test};
use super::tree::{Finding, Tree};

const FILE_LINES: usize = 400;
const FILE_LINES_STOP: usize = 600;
const FUNCTION_LINES: usize = 70;
const TEST_FUNCTION_LINES: usize = 100;
const PARAMETERS: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    File,
    Function,
    Parameters,
}

impl Kind {
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::File => "files",
            Self::Function => "functions",
            Self::Parameters => "parameters",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::File | Self::Function => "lines",
            Self::Parameters => "parameters",
        }
    }
}

/// Something above its limit.
#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) kind: Kind,
    /// Its name in the ratchet.
    pub(crate) key: String,
    pub(crate) size: usize,
    path: String,
    line: usize,
    limit: usize,
}

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let text = tree.file(ratchet::PATH).map(|file| file.text.as_str()).unwrap_or_default();
    let ratchet = match Ratchet::parse(text) {
        Ok(ratchet) => ratchet,
        Err(error) => return vec![Finding::new(ratchet::PATH, 1, error)],
    };
    let measures = measure(tree);
    let mut findings: Vec<Finding> = measures.iter().filter_map(|measure| judge(measure, &ratchet)).collect();
    findings.extend(stale(&ratchet, &measures));
    let before = tree.ratchet_before.as_deref().and_then(|text| Ratchet::parse(text).ok());
    findings.extend(before.iter().flat_map(|before| raised(before, &ratchet)));
    findings
}

/// Everything above its limit, the longest of each name.
pub(crate) fn measure(tree: &Tree) -> Vec<Measure> {
    let mut found: BTreeMap<(Kind, String), Measure> = BTreeMap::new();
    for (file, rust) in tree.rust() {
        let mut survey = Survey {
            path: &file.path,
            place: Vec::new(),
            in_test: is_test_file(&file.path),
            in_trait_impl: false,
            measures: Vec::new(),
        };
        survey.visit_file(&rust.items);
        survey.add(Kind::File, 1, file.text.lines().count());
        for measure in survey.measures {
            let key = (measure.kind, measure.key.clone());
            if found.get(&key).is_none_or(|known| known.size < measure.size) {
                found.insert(key, measure);
            }
        }
    }
    found.into_values().collect()
}

fn judge(measure: &Measure, ratchet: &Ratchet) -> Option<Finding> {
    let Measure { kind, key, size, path, line, limit } = measure;
    let unit = kind.unit();
    let entries = ratchet.tables().into_iter().find(|(table, _)| *table == kind.table());
    let entry = entries.and_then(|(_, entries)| entries.get(key));
    let message = match entry {
        _ if *kind == Kind::File && *size > FILE_LINES_STOP => {
            format!("{size} lines; a file stops at {FILE_LINES_STOP}")
        }
        None => format!("{size} {unit}, {limit} at most: split `{key}` by what it is about"),
        Some(entry) if size > entry => {
            format!("grew from {entry} to {size} {unit}; it may only shrink")
        }
        Some(entry) if size < entry => {
            format!("shrank from {entry} to {size} {unit}: run `cargo xtask tidy --ratchet`")
        }
        Some(_) => return None,
    };
    Some(Finding::new(path, *line, message))
}

/// Entries that name nothing above its limit.
fn stale(ratchet: &Ratchet, measures: &[Measure]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, entries) in ratchet.tables() {
        for key in entries.keys() {
            let lives = measures.iter().any(|it| it.kind.table() == table && it.key == *key);
            if !lives {
                let message = format!("[{table}] `{key}` is short enough or gone: remove the entry");
                findings.push(Finding::new(ratchet::PATH, 1, message));
            }
        }
    }
    findings
}

/// Entries that are higher than in the last commit.
fn raised(before: &Ratchet, now: &Ratchet) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ((table, old), (_, new)) in before.tables().into_iter().zip(now.tables()) {
        for (key, value) in new {
            if let Some(old) = old.get(key).filter(|old| *old < value) {
                let message = format!("[{table}] `{key}` was raised from {old} to {value}");
                findings.push(Finding::new(ratchet::PATH, 1, message));
            }
        }
    }
    findings
}

/// Walks one file and notes what is above a limit.
struct Survey<'a> {
    path: &'a str,
    /// Modules, types and functions around the present place.
    place: Vec<String>,
    in_test: bool,
    in_trait_impl: bool,
    measures: Vec<Measure>,
}

impl Survey<'_> {
    fn add(&mut self, kind: Kind, line: usize, size: usize) {
        let limit = match kind {
            Kind::File => FILE_LINES,
            Kind::Function if self.in_test => TEST_FUNCTION_LINES,
            Kind::Function => FUNCTION_LINES,
            Kind::Parameters => PARAMETERS,
        };
        if size <= limit {
            return;
        }
        let mut key = self.path.to_owned();
        for part in &self.place {
            key.push_str("::");
            key.push_str(part);
        }
        self.measures.push(Measure { kind, key, size, path: self.path.to_owned(), line, limit });
    }

    /// Looks at what is inside `name`, in its test state, and comes back out.
    fn inside(&mut self, name: String, attributes: &[syn::Attribute], look: &mut dyn FnMut(&mut Self)) {
        let outer = self.in_test;
        self.in_test |= marks_test(attributes);
        self.place.push(name);
        look(self);
        self.place.pop();
        self.in_test = outer;
    }

    fn function(&mut self, signature: &syn::Signature, body: Option<&syn::Block>) {
        let start = signature.fn_token.span.start().line;
        let end = body.map_or(start, |body| body.brace_token.span.close().end().line);
        self.add(Kind::Function, start, end + 1 - start);
        // The parameters of a trait's method are counted where the trait is.
        if !self.in_trait_impl {
            self.add(Kind::Parameters, start, signature.inputs.len());
        }
    }
}

impl<'ast> Visit<'ast> for Survey<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.inside(item.ident.to_string(), &item.attrs, &mut |inner| {
            visit::visit_item_mod(inner, item);
        });
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let outer = std::mem::replace(&mut self.in_trait_impl, item.trait_.is_some());
        self.inside(type_name(&item.self_ty), &item.attrs, &mut |inner| {
            visit::visit_item_impl(inner, item);
        });
        self.in_trait_impl = outer;
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.inside(item.ident.to_string(), &item.attrs, &mut |inner| {
            visit::visit_item_trait(inner, item);
        });
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.inside(item.sig.ident.to_string(), &item.attrs, &mut |inner| {
            let outer = std::mem::replace(&mut inner.in_trait_impl, false);
            inner.function(&item.sig, Some(&item.block));
            visit::visit_item_fn(inner, item);
            inner.in_trait_impl = outer;
        });
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.inside(item.sig.ident.to_string(), &item.attrs, &mut |inner| {
            inner.function(&item.sig, Some(&item.block));
            visit::visit_impl_item_fn(inner, item);
        });
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.inside(item.sig.ident.to_string(), &item.attrs, &mut |inner| {
            inner.function(&item.sig, item.default.as_ref());
            visit::visit_trait_item_fn(inner, item);
        });
    }
}

/// The last word of a type's path, or its first line where it is no path.
fn type_name(of: &syn::Type) -> String {
    match of {
        syn::Type::Path(path) => path.path.segments.last().map_or_else(String::new, |last| last.ident.to_string()),
        other => format!("line {}", other.span().start().line),
    }
}

#[cfg(test)]
mod tests;
