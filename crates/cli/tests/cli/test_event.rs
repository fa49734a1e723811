//! The test event of an Odoo that is added: heard by the command itself, or by the product that runs; and what a deletion does then.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::capture::call;
use crate::partner::exchange;
use crate::product::{Going, Product, Ran, run_with};

/// An address that only this test has, since no other asks for a port of this machine's further addresses.
fn own_address() -> SocketAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    let listener = TcpListener::bind((std::net::Ipv4Addr::new(127, high | 1, low, 18), 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Connects an Odoo as `erp`, whose webhooks reach this address.
fn add(folder: &Path, odoo: &Going, address: SocketAddr, flags: &[&str]) -> Ran {
    let (login, key, base) = (odoo.told("login"), odoo.told("key"), format!("http://{address}"));
    let known = ["add", "odoo", &odoo.url, "--db", "odoo", "--login", login, "--key-env", "KEY", "--name", "erp", "--yes"];
    let args = [&known[..], &["--events", "sales", "--store-key", "--reachable-at", &base], flags].concat();
    run_with(folder, &args, &[("KEY", key), ("CROSSDOCK_LISTEN", &address.to_string())])
}

/// Orders with their write dates: what must not change.
fn orders(odoo: &Going) -> Value {
    let domain = json!([[["id", ">", 0]], ["name", "state", "write_date"]]);
    call(odoo, "search_read", &domain)
}

#[cfg(target_os = "linux")]
#[test]
fn adding_an_odoo_ends_with_a_test_event_that_writes_nothing() {
    for version in ["18", "19"] {
        let folder = tempfile::tempdir().unwrap();
        let odoo = Going::odoo(folder.path(), &["--version", version, "--records", "5"]);
        let before = orders(&odoo);
        let told = add(folder.path(), &odoo, own_address(), &["--json"]).ends(0).json();
        let event = &told["test_event"];
        assert_eq!((&event["found"], &event["record"]["model"]), (&json!("nudge"), &json!("sale.order")), "{told}");
        assert_eq!((&event["record"]["id"], &event["not_rung"]), (&json!(5), &Value::Null), "{told}");
        assert!(event["heard_after_ms"].is_u64() && event["record"]["native"].is_string(), "{event}");
        assert_eq!(orders(&odoo), before);
    }
}

#[test]
fn what_the_contract_reads_below_a_record_may_be_refused_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--version", "19", "--records", "5", "--groups", "Sales/User: All Documents"];
    let odoo = Going::odoo(folder.path(), &flags);
    let told = add(folder.path(), &odoo, own_address(), &["--json"]).ends(8).json();
    let found = told["findings"].as_array().unwrap();
    let is_told = |it: &Value| it["code"] == "H1010" && it["message"].as_str().unwrap().contains("Invoicing/Billing");
    assert!(found.iter().any(is_told), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_somebody_saves_is_waited_for_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let odoo = Going::odoo(folder.path(), &["--version", "19", "--records", "5"]);
    let is_over = AtomicBool::new(false);
    let told = std::thread::scope(|scope| {
        let saves = scope.spawn(|| {
            // Until the command has seen it, somebody goes on saving.
            while !is_over.load(Ordering::Relaxed) {
                call(&odoo, "write", &json!([[3], { "client_order_ref": "PO-88" }]));
            }
        });
        let ran = add(folder.path(), &odoo, own_address(), &["--json", "--wait-for-event", "1m"]);
        is_over.store(true, Ordering::Relaxed);
        saves.join().unwrap();
        ran.ends(0).json()
    });
    assert_eq!((&told["saved"]["model"], &told["saved"]["id"]), (&json!("sale.order"), &json!(3)), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_product_that_runs_hears_it_and_a_deletion_is_found_at_once() {
    for version in ["18", "19"] {
        let folder = tempfile::tempdir().unwrap();
        let odoo = Going::odoo(folder.path(), &["--version", version, "--records", "5"]);
        let address = own_address();
        add(folder.path(), &odoo, address, &["--without-test"]).ends(0).says("(id 2)");
        let product = Product::up_at(folder.path(), address);
        product.run(&["doctor", "--test-event"]).says("✓ odoo           erp: test event of sale.order 5");

        let id = call(&odoo, "create", &json!([{ "partner_id": 1, "client_order_ref": "PO-99" }]));
        product.await_state("PO-99", "no_flow");
        call(&odoo, "unlink", &json!([[id]]));
        // The next comparison of identities would be in an hour.
        product.await_event(&id.to_string(), "odoo.sale.order.deleted");
        let metrics =
            exchange(&product.going.url, &format!("GET /metrics HTTP/1.1\r\nauthorization: Bearer {}", product.token), "")
                .body;
        assert!(metrics.contains("found=\"nudge\"") && !metrics.contains("found=\"identities\""), "{metrics}");
    }
}
