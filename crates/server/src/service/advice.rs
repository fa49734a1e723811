//! What a person can do about a delivery that waits for one, by its cause: a sentence and a command. A hint that leads nowhere
//! costs an hour before a cut-off, so each says what has to be mended first.

use engine::rules::names::Object;
use model::delivery::{CAUSE_DEADLINE, CAUSE_REMOVED};
use model::{DestinationName, FlowName};
use policy::compiled::Repeat;

use crate::service::answers::Answer;

/// LIMIT: characters of a destination's answer in a sentence.
const ANSWER_CHARS: usize = 160;

/// What is known of the trouble.
#[derive(Clone, Debug)]
pub struct Trouble<'a> {
    /// The cause: [`model::Outcome::cause`], `deadline`, or empty where a person held it.
    pub cause: &'a str,
    /// The flow.
    pub flow: &'a FlowName,
    /// The destination.
    pub destination: &'a DestinationName,
    /// Whether the destination may get it twice.
    pub repeat: Repeat,
    /// The secrets of the destination that have no value, each with where that would be read from.
    pub secrets: Vec<String>,
    /// What of its way the policy in force does not have.
    pub gone: Option<Object>,
    /// The command that sends it by another flow to the same destination, and that flow, where there is one.
    pub instead: Option<(String, FlowName)>,
    /// Whether another policy was applied since the delivery was made.
    pub is_policy_newer: bool,
    /// What the destination answered last.
    pub answer: Answer<'a>,
    /// The command that tries it again.
    pub retry: String,
    /// The command that ends it, or shows what would be ended.
    pub give_up: String,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// In a sentence, without a full stop.
    pub sentence: String,
    /// As a command.
    pub next: String,
}

/// The advice for a trouble.
pub fn of(trouble: &Trouble<'_>) -> Advice {
    let Trouble { flow, destination: to, retry, give_up, .. } = trouble;
    let advice = |sentence: String, next: String| Advice { sentence, next };
    if let Some(Object::Flow(_)) = &trouble.gone {
        return by_a_flow_that_is_gone(trouble);
    }
    if let Some(gone) = &trouble.gone {
        let (kind, name) = (gone.kind(), gone.name());
        let sentence = format!("the policy in force has no {kind} {name}: apply one that has it and retry, or give it up");
        return advice(sentence, format!("crossdock apply --reason …, then {retry}, or {give_up}"));
    }
    if let ("unmapped" | "no_secret", Some(first)) = (trouble.cause, trouble.secrets.first()) {
        return advice(format!("nothing can be sent to {to}: give {first} a value, then retry"), retry.clone());
    }
    match trouble.cause {
        "unmapped" | "undecided" | "no_policy" if trouble.is_policy_newer => {
            advice("another policy was applied since: retry goes by that".to_owned(), retry.clone())
        }
        "unmapped" => {
            let sentence = format!("mend the mapping of {flow} (crossdock test shows what it makes), apply it, then retry");
            advice(sentence, format!("crossdock apply --reason …, then {retry}"))
        }
        "undecided" => {
            let sentence = format!("the filter or lane of {flow} has no answer for it: mend the flow, apply it, then retry");
            advice(sentence, format!("crossdock apply --reason …, then {retry}"))
        }
        "no_destination" | CAUSE_REMOVED => {
            advice(format!("the policy in force has {flow} and {to} again: retry"), retry.clone())
        }
        "no_message" => {
            let sentence =
                format!("mend url, method, headers or secrets of {to}: HTTP cannot carry one of them; then retry");
            advice(sentence, format!("crossdock apply --reason …, then {retry}"))
        }
        "no_event" => advice("its bytes are not kept any more: let its source send it again".to_owned(), give_up.clone()),
        "resolve" | "connect" | "tls" | "redirected" | "forbidden_address" => {
            let sentence = format!("{to} cannot be reached: mend its url, its certificate or its network, then retry");
            advice(sentence, retry.clone())
        }
        "unknown" => unclear(trouble, "the process ended during an attempt", "retry"),
        "timeout" | "closed" | "protocol" => {
            unclear(trouble, &format!("{to} did not answer to the end"), "when it works again, retry")
        }
        CAUSE_DEADLINE => {
            let sentence = "it came too late: retry begins again with a new deadline, if it is still wanted";
            advice(sentence.to_owned(), format!("{retry}, or {give_up}"))
        }
        cause => match cause.strip_prefix("http_").and_then(|status| status.parse().ok()) {
            Some(status) => answered(trouble, status),
            None => advice("retry lets it go on, cancel ends it".to_owned(), format!("{retry}, or {give_up}")),
        },
    }
}

/// It keeps the policy that made it, and is sent by that: to have its flow applied again beside the one that took its place would send
/// every event twice. What never had a place or a body by that policy gets none by it now.
fn by_a_flow_that_is_gone(trouble: &Trouble<'_>) -> Advice {
    let Trouble { flow, retry, give_up, .. } = trouble;
    let is_stuck = ["unmapped", "undecided", "no_policy"].contains(&trouble.cause);
    match (&trouble.instead, is_stuck) {
        (None, false) => Advice {
            sentence: format!("the policy in force has no flow {flow}: retry sends it by the policy that it keeps"),
            next: format!("{retry}, or {give_up}"),
        },
        (Some((_, other)), false) => Advice {
            sentence: format!(
                "the policy in force has no flow {flow}: retry sends it by the policy that it keeps; or replay its event by {other}, \
                 if that takes it, and cancel it here"
            ),
            next: format!("{retry}, or {give_up}"),
        },
        (Some((replay, other)), true) => Advice {
            sentence: format!(
                "the policy in force has no flow {flow}: replay its event by {other}, if that takes it, then cancel it here"
            ),
            next: format!("{replay}, then {give_up}"),
        },
        (None, true) => Advice {
            sentence: format!("the policy in force has no flow {flow}: apply one that has it and retry, or give it up"),
            next: format!("crossdock apply --reason …, then {retry}, or {give_up}"),
        },
    }
}

/// Nobody but the destination's people can know whether it arrived.
fn unclear(trouble: &Trouble<'_>, what: &str, then: &str) -> Advice {
    let Trouble { destination: to, retry, give_up, .. } = trouble;
    match trouble.repeat {
        Repeat::Safe => {
            Advice { sentence: format!("{what}: {then}; the id is the same, so it acts once"), next: retry.clone() }
        }
        Repeat::Unsafe => Advice {
            sentence: format!("{what}: ask {to} whether it has it: if not, retry; if it has, cancel, which ends it here"),
            next: format!("{retry}, or {give_up}"),
        },
    }
}

fn answered(trouble: &Trouble<'_>, status: u16) -> Advice {
    let Trouble { destination: to, retry, give_up, .. } = trouble;
    let said = said(&trouble.answer);
    match status {
        401 | 403 | 407 => Advice {
            sentence: format!("{to} does not let us in{said}: mend its auth, sign or secrets, then retry"),
            next: retry.clone(),
        },
        404 => Advice {
            sentence: format!("{to} has nothing at its url{said}: mend the url and apply it, then retry"),
            next: retry.clone(),
        },
        408 | 409 | 425 | 429 | 500.. => {
            Advice { sentence: format!("{to} failed{said}: when it works again, retry"), next: retry.clone() }
        }
        _ => Advice {
            sentence: format!("{to} says no{said}: mend it there or in the mapping, then retry; or cancel"),
            next: format!("{retry}, or {give_up}"),
        },
    }
}

/// The beginning of an answer, in one line.
fn said(answer: &Answer<'_>) -> String {
    let text = match answer {
        Answer::None => return String::new(),
        Answer::Hidden => return " (answer hidden: the token lacks the scope bodies)".to_owned(),
        Answer::Text(text) => text,
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return String::new();
    }
    let short: String = line.chars().take(ANSWER_CHARS).collect();
    let cut = if short.len() < line.len() { "…" } else { "" };
    format!(" (“{short}{cut}”)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cause: &str, change: impl FnOnce(&mut Trouble<'_>), sentence: &str, next: &str) {
        let (flow, destination) = (FlowName::new("orders").unwrap(), DestinationName::new("wms").unwrap());
        let mut trouble = Trouble {
            cause,
            flow: &flow,
            destination: &destination,
            repeat: Repeat::Safe,
            secrets: Vec::new(),
            gone: None,
            instead: None,
            is_policy_newer: false,
            answer: Answer::None,
            retry: "RETRY".to_owned(),
            give_up: "CANCEL".to_owned(),
        };
        change(&mut trouble);
        let advice = of(&trouble);
        assert!(advice.sentence.contains(sentence), "{cause}: {}", advice.sentence);
        assert_eq!(advice.next, next, "{cause}");
    }

    #[test]
    fn a_refused_mapping_is_mended_and_applied_before_it_is_tried_again() {
        check("unmapped", |_| (), "mend the mapping of orders", "crossdock apply --reason …, then RETRY");
        check("unmapped", |it| it.is_policy_newer = true, "retry goes by that", "RETRY");
        let places = || vec!["wms from CROSSDOCK_SECRET_WMS or the file f".to_owned()];
        for cause in ["unmapped", "no_secret"] {
            check(cause, |it| it.secrets = places(), "give wms from CROSSDOCK_SECRET_WMS or the file f", "RETRY");
        }
    }

    #[test]
    fn what_is_not_in_the_policy_has_to_come_back_whatever_happened_before() {
        for (cause, gone) in
            [("http_500", "destination/wms"), ("no_destination", "destination/wms"), ("undecided", "flow/orders")]
        {
            let gone: Object = gone.parse().unwrap();
            let sentence = format!("has no {} {}: apply one that has it", gone.kind(), gone.name());
            check(cause, |it| it.gone = Some(gone), &sentence, "crossdock apply --reason …, then RETRY, or CANCEL");
        }
        for cause in ["no_destination", "removed"] {
            check(cause, |_| (), "has orders and wms again: retry", "RETRY");
        }
    }

    #[test]
    fn by_a_flow_that_is_gone_it_is_retried_and_never_is_that_flow_applied_beside_the_new_one() {
        let gone: Object = "flow/orders".parse().unwrap();
        for cause in ["removed", "http_503", ""] {
            let keeps = "retry sends it by the policy that it keeps";
            check(cause, |it| it.gone = Some(gone.clone()), keeps, "RETRY, or CANCEL");
            let replaced = |it: &mut Trouble<'_>| {
                it.gone = Some(gone.clone());
                it.instead = Some(("REPLAY".to_owned(), FlowName::new("orders-2").unwrap()));
            };
            check(cause, replaced, "or replay its event by orders-2", "RETRY, or CANCEL");
            check("unmapped", replaced, "replay its event by orders-2", "REPLAY, then CANCEL");
        }
    }

    #[test]
    fn a_destination_is_asked_where_only_it_can_know() {
        for cause in ["timeout", "closed", "protocol", "unknown"] {
            check(cause, |it| it.repeat = Repeat::Unsafe, "ask wms whether it has it", "RETRY, or CANCEL");
            check(cause, |_| (), "it acts once", "RETRY");
        }
        check("closed", |_| (), "wms did not answer to the end: when it works again, retry", "RETRY");
        check("unknown", |_| (), "the process ended during an attempt: retry", "RETRY");
    }

    #[test]
    fn an_answer_is_told_with_what_it_asks_for() {
        let answer = Answer::Text("no such\n sku".into());
        check("http_422", |it| it.answer = answer, "says no (“no such sku”): mend it there", "RETRY, or CANCEL");
        check("http_422", |it| it.answer = Answer::Hidden, "says no (answer hidden: the token lacks", "RETRY, or CANCEL");
        check("http_401", |_| (), "does not let us in: mend its auth", "RETRY");
        check("http_404", |_| (), "mend the url", "RETRY");
        for is_policy_newer in [false, true] {
            let change = |it: &mut Trouble<'_>| it.is_policy_newer = is_policy_newer;
            check("no_message", change, "headers or secrets of wms", "crossdock apply --reason …, then RETRY");
        }
        check("http_503", |_| (), "when it works again, retry", "RETRY");
        check("connect", |_| (), "cannot be reached", "RETRY");
        check("deadline", |_| (), "new deadline", "RETRY, or CANCEL");
        check("", |_| (), "retry lets it go on", "RETRY, or CANCEL");
    }

    #[test]
    fn a_long_answer_is_cut_by_characters() {
        let long = Answer::Text("ü".repeat(ANSWER_CHARS + 1).into());
        assert_eq!(said(&long), format!(" (“{}…”)", "ü".repeat(ANSWER_CHARS)));
    }
}
