//! Tables of what is done next with an outbox, of what its lines tell, and of what may be judged beside them.

use bytes::Bytes;
use model::{Digest, Seen};

use super::*;
use crate::intake::capture::progress::HIDDEN_MAX;
use crate::intake::capture::reconcile::standing::Reconciliation;
use crate::ports::{Lost, Row, Shape};

const RHYTHM: Rhythm = Rhythm {
    every: TimeSpan::from_secs(1),
    overlap: TimeSpan::from_secs(300),
    identities: TimeSpan::from_secs(3_600),
    digests: TimeSpan::from_days(1),
    reconcile: TimeSpan::from_days(1),
    window: TimeSpan::from_days(7),
};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_000_000 + secs)
}

fn place(txid: u64, id: u64) -> Place {
    Place { epoch: "one".to_owned(), txid, id }
}

fn row(id: u64, state: &str, body: &str) -> Row {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Row { id, written_at: Some(at(0)), state: Some(state.to_owned()), body }
}

fn known(id: u64, state: &str, body: &str) -> Known {
    let digest = Some(Digest::of(body.as_bytes()));
    Known {
        id,
        written_at: Some(at(0)),
        state: Some(state.to_owned()),
        digest,
        seen: Seen::Shown,
        told: model::Told::default(),
    }
}

fn line(txid: u64, id: u64, said: Said) -> Line {
    Line { txid, event: format!("e{txid}"), model: "sale.order".to_owned(), id, began: Some(at(0)), said }
}

fn saved(txid: u64, id: u64, state: &str, body: &str) -> Line {
    line(txid, id, Said::Saved(Box::new(row(id, state, body)), Shape::Stated))
}

fn pulled(lines: Vec<Line>, next: Place) -> Pulled {
    Pulled { lines, next, rest: Rest::Nothing, held_back: 0, other_reading: 0, fence: 100, at: at(50), lost: None }
}

fn model(phase: Phase) -> Model {
    let ended = Pass { ended_at: Some(at(0)), ..Pass::default() };
    let reconciliation = Reconciliation { ended_at: Some(at(0)), ..Reconciliation::default() };
    Model { phase, identities: ended, digests: ended, reconciliation, ..Model::new("r".to_owned()) }
}

fn progress(phase: Phase) -> Progress {
    let models = BTreeMap::from([("sale.order".to_owned(), model(phase))]);
    Progress { models, outbox: Some(Outbox::from(place(7, 7))) }
}

fn order(id: u64) -> (String, u64) {
    ("sale.order".to_owned(), id)
}

/// What a fold came to: the words of its events, what is known of a record, and who is named.
fn check(lines: &[Line], before: Option<Known>, phase: Phase, expected: &[&str]) -> Fold {
    let known = before.into_iter().map(|known| (order(known.id), known)).collect();
    let fold = fold(lines, known, &progress(phase).models);
    let words: Vec<&str> = fold.news.iter().map(|(_, news)| news.word.as_str()).collect();
    assert_eq!(words, expected, "{lines:?}");
    fold
}

#[test]
fn every_state_of_a_record_is_an_event_in_the_order_of_the_lines() {
    let lines =
        [saved(1, 42, "draft", "a"), saved(2, 42, "sale", "b"), saved(3, 42, "sale", "a"), saved(4, 42, "sale", "b")];
    let told = check(&lines, None, Phase::Following, &["draft", "sale", "changed", "changed"]);
    let keys: BTreeSet<&str> = told.news.iter().map(|(_, news)| news.key.as_str()).collect();
    assert_eq!(keys.len(), 4, "there and back and there again are four events: {keys:?}");
    let times = model::Told { times: 4, ..model::Told::default() };
    assert_eq!(told.known[&order(42)], Some(Known { told: times, ..known(42, "sale", "b") }));
    let again = check(&lines, None, Phase::Following, &["draft", "sale", "changed", "changed"]);
    assert_eq!(told, again, "after a crash the same lines make the same keys");
}

#[test]
fn what_is_as_it_is_known_is_no_event_and_what_is_known_without_its_content_is_one() {
    let same = saved(1, 42, "sale", "a");
    check(std::slice::from_ref(&same), Some(known(42, "sale", "a")), Phase::Following, &[]);
    let light = Known { digest: None, ..known(42, "sale", "a") };
    check(&[same], Some(light), Phase::Following, &["changed"]);
}

#[test]
fn a_deletion_is_told_once_and_only_of_what_was_known_or_may_have_been_there_before_the_first_look() {
    let gone = [line(1, 42, Said::Deleted), line(1, 42, Said::Deleted)];
    let told = check(&gone, Some(known(42, "sale", "a")), Phase::Following, &["deleted"]);
    assert_eq!((&told.known[&order(42)], told.counted_from["sale.order"]), (&None, 1));
    assert_eq!(told.news[0].1.key, "sale.order/42/e1", "the key of the line, also in another epoch");
    check(&gone, None, Phase::Following, &[]);
    check(&gone[..1], None, Phase::First { after: 0 }, &["deleted"]);
}

#[test]
fn a_line_without_content_names_its_record_unless_a_later_one_or_one_of_its_transaction_tells_it() {
    let changed = |txid| line(txid, 42, Said::Changed);
    for (lines, words, named) in [
        (vec![changed(1)], &[][..], true),
        (vec![changed(1), saved(1, 42, "sale", "b")], &["sale"][..], false),
        (vec![saved(1, 42, "sale", "b"), changed(1)], &["sale"][..], false),
        (vec![saved(1, 42, "sale", "b"), changed(2)], &["sale"][..], true),
        (vec![changed(1), line(2, 42, Said::Deleted)], &["deleted"][..], false),
    ] {
        let before = Some(known(42, "draft", "a"));
        let told = check(&lines, before, Phase::Following, words);
        assert_eq!(told.named.contains(&order(42)), named, "{lines:?}");
    }
    let other = Line { model: "res.users".to_owned(), ..changed(1) };
    assert_eq!(fold(&[other], KnownBy::new(), &progress(Phase::Following).models), Fold::default());
}

#[test]
fn it_is_read_from_behind_what_had_ended_and_what_followed_otherwise_is_compared_once() {
    let mut asked = pulled(Vec::new(), place(0, 0));
    asked.fence = 5_000;
    let from = beginning(&asked);
    assert!(from > place(4_999, 70_000) && from < place(5_000, 1), "{from:?}");
    let begun = begun(Progress { outbox: None, ..progress(Phase::Following) }, from.clone());
    assert_eq!(begun.outbox, Some(Outbox::from(from)));
    let model = &begun.models["sale.order"];
    assert_eq!(next_without_sweeps(model, &RHYTHM, Since::Now, at(1)), Some(Look::Identities { from: 0 }));
    assert_eq!((model.digests, model.identities), (Pass::default(), Pass::default()));
}

#[test]
fn a_page_moves_the_place_and_another_epoch_compares_all_contents() {
    let moved = after(progress(Phase::Following), &pulled(Vec::new(), place(9, 9)), &Fold::default(), at(1));
    assert_eq!(moved.outbox.as_ref().map(|it| it.place.clone()), Some(place(9, 9)));
    assert_eq!(moved.models, progress(Phase::Following).models);
    let anew = Place { epoch: "two".to_owned(), txid: 0, id: 0 };
    let moved = after(moved, &pulled(Vec::new(), anew.clone()), &Fold::default(), at(2));
    assert_eq!(moved.outbox.map(|it| it.place), Some(anew));
    assert_eq!(moved.models["sale.order"].digests, Pass::default());
    assert_eq!(moved.models["sale.order"].identities, Pass::default());
}

#[test]
fn a_place_that_is_not_below_the_fence_was_read_in_a_database_that_is_no_more() {
    for (fence, expected) in [(8, false), (7, true), (3, true)] {
        let page = Pulled { fence, ..pulled(Vec::new(), place(7, 7)) };
        let moved = after(progress(Phase::Following), &page, &Fold::default(), at(5));
        let anew_at = moved.outbox.as_ref().and_then(|outbox| outbox.anew_at);
        assert_eq!((is_put_back(&place(7, 7), &page), anew_at), (expected, expected.then_some(at(5))), "{fence}");
        assert_eq!(open_anew(&moved), anew_at);
        let place_then = if expected { beginning(&page) } else { place(7, 7) };
        assert_eq!(moved.outbox.map(|outbox| outbox.place), Some(place_then.clone()), "{fence}");
        let is_compared = moved.models["sale.order"].digests == Pass::default();
        assert_eq!((is_compared, is_put_back(&place_then, &page)), (expected, false), "{fence}");
    }
    let other = Pulled { fence: 3, ..pulled(Vec::new(), Place { epoch: "two".to_owned(), txid: 0, id: 0 }) };
    assert!(!is_put_back(&place(7, 7), &other), "another epoch says so itself");
}

#[test]
fn a_place_behind_what_is_lost_stays_below_the_fence() {
    let lost = Some(Lost { lines: 3, upto: place(150, 4) });
    let page = Pulled { lost, ..pulled(Vec::new(), place(7, 7)) };
    let outbox = after(progress(Phase::Following), &page, &Fold::default(), at(1)).outbox.unwrap();
    assert_eq!((&outbox.place, is_put_back(&outbox.place, &page)), (&place(99, LAST_LINE), false));
}

#[test]
fn what_was_named_and_is_hidden_is_asked_after_with_the_identities_until_it_is_shown() {
    let ids = |ids: &[u64]| ids.iter().copied().collect::<BTreeSet<u64>>();
    let mut held = progress(Phase::Following);
    held.outbox.as_mut().unwrap().named.insert("sale.order".to_owned(), ids(&[1, 2, 3]));
    held = was_read(held, "sale.order", &ids(&[1, 2]), &ids(&[2, 9]));
    let count = |held: &Progress| held.outbox.as_ref().map(|outbox| (outbox.named.clone(), outbox.hidden.count()));
    assert_eq!(count(&held), Some((BTreeMap::from([("sale.order".to_owned(), ids(&[3]))]), 1)));
    held = was_read(held, "sale.order", &ids(&[3]), &ids(&[]));
    let look = |held: &Progress| beside(held, held.outbox.as_ref().unwrap(), (&RHYTHM, Since::Now), at(1), |_| true);
    assert_eq!(look(&held), None, "it is not read over and over");
    held.outbox.as_mut().unwrap().hidden.ask_again("sale.order");
    assert_eq!(look(&held), Some(("sale.order".to_owned(), Look::Named { ids: vec![2] })));
    assert_eq!(Progress::read(&held.text()).unwrap(), held);
    held = was_read(held, "sale.order", &ids(&[2]), &ids(&[]));
    assert_eq!(count(&held), Some((BTreeMap::new(), 0)));

    let many: BTreeSet<u64> = (0..HIDDEN_MAX as u64 + 2).collect();
    held = was_read(held, "sale.order", &many, &many);
    assert_eq!(count(&held).map(|(_, hidden)| hidden), Some(HIDDEN_MAX as u64 + 2));
    held = was_read(held, "sale.order", &many, &ids(&[]));
    assert_eq!(held.models["sale.order"].digests, Pass::default(), "those that found no room are found by comparing");
    assert_eq!(count(&held).map(|(_, hidden)| hidden), Some(0));
}

#[test]
fn what_lines_told_or_named_is_on_its_way_and_no_gap() {
    let mut held = progress(Phase::Following);
    held.outbox.as_mut().unwrap().named.insert("sale.order".to_owned(), BTreeSet::from([1]));
    let mut reader = Reader::default();
    reader.waits(at(1));
    let since = fold(&[saved(1, 2, "sale", "b"), line(2, 3, Said::Changed)], KnownBy::new(), &held.models);
    reader.heard(&pulled(Vec::new(), place(9, 9)), &since, at(1));
    assert_eq!(moving(&held, &reader.wait.unwrap(), "sale.order"), BTreeSet::from([1, 2, 3]));
}

#[test]
fn a_line_of_a_hidden_record_tells_and_does_not_show_it() {
    let hidden = Known { seen: Seen::Hidden, ..known(42, "draft", "a") };
    let told = check(&[saved(1, 42, "sale", "b")], Some(hidden), Phase::Following, &["sale"]);
    assert_eq!(told.known[&order(42)].as_ref().map(|known| known.seen), Some(Seen::Hidden));
}

#[test]
fn what_is_lost_is_told_once_until_all_is_compared() {
    let lost = |lines, upto| Some(Lost { lines, upto });
    let page = Pulled { lost: lost(3, place(9, 9)), ..pulled(Vec::new(), place(7, 7)) };
    let first = after(progress(Phase::Following), &page, &Fold::default(), at(1));
    let outbox = first.outbox.clone().unwrap();
    assert_eq!(outbox.place, place(9, 9), "nothing is to be read up to there");
    assert_eq!(open_loss(&first).map(|loss| loss.lines), Some(3));
    assert_eq!(new_loss(&outbox, &page, at(2)), None);
    let further = Pulled { lost: lost(5, place(12, 1)), ..page };
    // The outbox counts all of its epoch.
    assert_eq!(new_loss(&outbox, &further, at(2)).map(|loss| (loss.lines, loss.total)), Some((2, 5)));
    let mut compared = first;
    let ended = Pass { ended_at: Some(at(3)), ..Pass::default() };
    compared.models.insert("sale.order".to_owned(), Model { identities: ended, digests: ended, ..model(Phase::Following) });
    assert_eq!(open_loss(&compared), None);
}

#[test]
fn more_names_than_are_kept_make_their_model_be_compared() {
    let named = |ids: std::ops::Range<u64>| Fold { named: ids.map(order).collect(), ..Fold::default() };
    let page = pulled(Vec::new(), place(9, 9));
    let few = after(progress(Phase::Following), &page, &named(0..5), at(1));
    assert_eq!(few.outbox.as_ref().map(|it| it.named["sale.order"].len()), Some(5));
    let told = Fold { told: BTreeSet::from([order(2)]), ..Fold::default() };
    let less = after(few, &page, &told, at(1));
    assert_eq!(less.outbox.as_ref().map(|it| it.named["sale.order"].len()), Some(4), "a line told it");
    let many = after(less, &page, &named(0..NAMED_MAX as u64 + 1), at(1));
    assert_eq!(many.outbox.map(|it| it.named), Some(BTreeMap::new()));
    assert_eq!(many.models["sale.order"].digests, Pass::default());
}

fn step(progress: &Progress, reader: &Reader, now: Timestamp) -> Step {
    next(progress, reader, (&RHYTHM, Since::Now), now, |_| true)
}

#[test]
fn it_begins_then_says_how_far_it_is_and_pulls_on_while_there_is_more() {
    let mut progress = progress(Phase::Following);
    let mut reader = Reader::default();
    assert_eq!(step(&Progress { outbox: None, ..progress.clone() }, &reader, at(0)), Step::Begin);
    assert_eq!(step(&progress, &reader, at(0)), Step::Acknowledge(place(7, 7)));
    reader.acknowledged(place(7, 7), at(0));
    assert_eq!(step(&progress, &reader, at(0)), Step::Pull(place(7, 7)));
    let page = Pulled { rest: Rest::More, ..pulled(Vec::new(), place(9, 9)) };
    reader.heard(&page, &Fold::default(), at(0));
    progress = after(progress, &page, &Fold::default(), at(0));
    assert_eq!(step(&progress, &reader, at(0)), Step::Pull(place(9, 9)), "not told again so soon");
    assert_eq!(step(&progress, &reader, at(5)), Step::Acknowledge(place(9, 9)));
    reader.acknowledged(place(9, 9), at(5));
    reader.heard(&pulled(Vec::new(), place(9, 9)), &Fold::default(), at(5));
    assert_eq!(step(&progress, &reader, at(5)), Step::Rest(at(6)));
    assert_eq!(step(&progress, &reader, at(6)), Step::Pull(place(9, 9)));
}

#[test]
fn what_is_named_is_read_before_a_pass_and_nothing_while_something_waits() {
    let mut progress = progress(Phase::Following);
    let mut reader = Reader::default();
    reader.acknowledged(place(7, 7), at(3_600));
    reader.heard(&pulled(Vec::new(), place(7, 7)), &Fold::default(), at(3_600));
    let pass = Step::Look("sale.order".to_owned(), Look::Identities { from: 0 });
    assert_eq!(step(&progress, &reader, at(3_600)), pass);
    if let Some(outbox) = &mut progress.outbox {
        outbox.named.entry("sale.order".to_owned()).or_default().extend([4, 2]);
    }
    let named = Step::Look("sale.order".to_owned(), Look::Named { ids: vec![2, 4] });
    assert_eq!(step(&progress, &reader, at(3_600)), named);
    assert_eq!(next(&progress, &reader, (&RHYTHM, Since::Now), at(3_600), |_| false), Step::Rest(at(3_601)), "left alone");
    reader.waits(at(3_600));
    assert_eq!(step(&progress, &reader, at(3_600)), Step::Pull(place(7, 7)), "at once, to know how far it is");
    let held = Pulled { held_back: 1, ..pulled(Vec::new(), place(7, 7)) };
    reader.heard(&held, &Fold::default(), at(3_600));
    assert_eq!(step(&progress, &reader, at(3_600)), Step::Rest(at(3_601)));
    assert_eq!(step(&progress, &reader, at(3_720)), Step::Drop);
}

#[test]
fn what_was_read_waits_until_no_transaction_that_it_can_have_seen_is_missing() {
    let page = |held_back, rest, at_s, began: Option<i64>| {
        let lines = began.map(|secs| Line { began: Some(at(secs)), ..line(1, 1, Said::Changed) });
        Pulled { held_back, rest, at: at(at_s), ..pulled(lines.into_iter().collect(), place(9, 9)) }
    };
    for (pages, is_over) in [
        // Nothing is held back, and nothing more is there.
        (vec![page(0, Rest::Nothing, 50, None)], true),
        (vec![page(0, Rest::More, 50, None)], false),
        (vec![page(2, Rest::Nothing, 50, None)], false),
        (vec![page(2, Rest::Nothing, 50, None), page(0, Rest::Nothing, 51, None)], true),
        // Under load something is held back always: then a transaction tells that began after the first page.
        (vec![page(2, Rest::Nothing, 50, Some(49)), page(2, Rest::Nothing, 60, Some(50))], false),
        (vec![page(2, Rest::Nothing, 50, Some(49)), page(2, Rest::Nothing, 60, Some(51))], true),
        // A date that somebody wrote is no beginning.
        (vec![page(2, Rest::Nothing, 50, None), page(2, Rest::Nothing, 60, Some(61))], false),
    ] {
        let mut reader = Reader::default();
        reader.waits(at(0));
        for page in &pages {
            reader.heard(page, &Fold::default(), at(0));
        }
        assert_eq!(reader.wait.map(|wait| wait.is_over), Some(is_over), "{pages:?}");
    }
}

#[test]
fn lines_are_held_back_since_the_same_fence_stands() {
    let mut reader = Reader::default();
    for (secs, held_back, fence, expected) in
        [(1, 0, 10, None), (2, 3, 10, Some(2)), (3, 4, 10, Some(2)), (4, 4, 12, Some(4)), (5, 0, 20, None)]
    {
        let page = Pulled { held_back, fence, ..pulled(Vec::new(), place(9, 9)) };
        reader.heard(&page, &Fold::default(), at(secs));
        assert_eq!(reader.held_since(), expected.map(at), "{secs}");
    }
}

#[test]
fn another_reading_is_told_since_its_first_line_until_a_page_has_the_present_one_alone() {
    let mut reader = Reader::default();
    let saved = || vec![saved(1, 1, "draft", "1")];
    for (secs, other_reading, lines, expected) in [
        (1, 0, saved(), None),
        (2, 3, Vec::new(), Some((3, 2))),
        (3, 0, Vec::new(), Some((3, 2))),
        (4, 2, saved(), Some((5, 2))),
        (5, 0, saved(), None),
        (6, 1, Vec::new(), Some((1, 6))),
    ] {
        let page = Pulled { other_reading, ..pulled(lines, place(9, 9)) };
        reader.heard(&page, &Fold::default(), at(secs));
        assert_eq!(reader.other_reading(), expected.map(|(count, since)| (count, at(since))), "{secs}");
    }
}
