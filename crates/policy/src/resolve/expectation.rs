//! Tests of a project: what they name has to exist, and what they expect has to be possible.

use std::collections::BTreeSet;

use model::Code;

use super::Project;
use crate::specs::{Expect, ExpectedVerdict, GivenBody, TestSpec};
use crate::{Findings, SourceFile, Spanned, codes, near};

/// Checks all tests.
pub(crate) fn check(project: &Project<'_>, files: &[SourceFile], findings: &mut Findings) {
    let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    for test in &project.objects.tests {
        findings.enter(&test.path);
        project.names.check_source(&test.given.source, codes::TEST_UNKNOWN_SOURCE, findings);
        check_body(test, &paths, findings);
        check_expect(&test.expect, project, findings);
    }
}

fn check_body(test: &TestSpec, paths: &BTreeSet<&str>, findings: &mut Findings) {
    let GivenBody::File(file) = &test.given.body else { return };
    if !paths.contains(file.value.as_str()) {
        let diagnostic =
            findings.error(codes::TEST_NO_BODY_FILE, file.span, format!("there is no file `{}` in the project", file.value));
        let in_tests = paths
            .iter()
            .copied()
            .filter(|path| path.starts_with("tests/") && path.rsplit_once('.').is_none_or(|(_, ending)| ending != "yaml"));
        findings.push(diagnostic.help(near::nearest(&file.value, in_tests).map_or_else(
            || "the path is from the top of the project, such as `tests/orders/1.json`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        )));
    }
}

fn check_expect(expect: &Expect, project: &Project<'_>, findings: &mut Findings) {
    check_verdict(expect, findings);
    for code in expect.reasons.iter().flatten() {
        check_code(code, findings);
    }
    for delivery in expect.deliveries.iter().flatten() {
        let delivery = &delivery.value;
        project.names.check_flow(&delivery.flow, codes::TEST_UNKNOWN_FLOW, findings);
        if let Some(destination) = &delivery.destination {
            project.names.check_destination(destination, codes::TEST_UNKNOWN_FLOW, findings);
        }
        for code in delivery.fails.iter().flatten() {
            check_code(code, findings);
        }
        if let (Some(_), Some(body)) = (&delivery.fails, &delivery.body) {
            let diagnostic = findings.error(codes::TEST_CONTRADICTION, body.span, "a mapping that fails makes no body");
            findings.push(diagnostic.help("keep `body` or `fails`"));
        }
    }
}

fn check_verdict(expect: &Expect, findings: &mut Findings) {
    let Some(verdict) = &expect.verdict else { return };
    let has_deliveries = expect.deliveries.as_ref().is_some_and(|deliveries| !deliveries.is_empty());
    let wrong = match verdict.value {
        ExpectedVerdict::Admitted if expect.reasons.is_some() => Some("an admitted event has no `reasons`"),
        ExpectedVerdict::Admitted | ExpectedVerdict::Quarantined if expect.problem.is_some() => {
            Some("only a refusal has a `problem`")
        }
        ExpectedVerdict::Refused if expect.reasons.is_some() => Some("a refusal has a `problem` and no `reasons`"),
        ExpectedVerdict::Quarantined | ExpectedVerdict::Refused if has_deliveries => {
            Some("what is not admitted is not delivered")
        }
        ExpectedVerdict::Admitted | ExpectedVerdict::Quarantined | ExpectedVerdict::Refused => None,
    };
    if let Some(wrong) = wrong {
        findings.push(
            findings
                .error(codes::TEST_CONTRADICTION, verdict.span, wrong)
                .help("change the verdict, or remove what does not go with it"),
        );
    }
}

fn check_code(code: &Spanned<Code>, findings: &mut Findings) {
    if codes::info(code.value).is_none() {
        let diagnostic = findings.error(codes::TEST_UNKNOWN_CODE, code.span, format!("there is no code {}", code.value));
        findings.push(diagnostic.help("`crossdock explain` lists all codes"));
    }
}
