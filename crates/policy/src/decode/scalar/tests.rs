//! Which texts are which kinds of scalar, as tables.

use super::*;

fn codes_of(kind: &Kind, cases: &[(&str, Option<Code>)]) {
    for (text, expected) in cases {
        assert_eq!(check(kind, text).err().map(|wrong| wrong.code), *expected, "{kind:?} {text}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of all kinds")]
fn scalars_are_what_their_kind_says() {
    codes_of(
        &Kind::Duration("1s", "60s"),
        &[("15s", None), ("60s", None), ("61s", Some(codes::OUT_OF_RANGE)), ("15", Some(codes::BAD_DURATION))],
    );
    codes_of(
        &Kind::Size(1024 * 1024),
        &[
            ("256KiB", None),
            ("1MiB", None),
            ("2MiB", Some(codes::OUT_OF_RANGE)),
            ("1MB", Some(codes::BAD_SIZE)),
            ("0B", Some(codes::OUT_OF_RANGE)),
        ],
    );
    codes_of(
        &Kind::Rate,
        &[
            ("50/s", None),
            ("600/m", None),
            ("0/s", Some(codes::BAD_RATE)),
            ("50", Some(codes::BAD_RATE)),
            ("50/d", Some(codes::BAD_RATE)),
        ],
    );
    codes_of(
        &Kind::Percent,
        &[
            ("30%", None),
            ("0%", None),
            ("101%", Some(codes::BAD_PERCENT)),
            ("30", Some(codes::BAD_PERCENT)),
            ("+3%", Some(codes::BAD_PERCENT)),
        ],
    );
    codes_of(
        &Kind::Whole(1, 512),
        &[
            ("8", None),
            ("0", Some(codes::OUT_OF_RANGE)),
            ("99999999999", Some(codes::OUT_OF_RANGE)),
            ("8.0", Some(codes::BAD_NUMBER)),
        ],
    );
    codes_of(
        &Kind::Network,
        &[
            ("10.0.0.0/8", None),
            ("::1", None),
            ("10.0.0.0/33", Some(codes::BAD_NETWORK)),
            ("10.0.0/8", Some(codes::BAD_NETWORK)),
        ],
    );
    codes_of(
        &Kind::Date,
        &[("2027-01-31", None), ("2027-02-30", Some(codes::BAD_DATE)), ("31.1.2027", Some(codes::BAD_DATE))],
    );
    codes_of(&Kind::Instant, &[("2026-03-01T10:00:00Z", None), ("2026-03-01T10:00:00", Some(codes::BAD_DATE))]);
    codes_of(
        &Kind::ContractRef,
        &[
            ("shopify.order@1.0.0", None),
            ("shopify.order", Some(codes::BAD_CONTRACT_REF)),
            ("a@1.0", Some(codes::BAD_CONTRACT_REF)),
        ],
    );
    codes_of(
        &Kind::TypePattern,
        &[("a.b.*", None), ("*", None), ("a.*.b", Some(codes::BAD_TYPE_PATTERN)), ("a b", Some(codes::BAD_TYPE_PATTERN))],
    );
    codes_of(&Kind::Header, &[("x-event-id", None), ("x event", Some(codes::BAD_HEADER))]);
    codes_of(&Kind::SourceName, &[("shop", None), ("a/b", Some(codes::BAD_NAME)), ("Shop", Some(codes::BAD_NAME))]);
}

#[test]
fn a_secret_in_a_file_is_seen_and_not_repeated() {
    assert_eq!(check(&Kind::Secret, "shop/webhook"), Ok(()));
    for text in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "A B"] {
        let wrong = check(&Kind::Secret, text).expect_err(text);
        assert_eq!(wrong.code, codes::BAD_SECRET);
        assert!(!wrong.message.contains(text) && !wrong.help.contains(text));
    }
}

#[test]
fn a_day_ends_when_the_next_begins() {
    assert_eq!(end_of_day("2027-01-31").map(|at| at.to_string()), Some("2027-02-01T00:00:00Z".to_owned()));
}

#[test]
fn rates_are_per_second() {
    assert_eq!(rate("600/m"), Some(10.0));
}
