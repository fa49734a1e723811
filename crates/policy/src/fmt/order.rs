//! Top-level keys in the order of their table, each with the comments that belong to it.

use super::layout::{Line, Role};
use crate::decode::table::Table;
use crate::tree::Node;

/// The text of all lines, the blocks of the top-level keys in the order of the table.
pub(super) fn assemble(lines: Vec<Line>, root: &Node, table: &Table) -> String {
    let keys: Vec<&str> = root.entries().unwrap_or_default().iter().map(|entry| entry.key.value.as_str()).collect();
    let (header, blocks, footer) = split(lines);
    // INVARIANT: each top-level key opens a block, in the same order.
    assert_eq!(blocks.len(), keys.len(), "a block for each key");
    let rank = |key: &str| table.fields.iter().position(|field| field.name == key).unwrap_or(table.fields.len());
    let mut ordered: Vec<(usize, Vec<Line>)> = keys.iter().map(|key| rank(key)).zip(blocks).collect();
    ordered.sort_by_key(|(rank, _)| *rank);
    let all = header.into_iter().chain(ordered.into_iter().flat_map(|(_, block)| block)).chain(footer);
    join(all)
}

/// Header, the blocks of the keys, and footer.
fn split(lines: Vec<Line>) -> (Vec<Line>, Vec<Vec<Line>>, Vec<Line>) {
    let mut blocks: Vec<Vec<Line>> = Vec::new();
    let mut waiting: Vec<Line> = Vec::new();
    let mut header = Vec::new();
    for line in lines {
        match line.role {
            Role::Key => {
                if blocks.is_empty() {
                    let own = waiting.split_off(header_end(&waiting));
                    header = std::mem::replace(&mut waiting, own);
                }
                waiting.push(line);
                blocks.push(std::mem::take(&mut waiting));
            }
            // A comment that is indented belongs to what is above it.
            Role::Content | Role::Comment if line.role == Role::Content || line.text.starts_with(' ') => {
                match blocks.last_mut() {
                    Some(block) => {
                        block.append(&mut waiting);
                        block.push(line);
                    }
                    None => waiting.push(line),
                }
            }
            Role::Content | Role::Blank | Role::Comment | Role::Mark => waiting.push(line),
        }
    }
    (header, blocks, waiting)
}

/// The lines before the first key that belong to the file: those up to the last empty line or mark, and those for editors.
fn header_end(lines: &[Line]) -> usize {
    let is_last =
        |line: &Line| matches!(line.role, Role::Blank | Role::Mark) || line.text.starts_with("# yaml-language-server:");
    lines.iter().rposition(is_last).map_or(0, |at| at + 1)
}

/// One text, without empty lines at its ends or next to each other outside of block texts.
fn join(lines: impl Iterator<Item = Line>) -> String {
    let mut text = String::new();
    let mut blank = false;
    for line in lines {
        if line.role == Role::Blank {
            blank = !text.is_empty();
            continue;
        }
        if blank {
            text.push('\n');
            blank = false;
        }
        text.push_str(&line.text);
        text.push('\n');
    }
    text
}
