//! What people do with kept events: what it changes, what is refused, and that it can be asked twice.

use bytes::Bytes;
use model::{
    Batch, Change, Entry, EventId, Guard, Later, LaterEvent, Offset, Partition, Position, Principal, QuarantineRow,
    QuarantineState,
};

use super::*;
use crate::intake::quarantine::decide::{Decided, Kept, Stand, close, correct, release, resubmit};
use crate::rules::asked::{Asked, NotDone};

fn world(unknown: Unknown, listed: &str) -> World {
    World::of(vec![Source {
        unknown,
        kind: Some(Pick::Path(".type".parse().unwrap())),
        events: BTreeMap::from([(listed.to_owned(), rule("lab.known"))]),
        ..open_source("lab")
    }])
}

/// An event that was kept because its type is not listed.
fn kept() -> Event {
    match world(Unknown::Quarantine, "known").events(&post("lab", r#"{"type":"new","a":1}"#)).remove(0) {
        Verdict::Quarantined { event, .. } => *event,
        other @ Verdict::Admitted(_) => panic!("expected a kept event, got {other:?}"),
    }
}

fn row(event: &Event) -> QuarantineRow {
    QuarantineRow {
        event: event.id,
        position: Position { partition: Partition(0), offset: Offset(3) },
        source: event.source.clone(),
        kind: event.kind.clone(),
        origin: event.origin,
        owner: Owner::new("team").unwrap(),
        at: NOW,
        reasons: Vec::new(),
        state: QuarantineState::Open,
        revision: 0,
        version: 4,
        later: None,
    }
}

fn asked(why: &str) -> Asked {
    Asked { by: Principal::new("ines"), why: why.to_owned(), at: NOW }
}

fn seen<'a>(row: &'a QuarantineRow, event: &'a Event, seen: Option<u64>) -> Kept<'a> {
    Kept { row, ranks_at: row.position, event, later: None, seen }
}

/// The row after the batch, as every ledger leaves it.
fn after(mut row: QuarantineRow, batch: &Batch) -> QuarantineRow {
    for change in &batch.changes {
        if let Change::QuarantineMove { state, .. } = change {
            row.revision += u32::from(matches!(state, QuarantineState::Resubmitted { .. }));
            row.state = state.clone();
            row.version += 1;
        }
    }
    row
}

fn emitted(batch: &Batch) -> Vec<(EventId, Entry)> {
    let entries = batch.changes.iter().filter_map(|change| match change {
        Change::Emit { id, entry, .. } => Some((EventId(*id), (**entry).clone())),
        _ => None,
    });
    entries.collect()
}

fn corrected(world: &World, body: &str, seen_version: Option<u64>, row: &QuarantineRow) -> Result<Decided, NotDone> {
    let stand = Stand { policy: &world.policy, partitions: &[Partition(0)] };
    correct(stand, seen(row, &kept(), seen_version), &Bytes::copy_from_slice(body.as_bytes()), &asked("typo"))
}

#[test]
fn a_correction_takes_the_place_of_the_original_in_one_guarded_batch() {
    let (event, body) = (kept(), r#"{"type":"known","a":2}"#);
    let decided = corrected(&world(Unknown::Quarantine, "known"), body, Some(4), &row(&event)).unwrap();
    let batch = decided.batch.unwrap();
    assert_eq!(batch.guards, [Guard::QuarantineVersion { event: event.id, version: 4 }]);
    let [(id, Entry::Resubmitted { of, revision: 1, event: new, .. })] = &emitted(&batch)[..] else { panic!("{batch:?}") };
    assert_eq!((*of, new.id, Some(*id)), (event.id, *id, decided.moved.as_event));
    assert_eq!((new.kind.as_str(), &*new.data(), new.key.as_str()), ("lab.known", body.as_bytes(), event.key.as_str()));
    assert_eq!(new.digest, Digest::of(body.as_bytes()));
    assert_eq!(new.correlation, new.id.to_string(), "the original's id was its own transaction, not the new one's");
    assert!(matches!(batch.changes.last(), Some(Change::Audit(audit)) if audit.action == "quarantine.correct"));
    assert_eq!(decided.moved.version, 5);
}

#[test]
fn a_correction_that_would_be_kept_again_is_refused_with_its_reasons() {
    let event = kept();
    for (world, body) in [
        (world(Unknown::Quarantine, "known"), r#"{"type":"other"}"#),
        (world(Unknown::Refuse, "known"), r#"{"type":"other"}"#),
        (world(Unknown::Quarantine, "known"), "{"),
        (world(Unknown::Quarantine, "known"), "[[[[[[[[[[[]]]]]]]]]]]"),
    ] {
        let refused = corrected(&world, body, None, &row(&event)).unwrap_err();
        assert!(matches!(&refused, NotDone::Invalid(reasons) if !reasons.is_empty()), "{body}: {refused:?}");
    }
    let large = format!("\"{}\"", "x".repeat(64 * 1024));
    let refused = corrected(&world(Unknown::Quarantine, "known"), &large, None, &row(&event)).unwrap_err();
    assert!(matches!(refused, NotDone::Refused(_)), "{refused:?}");
    let gone = corrected(&World::of(Vec::new()), "{}", None, &row(&event)).unwrap_err();
    assert!(matches!(gone, NotDone::Refused(_)), "{gone:?}");
}

#[test]
fn the_present_policy_judges_a_correction() {
    let event = kept();
    let same_body = std::str::from_utf8(&event.body).unwrap();
    let decided = corrected(&world(Unknown::Quarantine, "new"), same_body, None, &row(&event)).unwrap();
    let [(_, Entry::Resubmitted { event: new, .. })] = &emitted(&decided.batch.unwrap())[..] else { panic!("resubmitted") };
    assert_eq!(new.kind.as_str(), "lab.known");
}

#[test]
fn a_correction_of_a_structured_event_is_an_envelope_again() {
    let world = World::of(vec![Source { events: BTreeMap::from([("known".to_owned(), rule("k"))]), ..open_source("lab") }]);
    let envelope = |kind: &str| {
        format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"{kind}","region":"eu","data":{{"a":1}}}}"#)
    };
    let received = with(post("lab", &envelope("new")), "content-type", "application/cloudevents+json");
    let Verdict::Quarantined { event, .. } = world.events(&received).remove(0) else { panic!("kept") };
    let stand = Stand { policy: &world.policy, partitions: &[Partition(0)] };
    let correct = |body: String| correct(stand, seen(&row(&event), &event, None), &Bytes::from(body), &asked("typo"));
    let decided = correct(envelope("known")).unwrap();
    let [(_, Entry::Resubmitted { event: new, .. })] = &emitted(&decided.batch.unwrap())[..] else { panic!("resubmitted") };
    assert_eq!((new.kind.as_str(), &*new.data()), ("k", &br#"{"a":1}"#[..]));
    assert_eq!(new.attributes.get("region").map(String::as_str), Some("eu"));
    assert!(matches!(correct(r#"{"a":1}"#.to_owned()), Err(NotDone::Invalid(_))));
}

#[test]
fn a_type_that_stood_in_a_header_is_found_again_by_what_it_was_taken_for() {
    let source = |listed: &[(&str, &str)]| Source {
        kind: Some(Pick::Header("x-topic".to_owned())),
        events: listed.iter().map(|(native, kind)| ((*native).to_owned(), rule(kind))).collect(),
        ..open_source("lab")
    };
    let before = World::of(vec![source(&[("other", "o")])]);
    let received = with(post("lab", "{}"), "x-topic", "orders/new");
    let Verdict::Quarantined { event, .. } = before.events(&received).remove(0) else { panic!("kept") };
    for (listed, expected) in [(("orders/new", "shop.order"), "shop.order"), (("renamed", "orders/new"), "orders/new")] {
        let now = World::of(vec![source(&[listed])]);
        let stand = Stand { policy: &now.policy, partitions: &[] };
        let decided = correct(stand, seen(&row(&event), &event, None), &Bytes::from_static(b"{}"), &asked("x")).unwrap();
        let [(_, Entry::Resubmitted { event: new, .. })] = &emitted(&decided.batch.unwrap())[..] else {
            panic!("{listed:?}")
        };
        assert_eq!(new.kind.as_str(), expected);
    }
}

#[test]
fn a_release_refers_to_the_bytes_and_a_close_emits_nothing() {
    let event = kept();
    let row = row(&event);
    let world = world(Unknown::Quarantine, "known");
    let stand = Stand { policy: &world.policy, partitions: &[Partition(0)] };
    let batch = release(stand, seen(&row, &event, Some(4)), &asked("it is fine")).unwrap().batch.unwrap();
    let [(_, Entry::Released { of, at, .. })] = &emitted(&batch)[..] else { panic!("{batch:?}") };
    assert_eq!((*of, *at), (event.id, row.position));
    let batch = close(seen(&row, &event, Some(4)), &asked("a test order")).unwrap().batch.unwrap();
    assert_eq!((emitted(&batch).len(), batch.changes.len(), batch.guards.len()), (0, 2, 1));
}

type Command<'a> = &'a dyn Fn(&QuarantineRow, Option<u64>, &str) -> Result<Decided, NotDone>;

#[test]
fn a_command_that_is_repeated_is_answered_as_the_first_time() {
    let event = kept();
    let world = world(Unknown::Quarantine, "known");
    let stand = Stand { policy: &world.policy, partitions: &[Partition(0)] };
    let body = Bytes::from_static(br#"{"type":"known"}"#);
    let commands: [Command<'_>; 3] = [
        &|row, version, why| correct(stand, seen(row, &event, version), &body, &asked(why)),
        &|row, version, why| release(stand, seen(row, &event, version), &asked(why)),
        &|row, version, why| close(seen(row, &event, version), &asked(why)),
    ];
    for command in commands {
        let open = row(&event);
        let first = command(&open, Some(4), "why").unwrap();
        let settled = after(open, &first.batch.unwrap());
        for version in [Some(4), Some(5), None] {
            let again = command(&settled, version, "why").unwrap();
            assert!(again.batch.is_none());
            assert_eq!(again.moved, first.moved);
        }
        assert!(matches!(command(&settled, Some(3), "why"), Err(NotDone::Refused(_))), "another version");
        assert!(matches!(command(&settled, None, "other"), Err(NotDone::Refused(_))), "another reason");
        assert!(matches!(command(&row(&event), Some(3), "why"), Err(NotDone::Changed(_))), "not what was seen");
        assert!(matches!(command(&row(&event), None, " "), Err(NotDone::WithoutReason)));
    }
    let first = correct(stand, seen(&row(&event), &event, None), &body, &asked("why")).unwrap();
    let settled = after(row(&event), &first.batch.unwrap());
    let other = Bytes::from_static(br#"{"type":"known","b":1}"#);
    assert!(matches!(correct(stand, seen(&settled, &event, None), &other, &asked("why")), Err(NotDone::Refused(_))));
}

/// What the sender of the kept event sent later, and the row that has it beside it.
fn attached(event: &Event, body: &str) -> (QuarantineRow, LaterEvent) {
    let later = match world(Unknown::Quarantine, "known").events(&post("lab", body)).remove(0) {
        Verdict::Admitted(event) => LaterEvent { event: *event, reasons: Vec::new() },
        Verdict::Quarantined { event, reasons } => LaterEvent { event: *event, reasons },
    };
    (QuarantineRow { later: Some(later.summary(0)), ..row(event) }, later)
}

fn resubmitted(
    (row, event, later): (&QuarantineRow, &Event, Option<&LaterEvent>),
    digest: Option<Digest>,
    seen: Option<u64>,
) -> Result<Decided, NotDone> {
    let world = world(Unknown::Quarantine, "known");
    let stand = Stand { policy: &world.policy, partitions: &[Partition(0)] };
    resubmit(stand, Kept { row, ranks_at: row.position, event, later, seen }, digest, &asked("mended by the shop"))
}

#[test]
fn what_came_later_takes_the_place_of_the_original_as_a_correction_does() {
    let (event, body) = (kept(), r#"{"type":"known","a":2}"#);
    let (row, later) = attached(&event, body);
    for digest in [None, Some(Digest::of(body.as_bytes()))] {
        let decided = resubmitted((&row, &event, Some(&later)), digest, None).unwrap();
        let batch = decided.batch.unwrap();
        assert_eq!(batch.guards, [Guard::QuarantineVersion { event: event.id, version: 4 }]);
        let [(id, Entry::Resubmitted { of, revision: 1, event: new, .. })] = &emitted(&batch)[..] else {
            panic!("{batch:?}")
        };
        assert_eq!((*of, new.id, Some(*id)), (event.id, *id, decided.moved.as_event));
        assert_eq!((&*new.data(), new.received_at), (body.as_bytes(), later.event.received_at));
        assert_eq!(new.correlation, new.id.to_string(), "neither of the two before it names a transaction");
        assert!(matches!(batch.changes.last(), Some(Change::Audit(audit)) if audit.action == "quarantine.correct"));
        // The same body typed in is the same correction.
        let typed = corrected(&world(Unknown::Quarantine, "known"), body, Some(4), &row).unwrap();
        assert_eq!(typed.moved.as_event, decided.moved.as_event);
        // Asked again, also when its bytes are gone, it is answered as before.
        let after = after(row.clone(), &batch);
        let again = resubmitted((&after, &event, None), digest, Some(4)).unwrap();
        assert!(again.batch.is_none() && again.moved == decided.moved, "{again:?}");
    }
}

#[test]
fn what_came_later_is_taken_as_it_was_seen_and_only_where_it_would_be_admitted() {
    let event = kept();
    let (row, later) = attached(&event, r#"{"type":"known","a":2}"#);
    let other = Some(Digest::of(b"what the person saw"));
    let changed = resubmitted((&row, &event, Some(&later)), other, None).unwrap_err();
    assert!(matches!(&changed, NotDone::Changed(why) if why.contains(&later.event.digest.to_string())), "{changed:?}");
    let changed = resubmitted((&row, &event, Some(&later)), None, Some(3)).unwrap_err();
    assert!(matches!(changed, NotDone::Changed(_)), "{changed:?}");
    let (faulty, broken) = attached(&event, r#"{"type":"other"}"#);
    let invalid = resubmitted((&faulty, &event, Some(&broken)), None, None).unwrap_err();
    assert!(matches!(&invalid, NotDone::Invalid(reasons) if *reasons == broken.reasons), "{invalid:?}");
    let nothing = resubmitted((&self::row(&event), &event, None), None, None).unwrap_err();
    assert!(matches!(&nothing, NotDone::Refused(why) if why.contains("nothing came")), "{nothing:?}");
    let closed = QuarantineState::Closed { by: Principal::new("ada"), why: "late".to_owned() };
    for row in [QuarantineRow { state: closed.clone(), ..row }, QuarantineRow { state: closed, ..self::row(&event) }] {
        let refused = resubmitted((&row, &event, Some(&later)), None, None).unwrap_err();
        assert!(matches!(&refused, NotDone::Refused(why) if why.contains("closed by ada")), "{refused:?}");
    }
}

#[test]
fn what_came_later_is_not_passed_over_by_who_did_not_see_it() {
    let event = kept();
    let (row, _) = attached(&event, r#"{"type":"known","a":2}"#);
    let world = world(Unknown::Quarantine, "known");
    let stand = Stand { policy: &world.policy, partitions: &[Partition(0)] };
    let body = Bytes::from_static(br#"{"type":"known"}"#);
    let commands: [Command<'_>; 3] = [
        &|row, version, why| correct(stand, seen(row, &event, version), &body, &asked(why)),
        &|row, version, why| release(stand, seen(row, &event, version), &asked(why)),
        &|row, version, why| close(seen(row, &event, version), &asked(why)),
    ];
    for command in commands {
        let told = command(&row, None, "why").unwrap_err();
        let digest = row.later.as_ref().unwrap().digest.to_string();
        assert!(matches!(&told, NotDone::Refused(why) if why.contains(&digest) && why.contains("--seen")), "{told:?}");
        let batch = command(&row, Some(row.version), "why").unwrap().batch.unwrap();
        assert_eq!(batch.guards, [Guard::QuarantineVersion { event: event.id, version: row.version }]);
        // What was done is told again, also to who names no version.
        assert!(command(&after(row.clone(), &batch), None, "why").unwrap().batch.is_none());
    }
    let many = QuarantineRow { later: row.later.clone().map(|later| Later { count: 7, ..later }), ..row };
    let told = close(seen(&many, &event, None), &asked("why")).unwrap_err();
    assert!(matches!(&told, NotDone::Refused(why) if why.contains("7 other bodies came")), "{told:?}");
}
