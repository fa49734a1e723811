//! What applying a policy changes, and whether it may be applied. Values in, values out.

use std::collections::BTreeMap;

use model::{
    AuditId, AuditRow, Batch, Change, Delivery, DeliveryState, Entry, FlowName, Guard, InForce, Partition, PolicyVersion,
    Principal, TimeSpan, Timestamp,
};
use policy::{Policy, SourceFile};

use crate::rules::asked::{Asked, NotDone};
use crate::rules::names::Object;
use crate::rules::replayed;

/// The subject of the audit row of an application: which policy came into force.
pub fn subject(version: PolicyVersion) -> String {
    format!("policy/{}", version.short())
}

/// What happens to deliveries that are open to what a policy removes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenDeliveries {
    /// The policy is refused.
    #[default]
    Refuse,
    /// They are held for their owner.
    Hold,
}

/// What happens when a secret that a policy names has no value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingSecrets {
    /// The policy is refused: what the secret proves would refuse everything.
    #[default]
    Refuse,
    /// It is applied: the person knows.
    Allow,
}

/// What happens when a contract would break what it promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Breaches {
    /// The policy is refused: those who use the contract were promised another version.
    #[default]
    Refuse,
    /// It is applied: the person knows whom it hurts.
    Allow,
}

/// How a policy is to be applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    /// The version that the person believes to be in force; refused when another is.
    pub onto: Option<PolicyVersion>,
    /// What happens to deliveries that are open to what is removed.
    pub open: OpenDeliveries,
    /// What happens when a secret that the policy names has no value.
    pub missing: MissingSecrets,
    /// What happens when a contract would break what it promised.
    pub breaches: Breaches,
}

/// What a policy removes, and what is still open there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// What.
    pub object: Object,
    /// Deliveries that are not final: at most a page of them is counted.
    pub open: u64,
    /// Whether there are more than were counted.
    pub more: bool,
}

impl Removal {
    /// One clause for people.
    pub fn sentence(&self) -> String {
        let more = if self.more { "at least " } else { "" };
        format!("{} {} has {more}{} open deliveries", self.object.kind(), self.object.name(), self.open)
    }
}

/// What may speak against a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What it removes.
    pub removals: Vec<Removal>,
    /// The secrets that it names and that have no value, each with where it would be read from.
    pub secrets_missing: Vec<String>,
    /// What its contracts break of what those of the one in force promised, each in a sentence.
    pub breaches: Vec<String>,
}

/// Every reason why a policy may not be applied on these terms.
pub fn refusals(found: &Found, terms: Terms) -> Vec<NotDone> {
    let mut refusals = Vec::new();
    if !found.secrets_missing.is_empty() && terms.missing == MissingSecrets::Refuse {
        refusals.push(NotDone::SecretsMissing(found.secrets_missing.clone()));
    }
    if !found.breaches.is_empty() && terms.breaches == Breaches::Refuse {
        refusals.push(NotDone::Breaks(found.breaches.clone()));
    }
    let in_use: Vec<String> = found.removals.iter().filter(|removal| removal.open > 0).map(Removal::sentence).collect();
    if !in_use.is_empty() && terms.open == OpenDeliveries::Refuse {
        let text = format!("{}; finish or cancel them, or ask for them to be held", in_use.join(", "));
        refusals.push(NotDone::Refused(text));
    }
    refusals
}

/// The same wish at a moment after the last application, so that the audit has them in their order even when two fall on
/// one instant, or a clock went back between two lives.
pub fn after(last: Option<&InForce>, asked: &Asked) -> Asked {
    let earliest = last.map_or(Timestamp::EPOCH, |last| last.at + TimeSpan::from_micros(1));
    Asked { at: asked.at.max(earliest), ..asked.clone() }
}

/// What a person is told whose policy was made for another one than is in force.
pub fn came_first(last: &InForce) -> NotDone {
    NotDone::Changed(format!(
        "the policy in force is {}, applied by {} at {} ({}); look at the difference again",
        last.version.short(),
        last.by,
        last.at,
        last.why
    ))
}

/// One application.
#[derive(Clone, Debug)]
pub struct Application<'a> {
    /// Its number: one more than the last one's.
    pub number: u64,
    /// The version that is applied.
    pub version: PolicyVersion,
    /// Its files.
    pub files: &'a [SourceFile],
    /// The version that was in force.
    pub in_force: PolicyVersion,
    /// The flows that it does not have and earlier ones had: [`gone`].
    pub gone: BTreeMap<FlowName, Timestamp>,
}

/// LIMIT: names of flows of which it is kept when they were removed; of those before nothing waits any more.
const GONE_MAX: usize = 1_000;

/// The flows that a policy does not have and earlier ones had, each with when it was removed: what was gone stays gone as of then.
pub fn gone(last: &InForce, policy: &Policy, removed: &[Removal], at: Timestamp) -> BTreeMap<FlowName, Timestamp> {
    let mut gone = last.gone.clone();
    for removal in removed {
        if let Object::Flow(name) = &removal.object {
            gone.insert(name.clone(), at);
        }
    }
    gone.retain(|name, _| !policy.flows.contains_key(name));
    while gone.len() > GONE_MAX {
        let oldest = gone.iter().min_by_key(|(_, at)| **at).map(|(name, _)| name.clone());
        gone.retain(|name, _| Some(name) != oldest.as_ref());
    }
    gone
}

/// The batch that applies a policy: its text, an entry for every partition, and the audit row. The entries tell readers of the
/// journal; no record is judged or routed by where they stand (decision 0060). Of two that were made onto one application, the ledger takes one.
pub fn batch(application: &Application<'_>, partitions: &[Partition], action: &str, asked: &Asked) -> Batch {
    let Application { number, version, files, in_force, gone } = application;
    let id = AuditId::derive(model::arrival_id(asked.at, [0; 10]), &[b"policy.apply", &number.to_be_bytes()]);
    let files = files.iter().map(|file| (file.path.clone(), file.text.clone())).collect();
    let (by, why, at) = (asked.by.clone(), asked.why.clone(), asked.at);
    let mut batch = Batch::new()
        .guard(Guard::InForce { number: number - 1 })
        .change(Change::StorePolicy { version: *version, files, at })
        .change(Change::PutInForce(Box::new(InForce {
            number: *number,
            version: *version,
            by,
            why,
            at,
            gone: gone.clone(),
        })));
    for partition in partitions {
        batch.changes.push(Change::Emit {
            id: replayed::emission(id.0, &[&version.0.0, &partition.0.to_be_bytes(), &in_force.0.0]),
            partition: *partition,
            policy: *in_force,
            entry: Box::new(Entry::PolicyApplied { version: *version, by: asked.by.clone(), why: asked.why.clone() }),
        });
    }
    batch.change(Change::Audit(AuditRow { id, ..asked.audit(action, &subject(*version)) }))
}

/// What becomes of a delivery whose flow or destination is removed.
#[derive(Clone, Debug)]
pub enum Left {
    /// It is held by this batch.
    Hold(Batch),
    /// An attempt is under way; it ends by itself.
    UnderWay,
    /// It is final or with a person.
    Settled,
}

/// Holds a waiting delivery because what it needs is not in the policy of this application. It is a conflict once another was
/// applied: that may have it again.
pub fn hold(delivery: &Delivery, removed: &Object, in_force: u64, (by, at): (&Principal, Timestamp)) -> Left {
    let why = removed.removed();
    let told = Asked { by: by.clone(), why: why.clone(), at };
    match delivery.state {
        DeliveryState::Waiting { .. } if delivery.lease.is_some() => Left::UnderWay,
        DeliveryState::Waiting { .. } => Left::Hold(
            Batch::new()
                .guard(Guard::DeliveryVersion { delivery: delivery.id, version: delivery.version })
                .guard(Guard::InForce { number: in_force })
                .change(Change::Move {
                    delivery: delivery.id,
                    state: DeliveryState::Held { for_whom: delivery.owner.clone() },
                    why,
                    new_round: None,
                })
                .change(Change::Audit(told.audit("delivery.hold", &delivery.id.to_string()))),
        ),
        DeliveryState::Held { .. }
        | DeliveryState::Done { .. }
        | DeliveryState::DeadLettered { .. }
        | DeliveryState::Cancelled { .. }
        | DeliveryState::Superseded { .. } => Left::Settled,
    }
}

#[cfg(test)]
mod tests {
    use model::{Digest, Principal};
    use uuid::Uuid;

    use super::*;

    fn version(text: &str) -> PolicyVersion {
        PolicyVersion(Digest::of(text.as_bytes()))
    }

    fn asked() -> Asked {
        Asked { by: Principal::new("ines"), why: "new carrier".to_owned(), at: Timestamp::from_secs(1_793_000_000) }
    }

    fn removal(open: u64) -> Removal {
        Removal { object: "destination/wms".parse().unwrap(), open, more: false }
    }

    #[test]
    fn every_reason_for_a_refusal_is_told_unless_the_terms_allow_it() {
        const SECRET: &str = "these secrets have no value: wms/token";
        const OPEN: &str = "destination wms has 3 open deliveries; finish or cancel them, or ask for them to be held";
        const BREACH: &str = "order@1.0.0 breaks those who read: it needs the version 2.0.0";
        let check = |deliveries, (open, missing, breaches), expected: &[&str]| {
            let found = Found {
                removals: vec![removal(deliveries)],
                secrets_missing: vec!["wms/token".to_owned()],
                breaches: vec![BREACH.to_owned()],
            };
            let told = refusals(&found, Terms { onto: None, open, missing, breaches });
            assert_eq!(
                told.iter().map(ToString::to_string).collect::<Vec<_>>(),
                expected,
                "{deliveries} {open:?} {missing:?} {breaches:?}"
            );
        };
        check(3, (OpenDeliveries::Refuse, MissingSecrets::Refuse, Breaches::Refuse), &[SECRET, BREACH, OPEN]);
        check(0, (OpenDeliveries::Refuse, MissingSecrets::Refuse, Breaches::Allow), &[SECRET]);
        check(3, (OpenDeliveries::Refuse, MissingSecrets::Allow, Breaches::Allow), &[OPEN]);
        check(3, (OpenDeliveries::Hold, MissingSecrets::Allow, Breaches::Refuse), &[BREACH]);
        check(3, (OpenDeliveries::Hold, MissingSecrets::Allow, Breaches::Allow), &[]);
    }

    fn made(number: u64, next: &str) -> Batch {
        let application =
            Application { number, version: version(next), files: &[], in_force: version("x"), gone: BTreeMap::new() };
        batch(&application, &[Partition(0), Partition(1)], "policy.apply", &asked())
    }

    fn emitted(batch: &Batch) -> Vec<Uuid> {
        let id = |change: &Change| match change {
            Change::Emit { id, .. } => Some(*id),
            _ => None,
        };
        batch.changes.iter().filter_map(id).collect()
    }

    #[test]
    fn the_same_application_is_one_and_coming_back_is_another() {
        assert_eq!(emitted(&made(2, "b")), emitted(&made(2, "b")));
        assert_eq!(emitted(&made(2, "b")).len(), 2);
        assert_ne!(emitted(&made(2, "b")), emitted(&made(4, "b")));
    }

    #[test]
    fn an_application_follows_the_one_that_it_was_made_onto() {
        let batch = made(3, "b");
        assert_eq!(batch.guards, [Guard::InForce { number: 2 }]);
        let number = |change: &Change| match change {
            Change::PutInForce(last) => Some((last.number, last.version, last.by.clone())),
            _ => None,
        };
        let put: Vec<_> = batch.changes.iter().filter_map(number).collect();
        assert_eq!(put, [(3, version("b"), Principal::new("ines"))]);
    }

    #[test]
    fn the_audit_names_the_policy_that_came_into_force() {
        let row = |change: &Change| match change {
            Change::Audit(row) => Some((row.action.clone(), row.subject.clone())),
            _ => None,
        };
        let rows: Vec<_> = made(2, "b").changes.iter().filter_map(row).collect();
        assert_eq!(rows, [("policy.apply".to_owned(), format!("policy/{}", version("b").short()))]);
    }

    #[test]
    fn an_application_is_later_than_the_one_before() {
        let last = InForce {
            number: 1,
            version: version("a"),
            by: Principal::new("ada"),
            why: String::new(),
            at: asked().at,
            gone: BTreeMap::new(),
        };
        assert!(after(Some(&last), &asked()).at > last.at);
        assert_eq!(after(None, &asked()), asked());
        assert!(came_first(&last).to_string().contains("applied by ada"));
    }
}
