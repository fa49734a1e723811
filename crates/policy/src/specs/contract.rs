//! A contract as its file says it.

use model::{ContractRef, EventType, Owner};
use serde_json::Value;

use crate::Spanned;
use crate::tree::Node;

/// `contracts/NAME/VERSION.yaml`.
#[derive(Clone, Debug)]
pub struct ContractSpec {
    /// The file.
    pub path: String,
    /// `NAME@VERSION`, from the path.
    pub reference: ContractRef,
    /// `VERSION`, from the path: `1.2.3`.
    pub version: String,
    /// What it describes, in a sentence.
    pub summary: Option<Spanned<String>>,
    /// Who answers for it.
    pub owner: Option<Spanned<Owner>>,
    /// The event type that it describes; its own name where the file says nothing.
    pub kind: EventType,
    /// Where it stands in its life.
    pub lifecycle: Lifecycle,
    /// How its data may be shown.
    pub classification: Classification,
    /// What people agree on beside its shape.
    pub governed: super::Governed,
    /// What people search by: scheme and expression.
    pub identifiers: Vec<(Spanned<String>, Spanned<String>)>,
    /// The expression of the ordering key.
    pub ordering: Option<Spanned<String>>,
    /// The expression of the business transaction.
    pub correlation: Option<Spanned<String>>,
    /// The expression of the time of occurrence.
    pub time: Option<Spanned<String>>,
    /// What a replay may do.
    pub repeat: Repeatable,
    /// The JSON Schema.
    pub schema: Spanned<Value>,
    /// The same with the place of each of its parts; see [`Node::at_pointer`].
    pub schema_tree: Node,
    /// Examples of the data.
    pub examples: Vec<Spanned<Value>>,
    /// The same with the place of each of their parts, in the same order.
    pub example_trees: Vec<Node>,
}

impl ContractSpec {
    /// The version as numbers; zero for a part that is none, which is reported with the path.
    pub fn version_parts(&self) -> (u32, u32, u32) {
        let mut parts = self.version.split('.').map(|part| part.parse().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        (next(), next(), next())
    }
}

/// Where a contract stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lifecycle {
    /// Being written; may change.
    Draft,
    /// In use.
    #[default]
    Approved,
    /// In use, and to be left.
    Deprecated,
    /// No longer in use.
    Retired,
}

impl Lifecycle {
    /// As files say it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved => "approved",
            Self::Deprecated => "deprecated",
            Self::Retired => "retired",
        }
    }

    /// Whether a contract may go from here to there: what was promised is no draft again, and what is over stays over.
    pub const fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Approved | Self::Deprecated, Self::Draft) => false,
            (Self::Retired, next) => matches!(next, Self::Retired),
            (Self::Draft | Self::Approved | Self::Deprecated, _) => true,
        }
    }
}

/// How data may be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Classification {
    /// To everyone.
    Public,
    /// Inside the company.
    #[default]
    Internal,
    /// To those who need it.
    Confidential,
    /// To named persons.
    Restricted,
}

impl Classification {
    /// As files say it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Confidential => "confidential",
            Self::Restricted => "restricted",
        }
    }
}

impl Repeatable {
    /// As files say it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Transition => "transition",
            Self::Command => "command",
        }
    }
}

/// What a replay may do with an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeatable {
    /// It says how something is now: the newest wins.
    #[default]
    State,
    /// It says that something changed: only where the target is still in the state before.
    Transition,
    /// It asks for something: never without a person.
    Command,
}
