//! What can be asked for in the query of a URL. Whatever is not named here is refused, so that a mistyped filter never
//! answers with more than was meant.

use std::str::FromStr;

use model::limit::PAGE_ROWS_MAX;
use model::view::{DeliveryQuery, QuarantineQuery};
use model::{BadName, Digest, SecretName};
use model::{DeliveryState, DestinationName, EventId, FlowName, Position, QuarantineState, ReplayId, SourceName, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Rows of a page where nothing is said.
const ROWS: usize = 50;

/// Where a page of rows without a filter begins and how long it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Paging {
    /// The `next` of the page before.
    pub cursor: Option<PageCursor>,
    /// At most so many rows, 50 where nothing is said.
    pub limit: Option<PageRows>,
}

/// Where a page of policies begins and how long it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PolicyPaging {
    /// The `next` of the page before.
    pub cursor: Option<PolicyCursor>,
    /// At most so many rows, 50 where nothing is said.
    pub limit: Option<PageRows>,
}

/// Where a page of events begins and how long it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EventPaging {
    /// The `next` of the page before.
    pub cursor: Option<EventCursor>,
    /// At most so many rows, 50 where nothing is said.
    pub limit: Option<PageRows>,
}

/// From where on the feed is read.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FeedPaging {
    /// Rows after this place, which is the `next` of the page before; the newest page where nothing is said.
    pub after: Option<u64>,
    /// At most so many rows, 50 where nothing is said.
    pub limit: Option<PageRows>,
}

/// Which rows of the audit.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AuditFilter {
    /// About this id or name.
    pub subject: Option<String>,
    /// The `next` of the page before.
    pub cursor: Option<PageCursor>,
    /// At most so many rows, 50 where nothing is said.
    pub limit: Option<PageRows>,
}

/// Which deliveries. All that is given must match.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DeliveryFilter {
    /// In one of these states, with commas between: `waiting`, `held`, `done`, `dead_lettered`, `cancelled`, `superseded`.
    pub states: Option<DeliveryStates>,
    /// By this flow.
    pub flow: Option<FlowName>,
    /// To this destination.
    pub destination: Option<DestinationName>,
    /// Of this event.
    pub event: Option<EventId>,
    /// Of this replay.
    pub replay: Option<ReplayId>,
    /// With this cause.
    pub cause: Option<String>,
    /// Made at or after.
    pub since: Option<Timestamp>,
    /// Made before.
    pub until: Option<Timestamp>,
    /// The `next` of the page before.
    pub cursor: Option<PageCursor>,
    /// At most so many rows, 50 where nothing is said.
    pub limit: Option<PageRows>,
}

/// Which quarantined events. All that is given must match.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct QuarantineFilter {
    /// In one of these states, with commas between: `open`, `resubmitted`, `released`, `closed`.
    pub states: Option<QuarantineStates>,
    /// Of this source.
    pub source: Option<SourceName>,
    /// The `next` of the page before.
    pub cursor: Option<PageCursor>,
    /// At most so many rows, 50 where nothing is said.
    pub limit: Option<PageRows>,
}

/// How many rows a page has at most: one to [`PAGE_ROWS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "usize", into = "usize")]
#[schemars(inline, extend("minimum" = 1, "maximum" = PAGE_ROWS_MAX))]
pub struct PageRows(usize);

impl TryFrom<usize> for PageRows {
    type Error = BadValue;

    fn try_from(rows: usize) -> Result<Self, BadValue> {
        if (1..=PAGE_ROWS_MAX).contains(&rows) { Ok(Self(rows)) } else { Err(BadValue::Rows(rows)) }
    }
}

impl From<PageRows> for usize {
    fn from(rows: PageRows) -> Self {
        rows.0
    }
}

/// Where a page of events ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct EventCursor(pub Position);

/// Where a page of other rows ended. Only the store reads more in it than its form.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct PageCursor(String);

/// Where a page of policies ended.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct PolicyCursor(String);

/// States of deliveries, as words with commas between.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryStates(Vec<String>);

/// States of quarantined events, as words with commas between.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct QuarantineStates(Vec<String>);

/// Why a text in a query cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// It is no cursor.
    #[error("this is no cursor that a page gave out")]
    Cursor,
    /// No page has so many rows.
    #[error("a page has 1 to {PAGE_ROWS_MAX} rows, not {0}")]
    Rows(usize),
    /// It is no state.
    #[error("there is no state {0:?}")]
    State(String),
}

impl TryFrom<String> for EventCursor {
    type Error = BadValue;

    fn try_from(text: String) -> Result<Self, BadValue> {
        text.parse().map(Self).map_err(|_| BadValue::Cursor)
    }
}

impl From<EventCursor> for String {
    fn from(cursor: EventCursor) -> Self {
        cursor.0.to_string()
    }
}

impl TryFrom<String> for PageCursor {
    type Error = BadValue;

    fn try_from(text: String) -> Result<Self, BadValue> {
        place::<Uuid>(text).map(Self)
    }
}

impl From<PageCursor> for String {
    fn from(cursor: PageCursor) -> Self {
        cursor.0
    }
}

impl TryFrom<String> for PolicyCursor {
    type Error = BadValue;

    fn try_from(text: String) -> Result<Self, BadValue> {
        place::<Digest>(text).map(Self)
    }
}

impl From<PolicyCursor> for String {
    fn from(cursor: PolicyCursor) -> Self {
        cursor.0
    }
}

/// The text of a place, a time and what stands there, if it is one.
fn place<I: FromStr>(text: String) -> Result<String, BadValue> {
    let (at, id) = text.split_once('.').ok_or(BadValue::Cursor)?;
    let reads = at.parse::<i64>().is_ok() && id.parse::<I>().is_ok();
    if reads { Ok(text) } else { Err(BadValue::Cursor) }
}

impl TryFrom<String> for DeliveryStates {
    type Error = BadValue;

    fn try_from(text: String) -> Result<Self, BadValue> {
        words(&text, &DeliveryState::WORDS).map(Self)
    }
}

impl From<DeliveryStates> for String {
    fn from(states: DeliveryStates) -> Self {
        states.0.join(",")
    }
}

impl TryFrom<String> for QuarantineStates {
    type Error = BadValue;

    fn try_from(text: String) -> Result<Self, BadValue> {
        words(&text, &QuarantineState::WORDS).map(Self)
    }
}

impl From<QuarantineStates> for String {
    fn from(states: QuarantineStates) -> Self {
        states.0.join(",")
    }
}

fn words(list: &str, known: &[&str]) -> Result<Vec<String>, BadValue> {
    let words = list.split(',').filter(|word| !word.is_empty());
    words
        .map(|word| known.contains(&word).then(|| word.to_owned()).ok_or_else(|| BadValue::State(word.to_owned())))
        .collect()
}

/// Which secrets.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SecretFilter {
    /// Their names, with commas between.
    pub names: SecretNames,
}

/// Names of secrets, with commas between.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct SecretNames(pub Vec<SecretName>);

impl TryFrom<String> for SecretNames {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        let names = text.split(',').filter(|name| !name.is_empty());
        names.map(SecretName::new).collect::<Result<_, _>>().map(Self)
    }
}

impl From<SecretNames> for String {
    fn from(names: SecretNames) -> Self {
        names.0.iter().map(SecretName::as_str).collect::<Vec<_>>().join(",")
    }
}

/// The rows that were asked for, or the usual number.
pub fn rows_of_page(limit: Option<PageRows>) -> usize {
    limit.map_or(ROWS, usize::from)
}

impl From<DeliveryFilter> for DeliveryQuery {
    fn from(filter: DeliveryFilter) -> Self {
        let DeliveryFilter { states, flow, destination, event, replay, cause, since, until, cursor, limit } = filter;
        let (states, cursor) = (states.unwrap_or_default().0, cursor.map(String::from));
        let limit = rows_of_page(limit);
        Self { states, flow, destination, event, replay, cause, since, until, cursor, limit }
    }
}

impl From<QuarantineFilter> for QuarantineQuery {
    fn from(filter: QuarantineFilter) -> Self {
        let QuarantineFilter { states, source, cursor, limit } = filter;
        let (states, cursor) = (states.unwrap_or_default().0, cursor.map(String::from));
        Self { states, source, cursor, limit: rows_of_page(limit) }
    }
}
