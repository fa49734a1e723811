//! A plan as people read it.

use std::collections::BTreeSet;

use super::{Affected, Change, Line, Mark, Plan};

/// The plan as text, ending in a line that sums it up.
pub fn text(plan: &Plan) -> String {
    if plan.is_empty() {
        return if plan.from == plan.to {
            "Plan: nothing to change.\n".to_owned()
        } else {
            "Plan: nothing to change; only comments or layout differ.\n".to_owned()
        };
    }
    let mut lines: Vec<String> = plan.changes.iter().flat_map(change_lines).collect();
    lines.push(affects(&plan.affected));
    let (add, change, remove) = plan.counts();
    lines.push(format!("Plan: {add} to add, {change} to change, {remove} to remove."));
    lines.join("\n") + "\n"
}

fn sign(mark: Mark) -> char {
    match mark {
        Mark::Add => '+',
        Mark::Change => '~',
        Mark::Remove => '-',
    }
}

fn change_lines(change: &Change) -> Vec<String> {
    let head = format!("  {} {:<12} {:<24} {}", sign(change.mark), change.kind.word(), change.name, change.note);
    let mut lines = vec![head.trim_end().to_owned()];
    lines.extend(change.lines.iter().map(|line| format!("      {}", field(line))));
    lines.extend(change.warnings.iter().map(|warning| format!("      ▲ {warning}")));
    for (whom, users) in [("those who send", &change.hurt.senders), ("those who read", &change.hurt.readers)] {
        if !users.is_empty() {
            lines.push(format!("      ▲ {whom}: {}", users.iter().map(String::as_str).collect::<Vec<_>>().join(", ")));
        }
    }
    lines.extend(change.breaches.iter().map(|breach| format!("      ✗ {breach}")));
    lines
}

fn field(line: &Line) -> String {
    let whom = if line.hurts.is_any() { format!("   (breaks {})", line.hurts.whom()) } else { String::new() };
    said(line) + &whom
}

fn said(line: &Line) -> String {
    match (&line.before, &line.after) {
        (Some(before), Some(after)) => format!("{}: {before}  →  {after}", line.path),
        (None, Some(after)) => format!("+ {}: {after}", line.path),
        (Some(before), None) => format!("- {}: {before}", line.path),
        (None, None) => format!("{} {}", sign(line.mark), line.path),
    }
}

fn affects(affected: &Affected) -> String {
    let group = |names: &BTreeSet<String>, word: &str| {
        let plural = if names.len() == 1 { "" } else { "s" };
        let list: Vec<&str> = names.iter().map(String::as_str).collect();
        (!names.is_empty()).then(|| format!("{} {word}{plural} ({})", names.len(), list.join(", ")))
    };
    let groups =
        [group(&affected.flows, "flow"), group(&affected.sources, "source"), group(&affected.destinations, "destination")];
    let groups: Vec<String> = groups.into_iter().flatten().collect();
    if groups.is_empty() { "Affects   nothing that runs".to_owned() } else { format!("Affects   {}", groups.join(" · ")) }
}
