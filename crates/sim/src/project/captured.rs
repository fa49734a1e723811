//! A captured source of a project: the company's system of record, which nobody sends, and one flow that takes all of it.

use std::fmt::Write as _;

use model::{OnDead, TimeSpan};
use policy::SourceFile;

use super::{Filter, Flow, Lane, Project, owner_of};
use crate::company::Model;
use crate::random::Random;

/// How the company's system is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured {
    /// From sweep to sweep.
    pub every: TimeSpan,
    /// How far a sweep looks back.
    pub overlap: TimeSpan,
    /// From one comparison of identities to the next.
    pub identities: TimeSpan,
    /// From one comparison of contents to the next.
    pub digests: TimeSpan,
    /// What becomes of what is there at the first look.
    pub since: Since,
}

/// What becomes of what is there at the first look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// It becomes known.
    Now,
    /// It is an event.
    Beginning,
}

impl Captured {
    /// The source's name.
    pub const NAME: &'static str = "company";
    /// What the path of its nudges ends in.
    pub const NUDGE: &'static str = "nobody-guesses-this";
    /// Its secrets, with their values.
    pub const SECRETS: [(&'static str, &'static str); 2] =
        [("company/key", "key of the company"), ("company/nudge", Self::NUDGE)];

    /// A rhythm that is short in virtual time.
    pub fn draw(random: &mut Random) -> Self {
        let every = *random.pick(&[5, 5, 10]);
        Self {
            every: TimeSpan::from_secs(every),
            overlap: TimeSpan::from_secs(*random.pick(&[10, 10, 20, 60])),
            identities: TimeSpan::from_secs(*random.pick(&[60, 120])),
            digests: TimeSpan::from_secs(*random.pick(&[600, 900])),
            since: *random.pick(&[Since::Now, Since::Now, Since::Beginning]),
        }
    }

    /// The event type of a model's record in a word.
    pub fn kind(model: Model, word: &str) -> String {
        format!("{}.{}.{word}", Self::NAME, model.name())
    }

    /// The words that events of a model may have.
    pub fn words(model: Model) -> impl Iterator<Item = &'static str> {
        let made: &[&str] = if model.states().is_empty() { &["created"] } else { &[] };
        model.states().iter().chain(made).chain(&["changed", "deleted"]).copied()
    }

    /// Its files.
    pub(super) fn files(&self) -> Vec<SourceFile> {
        let system = SourceFile { path: "systems/company.yaml".to_owned(), text: self.system() };
        let contracts = Model::ALL
            .map(|model| SourceFile { path: format!("contracts/{}/1.0.0.yaml", contract_of(model)), text: contract(model) });
        [system].into_iter().chain(contracts).collect()
    }

    fn system(&self) -> String {
        let Self { every, overlap, identities, digests, since } = self;
        let since = match since {
            Since::Now => "now",
            Since::Beginning => "beginning",
        };
        let mut text = format!(
            "kind: odoo\nowner: {}\nodoo: {{ url: https://company.example.com, database: prod, login: us, keys: [company/key] }}\n\
             sources:\n  {}:\n    capture: {{ nudges: [company/nudge], every: {every}, overlap: {overlap}, identities: {identities}, \
             digests: {digests}, since: {since} }}\n    events:\n",
            owner_of(Self::NAME),
            Self::NAME,
        );
        for model in Model::ALL {
            for word in Self::words(model) {
                let (kind, contract) = (Self::kind(model, word), contract_of(model));
                writeln!(text, "      {}.{word}: {{ contract: {contract}@1.0.0, type: {kind} }}", model.name())
                    .expect("a String takes everything");
            }
        }
        text
    }
}

fn contract_of(model: Model) -> String {
    format!("{}.{}", Captured::NAME, model.name())
}

fn contract(model: Model) -> String {
    let state = if model.states().is_empty() { "" } else { "        state: { type: string }\n" };
    format!(
        "owner: {}\nidentifiers:\n  record: .id\nordering: .id\nschema:\n  type: object\n  required: [model, id, record]\n  \
         properties:\n    model: {{ const: {} }}\n    id: {{ type: integer }}\n    region: {{ type: string }}\n    record:\n      type: \
         [object, \"null\"]\n      properties:\n        amount: {{ type: integer, maximum: {} }}\n{state}",
        owner_of(Captured::NAME),
        model.name(),
        crate::company::Content::AMOUNT_MAX,
    )
}

/// Adds a captured source to a project, and a flow that takes all of its events.
pub fn capture(project: &mut Project, random: &mut Random) {
    project.captured = Some(Captured::draw(random));
    let flow = Flow {
        name: "flow-company".to_owned(),
        types: vec![format!("{}.*", Captured::NAME)],
        source: None,
        filter: Filter::All,
        mapping: None,
        destination: random.pick(&project.destinations).name.clone(),
        retry: random.pick(&project.retries).name.clone(),
        lane: *random.pick(&[Lane::Ordering, Lane::None]),
        on_dead: OnDead::Pass,
        deadline: None,
    };
    project.flows.push(flow);
}
