//! What `crossdock add odoo` prints: what was learnt, what would be made and what was. No secret is among it.

use std::path::Path;

use adapters::odoo::{Made, OUTBOX_RULES, OutboxRule, Rule, RuleStands, Standing, TRIGGERS, When};
use engine::ports::Peer;
use policy::render::{self, Colour};
use serde_json::{Value, json};

use super::Plan;
use super::make::All;
use super::rules::{Addon, By, Rules};
use super::test_event::Tested;
use crate::args::Form;
use crate::odoo::Tried;
use crate::output::{Output, counted};

/// What stands for the secret at the end of an address.
const HIDDEN: &str = "‹secret›";

/// Everything that was learnt, and what would be made.
pub(super) fn plan(plan: &Plan<'_>, peer: &Peer, output: &Output) {
    if output.form == Form::Json {
        return output.json(&described(plan, peer));
    }
    let session = &plan.session;
    let tested = if session.version.is_tested() { "" } else { ", a version that is not tested" };
    output.line(&format!("✓ reached   Odoo {} at {}, {}{tested}", session.version, peer.url, session.wire.word()));
    output.line(&format!("✓ key       works, user {} of {}", session.user, peer.database));
    let clock = session.ahead_s.map_or_else(|| "is not told".to_owned(), |ahead| format!("differs {} s", ahead.abs()));
    output.line(&format!("· clock     {clock}"));
    output.line("");
    let row = |it: &adapters::odoo::Rights| vec![it.model.clone(), mark(&it.read), mark(&it.write), mark(&it.create)];
    let rows: Vec<Vec<String>> = plan.surveyed.rights.iter().map(row).collect();
    output.table(&["model", "read", "change", "make"], &rows);
    if !plan.surveyed.findings.is_empty() {
        output.line("");
        output.paragraph(&render::text(&plan.surveyed.findings, &[], Colour::Plain));
    }
    if plan.models.is_empty() {
        return output.line("nothing can be read of what was chosen, and nothing is made");
    }
    files(plan, output);
    rules(plan, output);
    secrets(plan, output);
}

fn mark(standing: &Standing) -> String {
    match standing {
        Standing::Granted => "✓".to_owned(),
        Standing::Refused(_) => "✖".to_owned(),
        Standing::Absent => "not there".to_owned(),
    }
}

fn files(plan: &Plan<'_>, output: &Output) {
    output.line("");
    output.line(&format!("would write {} below {}", counted(plan.files.len(), "file"), plan.args.project.display()));
    for file in &plan.files {
        output.line(&format!("  {}", file.path));
    }
    let system = format!("systems/{}.yaml", plan.args.name);
    if let Some(file) = plan.files.iter().find(|file| file.path == system) {
        output.line("");
        output.lines(file.text.lines().map(|line| format!("  | {line}")));
    }
}

fn rules(plan: &Plan<'_>, output: &Output) {
    output.line("");
    match &plan.rules {
        Rules::Nothing(addon) => {
            output.line("would make nothing in Odoo: sweeps find each change within a minute");
            output.line("  with --reachable-at URL it makes webhooks, which tell at once; who saves in Odoo then waits for our answer, a second at most");
            if *addon == Addon::Installed {
                output.line("  the outbox addon is installed there: --capture outbox has each change exactly once, in order, and nobody waits");
            }
        }
        Rules::NoModule => {
            output.line("would make nothing in Odoo: it has no automation rules; sweeps find each change within a minute");
        }
        Rules::Webhooks(rules, By::Us) => {
            output.line(&format!(
                "would make in Odoo {} with a webhook action each; who saves there waits for our answer, a second at most",
                counted(rules.len(), "automation rule")
            ));
            output.lines(rules.iter().map(|rule| format!("  {}", values(rule))));
        }
        Rules::Webhooks(rules, By::Another) => {
            output.line(
                "webhooks need an administrator (Settings), and our user is none; sweeps find each change within a minute",
            );
            output.line("for webhooks an administrator makes these in Odoo: developer mode, Settings, Technical, Automation Rules, New");
            output.lines(rules.iter().map(|rule| format!("  {}", clicks(rule))));
        }
        Rules::Outbox(rules, by) => outbox(rules, *by, output),
    }
}

/// A rule is a permission: whoever may pull sees what it names, so that this is shown.
fn outbox(rules: &[(OutboxRule, RuleStands)], by: By, output: &Output) {
    let wanting = rules.iter().filter(|(_, stands)| !matches!(stands, RuleStands::Same(_))).count();
    match by {
        By::Us => output.line(&format!(
            "would make or change in Odoo {}; readers of the outbox see what they name, of every record",
            counted(wanting, "outbox rule")
        )),
        By::Another => {
            output.line("rules of the outbox need the group \"Crossdock: configure the outbox\", which our user does not have; give it, or let");
            output.line("somebody who has it make these in Odoo: Crossdock, Rules, New. Readers of the outbox see what they name, of every record");
        }
    }
    for (rule, stands) in rules {
        let stands = match stands {
            RuleStands::Same(_) => "is there",
            RuleStands::Differs(_) => "is there, and reads something else",
            RuleStands::Missing => "is not there",
        };
        let OutboxRule { event_type, model, trigger, specified } = rule;
        output.line(&format!("  {OUTBOX_RULES} {event_type:?} {stands}: model {model}, trigger {trigger}"));
        if by == By::Another || *trigger == TRIGGERS[0] {
            let specification = Value::Object(specified.specification.clone());
            output.line(&format!("    reading {}, specification {specification}", specified.reading));
        }
    }
}

fn values(rule: &Rule) -> String {
    let only = if rule.fields.is_empty() { String::new() } else { format!(" of {}", rule.fields.join(", ")) };
    format!(
        "base.automation {:?}: model {}, trigger {}{only}; action webhook to {}{HIDDEN}, no fields",
        rule.name,
        rule.model,
        rule.when.trigger(),
        rule.url
    )
}

fn clicks(rule: &Rule) -> String {
    let only = if rule.fields.is_empty() { String::new() } else { format!(", When updating {}", rule.fields.join(", ")) };
    let trigger = match rule.when {
        When::Saved => "On create and edit",
        When::Deleted => "On deletion",
    };
    format!(
        "Name {:?}, Model {}, Trigger {trigger}{only}; Add an action, Send Webhook Notification, URL {}{HIDDEN}, Fields none",
        rule.name, rule.model, rule.url
    )
}

fn secrets(plan: &Plan<'_>, output: &Output) {
    output.line("");
    let key = &plan.secrets.key;
    output.line(&if plan.args.store_key {
        format!("would keep the key as {key} in the data folder, for this user only")
    } else {
        format!("would keep no key: give it to the product as {} or with --store-key", key.variable())
    });
    if plan.rules.ring() {
        output.line(&format!(
            "would make the secret {} in the data folder, the end of the webhooks' address",
            plan.secrets.nudge
        ));
    }
}

/// What was made, and what comes next.
pub(super) fn made(plan: &Plan<'_>, (made, tested): (&All, &Tested), (peer, data): (&Peer, &Path), output: &Output) {
    if output.form == Form::Json {
        let mut value = described(plan, peer);
        value["made"] = json!({
            "files": made.files,
            "secrets": made.secrets,
            "rules": made.rules.iter().map(|(name, one)| json!({ "name": name, "id": id(*one), "new": matches!(one, Made::New(_)), "changed": matches!(one, Made::Changed(_)) })).collect::<Vec<_>>(),
            "outbox": made.outbox.iter().map(|(name, stood)| json!({ "name": name, "new": matches!(stood, RuleStands::Missing), "changed": matches!(stood, RuleStands::Differs(_)) })).collect::<Vec<_>>(),
            "failed": made.failed,
        });
        value["test_event"] = json!(tested.tried.as_ref().map(Tried::value));
        value["saved"] = json!(tested.saved);
        if let Some(findings) = value["findings"].as_array_mut() {
            findings.extend(tested.findings.iter().map(|found| json!(found)));
        }
        return output.json(&value);
    }
    output.line("");
    output.line(&format!("✓ wrote {}", counted(made.files.len(), "file")));
    for (name, one) in &made.rules {
        let what = match one {
            Made::New(_) => "made",
            Made::There(_) => "was there, and stays as it is",
            Made::Changed(_) => "was there, and rings at this address now",
        };
        output.line(&format!("✓ rule {name:?} {what} (id {})", id(*one)));
    }
    for (event_type, stood) in &made.outbox {
        let what = match stood {
            RuleStands::Same(_) => "was there, and stays as it is",
            RuleStands::Differs(_) => "was there, and reads what the contract says now",
            RuleStands::Missing => "made",
        };
        output.line(&format!("✓ rule {event_type:?} {what}"));
    }
    if let Some(failed) = &made.failed {
        output.paragraph(&render::text(std::slice::from_ref(failed), &[], Colour::Plain));
    }
    tests(plan, tested, output);
    checklist(plan, made, data, output);
}

/// What came of the test event.
fn tests(plan: &Plan<'_>, tested: &Tested, output: &Output) {
    if let Some(tried) = &tested.tried {
        let mark = if tried.heard_after.is_some() { "✓" } else { "·" };
        output.line(&format!("{mark} {}", tried.words()));
    }
    match (&tested.saved, plan.args.wait_for_event) {
        (Some(saved), _) => output.line(&format!("✓ {}", saved.words())),
        (None, Some(patience)) => output.line(&format!("· nobody saved anything in Odoo for {}", patience.rounded())),
        (None, None) => {}
    }
    if !tested.findings.is_empty() {
        output.paragraph(&render::text(&tested.findings, &[], Colour::Plain));
    }
}

fn checklist(plan: &Plan<'_>, made: &All, data: &Path, output: &Output) {
    let secrets = data.join("secrets");
    let name = &plan.args.name;
    output.line("");
    output.line("what is left");
    if !made.secrets.contains(&plan.secrets.key) {
        let key = &plan.secrets.key;
        output.line(&format!("  · the key: as {} or in the file {}", key.variable(), secrets.join(key.as_str()).display()));
    }
    if matches!(plan.rules, Rules::Webhooks(_, By::Another)) {
        let file = secrets.join(plan.secrets.nudge.as_str());
        output.line(&format!("  · the webhooks, by an administrator; their secret is in {}", file.display()));
    }
    output.line("  · apply, and start the product if it does not run: crossdock apply, crossdock up");
    output.line(&format!("  · the first event, after a save in Odoo: crossdock events ls --source {name} --limit 1"));
    output.line("  · now and then, and when a key is about to end: crossdock doctor");
    output.line("Observing. Nothing is written to Odoo until a destination of yours does.");
    output.next(&format!("crossdock apply {}", plan.args.project.display()));
}

const fn id(made: Made) -> u64 {
    match made {
        Made::New(id) | Made::There(id) | Made::Changed(id) => id,
    }
}

fn described(plan: &Plan<'_>, peer: &Peer) -> Value {
    let session = &plan.session;
    let rights = plan.surveyed.rights.iter().map(|it| {
        json!({ "model": it.model, "read": word(&it.read), "write": word(&it.write), "create": word(&it.create), "says": says(&it.read) })
    });
    let files = plan.files.iter().map(|file| json!({ "path": file.path, "text": file.text }));
    let (by, rules) = described_rules(&plan.rules);
    json!({
        "schema": "crossdock/add-odoo/1",
        "name": plan.args.name,
        "url": peer.url,
        "database": peer.database,
        "version": session.version.text,
        "tested": session.version.is_tested(),
        "wire": session.wire.word(),
        "user": session.user,
        "clock_ahead_s": session.ahead_s,
        "rights": rights.collect::<Vec<_>>(),
        "findings": plan.surveyed.findings,
        "would_make": {
            "files": files.collect::<Vec<_>>(),
            "rules": rules,
            "rules_by": by,
            "secrets": { "key": plan.secrets.key, "nudge": plan.rules.ring().then_some(&plan.secrets.nudge) },
        },
    })
}

/// Who makes them, and what they are.
fn described_rules(rules: &Rules) -> (&'static str, Vec<Value>) {
    let webhook = |it: &Rule| json!({ "name": it.name, "model": it.model, "trigger": it.when.trigger(), "fields": it.fields, "url": format!("{}{HIDDEN}", it.url) });
    let row = |(it, stands): &(OutboxRule, RuleStands)| {
        json!({
            "name": it.event_type, "model": it.model, "trigger": it.trigger, "reading": it.specified.reading,
            "specification": it.specified.specification, "is_so": matches!(stands, RuleStands::Same(_)),
        })
    };
    match rules {
        Rules::Nothing(_) | Rules::NoModule => ("nobody", Vec::new()),
        Rules::Webhooks(rules, By::Us) => ("crossdock", rules.iter().map(webhook).collect()),
        Rules::Webhooks(rules, By::Another) => ("administrator", rules.iter().map(webhook).collect()),
        Rules::Outbox(rules, By::Us) => ("crossdock", rules.iter().map(row).collect()),
        Rules::Outbox(rules, By::Another) => ("manager", rules.iter().map(row).collect()),
    }
}

const fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Granted => "granted",
        Standing::Refused(_) => "refused",
        Standing::Absent => "absent",
    }
}

fn says(standing: &Standing) -> &str {
    match standing {
        Standing::Refused(said) => said,
        Standing::Granted | Standing::Absent => "",
    }
}
