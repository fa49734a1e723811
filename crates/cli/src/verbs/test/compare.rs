//! What a test expects beside what became of its request. What the test leaves out is not compared.

use std::collections::BTreeMap;

use model::Span;
use policy::Spanned;
use policy::specs::{Expect, ExpectedDelivery, ExpectedVerdict};
use serde_json::{Value, json};

use super::actual::{Actual, Made};
use super::difference::Difference;

/// Where they differ, and remarks on what was not compared but will not work.
pub(super) fn compare(expect: &Expect, actual: &Actual) -> (Vec<Difference>, Vec<String>) {
    let mut found = Found::default();
    found.verdict(expect, actual);
    found.kind_and_identifiers(expect, actual);
    match &expect.deliveries {
        Some(expected) => found.deliveries(expected, expect.verdict.as_ref().map(|it| it.span).unwrap_or_default(), actual),
        None => actual.deliveries.iter().for_each(|made| found.remark(made)),
    }
    (found.differences, found.remarks)
}

#[derive(Default)]
struct Found {
    differences: Vec<Difference>,
    remarks: Vec<String>,
}

impl Found {
    fn check(&mut self, span: Span, what: &str, expected: Value, actual: Value) -> bool {
        let difference = Difference::new(span, what, expected, actual);
        let differs = difference.is_one();
        if differs {
            self.differences.push(difference);
        }
        differs
    }

    fn verdict(&mut self, expect: &Expect, actual: &Actual) {
        if let Some(verdict) = &expect.verdict {
            let differs = self.check(verdict.span, "verdict", json!(word(Some(verdict.value))), json!(word(actual.verdict)));
            if differs {
                self.remarks.extend(actual.why.iter().cloned());
            }
        }
        if let Some(reasons) = &expect.reasons {
            let mut codes: Vec<String> = reasons.iter().map(|code| code.value.to_string()).collect();
            codes.sort_unstable();
            codes.dedup();
            let span = reasons.first().map(|code| code.span).unwrap_or_default();
            self.check(span, "reasons", json!(codes), json!(actual.codes));
        }
        if let Some(problem) = &expect.problem {
            let differs = self.check(problem.span, "problem", json!(problem.value), json!(actual.problem));
            if differs && self.remarks.is_empty() {
                self.remarks.extend(actual.why.iter().cloned());
            }
        }
    }

    fn kind_and_identifiers(&mut self, expect: &Expect, actual: &Actual) {
        if let Some(kind) = &expect.kind {
            self.check(kind.span, "type", json!(kind.value), json!(actual.kind));
        }
        if let Some(identifiers) = &expect.identifiers {
            let value = |(scheme, wanted): (&String, &String)| {
                let of_scheme = || actual.identifiers.iter().filter(|(name, _)| name == scheme).map(|(_, value)| value);
                let seen = of_scheme().find(|value| *value == wanted).or_else(|| of_scheme().next());
                seen.map(|value| (scheme.clone(), value.clone()))
            };
            let seen: BTreeMap<String, String> = identifiers.value.iter().filter_map(value).collect();
            self.check(identifiers.span, "identifiers", json!(identifiers.value), json!(seen));
        }
    }

    fn deliveries(&mut self, expected: &[Spanned<ExpectedDelivery>], otherwise: Span, actual: &Actual) {
        let wanted: Vec<&str> = expected.iter().map(|it| it.value.flow.value.as_str()).collect();
        let made: Vec<&str> = actual.deliveries.iter().map(|made| made.flow.as_str()).collect();
        let span = expected.first().map_or(otherwise, |it| it.span);
        if self.check(span, "deliveries by flow", json!(wanted), json!(made)) && self.remarks.is_empty() {
            self.remarks.extend(actual.why.iter().cloned());
        }
        for expected in expected {
            if let Some(made) = actual.deliveries.iter().find(|made| made.flow == expected.value.flow.value.as_str()) {
                self.delivery(expected, made);
            }
        }
    }

    fn delivery(&mut self, expected: &Spanned<ExpectedDelivery>, made: &Made) {
        let (span, expected) = (expected.span, &expected.value);
        let what = |field: &str| format!("{field} of the delivery by {}", made.flow);
        if let Some(destination) = &expected.destination {
            self.check(destination.span, &what("to"), json!(destination.value), json!(made.destination));
        }
        if let Some(lane) = &expected.lane {
            self.check(span, &what("lane"), json!(lane), json!(made.lane));
        }
        if let Some(fails) = &expected.fails {
            let codes: Vec<String> = fails.iter().map(|code| code.value.to_string()).collect();
            let seen: Vec<&str> = made.body.as_ref().err().into_iter().flatten().map(|why| code_of(why)).collect();
            let span = fails.first().map_or(span, |code| code.span);
            if self.check(span, &what("failure"), json!(codes), json!(seen)) {
                self.remark(made);
            }
        }
        match (&expected.body, &made.body) {
            (Some(body), Ok(actual)) => {
                self.check(body.span, &what("body"), body.value.clone(), actual.clone());
            }
            (Some(body), Err(_)) => {
                self.differences.push(Difference::failed(body.span, what("body")));
                self.remark(made);
            }
            (None, _) if expected.fails.is_none() => self.remark(made),
            (None, _) => {}
        }
    }

    /// A mapping that refuses is worth knowing, whether it was asked about or not.
    fn remark(&mut self, made: &Made) {
        if let Err(reasons) = &made.body {
            self.remarks.push(format!("the mapping of {} refuses: {}", made.flow, reasons.join("; ")));
        }
    }
}

fn code_of(reason: &str) -> &str {
    reason.split_once(':').map_or(reason, |(code, _)| code)
}

const fn word(verdict: Option<ExpectedVerdict>) -> &'static str {
    match verdict {
        Some(ExpectedVerdict::Admitted) => "admitted",
        Some(ExpectedVerdict::Quarantined) => "quarantined",
        Some(ExpectedVerdict::Refused) => "refused",
        None => "answered",
    }
}
