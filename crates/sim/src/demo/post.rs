//! Sending letters to the product, as partners do: with time-outs, and nothing read beyond a limit. What an answer means
//! for the sender is decided here.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use super::sign::Sealed;

/// LIMIT: what is read of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What a sender learns from an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// 202, with the event's id.
    Accepted(String),
    /// Something else; another try may help.
    NotNow,
    /// Something else; the same letter will never be taken. 409: this id is known with other bytes.
    Never,
    /// None came.
    Silence,
}

/// The postman.
#[derive(Clone, Debug)]
pub(super) struct Post {
    http: reqwest::Client,
    product: String,
}

impl Post {
    /// A postman to a product at this URL.
    pub(super) fn new(product: &str) -> Result<Self, reqwest::Error> {
        // Nothing here is encrypted; a client can still not be made before somebody has named a cryptography.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .connect_timeout(Duration::from_secs(2))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .tls_certs_only([])
            .build()?;
        Ok(Self { http, product: product.trim_end_matches('/').to_owned() })
    }

    /// Sends once.
    pub(super) async fn send(&self, sealed: &Sealed, body: Vec<u8>) -> Answer {
        let mut request = self.http.post(format!("{}{}", self.product, sealed.path)).body(body);
        for (name, value) in &sealed.headers {
            request = request.header(*name, value);
        }
        let Ok(answer) = request.send().await else { return Answer::Silence };
        match meaning(answer.status()) {
            Answer::Accepted(_) => event_id(answer).await.map_or(Answer::Silence, Answer::Accepted),
            other @ (Answer::NotNow | Answer::Never | Answer::Silence) => other,
        }
    }
}

fn meaning(status: StatusCode) -> Answer {
    match status.as_u16() {
        202 => Answer::Accepted(String::new()),
        400 | 404 | 405 | 409 | 413 | 415 | 422 => Answer::Never,
        _ => Answer::NotNow,
    }
}

async fn event_id(mut answer: reqwest::Response) -> Option<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES_MAX {
            return None;
        }
    }
    let answer: Value = serde_json::from_slice(&bytes).ok()?;
    answer["id"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_tries_again_unless_it_can_never_help() {
        for (status, expected) in [
            (202, Answer::Accepted(String::new())),
            (401, Answer::NotNow),
            (409, Answer::Never),
            (422, Answer::Never),
            (429, Answer::NotNow),
            (503, Answer::NotNow),
            (200, Answer::NotNow),
        ] {
            assert_eq!(meaning(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }
}
