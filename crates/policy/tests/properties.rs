//! Properties of a check: no text ends it, every place is inside of its file, and the formats for machines are what they
//! say they are.

use std::fs;
use std::path::Path;

use model::diagnostic::Place;
use policy::decode::ObjectKind;
use policy::decode::schema::schema;
use policy::fmt::{Formatted, format};
use policy::render::{self, Colour};
use policy::tree::{parse, to_json};
use policy::{Findings, SourceFile, check};
use proptest::prelude::*;

const PATHS: [&str; ObjectKind::ALL.len()] = [
    "systems/shop.yaml",
    "contracts/shopify.order/1.0.0.yaml",
    "mappings/shopify-order.yaml",
    "flows/orders-to-wms.yaml",
    "policies/labels.yaml",
    "teams/team-commerce.yaml",
    "tests/paid-order.yaml",
];

fn sample() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/check/ok");
    let more = [
        "teams/team-warehouse.yaml",
        "systems/wms.yaml",
        "contracts/sales.order.created.v1/1.0.0.yaml",
        "tests/orders/1.json",
    ];
    let read = |path: &&str| SourceFile::new(*path, fs::read_to_string(root.join(path)).expect("the sample is there"));
    PATHS.iter().chain(&more).map(read).collect()
}

/// Checks and renders in every way.
fn exercise(files: &[SourceFile]) -> Result<(), TestCaseError> {
    let (policy, diagnostics) = check(files);
    let has_error = diagnostics.iter().any(|it| it.severity == model::Severity::Error);
    prop_assert_eq!(policy.is_some(), !has_error);
    for diagnostic in &diagnostics {
        prop_assert!(policy::codes::info(diagnostic.code).is_some(), "{:?}", diagnostic);
        prop_assert!(!diagnostic.message.is_empty() && !diagnostic.message.ends_with('.'), "{:?}", diagnostic);
        let related = diagnostic.related.iter().map(|related| &related.place);
        for place in std::iter::once(&diagnostic.place).chain(related) {
            let Place::File { path, span } = place else { continue };
            let file = files.iter().find(|file| file.path == *path);
            let inside = file.and_then(|file| file.text.get(span.start as usize..span.end as usize));
            prop_assert!(inside.is_some(), "{:?}", diagnostic);
        }
    }
    for colour in [Colour::Plain, Colour::Ansi] {
        let _ = render::text(&diagnostics, files, colour);
    }
    prop_assert_eq!(render::json_lines(&diagnostics, files).lines().count(), diagnostics.len());
    prop_assert_eq!(render::github(&diagnostics, files).lines().count(), diagnostics.len());
    let _ = (render::json(&diagnostics, files), render::sarif(&diagnostics, files));
    for file in files {
        let _ = format(file);
    }
    Ok(())
}

/// The sample with a piece of one file cut out and another text put in its place.
fn damaged() -> impl Strategy<Value = Vec<SourceFile>> {
    let pieces = prop::sample::select(vec![
        "", " ", "\n", "  ", ": ", "- ", "[", "}", "'", "\"", "#", "x", "\u{e9}", "&a ", "*a", "!t ", "|", "\t", "null",
        "?", "%", "0", "a: b\n",
    ]);
    let edits =
        prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_usize..30, pieces), 1..4);
    edits.prop_map(|edits| {
        let mut files = sample();
        for (file, at, length, piece) in edits {
            let text = &mut files[file.index(PATHS.len())].text;
            let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let Some(from) = starts.get(at.index(starts.len().max(1))).copied() else { continue };
            let to = starts.iter().copied().find(|start| *start >= from + length).unwrap_or(text.len());
            text.replace_range(from..to, piece);
        }
        files
    })
}

proptest! {
    #[test]
    fn no_text_ends_a_check(path in prop::sample::select(PATHS.to_vec()), text in any::<String>()) {
        exercise(&[SourceFile::new(path, text)])?;
    }

    #[test]
    fn no_yaml_like_text_ends_a_check(
        path in prop::sample::select(PATHS.to_vec()),
        text in "(owner|on|to|fields|each|verify|sources|waits|given|schema|x| |  |\n|\n  |: |- |\\[|\\]|\\{|\\}|'|\"|,|1|a|#|\\||\u{e9}){0,40}",
    ) {
        exercise(&[SourceFile::new(path, text)])?;
    }

    #[test]
    fn no_damage_to_a_project_ends_its_check(files in damaged()) {
        exercise(&files)?;
    }

    #[test]
    fn a_file_in_style_says_the_same(files in damaged()) {
        let (before, _) = check(&files);
        let styled: Vec<SourceFile> = files
            .iter()
            .map(|file| match format(file) {
                Formatted::Changed(text) => SourceFile::new(file.path.clone(), text),
                Formatted::Same | Formatted::Left { .. } => file.clone(),
            })
            .collect();
        prop_assert!(policy::plan::plan(&files, &styled).is_empty());
        prop_assert_eq!(before.is_some(), check(&styled).0.is_some());
    }
}

#[test]
fn the_sample_satisfies_the_schemas_for_editors() {
    for (path, kind) in PATHS.iter().zip(ObjectKind::ALL) {
        let files = sample();
        let file = files.iter().find(|file| file.path == *path).expect("a file");
        let root = parse(&file.text, &mut Findings::new()).expect("a tree");
        let validator = jsonschema::validator_for(&schema(kind)).expect("a schema");
        let errors: Vec<String> =
            validator.iter_errors(&to_json(&root)).map(|error| format!("{} {error}", error.instance_path())).collect();
        assert_eq!(errors, [""; 0], "{path}");
    }
}

#[test]
fn too_many_mistakes_are_counted_and_not_kept() {
    let keys: Vec<String> = (0..3_000).map(|no| format!("k{no}: 1\n")).collect();
    let (_, diagnostics) = check(&[SourceFile::new("flows/a.yaml", keys.concat())]);
    assert_eq!(diagnostics.len(), model::limit::DIAGNOSTICS_MAX + 1);
    assert_eq!(diagnostics.last().map(|last| last.code), Some(policy::codes::LEFT_OUT));
}

#[test]
fn too_many_or_too_large_files_are_refused() {
    let many: Vec<SourceFile> =
        (0..=model::limit::PROJECT_FILES_MAX).map(|no| SourceFile::new(format!("flows/f{no}.yaml"), "")).collect();
    let codes = |files: &[SourceFile]| check(files).1.iter().map(|it| it.code).collect::<Vec<_>>();
    assert_eq!(codes(&many), [policy::codes::TOO_MANY_FILES]);
    let large = SourceFile::new("flows/a.yaml", "#".repeat(model::limit::PROJECT_FILE_BYTES_MAX + 1));
    assert_eq!(codes(&[large]), [policy::codes::FILE_TOO_LARGE]);
    let twice = SourceFile::new("policies/a.yaml", "waits: [1s]\nend: hold\n");
    assert_eq!(codes(&[twice.clone(), twice]), [policy::codes::FILE_TWICE]);
}
