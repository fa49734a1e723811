//! `crossdock cancel` and `hold`, and what `retry` shares with them: one command on a list, each judged by itself.

use server::api::{CommandResult, DeliveryCommand, Rows};

use crate::args::{Common, Form, OnDeliveries};
use crate::ask;
use crate::client::Client;
use crate::exit::{Ended, Exit};
use crate::output::Output;

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

/// All, none, or some; and whether there were any.
pub(super) fn exit(results: &[CommandResult]) -> Exit {
    let count = |result| results.iter().filter(|it| it.result == result).count();
    match count("done") {
        0 if !results.is_empty() && count("unknown") == results.len() => Exit::NotFound,
        0 if !results.is_empty() => Exit::Refused,
        done if done < results.len() => Exit::Partly,
        _ => Exit::Done,
    }
}
