//! The calls of an expression: functions that do not exist here, tables that a mapping does not have, zones that depend
//! on the machine, and guards around arguments that multiply.

use vrl::parser::ast::{Expr, FunctionArgument, FunctionCall, Literal, Node};

use super::functions::{AGAIN, FEW, HASHED, NAMED, NARROW, SEARCHED, SHALLOW_XML, SMALL, SQUARED, denied};
use super::walk::{EVENT, Walk, guarded};
use crate::{codes, near};

impl Walk<'_> {
    pub(super) fn call(&mut self, mut call: FunctionCall) -> FunctionCall {
        let name = call.ident.inner().as_ref().to_owned();
        if let Some(why) = denied(&name) {
            self.problem(codes::FUNCTION_NOT_HERE, call.ident.span(), format!("`{name}` does not exist here: {why}"), "");
        }
        if name == "lookup" {
            self.lookup(&call);
        }
        let zone = argument(
            &call,
            "timezone",
            if name == "format_timestamp" || name == "parse_timestamp" { Some(2) } else { None },
        );
        if let Some(zone) = zone {
            self.zone(zone);
        }
        let guards = guards(&name);
        let searches_pattern = searches_pattern(&call);
        let walk_argument = |walk: &mut Self, at: usize, mut given: FunctionArgument| {
            let fits = |(keyword, position, _): &&(&str, usize, &str)| match &given.ident {
                Some(ident) => *keyword == ident.inner().as_ref(),
                None => *position == at,
            };
            let guard = guards.iter().find(fits).map(|(_, _, guard)| *guard);
            // A variable that is looked into where it stands is not copied, and has to be seen as one.
            given.expr =
                if at == 0 && (name == "del" || name == "exists") { walk.place(given.expr) } else { walk.expr(given.expr) };
            if let Some(guard) = guard.filter(|guard| *guard != SEARCHED || searches_pattern) {
                given.expr = guarded(guard, given.expr);
            }
            given
        };
        call.arguments = call
            .arguments
            .into_iter()
            .enumerate()
            .map(|(at, node)| node.map(|given| walk_argument(self, at, given)))
            .collect();
        call.closure = call.closure.map(|node| {
            node.map(|mut closure| {
                let shadows = usize::from(closure.variables.iter().any(|name| name.inner().as_ref() == EVENT));
                self.shadowed += shadows;
                closure.block = closure.block.map(|block| self.block(block));
                self.shadowed -= shadows;
                closure
            })
        });
        call
    }

    fn lookup(&mut self, call: &FunctionCall) {
        let Some(table) = argument(call, "table", Some(0)) else { return };
        match literal(table) {
            None => {
                self.problem(
                    codes::UNKNOWN_TABLE,
                    table.span(),
                    "the name of a table is written in quotes",
                    "lookup!(\"table\", .key)",
                );
            }
            Some(name) if !self.tables.0.contains_key(&name) => {
                let help = near::suggestion(&name, self.tables.0.keys().map(String::as_str));
                self.problem(codes::UNKNOWN_TABLE, table.span(), format!("there is no table \"{name}\""), help);
            }
            Some(_) => {}
        }
    }

    /// A zone that depends on the machine would give other bytes on another one.
    fn zone(&mut self, zone: &Node<Expr>) {
        let name = literal(zone).unwrap_or_default();
        if name.is_empty() || name == "local" {
            let help = "write its name, such as \"Europe/Rome\"; iso_time takes a zone from the data";
            self.problem(codes::FUNCTION_NOT_HERE, zone.span(), "the time zone has to be named", help);
        }
    }
}

/// Arguments that are guarded: name, place, guard.
fn guards(function: &str) -> &'static [(&'static str, usize, &'static str)] {
    match function {
        "replace" | "replace_with" | "split" | "parse_regex_all" | "sieve" | "redact" => &[("value", 0, SEARCHED)],
        "parse_key_value" => &[("value", 0, SQUARED), ("key_value_delimiter", 1, SMALL), ("field_delimiter", 2, SMALL)],
        "parse_logfmt" => &[("value", 0, SQUARED)],
        "unique" | "tally" => &[("value", 0, HASHED)],
        "contains_all" => &[("value", 0, AGAIN), ("substrings", 1, FEW)],
        "flatten" => &[("value", 0, NAMED), ("separator", 1, NARROW)],
        "encode_key_value" => &[("value", 0, NAMED), ("key_value_delimiter", 2, NARROW), ("field_delimiter", 3, NARROW)],
        "encode_logfmt" => &[("value", 0, NAMED)],
        "format_number" => &[("scale", 1, SMALL), ("decimal_separator", 2, SMALL), ("grouping_separator", 3, SMALL)],
        "parse_xml" => &[("value", 0, SHALLOW_XML)],
        _ => &[],
    }
}

/// The argument with this name, or the one at this place where it has no name.
fn argument<'c>(call: &'c FunctionCall, name: &str, position: Option<usize>) -> Option<&'c Node<Expr>> {
    let fits = |(at, node): &(usize, &Node<FunctionArgument>)| match &node.inner().ident {
        Some(ident) => ident.inner().as_ref() == name,
        None => Some(*at) == position,
    };
    call.arguments.iter().enumerate().find(fits).map(|(_, node)| &node.inner().expr)
}

/// Whether a call may search for a pattern, and not only for a text.
fn searches_pattern(call: &FunctionCall) -> bool {
    let sought = ["pattern", "permitted_characters", "filters"].iter().find_map(|name| argument(call, name, Some(1)));
    sought.is_some_and(|sought| match sought.inner() {
        Expr::Literal(literal) => matches!(literal.inner(), Literal::Regex(_)),
        // What is read of an event is no pattern.
        Expr::Query(_) => false,
        _ => true,
    })
}

/// The text of an expression that is nothing but a text.
fn literal(node: &Node<Expr>) -> Option<String> {
    let Expr::Literal(literal) = node.inner() else { return None };
    match literal.inner() {
        Literal::String(template) => template.as_literal_string().map(ToOwned::to_owned),
        Literal::RawString(text) => Some(text.clone()),
        Literal::Integer(_)
        | Literal::Float(_)
        | Literal::Boolean(_)
        | Literal::Regex(_)
        | Literal::Timestamp(_)
        | Literal::Null => None,
    }
}
