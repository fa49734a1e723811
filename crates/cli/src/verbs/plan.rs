//! `crossdock plan`: what applying a folder would change, in words; what is affected; whose second look it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use policy::plan::{Change, Mark, PartKind, Plan, plan, text};
use policy::{Policy, SourceFile};
use serde_json::json;
use server::api::{ApplyCommand, ApplyPreview};

use crate::args::{self, Common, Form};
use crate::client::Client;
use crate::exit::{Ended, Exit};
use crate::output::Output;
use crate::project::{self, Project};

/// What applying would come to.
pub(super) const PREVIEW: &str = "/policies/preview";

pub(crate) async fn run(common: &Common, args: &args::Plan, output: &Output) -> Ended {
    let project = project::load(&args.folder, output)?;
    compare(&mut Client::at(common, &args.folder)?, args, &project, output).await
}

/// What applying these files to the product of this client would change.
pub(crate) async fn compare(client: &mut Client, args: &args::Plan, project: &Project, output: &Output) -> Ended {
    // What is read here is applied next: it has to be the same product.
    client.meet_to_write().await?;
    let applied = project::applied(client, "present").await?;
    let (before, after) = (project::without_tests(&applied), project::without_tests(&project.files));
    let plan = plan(&before, &after);
    if plan.is_empty() {
        print(&plan, (&before, &after), None, output);
        compared(&plan, output);
        return Ok(Exit::Done);
    }
    let files = after.iter().map(|file| (file.path.clone(), file.text.clone())).collect();
    let command = ApplyCommand { files, ..ApplyCommand::default() };
    let preview: ApplyPreview = client.ask(PREVIEW, &command).await?;
    print(&plan, (&before, &after), Some(&preview), output);
    compared(&plan, output);
    let folder = if args.folder == Path::new(".") { String::new() } else { format!(" {}", args.folder.display()) };
    let apply = || format!("crossdock apply{folder} --expect {} --reason …", plan.from.short());
    output.next(&mend(&preview).unwrap_or_else(apply));
    Ok(if args.exit_code { Exit::Changes } else { Exit::Done })
}

/// What to do about the first refusal, if there is one.
pub(super) fn mend(preview: &ApplyPreview) -> Option<String> {
    let refusal = preview.refusals.first()?;
    let in_use = preview.removals.iter().find(|it| it.open > 0).and_then(|it| it.object.split_once('/'));
    Some(match (refusal.code.as_str(), in_use) {
        ("refused", Some((kind, name))) => {
            format!("crossdock deliveries ls --{kind} {name} --state waiting,held,dead_lettered")
        }
        ("breaks-contract", _) => "give the contract that version, or say --allow-breaking".to_owned(),
        _ => "give them a value, or say --allow-missing-secrets".to_owned(),
    })
}

/// With what a plan compared: `apply --expect` takes it.
pub(super) fn compared(plan: &Plan, output: &Output) {
    if output.form == Form::Table {
        output.line(&format!("Compared with {}, which is in force.", plan.from.short()));
    }
}

/// A plan with whom it needs, and, where the product was asked, why it would be refused.
pub(super) fn print(
    plan: &Plan,
    (before, after): (&[SourceFile], &[SourceFile]),
    preview: Option<&ApplyPreview>,
    output: &Output,
) {
    let needs = needs(plan, before, after);
    match output.form {
        Form::Json => {
            let mut value = json!(plan);
            value["needs"] = json!(needs);
            if let Some(ApplyPreview { removals, secrets_missing, refusals, .. }) = preview {
                value["removals"] = json!(removals);
                value["secrets_missing"] = json!(secrets_missing);
                value["refusals"] = json!(refusals);
            }
            output.json(&value);
        }
        Form::Table => {
            output.paragraph(&text(plan));
            if !needs.is_empty() {
                let list: Vec<String> =
                    needs.iter().map(|(owner, objects)| format!("{owner} ({})", words(objects))).collect();
                output.line(&format!("Needs     {}", list.join(" · ")));
            }
            let refusals = preview.into_iter().flat_map(|it| &it.refusals);
            output.lines(refusals.map(|it| format!("Refused   {}", it.text)));
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
        PartKind::System | PartKind::Mapping | PartKind::Retry | PartKind::Team | PartKind::Test => None,
    };
    owner.map(ToString::to_string)
}
