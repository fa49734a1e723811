//! What can go wrong on request, who may do what, and keys that end.

use http::StatusCode;
use model::TimeSpan;
use serde_json::{Value as Json, json};
use sim::odoo::{Ending, Failure, Fault, INTERNAL, Login, Reply, Request, Version};

use crate::bed::{Bed, MEASURED, rpc};

fn create(bed: &Bed) -> Request {
    bed.execute("res.partner", "create", json!([{ "name": "X" }]), json!({}))
}

fn made(bed: &Bed) -> usize {
    bed.search("res.partner", json!([["name", "=", "X"]])).len()
}

#[test]
fn each_fault_does_what_its_name_says() {
    for version in MEASURED {
        for fault in Fault::ALL {
            let bed = Bed::new(version);
            bed.odoo.begin_fault(fault);
            let reply = bed.answer(&create(&bed));
            check(fault, &bed, &reply);
            bed.odoo.end_fault(fault);
            assert_eq!(bed.answer(&create(&bed)).ending, Ending::Answered);
            assert_eq!(Fault::named(fault.name()), Some(fault));
        }
    }
}

fn check(fault: Fault, bed: &Bed, reply: &Reply) {
    let error = reply.value()["error"]["data"]["name"].clone();
    match fault {
        Fault::Slow => assert!(reply.delay >= TimeSpan::from_secs(2)),
        Fault::Stall => assert_eq!(reply.delay, TimeSpan::from_secs(1)),
        Fault::TimeoutAfter => {
            bed.odoo.end_fault(fault);
            assert_eq!((reply.ending, made(bed)), (Ending::Silence, 1));
        }
        Fault::TimeoutBefore => {
            assert_eq!((reply.ending, made(bed)), (Ending::Silence, 0));
        }
        Fault::Serialization => {
            assert_eq!(error, "psycopg2.errors.SerializationFailure");
            assert!(bed.elapsed() >= TimeSpan::from_secs(2));
            assert_eq!(made(bed), 0);
        }
        Fault::Refused => assert_eq!(reply.ending, Ending::Closed),
        Fault::Restart => assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE),
        Fault::ProxyPage => {
            assert_eq!(reply.status, StatusCode::BAD_GATEWAY);
            assert!(reply.body.starts_with(b"<!doctype html>"));
        }
        Fault::AccessRemoved => assert_eq!(error, "odoo.exceptions.AccessError"),
        Fault::KeyExpired => assert_eq!(error, "odoo.exceptions.AccessDenied"),
        Fault::ModuleMissing => {
            let orders = bed.answer(&bed.execute("sale.order", "search", json!([[]]), json!({}))).value();
            assert_eq!(orders["error"]["data"]["message"], "Object sale.order doesn't exist");
        }
        Fault::ClockAhead => assert!(reply.headers.iter().any(|(name, _)| *name == "date")),
        Fault::HooksLost => assert!(reply.value()["result"].is_i64()),
    }
}

#[test]
fn a_share_of_the_requests_is_drawn_from_the_seed() {
    let struck = || {
        let bed = Bed::new(Version::V19);
        bed.odoo.begin_fault_for(Fault::ProxyPage, 250);
        (0..80).map(|_| bed.answer(&create(&bed)).status.as_u16()).collect::<Vec<_>>()
    };
    let statuses = struck();
    assert_eq!(statuses, struck());
    let bad = statuses.iter().filter(|status| **status == 502).count();
    assert!((10..35).contains(&bad), "{bad}");
}

#[test]
fn a_restart_is_over_after_its_span() {
    let bed = Bed::new(Version::V18);
    bed.odoo.begin_fault_span(Fault::Restart, TimeSpan::from_secs(20));
    assert_eq!(bed.answer(&create(&bed)).status, StatusCode::SERVICE_UNAVAILABLE);
    bed.run(bed.sleep(20_000));
    assert_eq!(bed.answer(&create(&bed)).status, StatusCode::OK);
}

#[test]
fn a_missing_right_names_the_groups_that_have_it() {
    for version in MEASURED {
        let bed = Bed::new(version);
        let user = bed.odoo.add_user("clerk", "secret", &[INTERNAL]);
        let args = json!([bed.odoo.database(), user, "secret", "sale.order", "create", [{ "partner_id": 7 }]]);
        let execute = rpc(json!({ "service": "object", "method": "execute_kw", "args": args }));
        let error = bed.answer(&execute).value()["error"]["data"].clone();
        assert_eq!(error["name"], "odoo.exceptions.AccessError");
        let said = error["message"].as_str().unwrap();
        let start = "You are not allowed to create 'Sales Order' (sale.order) records.\n\nThis operation is allowed for the following groups:\n\t- Sales/Administrator\n\t- ";
        assert!(said.starts_with(start), "{said}");
        bed.odoo.set_groups(user, &["Sales/User: All Documents"]);
        assert!(bed.answer(&execute).value()["result"].is_i64());
    }
}

#[test]
fn keys_end_and_two_factor_users_need_one() {
    let bed = Bed::new(Version::V19);
    let user = bed.odoo.add_user("bot", "secret", &[INTERNAL]);
    let key = bed.odoo.issue_key(user, "bot", Some(bed.now() + TimeSpan::from_secs(60)));
    let authenticate = |secret: &str| {
        let args = json!([bed.odoo.database(), "bot", secret, {}]);
        bed.answer(&rpc(json!({ "service": "common", "method": "authenticate", "args": args }))).value()["result"].clone()
    };
    assert_eq!(authenticate("secret"), user);
    bed.odoo.set_login(user, Login::TwoFactor);
    assert_eq!((authenticate("secret"), authenticate(&key)), (json!(false), json!(user)));
    let search = Request::post("/json/2/res.partner/search", &json!({ "domain": [] }))
        .with("authorization", &format!("Bearer {key}"));
    assert_eq!(bed.answer(&search).status, StatusCode::OK);
    bed.run(bed.sleep(61_000));
    assert_eq!(bed.answer(&search).status, StatusCode::UNAUTHORIZED);
    assert_eq!(authenticate(&key), json!(false));
}

/// Makes a key through a web session, as a user. Answers the key, or the error.
fn key_by_session(bed: &Bed, login: &str, duration: &str) -> Result<String, Json> {
    let call = |path: &str, params: Json, cookie: &str| {
        let body = json!({ "jsonrpc": "2.0", "method": "call", "id": 1, "params": params });
        bed.answer(&Request::post(path, &body).with("cookie", cookie))
    };
    let params = json!({ "db": bed.odoo.database(), "login": login, "password": "secret" });
    let session = call("/web/session/authenticate", params, "");
    let (_, set) = session.headers.iter().find(|(name, _)| *name == "set-cookie").expect("a cookie").clone();
    let web = |model: &str, method: &str, args: Json, named: Json| {
        let params = json!({ "model": model, "method": method, "args": args, "kwargs": named });
        let answer = call(&format!("/web/dataset/call_kw/{model}/{method}"), params, &set).value();
        if answer["error"].is_null() { Ok(answer["result"].clone()) } else { Err(answer["error"]["data"].clone()) }
    };
    let of = "res.users.apikeys.description";
    let id = web(of, "create", json!([{ "name": "k", "duration": duration }]), json!({}))?;
    let check = web(of, "make_key", json!([[id]]), json!({}))?["res_id"].clone();
    let password = json!({ "password": "secret" });
    if bed.odoo.version() == Version::V18 {
        web("res.users.identitycheck", "write", json!([[check], password]), json!({}))?;
    }
    let shown = web("res.users.identitycheck", "run_check", json!([[check]]), json!({ "context": password }))?;
    // For ten minutes the session is not asked again.
    let again = web(of, "create", json!([{ "name": "k2", "duration": duration }]), json!({}))?;
    assert_eq!(web(of, "make_key", json!([[again]]), json!({}))?["res_model"], "res.users.apikeys.show");
    // Nor when it ends one of its keys.
    let keys = "res.users.apikeys";
    let second = web(keys, "search", json!([[["name", "=", "k2"]]]), json!({}))?[0].clone();
    assert_eq!(web(keys, "remove", json!([[second]]), json!({}))?, Json::Null);
    assert_eq!(web(keys, "search", json!([[["name", "=", "k2"]]]), json!({}))?, json!([]));
    Ok(shown["context"]["default_key"].as_str().expect("a key").to_owned())
}

#[test]
fn a_plain_user_makes_keys_of_ninety_days_at_most() {
    for version in MEASURED {
        let bed = Bed::new(version);
        bed.odoo.add_user("plain", "secret", &[INTERNAL]);
        let key = key_by_session(&bed, "plain", "90").unwrap();
        assert_eq!(key.len(), 40);
        for (duration, said) in [("365", "You cannot exceed 90.0 days."), ("0", "The API key must have an expiration date")]
        {
            let error = key_by_session(&bed, "plain", duration).unwrap_err();
            assert_eq!((&error["name"], &error["message"]), (&json!("odoo.exceptions.ValidationError"), &json!(said)));
        }
        let row = bed.search("res.users.apikeys", json!([["name", "=", "k"]]))[0];
        let refused = bed.refused("res.users.apikeys", "remove", json!([[row]]), json!({}));
        assert_eq!(refused.message(), "This method can only be accessed over HTTP");
        bed.odoo.add_user("boss", "secret", &["Administration/Settings"]);
        assert!(key_by_session(&bed, "boss", "0").is_ok());
    }
}

#[test]
fn only_a_blocked_transaction_tells_of_another_one() {
    assert_eq!(Failure::Blocked(1).name(), Failure::Serialization.name());
    assert_eq!(Failure::Blocked(1).status(), StatusCode::INTERNAL_SERVER_ERROR);
}
