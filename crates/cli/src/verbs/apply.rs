//! `crossdock apply`: shows what changes, asks, and applies exactly that: another change in between is a conflict.

use policy::SourceFile;
use policy::plan::{Plan, plan};
use server::api::{ApplyCommand, ApplyResult};

use crate::args::{self, Common, Form};
use crate::ask;
use crate::client::Client;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::project;

pub(crate) async fn run(common: &Common, args: &args::Apply, output: &Output) -> Ended {
    let project = project::load(&args.folder, output)?;
    let mut client = Client::at(common, &args.folder)?;
    let applied = project::applied(&client, "present").await?;
    let (before, after) = (project::without_tests(&applied), project::without_tests(&project.files));
    let plan = plan(&before, &after);
    show(&plan, (&before, &after), output);
    if plan.from == plan.to {
        nothing(&plan, output);
        return Ok(Exit::Done);
    }
    if args.dry_run {
        output.say("nothing was changed: this was a dry run");
        return Ok(Exit::Done);
    }
    let why = ask::reason(&args.reason, output)?;
    ask::confirm(&format!("apply this to {}?", client.base()), args.sure, output)?;
    let files = project.files.into_iter().map(|SourceFile { path, text }| (path, text)).collect();
    let command = ApplyCommand {
        files,
        back_to: None,
        why,
        onto: Some(plan.from),
        hold_removed: args.hold_removed,
        allow_missing_secrets: args.allow_missing_secrets,
    };
    send(&mut client, &command, output).await
}

/// The plan for people; with JSON the result alone is the answer.
pub(super) fn show(plan: &Plan, files: (&[SourceFile], &[SourceFile]), output: &Output) {
    if output.form == Form::Table {
        super::plan::print(plan, files, output);
    }
}

/// The applied policy says the same.
pub(super) fn nothing(plan: &Plan, output: &Output) {
    if output.form == Form::Json {
        output.json(&ApplyResult {
            schema: "crossdock/apply/1".to_owned(),
            version: plan.to,
            text: "nothing to change".to_owned(),
        });
    }
}

/// Sends the command and says what became of it.
pub(super) async fn send(client: &mut Client, command: &ApplyCommand, output: &Output) -> Ended {
    let applied: Result<ApplyResult, Failure> = client.post("/policies/apply", command).await;
    let result = applied.map_err(|failure| match (failure.exit, failure.code.as_str()) {
        (Exit::Refused, "missing-secrets") => failure.hint("give them a value, or say --allow-missing-secrets"),
        (Exit::Refused, "refused") if !command.hold_removed => {
            failure.hint("finish or cancel what is open to what is removed, or say --hold-removed")
        }
        _ => failure,
    })?;
    match output.form {
        Form::Json => output.json(&result),
        Form::Table => output.line(&format!("applied to {}: {}", client.base(), result.text)),
    }
    output.next("crossdock status");
    Ok(Exit::Done)
}
