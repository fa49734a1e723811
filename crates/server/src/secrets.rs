//! Secrets by reference: values from the environment or from files, never from a project file, never in a log.
//!
//! `shop/webhook` is the variable `CROSSDOCK_SECRET_SHOP_WEBHOOK`, else the file `secrets/shop/webhook` of the data folder.

use std::collections::BTreeSet;
use std::path::Path;

use engine::keyring::{Keyring, Load, Loaded};
use formats::signature::Secret;
use model::SecretName;
use policy::Policy;

use crate::settings::{Environment, Settings};

/// LIMIT: a secret's value; keys and certificates are smaller.
const VALUE_BYTES_MAX: u64 = 64 * 1024;

/// The names of all secrets that a policy refers to.
pub fn names(policy: &Policy) -> BTreeSet<SecretName> {
    let mut names: BTreeSet<SecretName> =
        policy.sources.values().flat_map(|source| source.secrets.iter().cloned()).collect();
    names.extend(policy.odoos().into_values().flat_map(|odoo| odoo.secrets().cloned()));
    names.extend(policy.destinations.values().flat_map(|it| it.secrets()).cloned());
    names
}

/// Where the value of a secret would be read from, in words.
pub fn place(name: &SecretName, data: &Path) -> String {
    format!("{} or the file {}", name.variable(), data.join("secrets").join(name.as_str()).display())
}

/// What reads the values of the secrets that policies name.
pub fn loader(settings: &Settings) -> Load {
    let (environment, data) = (settings.environment.clone(), settings.data.clone());
    Box::new(move |policies| {
        let names = policies.iter().flat_map(|policy| names(policy)).collect();
        let (keys, missing) = load(&names, &environment, &data);
        let missing = missing.iter().map(|name| format!("{name} ({})", place(name, &data))).collect();
        Loaded { keys, missing }
    })
}

/// The values that can be found, and the names of those that cannot.
pub fn load(names: &BTreeSet<SecretName>, environment: &Environment, data: &Path) -> (Keyring, Vec<SecretName>) {
    let mut pairs = Vec::new();
    let mut missing = Vec::new();
    for name in names {
        match environment.get(&name.variable()).map(String::into_bytes).or_else(|| read(data, name)) {
            Some(value) => pairs.push((name.clone(), Secret::new(value))),
            None => missing.push(name.clone()),
        }
    }
    (Keyring::from_pairs(pairs), missing)
}

/// A file's content without the newline that editors add.
fn read(data: &Path, name: &SecretName) -> Option<Vec<u8>> {
    let path = data.join("secrets").join(name.as_str());
    let small = std::fs::metadata(&path).ok().as_ref().is_some_and(|meta| meta.is_file() && meta.len() <= VALUE_BYTES_MAX);
    let mut value = small.then(|| std::fs::read(&path).ok()).flatten()?;
    while value.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        value.pop();
    }
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_comes_before_files_and_what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("secrets/shop")).unwrap();
        std::fs::write(folder.path().join("secrets/shop/webhook"), "from a file\n").unwrap();
        let name = |text| SecretName::new(text).unwrap();
        let wanted = BTreeSet::from([name("shop/webhook"), name("wms/token"), name("edi/password")]);
        let environment = Environment::from_pairs(&[("CROSSDOCK_SECRET_WMS_TOKEN", "from the environment")]);
        let (keys, missing) = load(&wanted, &environment, folder.path());
        assert_eq!(keys.get(&name("shop/webhook")).map(Secret::expose), Some(b"from a file".as_slice()));
        assert_eq!(keys.get(&name("wms/token")).map(Secret::expose), Some(b"from the environment".as_slice()));
        assert_eq!(missing, [name("edi/password")]);
    }
}
