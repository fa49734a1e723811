//! Tables of what is told, and when.

use engine::intake::capture::reconcile::standing::Brake;
use engine::pulls::Lines;
use model::{DestinationName, FlowName, Principal, SourceName};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

const NOW: i64 = 100_000;

fn quiet() -> Seen<'static> {
    Seen {
        now: at(NOW),
        wall: at(NOW),
        missing: 0,
        unreadable: 0,
        with_a_person: 0,
        paused: &[],
        work: &[],
        destinations: &[],
        sources: &[],
        gaps: &[],
        pulls: &[],
        rotations: &[],
        reconciled: &[],
        unrouted: None,
        deadline_passed: None,
        journal: 10,
        ledger: 10,
        data: Path::new("data"),
    }
}

#[test]
fn what_cannot_be_read_is_told_at_once_where_a_person_mends_it_and_later_where_time_does() {
    let gap = |model: Option<&str>, ago, help| Gap {
        source: "erp".parse().unwrap(),
        model: model.map(str::to_owned),
        since: at(NOW - ago),
        why: "it cannot be read".to_owned(),
        help,
    };
    check(&Seen { gaps: &[gap(None, 119, "")], ..quiet() }, &[]);
    let late = "erp has not been read for 3 min: it cannot be read. Nothing is lost: it goes on from where it was";
    check(&Seen { gaps: &[gap(None, 180, "")], ..quiet() }, &[("unread", Health::Unhealthy, late)]);
    let at_once = "mrp.production of erp has not been read for 5 s: it cannot be read; install it. Nothing is lost: it goes on from \
                   where it was";
    let gaps = [gap(Some("mrp.production"), 5, "install it")];
    check(&Seen { gaps: &gaps, ..quiet() }, &[("unread", Health::Unhealthy, at_once)]);
}

#[test]
fn what_an_outbox_holds_back_is_told_after_minutes_and_what_is_lost_or_read_otherwise_at_once() {
    let lines = |ago| Some(Lines { count: 12, since: at(NOW - ago) });
    let of = |outlook| [("erp".parse().unwrap(), outlook)];
    let held = |ago| of(Outlook { held_back: lines(ago), ..Outlook::default() });
    check(&Seen { pulls: &held(300), ..quiet() }, &[]);
    let late = "12 changes in the outbox of erp have waited for 7 min behind one transaction that does not end: find it in \
                pg_stat_activity of Odoo's database, by the oldest backend_xid. Nothing is lost";
    check(&Seen { pulls: &held(420), ..quiet() }, &[("held_back", Health::Unhealthy, late)]);
    let gone = "12 changes of erp were removed from its outbox before they were read, as was learnt 5 s ago: all contents are \
                being compared, and what differs becomes an event; states in between are lost. Give the outbox room for more rows \
                in its settings";
    let lost = of(Outlook { lost: lines(5), ..Outlook::default() });
    check(&Seen { pulls: &lost, ..quiet() }, &[("lost", Health::Unhealthy, gone)]);
    let other = "for 1 min the rules of the outbox of erp have told something else than its contracts read now (12 changes): each such \
                 record is read anew, so that states in between are not seen. Bring the rules in line with crossdock add odoo … \
                 --capture outbox";
    let again = "the database of erp was restored or copied, as was learnt 5 s ago: all contents are being compared, and what differs becomes an \
                 event; states between the restore and that moment may not be seen one by one";
    let anew = of(Outlook { anew: lines(5).map(|lines| lines.since), ..Outlook::default() });
    check(&Seen { pulls: &anew, ..quiet() }, &[("anew", Health::Unhealthy, again)]);

    let kept = "the outbox of erp named 3 records that a rule hides from our user: they changed, and what they are now is not told. They are asked \
                after again with the identities. Give the user in Odoo the companies and the rights to see them, or give the rules of the outbox a \
                domain";
    let hidden = of(Outlook { hidden: 3, ..Outlook::default() });
    check(&Seen { pulls: &hidden, ..quiet() }, &[("unseen", Health::Unhealthy, kept)]);

    let read = of(Outlook { other_reading: lines(90), ..Outlook::default() });
    check(&Seen { pulls: &read, ..quiet() }, &[("other_reading", Health::Unhealthy, other)]);
}

#[test]
fn deletions_that_are_withheld_are_told_until_a_person_or_a_later_look_says_otherwise() {
    let line = |released: Option<&str>| ReconciliationLine {
        source: "erp".parse().unwrap(),
        model: "sale.order".to_owned(),
        state: "nothing".to_owned(),
        run: None,
        last: None,
        completeness: None,
        text: String::new(),
        brake: Some(Brake { since: at(NOW - 180), missing: 5_213, known: 6_000, released: released.map(Principal::new) }),
        hidden: 0,
        unread: None,
        refused: 0,
    };
    let told = "5213 of 6000 known sale.order of erp are not shown any more, since 3 min: too many to be believed, none was deleted. Is \
                it the right database, was an old one restored, was a right taken away? When it is mended this goes by itself; if they \
                were deleted, release them";
    check(&Seen { reconciled: &[line(None)], ..quiet() }, &[("withheld", Health::Unhealthy, told)]);
    let told = "5213 of 6000 known sale.order of erp are not shown any more, since 3 min; ines released them, and the next look at \
                identities takes them";
    check(&Seen { reconciled: &[line(Some("ines"))], ..quiet() }, &[("withheld", Health::Healthy, told)]);
    let free = ReconciliationLine { brake: None, ..line(None) };
    check(&Seen { reconciled: std::slice::from_ref(&free), ..quiet() }, &[]);
    let told = "3 sale.order of erp are hidden from our user by a rule there: what changes in such a one is an event only where an outbox tells it. If it is not meant \
                so, give the user in Odoo the companies and the rights to see every sale.order, or change the record rule (Settings, \
                Technical, Record Rules)";
    check(
        &Seen { reconciled: &[ReconciliationLine { hidden: 3, ..free.clone() }], ..quiet() },
        &[("hidden", Health::Healthy, told)],
    );
    let told = "2 records of sale.order of erp are refused at intake and are no events: the log names each with its reason. Raise the \
                limit that it names; they are tried again when they change, and when all is compared";
    let refused = ReconciliationLine { refused: 2, ..free };
    check(&Seen { reconciled: &[refused], ..quiet() }, &[("refused", Health::Unhealthy, told)]);
}

fn work(due: i64) -> Backlog {
    Backlog {
        flow: FlowName::new("orders").unwrap(),
        destination: DestinationName::new("wms").unwrap(),
        waiting: 3,
        leased: 0,
        oldest_at: Some(at(NOW - 900)),
        next_due: Some(at(due)),
    }
}

fn wms() -> DestinationStatus {
    DestinationStatus {
        destination: DestinationName::new("wms").unwrap(),
        waiting: 3,
        leased: 0,
        oldest_at: None,
        next_due: None,
        breaker: "closed".to_owned(),
        failing_since: None,
        paused: false,
        secrets_missing: Vec::new(),
        system: String::new(),
        done_since_start: 0,
    }
}

fn pause(object: &str, seconds_ago: i64) -> (String, Switch) {
    let (by, why) = (Principal::new("ines"), "stock taking".to_owned());
    (object.to_owned(), Switch { paused: true, by, why, at: at(NOW - seconds_ago) })
}

#[track_caller]
fn check(seen: &Seen<'_>, expected: &[(&str, Health, &str)]) {
    let found = concerns(seen);
    let short: Vec<_> = found.iter().map(|it| (it.kind.as_str(), it.health, it.text.as_str())).collect();
    assert_eq!(short, expected);
    let is_unhealthy = expected.iter().any(|(_, health, _)| *health == Health::Unhealthy);
    assert_eq!(health(&found) == Health::Unhealthy, is_unhealthy);
}

#[test]
fn a_quiet_product_is_healthy() {
    check(&quiet(), &[]);
    check(&Seen { work: &[work(NOW - 299)], unrouted: Some((9, at(NOW - 9))), ..quiet() }, &[]);
}

#[test]
fn what_is_lost_or_with_a_person_is_unhealthy() {
    let text = "2 are not accounted for: a defect of the product; keep the data folder as it is and report it";
    check(&Seen { missing: 2, ..quiet() }, &[("accounts", Health::Unhealthy, text)]);
    let text = "3 rows of the store cannot be read and are passed over, the log names each: stop the product, keep a copy of \
                the data folder and report it";
    check(&Seen { unreadable: 3, ..quiet() }, &[("unreadable", Health::Unhealthy, text)]);
    check(&Seen { with_a_person: 4, ..quiet() }, &[("person", Health::Unhealthy, "4 wait for a person")]);
}

#[test]
fn a_pause_is_told_with_who_and_why_and_becomes_unhealthy_after_an_hour() {
    let text = |object: &str, age: &str, rest: &str| format!("{object} is paused by ines for {age} (stock taking): {rest}");
    let three = "3 deliveries wait, the oldest for 15 min";
    for (object, ago, health, text) in [
        ("flow/orders", 840, Health::Healthy, text("flow/orders", "14 min", three)),
        ("destination/wms", 3_601, Health::Unhealthy, text("destination/wms", "1 h", three)),
        ("source/shop", 3_600, Health::Healthy, text("source/shop", "1 h", "its senders are answered 503")),
    ] {
        check(&Seen { paused: &[pause(object, ago)], work: &[work(NOW)], ..quiet() }, &[("paused", health, &text)]);
    }
}

#[test]
fn what_is_due_and_stands_still_is_overdue_unless_it_is_known_why() {
    let late = [work(NOW - 301)];
    let text = "orders to wms is overdue: the first of 3 was due 5 min ago";
    check(&Seen { work: &late, ..quiet() }, &[("overdue", Health::Unhealthy, text)]);
    for object in ["flow/orders", "destination/wms"] {
        let found = concerns(&Seen { work: &late, paused: &[pause(object, 60)], ..quiet() });
        assert_eq!(found.iter().map(|it| it.kind.as_str()).collect::<Vec<_>>(), ["paused"]);
    }
    let failing = DestinationStatus { breaker: "half_open".to_owned(), failing_since: Some(at(NOW - 130)), ..wms() };
    let text = "the breaker of wms is half-open: it has failed for 2 min; 3 deliveries wait, none is lost";
    check(&Seen { work: &late, destinations: &[failing], ..quiet() }, &[("breaker", Health::Unhealthy, text)]);
    let text = "a delivery waits although its deadline passed 1 min ago";
    check(&Seen { deadline_passed: Some(at(NOW - 60)), ..quiet() }, &[("overdue", Health::Unhealthy, text)]);
}

#[test]
fn a_secret_without_a_value_is_unhealthy_on_both_sides() {
    let missing = || vec!["wms/key".to_owned()];
    let shop = SourceStatus {
        source: SourceName::new("shop").unwrap(),
        owner: String::new(),
        paused: false,
        secrets_missing: missing(),
        system: String::new(),
        accepted_since_start: 0,
        duplicates_since_start: 0,
        nudges_since_start: 0,
        completeness: None,
    };
    let wms = DestinationStatus { secrets_missing: missing(), ..wms() };
    let seen = Seen { sources: &[shop], destinations: &[wms], work: &[work(NOW - 400)], ..quiet() };
    check(
        &seen,
        &[
            (
                "secret",
                Health::Unhealthy,
                "shop refuses everything: give wms/key (from CROSSDOCK_SECRET_WMS_KEY or the file data/secrets/wms/key) a value",
            ),
            (
                "secret",
                Health::Unhealthy,
                "nothing can be sent to wms: give wms/key (from CROSSDOCK_SECRET_WMS_KEY or the file data/secrets/wms/key) a value",
            ),
        ],
    );
}

#[test]
fn the_router_the_journal_and_the_clock_have_their_bounds() {
    let text = "the router is behind: 7 accepted entries wait for it, the oldest for 11 s";
    check(&Seen { unrouted: Some((7, at(NOW - 11))), ..quiet() }, &[("router", Health::Unhealthy, text)]);
    let mend = |store| format!("raise `{store}_mib`, or stop the product and run `crossdock retention preview`");
    let of_budget = |store, percent| {
        format!("the {store} is at {percent} % of its budget; at 100 % intake answers 503; {}", mend(store))
    };
    let full =
        format!("the journal is full, at 101 % of its budget: intake answers 503 until there is room; {}", mend("journal"));
    for (percent, health, text) in [
        (70, Health::Healthy, of_budget("journal", 70)),
        (85, Health::Unhealthy, of_budget("journal", 85)),
        (101, Health::Unhealthy, full),
    ] {
        check(&Seen { journal: percent, ..quiet() }, &[("journal", health, &text)]);
    }
    check(&Seen { ledger: 90, ..quiet() }, &[("ledger", Health::Unhealthy, &of_budget("ledger", 90))]);
    let text = "the machine's clock was set back: the product's times are 58 min ahead of it, and agree with it in about 9 h. Nothing \
                stands still meanwhile, waits are a ninth longer";
    let set_back = Seen { wall: at(NOW - 3_480), ..quiet() };
    check(&set_back, &[("clock", Health::Healthy, text)]);
}
