//! Writes are done once: `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header). A key is taken before the command is
//! carried out and gets its answer after it. What a crash leaves between is tried again at the same moment, with the same ids.
//! The effect itself is never guarded here; see docs/decisions/0014.

mod decide;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use model::limit::{KEYED_ANSWER_BYTES_MAX, KEYED_WRITES_MAX};
use model::{Batch, Change, Digest, Fault, FaultKind, Guard, KeptAnswer, KeyedWrite, Timestamp};

use self::decide::{Step, Trier};
use super::conditions::IF_MATCH;
use super::parameters;
use super::problem::{Problem, kinds};
use crate::app::App;
use crate::identity::Caller;

/// The header that names a write.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says of an answer that it was given before.
pub const REPEATED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// LIMIT: races for a key that one request may lose; each means that another try of the same write has begun.
const TRIES_MAX: usize = 4;

/// Keys whose writes this process is at.
#[derive(Debug, Default)]
pub struct UnderWay(Mutex<BTreeSet<Digest>>);

/// A key is let go of when its value is dropped, however the request ends.
#[derive(Debug)]
struct Mark<'a>(&'a UnderWay, Digest);

impl UnderWay {
    fn mark(&self, id: Digest) -> Option<Mark<'_>> {
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        // Made only where it is ours: its end takes the key away.
        is_new.then(|| Mark(self, id))
    }
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// The moment that a command speaks of, and the chance that its ids are made of: those of the first try of its key.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    /// When.
    pub at: Timestamp,
    /// Ten bytes that belong to the key alone.
    pub chance: [u8; 10],
}

/// What is kept of an answer in place of its body, which has a secret in it.
#[derive(Clone, Debug)]
pub struct KeptInstead(pub String);

/// Carries a request out once, when it has a key.
pub async fn once(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    match carry_out(&app, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn carry_out(app: &App, request: Request, next: Next) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let key = key(&parts)?;
    let caller = parts.extensions.get::<Caller>().ok_or_else(|| Problem::new(kinds::SIGN_IN, "nobody is signed in"))?;
    let id = KeyedWrite::id_of(&caller.principal, &key);
    let body = parameters::bytes(Request::from_parts(parts.clone(), body), &()).await?;
    let new = KeyedWrite {
        id,
        request: digest(&parts, &body),
        begun_at: app.ground.clock.now(),
        turn: 1,
        lease: app.node.board.lease.clone(),
        answer: None,
    };
    let (taken, _mark) = match take(app, &new).await? {
        Taken::Answered(response) => return Ok(response),
        Taken::Ours(taken, mark) => (taken, mark),
    };
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(Begun { at: taken.begun_at, chance: Digest::of_fields(&[&id.0, b"chance"]).head() });
    keep(app, taken, next.run(request).await).await
}

#[expect(clippy::result_large_err, reason = "a refusal ends the request, once")]
fn key(parts: &Parts) -> Result<String, Problem> {
    let mut lines = parts.headers.get_all(KEY).iter();
    let (first, second) = (lines.next(), lines.next());
    let key = first.filter(|_| second.is_none()).and_then(|value| value.to_str().ok()).and_then(decide::key);
    key.ok_or_else(|| {
        let why = "a key is one quoted string of up to 256 visible ASCII characters, such as \"8e03978e-40d5\"";
        Problem::bad_parameter("Idempotency-Key", why)
    })
}

/// What is asked for: a condition is part of it.
fn digest(parts: &Parts, body: &[u8]) -> Digest {
    let path = parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    let condition = parts.headers.get(IF_MATCH).map_or(&b""[..], HeaderValue::as_bytes);
    Digest::of_fields(&[parts.method.as_str().as_bytes(), path.as_bytes(), condition, body])
}

enum Taken<'a> {
    Answered(Response),
    Ours(KeyedWrite, Mark<'a>),
}

async fn take<'a>(app: &'a App, new: &KeyedWrite) -> Result<Taken<'a>, Problem> {
    for _ in 0..TRIES_MAX {
        let mark = app.under_way.mark(new.id);
        let known = app.ground.ledger.keyed_write(new.id).await?;
        let trier = match &known {
            // The mark says that nothing of this process is at it, and an earlier life is over.
            Some(known) if known.lease.node == new.lease.node && mark.is_some() => Trier::Gone,
            Some(known) if known.lease.node != new.lease.node => {
                decide::trier(&known.lease, app.ground.ledger.life(&known.lease.node).await?, new.begun_at)
            }
            Some(_) | None => Trier::Alive,
        };
        let turn = known.as_ref().map_or(0, |known| known.turn);
        match (decide::step(known, new.clone(), trier), mark) {
            (Step::Repeat(answer), _) => return Ok(Taken::Answered(repeated(answer))),
            (Step::Reused, _) => {
                let why = "this key was used for another request; take a new one";
                return Err(Problem::new(kinds::KEY_REUSED, why));
            }
            (Step::UnderWay, _) | (Step::Try(_), None) => return Err(under_way()),
            (Step::Try(write), Some(mark)) => {
                if begin(app, &write, turn).await? {
                    return Ok(Taken::Ours(*write, mark));
                }
            }
        }
    }
    Err(under_way())
}

fn under_way() -> Problem {
    let why = "the first request with this key is under way; ask again for its answer";
    Problem { retry_after: Some(1), ..Problem::new(kinds::KEY_UNDER_WAY, why) }
}

/// Takes the key; `false` when another try was first, or when there is room for a new one by now.
async fn begin(app: &App, write: &KeyedWrite, turn: u64) -> Result<bool, Problem> {
    // Of many new keys at one moment only those that have room are taken: it is counted where they are written.
    let room = (turn == 0).then_some(Guard::KeyedRoom { write: write.id, most: KEYED_WRITES_MAX });
    let mut batch = Batch::new()
        .guard(Guard::KeyedTurn { write: write.id, turn })
        .change(Change::ForgetKeyed { before: decide::forgotten_before(app.ground.clock.now()) })
        .change(Change::PutKeyed(Box::new(write.clone())));
    batch.guards.extend(room);
    match app.ground.ledger.commit(batch).await {
        Ok(_) => Ok(true),
        Err(fault) if fault.kind == FaultKind::Conflict && turn == 0 && !has_room(app, write.id).await? => {
            let why = format!("{KEYED_WRITES_MAX} keys of yours are remembered; the oldest are forgotten after a day");
            Err(Problem { retry_after: Some(60), ..Problem::new(kinds::OVER_LIMIT, why) })
        }
        Err(fault) if fault.kind == FaultKind::Conflict => Ok(false),
        Err(fault) => Err(fault.into()),
    }
}

/// Whether a new key can be remembered; where it cannot, the oldest are forgotten first, if their time is over.
async fn has_room(app: &App, id: Digest) -> Result<bool, Fault> {
    let ledger = &app.ground.ledger;
    if ledger.keyed_writes(id).await? < KEYED_WRITES_MAX {
        return Ok(true);
    }
    let before = decide::forgotten_before(app.ground.clock.now());
    ledger.commit(Batch::new().change(Change::ForgetKeyed { before })).await?;
    Ok(ledger.keyed_writes(id).await? < KEYED_WRITES_MAX)
}

/// Keeps an answer for repeats. One that says that we failed is not kept, and neither is one that is too large: a repeat is
/// carried out again then.
async fn keep(app: &App, write: KeyedWrite, response: Response) -> Result<Response, Problem> {
    let status = response.status();
    if status.is_server_error() {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let failed = |_| Problem::new(kinds::CORRUPT, "the answer could not be read");
    let bytes = body.collect().await.map_err(failed)?.to_bytes();
    let kept = match parts.extensions.get::<KeptInstead>() {
        Some(KeptInstead(body)) => Some(body.clone()),
        None => String::from_utf8(bytes.to_vec()).ok(),
    };
    if let Some(body) = kept.filter(|body| body.len() <= KEYED_ANSWER_BYTES_MAX) {
        let guard = Guard::KeyedTurn { write: write.id, turn: write.turn };
        let answer = Some(KeptAnswer { status: status.as_u16(), body });
        let batch = Batch::new().guard(guard).change(Change::PutKeyed(Box::new(KeyedWrite { answer, ..write })));
        // It is done, whatever becomes of this: without it a repeat is carried out again, which does nothing twice.
        drop(app.ground.ledger.commit(batch).await);
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn repeated(answer: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let problem = serde_json::from_str::<Problem>(&answer.body).ok().filter(|_| status.is_client_error());
    let mut response = match problem {
        Some(problem) => problem.into_response(),
        None => (status, [(header::CONTENT_TYPE, "application/json")], answer.body).into_response(),
    };
    response.headers_mut().insert(REPEATED, HeaderValue::from_static("true"));
    response
}
