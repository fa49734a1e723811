//! `crossdock plan`: what applying a folder would change, in words; what is affected; whose second look it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use model::SecretName;
use policy::plan::{Change, Mark, PartKind, Plan, plan, text};
use policy::{Policy, SourceFile};
use serde_json::json;
use server::api::{MissingSecret, Rows};

use crate::args::{self, Common, Form};
use crate::client::{Client, encode};
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::project;

pub(crate) async fn run(common: &Common, args: &args::Plan, output: &Output) -> Ended {
    let project = project::load(&args.folder, output)?;
    let client = Client::at(common, &args.folder)?;
    let applied = project::applied(&client, "present").await?;
    let (before, after) = (project::without_tests(&applied), project::without_tests(&project.files));
    let plan = plan(&before, &after);
    print(&plan, (&before, &after), output);
    compared(&plan, output);
    if plan.is_empty() {
        return Ok(Exit::Done);
    }
    let folder = if args.folder == Path::new(".") { String::new() } else { format!(" {}", args.folder.display()) };
    warn_of_secrets(&client, &after, output).await?;
    output.next(&format!("crossdock apply{folder} --expect {} --reason …", plan.from.short()));
    Ok(if args.exit_code { Exit::Changes } else { Exit::Done })
}

/// Whether the product, whose environment is not that of this shell, has a value for each secret.
async fn warn_of_secrets(client: &Client, files: &[SourceFile], output: &Output) -> Result<(), Failure> {
    let names = policy::check(files).0.map(|policy| server::secrets::names(&policy)).unwrap_or_default();
    if names.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = names.iter().map(SecretName::as_str).collect();
    let missing: Rows<MissingSecret> = client.get(&format!("/secrets/missing?names={}", encode(&names.join(",")))).await?;
    for MissingSecret { name, from } in missing.rows {
        output.say(&format!("warning: the secret {name} has no value: {from}; apply refuses that"));
    }
    Ok(())
}

/// With what a plan compared: `apply --expect` takes it.
pub(super) fn compared(plan: &Plan, output: &Output) {
    if output.form == Form::Table {
        output.line(&format!("Compared with {}, which is in force.", plan.from.short()));
    }
}

/// A plan with whom it needs.
pub(super) fn print(plan: &Plan, (before, after): (&[SourceFile], &[SourceFile]), output: &Output) {
    let needs = needs(plan, before, after);
    match output.form {
        Form::Json => {
            let mut value = json!(plan);
            value["needs"] = json!(needs);
            output.json(&value);
        }
        Form::Table => {
            output.text(&text(plan));
            if !needs.is_empty() {
                let list: Vec<String> =
                    needs.iter().map(|(owner, objects)| format!("{owner} ({})", words(objects))).collect();
                output.line(&format!("Needs     {}", list.join(" · ")));
            }
        }
    }
}

fn words(objects: &BTreeSet<String>) -> String {
    objects.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Owners of what comes, changes or goes, each with their objects.
fn needs(plan: &Plan, before: &[SourceFile], after: &[SourceFile]) -> BTreeMap<String, BTreeSet<String>> {
    let (old, new) = (policy::check(before).0, policy::check(after).0);
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for change in &plan.changes {
        let holders = match change.mark {
            Mark::Add => [None, new.as_ref()],
            Mark::Change => [old.as_ref(), new.as_ref()],
            Mark::Remove => [old.as_ref(), None],
        };
        for owner in holders.into_iter().flatten().filter_map(|policy| owner(policy, change)) {
            needs.entry(owner).or_default().insert(format!("{} {}", change.kind.word(), change.name));
        }
    }
    needs
}

fn owner(policy: &Policy, change: &Change) -> Option<String> {
    let name = change.name.as_str();
    let owner = match change.kind {
        PartKind::Source => policy.sources.values().find(|it| it.name.as_str() == name).map(|it| &it.owner),
        PartKind::Destination => policy.destinations.values().find(|it| it.name.as_str() == name).map(|it| &it.owner),
        PartKind::Flow => policy.flows.values().find(|it| it.name.as_str() == name).map(|it| &it.owner),
        PartKind::Contract => {
            policy.contracts.values().find(|it| it.reference.as_str() == name || it.reference.name() == name)?.owner.as_ref()
        }
        PartKind::System | PartKind::Mapping | PartKind::Retry | PartKind::Test => None,
    };
    owner.map(ToString::to_string)
}
