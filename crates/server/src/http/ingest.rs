//! `/in/{source}`: one HTTP request becomes one `Received`, and the engine's answer one HTTP answer. Nothing is judged here
//! but what must be known before a body is read: its size.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use engine::intake::run::{Answer, Item};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use model::limit::{BODY_BYTES_MAX, HEADER_BYTES_MAX, HEADERS_MAX};
use model::{Received, Refusal, RefusalKind, SourceName};

use super::problem::Problem;
use crate::api::AcceptedEvent;
use crate::app::App;

/// Takes what a partner sends.
pub async fn receive(State(app): State<Arc<App>>, request: Request) -> Response {
    match read(&app, request).await {
        Ok(received) => answer(app.intake.receive(received).await),
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}

async fn read(app: &App, request: Request) -> Result<Received, Refusal> {
    let (parts, body) = request.into_parts();
    let below = parts.uri.path().strip_prefix("/in/").unwrap_or_default();
    let (name, path) = below.split_at(below.find('/').unwrap_or(below.len()));
    let unknown = || Refusal::new(RefusalKind::UnknownSource, format!("there is no source {name:?}"));
    let source = SourceName::new(name).map_err(|_| unknown())?;
    let headers = headers(&parts.headers)?;
    let body = bytes(body).await?;
    let clock = &app.ground.clock;
    let chance = clock.chance();
    let mut seed = [0; 8];
    seed.copy_from_slice(&chance[..8]);
    Ok(Received {
        source,
        at: clock.wall(),
        headers,
        method: parts.method.to_string(),
        path: path.to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body,
        peer: parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()),
        seed: u64::from_be_bytes(seed),
    })
}

/// Header names come in lower case from the parser. A value that is no text is refused rather than guessed.
fn headers(map: &HeaderMap) -> Result<Vec<(String, String)>, Refusal> {
    let too_large = || Refusal::new(RefusalKind::HeadersTooLarge, "too many or too large headers");
    if map.len() > HEADERS_MAX {
        return Err(too_large());
    }
    let mut headers = Vec::with_capacity(map.len());
    for (name, value) in map {
        if value.len() > HEADER_BYTES_MAX {
            return Err(too_large());
        }
        let text = std::str::from_utf8(value.as_bytes())
            .map_err(|_| Refusal::new(RefusalKind::Malformed, format!("the header {name} is no UTF-8 text")))?;
        headers.push((name.as_str().to_owned(), text.to_owned()));
    }
    Ok(headers)
}

async fn bytes(body: Body) -> Result<Bytes, Refusal> {
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Refusal::new(RefusalKind::TooLarge, format!("the body is larger than {BODY_BYTES_MAX} bytes")))
        }
        Err(_) => Err(Refusal::new(RefusalKind::Malformed, "the body ended before it was complete")),
    }
}

fn answer(answer: Answer) -> Response {
    match answer {
        Answer::Refused(refusal) => Problem::from(refusal).into_response(),
        Answer::Handshake(handshake) => {
            let mut response = Response::new(Body::from(handshake.body));
            *response.status_mut() = StatusCode::from_u16(handshake.status).unwrap_or(StatusCode::OK);
            for (name, value) in handshake.headers {
                if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), HeaderValue::try_from(value)) {
                    response.headers_mut().insert(name, value);
                }
            }
            response
        }
        Answer::Accepted(items) => accepted(&items),
    }
}

/// One event answers its id; a batch answers a list in the order of its events.
fn accepted(items: &[Item]) -> Response {
    let body = match items {
        [only] => serde_json::to_vec(&line(only)),
        many => serde_json::to_vec(&serde_json::json!({ "events": many.iter().map(line).collect::<Vec<_>>() })),
    };
    let mut response = Response::new(Body::from(body.unwrap_or_default()));
    *response.status_mut() = StatusCode::ACCEPTED;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn line(item: &Item) -> AcceptedEvent {
    AcceptedEvent { id: item.id, duplicate: item.duplicate, quarantined: item.quarantined }
}
