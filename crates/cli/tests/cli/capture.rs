//! A captured Odoo from outside: what changes there becomes events here without anybody sending any, in both versions; and
//! what a nudge is told.

use std::path::Path;

use serde_json::{Value, json};

use crate::partner::exchange;
use crate::product::{Going, Product};

const SYSTEM: &str = "kind: odoo
owner: team-erp
odoo:
  url: URL
  database: DATABASE
  login: LOGIN
  keys: [erp/key]
  allow: [127.0.0.0/8]
sources:
  erp:
    capture: { nudges: [erp/nudge], every: 5s, overlap: 10s }
    events:
      sale.order.draft: { contract: odoo.sale.order@1.0.0, type: odoo.sale.order.draft }
      sale.order.sale: { contract: odoo.sale.order@1.0.0, type: odoo.sale.order.sale }
      sale.order.deleted: { contract: odoo.sale.order@1.0.0, type: odoo.sale.order.deleted }
";

const CONTRACT: &str = "owner: team-erp
identifiers:
  customer_po: .record.client_order_ref
  odoo: .id
ordering: .id
schema:
  type: object
  required: [model, id, record]
  properties:
    model: { type: string }
    id: { type: integer }
    record:
      type: [object, \"null\"]
      properties:
        name: { type: string }
        state: { type: string }
        client_order_ref: { type: [string, \"null\"] }
        partner_id: { type: [object, \"null\"], properties: { display_name: { type: string } } }
";

const NUDGE: &str = "n0body-gu3sses-this";

fn project(folder: &Path, odoo: &Going) {
    let system =
        SYSTEM.replace("URL", &odoo.url).replace("DATABASE", odoo.told("database")).replace("LOGIN", odoo.told("login"));
    for (path, text) in [
        ("systems/erp.yaml", system.as_str()),
        ("contracts/odoo.sale.order/1.0.0.yaml", CONTRACT),
        (".crossdock/secrets/erp/key", odoo.told("key")),
        (".crossdock/secrets/erp/nudge", NUDGE),
    ] {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// Calls a method as a person's client does, whatever the version.
#[track_caller]
pub(crate) fn call(odoo: &Going, method: &str, args: &Value) -> Value {
    call_on(odoo, "sale.order", method, args)
}

/// The same of any model.
#[track_caller]
pub(crate) fn call_on(odoo: &Going, model: &str, method: &str, args: &Value) -> Value {
    let args = json!([odoo.told("database"), 2, odoo.told("key"), model, method, args, {}]);
    let params = json!({ "service": "object", "method": "execute_kw", "args": args });
    let body = json!({ "jsonrpc": "2.0", "method": "call", "id": 1, "params": params });
    let told = exchange(&odoo.url, "POST /jsonrpc HTTP/1.1\r\ncontent-type: application/json", &body.to_string());
    let answer: Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!(answer.get("error"), None, "{method}");
    answer["result"].clone()
}

fn nudge(product: &Product, secret: &str, body: &str) -> u16 {
    let request = format!("POST /in/erp/{secret} HTTP/1.1\r\ncontent-type: application/json");
    exchange(&product.going.url, &request, body).status
}

/// Entries ever accepted.
fn accepted(product: &Product) -> u64 {
    let status = product.run(&["status", "-o", "json"]).json();
    status["lines"].as_array().into_iter().flatten().filter_map(|line| line["accepted"].as_u64()).sum()
}

#[test]
fn what_changes_in_odoo_is_an_event_and_what_was_there_is_none() {
    for version in ["18", "19"] {
        let folder = tempfile::tempdir().unwrap();
        let odoo = Going::odoo(folder.path(), &["--version", version, "--records", "20"]);
        project(folder.path(), &odoo);
        let product = Product::up(folder.path());
        let id = call(&odoo, "create", &json!([{ "partner_id": 1, "client_order_ref": "PO-77" }]));
        let drafted = product.await_state("PO-77", "no_flow");
        assert_eq!(drafted["event"]["type"], "odoo.sale.order.draft", "{drafted}");
        product.run(&["events", "show", drafted["id"].as_str().unwrap(), "--body"]).ends(0).says("PO-77");

        call(&odoo, "unlink", &json!([[id]]));
        assert_eq!(nudge(&product, NUDGE, &format!(r#"{{"_model":"sale.order","_id":{id},"_action":"x(#1)"}}"#)), 204);
        product.await_event(&id.to_string(), "odoo.sale.order.deleted");
        // Twenty orders were there before: none of them is an event.
        assert_eq!(accepted(&product), 2);
    }
}

#[test]
fn a_nudge_is_heard_on_its_path_only_and_admits_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let odoo = Going::odoo(folder.path(), &["--version", "18"]);
    project(folder.path(), &odoo);
    let product = Product::up(folder.path());
    let good = r#"{"_model":"sale.order","_id":1}"#;
    for (secret, body, status) in [
        (NUDGE, good, 204),
        ("another", good, 401),
        ("", good, 404),
        (NUDGE, "no JSON", 400),
        (NUDGE, r#"{"_model":"sale.order"}"#, 400),
        (NUDGE, r#"{"_model":"res.users","_id":1}"#, 400),
        (NUDGE, r#"{"_model":"sale.order","_id":"1"}"#, 400),
    ] {
        assert_eq!(nudge(&product, secret, body), status, "{secret} {body}");
    }
    // Nobody outside may bring a record.
    let request = format!(
        "POST /in/erp/{NUDGE} HTTP/1.1\r\ncontent-type: application/json\r\ncrossdock-record-type: sale.order.sale\r\ncrossdock-record-key: k"
    );
    assert_eq!(exchange(&product.going.url, &request, good).status, 204);
    assert_eq!(accepted(&product), 0);
}
