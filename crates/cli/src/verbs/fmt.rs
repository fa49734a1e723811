//! `crossdock fmt`: canonical order and style, comments kept.

use policy::fmt::{Formatted, format};

use crate::args::Fmt;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::project::read;

pub(crate) fn run(fmt: &Fmt, output: &Output) -> Ended {
    let mut changed = 0;
    for file in read(&fmt.folder)? {
        match format(&file) {
            Formatted::Same => {}
            Formatted::Left { why } => output.say(&format!("{}: left as it is: {why}", file.path)),
            Formatted::Changed(text) => {
                changed += 1;
                output.line(&file.path);
                if !fmt.check {
                    let path = fmt.folder.join(&file.path);
                    std::fs::write(&path, text)
                        .map_err(|error| Failure::new(Exit::Failed, "write", format!("{}: {error}", path.display())))?;
                }
            }
        }
    }
    Ok(if fmt.check && changed > 0 { Exit::Findings } else { Exit::Done })
}
