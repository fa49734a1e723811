//! Formatting by example and by property: it changes only the layout, and nothing the second time.

use proptest::prelude::*;

use super::*;

fn formatted(text: &str) -> Formatted {
    format(&SourceFile::new("flows/a.yaml", text))
}

fn check(text: &str, expected: &str) {
    assert_eq!(formatted(text), Formatted::Changed(expected.to_owned()), "{text}");
    assert_eq!(formatted(expected), Formatted::Same, "{expected}");
}

#[test]
fn top_level_keys_take_their_comments_along() {
    check(
        "# The flow of orders.\n\n# Where to.\nto: wms  # the big one\n\n\n# Whose.\nowner: team\non:\n    types: [a]\n    # more to come\n# the end\n",
        "# The flow of orders.\n\n# Whose.\nowner: team\non:\n  types: [a]\n  # more to come\n# Where to.\nto: wms  # the big one\n# the end\n",
    );
}

#[test]
fn levels_have_two_spaces_and_lines_no_blanks_at_their_end() {
    check(
        "owner: team   \r\non:\r\n     types:\r\n     - a\r\n     -   b\r\n     where: .a ==\r\n          \"x\"\r\n\r\n\r\nto: wms",
        "owner: team\non:\n  types:\n    - a\n    - b\n  where: .a ==\n       \"x\"\n\nto: wms\n",
    );
}

#[test]
fn block_texts_and_braces_keep_what_is_inside() {
    check(
        "owner: team\non:\n    types: [\n        a,   # first\n        b\n    ]\n    where: |\n        x = 1  \n\n          # no comment\n        true\nto: wms\n",
        "owner: team\non:\n  types: [\n      a,   # first\n      b\n  ]\n  where: |\n    x = 1  \n\n      # no comment\n    true\nto: wms\n",
    );
}

#[test]
fn lists_of_maps_line_up() {
    check(
        "owner: team\nto:\n- flow: a\n  to: b\n  # after\n-  flow:\n     x: 1\n   to: d\n",
        "owner: team\nto:\n  - flow: a\n    to: b\n    # after\n  - flow:\n      x: 1\n    to: d\n",
    );
}

#[test]
fn what_is_not_understood_is_left_with_a_reason() {
    for text in [
        "owner: [\n",
        "{ owner: a }\n",
        "owner: a\nto:\n  - - a\n",
        "owner: a\nto: |2\n    a\n",
        "owner: a\nto: |+\n  a\n\n\n",
        "? owner\n: a\n",
        "- a\n",
    ] {
        assert!(matches!(formatted(text), Formatted::Left { .. }), "{text:?} gives {:?}", formatted(text));
    }
    assert_eq!(format(&SourceFile::new("README.md", "a  \n")), Formatted::Same);
}

/// A document of maps, lists, scalars, comments and empty lines with wild indentation.
fn document() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec!["to", "owner", "on", "summary", "deliver", "x", "'quoted'"]);
    prop::collection::vec((key, block(3), noise()), 1..6).prop_map(|entries| {
        let mut seen = std::collections::BTreeSet::new();
        let mut text = String::new();
        for (key, body, noise) in entries {
            if seen.insert(key) {
                text.push_str(&noise);
                text.push_str(&entry(key, &body, 0));
            }
        }
        text
    })
}

#[derive(Clone, Debug)]
enum Body {
    Scalar(&'static str),
    Map(usize, Vec<(String, Body)>),
    List(usize, Vec<Body>),
}

fn block(depth: u32) -> impl Strategy<Value = Body> {
    let scalars = vec![
        "a",
        "\"b  c\"",
        "'d'",
        ".x == \"y\"  ",
        "{ a: 1, b: [c] }",
        "[a,\n            b]",
        "|\n            t\n              u\n\n            v",
        "long\n            text",
    ];
    let leaf = prop::sample::select(scalars).prop_map(Body::Scalar);
    leaf.prop_recursive(depth, 12, 4, |inner| {
        let entries = prop::collection::btree_map("[a-c]{1,2}", inner.clone(), 1..4);
        prop_oneof![
            (1_usize..5, entries).prop_map(|(step, entries)| Body::Map(step, entries.into_iter().collect())),
            (0_usize..4, prop::collection::vec(inner, 1..4)).prop_map(|(step, items)| Body::List(step, items)),
        ]
    })
}

fn noise() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["\n", "# top\n", "   # in\n", "  \n", "      # deep\n"]), 0..4)
        .prop_map(|lines| lines.concat())
}

fn entry(key: &str, body: &Body, indent: usize) -> String {
    let pad = " ".repeat(indent);
    match body {
        Body::Scalar(text) => format!("{pad}{key}: {}\n", shifted(text, indent)),
        Body::Map(step, entries) => {
            let inner: String = entries.iter().map(|(key, body)| entry(key, body, indent + step)).collect();
            format!("{pad}{key}:\n{inner}")
        }
        Body::List(step, items) => {
            let inner: String = items.iter().map(|body| item(body, indent + step)).collect();
            format!("{pad}{key}: # list\n{inner}")
        }
    }
}

fn item(body: &Body, indent: usize) -> String {
    let pad = " ".repeat(indent);
    match body {
        Body::Scalar(text) => format!("{pad}- {}\n", shifted(text, indent)),
        Body::Map(_, entries) => {
            let inner: String = entries.iter().map(|(key, body)| entry(key, body, indent + 2)).collect();
            format!("{pad}- {}", inner.trim_start())
        }
        Body::List(step, items) => {
            let inner: String = items.iter().map(|body| item(body, indent + 2 + step)).collect();
            format!("{pad}- k:\n{inner}")
        }
    }
}

fn shifted(text: &str, indent: usize) -> String {
    text.replace('\n', &format!("\n{}", " ".repeat(indent)))
}

proptest! {
    #[test]
    fn formatting_changes_the_layout_and_nothing_else(text in document()) {
        if let Formatted::Changed(once) = formatted(&text) {
            let (before, after) = (read(&text).expect("it was read"), read(&once).expect("it can be read"));
            prop_assert!(before.same(&after));
            prop_assert_eq!(formatted(&once), Formatted::Same, "{}\n---\n{}", text, once);
            for comment in ["# top", "# in", "# deep", "# list"] {
                prop_assert_eq!(text.matches(comment).count(), once.matches(comment).count());
            }
        }
    }

    #[test]
    fn most_documents_can_be_formatted(text in document()) {
        prop_assume!(!text.contains("- |"));
        prop_assume!(!text.contains("- long"));
        let is_left = matches!(formatted(&text), Formatted::Left { .. });
        prop_assert!(!is_left || read(&text).is_none(), "{}", text);
    }

    #[test]
    fn any_text_can_be_given(text in "[ a:#\\-\n\"'{}\\[\\]|>?&*!%\t\u{e9}]{0,60}") {
        if let Formatted::Changed(once) = formatted(&text) {
            prop_assert_eq!(formatted(&once), Formatted::Same);
        }
    }
}
