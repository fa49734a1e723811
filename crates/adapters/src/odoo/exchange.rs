//! One HTTP exchange with Odoo: the bytes of a whole answer, or why there is none.
//!
//! It follows no redirect, reads no more than an answer may have, and shows neither body nor headers to anybody else.

use std::future::Future;
use std::pin::pin;

use bytes::Bytes;
use engine::ports::{Clock, Peer};
use futures::future::{Either, select};
use model::outcome::TransportError;
use model::{TimeSpan, Timestamp};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use reqwest::{Method, Response, Url};
use serde_json::Value;

use super::failure::Failure;
use crate::http::clients::{Clients, Scheme};
use crate::http::failure::transport;
use crate::http::request::{HandedOver, WatchedBody, is_permitted};

/// LIMIT: one answer. A page of 2,000 orders with their lines takes a few megabytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Which database is meant, where a host has several.
const DATABASE: HeaderName = HeaderName::from_static("x-odoo-database");

/// What is asked.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// With its leading slash.
    pub(super) path: String,
    /// What shows who asks, where the body does not.
    pub(super) proof: Option<(HeaderName, HeaderValue)>,
    pub(super) body: Option<Value>,
    pub(super) timeout: TimeSpan,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) status: u16,
    /// By Odoo's own clock, in whole seconds.
    pub(super) at: Option<Timestamp>,
    /// What it wants to be told next time.
    pub(super) cookies: Vec<HeaderValue>,
    pub(super) body: Vec<u8>,
}

impl Asked {
    pub(super) fn post(path: impl Into<String>, body: Value, timeout: TimeSpan) -> Self {
        Self { method: Method::POST, path: path.into(), proof: None, body: Some(body), timeout }
    }

    pub(super) fn get(path: impl Into<String>, timeout: TimeSpan) -> Self {
        Self { method: Method::GET, path: path.into(), proof: None, body: None, timeout }
    }
}

/// Asks, and waits for the whole answer.
pub(super) async fn exchange(clients: &Clients, clock: &dyn Clock, peer: &Peer, asked: Asked) -> Result<Raw, Failure> {
    let url = url(peer, &asked.path)?;
    if !is_permitted(&url, &peer.allow) {
        return Err(Failure::Unreached(TransportError::ForbiddenAddress));
    }
    let (scheme, failed) = match url.scheme() {
        "https" => (Scheme::Tls, TransportError::Tls),
        _ => (Scheme::Plain, TransportError::Connect),
    };
    let client = clients.get(&peer.name, &peer.allow, scheme).map_err(|_| Failure::Unreached(failed))?;
    let bytes = asked.body.as_ref().map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    let (body, handed_over) = WatchedBody::new(bytes);
    // A body that is empty counts as handed over from the start; where there was no connection, nothing has left all the same.
    let asks_only = asked.method == Method::GET;
    let request = client.request(asked.method, url).headers(headers(peer, asked.proof)?).body(reqwest::Body::wrap(body));
    let sending = async {
        let response = request.send().await.map_err(|error| {
            let has_left = handed_over.is_so() && !(asks_only && error.is_connect());
            Failure::Unreached(transport(&error, has_left))
        })?;
        whole(response).await
    };
    within(asked.timeout, clock, &handed_over, sending).await
}

async fn within(
    timeout: TimeSpan,
    clock: &dyn Clock,
    handed_over: &HandedOver,
    sending: impl Future<Output = Result<Raw, Failure>>,
) -> Result<Raw, Failure> {
    match select(pin!(sending), clock.sleep(timeout)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), _)) if handed_over.is_so() => Err(Failure::Unreached(TransportError::Timeout)),
        Either::Right(((), _)) => Err(Failure::Unreached(TransportError::Connect)),
    }
}

async fn whole(mut response: Response) -> Result<Raw, Failure> {
    let status = response.status().as_u16();
    let at = response.headers().get(DATE).and_then(|date| date.to_str().ok());
    let at = at.and_then(|date| formats::instant::http_date(date, 0)).map(Timestamp::from_secs);
    let cookies: Vec<HeaderValue> = response.headers().get_all(SET_COOKIE).iter().cloned().collect();
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) if body.len() + bytes.len() > ANSWER_BYTES_MAX => return Err(Failure::TooLarge),
            Ok(Some(bytes)) => body.extend_from_slice(&bytes),
            Ok(None) => return Ok(Raw { status, at, cookies, body }),
            Err(error) => return Err(Failure::Unreached(transport(&error, true))),
        }
    }
}

fn url(peer: &Peer, path: &str) -> Result<Url, Failure> {
    let text = format!("{}{path}", peer.url.trim_end_matches('/'));
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        Ok(_) => Err(Failure::Unusable("The address of Odoo is neither http nor https.".to_owned())),
        Err(error) => Err(Failure::Unusable(format!("The address of Odoo cannot be read: {error}."))),
    }
}

fn headers(peer: &Peer, proof: Option<(HeaderName, HeaderValue)>) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let database = HeaderValue::from_str(&peer.database);
    let no_name = |_| Failure::Unusable("The name of the database has characters that cannot be sent.".to_owned());
    headers.insert(DATABASE, database.map_err(no_name)?);
    headers.extend(proof);
    Ok(headers)
}
