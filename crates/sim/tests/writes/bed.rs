//! What the tests share: an Odoo behind a socket, the adapter, and messages to it.

use std::sync::Arc;
use std::time::Duration;

use adapters::odoo::Standing;
use adapters::outside::Outside;
use bytes::Bytes;
use engine::ports::{Clock, Errand, Message, Outbound as _, Peer, Sent, Waiting};
use formats::signature::Secret;
use model::{DestinationName, Network, TimeSpan, Timestamp};
use serde_json::{Value as Json, json};
use sim::odoo::{INTERNAL, Odoo, Options, Serving, Version, serve};
use tokio::net::TcpListener;

/// How much faster everything waits.
const FASTER: u32 = 50;

/// A clock whose waits are short.
#[derive(Debug)]
struct Fast(std::time::Instant);

impl Fast {
    #[expect(clippy::disallowed_methods, reason = "the sockets of these tests are real, and so is the time that they take")]
    fn new() -> Self {
        Self(std::time::Instant::now())
    }
}

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_772_442_000) + TimeSpan::from_millis(u64::try_from(self.0.elapsed().as_millis()).unwrap_or(0))
    }

    fn not_before(&self, _at: Timestamp) {}

    fn wall(&self) -> Timestamp {
        self.now()
    }

    fn ran(&self) -> TimeSpan {
        TimeSpan::from_millis(u64::try_from(self.0.elapsed().as_millis()).unwrap_or(0))
    }

    fn sleep(&self, span: TimeSpan) -> Waiting<'_> {
        Box::pin(tokio::time::sleep(span.to_duration() / FASTER))
    }

    fn chance(&self) -> [u8; 10] {
        [3; 10]
    }
}

/// The groups that the guide names for commands (docs/guide/how-to/write-to-odoo.md), and no more; contacts are anybody's here.
pub(crate) const GROUPS: [&str; 6] =
    [INTERNAL, "Sales/User: All Documents", "Purchase/User", "Inventory/User", "Manufacturing/User", "Invoicing/Billing"];
/// Our user's login and password.
const PLAIN: &str = "crossdock";

/// An Odoo, and the plain user who writes to it.
pub(crate) struct Bed {
    pub(crate) odoo: Odoo,
    outside: Outside,
    peer: Peer,
    serving: Serving,
}

/// Both versions that were measured.
pub(crate) const MEASURED: [Version; 2] = [Version::V18, Version::V19];

impl Bed {
    pub(crate) async fn new(version: Version) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(Fast::new());
        let odoo = Odoo::new(&Options::new(version), Arc::clone(&clock));
        let user = odoo.add_user(PLAIN, PLAIN, &GROUPS);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let serving = serve(odoo.clone(), listener).unwrap();
        let peer = Peer {
            name: "erp".to_owned(),
            url: serving.url.clone(),
            database: odoo.database(),
            login: Some(PLAIN.to_owned()),
            key: Secret::new(odoo.issue_key(user, PLAIN, None).into_bytes()),
            allow: vec![Network { address: std::net::Ipv4Addr::LOCALHOST.into(), bits: 8 }],
        };
        let bed = Self { odoo, outside: Outside::new(&clock), peer, serving };
        bed.call("res.partner", "load", json!([["id", "name"], [["ext.cust_1", "ACME"]]]), json!({})).await;
        bed
    }

    pub(crate) async fn end(self) {
        self.serving.stop().await;
    }

    /// Gives a command under a key.
    pub(crate) async fn give(&self, key: &str, document: &Json) -> Sent {
        self.give_within(TimeSpan::from_secs(150), key, document).await
    }

    /// Gives a command with little patience.
    pub(crate) async fn give_shortly(&self, key: &str, document: &Json) -> Sent {
        // Less than a real one may have, and enough for one that answers at once: these tests wait for it many times.
        self.give_within(TimeSpan::from_secs(25), key, document).await
    }

    async fn give_within(&self, timeout: TimeSpan, key: &str, document: &Json) -> Sent {
        let message = Message {
            destination: DestinationName::new("erp-commands").unwrap(),
            url: self.peer.url.clone(),
            method: String::new(),
            headers: Vec::new(),
            body: Bytes::from(document.to_string()),
            timeout,
            allow: self.peer.allow.clone(),
            errand: Some(Errand { peer: self.peer.clone(), key: key.to_owned(), at_once: 2 }),
        };
        self.outside.send(&message).await
    }

    /// A command that has to be done. Answers what it says of the state.
    pub(crate) async fn done(&self, key: &str, document: &Json) -> Json {
        let sent = self.give(key, document).await;
        let said = serde_json::from_slice(&sent.response).unwrap_or_default();
        assert_eq!(sent.outcome.cause(), "http_200", "{said}");
        said
    }

    /// A command that is done, and whose repeat changes nothing.
    pub(crate) async fn done_once(&self, key: &str, document: &Json) -> Json {
        let said = self.done(key, document).await;
        let before = self.odoo.changes().len();
        assert_eq!(self.done(key, document).await, said);
        assert_eq!(self.odoo.changes().len(), before, "a repeat changes nothing");
        said
    }

    /// A command that is not done. Answers the cause, and what is said of it.
    pub(crate) async fn refused(&self, key: &str, document: &Json) -> (String, Json) {
        let sent = self.give(key, document).await;
        (sent.outcome.cause(), serde_json::from_slice(&sent.response).unwrap_or_default())
    }

    /// A command under a key, given again as the schedule would until it is done. Answers how often.
    pub(crate) async fn until_done(&self, key: &str, document: &Json) -> u32 {
        for attempt in 1..=40 {
            let sent = self.give_shortly(key, document).await;
            if sent.outcome.cause() == "http_200" {
                return attempt;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it is never done");
    }

    /// Whether a user of these groups may read the records of a model.
    pub(crate) async fn may_read(&self, groups: &[&str], model: &str) -> Standing {
        let login = format!("{model} {}", groups.join(" "));
        let user = self.odoo.add_user(&login, &login, groups);
        let key = Secret::new(self.odoo.issue_key(user, &login, None).into_bytes());
        let peer = Peer { login: Some(login), key, ..self.peer.clone() };
        let odoo = adapters::odoo::Odoo::new(Arc::new(Fast::new()));
        let session = odoo.greet(&peer).await.unwrap();
        odoo.rights(&peer, &session, model).await.unwrap().read
    }

    /// A call as the administrator that has to succeed.
    pub(crate) async fn call(&self, model: &str, method: &str, args: Json, named: Json) -> Json {
        match self.odoo.call(model, method, args, named).await {
            Ok(value) => value,
            Err(failure) => panic!("{model}.{method}: {} {}", failure.name(), failure.message()),
        }
    }

    pub(crate) async fn create(&self, model: &str, values: Json) -> i64 {
        self.call(model, "create", json!([values]), json!({})).await.as_i64().expect("one id")
    }

    /// Records with these fields.
    pub(crate) async fn find(&self, model: &str, domain: Json, fields: &[&str]) -> Vec<Json> {
        let named = json!({ "domain": domain, "fields": fields, "order": "id" });
        self.call(model, "search_read", json!([]), named).await.as_array().cloned().unwrap_or_default()
    }

    /// A storable product with so many on stock.
    pub(crate) async fn product(&self, code: &str, stock: f64, tracking: &str) -> i64 {
        let values = json!({ "name": code, "default_code": code, "is_storable": true, "tracking": tracking });
        let product = self.create("product.product", values).await;
        if stock > 0.0 {
            self.stock(product, stock, None).await;
        }
        product
    }

    pub(crate) async fn stock(&self, product: i64, stock: f64, lot: Option<i64>) {
        let mut values = json!({ "product_id": product, "location_id": 8, "inventory_quantity": stock });
        if let Some(lot) = lot {
            values["lot_id"] = json!(lot);
        }
        let context = json!({ "context": { "inventory_mode": true } });
        let quant = self.call("stock.quant", "create", json!([values]), context).await;
        self.call("stock.quant", "action_apply_inventory", json!([[quant]]), json!({})).await;
    }
}
