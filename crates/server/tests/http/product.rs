//! The product in this process on a free port and in a folder of its own, and a client that shows all of an answer.

use std::net::SocketAddr;

use engine::ports::Ledger;
use http::Method;
use model::{TimeSpan, Timestamp};
use policy::SourceFile;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use server::settings::{Environment, Flags, Settings};
use server::tasks::Endings;
use server::up::{self, Running};
use tempfile::TempDir;

/// LIMIT: looks at what the product does by itself; each is an exchange with it.
pub(crate) const LOOKS_MAX: usize = 20_000;

pub(crate) struct Product {
    folder: TempDir,
    running: Running,
    client: reqwest::Client,
    pub(crate) admin: String,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The same, when it has this status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The same, when it is this problem.
    #[track_caller]
    pub(crate) fn tells(self, status: u16, code: &str) -> Self {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let problem = self.json();
        assert_eq!((self.status, problem["status"].as_u64()), (status, Some(u64::from(status))), "{problem}");
        assert_eq!(problem["code"], code, "{problem}");
        assert!(!problem["title"].as_str().unwrap().is_empty() && !problem["detail"].as_str().unwrap().is_empty());
        self
    }
}

/// A request in the making.
pub(crate) struct Ask<'a> {
    product: &'a Product,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Ask<'_> {
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body(body.to_string().into_bytes()).header("content-type", "application/json")
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    #[expect(clippy::disallowed_methods, reason = "an answer of our own server, read whole")]
    pub(crate) async fn send(self) -> Answer {
        let mut request = self.product.client.request(self.method, format!("{}{}", self.product.url(), self.path));
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned() }
    }
}

/// A shop without signatures, whose orders go to a warehouse that nobody can reach.
pub(crate) fn project(flow: &str) -> Vec<SourceFile> {
    let shop = "owner: team-commerce\nsources:\n  shop:\n    verify: { unsigned: { owner: team-commerce, until: 2099-01-31, why: a test } }\n    type: { is: order }\n    unknown: accept\n  strict:\n    verify: { unsigned: { owner: team-commerce, until: 2099-01-31, why: a test } }\n    key: { path: .id }\n    type: { path: .type }\n    events: { known: { type: known } }\n";
    let wms = "owner: team-warehouse\ndestinations:\n  wms:\n    url: https://wms.example.com/orders\n";
    let flow = format!("owner: team-warehouse\non:\n  types: [order]\nto: wms\n{flow}");
    [("systems/shop.yaml", shop), ("systems/wms.yaml", wms), ("flows/orders-to-wms.yaml", &flow)]
        .map(|(path, text)| SourceFile { path: path.to_owned(), text: text.to_owned() })
        .into()
}

/// The same without its flow, as a command carries it.
pub(crate) fn files_without_flow() -> Vec<(String, String)> {
    let files = project("").into_iter().filter(|file| !file.path.starts_with("flows/"));
    files.map(|file| (file.path, file.text)).collect()
}

impl Product {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let running = up::start(settings(&folder), &project("")).await.unwrap();
        let admin = running.first_token.as_ref().unwrap().token.clone().unwrap();
        Self { folder, running, client: client(), admin }
    }

    /// Ends, and starts again in the same folder.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with(|_| ()).await
    }

    /// The same, with other settings.
    pub(crate) async fn restart_with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let Self { folder, running, client, admin } = self;
        assert_eq!(running.shutdown().await, Endings::default());
        let mut settings = settings(&folder);
        change(&mut settings);
        let running = up::start(settings, &project("")).await.unwrap();
        Self { folder, running, client, admin }
    }

    /// Ends, has one row of its ledger damaged by these words, and starts again.
    pub(crate) async fn damaged(self, sql: &str) -> Self {
        let Self { folder, running, client, admin } = self;
        assert_eq!(running.shutdown().await, Endings::default());
        let ledger = rusqlite::Connection::open(folder.path().join("data/ledger.sqlite")).unwrap();
        assert_eq!(ledger.execute(sql, []).unwrap(), 1, "one row is damaged");
        drop(ledger);
        let running = up::start(settings(&folder), &project("")).await.unwrap();
        Self { folder, running, client, admin }
    }

    pub(crate) async fn stop(self) {
        drop(self.end().await);
    }

    /// Ends, and leaves its folder.
    pub(crate) async fn end(self) -> TempDir {
        assert_eq!(self.running.shutdown().await, Endings::default());
        self.folder
    }

    /// The state of its work, for what no request does.
    pub(crate) fn ledger(&self) -> &dyn Ledger {
        &*self.running.app.ground.ledger
    }

    /// Its time is that far ahead of the machine's clock from now on.
    pub(crate) fn set_ahead(&self, span: TimeSpan) {
        let clock = &self.running.app.ground.clock;
        clock.not_before(clock.wall() + span);
    }

    /// What its clock says.
    pub(crate) fn now(&self) -> Timestamp {
        self.running.app.ground.clock.now()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// A request with the administrator's token.
    pub(crate) fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        let headers = vec![("authorization".to_owned(), format!("Bearer {}", self.admin))];
        Ask { product: self, method, path: path.to_owned(), headers, body: None }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path).json(body).send().await
    }

    /// A token of somebody with these scopes.
    pub(crate) async fn token(&self, name: &str, scopes: &[&str]) -> String {
        let made = self
            .post("/api/v1/tokens", &json!({ "name": name, "scopes": scopes, "days": 1, "why": "a test" }))
            .await
            .is(200);
        made.json()["token"].as_str().unwrap().to_owned()
    }

    /// An order that waits: the warehouse is paused before it comes.
    pub(crate) async fn waiting_delivery(&self, order: &str) -> Value {
        let pause = json!({ "object": "destination/wms", "paused": true, "why": "stocktaking" });
        self.post("/api/v1/switches", &pause).await.is(200);
        let sent = self.ask(Method::POST, "/in/shop").json(&json!({ "id": order })).send().await.is(202);
        let event = sent.json()["id"].as_str().unwrap().to_owned();
        for _ in 0..LOOKS_MAX {
            let rows = self.get(&format!("/api/v1/deliveries?event={event}")).await.is(200).json();
            if let Some(row) = rows["rows"].get(0) {
                return row.clone();
            }
        }
        panic!("the order {order} was not routed");
    }

    /// Applies the project with a warehouse that is declared by these lines instead.
    pub(crate) async fn move_warehouse(&self, lines: &str) {
        let text = |text: String| text.replace("    url: https://wms.example.com/orders\n", lines);
        let files: Vec<_> = project("").into_iter().map(|file| json!([file.path, text(file.text)])).collect();
        self.post("/api/v1/policies/apply", &json!({ "files": files, "why": "a test" })).await.is(200);
    }

    /// An order that is sent and then waits for a person.
    pub(crate) async fn stuck_delivery(&self) -> Value {
        self.ask(Method::POST, "/in/shop").json(&json!({ "id": "1" })).send().await.is(202);
        for _ in 0..LOOKS_MAX {
            let rows = self.get("/api/v1/deliveries?states=held,dead_lettered").await.is(200).json();
            if let Some(row) = rows["rows"].get(0) {
                return row.clone();
            }
        }
        panic!("nothing waits for a person");
    }

    /// Gives a secret a value.
    pub(crate) fn give(&self, secret: &str, value: &str) {
        let path = self.folder.path().join("data/secrets").join(secret);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, value).unwrap();
    }

    /// An event that waits for a person: its type is none that the source declares.
    pub(crate) async fn quarantined_event(&self) -> String {
        let sent = self.ask(Method::POST, "/in/strict").json(&json!({ "id": "q", "type": "odd" })).send().await.is(202);
        let event = sent.json()["id"].as_str().unwrap().to_owned();
        for _ in 0..LOOKS_MAX {
            if self.get(&format!("/api/v1/quarantine/{event}")).await.status == 200 {
                return event;
            }
        }
        panic!("the event {event} is not in quarantine");
    }
}

fn settings(folder: &TempDir) -> Settings {
    let flags = Flags {
        project: Some(folder.path().to_owned()),
        data: Some(folder.path().join("data")),
        listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        settings: None,
        log: None,
    };
    Settings::resolve(&flags, Environment::default()).unwrap()
}

fn client() -> reqwest::Client {
    // The only error is that a provider is installed already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    reqwest::Client::builder().no_proxy().tls_certs_only([]).redirect(reqwest::redirect::Policy::none()).build().unwrap()
}
