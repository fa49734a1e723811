//! `crossdock explain CODE`: what a code means and how to mend it.

use model::Code;

use crate::args::Explain;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;

pub(crate) fn run(explain: &Explain, output: &Output) -> Ended {
    let code: Code = explain
        .code
        .parse()
        .map_err(|_| Failure::new(Exit::Usage, "code", format!("{:?} is no code: a code is H and four digits", explain.code)))?;
    match policy::codes::page(code) {
        Some(page) => {
            output.text(page);
            Ok(Exit::Done)
        }
        None => Err(Failure::new(Exit::NotFound, "code", format!("there is no code {code}"))),
    }
}
