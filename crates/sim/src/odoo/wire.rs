//! Requests and answers without sockets: which route a path is, what strikes a request before anything is done, and the pages
//! that are not JSON. What a route does is in `rpc`, `json2` and `session`.

use http::{HeaderMap, Method, StatusCode};
use model::{TimeSpan, Timestamp};
use serde_json::{Value as Json, json};

use super::faults::Fault;
use super::python::dumps;
use super::{Odoo, json2, rpc, session};

/// How far its clock is ahead where it is wrong.
const AHEAD: TimeSpan = TimeSpan::from_secs(121);

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, without what follows a question mark.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A POST of JSON.
    pub fn post(path: &str, body: &Json) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", http::HeaderValue::from_static("application/json"));
        Self { method: Method::POST, path: path.to_owned(), headers, body: body.to_string().into_bytes() }
    }

    /// The same with a header more. One that cannot be a header is left out.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = http::HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn is_json(&self) -> bool {
        self.header("content-type").split(';').next().is_some_and(|kind| kind.trim() == "application/json")
    }
}

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With the answer.
    Answered,
    /// With none, ever: the client's time-out is what it sees.
    Silence,
    /// With a closed connection.
    Closed,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long to wait before it is given, on top of what has passed.
    pub delay: TimeSpan,
    /// Whether it is given at all.
    pub ending: Ending,
}

impl Reply {
    /// A body in JSON.
    pub(super) fn json(status: StatusCode, body: &Json) -> Self {
        Self::new(status, "application/json; charset=utf-8", dumps(body))
    }

    /// A page for people.
    pub(super) fn page(status: StatusCode, said: &str) -> Self {
        let reason = status.canonical_reason().unwrap_or_default();
        let page = format!(
            "<!doctype html>\n<html lang=en>\n<title>{} {reason}</title>\n<h1>{reason}</h1>\n<p>{said}</p>\n",
            status.as_u16()
        );
        Self::new(status, "text/html; charset=utf-8", page)
    }

    /// Plain text.
    pub(super) fn text(status: StatusCode, said: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", said.to_owned())
    }

    fn new(status: StatusCode, kind: &str, body: String) -> Self {
        Self {
            status,
            headers: vec![("content-type", kind.to_owned())],
            body: body.into_bytes(),
            delay: TimeSpan::ZERO,
            ending: Ending::Answered,
        }
    }

    fn ended(ending: Ending) -> Self {
        Self { ending, ..Self::text(StatusCode::GATEWAY_TIMEOUT, "") }
    }

    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The body as JSON; null where it is something else.
    pub fn value(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

pub(super) fn not_found() -> Reply {
    Reply::page(StatusCode::NOT_FOUND, "The requested URL was not found on the server.")
}

/// What a route answers, and whether the database is different afterwards.
pub(super) struct Routed {
    pub(super) reply: Reply,
    pub(super) wrote: bool,
}

impl From<Reply> for Routed {
    fn from(reply: Reply) -> Self {
        Self { reply, wrote: false }
    }
}

/// Answers a request.
pub(super) async fn answer(odoo: &Odoo, request: &Request) -> Reply {
    let delay = match before(odoo) {
        Ok(delay) => delay,
        Err(reply) => return reply,
    };
    let routed = route(odoo, request).await;
    if routed.wrote && odoo.shared.world().faults.strikes(Fault::TimeoutAfter) {
        return Reply::ended(Ending::Silence);
    }
    let reply = Reply { delay: routed.reply.delay + delay, ..routed.reply };
    if odoo.shared.world().faults.has(Fault::ClockAhead) { dated(reply, odoo.now() + AHEAD) } else { reply }
}

/// With the time by another clock than that of the machine.
fn dated(reply: Reply, at: Timestamp) -> Reply {
    reply.with("date", at.to_jiff().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

/// What strikes a request before anything is done.
fn before(odoo: &Odoo) -> Result<TimeSpan, Reply> {
    let now = odoo.now();
    let mut world = odoo.shared.world();
    world.faults.pass(now);
    world.ledger.load.requests += 1;
    let faults = &mut world.faults;
    if faults.strikes(Fault::Refused) {
        return Err(Reply::ended(Ending::Closed));
    }
    if faults.strikes(Fault::Restart) {
        return Err(Reply::page(StatusCode::SERVICE_UNAVAILABLE, "The server is starting."));
    }
    if faults.strikes(Fault::ProxyPage) {
        return Err(Reply::page(
            StatusCode::BAD_GATEWAY,
            "The proxy server received an invalid response from an upstream server.",
        ));
    }
    if faults.strikes(Fault::TimeoutBefore) {
        return Err(Reply::ended(Ending::Silence));
    }
    let mut delay = TimeSpan::ZERO;
    if faults.strikes(Fault::Stall) {
        delay = delay + TimeSpan::from_secs(1);
    }
    if faults.strikes(Fault::Slow) {
        delay = delay + TimeSpan::from_millis(faults.millis(2_000, 5_000));
    }
    Ok(delay)
}

async fn route(odoo: &Odoo, request: &Request) -> Routed {
    let is_new = odoo.version().is_new();
    match request.path.as_str() {
        "/jsonrpc" => rpc::answer(odoo, request).await,
        "/web/version" | "/json/version" if is_new => {
            let info = json!({ "version_info": [19, 0, 0, "final", 0, ""], "version": "19.0" });
            Reply::json(StatusCode::OK, &info).into()
        }
        "/web/webclient/version_info" => rpc::version_info(odoo, request),
        "/web/session/authenticate" => session::authenticate(odoo, request),
        "/web/session/destroy" => session::destroy(odoo, request),
        path if path.starts_with("/web/dataset/call_kw") => session::call(odoo, request).await,
        path if is_new && path.starts_with("/json/2/") => json2::answer(odoo, request).await,
        _ => not_found().into(),
    }
}
