//! What is told of records: once each, in their order, by one hand, and nothing that intake does not take is passed over in silence.

use engine::intake::capture::reconcile::standing::{Mode, Tally};
use engine::nudges::Nudge;
use engine::ports::Clock as _;

use crate::odoo::MODEL;
use crate::world::{Over, World, erp};

impl World {
    fn nudge(&self, id: u64) {
        self.board.nudges.hear(&erp(), Nudge { model: MODEL.to_owned(), id });
    }

    /// Types and ids, in order.
    async fn told(&self) -> Vec<(String, u64)> {
        self.events().await.into_iter().map(|(kind, id, _)| (kind, id)).collect()
    }
}

fn told(kind: &str, id: u64) -> (String, u64) {
    (kind.to_owned(), id)
}

#[tokio::test]
async fn without_a_key_nothing_is_looked_at_and_nothing_runs_hot() {
    let world = World::new(Over::Memory, 3).await;
    world.give_key(None);
    world.pass(2).await;
    let (asked, looks) = (world.odoo.asked(), world.looks());
    world.pass(600).await;
    assert_eq!(world.odoo.asked(), asked);
    let looks = world.looks() - looks;
    assert!((600..4_000).contains(&looks), "it looks whether there is a key once a beat: {looks}");
    let gaps = world.board.gaps.all();
    assert_eq!(gaps.iter().map(|gap| gap.why.as_str()).collect::<Vec<_>>(), ["no key has a value"]);

    world.give_key(Some("k3y"));
    world.odoo.write(2, "changed");
    world.pass(70).await;
    assert_eq!((world.board.gaps.all(), world.told().await), (Vec::new(), vec![told("erp.order.changed", 2)]));
}

#[tokio::test]
async fn a_node_that_reads_long_and_has_lost_its_source_tells_nothing_older() {
    let mut world = World::new(Over::Memory, 3).await;
    world.odoo.write(1, "S1");
    let answer = world.odoo.hold_named();
    world.nudge(1);
    world.pass(3).await;
    // It has read the first state, and Odoo's answer is still on its way. Another node takes over.
    world.lose_source();
    world.odoo.write(1, "S2");
    world.start_another().await;
    world.pass(70).await;
    assert_eq!(world.customers(1).await, ["S2"]);
    answer.send_replace(true);
    world.pass(70).await;
    assert_eq!(world.customers(1).await, ["S2"]);
}

#[tokio::test]
async fn a_nudge_whose_reading_was_void_is_read_again() {
    let world = World::new(Over::Memory, 3).await;
    world.odoo.write(1, "S1");
    let answer = world.odoo.hold_named();
    world.nudge(1);
    world.pass(3).await;
    // A person steps in between.
    world.order(Mode::Count).await.unwrap();
    answer.send_replace(true);
    world.pass(3).await;
    let found: Vec<String> = world.events().await.into_iter().map(|(_, _, found)| found).collect();
    assert_eq!((world.customers(1).await, found), (vec!["S1".to_owned()], vec!["nudge".to_owned()]));
}

#[tokio::test]
async fn a_state_that_nobody_listed_is_judged_as_of_any_sender_and_what_is_left_out_is_counted() {
    let (review, changed) = (told("sale.order.x_review", 1), told("erp.order.changed", 1));
    let line = "      sale.order.changed: { contract: odoo.sale.order@1.0.0, type: erp.order.changed }\n";
    let both = || vec![review.clone(), changed.clone()];
    for (says, is_changed_listed, expected, left_out) in [
        ("", true, both(), 0),
        ("unknown: quarantine", true, both(), 0),
        ("unknown: accept", true, both(), 0),
        ("unknown: refuse", true, vec![changed.clone()], 1),
        // What we say ourselves is left out where it is not listed, or each change would wait for a person.
        ("unknown: quarantine", false, vec![review.clone()], 1),
        ("unknown: accept", false, vec![review.clone(), told("sale.order.changed", 1)], 0),
    ] {
        let world = World::with(Over::Memory, 3, |system| {
            let system = system.replace("  shop:", &format!("    {says}\n  shop:"));
            if is_changed_listed { system } else { system.replace(line, "") }
        });
        let world = world.await;
        world.odoo.enter(1, "x_review");
        world.pass(70).await;
        world.odoo.rename(1, "ACME Ltd");
        world.odoo.touch(1);
        world.pass(70).await;
        assert_eq!(world.told().await, expected, "{says} {is_changed_listed}");
        assert_eq!(world.count("crossdock_capture_left_out"), left_out, "{says} {is_changed_listed}");
    }
}

#[tokio::test]
async fn what_intake_refuses_is_seen_until_it_is_told() {
    let world =
        World::with(Over::Memory, 3, |system| system.replace("  shop:", "    limits: { body: 1KiB }\n  shop:")).await;
    let long = "x".repeat(5_000);
    world.odoo.write(1, &long);
    world.odoo.write(9, &long);
    world.pass(400).await;
    assert_eq!((world.refused().await, world.told().await), (2, Vec::new()));
    let tries = world.count("crossdock_capture_failures");
    assert_eq!(tries, 2, "once for each, although sweeps come by it again");
    for _ in 0..2 {
        let last = world.reconcile(Mode::Recover).await;
        assert_eq!(last.tally, Tally { same: 2, differing: 2, refused: 2, ..Tally::default() });
        assert_eq!((last.completeness().unwrap().to_string(), world.refused().await), ("50.00 %".to_owned(), 2));
    }
    let counted = world.reconcile(Mode::Count).await;
    assert_eq!((counted.tally.differing, world.refused().await), (2, 2));
    world.odoo.write(9, "short");
    world.pass(70).await;
    assert_eq!((world.refused().await, world.told().await), (1, vec![told("erp.order.changed", 9)]));
    world.odoo.delete([1]);
    world.nudge(1);
    world.pass(3).await;
    assert_eq!((world.refused().await, world.told().await.pop()), (0, Some(told("erp.order.deleted", 1))));
}

#[tokio::test]
async fn a_rate_does_not_hold_up_what_is_captured() {
    let limits = "    limits: { rate: 1/s, burst: 1 }\n  shop:";
    let world = World::with(Over::Memory, 3, |system| system.replace("  shop:", limits)).await;
    (1..=50).for_each(|id| world.odoo.write(id, "new"));
    world.pass(70).await;
    assert_eq!(world.told().await.len(), 50);
}

#[tokio::test]
async fn that_intake_takes_nothing_now_is_told() {
    let world = World::new(Over::Memory, 3).await;
    world.pressure.set_full(true);
    world.odoo.write(1, "new");
    world.pass(70).await;
    let gaps = world.board.gaps.all();
    let told: Vec<&str> = gaps.iter().map(|gap| gap.why.as_str()).collect();
    assert_eq!(told, ["what was read cannot be taken in now: the ledger has no room; its owner has been told"]);
    world.pressure.set_full(false);
    world.pass(70).await;
    assert_eq!((world.board.gaps.all(), world.customers(1).await), (Vec::new(), vec!["new".to_owned()]));
}

#[tokio::test]
async fn what_a_restored_database_has_again_is_told_again_and_gone_again() {
    let world = World::new(Over::Memory, 3).await;
    let made = world.clock.now();
    world.odoo.write(7, "new");
    let mut expected = vec![told("erp.order.created", 7)];
    for _ in 0..3 {
        world.nudge(7);
        world.pass(3).await;
        world.odoo.delete([7]);
        world.nudge(7);
        world.pass(3).await;
        expected.push(told("erp.order.deleted", 7));
        // As it was, to the second.
        world.odoo.write_at(7, "new", made);
        expected.push(told("erp.order.created", 7));
    }
    world.nudge(7);
    world.pass(3).await;
    assert_eq!(world.told().await, expected);
}

#[tokio::test]
async fn however_many_nudges_are_due_sweeps_go_on() {
    let world = World::new(Over::Memory, 3).await;
    world.odoo.write(2, "named by nobody");
    world.odoo.nudge_for_ever(&world.board, 300);
    world.nudge(101);
    world.pass(1).await;
    world.nudge(102);
    world.pass(120).await;
    let (left, swept) = world.odoo.nudged();
    assert_eq!(left, 0, "each reading was followed by another nudge that was due");
    assert!(swept >= 2, "every minute, in three: {swept}");
    assert_eq!(world.customers(2).await, ["named by nobody"]);
}

#[tokio::test]
async fn what_a_nudge_named_counts_as_found_by_it_also_where_a_sweep_comes_sooner() {
    let world = World::new(Over::Memory, 3).await;
    for id in 100..200 {
        world.odoo.write(id, "new");
        world.nudge(id);
        world.pass(1).await;
    }
    world.pass(5).await;
    let found: Vec<String> = world.events().await.into_iter().map(|(_, _, found)| found).collect();
    assert_eq!((found.len(), found.iter().filter(|found| *found != "nudge").count()), (100, 0));
}
