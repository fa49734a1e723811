//! `sim`: runs many seeds and says which of them break a rule, and how to see it again.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Instant;

use sim::arguments::{Arguments, USAGE};
use sim::campaign::Campaign;

#[expect(clippy::disallowed_methods, reason = "how long the tool took is no part of any simulation")]
fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout().lock();
    // A reader that has gone away, such as `head`, is no error: there is nobody to tell it to.
    let mut tell = |line: String| match writeln!(out, "{line}") {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    let arguments = match Arguments::parse(&given) {
        Ok(arguments) => arguments,
        Err(why) => {
            let _nobody_reads = tell(format!("{why}\n\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    let outcome = Campaign::new(arguments).run(&mut tell);
    let _nobody_reads = tell(format!("{outcome}, {:.1} s", began.elapsed().as_secs_f64()));
    if outcome.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
