//! Packs as projects: the files of several folders together, checked and ready to take requests.

use std::fs;
use std::path::{Path, PathBuf};

use engine::intake::Verifiers;
use engine::keyring::Keyring;
use formats::signature::Secret;
use model::Timestamp;
use policy::render::{self, Colour};
use policy::{Policy, SourceFile, check_at, codes};

/// When everything happens: 2026-03-01T10:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_772_359_200);
/// The secret of every source, in the form that the strictest of them asks for.
pub(crate) const SECRET: &str = "whsec_YSBzZWNyZXQgb2YgdGhlIHBhY2tzJyB0ZXN0cw==";

/// A project of packs, with the keys of its sources.
pub(crate) struct Project {
    pub(crate) policy: Policy,
    pub(crate) verifiers: Verifiers,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The project files of these packs and of the canonical one, as if they were copied into one folder.
pub(crate) fn files(packs: &[&str]) -> Vec<SourceFile> {
    let mut files = Vec::new();
    for pack in ["canonical"].iter().chain(packs) {
        let pack = root().join("packs").join(pack);
        for folder in ["systems", "contracts", "mappings", "flows"] {
            collect(&pack, &pack.join(folder), &mut files);
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

fn collect(pack: &Path, folder: &Path, files: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(pack, &path, files);
        } else {
            let name = path.strip_prefix(pack).expect("inside").to_string_lossy().replace('\\', "/");
            files.push(SourceFile::new(name, fs::read_to_string(&path).expect("a text")));
        }
    }
}

/// These packs as a project. A contract that no mapping of them makes is not the question here.
pub(crate) fn project(packs: &[&str]) -> Project {
    let files = files(packs);
    let (policy, mut found) = check_at(&files, NOW);
    found.retain(|found| found.code != codes::UNUSED_CONTRACT);
    assert!(found.is_empty(), "{packs:?}:\n{}", render::text(&found, &files, Colour::Plain));
    let policy = policy.expect("a policy");
    let names = policy.sources.values().flat_map(|source| source.secrets.iter().cloned());
    let keys = Keyring::from_pairs(names.map(|name| (name, Secret::new(SECRET))));
    let verifiers = Verifiers::new(&policy, &keys);
    Project { policy, verifiers }
}

#[test]
fn each_pack_with_the_canonical_one_is_a_right_project() {
    for pack in super::PACKS {
        let sources = project(&[pack]).policy.sources;
        assert!(sources.keys().any(|source| source.as_str() == pack), "{pack}");
    }
}

#[test]
fn all_packs_together_are_a_right_project_that_uses_every_contract() {
    let files = files(&super::PACKS);
    let (_, found) = check_at(&files, NOW);
    assert_eq!(render::text(&found, &files, Colour::Plain), "");
    for (at, file) in files.iter().enumerate() {
        assert!(files[..at].iter().all(|other| other.path != file.path), "two packs have {}", file.path);
    }
}

#[test]
fn the_units_of_odoo_are_the_same_in_all_its_mappings() {
    let files = files(&["odoo"]);
    for (begins, at_least) in [("odoo-command-", 3), ("odoo-", 20)] {
        let of = |file: &&SourceFile| {
            let name = file.path.strip_prefix("mappings/").unwrap_or_default();
            name.starts_with(begins) && name.starts_with("odoo-command-") == (begins == "odoo-command-")
        };
        let table = |file: &SourceFile| Some(file.text.split_once("  unit:\n")?.1.split_once(" }\n")?.0.to_owned());
        let tables: Vec<String> = files.iter().filter(of).filter_map(table).collect();
        assert!(tables.len() >= at_least, "{begins}: {}", tables.len());
        assert!(tables.iter().all(|table| *table == tables[0]), "{begins}");
    }
}

#[test]
fn every_pack_says_how_it_is_used() {
    for pack in ["canonical"].iter().chain(&super::PACKS) {
        let text = fs::read_to_string(root().join("packs").join(pack).join("README.md")).unwrap_or_default();
        assert!(text.lines().count() > 10, "packs/{pack}/README.md");
    }
}
