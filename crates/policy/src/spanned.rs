//! A value and the place in its file that it was read from.

use model::{Span, diagnostic::Place};

/// A value with the bytes that it stands in. For a text in quotes the span is the text inside of the quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands in its file.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// A value at a place.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// The place in the file of this path, for a diagnostic.
    pub fn place(&self, path: &str) -> Place {
        place(path, self.span)
    }

    /// The same, to look at.
    pub const fn as_ref(&self) -> Spanned<&T> {
        Spanned { value: &self.value, span: self.span }
    }

    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: change(self.value), span: self.span }
    }
}

/// A place in the file of this path.
pub fn place(path: &str, span: Span) -> Place {
    Place::File { path: path.to_owned(), span }
}
