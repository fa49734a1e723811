//! The event of all measurements: 1 KB of JSON with an id of its own, signed by HMAC-SHA256 over the body.

use std::fmt::Write as _;

use aws_lc_rs::hmac;

/// The secret that both sides know.
pub(crate) const SECRET: &str = "a secret of the bench, thirty-two bytes or more";
/// The size of a body, in bytes.
pub(crate) const BYTES: usize = 1024;

/// The signer's key.
pub(crate) fn key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes())
}

/// The signature of a body, in hexadecimal.
pub(crate) fn sign(key: &hmac::Key, body: &[u8]) -> String {
    hex::encode(hmac::sign(key, body))
}

/// The body of event `number` of run `run`.
pub(crate) fn body(run: &str, number: u64) -> String {
    let mut body = String::with_capacity(BYTES);
    write!(
        body,
        r#"{{"id":"{run}-{number:012}","type":"order.placed","order":"S{number:010}","placed_at":"2026-11-21T10:00:00Z","currency":"EUR","total":"129.50","customer":{{"name":"Brightwell Hardware","country":"NL","postcode":"3011AB"}},"lines":["#
    )
    .expect("writing to a string does not fail");
    for line in 0..6 {
        let comma = if line == 0 { "" } else { "," };
        write!(
            body,
            r#"{comma}{{"line":{line},"sku":"SKU-{:06}","quantity":{},"price":"19.90"}}"#,
            number % 999_983 + line,
            line + 1
        )
        .expect("writing to a string does not fail");
    }
    body.push_str(r#"],"note":""#);
    while body.len() < BYTES - 2 {
        body.push('x');
    }
    body.push_str("\"}");
    body
}
