//! Transactions: what is visible when, late committers, conflicts with the server's own repeats, and the ledger's account.

use model::TimeSpan;
use serde_json::json;
use sim::odoo::{Deed, Failure, Odoo, Options, Version};

use crate::bed::{Bed, MEASURED};

#[test]
fn what_is_not_committed_is_not_seen_and_ids_are_not_given_back() {
    let bed = Bed::new(Version::V18);
    let mut open = bed.odoo.begin();
    let id = open.create("res.partner", &json!({ "name": "Late" })).unwrap();
    assert!(bed.search("res.partner", json!([["id", "=", id]])).is_empty());
    bed.run(open.roll_back());
    let next = bed.create("res.partner", json!({ "name": "Next" }));
    assert_eq!(next, id + 1);
    assert!(bed.odoo.changes().iter().all(|change| change.id != id));
}

#[test]
fn a_late_committer_has_the_date_of_its_beginning_and_a_watermark_misses_it() {
    for version in MEASURED {
        let bed = Bed::new(version);
        let (early, late) =
            (bed.create("res.partner", json!({ "name": "A" })), bed.create("res.partner", json!({ "name": "B" })));
        bed.run(bed.sleep(28_000));
        let mut open = bed.odoo.begin();
        open.write("res.partner", &[late], &json!({ "ref": "late" })).unwrap();
        bed.run(bed.sleep(2_000));
        bed.call("res.partner", "write", json!([[early], { "ref": "early" }]), json!({}));
        let watermark = bed.read("res.partner", early, &["write_date"]);
        bed.run(bed.sleep(2_000));
        bed.run(open.commit()).unwrap();
        let poll = json!([["write_date", ">", watermark]]);
        let found = bed.search("res.partner", poll);
        assert!(!found.contains(&late), "{version:?}");
        let with_overlap = json!([["write_date", ">=", "2026-03-02 09:00:28"]]);
        assert_eq!(bed.search("res.partner", with_overlap), [early, late]);
        let last = bed.odoo.changes().last().unwrap().clone();
        assert_eq!((last.id, last.deed, last.version), (late, Deed::Written, 2));
        assert_eq!(last.committed.since(last.started), TimeSpan::from_secs(4));
    }
}

#[test]
fn two_writers_of_one_record_conflict_and_the_later_fails() {
    let bed = Bed::new(Version::V19);
    let id = bed.create("res.partner", json!({ "name": "A" }));
    let (mut first, mut second) = (bed.odoo.begin(), bed.odoo.begin());
    first.write("res.partner", &[id], &json!({ "ref": "1" })).unwrap();
    let held = second.write("res.partner", &[id], &json!({ "ref": "2" }));
    assert!(matches!(held, Err(Failure::Blocked(_))), "{held:?}");
    bed.run(first.commit()).unwrap();
    let late = second.write("res.partner", &[id], &json!({ "ref": "2" }));
    assert_eq!(late, Err(Failure::Serialization));
    assert_eq!(bed.read("res.partner", id, &["ref"]), "1");
}

#[test]
fn the_server_repeats_what_conflicts_and_gives_up_after_seconds() {
    let bed = Bed::new(Version::V18);
    let id = bed.create("res.partner", json!({ "name": "A" }));
    let mut open = bed.odoo.begin();
    open.write("res.partner", &[id], &json!({ "ref": "slow" })).unwrap();
    let odoo: Odoo = bed.odoo.clone();
    let writes = async {
        let call = odoo.call("res.partner", "write", json!([[id], { "ref": "call" }]), json!({}));
        let ends = async {
            bed.sleep(3_000).await;
            open.commit().await
        };
        futures::join!(call, ends)
    };
    let (called, _) = bed.run(writes);
    assert_eq!(called, Ok(json!(true)));
    assert_eq!(bed.read("res.partner", id, &["ref"]), "call");
    assert!(bed.elapsed() >= TimeSpan::from_secs(3));
    assert_eq!(bed.odoo.load().conflicts, 1);
}

#[test]
fn concurrent_calls_that_hold_their_transactions_all_come_through() {
    let bed = Bed::new(Version::V19);
    let id = bed.create("res.partner", json!({ "name": "A" }));
    bed.odoo.set_hold(TimeSpan::from_millis(50));
    let write = |number: u64| bed.odoo.call("res.partner", "write", json!([[id], { "ref": number.to_string() }]), json!({}));
    let all = bed.run(futures::future::join_all((0..4).map(write)));
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert!(bed.odoo.load().conflicts > 0);
    assert_eq!(bed.odoo.changes().last().unwrap().version, 5);
}

#[test]
fn parallel_loads_of_one_new_external_id_make_one_record() {
    let bed = Bed::new(Version::V18);
    bed.odoo.set_hold(TimeSpan::from_millis(50));
    let load = || bed.odoo.call("res.partner", "load", json!([["id", "name"], [["ext.one", "One"]]]), json!({}));
    let all = bed.run(futures::future::join_all((0..4).map(|_| load())));
    let failed: Vec<_> = all.iter().flatten().filter(|answer| answer["ids"] == json!(false)).collect();
    assert_eq!(failed.len(), 3, "{all:?}");
    assert_eq!(failed[0]["messages"][0]["message"], "could not serialize access due to concurrent update");
    assert_eq!(bed.search("res.partner", json!([["name", "=", "One"]])).len(), 1);
}

#[test]
fn a_batch_is_made_whole_or_not_at_all() {
    let bed = Bed::new(Version::V18);
    let batch = json!([[{ "name": "good" }, { "ref": "has no name" }]]);
    assert!(matches!(bed.refused("res.partner", "create", batch, json!({})), Failure::Validation(_)));
    assert!(bed.search("res.partner", json!([["name", "=", "good"]])).is_empty());
    assert!(bed.odoo.changes().is_empty());
}

#[test]
fn deletions_leave_nothing_but_a_line_in_the_ledger() {
    let bed = Bed::new(Version::V19);
    let id = bed.create("res.partner", json!({ "name": "A" }));
    bed.call("res.partner", "unlink", json!([[id]]), json!({}));
    assert!(bed.search("res.partner", json!([["id", "=", id]])).is_empty());
    assert_eq!(bed.read("res.partner", id, &["name", "ref"]), json!(null));
    let deeds: Vec<Deed> = bed.odoo.changes().iter().filter(|it| it.model == "res.partner").map(|it| it.deed).collect();
    assert_eq!(deeds, [Deed::Created, Deed::Deleted]);
    assert!(bed.odoo.record("res.partner", id).is_none());
}

#[test]
fn one_seed_gives_one_run() {
    let run = || {
        let bed = Bed::with(&Options { records: 5, ..Options::new(Version::V18) });
        bed.odoo.set_hold(TimeSpan::from_millis(20));
        let write =
            |number: u64| bed.odoo.call("sale.order", "write", json!([[1], { "origin": number.to_string() }]), json!({}));
        bed.run(futures::future::join_all((0..3).map(write))).into_iter().for_each(|it| drop(it.unwrap()));
        let changes = bed.odoo.changes();
        let told: Vec<_> = changes.iter().map(|it| (it.sequence, it.id, it.committed, it.after.clone())).collect();
        (told, bed.odoo.key().to_owned(), bed.elapsed())
    };
    assert_eq!(run(), run());
}
