//! Reconciliation over the stores: gaps are found and become events, the number says so, what is on its way is no gap, and too many
//! deletions at once are not believed.

#[cfg(test)]
mod clock;
#[cfg(test)]
mod odoo;
#[cfg(test)]
mod told;
#[cfg(test)]
mod world;

use engine::intake::capture::reconcile::standing::{Mode, Tally};
use engine::nudges::Nudge;
use engine::ports::{Clock as _, Extent};
use engine::rules::asked::NotDone;
use model::{SourceName, TimeSpan};

use crate::odoo::MODEL;
use crate::world::{Over, World, erp};

#[tokio::test]
async fn gaps_become_events_that_say_so_and_the_next_one_is_complete() {
    for over in [Over::Memory, Over::Sqlite] {
        let world = World::new(over, 250).await;
        world.odoo.rename(7, "ACME Ltd");
        world.odoo.write_at(260, "late", world.clock.now() - TimeSpan::from_secs(3_000));
        world.odoo.write_at(261, "very late", world.clock.now() - TimeSpan::from_days(60));
        world.odoo.delete([9, 250]);
        // The first one reads what was known by its write date alone, so that a name which changed before is not seen.
        let first = world.reconcile(Mode::Recover).await;
        let expected = Tally { same: 248, missing: 2, gone: 2, recovered: 4, ..Tally::default() };
        assert_eq!(first.tally, expected, "{over:?}");
        assert_eq!(first.completeness().unwrap().to_string(), "98.41 %");

        world.odoo.rename(8, "ACME Inc");
        let second = world.reconcile(Mode::Recover).await;
        assert_eq!(second.tally, Tally { same: 248, differing: 1, recovered: 1, ..Tally::default() }, "{over:?}");
        let third = world.reconcile(Mode::Recover).await;
        assert_eq!((third.tally.same, third.completeness().unwrap().to_string()), (249, "100 %".to_owned()));
        let mut events = world.events().await;
        events.sort();
        let event = |kind: &str, id| (format!("erp.order.{kind}"), id, "reconciliation".to_owned());
        let expected =
            [event("changed", 8), event("created", 260), event("created", 261), event("deleted", 9), event("deleted", 250)];
        assert_eq!(events, expected, "{over:?}");
        let audit = world.views.audit(Some("source/erp".to_owned()), None, 10).await.unwrap().rows;
        assert_eq!(audit.iter().filter(|row| row.action == "reconciliation.order").count(), 3);
    }
}

#[tokio::test]
async fn counting_recovers_nothing_and_counts_the_same() {
    let world = World::new(Over::Memory, 50).await;
    world.odoo.write_at(60, "late", world.clock.now() - TimeSpan::from_secs(3_000));
    world.odoo.write_at(15_061, "very late", world.clock.now() - TimeSpan::from_days(60));
    world.odoo.delete([9]);
    let counted = world.reconcile(Mode::Count).await.tally;
    assert_eq!(counted, Tally { same: 49, missing: 2, gone: 1, ..Tally::default() });
    assert_eq!(world.reconcile(Mode::Count).await.tally, counted);
    assert_eq!(world.events().await, []);
    let recovered = world.reconcile(Mode::Recover).await.tally;
    assert_eq!(recovered, Tally { recovered: 3, ..counted });
}

#[tokio::test]
async fn what_is_on_its_way_is_no_gap() {
    let world = World::new(Over::Memory, 20).await;
    world.reconcile(Mode::Recover).await;
    // Written a moment ago: the next sweep's matter.
    world.odoo.write(21, "new");
    world.odoo.write(3, "changed");
    // Nothing tells of it but a nudge that waits.
    world.odoo.rename(5, "renamed");
    world.order(Mode::Recover).await.unwrap();
    world.board.nudges.hear(&erp(), Nudge { model: MODEL.to_owned(), id: 5 });
    let last = world.outcome_of(world.clock.now()).await;
    assert_eq!((last.tally.gaps(), last.completeness().unwrap().to_string()), (0, "100 %".to_owned()), "{last:?}");
    world.pass(70).await;
    let found: Vec<String> = world.events().await.into_iter().map(|(_, _, found)| found).collect();
    assert!(found.iter().all(|found| found != "reconciliation"), "{found:?}");
    assert_eq!(found.len(), 3);
}

#[tokio::test]
async fn it_goes_on_where_it_was_after_a_restart_and_takes_nothing_twice() {
    let mut world = World::new(Over::Sqlite, 900).await;
    world.odoo.delete([100, 800]);
    let asked_at = world.clock.now();
    world.order(Mode::Recover).await.unwrap();
    // A page a look: it is stopped among them, again and again.
    for _ in 0..4 {
        world.pass(1).await;
        world.stop().await;
        world.start();
    }
    let last = world.outcome_of(asked_at).await;
    assert_eq!(last.tally, Tally { same: 898, gone: 2, recovered: 2, ..Tally::default() });
    assert_eq!(world.events().await.len(), 2);
}

#[tokio::test]
async fn too_many_deletions_at_once_are_withheld_until_a_person_releases_them() {
    let world = World::new(Over::Memory, 1_000).await;
    world.odoo.delete(401..=1_000);
    let last = world.reconcile(Mode::Recover).await;
    assert_eq!(last.tally, Tally { same: 400, withheld: 600, ..Tally::default() });
    assert_eq!(last.completeness().unwrap().to_string(), "40.00 %");
    let brake = world.stands().await.brake.unwrap();
    assert_eq!((brake.missing, brake.known, brake.released), (600, 1_000, None));
    assert_eq!(world.events().await, []);

    let nobody = world.room.release(&erp(), "res.partner", &world.asked()).await;
    assert!(matches!(nobody, Err(NotDone::Unknown(_))), "{nobody:?}");
    assert_eq!(world.room.release(&erp(), MODEL, &world.asked()).await.unwrap(), 600);
    world.pass(10).await;
    assert_eq!(world.events().await.len(), 600);
    assert_eq!(world.stands().await.brake, None);
    assert!(world.events().await.iter().all(|(kind, _, found)| kind == "erp.order.deleted" && found == "identities"));
    let again = world.room.release(&erp(), MODEL, &world.asked()).await;
    assert!(matches!(again, Err(NotDone::Refused(_))), "{again:?}");
}

#[tokio::test]
async fn a_brake_goes_by_itself_once_the_right_database_is_back() {
    let world = World::new(Over::Memory, 300).await;
    world.odoo.delete(101..=300);
    world.reconcile(Mode::Recover).await;
    assert!(world.stands().await.brake.is_some());
    (101..=299).for_each(|id| world.odoo.write_at(id, "ACME", world.clock.now() - TimeSpan::from_days(2)));
    let last = world.reconcile(Mode::Recover).await;
    assert_eq!((last.tally.gone, world.stands().await.brake), (1, None));
}

#[tokio::test]
async fn a_hundred_deletions_are_believed() {
    let world = World::new(Over::Memory, 150).await;
    world.odoo.delete(1..=100);
    let last = world.reconcile(Mode::Recover).await;
    assert_eq!(last.tally, Tally { same: 50, gone: 100, recovered: 100, ..Tally::default() });
}

#[tokio::test]
async fn what_nobody_can_compare_is_refused_with_its_reason() {
    let world = World::new(Over::Memory, 5).await;
    let order = async |source: &str, model: &str, days| {
        let models = if model.is_empty() { Vec::new() } else { vec![model.to_owned()] };
        let source = SourceName::new(source).unwrap();
        let span = Some(TimeSpan::from_days(days));
        let wanted = engine::intake::capture::reconcile::order::Wanted { source, models, span, mode: Mode::Recover };
        world.room.order(&wanted, &world.asked()).await.map_err(|not_done| not_done.to_string())
    };
    for (source, model, days, why) in [
        ("nobody", "", 7, "there is no source nobody in the present policy"),
        ("shop", "", 7, "shop is not captured: its events are sent to it, and there is nothing to compare with"),
        ("erp", "res.partner", 7, "erp does not capture res.partner: it captures sale.order"),
        ("erp", "", 0, "a window is at least 1 min and at most 400 days"),
        ("erp", "", 401, "a window is at least 1 min and at most 400 days"),
    ] {
        assert_eq!(order(source, model, days).await, Err(why.to_owned()));
    }
    assert_eq!(order("erp", MODEL, 7).await, Ok(vec![MODEL.to_owned()]));
    world.odoo.is_away(Some(Extent::System));
    world.clock.advance(TimeSpan::from_secs(1));
    let twice = order("erp", MODEL, 7).await.unwrap_err();
    assert!(twice.starts_with("sale.order is being compared for ines since "), "{twice}");
    world.pass(70).await;
    let away = order("erp", MODEL, 7).await.unwrap_err();
    assert!(away.starts_with("erp cannot be read since ") && away.ends_with(": nobody is there"), "{away}");
}

#[tokio::test]
async fn it_waits_for_a_system_that_is_away_and_ends_for_a_model_that_cannot_be_read() {
    let world = World::new(Over::Memory, 5).await;
    let asked_at = world.clock.now();
    world.order(Mode::Recover).await.unwrap();
    world.odoo.is_away(Some(Extent::System));
    world.pass(200).await;
    assert!(world.stands().await.run.is_some());
    world.odoo.is_away(None);
    assert_eq!(world.outcome_of(asked_at).await.tally.same, 5);

    world.pass(1).await;
    let asked_at = world.clock.now();
    world.order(Mode::Recover).await.unwrap();
    // Also the sweep that goes before it cannot be done.
    world.odoo.is_away(Some(Extent::Model));
    let last = world.outcome_of(asked_at).await;
    assert_eq!((last.unread.as_deref(), last.completeness(), last.window), (Some("nobody is there"), None, None));
    assert!(world.stands().await.run.is_none());
    world.order(Mode::Recover).await.unwrap();
}

#[tokio::test]
async fn a_comparison_of_many_costs_a_look_for_each_page_and_counts_for_identities() {
    let world = World::new(Over::Memory, 2_000).await;
    world.reconcile(Mode::Recover).await;
    let before = world.odoo.asked();
    world.reconcile(Mode::Recover).await;
    let asked = world.odoo.asked() - before;
    // A sweep, ten pages and the end of them, one for all counts: the port asks for all ranges at once.
    assert!(asked <= 14, "{asked}");
}

#[tokio::test]
async fn what_a_rule_hides_is_told_and_asked_after_until_it_is_shown_or_deleted() {
    // The file store's threads are not in virtual time: how many passes a look takes there is not known.
    let world = World::new(Over::Memory, 30).await;
    world.odoo.hide([5, 6, 7]);
    world.identities().await;
    assert_eq!((world.hidden().await, world.events().await), (3, vec![]));

    world.odoo.delete([6]);
    world.odoo.write(7, "ACME Ltd");
    world.odoo.show(7);
    world.odoo.write(31, "another");
    world.pass(70).await;
    world.identities().await;
    let mut events = world.events().await;
    events.sort();
    let event = |kind: &str, id, found: &str| (format!("erp.order.{kind}"), id, found.to_owned());
    let expected = [event("changed", 7, "sweep"), event("created", 31, "sweep"), event("deleted", 6, "identities")];
    assert_eq!((world.hidden().await, events), (1, expected.into()));
    world.identities().await;
    assert_eq!((world.hidden().await, world.events().await.len()), (1, 3));
}

#[tokio::test]
async fn a_record_shown_again_for_one_that_is_deleted_is_read_though_the_counts_agree() {
    let world = World::new(Over::Memory, 30).await;
    world.odoo.hide([5, 6]);
    world.identities().await;
    world.odoo.write_at(5, "renamed", world.clock.now() - TimeSpan::from_secs(3_000));
    world.odoo.show(5);
    world.odoo.hide([9]);
    world.identities().await;
    let events = world.events().await;
    assert_eq!(events, [("erp.order.changed".to_owned(), 5, "identities".to_owned())]);
    world.identities().await;
    assert_eq!(world.hidden().await, 2);
}

#[tokio::test]
async fn records_whose_content_is_refused_make_up_for_none_that_are_deleted() {
    let world = World::new(Over::Memory, 30).await;
    // One that was known, and two that nobody ever read: as many as are deleted then.
    world.odoo.close([5, 31, 32]);
    world.odoo.write(31, "new");
    world.odoo.write(32, "new");
    world.odoo.write(5, "changed");
    world.pass(70).await;
    world.identities().await;
    assert_eq!((world.hidden().await, world.events().await), (3, vec![]));
    world.odoo.delete([9, 10, 11]);
    world.identities().await;
    let mut events = world.events().await;
    events.sort_by_key(|event| event.1);
    let gone = |id| ("erp.order.deleted".to_owned(), id, "identities".to_owned());
    assert_eq!(events, [gone(9), gone(10), gone(11)]);
    // What is shown again is told as what it is: new, or changed.
    world.odoo.open(31);
    world.odoo.open(5);
    world.identities().await;
    world.identities().await;
    let mut events = world.events().await;
    events.retain(|event| event.0 != "erp.order.deleted");
    events.sort();
    let told = |kind: &str, id| (format!("erp.order.{kind}"), id, "identities".to_owned());
    assert_eq!(events, [told("changed", 5), told("created", 31)]);
    // And one of them that is deleted is told as gone.
    world.odoo.delete([32]);
    world.identities().await;
    assert!(world.events().await.contains(&gone(32)));
}

#[tokio::test]
async fn a_nudge_tells_that_a_hidden_record_is_deleted() {
    let world = World::new(Over::Memory, 30).await;
    world.odoo.hide([5]);
    world.identities().await;
    world.odoo.delete([5]);
    world.board.nudges.hear(&erp(), Nudge { model: MODEL.to_owned(), id: 5 });
    world.pass(5).await;
    assert_eq!(world.events().await, [("erp.order.deleted".to_owned(), 5, "nudge".to_owned())]);
}

#[tokio::test]
async fn more_hidden_records_than_a_look_asks_after_are_all_asked_after_and_counted_once() {
    let world = World::new(Over::Memory, 12_000).await;
    world.odoo.hide(1..=1_000);
    world.identities().await;
    assert!(world.stands().await.brake.is_none(), "a tenth may go at once");
    assert_eq!(world.hidden().await, 1_000);
    world.odoo.delete((1..=1_000).step_by(10));
    let before = world.odoo.asked();
    world.identities().await;
    assert_eq!((world.hidden().await, world.events().await.len()), (900, 100));
    let asked = world.odoo.asked() - before;
    assert!(asked < 100, "a pass asks after them by pages: {asked} calls");
}

#[tokio::test]
async fn too_many_hidden_records_that_are_deleted_at_once_are_withheld_as_well() {
    let world = World::new(Over::Memory, 450).await;
    world.odoo.hide(1..=40);
    world.identities().await;
    world.odoo.hide(41..=80);
    world.identities().await;
    world.odoo.hide(81..=120);
    world.identities().await;
    world.odoo.delete(1..=120);
    world.identities().await;
    let brake = world.stands().await.brake.unwrap();
    assert_eq!((brake.missing, world.events().await.len()), (120, 0));
    world.room.release(&erp(), MODEL, &world.asked()).await.unwrap();
    world.pass(10).await;
    assert_eq!((world.hidden().await, world.events().await.len()), (0, 120));
}
