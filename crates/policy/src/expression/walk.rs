//! The walk through the tree of an expression; see [`syntax`](super::syntax) for what it is for.

use std::ops::Range;

use model::Code;
use vrl::diagnostic::Span;
use vrl::parser::ast::{
    Assignment, AssignmentOp, AssignmentTarget, Block, Container, Expr, FunctionArgument, FunctionCall, Group, Ident,
    Literal, Node, Not, Op, Opcode, Predicate, Query as QueryNode, QueryTarget, Unary,
};
use vrl::path::{OwnedSegment, OwnedValuePath, PathPrefix};

use super::functions::{KEPT, NUMBER, READ, Tables};
use super::syntax::{Problem, Query, Root, to_path};
use super::view::{ENVELOPE, WHOLE};
use crate::{codes, near};

/// LIMIT: levels of an expression; the compiler recurses.
pub(super) const DEPTH_MAX: usize = 60;
/// LIMIT: an index in a path; the compiler and the variables of an expression make room for all places before it.
const INDEX_MAX: isize = 1_000;
/// The name of the whole data inside of a list.
pub(super) const EVENT: &str = "event";

pub(super) struct Walk<'w> {
    in_list: bool,
    pub(super) tables: &'w Tables,
    needless: &'w [Range<usize>],
    pub(super) queries: Vec<Query>,
    pub(super) problems: Vec<Problem>,
    depth: usize,
    /// Closures around that have a parameter named `event`.
    pub(super) shadowed: usize,
}

impl<'w> Walk<'w> {
    pub(super) const fn new(in_list: bool, tables: &'w Tables, needless: &'w [Range<usize>]) -> Self {
        Self { in_list, tables, needless, queries: Vec::new(), problems: Vec::new(), depth: 0, shadowed: 0 }
    }

    pub(super) fn expr(&mut self, node: Node<Expr>) -> Node<Expr> {
        if self.depth >= DEPTH_MAX {
            self.problem(
                codes::EXPRESSION_TOO_LARGE,
                node.span(),
                "the expression is nested too deeply",
                "keep a part of it in a variable",
            );
            return Node::new(node.span(), Expr::Literal(Node::new(node.span(), Literal::Null)));
        }
        self.depth += 1;
        let node = node.map(|expr| self.inner(expr));
        self.depth -= 1;
        node
    }

    fn inner(&mut self, expr: Expr) -> Expr {
        match expr {
            Expr::Literal(_) | Expr::Break(_) => expr,
            Expr::Container(node) => Expr::Container(node.map(|container| self.container(container))),
            Expr::IfStatement(node) => Expr::IfStatement(node.map(|mut statement| {
                statement.predicate = statement.predicate.map(|predicate| self.predicate(predicate));
                statement.if_node = statement.if_node.map(|block| self.block(block));
                statement.else_node = statement.else_node.map(|node| node.map(|block| self.block(block)));
                statement
            })),
            Expr::Op(node) if self.is_needless(node.inner()) => self.expr(*node.into_inner().0).into_inner(),
            Expr::Op(node) => Expr::Op(node.map(|op| self.op(op))),
            Expr::Assignment(node) => Expr::Assignment(node.map(|assignment| self.assignment(assignment))),
            Expr::Query(node) => {
                let span = node.span();
                let query = node.map(|query| self.query(query, span));
                let copies = matches!(query.inner().target.inner(), QueryTarget::Internal(_));
                counted(copies, Node::new(span, Expr::Query(query)))
            }
            Expr::FunctionCall(node) => Expr::FunctionCall(node.map(|call| self.call(call))),
            Expr::Variable(node) if self.is_whole(node.inner()) => {
                let span = node.span();
                let target = Node::new(span, QueryTarget::Internal(node.into_inner()));
                let query = QueryNode { target, path: Node::new(span, OwnedValuePath::root()) };
                Expr::Query(Node::new(span, self.query(query, span)))
            }
            Expr::Variable(node) => counted(true, Node::new(node.span(), Expr::Variable(node))),
            Expr::Unary(node) => Expr::Unary(node.map(|Unary::Not(not)| {
                Unary::Not(not.map(|not| {
                    let (mark, expr) = not.take();
                    Not::new(mark.span(), self.expr(*expr))
                }))
            })),
            Expr::Abort(node) => Expr::Abort(node.map(|mut abort| {
                abort.message = abort.message.map(|message| Box::new(self.expr(*message)));
                abort
            })),
            Expr::Return(node) => Expr::Return(node.map(|mut returned| {
                returned.expr = Box::new(self.expr(*returned.expr));
                returned
            })),
        }
    }

    /// As [`Walk::expr`], of what is looked at where it stands.
    pub(super) fn place(&mut self, node: Node<Expr>) -> Node<Expr> {
        match node.take() {
            (span, Expr::Query(query)) => Node::new(span, Expr::Query(query.map(|query| self.query(query, span)))),
            (span, other) => self.expr(Node::new(span, other)),
        }
    }

    fn container(&mut self, container: Container) -> Container {
        match container {
            Container::Group(group) => Container::Group(Box::new(group.map(|group| Group(self.expr(group.0))))),
            Container::Block(block) => Container::Block(block.map(|block| self.block(block))),
            Container::Array(array) => {
                Container::Array(array.map(|array| array.into_iter().map(|expr| self.expr(expr)).collect()))
            }
            Container::Object(object) => Container::Object(
                object.map(|object| object.into_iter().map(|(name, expr)| (name, self.expr(expr))).collect()),
            ),
        }
    }

    pub(super) fn block(&mut self, block: Block) -> Block {
        Block(block.0.into_iter().map(|expr| self.expr(expr)).collect())
    }

    fn predicate(&mut self, predicate: Predicate) -> Predicate {
        match predicate {
            Predicate::One(expr) => Predicate::One(Box::new(self.expr(*expr))),
            Predicate::Many(exprs) => Predicate::Many(exprs.into_iter().map(|expr| self.expr(expr)).collect()),
        }
    }

    fn is_needless(&self, Op(_, code, _): &Op) -> bool {
        code.inner() == &Opcode::Err && self.needless.contains(&(code.start()..code.end()))
    }

    fn op(&mut self, Op(left, code, right): Op) -> Op {
        let (left, right) = (self.expr(*left), self.expr(*right));
        if code.inner() == &Opcode::Mul {
            return Op(Box::new(guarded(NUMBER, left)), code, Box::new(guarded(NUMBER, right)));
        }
        Op(Box::new(left), code, Box::new(right))
    }

    fn assignment(&mut self, assignment: Assignment) -> Assignment {
        match assignment {
            Assignment::Single { target, op, expr } => {
                self.target(&target);
                let mut expr = self.expr(*expr);
                if op == AssignmentOp::Merge {
                    // `a |= b` is `a = a | b`; the guard has to see both.
                    let span = expr.span();
                    let before = Box::new(Node::new(target.span(), target.inner().to_expr(target.span())));
                    expr = Node::new(
                        span,
                        Expr::Op(Node::new(span, Op(before, Node::new(span, Opcode::Merge), Box::new(expr)))),
                    );
                }
                let expr = Box::new(guarded(KEPT, expr));
                Assignment::Single { target, op: AssignmentOp::Assign, expr }
            }
            Assignment::Infallible { ok, err, op, expr } => {
                // The guard cannot stand around something that can fail.
                let span = Span::new(ok.start(), err.end());
                let message = "a value and its error cannot be assigned together here";
                self.problem(codes::TWO_TARGETS, span, message, "write `x = name(…) ?? other`");
                Assignment::Infallible { ok, err, op, expr }
            }
        }
    }

    fn target(&mut self, target: &Node<AssignmentTarget>) {
        let (name, path) = match target.inner() {
            AssignmentTarget::Noop => (None, None),
            AssignmentTarget::Query(query) => match query.target.inner() {
                QueryTarget::Internal(name) => (Some(name), Some(query.path.inner())),
                QueryTarget::External(_) | QueryTarget::FunctionCall(_) | QueryTarget::Container(_) => {
                    (None, Some(query.path.inner()))
                }
            },
            AssignmentTarget::Internal(name, path) => (Some(name), path.as_ref()),
            AssignmentTarget::External(path) => (None, path.as_ref().map(|path| &path.path)),
        };
        if self.in_list && name.is_some_and(|name| name.as_ref() == EVENT) {
            let message = "`event` is the whole data here and cannot be assigned to";
            self.problem(codes::EXPRESSION_WRITES, target.span(), message, "take another name for the variable");
        }
        self.indexes(path, target.span());
    }

    fn indexes(&mut self, path: Option<&OwnedValuePath>, span: Span) {
        let far = |segment: &OwnedSegment| matches!(segment, OwnedSegment::Index(index) if !(-INDEX_MAX..=INDEX_MAX).contains(index));
        if path.is_some_and(|path| path.segments.iter().any(far)) {
            let message = format!("an index above {INDEX_MAX} cannot be written in an expression");
            self.problem(
                codes::EXPRESSION_TOO_LARGE,
                span,
                message,
                "use push() to add to a list, and find() or for_each() to search in one",
            );
        }
    }

    fn query(&mut self, mut query: QueryNode, span: Span) -> QueryNode {
        query.target = query.target.map(|target| match target {
            QueryTarget::FunctionCall(call) => QueryTarget::FunctionCall(self.call(call)),
            QueryTarget::Container(container) => QueryTarget::Container(self.container(container)),
            QueryTarget::Internal(_) | QueryTarget::External(_) => target,
        });
        self.indexes(Some(query.path.inner()), span);
        let path = to_path(query.path.inner());
        let root = match query.target.inner() {
            QueryTarget::External(PathPrefix::Event) => Root::Here,
            QueryTarget::External(PathPrefix::Metadata) => Root::Envelope,
            QueryTarget::Internal(name) if self.is_whole(name) => {
                query.path = query.path.map(|path| path.with_field_prefix(WHOLE));
                query.target = query.target.map(|_| QueryTarget::External(PathPrefix::Metadata));
                Root::Whole
            }
            QueryTarget::Internal(_) | QueryTarget::FunctionCall(_) | QueryTarget::Container(_) => {
                return query;
            }
        };
        if root == Root::Envelope {
            self.envelope(query.path.inner(), span);
        }
        self.queries.push(Query { root, path, span: span.start()..span.end() });
        query
    }

    /// The envelope has these members and no others; the whole of it is not offered, so that it can grow.
    fn envelope(&mut self, path: &OwnedValuePath, span: Span) {
        let name = match path.segments.first() {
            Some(OwnedSegment::Field(name)) => name.as_str(),
            Some(OwnedSegment::Index(_)) | None => "",
        };
        if !ENVELOPE.contains(&name) {
            let help = near::suggestion(name, ENVELOPE.iter().copied());
            self.problem(codes::UNKNOWN_ENVELOPE, span, format!("the envelope has no `%{name}`"), help);
        }
    }

    fn is_whole(&self, name: &Ident) -> bool {
        self.in_list && self.shadowed == 0 && name.as_ref() == EVENT
    }

    pub(super) fn problem(&mut self, code: Code, span: Span, message: impl Into<String>, help: impl Into<String>) {
        let span = Range { start: span.start(), end: span.end() };
        self.problems.push(Problem { code, span, message: message.into(), help: help.into() });
    }
}

/// A variable where it is read. What is read of the event counts by itself.
fn counted(copies: bool, node: Node<Expr>) -> Expr {
    if copies { guarded(READ, node).into_inner() } else { node.into_inner() }
}

/// A call of a guard around an expression, at the same place.
pub(super) fn guarded(guard: &str, node: Node<Expr>) -> Node<Expr> {
    let span = node.span();
    let call = FunctionCall {
        ident: Node::new(span, Ident::new(guard)),
        abort_on_error: false,
        arguments: vec![Node::new(span, FunctionArgument { ident: None, expr: node })],
        closure: None,
    };
    Node::new(span, Expr::FunctionCall(Node::new(span, call)))
}
