//! W3C Baggage: name and value pairs that travel with a trace.
//!
//! Members are passed on as they came, whole or not at all. It must never carry a secret: baggage
//! goes to every system behind us.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// LIMIT of the standard: so many members are passed on.
pub const MEMBERS_MAX: usize = 64;
/// LIMIT of the standard: so many bytes are passed on, all members with their commas.
pub const BYTES_MAX: usize = 8192;

/// All that is not a `baggage-octet`, and the percent sign.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'\\').add(b'%');

/// One member of a baggage header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The key, a token; case-sensitive.
    pub key: String,
    /// The value, percent-decoded; bytes that are not UTF-8 are replaced by U+FFFD.
    pub value: String,
    /// The member as it is sent, with its properties.
    raw: String,
}

impl Member {
    /// A member of our own, without properties. `None` where the key is not a token.
    pub fn new(key: &str, value: &str) -> Option<Self> {
        let raw = format!("{key}={}", utf8_percent_encode(value, ENCODED));
        is_token(key).then(|| Self { key: key.to_owned(), value: value.to_owned(), raw })
    }

    fn parse(member: &str) -> Option<Self> {
        let pair = member.split(';').next().unwrap_or_default();
        let (key, value) = pair.split_once('=')?;
        let (key, value) = (key.trim_matches([' ', '\t']), value.trim_matches([' ', '\t']));
        // The octets that are neither controls, space, quote, comma, semicolon nor backslash.
        let allowed = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
        if !is_token(key) || !value.bytes().all(allowed) {
            return None;
        }
        let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
        Some(Self { key: key.to_owned(), value, raw: member.to_owned() })
    }

    /// The member as it is sent: key, encoded value and properties.
    pub fn raw(&self) -> &str {
        &self.raw
    }
}

fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

/// Parses the values of all `baggage` headers in their order. Members that cannot be read are
/// left out, the others stay.
pub fn parse<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<Member> {
    let members = values.into_iter().flat_map(|value| value.split(','));
    members.filter_map(|member| Member::parse(member.trim_matches([' ', '\t']))).collect()
}

/// The header value to send: the members in their order, as they came, up to 64 members and 8192
/// bytes; a member that does not fit is left out whole. Empty where there is none: send no header.
pub fn to_header(members: &[Member]) -> String {
    let mut header = String::new();
    let mut count = 0;
    for member in members {
        let comma = usize::from(count > 0);
        if count == MEMBERS_MAX || header.len() + comma + member.raw.len() > BYTES_MAX {
            continue;
        }
        if count > 0 {
            header.push(',');
        }
        header.push_str(&member.raw);
        count += 1;
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(members: &[Member]) -> Vec<(&str, &str)> {
        members.iter().map(|member| (member.key.as_str(), member.value.as_str())).collect()
    }

    #[test]
    fn members_are_decoded_and_passed_on_as_they_came() {
        for (sent, expected, header) in [
            ("a=1,b=2", vec![("a", "1"), ("b", "2")], "a=1,b=2"),
            ("a = 1 ; p ; q=2 , b=%20x", vec![("a", "1"), ("b", " x")], "a = 1 ; p ; q=2,b=%20x"),
            ("k=a=b==", vec![("k", "a=b==")], "k=a=b=="),
            ("k=%FFx", vec![("k", "\u{fffd}x")], "k=%FFx"),
            ("k=", vec![("k", "")], "k="),
            ("userId=Am%C3%A9lie", vec![("userId", "Am\u{e9}lie")], "userId=Am%C3%A9lie"),
            ("novalue,a b=1,=1,k=\"q\",ok=1", vec![("ok", "1")], "ok=1"),
            ("", vec![], ""),
        ] {
            let members = parse([sent]);
            assert_eq!(pairs(&members), expected, "{sent}");
            assert_eq!(to_header(&members), header, "{sent}");
        }
        assert_eq!(pairs(&parse(["a=1", "b=2"])), [("a", "1"), ("b", "2")]);
    }

    #[test]
    fn what_goes_over_the_limits_is_dropped_by_whole_members() {
        let many: Vec<Member> = (0..65).filter_map(|n| Member::new(&format!("k{n}"), "v")).collect();
        assert_eq!(parse([to_header(&many).as_str()]).len(), 64);
        let sizes = [4096, 5000, 4000, 200].map(|size| Member::new("k", &"v".repeat(size - 2)));
        let header = to_header(&sizes.into_iter().flatten().collect::<Vec<_>>());
        assert_eq!(header.split(',').map(str::len).collect::<Vec<_>>(), [4096, 4000]);
        let full = Member::new("k", &"v".repeat(BYTES_MAX - 2)).expect("a token");
        assert_eq!(to_header(&[full]).len(), BYTES_MAX);
        assert_eq!(Member::new("a b", "1"), None);
    }

    proptest! {
        #[test]
        fn any_value_of_ours_comes_back(value in "\\PC{0,40}") {
            let member = Member::new("key", &value).expect("a token");
            let header = to_header(std::slice::from_ref(&member));
            prop_assert!(header.is_ascii());
            prop_assert_eq!(parse([header.as_str()]), vec![member]);
        }
    }
}
