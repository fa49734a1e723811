//! The real payloads of shops and carriers, as requests to the sources of the packs. They are read in place and belong
//! to others; what their recordings lack (headers, the envelope around a tracker) is put around them here.
//!
//! The tests of the packs include this file too, so it needs `serde_json` alone and knows no other module.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// A request before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    /// The source of the pack.
    pub(crate) source: &'static str,
    /// The file, and which part of it.
    pub(crate) name: String,
    /// Headers that matter, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: String,
}

/// All payloads of a corpus folder, in the order of sources and files.
pub(crate) fn all(corpus: &Path) -> io::Result<Vec<Payload>> {
    let mut payloads = Vec::new();
    captured(&corpus.join("commerce/hookdeck/shopify"), "shopify", &mut payloads)?;
    shopify_resources(&corpus.join("commerce/shopify_api-fixtures"), &mut payloads)?;
    captured(&corpus.join("commerce/hookdeck/woocommerce"), "woocommerce", &mut payloads)?;
    woocommerce_resources(&corpus.join("commerce/woocommerce-docs/json"), &mut payloads)?;
    for folder in ["easypost-examples/docs/responses", "easypost-python/json", "easypost-python/trackers"] {
        easypost(&corpus.join("carriers").join(folder), &mut payloads)?;
    }
    ups(&corpus.join("carriers/ups-openapi/examples"), &mut payloads)?;
    Ok(payloads)
}

/// The JSON files below a folder, sorted, each with its path from there; none where there is no folder.
fn files(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let mut paths = Vec::new();
    if folder.is_dir() {
        collect(folder, &mut paths)?;
    }
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
        Ok((name.trim_end_matches(".json").to_owned(), fs::read_to_string(path)?))
    };
    paths.iter().map(read).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|ending| ending == "json") {
            paths.push(path);
        }
    }
    Ok(())
}

/// Requests with their headers. The body keeps its digits: it is cut out of the file, not written anew.
fn captured(folder: &Path, source: &'static str, payloads: &mut Vec<Payload>) -> io::Result<()> {
    for (name, text) in files(folder)? {
        let parts: std::collections::BTreeMap<String, &RawValue> = serde_json::from_str(&text)?;
        let headers: Map<String, Value> =
            parts.get("headers").map_or(Ok(Map::new()), |raw| serde_json::from_str(raw.get()))?;
        let of_sender = |name: &str| name.starts_with("x-") && !name.contains("signature") && !name.contains("hmac");
        let headers = headers
            .iter()
            .map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap_or_default().to_owned()))
            .filter(|(name, _)| of_sender(name))
            .collect();
        let body = parts.get("body").map_or("null", |raw| raw.get()).to_owned();
        payloads.push(Payload { source, name: format!("captured/{name}"), headers, body });
    }
    Ok(())
}

/// Resources of the REST interface, which are what the bodies of webhooks are: without the object or list around them.
fn shopify_resources(folder: &Path, payloads: &mut Vec<Payload>) -> io::Result<()> {
    for (name, text) in files(folder)? {
        let topic = match name.as_str() {
            "order" => "orders/create".to_owned(),
            "orders" => "orders/updated".to_owned(),
            "fulfillments" => "fulfillments/create".to_owned(),
            other => format!("{other}/update"),
        };
        for (at, resource) in bare(serde_json::from_str(&text)?).into_iter().enumerate() {
            let headers = vec![
                ("x-shopify-topic".to_owned(), topic.clone()),
                ("x-shopify-webhook-id".to_owned(), format!("resource-{name}-{at}")),
                ("x-shopify-shop-domain".to_owned(), "corpus.myshopify.com".to_owned()),
            ];
            payloads.push(Payload {
                source: "shopify",
                name: format!("resource/{name}#{at}"),
                headers,
                body: resource.to_string(),
            });
        }
    }
    Ok(())
}

/// What stands inside of a list, or of an object with one member.
fn bare(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        Value::Object(members)
            if members.len() == 1 && members.values().all(|inner| inner.is_object() || inner.is_array()) =>
        {
            members.into_iter().flat_map(|(_, inner)| bare(inner)).collect()
        }
        other => vec![other],
    }
}

/// Resources of the REST interface. Those of its old version (`v3.…`) keep the object around them, as its webhooks do.
fn woocommerce_resources(folder: &Path, payloads: &mut Vec<Payload>) -> io::Result<()> {
    for (name, text) in files(folder)? {
        let parts: Vec<&str> = name.split('.').collect();
        let resource = parts.get(1).copied().unwrap_or_default();
        let resource = match resource {
            "orders" | "products" | "customers" | "coupons" => resource.trim_end_matches('s'),
            other => other,
        };
        let value: Value = serde_json::from_str(&text)?;
        let is_old = name.starts_with("v3.");
        for (at, (event, body)) in batches(value, is_old).into_iter().enumerate() {
            let headers = vec![
                ("x-wc-webhook-topic".to_owned(), format!("{resource}.{event}")),
                ("x-wc-webhook-delivery-id".to_owned(), format!("resource-{name}-{at}")),
                ("x-wc-webhook-source".to_owned(), "https://corpus.example/".to_owned()),
            ];
            payloads.push(Payload {
                source: "woocommerce",
                name: format!("resource/{name}#{at}"),
                headers,
                body: body.to_string(),
            });
        }
    }
    Ok(())
}

/// The resources of a list or of the answer to a batch, each with what happened to it.
fn batches(value: Value, is_old: bool) -> Vec<(&'static str, Value)> {
    const EVENTS: [(&str, &str); 3] = [("create", "created"), ("update", "updated"), ("delete", "deleted")];
    match value {
        Value::Array(items) if !is_old => items.into_iter().map(|item| ("updated", item)).collect(),
        Value::Object(members)
            if !is_old && EVENTS.iter().any(|(key, _)| members.get(*key).is_some_and(Value::is_array)) =>
        {
            let of = |(key, event)| {
                members.get(key).and_then(Value::as_array).into_iter().flatten().map(move |item| (event, item.clone()))
            };
            EVENTS.into_iter().flat_map(of).collect()
        }
        other => vec![("updated", other)],
    }
}

/// Events as they are, trackers in the event that `EasyPost` sends of them, and each file as a whole in an event of its kind.
fn easypost(folder: &Path, payloads: &mut Vec<Payload>) -> io::Result<()> {
    let part = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    for (name, text) in files(folder)? {
        let root: Value = serde_json::from_str(&text)?;
        let name = format!("{part}/{name}");
        let mut inner = Vec::new();
        objects(&root, &mut inner);
        let is_itself = matches!(inner.first(), Some(first) if std::ptr::eq(*first, &raw const root));
        let mut put = |at: &str, body: Value| {
            payloads.push(Payload {
                source: "easypost",
                name: format!("{name}{at}"),
                headers: Vec::new(),
                body: body.to_string(),
            });
        };
        if !is_itself {
            let kind = root.get("object").and_then(Value::as_str).unwrap_or("response").to_lowercase();
            put("", event(&format!("{name}-whole"), &format!("{kind}.updated"), &root));
        }
        for (at, object) in inner.into_iter().enumerate() {
            let is_event = object.get("object").is_some_and(|kind| kind == "Event");
            let id = format!("{name}-{at}");
            put(&format!("#{at}"), if is_event { object.clone() } else { event(&id, "tracker.updated", object) });
        }
    }
    Ok(())
}

fn event(id: &str, description: &str, result: &Value) -> Value {
    let at = result.get("updated_at").filter(|at| at.is_string()).cloned().unwrap_or_else(|| json!("2025-03-07T00:00:00Z"));
    json!({
        "id": format!("evt_{id}"), "object": "Event", "mode": "test", "description": description, "created_at": at,
        "status": "pending", "previous_attributes": {}, "result": result,
    })
}

/// Trackers and events, wherever they stand.
fn objects<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(members) if members.get("object").is_some_and(|kind| kind == "Tracker" || kind == "Event") => {
            found.push(value);
            members.values().for_each(|inner| objects(inner, found));
        }
        Value::Object(members) => members.values().for_each(|inner| objects(inner, found)),
        Value::Array(items) => items.iter().for_each(|inner| objects(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The examples of Track Alert: its webhook, and requests and answers of its interface, which are no events.
fn ups(folder: &Path, payloads: &mut Vec<Payload>) -> io::Result<()> {
    for (name, body) in files(folder)?.into_iter().filter(|(name, _)| name.contains("TrackAlert")) {
        payloads.push(Payload { source: "ups", name, headers: Vec::new(), body });
    }
    Ok(())
}
