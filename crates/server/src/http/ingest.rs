//! `/in/{source}`: one HTTP request becomes one `Received`, and the engine's answer one HTTP answer. Nothing is judged here
//! but what must be known before a body is read: its size.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use engine::intake::run::{Answer, Item};
use engine::observe::Fact;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use model::{Received, Refusal, RefusalKind, SourceName};

use super::problem::Problem;
use super::room::{Held, NoRoom};
use super::serve::TooSlow;
use crate::api::{AcceptedEvent, Admission};
use crate::app::App;

/// LIMIT: memory that is taken for a body before it has arrived.
const PROMISED_BYTES_MAX: usize = 16 * 1024;

/// Takes what a partner sends.
pub async fn receive(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let below = parts.uri.path().strip_prefix("/in/").unwrap_or_default();
    let (name, path) = below.split_at(below.find('/').unwrap_or(below.len()));
    let path = path.to_owned();
    let Ok(source) = SourceName::new(name) else {
        let refusal = Refusal::new(RefusalKind::UnknownSource, format!("there is no source {name:?}"));
        // What is no name of a source names none that could be counted.
        app.ground.facts.emit(&Fact::Refused { source: None, kind: refusal.kind });
        return Problem::from(refusal).into_response();
    };
    // Given back when the answer is known: until then the body is in memory.
    let mut held = app.room.hold();
    let answered = match read(&app, (&source, path), parts, body, &mut held).await {
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
    (source, path): (&SourceName, String),
    parts: Parts,
    body: Body,
    held: &mut Held<'_>,
) -> Result<Received, Refusal> {
    let bytes_max = app.intake.body_bytes_max(source, parts.method.as_str(), &parts.headers)?;
    let body = bytes(body, bytes_max, held).await?;
    let clock = &app.ground.clock;
    let chance = clock.chance();
    let mut seed = [0; 8];
    seed.copy_from_slice(&chance[..8]);
    Ok(Received {
        source: source.clone(),
        at: clock.wall(),
        headers: parts.headers,
        method: parts.method.to_string(),
        path,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body,
        peer: parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()),
        seed: u64::from_be_bytes(seed),
        by: model::event::Brought::Sender,
    })
}

/// The bytes in an allocation of their own: a slice of what the connection reads into would keep all of that in memory for
/// as long as the event is near, and make the connection take new memory for each request.
async fn bytes(mut body: Body, bytes_max: usize, held: &mut Held<'_>) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::new(RefusalKind::TooLarge, format!("this source takes bodies of at most {bytes_max} bytes"));
    let promised = body.size_hint().lower();
    if promised > bytes_max as u64 {
        return Err(too_large());
    }
    // What is only promised is no reason to take much memory.
    let mut whole = Vec::with_capacity(usize::try_from(promised).unwrap_or(usize::MAX).min(PROMISED_BYTES_MAX));
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(unread)?.into_data() else { continue };
        if whole.len() + piece.len() > bytes_max {
            return Err(too_large());
        }
        held.take(piece.len()).map_err(no_room)?;
        whole.extend_from_slice(&piece);
    }
    Ok(whole.into_boxed_slice().into())
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
