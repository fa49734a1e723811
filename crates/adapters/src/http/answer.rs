//! The answer to one request, as far as it came, and the verdict on it.
//!
//! It keeps the beginning of a body, never all of it, and logs nothing.

use bytes::Bytes;
use engine::ports::{Clock, Sent};
use model::limit::{RESPONSE_BYTES_KEPT, RESPONSE_BYTES_READ};
use model::outcome::{Outcome, TransportError};
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{RequestBuilder, Response};

use super::request::HandedOver;
use super::{classify, failure};

/// How the reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With the end of the body.
    Complete,
    /// We had read enough.
    Enough,
    /// The time was over.
    Late,
    /// The connection or the protocol broke.
    Broken(TransportError),
}

/// What has come so far. It outlives the exchange, which may be dropped at any await.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// What the head says, once there is one.
    head: Option<Outcome>,
    kept: Vec<u8>,
    read: usize,
}

impl Answer {
    /// Sends the request and reads what comes back, up to the limit.
    pub(super) async fn receive(&mut self, request: RequestBuilder, handed_over: &HandedOver, clock: &dyn Clock) -> End {
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return End::Broken(failure::transport(&error, handed_over.is_so())),
        };
        self.head = Some(judge_head(&response, clock));
        while self.read <= RESPONSE_BYTES_READ {
            match response.chunk().await {
                Ok(Some(bytes)) => self.keep(&bytes),
                Ok(None) => return End::Complete,
                // A head came back, so the request has left, whoever was faster.
                Err(error) => return End::Broken(failure::transport(&error, true)),
            }
        }
        End::Enough
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.read += bytes.len();
        let room = RESPONSE_BYTES_KEPT - self.kept.len();
        self.kept.extend(bytes.iter().take(room));
        assert!(self.kept.len() <= RESPONSE_BYTES_KEPT, "LIMIT: more of an answer kept than its limit");
    }

    /// What became of the attempt.
    pub(super) fn conclude(self, end: End, handed_over: bool) -> Sent {
        let cut = self.head.is_some() && (end != End::Complete || self.read > self.kept.len());
        Sent { outcome: verdict(self.head, end, handed_over), response: Bytes::from(self.kept), cut }
    }
}

fn judge_head(response: &Response, clock: &dyn Clock) -> Outcome {
    let headers = response.headers();
    let retry_after = classify::retry_after(text(headers, &RETRY_AFTER), text(headers, &DATE), clock.now());
    classify::outcome(response.status().as_u16(), retry_after)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The table of the module's head: see [`super`].
fn verdict(head: Option<Outcome>, end: End, handed_over: bool) -> Outcome {
    match (head, end) {
        (Some(Outcome::Accepted { .. }) | None, End::Broken(error)) => Outcome::Unreached { error },
        (Some(head), End::Complete | End::Enough | End::Late | End::Broken(_)) => head,
        (None, End::Late) if !handed_over => Outcome::Unreached { error: TransportError::Connect },
        (None, End::Complete | End::Enough | End::Late) => Outcome::Unreached { error: TransportError::Timeout },
    }
}

#[cfg(test)]
mod tests {
    use model::outcome::Again;

    use super::*;

    #[test]
    fn the_status_is_the_verdict_unless_a_yes_is_broken_off() {
        let yes = Outcome::Accepted { status: 200 };
        let no = Outcome::Refused { status: 422, again: Again::Never, refusal: None };
        let closed = End::Broken(TransportError::Closed);
        let unreached = |error| Outcome::Unreached { error };
        for (head, end, handed_over, expected) in [
            (Some(&yes), End::Complete, true, yes.clone()),
            (Some(&yes), End::Enough, true, yes.clone()),
            (Some(&yes), End::Late, true, yes.clone()),
            (Some(&yes), closed, true, unreached(TransportError::Closed)),
            (Some(&yes), End::Broken(TransportError::Protocol), true, unreached(TransportError::Protocol)),
            (Some(&no), closed, true, no.clone()),
            (Some(&no), End::Late, true, no.clone()),
            (None, closed, true, unreached(TransportError::Closed)),
            (None, End::Late, true, unreached(TransportError::Timeout)),
            (None, End::Late, false, unreached(TransportError::Connect)),
        ] {
            assert_eq!(verdict(head.cloned(), end, handed_over), expected, "{head:?} {end:?}");
        }
    }
}
