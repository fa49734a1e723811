//! The tree of an expression before it is compiled: what it reads is collected, what it may not do is reported, and
//! guards are put where a message could make it ask for more than an event may. Places in the text stay as they are.

use std::ops::Range;

use model::Code;
use vrl::parser::ast::{Container, Expr, Opcode, Program, QueryTarget, RootExpr};
use vrl::path::{OwnedSegment, OwnedValuePath, PathPrefix};

use super::path::{Path, Segment};
use super::program::Setting;
use super::walk::Walk;

/// What an expression reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Of what.
    pub root: Root,
    /// Which part.
    pub path: Path,
    /// The bytes of the expression that say so.
    pub span: Range<usize>,
}

/// What a path begins at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// `.`: the data, or the item inside of a list.
    Here,
    /// `event`: the whole data, inside of a list.
    Whole,
    /// `%`: the envelope.
    Envelope,
}

/// Something that an expression may not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: String,
}

/// A tree that was gone through.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) program: Program,
    pub(crate) queries: Vec<Query>,
    pub(crate) problems: Vec<Problem>,
    /// The path of the list that the expression hands on, where it does nothing else than to choose from it.
    pub(crate) list: Option<Path>,
}

/// Goes through a tree. The `??` at the places in `needless` are left out, with what stands behind them.
pub(crate) fn prepare(program: Program, setting: Setting<'_>, needless: &[Range<usize>]) -> Tree {
    let list = match program.0.as_slice() {
        [only] => match only.inner() {
            RootExpr::Expr(expr) => list_path(expr.inner()),
            RootExpr::Error(_) => None,
        },
        _ => None,
    };
    let mut walk = Walk::new(setting.in_list, setting.tables, needless);
    let root = |root: RootExpr, walk: &mut Walk<'_>| match root {
        RootExpr::Expr(expr) => RootExpr::Expr(walk.expr(expr)),
        RootExpr::Error(error) => RootExpr::Error(error),
    };
    let roots = program.0.into_iter().map(|node| node.map(|inner| root(inner, &mut walk))).collect();
    Tree { program: Program(roots), queries: walk.queries, problems: walk.problems, list }
}

/// The path of the list that an expression hands on, whole or in part.
fn list_path(expr: &Expr) -> Option<Path> {
    match expr {
        Expr::Query(query) if matches!(query.inner().target.inner(), QueryTarget::External(PathPrefix::Event)) => {
            Some(to_path(query.inner().path.inner()))
        }
        Expr::Container(container) => match container.inner() {
            Container::Group(group) => list_path(group.inner().0.inner()),
            Container::Block(_) | Container::Array(_) | Container::Object(_) => None,
        },
        Expr::Op(op) if op.inner().1.inner() == &Opcode::Err => list_path(op.inner().0.inner()),
        Expr::FunctionCall(call)
            if ["array", "filter", "slice", "unique"].contains(&call.inner().ident.inner().as_ref()) =>
        {
            list_path(call.inner().arguments.first()?.inner().expr.inner())
        }
        _ => None,
    }
}

pub(super) fn to_path(path: &OwnedValuePath) -> Path {
    Path::new(path.segments.iter().map(to_segment).collect())
}

fn to_segment(segment: &OwnedSegment) -> Segment {
    match segment {
        OwnedSegment::Field(name) => Segment::Field(name.as_str().to_owned()),
        OwnedSegment::Index(index) => Segment::Index(i64::try_from(*index).unwrap_or(i64::MAX)),
    }
}
