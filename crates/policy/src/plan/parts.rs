//! The objects of a project as a plan sees them: one tree for each, sources and destinations apart from their system.

use std::collections::BTreeMap;

use super::PartKind;
use crate::decode::{Address, ObjectKind, Objects, decode, examine};
use crate::tree::{Entry, Node, Shape};
use crate::{Findings, SourceFile};

/// An object.
#[derive(Debug)]
pub(super) struct Part {
    /// What it says; `None` where nothing could be read.
    pub(super) node: Option<Node>,
    /// In a few words what it is.
    pub(super) note: String,
}

/// All objects of a project.
#[derive(Debug)]
pub(super) struct Parts {
    /// By kind and name; of a contract `NAME@VERSION`.
    pub(super) list: BTreeMap<(PartKind, String), Part>,
    /// The same decoded.
    pub(super) objects: Objects,
}

impl Parts {
    pub(super) fn of(files: &[SourceFile], findings: &mut Findings) -> Self {
        let mut parts = Self { list: BTreeMap::new(), objects: decode(files, findings) };
        for file in files {
            if let Some((address, root)) = examine(file, &mut Findings::new()) {
                parts.add(address, root);
            }
        }
        parts
    }

    fn add(&mut self, address: Address, root: Node) {
        let Address { kind, name, version } = address;
        let part_kind = match kind {
            ObjectKind::System => return self.add_system(&name, root),
            ObjectKind::Contract => {
                return self.put(PartKind::Contract, format!("{name}@{version}"), root, String::new());
            }
            ObjectKind::Mapping => PartKind::Mapping,
            ObjectKind::Flow => PartKind::Flow,
            ObjectKind::Retry => PartKind::Retry,
            ObjectKind::Team => PartKind::Team,
            ObjectKind::Test => PartKind::Test,
        };
        let note = match part_kind {
            PartKind::Flow => flow_note(&root),
            PartKind::Mapping => mapping_note(&root),
            _ => String::new(),
        };
        self.put(part_kind, name, root, note);
    }

    fn put(&mut self, kind: PartKind, name: String, node: Node, note: String) {
        self.list.insert((kind, name), Part { node: Some(node), note });
    }

    fn add_system(&mut self, name: &str, root: Node) {
        let span = root.span;
        let Shape::Map(entries) = root.shape else { return };
        let mut rest = Vec::new();
        for entry in entries {
            let kind = match entry.key.value.as_str() {
                "sources" => PartKind::Source,
                "destinations" => PartKind::Destination,
                _ => {
                    rest.push(entry);
                    continue;
                }
            };
            let Shape::Map(inner) = entry.value.shape else { continue };
            for Entry { key, value } in inner {
                let note = text_at(&value, &["url"]).map_or_else(|| format!("of {name}"), |url| format!("of {name}, {url}"));
                self.put(kind, key.value, value, note);
            }
        }
        self.put(PartKind::System, name.to_owned(), Node { span, shape: Shape::Map(rest) }, String::new());
    }
}

/// The text at the end of a row of keys.
fn text_at<'n>(node: &'n Node, keys: &[&str]) -> Option<&'n str> {
    let end = keys.iter().try_fold(node, |node, key| node.entry(key).map(|entry| &entry.value))?;
    end.scalar().map(|scalar| scalar.text.as_str())
}

fn flow_note(root: &Node) -> String {
    let types =
        root.entry("on").and_then(|on| on.value.entry("types")).and_then(|types| types.value.items()).unwrap_or_default();
    let types: Vec<&str> = types.iter().filter_map(Node::scalar).map(|scalar| scalar.text.as_str()).collect();
    match text_at(root, &["to"]) {
        Some(to) => format!("on {}, to {to}", types.join(", ")),
        None => format!("on {}", types.join(", ")),
    }
}

fn mapping_note(root: &Node) -> String {
    match (text_at(root, &["from"]), text_at(root, &["to"])) {
        (Some(from), Some(to)) => format!("{from} → {to}"),
        (_, _) => String::new(),
    }
}
