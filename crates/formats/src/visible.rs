//! Text of others as a person may read it: what moves a cursor, changes a terminal or turns the direction of writing is
//! written as `\u{1b}`. Everything else stays as it is, and nothing is left out.

use std::borrow::Cow;

/// The text in one line: line breaks and tabs are escaped as well, so that it can be no second line and no second cell.
pub fn line(text: &str) -> Cow<'_, str> {
    escape(text, is_hidden)
}

/// The text with its own line breaks and tabs.
pub fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| is_hidden(c) && !matches!(c, '\n' | '\t'))
}

/// C0, DEL and C1; the separators that some programs break lines at; all characters that turn the direction.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_escaped(c) {
            escaped.extend(c.escape_unicode());
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_cursor_or_turns_the_direction_is_escaped() {
        for (text, expected) in [
            ("S1\u{1b}[2J", r"S1\u{1b}[2J"),
            ("\u{7}\u{7f}\u{9b}31m", r"\u{7}\u{7f}\u{9b}31m"),
            ("a\u{202e}b\u{2066}c\u{200f}d\u{61c}", r"a\u{202e}b\u{2066}c\u{200f}d\u{61c}"),
            ("one\ntwo\tthree\r\u{2028}", r"one\u{a}two\u{9}three\u{d}\u{2028}"),
        ] {
            assert_eq!(line(text), expected);
        }
        assert_eq!(lines("one\n\ttwo\r\n\u{1b}"), "one\n\ttwo\\u{d}\n\\u{1b}");
    }

    #[test]
    fn what_is_harmless_stays_as_it_is() {
        for text in ["", "Köln 東京 \u{1f4e6} · …", r"a\u{1b}b", "عربي"] {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
