//! The project files of an Odoo that is added: the pack's for the chosen models, and a system file of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapters::http::guard;
use engine::ports::Peer;
use model::{Network, Severity, SourceName};
use policy::compiled::{Capture, CapturedBy, Reading};
use policy::contract::Contract;
use policy::render::{self, Colour};
use policy::{Folder, Policy, SourceFile};
use reqwest::Url;

use super::Secrets;
use super::rules::Rules;
use crate::args::{AddOdoo, CaptureWay};
use crate::exit::{Exit, Failure};
use crate::moment;
use crate::odoo::Wanted;
use crate::packs::odoo::{Extent, events, files};

/// Files that would be written; those that are there as they would be are none of them.
pub(super) type Planned = Vec<SourceFile>;

/// The system of this name that the project has: what is in Odoo is brought in line with it, and no file is written.
#[derive(Debug)]
pub(super) struct Present {
    policy: Policy,
    source: SourceName,
}

/// Looks whether the project has a system of this name. Refused where it is another one.
pub(super) fn present(args: &AddOdoo, address: &Url) -> Result<Option<Present>, Failure> {
    let path = args.project.join(system_path(args));
    if !path.exists() {
        return Ok(None);
    }
    let refused = |message: String| {
        Failure::new(Exit::Refused, "exists", message)
            .hint("choose another --name; `crossdock doctor` looks whether the one that is there works")
    };
    let (policy, _) = policy::check_folder(&server::project::read(&args.project), moment::now());
    let taken = || refused(format!("the project has a system {} already, another one: {}", args.name, path.display()));
    let policy = policy.ok_or_else(taken)?;
    let captured = policy.sources.get(&args.name).and_then(|source| source.captured()).ok_or_else(taken)?;
    let url = address.as_str().trim_end_matches('/');
    if captured.odoo.url.trim_end_matches('/') != url || captured.odoo.database != args.db {
        return Err(taken());
    }
    let source = args.name.clone();
    Ok(Some(Present { policy, source }))
}

impl Present {
    fn capture(&self) -> &Capture {
        let source = self.policy.sources.get(&self.source);
        source.and_then(|source| source.captured()).expect("it is made of a policy that captures it")
    }

    /// How its file says that changes are learnt. Refused where something else was asked for.
    pub(super) fn way(&self, args: &AddOdoo) -> Result<CaptureWay, Failure> {
        let has_nudges = self.policy.sources.get(&self.source).is_some_and(|source| !source.secrets.is_empty());
        let way = match self.capture().by {
            CapturedBy::Outbox => CaptureWay::Outbox,
            CapturedBy::Sweeps if has_nudges && args.reachable_at.is_some() => CaptureWay::Webhooks,
            CapturedBy::Sweeps => CaptureWay::Sweeps,
        };
        if args.capture.is_some_and(|asked| asked != way) {
            let message = format!("{} says another way of capture than --capture", system_path(args));
            return Err(Failure::new(Exit::Refused, "exists", message)
                .hint("change `capture` in the file first, and say --reachable-at for webhooks"));
        }
        Ok(way)
    }

    /// Its models.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        crate::odoo::wanted(&self.policy, &self.capture().odoo.system)
    }

    /// What its contracts read of these models.
    pub(super) fn readings(&self, models: &[String]) -> BTreeMap<String, Reading> {
        let captured = self.capture().models.iter().filter(|(model, _)| models.contains(model));
        captured.map(|(model, it)| (model.clone(), it.reading.clone())).collect()
    }
}

/// The contracts of the pack for some models, by model.
fn contracts(models: &[&str]) -> BTreeMap<String, Arc<Contract>> {
    let texts: Vec<SourceFile> =
        files(models, Extent::Contracts).into_iter().map(|(path, text)| SourceFile::new(path, text)).collect();
    let (policy, _) = policy::check(&texts);
    let all = policy.map(|policy| policy.contracts).unwrap_or_default();
    let of = |model: &str| {
        let name = format!("odoo.{model}@");
        all.iter().find(|(reference, _)| reference.to_string().starts_with(&name)).map(|(_, it)| Arc::clone(it))
    };
    models.iter().filter_map(|model| Some(((*model).to_owned(), of(model)?))).collect()
}

/// The models with the fields that their contracts in the pack require.
pub(super) fn wanted(models: &[&str]) -> Vec<Wanted> {
    let contracts = contracts(models);
    let required = |model: &str| contracts.get(model).map(|it| it.required_fields()).unwrap_or_default();
    models.iter().map(|model| Wanted { model: (*model).to_owned(), required: required(model) }).collect()
}

/// What their contracts in the pack read of models.
pub(super) fn readings(models: &[String]) -> BTreeMap<String, Reading> {
    let models: Vec<&str> = models.iter().map(String::as_str).collect();
    contracts(&models).into_iter().filter_map(|(model, contract)| Some((model, contract.reading()?))).collect()
}

/// Networks of this Odoo that are not public: whoever types the address means it.
pub(super) async fn private(address: &Url) -> Vec<Network> {
    let host = address.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = address.port_or_known_default().unwrap_or(443);
    // What does not resolve is told when it is asked.
    let Ok(found) = tokio::net::lookup_host((host, port)).await else { return Vec::new() };
    let mut networks: Vec<Network> = Vec::new();
    for place in found.map(|place| place.ip().to_canonical()).filter(|ip| !guard::permitted(*ip, &[])) {
        let network = Network { address: place, bits: if place.is_ipv4() { 32 } else { 128 } };
        if !networks.contains(&network) {
            networks.push(network);
        }
    }
    networks
}

/// What would be written. Refused where another file is in the place of one, or where the project would have a mistake.
pub(super) fn plan(
    args: &AddOdoo,
    peer: &Peer,
    models: &[String],
    (secrets, rules): (&Secrets, &Rules),
) -> Result<Planned, Failure> {
    let names: Vec<&str> = models.iter().map(String::as_str).collect();
    let extent = if args.flows { Extent::Flows } else { Extent::Contracts };
    let mut wanted: BTreeMap<String, String> =
        files(&names, extent).into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
    wanted.insert(system_path(args), system(args, peer, &names, (secrets, rules)));
    let present = server::project::read(&args.project);
    let there: BTreeMap<&str, &str> = present.files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    // Where what is canonical goes to is the project's own business once it says so.
    wanted.retain(|path, text| {
        there.get(path.as_str()) != Some(&text.as_str()) && !(path == CANONICAL && there.contains_key(CANONICAL))
    });
    let taken: Vec<&str> = wanted.keys().filter(|path| args.project.join(path).exists()).map(String::as_str).collect();
    if !taken.is_empty() {
        let message = format!("the project has other files of these names: {}", taken.join(", "));
        return Err(Failure::new(Exit::Refused, "exists", message).hint("rename them, or leave these events out"));
    }
    let planned: Planned = wanted.into_iter().map(|(path, text)| SourceFile { path, text }).collect();
    check(present, &planned)?;
    Ok(planned)
}

const CANONICAL: &str = "systems/canonical.yaml";

/// Checks the project as it would be.
fn check(mut folder: Folder, planned: &Planned) -> Result<(), Failure> {
    folder.files.extend(planned.iter().cloned());
    let (_, findings) = policy::check_folder(&folder, moment::now());
    let errors: Vec<_> = findings.into_iter().filter(|it| it.severity == Severity::Error).collect();
    if errors.is_empty() {
        return Ok(());
    }
    let text = render::text(&errors, &folder.files, Colour::Plain);
    let message = format!("the project would have mistakes:\n{}", text.trim_end());
    Err(Failure::new(Exit::Refused, "project-mistakes", message)
        .hint("mend the project first; `crossdock check` shows them"))
}

fn system_path(args: &AddOdoo) -> String {
    format!("systems/{}.yaml", args.name)
}

fn system(args: &AddOdoo, peer: &Peer, models: &[&str], (secrets, rules): (&Secrets, &Rules)) -> String {
    let login = args.login.as_ref().map(|login| format!("  login: {}\n", scalar(login))).unwrap_or_default();
    let allow: Vec<String> = peer.allow.iter().map(|it| format!("{}/{}", it.address, it.bits)).collect();
    let allow = if allow.is_empty() {
        String::new()
    } else {
        format!("  # Its address is in a private network; nothing else there is reached.\n  allow: [{}]\n", quoted(&allow))
    };
    let capture = match rules {
        Rules::Webhooks(..) => format!("{{ nudges: [{}] }}", secrets.nudge),
        Rules::Outbox(..) => "{ from: outbox }".to_owned(),
        Rules::Nothing(_) | Rules::NoModule => "{}".to_owned(),
    };
    let lines = models.iter().flat_map(|model| events(model));
    let events = lines.flat_map(|line| ["      ", line, "\n"]).collect::<String>();
    let (name, key, url, database) = (&args.name, &secrets.key, scalar(&peer.url), scalar(&args.db));
    format!(
        "kind: odoo\nowner: team-erp\nsummary: An Odoo whose records are observed. Nothing is written to it.\n\
         odoo:\n  url: {url}\n  database: {database}\n{login}  keys: [{key}]\n{allow}\
         sources:\n  {name}:\n    capture: {capture}\n    events:\n{events}\
         \u{20}   # A state that nobody has mapped waits for a person instead of being taken and forgotten.\n    unknown: quarantine\n"
    )
}

/// Addresses of IPv6 have colons.
fn quoted(items: &[String]) -> String {
    items.iter().map(|it| scalar(it)).collect::<Vec<_>>().join(", ")
}

/// Plain where it can only be a text, else between quotes.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '@' | '+');
    let is_url = text.split_once("://").is_some_and(|(_, rest)| rest.chars().all(|c| plain(c) || c == ':'));
    let begins = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let is_word = matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off");
    let is_network = text.split_once('/').is_some_and(|(ip, _)| ip.parse::<std::net::Ipv4Addr>().is_ok());
    if is_url || is_network || (begins && !is_word && text.chars().all(plain)) {
        text.to_owned()
    } else {
        serde_json::Value::String(text.to_owned()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_is_quoted_where_it_could_be_something_else() {
        for (text, expected) in [
            ("prod", "prod"),
            ("https://erp.example.com:8069", "https://erp.example.com:8069"),
            ("me@example.com", "me@example.com"),
            ("no", "\"no\""),
            ("2024", "\"2024\""),
            ("a: b", "\"a: b\""),
            ("127.0.0.1/32", "127.0.0.1/32"),
            ("::1/128", "\"::1/128\""),
        ] {
            assert_eq!(scalar(text), expected);
        }
    }
}
