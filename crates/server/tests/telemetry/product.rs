//! The product with a small project: a shop that signs, a warehouse with a token, and quick retries.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::{Arc, LazyLock, PoisonError};

use engine::ports::Clock as _;
use formats::signature::standard_webhooks::{self, SigningKey};
use policy::SourceFile;
use serde_json::Value;
use server::clock::SystemClock;
use server::logs;
use server::settings::{Environment, Flags, LogFormat, Settings};
use server::up::{self, Running};

/// The secrets, each of which is nowhere to be seen.
pub(crate) const SHOP_KEY: &str = "whsec_c2hvcC1zZW50aW5lbC0zYjdlLXNob3Atc2VudGluZWw=";
pub(crate) const WAREHOUSE_KEY: &str = "whsec_d2FyZWhvdXNlLXNlbnRpbmVsLTdhMmQtd2FyZWhvdXNl";
pub(crate) const WAREHOUSE_TOKEN: &str = "token-sentinel-9c4e";
pub(crate) const COLLECTOR_TOKEN: &str = "collector-sentinel-1d8b";

const FILES: [(&str, &str); 4] = [
    (
        "systems/shop.yaml",
        "kind: shop\nowner: team-commerce\nsummary: The shop.\nsources:\n  shop:\n    verify: { preset: standard-webhooks, \
         secrets: [shop/webhook] }\n    events:\n      order.created: { contract: shop.order@1.0.0 }\n",
    ),
    (
        "contracts/shop.order/1.0.0.yaml",
        "summary: An order.\nowner: team-commerce\ntype: order.created\nlifecycle: approved\nidentifiers:\n  order: \
         .number\nschema:\n  type: object\n  required: [number]\n  properties:\n    type: { type: string }\n    number: { \
         type: string, maxLength: 8 }\n    note: { type: string }\n",
    ),
    (
        "flows/orders.yaml",
        "summary: Orders to the warehouse.\nowner: team-warehouse\non:\n  types: [order.created]\n  sources: [shop]\nto: \
         warehouse\ndeliver: { retry: quick, lane: none }\n",
    ),
    ("policies/quick.yaml", "waits: [10ms, 10ms, 10ms]\nrepeat_last: true\ndeadline: 1h\nend: dead_letter\n"),
];

/// What was logged in this process: all tests share one log.
#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

static LOG: LazyLock<Lines> = LazyLock::new(|| {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = logs::subscriber((LogFormat::Json, logs::Colours::Without), "trace", move || writer.clone()).unwrap();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    lines
});

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// All that was logged so far.
pub(crate) fn log() -> String {
    String::from_utf8(LOG.0.lock().unwrap().clone()).unwrap()
}

/// The product.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) running: Running,
    client: reqwest::Client,
}

impl Product {
    /// Starts it in a folder with a destination and a collector.
    pub(crate) async fn start(data: &Path, warehouse: SocketAddr, variables: &[(&str, &str)]) -> Self {
        LazyLock::force(&LOG);
        let mut environment = vec![
            ("CROSSDOCK_SECRET_SHOP_WEBHOOK", SHOP_KEY),
            ("CROSSDOCK_SECRET_WAREHOUSE_WEBHOOK", WAREHOUSE_KEY),
            ("CROSSDOCK_SECRET_WAREHOUSE_TOKEN", WAREHOUSE_TOKEN),
            ("CROSSDOCK_METRICS", "open"),
        ];
        environment.extend_from_slice(variables);
        let flags = Flags { data: Some(data.to_owned()), listen: Some("127.0.0.1:0".parse().unwrap()), ..Flags::default() };
        let settings = Settings::resolve(&flags, Environment::from_pairs(&environment)).unwrap();
        let running = up::start(settings, &files(warehouse)).await.unwrap();
        Self { running, client: client() }
    }

    /// Sends a signed order, and answers status and body.
    pub(crate) async fn send(&self, id: &str, body: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let now = SystemClock::new().wall().secs();
        let key = [SigningKey::parse(SHOP_KEY).unwrap()];
        let signature = standard_webhooks::sign(id, now, body.as_bytes(), &key).unwrap();
        let own = [("webhook-id", id), ("webhook-timestamp", &now.to_string()), ("webhook-signature", &signature)];
        let mut request = self.client.post(self.url("/in/shop")).header("content-type", "application/json");
        for (name, value) in own.iter().filter(|(name, _)| headers.iter().all(|(other, _)| other != name)).chain(headers) {
            request = request.header(*name, *value);
        }
        let answer = request.body(body.to_owned()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&read(answer).await).unwrap())
    }

    /// A page, in the form that `accept` asks for, with its media type.
    pub(crate) async fn page(&self, path: &str, accept: &str) -> (String, String) {
        let answer = self.client.get(self.url(path)).header("accept", accept).send().await.unwrap();
        let kind = answer.headers().get("content-type").unwrap().to_str().unwrap().to_owned();
        (kind, read(answer).await)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address)
    }

    /// Ends it; nothing may end badly.
    pub(crate) async fn end(self) {
        let failed = self.running.shutdown().await;
        assert_eq!(failed, server::tasks::Endings::default());
    }
}

fn files(warehouse: SocketAddr) -> Vec<SourceFile> {
    let text = format!(
        "kind: wms\nowner: team-warehouse\nsummary: The warehouse.\ndestinations:\n  warehouse:\n    url: \
         http://{warehouse}/orders\n    sign: [warehouse/webhook]\n    auth: {{ bearer: warehouse/token }}\n    allow: \
         [127.0.0.0/8]\n"
    );
    let files = FILES.iter().map(|(path, text)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() });
    files.chain([SourceFile { path: "systems/warehouse.yaml".to_owned(), text }]).collect()
}

fn client() -> reqwest::Client {
    // The first who names the cryptography is right; there is only one.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

async fn read(mut answer: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).unwrap()
}
