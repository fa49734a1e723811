//! From an event to the bytes and headers of one attempt: mapped, signed, traceable. Pure: what is sent follows from
//! the stored bytes, the policy, the attempt's number and the time alone.

use base64::Engine as _;
use bytes::Bytes;
use formats::signature::standard_webhooks::{self, SigningKey};
use model::outcome::Lack;
use model::{Delivery, Diagnostic, Digest, Event, Outcome, Timestamp};
use policy::Policy;
use policy::compiled::{Auth, Destination, Odoo, Way, Writing};
use policy::expression::EventView;

use crate::keyring::Keyring;
use crate::ports::{Errand, Message, Peer};
use crate::rules::replayed;
use crate::rules::traced::Chain;

/// Why nothing can be sent: an outcome that says so.
pub type Unprepared = Outcome;

/// The body of a delivery: the mapping of the stored bytes, or these as they are.
///
/// `policy` is the one that the delivery keeps.
pub fn body(policy: &Policy, delivery: &Delivery, event: &Event) -> Result<Bytes, Unprepared> {
    let Some(flow) = policy.flows.get(&delivery.flow) else {
        return Err(without_policy(format!("the flow {} cannot be read from its policy", delivery.flow)));
    };
    let body = match &flow.mapping {
        None => Bytes::from(event.data().into_owned()),
        Some(name) => {
            let mapping = policy
                .mappings
                .get(name)
                .ok_or_else(|| without_policy(format!("the mapping {name} cannot be read from its policy")))?;
            let mapped = mapping.apply_checked(policy, &EventView::new(event));
            mapped.map_err(|reasons| Outcome::Unmapped { reasons: reasons.iter().map(sentence).collect() })?
        }
    };
    match delivery.output {
        Some(output) if output != Digest::of(&body) => {
            Err(unmapped("the mapping gives other bytes than at the first attempt".to_owned()))
        }
        Some(_) | None => Ok(body),
    }
}

fn unmapped(reason: String) -> Unprepared {
    Outcome::Unmapped { reasons: vec![reason] }
}

fn without_policy(why: String) -> Unprepared {
    Outcome::Unsent { lack: Lack::Policy, why }
}

fn without_secret(why: String) -> Unprepared {
    Outcome::Unsent { lack: Lack::Secret, why }
}

fn sentence(reason: &Diagnostic) -> String {
    format!("{}: {}", reason.code, reason.message)
}

/// Whether a mapping made the body, or it is as it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapped {
    /// It did.
    Yes,
    /// It is as it was received.
    No,
}

impl Mapped {
    /// By the policy that the delivery keeps.
    pub fn of(policy: &Policy, delivery: &Delivery) -> Self {
        match policy.flows.get(&delivery.flow) {
            Some(flow) if flow.mapping.is_some() => Self::Yes,
            Some(_) | None => Self::No,
        }
    }
}

/// What one attempt carries besides its body.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The delivery; its `attempts` include this one.
    pub delivery: &'a Delivery,
    /// The event.
    pub event: &'a Event,
    /// Whether the body is what a mapping made.
    pub mapped: Mapped,
    /// The chain that it came in by.
    pub chain: Chain,
    /// The attempt's number, from 1.
    pub no: u32,
    /// The wall clock: receivers check it.
    pub at: Timestamp,
}

/// The message of one attempt.
pub fn message(
    destination: &Destination,
    keys: &Keyring,
    envelope: Envelope<'_>,
    body: Bytes,
) -> Result<Message, Unprepared> {
    if let Way::Odoo { odoo, writing } = &destination.way {
        return command(destination, (odoo, *writing), keys, envelope, body);
    }
    let mut headers = destination.headers.clone();
    if headers.iter().all(|(name, _)| name != "content-type") {
        headers.push(("content-type".to_owned(), content_type(envelope)));
    }
    identity(envelope, &mut headers);
    sign(destination, keys, envelope, &body, &mut headers)?;
    authenticate(destination, keys, &mut headers)?;
    Ok(Message {
        destination: destination.name.clone(),
        url: destination.url.clone(),
        method: destination.method.clone(),
        headers,
        body,
        timeout: destination.timeout,
        allow: destination.allow.clone(),
        errand: None,
    })
}

/// The message that is a command.
fn command(
    destination: &Destination,
    (odoo, writing): (&Odoo, Writing),
    keys: &Keyring,
    envelope: Envelope<'_>,
    body: Bytes,
) -> Result<Message, Unprepared> {
    if writing == Writing::Off {
        let why = format!("writing is switched off: {} says `commands: off`", destination.name);
        return Err(Outcome::Unsent { lack: Lack::Writing, why });
    }
    let peer =
        Peer::of(odoo, keys).ok_or_else(|| without_secret(format!("no key of the system {} has a value", odoo.system)))?;
    Ok(Message {
        destination: destination.name.clone(),
        url: destination.url.clone(),
        method: String::new(),
        headers: Vec::new(),
        body,
        timeout: destination.timeout,
        allow: destination.allow.clone(),
        errand: Some(Errand { peer, key: key(envelope.delivery), at_once: destination.concurrency }),
    })
}

/// The key of a command: the id of the delivery that was made first for the event and the flow. A replay is another delivery of
/// the same command, and must not do it a second time.
fn key(delivery: &Delivery) -> String {
    replayed::first_delivery(delivery.event, &delivery.flow).to_string()
}

/// What a mapping makes is JSON, whatever it was made of.
fn content_type(Envelope { event, mapped, .. }: Envelope<'_>) -> String {
    match mapped {
        Mapped::Yes => "application/json".to_owned(),
        Mapped::No if event.content_type.is_empty() => "application/json".to_owned(),
        Mapped::No => event.content_type.clone(),
    }
}

/// Stable over all attempts but for the attempt's number, the time, and the span.
fn identity(envelope: Envelope<'_>, headers: &mut Vec<(String, String)>) {
    let Envelope { delivery, event, chain, no, at, mapped: _ } = envelope;
    let mut put = |name: &str, value: String| headers.push((name.to_owned(), value));
    put("webhook-id", delivery.id.to_string());
    put("webhook-timestamp", at.secs().to_string());
    put("crossdock-event", event.id.to_string());
    put("crossdock-attempt", no.to_string());
    put("crossdock-flow", delivery.flow.to_string());
    put("crossdock-correlation", visible(&event.correlation));
    put("traceparent", chain.attempt(delivery.id, no).to_string());
    if let Some(state) = event.trace.as_ref().map(|trace| &trace.state).filter(|state| !state.is_empty()) {
        put("tracestate", state.clone());
    }
}

/// Header values are visible ASCII; a correlation id that is not is sent percent-encoded.
fn visible(text: &str) -> String {
    let hex = |nibble: u8| char::from(b"0123456789ABCDEF"[usize::from(nibble)]);
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    out
}

fn sign(
    destination: &Destination,
    keys: &Keyring,
    envelope: Envelope<'_>,
    body: &[u8],
    headers: &mut Vec<(String, String)>,
) -> Result<(), Unprepared> {
    if destination.sign.is_empty() {
        return Ok(());
    }
    let mut signing = Vec::with_capacity(destination.sign.len());
    for name in &destination.sign {
        let secret = keys.get(name).ok_or_else(|| without_secret(format!("the secret {name} has no value")))?;
        let text = std::str::from_utf8(secret.expose()).unwrap_or_default();
        signing.push(
            SigningKey::parse(text).map_err(|_| without_secret(format!("the secret {name} is no Standard Webhooks key")))?,
        );
    }
    let id = envelope.delivery.id.to_string();
    let signature = standard_webhooks::sign(&id, envelope.at.secs(), body, &signing)
        .map_err(|_| without_secret("the message cannot be signed with its secrets".to_owned()))?;
    headers.push(("webhook-signature".to_owned(), signature));
    Ok(())
}

fn authenticate(destination: &Destination, keys: &Keyring, headers: &mut Vec<(String, String)>) -> Result<(), Unprepared> {
    let value = |name| {
        let secret = keys.get(name).ok_or_else(|| without_secret(format!("the secret {name} has no value")))?;
        String::from_utf8(secret.expose().to_vec()).map_err(|_| without_secret(format!("the secret {name} is no text")))
    };
    match &destination.auth {
        None => {}
        Some(Auth::Bearer(secret)) => {
            headers.push(("authorization".to_owned(), format!("Bearer {}", value(secret)?)));
        }
        Some(Auth::Basic { user, secret }) => {
            let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{}", value(secret)?));
            headers.push(("authorization".to_owned(), format!("Basic {pair}")));
        }
        Some(Auth::Header { name, secret }) => headers.push((name.clone(), value(secret)?)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use model::{
        DeliveryId, DeliveryState, DestinationName, EventId, FlowName, OnDead, Origin, Owner, PolicyVersion, Position,
        ReplayId,
    };
    use uuid::Uuid;

    use super::*;

    fn delivery(event: u128, flow: &str, replay: Option<ReplayId>) -> Delivery {
        let (event, flow) = (EventId(Uuid::from_u128(event)), FlowName::new(flow).unwrap());
        let id: DeliveryId = match replay {
            None => replayed::first_delivery(event, &flow),
            Some(replay) => replayed::delivery(event, replay, &flow),
        };
        Delivery {
            id,
            event,
            position: Position::default(),
            bytes_at: Position::default(),
            ranks_at: Position::default(),
            flow,
            destination: DestinationName::new("erp-commands").unwrap(),
            lane: None,
            ordering: None,
            on_dead: OnDead::Hold,
            policy: PolicyVersion(Digest::of(b"policy")),
            origin: Origin::Live,
            replay,
            owner: Owner::new("team-erp").unwrap(),
            created_at: Timestamp::from_secs(100),
            state: DeliveryState::Waiting { due: Timestamp::from_secs(100) },
            attempts: 1,
            round_base: 0,
            round_at: Timestamp::from_secs(100),
            deadline: None,
            epoch: 1,
            lease: None,
            behind: false,
            output: None,
            why: String::new(),
            cause: String::new(),
            version: 1,
        }
    }

    #[test]
    fn a_command_has_one_key_however_often_its_event_is_replayed_and_another_event_another() {
        let first = delivery(1, "boxes", None);
        let again = delivery(1, "boxes", Some(ReplayId(Uuid::from_u128(9))));
        assert_ne!(first.id, again.id);
        assert_eq!(key(&first), first.id.to_string());
        assert_eq!(key(&again), key(&first));
        assert_ne!(key(&delivery(2, "boxes", None)), key(&first));
        assert_ne!(key(&delivery(1, "labels", None)), key(&first));
    }
}
