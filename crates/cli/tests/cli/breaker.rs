//! What owners see of a destination that fails until its breaker opens: what waits, what is held for whom, and that all of it
//! arrives once the destination is well again.

use std::path::Path;

use serde_json::Value;

use crate::partner::{Receiver, exchange};
use crate::product::{Product, Ran};
use crate::project::{SHOP, write};

/// It is tried again every second or two, so that nobody waits for long when it is well again.
const WAREHOUSE: &str = "owner: team-warehouse
destinations:
  warehouse:
    url: URL/orders
    allow: [127.0.0.0/8]
    breaker: { in_a_row: 3, pause: 1s, pause_max: 2s }
";

/// Orders wait for as long as it takes.
const ORDERS: &str = "owner: team-commerce
on: { types: [shop.order] }
to: warehouse
deliver: { lane: none, retry: patient, deadline: 1d }
";

/// Labels are of no use after a few seconds: a person decides.
const LABELS: &str = "owner: team-packing
on: { types: [shop.label] }
to: warehouse
deliver: { lane: none, retry: patient, deadline: 3s }
";

const PATIENT: &str = "waits: [1s]
repeat_last: true
deadline: 1d
end: hold
";

/// Events of each type.
const EACH: u64 = 6;
/// How often the product is asked for what it does by itself.
const LOOKS_MAX: usize = 2_000;

fn project(folder: &Path, receiver: &str) {
    let files = [
        ("systems/shop.yaml", SHOP),
        ("systems/warehouse.yaml", &WAREHOUSE.replace("URL", receiver)),
        ("flows/orders.yaml", ORDERS),
        ("flows/labels.yaml", LABELS),
        ("policies/patient.yaml", PATIENT),
    ];
    write(folder, &files);
}

impl Product {
    fn post_some(&self, kind: &str) {
        for n in 0..EACH {
            let body = format!(r#"{{"id":"{kind}-{n}","type":"{kind}"}}"#);
            let told = exchange(&self.going.url, "POST /in/shop HTTP/1.1\r\ncontent-type: application/json", &body);
            assert_eq!(told.status, 202, "{told:?}");
        }
    }

    /// Looks at the status until it is as it should be.
    #[track_caller]
    fn await_status(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Value::Null;
        for _ in 0..LOOKS_MAX {
            seen = self.run(&["status", "-o", "json"]).json();
            assert_eq!(seen["missing"].as_i64(), Some(0), "{seen}");
            if is_so(&seen) {
                return seen;
            }
        }
        panic!("it does not come to this: {seen}");
    }

    /// Runs it until it says this: between two probes a breaker is open, and half-open while one is under way.
    #[track_caller]
    fn await_words(&self, args: &[&str], words: &str) -> Ran {
        let found = (0..LOOKS_MAX).map(|_| self.run(args)).find(|ran| ran.out.contains(words));
        found.unwrap_or_else(|| panic!("{args:?} does not say {words:?}: {}", self.run(args).out))
    }
}

/// Held deliveries of a status: of each cause whose they are, the cause as `retry` takes it, and how many. Most come to their
/// deadline; one may have been the probe of the breaker, and have an answer.
fn held(status: &Value) -> Vec<(&str, String, u64)> {
    let causes = status["causes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |it: &Value, name: &str| it[name].as_str().unwrap().to_owned();
    let cause = |it| format!("{}/{}/{}", text(it, "flow"), text(it, "destination"), text(it, "cause"));
    causes.iter().map(|it| (it["owner"].as_str().unwrap(), cause(it), it["count"].as_u64().unwrap())).collect()
}

#[test]
fn what_a_failing_destination_does_not_take_waits_or_is_held_and_arrives_when_it_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start();
    receiver.answer(503);
    project(folder.path(), &receiver.url());
    let product = Product::up(folder.path());
    product.post_some("order");
    let status = product.await_words(&["status"], "the breaker of warehouse is open: it has failed for ").ends(3);
    let status =
        status.says("unhealthy (").says("6 deliveries wait, none is lost").says("0 done, 6 moving, 0 with a person");
    assert!(status.err.contains("next: crossdock deliveries ls --destination warehouse --state waiting"), "{}", status.err);
    let waiting = ["deliveries", "ls", "--destination", "warehouse", "--state", "waiting"];
    product.await_words(&waiting, "the breaker of warehouse is open: it has failed for ").ends(0);
    product.await_words(&["doctor"], "the breaker of warehouse is ").ends(3);

    product.post_some("label");
    let status = product.await_status(|status| status["with_a_person"] == EACH);
    let causes = held(&status);
    let of_packing: u64 = causes.iter().filter(|(owner, ..)| *owner == "team-packing").map(|(.., count)| count).sum();
    assert_eq!((of_packing, status["moving"].as_u64()), (EACH, Some(EACH)), "{status}");
    product.run(&["status"]).ends(3).says("6 with a person (team-packing 6)");
    let labels = product.run(&["deliveries", "ls", "--flow", "labels"]).ends(0);
    labels.says("waits for team-packing: ").says("while the breaker of warehouse was open since ");

    receiver.answer(200);
    product.await_status(|status| status["done"] == EACH && status["moving"] == 0);
    for (_, cause, _) in &causes {
        product.run(&["retry", "--cause", cause, "--reason", "it is well again", "--wait"]).ends(0);
    }
    let status = product.await_status(|status| status["done"] == 2 * EACH);
    assert_eq!((status["health"].as_str(), status["with_a_person"].as_u64()), (Some("healthy"), Some(0)), "{status}");
    product
        .run(&["status"])
        .ends(0)
        .says("healthy: everything accepted is accounted for: 12 done, 0 moving, 0 with a person");
}
