//! Who sent this request: verification of webhook signatures and of credentials sent with it.
//!
//! Everything here fails closed: what is not proven is a [`Refusal`]. It must never show a secret,
//! a signature or a body in an error, and it must never compare secrets with `==` on bytes.

pub mod basic;
pub mod hmac_template;
pub mod presets;
mod refusal;
mod scheme;
mod secret;
pub mod standard_webhooks;
mod template;

pub use refusal::Refusal;
pub use secret::{Secret, equal_in_constant_time};

use http::HeaderMap;

/// The one value of a header as text, without white space around it.
///
/// A header that occurs twice is refused: which of the two was meant is a guess, and an
/// intermediary may guess differently.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refusal> {
    let malformed = |why| Refusal::Malformed { header: name.to_owned(), why };
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or_else(|| Refusal::MissingHeader(name.to_owned()))?;
    if values.next().is_some() {
        return Err(malformed("it occurs more than once"));
    }
    let text = value.to_str().map_err(|_| malformed("it is not visible ASCII text"))?;
    Ok(text.trim_matches([' ', '\t']))
}

/// Refuses a timestamp (unix seconds) that is more than the tolerance away from now, either way.
fn check_fresh(timestamp_s: i64, now_s: i64, tolerance_s: u32) -> Result<(), Refusal> {
    let skew_s = now_s.saturating_sub(timestamp_s);
    if skew_s.unsigned_abs() > u64::from(tolerance_s) {
        return Err(Refusal::Stale { skew_s });
    }
    Ok(())
}
