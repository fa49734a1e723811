//! Schemes of senders we know, as values of the same declaration that a user would write.
//!
//! A preset must never do what a declared scheme cannot: there is one verifier for all.

use http::HeaderName;

use super::scheme::{Algorithm, Encoding, Scheme, Shape, Timestamp, TimestampFormat, TimestampFrom};
use super::template::Template;

/// Shopify: `x-shopify-hmac-sha256`, base64 HMAC-SHA256 of the body. No timestamp is signed;
/// `x-shopify-webhook-id` is for idempotency.
pub fn shopify() -> Scheme {
    of_body("x-shopify-hmac-sha256", Encoding::Base64, "")
}

/// `WooCommerce`: `x-wc-webhook-signature`, base64 HMAC-SHA256 of the body. No timestamp is
/// signed; `x-wc-webhook-delivery-id` is for idempotency.
pub fn woocommerce() -> Scheme {
    of_body("x-wc-webhook-signature", Encoding::Base64, "")
}

/// GitHub: `x-hub-signature-256`, `sha256=` and hex HMAC-SHA256 of the body.
pub fn github() -> Scheme {
    of_body("x-hub-signature-256", Encoding::Hex, "sha256=")
}

/// `EasyPost`: `x-hmac-signature`, `hmac-sha256-hex=` and hex HMAC-SHA256 of the body. The secret
/// is the webhook secret in UTF-8 and Unicode normal form KD.
pub fn easypost() -> Scheme {
    of_body("x-hmac-signature", Encoding::Hex, "hmac-sha256-hex=")
}

/// Stripe: `stripe-signature: t=…,v1=…`, hex HMAC-SHA256 of `{timestamp}.{body}`; 5 minutes of
/// tolerance. The secret is the text `whsec_…` as it stands, not decoded.
pub fn stripe() -> Scheme {
    Scheme {
        shape: Shape::Fields { separator: ',', keys: vec!["v1".to_owned()] },
        template: template("{timestamp}.{body}"),
        timestamp: Some(Timestamp {
            from: TimestampFrom::Field("t".to_owned()),
            format: TimestampFormat::Seconds,
            tolerance_s: 300,
        }),
        ..of_body("stripe-signature", Encoding::Hex, "")
    }
}

fn of_body(header: &'static str, encoding: Encoding, prefix: &str) -> Scheme {
    Scheme {
        algorithm: Algorithm::HmacSha256,
        encoding,
        header: HeaderName::from_static(header),
        shape: Shape::Whole { prefix: prefix.to_owned() },
        template: template("{body}"),
        id: None,
        timestamp: None,
    }
}

fn template(text: &'static str) -> Template {
    Template::parse(text).expect("a preset is checked by the test below")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_valid_scheme() {
        for scheme in [shopify(), woocommerce(), github(), easypost(), stripe()] {
            assert_eq!(scheme.check(), Ok(()), "{scheme:?}");
        }
    }
}
