//! Whether a delivery proves where it comes from: its Standard Webhooks signature and its credential. Pure.

use formats::signature::basic::{self, Credential};
use formats::signature::standard_webhooks::{self, Headers, SigningKey, TOLERANCE_S, VerifyingKey};
use formats::signature::{Refusal, Secret};
use http::HeaderMap;
use model::Timestamp;

use super::doors::{Door, Known};
use super::system::secret;

/// Checks a delivery at a door. Answers its id.
pub(super) fn delivery(door: &Door, headers: &HeaderMap, body: &[u8], wall: Timestamp) -> Result<String, Refusal> {
    let signed = Headers::from_map(headers)?;
    let key = SigningKey::parse(&secret(door.signed)).map_err(|_| Refusal::NoSecret)?;
    standard_webhooks::verify(signed, body, wall.secs(), TOLERANCE_S, &[VerifyingKey::of(&key)])?;
    let value = |name| Secret::new(secret(name));
    match door.known {
        Known::Bearer(name) => {
            basic::verify_shared_secret(headers, "authorization", "Bearer ", &[value(name)])?;
        }
        Known::Header(header, name) => {
            basic::verify_shared_secret(headers, header, "", &[value(name)])?;
        }
        Known::Basic(name) => basic::verify(headers, &[Credential { user: "crossdock".to_owned(), password: value(name) }])?,
    }
    Ok(signed.id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(door: &Door, key: &str, body: &[u8], at: i64) -> HeaderMap {
        let key = SigningKey::parse(&secret(key)).unwrap();
        let signature = standard_webhooks::sign("d-1", at, body, &[key]).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", "d-1".parse().unwrap());
        headers.insert("webhook-timestamp", at.to_string().parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        if let Known::Header(name, value) = door.known {
            headers.insert(name, secret(value).parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_what_is_signed_now_for_this_door_passes() {
        let door = Door::at("/wms/orders").unwrap();
        let now = Timestamp::from_secs(1_772_359_200);
        let check = |key: &str, body: &[u8], at: i64| delivery(door, &headers(door, key, b"{}", at), body, now);
        assert_eq!(check("wms/signing", b"{}", now.secs()), Ok("d-1".to_owned()));
        assert_eq!(check("shop/signing", b"{}", now.secs()), Err(Refusal::Mismatch));
        assert_eq!(check("wms/signing", b"{ }", now.secs()), Err(Refusal::Mismatch));
        assert_eq!(check("wms/signing", b"{}", now.secs() - 3_600), Err(Refusal::Stale { skew_s: 3_600 }));
        let mut stranger = headers(door, "wms/signing", b"{}", now.secs());
        stranger.remove("x-api-key");
        assert!(delivery(door, &stranger, b"{}", now).is_err());
    }
}
