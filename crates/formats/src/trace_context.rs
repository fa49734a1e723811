//! W3C Trace Context level 2: `traceparent` and `tracestate`.
//!
//! Ids are given, never drawn here. What cannot be read is treated as absent, as the standard
//! asks: a broken trace header must never be the reason to refuse a request.

use std::fmt;

use http::HeaderMap;

/// LIMIT of the standard: a list with more members is invalid.
const MEMBERS_MAX: usize = 32;
/// The standard asks to propagate at least 512 characters; members longer than 128 go first.
const LONG_MEMBER_CHARS: usize = 128;

/// The position of a request in its trace (`traceparent`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    /// The trace, not all zero.
    pub trace_id: [u8; 16],
    /// The calling span, not all zero.
    pub parent_id: [u8; 8],
    /// The flags of version 00: bit 0 sampled, bit 1 random.
    pub flags: u8,
}

impl TraceParent {
    /// The flag that says that the caller may have recorded the trace.
    pub const SAMPLED: u8 = 0x01;
    /// The flag that says that the right 7 bytes of the trace id are random.
    pub const RANDOM: u8 = 0x02;

    /// Parses `00-<32 hex>-<16 hex>-<2 hex>` in lower case. Later versions are read as far as
    /// version 00 goes; `None` for all that is invalid.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, tail) = text.as_bytes().split_at_checked(55)?;
        let mut version = [0; 1];
        let mut parent = Self { trace_id: [0; 16], parent_id: [0; 8], flags: 0 };
        let mut flags = [0; 1];
        decode_lower_hex(head.get(0..2)?, &mut version)?;
        decode_lower_hex(head.get(3..35)?, &mut parent.trace_id)?;
        decode_lower_hex(head.get(36..52)?, &mut parent.parent_id)?;
        decode_lower_hex(head.get(53..55)?, &mut flags)?;
        let dashes_stand = [2, 35, 52].iter().all(|index| head[*index] == b'-');
        let tail_is_allowed = match version[0] {
            0 => tail.is_empty(),
            0xff => false,
            _ => tail.is_empty() || tail.starts_with(b"-"),
        };
        let ids_are_set = parent.trace_id != [0; 16] && parent.parent_id != [0; 8];
        parent.flags = flags[0];
        (dashes_stand && tail_is_allowed && ids_are_set).then_some(parent)
    }

    /// The value to send from a span of ours: same trace, our span as the parent. Only the flags
    /// that version 00 knows are kept. `None` where `span_id` is all zero, which is invalid.
    pub fn child(&self, span_id: [u8; 8]) -> Option<Self> {
        let flags = self.flags & (Self::SAMPLED | Self::RANDOM);
        (span_id != [0; 8]).then_some(Self { parent_id: span_id, flags, ..*self })
    }

    /// Whether the caller may have recorded the trace.
    pub fn is_sampled(&self) -> bool {
        self.flags & Self::SAMPLED != 0
    }
}

/// Writes version 00, whatever version was read.
impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace_id, parent_id) = (hex::encode(self.trace_id), hex::encode(self.parent_id));
        write!(f, "00-{trace_id}-{parent_id}-{:02x}", self.flags)
    }
}

fn decode_lower_hex(text: &[u8], out: &mut [u8]) -> Option<()> {
    let is_upper = text.iter().any(u8::is_ascii_uppercase);
    if is_upper { None } else { hex::decode_to_slice(text, out).ok() }
}

/// The vendor positions of a trace (`tracestate`): at most 32 members, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceState(Vec<(String, String)>);

impl TraceState {
    /// Parses the values of all `tracestate` headers in their order. Empty members are skipped;
    /// `None` where a member is invalid, a key occurs twice, or there are more than 32 members.
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut members: Vec<(String, String)> = Vec::new();
        for member in values.into_iter().flat_map(|value| value.split(',')) {
            let member = member.trim_matches([' ', '\t']);
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=')?;
            let is_new = members.iter().all(|(earlier, _)| earlier != key);
            if !is_key(key) || !is_value(value) || !is_new || members.len() == MEMBERS_MAX {
                return None;
            }
            members.push((key.to_owned(), value.to_owned()));
        }
        Some(Self(members))
    }

    /// The members as key and value, newest first.
    pub fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Puts our member first and drops an earlier one of the same key, or the last one where there
    /// are 32 already. `None` where key or value are invalid.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Option<Self> {
        if !is_key(key) || !is_value(value) {
            return None;
        }
        self.0.retain(|(earlier, _)| earlier != key);
        self.0.truncate(MEMBERS_MAX - 1);
        self.0.insert(0, (key.to_owned(), value.to_owned()));
        Some(self)
    }

    /// The header value with at most `chars_max` characters, which should be 512 or more: whole
    /// members are dropped, first those of more than 128 characters, then from the end.
    pub fn to_header(&self, chars_max: usize) -> String {
        let mut members: Vec<String> = self.0.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let length = |members: &[String]| members.iter().map(|member| member.len() + 1).sum::<usize>().saturating_sub(1);
        while length(&members) > chars_max {
            let long = members.iter().rposition(|member| member.len() > LONG_MEMBER_CHARS);
            members.remove(long.unwrap_or(members.len() - 1));
        }
        members.join(",")
    }
}

/// `[a-z0-9][a-z0-9_\-*/@]{0,255}`
fn is_key(key: &str) -> bool {
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let starts_well = key.bytes().next().is_some_and(lower);
    starts_well && key.len() <= 256 && key.bytes().all(|byte| lower(byte) || b"_-*/@".contains(&byte))
}

/// Up to 256 printable ASCII characters without `,` and `=`, the last one not a space.
fn is_value(value: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=';
    let ends_well = value.bytes().next_back().is_some_and(|last| last != b' ');
    ends_well && value.len() <= 256 && value.bytes().all(allowed)
}

/// The trace context of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// The position in the trace.
    pub parent: TraceParent,
    /// The vendor positions; empty where the headers are absent or invalid.
    pub state: TraceState,
}

/// Reads the trace context of a request. `None` where `traceparent` is absent, invalid or there
/// more than once; `tracestate` is then ignored too. An invalid `tracestate` alone counts as empty.
pub fn extract(headers: &HeaderMap) -> Option<TraceContext> {
    let mut parents = headers.get_all("traceparent").iter();
    let parent = TraceParent::parse(parents.next()?.to_str().ok()?.trim_matches([' ', '\t']))?;
    if parents.next().is_some() {
        return None;
    }
    let values = headers.get_all("tracestate").iter().map(|value| value.to_str().ok());
    let values: Option<Vec<&str>> = values.collect();
    let state = values.and_then(TraceState::parse).unwrap_or_default();
    Some(TraceContext { parent, state })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn many(count: usize) -> String {
        let members: Vec<String> = (0..count).map(|n| format!("k{n}=v")).collect();
        members.join(",")
    }

    #[test]
    fn only_a_well_formed_traceparent_is_read() {
        let long = |suffix: &str| format!("{PARENT}{suffix}");
        for (text, is_valid) in [
            (PARENT.to_owned(), true),
            (PARENT.replacen("00-", "cc-", 1), true),
            (long("-extra").replacen("00-", "01-", 1), true),
            (long("-").replacen("00-", "01-", 1), true),
            (long(".extra").replacen("00-", "01-", 1), false),
            (long("-extra"), false),
            (PARENT.replacen("00-", "ff-", 1), false),
            (PARENT.to_uppercase(), false),
            (PARENT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)), false),
            (PARENT.replace("b7ad6b7169203331", &"0".repeat(16)), false),
            (PARENT.replace("-b7", "_b7"), false),
            (PARENT.replace("9c-", "9.-"), false),
            (PARENT.trim_end_matches('1').to_owned(), false),
            ("\u{e9}".repeat(28), false),
            (String::new(), false),
        ] {
            assert_eq!(TraceParent::parse(&text).is_some(), is_valid, "{text}");
        }
    }

    #[test]
    fn a_child_keeps_the_trace_and_the_known_flags() {
        let parent = TraceParent::parse(&PARENT.replace("-01", "-ff")).expect("valid");
        let child = parent.child([0x11; 8]).expect("a span id");
        let expected = "00-0af7651916cd43dd8448eb211c80319c-1111111111111111-03";
        assert_eq!(child.to_string(), expected);
        assert!(child.is_sampled());
        assert_eq!(parent.child([0; 8]), None);
        let same = TraceParent::parse(PARENT).expect("valid");
        assert_eq!(same.to_string(), PARENT);
    }

    #[test]
    fn tracestate_follows_the_rules_of_its_members() {
        for (values, expected) in [
            (vec!["rojo=1,congo=2"], Some("rojo=1,congo=2".to_owned())),
            (vec!["rojo=1", " congo=2\t,, "], Some("rojo=1,congo=2".to_owned())),
            (vec!["fw529a3039@dt=FfD=x"], None),
            (vec!["1a-_*/@=a b"], Some("1a-_*/@=a b".to_owned())),
            (vec!["a=1", "a=2"], None),
            (vec!["A=1"], None),
            (vec!["_a=1"], None),
            (vec!["=1"], None),
            (vec!["a"], None),
            (vec!["a="], None),
            (vec!["a=\u{7f}"], None),
            (vec![""], Some(String::new())),
            (vec![], Some(String::new())),
        ] {
            let state = TraceState::parse(values.iter().copied());
            assert_eq!(state.map(|state| state.to_header(512)), expected, "{values:?}");
        }
        assert!(TraceState::parse([many(32).as_str()]).is_some());
        assert!(TraceState::parse([many(33).as_str()]).is_none());
        assert!(TraceState::parse([format!("{}=1", "k".repeat(256)).as_str()]).is_some());
        assert!(TraceState::parse([format!("{}=1", "k".repeat(257)).as_str()]).is_none());
        assert!(TraceState::parse([format!("k={}", "v".repeat(257)).as_str()]).is_none());
    }

    #[test]
    fn our_member_goes_first_and_the_oldest_or_longest_go_out() {
        let state = TraceState::parse(["rojo=1,us=0,congo=2"]).expect("valid");
        let state = state.with("us", "9").expect("valid");
        assert_eq!(state.to_header(512), "us=9,rojo=1,congo=2");
        assert_eq!(state.to_header(11), "us=9,rojo=1");
        assert_eq!(state.to_header(3), "");
        assert_eq!(state.clone().with("Us", "1"), None);
        let long = TraceState::parse([format!("a=1,b={},c=3", "x".repeat(200)).as_str()]);
        assert_eq!(long.expect("valid").to_header(150), "a=1,c=3");
        let full = TraceState::parse([many(32).as_str()]).expect("valid").with("us", "1");
        assert_eq!(full.expect("valid").members().count(), 32);
    }

    #[test]
    fn a_bad_traceparent_makes_tracestate_worthless_but_not_the_other_way_round() {
        let of = |list: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in list {
                let value = HeaderValue::from_static(value);
                headers.append(HeaderName::from_static(name), value);
            }
            extract(&headers).map(|context| context.state.to_header(512))
        };
        let state = ("tracestate", "a=1");
        assert_eq!(of(&[("traceparent", PARENT), state]).as_deref(), Some("a=1"));
        let two = [("traceparent", PARENT), state, ("tracestate", "b=2")];
        assert_eq!(of(&two).as_deref(), Some("a=1,b=2"));
        let bad_state = [("traceparent", PARENT), state, ("tracestate", "B=2")];
        assert_eq!(of(&bad_state).as_deref(), Some(""));
        assert_eq!(of(&[("traceparent", "00-x"), state]), None);
        assert_eq!(of(&[("traceparent", PARENT), ("traceparent", PARENT), state]), None);
        assert_eq!(of(&[state]), None);
    }
}
