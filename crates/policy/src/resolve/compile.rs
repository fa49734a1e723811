//! The seam to the compilers of contracts, mappings and expressions: specs go in, what they complain about is left in the
//! findings.

use std::sync::Arc;

use model::Diagnostic;

use crate::codes;
use crate::contract::Contract;
use crate::expression::{Expression, Kind, Path, Source};
use crate::mapping::Mapping;
use crate::specs::{ContractSpec, MappingSpec};
use crate::{Findings, Spanned};

/// A contract of which the schema can be used: what else is wrong with it hides no mistake of those that read its events.
pub(crate) fn contract(spec: &ContractSpec, findings: &mut Findings) -> Option<Contract> {
    let (contract, wrong) = Contract::new(spec);
    let of_schema = contract.check_schema();
    let rest = if of_schema.is_empty() { contract.check_rest(spec) } else { Vec::new() };
    findings.extend(wrong.into_iter().chain(rest));
    take(of_schema, findings).then_some(contract)
}

/// A mapping between two contracts, each as far as it is known.
pub(crate) fn mapping(
    spec: &MappingSpec,
    from: Option<&Arc<Contract>>,
    to: Option<&Arc<Contract>>,
    findings: &mut Findings,
) -> Option<Mapping> {
    let mapping = Mapping::new(spec, findings.text(), from.cloned(), to.cloned());
    take(mapping.check(), findings).then_some(mapping)
}

/// The filter of a flow: a boolean that cannot fail. The contracts are those of all events that it may see.
pub(crate) fn filter(text: &Spanned<String>, contracts: &[&Contract], findings: &mut Findings) -> Option<Expression> {
    expression(text, Kind::Bool, contracts, findings)
}

/// The lane of a flow: a text that cannot fail.
pub(crate) fn lane(text: &Spanned<String>, contracts: &[&Contract], findings: &mut Findings) -> Option<Expression> {
    expression(text, Kind::Text, contracts, findings)
}

fn expression(text: &Spanned<String>, kind: Kind, contracts: &[&Contract], findings: &mut Findings) -> Option<Expression> {
    let expression = Expression::new(Source::new(findings.path(), findings.text(), text), kind);
    let found = expression.check().into_iter().chain(crate::contract::unknown_paths(&expression, contracts)).collect();
    take(found, findings).then_some(expression)
}

/// Leaves everything in the findings and answers whether what it is about is used.
fn take(found: Vec<Diagnostic>, findings: &mut Findings) -> bool {
    let is_used = findings.uses(&found);
    findings.extend(found);
    is_used
}

/// A path into data.
pub(crate) fn path(text: &Spanned<String>, findings: &mut Findings) -> Option<Path> {
    match text.value.parse() {
        Ok(path) => Some(path),
        Err(bad) => {
            let diagnostic = findings.error(codes::BAD_PATH, text.span, format!("`{}` is not a path: {bad}", text.value));
            findings.push(diagnostic.help("a path looks like .customer.address[0].\"postal-code\""));
            None
        }
    }
}

/// A path of ours.
pub(crate) fn known_path(text: &str) -> Option<Path> {
    text.parse().ok()
}
