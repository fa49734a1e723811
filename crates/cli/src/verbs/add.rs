//! `crossdock add odoo`: asks an Odoo what works, shows what would be made here and there, and makes it when that is meant. It
//! writes over no file, and nothing of it writes to Odoo's records.

mod files;
mod key;
mod make;
mod show;
mod test_event;

use adapters::odoo::{Odoo, RULES, Rule, Session, Standing, When};
use clap::ValueEnum as _;
use engine::ports::Peer;
use model::diagnostic::Place;
use model::{Diagnostic, SecretName, Severity};
use policy::codes;
use reqwest::Url;
use server::settings::{Environment, Flags, Settings};

use self::files::Planned;
use self::test_event::Tested;
use crate::args::{Add, AddOdoo, Common, EventPack, Form};
use crate::exit::{Ended, Exit, Failure};
use crate::odoo::{self, Surveyed, Wanted};
use crate::output::Output;
use crate::{ask, moment};

/// Fields whose change rings, of models that change without an event otherwise; of all others each save does.
const NARROWED: [(&str, &[&str]); 2] = [("stock.quant", &["quantity", "reserved_quantity"]), ("stock.move", &["state"])];

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

/// Automation rules in Odoo.
#[derive(Debug)]
enum Rules {
    /// Nobody said where Odoo reaches us.
    NotAsked,
    /// Our user may make them.
    Ours(Vec<Rule>),
    /// Only an administrator may.
    ByHand(Vec<Rule>),
    /// Odoo does not have them.
    NoModule,
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
    files::refuse_taken(args)?;
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
    let plan = plan(args, (&odoo, &peer, session), secrets, output).await?;
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
    secrets: Secrets,
    output: &Output,
) -> Result<Plan<'a>, Failure> {
    let chosen = chosen(args, output)?;
    let mut models: Vec<&str> = chosen.iter().flat_map(|pack| pack.models()).copied().collect();
    models.sort_unstable();
    models.dedup();
    let wanted: Vec<Wanted> = files::wanted(&models);
    let mut surveyed = odoo::survey(odoo, peer, &session, &wanted).await.map_err(|found| failed(&found))?;
    let is_readable = |it: &&adapters::odoo::Rights| it.read == Standing::Granted;
    let models: Vec<String> = surveyed.rights.iter().filter(is_readable).map(|it| it.model.clone()).collect();
    surveyed.findings.extend(odoo::clock(&session, &peer.name));
    // Who may not list the own keys is told nothing about their end.
    let keys = odoo.keys(peer, &session).await.unwrap_or_default();
    surveyed.findings.extend(odoo::ending(&keys, moment::now(), &peer.name));
    let rules = rules(args, (odoo, peer, &session), &models, &mut surveyed).await?;
    let files =
        if models.is_empty() { Planned::new() } else { files::plan(args, peer, &models, (&secrets, rules.are_wanted()))? };
    Ok(Plan { args, session, surveyed, models, files, rules, secrets })
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

async fn rules(
    args: &AddOdoo,
    (odoo, peer, session): (&Odoo, &Peer, &Session),
    models: &[String],
    surveyed: &mut Surveyed,
) -> Result<Rules, Failure> {
    let Some(base) = &args.reachable_at else { return Ok(Rules::NotAsked) };
    let base = address(base)?;
    let url = format!("{}/in/{}/", base.as_str().trim_end_matches('/'), args.name);
    let rules = models.iter().flat_map(|model| [saved(args, model, &url), deleted(args, model, &url)]).collect();
    let may = odoo.may(peer, session, RULES, "create").await;
    match may.map_err(|failure| failed(&odoo::diagnostic(&failure, &peer.name)))? {
        Standing::Granted => Ok(Rules::Ours(rules)),
        Standing::Refused(_) => Ok(Rules::ByHand(rules)),
        Standing::Absent => {
            let message = format!("{}: Odoo has no {RULES}, so that no webhooks can be made", peer.name);
            surveyed.findings.push(
                Diagnostic::warning(codes::ODOO_MODEL, Place::Whole, message)
                    .help("install the module Automation Rules, or leave --reachable-at out: sweeps find every change"),
            );
            Ok(Rules::NoModule)
        }
    }
}

fn saved(args: &AddOdoo, model: &str, url: &str) -> Rule {
    Rule {
        name: odoo::rule_name(args.name.as_str(), model),
        model: model.to_owned(),
        when: When::Saved,
        fields: NARROWED.iter().find(|(of, _)| *of == model).map(|(_, fields)| fields.to_vec()).unwrap_or_default(),
        url: url.to_owned(),
    }
}

/// Without it the next comparison of identities finds what is gone.
fn deleted(args: &AddOdoo, model: &str, url: &str) -> Rule {
    let name = format!("{} deleted", odoo::rule_name(args.name.as_str(), model));
    Rule { name, model: model.to_owned(), when: When::Deleted, fields: Vec::new(), url: url.to_owned() }
}

impl Rules {
    /// Whether nudges come, sooner or later.
    const fn are_wanted(&self) -> bool {
        matches!(self, Self::Ours(_) | Self::ByHand(_))
    }
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
