//! From counts of characters, in which the YAML scanner speaks, to bytes.

/// The byte at which each character of a text begins, kept only where it is not the same number.
#[derive(Debug)]
pub(crate) struct Chars {
    /// One entry more than there are characters; empty for a text of ASCII.
    starts: Vec<u32>,
    len: u32,
}

impl Chars {
    /// Counts a text of at most 4 GiB.
    pub(crate) fn of(text: &str) -> Self {
        let len = u32::try_from(text.len()).unwrap_or(u32::MAX);
        if text.is_ascii() {
            return Self { starts: Vec::new(), len };
        }
        let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let starts = text.char_indices().map(|(at, _)| byte(at)).chain([len]).collect();
        Self { starts, len }
    }

    /// The byte of the character with this number; the end of the text for those behind it.
    pub(crate) fn byte(&self, char_no: usize) -> u32 {
        if self.starts.is_empty() {
            return u32::try_from(char_no).map_or(self.len, |at| at.min(self.len));
        }
        self.starts.get(char_no).copied().unwrap_or(self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_several_bytes_are_counted_once() {
        let chars = Chars::of("a\u{e9}\u{1f600}b");
        assert_eq!([0, 1, 2, 3, 4, 5].map(|at| chars.byte(at)), [0, 1, 3, 7, 8, 8]);
        assert_eq!([0, 2, 9].map(|at| Chars::of("abc").byte(at)), [0, 2, 3]);
    }
}
