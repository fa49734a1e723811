//! Paths into data: `.a.b[0]."x-y"`, read once, followed often. The same notation as in expressions, without the language.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// A path into JSON data. `.` alone is the whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    segments: Vec<Segment>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// A member of an object.
    Field(String),
    /// An item of a list; negative ones count from its end.
    Index(i64),
}

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPath {
    /// The byte where it stops making sense.
    pub at: usize,
    /// What is wrong there.
    pub why: &'static str,
}

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why)
    }
}

impl std::error::Error for BadPath {}

impl Path {
    /// The path of these steps.
    pub const fn new(segments: Vec<Segment>) -> Self {
        Self { segments }
    }

    /// Its steps.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// What it leads to.
    pub fn get<'v>(&self, data: &'v Value) -> Option<&'v Value> {
        self.segments.iter().try_fold(data, |value, segment| match segment {
            Segment::Field(name) => value.as_object()?.get(name),
            Segment::Index(index) => {
                let items = value.as_array()?;
                items.get(position(*index, items.len())?)
            }
        })
    }

    /// What it leads to as a text: texts as they are, numbers and booleans in their JSON notation, nothing for the rest.
    ///
    /// A number with more digits than a 64-bit number keeps has lost them by now;
    /// [`Data::text`](super::Data::text) has them.
    pub fn text(&self, data: &Value) -> Option<String> {
        scalar_text(self.get(data)?)
    }

    /// The place as a JSON pointer (RFC 6901). A negative index stands as it is written.
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        for segment in &self.segments {
            pointer.push('/');
            match segment {
                Segment::Field(name) => {
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                }
                Segment::Index(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }
}

/// A scalar in its JSON notation, texts without quotes.
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The place of an index in a list of this length.
pub(crate) fn position(index: i64, length: usize) -> Option<usize> {
    let from_start = if index < 0 { i64::try_from(length).ok()?.checked_add(index)? } else { index };
    usize::try_from(from_start).ok()
}

impl FromStr for Path {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        if text == "." {
            return Ok(Self { segments: Vec::new() });
        }
        let mut reader = Reader { text, at: 0 };
        let mut segments = Vec::new();
        while reader.at < text.len() {
            segments.push(reader.segment(segments.is_empty())?);
        }
        if segments.is_empty() { Err(BadPath { at: 0, why: "a path begins with `.`" }) } else { Ok(Self { segments }) }
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    const fn bad<T>(&self, why: &'static str) -> Result<T, BadPath> {
        Err(BadPath { at: self.at, why })
    }

    fn segment(&mut self, first: bool) -> Result<Segment, BadPath> {
        let dotted = self.take('.');
        if first && !dotted {
            return self.bad("a path begins with `.`");
        }
        if (first || !dotted) && self.take('[') {
            return self.index();
        }
        if !dotted {
            return self.bad("expected `.` or `[`; a name with other characters stands in quotes, such as .\"x-y\"");
        }
        if self.take('"') { self.quoted() } else { self.plain() }
    }

    fn index(&mut self) -> Result<Segment, BadPath> {
        let length = self.rest().find(']').unwrap_or(0);
        let index = self.rest().get(..length).and_then(|digits| digits.parse().ok());
        let Some(index) = index else { return self.bad("expected a number and `]`") };
        self.at += length + 1;
        Ok(Segment::Index(index))
    }

    fn plain(&mut self) -> Result<Segment, BadPath> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '@';
        let name: String = self.rest().chars().take_while(|c| is_part(*c)).collect();
        if name.is_empty() {
            return self.bad("expected a name; one with other characters stands in quotes, such as .\"x-y\"");
        }
        self.at += name.len();
        Ok(Segment::Field(name))
    }

    fn quoted(&mut self) -> Result<Segment, BadPath> {
        let mut name = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += at + 1;
                    return Ok(Segment::Field(name));
                }
                '\\' => match chars.next() {
                    Some((_, escaped @ ('"' | '\\'))) => name.push(escaped),
                    _ => return self.bad("only `\\\"` and `\\\\` are known in quotes"),
                },
                c => name.push(c),
            }
        }
        self.bad("the closing quote is missing")
    }
}

/// The path as it is written; reads back as the same.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(self.segments.first(), Some(Segment::Field(_))) {
            f.write_str(".")?;
        }
        for segment in &self.segments {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Field(name) if is_plain(name) => write!(f, ".{name}")?,
                Segment::Field(name) => {
                    write!(f, ".\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))?;
                }
            }
        }
        Ok(())
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'@')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_to_members_and_items() {
        let data =
            json!({"a": {"b": [{"x-y": 1}, "two"], "c\"d": true}, "id": 820_982_911_946_154_508_u64, "n": null, "f": 1.5});
        for (path, expected) in [
            (".a.b[0].\"x-y\"", Some("1")),
            (".a.b[1]", Some("two")),
            (".a.b[-1]", Some("two")),
            (".a.b[-3]", None),
            (".a.b[2]", None),
            (".a.\"c\\\"d\"", Some("true")),
            (".id", Some("820982911946154508")),
            (".f", Some("1.5")),
            (".n", None),
            (".a", None),
            (".missing.deeper", None),
            (".id.deeper", None),
        ] {
            let read: Path = path.parse().unwrap();
            assert_eq!(read.text(&data).as_deref(), expected, "{path}");
            assert_eq!(read.to_string(), path);
        }
        assert_eq!(".".parse::<Path>().unwrap().get(&data), Some(&data));
        assert_eq!(".[1]".parse::<Path>().unwrap().text(&json!(["a", "b"])).as_deref(), Some("b"));
    }

    #[test]
    fn a_wrong_path_says_where() {
        for (path, at) in [
            ("", 0),
            ("a", 0),
            ("$.a", 0),
            ("..", 1),
            (".a.", 3),
            (".a b", 2),
            (".a-b", 2),
            (".a[", 3),
            (".a[x]", 3),
            (".a.[0]", 3),
            (".\"a", 2),
            (".\"a\\n\"", 2),
            (".a\u{e9}", 2),
        ] {
            assert_eq!(path.parse::<Path>().map_err(|bad| bad.at), Err(at), "{path}");
        }
    }

    #[test]
    fn a_path_is_a_pointer_too() {
        assert_eq!(".a.\"x/y~z\"[2]".parse::<Path>().unwrap().pointer(), "/a/x~1y~0z/2");
        assert_eq!(".".parse::<Path>().unwrap().pointer(), "");
    }

    proptest! {
        #[test]
        fn any_text_is_a_path_or_none(text in "\\PC*") {
            if let Ok(path) = text.parse::<Path>() {
                prop_assert_eq!(path.to_string().parse::<Path>(), Ok(path));
            }
        }

        #[test]
        fn any_name_reads_back(names in prop::collection::vec("\\PC*", 1..4)) {
            let path = Path::new(names.into_iter().map(Segment::Field).collect());
            prop_assert_eq!(path.to_string().parse::<Path>(), Ok(path));
        }
    }
}
