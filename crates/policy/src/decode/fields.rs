//! Reading a map that was checked against its table: values come out typed, and what was wrong does not come out.

use model::Span;

use super::table::{Kind, Table};
use crate::Spanned;
use crate::tree::{Entry, Node};

/// A map and its table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    node: &'a Node,
    table: &'static Table,
}

impl<'a> Fields<'a> {
    /// The map to be read.
    pub(crate) const fn new(node: &'a Node, table: &'static Table) -> Self {
        Self { node, table }
    }

    /// The whole map.
    pub(crate) const fn node(self) -> &'a Node {
        self.node
    }

    fn entry(self, name: &str) -> Option<&'a Entry> {
        // INVARIANT: code reads only what the table declares, so that schemas and suggestions are complete.
        assert!(self.table.field(name).is_some(), "{} declares no `{name}`", self.table.name);
        self.node.entry(name).filter(|entry| !entry.value.is_null())
    }

    /// The value of a key, unless it says nothing.
    pub(crate) fn value(self, name: &str) -> Option<&'a Node> {
        self.entry(name).map(|entry| &entry.value)
    }

    /// Where the key stands.
    pub(crate) fn key_span(self, name: &str) -> Option<Span> {
        self.entry(name).map(|entry| entry.key.span)
    }

    /// The text of a scalar, where it is of its kind.
    pub(crate) fn text(self, name: &str) -> Option<Spanned<&'a str>> {
        let kind = &self.table.field(name)?.kind;
        scalar(self.value(name)?, kind)
    }

    /// The same, owned.
    pub(crate) fn string(self, name: &str) -> Option<Spanned<String>> {
        self.text(name).map(|text| text.map(str::to_owned))
    }

    /// A scalar through its parser.
    pub(crate) fn parsed<T>(self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Spanned<T>> {
        parsed(self.text(name)?, parse)
    }

    /// A scalar through its parser, without its place.
    pub(crate) fn plain<T>(self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.parsed(name, parse).map(|it| it.value)
    }

    /// A scalar in lower case, for names of headers.
    pub(crate) fn lower(self, name: &str) -> Option<String> {
        self.text(name).map(|text| text.value.to_ascii_lowercase())
    }

    /// The items of a list of scalars through their parser.
    pub(crate) fn list<T>(self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<Spanned<T>> {
        let of = self.table.field(name).and_then(|field| match field.kind {
            Kind::List(of, _) | Kind::ListOrTable(of, _) => Some(of),
            _ => None,
        });
        let (Some(of), Some(items)) = (of, self.value(name).and_then(Node::items)) else {
            return Vec::new();
        };
        items.iter().filter_map(|item| parsed(scalar(item, of)?, &parse)).collect()
    }

    /// The items of a list through their parser, without their places.
    pub(crate) fn plain_list<T>(self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        self.list(name, parse).into_iter().map(|it| it.value).collect()
    }

    /// The items of a list, as they are.
    pub(crate) fn items(self, name: &str) -> &'a [Node] {
        self.value(name).and_then(Node::items).unwrap_or_default()
    }

    /// The entries of a map with free keys.
    pub(crate) fn entries(self, name: &str) -> &'a [Entry] {
        self.value(name).and_then(Node::entries).unwrap_or_default()
    }

    /// The inner map of a key that has a table of its own.
    pub(crate) fn inner(self, name: &str) -> Option<Self> {
        let table = self.table.field(name).and_then(|field| match field.kind {
            Kind::Table(table) | Kind::ListOrTable(_, table) => Some(table),
            _ => None,
        })?;
        let node = self.value(name).filter(|node| node.entries().is_some())?;
        Some(Self { node, table })
    }
}

/// The text of a scalar, where it is of this kind.
pub(crate) fn scalar<'a>(node: &'a Node, kind: &Kind) -> Option<Spanned<&'a str>> {
    let text = node.scalar().filter(|_| !node.is_null())?.text.as_str();
    super::scalar::check(kind, text).is_ok().then(|| Spanned::new(text, node.span))
}

fn parsed<T>(text: Spanned<&str>, parse: impl Fn(&str) -> Option<T>) -> Option<Spanned<T>> {
    parse(text.value).map(|value| Spanned::new(value, text.span))
}
