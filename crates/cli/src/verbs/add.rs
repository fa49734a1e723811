//! `crossdock add odoo`: asks an Odoo what works, shows what would be made here and there, and makes it when that is meant. It
//! writes over no file, and nothing of it writes to Odoo's records.

mod files;
mod key;
mod make;
mod rules;
mod show;
mod test_event;

use adapters::odoo::{Odoo, Session, Standing};
use clap::ValueEnum as _;
use engine::ports::Peer;
use model::{Diagnostic, SecretName, Severity};
use reqwest::Url;
use server::settings::{Environment, Flags, Settings};

use self::files::{Planned, Present};
use self::rules::Rules;
use self::test_event::Tested;
use crate::args::{Add, AddOdoo, Common, EventPack, Form};
use crate::exit::{Ended, Exit, Failure};
use crate::odoo::{self, Surveyed, Wanted};
use crate::output::Output;
use crate::{ask, moment};

/// What a person is asked who names no events.
const QUESTION: &str = "what do you want to know: sales, deliveries, stock, manufacturing, purchase, invoices, maintenance, partners, \
    products? [sales,deliveries,stock]";

/// What was learnt and what would be made.
#[derive(Debug)]
struct Plan<'a> {
    args: &'a AddOdoo,
    session: Session,
    surveyed: Surveyed,
    /// Models whose events are captured: those that can be read.
    models: Vec<String>,
    files: Planned,
    rules: Rules,
    secrets: Secrets,
}

/// Names of the system's secrets.
#[derive(Clone, Debug)]
struct Secrets {
    key: SecretName,
    nudge: SecretName,
}

pub(crate) async fn run(common: &Common, add: &Add, output: &Output) -> Ended {
    let Add::Odoo(args) = add;
    let address = address(&args.address)?;
    let settings = settings(args)?;
    let secrets = secrets(args)?;
    let present = files::present(args, &address)?;
    let key = key::find(args, output)?;
    let peer = Peer {
        name: args.name.as_str().to_owned(),
        url: address.as_str().trim_end_matches('/').to_owned(),
        database: args.db.clone(),
        login: args.login.clone(),
        key,
        allow: files::private(&address).await,
    };
    let odoo = odoo::asker();
    let session = odoo::greet(&odoo, &peer).await.map_err(|found| failed(&found))?;
    let plan = plan(args, (&odoo, &peer, session), (secrets, present), output).await?;
    let lacking = plan.surveyed.findings.iter().any(|it| it.severity == Severity::Error);
    if plan.models.is_empty() {
        show::plan(&plan, &peer, output);
        return Ok(Exit::Findings);
    }
    if args.dry_run {
        show::plan(&plan, &peer, output);
        output.next("the same without --dry-run");
        return Ok(if lacking { Exit::Findings } else { Exit::Done });
    }
    if output.form == Form::Table {
        show::plan(&plan, &peer, output);
    }
    ask::confirm("make this?", args.sure, output)?;
    let made = make::all(&plan, (&odoo, &peer), &settings.data).await?;
    let tested = if args.without_test || made.is_partly() {
        Tested::default()
    } else {
        test_event::run(&plan, (&odoo, &peer), (common, &settings), output).await?
    };
    show::made(&plan, (&made, &tested), (&peer, &settings.data), output);
    Ok(if lacking || made.is_partly() || !tested.findings.is_empty() { Exit::Partly } else { Exit::Done })
}

async fn plan<'a>(
    args: &'a AddOdoo,
    (odoo, peer, session): (&Odoo, &Peer, Session),
    (secrets, present): (Secrets, Option<Present>),
    output: &Output,
) -> Result<Plan<'a>, Failure> {
    let way = match &present {
        Some(present) => present.way(args)?,
        None => rules::way(args)?,
    };
    let wanted: Vec<Wanted> = match &present {
        Some(present) => present.wanted(),
        None => files::wanted(&models(&chosen(args, output)?)),
    };
    let mut surveyed = odoo::survey(odoo, peer, &session, &wanted).await.map_err(|found| failed(&found))?;
    let is_readable = |it: &&adapters::odoo::Rights| it.read == Standing::Granted;
    let models: Vec<String> = surveyed.rights.iter().filter(is_readable).map(|it| it.model.clone()).collect();
    surveyed.findings.extend(odoo::clock(&session, &peer.name));
    // Who may not list the own keys is told nothing about their end.
    let keys = odoo.keys(peer, &session).await.unwrap_or_default();
    surveyed.findings.extend(odoo::ending(&keys, moment::now(), &peer.name));
    let readings = present.as_ref().map_or_else(|| files::readings(&models), |present| present.readings(&models));
    let rules = rules::plan(args, way, (odoo, peer, &session), &readings, &mut surveyed).await?;
    let files = match present {
        None if !models.is_empty() => files::plan(args, peer, &models, (&secrets, &rules))?,
        // What is there is the project's own.
        Some(_) | None => Planned::new(),
    };
    Ok(Plan { args, session, surveyed, models, files, rules, secrets })
}

/// The models of some subjects.
fn models(chosen: &[EventPack]) -> Vec<&'static str> {
    let mut models: Vec<&str> = chosen.iter().flat_map(|pack| pack.models()).copied().collect();
    models.sort_unstable();
    models.dedup();
    models
}

/// The subjects that were named, that a person at the terminal names, or the usual ones.
fn chosen(args: &AddOdoo, output: &Output) -> Result<Vec<EventPack>, Failure> {
    let nobody = args.sure.yes || output.form == Form::Json;
    let words = if args.events.is_empty() && !nobody { ask::choice(QUESTION, output) } else { None };
    let Some(words) = words else {
        return Ok(if args.events.is_empty() { EventPack::USUAL.to_vec() } else { args.events.clone() });
    };
    let unknown = |word: &str| {
        Failure::new(Exit::Usage, "events", format!("there are no events {word:?}"))
            .hint("`crossdock add odoo --help` lists them")
    };
    let words = words.split([',', ' ']).filter(|word| !word.is_empty());
    words.map(|word| EventPack::from_str(word, true).map_err(|_| unknown(word))).collect()
}

/// What could not go on, as the code and the repair.
fn failed(found: &Diagnostic) -> Failure {
    let said = if found.label.is_empty() { String::new() } else { format!(": {}", found.label) };
    Failure::new(odoo::exit(found.code), &found.code.to_string(), format!("{}{said}", found.message))
        .hint(found.help.clone())
}

fn address(text: &str) -> Result<Url, Failure> {
    let wrong = |why: &str| {
        Failure::new(Exit::Usage, "address", format!("{text:?} is no address of an Odoo: {why}"))
            .hint("write it as https://erp.example.com")
    };
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    match url.scheme() {
        "http" | "https" if !url.username().is_empty() || url.password().is_some() => {
            Err(wrong("it has a name or a password in it"))
        }
        "http" | "https" if url.query().is_some() || url.fragment().is_some() => Err(wrong("it ends in a question")),
        "http" | "https" => Ok(url),
        _ => Err(wrong("it is neither http nor https")),
    }
}

fn secrets(args: &AddOdoo) -> Result<Secrets, Failure> {
    let name = |what: &str| {
        SecretName::new(&format!("{}/{what}", args.name))
            .map_err(|_| Failure::new(Exit::Usage, "name", format!("{} is no name of a system", args.name)))
    };
    Ok(Secrets { key: name("key")?, nudge: name("nudge")? })
}

fn settings(args: &AddOdoo) -> Result<Settings, Failure> {
    let flags = Flags { project: Some(args.project.clone()), data: args.data.clone(), ..Flags::default() };
    Settings::resolve(&flags, Environment::read()).map_err(|error| Failure::new(Exit::Usage, "settings", error.to_string()))
}
