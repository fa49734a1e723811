//! The product's own rotation: each Odoo that says how is looked at now and then, and gets a new key before the one in use ends.
//! What it does is in the audit; what it cannot do is a concern with its repair. It never logs a key.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adapters::odoo::Odoo;
use engine::drive::insist;
use engine::node::Ground;
use engine::ports::Clock;
use engine::rules::asked::Asked;
use model::{Batch, Change, Diagnostic, Fault, Principal, TimeSpan, Timestamp};
use policy::compiled::Odoo as Declared;

use super::{Rotated, Rotation};
use crate::settings::Settings;

/// From look to look where all is well, and where a key should have been made.
const EVERY: (TimeSpan, TimeSpan) = (TimeSpan::from_secs(3_600), TimeSpan::from_secs(600));
/// How long what was done is shown.
const SHOWN: TimeSpan = TimeSpan::from_days(1);

/// What came of the last look at a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new key is in use.
    Done(Rotated),
    /// None could be made, or the old one not be ended.
    Failed(Diagnostic),
}

/// What came of rotations in this life of the process, by system, for people.
#[derive(Debug, Default)]
pub struct Rotations(Mutex<BTreeMap<String, (Timestamp, Outcome)>>);

impl Rotations {
    /// What there is to be shown: what fails, and what was done a short while ago.
    pub fn shown(&self, now: Timestamp) -> Vec<(String, Timestamp, Outcome)> {
        let is_shown = |at: Timestamp, outcome: &Outcome| matches!(outcome, Outcome::Failed(_)) || now.since(at) < SHOWN;
        let all = self.lock();
        let shown = all.iter().filter(|(_, (at, outcome))| is_shown(*at, outcome));
        shown.map(|(system, (at, outcome))| (system.clone(), *at, outcome.clone())).collect()
    }

    fn note(&self, system: &str, at: Timestamp, outcome: Outcome) {
        self.lock().insert(system.to_owned(), (at, outcome));
    }

    /// What failed before and is well now, or is not asked for any more, is no concern.
    fn keep(&self, fails: impl Fn(&str) -> bool) {
        self.lock().retain(|system, (_, outcome)| matches!(outcome, Outcome::Done(_)) || fails(system));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (Timestamp, Outcome)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rotates until it is told to stop.
pub async fn run(ground: Ground, settings: Settings, rotations: Arc<Rotations>) -> Result<(), Fault> {
    let odoo = Odoo::new(Arc::clone(&ground.clock));
    let mut stop = ground.stop.clone();
    while !*stop.borrow() {
        let policy = ground.book.current();
        let declared = policy.odoos().into_values().filter(|declared| declared.rotate.is_some());
        let mut failing = Vec::new();
        for declared in declared {
            let turned = tokio::select! {
                biased;
                _ = stop.changed() => return Ok(()),
                turned = turn(&odoo, declared, &ground, &settings, &rotations) => turned?,
            };
            failing.extend(turned.then(|| declared.system.clone()));
        }
        rotations.keep(|system| failing.iter().any(|failing| failing == system));
        let (well, again) = EVERY;
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = ground.clock.sleep(if failing.is_empty() { well } else { again }) => {}
        }
    }
    Ok(())
}

/// One look at a system. Answers whether it fails.
async fn turn(
    odoo: &Odoo,
    declared: &Declared,
    ground: &Ground,
    settings: &Settings,
    rotations: &Rotations,
) -> Result<bool, Fault> {
    let clock: &dyn Clock = &*ground.clock;
    let rotation = Rotation { odoo, declared, environment: &settings.environment, data: &settings.data, clock };
    let system = &declared.system;
    let failed = |found: Diagnostic| {
        tracing::warn!(system, code = %found.code, "the key of {system} is not rotated: {}", found.message);
        rotations.note(system, clock.now(), Outcome::Failed(found));
        true
    };
    match rotation.look().await {
        Ok(looked) if !looked.is_due(clock.wall()) => return Ok(false),
        Ok(_) => {}
        // Where Odoo is away, whoever captures says so.
        Err(found) if found.code == policy::codes::ODOO_BUSY || found.code == policy::codes::ODOO_UNREACHED => {
            return Ok(false);
        }
        Err(found) => return Ok(failed(found)),
    }
    let taken = Box::pin(async { ground.book.renew_keys() });
    match rotation.run(taken).await {
        Ok(rotated) => {
            let why = rotated.to_string();
            tracing::info!(system, "{system}: {why}");
            let asked = Asked { by: Principal::product(), why, at: clock.now() };
            let batch = Batch::new().change(Change::Audit(asked.audit("odoo.key.rotate", system)));
            insist(clock, Some(&ground.stop), || ground.ledger.commit(batch.clone())).await?;
            rotations.note(system, clock.now(), Outcome::Done(rotated));
            Ok(false)
        }
        Err(found) => Ok(failed(found)),
    }
}
