//! What a person is asked: a reason, and whether it is meant. Where nobody sits at a terminal nothing waits for an answer.

use std::io::{BufRead, IsTerminal};

use crate::args::{Reason, Sure};
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// The reason of a command, which goes into the audit; asked for where it was not given.
pub(crate) fn reason(reason: &Reason, output: &Output) -> Result<String, Failure> {
    let given = match &reason.reason {
        Some(text) => text.clone(),
        None => answer("why?", output).unwrap_or_default(),
    };
    if given.trim().is_empty() {
        return Err(
            Failure::new(Exit::Usage, "reason", "a reason is needed: it goes into the audit").hint("say --reason TEXT")
        );
    }
    Ok(given)
}

/// Whether it is meant: by `-y`, or by a person at the terminal.
pub(crate) fn confirm(question: &str, sure: Sure, output: &Output) -> Result<(), Failure> {
    if sure.yes {
        return Ok(());
    }
    match answer(&format!("{question} [y/N]"), output) {
        Some(word) if matches!(word.trim(), "y" | "Y" | "yes") => Ok(()),
        Some(_) => Err(Failure::new(Exit::Interrupted, "not-confirmed", "nothing was done")),
        None => Err(Failure::new(Exit::Usage, "not-confirmed", "nobody can be asked here, and nothing was done")
            .hint("say -y if it is meant")),
    }
}

/// What a person chooses, in words; nothing where nobody can be asked, or where the usual is meant.
pub(crate) fn choice(question: &str, output: &Output) -> Option<String> {
    answer(question, output).map(|words| words.trim().to_owned()).filter(|words| !words.is_empty())
}

/// What a person types; nothing where standard input is no terminal.
fn answer(question: &str, output: &Output) -> Option<String> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return None;
    }
    output.ask(question);
    let mut line = String::new();
    input.lock().read_line(&mut line).ok()?;
    Some(line)
}
