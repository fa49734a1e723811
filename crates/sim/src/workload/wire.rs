//! From a draft to a signed request, and through a door to an answer, as HTTP would carry it: the node may die on the way.

use std::sync::Arc;

use bytes::Bytes;
use engine::intake::run::{Answer, Item};
use formats::signature::Secret;
use formats::signature::hmac_template::{
    Algorithm, Encoding, Request as Signable, Scheme, Shape, Template, Timestamp, Verifier,
};
use formats::signature::hmac_template::{TimestampFormat, TimestampFrom};
use formats::signature::standard_webhooks::{self, SigningKey};
use http::{HeaderMap, HeaderName, HeaderValue};
use model::{Digest, EventId, Received, SourceName};
use tokio::sync::oneshot;

use super::bodies::Draft;
use crate::life::Door;
use crate::oracle::{Reply, Request};
use crate::project::{KeyPlace, Proof, Source};
use crate::world::World;

/// Whether the sender knows the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// It does.
    Honest,
    /// It guesses.
    Forger,
}

/// The request as the oracle knows it.
pub fn request_of(source: &Source, draft: &Draft) -> Request {
    let digest = Digest::of(&draft.body);
    let key = match (source.key, source.proof) {
        (KeyPlace::Data | KeyPlace::Header, _) | (KeyPlace::Body, Proof::StandardWebhooks) => draft.id.clone(),
        (KeyPlace::Body, Proof::TimedHmac | Proof::PlainHmac | Proof::SecretHeader) => digest.to_string(),
    };
    Request { source: source.name.clone(), key, digest }
}

/// Sends a draft through a door; `now_s` is the sender's clock.
pub async fn send(world: &World, door: &Arc<Door>, source: &Source, draft: &Draft, hand: Hand) -> Reply {
    let headers = headers(source, draft, hand, world.machines.elsewhere().at(&world.timeline).secs());
    let body = Bytes::from(draft.body.clone());
    let Ok(name) = SourceName::new(&source.name) else { return Reply::Nothing };
    let (answer, answered) = oneshot::channel();
    let inside = Arc::clone(door);
    world.spawner.spawn(&door.group, "request", async move {
        let chance = inside.clock.chance();
        let mut seed = [0; 8];
        seed.copy_from_slice(&chance[..8]);
        let received = Received {
            source: name,
            at: inside.clock.now(),
            headers,
            method: "POST".to_owned(),
            path: String::new(),
            query: String::new(),
            body,
            peer: None,
            seed: u64::from_be_bytes(seed),
            by: model::event::Brought::Sender,
        };
        let reply = reply_of(inside.intake.receive(received).await);
        // The sender may have gone.
        drop(answer.send(reply));
    });
    answered.await.unwrap_or(Reply::Nothing)
}

fn reply_of(answer: Answer) -> Reply {
    match answer {
        Answer::Accepted(Item { id, .. }) => Reply::Accepted { id },
        Answer::Refused(refusal) => Reply::Refused {
            status: refusal.kind.status(),
            code: refusal.kind.code(),
            retry_after_s: refusal.retry_after_s,
            beside: beside(&refusal.detail),
        },
        Answer::Handshake(_) | Answer::Batch(_) => Reply::Nothing,
    }
}

/// Which event has the refused body beside it now, as the sender reads it.
fn beside(detail: &str) -> Option<EventId> {
    let (told, _) = detail.split_once("; that one waits for a person, who has this body beside it now")?;
    told.rsplit(' ').next()?.parse().ok()
}

fn headers(source: &Source, draft: &Draft, hand: Hand, now_s: i64) -> HeaderMap {
    let mut headers =
        vec![("content-type".to_owned(), "application/json".to_owned()), ("x-event-id".to_owned(), draft.id.clone())];
    let secret = match hand {
        Hand::Honest => source.secret(),
        Hand::Forger => source.secret().replace(['e', 'E'], "3"),
    };
    headers.extend(proof(source.proof, &secret, draft, now_s));
    model::event::headers(headers).expect("literal names and printable values")
}

fn proof(proof: Proof, secret: &str, draft: &Draft, now_s: i64) -> Vec<(String, String)> {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    match proof {
        Proof::SecretHeader => vec![pair("x-secret", secret.to_owned())],
        Proof::StandardWebhooks => {
            let key = SigningKey::parse(secret).ok();
            let signature = key.and_then(|key| standard_webhooks::sign(&draft.id, now_s, &draft.body, &[key]).ok());
            vec![
                pair("webhook-id", draft.id.clone()),
                pair("webhook-timestamp", now_s.to_string()),
                pair("webhook-signature", signature.unwrap_or_else(|| "v1,bm9uZQ==".to_owned())),
            ]
        }
        Proof::PlainHmac => vec![pair("x-signature", hmac(&plain_scheme(), secret, draft, ""))],
        Proof::TimedHmac => {
            let at = now_s.to_string();
            let signature = hmac(&timed_scheme(), secret, draft, &at);
            vec![pair("x-timestamp", at), pair("x-signature", signature)]
        }
    }
}

fn hmac(scheme: &Scheme, secret: &str, draft: &Draft, at: &str) -> String {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(at) {
        headers.insert("x-timestamp", value);
    }
    let request = Signable { method: "POST", path: "/in/x", headers: &headers, body: &draft.body };
    let verifier = Verifier::new(scheme.clone(), &[Secret::new(secret.as_bytes())]);
    verifier.ok().and_then(|verifier| verifier.sign(&request, at).ok()).unwrap_or_default()
}

fn plain_scheme() -> Scheme {
    Scheme {
        algorithm: Algorithm::HmacSha256,
        encoding: Encoding::Hex,
        header: HeaderName::from_static("x-signature"),
        shape: Shape::Whole { prefix: "sha256=".to_owned() },
        template: Template::parse("{body}").expect("a literal template"),
        id: None,
        timestamp: None,
    }
}

fn timed_scheme() -> Scheme {
    let timestamp = Timestamp {
        from: TimestampFrom::Header(HeaderName::from_static("x-timestamp")),
        format: TimestampFormat::Seconds,
        tolerance_s: 300,
    };
    Scheme {
        shape: Shape::Whole { prefix: String::new() },
        template: Template::parse("{timestamp}.{body}").expect("a literal template"),
        timestamp: Some(timestamp),
        ..plain_scheme()
    }
}
