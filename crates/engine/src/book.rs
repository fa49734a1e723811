//! The book of policies: the present one for intake and destinations, earlier ones for the deliveries that keep them.
//!
//! A policy is compiled once and shared. The book never decides which policy routes a record: the record names it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Fault, FaultKind, PolicyVersion};
use policy::{Policy, SourceFile};
use tokio::sync::watch;

use crate::keyring::{Keyring, Keys, Load};
use crate::ports::Ledger;

/// LIMIT: compiled policies that are held at once; more are compiled again when they are asked for.
const HELD_MAX: usize = 16;

/// Policies by version.
#[derive(Debug)]
pub struct Book {
    ledger: Arc<dyn Ledger>,
    held: Mutex<BTreeMap<PolicyVersion, Arc<Policy>>>,
    current: watch::Sender<Arc<Policy>>,
    /// The values of secrets that follow the policy; none where whoever owns the book keeps them. Locked while either of
    /// the two changes.
    keys: Mutex<Option<Keys>>,
    /// The number of the application that made the present policy so; 0 while that is not known.
    number: Mutex<u64>,
}

impl Book {
    /// A book that begins with this policy as the present one.
    pub fn new(ledger: Arc<dyn Ledger>, present: Arc<Policy>) -> Self {
        let held = Mutex::new(BTreeMap::from([(present.version, Arc::clone(&present))]));
        Self { ledger, held, current: watch::Sender::new(present), keys: Mutex::default(), number: Mutex::new(0) }
    }

    /// The policy that judges what arrives now, and whose destinations, limits and breakers hold.
    pub fn current(&self) -> Arc<Policy> {
        Arc::clone(&self.current.borrow())
    }

    /// Told when the present policy changes.
    pub fn watch(&self) -> watch::Receiver<Arc<Policy>> {
        self.current.subscribe()
    }

    /// The values of secrets, which follow the present policy from now on.
    pub fn follow_keys(&self, load: Load) -> watch::Receiver<Arc<Keyring>> {
        let keys = Keys::new(load, &self.current());
        let watched = keys.watch();
        *self.keys() = Some(keys);
        watched
    }

    /// Reads the values of the present policy's secrets again. What only an earlier policy named is forgotten.
    pub fn renew_keys(&self) {
        if let Some(keys) = self.keys().as_ref() {
            keys.renew(&[&self.current()]);
        }
    }

    /// The secrets of a policy that have no value, each with where it would be read from.
    pub fn secrets_missing(&self, policy: &Policy) -> Vec<String> {
        self.keys().as_ref().map_or_else(Vec::new, |keys| keys.missing(policy))
    }

    fn keys(&self) -> MutexGuard<'_, Option<Keys>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the policy of an application the present one, unless a later application is known already: whoever learns of an
    /// earlier one, or learns late, changes nothing.
    ///
    /// INVARIANT: whoever sees a policy as the present one sees a keyring with the values of its secrets. So those of the
    /// old and the new one are held before the new one is seen; [`Book::renew_keys`] takes the old ones away later.
    pub fn adopt(&self, number: u64, policy: Arc<Policy>) {
        self.hold(Arc::clone(&policy));
        let mut known = self.number.lock().unwrap_or_else(PoisonError::into_inner);
        if number <= *known {
            return;
        }
        *known = number;
        if self.current().version == policy.version {
            return;
        }
        let keys = self.keys();
        if let Some(keys) = keys.as_ref() {
            keys.renew(&[&self.current(), &policy]);
        }
        self.current.send_replace(policy);
        drop(keys);
    }

    /// Whether the policy of this application, or a later one, is the present one.
    pub fn has_reached(&self, number: u64) -> bool {
        *self.number.lock().unwrap_or_else(PoisonError::into_inner) >= number
    }

    /// The policy of a version, read from the ledger when it is not held.
    ///
    /// Faults: `Corrupt` when the ledger does not have it, or has other files than those of this version, though something
    /// names it.
    pub async fn at(&self, version: PolicyVersion) -> Result<Arc<Policy>, Fault> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).get(&version).cloned();
        if let Some(policy) = held {
            return Ok(policy);
        }
        let files = self.ledger.policy(version).await?.ok_or(Fault::new(FaultKind::Corrupt, "book.at"))?;
        let policy = Arc::new(compile(version, files)?);
        self.hold(Arc::clone(&policy));
        Ok(policy)
    }

    /// The same, or nothing where the ledger does not have it as it was: what keeps it is then for a person.
    pub async fn kept(&self, version: PolicyVersion) -> Result<Option<Arc<Policy>>, Fault> {
        match self.at(version).await {
            Ok(policy) => Ok(Some(policy)),
            Err(fault) if fault.kind == FaultKind::Corrupt => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    fn hold(&self, policy: Arc<Policy>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= HELD_MAX {
            held.retain(|version, _| *version == self.current.borrow().version);
        }
        held.insert(policy.version, policy);
    }
}

/// Compiles a stored policy. It was checked before it was stored; what a newer check would refuse in it still holds.
pub fn compile(version: PolicyVersion, files: Vec<(String, String)>) -> Result<Policy, Fault> {
    let files: Vec<SourceFile> = files.into_iter().map(|(path, text)| SourceFile { path, text }).collect();
    if policy::version(&files) != version {
        let what = format!("the files of the policy {} are not those that were stored", version.short());
        return Err(Fault::from_error(FaultKind::Corrupt, "book.compile", what));
    }
    let (policy, _) = policy::restore(&files);
    Ok(policy)
}
