//! What becomes of the answers that a running Odoo 18 and 19 gave: recorded exchanges, each with a word for it in `expected.txt`. `UPDATE=1` writes the words anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Failure, json2, rpc};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/odoo")
}

/// The answers of a folder by their files' names: path, status and body.
fn answers(folder: &Path) -> BTreeMap<String, (String, u16, Vec<u8>)> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: &PathBuf| {
        let exchange: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let response = &exchange["response"];
        let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
        let body = match &response["body"] {
            Value::String(text) => text.clone().into_bytes(),
            body => body.to_string().into_bytes(),
        };
        (exchange["request"]["path"].as_str().unwrap().to_owned(), status, body)
    };
    let is_exchange = |path: &PathBuf| path.extension().is_some_and(|end| end == "json");
    files.filter(is_exchange).map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), read(&path))).collect()
}

fn word(answer: &Result<Value, Failure>) -> String {
    match answer {
        Ok(Value::Null) => "nothing".to_owned(),
        Ok(_) => "a result".to_owned(),
        Err(failure @ Failure::Said { name, .. }) => format!("{} ({name})", failure.unread().cause),
        Err(failure) => failure.unread().cause.to_owned(),
    }
}

#[test]
fn every_recorded_answer_is_understood() {
    let mut told = String::new();
    for (name, (path, status, body)) in answers(&corpus().join("exchanges/18")) {
        assert_eq!(path, rpc::PATH, "{name}");
        writeln!(told, "18/{name}: {}", word(&rpc::answer(status, &body))).unwrap();
    }
    for (name, (path, status, body)) in answers(&corpus().join("exchanges/19")) {
        let is_call = path.starts_with("/json/2/");
        assert!(is_call || path == json2::VERSION_PATH, "{name}");
        writeln!(told, "19/{name}: {}", word(&json2::answer(status, &body))).unwrap();
    }
    check(&corpus().join("exchanges/expected.txt"), &told);
}

#[expect(clippy::disallowed_methods, reason = "UPDATE=1 writes what is expected anew")]
fn check(path: &Path, told: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, told).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(expected == told, "UPDATE=1 writes {} anew:\n{told}", path.display());
}
