//! Captured sources: which models their events name, and what of these is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::TimeSpan;

use super::Project;
use super::destination::check_address;
use crate::compiled::{Capture, CapturedBy, CapturedModel, Odoo, Rotate};
use crate::specs::{CaptureSpec, EventSpec, OdooSpec, Renewal, SourceSpec, SystemSpec};
use crate::{Findings, codes};

/// Oftener is more load on Odoo than news.
const SWEEP_EVERY_MIN: TimeSpan = TimeSpan::from_secs(5);

/// The API of a system, where it has one and nothing about it is wrong; and what there is to say of its address.
pub(super) fn told_odoo(system: &SystemSpec, findings: &mut Findings) -> Option<Arc<Odoo>> {
    let spec = system.odoo.as_ref()?;
    check_rotation(spec, findings);
    check_address(spec.url.as_ref()?, &system.name, &spec.allow, findings);
    odoo(system)
}

/// A web session is opened with login and password, and a password is for nothing else.
fn check_rotation(spec: &OdooSpec, findings: &mut Findings) {
    match (&spec.rotate, &spec.password) {
        (Some(rotate), password) if rotate.value == Renewal::Password => {
            let lacking = [("password", password.is_none()), ("login", spec.login.is_none())];
            for (name, _) in lacking.into_iter().filter(|(_, is_lacking)| *is_lacking) {
                let message = format!("a key is made with the password, and there is no `{name}`");
                findings.push(findings.error(codes::MISSING_KEY, rotate.span, message).help(format!("add `{name}`")));
            }
        }
        (_, Some(password)) => {
            let diagnostic = findings.error(codes::MISSING_KEY, password.span, "there is a `password` that nothing uses");
            findings.push(diagnostic.help("add `rotate: password`, or remove it"));
        }
        (Some(_) | None, None) => {}
    }
}

fn rotate(spec: &OdooSpec) -> Option<Rotate> {
    match spec.rotate.as_ref()?.value {
        Renewal::Addon => Some(Rotate::Addon),
        Renewal::Password => spec.password.as_ref().map(|name| Rotate::Password(name.value.clone())),
    }
}

/// The API of a system, where it has one and nothing about it is wrong.
pub(super) fn odoo(system: &SystemSpec) -> Option<Arc<Odoo>> {
    let spec = system.odoo.as_ref()?;
    let url = spec.url.as_ref()?;
    Some(Arc::new(Odoo {
        system: system.name.clone(),
        url: url.value.clone(),
        database: spec.database.as_ref()?.value.clone(),
        login: spec.login.as_ref().map(|login| login.value.clone()),
        keys: keys(spec),
        allow: spec.allow.clone(),
        rotate: rotate(spec),
    }))
}

fn keys(spec: &OdooSpec) -> Vec<model::SecretName> {
    spec.keys.iter().map(|key| key.value.clone()).collect()
}

/// The capture of a source, or `None` where something about it is wrong and reported.
pub(crate) fn capture(
    system: &SystemSpec,
    source: &SourceSpec,
    spec: &CaptureSpec,
    project: &Project<'_>,
    findings: &mut Findings,
) -> Option<Capture> {
    match spec.by {
        CapturedBy::Sweeps => check_sweeps(source, spec, findings),
        CapturedBy::Outbox => check_outbox(source, spec, findings),
    }
    if spec.rhythm.window < spec.rhythm.reconcile {
        let message = format!("`{}` leaves a time between two reconciliations that none compares", source.name.value);
        findings.push(findings.error(codes::OUT_OF_RANGE, spec.span, message).help("`window` is at least `reconcile`"));
    }
    if source.kind.is_some() || source.key.is_some() || source.time.is_some() || !source.handshake.is_empty() {
        let message = format!("`{}` says where to look in requests, and captures records", source.name.value);
        let diagnostic = findings.error(codes::NOT_CAPTURED, spec.span, message);
        findings.push(diagnostic.help("remove `type`, `key`, `time`, `format` and `handshake`: capture knows them"));
    }
    if system.odoo.is_none() {
        let message = format!("`{}` captures records, and its system does not say from where", source.name.value);
        let diagnostic = findings.error(codes::NO_API, spec.span, message);
        findings.push(diagnostic.help("add `odoo:` with `url`, `database` and `keys` to the system"));
    }
    let models = models(source, spec, project, findings);
    Some(Capture { odoo: told_odoo(system, findings)?, by: spec.by, rhythm: spec.rhythm, since: spec.since, models })
}

fn check_sweeps(source: &SourceSpec, spec: &CaptureSpec, findings: &mut Findings) {
    if spec.rhythm.every < SWEEP_EVERY_MIN {
        let message = format!("`{}` sweeps more often than every 5 s", source.name.value);
        findings.push(findings.error(codes::OUT_OF_RANGE, spec.span, message).help("`every` is at least `5s`"));
    }
    if spec.rhythm.overlap < spec.rhythm.every {
        let message = format!("`{}` looks back less far than from one sweep to the next", source.name.value);
        findings.push(findings.error(codes::OUT_OF_RANGE, spec.span, message).help("`overlap` is at least `every`"));
    }
}

/// The outbox has every change, once and in order: there is nothing to look back for, and nothing to be nudged to.
fn check_outbox(source: &SourceSpec, spec: &CaptureSpec, findings: &mut Findings) {
    let nudges = spec.nudges.first().map(|secret| ("nudges", secret.span));
    for (name, span) in nudges.into_iter().chain(spec.overlap_span.map(|span| ("overlap", span))) {
        let message = format!("`{}` reads the outbox, which has no `{name}`", source.name.value);
        let diagnostic = findings.error(codes::NOT_OF_THIS_WAY, span, message);
        findings.push(diagnostic.help(format!("remove `{name}`, or `from: outbox`")));
    }
}

fn models(
    source: &SourceSpec,
    spec: &CaptureSpec,
    project: &Project<'_>,
    findings: &mut Findings,
) -> BTreeMap<String, CapturedModel> {
    let mut models: BTreeMap<String, CapturedModel> = BTreeMap::new();
    for event in &source.events {
        let Some((name, model)) = model(event, project, findings) else { continue };
        match models.get(&name) {
            Some(held) if held.contract != model.contract => {
                let message = format!("events of `{name}` have two contracts, `{}` and `{}`", held.contract, model.contract);
                let diagnostic = findings.error(codes::NOT_CAPTURED, event.native.span, message);
                findings.push(diagnostic.help("give all events of a model one contract: it says what is read of a record"));
            }
            Some(_) => {}
            None => {
                models.insert(name, model);
            }
        }
    }
    if models.is_empty() && source.events.is_empty() {
        let message = format!("`{}` captures nothing: it names no events", source.name.value);
        let diagnostic = findings.error(codes::NOT_CAPTURED, spec.span, message);
        findings.push(
            diagnostic.help("list them under `events`, such as `sale.order.sale: { contract: odoo.sale.order@1.0.0 }`"),
        );
    }
    models
}

/// The model that an event names, and what is read of it.
fn model(event: &EventSpec, project: &Project<'_>, findings: &mut Findings) -> Option<(String, CapturedModel)> {
    let native = &event.native;
    let split = native.value.rsplit_once('.').filter(|(model, word)| model.contains('.') && !word.is_empty());
    let Some((model, _)) = split else {
        let message = format!("`{}` is not a model of Odoo's with a state or a change", native.value);
        let diagnostic = findings.error(codes::NOT_CAPTURED, native.span, message);
        let help = "write MODEL.STATE, MODEL.created, MODEL.changed or MODEL.deleted, such as `sale.order.sale`";
        findings.push(diagnostic.help(help));
        return None;
    };
    let Some(reference) = &event.contract else {
        let message = format!("`{}` has no contract, so that nobody knows what to read", native.value);
        let diagnostic = findings.error(codes::NOT_CAPTURED, native.span, message);
        findings.push(diagnostic.help("add `contract: NAME@VERSION`; `packs/odoo` has one for each model"));
        return None;
    };
    // Where it leads nowhere, whoever makes the table of events says so.
    let contract = project.contracts.get(&reference.value)?;
    let Some(reading) = contract.reading() else {
        let message = format!("the contract `{}` declares nothing to read", reference.value);
        let diagnostic = findings.error(codes::NOT_CAPTURED, reference.span, message);
        findings.push(diagnostic.help("declare the fields as members of `record` in its schema"));
        return None;
    };
    Some((model.to_owned(), CapturedModel { contract: reference.value.clone(), reading }))
}
