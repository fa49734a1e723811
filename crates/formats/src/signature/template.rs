//! The signed text of a webhook scheme, as a template parsed once into segments.
//!
//! It must never build the signed text: the segments are fed to the MAC one after another, so that
//! the body is not copied.

use http::HeaderName;
use thiserror::Error;

/// The signed text of a scheme: literal text and placeholders, in order.
///
/// Written as `{id}`, `{timestamp}`, `{body}`, `{method}`, `{path}` and `{header:NAME}` between
/// literal text; `{{` and `}}` stand for single braces. Example: `{timestamp}.{body}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Segment>);

/// One part of the signed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Text that is signed as it stands.
    Literal(String),
    /// The value of the id header.
    Id,
    /// The timestamp, in the text form in which it was sent.
    Timestamp,
    /// The raw body.
    Body,
    /// The method in upper case, as sent.
    Method,
    /// The request target as sent: path and query.
    Path,
    /// The value of a header.
    Header(HeaderName),
}

/// A template that cannot be read, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{problem} (at byte {offset} of the template)")]
pub struct TemplateError {
    /// The byte, counted from 0, where the wrong part begins.
    pub offset: usize,
    /// What is wrong there.
    pub problem: TemplateProblem,
}

/// What is wrong in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TemplateProblem {
    /// `{` with no `}` after it.
    #[error("the placeholder is not closed; write {{{{ for a brace")]
    NotClosed,
    /// `}` with no `{` before it.
    #[error("a closing brace without an opening one; write }}}} for a brace")]
    NotOpened,
    /// A placeholder of another name.
    #[error("unknown placeholder; known are id, timestamp, body, method, path and header:NAME")]
    Unknown,
    /// `{header:…}` with something that is no header name.
    #[error("this is not the name of a header")]
    HeaderName,
}

impl Template {
    /// Parses a template. The error names the byte where the wrong part begins.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut segments = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        loop {
            let Some(brace) = rest.find(['{', '}']) else {
                literal.push_str(rest);
                break;
            };
            let (before, from_brace) = rest.split_at(brace);
            literal.push_str(before);
            let offset = text.len() - from_brace.len();
            let error = |problem| TemplateError { offset, problem };
            if let Some(after) = from_brace.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = from_brace.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else if let Some(inside) = from_brace.strip_prefix('{') {
                let closed = inside.split_once('}');
                let (name, after) = closed.ok_or_else(|| error(TemplateProblem::NotClosed))?;
                flush(&mut literal, &mut segments);
                segments.push(placeholder(name).map_err(error)?);
                rest = after;
            } else {
                return Err(error(TemplateProblem::NotOpened));
            }
        }
        flush(&mut literal, &mut segments);
        Ok(Self(segments))
    }

    /// The segments in the order in which they are signed.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether the segment occurs in this template.
    pub fn contains(&self, segment: &Segment) -> bool {
        self.0.contains(segment)
    }
}

fn flush(literal: &mut String, segments: &mut Vec<Segment>) {
    if !literal.is_empty() {
        segments.push(Segment::Literal(std::mem::take(literal)));
    }
}

fn placeholder(name: &str) -> Result<Segment, TemplateProblem> {
    match name {
        "id" => Ok(Segment::Id),
        "timestamp" => Ok(Segment::Timestamp),
        "body" => Ok(Segment::Body),
        "method" => Ok(Segment::Method),
        "path" => Ok(Segment::Path),
        _ => {
            let header = name.strip_prefix("header:").ok_or(TemplateProblem::Unknown)?;
            let header = HeaderName::try_from(header).map_err(|_| TemplateProblem::HeaderName)?;
            Ok(Segment::Header(header))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_becomes_segments_in_order() {
        let literal = |text: &str| Segment::Literal(text.to_owned());
        let header = Segment::Header(HeaderName::from_static("x-date"));
        for (text, expected) in [
            ("{body}", vec![Segment::Body]),
            ("{id}.{timestamp}.{body}", vec![Segment::Id, literal("."), Segment::Timestamp, literal("."), Segment::Body]),
            (
                "v0:{method}\n{path}{header:X-Date}",
                vec![literal("v0:"), Segment::Method, literal("\n"), Segment::Path, header],
            ),
            ("a{{b}}{body}\u{e9}", vec![literal("a{b}"), Segment::Body, literal("\u{e9}")]),
            ("", vec![]),
        ] {
            assert_eq!(Template::parse(text).expect("a template").segments(), expected, "{text}");
        }
    }

    #[test]
    fn a_wrong_template_is_refused_at_the_byte_where_it_goes_wrong() {
        for (text, offset, problem) in [
            ("{body", 0, TemplateProblem::NotClosed),
            ("\u{e9}.{", 3, TemplateProblem::NotClosed),
            ("{body}.}", 7, TemplateProblem::NotOpened),
            ("{body}{Body}", 6, TemplateProblem::Unknown),
            ("{}", 0, TemplateProblem::Unknown),
            ("{{{payload}}}", 2, TemplateProblem::Unknown),
            ("{header:}", 0, TemplateProblem::HeaderName),
            ("ab{header:a b}", 2, TemplateProblem::HeaderName),
        ] {
            assert_eq!(Template::parse(text), Err(TemplateError { offset, problem }), "{text}");
        }
    }
}
