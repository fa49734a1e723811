//! Making what was shown: secrets first, then the project's files, then the rules in Odoo, so that the first nudge finds
//! somebody who knows it. What was made stays where a later step fails, and is told.

use std::collections::BTreeSet;
use std::path::Path;

use adapters::odoo::{Made, Odoo, Rule, RuleStands};
use engine::ports::Peer;
use model::{Diagnostic, SecretName};
use server::settings::Environment;

use super::Plan;
use super::rules::{By, Rules};
use crate::exit::{Exit, Failure};
use crate::moment;
use crate::odoo;
use crate::verbs::init::{GITIGNORE, write};

/// What was made.
#[derive(Debug, Default)]
pub(super) struct All {
    /// Paths in the project.
    pub(super) files: Vec<String>,
    /// Secrets that have a value in the data folder now.
    pub(super) secrets: Vec<SecretName>,
    /// Rules by name, and whether they are new.
    pub(super) rules: Vec<(String, Made)>,
    /// Rules of the outbox, and how each stood before.
    pub(super) outbox: Vec<(String, RuleStands)>,
    /// Why rules are missing.
    pub(super) failed: Option<Diagnostic>,
}

impl All {
    /// Whether something of it is missing.
    pub(super) const fn is_partly(&self) -> bool {
        self.failed.is_some()
    }
}

pub(super) async fn all(plan: &Plan<'_>, (odoo, peer): (&Odoo, &Peer), data: &Path) -> Result<All, Failure> {
    let mut made = All::default();
    if plan.args.store_key {
        let key = String::from_utf8_lossy(peer.key.expose()).into_owned();
        keep(&plan.secrets.key, &key, data)?;
        made.secrets.push(plan.secrets.key.clone());
    }
    let nudge = plan.rules.ring().then(|| nudge(&plan.secrets.nudge, data)).transpose()?;
    made.secrets.extend(nudge.as_ref().map(|_| plan.secrets.nudge.clone()));
    for (path, text) in plan.files.iter().map(|file| (file.path.as_str(), file.text.as_str())).chain([GITIGNORE]) {
        if write(&plan.args.project.join(path), text, 0o644)? {
            made.files.push(path.to_owned());
        }
    }
    match (&plan.rules, nudge) {
        (Rules::Webhooks(rules, By::Us), Some(nudge)) => webhooks(plan, (odoo, peer), (rules, &nudge), &mut made).await,
        (Rules::Outbox(_, By::Us), _) => outbox(plan, (odoo, peer), &mut made).await,
        (Rules::Webhooks(..) | Rules::Outbox(..) | Rules::Nothing(_) | Rules::NoModule, _) => {}
    }
    Ok(made)
}

async fn outbox(plan: &Plan<'_>, (odoo, peer): (&Odoo, &Peer), made: &mut All) {
    let Rules::Outbox(rules, _) = &plan.rules else { return };
    for (rule, _) in rules {
        match odoo.keep_outbox_rule(peer, &plan.session, rule).await {
            Ok(stood) => made.outbox.push((rule.event_type.clone(), stood)),
            Err(failure) => {
                made.failed = Some(odoo::diagnostic(&failure, &peer.name));
                return;
            }
        }
    }
}

async fn webhooks(plan: &Plan<'_>, (odoo, peer): (&Odoo, &Peer), (rules, nudge): (&[Rule], &str), made: &mut All) {
    for rule in rules {
        let rule = Rule { url: format!("{}{nudge}", rule.url), ..rule.clone() };
        match odoo.make_rule(peer, &plan.session, &rule).await {
            Ok(one) => made.rules.push((rule.name, one)),
            Err(failure) => {
                made.failed = Some(odoo::diagnostic(&failure, &peer.name));
                return;
            }
        }
    }
}

/// The secret that nudges come with: the one that is there, or a new one.
fn nudge(name: &SecretName, data: &Path) -> Result<String, Failure> {
    let wanted = BTreeSet::from([name.clone()]);
    let (keys, _) = server::secrets::load(&wanted, &Environment::read(), data);
    if let Some(value) = keys.get(name) {
        return Ok(String::from_utf8_lossy(value.expose()).into_owned());
    }
    let value = format!("{}{}", moment::chance(), moment::chance());
    keep(name, &value, data)?;
    Ok(value)
}

/// Keeps a value in the data folder, for this user only. Another one that is there stays.
fn keep(name: &SecretName, value: &str, data: &Path) -> Result<(), Failure> {
    let path = data.join("secrets").join(name.as_str());
    if write(&path, value, 0o600)? {
        return Ok(());
    }
    let is_same = std::fs::read_to_string(&path).is_ok_and(|held| held.trim() == value);
    if is_same {
        return Ok(());
    }
    let message = format!("{} holds another value", path.display());
    Err(Failure::new(Exit::Refused, "exists", message).hint("remove it if it is not in use, or choose another --name"))
}
