//! The validation handshake of `CloudEvents` webhooks: who may send here, and how fast.
//!
//! A target answers `OPTIONS` with these headers. It must never call the callback address itself;
//! that is left to who decides to allow the sender later. Source: http-webhook.md 1.0.2, section 4.

use std::num::NonZeroU32;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Error, Location, Problem};

const REQUEST_ORIGIN: &str = "webhook-request-origin";
const REQUEST_CALLBACK: &str = "webhook-request-callback";
const REQUEST_RATE: &str = "webhook-request-rate";
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// What a sender asks for before its first event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The DNS name of the sender, in lower case.
    pub origin: String,
    /// Where the permission can be given later, as sent. Nothing about it has been checked.
    pub callback: Option<String>,
    /// The wanted rate in requests per minute.
    pub rate_per_minute: Option<NonZeroU32>,
}

impl Request {
    /// Reads the `WebHook-Request-…` headers of an `OPTIONS` request; the origin is required.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Error> {
        let missing = || Problem::Missing.at(Location::Header(REQUEST_ORIGIN.to_owned()));
        let origin = text(headers, REQUEST_ORIGIN)?.ok_or_else(missing)?.to_ascii_lowercase();
        let rate = text(headers, REQUEST_RATE)?.map(|rate| {
            let at = || Location::Header(REQUEST_RATE.to_owned());
            rate.parse().map_err(|_| Problem::NotPositive.at(at()))
        });
        Ok(Self {
            origin,
            callback: text(headers, REQUEST_CALLBACK)?.map(str::to_owned),
            rate_per_minute: rate.transpose()?,
        })
    }
}

/// The answer to a handshake: the headers that give the permission.
///
/// `origins` are the DNS names that may send, or `"*"` for all; `rate_per_minute_max` is the
/// highest rate, `None` for no limit. The granted rate is the lower one of it and the wanted one.
/// Where the origin is not allowed this is an error and the answer must have none of the headers.
pub fn answer(request: &Request, origins: &[&str], rate_per_minute_max: Option<NonZeroU32>) -> Result<HeaderMap, Error> {
    let at = || Location::Header(REQUEST_ORIGIN.to_owned());
    let allows = |origin: &&str| *origin == "*" || request.origin.eq_ignore_ascii_case(origin);
    if !origins.iter().any(allows) {
        return Err(Problem::OriginNotAllowed.at(at()));
    }
    let origin = HeaderValue::try_from(&request.origin).map_err(|_| Problem::Character.at(at()))?;
    let mut headers =
        HeaderMap::from_iter([(http::header::ALLOW, HeaderValue::from_static("POST")), (ALLOWED_ORIGIN, origin)]);
    let rate = match (request.rate_per_minute, rate_per_minute_max) {
        (Some(wanted), Some(max)) => Some(HeaderValue::from(wanted.min(max).get())),
        (None, Some(max)) => Some(HeaderValue::from(max.get())),
        (Some(_), None) => Some(HeaderValue::from_static("*")),
        (None, None) => None,
    };
    headers.extend(rate.map(|rate| (ALLOWED_RATE, rate)));
    Ok(headers)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Error> {
    let error = |problem: Problem| problem.at(Location::Header(name.to_owned()));
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(error(Problem::Repeated));
    }
    match value.to_str().map(str::trim) {
        Ok("") => Err(error(Problem::Empty)),
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(error(Problem::Character)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(list: &[(&'static str, &'static str)]) -> Result<Request, Error> {
        let pairs = list.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Request::from_headers(&pairs.collect())
    }

    fn rate(value: u32) -> Option<NonZeroU32> {
        NonZeroU32::new(value)
    }

    #[test]
    fn an_allowed_origin_gets_the_lower_of_the_two_rates() {
        for (wanted, max, expected) in [
            (rate(120), rate(100), Some("100")),
            (rate(50), rate(100), Some("50")),
            (None, rate(100), Some("100")),
            (rate(120), None, Some("*")),
            (None, None, None),
        ] {
            let origin = "eventemitter.example.com".to_owned();
            let request = Request { origin, callback: None, rate_per_minute: wanted };
            let headers = answer(&request, &["other", "EventEmitter.example.com"], max);
            let headers = headers.expect("allowed");
            assert_eq!(headers[ALLOWED_ORIGIN], "eventemitter.example.com");
            assert_eq!(headers["allow"], "POST");
            let granted = headers.get(ALLOWED_RATE).map(|value| value.to_str().expect("text"));
            assert_eq!(granted, expected, "{wanted:?} {max:?}");
        }
    }

    #[test]
    fn an_origin_that_is_not_listed_gets_nothing() {
        let request = request(&[(REQUEST_ORIGIN, "evil.example.com")]).expect("a request");
        for origins in [&[][..], &["example.com"], &["evil.example.com.org", ""]] {
            let error = answer(&request, origins, None).expect_err("refused");
            assert_eq!(error.problem, Problem::OriginNotAllowed);
        }
        assert!(answer(&request, &["*"], None).is_ok());
    }

    #[test]
    fn the_request_headers_are_read_strictly() {
        let full = request(&[
            (REQUEST_ORIGIN, "Emitter.example.com"),
            (REQUEST_CALLBACK, "https://emitter.example.com/confirm"),
            (REQUEST_RATE, "120"),
        ]);
        let full = full.expect("a request");
        assert_eq!(full.origin, "emitter.example.com");
        assert_eq!(full.callback.as_deref(), Some("https://emitter.example.com/confirm"));
        assert_eq!(full.rate_per_minute, rate(120));
        for (list, problem) in [
            (&[][..], Problem::Missing),
            (&[(REQUEST_ORIGIN, "")], Problem::Empty),
            (&[(REQUEST_ORIGIN, "a"), (REQUEST_RATE, "0")], Problem::NotPositive),
            (&[(REQUEST_ORIGIN, "a"), (REQUEST_RATE, "fast")], Problem::NotPositive),
        ] {
            assert_eq!(request(list).expect_err("refused").problem, problem, "{list:?}");
        }
    }
}
