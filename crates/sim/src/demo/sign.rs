//! How each simulated system proves what it sends: path and headers of a letter. Pure.

use formats::signature::hmac_template::{
    Algorithm, Encoding, Request, Scheme, Shape, Template, Timestamp as SignedTime, TimestampFormat, TimestampFrom, Verifier,
};
use formats::signature::standard_webhooks::{self, SigningKey};
use formats::signature::{Secret, presets};
use http::{HeaderMap, HeaderName};
use model::Timestamp;

use super::letter::Letter;
use super::system::{System, secret};

/// A letter with its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    /// The path at the product.
    pub(super) path: String,
    /// The headers.
    pub(super) headers: Vec<(&'static str, String)>,
}

/// Seals a letter; `wall` is what the sender's clock says. `None` when it cannot be signed, which its tests exclude.
pub(super) fn seal(letter: &Letter, body: &[u8], wall: Timestamp) -> Option<Sealed> {
    let mut headers = vec![("content-type", "application/json".to_owned())];
    let mut path = format!("/in/{}", letter.from.name());
    let value = secret(letter.from.sends_with());
    match letter.from {
        System::Shop => headers.extend([
            ("x-shopify-topic", letter.kind.clone()),
            ("x-shopify-webhook-id", letter.id.clone()),
            ("x-shopify-triggered-at", letter.at.to_string()),
            ("x-shopify-shop-domain", "shop.example".to_owned()),
            ("x-shopify-hmac-sha256", signature(presets::shopify(), &value, body, "")?),
        ]),
        System::Odoo => path = format!("{path}/{value}"),
        System::Warehouse => {
            let signature =
                standard_webhooks::sign(&letter.id, wall.secs(), body, &[SigningKey::parse(&value).ok()?]).ok()?;
            headers.extend([
                (standard_webhooks::ID, letter.id.clone()),
                (standard_webhooks::TIMESTAMP, wall.secs().to_string()),
                (standard_webhooks::SIGNATURE, signature),
            ]);
        }
        System::Parcelwind => {
            let seconds = wall.secs().to_string();
            headers.push(("x-parcelwind-signature", signature(parcelwind(), &value, body, &seconds)?));
            headers.push(("x-parcelwind-timestamp", seconds));
        }
        System::Northpost => {
            headers.push(("x-hmac-signature", signature(presets::easypost(), &value, body, "")?));
        }
        System::Finance => headers.push(("x-finance-key", value)),
    }
    Some(Sealed { path, headers })
}

fn signature(scheme: Scheme, secret: &str, body: &[u8], timestamp: &str) -> Option<String> {
    let verifier = Verifier::new(scheme, &[Secret::new(secret)]).ok()?;
    verifier.sign(&Request { method: "POST", path: "", headers: &HeaderMap::new(), body }, timestamp).ok()
}

/// The scheme that `systems/parcelwind.yaml` describes.
fn parcelwind() -> Scheme {
    Scheme {
        algorithm: Algorithm::HmacSha256,
        encoding: Encoding::Hex,
        header: HeaderName::from_static("x-parcelwind-signature"),
        shape: Shape::Whole { prefix: "v1=".to_owned() },
        template: Template::parse("{timestamp}.{body}").expect("a literal template"),
        id: None,
        timestamp: Some(SignedTime {
            from: TimestampFrom::Header(HeaderName::from_static("x-parcelwind-timestamp")),
            format: TimestampFormat::Seconds,
            tolerance_s: 300,
        }),
    }
}

#[cfg(test)]
mod tests {
    use model::TimeSpan;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_system_can_seal_and_each_in_its_own_way() {
        let now = Timestamp::from_secs(1_772_359_200);
        for (from, header) in [
            (System::Shop, "x-shopify-hmac-sha256"),
            (System::Odoo, "content-type"),
            (System::Warehouse, "webhook-signature"),
            (System::Parcelwind, "x-parcelwind-signature"),
            (System::Northpost, "x-hmac-signature"),
            (System::Finance, "x-finance-key"),
        ] {
            let letter = Letter {
                from,
                kind: "k".into(),
                id: "w-1".into(),
                at: now,
                body: json!({}),
                copies: 1,
                wait: TimeSpan::default(),
            };
            let sealed = seal(&letter, b"{}", now).unwrap();
            assert!(sealed.headers.iter().any(|(name, _)| *name == header), "{sealed:?}");
            assert!(sealed.path.starts_with("/in/"), "{sealed:?}");
        }
    }
}
