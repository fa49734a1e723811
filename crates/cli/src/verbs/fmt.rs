//! `crossdock fmt`: canonical order and style, comments kept.

use policy::fmt::{Formatted, format};

use crate::args::{Fmt, Form};
use crate::client::reason;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::project::read;

pub(crate) fn run(fmt: &Fmt, output: &Output) -> Ended {
    let mut changed = Vec::new();
    let found = read(&fmt.folder)?;
    for diagnostic in &found.unreadable {
        output.say(&format!("left as it is: {}", reason(diagnostic)));
    }
    for file in found.files {
        match format(&file) {
            Formatted::Same => {}
            Formatted::Left { why } => output.say(&format!("{}: left as it is: {why}", file.path)),
            Formatted::Changed(text) => {
                if !fmt.check {
                    let path = fmt.folder.join(&file.path);
                    std::fs::write(&path, text)
                        .map_err(|error| Failure::new(Exit::Failed, "write", format!("{}: {error}", path.display())))?;
                }
                changed.push(file.path);
            }
        }
    }
    let asks = fmt.check && !changed.is_empty();
    match output.form {
        Form::Json => output.json(&serde_json::json!({ "schema": "crossdock/fmt/1", "changed": changed })),
        Form::Table => output.lines(changed),
    }
    if asks {
        output.next("crossdock fmt");
    }
    Ok(if asks { Exit::Findings } else { Exit::Done })
}
