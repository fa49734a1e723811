//! JSON for machines: one document, or one line for each diagnostic. Members are only ever added.

use model::Diagnostic;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Located, Texts, tally, word};
use crate::{SourceFile, codes};

/// The name and version of this format.
const SCHEMA: &str = "crossdock/check/1";

#[derive(Serialize)]
struct Row {
    code: String,
    title: &'static str,
    severity: &'static str,
    message: String,
    #[serde(flatten)]
    place: Located,
    label: String,
    help: String,
    related: Vec<RelatedRow>,
}

#[derive(Serialize)]
struct RelatedRow {
    message: String,
    #[serde(flatten)]
    place: Located,
}

/// One document with all diagnostics.
pub fn json(diagnostics: &[Diagnostic], files: &[SourceFile]) -> Value {
    let texts = Texts::of(files);
    let (errors, warnings) = tally(diagnostics);
    let rows: Vec<Row> = diagnostics.iter().map(|diagnostic| row(diagnostic, &texts)).collect();
    json!({ "schema": SCHEMA, "errors": errors, "warnings": warnings, "diagnostics": rows })
}

/// One line for each diagnostic.
pub fn json_lines(diagnostics: &[Diagnostic], files: &[SourceFile]) -> String {
    let texts = Texts::of(files);
    let mut lines = String::new();
    for diagnostic in diagnostics {
        let mut line = json!({ "schema": SCHEMA });
        if let (Some(line), Value::Object(members)) = (line.as_object_mut(), json!(row(diagnostic, &texts))) {
            line.extend(members);
        }
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    lines
}

fn row(diagnostic: &Diagnostic, texts: &Texts<'_>) -> Row {
    let related = |related: &model::diagnostic::Related| RelatedRow {
        message: related.message.clone(),
        place: texts.locate(&related.place),
    };
    Row {
        code: diagnostic.code.to_string(),
        title: codes::title(diagnostic.code),
        severity: word(diagnostic.severity),
        message: diagnostic.message.clone(),
        place: texts.locate(&diagnostic.place),
        label: diagnostic.label.clone(),
        help: diagnostic.help.clone(),
        related: diagnostic.related.iter().map(related).collect(),
    }
}
