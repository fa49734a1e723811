//! `crossdock listen`: a receiver on this machine that shows what arrives, whether its signature holds and why not, and
//! sends it on where it is told to.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use formats::framing::is_framing;
use formats::signature::standard_webhooks::{self, Headers, TOLERANCE_S, VerifyingKey};
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::send::secret_file;
use crate::args::{Common, Form, Listen};
use crate::exit::{Ended, Exit, Failure};
use crate::moment;
use crate::output::Output;
use crate::patience::told_to_stop;

/// Headers that tell the sender of what it is answered, and are answered on.
const OF_THE_ANSWER: [HeaderName; 2] = [header::RETRY_AFTER, header::CONTENT_TYPE];
/// Headers whose values are shown, besides our own; of all others only the name.
const HARMLESS: [&str; 7] =
    ["webhook-id", "webhook-timestamp", "content-type", "content-length", "user-agent", "traceparent", "tracestate"];

/// What every request is answered by.
struct Receiver {
    keys: Vec<VerifyingKey>,
    status: StatusCode,
    strict: bool,
    forward: Option<String>,
    http: reqwest::Client,
    output: Output,
}

/// One request.
struct Arrived {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

pub(crate) async fn run(common: &Common, args: &Listen, output: &Output) -> Ended {
    // The only error is that a provider is installed already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let http = reqwest::Client::builder()
        .timeout(common.timeout.to_duration())
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build();
    let http = http.map_err(|error| Failure::new(Exit::Failed, "client", format!("no HTTP client can be made: {error}")))?;
    let status =
        StatusCode::from_u16(args.status).map_err(|_| Failure::new(Exit::Usage, "status", "this is no HTTP status"))?;
    let keys = keys(args)?;
    let verified = !keys.is_empty();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::new(Exit::Failed, "port", format!("cannot listen on {address}: {error}"))
            .hint("choose another with --port, or 0 for any")
    })?;
    let address = listener.local_addr().unwrap_or(address);
    let receiver =
        Receiver { keys, status, strict: args.strict, forward: args.forward.clone(), http, output: output.clone() };
    let router = Router::new().fallback(arrived).with_state(Arc::new(receiver));
    output.line(&format!("ready url=http://{address}"));
    if !verified {
        output.say("signatures are not looked at: say --secret-file or --secret-env");
    }
    let served = axum::serve(listener, router).with_graceful_shutdown(told_to_stop()).await;
    served.map_err(|error| Failure::new(Exit::Failed, "listen", error.to_string()))?;
    Ok(Exit::Done)
}

#[expect(clippy::disallowed_methods, reason = "the caller names the variable on the command line")]
fn keys(args: &Listen) -> Result<Vec<VerifyingKey>, Failure> {
    let text = match (&args.secret_env, &args.secret_file) {
        (Some(name), _) => {
            let missing = |_| Failure::new(Exit::Usage, "secret", format!("the variable {name} has no value"));
            std::env::var(name).map_err(missing)?
        }
        (None, Some(path)) => String::from_utf8_lossy(secret_file(path)?.expose()).into_owned(),
        (None, None) => return Ok(Vec::new()),
    };
    let wrong = |error| Failure::new(Exit::Usage, "secret", format!("the secret is no Standard Webhooks key: {error}"));
    VerifyingKey::parse(&text).map(|key| vec![key]).map_err(wrong)
}

async fn arrived(
    State(receiver): State<Arc<Receiver>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let arrived = Arrived { method, uri, headers, body };
    let refusal = receiver.refusal(&arrived);
    let response = match (&refusal, &receiver.forward) {
        (Some(_), _) if receiver.strict => StatusCode::UNAUTHORIZED.into_response(),
        (_, Some(url)) => receiver.pass_on(url, &arrived).await,
        (_, None) => receiver.status.into_response(),
    };
    receiver.print(&arrived, refusal.as_deref(), response.status());
    response
}

impl Receiver {
    /// Why a receiver that asks for the signature would refuse it.
    fn refusal(&self, arrived: &Arrived) -> Option<String> {
        if self.keys.is_empty() {
            return None;
        }
        let now_s = moment::now().secs();
        let checked = Headers::from_map(&arrived.headers)
            .and_then(|headers| standard_webhooks::verify(headers, &arrived.body, now_s, TOLERANCE_S, &self.keys));
        checked.err().map(|refusal| refusal.to_string())
    }

    async fn pass_on(&self, url: &str, arrived: &Arrived) -> Response {
        let mut request = self.http.request(arrived.method.clone(), url).body(arrived.body.clone());
        for (name, value) in arrived.headers.iter().filter(|(name, _)| !is_framing(name.as_str())) {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(answer) => {
                let (status, headers) = (answer.status(), answer.headers().clone());
                let mut response = Response::new(Body::from_stream(answer.bytes_stream()));
                *response.status_mut() = status;
                let told = OF_THE_ANSWER.into_iter().filter_map(|name| Some((headers.get(&name)?.clone(), name)));
                response.headers_mut().extend(told.map(|(value, name)| (name, value)));
                response
            }
            Err(error) => (StatusCode::BAD_GATEWAY, format!("{url} cannot be reached: {error}\n")).into_response(),
        }
    }

    fn print(&self, arrived: &Arrived, refusal: Option<&str>, answered: StatusCode) {
        let header = |name: &str| arrived.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let body = body(&arrived.body);
        let signature = match (self.keys.is_empty(), refusal) {
            (true, _) => "not looked at".to_owned(),
            (false, None) => "holds".to_owned(),
            (false, Some(why)) => format!("would be refused: {why}"),
        };
        if self.output.form == Form::Json {
            let of_all = arrived.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
            let (headers, others): (Vec<_>, Vec<_>) = of_all.partition(|(name, _)| is_harmless(name));
            let withheld: BTreeSet<&str> = others.into_iter().map(|(name, _)| name).collect();
            self.output.json_line(&json!({
                "schema": "crossdock/listen/1", "at": moment::now(), "method": arrived.method.as_str(), "path": arrived.uri.path(),
                "headers": headers, "withheld": withheld,
                "signature": signature, "answered": answered.as_u16(), "body": body,
            }));
            return;
        }
        self.output.line(&format!(
            "{}  {} {}  {} bytes, answered {}",
            self.output.time(moment::now()),
            arrived.method,
            arrived.uri,
            arrived.body.len(),
            answered.as_u16()
        ));
        self.output.line(&format!("  signature {signature}"));
        let named = [
            ("webhook-id", "id"),
            ("crossdock-flow", "flow"),
            ("crossdock-attempt", "attempt"),
            ("crossdock-event", "event"),
        ];
        let named: Vec<String> = named
            .iter()
            .filter(|(name, _)| !header(name).is_empty())
            .map(|(name, word)| format!("{word} {}", header(name)))
            .collect();
        if !named.is_empty() {
            self.output.line(&format!("  {}", named.join("  ")));
        }
        let text = if body.is_string() {
            body.as_str().unwrap_or_default().to_owned()
        } else {
            serde_json::to_string_pretty(&body).unwrap_or_default()
        };
        text.lines().for_each(|line| self.output.line(&format!("  {line}")));
    }
}

/// Any other header may be the one that proves who sends: a destination names that as it likes.
fn is_harmless(name: &str) -> bool {
    HARMLESS.contains(&name) || name.starts_with("crossdock-")
}

fn body(bytes: &Bytes) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}
