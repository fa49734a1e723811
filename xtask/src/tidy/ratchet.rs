//! The ratchet: lengths above the limit that are known, written in `xtask/ratchet.toml`.
//! An entry names the present length. It is lowered or removed, never raised.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;

use super::lengths;
use super::tree::Tree;

pub(crate) const PATH: &str = "xtask/ratchet.toml";

const HEADER: &str = "\
# Lengths above the limit that we know of, each with its present value.
# An entry goes down or goes away. `cargo xtask tidy --ratchet` lowers entries after a clean-up;
# a new one is written by hand, and the reviewer asks why.
";

/// Entries by name: a path for files, `path::Type::function` for functions and parameters.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Ratchet {
    pub(crate) files: BTreeMap<String, usize>,
    pub(crate) functions: BTreeMap<String, usize>,
    pub(crate) parameters: BTreeMap<String, usize>,
}

impl Ratchet {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    pub(crate) fn tables(&self) -> [(&'static str, &BTreeMap<String, usize>); 3] {
        [("files", &self.files), ("functions", &self.functions), ("parameters", &self.parameters)]
    }

    fn tables_mut(&mut self) -> [(&'static str, &mut BTreeMap<String, usize>); 3] {
        [("files", &mut self.files), ("functions", &mut self.functions), ("parameters", &mut self.parameters)]
    }

    fn text(&self) -> String {
        let mut text = HEADER.to_owned();
        for (name, entries) in self.tables() {
            // Writing to a String cannot fail.
            let _ok = writeln!(text, "\n[{name}]");
            for (key, value) in entries {
                let _ok = writeln!(text, "{key:?} = {value}");
            }
        }
        text
    }

    /// Lowers each entry to what is there now, drops what is short enough, adds and raises nothing.
    fn lower_to(&mut self, present: &BTreeMap<(&'static str, String), usize>) {
        for (table, entries) in self.tables_mut() {
            entries.retain(|key, value| match present.get(&(table, key.clone())) {
                Some(size) => {
                    *value = (*value).min(*size);
                    true
                }
                None => false,
            });
        }
    }
}

/// Rewrites the ratchet file; says what it did.
pub(crate) fn lower(root: &Path) -> Result<String, String> {
    let tree = Tree::read(root)?;
    let text = tree.file(PATH).map(|file| file.text.as_str()).unwrap_or_default();
    let mut ratchet = Ratchet::parse(text)?;
    let present =
        lengths::measure(&tree).into_iter().map(|measure| ((measure.kind.table(), measure.key), measure.size)).collect();
    ratchet.lower_to(&present);
    std::fs::write(root.join(PATH), ratchet.text()).map_err(|error| format!("{PATH}: {error}"))?;
    let count: usize = ratchet.tables().iter().map(|(_, entries)| entries.len()).sum();
    Ok(format!("{PATH}: {count} entries"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowering_shrinks_and_drops_but_never_raises() {
        let mut ratchet = Ratchet::parse("[files]\n\"a.rs\" = 450\n\"b.rs\" = 410\n\"gone.rs\" = 420\n").expect("valid");
        let present = BTreeMap::from([
            (("files", "a.rs".to_owned()), 430),
            (("files", "b.rs".to_owned()), 500),
            (("files", "new.rs".to_owned()), 440),
        ]);
        ratchet.lower_to(&present);
        let again = Ratchet::parse(&ratchet.text()).expect("what is written can be read");
        assert_eq!(again.files, BTreeMap::from([("a.rs".to_owned(), 430), ("b.rs".to_owned(), 410)]));
    }

    #[test]
    fn an_unknown_table_is_an_error() {
        assert!(Ratchet::parse("[folders]\n").is_err());
    }
}
