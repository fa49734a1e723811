//! Headers that a project file makes a destination get: which names and values can be sent, which are the product's own, and
//! which would put a credential into a file.

use formats::framing::is_framing;

use super::scalar::{Wrong, wrong};
use super::table::Kind;
use crate::codes;

/// Headers that carry the trace, and how all others begin that the product sets itself.
const TRACE: [&str; 2] = ["traceparent", "tracestate"];
const OURS: [&str; 2] = ["webhook-", "crossdock-"];

/// Words of a header's name that say that its value is a credential.
const CREDENTIAL_WORDS: [&str; 13] = [
    "apikey",
    "auth",
    "authorization",
    "cookie",
    "credential",
    "credentials",
    "passwd",
    "password",
    "secret",
    "secrets",
    "signature",
    "token",
    "tokens",
];
/// Words that make the word `key` behind them one: an idempotency key is none.
const KEY_WORDS: [&str; 9] =
    ["access", "account", "api", "auth", "client", "functions", "private", "secret", "subscription"];
/// How values begin that are credentials wherever they stand.
const CREDENTIAL_HEADS: [&str; 3] = ["Bearer ", "Basic ", "Digest "];

/// Whether a text is the name of a header.
pub(super) fn check_name(text: &str) -> Result<(), Wrong> {
    let is_token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    if !text.is_empty() && text.len() <= 120 && text.bytes().all(is_token) {
        return Ok(());
    }
    Err(wrong(
        codes::BAD_HEADER,
        format!("is not the name of a header: `{text}`"),
        "write letters, digits and `-`, such as `x-event-id`",
    ))
}

/// Whether it is the name of a header that a project file may set.
pub(super) fn check_sent(text: &str) -> Result<(), Wrong> {
    check_name(text)?;
    let name = text.to_ascii_lowercase();
    let why = if is_framing(&name) {
        "is written from the message, and two of it would contradict each other"
    } else if TRACE.contains(&name.as_str()) || OURS.iter().any(|head| name.starts_with(head)) {
        "is set by the product for each attempt"
    } else {
        return Ok(());
    };
    Err(wrong(codes::RESERVED_HEADER, why, "remove it, or take another name, such as `x-tenant`"))
}

/// Whether it is the name of a header whose value may stand in a project file.
pub(super) fn check_fixed(text: &str) -> Result<(), Wrong> {
    check_sent(text)?;
    let name = text.to_ascii_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let is_key = |pair: &[&str]| matches!(pair, [of, "key" | "keys"] if KEY_WORDS.contains(of));
    if words.iter().any(|word| CREDENTIAL_WORDS.contains(word)) || words.windows(2).any(is_key) {
        return Err(wrong(
            codes::CREDENTIAL_HEADER,
            "is a header of credentials",
            "use `auth` with a secret's name, and replace the value: it was in a file",
        ));
    }
    Ok(())
}

/// Whether a text can be sent as a header's value, and may stand in a project file. It is never repeated.
pub(super) fn check_value(text: &str) -> Result<(), Wrong> {
    let is_credential = |head: &&str| text.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head));
    if CREDENTIAL_HEADS.iter().any(is_credential) || super::scalar::looks_secret(text) {
        return Err(wrong(
            codes::CREDENTIAL_HEADER,
            "has a credential as its value",
            "use `auth` with a secret's name, and replace the value: it was in a file",
        ));
    }
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(wrong(
            codes::BAD_HEADER_VALUE,
            "has a value with a control character, which no header can have",
            "write it in one line; a text below `|` or `>` ends with a line break",
        ));
    }
    Ok(())
}

/// Whether what is wrong with a key is its value's fault: that is what is shown and covered then.
pub(super) fn is_about_value(kind: &Kind, wrong: &Wrong) -> bool {
    matches!(kind, Kind::FixedHeader) && wrong.code == codes::CREDENTIAL_HEADER
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes_of(check: fn(&str) -> Result<(), Wrong>, code: model::Code, texts: &[&str]) {
        for text in texts {
            let wrong = check(text).expect_err(text);
            assert_eq!(wrong.code, code, "{text}");
            assert!(!wrong.message.contains(text), "{text} is repeated");
        }
    }

    #[test]
    fn a_fixed_header_holds_no_credential() {
        let of_credentials = [
            "authorization",
            "Proxy-Authorization",
            "cookie",
            "x-api-key",
            "api-key",
            "Ocp-Apim-Subscription-Key",
            "x-auth-token",
            "x_auth_token",
            "X-Vault-Token",
            "apikey",
            "x-client-secret",
        ];
        codes_of(check_fixed, codes::CREDENTIAL_HEADER, &of_credentials);
        codes_of(check_value, codes::CREDENTIAL_HEADER, &["Bearer abc", "basic dTpw", "whsec_abc", "ghp_abc"]);
        for name in ["x-tenant", "content-type", "Idempotency-Key", "x-partition-key", "accept", "user-agent", "x-author"] {
            assert_eq!(check_fixed(name), Ok(()), "{name}");
        }
        assert_eq!(check_sent("x-api-key"), Ok(()), "with a secret's name it is no credential in a file");
    }

    #[test]
    fn what_the_product_writes_is_not_written_twice() {
        let reserved = [
            "content-length",
            "Host",
            "transfer-encoding",
            "connection",
            "webhook-id",
            "Webhook-Signature",
            "crossdock-event",
            "traceparent",
            "tracestate",
        ];
        codes_of(check_sent, codes::RESERVED_HEADER, &reserved);
        codes_of(check_fixed, codes::RESERVED_HEADER, &reserved);
    }

    #[test]
    fn a_value_can_be_sent() {
        codes_of(check_value, codes::BAD_HEADER_VALUE, &["a\nb", "a\r\nx-b: c", "a\u{7f}", "a\u{0}", "acme\n"]);
        for text in ["", "acme", "a\tb", "é", "text/plain; charset=utf-8"] {
            assert_eq!(check_value(text), Ok(()), "{text}");
        }
    }
}
