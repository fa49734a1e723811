//! A YAML file as a tree with places: scalars keep their text, keys their order, and all of them their bytes.
//!
//! Only the part of YAML that a person writes is taken: maps, lists and scalars in one document. Anchors, aliases, tags
//! and keys that are no text are reported. What a scalar means is never decided here; the tables of fields do that.

mod chars;
mod json;
mod parse;
mod scan_error;

use model::Span;

use crate::Spanned;

pub use json::{NumberLoss, number_loss, to_json};
pub use parse::parse;
pub(crate) use scan_error::lost_character;

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its bytes; for a scalar in quotes those inside of the quotes.
    pub span: Span,
    /// What it is.
    pub shape: Shape,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text, a number, a word; also nothing at all.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A map in the order of the file, its keys unique.
    Map(Vec<Entry>),
}

/// A scalar as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// The text, with quotes, escapes and folding undone.
    pub text: String,
    /// How it was written.
    pub style: Style,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Plain,
    /// In single or double quotes.
    Quoted,
    /// As a block after `|` or `>`.
    Block,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Spanned<String>,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The scalar, if it is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.shape {
            Shape::Scalar(scalar) => Some(scalar),
            Shape::List(_) | Shape::Map(_) => None,
        }
    }

    /// The items, if it is a list.
    pub fn items(&self) -> Option<&[Self]> {
        match &self.shape {
            Shape::List(items) => Some(items),
            Shape::Scalar(_) | Shape::Map(_) => None,
        }
    }

    /// The entries, if it is a map.
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.shape {
            Shape::Map(entries) => Some(entries),
            Shape::Scalar(_) | Shape::List(_) => None,
        }
    }

    /// The entry of a key, if it is a map and has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| entry.key.value == key)
    }

    /// Whether nothing is written here: `key:`, `~` or `null`.
    pub fn is_null(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_null)
    }

    /// Where the part at a JSON pointer stands: its key where it is in a map, else itself. The place of the deepest part
    /// that exists where the pointer leads further.
    pub fn at_pointer(&self, pointer: &str) -> Span {
        let mut place = self.span;
        let mut node = self;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            match &node.shape {
                Shape::Map(_) => {
                    let Some(entry) = node.entry(&part) else { return place };
                    place = entry.key.span;
                    node = &entry.value;
                }
                Shape::List(items) => {
                    let Some(item) = part.parse::<usize>().ok().and_then(|index| items.get(index)) else {
                        return place;
                    };
                    place = item.span;
                    node = item;
                }
                Shape::Scalar(_) => return place,
            }
        }
        place
    }

    /// Whether two trees say the same, wherever it stands and however it is quoted or ordered. Nothing and an empty text in
    /// quotes differ.
    pub fn same(&self, other: &Self) -> bool {
        match (&self.shape, &other.shape) {
            (Shape::Scalar(one), Shape::Scalar(two)) => {
                one.text == two.text && (one.style == Style::Plain) == (two.style == Style::Plain)
            }
            (Shape::List(one), Shape::List(two)) => one.len() == two.len() && one.iter().zip(two).all(|(a, b)| a.same(b)),
            (Shape::Map(one), Shape::Map(two)) => {
                let has_same = |entry: &Entry| other.entry(&entry.key.value).is_some_and(|it| entry.value.same(&it.value));
                one.len() == two.len() && one.iter().all(has_same)
            }
            _ => false,
        }
    }
}

impl Scalar {
    /// Whether nothing is written here.
    pub fn is_null(&self) -> bool {
        self.style == Style::Plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

#[cfg(test)]
mod tests;
