//! `/in/{source}`: one HTTP request becomes one `Received`, and the engine's answer one HTTP answer. Nothing is judged here
//! but what must be known before a body is read: its size.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use engine::intake::run::{Answer, Item};
use engine::observe::Fact;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use model::limit::{HEADER_BYTES_MAX, HEADERS_MAX};
use model::{Received, Refusal, RefusalKind, SourceName};

use super::problem::Problem;
use super::room::{Held, NoRoom};
use super::serve::TooSlow;
use crate::api::{AcceptedEvent, Admission};
use crate::app::App;

/// Takes what a partner sends.
pub async fn receive(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let below = parts.uri.path().strip_prefix("/in/").unwrap_or_default();
    let (name, path) = below.split_at(below.find('/').unwrap_or(below.len()));
    let Ok(source) = SourceName::new(name) else {
        let refusal = Refusal::new(RefusalKind::UnknownSource, format!("there is no source {name:?}"));
        // What is no name of a source names none that could be counted.
        app.ground.facts.emit(&Fact::Refused { source: None, kind: refusal.kind });
        return Problem::from(refusal).into_response();
    };
    // Given back when the answer is known: until then the body is in memory.
    let mut held = app.room.hold();
    let answered = match read(&app, (&source, path), &parts, body, &mut held).await {
        Ok(received) => app.intake.receive(received).await,
        Err(refusal) => app.intake.refused(&source, refusal),
    };
    let is_wrong_method = matches!(&answered, Answer::Refused(refusal) if refusal.kind == RefusalKind::WrongMethod);
    let mut response = answer(answered);
    if is_wrong_method && let Ok(methods) = HeaderValue::try_from(app.intake.methods(&source).join(", ")) {
        response.headers_mut().insert(header::ALLOW, methods);
    }
    response
}

/// The request, where the source takes such requests at all: of one that it does not take no body is read.
async fn read(
    app: &App,
    (source, path): (&SourceName, &str),
    parts: &Parts,
    body: Body,
    held: &mut Held<'_>,
) -> Result<Received, Refusal> {
    let bytes_max = app.intake.body_bytes_max(source, parts.method.as_str())?;
    let headers = headers(&parts.headers)?;
    let body = bytes(body, bytes_max, held).await?;
    let clock = &app.ground.clock;
    let chance = clock.chance();
    let mut seed = [0; 8];
    seed.copy_from_slice(&chance[..8]);
    Ok(Received {
        source: source.clone(),
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

/// A body that comes in one piece, as most do, is not copied.
async fn bytes(mut body: Body, bytes_max: usize, held: &mut Held<'_>) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::new(RefusalKind::TooLarge, format!("this source takes bodies of at most {bytes_max} bytes"));
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large());
    }
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(unread)?.into_data() else { continue };
        if first.len() + rest.len() + piece.len() > bytes_max {
            return Err(too_large());
        }
        held.take(piece.len()).map_err(no_room)?;
        if first.is_empty() {
            first = piece;
        } else {
            rest.extend_from_slice(&piece);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    Ok([first, rest.freeze()].concat().into())
}

fn unread(error: axum::Error) -> Refusal {
    if error.into_inner().is::<TooSlow>() {
        return Refusal::new(RefusalKind::TooSlow, "the body took too long");
    }
    Refusal::new(RefusalKind::Malformed, "the body ended before it was complete")
}

fn no_room(_: NoRoom) -> Refusal {
    let refusal = Refusal::new(RefusalKind::Unavailable, "too many bodies are being received at once; nothing was kept");
    Refusal { retry_after_s: Some(1), ..refusal }
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
        Answer::Accepted(item) => accepted(&Admission::One(line(&item))),
        Answer::Batch(items) => accepted(&Admission::Batch { events: items.iter().map(line).collect() }),
    }
}

fn accepted(admission: &Admission) -> Response {
    let mut response = Response::new(Body::from(serde_json::to_vec(admission).unwrap_or_default()));
    *response.status_mut() = StatusCode::ACCEPTED;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn line(item: &Item) -> AcceptedEvent {
    AcceptedEvent { id: item.id, duplicate: item.duplicate, quarantined: item.quarantined }
}
