//! Odoos of the project: reached, key, rights, fields and clock as when they were added, which of several keys work, and when
//! they end.

use std::collections::BTreeSet;

use adapters::odoo::{Failure as Refused, Odoo, RuleStands, Session};
use engine::ports::Peer;
use model::Diagnostic;
use model::diagnostic::Place;
use model::outcome::Refusal;
use policy::Policy;
use policy::codes;
use policy::compiled::{Capture, CapturedBy, Odoo as Declared, Reading};
use server::settings::Settings;

use super::Checks;
use crate::args::{Common, Doctor};
use crate::client::Client;
use crate::exit::Failure;
use crate::odoo::{self, Ear, Trial, Tried};
use crate::{moment, output};

/// The word of its lines.
const WHAT: &str = "odoo";

pub(super) async fn check(policy: &Policy, settings: &Settings, (common, args): (&Common, &Doctor), checks: &mut Checks) {
    let asker = odoo::asker();
    for declared in policy.odoos().into_values() {
        let peers = peers(declared, settings, checks);
        let Some((peer, session)) = first_working(&asker, declared, peers, checks).await else { continue };
        examine((&asker, &peer, &session), policy, checks).await;
        let captured = policy.sources.values().filter_map(|source| Some((&**source, source.captured()?)));
        for (source, capture) in captured.filter(|(_, it)| it.odoo.system == declared.system) {
            // Where it cannot be read, that was told.
            if capture.by == CapturedBy::Outbox && odoo::outbox(&asker, &peer, &session).await.is_ok() {
                rules((&asker, &peer, &session), capture, checks).await;
                seen((&asker, &peer, &session), capture, checks).await;
            }
            if !args.test_event {
                continue;
            }
            let trial = Trial { odoo: &asker, peer: &peer, session: &session, source, capture };
            try_it(&trial, Client::at(common, &args.folder), settings, checks).await;
        }
    }
}

/// Whether the outbox writes what contracts read.
async fn rules((asker, peer, session): (&Odoo, &Peer, &Session), capture: &Capture, checks: &mut Checks) {
    let mut differing = 0;
    for (model, captured) in &capture.models {
        match stands((asker, peer, session), (model, &captured.reading)).await {
            Ok(found) => {
                differing += found.len();
                for found in &found {
                    checks.diagnosed(WHAT, found);
                }
            }
            Err(Refused::Said { refusal: Refusal::Access, .. }) => {
                return checks.note(WHAT, format!("{}: only who configures the outbox is told its rules", peer.name));
            }
            Err(failure) => return checks.diagnosed(WHAT, &odoo::diagnostic(&failure, &peer.name)),
        }
    }
    if differing == 0 {
        checks.good(WHAT, format!("{}: its outbox writes what the contracts read", peer.name));
    }
}

/// Whether our user sees what the outbox tells of.
async fn seen((asker, peer, session): (&Odoo, &Peer, &Session), capture: &Capture, checks: &mut Checks) {
    let models: Vec<&str> = capture.models.keys().map(String::as_str).collect();
    match odoo::kept(asker, peer, session, &models).await {
        Ok(found) if found.is_empty() => {
            checks.good(WHAT, format!("{}: our user sees all that its outbox tells of", peer.name));
        }
        Ok(found) => found.iter().for_each(|found| checks.diagnosed(WHAT, found)),
        Err(found) => checks.diagnosed(WHAT, &found),
    }
}

/// What is wrong with the rules of a model.
async fn stands(
    (asker, peer, session): (&Odoo, &Peer, &Session),
    (model, reading): (&str, &Reading),
) -> Result<Vec<Diagnostic>, Refused> {
    let mut found = Vec::new();
    for rule in asker.outbox_rules(peer, session, (model, reading)).await? {
        let wrong = match asker.outbox_rule(peer, session, &rule).await? {
            RuleStands::Same(_) => continue,
            RuleStands::Differs(_) => "reads something else than the contract, so that each record is read anew",
            RuleStands::Missing => "is not there, so that only comparisons find these changes",
        };
        let message = format!("{}: the rule {:?} of the outbox {wrong}", peer.name, rule.event_type);
        let help = format!("crossdock add odoo {} --db {} --name {} --capture outbox", peer.url, peer.database, peer.name);
        found.push(Diagnostic::error(codes::ODOO_OUTBOX_RULE, Place::Whole, message).help(help));
    }
    Ok(found)
}

/// The test event (decision 0051).
async fn try_it(trial: &Trial<'_>, client: Result<Client, Failure>, settings: &Settings, checks: &mut Checks) {
    let mut ear = match client {
        Ok(client) => Ear::of(client, settings, trial.source).await,
        Err(failure) => Err(failure.message),
    };
    match trial.run(&mut ear).await {
        Ok(Tried { finding: Some(found), .. }) | Err(found) => checks.diagnosed(WHAT, &found),
        Ok(tried) if tried.heard_after.is_some() => checks.good(WHAT, format!("{}: {}", trial.source.name, tried.words())),
        Ok(tried) => checks.note(WHAT, format!("{}: {}", trial.source.name, tried.words())),
    }
}

/// The Odoo with each of its keys that this shell can read.
fn peers(declared: &Declared, settings: &Settings, checks: &mut Checks) -> Vec<(String, Peer)> {
    let wanted: BTreeSet<_> = declared.keys.iter().cloned().collect();
    let (keys, _) = server::secrets::load(&wanted, &settings.environment, &settings.data);
    let peer = |name: &model::SecretName| {
        let key = keys.get(name)?.clone();
        let peer = Peer {
            name: declared.system.clone(),
            url: declared.url.clone(),
            database: declared.database.clone(),
            login: declared.login.clone(),
            key,
            allow: declared.allow.clone(),
        };
        Some((name.to_string(), peer))
    };
    let peers: Vec<_> = declared.keys.iter().filter_map(peer).collect();
    if peers.is_empty() {
        checks.note(WHAT, format!("{} is not asked: none of its keys can be read here", declared.system));
    }
    peers
}

/// Tells of each key whether it works; the newest that does is asked on.
async fn first_working(
    asker: &Odoo,
    declared: &Declared,
    peers: Vec<(String, Peer)>,
    checks: &mut Checks,
) -> Option<(Peer, Session)> {
    let several = declared.keys.len() > 1;
    let mut working = None;
    for (key, peer) in peers {
        match odoo::greet(asker, &peer).await {
            Ok(session) => {
                let system = &declared.system;
                let version = format!("Odoo {}, {}", session.version, session.wire.word());
                checks.good(WHAT, format!("{system} is reached: {version}; the key {key} works"));
                working = working.or(Some((peer, session)));
            }
            Err(found) => {
                let found = if several {
                    Diagnostic { message: format!("{}; with the key {key}", found.message), ..found }
                } else {
                    found
                };
                let is_of_key = found.code == codes::ODOO_KEY;
                checks.diagnosed(WHAT, &found);
                if !is_of_key {
                    // With another key it is the same.
                    return working;
                }
            }
        }
    }
    working
}

async fn examine((asker, peer, session): (&Odoo, &Peer, &Session), policy: &Policy, checks: &mut Checks) {
    let wanted = odoo::wanted(policy, &peer.name);
    match odoo::survey(asker, peer, session, &wanted).await {
        Ok(surveyed) if surveyed.findings.is_empty() => {
            checks.good(WHAT, format!("{} may be read: {}", peer.name, output::counted(wanted.len(), "model")));
        }
        Ok(surveyed) => surveyed.findings.iter().for_each(|found| checks.diagnosed(WHAT, found)),
        Err(found) => checks.diagnosed(WHAT, &found),
    }
    if odoo::reads_outbox(policy, &peer.name) {
        match odoo::outbox(asker, peer, session).await {
            Ok(()) => checks.good(WHAT, format!("{}: its outbox may be read", peer.name)),
            Err(found) => checks.diagnosed(WHAT, &found),
        }
    }
    match odoo::clock(session, &peer.name) {
        Some(found) => checks.diagnosed(WHAT, &found),
        None => checks.good(WHAT, format!("{}: its clock is as this one", peer.name)),
    }
    match asker.keys(peer, session).await {
        Ok(keys) => {
            let ending = odoo::ending(&keys, moment::now(), &peer.name);
            for found in &ending {
                checks.diagnosed(WHAT, found);
            }
            if ending.is_empty() {
                checks.good(WHAT, format!("{}: no key of the user ends within 30 days", peer.name));
            }
        }
        Err(_) => checks.note(WHAT, format!("{}: Odoo does not tell when keys end", peer.name)),
    }
}
