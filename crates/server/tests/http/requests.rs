//! What is wrong with a request is told as a problem that names it; who may not ask is told before anything is read.

use http::Method;
use serde_json::json;

use crate::described;
use crate::product::{self, Product};

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_opens_its_operations_and_no_others() {
    let product = Product::start().await;
    let reader = product.token("reader", &["read"]).await;
    let operator = product.token("operator", &["operate"]).await;
    let command = json!({ "object": "destination/wms", "paused": true, "why": "a test" });
    let ask = |method, path| product.ask(method, path);
    let as_reader = format!("Bearer {reader}");
    ask(Method::GET, "/api/v1/status").header("authorization", &*as_reader).send().await.is(200);
    let refused = ask(Method::POST, "/api/v1/switches").header("authorization", &*as_reader).json(&command).send().await;
    refused.tells(403, "scope");
    let unread = ask(Method::POST, "/api/v1/switches").header("authorization", &*as_reader).body("no JSON").send().await;
    unread.tells(403, "scope");
    let refused = ask(Method::GET, "/api/v1/tokens").header("authorization", &*as_reader).send().await;
    refused.tells(403, "scope");
    let as_operator = format!("Bearer {operator}");
    ask(Method::POST, "/api/v1/switches").header("authorization", &*as_operator).json(&command).send().await.is(200);
    ask(Method::GET, "/api/v1/status").header("authorization", &*as_operator).send().await.tells(403, "scope");
    ask(Method::GET, "/api/v1/status").header("authorization", "Bearer cdk_x").send().await.tells(401, "unknown-token");
    ask(Method::GET, "/api/v1/session").without("authorization").send().await.tells(401, "sign-in");
    let description = ask(Method::GET, "/api/v1/openapi.json").header("authorization", "Bearer cdk_x").send().await;
    described::check("/api/v1/openapi.json", "get", &description.tells(401, "unknown-token"));
    ask(Method::GET, "/api/v1/openapi.json").without("authorization").send().await.is(200);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_ends_no_probe_and_opens_no_metrics() {
    let product = Product::start().await;
    let operator = format!("Bearer {}", product.token("operator", &["operate"]).await);
    let reader = format!("Bearer {}", product.token("reader", &["read"]).await);
    for path in ["/health/live", "/health/ready"] {
        let page = product.ask(Method::GET, path).header("origin", "http://evil.example").send().await;
        described::check(path, "get", &page.tells(403, "wrong-origin"));
        product.ask(Method::GET, path).header("authorization", "Bearer cdk_revoked").send().await.is(200);
        product.ask(Method::GET, path).without("authorization").send().await.is(200);
    }
    let metrics = async |token: &str| product.ask(Method::GET, "/metrics").header("authorization", token).send().await;
    metrics("Bearer cdk_revoked").await.tells(401, "unknown-token");
    metrics(&operator).await.tells(403, "scope");
    product.ask(Method::GET, "/metrics").without("authorization").send().await.tells(401, "sign-in");
    metrics(&reader).await.is(200);
    let told = &described::document()["paths"]["/metrics"]["get"];
    assert_eq!(told["security"][0], json!({ "token": ["read"] }), "{told}");
    assert!(told["responses"]["401"].is_object() && told["responses"]["403"].is_object(), "{told}");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_parameter_is_named_on_every_list() {
    let product = Product::start().await;
    for (query, code, parameter) in [
        ("deliveries?cursor=x", "bad-parameter", "cursor"),
        ("events?cursor=x", "bad-parameter", "cursor"),
        ("quarantine?cursor=1.x", "bad-parameter", "cursor"),
        ("audit?cursor=x", "bad-parameter", "cursor"),
        ("feed?after=-1", "bad-parameter", "after"),
        ("replays?limit=x", "bad-parameter", "limit"),
        ("events?limit=0", "bad-parameter", "limit"),
        ("audit?limit=501", "bad-parameter", "limit"),
        ("deliveries?sates=waiting", "unknown-parameter", "sates"),
        ("replays?cursor=x", "bad-parameter", "cursor"),
        ("policies?after=1", "unknown-parameter", "after"),
    ] {
        let problem = product.get(&format!("/api/v1/{query}")).await.tells(400, code).json();
        assert_eq!(problem["parameter"], parameter, "{query}");
    }
    let problem = product.get("/api/v1/replays/7").await.tells(400, "bad-parameter").json();
    assert_eq!(problem["parameter"], "id");
    let nobody = "/api/v1/replays/00000000-0000-7000-8000-000000000001";
    product.get(nobody).await.tells(404, "not-found");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_body_is_told_from_a_wrong_wish() {
    let product = Product::start().await;
    let path = "/api/v1/deliveries/retry";
    let text = product.ask(Method::POST, path).header("content-type", "text/plain").body("{}").send().await;
    text.tells(415, "unsupported-media-type");
    let broken = product.ask(Method::POST, path).header("content-type", "application/json").body("{").send().await;
    broken.tells(400, "malformed");
    let odd = product.post(path, &json!({ "deliveries": ["x"], "why": "" })).await.tells(422, "invalid-body").json();
    assert_eq!(odd["pointer"], "/deliveries/0");
    let silent = product.post(path, &json!({ "deliveries": [], "why": " " })).await.tells(422, "reason").json();
    assert_eq!(silent["pointer"], "/why");
    let large = " ".repeat(model::limit::COMMAND_BYTES_MAX + 1);
    let large = product.ask(Method::POST, path).header("content-type", "application/json").body(large).send().await;
    large.tells(413, "too-large");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_made_of_files_or_of_a_version_and_never_of_nothing() {
    let product = Product::start().await;
    let before = product.get("/api/v1/policies/present").await.is(200);
    let version = before.header("etag").trim_matches('"').to_owned();
    let files: Vec<_> = product::project("").into_iter().map(|file| json!([file.path, file.text])).collect();
    for (files, back_to) in [
        (None, None),
        (Some(json!([])), None),
        (Some(json!([])), Some(json!(null))),
        (Some(json!(files)), Some(json!(version))),
    ] {
        let mut body = json!({ "why": "x" });
        let parts = [("files", files), ("back_to", back_to)];
        for (name, value) in parts.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            body[name] = value;
        }
        let problem = product.post("/api/v1/policies/apply", &body).await.tells(422, "invalid-body").json();
        assert!(problem["detail"].as_str().unwrap().contains("exactly one of files and back_to"), "{problem}");
        assert_eq!(problem["pointer"], "/files", "{body}");
        assert!(!described::takes("/api/v1/policies/apply", &body), "it is not described as taken: {body}");
    }
    assert_eq!(product.get("/api/v1/policies/present").await.is(200).text, before.text, "every source is still there");
    for body in [json!({ "files": files, "why": "x" }), json!({ "files": [], "back_to": version, "why": "x" })] {
        product.post("/api/v1/policies/apply", &body).await.is(200);
        assert!(described::takes("/api/v1/policies/apply", &body), "{body}");
    }
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_holds_after_a_restart_and_not_after_its_end() {
    let product = Product::start().await;
    let reader = format!("Bearer {}", product.token("reader", &["read"]).await);
    let product = product.restart().await;
    product.ask(Method::GET, "/api/v1/status").header("authorization", &*reader).send().await.is(200);
    let revoked = product.post("/api/v1/tokens/reader/revoke", &json!({ "why": "a test" })).await.is(200).json();
    assert_eq!(revoked["revoked"], 1);
    product.ask(Method::GET, "/api/v1/status").header("authorization", &*reader).send().await.tells(401, "unknown-token");
    product.post("/api/v1/tokens/reader/revoke", &json!({ "why": "a test" })).await.tells(404, "not-found");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_names_the_trace_of_its_request() {
    let product = Product::start().await;
    let sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for path in ["/api/v1/nothing", "/api/v1/deliveries/x", "/in/nobody", "/elsewhere"] {
        let answer = product.ask(Method::GET, path).header("traceparent", sent).send().await;
        assert_eq!(answer.json()["trace_id"], "0af7651916cd43dd8448eb211c80319c", "{path}");
    }
    let own = |answer: product::Answer| answer.json()["trace_id"].as_str().unwrap().to_owned();
    let (one, other) = (own(product.get("/elsewhere").await), own(product.get("/elsewhere").await));
    assert_eq!((one.len(), other.len()), (32, 32));
    assert_ne!(one, other, "a request without a trace gets its own");
    let wrong = product.ask(Method::DELETE, "/api/v1/status").send().await.tells(405, "method-not-allowed");
    assert_eq!((own(wrong.clone()).len(), wrong.header("allow")), (32, "GET,HEAD"));
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_takes_no_json_is_told_before_anything_is_done() {
    let product = Product::start().await;
    let pause = json!({ "object": "destination/wms", "paused": true, "why": "a test" });
    let refused = product.ask(Method::POST, "/api/v1/switches").header("accept", "text/html").json(&pause).send().await;
    refused.tells(406, "not-acceptable");
    assert_eq!(product.get("/api/v1/switches").await.is(200).json()["rows"], json!([]));
    product.ask(Method::GET, "/api/v1/status").header("accept", "application/*").send().await.is(200);
    product.stop().await;
}

/// A page makes a browser send without asking first, and a name that leads here makes it believe that it may read.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_puts_nothing_into_a_source_that_verifies_nothing() {
    let product = Product::start().await;
    product.give("signed/webhook", "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0");
    let signed =
        "owner: team-commerce\nsources:\n  signed:\n    verify: { preset: standard-webhooks, secrets: [signed/webhook] }\n";
    let files = product::project("").into_iter().map(|file| (file.path, file.text));
    let files: Vec<_> = files.chain([("systems/signed.yaml".to_owned(), signed.to_owned())]).collect();
    product.post("/api/v1/policies/apply", &json!({ "files": files, "why": "a test" })).await.is(200);
    let send = |path: &str, name: &str, value: &str| {
        product.ask(Method::POST, path).without("authorization").json(&json!({ "id": "1" })).header(name, value).send()
    };
    for path in ["/in/shop", "/in/shop/below"] {
        let stranger = send(path, "host", "evil.example").await.tells(421, "wrong-host");
        described::check(if path == "/in/shop" { "/in/{source}" } else { "/in/{source}/{rest}" }, "post", &stranger);
        send(path, "origin", "http://evil.example").await.tells(403, "wrong-origin");
        send(path, "origin", "null").await.tells(403, "wrong-origin");
        send(path, "origin", "http://127.0.0.1:1").await.tells(403, "wrong-origin");
    }
    send("/in/shop", "origin", &product.url()).await.is(202);
    send("/in/signed", "host", "hub.example.com").await.tells(401, "bad-signature");
    send("/in/signed", "origin", "http://evil.example").await.tells(401, "bad-signature");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_through_a_flow_that_there_is_not_is_refused() {
    let product = Product::start().await;
    let filter = json!({ "select": "filter", "source": "shop", "flows": ["orders-to-wms", "nosuch"] });
    let events = json!({ "select": "events", "events": [], "flows": ["nosuch"] });
    for selection in [filter, events] {
        let wanted = json!({ "selection": selection, "why": "a test" });
        for path in ["/api/v1/replays/preview", "/api/v1/replays"] {
            let refused = product.post(path, &wanted).await.tells(404, "not-found");
            assert_eq!(refused.json()["detail"], "there is no flow nosuch");
            described::check(path, "post", &refused);
        }
    }
    product.stop().await;
}
