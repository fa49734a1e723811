//! The names of a project with their places: who has a name, who takes it a second time, and what was probably meant by
//! one that nobody has.

use std::collections::BTreeMap;

use model::{Code, ContractRef, DestinationName, Diagnostic, FlowName, MappingName, RetryName, SourceName, Span};

use super::built_in::built_in;
use crate::decode::{ObjectKind, Objects};
use crate::spanned::place;
use crate::{Findings, Spanned, codes, near};

/// Where a name was given.
#[derive(Clone, Copy, Debug)]
struct Given<'a> {
    path: &'a str,
    span: Span,
}

/// All names of a project.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    sources: BTreeMap<&'a str, Given<'a>>,
    destinations: BTreeMap<&'a str, Given<'a>>,
    files: BTreeMap<(ObjectKind, &'a str), Given<'a>>,
    /// Texts of systems that could not be read; a name in them is no mistake of the one who names it.
    unread: &'a [String],
}

impl<'a> Names<'a> {
    /// Collects them and reports those that are given twice.
    pub(crate) fn of(objects: &'a Objects, findings: &mut Findings) -> Self {
        let mut sources = BTreeMap::new();
        let mut destinations = BTreeMap::new();
        for system in &objects.systems {
            findings.enter(&system.path);
            for source in &system.sources {
                let given = Given { path: &system.path, span: source.name.span };
                give(&mut sources, source.name.value.as_str(), given, "source", findings);
            }
            for destination in &system.destinations {
                let given = Given { path: &system.path, span: destination.name.span };
                give(&mut destinations, destination.name.value.as_str(), given, "destination", findings);
            }
        }
        let files =
            objects.known.iter().map(|((kind, name), path)| ((*kind, name.as_str()), Given { path, span: Span::default() }));
        Self { sources, destinations, files: files.collect(), unread: &objects.unread_systems }
    }

    /// Whether there is a source of this name.
    pub(crate) fn has_source(&self, name: &str) -> bool {
        self.sources.contains_key(name)
    }

    /// Reports a source that does not exist.
    pub(crate) fn check_source(&self, name: &Spanned<SourceName>, code: Code, findings: &mut Findings) {
        if !self.is_unread(name.value.as_str()) {
            check(name.value.as_str(), name.span, &self.sources, ("source", code), findings);
        }
    }

    /// Reports a destination that does not exist.
    pub(crate) fn check_destination(&self, name: &Spanned<DestinationName>, code: Code, findings: &mut Findings) {
        if !self.is_unread(name.value.as_str()) {
            check(name.value.as_str(), name.span, &self.destinations, ("destination", code), findings);
        }
    }

    /// Reports a mapping that does not exist.
    pub(crate) fn check_mapping(&self, name: &Spanned<MappingName>, findings: &mut Findings) {
        check(
            name.value.as_str(),
            name.span,
            &self.of_kind(ObjectKind::Mapping),
            ("mapping", codes::UNKNOWN_MAPPING),
            findings,
        );
    }

    /// Reports a contract or a version of one that does not exist.
    pub(crate) fn check_contract(&self, name: &Spanned<ContractRef>, findings: &mut Findings) {
        check(
            name.value.as_str(),
            name.span,
            &self.of_kind(ObjectKind::Contract),
            ("contract", codes::UNKNOWN_CONTRACT),
            findings,
        );
    }

    /// Reports a flow that does not exist.
    pub(crate) fn check_flow(&self, name: &Spanned<FlowName>, code: Code, findings: &mut Findings) {
        check(name.value.as_str(), name.span, &self.of_kind(ObjectKind::Flow), ("flow", code), findings);
    }

    /// Reports a retry policy that neither the project nor the product has.
    pub(crate) fn check_retry(&self, name: &Spanned<RetryName>, findings: &mut Findings) {
        let built_in = built_in();
        let mut known = self.of_kind(ObjectKind::Retry);
        known.extend(built_in.iter().map(|retry| (retry.name.as_str(), Given { path: "", span: Span::default() })));
        check(name.value.as_str(), name.span, &known, ("retry policy", codes::UNKNOWN_RETRY), findings);
    }

    /// The path of the file of this kind and name.
    pub(crate) fn path(&self, kind: ObjectKind, name: &str) -> Option<&'a str> {
        self.files.get(&(kind, name)).map(|given| given.path)
    }

    fn is_unread(&self, name: &str) -> bool {
        self.unread.iter().any(|text| text.contains(name))
    }

    fn of_kind(&self, kind: ObjectKind) -> BTreeMap<&'a str, Given<'a>> {
        self.files.iter().filter(|((of, _), _)| *of == kind).map(|((_, name), given)| (*name, *given)).collect()
    }
}

fn give<'a>(names: &mut BTreeMap<&'a str, Given<'a>>, name: &'a str, given: Given<'a>, word: &str, findings: &mut Findings) {
    let Some(first) = names.get(name) else {
        names.insert(name, given);
        return;
    };
    let message = format!("the {word} `{name}` exists already");
    let diagnostic = findings.error(codes::NAME_TWICE, given.span, message);
    let related = diagnostic.related(place(first.path, first.span), "here for the first time");
    findings.push(related.help(format!("the name of a {word} is unique in the whole project")));
}

fn check(name: &str, span: Span, known: &BTreeMap<&str, Given<'_>>, (word, code): (&str, Code), findings: &mut Findings) {
    if known.contains_key(name) {
        return;
    }
    let diagnostic = findings.error(code, span, format!("there is no {word} `{name}`"));
    let diagnostic = if findings.is_full() { diagnostic } else { explain(diagnostic, name, known, word) };
    findings.push(diagnostic);
}

fn explain(diagnostic: Diagnostic, name: &str, known: &BTreeMap<&str, Given<'_>>, word: &str) -> Diagnostic {
    let diagnostic = diagnostic.help(near::suggestion(name, known.keys().copied()));
    match near::nearest(name, known.keys().copied()).and_then(|near| known.get(near)) {
        Some(near) if !near.path.is_empty() => {
            diagnostic.related(place(near.path, near.span), format!("the {word} that is nearest by name"))
        }
        Some(_) | None => diagnostic,
    }
}
