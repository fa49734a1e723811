//! A message made ready to be sent, or why it cannot be; and whether its bytes have begun to leave.
//!
//! Reasons are sentences for people. They name headers and never repeat a value, a URL or a body.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use engine::ports::Message;
use formats::framing::is_framing;
use hyper::body::{Body, Frame, SizeHint};
use model::Network;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::guard::permitted;

/// A message whose parts were all read.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
}

/// Reads all parts of a message, and says everything that is wrong with it.
pub(super) fn prepare(message: &Message) -> Result<Prepared, Vec<String>> {
    let mut reasons = Vec::new();
    let method = Method::from_bytes(message.method.as_bytes());
    if method.is_err() {
        reasons.push("The method of the destination is not one of HTTP.".to_owned());
    }
    let url = match Url::parse(&message.url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Some(url),
        Ok(_) => {
            reasons.push("The URL of the destination is neither http nor https.".to_owned());
            None
        }
        Err(error) => {
            reasons.push(format!("The URL of the destination cannot be read: {error}."));
            None
        }
    };
    let headers = headers(&message.headers, &mut reasons);
    match (method, url) {
        (Ok(method), Some(url)) if reasons.is_empty() => Ok(Prepared { method, url, headers }),
        _ => Err(reasons),
    }
}

fn headers(lines: &[(String, String)], reasons: &mut Vec<String>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(lines.len());
    for (number, (name, value)) in lines.iter().enumerate() {
        let Ok(key) = HeaderName::from_bytes(name.as_bytes()) else {
            reasons.push(format!("The name of header {} cannot be sent.", number + 1));
            continue;
        };
        // The client writes its own.
        if is_framing(key.as_str()) {
            continue;
        }
        match HeaderValue::from_bytes(value.as_bytes()) {
            Ok(value) => {
                headers.append(key, value);
            }
            Err(_) => reasons.push(format!("The value of the header `{key}` has characters that cannot be sent.")),
        }
    }
    headers
}

impl Prepared {
    /// Whether the guard lets its host pass. A name passes here and is judged by what it resolves to.
    ///
    /// The URL parser has turned every way to write an IPv4 address (`0x7f.1`, `2130706433`) into the usual one.
    pub(super) fn is_permitted(&self, allow: &[Network]) -> bool {
        is_permitted(&self.url, allow)
    }
}

/// As [`Prepared::is_permitted`], for a URL by itself.
pub(crate) fn is_permitted(url: &Url, allow: &[Network]) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.parse::<IpAddr>().map_or(true, |address| permitted(address, allow))
}

/// Whether a request has begun to leave: from then on the destination may have it.
#[derive(Clone, Debug, Default)]
pub(crate) struct HandedOver(Arc<AtomicBool>);

impl HandedOver {
    pub(crate) fn is_so(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A body that tells when it is taken. The client asks for it after it has a connection and before the head leaves the
/// process, so what ends earlier cannot have arrived, on a new connection and on one from the pool.
#[derive(Debug)]
pub(crate) struct WatchedBody {
    bytes: Option<Bytes>,
    handed_over: HandedOver,
}

impl WatchedBody {
    /// The body and its witness. An empty body is never asked for; it counts as handed over from the start.
    pub(crate) fn new(bytes: Bytes) -> (Self, HandedOver) {
        let handed_over = HandedOver::default();
        if bytes.is_empty() {
            handed_over.set();
        }
        (Self { bytes: Some(bytes), handed_over: handed_over.clone() }, handed_over)
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.handed_over.set();
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
