//! `crossdock cancel`, `hold`, and `retry` of named deliveries: one command on a list, each judged by itself.

use model::view::DeliveryStory;
use model::{Delivery, DeliveryId, DeliveryState};
use server::api::{CommandResult, DeliveryCommand, Rows};

use crate::args::{Common, Form, OnDeliveries};
use crate::ask;
use crate::client::Client;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::patience::Patience;

pub(crate) async fn cancel(common: &Common, args: &OnDeliveries, output: &Output) -> Ended {
    on_deliveries(common, args, "/deliveries/cancel", output).await
}

pub(crate) async fn hold(common: &Common, args: &OnDeliveries, output: &Output) -> Ended {
    on_deliveries(common, args, "/deliveries/hold", output).await
}

async fn on_deliveries(common: &Common, args: &OnDeliveries, path: &str, output: &Output) -> Ended {
    let mut client = Client::new(common)?;
    let command = DeliveryCommand { deliveries: args.deliveries.clone(), why: ask::reason(&args.reason, output)? };
    let results: Rows<CommandResult> = client.post(path, &command).await?;
    print(&results, output);
    Ok(exit(&results.rows))
}

/// What became of each.
pub(super) fn print(results: &Rows<CommandResult>, output: &Output) {
    match output.form {
        Form::Json => output.json(results),
        Form::Table => {
            let done = results.rows.iter().filter(|it| it.result == "done").count();
            if results.rows.len() > 1 {
                output.line(&format!("{done} of {} done", results.rows.len()));
            }
            let row = |it: &CommandResult| vec![it.result.clone(), it.delivery.to_string(), it.text.clone()];
            output.table(&["", "delivery", ""], &results.rows.iter().map(row).collect::<Vec<_>>());
        }
    }
}

/// All, none, or some.
pub(super) fn exit(results: &[CommandResult]) -> Exit {
    let done = results.iter().filter(|it| it.result == "done").count();
    match done {
        0 if !results.is_empty() => Exit::Refused,
        done if done < results.len() => Exit::Partly,
        _ => Exit::Done,
    }
}

/// Waits until none of these is on its way any more, and says how each ended.
pub(super) async fn wait(client: &Client, ids: &[DeliveryId], output: &Output) -> Ended {
    let mut patience = Patience::new();
    let mut left: Vec<DeliveryId> = ids.to_vec();
    let mut stuck = 0;
    while !left.is_empty() {
        let mut still = Vec::new();
        for id in left {
            let story: DeliveryStory = client.get(&format!("/deliveries/{id}")).await?;
            match &story.delivery.state {
                DeliveryState::Waiting { .. } => still.push(id),
                DeliveryState::Done { .. } | DeliveryState::Superseded { .. } => {
                    output.say(&ended(&story.delivery));
                }
                DeliveryState::Held { .. } | DeliveryState::DeadLettered { .. } | DeliveryState::Cancelled { .. } => {
                    stuck += 1;
                    output.say(&ended(&story.delivery));
                }
            }
        }
        left = still;
        if !left.is_empty() && patience.wait().await.is_interrupted() {
            let message = format!("{} deliveries are still on their way; they go on without us", left.len());
            return Err(Failure::new(Exit::Interrupted, "interrupted", message));
        }
    }
    Ok(if stuck == 0 { Exit::Done } else { Exit::Partly })
}

fn ended(delivery: &Delivery) -> String {
    format!("{} {} to {}: {} {}", delivery.id, delivery.flow, delivery.destination, delivery.state.word(), delivery.why)
}
