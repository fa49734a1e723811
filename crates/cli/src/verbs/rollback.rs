//! `crossdock rollback`: an earlier version is applied again; with its plan, its question and its reason like any other.

use model::PolicyVersion;
use policy::plan::plan;
use server::api::{Applied, ApplyCommand};

use super::apply;
use crate::args::{Common, Form, Rollback};
use crate::ask;
use crate::client::Client;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::project;

/// LIMIT: applied versions that are looked through for one; nobody applies more in many years.
pub(super) const VERSIONS_MAX: usize = 10_000;
/// LIMIT: applied versions that are listed.
const LISTED_MAX: usize = 500;

pub(crate) async fn run(common: &Common, args: &Rollback, output: &Output) -> Ended {
    let mut client = Client::new(common)?;
    let looked_through = if args.to.is_some() { VERSIONS_MAX } else { LISTED_MAX };
    let versions: Vec<Applied> = client.rows("/policies", &[], looked_through).await?;
    let Some(to) = &args.to else {
        return Ok(list(&versions, output));
    };
    let to = find(&versions, to)?;
    let (present, wanted) = (project::applied(&client, "present").await?, project::applied(&client, &to.to_string()).await?);
    let (present, wanted) = (project::without_tests(&present), project::without_tests(&wanted));
    let plan = plan(&present, &wanted).way_back();
    let mut command = ApplyCommand {
        back_to: Some(to),
        hold_removed: args.terms.hold_removed,
        allow_missing_secrets: args.terms.allow_missing_secrets,
        ..ApplyCommand::default()
    };
    if args.dry_run {
        return apply::dry_run(&mut client, &plan, (&present, &wanted), &command, output).await;
    }
    apply::show(&plan, (&present, &wanted), output);
    if plan.from == plan.to {
        apply::nothing(&plan, output);
        return Ok(Exit::Done);
    }
    command.why = ask::reason(&args.reason, output)?;
    ask::confirm(&format!("go back to this at {}?", client.base()), args.sure, output)?;
    apply::send(&mut client, &command, plan.from, output).await
}

fn list(versions: &[Applied], output: &Output) -> Exit {
    match output.form {
        Form::Json => {
            output.json(&serde_json::json!({ "schema": "crossdock/policies/1", "rows": versions }));
        }
        Form::Table => {
            let row = |it: &Applied| {
                vec![it.version.short(), output.time(it.at), if it.present { "present" } else { "" }.to_owned()]
            };
            output.table(&["version", "applied", ""], &versions.iter().map(row).collect::<Vec<_>>());
        }
    }
    output.next("crossdock rollback --to VERSION --reason …");
    Exit::Done
}

/// The version that begins so.
pub(super) fn find(versions: &[Applied], beginning: &str) -> Result<PolicyVersion, Failure> {
    let mut found: Vec<PolicyVersion> =
        versions.iter().map(|it| it.version).filter(|it| it.to_string().starts_with(beginning)).collect();
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let message = format!("no version that begins with {beginning:?} was applied");
            Err(Failure::new(Exit::NotFound, "not-found", message).hint("crossdock rollback lists those that were"))
        }
        several => {
            Err(Failure::new(Exit::Usage, "ambiguous", format!("{} versions begin with {beginning:?}", several.len())))
        }
    }
}
