//! The word that was probably meant.

/// The nearest of the known words, if one is near enough to be the one that was meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in known {
        // LIMIT: words of names only, so that a hostile text costs nothing.
        if candidate.len() > 256 || lower.len() > 256 {
            continue;
        }
        let distance = distance(&lower, &candidate.to_lowercase());
        let far = lower.chars().count().max(candidate.chars().count()).div_ceil(3).min(6);
        if distance <= far && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Letters to change; `-` and `_` count as the same.
fn distance(one: &str, other: &str) -> usize {
    let plain = |text: &str| text.replace('_', "-");
    strsim::osa_distance(&plain(one), &plain(other))
}

/// `did you mean …?`, or which words there are where none is near and they are few.
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(word, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    listed(known).map_or_else(String::new, |list| format!("known here: {list}"))
}

/// The words in a row, if there are some and they are few enough to be read.
pub fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    const WORDS_MAX: usize = 24;
    let mut row = String::new();
    for (no, word) in words.into_iter().enumerate() {
        if no >= WORDS_MAX {
            return None;
        }
        if no > 0 {
            row.push_str(", ");
        }
        row.push('`');
        row.push_str(word);
        row.push('`');
    }
    (!row.is_empty()).then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let known = ["retry", "deadline", "on_dead", "lane"];
        for (word, expected) in [
            ("rety", Some("retry")),
            ("retries", Some("retry")),
            ("on-dead", Some("on_dead")),
            ("Lane", Some("lane")),
            ("dedline", Some("deadline")),
            ("mapping", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }

    #[test]
    fn where_nothing_is_near_the_few_words_are_listed() {
        assert_eq!(suggestion("zzzzzz", ["hold", "pass"]), "known here: `hold`, `pass`");
        assert_eq!(suggestion("zzzzzz", []), "");
    }
}
