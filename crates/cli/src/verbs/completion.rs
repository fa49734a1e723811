//! `crossdock completion SHELL`.

use crate::args::Completion;
use crate::exit::Exit;
use crate::output::Output;

pub(crate) fn run(completion: &Completion, output: &Output) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(completion.shell, &mut crate::help::command(), "crossdock", &mut script);
    output.text(&String::from_utf8_lossy(&script));
    Exit::Done
}
