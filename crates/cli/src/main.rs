//! The one binary, `crossdock`: reads the command line, runs one verb, ends with its exit code. Decides nothing itself.

mod args;
mod client;
mod exit;
mod output;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Verb};
use crate::exit::Exit;
use crate::output::Output;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    let output = Output::new(&args.common);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output.fail(Exit::Failed, &format!("the runtime cannot start: {error}")).code(),
    };
    let exit = runtime.block_on(run(args, &output));
    exit.code()
}

async fn run(args: Args, output: &Output) -> Exit {
    let common = args.common;
    let ended = match args.verb.unwrap_or_default() {
        Verb::Up(up) => verbs::up::run(&up, output).await,
        Verb::Check(check) => verbs::check::run(&check, output),
        Verb::Fmt(fmt) => verbs::fmt::run(&fmt, output),
        Verb::Explain(explain) => verbs::explain::run(&explain, output),
        Verb::Status(status) => verbs::status::run(&common, &status, output).await,
        Verb::Trace(trace) => verbs::trace::run(&common, &trace, output).await,
        Verb::Completion(completion) => verbs::completion::run(&completion, output),
    };
    match ended {
        Ok(exit) => exit,
        Err(failure) => output.failure(&failure),
    }
}
