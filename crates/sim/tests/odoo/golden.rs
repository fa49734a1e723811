//! Golden exchanges: each file of `corpus/odoo/documented` is sent to a fresh Odoo, after those that it names, and the answer
//! has to be the documented one. Times agree in form; what the seed data number otherwise is named in the file as loose.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use sim::odoo::{Reply, Request, Version};

use crate::bed::Bed;

fn folder(version: Version) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../corpus/odoo/documented/{}", version.major()))
}

fn exchanges(version: Version) -> BTreeMap<String, Json> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder(version)).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("it is well formed").to_str().expect("it is well formed").to_owned();
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let exchange = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        all.insert(name, exchange);
    }
    all
}

#[test]
fn documented_exchanges_of_18_are_answered_as_documented() {
    check(Version::V18);
}

#[test]
fn documented_exchanges_of_19_are_answered_as_documented() {
    check(Version::V19);
}

fn check(version: Version) {
    let all = exchanges(version);
    let list = std::fs::read_to_string(folder(version).join("../expected.txt")).expect("the list of the exchanges");
    let listed: Vec<String> =
        list.lines().filter(|line| line.starts_with(&version.major().to_string())).map(str::to_owned).collect();
    let there: Vec<String> = all.keys().map(|name| format!("{}/{name}", version.major())).collect();
    assert_eq!(listed, there, "corpus/odoo/documented/expected.txt lists what is there");
    let mut wrong = Vec::new();
    for (name, exchange) in &all {
        let bed = Bed::new(version);
        let mut cookie = String::new();
        for earlier in before(&all, name) {
            send(&bed, &all[&earlier], &mut cookie);
        }
        let reply = send(&bed, exchange, &mut cookie);
        if let Err(difference) = compare(exchange, &reply) {
            wrong.push(format!("{name}: {difference}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The exchanges that come before one, each once, in order.
fn before(all: &BTreeMap<String, Json>, name: &str) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for earlier in all[name]["after"].as_array().into_iter().flatten() {
        let earlier = earlier.as_str().expect("it is well formed").to_owned();
        assert!(all.contains_key(&earlier), "{name} comes after {earlier}, which is not there");
        for one in before(all, &earlier).into_iter().chain([earlier]) {
            if !list.contains(&one) {
                list.push(one);
            }
        }
    }
    list
}

fn send(bed: &Bed, exchange: &Json, cookie: &mut String) -> Reply {
    let request = &exchange["request"];
    let fill = |text: &str| {
        text.replace("<db>", &bed.odoo.database())
            .replace("<login>", bed.odoo.login())
            .replace("<password>", "admin")
            .replace("<key>", bed.odoo.key())
            .replace("<cookie>", cookie)
    };
    let body = match &request["body"] {
        Json::Null => String::new(),
        Json::String(raw) => fill(raw),
        other => fill(&other.to_string()),
    };
    let mut headers = http::HeaderMap::new();
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        let name: http::HeaderName = name.parse().expect("it is well formed");
        headers.insert(name, fill(value.as_str().expect("it is well formed")).parse().expect("it is well formed"));
    }
    let method = request["method"].as_str().expect("it is well formed").parse().expect("it is well formed");
    let path = request["path"].as_str().expect("it is well formed").to_owned();
    let reply = bed.answer(&Request { method, path, headers, body: body.into_bytes() });
    let set = reply.headers.iter().find(|(name, _)| *name == "set-cookie");
    if let Some((_, set)) = set {
        set.split(';').next().unwrap_or_default().trim_start_matches("session_id=").clone_into(cookie);
    }
    reply
}

fn compare(exchange: &Json, reply: &Reply) -> Result<(), String> {
    let expected = &exchange["response"];
    let loose: Vec<&str> = exchange["loose"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    if expected["status"].as_u64() != Some(u64::from(reply.status.as_u16())) {
        return Err(format!("status {} with {body}", reply.status));
    }
    for (name, value) in expected["headers"].as_object().into_iter().flatten() {
        let found = reply.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let value = value.as_str().expect("it is well formed");
        if found.is_none_or(|found| !same_text(value, found)) {
            return Err(format!("header {name} is {found:?}"));
        }
    }
    match &expected["body"] {
        Json::String(text) if reply.value().is_null() && body.contains(text.as_str()) => Ok(()),
        Json::String(text) => Err(format!("no {text:?} in {body}")),
        wanted => same(wanted, &reply.value(), ("", &loose)).map_err(|place| format!("{place}: {body}")),
    }
}

/// The same in all that is said: an object with `...` among its keys says only a part of it.
fn same(expected: &Json, found: &Json, (place, loose): (&str, &[&str])) -> Result<(), String> {
    if loose.contains(&place) && std::mem::discriminant(expected) == std::mem::discriminant(found) {
        return Ok(());
    }
    match (expected, found) {
        (Json::Object(expected), Json::Object(found)) => {
            let is_part = expected.contains_key("...");
            let extra = found.keys().find(|key| !expected.contains_key(*key));
            if let Some(extra) = extra.filter(|_| !is_part) {
                return Err(format!("{place}/{extra} is not documented"));
            }
            for (key, value) in expected.iter().filter(|(key, _)| *key != "...") {
                let at = format!("{place}/{key}");
                same(value, found.get(key).ok_or_else(|| format!("{at} is missing"))?, (&at, loose))?;
            }
            Ok(())
        }
        (Json::Array(expected), Json::Array(found)) if expected.len() == found.len() => {
            let pairs = expected.iter().zip(found).enumerate();
            pairs.into_iter().try_for_each(|(at, (left, right))| same(left, right, (&format!("{place}/{at}"), loose)))
        }
        (Json::String(expected), Json::String(found)) if same_text(expected, found) => Ok(()),
        (Json::Number(expected), Json::Number(found)) if expected.as_f64() == found.as_f64() => Ok(()),
        (expected, found) if expected == found => Ok(()),
        (expected, found) => Err(format!("{place} is {found} and not {expected}")),
    }
}

fn same_text(expected: &str, found: &str) -> bool {
    let is_moment = |text: &str| text.len() == 19 && text.as_bytes()[4] == b'-' && text.as_bytes()[13] == b':';
    let is_key = |text: &str| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match expected.split_once("...") {
        Some((start, end)) => found.starts_with(start) && found.ends_with(end),
        None if expected == "<40 hex>" => is_key(found),
        None => expected == found || (is_moment(expected) && is_moment(found)),
    }
}
