//! What a request with a key is: the first of its kind, a repeat, another one under the same key, or one that is under way.

use model::limit::KEYED_WRITE_WINDOW;
use model::{KeptAnswer, KeyedWrite, Lease, Timestamp};

/// Whether the life that tried last can still be at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trier {
    /// It is over, or it has let go.
    Gone,
    /// It may be at it.
    Alive,
}

/// What to do about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is carried out, as this.
    Try(Box<KeyedWrite>),
    /// It was answered so.
    Repeat(KeptAnswer),
    /// The key was used for something else.
    Reused,
    /// Somebody is at it.
    UnderWay,
}

/// What to do, given what is known of the key. `new` is the request as it would be if nothing were.
pub(super) fn step(known: Option<KeyedWrite>, new: KeyedWrite, trier: Trier) -> Step {
    let Some(known) = known else { return Step::Try(Box::new(new)) };
    if known.begun_at < forgotten_before(new.begun_at) {
        return Step::Try(Box::new(KeyedWrite { turn: known.turn + 1, ..new }));
    }
    if known.request != new.request {
        return Step::Reused;
    }
    match (known.answer, trier) {
        (Some(answer), _) => Step::Repeat(answer),
        (None, Trier::Alive) => Step::UnderWay,
        // The moment stays: the ids that follow from it are those of the first try, so that nothing is done twice.
        (None, Trier::Gone) => Step::Try(Box::new(KeyedWrite { begun_at: known.begun_at, turn: known.turn + 1, ..new })),
    }
}

/// Keys that were first used before this are forgotten.
pub(super) fn forgotten_before(now: Timestamp) -> Timestamp {
    now - KEYED_WRITE_WINDOW
}

/// Whether a try of another node's life can still be under way, by what that node showed last.
pub(super) fn trier(tried: &Lease, seen: Option<engine::ports::Life>, now: Timestamp) -> Trier {
    let alive = seen.is_some_and(|life| life.incarnation == tried.incarnation && life.seen_at + model::limit::LEASE >= now);
    if alive { Trier::Alive } else { Trier::Gone }
}

/// What is in the header: a string of RFC 8941, as the draft asks, or, as many clients send it, without the quotes.
pub(super) fn key(header: &str) -> Option<String> {
    let text = header.trim();
    let plain = |text: &str| text.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\');
    let bare = |text: &str| plain(text) && !text.contains([' ', ',', ';']);
    let key = match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').filter(|inner| plain(inner)),
        None => Some(text).filter(|text| bare(text)),
    };
    key.filter(|key| !key.is_empty() && key.len() <= model::limit::KEY_BYTES_MAX).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use engine::ports::Life;
    use model::{Digest, NodeName, Principal, TimeSpan};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_793_000_000);

    fn lease(incarnation: u64) -> Lease {
        Lease { node: NodeName::new("a").unwrap(), incarnation }
    }

    fn write(body: &str, at: Timestamp) -> KeyedWrite {
        let id = KeyedWrite::id_of(&Principal::new("ines"), "k");
        KeyedWrite { id, request: Digest::of(body.as_bytes()), begun_at: at, turn: 1, lease: lease(2), answer: None }
    }

    fn answered(body: &str, at: Timestamp) -> KeyedWrite {
        KeyedWrite { answer: Some(KeptAnswer { status: 200, body: "{}".to_owned() }), ..write(body, at) }
    }

    fn check(known: Option<KeyedWrite>, trier: Trier, expected: &Step) {
        assert_eq!(step(known, write("a", NOW), trier), *expected);
    }

    #[test]
    fn a_key_stands_for_one_request_for_a_day() {
        let (before, day) = (NOW - TimeSpan::from_secs(60), TimeSpan::from_days(1));
        let again = |turn, begun_at| Step::Try(Box::new(KeyedWrite { turn, begun_at, ..write("a", NOW) }));
        let repeat = Step::Repeat(KeptAnswer { status: 200, body: "{}".to_owned() });
        check(None, Trier::Gone, &again(1, NOW));
        check(Some(answered("a", before)), Trier::Gone, &repeat);
        check(Some(answered("a", NOW - day)), Trier::Alive, &repeat);
        check(Some(answered("a", NOW - day - TimeSpan::from_micros(1))), Trier::Gone, &again(2, NOW));
        check(Some(answered("b", before)), Trier::Gone, &Step::Reused);
        check(Some(write("b", before)), Trier::Alive, &Step::Reused);
        check(Some(write("a", before)), Trier::Alive, &Step::UnderWay);
        check(Some(write("a", before)), Trier::Gone, &again(2, before));
    }

    #[test]
    fn a_try_ends_with_its_life() {
        let life = |incarnation, ago| Some(Life { incarnation, seen_at: NOW - TimeSpan::from_secs(ago) });
        for (seen, expected) in [
            (None, Trier::Gone),
            (life(2, 1), Trier::Alive),
            (life(2, 10), Trier::Alive),
            (life(2, 11), Trier::Gone),
            (life(3, 1), Trier::Gone),
        ] {
            assert_eq!(trier(&lease(2), seen, NOW), expected, "{seen:?}");
        }
    }

    #[test]
    fn a_key_is_a_string_with_or_without_its_quotes() {
        for (header, expected) in [
            ("\"8e03978e-40d5\"", Some("8e03978e-40d5")),
            ("8e03978e-40d5", Some("8e03978e-40d5")),
            ("\"a b\"", Some("a b")),
            ("", None),
            ("\"\"", None),
            ("\"a", None),
            ("a b", None),
            ("a,b", None),
            ("\"a\\\"b\"", None),
            ("ä", None),
        ] {
            assert_eq!(key(header).as_deref(), expected, "{header}");
        }
        assert_eq!(key(&"k".repeat(257)), None);
    }
}
