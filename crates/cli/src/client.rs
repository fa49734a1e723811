//! The management API from outside: where it is, who asks, and what its problems mean for the exit code.

use std::path::Path;
use std::time::Duration;

use model::Diagnostic;
use model::diagnostic::Place;
use model::limit::PAGE_ROWS_MAX;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use server::api::{Rows, Session};
use server::http::guard::SAME_SITE;
use server::http::problem::Problem;

use crate::args::Common;
use crate::exit::{Exit, Failure};

/// Where the running product of a folder writes its address.
pub(crate) const ADDRESS_FILE: &str = ".crossdock/address";

/// The code of a failure whose answer is not known.
const LOST: &str = "answer-lost";

/// LIMIT: broken rules that an error shows; the first ones tell what is wrong.
const REASONS_SHOWN: usize = 10;

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
    pub(crate) fn new(common: &Common) -> Result<Self, Failure> {
        Self::at(common, Path::new("."))
    }

    /// As [`Client::new`], for the product that runs in a folder unless flags or environment name another.
    #[expect(clippy::disallowed_methods, reason = "the command line reads its own variables")]
    pub(crate) fn at(common: &Common, folder: &Path) -> Result<Self, Failure> {
        // The only error is that a provider is installed already.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(common.timeout_s))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Failure::new(Exit::Failed, "client", format!("no HTTP client can be made: {error}")))?;
        let base = common
            .url
            .clone()
            .filter(|url| !url.is_empty())
            .or_else(|| address_of(folder))
            .unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
        let token = std::env::var("CROSSDOCK_TOKEN").ok().filter(|token| !token.is_empty());
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), token, same_site: None })
    }

    /// Where it is.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Reads.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send(Method::GET, path, &[], None).await
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

    /// Rows of a list, page after page, at most `limit`.
    pub(crate) async fn rows<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
        limit: usize,
    ) -> Result<Vec<T>, Failure> {
        let mut rows = Vec::new();
        let mut cursor: Option<String> = None;
        while rows.len() < limit {
            let page = (limit - rows.len()).min(PAGE_ROWS_MAX);
            let pairs = query.iter().map(|(key, value)| format!("{key}={}", encode(value)));
            let cursor_pair = cursor.iter().map(|cursor| format!("cursor={}", encode(cursor)));
            let query: Vec<String> = pairs.chain(cursor_pair).chain([format!("limit={page}")]).collect();
            let answer: Rows<T> = self.get(&format!("{path}?{}", query.join("&"))).await?;
            rows.extend(answer.rows);
            cursor = answer.next;
            if cursor.is_none() {
                break;
            }
        }
        rows.truncate(limit);
        Ok(rows)
    }

    /// Reads bytes as they are.
    pub(crate) async fn bytes(&self, path: &str) -> Result<bytes::Bytes, Failure> {
        let mut request = self.http.get(format!("{}/api/v1{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.map_err(|_| self.unreachable())?;
        let status = answer.status();
        let bytes = read(answer).await?;
        if status.is_success() { Ok(bytes) } else { Err(problem(status, &bytes)) }
    }

    /// Sends what a partner would send. Answers status and body, whatever they are.
    pub(crate) async fn ingest(
        &self,
        path: &str,
        headers: &[(String, String)],
        body: bytes::Bytes,
    ) -> Result<(u16, bytes::Bytes), Failure> {
        let mut request = self.http.post(format!("{}{path}", self.base)).body(body);
        for (name, value) in headers {
            request = request.header(name.as_str(), value.as_str());
        }
        let answer = request.send().await.map_err(|error| {
            if error.is_builder() {
                Failure::new(Exit::Usage, "request", format!("this is no request of HTTP: {error}"))
            } else {
                self.unreachable()
            }
        })?;
        let status = answer.status().as_u16();
        Ok((status, read(answer).await?))
    }

    /// Writes.
    pub(crate) async fn post<B: Serialize, T: DeserializeOwned>(&mut self, path: &str, body: &B) -> Result<T, Failure> {
        self.write(path, body, None).await
    }

    /// Writes onto the version that was seen, and onto no other.
    pub(crate) async fn post_onto<B: Serialize, T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &B,
        seen: &str,
    ) -> Result<T, Failure> {
        self.write(path, body, Some(format!("\"{seen}\""))).await
    }

    /// Without a token the same-site token of the session is fetched first. Where an answer is lost the request is sent once
    /// more: its key says that it is the same one, and it is not done again.
    async fn write<B: Serialize, T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &B,
        seen: Option<String>,
    ) -> Result<T, Failure> {
        if self.token.is_none() && self.same_site.is_none() {
            let session: Session = self.get("/session").await?;
            self.same_site = Some(session.same_site);
        }
        let body = serde_json::to_vec(body).map_err(|error| Failure::new(Exit::Failed, "request", error.to_string()))?;
        let mut headers = vec![("idempotency-key", format!("\"{}\"", crate::moment::chance()))];
        headers.extend(self.same_site.iter().map(|token| (SAME_SITE, token.clone())));
        headers.extend(seen.map(|seen| ("if-match", seen)));
        let first = self.send(Method::POST, path, &headers, Some(body.clone())).await;
        match first {
            Err(failure) if failure.code == LOST => self.send(Method::POST, path, &headers, Some(body)).await,
            first => first,
        }
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
        body: Option<Vec<u8>>,
    ) -> Result<T, Failure> {
        let mut request = self.http.request(method, format!("{}/api/v1{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = request.send().await.map_err(|error| if error.is_connect() { self.unreachable() } else { lost() })?;
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
    answer.bytes().await.map_err(|_| lost())
}

/// The request may have arrived, and its answer did not.
fn lost() -> Failure {
    Failure::new(Exit::Unreachable, LOST, "no whole answer came")
}

fn problem(status: StatusCode, bytes: &[u8]) -> Failure {
    let Ok(problem) = serde_json::from_slice::<Problem>(bytes) else {
        return Failure::new(exit_of(status.as_u16(), ""), "answer", format!("the answer was {status}"));
    };
    let hint = match status.as_u16() {
        401 => "set CROSSDOCK_TOKEN to a token that holds; `crossdock up` shows one at its first start",
        409 | 412 => "look at it again, then repeat the command",
        _ => "",
    };
    let message = [problem.detail]
        .into_iter()
        .chain(problem.errors.iter().take(REASONS_SHOWN).map(reason))
        .collect::<Vec<_>>()
        .join("\n  ");
    Failure::new(exit_of(status.as_u16(), &problem.code), &problem.code, message).hint(hint)
}

fn exit_of(status: u16, code: &str) -> Exit {
    match (status, code) {
        (401 | 503, _) => Exit::Unreachable,
        (403 | 412, _) | (422, "refused") => Exit::Refused,
        (422, "invalid") => Exit::Findings,
        (404, _) => Exit::NotFound,
        (400 | 422, _) => Exit::Usage,
        _ => Exit::Failed,
    }
}

/// A broken rule in a line: its code, what is wrong, and where.
pub(crate) fn reason(reason: &Diagnostic) -> String {
    let at = match &reason.place {
        Place::Pointer(pointer) if pointer.is_empty() => " at the top".to_owned(),
        Place::Pointer(pointer) => format!(" at {pointer}"),
        Place::Header(name) => format!(" in the header {name}"),
        Place::File { path, .. } => format!(" in {path}"),
        Place::Whole => String::new(),
    };
    format!("{}: {}{at}", reason.code, reason.message)
}

/// The address of the product that runs in a folder, if one does.
pub(crate) fn address_of(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join(ADDRESS_FILE)).ok()?;
    let text = text.trim();
    text.starts_with("http://").then(|| text.to_owned())
}

/// Percent-encodes all but unreserved characters (RFC 3986).
pub(crate) fn encode(text: &str) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase();
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    encoded
}
