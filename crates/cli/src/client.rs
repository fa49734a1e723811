//! The management API from outside: where it is, who asks, and what its problems mean for the exit code.

use std::path::Path;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use server::http::guard::SAME_SITE;
use server::http::problem::Problem;

use crate::args::Common;
use crate::exit::{Exit, Failure};

/// Where the running product of a folder writes its address.
pub(crate) const ADDRESS_FILE: &str = ".crossdock/address";

/// A connection to the product.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    same_site: Option<String>,
}

impl Client {
    /// A client as flags and environment say; it does not connect yet.
    #[expect(clippy::disallowed_methods, reason = "the command line reads its own variables")]
    pub(crate) fn new(common: &Common) -> Result<Self, Failure> {
        // The only error is that a provider is installed already.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(common.timeout_s))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Failure::new(Exit::Failed, "client", format!("no HTTP client can be made: {error}")))?;
        let base = common.url.clone().or_else(|| address_of(Path::new("."))).unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
        let token = std::env::var("CROSSDOCK_TOKEN").ok().filter(|token| !token.is_empty());
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), token, same_site: None })
    }

    /// Where it is.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Reads.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send::<(), T>(Method::GET, path, None).await
    }

    /// Reads with a query.
    pub(crate) async fn query<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Result<T, Failure> {
        let text = serde_json::to_value(query).unwrap_or_default();
        let pairs = text.as_object().into_iter().flatten().filter_map(|(key, value)| match value {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(format!("{key}={}", encode(text))),
            other => Some(format!("{key}={}", encode(&other.to_string()))),
        });
        let query: Vec<String> = pairs.collect();
        self.get(&format!("{path}?{}", query.join("&"))).await
    }

    /// Writes. Without a token the same-site token of the session is fetched first.
    pub(crate) async fn post<B: Serialize, T: DeserializeOwned>(&mut self, path: &str, body: &B) -> Result<T, Failure> {
        if self.token.is_none() && self.same_site.is_none() {
            let session: serde_json::Value = self.get("/session").await?;
            self.same_site = session["same_site"].as_str().map(str::to_owned);
        }
        self.send(Method::POST, path, Some(body)).await
    }

    async fn send<B: Serialize, T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<&B>) -> Result<T, Failure> {
        let mut request = self.http.request(method, format!("{}/api/v1{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(token) = &self.same_site {
            request = request.header(SAME_SITE, token);
        }
        if let Some(body) = body {
            let body = serde_json::to_vec(body).map_err(|error| Failure::new(Exit::Failed, "request", error.to_string()))?;
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = request.send().await.map_err(|_| self.unreachable())?;
        let status = answer.status();
        let bytes = read(answer).await?;
        if status.is_success() {
            return serde_json::from_slice(&bytes)
                .map_err(|error| Failure::new(Exit::Failed, "answer", format!("the answer is not understood: {error}")));
        }
        Err(problem(status, &bytes))
    }

    fn unreachable(&self) -> Failure {
        Failure::new(Exit::Unreachable, "unreachable", format!("nothing answers at {}", self.base))
            .hint("start it with `crossdock up`, or name it with --url")
    }
}

#[expect(clippy::disallowed_methods, reason = "an answer of our own server, within the time that was asked for")]
async fn read(answer: reqwest::Response) -> Result<bytes::Bytes, Failure> {
    answer.bytes().await.map_err(|_| Failure::new(Exit::Unreachable, "unreachable", "the answer ended too early"))
}

fn problem(status: StatusCode, bytes: &[u8]) -> Failure {
    let exit = match status.as_u16() {
        401 | 503 => Exit::Unreachable,
        403 => Exit::Refused,
        404 => Exit::NotFound,
        400 | 422 => Exit::Usage,
        _ => Exit::Failed,
    };
    match serde_json::from_slice::<Problem>(bytes) {
        Ok(problem) => {
            let hint = if status.as_u16() == 401 { "set CROSSDOCK_TOKEN to a token that holds" } else { "" };
            Failure::new(exit, &problem.code, problem.detail).hint(hint)
        }
        Err(_) => Failure::new(exit, "answer", format!("the answer was {status}")),
    }
}

/// The address of the product that runs in a folder, if one does.
pub(crate) fn address_of(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join(ADDRESS_FILE)).ok()?;
    let text = text.trim();
    text.starts_with("http://").then(|| text.to_owned())
}

/// Percent-encodes all but unreserved characters (RFC 3986).
pub(crate) fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&format!("{byte:02X}"));
        }
        out
    })
}
