//! The simulated systems of a demo world from outside: their books and their switches.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use sim::demo::SWITCH;
use sim::demo::ledger::Books;
use sim::demo::trouble::TroubleLine;

use crate::exit::{Exit, Failure};

/// A running world.
#[derive(Debug)]
pub(crate) struct World {
    http: reqwest::Client,
    url: String,
}

/// What can be broken.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Faults {
    /// `crossdock/faults/1`.
    pub(crate) schema: String,
    /// By name.
    pub(crate) faults: Vec<TroubleLine>,
}

/// Which way a switch of the world is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Broken, or standing still.
    On,
    /// Mended, or going on.
    Off,
}

impl World {
    /// The world at a URL; it does not connect yet.
    pub(crate) fn new(url: &str) -> Result<Self, Failure> {
        // The only error is that a provider is installed already.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .build()
            .map_err(|error| Failure::new(Exit::Failed, "client", format!("no HTTP client can be made: {error}")))?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned() })
    }

    /// The books.
    pub(crate) async fn books(&self) -> Result<Books, Failure> {
        self.send(self.request(Method::GET, "/ledger")).await
    }

    /// What can be broken, and what is.
    pub(crate) async fn faults(&self) -> Result<Faults, Failure> {
        self.send(self.request(Method::GET, "/faults")).await
    }

    /// Breaks something or mends it.
    pub(crate) async fn switch(&self, fault: &str, way: Way) -> Result<Faults, Failure> {
        let body = serde_json::json!({ "on": way == Way::On }).to_string();
        self.send(self.request(Method::POST, &format!("/faults/{}", crate::client::encode(fault))).body(body)).await
    }

    /// Lets the world stand still or go on.
    pub(crate) async fn pause(&self, way: Way) -> Result<Books, Failure> {
        let body = serde_json::json!({ "on": way == Way::On }).to_string();
        self.send(self.request(Method::POST, "/pause").body(body)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).header(SWITCH, "1")
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an answer of our own simulated systems, within the time that was asked for"
    )]
    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let unreachable =
            |_| Failure::new(Exit::Unreachable, "world", format!("no simulated systems answer at {}", self.url));
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(unreachable)?;
        if status.is_success() {
            return serde_json::from_slice(&bytes)
                .map_err(|error| Failure::new(Exit::Failed, "world", format!("the answer is not understood: {error}")));
        }
        let detail =
            serde_json::from_slice::<serde_json::Value>(&bytes).ok().and_then(|it| it["detail"].as_str().map(str::to_owned));
        let exit = if status.as_u16() == 404 { Exit::NotFound } else { Exit::Failed };
        Err(Failure::new(exit, "world", detail.unwrap_or_else(|| format!("the answer was {status}"))))
    }
}
