//! `crossdock pause` and `crossdock resume`: a source, flow or destination stands still; what was accepted waits.

use server::api::SwitchCommand;

use crate::args::{Common, Form, Switch};
use crate::ask;
use crate::client::Client;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::project;

pub(crate) async fn pause(common: &Common, args: &Switch, output: &Output) -> Ended {
    let mut client = Client::new(common)?;
    let object = object(&client, &args.object).await?;
    let command = SwitchCommand { object: object.clone(), paused: true, why: ask::reason(&args.reason, output)? };
    turn(&mut client, &command, output).await?;
    output.next(&format!("crossdock resume {object} --reason …"));
    Ok(Exit::Done)
}

pub(crate) async fn resume(common: &Common, args: &Switch, output: &Output) -> Ended {
    let mut client = Client::new(common)?;
    let object = object(&client, &args.object).await?;
    let command = SwitchCommand { object, paused: false, why: ask::reason(&args.reason, output)? };
    turn(&mut client, &command, output).await?;
    output.next("crossdock status");
    Ok(Exit::Done)
}

async fn turn(client: &mut Client, command: &SwitchCommand, output: &Output) -> Result<(), Failure> {
    let answer: serde_json::Value = client.post("/switches", command).await?;
    match output.form {
        Form::Json => output.json_as("switch", &answer),
        Form::Table => output.line(answer["text"].as_str().unwrap_or_default()),
    }
    Ok(())
}

/// `KIND/NAME`; a name alone where the applied policy has only one object of it.
async fn object(client: &Client, text: &str) -> Result<String, Failure> {
    let kinds = ["source/", "flow/", "destination/"];
    if kinds.iter().any(|kind| text.starts_with(kind)) {
        return Ok(text.to_owned());
    }
    let policy = project::present(client).await?;
    let found: Vec<String> = [
        policy.sources.keys().find(|name| name.as_str() == text).map(|name| format!("source/{name}")),
        policy.flows.keys().find(|name| name.as_str() == text).map(|name| format!("flow/{name}")),
        policy.destinations.keys().find(|name| name.as_str() == text).map(|name| format!("destination/{name}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure::new(Exit::NotFound, "not-found", format!("nothing is called {text:?}"))
            .hint("name it as source/NAME, flow/NAME or destination/NAME")),
        several => Err(Failure::new(Exit::Usage, "ambiguous", format!("{text:?} is {}", several.join(" and ")))
            .hint("name one of them")),
    }
}
