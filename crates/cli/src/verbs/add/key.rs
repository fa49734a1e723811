//! Where the key comes from: a variable, a file, or a person who types it unseen. Never from a flag, which others on the machine
//! could read.

use std::io::{BufRead as _, IsTerminal as _};
use std::process::{Command, Stdio};

use formats::signature::Secret;

use crate::args::AddOdoo;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// LIMIT: a key; Odoo's have forty digits.
const BYTES_MAX: usize = 4_096;

/// The key, without the newline that editors add.
pub(super) fn find(args: &AddOdoo, output: &Output) -> Result<Secret, Failure> {
    let text = match (&args.key_env, &args.key_file) {
        (Some(name), _) => variable(name)?,
        (None, Some(path)) => std::fs::read_to_string(path)
            .map_err(|error| Failure::new(Exit::Usage, "key", format!("{}: {error}", path.display())))?,
        (None, None) => typed(args, output)?,
    };
    let key = text.trim();
    if key.is_empty() || key.len() > BYTES_MAX {
        return Err(Failure::new(Exit::Usage, "key", "the key is empty, or longer than any key"));
    }
    Ok(Secret::new(key.as_bytes().to_vec()))
}

#[expect(clippy::disallowed_methods, reason = "the command line reads the variable that was named")]
fn variable(name: &str) -> Result<String, Failure> {
    std::env::var(name).map_err(|_| Failure::new(Exit::Usage, "key", format!("the variable {name} is not set")))
}

/// What a person types without seeing it.
fn typed(args: &AddOdoo, output: &Output) -> Result<String, Failure> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(Failure::new(Exit::Usage, "key", "nobody can be asked for the key here")
            .hint("name a variable with --key-env, or a file with --key-file"));
    }
    output.say(&format!(
        "In Odoo as the user for Crossdock: Preferences, Account Security, New API Key.\n\
         Groups of its own are enough: Sales, Inventory, Manufacturing as user. Database {}.",
        args.db
    ));
    let unseen = Unseen::begin();
    output.ask("API key (not shown):");
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    drop(unseen);
    output.say("");
    read.map_err(|error| Failure::new(Exit::Failed, "key", format!("the key cannot be read: {error}")))?;
    Ok(line)
}

/// While it lives the terminal shows nothing of what is typed. After Ctrl-C the shell puts its terminal right again.
struct Unseen;

impl Unseen {
    fn begin() -> Self {
        stty("-echo");
        Self
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        stty("echo");
    }
}

/// Where there is no `stty`, what is typed is seen; that is no reason to refuse the key.
fn stty(word: &str) {
    drop(Command::new("stty").arg(word).stdin(Stdio::inherit()).stderr(Stdio::null()).status());
}
