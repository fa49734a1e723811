//! I7: attempts never exceed the policy, and never come before they are due.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{DeliveryId, Fault, PolicyVersion, Timestamp};

use crate::oracle::{Followed, Stores, Work};
use crate::project::Project;

/// The latest attempt of a delivery is within the count of its round, was due, and began before its round had to be over.
pub fn i7_attempts_keep_the_policy(
    work: &Work,
    projects: &BTreeMap<PolicyVersion, Arc<Project>>,
    id: DeliveryId,
) -> Vec<String> {
    let Some(it) = work.deliveries.get(&id) else {
        return vec![format!("{id} is attempted and was never opened")];
    };
    let Some(attempt) = it.attempts.last() else { return Vec::new() };
    let mut broken = Vec::new();
    if attempt.claim.at < attempt.due {
        broken.push(format!("attempt {} of {id} began at {}, due {}", it.attempts.len(), attempt.claim.at, attempt.due));
    }
    if let Some(deadline) = deadline_of(projects, it).filter(|deadline| attempt.claim.at > *deadline) {
        let number = it.attempts.len();
        broken.push(format!("attempt {number} of {id} began at {}, after its deadline of {deadline}", attempt.claim.at));
    }
    if it.attempts.iter().rev().skip(1).any(|earlier| earlier.open) {
        broken.push(format!("attempt {} of {id} began while an earlier one was open", it.attempts.len()));
    }
    let made = it.attempts.len().saturating_sub(it.round_base as usize);
    if let Some(most) = attempts_max(projects, it).filter(|most| made > *most) {
        broken.push(format!("{id} has {made} attempts in its round, its policy allows {most}"));
    }
    broken
}

/// When the present round of a delivery has to be over, as its project says.
pub(super) fn deadline_of(projects: &BTreeMap<PolicyVersion, Arc<Project>>, it: &Followed) -> Option<Timestamp> {
    let flow = projects.get(&it.policy)?.flow(it.first.flow.as_str())?;
    Some(it.round_at + flow.deadline?)
}

fn attempts_max(projects: &BTreeMap<PolicyVersion, Arc<Project>>, it: &Followed) -> Option<usize> {
    let project = projects.get(&it.policy)?;
    let flow = project.flow(it.first.flow.as_str())?;
    Some(project.retry(&flow.retry)?.waits.len() + 1)
}

/// The rows of the attempts are those that were opened: numbered from 1, none missing, in time, and closed when the
/// delivery is not being attempted.
pub async fn i7_attempt_rows_agree(stores: &Stores, followed: &[Followed]) -> Result<Vec<String>, Fault> {
    let mut broken = Vec::new();
    for it in followed {
        let id = it.first.id;
        let Some(story) = stores.delivery_story(id).await? else {
            broken.push(format!("delivery {id} is gone"));
            continue;
        };
        if story.attempts.len() != it.attempts.len() || story.delivery.attempts as usize != it.attempts.len() {
            let rows = story.attempts.len();
            broken.push(format!(
                "{id} has {rows} attempt rows, counts {}, and had {}",
                story.delivery.attempts,
                it.attempts.len()
            ));
        }
        for (number, (row, attempt)) in (1_u32..).zip(story.attempts.iter().zip(&it.attempts)) {
            if row.no != number || row.started_at != attempt.claim.at || row.started_at < attempt.due {
                broken.push(format!("row {} of {id} began at {}, due {}", row.no, row.started_at, attempt.due));
            }
            if row.result.is_none() == (attempt.open && story.delivery.lease.is_some()) {
                continue;
            }
            broken.push(format!(
                "row {} of {id} is {}",
                row.no,
                if attempt.open { "closed too early" } else { "still open" }
            ));
        }
    }
    Ok(broken)
}
