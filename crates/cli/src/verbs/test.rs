//! `crossdock test`: the tests of a project, by the decisions that the product itself takes. Nothing is stored, nothing is
//! sent, and no clock is read: a test gives the same answer on every day and machine.

mod actual;
mod compare;
mod difference;
mod request;

use std::time::Instant;

use policy::Findings;
use policy::render::line_column;
use policy::specs::TestSpec;
use serde_json::json;

use self::difference::Difference;
use crate::args::{self, Form};
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::project;

/// What became of one test.
struct Ran {
    spec: TestSpec,
    differences: Vec<Difference>,
    remarks: Vec<String>,
}

#[expect(clippy::disallowed_methods, reason = "how long it took is told to people")]
pub(crate) fn run(args: &args::Test, output: &Output) -> Ended {
    let begin = Instant::now();
    let mut project = project::load(&args.folder, output)?;
    let specs = policy::decode::decode(&project.files, &mut Findings::over(&project.files)).tests;
    let wanted = |spec: &TestSpec| args.only.as_ref().is_none_or(|only| spec.name.contains(only));
    if let Some(only) = args.only.as_ref().filter(|_| !specs.iter().any(wanted)) {
        let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let hint =
            if names.is_empty() { "there are no tests".to_owned() } else { format!("there are: {}", names.join(", ")) };
        return Err(Failure::new(Exit::NotFound, "not-found", format!("no test's name holds {only:?}")).hint(hint));
    }
    let proofs = request::Proofs::new(&mut project.policy);
    let ran: Vec<Ran> = specs.into_iter().filter(wanted).map(|spec| run_one(spec, args, &project, &proofs)).collect();
    let failed = ran.iter().filter(|ran| !ran.differences.is_empty()).count();
    match output.form {
        Form::Json => output.json(&report(&ran, &project)),
        Form::Table => {
            for ran in &ran {
                print(ran, &project, output);
            }
            output.line(&summary(ran.len(), failed));
            output.say(&format!("in {} ms", begin.elapsed().as_millis()));
        }
    }
    if failed > 0 {
        output.next("mend the project or the expectation, then `crossdock test`");
        return Ok(Exit::Findings);
    }
    output.next("crossdock plan");
    Ok(Exit::Done)
}

fn summary(ran: usize, failed: usize) -> String {
    match (ran, failed) {
        (0, _) => "there are no tests; tests/NAME.yaml is one".to_owned(),
        (ran, 0) => format!("{ran} passed"),
        (ran, failed) => format!("{failed} of {ran} failed"),
    }
}

fn run_one(spec: TestSpec, args: &args::Test, project: &project::Project, proofs: &request::Proofs) -> Ran {
    let made = request::make(&spec.given, &args.folder, &project.policy, proofs);
    let (differences, remarks) = match made {
        Ok(received) => {
            let actual = actual::of(&project.policy, &proofs.verifiers, &received);
            compare::compare(&spec.expect, &actual)
        }
        Err(why) => {
            (vec![Difference::failed(spec.given.source.span, format!("the request cannot be made: {why}"))], Vec::new())
        }
    };
    Ran { spec, differences, remarks }
}

fn print(ran: &Ran, project: &project::Project, output: &Output) {
    if ran.differences.is_empty() {
        output.line(&format!("ok    {}", ran.spec.name));
    } else {
        output.line(&format!("FAIL  {}", ran.spec.name));
    }
    for difference in &ran.differences {
        let at = line_column(text_of(&ran.spec, project), difference.span.start);
        output.line(&format!("  {}:{}:{}: {}", ran.spec.path, at.line, at.column, difference.what));
        output.lines(difference.lines().into_iter().map(|line| format!("    {line}")));
    }
    for remark in &ran.remarks {
        output.line(&format!("      {remark}"));
    }
}

fn text_of<'a>(spec: &TestSpec, project: &'a project::Project) -> &'a str {
    project.files.iter().find(|file| file.path == spec.path).map_or("", |file| file.text.as_str())
}

fn report(ran: &[Ran], project: &project::Project) -> serde_json::Value {
    let tests: Vec<_> = ran
        .iter()
        .map(|ran| {
            let differences = ran.differences.iter().map(|difference| {
                let at = line_column(text_of(&ran.spec, project), difference.span.start);
                json!({
                    "what": difference.what, "file": ran.spec.path, "line": at.line, "column": at.column,
                    "expected": difference.expected, "actual": difference.actual, "paths": difference.paths(),
                })
            });
            json!({
                "name": ran.spec.name, "passed": ran.differences.is_empty(),
                "differences": differences.collect::<Vec<_>>(), "remarks": ran.remarks,
            })
        })
        .collect();
    let failed = ran.iter().filter(|ran| !ran.differences.is_empty()).count();
    json!({ "schema": "crossdock/test/1", "passed": ran.len() - failed, "failed": failed, "tests": tests })
}
