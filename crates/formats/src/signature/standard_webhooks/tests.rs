//! Behaviour of Standard Webhooks signatures, with vectors of the official libraries.
//! It must never need the corpus; the full vector files run in `tests/vectors.rs`.

use super::*;
use proptest::prelude::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID_1: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const BODY_1: &[u8] = br#"{"test": 2432232314}"#;
const SIGNED_AT_S: i64 = 1_614_265_330;
const SIGNATURE_1: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

const WHSK: &str = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const WHPK: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn keys(texts: &[&str]) -> Vec<VerifyingKey> {
    texts.iter().map(|text| VerifyingKey::parse(text).expect("a key")).collect()
}

fn signing(texts: &[&str]) -> Vec<SigningKey> {
    texts.iter().map(|text| SigningKey::parse(text).expect("a key")).collect()
}

fn check(signature: &str, now_s: i64, keys_of: &[&str]) -> Result<(), Refusal> {
    let timestamp = SIGNED_AT_S.to_string();
    let headers = Headers { id: ID_1, timestamp: &timestamp, signature };
    verify(headers, BODY_1, now_s, TOLERANCE_S, &keys(keys_of))
}

#[test]
fn the_official_symmetric_vector_is_signed_and_verified() {
    let signature = sign(ID_1, SIGNED_AT_S, BODY_1, &signing(&[SECRET])).expect("signed");
    assert_eq!(signature, SIGNATURE_1);
    assert_eq!(check(&signature, SIGNED_AT_S, &[SECRET]), Ok(()));
}

#[test]
fn an_ed25519_key_signs_the_published_signature_and_its_public_half_verifies_it() {
    let signature = sign(ID_1, SIGNED_AT_S, BODY_1, &signing(&[WHSK])).expect("signed");
    assert_eq!(signature, "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==");
    for key in [WHPK, WHSK] {
        assert_eq!(check(&signature, SIGNED_AT_S, &[key]), Ok(()), "{key}");
    }
    let timestamp = SIGNED_AT_S.to_string();
    let headers = Headers { id: ID_1, timestamp: &timestamp, signature: &signature };
    let refused = verify(headers, b"{}", SIGNED_AT_S, TOLERANCE_S, &keys(&[WHPK]));
    assert_eq!(refused, Err(Refusal::Mismatch));
}

#[test]
fn during_a_rotation_either_key_is_enough() {
    let both = sign(ID_1, SIGNED_AT_S, BODY_1, &signing(&[OTHER, SECRET, WHSK])).expect("signed");
    assert_eq!(both.split(' ').count(), 3);
    for accepted in [&[SECRET][..], &[OTHER], &[WHPK], &[WHPK, OTHER]] {
        assert_eq!(check(&both, SIGNED_AT_S, accepted), Ok(()), "{accepted:?}");
    }
    assert_eq!(check(SIGNATURE_1, SIGNED_AT_S, &[OTHER, SECRET]), Ok(()));
    assert_eq!(check(SIGNATURE_1, SIGNED_AT_S, &[OTHER, WHPK]), Err(Refusal::Mismatch));
}

#[test]
fn unknown_versions_and_broken_entries_are_ignored() {
    let mixed = format!("v2,AAAA v1 v1,??? nonsense v1,AAAA {SIGNATURE_1}");
    assert_eq!(check(&mixed, SIGNED_AT_S, &[SECRET]), Ok(()));
    let unknown = Err(Refusal::NoKnownSignature(SIGNATURE.to_owned()));
    assert_eq!(check(&SIGNATURE_1.replace("v1", "v2"), SIGNED_AT_S, &[SECRET]), unknown);
    assert_eq!(check("", SIGNED_AT_S, &[SECRET]), unknown);
    let many = "v1,AAAA ".repeat(17);
    assert_eq!(check(&many, SIGNED_AT_S, &[SECRET]).expect_err("too many").code(), "signature.malformed");
}

#[test]
fn a_version_is_never_verified_with_a_key_of_the_other_kind() {
    let as_ed25519 = SIGNATURE_1.replace("v1,", "v1a,");
    assert_eq!(check(&as_ed25519, SIGNED_AT_S, &[SECRET, WHPK]), Err(Refusal::Mismatch));
}

#[test]
fn the_timestamp_may_be_off_by_the_tolerance_both_ways_and_no_more() {
    for (skew_s, expected) in [
        (0, Ok(())),
        (300, Ok(())),
        (-300, Ok(())),
        (301, Err(Refusal::Stale { skew_s: 301 })),
        (-301, Err(Refusal::Stale { skew_s: -301 })),
    ] {
        assert_eq!(check(SIGNATURE_1, SIGNED_AT_S + skew_s, &[SECRET]), expected, "{skew_s}");
    }
}

#[test]
fn malformed_ids_and_timestamps_are_refused_before_anything_is_computed() {
    let at = |id: &str, timestamp: &str, now_s: i64| {
        let headers = Headers { id, timestamp, signature: SIGNATURE_1 };
        verify(headers, BODY_1, now_s, TOLERANCE_S, &keys(&[SECRET])).expect_err("refused").code()
    };
    for id in ["", "a.b", "a b", "\u{e9}", &"x".repeat(257)] {
        assert_eq!(at(id, "1614265330", SIGNED_AT_S), "signature.malformed", "{id:?}");
    }
    for timestamp in ["", "hello", "-1", "+1614265330", "1614265330.0", "99999999999999999999"] {
        assert_eq!(at(ID_1, timestamp, SIGNED_AT_S), "signature.malformed", "{timestamp:?}");
    }
    assert_eq!(at(ID_1, "9223372036854775807", i64::MIN), "signature.stale");
}

#[test]
fn without_a_key_nothing_is_accepted_and_nothing_is_signed() {
    assert_eq!(check(SIGNATURE_1, SIGNED_AT_S, &[]), Err(Refusal::NoSecret));
    assert_eq!(sign(ID_1, SIGNED_AT_S, BODY_1, &[]), Err(SignError::NoKey));
    assert_eq!(sign("a.b", SIGNED_AT_S, BODY_1, &signing(&[SECRET])), Err(SignError::Id));
    assert_eq!(sign(ID_1, -1, BODY_1, &signing(&[SECRET])), Err(SignError::Timestamp));
}

#[test]
fn each_header_must_be_there_exactly_once() {
    let full = HeaderMap::from_iter([
        (http::HeaderName::from_static(ID), "m".parse().expect("a value")),
        (http::HeaderName::from_static(TIMESTAMP), "1".parse().expect("a value")),
        (http::HeaderName::from_static(SIGNATURE), "v1,AAAA".parse().expect("a value")),
    ]);
    assert!(Headers::from_map(&full).is_ok());
    for name in [ID, TIMESTAMP, SIGNATURE] {
        let mut without = full.clone();
        without.remove(name);
        let refusal = Headers::from_map(&without).expect_err("missing");
        assert_eq!(refusal, Refusal::MissingHeader(name.to_owned()));
        let mut twice = full.clone();
        twice.append(name, "x".parse().expect("a value"));
        let refusal = Headers::from_map(&twice).expect_err("twice");
        assert_eq!(refusal.code(), "signature.malformed");
    }
}

#[test]
fn keys_are_read_strictly_by_kind_and_never_shown() {
    let of = |prefix: &str, bytes: usize| format!("{prefix}{}", STANDARD.encode(vec![7; bytes]));
    for (text, is_accepted) in [
        (of("whsec_", 24), true),
        (of("", 24), true),
        (of("whsec_", 64), true),
        (of("whsec_", 32).trim_end_matches('=').to_owned(), true),
        (of("whsec_", 23), false),
        (of("whsec_", 65), false),
        (of("whsk_", 32), true),
        (of("whsk_", 33), false),
        // The public half does not belong to the seed.
        (of("whsk_", 64), false),
        (of("whpk_", 31), false),
        ("whsec_not base64 at all, no matter how long".to_owned(), false),
        ("whsec_".to_owned(), false),
        (String::new(), false),
    ] {
        assert_eq!(VerifyingKey::parse(&text).is_ok(), is_accepted, "{text}");
    }
    assert_eq!(SigningKey::parse(WHPK).expect_err("public"), KeyError::CannotSign);
    assert_eq!(format!("{:?}", keys(&[SECRET])), "[VerifyingKey(whsec hidden)]");
    assert_eq!(format!("{:?}", signing(&[WHSK])), "[SigningKey(whsk hidden)]");
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_any_change_is_refused(
        id in "[a-zA-Z0-9_-]{1,40}",
        at_s in 0_i64..4_000_000_000,
        body in proptest::collection::vec(any::<u8>(), 0..200),
        secret in proptest::collection::vec(any::<u8>(), 24..=64),
        seed in proptest::array::uniform32(any::<u8>()),
    ) {
        let texts = [
            format!("whsec_{}", STANDARD.encode(&secret)),
            format!("whsk_{}", STANDARD.encode(seed)),
        ];
        for text in &texts {
            let signature = sign(&id, at_s, &body, &signing(&[text])).expect("signed");
            let timestamp = at_s.to_string();
            let headers = Headers { id: &id, timestamp: &timestamp, signature: &signature };
            let keys = keys(&[text]);
            prop_assert_eq!(verify(headers, &body, at_s, 0, &keys), Ok(()));
            let longer = [&body[..], b"x"].concat();
            prop_assert_eq!(verify(headers, &longer, at_s, 0, &keys), Err(Refusal::Mismatch));
            let later = (at_s + 1).to_string();
            let moved = Headers { timestamp: &later, ..headers };
            prop_assert_eq!(verify(moved, &body, at_s, 9, &keys), Err(Refusal::Mismatch));
        }
    }
}
