//! Behaviour of declared schemes, with signatures computed by another implementation (Python).
//! It must never need the corpus; Wycheproof runs in `tests/vectors.rs`.

use super::*;
use crate::signature::presets;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

const BODY: &[u8] = br#"{"id":820982911946154508,"total_price":"403.00"}"#;
const NOW_S: i64 = 1_700_000_000;

fn headers(list: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        let name = HeaderName::try_from(*name).expect("a header name");
        (name, HeaderValue::from_str(value).expect("a header value"))
    };
    list.iter().map(pair).collect()
}

fn secrets(texts: &[&str]) -> Vec<Secret> {
    texts.iter().map(|text| Secret::new(text.as_bytes())).collect()
}

fn verify(scheme: Scheme, with: &[&str], sent: &[(&str, &str)]) -> Result<(), Refusal> {
    let headers = headers(sent);
    let request = Request { method: "POST", path: "/in?a=1", headers: &headers, body: BODY };
    Verifier::new(scheme, &secrets(with)).expect("a scheme").verify(&request, NOW_S)
}

fn scheme(template: &str) -> Scheme {
    Scheme { template: Template::parse(template).expect("a template"), ..presets::github() }
}

fn signed_by_header(format: TimestampFormat) -> Scheme {
    let from = TimestampFrom::Header(HeaderName::from_static("x-time"));
    let timestamp = Some(Timestamp { from, format, tolerance_s: 300 });
    Scheme { timestamp, ..scheme("{timestamp}{body}") }
}

const OF_BODY_BASE64: &str = "KRk/p48drJT0kZs2YKVY+UVkG+XDo9IzSFHUKCI4fF4=";
const OF_BODY_HEX: &str = "29193fa78f1dac94f4919b3660a558f945641be5c3a3d2334851d42822387c5e";
const OF_STRIPE_HEX: &str = "d76ed3b4bb99fd70e3d1dac4533eb7c09f059254c26cced6d45680af28868e79";
const OF_BODY_SHA1_HEX: &str = "5c3d604d5c3c5458eae6d04940bc942de8a80e23";
const OF_BODY_SHA512_BASE64: &str =
    "ziLHpQ9J586+Ye//KKufFj0mw+Ev4zfub2u76no3aNIExgl4IAeGuUg/7d7S6HJIbrNF/kGpHx0l7EqEVooFEQ==";
const OF_PLACEHOLDERS_HEX: &str = "61ad8c421acbfb3448f745449bfbe1506a00437bfe19b774af91d6f7714bf3c9";

#[test]
fn presets_verify_signatures_made_by_another_implementation() {
    for (scheme, header, value) in [
        (presets::shopify(), "x-shopify-hmac-sha256", OF_BODY_BASE64.to_owned()),
        (presets::woocommerce(), "x-wc-webhook-signature", OF_BODY_BASE64.to_owned()),
        (presets::github(), "x-hub-signature-256", format!("sha256={OF_BODY_HEX}")),
        (presets::easypost(), "x-hmac-signature", format!("hmac-sha256-hex={OF_BODY_HEX}")),
        (presets::stripe(), "stripe-signature", format!("t=1700000000,v1={OF_STRIPE_HEX}")),
    ] {
        let sent = [(header, value.as_str())];
        assert_eq!(verify(scheme.clone(), &["s3cr3t"], &sent), Ok(()), "{header}");
        assert_eq!(verify(scheme.clone(), &["new", "s3cr3t"], &sent), Ok(()), "{header}");
        assert_eq!(verify(scheme.clone(), &["other"], &sent), Err(Refusal::Mismatch), "{header}");
        assert_eq!(verify(scheme.clone(), &[], &sent), Err(Refusal::NoSecret), "{header}");
        let missing = Err(Refusal::MissingHeader(header.to_owned()));
        assert_eq!(verify(scheme, &["s3cr3t"], &[]), missing, "{header}");
    }
}

#[test]
fn the_published_github_vector_is_verified() {
    let value = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let headers = headers(&[("x-hub-signature-256", value)]);
    let body = b"Hello, World!";
    let request = Request { method: "POST", path: "/", headers: &headers, body };
    let verifier = Verifier::new(presets::github(), &secrets(&["It's a Secret to Everybody"]));
    let verifier = verifier.expect("a scheme");
    assert_eq!(verifier.verify(&request, NOW_S), Ok(()));
    assert_eq!(verifier.sign(&request, ""), Ok(value.to_owned()));
}

#[test]
fn sha1_sha512_and_every_encoding_are_verified() {
    for (algorithm, encoding, value) in [
        (Algorithm::HmacSha1, Encoding::Hex, OF_BODY_SHA1_HEX.to_owned()),
        (Algorithm::HmacSha1, Encoding::Hex, OF_BODY_SHA1_HEX.to_uppercase()),
        (Algorithm::HmacSha512, Encoding::Base64, OF_BODY_SHA512_BASE64.to_owned()),
        (Algorithm::HmacSha256, Encoding::Base64, OF_BODY_BASE64.trim_end_matches('=').to_owned()),
        (Algorithm::HmacSha512, Encoding::Base64Url, OF_BODY_SHA512_BASE64.replace('+', "-").replace('/', "_")),
    ] {
        let shape = Shape::Whole { prefix: String::new() };
        let scheme = Scheme { algorithm, encoding, shape, ..presets::github() };
        let sent = [("x-hub-signature-256", value.as_str())];
        assert_eq!(verify(scheme, &["s3cr3t"], &sent), Ok(()), "{algorithm:?} {encoding:?}");
    }
}

#[test]
fn a_signature_that_is_cut_or_not_decodable_is_refused() {
    let sent = |value: String| {
        verify(presets::github(), &["s3cr3t"], &[("x-hub-signature-256", &value)]).expect_err("refused").code()
    };
    let cut: String = OF_BODY_HEX.chars().take(32).collect();
    assert_eq!(sent(format!("sha256={cut}")), "signature.mismatch");
    assert_eq!(sent("sha256=".to_owned()), "signature.mismatch");
    assert_eq!(sent(format!("SHA256={OF_BODY_HEX}")), "signature.malformed");
    assert_eq!(sent(format!("sha256={OF_BODY_HEX}0")), "signature.malformed");
    assert_eq!(sent(String::new()), "signature.malformed");
}

#[test]
fn a_list_of_fields_is_read_by_key() {
    let stripe = |value: String| verify(presets::stripe(), &["s3cr3t"], &[("stripe-signature", &value)]);
    let wrong = "00".repeat(32);
    let ok = OF_STRIPE_HEX;
    assert_eq!(stripe(format!("t=1700000000,v1={wrong},v1={ok},v0={wrong}")), Ok(()));
    assert_eq!(stripe(format!(" v1={ok} , t=1700000000 ")), Ok(()));
    assert_eq!(stripe(format!("t=1700000001,v1={ok}")), Err(Refusal::Mismatch));
    assert_eq!(stripe(format!("t=1699999699,v1={ok}")), Err(Refusal::Stale { skew_s: 301 }));
    let unknown = Err(Refusal::NoKnownSignature("stripe-signature".to_owned()));
    assert_eq!(stripe(format!("t=1700000000,v0={ok}")), unknown);
    for malformed in [
        format!("v1={ok}"),
        format!("t=,v1={ok}"),
        format!("t=soon,v1={ok}"),
        format!("t=1700000000,t=1700000000,v1={ok}"),
        format!("t=1700000000{}", format!(",v1={ok}").repeat(17)),
        "t=1700000000,v1=zz".to_owned(),
    ] {
        let refusal = stripe(malformed.clone()).expect_err("malformed");
        assert_eq!(refusal.code(), "signature.malformed", "{malformed}");
    }
}

#[test]
fn timestamps_are_read_in_the_declared_format_and_must_be_fresh() {
    for (format, text, expected) in [
        (TimestampFormat::Seconds, "1700000300", None),
        (TimestampFormat::Seconds, "1700000301", Some("signature.stale")),
        (TimestampFormat::Seconds, "1700000000.5", Some("signature.malformed")),
        (TimestampFormat::Millis, "1700000000999", None),
        (TimestampFormat::Millis, "1700000000", Some("signature.stale")),
        (TimestampFormat::Rfc3339, "2023-11-14T22:13:20.5Z", None),
        (TimestampFormat::Rfc3339, "2023-11-14T22:08:19Z", Some("signature.stale")),
        (TimestampFormat::Rfc3339, "1700000000", Some("signature.malformed")),
    ] {
        let scheme = signed_by_header(format);
        let verifier = Verifier::new(scheme.clone(), &secrets(&["k"])).expect("a scheme");
        let bare = headers(&[]);
        let request = Request { method: "", path: "", headers: &bare, body: BODY };
        let signature = verifier.sign(&request, text).expect("signed");
        let sent = [("x-time", text), ("x-hub-signature-256", signature.as_str())];
        let code = verify(scheme, &["k"], &sent).err().map(|refusal| refusal.code());
        assert_eq!(code, expected, "{format:?} {text}");
    }
}

#[test]
fn every_placeholder_is_part_of_the_signed_text() {
    let template = "v0:{method}:{path}:{header:X-Topic}:{id}:{body}";
    let id = Some(HeaderName::from_static("x-id"));
    let scheme = Scheme { id, ..scheme(template) };
    let value = format!("sha256={OF_PLACEHOLDERS_HEX}");
    let sent = [("x-topic", "orders"), ("x-id", "7"), ("x-hub-signature-256", value.as_str())];
    assert_eq!(verify(scheme.clone(), &["s3cr3t"], &sent), Ok(()));
    for (index, name) in ["x-topic", "x-id"].into_iter().enumerate() {
        let mut changed = sent;
        changed[index] = (name, "other");
        assert_eq!(verify(scheme.clone(), &["s3cr3t"], &changed), Err(Refusal::Mismatch));
        let without: Vec<_> = sent.iter().copied().filter(|(sent, _)| *sent != name).collect();
        let missing = Err(Refusal::MissingHeader(name.to_owned()));
        assert_eq!(verify(scheme.clone(), &["s3cr3t"], &without), missing);
    }
}

#[test]
fn ed25519_verifies_with_the_public_key_as_the_secret() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
    let public = Secret::new(pair.public_key().as_ref());
    let timed = Scheme { algorithm: Algorithm::Ed25519, ..signed_by_header(TimestampFormat::Seconds) };
    let plain = Scheme { algorithm: Algorithm::Ed25519, ..presets::github() };
    for (scheme, message) in [(timed, [b"1700000000", BODY].concat()), (plain, BODY.to_vec())] {
        let value = format!("sha256={}", hex::encode(pair.sign(&message)));
        let sent = headers(&[("x-time", "1700000000"), ("x-hub-signature-256", &value)]);
        let verifier = Verifier::new(scheme, std::slice::from_ref(&public)).expect("a scheme");
        let request = Request { method: "POST", path: "/", headers: &sent, body: BODY };
        assert_eq!(verifier.verify(&request, NOW_S), Ok(()));
        let other = Request { body: b"{}", ..request };
        assert_eq!(verifier.verify(&other, NOW_S), Err(Refusal::Mismatch));
        assert_eq!(verifier.sign(&request, "1700000000"), Err(Refusal::NoSecret));
    }
}

#[test]
fn a_scheme_that_proves_nothing_is_refused() {
    let fields =
        |separator, keys: &[&str]| Shape::Fields { separator, keys: keys.iter().map(|key| (*key).to_owned()).collect() };
    let header = signed_by_header(TimestampFormat::Seconds);
    let field = presets::stripe();
    for (scheme, secret, expected) in [
        (scheme("{timestamp}"), "k", SchemeError::BodyNotSigned),
        (scheme("{id}{body}"), "k", SchemeError::IdNotDeclared),
        (scheme("{timestamp}{body}"), "k", SchemeError::TimestampNotDeclared),
        (scheme("{body}{header:X-Hub-Signature-256}"), "k", SchemeError::SignatureSigned),
        (Scheme { template: scheme("{body}").template, ..header.clone() }, "k", SchemeError::TimestampNotSigned),
        (Scheme { shape: Shape::Whole { prefix: String::new() }, ..field.clone() }, "k", SchemeError::NoFields),
        (Scheme { shape: fields(',', &[]), ..field.clone() }, "k", SchemeError::Fields),
        (Scheme { shape: fields(',', &[""]), ..field.clone() }, "k", SchemeError::Fields),
        (Scheme { shape: fields('=', &["v1"]), ..field }, "k", SchemeError::Fields),
        (presets::shopify(), "", SchemeError::EmptySecret),
        (Scheme { algorithm: Algorithm::Ed25519, ..presets::github() }, "k", SchemeError::NotEd25519),
    ] {
        let error = Verifier::new(scheme.clone(), &secrets(&[secret])).expect_err("refused");
        assert_eq!(error, expected, "{scheme:?}");
    }
    let by_header = Scheme { template: scheme("{header:x-time}{body}").template, ..header };
    assert_eq!(by_header.check(), Ok(()));
}

#[test]
fn a_verifier_does_not_show_its_keys() {
    let verifier = Verifier::new(presets::shopify(), &secrets(&["hunter2"])).expect("a scheme");
    let shown = format!("{verifier:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("Key"), "{shown}");
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_another_body_does_not(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        secret in proptest::collection::vec(any::<u8>(), 1..100),
        path in "/[a-z0-9/?=&]{0,20}",
    ) {
        let scheme = Scheme {
            template: Template::parse("{method} {path} {timestamp}.{body}").expect("a template"),
            ..presets::stripe()
        };
        let verifier = Verifier::new(scheme, &[Secret::new(secret)]).expect("a scheme");
        let none = HeaderMap::new();
        let request = Request { method: "POST", path: &path, headers: &none, body: &body };
        let value = verifier.sign(&request, "1700000000").expect("signed");
        let sent = headers(&[("stripe-signature", &value)]);
        let request = Request { headers: &sent, ..request };
        prop_assert_eq!(verifier.verify(&request, NOW_S), Ok(()));
        let longer = [&body[..], b" "].concat();
        let request = Request { body: &longer, ..request };
        prop_assert_eq!(verifier.verify(&request, NOW_S), Err(Refusal::Mismatch));
    }
}
