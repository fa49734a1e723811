//! Diagnostics: a user's text or message breaks a rule. Many at once, each with its place, its cause and a help.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A code with a page in `docs/codes`, such as `H0312`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^H[0-9]{4}$"))]
pub struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "H{:04}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Code {
    type Err = BadCode;

    fn from_str(text: &str) -> Result<Self, BadCode> {
        let digits = text.strip_prefix(['H', 'h']).unwrap_or(text);
        if digits.len() == 4 { digits.parse().map(Self).map_err(|_| BadCode) } else { Err(BadCode) }
    }
}

impl TryFrom<String> for Code {
    type Error = BadCode;

    fn try_from(text: String) -> Result<Self, BadCode> {
        text.parse()
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.to_string()
    }
}

/// The text is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code is the letter H and four digits, such as H0312")]
pub struct BadCode;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It cannot be used as it is.
    Error,
    /// It can, and is probably not meant so.
    Warning,
}

/// A place in a text: bytes from `start` to before `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "TextSpan")]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

/// Where a diagnostic points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A place in a project file, by its path in the project.
    File {
        /// The path, with `/`.
        path: String,
        /// The bytes.
        span: Span,
    },
    /// A place in a message: a JSON pointer (RFC 6901).
    Pointer(String),
    /// A header of a request.
    Header(String),
    /// The whole.
    Whole,
}

/// A further place that explains the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Related {
    /// Where.
    pub place: Place,
    /// What is to be seen there.
    pub message: String,
    /// The same for those who may not read bodies, where the message shows a value of one; otherwise empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub without_values: String,
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// The code; its page tells cause and repair at length.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// One sentence without a full stop: what is wrong.
    pub message: String,
    /// The same for those who may not read bodies, where the message shows a value of one; otherwise empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub without_values: String,
    /// Where.
    pub place: Place,
    /// A short remark under the underlined text, or empty.
    pub label: String,
    /// What to do, or empty.
    pub help: String,
    /// Other places that belong to it.
    pub related: Vec<Related>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: Code, place: Place, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            without_values: String::new(),
            place,
            label: String::new(),
            help: String::new(),
            related: Vec::new(),
        }
    }

    /// A warning at a place.
    pub fn warning(code: Code, place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, place, message) }
    }

    /// The same with a help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// The same with a remark at its place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The same with a further place.
    #[must_use]
    pub fn related(mut self, place: Place, message: impl Into<String>) -> Self {
        self.related.push(Related { place, message: message.into(), without_values: String::new() });
        self
    }

    /// The same with what is said to those who may not read bodies.
    #[must_use]
    pub fn without_values(mut self, message: impl Into<String>) -> Self {
        self.without_values = message.into();
        self
    }

    /// The same with a further place that shows a value, and what is said of it to those who may not read bodies.
    #[must_use]
    pub fn related_value(mut self, place: Place, message: String, without_values: String) -> Self {
        self.related.push(Related { place, message, without_values });
        self
    }

    /// What is said to those who may not read bodies.
    pub fn public(&self) -> &str {
        if self.without_values.is_empty() { &self.message } else { &self.without_values }
    }

    /// Leaves out what is said to others, for those who may read bodies.
    pub fn show_values(&mut self) {
        self.without_values.clear();
        self.related.iter_mut().for_each(|related| related.without_values.clear());
    }

    /// Leaves out every value of a body.
    pub fn hide_values(&mut self) {
        let hide = |message: &mut String, without_values: &mut String| {
            if !without_values.is_empty() {
                *message = std::mem::take(without_values);
            }
        };
        hide(&mut self.message, &mut self.without_values);
        self.related.iter_mut().for_each(|related| hide(&mut related.message, &mut related.without_values));
    }
}
