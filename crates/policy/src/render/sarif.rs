//! SARIF 2.1.0, which code hosts and editors show beside the lines.

use std::collections::BTreeSet;

use model::diagnostic::Place;
use model::{Code, Diagnostic};
use serde_json::{Value, json};

use super::{Located, Texts, word};
use crate::{SourceFile, codes};

/// One run with all diagnostics.
pub fn sarif(diagnostics: &[Diagnostic], files: &[SourceFile]) -> Value {
    let texts = Texts::of(files);
    let used: Vec<Code> = diagnostics.iter().map(|it| it.code).collect::<BTreeSet<_>>().into_iter().collect();
    let rules: Vec<Value> = used.iter().map(|code| rule(*code)).collect();
    let results: Vec<Value> = diagnostics.iter().map(|diagnostic| result(diagnostic, &used, &texts)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "crossdock", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.to_string(),
        "shortDescription": { "text": codes::title(code) },
        "help": { "text": codes::title(code), "markdown": codes::page(code).unwrap_or_default() },
    })
}

fn result(diagnostic: &Diagnostic, used: &[Code], texts: &Texts<'_>) -> Value {
    let mut text = diagnostic.message.clone();
    for further in [&diagnostic.label, &diagnostic.help] {
        if !further.is_empty() {
            text.push_str("; ");
            text.push_str(further);
        }
    }
    let related = diagnostic.related.iter().filter_map(|related| {
        let mut location = location(&related.place, texts)?;
        location["message"] = json!({ "text": related.message });
        Some(location)
    });
    json!({
        "ruleId": diagnostic.code.to_string(),
        "ruleIndex": used.binary_search(&diagnostic.code).ok(),
        "level": word(diagnostic.severity),
        "message": { "text": text },
        "locations": location(&diagnostic.place, texts).into_iter().collect::<Vec<_>>(),
        "relatedLocations": related.collect::<Vec<_>>(),
    })
}

fn location(place: &Place, texts: &Texts<'_>) -> Option<Value> {
    let Located { file, start, end, .. } = texts.locate(place);
    let (file, start, end) = (file?, start?, end?);
    Some(json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&file) },
            "region": {
                "startLine": start.line,
                "startColumn": start.column,
                "endLine": end.line,
                "endColumn": end.column,
            },
        },
    }))
}

fn hex_digit(nibble: u8) -> String {
    format!("{nibble:X}")
}

/// A path as a relative URI.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.extend(["%", &hex_digit(byte >> 4), &hex_digit(byte & 15)]);
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("flows/a b.yaml"), "flows/a%20b.yaml");
    }
}
