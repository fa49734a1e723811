//! The HTTP destination: one request, one answer, one outcome.
//!
//! **When is a message accepted?** The status is the verdict, with one exception.
//! - The body of a 2xx is longer than we read: accepted, cut. We stopped; the destination did nothing wrong.
//! - The time is over while the body of a 2xx still trickles: accepted, cut. Slowness takes nothing back, and a repeat
//!   would meet the same endless answer and only make a duplicate.
//! - The body of a 2xx ends before its announced end, or breaks its framing: `closed` or `protocol`, not accepted. RFC 9112
//!   (section 8) calls such an answer incomplete: whoever wrote it died while it worked. A repeat under the same id costs
//!   a duplicate at worst, a wrong "accepted" loses an event. A body without an announced end ends with its connection.
//! - Any other status stands whatever becomes of its body: a "no" needs no proof.
//!
//! It never follows a redirect, uses a proxy, unpacks a body, repeats a request, or logs bodies and headers.

mod answer;
mod classify;
pub(crate) mod clients;
pub(crate) mod failure;
pub mod guard;
pub(crate) mod request;
mod resolve;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use bytes::Bytes;
use engine::ports::{Clock, Message, Outbound, Sent};
use futures::future::{Either, select};
use model::outcome::{Lack, Outcome, TransportError};

use self::answer::{Answer, End};
use self::clients::{Clients, Scheme};
use self::request::{Prepared, WatchedBody};

/// Destinations that are reached over HTTP/1.1, with or without TLS. One for the process: it holds the connection pools.
#[derive(Debug)]
pub struct Http {
    clock: Arc<dyn Clock>,
    clients: Clients,
}

impl Http {
    /// With no connection yet. The clock measures the timeouts and dates in `Retry-After`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, clients: Clients::new() }
    }

    async fn exchange(&self, message: &Message) -> Sent {
        let prepared = match request::prepare(message) {
            Ok(prepared) => prepared,
            Err(reasons) => {
                let why = format!("no message can be made: {}", reasons.join(" "));
                return without_answer(Outcome::Unsent { lack: Lack::Message, why });
            }
        };
        if !prepared.is_permitted(&message.allow) {
            return without_answer(Outcome::Unreached { error: TransportError::ForbiddenAddress });
        }
        let Prepared { method, url, headers } = prepared;
        let (scheme, failed) = match url.scheme() {
            "https" => (Scheme::Tls, TransportError::Tls),
            _ => (Scheme::Plain, TransportError::Connect),
        };
        // Without certificates on the machine there is no TLS; that mends itself when they are there.
        let Ok(client) = self.clients.get(message.destination.as_str(), &message.allow, scheme) else {
            return without_answer(Outcome::Unreached { error: failed });
        };
        let (body, handed_over) = WatchedBody::new(message.body.clone());
        let request = client.request(method, url).headers(headers).body(reqwest::Body::wrap(body));
        let mut answer = Answer::default();
        let end = {
            let receiving = pin!(answer.receive(request, &handed_over, &*self.clock));
            match select(receiving, self.clock.sleep(message.timeout)).await {
                Either::Left((end, _)) => end,
                Either::Right(((), _)) => End::Late,
            }
        };
        answer.conclude(end, handed_over.is_so())
    }
}

impl Outbound for Http {
    /// A message that HTTP cannot carry (its URL, method or a header cannot be read) is `Unsent` with the reasons: only a
    /// person can mend it, at the destination and not at the mapping.
    fn send<'a>(&'a self, message: &'a Message) -> Pin<Box<dyn Future<Output = Sent> + Send + 'a>> {
        Box::pin(self.exchange(message))
    }
}

fn without_answer(outcome: Outcome) -> Sent {
    Sent { outcome, response: Bytes::new(), cut: false }
}
