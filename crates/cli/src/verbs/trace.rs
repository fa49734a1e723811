//! `crossdock trace REFERENCE`: where it is, why, and what to do.

use model::DeliveryState;
use server::api::{DeliveryPage, EventTrace, Trace};

use crate::args::{self, Common, Form};
use crate::client::{Client, encode};
use crate::exit::{Ended, Exit, Failure};
use crate::output::{Output, counted};

pub(crate) async fn run(common: &Common, trace: &args::Trace, output: &Output) -> Ended {
    let client = Client::new(common)?;
    let answer: Result<Trace, Failure> = client.get(&format!("/trace/{}", encode(&trace.reference))).await;
    let answer = answer.map_err(|failure| {
        let hint = "events are found by the identifiers of their contracts; `crossdock events ls` lists the newest";
        if failure.exit == Exit::NotFound { failure.hint(hint) } else { failure }
    })?;
    match output.form {
        Form::Json => output.json(&answer),
        Form::Table => print(&answer, output),
    }
    Ok(Exit::Done)
}

fn print(trace: &Trace, output: &Output) {
    let pressing = ["with_a_person", "quarantined", "unrouted", "moving"];
    let worst = pressing.iter().find(|state| trace.events.iter().any(|event| event.state == **state)).unwrap_or(&"done");
    let events = counted(trace.events.len(), "event");
    output.line(&format!("{}   {}   {events}", trace.reference, worst.replace('_', " ")));
    for event in &trace.events {
        print_event(event, output);
    }
    if trace.unsearched {
        output.say("the router is behind, and not all that it has not reached was searched: there may be more");
    }
    if trace.more {
        output.say("more events carry this reference than are shown; name one of them");
    }
    output.say(&format!("as of {}", output.time(trace.as_of)));
}

fn print_event(trace: &EventTrace, output: &Output) {
    let mark_of_all = mark(&trace.state);
    if let Some(event) = &trace.event {
        output.line(&format!("{mark_of_all} {}  {}", event.kind, event.id));
        let names: Vec<String> = event.identifiers.iter().map(|it| format!("{}={}", it.scheme, it.value)).collect();
        output.line(&format!(
            "    from {} at {}, {} bytes, policy {}  {}",
            event.source,
            output.time(event.received_at),
            event.bytes,
            event.policy.short(),
            names.join(" ")
        ));
    } else {
        output.line(&format!("{mark_of_all} {}", trace.id));
        output.line("    its bytes are gone, because they have had their time; what happened to it is kept for longer");
    }
    for hop in &trace.hops {
        output.line(&format!("    {} +{:>9}  {:<10} {}", output.time(hop.at), micros(hop.after_us), hop.what, hop.text));
    }
    for DeliveryPage { story, waits_for, .. } in &trace.deliveries {
        let delivery = &story.delivery;
        output.line(&format!(
            "    {} {} to {}: {}, {}. {}",
            mark(delivery.state.word()),
            delivery.flow,
            delivery.destination,
            delivery.state.word(),
            counted(delivery.attempts as usize, "attempt"),
            if matches!(delivery.state, DeliveryState::Waiting { .. }) { waits_for } else { &delivery.why }
        ));
    }
    output.line(&format!("    why   {}", trace.why));
    if !trace.next.is_empty() {
        output.line(&format!("    next  {}", trace.next));
    }
}

fn mark(state: &str) -> &'static str {
    match state {
        "done" | "no_flow" | "forgotten" | "cancelled" | "superseded" => "✓",
        "with_a_person" | "quarantined" | "held" | "dead_lettered" => "✖",
        _ => "·",
    }
}

fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}
