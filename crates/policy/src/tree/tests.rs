//! The tree by example: what spans cover, what is refused, and that no text can end it.

use proptest::prelude::*;

use super::*;
use crate::{Findings, codes};

fn tree(text: &str) -> Node {
    let mut findings = Findings::new();
    let node = parse(text, &mut findings);
    assert_eq!(findings.into_sorted(), [], "{text}");
    node.expect("a tree")
}

fn covered(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).expect("a span is inside of its text and between characters")
}

/// Every node with the text that its span covers.
fn spans(node: &Node, text: &str, out: &mut Vec<String>) {
    let covered = |span: Span| covered(text, span).to_owned();
    match &node.shape {
        Shape::Scalar(_) => out.push(covered(node.span)),
        Shape::List(items) => {
            out.push(format!("list {:?}", covered(node.span)));
            for item in items {
                spans(item, text, out);
            }
        }
        Shape::Map(entries) => {
            out.push(format!("map {:?}", covered(node.span)));
            for Entry { key, value } in entries {
                out.push(format!("{}:", covered(key.span)));
                spans(value, text, out);
            }
        }
    }
}

fn covers(text: &str, expected: &[&str]) {
    let mut seen = Vec::new();
    spans(&tree(text), text, &mut seen);
    assert_eq!(seen, expected, "{text}");
}

#[test]
fn spans_cover_what_was_written() {
    covers("a: b c  # d\n", &["map \"a: b c\"", "a:", "b c"]);
    covers("a: 'b ''c'\n\"d\": \"e\"\n", &["map \"a: 'b ''c'\\n\\\"d\\\": \\\"e\"", "a:", "b ''c", "d:", "e"]);
    covers(
        "a: [x, { y: z }]\n",
        &["map \"a: [x, { y: z }]\"", "a:", "list \"[x, { y: z }]\"", "x", "map \"{ y: z }\"", "y:", "z"],
    );
    covers(
        "a:\n  - x\n  - [y]\n",
        &["map \"a:\\n  - x\\n  - [y]\"", "a:", "list \"- x\\n  - [y]\"", "x", "list \"[y]\"", "y"],
    );
    covers("a:\n- [x]\n- y\n", &["map \"a:\\n- [x]\\n- y\"", "a:", "list \"- [x]\\n- y\"", "list \"[x]\"", "x", "y"]);
    covers("a:\n- { x: y }\n", &["map \"a:\\n- { x: y }\"", "a:", "list \"- { x: y }\"", "map \"{ x: y }\"", "x:", "y"]);
    covers("- a: b\n  c: d\n", &["list \"- a: b\\n  c: d\"", "map \"a: b\\n  c: d\"", "a:", "b", "c:", "d"]);
    covers(
        "a: |\n  x\n\n   y\n\nb: >-\n  z\n",
        &["map \"a: |\\n  x\\n\\n   y\\n\\nb: >-\\n  z\"", "a:", "x\n\n   y", "b:", "z"],
    );
    covers("a:\nb: ~\nc: x\n  y\n", &["map \"a:\\nb: ~\\nc: x\\n  y\"", "a:", "", "b:", "~", "c:", "x\n  y"]);
}

#[test]
fn spans_are_bytes_where_characters_have_several() {
    covers(
        "gr\u{f6}\u{df}e: \u{1f600} x\nn: ['\u{e9}', y]\n",
        &[
            "map \"gr\u{f6}\u{df}e: \u{1f600} x\\nn: ['\u{e9}', y]\"",
            "gr\u{f6}\u{df}e:",
            "\u{1f600} x",
            "n:",
            "list \"['\u{e9}', y]\"",
            "\u{e9}",
            "y",
        ],
    );
    covers("\r\na: \u{e9}\r\nb: x\r\n", &["map \"a: \u{e9}\\r\\nb: x\"", "a:", "\u{e9}", "b:", "x"]);
}

#[test]
fn scalars_keep_their_text() {
    let root = tree("a: NO\nb: 021\nc: '021'\nd: \"x\\ty\"\ne: |\n  l1\n  l2\n");
    let scalar = |key: &str| root.entry(key).and_then(|entry| entry.value.scalar()).map(|it| (it.text.as_str(), it.style));
    assert_eq!(scalar("a"), Some(("NO", Style::Plain)));
    assert_eq!(scalar("b"), Some(("021", Style::Plain)));
    assert_eq!(scalar("c"), Some(("021", Style::Quoted)));
    assert_eq!(scalar("d"), Some(("x\ty", Style::Quoted)));
    assert_eq!(scalar("e"), Some(("l1\nl2\n", Style::Block)));
}

#[test]
fn what_a_person_does_not_need_is_refused_at_its_place() {
    for (text, code, covered) in [
        ("a: 1\na: 2\n", codes::KEY_TWICE, "a"),
        ("a: &x 1\n", codes::ANCHOR, "&x 1"),
        ("a: *x\n", codes::SYNTAX, "*x"),
        ("a: &x 1\nb: *x\n", codes::ANCHOR, "&x 1"),
        ("a: !int 1\n", codes::TAG, "!int 1"),
        ("a: !exists(.x)\n", codes::TAG, "!exists(.x)"),
        ("<<: { a: 1 }\n", codes::ANCHOR, "<<"),
        ("a: 1\n---\nb: 2\n", codes::DOCUMENTS, "---"),
        ("[a]: 1\n", codes::KEY_NO_TEXT, "[a]"),
        ("a:\n\tb: 1\n", codes::TAB, "\t"),
        ("a: b\n\tc: 1\n", codes::TAB, "\t"),
        ("a: %b\n", codes::SYNTAX, "%b"),
        ("a: \"x\" + .b\n", codes::SYNTAX, "+ .b"),
        ("a: b: c\n", codes::SYNTAX, ": c"),
        ("a: [b\n", codes::SYNTAX, "a: [b"),
        ("a\u{0}: b\n", codes::CONTROL_CHARACTER, "\u{0}"),
        ("a: caf\u{fffd}\n", codes::NOT_UTF8, "\u{fffd}"),
        ("", codes::EMPTY_FILE, ""),
        ("# nothing\n", codes::EMPTY_FILE, ""),
    ] {
        let mut findings = Findings::new();
        parse(text, &mut findings);
        let found = findings.into_sorted();
        let first = found.first().unwrap_or_else(|| panic!("{text:?} is refused"));
        let model::diagnostic::Place::File { span, .. } = &first.place else { panic!("a place in the file") };
        let seen = self::covered(text, *span);
        assert_eq!((first.code, seen), (code, covered), "{text:?}: {}", first.message);
    }
}

#[test]
fn what_is_hostile_ends_at_a_limit() {
    for text in ["[".repeat(100_000), "- ".repeat(100_000), "a: {".repeat(50_000), "x".repeat(2 << 20), "? ".repeat(10_000)]
    {
        let mut findings = Findings::new();
        assert_eq!(parse(&text, &mut findings), None);
        assert!(findings.has_error());
    }
    let laughs: Vec<String> = (0..30).map(|no| format!("b{no}: &b{no} [*a, *a]\n")).collect();
    let laughs = format!("a: &a [x, x]\n{}", laughs.concat());
    let mut findings = Findings::new();
    assert_eq!(parse(&laughs, &mut findings), None);
}

#[test]
fn pointers_lead_to_keys_and_items() {
    let text = "p:\n  a/b: [x, { c: d }]\n";
    let root = tree(text);
    let at = |pointer: &str| covered(text, root.at_pointer(pointer));
    assert_eq!(at("/p/a~1b"), "a/b");
    assert_eq!(at("/p/a~1b/1/c"), "c");
    assert_eq!(at("/p/a~1b/0"), "x");
    assert_eq!(at("/p/a~1b/7/c"), "a/b");
    assert_eq!(at("/nowhere"), "p:\n  a/b: [x, { c: d }]");
}

proptest! {
    #[test]
    fn no_text_ends_the_parser(text in any::<String>()) {
        let _ = parse(&text, &mut Findings::new());
    }

    #[test]
    fn no_yaml_like_text_ends_the_parser_and_spans_are_inside(text in "[a-c:#\\-\n \"'{}\\[\\]|>?&*!%@\t,\u{e9}\u{1f600}\r]{0,80}") {
        let mut findings = Findings::new();
        if let Some(root) = parse(&text, &mut findings) {
            let mut seen = Vec::new();
            spans(&root, &text, &mut seen);
        }
        for diagnostic in findings.into_sorted() {
            let model::diagnostic::Place::File { span, .. } = diagnostic.place else { continue };
            prop_assert!(text.get(span.start as usize..span.end as usize).is_some(), "{:?} {:?}", text, span);
        }
    }
}
