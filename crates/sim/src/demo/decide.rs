//! What the simulated systems do, as functions: a seed and what they know in, journeys out. The same seed and the same
//! order give the same decisions, whatever else goes on: each order has streams of its own.

use model::TimeSpan;
use serde_json::{Value, json};

use super::catalogue::{ARTICLES, CUSTOMERS, Customer, DEPOTS};
use super::letter::{Journey, Letter, Pace};
use super::system::System;
use crate::random::Random;

/// How the shop changes an order after it was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It does not.
    None,
    /// A change is sent after the order.
    After,
    /// A change is sent before the order: the shop's queues are not in order.
    Before,
}

/// An order as the shop has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number.
    pub number: u64,
    /// Its name, such as `S00042`.
    pub name: String,
    /// Who ordered, as a place in the catalogue.
    pub customer: usize,
    /// What: places in the catalogue with quantities.
    pub lines: Vec<(usize, u64)>,
    /// Who carries it.
    pub carrier: System,
    /// Whether it is urgent.
    pub express: bool,
    /// Whether it is paid when it is placed.
    pub paid: bool,
    /// Whether the shop sends the order twice.
    pub twice: bool,
    /// What changes.
    pub change: Change,
}

/// The order of a number.
pub fn order(seed: u64, number: u64) -> Order {
    let mut random = Random::stream(seed, &format!("order/{number}"));
    let lines = (0..random.between(1, 3)).map(|_| (random.place(ARTICLES.len()), random.between(1, 4))).collect();
    let change = match random.below(100) {
        0..15 => Change::After,
        15..20 => Change::Before,
        _ => Change::None,
    };
    Order {
        number,
        name: format!("S{number:05}"),
        customer: random.place(CUSTOMERS.len()),
        lines,
        carrier: if random.in_thousand(600) { System::Parcelwind } else { System::Northpost },
        express: random.in_thousand(200),
        paid: random.in_thousand(900),
        twice: random.in_thousand(80),
        change,
    }
}

/// What the shop sends of an order.
pub fn shop(seed: u64, order: &Order, pace: Pace) -> Journey {
    let mut random = Random::stream(seed, &format!("shop/{}", order.number));
    let mut letters = vec![shop_letter(order, "create", TimeSpan::default(), pace)];
    letters[0].copies = if order.twice { 2 } else { 1 };
    let later = |random: &mut Random, least: u64, most: u64| TimeSpan::from_millis(random.between(least, most));
    match order.change {
        Change::None => {}
        Change::After => {
            letters.push(shop_letter(order, "updated", later(&mut random, 3_000, 15_000), pace));
        }
        Change::Before => {
            letters.insert(0, shop_letter(order, "updated", TimeSpan::default(), pace));
            letters[1].wait = later(&mut random, 200, 900);
        }
    }
    if !order.paid {
        letters.push(shop_letter(order, "paid", later(&mut random, 5_000, 25_000), pace));
    }
    Journey::of(letters)
}

fn shop_letter(order: &Order, topic: &str, wait: TimeSpan, pace: Pace) -> Letter {
    let customer = &CUSTOMERS[order.customer];
    let at = pace.after(wait);
    let (is_paid, note) = (order.paid || topic == "paid", (topic == "updated").then_some("please ring twice"));
    let total: u64 = order.lines.iter().map(|(article, quantity)| ARTICLES[*article].cents * quantity).sum();
    let lines: Vec<Value> = order.lines.iter().enumerate().map(|(at, line)| shop_line(order, at, *line)).collect();
    let body = json!({
        "id": 7_000_000 + order.number,
        "name": order.name,
        "created_at": pace.now.to_string(),
        "updated_at": at.to_string(),
        "currency": "EUR",
        "total_price": money(total),
        "financial_status": if is_paid { "paid" } else { "pending" },
        "note": note,
        "customer": { "id": 100 + order.customer, "first_name": customer.first, "last_name": customer.last, "email": email(customer) },
        "shipping_address": {
            "company": customer.company, "address1": customer.street, "city": customer.city, "zip": customer.zip, "country_code": customer.country,
        },
        "shipping_lines": [{ "code": if order.express { "express" } else { "standard" }, "source": order.carrier.name() }],
        "line_items": lines,
    });
    Letter {
        from: System::Shop,
        kind: format!("orders/{topic}"),
        id: format!("shop-{}-{topic}", order.name),
        at,
        body,
        copies: 1,
        wait,
    }
}

fn shop_line(order: &Order, at: usize, (article, quantity): (usize, u64)) -> Value {
    let article = &ARTICLES[article];
    let id = (7_000_000 + order.number) * 10 + at as u64;
    json!({ "id": id, "sku": article.sku, "title": article.title, "quantity": quantity, "price": money(article.cents), "grams": article.grams })
}

fn email(customer: &Customer) -> String {
    format!("{}.{}@mail.example", customer.first.to_ascii_lowercase(), customer.last.to_ascii_lowercase())
}

fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// The text of a member, empty where it has none.
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// In which order the warehouse tells what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// As it happened.
    InOrder,
    /// The shipment before its pick.
    OutOfOrder,
}

/// What the warehouse sends after it took an order.
pub fn warehouse(seed: u64, taken: &Value, pace: Pace, telling: Telling) -> Journey {
    let order = text(taken, "/order");
    let mut random = Random::stream(seed, &format!("warehouse/{order}"));
    let pick_wait = TimeSpan::from_millis(random.between(3_000, 35_000));
    let ship_wait = TimeSpan::from_millis(random.between(2_000, 12_000));
    let lines = taken["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
    let picked: Vec<Value> = lines
        .iter()
        .map(|line| json!({ "sku": line["sku"], "ordered": line["quantity"], "picked": line["quantity"] }))
        .collect();
    let grams: u64 = lines.iter().filter_map(|line| line["weight_g"].as_u64()).sum();
    let number = order.trim_start_matches('S');
    let pick = json!({ "order": order, "picking": format!("WH/OUT/{number}"), "lines": picked });
    let ship = json!({
        "order": order, "shipment": format!("SHP-{number}"), "carrier": taken["carrier"], "service": taken["service"],
        "weight_g": grams, "value": taken["value"], "ship_to": taken["ship_to"],
    });
    let letter = |kind: &str, data: Value, waits: (TimeSpan, TimeSpan)| {
        let at = pace.after(waits.0 + waits.1);
        let body = json!({ "type": kind, "timestamp": at.to_string(), "data": data });
        let id = format!("wms-{order}-{}", kind.rsplit('.').next().unwrap_or_default());
        Letter { from: System::Warehouse, kind: kind.to_owned(), id, at, body, copies: 1, wait: waits.1 }
    };
    let mut pick = letter("pick.completed", pick, (TimeSpan::default(), pick_wait));
    let mut ship = letter("shipment.shipped", ship, (pick_wait, ship_wait));
    match telling {
        Telling::InOrder => Journey::of([pick, ship]),
        Telling::OutOfOrder => {
            (pick.wait, ship.wait) = (ship.wait, pick.wait);
            Journey::of([ship, pick])
        }
    }
}

/// A letter of the warehouse as it is while it breaks its contract: the weight of every second shipment is a text.
#[must_use]
pub fn broken(seed: u64, mut letter: Letter) -> Letter {
    let order = text(&letter.body, "/data/order").to_owned();
    let is_hit = Random::stream(seed, &format!("broken/{order}")).in_thousand(500);
    if let (true, Some(weight)) = (is_hit, letter.body.pointer_mut("/data/weight_g"))
        && weight.is_u64()
    {
        *weight = json!(format!("{weight} g"));
    }
    letter
}

/// What Odoo sends after it took an order for the first time.
pub fn odoo(seed: u64, order: &str, pace: Pace) -> Journey {
    let mut random = Random::stream(seed, &format!("odoo/{order}"));
    let wait = TimeSpan::from_millis(random.between(800, 4_000));
    let at = pace.after(wait);
    let record: u64 = order.trim_start_matches('S').parse().unwrap_or(0);
    let body = json!({
        "_model": "sale.order", "_id": record, "_action": "sale_confirmed", "name": order, "state": "sale", "write_date": at.to_string(),
    });
    let id = format!("odoo-{order}-confirmed");
    Journey::of([Letter { from: System::Odoo, kind: "sale_confirmed".to_owned(), id, at, body, copies: 1, wait }])
}

/// What finance sends after it took a booking.
pub fn finance(seed: u64, booking: &Value, pace: Pace) -> Journey {
    let order = text(booking, "/order");
    let mut random = Random::stream(seed, &format!("finance/{order}"));
    let wait = TimeSpan::from_millis(random.between(1_500, 8_000));
    let at = pace.after(wait);
    let number = format!("INV-{}", order.trim_start_matches('S'));
    let body = json!({
        "event": "invoice.posted", "number": number, "order": order, "net": booking["net"], "currency": booking["currency"], "posted_at": at.to_string(),
    });
    Journey::of([Letter { from: System::Finance, kind: "invoice.posted".to_owned(), id: number, at, body, copies: 1, wait }])
}

/// A parcel as a carrier has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Who carries it.
    pub carrier: System,
    /// The order that it belongs to.
    pub order: String,
    /// The shipper's reference.
    pub reference: String,
}

impl Parcel {
    /// Its tracking number.
    pub fn tracking(&self) -> String {
        let digits = self.order.trim_start_matches('S');
        match self.carrier {
            System::Northpost => format!("NP{digits:0>9}NO"),
            System::Shop | System::Odoo | System::Warehouse | System::Parcelwind | System::Finance => {
                format!("PW{digits:0>9}NL")
            }
        }
    }
}

/// What a carrier sends of a parcel after it made its label.
pub fn carrier(seed: u64, parcel: &Parcel, pace: Pace) -> Journey {
    let mut random = Random::stream(seed, &format!("carrier/{}", parcel.order));
    let depot = *random.pick(&DEPOTS);
    let mut passed = TimeSpan::default();
    let steps = [("label", 400, 2_000), ("info", 2_000, 8_000), ("transit", 15_000, 60_000), ("delivered", 30_000, 120_000)];
    Journey::of(steps.map(|(step, least, most)| {
        let wait = TimeSpan::from_millis(random.between(least, most));
        passed = passed + wait;
        let at = pace.after(passed);
        let (kind, id) = (carrier_kind(parcel.carrier, step), format!("{}-{}-{step}", parcel.carrier.name(), parcel.order));
        let place = matches!(step, "transit" | "delivered").then_some(depot);
        let body = match parcel.carrier {
            System::Northpost => json!({
                "id": id, "description": kind, "created_at": at.to_string(),
                "result": {
                    "tracking_code": parcel.tracking(), "reference": parcel.reference, "order": parcel.order,
                    "status": northpost_status(step), "tracking_location": { "city": place },
                },
            }),
            System::Shop | System::Odoo | System::Warehouse | System::Parcelwind | System::Finance => json!({
                "event": { "id": id, "type": kind, "at": at.to_string() },
                "parcel": { "tracking": parcel.tracking(), "reference": parcel.reference, "order": parcel.order, "depot": place },
            }),
        };
        Letter { from: parcel.carrier, kind: kind.to_owned(), id, at, body, copies: 1, wait }
    }))
}

fn carrier_kind(carrier: System, step: &str) -> &'static str {
    match (carrier == System::Northpost, step) {
        (true, "label") => "label.purchased",
        (true, "info") => "tracker.pre_transit",
        (true, "transit") => "tracker.in_transit",
        (true, _) => "tracker.delivered",
        (false, "label") => "label.created",
        (false, "info") => "parcel.info_received",
        (false, "transit") => "parcel.in_transit",
        (false, _) => "parcel.delivered",
    }
}

fn northpost_status(step: &str) -> &'static str {
    match step {
        "label" => "unknown",
        "info" => "pre_transit",
        "transit" => "in_transit",
        _ => "delivered",
    }
}

/// Whether Parcelwind has a bad spell by itself, so long after the start: forty seconds of every four minutes, the first
/// some twenty seconds in.
pub fn is_bad_spell(since_start: TimeSpan) -> bool {
    since_start.secs().checked_sub(20).is_some_and(|secs| secs % 240 < 40)
}

/// Whether Parcelwind refuses this order while it refuses a share of them: the same ones every time.
pub fn is_refused(seed: u64, order: &str) -> bool {
    Random::stream(seed, &format!("refused/{order}")).in_thousand(300)
}

/// How long Northpost takes for an answer.
pub fn northpost_takes(seed: u64, order: &str) -> TimeSpan {
    TimeSpan::from_millis(Random::stream(seed, &format!("slow/{order}")).between(900, 2_500))
}

#[cfg(test)]
mod tests;
