//! Who may do what with which model: a table of groups. It says no in Odoo's words, which name the groups that may.

use std::collections::BTreeSet;

use super::env::Env;
use super::errors::Failure;
use super::faults::Fault;

/// What is done with records of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Reading.
    Read,
    /// Changing.
    Write,
    /// Making.
    Create,
    /// Deleting.
    Unlink,
    /// Calling a method that needs no right to its model: it looks for itself.
    Call,
}

impl Operation {
    const fn word(self) -> &'static str {
        match self {
            Self::Read => "access",
            Self::Write => "modify",
            Self::Create => "create",
            Self::Unlink => "delete",
            Self::Call => "call",
        }
    }
}

/// The group that may configure everything.
pub const SETTINGS: &str = "Administration/Settings";
/// The group that gives rights to others. Only it reads external ids and the list of models.
const ACCESS_RIGHTS: &str = "Administration/Access Rights";
/// The group of everybody who works there.
pub const INTERNAL: &str = "User types/Internal User";

/// All groups, and for each what it includes.
const GROUPS: [(&str, &[&str]); 16] = [
    (INTERNAL, &[]),
    (SETTINGS, &[ACCESS_RIGHTS, INTERNAL]),
    (ACCESS_RIGHTS, &[INTERNAL]),
    ("Sales/Administrator", &["Sales/User: All Documents", "Sales/User: Own Documents Only", INTERNAL]),
    ("Sales/User: All Documents", &["Sales/User: Own Documents Only", INTERNAL]),
    ("Sales/User: Own Documents Only", &[INTERNAL]),
    ("Inventory/Administrator", &["Inventory/User", INTERNAL]),
    ("Inventory/User", &[INTERNAL]),
    ("Purchase/Administrator", &["Purchase/User", INTERNAL]),
    ("Purchase/User", &[INTERNAL]),
    ("Manufacturing/Administrator", &["Manufacturing/User", INTERNAL]),
    ("Manufacturing/User", &[INTERNAL]),
    ("Invoicing/Administrator", &["Invoicing/Billing", INTERNAL]),
    ("Invoicing/Billing", &[INTERNAL]),
    (READER, &[]),
    (MANAGER, &[READER]),
];

/// Who reads the outbox, and who makes its rules.
const READER: &str = "Crossdock: read the outbox";
const MANAGER: &str = "Crossdock: configure the outbox";

const SALES: &[&str] = &["Sales/Administrator", "Sales/User: All Documents", "Sales/User: Own Documents Only"];
const STOCK: &[&str] = &["Inventory/Administrator", "Inventory/User"];
const MOVERS: &[&str] = &[
    "Inventory/Administrator",
    "Inventory/User",
    "Manufacturing/User",
    "Purchase/User",
    "Sales/User: All Documents",
    "Sales/User: Own Documents Only",
];
const PURCHASE: &[&str] = &["Purchase/Administrator", "Purchase/User"];
const MAKERS: &[&str] = &["Manufacturing/Administrator", "Manufacturing/User"];
const BILLERS: &[&str] = &["Invoicing/Administrator", "Invoicing/Billing"];
const GIVERS: &[&str] = &[ACCESS_RIGHTS];
const ADMINISTRATORS: &[&str] = &[SETTINGS];
const EVERYBODY: &[&str] = &[INTERNAL];

/// By the beginning of the model's name, the first that fits: who reads, who changes and makes, who deletes.
const RIGHTS: [(&str, [&[&str]; 3]); 27] = [
    ("sale.order.line", [SALES, SALES, SALES]),
    ("sale.order", [SALES, SALES, &["Sales/Administrator"]]),
    ("sale.", [SALES, SALES, SALES]),
    ("account.payment.register", [BILLERS, BILLERS, BILLERS]),
    ("account.move", [BILLERS, BILLERS, BILLERS]),
    ("account.", [EVERYBODY, &["Invoicing/Administrator"], &["Invoicing/Administrator"]]),
    ("purchase.", [PURCHASE, PURCHASE, PURCHASE]),
    ("stock.quant", [EVERYBODY, STOCK, STOCK]),
    ("stock.picking.type", [EVERYBODY, &["Inventory/Administrator"], &["Inventory/Administrator"]]),
    ("stock.picking", [MOVERS, MOVERS, STOCK]),
    ("stock.move", [MOVERS, MOVERS, STOCK]),
    ("stock.warehouse", [EVERYBODY, &["Inventory/Administrator"], &["Inventory/Administrator"]]),
    ("stock.location", [EVERYBODY, &["Inventory/Administrator"], &["Inventory/Administrator"]]),
    ("stock.", [EVERYBODY, STOCK, STOCK]),
    ("mrp.bom", [EVERYBODY, &["Manufacturing/Administrator"], &["Manufacturing/Administrator"]]),
    ("mrp.", [MAKERS, MAKERS, MAKERS]),
    ("ir.model.data", [GIVERS, GIVERS, GIVERS]),
    ("ir.model", [&[ACCESS_RIGHTS, MANAGER], GIVERS, GIVERS]),
    ("ir.module", [EVERYBODY, ADMINISTRATORS, ADMINISTRATORS]),
    ("ir.", [ADMINISTRATORS, ADMINISTRATORS, ADMINISTRATORS]),
    ("base.", [ADMINISTRATORS, ADMINISTRATORS, ADMINISTRATORS]),
    ("res.users.", [EVERYBODY, EVERYBODY, EVERYBODY]),
    ("res.users", [EVERYBODY, ADMINISTRATORS, ADMINISTRATORS]),
    ("res.groups", [EVERYBODY, ADMINISTRATORS, ADMINISTRATORS]),
    ("crossdock.rule", [&[MANAGER], &[MANAGER], &[MANAGER]]),
    ("crossdock.", [&[READER], &[READER], &[READER]]),
    ("", [EVERYBODY, EVERYBODY, EVERYBODY]),
];

/// The names of all groups.
pub(super) fn groups() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().map(|(name, _)| *name)
}

/// A group with what it includes.
pub(super) fn with_included(group: &str) -> impl Iterator<Item = &'static str> {
    let found = GROUPS.iter().find(|(name, _)| *name == group);
    found.into_iter().flat_map(|(name, included)| [*name].into_iter().chain(included.iter().copied()))
}

fn allowed(model: &str, operation: Operation) -> &'static [&'static str] {
    let fits = |(start, _): &&(&str, [&'static [&'static str]; 3])| model.starts_with(start);
    let lists = RIGHTS.iter().find(fits).map_or([EVERYBODY; 3], |(_, lists)| *lists);
    match operation {
        Operation::Read => lists[0],
        Operation::Write | Operation::Create => lists[1],
        Operation::Unlink => lists[2],
        Operation::Call => EVERYBODY,
    }
}

/// Refuses a read of records of which a rule hides one: all of them, and what is gone is not named.
pub(super) fn check_records(env: &Env<'_>, model: &str, ids: &[i64]) -> Result<(), Failure> {
    let view = env.view();
    if !ids.iter().any(|id| view.hides(model, *id)) {
        return Ok(());
    }
    let label = view.model(model)?.label;
    Err(Failure::Access(format!(
        "Uh-oh! Looks like you have stumbled upon some top-secret records.\n\nSorry, Reader (id={}) doesn't have 'read' access to:\n- {label} ({model})\n\nIf you really, really need access, perhaps you can win over your friendly administrator with a batch of freshly baked cookies.",
        env.tx.user
    )))
}

/// Refuses what the caller may not do.
pub(super) fn check(env: &Env<'_>, model: &str, operation: Operation) -> Result<(), Failure> {
    let view = env.view();
    let model = view.model(model)?;
    let groups = allowed(model.name, operation);
    let none = BTreeSet::new();
    let own = env.world.accounts.groups(env.tx.user).unwrap_or(&none);
    let is_removed = env.world.faults.has(Fault::AccessRemoved) && model.name != "res.users";
    if groups.iter().any(|group| own.contains(group)) && !is_removed {
        return Ok(());
    }
    let list: Vec<String> = groups.iter().map(|group| format!("\t- {group}\n")).collect();
    let list = list.concat();
    Err(Failure::Access(format!(
        "You are not allowed to {} '{}' ({}) records.\n\nThis operation is allowed for the following groups:\n{list}\nContact your administrator to request access if necessary.",
        operation.word(),
        model.label,
        model.name
    )))
}
