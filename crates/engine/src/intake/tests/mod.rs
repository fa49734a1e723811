//! Tables over the decisions of intake. The plumbing is here: a policy with sources of every kind, keys, and requests
//! that are signed as their senders would.

mod admission;
mod arbitrary;
mod batches;
mod contracts;
mod handshakes;
mod kept;
mod refusals;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use formats::signature::hmac_template::{Request, Verifier};
use formats::signature::{Secret, presets, standard_webhooks};
use http::{HeaderMap, HeaderName, HeaderValue};
use model::{
    Digest, Event, EventType, Owner, PolicyVersion, Received, Refusal, SecretName, SourceName, TimeSpan, Timestamp, Verdict,
};
use policy::Policy;
use policy::compiled::{EventRule, Format, Handshake, Key, Network, OnInvalid, Pick, Source, SourceLimits, Unknown, Verify};

use super::Verifiers;
use super::decide::{Decision, admit};
use crate::keyring::Keyring;

/// When everything happens: 2026-03-01T10:00:00Z.
const NOW: Timestamp = Timestamp::from_secs(1_772_359_200);
const SHOP_SECRET: &str = "shop-secret";
const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A policy with a source of each kind, and its keys.
struct World {
    policy: Policy,
    keys: Keyring,
    verifiers: Verifiers,
}

impl World {
    fn new() -> Self {
        Self::of(sources())
    }

    fn of(sources: Vec<Source>) -> Self {
        let policy = Policy {
            version: PolicyVersion(Digest::of(b"tests")),
            sources: sources.into_iter().map(|source| (source.name.clone(), Arc::new(source))).collect(),
            destinations: BTreeMap::new(),
            contracts: BTreeMap::new(),
            mappings: BTreeMap::new(),
            flows: BTreeMap::new(),
            retries: BTreeMap::new(),
        };
        let secret = |name: &str, value: &str| (SecretName::new(name).unwrap(), Secret::new(value));
        let keys = Keyring::from_pairs([
            secret("shop/new", SHOP_SECRET),
            secret("shop/old", "older-secret"),
            secret("hooks", WEBHOOK_SECRET),
            secret("path", "s3cr3t-p4th"),
            secret("password", "p4ssword"),
            secret("token", "t0ken"),
        ]);
        let verifiers = Verifiers::new(&policy, &keys);
        Self { policy, keys, verifiers }
    }

    fn admit(&self, received: &Received) -> Decision {
        admit(&self.policy, &self.verifiers, received, NOW)
    }

    fn events(&self, received: &Received) -> Vec<Verdict> {
        match self.admit(received) {
            Decision::Judged(verdicts) => verdicts,
            other => panic!("expected verdicts, got {other:?}"),
        }
    }

    fn admitted(&self, received: &Received) -> Event {
        match self.events(received).as_slice() {
            [Verdict::Admitted(event)] => (**event).clone(),
            other => panic!("expected one admitted event, got {other:?}"),
        }
    }

    fn refused(&self, received: &Received) -> Refusal {
        match self.admit(received) {
            Decision::Refused(refusal) => refusal,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }
}

/// A source that takes JSON of any type without a signature, to be changed by each test.
fn open_source(name: &str) -> Source {
    Source {
        name: SourceName::new(name).unwrap(),
        system: "system".to_owned(),
        owner: Owner::new("team").unwrap(),
        verify: Verify::Unsigned { owner: Owner::new("team").unwrap(), until: NOW + TimeSpan::from_days(1) },
        secrets: Vec::new(),
        format: Format::Json,
        kind: None,
        key: Key::Usual(None),
        time: None,
        keep_headers: Vec::new(),
        events: BTreeMap::new(),
        unknown: Unknown::Quarantine,
        on_invalid: OnInvalid::Quarantine,
        limits: SourceLimits { body_bytes: 64 * 1024, depth: 8, headers: 32, rate: None },
        allow_from: Vec::new(),
        handshake: Vec::new(),
    }
}

fn verified(name: &str, verify: Verify, secrets: &[&str]) -> Source {
    let secrets = secrets.iter().map(|name| SecretName::new(name).unwrap()).collect();
    Source { verify, secrets, ..open_source(name) }
}

fn rule(kind: &str) -> EventRule {
    EventRule { kind: EventType::new(kind), contract: None }
}

fn sources() -> Vec<Source> {
    let shopify = || Verify::Signed(Box::new(presets::shopify()));
    let shop = Source {
        kind: Some(Pick::Header("x-shopify-topic".to_owned())),
        key: Key::Native(Pick::Header("x-shopify-webhook-id".to_owned())),
        time: Some(Pick::Path(".updated_at".parse().unwrap())),
        keep_headers: vec!["x-shopify-shop-domain".to_owned()],
        events: BTreeMap::from([("orders/create".to_owned(), rule("shopify.orders.create"))]),
        handshake: vec![Handshake::Ping { header: "x-shopify-topic".to_owned(), equals: "ping".to_owned() }],
        ..verified("shop", shopify(), &["shop/new", "shop/old"])
    };
    vec![
        shop,
        verified("no-secret", shopify(), &["missing"]),
        verified("stripe", Verify::Signed(Box::new(presets::stripe())), &["shop/new"]),
        Source {
            key: Key::Usual(Some(Pick::Header("webhook-id".to_owned()))),
            ..verified("hooks", Verify::StandardWebhooks { tolerance: TimeSpan::from_secs(300) }, &["hooks"])
        },
        verified("odoo", Verify::SecretPath, &["path"]),
        verified("token", Verify::SecretHeader { header: "authorization".to_owned() }, &["token"]),
        verified("edi", Verify::Basic { user: "edi-hub".to_owned() }, &["password"]),
        verified("expired", Verify::Unsigned { owner: Owner::new("team").unwrap(), until: NOW }, &[]),
        Source {
            allow_from: vec![Network { address: [10, 20, 0, 0].into(), bits: 16 }],
            kind: Some(Pick::Path(".type".parse().unwrap())),
            events: BTreeMap::from([("known".to_owned(), rule("lab.known"))]),
            unknown: Unknown::Refuse,
            ..open_source("lab")
        },
        Source { format: Format::CloudEvents, handshake: vec![Handshake::CloudEvents], ..open_source("cloud") },
        Source {
            key: Key::Derived(vec![".id".parse().unwrap(), ".revision".parse().unwrap()]),
            kind: Some(Pick::Path(".type".parse().unwrap())),
            ..open_source("derived")
        },
        open_source("any"),
    ]
}

/// A `POST` of JSON to a source.
fn post(source: &str, body: &str) -> Received {
    Received {
        source: SourceName::new(source).unwrap(),
        at: NOW,
        headers: model::event::headers([("content-type", "application/json")]).unwrap(),
        method: "POST".to_owned(),
        path: String::new(),
        query: String::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        peer: Some([10, 20, 3, 4].into()),
        seed: 7,
        by: model::event::Brought::Sender,
    }
}

/// The same request with a header, in the place of one of this name.
fn with(mut received: Received, name: &str, value: &str) -> Received {
    received.headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    received
}

/// A request as Shopify sends it.
fn shop(body: &str) -> Received {
    let received = with(with(post("shop", body), "x-shopify-topic", "orders/create"), "x-shopify-webhook-id", "w-1");
    signed(received, SHOP_SECRET)
}

/// The request signed as Shopify does it.
fn signed(received: Received, secret: &str) -> Received {
    let verifier = Verifier::new(presets::shopify(), &[Secret::new(secret)]).unwrap();
    let request = Request { method: "POST", path: "", headers: &received.headers, body: &received.body };
    let signature = verifier.sign(&request, "").unwrap();
    with(received, "x-shopify-hmac-sha256", &signature)
}

/// The request signed as Standard Webhooks are.
fn webhook(body: &str, id: &str, at: Timestamp) -> Received {
    let key = standard_webhooks::SigningKey::parse(WEBHOOK_SECRET).unwrap();
    let signature = standard_webhooks::sign(id, at.secs(), body.as_bytes(), &[key]).unwrap();
    let received = with(post("hooks", body), "webhook-id", id);
    with(with(received, "webhook-timestamp", &at.secs().to_string()), "webhook-signature", &signature)
}
