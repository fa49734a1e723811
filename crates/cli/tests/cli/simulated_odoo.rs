//! `crossdock simulate odoo`: it says where it is, answers as its version does, fails as it is told to, and ends when it is told to.

use crate::partner::exchange;
use crate::product::{Going, run};

const PROBE: &str = r#"{"jsonrpc":"2.0","method":"call","id":1,"params":{"service":"common","method":"version","args":[]}}"#;
const RPC: &str = "POST /jsonrpc HTTP/1.1\r\ncontent-type: application/json";

#[test]
fn it_answers_as_its_version_and_ends_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    for (version, server, probe) in [("18", "18.0-20250702", 404), ("19", "19.0", 200)] {
        let mut odoo = Going::odoo(folder.path(), &["--version", version, "--records", "3"]);
        let told = exchange(&odoo.url, RPC, PROBE);
        assert_eq!(told.status, 200);
        assert!(told.body.contains(&format!(r#""server_version": "{server}""#)), "{}", told.body);
        assert_eq!(exchange(&odoo.url, "GET /web/version HTTP/1.1", "").status, probe);
        assert_eq!(odoo.terminate(), Some(0));
    }
}

#[test]
fn it_fails_as_it_is_told_to_and_names_what_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let odoo = Going::odoo(folder.path(), &["--fault", "proxy-page"]);
    let told = exchange(&odoo.url, RPC, PROBE);
    assert_eq!((told.status, told.body.starts_with("<!doctype html>")), (502, true));
    run(folder.path(), &["simulate", "odoo", "--fault", "nonsense"]).ends(2).remarks("timeout-after-commit");
}
