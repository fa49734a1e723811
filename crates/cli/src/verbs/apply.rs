//! `crossdock apply`: shows what changes, asks, and applies exactly that: another change in between is a conflict.

use model::PolicyVersion;
use policy::SourceFile;
use policy::plan::{Plan, plan};
use server::api::{ApplyCommand, ApplyPreview, ApplyResult};

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
    let files = project.files.into_iter().map(|SourceFile { path, text }| (path, text)).collect();
    let mut command = ApplyCommand {
        files,
        hold_removed: args.terms.hold_removed,
        allow_missing_secrets: args.terms.allow_missing_secrets,
        allow_breaking: args.allow_breaking,
        ..ApplyCommand::default()
    };
    if args.dry_run {
        must_be_in_force(plan.from, args)?;
        return dry_run(&mut client, &plan, (&before, &after), &command, output).await;
    }
    show(&plan, (&before, &after), output);
    must_be_in_force(plan.from, args)?;
    if plan.from == plan.to {
        nothing(&plan, output);
        return Ok(Exit::Done);
    }
    command.why = ask::reason(&args.reason, output)?;
    ask::confirm(&format!("apply this to {}?", client.base()), args.sure, output)?;
    send(&mut client, &command, plan.from, output).await
}

fn must_be_in_force(present: PolicyVersion, args: &args::Apply) -> Result<(), Failure> {
    let Some(expected) = args.expect.as_ref().filter(|expected| !present.to_string().starts_with(*expected)) else {
        return Ok(());
    };
    let message = format!("{expected} is not in force any more: {} is", present.short());
    Err(Failure::new(Exit::Refused, "stale", message).hint("look at the plan again"))
}

/// The plan with what the product says to it: it ends as the command without `-n` would, as far as that is known.
pub(super) async fn dry_run(
    client: &mut Client,
    plan: &Plan,
    files: (&[SourceFile], &[SourceFile]),
    command: &ApplyCommand,
    output: &Output,
) -> Ended {
    let preview: ApplyPreview = client.ask(super::plan::PREVIEW, command).await?;
    super::plan::print(plan, files, Some(&preview), output);
    super::plan::compared(plan, output);
    output.say("nothing was changed: this was a dry run");
    match super::plan::mend(&preview) {
        None => Ok(Exit::Done),
        Some(mend) => {
            output.next(&mend);
            Ok(Exit::Refused)
        }
    }
}

/// The plan for people; with JSON the result alone is the answer.
pub(super) fn show(plan: &Plan, files: (&[SourceFile], &[SourceFile]), output: &Output) {
    if output.form == Form::Table {
        super::plan::print(plan, files, None, output);
        super::plan::compared(plan, output);
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

/// Sends the command, to be applied onto the version that was compared with, and says what became of it.
pub(super) async fn send(client: &mut Client, command: &ApplyCommand, onto: PolicyVersion, output: &Output) -> Ended {
    let applied: Result<ApplyResult, Failure> = client.post_onto("/policies/apply", command, &onto.to_string()).await;
    let result = applied.map_err(|failure| match (failure.exit, failure.code.as_str()) {
        (Exit::Refused, "missing-secrets") => failure.hint("give them a value, or say --allow-missing-secrets"),
        (Exit::Refused, "breaks-contract") => failure.hint("give the contract that version, or say --allow-breaking"),
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
