//! Lengths on small trees: limits, the ratchet's four answers, names, test code.

use super::*;

fn file(lines: usize) -> String {
    format!("//! A.\n{}", "// x\n".repeat(lines - 1))
}

fn function(name: &str, lines: usize) -> String {
    format!("fn {name}() {{\n{}}}\n", "    // x\n".repeat(lines - 2))
}

fn seen(files: &[(&str, &str)]) -> Vec<String> {
    check(&Tree::of(files)).into_iter().map(|it| format!("{}:{} {}", it.path, it.line, it.message)).collect()
}

fn one(files: &[(&str, &str)], part: &str) {
    let seen = seen(files);
    assert!(seen.len() == 1 && seen[0].contains(part), "expected `{part}`, got {seen:#?}");
}

#[test]
fn a_file_is_free_to_400_lines_and_stops_at_600() {
    let (at, above, over) = (file(400), file(401), file(601));
    assert_eq!(seen(&[("a.rs", &at)]), Vec::<String>::new());
    one(&[("a.rs", &above)], "401 lines, 400 at most");
    one(&[("a.rs", &over), (ratchet::PATH, "[files]\n\"a.rs\" = 601\n")], "a file stops at 600");
    assert_eq!(seen(&[("a.md", &over)]), Vec::<String>::new());
}

#[test]
fn the_ratchet_holds_the_present_length_exactly() {
    let above = file(420);
    assert_eq!(seen(&[("a.rs", &above), (ratchet::PATH, "[files]\n\"a.rs\" = 420\n")]), Vec::<String>::new());
    one(&[("a.rs", &above), (ratchet::PATH, "[files]\n\"a.rs\" = 410\n")], "grew from 410 to 420");
    one(&[("a.rs", &above), (ratchet::PATH, "[files]\n\"a.rs\" = 430\n")], "shrank from 430 to 420");
    one(&[(ratchet::PATH, "[files]\n\"a.rs\" = 430\n")], "remove the entry");
    one(&[(ratchet::PATH, "[file]\n")], "unknown field");
}

#[test]
fn an_entry_is_not_raised_between_commits() {
    let above = file(420);
    let mut tree = Tree::of(&[("a.rs", &above), (ratchet::PATH, "[files]\n\"a.rs\" = 420\n")]);
    tree.ratchet_before = Some("[files]\n\"a.rs\" = 410\n".to_owned());
    let findings = check(&tree);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].message, "[files] `a.rs` was raised from 410 to 420");
}

#[test]
fn a_function_has_70_lines_and_a_test_100() {
    let long = function("long", 71);
    one(&[("a.rs", &function("short", 70)), ("b.rs", &long)], "split `b.rs::long`");
    one(&[("a.rs", &format!("\nimpl A {{\n{long}}}\n"))], "a.rs:3 71 lines, 70 at most: split `a.rs::A::long`");
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function("long", 100));
    assert_eq!(seen(&[("a.rs", &tests)]), Vec::<String>::new());
    assert_eq!(seen(&[("crates/a/tests/b.rs", &function("long", 100))]), Vec::<String>::new());
    one(&[("crates/a/tests/b.rs", &function("long", 101))], "100 at most");
    let entry = "[functions]\n\"b.rs::long\" = 71\n";
    assert_eq!(seen(&[("b.rs", &long), (ratchet::PATH, entry)]), Vec::<String>::new());
}

#[test]
fn a_function_has_five_parameters_and_a_trait_counts_them_once() {
    let six = "(&self, a: u8, b: u8, c: u8, d: u8, e: u8)";
    one(&[("a.rs", &format!("impl A {{ fn f{six} {{}} }}"))], "6 parameters, 5 at most");
    one(&[("a.rs", &format!("trait T {{ fn f{six}; }}"))], "6 parameters, 5 at most");
    assert_eq!(seen(&[("a.rs", &format!("impl T for A {{ fn f{six} {{}} }}"))]), Vec::<String>::new());
    assert_eq!(seen(&[("a.rs", "fn f(a: u8, b: u8, c: u8, d: u8, e: u8) {}")]), Vec::<String>::new());
}
