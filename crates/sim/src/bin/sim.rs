//! `sim`: runs many seeds and says which of them break a rule, and how to see it again.

use std::process::ExitCode;
use std::time::Instant;

use sim::arguments::{Arguments, USAGE};
use sim::campaign::Campaign;

#[expect(clippy::print_stdout, reason = "a command line tool: its lines are its output")]
#[expect(clippy::disallowed_methods, reason = "how long the tool took is no part of any simulation")]
fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let arguments = match Arguments::parse(&given) {
        Ok(arguments) => arguments,
        Err(why) => {
            println!("{why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    let outcome = Campaign::new(arguments).run(|line| println!("{line}"));
    println!("{outcome}, {:.1} s", began.elapsed().as_secs_f64());
    if outcome.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
