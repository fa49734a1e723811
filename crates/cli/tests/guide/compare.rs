//! What is shown against what was printed. Runs of blanks count as one; `[..]` stands for anything in a line, a line `...`
//! for any lines.

/// Whether everything that was printed is shown.
pub(crate) fn fits(shown: &[String], printed: &str) -> bool {
    let shown: Vec<String> = shown.iter().map(|line| plain(line)).filter(|line| !line.is_empty()).collect();
    let printed: Vec<String> = printed.lines().map(plain).filter(|line| !line.is_empty()).collect();
    lines(&shown, &printed)
}

fn plain(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn lines(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "..." => (0..=printed.len()).any(|skipped| lines(rest, &printed[skipped..])),
        Some((first, rest)) => {
            let matched = printed.split_first().filter(|(line, _)| line_fits(first, line));
            matched.is_some_and(|(_, printed)| lines(rest, printed))
        }
    }
}

fn line_fits(shown: &str, printed: &str) -> bool {
    let Some((head, tail)) = shown.split_once("[..]") else { return shown == printed };
    let Some(rest) = printed.strip_prefix(head) else { return false };
    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.into_iter().any(|at| line_fits(tail, rest.split_at(at).1))
}

#[test]
fn blanks_parts_and_lines_may_differ_where_it_is_said() {
    let check =
        |shown: &[&str], printed: &str| fits(&shown.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>(), printed);
    assert!(check(&["a  b"], "a\tb\n"));
    assert!(check(&["accepted [..]", "..."], "accepted 7\nby\nnext\n"));
    assert!(check(&["...", "x [..] y"], "one\nx 1 2 y\n"));
    assert!(!check(&["a"], "a\nb\n"), "what was printed and is not shown is a difference");
    assert!(!check(&["a", "b"], "a\n"));
    assert!(!check(&["a [..] c"], "a b\n"));
}
