//! Pages as a reader sees them: the blocks with commands, and what is shown below each command. A block that nobody could
//! run or check is a mistake of the page.

use std::path::Path;

/// What a block can be besides commands; nothing of it is run.
const SHOWN: [&str; 6] = ["yaml", "json", "toml", "text", "nginx", "ini"];

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) name: String,
    pub(crate) blocks: Vec<Block>,
}

/// A block that is checked.
#[derive(Debug)]
pub(crate) enum Block {
    /// ` ```console `, with what each command prints.
    Commands(Vec<Command>),
    /// ` ```console stopped=VERB `: the reader has stopped that command before those of the block.
    Stop(String),
    /// ` ```console of=VERB `: what a command that stays prints meanwhile.
    Arrives { of: String, expected: Vec<String> },
}

/// How a command is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Once, until it ends.
    Once,
    /// ` ```console eventually `: it asks for what the product does by itself, so it is asked again until it is so.
    Eventually,
    /// ` ```console stays `: in a terminal of its own, until the page ends or starts the verb anew.
    Stays,
}

/// A command and what is shown of what it prints; nothing is compared where nothing is shown.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) line: usize,
    pub(crate) text: String,
    pub(crate) how: How,
    /// ` ```console ends=N `, or `ends=N,M` where it depends on what happens meanwhile; else 0.
    pub(crate) codes: Vec<i32>,
    pub(crate) expected: Vec<String>,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Self {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).unwrap();
        let mut blocks = Vec::new();
        let mut lines = text.lines().enumerate();
        while let Some((at, line)) = lines.next() {
            let Some(info) = line.trim_start().strip_prefix("```") else { continue };
            let inside: Vec<(usize, &str)> =
                lines.by_ref().take_while(|(_, line)| line.trim_start() != "```").map(|(at, line)| (at + 1, line)).collect();
            let words: Vec<&str> = info.split_whitespace().collect();
            match words.as_slice() {
                ["console", how @ ..] => {
                    let stopped = how.iter().filter_map(|word| word.strip_prefix("stopped="));
                    blocks.extend(stopped.map(|verb| Block::Stop(verb.to_owned())));
                    blocks.push(block(&format!("{name}:{}", at + 1), how, &inside));
                }
                [word, ..] if SHOWN.contains(word) => {}
                _ => panic!("{name}:{}: a block is `console` or one of {SHOWN:?}", at + 1),
            }
        }
        Self { name, blocks }
    }
}

fn block(at: &str, words: &[&str], lines: &[(usize, &str)]) -> Block {
    let (mut how, mut codes) = (How::Once, vec![0]);
    for word in words {
        match (*word, word.split_once('=')) {
            ("eventually", _) => how = How::Eventually,
            ("stays", _) => how = How::Stays,
            (_, Some(("ends", numbers))) => codes = numbers.split(',').map(|number| number.parse().unwrap()).collect(),
            (_, Some(("stopped", _))) => {}
            (_, Some(("of", verb))) => {
                let expected = lines.iter().map(|(_, line)| (*line).to_owned()).collect();
                return Block::Arrives { of: verb.to_owned(), expected };
            }
            _ => panic!("{at}: what is `{word}`?"),
        }
    }
    let mut commands: Vec<Command> = Vec::new();
    for (line, text) in lines {
        if let Some(text) = text.strip_prefix("$ ") {
            commands.push(Command { line: *line, text: text.to_owned(), how, codes: codes.clone(), expected: Vec::new() });
            continue;
        }
        let command = commands.last_mut().unwrap_or_else(|| panic!("{at}: a block begins with `$ `"));
        match text.strip_prefix("> ").or_else(|| (*text == ">").then_some("")) {
            Some(more) if command.expected.is_empty() => command.text = format!("{}\n{more}", command.text),
            Some(_) | None => command.expected.push((*text).to_owned()),
        }
    }
    Block::Commands(commands)
}
