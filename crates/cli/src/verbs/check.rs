//! `crossdock check`: every mistake of a folder in one run.

use std::time::Instant;

use model::Severity;
use policy::render::{self, Colour};

use crate::args::{Check, Form, Report};
use crate::exit::{Ended, Exit};
use crate::moment;
use crate::output::Output;
use crate::project::read;

#[expect(clippy::disallowed_methods, reason = "how long it took is told to people")]
pub(crate) fn run(check: &Check, output: &Output) -> Ended {
    let begin = Instant::now();
    let found = read(&check.folder)?;
    let (policy, findings) = policy::check_folder(&found, moment::now());
    let files = found.files;
    let format = if output.form == Form::Json { Report::Json } else { check.format };
    match format {
        Report::Text => {
            let colour = if Output::has_colour() { Colour::Ansi } else { Colour::Plain };
            output.text(&render::text(&findings, &files, colour));
            let (count, took) = (render::count(&findings), begin.elapsed().as_millis());
            output.say(&format!("checked {} files in {took} ms: {count}", files.len()));
        }
        Report::Json => output.json(&render::json(&findings, &files)),
        Report::Sarif => output.json(&render::sarif(&findings, &files)),
        Report::Github => output.text(&render::github(&findings, &files)),
    }
    let errors = findings.iter().any(|finding| finding.severity == Severity::Error);
    let failed = errors || policy.is_none();
    if format == Report::Text {
        output.next(if failed { "mend them, then `crossdock test`" } else { "crossdock test" });
    }
    Ok(if failed { Exit::Findings } else { Exit::Done })
}
