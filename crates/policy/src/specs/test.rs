//! A test as its file says it.

use std::collections::BTreeMap;

use model::{Code, DestinationName, FlowName, SourceName, Timestamp};
use serde_json::Value;

use crate::Spanned;

/// `tests/NAME.yaml`: a request, and what must become of it.
#[derive(Clone, Debug)]
pub struct TestSpec {
    /// The file.
    pub path: String,
    /// Its name, from the path.
    pub name: String,
    /// The request.
    pub given: Given,
    /// What must become of it.
    pub expect: Expect,
}

/// A request of a test.
#[derive(Clone, Debug)]
pub struct Given {
    /// The source that it goes to.
    pub source: Spanned<SourceName>,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: GivenBody,
    /// When it arrives; the runner chooses where the file says nothing.
    pub at: Option<Timestamp>,
}

/// The body of a test's request.
#[derive(Clone, Debug)]
pub enum GivenBody {
    /// JSON, written into the test.
    Json(Value),
    /// A text that is sent as it is.
    Text(String),
    /// The path of a file in the project.
    File(Spanned<String>),
}

/// What a test expects; what is `None` is not compared.
#[derive(Clone, Debug)]
pub struct Expect {
    /// What intake must decide.
    pub verdict: Option<Spanned<ExpectedVerdict>>,
    /// The codes of a quarantine.
    pub reasons: Option<Vec<Spanned<Code>>>,
    /// The problem code of a refusal.
    pub problem: Option<Spanned<String>>,
    /// The event type.
    pub kind: Option<Spanned<String>>,
    /// Identifiers by scheme; those that are not named are not compared.
    pub identifiers: Option<Spanned<BTreeMap<String, String>>>,
    /// All deliveries, in the order of flow names.
    pub deliveries: Option<Vec<Spanned<ExpectedDelivery>>>,
}

/// What intake must decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedVerdict {
    /// It goes to the router.
    Admitted,
    /// It is kept for a person.
    Quarantined,
    /// The sender gets a problem.
    Refused,
}

/// A delivery that a test expects.
#[derive(Clone, Debug)]
pub struct ExpectedDelivery {
    /// By which flow.
    pub flow: Spanned<FlowName>,
    /// Where to.
    pub destination: Option<Spanned<DestinationName>>,
    /// In which lane; `Some(None)` for none.
    pub lane: Option<Option<String>>,
    /// The whole mapped body.
    pub body: Option<Spanned<Value>>,
    /// Codes of a mapping that refuses.
    pub fails: Option<Vec<Spanned<Code>>>,
}
