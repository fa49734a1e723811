//! How long one event takes on one thread: to parse, to validate, to filter and to map, for an order of about one
//! kilobyte with three lines. `cargo run --release -p crossdock-policy --example mapping_speed`.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and says what it measured")]

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use model::event::DataAt;
use model::{Digest, Event, EventType, MappingName, Origin, SourceName, Timestamp};
use policy::expression::{Data, Expression, Kind, Source};
use policy::{EventView, SourceFile, check};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/mapping/orders");
    let names = ["contracts/shopify.order/1.0.0.yaml", "contracts/sales.order.created.v1/1.0.0.yaml", "mappings/order.yaml"];
    let files = names.map(|name| SourceFile::new(name, fs::read_to_string(root.join(name)).expect("the corpus")));

    let began = Instant::now();
    let (policy, found) = check(&files);
    let policy = policy.unwrap_or_else(|| panic!("{found:?}"));
    println!("{:>10.1} ms to check the project, programs and schemas compiled", began.elapsed().as_secs_f64() * 1e3);

    let mapping = &policy.mappings[&MappingName::new("order").expect("a name")];
    let from = mapping.from.as_ref().expect("a contract");
    let contract = &policy.contracts[from];
    let filter = ".financial_status == \"paid\" && %source == \"shop\"";
    let filter = Expression::compile(Source::bare(filter), Kind::Bool).expect("a filter");

    let event = event();
    println!(
        "{:>10} bytes in, {} bytes out",
        event.body.len(),
        mapping.apply(&EventView::new(&event)).expect("a body").bytes.len()
    );
    let parsed = EventView::new(&event);
    let json = parsed.data().json().expect("JSON");
    let timed: &[(&str, &dyn Fn() -> usize)] = &[
        ("parse as JSON", &|| usize::from(Data::json_bytes(&event.body).json().is_ok())),
        ("parse for expressions", &|| usize::from(Data::json_bytes(&event.body).value().is_object())),
        ("validate, parsed already", &|| contract.validate(json).len()),
        ("identifiers and keys, parsed already", &|| contract.identifiers(parsed.data()).len()),
        ("filter, parsed already", &|| usize::from(filter.eval_bool(&parsed) == Ok(true))),
        ("map, parsed already", &|| mapping.apply(&parsed).map_or(0, |mapped| mapped.bytes.len())),
        ("map and check, bytes to bytes", &|| {
            mapping.apply_checked(&policy, &EventView::new(&event)).map_or(0, |body| body.len())
        }),
    ];
    for (what, run) in timed {
        println!("{:>10.2} us to {what}", median_micros(run));
    }
}

/// The median of rounds, each the mean of many runs.
fn median_micros(run: &dyn Fn() -> usize) -> f64 {
    const ROUNDS: usize = 21;
    const RUNS: u32 = 2_000;
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            for _ in 0..RUNS {
                black_box(run());
            }
            began.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn event() -> Event {
    let line = |no: u32| {
        format!(
            r#"{{"id":86655031176643902{no},"sku":"IPOD2008PINK-{no}","quantity":{no},"weight_lb":1.{no},"name":"IPod Nano - 8GB","taxable":true,"price":"199.00"}}"#
        )
    };
    let data = format!(
        r##"{{"id":820982911946154508,"name":"#S00042","created_at":"2026-03-01T10:00:00+01:00","updated_at":"2026-03-01T10:05:00+01:00","currency":"EUR","total_price":"598.94","financial_status":"paid","note":null,"email":"jon@example.com","gateway":"visa","token":"123456abcd","test":false,"total_tax":"0.00","customer":{{"id":115310627314723954,"first_name":"Ada","last_name":"Lovelace","email":"ada@example.com","vat":"IT12345678901","tags":"loyal","currency":"EUR","tax_exempt":false,"default_address":{{"address1":"Via Roma 1","city":"Milano","zip":"20121","country_code":"IT"}}}},"line_items":[{},{},{}]}}"##,
        line(1),
        line(2),
        line(3)
    );
    Event {
        id: "01890000-0000-7000-8000-000000000007".parse().expect("an id"),
        source: SourceName::new("shop").expect("a name"),
        kind: EventType::new("shopify.orders.create"),
        key: "w-1".to_owned(),
        digest: Digest::of(data.as_bytes()),
        subject: None,
        time: None,
        received_at: Timestamp::from_secs(1_793_000_000),
        contract: None,
        ordering: None,
        correlation: "S00042".to_owned(),
        trace: None,
        identifiers: Vec::new(),
        origin: Origin::Live,
        attributes: BTreeMap::new(),
        body: Bytes::from(data),
        data: DataAt::Whole,
        content_type: "application/json".to_owned(),
    }
}
