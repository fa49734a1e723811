//! What people do with kept events reaches the journal, once.

use super::*;

#[tokio::test]
async fn a_correction_reaches_the_journal_once() {
    let world = World::new(1_000_000);
    let event = world.kept().await;
    let which = Which { event, version: Some(1) };
    let quarantine = world.quarantine();
    let again =
        quarantine.correct(which, Bytes::from_static(br#"{"id":"k","type":"new"}"#), Newer::Stays, &world.asked("x")).await;
    assert!(matches!(again, Err(NotDone::Invalid(_))), "{again:?}");
    let body = Bytes::from_static(br#"{"id":"k","type":"order"}"#);
    let moved = quarantine.correct(which, body.clone(), Newer::Stays, &world.asked("typo")).await.expect("it is right now");
    world.clock.advance(TimeSpan::from_secs(1));
    let repeated = quarantine.correct(which, body, Newer::Stays, &world.asked("typo")).await.expect("as the first time");
    assert_eq!(repeated, moved);
    world.append_emitted().await;
    let records = world.records().await;
    let [_, corrected] = records.as_slice() else { panic!("{records:?}") };
    assert!(matches!(&corrected.entry, Entry::Resubmitted { of, revision: 1, event: new, .. }
        if *of == event && Some(new.id) == moved.as_event && new.kind.as_str() == "shop.order"));
    let (of_it, of_the_first) = (Chain::of_entry(&corrected.entry, Share::ALL), Chain::of(event, None, Share::ALL));
    assert_eq!(of_it, Some(of_the_first), "it goes on in the chain of the one that it corrects");
    assert_eq!(world.audit().await.len(), 1);
    let other = quarantine.release(which, Newer::Stays, &world.asked("let it pass")).await;
    assert!(matches!(&other, Err(NotDone::Refused(why)) if why.contains("corrected by ines")), "{other:?}");
}

#[tokio::test]
async fn a_release_and_a_close_settle_an_event_once() {
    let world = World::new(1_000_000);
    let event = world.kept().await;
    let quarantine = world.quarantine();
    let which = Which { event, version: None };
    let moved = quarantine.release(which, Newer::Stays, &world.asked("it is fine")).await.expect("released");
    assert_eq!((moved.version, moved.as_event), (2, None));
    world.append_emitted().await;
    let records = world.records().await;
    assert!(matches!(&records[1].entry, Entry::Released { of, at, .. } if *of == event && *at == records[0].position));
    assert!(matches!(quarantine.close(which, &world.asked("no")).await, Err(NotDone::Refused(_))));
    let unknown = Which { event: EventId::derive(event.0, &[b"other"]), version: None };
    assert!(matches!(quarantine.close(unknown, &world.asked("no")).await, Err(NotDone::Unknown(_))));
}
