//! `crossdock catalog`: the event types of a project folder, who answers for them and who uses them. It reads files and asks nobody.

use policy::catalog::{Entry, catalog, meant};
use serde_json::json;

use crate::args::{self, Form};
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::project;

pub(crate) fn run(args: &args::Catalog, output: &Output) -> Ended {
    match args {
        args::Catalog::Ls(ls) => list(ls, output),
        args::Catalog::Show(show) => one(show, output),
    }
}

fn list(ls: &args::CatalogLs, output: &Output) -> Ended {
    let entries = catalog(&project::whole(project::read(&ls.folder)?)?);
    let is_wanted = |entry: &Entry| ls.domain.is_none() || entry.domain == ls.domain;
    let entries: Vec<Entry> = entries.into_iter().filter(is_wanted).map(Entry::short).collect();
    match output.form {
        Form::Json => output.json(&json!({ "schema": "crossdock/catalog/1", "rows": entries })),
        Form::Table => {
            let row = |entry: &Entry| {
                let owner = entry.owner.clone().unwrap_or_default();
                let summary = entry.summary.clone().unwrap_or_default();
                let users = |users: usize| users.to_string();
                let (senders, readers) = (users(entry.users.senders.len()), users(entry.users.readers.len()));
                vec![entry.reference(), entry.lifecycle.to_owned(), owner, senders, readers, summary]
            };
            let rows: Vec<_> = entries.iter().map(row).collect();
            output.table(&["contract", "lifecycle", "owner", "senders", "readers", "summary"], &rows);
            if let Some(first) = entries.first() {
                output.next(&format!("crossdock catalog show {}", first.reference()));
            }
        }
    }
    Ok(Exit::Done)
}

fn one(show: &args::CatalogShow, output: &Output) -> Ended {
    let entries = catalog(&project::whole(project::read(&show.folder)?)?);
    let found = meant(&entries, &show.name).map_err(|near| {
        let hint = near.map_or_else(|| "crossdock catalog ls".to_owned(), |near| format!("did you mean {near}?"));
        Failure::new(Exit::NotFound, "not-found", format!("there is no contract {:?}", show.name)).hint(hint)
    })?;
    match output.form {
        Form::Json => output.json(&json!({ "schema": "crossdock/catalog/1", "rows": found })),
        Form::Table => {
            if let Some((newest, older)) = found.split_first() {
                output.paragraph(&text(newest));
                if !older.is_empty() {
                    let list: Vec<String> =
                        older.iter().map(|entry| format!("{} ({})", entry.reference(), entry.lifecycle)).collect();
                    output.line(&format!("{:<16}{}", "also", list.join(", ")));
                }
            }
        }
    }
    Ok(Exit::Done)
}

/// An entry for people: what was not said is left out.
fn text(entry: &Entry) -> String {
    let list =
        |texts: &mut dyn Iterator<Item = String>| Some(texts.collect::<Vec<_>>().join(", ")).filter(|it| !it.is_empty());
    let names = |names: &std::collections::BTreeSet<String>| list(&mut names.iter().cloned());
    let pairs = |pairs: &std::collections::BTreeMap<String, String>| {
        list(&mut pairs.iter().map(|(one, other)| format!("{one} = {other}")))
    };
    let owner = entry.owner.clone().map(|owner| match entry.contacts.as_slice() {
        [] => owner,
        contacts => format!("{owner}: {}", contacts.join(", ")),
    });
    let mode = entry.pace.map(|pace| format!("{pace}: {}", entry.pace_reason.clone().unwrap_or_default()));
    let nobody = || Some("nobody in this project".to_owned());
    let lines = [
        ("type", Some(entry.kind.clone())),
        ("lifecycle", Some(entry.lifecycle.to_owned())),
        ("owner", owner),
        ("domain", entry.domain.clone()),
        ("also called", list(&mut entry.aliases.iter().cloned())),
        ("record", pairs(&entry.record)),
        ("mode", mode),
        ("service", entry.service.clone()),
        ("classification", Some(entry.classification.to_owned())),
        ("personal", list(&mut entry.personal.iter().cloned())),
        ("kept", entry.retention.clone()),
        ("kept in", entry.residency.clone()),
        ("identifiers", pairs(&entry.identifiers)),
        ("ordering", entry.ordering.clone()),
        ("correlation", entry.correlation.clone()),
        ("time", entry.time.clone()),
        ("same when", list(&mut entry.dedupe.iter().cloned())),
        ("repeat", Some(entry.repeat.to_owned())),
        ("sent by", names(&entry.users.senders).or_else(nobody)),
        ("read by", names(&entry.users.readers).or_else(nobody)),
    ];
    let lines = lines.into_iter().filter_map(|(name, text)| Some(format!("{name:<16}{}", text?)));
    let head = [entry.reference(), entry.summary.clone().unwrap_or_default()];
    let head = head.into_iter().filter(|line| !line.is_empty());
    head.chain(lines).collect::<Vec<_>>().join("\n")
}
