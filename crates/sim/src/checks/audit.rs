//! I8: every change by a person is in the audit with who and why.

use model::{AuditRow, Batch, Change, DeliveryState, Fault, QuarantineState};

use crate::oracle::{Action, Stores};

/// A batch that holds a person's changes holds a row of the audit about what it changes, with who and why.
pub fn i8_changes_are_audited(batch: &Batch) -> Option<String> {
    let first = batch.changes.iter().find_map(subject_of)?;
    let about: Vec<String> =
        batch.changes.iter().filter_map(|change| subject_of(change).or_else(|| replaced(change))).collect();
    let tells = |row: &AuditRow| about.contains(&row.subject) && !row.why.is_empty() && !row.by.as_str().is_empty();
    let told = batch.changes.iter().filter_map(audit_row).any(tells);
    (!told).then(|| format!("{first} was changed by a person, and the audit has no row of it"))
}

/// What a replay sends again takes the place of what it was ordered for: the order is what is audited.
fn replaced(change: &Change) -> Option<String> {
    match change {
        Change::Move { delivery, state: DeliveryState::Superseded { .. }, .. } => Some(delivery.to_string()),
        _ => None,
    }
}

fn audit_row(change: &Change) -> Option<&AuditRow> {
    match change {
        Change::Audit(row) => Some(row),
        _ => None,
    }
}

/// What a person changes with it; `None` for what the product does by itself.
fn subject_of(change: &Change) -> Option<String> {
    match change {
        Change::Move { state: DeliveryState::Superseded { .. }, .. } => None,
        Change::Move { delivery, .. } => Some(delivery.to_string()),
        Change::QuarantineMove { event, state } => (*state != QuarantineState::Open).then(|| event.to_string()),
        Change::StorePolicy { version, .. } => Some(engine::change::decide::subject(*version)),
        Change::Switch { object, .. } => Some(object.clone()),
        Change::Replay { replay, .. } => Some(replay.id.to_string()),
        _ => None,
    }
}

/// What people were told is done is found in the audit under their name, with their reason.
pub async fn i8_people_find_their_actions(stores: &Stores, done: &[Action]) -> Result<Vec<String>, Fault> {
    let mut broken = Vec::new();
    for Action { by, subject, why } in done {
        let page = stores.views.audit(Some(subject.clone()), None, model::limit::PAGE_ROWS_MAX).await?;
        let found = page.rows.iter().any(|row| row.by.as_str() == by && row.why == *why && row.subject == *subject);
        if !found {
            broken.push(format!("{by} changed {subject} ({why}), and the audit does not show it"));
        }
    }
    Ok(broken)
}
