//! The management API from outside: where it is, who asks, and what its problems mean for the exit code.

mod problem;

use std::path::Path;

use model::TimeSpan;
use model::limit::PAGE_ROWS_MAX;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use server::api::{Rows, Session};
use server::http::guard::SAME_SITE;
use server::http::health::INSTANCE;
use tokio::sync::OnceCell;

use self::problem::problem;
pub(crate) use self::problem::reason;

use crate::address::{Address, SaidBy};
use crate::args::Common;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// How long the product of a folder may take to show that it lives; it is on this machine.
const SHOWS_ITSELF: TimeSpan = TimeSpan::from_secs(2);
/// The code of a failure whose answer is not known.
const LOST: &str = "answer-lost";

/// A connection to the product.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    address: Address,
    met: OnceCell<()>,
    output: Output,
    /// For a product that somebody named, and for no other.
    token: Option<String>,
    same_site: Option<String>,
}

impl Client {
    /// A client as flags and environment say; it does not connect yet.
    pub(crate) fn new(common: &Common) -> Result<Self, Failure> {
        Self::at(common, Path::new("."))
    }

    /// As [`Client::new`], for the product that runs in a folder unless flags or environment name another.
    pub(crate) fn at(common: &Common, folder: &Path) -> Result<Self, Failure> {
        Self::of(common, Address::find(common.url.as_deref(), folder))
    }

    #[expect(clippy::disallowed_methods, reason = "the command line reads its own variables")]
    fn of(common: &Common, address: Address) -> Result<Self, Failure> {
        // The only error is that a provider is installed already.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let http = reqwest::Client::builder()
            .timeout(common.timeout.to_duration())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Failure::new(Exit::Failed, "client", format!("no HTTP client can be made: {error}")))?;
        let token = std::env::var("CROSSDOCK_TOKEN").ok().filter(|token| !token.is_empty());
        Ok(Self::with(http, address, token, Output::new(common)))
    }

    fn with(http: reqwest::Client, address: Address, token: Option<String>, output: Output) -> Self {
        // Whoever sits at the usual address may be anybody, and shows whatever instance it likes.
        let token = token.filter(|_| address.said_by != SaidBy::Nobody);
        Self { http, address, met: OnceCell::new(), output, token, same_site: None }
    }

    /// The URL of the product that a folder's address file names, where that one still answers.
    pub(crate) async fn living(folder: &Path) -> Option<String> {
        let common = Common { timeout: SHOWS_ITSELF, ..Common::default() };
        let client = Self::of(&common, Address::find(None, folder)).ok()?;
        let is_named = client.address.said_by != SaidBy::Nobody;
        (is_named && client.meet().await.is_ok()).then_some(client.address.url)
    }

    /// Where it is.
    pub(crate) fn base(&self) -> &str {
        &self.address.url
    }

    /// Makes sure, once, before anything else is said, that the product that is meant answers: a token is for nobody else.
    async fn meet(&self) -> Result<(), Failure> {
        self.met.get_or_try_init(|| self.greet()).await.copied()
    }

    async fn greet(&self) -> Result<(), Failure> {
        let url = self.base();
        let answer = self.http.get(format!("{url}/health/live")).send().await.map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        let instance = answer.headers().get(INSTANCE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        match (instance, &self.address.said_by) {
            (Some(found), SaidBy::Folder { file, instance }) if found != *instance => {
                let message = format!("at {url} there is another product now than the one of this folder");
                Err(Failure::new(Exit::Unreachable, "another-product", message).hint(format!(
                    "the one that wrote {} has ended; start it again with `crossdock up`, or say --url {url}",
                    file.display()
                )))
            }
            (Some(_), _) => {
                self.address.remark().iter().for_each(|remark| self.output.say(remark));
                Ok(())
            }
            (None, _) if !status.is_success() && is_problem(&answer) => Err(problem(status, &read(answer).await?)),
            (None, _) => {
                let message = format!("what answers at {url} is no Crossdock ({})", self.address.why());
                Err(Failure::new(Exit::Unreachable, "no-product", message).hint("name the product with --url"))
            }
        }
    }

    /// As [`Client::meet`], before something changes: that is done to nobody whom nobody named.
    pub(crate) async fn meet_to_write(&self) -> Result<(), Failure> {
        self.meet().await?;
        if self.address.said_by != SaidBy::Nobody {
            return Ok(());
        }
        let url = self.base();
        let message = format!("no product runs in this folder, and nothing says that the one at {url} is meant");
        Err(Failure::new(Exit::Usage, "which-product", message)
            .hint(format!("go to the folder where it was started, or say --url {url}")))
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
        let (mut rows, mut unreadable) = (Vec::new(), Vec::new());
        let mut cursor: Option<String> = None;
        while rows.len() < limit {
            let page = (limit - rows.len()).min(PAGE_ROWS_MAX);
            let pairs = query.iter().map(|(key, value)| format!("{key}={}", encode(value)));
            let cursor_pair = cursor.iter().map(|cursor| format!("cursor={}", encode(cursor)));
            let query: Vec<String> = pairs.chain(cursor_pair).chain([format!("limit={page}")]).collect();
            let answer: Rows<T> = self.get(&format!("{path}?{}", query.join("&"))).await?;
            rows.extend(answer.rows);
            unreadable.extend(answer.unreadable);
            cursor = answer.next;
            if cursor.is_none() {
                break;
            }
        }
        rows.truncate(limit);
        if let Some(text) = left_out(&unreadable) {
            Output::insist(&text);
        }
        Ok(rows)
    }

    /// Reads bytes as they are.
    pub(crate) async fn bytes(&self, path: &str) -> Result<bytes::Bytes, Failure> {
        self.meet().await?;
        let mut request = self.http.get(format!("{}/api/v1{path}", self.base()));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        let bytes = read(answer).await?;
        if status.is_success() { Ok(bytes) } else { Err(self.refused(status, &bytes)) }
    }

    /// Sends what a partner would send. Answers status and body, whatever they are.
    pub(crate) async fn ingest(
        &self,
        path: &str,
        headers: &[(String, String)],
        body: bytes::Bytes,
    ) -> Result<(u16, bytes::Bytes), Failure> {
        self.meet_to_write().await?;
        let mut request = self.http.post(format!("{}{path}", self.base())).body(body);
        for (name, value) in headers {
            request = request.header(name.as_str(), value.as_str());
        }
        let answer = request.send().await.map_err(|error| {
            if error.is_builder() {
                Failure::new(Exit::Usage, "request", format!("this is no request of HTTP: {error}"))
            } else {
                self.unreachable(&error)
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

    /// Asks what takes a body to be asked. Nothing is changed, so that it may go where reading may.
    pub(crate) async fn ask<B: Serialize, T: DeserializeOwned>(&mut self, path: &str, body: &B) -> Result<T, Failure> {
        let headers: Vec<_> = self.same_site().await?.into_iter().collect();
        self.send(Method::POST, path, &headers, Some(json(body)?)).await
    }

    /// Whoever has no token shows that of the session, which is fetched before the first POST.
    async fn same_site(&mut self) -> Result<Option<(&'static str, String)>, Failure> {
        if self.token.is_none() && self.same_site.is_none() {
            let session: Session = self.get("/session").await?;
            self.same_site = Some(session.same_site);
        }
        Ok(self.same_site.clone().map(|token| (SAME_SITE, token)))
    }

    /// Where an answer is lost the request is sent once
    /// more: its key says that it is the same one, and it is not done again.
    async fn write<B: Serialize, T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &B,
        seen: Option<String>,
    ) -> Result<T, Failure> {
        self.meet_to_write().await?;
        let (body, same_site) = (json(body)?, self.same_site().await?);
        let mut headers = vec![("idempotency-key", format!("\"{}\"", crate::moment::chance()))];
        headers.extend(same_site);
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
        self.meet().await?;
        let mut request = self.http.request(method, format!("{}/api/v1{path}", self.base()));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = request.send().await.map_err(|error| {
            // Over a connection that stood it may have arrived; a time that is over was the caller's choice.
            if error.is_connect() || error.is_timeout() { self.unreachable(&error) } else { lost() }
        })?;
        let status = answer.status();
        let bytes = read(answer).await?;
        if status.is_success() {
            return serde_json::from_slice(&bytes)
                .map_err(|error| Failure::new(Exit::Failed, "answer", format!("the answer is not understood: {error}")));
        }
        Err(self.refused(status, &bytes))
    }

    /// What the product refused; without the token that nobody's product got, it may only be that which it misses.
    fn refused(&self, status: StatusCode, bytes: &[u8]) -> Failure {
        let failure = problem(status, bytes);
        if status != StatusCode::UNAUTHORIZED || self.address.said_by != SaidBy::Nobody {
            return failure;
        }
        failure.hint(format!("a token goes only to a product that is named: say --url {}", self.base()))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let (url, why) = (self.base(), self.address.why());
        let message = if error.is_timeout() {
            format!("{url} does not answer in time ({why})")
        } else {
            format!("nothing answers at {url} ({why}): {}", root(error))
        };
        let hint = match self.address.said_by {
            SaidBy::Caller => "is that the address? `crossdock up` shows it when it starts",
            SaidBy::Folder { .. } => "the product of this folder has ended; start it again with `crossdock up`",
            SaidBy::Nobody => "start it here with `crossdock up`, or name another with --url or CROSSDOCK_URL",
        };
        Failure::new(Exit::Unreachable, "unreachable", message).hint(hint)
    }
}

/// The innermost cause: it says what happened, the ones around it only where.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// LIMIT: rows that are named; the log of the product names each.
const LEFT_OUT_NAMED: usize = 3;

/// What a person has to know who counts on seeing all rows.
fn left_out(unreadable: &[String]) -> Option<String> {
    let mut lines = vec![match unreadable.len() {
        0 => return None,
        1 => "1 row cannot be read and is not among these:".to_owned(),
        rows => format!("{rows} rows cannot be read and are not among these:"),
    }];
    lines.extend(unreadable.iter().take(LEFT_OUT_NAMED).map(|row| format!("  {row}")));
    let more = unreadable.len().saturating_sub(LEFT_OUT_NAMED);
    lines.extend((more > 0).then(|| format!("  and {more} more, which the log of the product names")));
    Some(lines.join("\n"))
}

fn json(body: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(body).map_err(|error| Failure::new(Exit::Failed, "request", error.to_string()))
}

fn is_problem(answer: &reqwest::Response) -> bool {
    answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json")
}

#[expect(clippy::disallowed_methods, reason = "an answer of our own server, within the time that was asked for")]
async fn read(answer: reqwest::Response) -> Result<bytes::Bytes, Failure> {
    answer.bytes().await.map_err(|_| lost())
}

/// The request may have arrived, and its answer did not.
fn lost() -> Failure {
    Failure::new(Exit::Unreachable, LOST, "no whole answer came")
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

#[cfg(test)]
mod tests;
