//! A flow as its file says it.

use model::{DestinationName, FlowName, MappingName, OnDead, Owner, RetryName, SourceName, TimeSpan};

use crate::Spanned;

/// `flows/NAME.yaml`.
#[derive(Clone, Debug)]
pub struct FlowSpec {
    /// The file.
    pub path: String,
    /// Its name, from the path.
    pub name: FlowName,
    /// What it does, in a sentence.
    pub summary: Option<Spanned<String>>,
    /// Who answers for its deliveries.
    pub owner: Option<Spanned<Owner>>,
    /// Event types, exact or ending in `*`.
    pub types: Vec<Spanned<String>>,
    /// Sources; empty for all.
    pub sources: Vec<Spanned<SourceName>>,
    /// The expression that selects further.
    pub filter: Option<Spanned<String>>,
    /// What makes the body.
    pub mapping: Option<Spanned<MappingName>>,
    /// Where to.
    pub destination: Option<Spanned<DestinationName>>,
    /// The retry policy; `standard` where the file says nothing.
    pub retry: Option<Spanned<RetryName>>,
    /// The lane.
    pub lane: LaneSpec,
    /// What a held or dead head does to its lane.
    pub on_dead: OnDead,
    /// When it gives up.
    pub deadline: Option<TimeSpan>,
}

/// How the lane of a delivery is found.
#[derive(Clone, Debug)]
pub enum LaneSpec {
    /// By the contract's ordering key; with the place where the file says so.
    Ordering(Option<model::Span>),
    /// By an expression.
    By(Spanned<String>),
    /// There is none.
    Unordered,
}
