//! Tables of what is looked at next, and of what a look tells.

use std::collections::BTreeSet;

use bytes::Bytes;
use model::{Known, Seen, Telling, Told as Tellings};

use super::super::reconcile::standing::Reconciliation;
use super::*;
use crate::ports::{Row, Shape};

const RHYTHM: Rhythm = Rhythm {
    every: TimeSpan::from_secs(60),
    overlap: TimeSpan::from_secs(300),
    identities: TimeSpan::from_secs(3_600),
    digests: TimeSpan::from_days(1),
    reconcile: TimeSpan::from_days(1),
    window: TimeSpan::from_days(7),
};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_000_000 + secs)
}

fn row(id: u64, written: i64, state: Option<&str>, body: &str) -> Row {
    Row { id, written_at: Some(at(written)), state: state.map(str::to_owned), body: Bytes::copy_from_slice(body.as_bytes()) }
}

fn known(written: i64, state: Option<&str>, body: Option<&str>) -> Known {
    Known {
        id: 42,
        written_at: Some(at(written)),
        state: state.map(str::to_owned),
        digest: body.map(|body| Digest::of(body.as_bytes())),
        seen: Seen::Shown,
        told: TOLD,
    }
}

/// Seven times before.
const TOLD: Tellings = Tellings { times: 7, telling: Telling::Done };

fn following() -> Model {
    Model {
        phase: Phase::Following,
        watermark: Some(at(0)),
        swept_at: Some(at(0)),
        identities: Pass { ended_at: Some(at(0)), ..Pass::default() },
        digests: Pass { ended_at: Some(at(0)), ..Pass::default() },
        reconciliation: Reconciliation { ended_at: Some(at(0)), ..Reconciliation::default() },
        ..Model::new("r".to_owned())
    }
}

#[test]
fn a_record_is_an_event_by_its_state_or_because_its_content_is_another() {
    let (sale, draft, none) = (Some("sale"), Some("draft"), None);
    for (before, state, shape, expected) in [
        (None, sale, Shape::Stated, Some("sale")),
        (None, none, Shape::Plain, Some("created")),
        (None, none, Shape::Stated, Some("created")),
        (Some(known(0, draft, Some("old"))), sale, Shape::Stated, Some("sale")),
        (Some(known(0, sale, Some("old"))), sale, Shape::Stated, Some("changed")),
        (Some(known(0, none, Some("old"))), none, Shape::Plain, Some("changed")),
        (Some(known(9, sale, Some("new"))), sale, Shape::Stated, None),
        // Another write within the same second: only the content tells.
        (Some(known(9, sale, Some("old"))), sale, Shape::Stated, Some("changed")),
        // Known without its content: the write date tells.
        (Some(known(9, sale, None)), sale, Shape::Stated, None),
        (Some(known(8, sale, None)), sale, Shape::Stated, Some("changed")),
        (Some(known(8, draft, None)), sale, Shape::Stated, Some("sale")),
    ] {
        let row = row(42, 9, state, "new");
        let judged = judge("sale.order", &row, (before.as_ref(), 0), shape, Depth::Whole);
        assert_eq!(judged.news.map(|news| news.word).as_deref(), expected, "{before:?}");
        let times = before.as_ref().map_or(0, |before| before.told.times) + u64::from(expected.is_some());
        let told = Tellings { times, telling: Telling::Done };
        assert_eq!(judged.known, Known { told, ..known(9, state, Some("new")) }, "{before:?}");
    }
}

#[test]
fn a_light_look_makes_known_and_never_an_event_and_leaves_what_a_sweep_has_to_find() {
    let seen = row(42, 9, Some("sale"), "light");
    for (before, expected) in [
        (None, Known { told: Tellings::default(), ..known(9, Some("sale"), None) }),
        (Some(known(9, Some("sale"), Some("body"))), known(9, Some("sale"), None)),
        (Some(known(8, Some("draft"), Some("body"))), known(8, Some("draft"), Some("body"))),
    ] {
        let judged = judge("sale.order", &seen, (before.as_ref(), 0), Shape::Stated, Depth::Light);
        assert_eq!((judged.news, judged.known), (None, expected), "{before:?}");
    }
}

#[test]
fn a_first_look_leaves_what_an_event_said_so_that_a_change_without_a_write_date_is_seen_later() {
    let seen = row(42, 9, Some("sale"), "light");
    let nudged = known(9, Some("sale"), Some("body"));
    let judged = judge("sale.order", &seen, (Some(&nudged), 0), Shape::Stated, Depth::First);
    assert_eq!((judged.news, &judged.known), (None, &nudged));
    assert_eq!(keys(&["body", "recomputed"], Some(judged.known)).iter().flatten().count(), 1);
    let unknown = judge("sale.order", &seen, (None, 0), Shape::Stated, Depth::First);
    assert_eq!(unknown.known, Known { told: Tellings::default(), ..known(9, Some("sale"), None) });
}

/// Reads a record and tells what is news, as often as there are bodies; answers the keys.
fn keys(bodies: &[&str], before: Option<Known>) -> Vec<Option<String>> {
    keys_from(bodies, before, 0)
}

fn keys_from(bodies: &[&str], mut before: Option<Known>, counted_from: u64) -> Vec<Option<String>> {
    let read = |body: &&str| {
        let judged =
            judge("sale.order", &row(42, 9, None, body), (before.as_ref(), counted_from), Shape::Stated, Depth::Whole);
        before = Some(judged.known);
        judged.news.map(|news| news.key)
    };
    bodies.iter().map(read).collect()
}

#[test]
fn there_and_back_is_told_each_time_however_often_and_without_a_write_date() {
    let told: BTreeSet<String> = keys(&["a", "a", "b", "a", "b", "a"], None).into_iter().flatten().collect();
    assert_eq!(told.len(), 5, "{told:?}");
}

#[test]
fn a_record_that_is_there_again_after_its_deletion_has_no_key_a_second_time() {
    let read = |bodies: &[&str], counted_from| {
        let told = keys_from(bodies, None, counted_from);
        let times = counted_from + told.len() as u64;
        let known = Known { told: Tellings { times, telling: Telling::Done }, ..known(9, None, None) };
        let gone = deletion("sale.order", &known);
        assert_eq!(gone, deletion("sale.order", &known), "looked at again after a crash");
        (told.into_iter().flatten().chain([gone.key]).collect::<Vec<_>>(), counted_after(&known))
    };
    let (first, counted_from) = read(&["a", "b"], 0);
    let (second, counted_from) = read(&["b", "a"], counted_from);
    let (third, _) = read(&["a", "b"], counted_from);
    let all: BTreeSet<&String> = first.iter().chain(&second).chain(&third).collect();
    assert_eq!(all.len(), 9, "{all:?}");
}

#[test]
fn what_intake_refused_is_an_event_again_when_it_changes_or_is_asked_for() {
    let refused = Known { told: Tellings { times: 7, telling: Telling::Refused }, ..known(9, None, Some("a")) };
    for (body, depth, expected) in
        [("a", Depth::Whole, false), ("a", Depth::Changed, false), ("a", Depth::Again, true), ("b", Depth::Whole, true)]
    {
        let judged = judge("sale.order", &row(42, 9, None, body), (Some(&refused), 0), Shape::Plain, depth);
        assert_eq!(judged.news.is_some(), expected, "{body} {depth:?}");
        assert_eq!(judged.known.told.telling == Telling::Refused, !expected, "{body} {depth:?}");
    }
}

/// What is known of a record of which a telling of this content was begun, and is not known to be in the journal.
fn begun_with(body: &str, before: Option<&Known>, counted_from: u64) -> Known {
    let judged = judge("sale.order", &row(42, 9, None, body), (before, counted_from), Shape::Plain, Depth::Whole);
    begun(42, before, &judged.news.unwrap())
}

#[test]
fn what_was_begun_is_told_under_its_key_and_what_was_changed_back_meanwhile_under_another() {
    let before = known(9, None, Some("a"));
    let begun = begun_with("b", Some(&before), 0);
    assert_eq!((begun.written_at, begun.told), (before.written_at, Tellings { times: 7, telling: Telling::Begun }));
    let there = keys(&["b"], Some(before));
    assert_eq!(keys(&["b"], Some(begun.clone())), there);
    let back = keys(&["a"], Some(begun));
    assert!(back != there && back[0].is_some(), "{back:?}");
}

#[test]
fn what_is_begun_again_and_again_while_it_changes_is_never_a_repeat_of_what_came_before() {
    let before = known(9, None, Some("a"));
    let mut begun = before.clone();
    let mut told = Vec::new();
    for body in ["b", "c", "b", "b", "a", "b"] {
        told.push(keys(&[body], Some(begun.clone())).remove(0).unwrap());
        begun = begun_with(body, Some(&begun), 0);
    }
    // The same content twice in a row is one telling, and the journal decides whether it has it.
    assert_eq!(told[2], told[3]);
    let different: BTreeSet<&String> = told.iter().collect();
    assert_eq!(different.len(), 5, "{told:?}");
}

#[test]
fn what_was_begun_for_the_first_time_is_known_so_that_its_deletion_is_missed() {
    let begun = begun_with("a", None, 3);
    assert_eq!((begun.seen, begun.written_at, begun.told.telling), (Seen::Shown, None, Telling::Begun));
    assert_eq!(keys(&["a"], Some(begun)), keys_from(&["a"], None, 3));
}

#[test]
fn a_deletion_that_was_begun_is_one_however_often_it_is_looked_at_and_what_is_there_again_is_told() {
    let before = known(9, None, Some("a"));
    let gone = deletion("sale.order", &before);
    let begun = begun(42, Some(&before), &gone);
    assert_eq!(deletion("sale.order", &begun).key, gone.key);
    assert!(keys(&["a"], Some(begun))[0].is_some());
}

#[test]
fn a_light_look_leaves_what_was_begun() {
    let before = known(9, None, Some("body"));
    let begun = begun_with("other", Some(&before), 0);
    for depth in [Depth::First, Depth::Light] {
        let judged = judge("sale.order", &row(42, 9, None, "light"), (Some(&begun), 0), Shape::Plain, depth);
        assert_eq!(judged.known.told, begun.told);
    }
}

#[test]
fn a_page_shows_what_was_there_when_it_was_asked_for() {
    let page = Shown { rows: vec![], closed: vec![], more_after: Some(43), at: at(100), shape: Shape::Stated };
    assert_eq!(Told::of(&page, TimeSpan::from_secs(30)), Told { more_after: Some(43), at: at(70) });
}

#[test]
fn a_closed_record_is_known_once_and_news_when_it_is_read_for_the_first_time() {
    let first = closed(42, None, 3).unwrap();
    assert_eq!(
        (first.seen, first.told, closed(42, Some(&first), 3)),
        (Seen::Closed, Tellings { times: 3, telling: Telling::Done }, None)
    );
    let read = judge("sale.order", &row(42, 9, None, "a"), (Some(&first), 0), Shape::Plain, Depth::Whole);
    assert_eq!((read.news.map(|news| news.word).as_deref(), read.known.seen), (Some("created"), Seen::Shown));
    let before = known(9, None, Some("a"));
    let shut = closed(42, Some(&before), 0).unwrap();
    assert_eq!(shut, Known { seen: Seen::Closed, ..before });
    assert_eq!(keys(&["a"], Some(shut)), [None], "nothing changed meanwhile");
}

#[test]
fn at_first_all_that_is_there_becomes_known_page_by_page() {
    let mut model = Model::new("r".to_owned());
    let looks = [(Some(2_000), at(5)), (Some(4_000), at(6)), (None, at(7))];
    let mut asked = Vec::new();
    for (more_after, when) in looks {
        let look = next(&model, &RHYTHM, Since::Now, at(5)).unwrap();
        model = after(model, &look, Told { more_after, at: when }, at(5));
        asked.push(look);
    }
    assert_eq!(asked, [0, 2_000, 4_000].map(|after| Look::Light { after, depth: Depth::First }));
    assert_eq!((model.phase, model.watermark), (Phase::Following, Some(at(5))), "what changed meanwhile is swept");
    assert_eq!(next(&model, &RHYTHM, Since::Now, at(5)), Some(Look::NewSweep { from: at(5 - 300) }));
    let beginning = next(&Model::new("r".to_owned()), &RHYTHM, Since::Beginning, at(5));
    assert_eq!(beginning, Some(Look::Whole { after: 0, found: Found::Beginning }));
}

#[test]
fn a_sweep_goes_by_pages_and_moves_the_watermark_at_its_end_to_where_it_began() {
    let mut model = following();
    assert_eq!(next(&model, &RHYTHM, Since::Now, at(59)), None);
    let first = next(&model, &RHYTHM, Since::Now, at(60)).unwrap();
    assert_eq!(first, Look::NewSweep { from: at(-300) });
    model = after(model, &first, Told { more_after: Some(200), at: at(61) }, at(60));
    assert_eq!(model.watermark, Some(at(0)), "a sweep that is broken off is no sweep");
    let second = next(&model, &RHYTHM, Since::Now, at(70)).unwrap();
    assert_eq!(second, Look::Sweep(Sweep { from: at(-300), began: at(61), after: 200 }));
    model = after(model, &second, Told { more_after: None, at: at(72) }, at(70));
    assert_eq!((model.watermark, model.swept_at, model.sweep), (Some(at(61)), Some(at(70)), None));
}

#[test]
fn passes_come_round_and_go_on_where_they_were() {
    let reconciliation = Reconciliation { ended_at: Some(at(90_000)), ..Reconciliation::default() };
    let mut model = Model { swept_at: Some(at(90_000)), reconciliation, ..following() };
    let look = next(&model, &RHYTHM, Since::Now, at(90_001)).unwrap();
    assert_eq!(look, Look::Identities { from: 0 });
    model = after(model, &look, Told { more_after: Some(200_000), at: at(0) }, at(90_001));
    let look = next(&model, &RHYTHM, Since::Now, at(90_001)).unwrap();
    assert_eq!(look, Look::Identities { from: 200_000 });
    model = after(model, &look, Told { more_after: None, at: at(0) }, at(90_001));
    let look = next(&model, &RHYTHM, Since::Now, at(90_001)).unwrap();
    assert_eq!(look, Look::Whole { after: 0, found: Found::Digests });
    model = after(model, &look, Told { more_after: None, at: at(0) }, at(90_001));
    assert_eq!(next(&model, &RHYTHM, Since::Now, at(90_002)), None);
    assert_eq!(due_at(&model, &RHYTHM), Some(at(90_060)));
}

#[test]
fn a_clock_that_went_back_makes_a_sweep_due() {
    assert!(next(&following(), &RHYTHM, Since::Now, at(-3_600)).is_some());
}

#[test]
fn another_reading_forgets_digests_and_makes_no_events() {
    let reading = |name: &str| Reading { fields: [(name.to_owned(), None)].into() };
    assert_ne!(fingerprint(&reading("a")), fingerprint(&reading("b")));
    let model = Model { phase: Phase::Anew { after: 7 }, ..following() };
    assert_eq!(next(&model, &RHYTHM, Since::Beginning, at(0)), Some(Look::Light { after: 7, depth: Depth::Light }));
}
