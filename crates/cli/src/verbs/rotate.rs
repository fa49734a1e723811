//! `crossdock rotate odoo`: a new key in the place of the one in use, as the product does by itself before that ends. It shows no
//! key.

use std::time::Duration;

use model::Diagnostic;
use policy::Policy;
use policy::compiled::{Odoo as Declared, Rotate as By};
use serde_json::json;
use server::clock::SystemClock;
use server::odoo::rotation::{Looked, Rotated, Rotation};
use server::settings::{Environment, Flags, Settings};

use crate::args::{Form, Rotate, RotateOdoo};
use crate::client::Client;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::{ask, moment, odoo};

/// How long a product that runs may go on with the key that it has: it reads secrets every ten seconds.
const TAKEN_WITHIN: Duration = Duration::from_secs(12);

pub(crate) async fn run(rotate: &Rotate, output: &Output) -> Ended {
    let Rotate::Odoo(args) = rotate;
    let flags = Flags { project: Some(args.project.clone()), data: args.data.clone(), ..Flags::default() };
    let settings = Settings::resolve(&flags, Environment::read())
        .map_err(|error| Failure::new(Exit::Usage, "settings", error.to_string()))?;
    let (policy, _) = policy::check_folder(&server::project::read(&settings.project), moment::now());
    let policy = policy.ok_or_else(|| crate::project::no_project(&settings.project))?;
    let declared = declared(&policy, &args.name)?;
    let (asker, clock) = (odoo::asker(), SystemClock::new());
    let rotation =
        Rotation { odoo: &asker, declared, environment: &settings.environment, data: &settings.data, clock: &clock };
    let looked = rotation.look().await.map_err(|found| failed(&found))?;
    if args.dry_run {
        show(args, declared, (&looked, None), output);
        return Ok(Exit::Done);
    }
    if output.form == Form::Table {
        show(args, declared, (&looked, None), output);
    }
    ask::confirm("make a new key?", args.sure, output)?;
    // A product that runs here has the old key for a while.
    let runs = Client::living(&settings.project).await.is_some();
    let taken = Box::pin(async move {
        if runs {
            tokio::time::sleep(TAKEN_WITHIN).await;
        }
    });
    let rotated = rotation.run(taken).await.map_err(|found| failed(&found))?;
    show(args, declared, (&looked, Some(&rotated)), output);
    Ok(Exit::Done)
}

/// The Odoo of a system or of a source.
fn declared<'a>(policy: &'a Policy, name: &str) -> Result<&'a Declared, Failure> {
    let of_source = policy.sources.values().find(|source| source.name.as_str() == name).map(|source| source.system.as_str());
    let odoos = policy.odoos();
    odoos.get(name).or_else(|| odoos.get(of_source?)).copied().ok_or_else(|| {
        let known = odoos.keys().copied().collect::<Vec<_>>().join(", ");
        Failure::new(Exit::NotFound, "odoo", format!("the project has no Odoo {name:?}")).hint(if known.is_empty() {
            "`crossdock add odoo` connects one".to_owned()
        } else {
            format!("it has {known}")
        })
    })
}

fn failed(found: &Diagnostic) -> Failure {
    let said = if found.label.is_empty() { String::new() } else { format!(": {}", found.label) };
    Failure::new(odoo::exit(found.code), &found.code.to_string(), format!("{}{said}", found.message))
        .hint(found.help.clone())
}

fn show(args: &RotateOdoo, declared: &Declared, (looked, rotated): (&Looked, Option<&Rotated>), output: &Output) {
    if output.form == Form::Json {
        return output.json(&json!({
            "schema": "crossdock/rotate-odoo/1",
            "system": declared.system,
            "secret": looked.secret,
            "works": looked.works,
            "ends_at": looked.ends_at,
            "unfinished": looked.unfinished,
            "rotated": rotated.map(|it| json!({ "name": it.name, "old": it.old.to_string() })),
        }));
    }
    if let Some(rotated) = rotated {
        output.line(&format!("✓ {rotated}"));
        return output.next("crossdock doctor");
    }
    let works = if looked.works { "works" } else { "is not accepted any more" };
    let ends =
        looked.ends_at.map_or_else(|| "no end of it is known".to_owned(), |at| format!("ends at {}", output.time(at)));
    output.line(&format!("{} {works}; {ends}", looked.secret));
    if looked.unfinished {
        output.line("an earlier rotation was not finished, and is gone on with");
    }
    let by = match &declared.rotate {
        Some(By::Addon) | None => "the outbox addon".to_owned(),
        Some(By::Password(name)) => format!("a web session with the password {name}"),
    };
    output.line(&format!(
        "would make a key by {by}, try it, put it in the place of {}, and then end the old one",
        looked.secret
    ));
    if args.dry_run {
        output.next("the same without --dry-run");
    }
}
