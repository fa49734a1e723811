//! What comes of deliveries that were tried again: who retries one wants to know whether it helped, not that it was ordered.

use std::time::Duration;

use model::{DeliveryId, DeliveryState};
use serde_json::{Value, json};
use server::api::{CommandResult, DeliveryPage, Rows};

use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::patience::Patience;

/// How long the next attempt is awaited; a destination that takes longer answers after we have gone.
const AWAITED: Duration = Duration::from_secs(10);

/// What is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// That the next attempt ended, but not for long.
    Attempted,
    /// That it is done or waits for a person again, however long that takes.
    Ended,
}

/// A delivery, as it was last seen.
#[derive(Debug)]
pub(super) struct Outcome {
    id: DeliveryId,
    /// Nothing until the router has made it.
    page: Option<DeliveryPage>,
}

/// How each of them stands once it was awaited.
pub(super) async fn of(client: &Client, ids: Vec<DeliveryId>, until: Until) -> Result<Vec<Outcome>, Failure> {
    let mut outcomes: Vec<Outcome> = ids.into_iter().map(|id| Outcome { id, page: None }).collect();
    match until {
        Until::Ended => watch(client, &mut outcomes, until).await?,
        // Where the time is over, what was seen by then is told.
        Until::Attempted => {
            if let Ok(watched) = tokio::time::timeout(AWAITED, watch(client, &mut outcomes, until)).await {
                watched?;
            }
        }
    }
    Ok(outcomes)
}

async fn watch(client: &Client, outcomes: &mut [Outcome], until: Until) -> Result<(), Failure> {
    let mut patience = Patience::new();
    loop {
        for outcome in outcomes.iter_mut().filter(|it| !it.is_settled(until)) {
            match client.get(&format!("/deliveries/{}", outcome.id)).await {
                Ok(page) => outcome.page = Some(page),
                // It enters its lane again as a new delivery, which the router has yet to make.
                Err(failure) if failure.exit == Exit::NotFound => {}
                Err(failure) => return Err(failure),
            }
        }
        let left = outcomes.iter().filter(|it| !it.is_settled(until)).count();
        if left == 0 {
            return Ok(());
        }
        if patience.wait().await.is_interrupted() {
            let message = format!("{left} deliveries are still on their way; they go on without us");
            return Err(Failure::new(Exit::Interrupted, "interrupted", message));
        }
    }
}

impl Outcome {
    fn is_settled(&self, until: Until) -> bool {
        let Some(DeliveryPage { story, .. }) = &self.page else { return false };
        match story.delivery.state {
            DeliveryState::Waiting { .. } => {
                until == Until::Attempted && story.delivery.round_attempts() > 0 && story.delivery.lease.is_none()
            }
            DeliveryState::Held { .. }
            | DeliveryState::DeadLettered { .. }
            | DeliveryState::Done { .. }
            | DeliveryState::Cancelled { .. }
            | DeliveryState::Superseded { .. } => true,
        }
    }

    fn is_in_vain(&self) -> bool {
        self.page.as_ref().is_some_and(|page| match page.story.delivery.state {
            DeliveryState::Held { .. } | DeliveryState::DeadLettered { .. } | DeliveryState::Cancelled { .. } => true,
            DeliveryState::Waiting { .. } | DeliveryState::Done { .. } | DeliveryState::Superseded { .. } => false,
        })
    }

    fn line(&self) -> String {
        let Some(DeliveryPage { story, waits_for, .. }) = &self.page else {
            return format!("{}: the router has not made it yet", self.id);
        };
        let (it, last) = (&story.delivery, story.attempts.last().and_then(|attempt| attempt.result.as_ref()));
        let last = last.filter(|_| it.round_attempts() > 0).map(|result| format!(" after {}", result.outcome.cause()));
        let why = if waits_for.is_empty() { &it.why } else { waits_for };
        format!("{} to {}: {}{}: {why}", it.flow, it.destination, it.state.word(), last.unwrap_or_default())
    }
}

pub(super) fn print(outcomes: &[Outcome], output: &Output) {
    output.lines(outcomes.iter().map(Outcome::line));
    let next = outcomes.iter().find(|it| it.is_in_vain()).and_then(|it| it.page.as_ref()).map(|page| page.next.as_str());
    match (next.filter(|next| !next.is_empty()), outcomes.first()) {
        (Some(next), _) => output.next(next),
        (None, Some(first)) => output.next(&format!("crossdock trace {}", first.id)),
        (None, None) => {}
    }
}

/// What the product answered, each with what came of it.
pub(super) fn json(results: &Rows<CommandResult>, outcomes: &[Outcome]) -> Value {
    let row = |result: &CommandResult| {
        let id = result.instead.unwrap_or(result.delivery);
        let page = outcomes.iter().find(|it| it.id == id).and_then(|it| it.page.as_ref());
        let mut row = json!(result);
        row["outcome"] = page.map_or(Value::Null, |page| {
            let it = &page.story.delivery;
            json!({ "state": it.state.word(), "cause": it.cause, "why": it.why, "waits_for": page.waits_for, "next": page.next })
        });
        row
    };
    json!({ "schema": results.schema, "rows": results.rows.iter().map(row).collect::<Vec<_>>() })
}

/// Whether it helped.
pub(super) fn exit(outcomes: &[Outcome]) -> Exit {
    if outcomes.iter().any(Outcome::is_in_vain) { Exit::Partly } else { Exit::Done }
}
