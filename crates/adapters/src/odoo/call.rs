//! A call of a method of a model, in the words that both wires share.
//!
//! JSON-2 names every argument. JSON-RPC takes them by place or by name, and a few methods only by place; so those that a
//! method takes first are given with [`Call::first`], in its order.

use model::TimeSpan;
use serde_json::{Map, Value};

/// LIMIT: a call that only reads. Odoo kills a request after 120 s; a read that takes longer than this holds up the next.
pub const READ_TIMEOUT: TimeSpan = TimeSpan::from_secs(60);
/// LIMIT: a call that changes something. Odoo repeats a conflict for up to half a minute and ends any request after 120 s by
/// default: a shorter patience cuts off calls that are going to succeed.
pub const CHANGE_TIMEOUT: TimeSpan = TimeSpan::from_secs(150);

/// Whether a call changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It may be called again at any time.
    Reads,
    /// After a timeout nobody knows whether it did.
    Changes,
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The model, such as `sale.order`.
    pub model: String,
    /// The method. Names that begin with `_` are refused by Odoo.
    pub method: String,
    /// The records that it runs on; none for a method of the model.
    pub ids: Option<Vec<u64>>,
    /// Arguments that the method takes first, in its order.
    pub first: Vec<(&'static str, Value)>,
    /// Arguments that it takes by name.
    pub named: Vec<(&'static str, Value)>,
    /// The context: language, companies, and switches such as `skip_backorder`.
    pub context: Map<String, Value>,
    /// Whether it changes anything.
    pub effect: Effect,
    /// How long to wait for the answer, where somebody says so.
    pub patience: Option<TimeSpan>,
}

impl Call {
    /// A method of a model, such as `search_read`.
    pub fn of_model(model: &str, method: &str) -> Self {
        Self {
            model: model.to_owned(),
            method: method.to_owned(),
            ids: None,
            first: Vec::new(),
            named: Vec::new(),
            context: Map::new(),
            effect: Effect::Reads,
            patience: None,
        }
    }

    /// A method of records, such as `action_confirm`.
    pub fn of_records(model: &str, method: &str, ids: Vec<u64>) -> Self {
        Self { ids: Some(ids), ..Self::of_model(model, method) }
    }

    /// With the argument that the method takes next by place.
    #[must_use]
    pub fn first(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.first.push((name, value.into()));
        self
    }

    /// With an argument by name.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.named.push((name, value.into()));
        self
    }

    /// With a member of the context.
    #[must_use]
    pub fn context(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.context.insert(name.to_owned(), value.into());
        self
    }

    /// As a call that changes something.
    #[must_use]
    pub fn changing(mut self) -> Self {
        self.effect = Effect::Changes;
        self
    }

    /// How long to wait for the answer.
    pub const fn timeout(&self) -> TimeSpan {
        match (self.patience, self.effect) {
            (Some(patience), _) => patience,
            (None, Effect::Reads) => READ_TIMEOUT,
            (None, Effect::Changes) => CHANGE_TIMEOUT,
        }
    }
}
