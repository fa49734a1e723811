//! What would be made in Odoo so that it tells of changes: webhooks, rules of the outbox, or nothing. It asks and makes nothing.

use std::collections::BTreeMap;

use adapters::odoo::{Failure as Refused, OUTBOX_RULES, Odoo, OutboxRule, RULES, Rule, RuleStands, Session, Standing, When};
use engine::ports::Peer;
use model::Diagnostic;
use model::diagnostic::Place;
use model::outcome::Refusal;
use policy::codes;
use policy::compiled::Reading;

use super::{address, failed};
use crate::args::{AddOdoo, CaptureWay};
use crate::exit::{Exit, Failure};
use crate::odoo::{self, Surveyed};

/// Fields whose change rings, of models that change without an event otherwise; of all others each save does.
const NARROWED: [(&str, &[&str]); 2] = [("stock.quant", &["quantity", "reserved_quantity"]), ("stock.move", &["state"])];

/// What would be made.
#[derive(Debug)]
pub(super) enum Rules {
    /// Nothing: sweeps need nothing there. With whether the outbox addon is, which would be better.
    Nothing(Addon),
    /// Odoo has no automation rules.
    NoModule,
    /// Automation rules with webhooks.
    Webhooks(Vec<Rule>, By),
    /// Rules of the outbox, each with how it stands.
    Outbox(Vec<(OutboxRule, RuleStands)>, By),
}

/// Who can make them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Our user.
    Us,
    /// Somebody with more rights.
    Another,
}

/// Whether the outbox addon is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addon {
    Installed,
    Missing,
}

impl Rules {
    /// Whether nudges come, sooner or later.
    pub(super) const fn ring(&self) -> bool {
        matches!(self, Self::Webhooks(..))
    }
}

/// The way that was asked for: webhooks where it is said where Odoo reaches us, else sweeps.
pub(super) fn way(args: &AddOdoo) -> Result<CaptureWay, Failure> {
    match (args.capture, &args.reachable_at) {
        (Some(CaptureWay::Webhooks), None) => {
            Err(Failure::new(Exit::Usage, "capture", "nobody says where Odoo's webhooks reach this product")
                .hint("say --reachable-at URL"))
        }
        (Some(way), _) => Ok(way),
        (None, Some(_)) => Ok(CaptureWay::Webhooks),
        (None, None) => Ok(CaptureWay::Sweeps),
    }
}

/// What would be made for models with these readings.
pub(super) async fn plan(
    args: &AddOdoo,
    way: CaptureWay,
    (odoo, peer, session): (&Odoo, &Peer, &Session),
    readings: &BTreeMap<String, Reading>,
    surveyed: &mut Surveyed,
) -> Result<Rules, Failure> {
    let told = |failure: Refused| failed(&odoo::diagnostic(&failure, &peer.name));
    match way {
        CaptureWay::Sweeps => {
            let is_there = !matches!(odoo.may_pull(peer, session).await.map_err(told)?, Standing::Absent);
            Ok(Rules::Nothing(if is_there { Addon::Installed } else { Addon::Missing }))
        }
        CaptureWay::Webhooks => match odoo.may(peer, session, RULES, "create").await.map_err(told)? {
            Standing::Granted => Ok(Rules::Webhooks(webhooks(args, readings)?, By::Us)),
            Standing::Refused(_) => Ok(Rules::Webhooks(webhooks(args, readings)?, By::Another)),
            Standing::Absent => {
                surveyed.findings.push(no_module(&peer.name));
                Ok(Rules::NoModule)
            }
        },
        CaptureWay::Outbox => {
            let rules = outbox((odoo, peer, session), readings).await?;
            let models: Vec<&str> = readings.keys().map(String::as_str).collect();
            let kept = odoo::kept(odoo, peer, session, &models).await.map_err(|found| failed(&found))?;
            surveyed.findings.extend(kept);
            Ok(rules)
        }
    }
}

fn no_module(name: &str) -> Diagnostic {
    let message = format!("{name}: Odoo has no {RULES}, so that no webhooks can be made");
    Diagnostic::warning(codes::ODOO_MODEL, Place::Whole, message)
        .help("install the module Automation Rules, or leave --reachable-at out: sweeps find every change")
}

fn webhooks(args: &AddOdoo, readings: &BTreeMap<String, Reading>) -> Result<Vec<Rule>, Failure> {
    let base = address(args.reachable_at.as_deref().unwrap_or_default())?;
    let url = format!("{}/in/{}/", base.as_str().trim_end_matches('/'), args.name);
    Ok(readings.keys().flat_map(|model| [saved(args, model, &url), deleted(args, model, &url)]).collect())
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

/// The outbox has to be there and to be read by our user; rules may be made by another.
async fn outbox(
    (odoo, peer, session): (&Odoo, &Peer, &Session),
    readings: &BTreeMap<String, Reading>,
) -> Result<Rules, Failure> {
    let told = |failure: Refused| failed(&odoo::diagnostic(&failure, &peer.name));
    odoo::outbox(odoo, peer, session).await.map_err(|found| failed(&found))?;
    let by = match odoo.may(peer, session, OUTBOX_RULES, "create").await.map_err(told)? {
        Standing::Granted => By::Us,
        Standing::Refused(_) | Standing::Absent => By::Another,
    };
    let mut rules = Vec::new();
    for (model, reading) in readings {
        for rule in odoo.outbox_rules(peer, session, (model, reading)).await.map_err(told)? {
            let stands = match odoo.outbox_rule(peer, session, &rule).await {
                // Who may not see them is told what they have to be.
                Err(Refused::Said { refusal: Refusal::Access, .. }) => RuleStands::Missing,
                stands => stands.map_err(told)?,
            };
            rules.push((rule, stands));
        }
    }
    Ok(Rules::Outbox(rules, by))
}
