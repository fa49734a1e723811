//! Decisions of the simulated systems by table.

use model::Timestamp;

use super::*;

const PACE: Pace = Pace { now: Timestamp::from_secs(1_772_359_200), speed: 10 };

#[test]
fn the_same_seed_gives_the_same_orders_and_another_gives_others() {
    let orders = |seed| (1..200).map(|number| order(seed, number)).collect::<Vec<_>>();
    assert_eq!(orders(7), orders(7));
    assert_ne!(orders(7), orders(8));
    let placed = orders(7);
    for (what, some) in [
        (
            "both carriers",
            placed.iter().any(|it| it.carrier == System::Parcelwind)
                && placed.iter().any(|it| it.carrier == System::Northpost),
        ),
        ("unpaid", placed.iter().any(|it| !it.paid)),
        ("sent twice", placed.iter().any(|it| it.twice)),
        ("changed after", placed.iter().any(|it| it.change == Change::After)),
        ("changed before", placed.iter().any(|it| it.change == Change::Before)),
    ] {
        assert!(some, "no order in two hundred is {what}");
    }
}

#[test]
fn the_first_orders_of_seed_seven() {
    let seen: Vec<_> =
        (1..=3).map(|number| order(7, number)).map(|it| (it.name, it.carrier, it.paid, it.lines.len())).collect();
    let expected = [
        ("S00001", System::Parcelwind, true, 1),
        ("S00002", System::Northpost, true, 3),
        ("S00003", System::Parcelwind, true, 3),
    ];
    assert_eq!(seen, expected.map(|(name, carrier, paid, lines)| (name.to_owned(), carrier, paid, lines)));
}

#[test]
fn an_order_in_the_wrong_order_is_sent_change_first_under_other_ids() {
    let before = Order { change: Change::Before, paid: false, twice: true, ..order(7, 42) };
    let journey = shop(7, &before, PACE);
    let sent: Vec<_> = journey.letters.iter().map(|it| (it.kind.as_str(), it.id.as_str(), it.copies)).collect();
    let expected = [
        ("orders/updated", "shop-S00042-updated", 1),
        ("orders/create", "shop-S00042-create", 2),
        ("orders/paid", "shop-S00042-paid", 1),
    ];
    assert_eq!(sent, expected);
    let states: Vec<_> = journey.letters.iter().map(|it| text(&it.body, "/financial_status")).collect();
    assert_eq!(states, ["pending", "pending", "paid"]);
}

fn taken() -> Value {
    json!({ "order": "S00042", "carrier": "parcelwind", "service": "standard", "value": { "amount": "12.90", "currency": "EUR" },
        "ship_to": {}, "lines": [{ "sku": "A", "quantity": 2, "weight_g": 800 }, { "sku": "B", "quantity": 1, "weight_g": 90 }] })
}

#[test]
fn the_warehouse_picks_then_ships_and_may_tell_it_in_another_order() {
    for (telling, kinds) in [
        (Telling::InOrder, ["pick.completed", "shipment.shipped"]),
        (Telling::OutOfOrder, ["shipment.shipped", "pick.completed"]),
    ] {
        let journey = warehouse(7, &taken(), PACE, telling);
        let seen: Vec<_> = journey.letters.iter().map(|it| it.kind.as_str()).collect();
        assert_eq!(seen, kinds, "{telling:?}");
        let ship = journey.letters.iter().find(|it| it.kind == "shipment.shipped").unwrap();
        assert_eq!(ship.body["data"]["weight_g"], 890, "{telling:?}");
        let pick = journey.letters.iter().find(|it| it.kind == "pick.completed").unwrap();
        assert!(pick.at < ship.at, "what happened does not change with the order of telling");
    }
}

#[test]
fn a_broken_contract_is_a_weight_as_a_text_in_every_second_shipment_and_nothing_else() {
    let letters = |order: &str| {
        let order = json!({ "order": order, "lines": taken()["lines"] });
        warehouse(7, &order, PACE, Telling::InOrder).letters
    };
    let weight = |letter: Letter| broken(7, letter).body["data"]["weight_g"].clone();
    let texts = (0..200).filter(|number| weight(letters(&format!("S{number:05}"))[1].clone()) == "890 g").count();
    assert!((70..130).contains(&texts), "{texts}");
    for number in 0..10 {
        let pick = letters(&format!("S{number:05}"))[0].clone();
        assert_eq!(broken(7, pick.clone()), pick);
    }
}

#[test]
fn a_carrier_tells_four_things_in_order() {
    for (system, tracking, last) in [
        (System::Parcelwind, "PW000000042NL", "parcel.delivered"),
        (System::Northpost, "NP000000042NO", "tracker.delivered"),
    ] {
        let parcel = Parcel { carrier: system, order: "S00042".to_owned(), reference: "SHP-00042".to_owned() };
        let journey = carrier(7, &parcel, PACE);
        assert_eq!(parcel.tracking(), tracking);
        assert_eq!(journey.letters.len(), 4);
        assert!(journey.letters.iter().zip(journey.letters.iter().skip(1)).all(|(one, next)| one.at < next.at));
        assert_eq!(journey.letters.back().map(|it| it.kind.as_str()), Some(last));
    }
}

#[test]
fn parcelwind_has_a_bad_spell_after_twenty_seconds_and_recovers() {
    for (secs, expected) in
        [(0, false), (19, false), (20, true), (59, true), (60, false), (259, false), (260, true), (300, false)]
    {
        assert_eq!(is_bad_spell(TimeSpan::from_secs(secs)), expected, "{secs}");
    }
}

#[test]
fn the_same_orders_are_refused_every_time() {
    let refused = (0..1_000).filter(|number| is_refused(7, &format!("S{number:05}"))).count();
    assert!((200..400).contains(&refused), "{refused}");
    assert_eq!(is_refused(7, "S00042"), is_refused(7, "S00042"));
}
