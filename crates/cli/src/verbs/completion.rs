//! `crossdock completion SHELL`.

use clap::CommandFactory;

use crate::args::{Args, Completion};
use crate::exit::{Ended, Exit};
use crate::output::Output;

pub(crate) fn run(completion: &Completion, output: &Output) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(completion.shell, &mut Args::command(), "crossdock", &mut script);
    output.text(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
