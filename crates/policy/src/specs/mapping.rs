//! A mapping as its file says it: one expression per target field.

use model::{ContractRef, MappingName, Owner, Span};
use serde_json::Value;

use crate::Spanned;

/// `mappings/NAME.yaml`.
#[derive(Clone, Debug)]
pub struct MappingSpec {
    /// The file.
    pub path: String,
    /// Its name, from the path.
    pub name: MappingName,
    /// What it does, in a sentence.
    pub summary: Option<Spanned<String>>,
    /// Who answers for it.
    pub owner: Option<Spanned<Owner>>,
    /// The contract of the event that it reads; `None` where the file is wrong there, which is reported already.
    pub from: Option<Spanned<ContractRef>>,
    /// The contract of the result.
    pub to: Option<Spanned<ContractRef>>,
    /// Lookup tables.
    pub tables: Vec<TableSpec>,
    /// The target fields in the order of the file; nested maps are flattened into their leaves.
    pub fields: Vec<FieldSpec>,
}

/// A lookup table.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// What `lookup!` calls it.
    pub name: Spanned<String>,
    /// Keys and values; keys are texts whatever they look like.
    pub rows: Vec<(Spanned<String>, Spanned<Value>)>,
}

/// A target field: a leaf of the tree that `fields:` writes.
#[derive(Clone, Debug)]
pub struct FieldSpec {
    /// Its path inside the object that is being made: `[buyer, name]`. The mark `?` is taken off.
    pub target: Vec<String>,
    /// Where the key of the last part stands.
    pub span: Span,
    /// Left out when its value is null.
    pub optional: bool,
    /// Where its value comes from.
    pub kind: FieldKind,
}

/// Where the value of a target field comes from.
#[derive(Clone, Debug)]
pub enum FieldKind {
    /// From an expression.
    Expr(Spanned<String>),
    /// One object for each item of a list.
    Each {
        /// The expression of the list.
        list: Spanned<String>,
        /// The fields of each object; `.` is the item inside of their expressions.
        fields: Vec<FieldSpec>,
    },
}
