//! The codes of HTTP's refusals, as the reference page has them: the page is in the program, so that both say the same.

const PAGE: &str = include_str!("../../../docs/guide/reference/http-answers.md");

/// What a code means and what to do, in two lines; `None` where it is no code of a refusal.
pub(crate) fn explain(code: &str) -> Option<String> {
    let cells = PAGE.lines().filter_map(|line| line.strip_prefix("| ")).map(|row| row.split(" | ").collect::<Vec<_>>());
    for row in cells {
        if let [status, name, meaning, remedy] = row.as_slice()
            && *name == format!("`{code}`")
        {
            let remedy = remedy.trim_end_matches('|').trim();
            let help = if remedy.is_empty() { String::new() } else { format!("\n  help: {remedy}") };
            return Some(format!("{code} ({status}): {meaning}{help}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_line() {
        let text = explain("bad-signature").unwrap();
        assert!(text.starts_with("bad-signature (401): ") && text.contains("\n  help: "), "{text}");
        assert!(explain("not-found").is_some_and(|text| !text.contains("help:")));
        assert_eq!(explain("code"), None);
    }
}
