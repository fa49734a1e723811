//! `crossdock retry`: named deliveries at once, or everything that waits for one cause as a replay with its own pace.

mod outcome;

use engine::replay::decide::Commands;
use engine::replay::preview::Preview;
use engine::replay::selection::Selection;
use model::view::CauseGroup;
use server::api::{CommandResult, ReplayCommand, RetryManyCommand, Rows, SeenPreview};

use self::outcome::Until;
use super::{operate, replay};
use crate::args::{Common, Form, Pace, Retry};
use crate::ask;
use crate::client::Client;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;

pub(crate) async fn run(common: &Common, args: &Retry, output: &Output) -> Ended {
    let mut client = Client::new(common)?;
    let paced = args.pace.canary > 0 || args.pace.rate.is_some() || args.pace.stop_after > 0;
    let selection = match &args.cause {
        Some(cause) => of_cause(&client, cause).await?,
        None if paced => Selection::Deliveries { deliveries: args.deliveries.clone() },
        None => return at_once(&mut client, args, output).await,
    };
    let why = ask::reason(&args.reason, output)?;
    let mut command = ReplayCommand { over_removed: args.over_removed, ..command(selection, args.pace, why) };
    let preview: Preview = client.post("/replays/preview", &command).await?;
    command.preview = Some(SeenPreview { at: preview.at, digest: preview.digest });
    if output.form == Form::Table {
        output.line(&preview.sentence);
        replay::print_left_out(&preview, output);
    }
    let then = if args.wait { replay::Then::Watch } else { replay::Then::Leave };
    replay::order(&mut client, &command, then, output).await
}

/// A replay that is told how fast, and left with everything else as it is.
pub(super) fn command(selection: Selection, pace: Pace, why: String) -> ReplayCommand {
    ReplayCommand {
        selection,
        commands: Commands::Leave,
        over_removed: false,
        pace_per_s: pace.rate.map(|rate| rate.0),
        canary: pace.canary,
        stop_after: pace.stop_after,
        why,
        preview: None,
    }
}

async fn at_once(client: &mut Client, args: &Retry, output: &Output) -> Ended {
    let why = ask::reason(&args.reason, output)?;
    let (over_newer, over_removed) = (args.over_newer, args.over_removed);
    let command = RetryManyCommand { deliveries: args.deliveries.clone(), why, over_newer, over_removed };
    let results: Rows<CommandResult> = client.post("/deliveries/retry", &command).await?;
    if output.form == Form::Table {
        operate::print(&results, output);
    }
    let done = results.rows.iter().filter(|it| it.result == "done");
    let ids = done.map(|it| it.instead.unwrap_or(it.delivery));
    let until = match (args.wait, args.no_wait) {
        (true, _) => Some(Until::Ended),
        (false, false) => Some(Until::Attempted),
        (false, true) => None,
    };
    let outcomes = match until {
        Some(until) => outcome::of(client, ids.collect(), until).await?,
        None => Vec::new(),
    };
    match output.form {
        Form::Json => output.json(&outcome::json(&results, &outcomes)),
        Form::Table => outcome::print(&outcomes, output),
    }
    let exit = operate::exit(&results.rows);
    Ok(if exit == Exit::Done { outcome::exit(&outcomes) } else { exit })
}

/// Names may hold slashes: the cause is looked for among those that there are.
async fn of_cause(client: &Client, text: &str) -> Result<Selection, Failure> {
    let groups: Rows<CauseGroup> = client.get("/causes").await?;
    let path = |group: &CauseGroup| format!("{}/{}/{}", group.flow, group.destination, group.cause);
    match groups.rows.iter().find(|group| path(group) == text) {
        Some(group) => Ok(Selection::Cause {
            flow: group.flow.clone(),
            destination: group.destination.clone(),
            cause: group.cause.clone(),
        }),
        None => {
            let known: Vec<String> = groups.rows.iter().map(path).collect();
            let hint = if known.is_empty() {
                "nothing waits for a person".to_owned()
            } else {
                format!("there are: {}", known.join(", "))
            };
            Err(Failure::new(Exit::NotFound, "not-found", format!("nothing waits for {text}")).hint(hint))
        }
    }
}
