//! `crossdock explain`: a code, an event or delivery, a field of a project file, or anything that a project names.

use std::path::Path;

use model::{Code, EventId};
use policy::Policy;
use policy::decode::ObjectKind;
use serde_json::{Value, json};

use crate::args::{self, Common, Explain, Form};
use crate::client::Client;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::{problems, project};

pub(crate) async fn run(common: &Common, explain: &Explain, output: &Output) -> Ended {
    let wanted = explain.code.as_str();
    if let Ok(code) = wanted.parse::<Code>() {
        return page(code, output);
    }
    if wanted.parse::<EventId>().is_ok() {
        return super::trace::run(common, &args::Trace { reference: wanted.to_owned() }, output).await;
    }
    if let Some(text) = problems::explain(wanted).or_else(|| field(wanted)) {
        return Ok(show(wanted, &text, output));
    }
    let (policy, mistakes) = policy(common).await?;
    let lines = named(&policy, wanted);
    if lines.is_empty() {
        let (but, hint) = match mistakes {
            0 => ("", "a code is H0312 or bad-signature; a field is written flow.deliver.retry"),
            _ => (" that can be read; it has mistakes", "`crossdock check` shows them"),
        };
        let message = format!("{wanted:?} is no code, no id, no field and no name of the project{but}");
        return Err(Failure::new(Exit::NotFound, "not-found", message).hint(hint));
    }
    Ok(show(wanted, &lines.join("\n"), output))
}

fn show(about: &str, text: &str, output: &Output) -> Exit {
    let text = text.trim_end();
    match output.form {
        Form::Json => output.json(&json!({ "schema": "crossdock/explain/1", "about": about, "text": text })),
        Form::Table => output.paragraph(text),
    }
    Exit::Done
}

fn page(code: Code, output: &Output) -> Ended {
    match policy::codes::page(code) {
        Some(page) => Ok(show(&code.to_string(), page, output)),
        None => Err(Failure::new(Exit::NotFound, "code", format!("there is no code {code}"))),
    }
}

/// The project of this folder, as far as it can be read, with the number of its mistakes; where there is none, the applied
/// policy.
async fn policy(common: &Common) -> Result<(Policy, usize), Failure> {
    let Ok(here) = project::read(Path::new(".")) else {
        return Ok((project::present(&Client::new(common)?).await?, 0));
    };
    let (policy, mistakes) = policy::restore(&here.files);
    Ok((policy, mistakes.len() + here.unreadable.len()))
}

/// What a field is for, and what stands below it: `flow`, `flow.deliver`, `system.sources.verify`.
fn field(path: &str) -> Option<String> {
    let mut steps = path.split('.');
    let word = steps.next()?;
    let kind = ObjectKind::ALL.into_iter().find(|kind| kind.word() == word || kind.folder() == word)?;
    let mut schema = policy::decode::schema::schema(kind);
    for step in steps {
        let names = schema.get("properties").is_none();
        if names && schema.get("additionalProperties").is_some_and(Value::is_object) {
            schema = schema["additionalProperties"].take();
        }
        schema = schema.get_mut("properties")?.get_mut(step)?.take();
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![format!("{path}: {}", text(&schema["description"]))];
    let below =
        if schema["properties"].is_object() { &schema["properties"] } else { &schema["additionalProperties"]["properties"] };
    let allowed: Vec<String> = schema["enum"].as_array().into_iter().flatten().map(text).collect();
    if !allowed.is_empty() {
        lines.push(format!("  one of: {}", allowed.join(", ")));
    }
    for (name, property) in below.as_object().into_iter().flatten() {
        lines.push(format!("  {name:<16} {}", text(&property["description"])));
    }
    Some(lines.join("\n"))
}

/// Everything that has this name, each in a line.
fn named(policy: &Policy, name: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for it in policy.sources.values().filter(|it| it.name.as_str() == name) {
        let kinds: Vec<&str> = it.events.values().map(|rule| rule.kind.as_str()).collect();
        lines.push(format!(
            "source {name} of {}, for {}: POST /in/{name}; {}",
            it.system,
            it.owner,
            listed("events", &kinds)
        ));
    }
    for it in policy.destinations.values().filter(|it| it.name.as_str() == name) {
        let flows: Vec<&str> =
            policy.flows.values().filter(|flow| flow.destination == it.name).map(|flow| flow.name.as_str()).collect();
        lines.push(format!(
            "destination {name} of {}, for {}: {} {}; {}",
            it.system,
            it.owner,
            it.method,
            it.url,
            listed("flows", &flows)
        ));
    }
    for it in policy.flows.values().filter(|it| it.name.as_str() == name) {
        let mapping = it.mapping.as_ref().map_or("as it came", |mapping| mapping.as_str());
        lines.push(format!(
            "flow {name}, for {}: {} -> {mapping} -> {}, repeated by {}",
            it.owner,
            it.types.join(", "),
            it.destination,
            it.retry
        ));
    }
    for mapping in policy.mappings.keys().filter(|it| it.as_str() == name) {
        let flows: Vec<&str> = policy
            .flows
            .values()
            .filter(|flow| flow.mapping.as_ref() == Some(mapping))
            .map(|flow| flow.name.as_str())
            .collect();
        lines.push(format!("mapping {name}; {}", listed("flows", &flows)));
    }
    for it in policy
        .contracts
        .values()
        .filter(|it| it.reference.as_str() == name || it.reference.name() == name || it.kind.as_str() == name)
    {
        let owner = it.owner.as_ref().map_or("nobody", |owner| owner.as_str());
        let kinds =
            |source: &policy::Source| source.events.values().any(|rule| rule.contract.as_ref() == Some(&it.reference));
        let sources: Vec<&str> =
            policy.sources.values().filter(|source| kinds(source)).map(|source| source.name.as_str()).collect();
        lines.push(format!(
            "contract {}, for {owner}: {} {}; {}",
            it.reference,
            it.kind,
            it.summary,
            listed("sources", &sources)
        ));
    }
    lines
}

fn listed(what: &str, names: &[&str]) -> String {
    if names.is_empty() { format!("no {what}") } else { format!("{what}: {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_below_names_that_people_give() {
        assert!(field("flow.deliver.retry").is_some_and(|text| text.starts_with("flow.deliver.retry: ")));
        assert!(field("flow").is_some_and(|text| text.contains("deliver")));
        assert!(field("system.sources.verify").is_some(), "the source's own name is left out");
        assert_eq!(field("flow.delivr"), None);
        assert_eq!(field("orders-to-wms"), None);
    }
}
