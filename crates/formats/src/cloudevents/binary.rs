//! Binary content mode: attributes in `ce-` headers, the payload as the body.
//!
//! Header values are percent-encoded UTF-8. It must never look into the body.

use std::borrow::Cow;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

use super::builder::Builder;
use super::{CloudEvent, Data, Error, Location, Problem, Value, is_json};

/// Space, quote, percent and all that is not `!` to `~` (non-ASCII is always encoded).
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// Decodes the event in the headers; the payload is the whole body, absent where it is empty.
///
/// `Content-Type` becomes `datacontenttype`; the header `ce-datacontenttype` is refused.
pub fn decode_binary(headers: &HeaderMap, body: &[u8]) -> Result<CloudEvent, Error> {
    let mut builder = Builder::new(Location::Header(String::new()));
    for (name, value) in headers {
        let Some(attribute) = name.as_str().strip_prefix("ce-") else { continue };
        let at = || Location::Header(name.as_str().to_owned());
        if attribute == "datacontenttype" {
            return Err(Problem::ReservedName.at(at()));
        }
        let text = decode_value(value.as_bytes()).map_err(|problem| problem.at(at()))?;
        builder.add(attribute, Value::String(text))?;
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    if let Some(content_type) = types.next() {
        let at = || Location::Header(CONTENT_TYPE.as_str().to_owned());
        if types.next().is_some() {
            return Err(Problem::Repeated.at(at()));
        }
        let text = content_type.to_str().map_err(|_| Problem::MediaType.at(at()))?;
        let value = Value::String(text.trim().to_owned());
        builder.add("datacontenttype", value).map_err(|error| error.problem.at(at()))?;
    }
    builder.build(if body.is_empty() { Data::Absent } else { Data::Body(0..body.len()) })
}

/// Unquotes a quoted value, then percent-decodes it once.
fn decode_value(raw: &[u8]) -> Result<String, Problem> {
    let raw = raw.trim_ascii();
    let unquoted = match raw.strip_prefix(b"\"") {
        Some(quoted) => Cow::Owned(unquote(quoted)?),
        None => Cow::Borrowed(raw),
    };
    let mut rest = unquoted.iter();
    while rest.by_ref().any(|byte| *byte == b'%') {
        let mut is_hex = || rest.next().is_some_and(u8::is_ascii_hexdigit);
        if !(is_hex() && is_hex()) {
            return Err(Problem::PercentEncoding);
        }
    }
    let decoded: Vec<u8> = percent_decode(&unquoted).collect();
    String::from_utf8(decoded).map_err(|_| Problem::Utf8)
}

/// The content of a quoted string (RFC 9110, 5.6.4), from after its opening quote.
fn unquote(quoted: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut content = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter();
    loop {
        match bytes.next().ok_or(Problem::Quoting)? {
            b'"' => break,
            b'\\' => content.push(*bytes.next().ok_or(Problem::Quoting)?),
            byte => content.push(*byte),
        }
    }
    if bytes.next().is_some() { Err(Problem::Quoting) } else { Ok(content) }
}

/// The headers that carry an event in binary mode: `ce-…` and `content-type`.
///
/// A payload that is a JSON value gets `application/json` where `datacontenttype` is not set.
/// Fails where the event breaks a rule of the specification.
pub fn encode_binary_headers(event: &CloudEvent) -> Result<HeaderMap, Error> {
    let at = Location::Header(String::new());
    let mut headers = HeaderMap::new();
    for (name, value) in event.checked_attributes(&at)? {
        let error = || Problem::Name.at(at.member(name));
        let encoded = utf8_percent_encode(&value.text(), ENCODED).to_string();
        let value = HeaderValue::try_from(encoded).map_err(|_| error())?;
        let name = HeaderName::try_from(format!("ce-{name}")).map_err(|_| error())?;
        headers.insert(name, value);
    }
    let implied = matches!(event.data, Data::Json(_)).then_some("application/json");
    if let Some(media_type) = event.datacontenttype.as_deref().or(implied) {
        let at = Location::Header(CONTENT_TYPE.as_str().to_owned());
        let value = HeaderValue::try_from(media_type).map_err(|_| Problem::MediaType.at(at))?;
        headers.insert(CONTENT_TYPE, value);
    }
    Ok(headers)
}

/// The body that carries the payload of an event in binary mode; `body` is the one the event was
/// decoded from.
///
/// Raw bytes in all cases but one: a JSON string with a `datacontenttype` that is not JSON stands
/// for its text (json-format.md, 3.1), so that the text is what is sent.
pub fn encode_binary_body<'a>(event: &'a CloudEvent, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Error> {
    let error = || Problem::Payload.at(Location::Pointer("/data".to_owned()));
    if event.data == Data::Absent {
        return Ok(Cow::Borrowed(&[]));
    }
    let raw = event.data.raw(body).ok_or_else(error)?;
    let is_json_type = event.datacontenttype.as_deref().is_none_or(is_json);
    let is_string = matches!(event.data, Data::Json(_)) && raw.starts_with(b"\"");
    if is_string && !is_json_type {
        let text: String = serde_json::from_slice(raw).map_err(|_| error())?;
        return Ok(Cow::Owned(text.into_bytes()));
    }
    Ok(Cow::Borrowed(raw))
}
