//! What a file of a project is, by its path, and all files together as decoded objects.

use std::collections::{BTreeMap, BTreeSet};

use model::limit::PROJECT_FILES_MAX;
use model::{ContractRef, Diagnostic, FlowName, MappingName, Owner, RetryName, Severity, Span};

use super::table::Table;
use super::{contract, flow, mapping, retry, scalar, system, team, test, validate};
use crate::source_file::too_many;
use crate::specs::{ContractSpec, FlowSpec, MappingSpec, RetrySpec, SystemSpec, TeamSpec, TestSpec};
use crate::tree::{self, Node};
use crate::{Findings, SourceFile, Spanned, codes, near};

/// The kinds of objects, each with a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A system with its sources and destinations.
    System,
    /// A version of a contract.
    Contract,
    /// A mapping.
    Mapping,
    /// A flow.
    Flow,
    /// A retry policy.
    Retry,
    /// A team.
    Team,
    /// A test.
    Test,
}

impl ObjectKind {
    /// All of them, in the order in which people read a project.
    pub const ALL: [Self; 7] =
        [Self::System, Self::Contract, Self::Mapping, Self::Flow, Self::Retry, Self::Team, Self::Test];

    /// The folder of its files.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::System => "systems",
            Self::Contract => "contracts",
            Self::Mapping => "mappings",
            Self::Flow => "flows",
            Self::Retry => "policies",
            Self::Team => "teams",
            Self::Test => "tests",
        }
    }

    /// What one of it is called.
    pub const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Contract => "contract",
            Self::Mapping => "mapping",
            Self::Flow => "flow",
            Self::Retry => "retry policy",
            Self::Team => "team",
            Self::Test => "test",
        }
    }

    /// The fields of its files.
    pub fn table(self) -> &'static Table {
        match self {
            Self::System => &system::SYSTEM,
            Self::Contract => &contract::CONTRACT,
            Self::Mapping => &mapping::MAPPING,
            Self::Flow => &flow::FLOW,
            Self::Retry => &retry::RETRY,
            Self::Team => &team::TEAM,
            Self::Test => &test::TEST,
        }
    }
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The kind.
    pub kind: ObjectKind,
    /// The name; of a contract without its version.
    pub name: String,
    /// The version of a contract, else empty.
    pub version: String,
}

impl Address {
    /// What the file of a path is: an object, nothing of ours (`None`), or a mistake that is reported.
    pub fn of(path: &str, findings: &mut Findings) -> Option<Self> {
        let (folder, rest) = path.split_once('/')?;
        let kind = ObjectKind::ALL.into_iter().find(|kind| kind.folder() == folder);
        let stem = rest.strip_suffix(".yaml");
        let Some(kind) = kind else {
            if stem.is_some() {
                stray(path, folder, findings);
            }
            return None;
        };
        let Some(stem) = stem else {
            let ending = rest.rsplit_once('.').map_or("", |(_, ending)| ending);
            if ["yml", "yaml"].iter().any(|it| ending.eq_ignore_ascii_case(it)) {
                let diagnostic = findings.error(
                    codes::BAD_FILE_NAME,
                    Span::default(),
                    format!("`{path}` would not be read: it ends in .{ending}"),
                );
                findings.push(diagnostic.help("rename it to .yaml"));
            }
            return None;
        };
        let address = if kind == ObjectKind::Contract { contract_address(stem) } else { plain_address(kind, stem) };
        if address.is_none() {
            let help = match kind {
                ObjectKind::Contract => {
                    "a contract is contracts/NAME/VERSION.yaml, the version with three numbers, such as `1.0.0`"
                }
                _ => "a name has lower-case letters, digits, `-`, `_`, `.`, and begins with a letter or digit",
            };
            let diagnostic = findings.error(
                codes::BAD_FILE_NAME,
                Span::default(),
                format!("`{path}` gives no name of a {}", kind.word()),
            );
            findings.push(diagnostic.help(help));
        }
        address
    }
}

fn plain_address(kind: ObjectKind, stem: &str) -> Option<Address> {
    Owner::new(stem).ok()?;
    Some(Address { kind, name: stem.to_owned(), version: String::new() })
}

fn contract_address(stem: &str) -> Option<Address> {
    let (name, version) = stem.split_once('/')?;
    let reference = format!("{name}@{version}");
    scalar::contract_ref(&reference)?;
    Some(Address { kind: ObjectKind::Contract, name: name.to_owned(), version: version.to_owned() })
}

fn stray(path: &str, folder: &str, findings: &mut Findings) {
    let folders = ObjectKind::ALL.map(ObjectKind::folder);
    let diagnostic =
        findings.error(codes::UNKNOWN_FOLDER, Span::default(), format!("`{path}` is in no folder that is read"));
    findings.push(diagnostic.help(near::suggestion(folder, folders)));
}

/// All objects of a project. Those that could not be read are missing in the lists and still have their name among
/// the known ones, so that one mistake does not look like several.
#[derive(Debug, Default)]
pub struct Objects {
    /// Systems in the order of their names.
    pub systems: Vec<SystemSpec>,
    /// Contracts by name and version.
    pub contracts: BTreeMap<ContractRef, ContractSpec>,
    /// Mappings by name.
    pub mappings: BTreeMap<MappingName, MappingSpec>,
    /// Flows by name.
    pub flows: BTreeMap<FlowName, FlowSpec>,
    /// Retry policies by name, without the built-in ones.
    pub retries: BTreeMap<RetryName, RetrySpec>,
    /// Teams by name.
    pub teams: BTreeMap<Owner, TeamSpec>,
    /// Tests in the order of their names.
    pub tests: Vec<TestSpec>,
    /// The texts of systems that could not be read: their sources and destinations are unknown, and a name that occurs
    /// in one of them is not reported as missing.
    pub unread_systems: Vec<String>,
    /// Kind and name (`NAME@VERSION` of a contract) of every file that has one, readable or not, with its path.
    pub known: BTreeMap<(ObjectKind, String), String>,
}

/// Reads all files. Every mistake is left in `findings`.
pub fn decode(files: &[SourceFile], findings: &mut Findings) -> Objects {
    let mut objects = Objects::default();
    if files.len() > PROJECT_FILES_MAX {
        findings.push(too_many(files.len()));
        return objects;
    }
    let mut sorted: Vec<&SourceFile> = files.iter().collect();
    sorted.sort_by(|one, other| one.path.cmp(&other.path));
    let mut seen = BTreeSet::new();
    for file in sorted {
        findings.enter(&file.path);
        if !seen.insert(file.path.as_str()) {
            let diagnostic = findings.error(codes::FILE_TWICE, Span::default(), format!("`{}` was given twice", file.path));
            findings.push(diagnostic.help("hand in each file once; a folder cannot have it twice"));
            continue;
        }
        objects.add(file, findings);
    }
    objects
}

/// The tree of one file, checked against the table of its kind, for editors: mistakes of this file alone.
pub fn examine(file: &SourceFile, findings: &mut Findings) -> Option<(Address, Node)> {
    findings.enter(&file.path);
    let address = Address::of(&file.path, findings)?;
    let root = read(file, &address, findings)?;
    Some((address, root))
}

fn read(file: &SourceFile, address: &Address, findings: &mut Findings) -> Option<Node> {
    let root = tree::parse(&file.text, findings)?;
    if root.entries().is_none() {
        let message = format!("{} is a map of keys, and this is none", address.kind.table().name);
        findings.push(findings.error(codes::WRONG_SHAPE, root.span, message));
        return None;
    }
    let name = Spanned::new(address.name.clone(), opening(&root));
    validate::check_table(&root, address.kind.table(), &name, findings);
    Some(root)
}

/// Where something that is missing in the whole file is reported: at its first key.
fn opening(root: &Node) -> Span {
    root.entries()
        .and_then(|entries| entries.first())
        .map_or(Span { start: root.span.start, end: root.span.start }, |entry| entry.key.span)
}

impl Objects {
    fn add(&mut self, file: &SourceFile, findings: &mut Findings) {
        let Some(address) = Address::of(&file.path, findings) else {
            // A body of a test may have U+FFFD in it as it came.
            if let Some(lost) = tree::lost_character(&file.text, findings) {
                let help = "this test would not get the bytes of the file: save it as UTF-8, unless U+FFFD is what came";
                findings.push(Diagnostic { severity: Severity::Warning, help: help.to_owned(), ..lost });
            }
            return;
        };
        let Address { kind, name, version } = &address;
        let full_name = if version.is_empty() { name.clone() } else { format!("{name}@{version}") };
        self.known.insert((*kind, full_name), file.path.clone());
        let Some(root) = read(file, &address, findings) else {
            if *kind == ObjectKind::System {
                self.unread_systems.push(file.text.clone());
            }
            return;
        };
        let path = file.path.as_str();
        match kind {
            ObjectKind::System => self.systems.push(system::system(path, name, &root)),
            ObjectKind::Contract => {
                if let Some(spec) = contract::contract(path, name, version, &root) {
                    self.contracts.insert(spec.reference.clone(), spec);
                }
            }
            ObjectKind::Mapping => {
                if let Ok(name) = MappingName::new(name) {
                    self.mappings.insert(name.clone(), mapping::mapping(path, name, &root));
                }
            }
            ObjectKind::Flow => {
                if let Ok(name) = FlowName::new(name) {
                    self.flows.insert(name.clone(), flow::flow(path, name, &root));
                }
            }
            ObjectKind::Retry => {
                if let Ok(name) = RetryName::new(name) {
                    self.retries.insert(name.clone(), retry::retry(path, name, &root));
                }
            }
            ObjectKind::Team => {
                if let Ok(name) = Owner::new(name) {
                    self.teams.insert(name.clone(), team::team(path, name, &root));
                }
            }
            ObjectKind::Test => self.tests.extend(test::test(path, name, &root)),
        }
    }
}
