//! The keyring: values of secrets by their names, as they were at one moment. Whoever loads secrets makes a new one
//! when a value changes; nobody changes one in place. It never shows a value.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use formats::signature::Secret;
use model::SecretName;
use policy::Policy;
use tokio::sync::watch;

/// Values of secrets; a snapshot that does not change. `Debug` shows the names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Keyring {
    values: BTreeMap<SecretName, Secret>,
}

impl Keyring {
    /// A keyring of these names and values; of a name that comes twice the last value holds.
    ///
    /// Values are taken as they are. Empty ones are left out: they prove nothing, and what they would verify stays
    /// closed.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (SecretName, Secret)>) -> Self {
        let mut values: BTreeMap<SecretName, Secret> = pairs.into_iter().collect();
        values.retain(|_, value| !value.is_empty());
        Self { values }
    }

    /// The value of a secret, where it has one.
    pub fn get(&self, name: &SecretName) -> Option<&Secret> {
        self.values.get(name)
    }

    /// The values of these secrets in the same order; names without a value are passed over.
    pub fn values<'a>(&'a self, names: &'a [SecretName]) -> impl Iterator<Item = &'a Secret> {
        names.iter().filter_map(|name| self.get(name))
    }

    /// The names that have a value.
    pub fn names(&self) -> impl Iterator<Item = &SecretName> {
        self.values.keys()
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keyring").field(&self.values.keys()).finish()
    }
}

/// What was found of the secrets that policies name.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The values.
    pub keys: Keyring,
    /// Those without a value, each with where it would be read from, in words.
    pub missing: Vec<String>,
}

/// Reads the values of all secrets that these policies name. It may block on small files.
pub type Load = Box<dyn Fn(&[&Policy]) -> Loaded + Send + Sync>;

/// The present keyring, and how a new one is made.
pub(crate) struct Keys {
    load: Load,
    held: watch::Sender<Arc<Keyring>>,
}

impl Keys {
    pub(crate) fn new(load: Load, present: &Policy) -> Self {
        let held = watch::Sender::new(Arc::new(load(&[present]).keys));
        Self { load, held }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Keyring>> {
        self.held.subscribe()
    }

    pub(crate) fn missing(&self, policy: &Policy) -> Vec<String> {
        (self.load)(&[policy]).missing
    }

    /// Holds the values of these policies from now on.
    pub(crate) fn renew(&self, policies: &[&Policy]) {
        let fresh = (self.load)(policies).keys;
        self.held.send_if_modified(|held| {
            let differs = **held != fresh;
            if differs {
                *held = Arc::new(fresh);
            }
            differs
        });
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("held", &self.held).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> SecretName {
        SecretName::new(text).unwrap()
    }

    #[test]
    fn a_keyring_gives_values_by_name_and_shows_none() {
        let keys = Keyring::from_pairs([
            (name("shop/webhook"), Secret::new("hunter2")),
            (name("shop/old"), Secret::new("")),
            (name("edi/password"), Secret::new("correct horse")),
        ]);
        assert_eq!(keys.get(&name("shop/webhook")), Some(&Secret::new("hunter2")));
        assert_eq!(keys.get(&name("shop/old")), None, "an empty value is none");
        assert_eq!(keys.get(&name("other")), None);
        let wanted = [name("shop/old"), name("edi/password"), name("shop/webhook")];
        let values: Vec<&Secret> = keys.values(&wanted).collect();
        assert_eq!(values, [&Secret::new("correct horse"), &Secret::new("hunter2")]);
        let shown = format!("{keys:?}");
        assert!(shown.contains("shop/webhook") && !shown.contains("hunter2") && !shown.contains("horse"), "{shown}");
    }
}
