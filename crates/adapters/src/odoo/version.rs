//! Which Odoo it is, and which wire it speaks. Pure.

use std::fmt;

use serde_json::Value;

/// The first version with JSON-2.
const JSON2_SINCE: u32 = 19;
/// The oldest version that is spoken to; 17 is not tested.
const OLDEST: u32 = 17;

/// A version of Odoo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Such as 18.
    pub major: u32,
    /// As Odoo writes it, such as `18.0-20250702` or `saas~18.2+e`.
    pub text: String,
}

/// How a version is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// `POST /jsonrpc`, service `object`, method `execute_kw`.
    JsonRpc,
    /// `POST /json/2/MODEL/METHOD`.
    Json2,
}

impl Version {
    /// Of the answer to a probe: `version_info` or `server_version_info`, and the text beside it.
    pub fn from_answer(answer: &Value) -> Option<Self> {
        let info = answer.get("version_info").or_else(|| answer.get("server_version_info"))?;
        let text = answer.get("version").or_else(|| answer.get("server_version")).and_then(Value::as_str);
        // Online versions between two releases say `saas~18` where others have a number.
        let major = match info.get(0)? {
            Value::String(serie) => serie.trim_start_matches(|it: char| !it.is_ascii_digit()).parse().ok()?,
            number => u32::try_from(number.as_u64()?).ok()?,
        };
        let text = text.map_or_else(|| major.to_string(), |text| text.chars().take(40).collect());
        Some(Self { major, text })
    }

    /// The wire that it speaks; none for a version that is not spoken to.
    pub const fn wire(&self) -> Option<Wire> {
        match self.major {
            JSON2_SINCE.. => Some(Wire::Json2),
            OLDEST.. => Some(Wire::JsonRpc),
            _ => None,
        }
    }

    /// Whether it is one of those that this product is tested with.
    pub const fn is_tested(&self) -> bool {
        matches!(self.major, 18 | 19)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Wire {
    /// The word for it on screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::JsonRpc => "JSON-RPC",
            Self::Json2 => "JSON-2",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_wire_follows_from_the_version() {
        for (answer, expected) in [
            (json!({ "server_version": "16.0", "server_version_info": [16, 0, 0, "final", 0, ""] }), Some((16, None))),
            (json!({ "server_version": "17.0", "server_version_info": [17, 0, 0] }), Some((17, Some(Wire::JsonRpc)))),
            (
                json!({ "server_version": "18.0-20250702", "server_version_info": [18, 0, 0, "final", 0, ""] }),
                Some((18, Some(Wire::JsonRpc))),
            ),
            (
                json!({ "version_info": ["saas~18", 2, 0, "final", 0, "e"], "version": "saas~18.2+e" }),
                Some((18, Some(Wire::JsonRpc))),
            ),
            (json!({ "version_info": [19, 0, 0, "final", 0, ""], "version": "19.0" }), Some((19, Some(Wire::Json2)))),
            (json!({ "version_info": [20, 1, 0], "version": "20.1" }), Some((20, Some(Wire::Json2)))),
            (json!({ "version": "nginx" }), None),
            (json!([]), None),
        ] {
            let version = Version::from_answer(&answer);
            assert_eq!(version.map(|it| (it.major, it.wire())), expected, "{answer}");
        }
    }
}
