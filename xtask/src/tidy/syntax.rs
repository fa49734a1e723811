//! Reading Rust for the rules: the flat list of words of a file, and what counts as a test.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

use super::tree::{Finding, Tree};

/// Rule `syntax`: a file that cannot be parsed escapes every other rule.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        if let Some(Err(error)) = &file.rust {
            findings.push(Finding::new(&file.path, error.line, format!("not Rust: {}", error.why)));
        }
    }
    findings
}

/// A token with its line. Brackets are words of their own and `::` is one word.
#[derive(Debug)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// All words in order. Comments are not words, and a doc comment is one literal.
pub(crate) fn words(tokens: &TokenStream) -> Vec<Word> {
    let mut words = Vec::new();
    flatten(tokens.clone(), &mut words);
    words
}

fn flatten(tokens: TokenStream, words: &mut Vec<Word>) {
    let mut colon_open = false;
    for token in tokens {
        let line = token.span().start().line;
        let mut push = |text: &str| {
            words.push(Word { text: text.to_owned(), line });
        };
        let was_open = std::mem::take(&mut colon_open);
        match token {
            TokenTree::Group(group) => {
                let (open, close) = brackets(group.delimiter());
                push(open);
                flatten(group.stream(), words);
                let line = group.span_close().start().line;
                words.push(Word { text: close.to_owned(), line });
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' && was_open => push("::"),
            TokenTree::Punct(punct) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint => {
                colon_open = true;
            }
            other => push(&other.to_string()),
        }
    }
}

fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

/// Whether the attributes make an item part of the tests: `#[cfg(test)]`, `#[test]`, `#[tokio::test]`.
pub(crate) fn marks_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        let is_test = path.segments.last().is_some_and(|last| last.ident == "test");
        let is_cfg_test = path.is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test");
        is_test || is_cfg_test
    })
}

/// Whether a whole file is test code by its place.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.starts_with("e2e/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_flat_and_comments_are_none() {
        let tokens: TokenStream = "// tokio\nuse a::{b, c};\nlet x: u8 = f(1);".parse().expect("valid tokens");
        let flat: Vec<String> = words(&tokens).into_iter().map(|word| word.text).collect();
        let expected = "use a :: { b , c } ; let x : u8 = f ( 1 ) ;";
        assert_eq!(flat.join(" "), expected);
    }

    #[test]
    fn attributes_and_places_of_tests_are_known() {
        for (text, expected) in [
            ("#[test] fn a() {}", true),
            ("#[tokio::test] fn a() {}", true),
            ("#[cfg(test)] fn a() {}", true),
            ("#[cfg(unix)] fn a() {}", false),
            ("#[inline] fn a() {}", false),
        ] {
            let item: syn::ItemFn = syn::parse_str(text).expect("valid function");
            assert_eq!(marks_test(&item.attrs), expected, "{text}");
        }
        assert!(is_test_file("crates/a/tests/x.rs"));
        assert!(is_test_file("crates/a/src/b/tests.rs"));
        assert!(!is_test_file("crates/a/src/contests.rs"));
    }
}
