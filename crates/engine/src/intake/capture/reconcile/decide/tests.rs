//! Tables of what a reconciliation does next, and of what a record is.

use bytes::Bytes;
use model::{Digest, Seen, Telling, Told};

use super::super::super::decide::{self as capture, Depth, Look, judge};
use super::super::super::progress::{Pass, Phase};
use super::*;
use crate::ports::Shape;

const RHYTHM: Rhythm = Rhythm {
    every: TimeSpan::from_secs(60),
    overlap: TimeSpan::from_secs(300),
    identities: TimeSpan::from_secs(3_600),
    digests: TimeSpan::from_days(1),
    reconcile: TimeSpan::from_days(1),
    window: TimeSpan::from_days(7),
};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(10_000_000 + secs)
}

fn row(id: u64, written: i64) -> Row {
    let body = Bytes::from(format!("{id} at {written}"));
    Row { id, written_at: Some(at(written)), state: Some("sale".to_owned()), body }
}

fn known(row: &Row) -> Known {
    let digest = Some(Digest::of(&row.body));
    Known {
        id: row.id,
        written_at: row.written_at,
        state: row.state.clone(),
        digest,
        seen: Seen::Shown,
        told: Told::default(),
    }
}

/// A model that was swept, and passed over, and reconciled at that moment.
fn following(now: i64) -> Model {
    let pass = Pass { ended_at: Some(at(now)), ..Pass::default() };
    Model {
        phase: Phase::Following,
        watermark: Some(at(now)),
        swept_at: Some(at(now)),
        identities: pass,
        digests: pass,
        reconciliation: Reconciliation { ended_at: Some(at(now)), ..Reconciliation::default() },
        ..Model::new("r".to_owned())
    }
}

fn person(secs: i64) -> Run {
    asked(Principal::new("ines"), Mode::Recover, TimeSpan::from_secs(3_600), at(secs))
}

fn contents(from: i64, to: i64, after: u64) -> Step {
    Step { window: Window { from: at(from), to: at(to) }, place: Place::Contents { after } }
}

fn look(model: &Model, now: i64) -> Option<Look> {
    capture::next(model, &RHYTHM, policy::compiled::Since::Now, at(now))
}

#[test]
fn one_that_a_person_asks_for_begins_with_a_sweep_and_ends_its_window_where_sweeps_had_their_chance() {
    let mut model = following(0);
    assert_eq!(look(&model, 10), None);
    model.reconciliation.run = Some(person(10));
    assert_eq!(look(&model, 10), Some(Look::NewSweep { from: at(-300) }), "not yet due, and wanted");
    (model.watermark, model.swept_at) = (Some(at(8)), Some(at(11)));
    let (from, to) = (8 - 300 - 3_600, 8 - 300);
    assert_eq!(look(&model, 11), Some(Look::Reconcile(person(10), contents(from, to, 0))));
}

#[test]
fn the_schedule_asks_once_a_day_behind_sweeps_and_identities_and_before_all_contents() {
    let day = 86_400;
    let mut model = following(0);
    (model.watermark, model.swept_at, model.identities.ended_at) = (Some(at(day)), Some(at(day)), Some(at(day)));
    let scheduled = asked(Principal::product(), Mode::Recover, RHYTHM.window, at(day));
    let to = day - 300;
    assert_eq!(look(&model, day), Some(Look::Reconcile(scheduled, contents(to - 7 * day, to, 0))));
    model.identities.ended_at = Some(at(0));
    assert_eq!(look(&model, day), Some(Look::Identities { from: 0 }));
    model.swept_at = Some(at(0));
    assert_eq!(look(&model, day), Some(Look::NewSweep { from: at(day - 300) }));
    let first = Model { phase: Phase::First { after: 0 }, ..following(0) };
    assert_eq!(look(&first, day), Some(Look::Light { after: 0, depth: Depth::First }));
}

#[test]
fn it_goes_on_where_it_was_and_its_end_is_kept() {
    let (run, begun) = (person(10), contents(-3_900, -300, 0));
    let further = Place::Contents { after: 200 };
    let mut held = after(Reconciliation::default(), (run.clone(), begun), Reached::Place(further), at(12));
    let step = Step { place: further, ..begun };
    assert_eq!(held.run, Some(Run { step: Some(step), ..run.clone() }));
    let model = Model { reconciliation: held.clone(), ..following(0) };
    assert_eq!(next(&model, &RHYTHM, at(4_000), at(5_000)), Some((Run { step: Some(step), ..run.clone() }, step)));

    let counted = Run { tally: Tally { same: 9, gone: 1, ..Tally::default() }, ..run };
    held = after(held, (counted, step), Reached::End, at(20));
    let last = held.last.clone().unwrap();
    assert_eq!((held.run, held.ended_at), (None, None), "what a person asks for moves no schedule");
    assert_eq!((last.asked_at, last.ended_at, last.window), (at(10), at(20), Some(begun.window)));
    assert_eq!(last.completeness().map(|it| it.to_string()).as_deref(), Some("90.00 %"));
}

#[test]
fn the_schedule_is_moved_by_its_own_end_and_a_model_that_cannot_be_read_has_no_number() {
    let run = asked(Principal::product(), Mode::Recover, RHYTHM.window, at(0));
    let unread = Reached::Unread("the user may not read mrp.production".to_owned());
    let held = after(Reconciliation::default(), (run, contents(-9, -3, 0)), unread, at(7));
    assert_eq!(held.ended_at, Some(at(7)));
    assert_eq!(held.last.unwrap().completeness(), None);
}

#[test]
fn one_that_waits_for_a_model_that_cannot_be_read_ends_without_a_number() {
    let held = Reconciliation { run: Some(person(10)), ..Reconciliation::default() };
    let ended = given_up(&held, "the user may not read it", at(12)).unwrap();
    let last = ended.last.unwrap();
    assert_eq!((ended.run, last.window, last.completeness()), (None, None, None));
    assert_eq!((last.ended_at, last.unread.as_deref()), (at(12), Some("the user may not read it")));
    assert_eq!(given_up(&Reconciliation::default(), "it may not", at(12)), None);
}

#[test]
fn what_was_written_since_is_left_to_the_sweep() {
    let window = Window { from: at(-60), to: at(0) };
    let rows = vec![row(1, -90), row(2, -60), row(3, 0), row(4, 1), Row { written_at: None, ..row(5, 0) }];
    let ids: Vec<u64> = settle(rows, &window).iter().map(|row| row.id).collect();
    assert_eq!(ids, [1, 2, 3, 5]);
    assert!(is_older(&row(1, -61), &window) && !is_older(&row(1, -60), &window));
}

#[test]
fn a_record_is_the_same_missing_differing_or_left_to_its_nudge() {
    let (there, other) = (row(42, 0), row(42, -5));
    let light = Known { digest: None, ..known(&there) };
    let hidden = Known { seen: Seen::Hidden, ..known(&there) };
    let refused = Known { told: Told { times: 1, telling: Telling::Refused }, ..known(&there) };
    for (before, nudged, expected) in [
        (Some(known(&there)), false, Compared::Same),
        (Some(known(&there)), true, Compared::Same),
        // Nothing was read of it yet: its write date is as it was.
        (Some(light), false, Compared::Same),
        (Some(hidden), false, Compared::Same),
        // No event tells of it.
        (Some(refused), false, Compared::Differing),
        (Some(known(&other)), false, Compared::Differing),
        (Some(known(&other)), true, Compared::Moving),
        (None, false, Compared::Missing),
        (None, true, Compared::Moving),
    ] {
        let judged = judge("sale.order", &there, (before.as_ref(), 0), Shape::Stated, Depth::Again);
        let nudged = if nudged { BTreeSet::from([42]) } else { BTreeSet::new() };
        assert_eq!(compared(before.as_ref(), &judged, 42, &nudged), expected, "{before:?} {nudged:?}");
    }
}

#[test]
fn a_look_is_counted_and_what_cannot_be_read_is_no_missing_record() {
    use Compared::{Differing, Gone, Missing, Moving, Same};
    let mut tally = Tally::default();
    tally.add(&[(1, Missing), (2, Missing), (3, Same), (4, Moving), (5, Differing), (6, Gone)], 1, (0, 0));
    let first = Tally { same: 1, missing: 1, unreadable: 1, moving: 1, differing: 1, gone: 1, ..Tally::default() };
    assert_eq!(tally, first);
    tally.add(&[(7, Missing)], 7, (3, 4));
    assert_eq!(tally, Tally { missing: 5, unreadable: 2, gone: 4, ..first });
}
