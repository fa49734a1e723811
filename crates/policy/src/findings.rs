//! The list in which every step of a check leaves what it found. It never stops a step, and it never grows without
//! end: what is above the limit is counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::diagnostic::Place;
use model::limit::DIAGNOSTICS_MAX;
use model::{Code, Diagnostic, Severity, Span};

use crate::spanned::place;
use crate::{SourceFile, codes};

/// Diagnostics of all files, and the path of the file that is being read.
#[derive(Debug, Default)]
pub struct Findings {
    texts: BTreeMap<String, Arc<str>>,
    path: String,
    text: Arc<str>,
    list: Vec<Diagnostic>,
    left_out: usize,
    has_error: bool,
    of: Of,
}

/// Which files the findings are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Of {
    /// Such as a person proposes: nothing with a mistake is used.
    #[default]
    Proposed,
    /// Such as hold already: everything that can be read is used.
    Stored,
}

impl Findings {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty list that knows the texts of these files.
    pub fn over(files: &[SourceFile]) -> Self {
        let texts = files.iter().map(|file| (file.path.clone(), Arc::from(file.text.as_str())));
        Self { texts: texts.collect(), ..Self::default() }
    }

    /// The same for files that hold already: a mistake is told, and what has it is used nevertheless.
    pub fn of_stored(files: &[SourceFile]) -> Self {
        Self { of: Of::Stored, ..Self::over(files) }
    }

    /// Whether something with such mistakes is used.
    pub fn uses(&self, found: &[Diagnostic]) -> bool {
        self.of == Of::Stored || found.iter().all(|found| found.severity != Severity::Error)
    }

    /// What comes next is about this file.
    pub fn enter(&mut self, path: &str) {
        path.clone_into(&mut self.path);
        self.text = self.texts.get(path).cloned().unwrap_or_default();
    }

    /// The text of the file that is being read; empty where it is not known.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The path of the file that is being read.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// An error at a place of the present file, to be completed and pushed.
    pub fn error(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, place(&self.path, span), message)
    }

    /// A warning at a place of the present file, to be completed and pushed.
    pub fn warning(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(code, place(&self.path, span), message)
    }

    /// Takes one, or counts it where the list is full.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.has_error |= diagnostic.severity == Severity::Error;
        // LIMIT: a list that is full only counts.
        if self.list.len() < DIAGNOSTICS_MAX {
            self.list.push(diagnostic);
        } else {
            self.left_out += 1;
        }
    }

    /// Takes several.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        for diagnostic in diagnostics {
            self.push(diagnostic);
        }
    }

    /// Whether what follows would only be counted, so that suggestions need no work.
    pub fn is_full(&self) -> bool {
        self.list.len() >= DIAGNOSTICS_MAX
    }

    /// Whether one of them is an error.
    pub fn has_error(&self) -> bool {
        self.has_error
    }

    /// All of them in the order of files and places, with a last one that counts what was left out.
    pub fn into_sorted(self) -> Vec<Diagnostic> {
        let mut list = self.list;
        list.sort_by(|one, other| order(one).cmp(&order(other)));
        list.dedup();
        if self.left_out > 0 {
            let message = format!("{} more mistakes are not shown", self.left_out);
            let severity = if self.has_error { Severity::Error } else { Severity::Warning };
            let left_out = Diagnostic::error(codes::LEFT_OUT, Place::Whole, message);
            list.push(Diagnostic { severity, ..left_out.help("repair those that are shown, and check again") });
        }
        list
    }
}

fn order(diagnostic: &Diagnostic) -> (u8, &str, Span, Code, &str) {
    let message = diagnostic.message.as_str();
    match &diagnostic.place {
        Place::File { path, span } => (0, path, *span, diagnostic.code, message),
        Place::Pointer(pointer) => (1, pointer, Span::default(), diagnostic.code, message),
        Place::Header(name) => (2, name, Span::default(), diagnostic.code, message),
        Place::Whole => (3, "", Span::default(), diagnostic.code, message),
    }
}
