//! What a request says: its path, its query and its body, each as a type of ours or a problem that names what is wrong. What
//! an operation does not know is refused: a filter that was mistyped must not answer with more than was meant.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Query as AnyQuery, Request};
use http::header;
use http::request::Parts;
use http::{HeaderMap, Uri};
use schemars::{JsonSchema, schema_for};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::Segment;

use super::problem::{Problem, kinds};

/// The parameter of the path.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

/// The parameters of the query.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

/// The JSON body.
#[derive(Clone, Copy, Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let pairs = read.map_err(|error| Problem::new(kinds::MALFORMED, error.body_text()))?;
        let parsed = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        parsed.map(|axum::extract::Path(value)| Self(value)).map_err(|error| {
            let name = pairs.first().map_or("path", |(name, _)| name.as_str());
            let why = error.body_text();
            Problem::bad_parameter(name, format!("{name}: {}", why.rsplit_once(": ").map_or(&*why, |(_, why)| why)))
        })
    }
}

impl<T: DeserializeOwned + JsonSchema, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        check_names(query, &names::<T>())?;
        match read_query::<T>(query) {
            Ok(value) => Ok(Self(value)),
            Err(why) => Err(wrong_value::<T>(query, &why)),
        }
    }
}

/// The names of a query's parameters.
fn names<T: JsonSchema>() -> Vec<String> {
    let schema = schema_for!(T);
    schema.get("properties").and_then(|it| it.as_object()).map(|it| it.keys().cloned().collect()).unwrap_or_default()
}

#[expect(clippy::result_large_err, reason = "a refusal ends the request, once")]
fn check_names(query: &str, known: &[String]) -> Result<(), Problem> {
    let pairs: Vec<(String, String)> = read_query(query).map_err(|why| Problem::new(kinds::MALFORMED, why))?;
    for (at, (name, _)) in pairs.iter().enumerate() {
        if !known.contains(name) {
            let help = policy::near::suggestion(name, known.iter().map(String::as_str));
            return Err(Problem {
                parameter: Some(name.clone()),
                ..Problem::new(kinds::UNKNOWN_PARAMETER, format!("there is no parameter {name:?} here; {help}"))
            });
        }
        if pairs.iter().take(at).any(|(earlier, _)| earlier == name) {
            return Err(Problem::bad_parameter(name, format!("{name} is given twice")));
        }
    }
    Ok(())
}

fn read_query<T: DeserializeOwned>(query: &str) -> Result<T, String> {
    let uri: Uri = format!("/?{query}").parse().map_err(|_| "the query is no part of a URL".to_owned())?;
    let read = AnyQuery::<T>::try_from_uri(&uri).map_err(|error| error.body_text())?;
    Ok(read.0)
}

/// The parameter whose value cannot be read: each is tried by itself, since all of them may be left out.
fn wrong_value<T: DeserializeOwned>(query: &str, why: &str) -> Problem {
    for pair in query.split('&') {
        let Err(why) = read_query::<T>(pair) else { continue };
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        return Problem::bad_parameter(name, format!("{name}: {}", why.rsplit_once(": ").map_or(&*why, |(_, why)| why)));
    }
    Problem::new(kinds::MALFORMED, why)
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(kinds::UNSUPPORTED_MEDIA_TYPE, "send the body as Content-Type: application/json"));
        }
        read_json(&bytes(request, state).await?).map(Self)
    }
}

/// The whole body, within the limit of its route.
pub(super) async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|error| match error {
        BytesRejection::FailedToBufferBody(error) if error.status() == http::StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(kinds::TOO_LARGE, "the body is larger than this operation takes")
        }
        _ => Problem::new(kinds::MALFORMED, "the body ended before it was complete"),
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Whether the caller takes this media type (RFC 9110, 12.5.1): whoever says nothing takes everything.
pub(super) fn accepts(headers: &HeaderMap, media: &str) -> bool {
    let mut lines = headers.get_all(header::ACCEPT).iter().peekable();
    if lines.peek().is_none() {
        return true;
    }
    let family = media.split('/').next().unwrap_or_default();
    let mut best: Option<(u8, bool)> = None;
    for range in lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let closeness = match name.as_str() {
            "*/*" => 1,
            name if name.strip_suffix("/*") == Some(family) => 2,
            name if name == media => 3,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f32>);
        if best.is_none_or(|(known, _)| known < closeness) {
            best = Some((closeness, weight.is_ok_and(|weight| weight > 0.0)));
        }
    }
    best.is_some_and(|(_, taken)| taken)
}

#[expect(clippy::result_large_err, reason = "a refusal ends the request, once")]
fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        let why = error.inner();
        match why.classify() {
            Category::Data => Problem { pointer: Some(pointer), ..Problem::new(kinds::INVALID_BODY, why.to_string()) },
            Category::Syntax | Category::Eof | Category::Io => {
                Problem::new(kinds::MALFORMED, format!("the body is no JSON: {why}"))
            }
        }
    })?;
    reader.end().map_err(|why| Problem::new(kinds::MALFORMED, format!("the body is no JSON: {why}")))?;
    Ok(value)
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let step = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&step);
    }
    pointer
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::api::queries::{DeliveryFilter, FeedPaging};
    use crate::api::{ApplyCommand, DeliveryCommand};

    async fn asked<T: DeserializeOwned + JsonSchema>(query: &str) -> Result<T, Problem> {
        let (mut parts, ()) = http::Request::get(format!("/x?{query}")).body(()).unwrap().into_parts();
        Query::from_request_parts(&mut parts, &()).await.map(|Query(value)| value)
    }

    async fn check(query: &str, code: &str, parameter: &str, says: &str) {
        let problem = asked::<DeliveryFilter>(query).await.unwrap_err();
        assert_eq!((problem.code.as_str(), problem.parameter.as_deref()), (code, Some(parameter)), "{query}: {problem:?}");
        assert!(problem.detail.contains(says), "{query}: {}", problem.detail);
    }

    #[tokio::test]
    async fn a_wrong_parameter_is_named() {
        check("limit=many", "bad-parameter", "limit", "digit").await;
        check("limit=0", "bad-parameter", "limit", "1 to 500").await;
        check("limit=501", "bad-parameter", "limit", "1 to 500").await;
        check("limit=-1", "bad-parameter", "limit", "digit").await;
        check("flow=a&flow=b", "bad-parameter", "flow", "twice").await;
        check("flow=a&event=x", "bad-parameter", "event", "event: ").await;
        check("cursor=garbage", "bad-parameter", "cursor", "cursor").await;
        check("states=waiting,wating", "bad-parameter", "states", "wating").await;
        check("since=yesterday", "bad-parameter", "since", "since: ").await;
        check("destinaton=wms", "unknown-parameter", "destinaton", "did you mean `destination`?").await;
    }

    #[tokio::test]
    async fn what_is_known_is_read() {
        let filter: DeliveryFilter = asked("states=waiting%2Cheld&flow=orders&limit=7").await.unwrap();
        assert_eq!(
            (filter.limit.map(usize::from), filter.flow.map(|flow| flow.to_string())),
            (Some(7), Some("orders".to_owned()))
        );
        let paging: FeedPaging = asked("").await.unwrap();
        assert_eq!((paging.after, paging.limit), (None, None));
        let most: FeedPaging = asked("limit=500").await.unwrap();
        assert_eq!(most.limit.map(usize::from), Some(500));
    }

    #[test]
    fn a_caller_takes_what_its_nearest_range_says() {
        for (accept, expected) in [
            (None, true),
            (Some("*/*"), true),
            (Some("application/json"), true),
            (Some("text/html, application/*;q=0.5"), true),
            (Some("APPLICATION/JSON"), true),
            (Some("text/html"), false),
            (Some("application/xml, text/*"), false),
            (Some("application/json;q=0, */*"), false),
            (Some("*/*;q=0"), false),
            (Some(""), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, accept.parse().unwrap());
            }
            assert_eq!(accepts(&headers, "application/json"), expected, "{accept:?}");
        }
    }

    fn read<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> (u16, String) {
        let problem = read_json::<T>(text.as_bytes()).unwrap_err();
        (problem.status, problem.pointer.unwrap_or_else(|| "nowhere".to_owned()))
    }

    #[derive(Debug, Deserialize)]
    struct Odd {
        #[serde(rename = "a/b~c")]
        _odd: Vec<u8>,
    }

    #[test]
    fn a_wrong_body_is_pointed_at() {
        assert_eq!(read::<DeliveryCommand>(r#"{"deliveries":["x"],"why":""}"#), (422, "/deliveries/0".to_owned()));
        assert_eq!(read::<DeliveryCommand>(r#"{"deliveries":[],"why":"","wy":1}"#), (422, "/wy".to_owned()));
        assert_eq!(read::<ApplyCommand>(r#"{"files":[["a"]],"why":""}"#), (422, "/files/0".to_owned()));
        assert_eq!(read::<Odd>(r#"{"a/b~c":[1,"2"]}"#), (422, "/a~1b~0c/1".to_owned()));
        assert_eq!(read::<DeliveryCommand>(r#"{"deliveries":[]"#), (400, "nowhere".to_owned()));
        assert_eq!(read::<DeliveryCommand>(r#"{"deliveries":[],"why":""} x"#), (400, "nowhere".to_owned()));
    }
}
