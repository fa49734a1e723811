//! The server itself: over a socket, with the system's clock.

use std::sync::Arc;
use std::time::Duration;

use engine::ports::{Clock, Waiting};
use model::{TimeSpan, Timestamp};
use serde_json::{Value as Json, json};
use sim::odoo::{Fault, Odoo, Options, Version, post, serve};
use tokio::net::TcpListener;

/// A clock whose time stands still and whose waits are real.
#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_772_442_000)
    }

    fn not_before(&self, _at: Timestamp) {}

    fn wall(&self) -> Timestamp {
        self.now()
    }

    fn ran(&self) -> TimeSpan {
        TimeSpan::ZERO
    }

    fn sleep(&self, span: TimeSpan) -> Waiting<'_> {
        Box::pin(tokio::time::sleep(span.to_duration()))
    }

    fn chance(&self) -> [u8; 10] {
        [0; 10]
    }
}

fn client() -> reqwest::Client {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    reqwest::Client::builder().timeout(Duration::from_secs(5)).no_proxy().tls_certs_only([]).build().expect("a client")
}

async fn ask(url: &str, key: &str, method: &str, body: Json) -> Result<(u16, Json), reqwest::Error> {
    let request = client().post(format!("{url}/json/2/res.partner/{method}")).body(body.to_string());
    let request = request.header("content-type", "application/json").header("authorization", format!("bearer {key}"));
    let mut answer = request.send().await?;
    let status = answer.status().as_u16();
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
}

#[tokio::test]
async fn it_answers_over_a_socket_and_refuses_when_it_is_told_to() {
    let odoo = Odoo::new(&Options::new(Version::V19), Arc::new(Standing));
    odoo.set_sender(post().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let serving = serve(odoo.clone(), listener).unwrap();
    let created =
        ask(&serving.url, odoo.key(), "create", json!({ "vals_list": { "name": "Over a socket" } })).await.unwrap();
    assert_eq!(created, (200, json!([12])));
    let refused = ask(&serving.url, "nonsense", "search", json!({ "domain": [] })).await.unwrap();
    assert_eq!(refused.0, 401);
    odoo.begin_fault(Fault::Refused);
    assert!(ask(&serving.url, odoo.key(), "search", json!({ "domain": [] })).await.is_err());
    odoo.end_fault(Fault::Refused);
    let found =
        ask(&serving.url, odoo.key(), "search", json!({ "domain": [["name", "=", "Over a socket"]] })).await.unwrap();
    assert_eq!(found, (200, json!([12])));
    serving.stop().await;
}
