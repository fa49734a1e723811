//! The commands of this room: apply a policy, roll back to an earlier one, begin with a first one. One batch holds the
//! policy's text, the entries for the routers and the audit row; what follows (adopting, holding) can be repeated.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use model::limit::PAGE_ROWS_MAX;
use model::view::DeliveryQuery;
use model::{Delivery, Diagnostic, Fault, FaultKind, InForce, Partition, PolicyVersion, Severity, Timestamp};
use policy::{Policy, SourceFile};

use super::decide::{self, Application, Breaches, Found, Left, Removal, Terms};
use crate::book::{self, Book};
use crate::ports::{Journal, Ledger, Views};
use crate::rules::asked::{Asked, NotDone};
use crate::rules::names::{Names, Object};

/// LIMIT: commits of holds that wait at once, so that a large removal leaves the ledger's queue to live traffic.
const HOLDS_AT_ONCE: usize = 64;
/// LIMIT: deliveries that one command holds; the loop of this room holds the rest, of flows as of destinations.
const HOLDS_MAX: u64 = 100_000;

/// The commands of the change room.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Whose partitions get the entry.
    pub journal: Arc<dyn Journal>,
    /// Where policies are stored.
    pub ledger: Arc<dyn Ledger>,
    /// Where open deliveries are found.
    pub views: Arc<dyn Views>,
    /// The policies of this node.
    pub book: Arc<Book>,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Applied {
    /// How manieth application the one in force is.
    pub number: u64,
    /// The version that holds now.
    pub version: PolicyVersion,
    /// The version that held before.
    pub previous: PolicyVersion,
    /// Whether anything changed.
    pub effect: Effect,
    /// What was removed.
    pub removals: Vec<Removal>,
    /// Deliveries that were held.
    pub held: u64,
    /// Deliveries to what was removed that an attempt is open for; they end by themselves or are held after it.
    pub under_way: u64,
    /// What the check found besides errors.
    pub warnings: Vec<Diagnostic>,
    /// One sentence for people.
    pub sentence: String,
}

/// What applying would come to.
#[derive(Debug)]
pub struct Preview {
    /// The version that would hold.
    pub version: PolicyVersion,
    /// The version that holds.
    pub previous: PolicyVersion,
    /// What would be removed, and what has no value.
    pub found: Found,
    /// Why it would be refused: nothing, `Refused`, `SecretsMissing`, `Breaks`.
    pub refusals: Vec<NotDone>,
    /// What the check found besides errors.
    pub warnings: Vec<Diagnostic>,
}

/// Whether anything changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The policy holds from now on.
    Applied,
    /// It held already.
    None,
}

impl Changes {
    /// Applies the files of a project.
    ///
    /// Refused: `Invalid` with all findings when the check finds an error, `Changed` when another version than
    /// `terms.onto` is in force, `Refused` when deliveries are open to what is removed,
    /// `SecretsMissing` when a secret has no value, `Breaks` when a contract would break what it promised.
    pub async fn apply(&self, files: &[SourceFile], terms: Terms, asked: &Asked) -> Result<Applied, NotDone> {
        self.put("policy.apply", files, terms, asked).await
    }

    /// Applies an earlier version again, as it was stored. `Unknown` when the ledger does not have it. What its contracts
    /// promised is promised again: it breaks nothing.
    pub async fn roll_back(&self, to: PolicyVersion, terms: Terms, asked: &Asked) -> Result<Applied, NotDone> {
        self.put("policy.roll_back", &self.stored(to).await?, back(terms), asked).await
    }

    /// Says what [`Changes::apply`] would do at this moment, and for which reasons it would be refused. Nothing is changed.
    pub async fn preview(&self, files: &[SourceFile], terms: Terms, at: Timestamp) -> Result<Preview, NotDone> {
        let (policy, warnings) = checked(files, at)?;
        let previous = self.in_force().await?.version;
        let found = self.found((&policy, files), previous).await?;
        let refusals = decide::refusals(&found, terms);
        Ok(Preview { version: policy.version, previous, found, refusals, warnings })
    }

    /// As [`Changes::preview`], for [`Changes::roll_back`].
    pub async fn preview_back(&self, to: PolicyVersion, terms: Terms, at: Timestamp) -> Result<Preview, NotDone> {
        self.preview(&self.stored(to).await?, back(terms), at).await
    }

    async fn stored(&self, version: PolicyVersion) -> Result<Vec<SourceFile>, NotDone> {
        let unknown = || NotDone::Unknown(format!("there is no policy {}", version.short()));
        let files = self.ledger.policy(version).await?.ok_or_else(unknown)?;
        Ok(files.into_iter().map(|(path, text)| SourceFile { path, text }).collect())
    }

    /// What may speak against a policy after this one; nothing against the one that is in force.
    async fn found(&self, (policy, files): (&Policy, &[SourceFile]), previous: PolicyVersion) -> Result<Found, NotDone> {
        if policy.version == previous {
            return Ok(Found::default());
        }
        let secrets_missing = self.book.secrets_missing(policy);
        let removals = self.removals(&*self.book.at(previous).await?, policy).await?;
        let plan = policy::plan::plan(&self.stored(previous).await?, files);
        Ok(Found { removals, secrets_missing, breaches: plan.breaches().map(str::to_owned).collect() })
    }

    /// What a policy would remove from the one in force, with what is open there.
    async fn removals(&self, in_force: &Policy, proposed: &Policy) -> Result<Vec<Removal>, Fault> {
        let gone = Names::of(in_force).gone_in(&Names::of(proposed));
        let mut removals = Vec::with_capacity(gone.len());
        for object in gone {
            removals.push(self.removal(object).await?);
        }
        Ok(removals)
    }

    async fn put(&self, action: &str, files: &[SourceFile], terms: Terms, asked: &Asked) -> Result<Applied, NotDone> {
        asked.check()?;
        let (policy, warnings) = checked(files, asked.at)?;
        let last = self.in_force().await?;
        let (version, previous) = (policy.version, last.version);
        if terms.onto.is_some_and(|onto| onto != previous) {
            return Err(decide::came_first(&last));
        }
        if version == previous {
            self.book.adopt(last.number, policy);
            let sentence = format!("{} is in force already; nothing was changed", version.short());
            return Ok(Applied { warnings, sentence, ..nothing((last.number, version)) });
        }
        let found = self.found((&policy, files), previous).await?;
        if let Some(refusal) = decide::refusals(&found, terms).into_iter().next() {
            return Err(refusal);
        }
        let removals = found.removals;
        let asked = decide::after(Some(&last), asked);
        let gone = decide::gone(&last, &policy, &removals, asked.at);
        let application = Application { number: last.number + 1, version, files, in_force: previous, gone };
        let batch = decide::batch(&application, &self.journal.partitions(), action, &asked);
        match self.ledger.commit(batch).await {
            Ok(_) => {}
            Err(fault) if fault.kind == FaultKind::Conflict => return Err(self.beaten(last).await?),
            Err(fault) => return Err(fault.into()),
        }
        self.book.adopt(application.number, policy);
        // It is in force whatever happens now. What a fault leaves here, the loop of this room holds.
        let (mut held, mut under_way) = (0, 0);
        let ended = self.hold_all(&removals, (application.number, &asked), (&mut held, &mut under_way)).await;
        let mut sentence = sentence(version, previous, &removals, held);
        if let Err(fault) = ended {
            sentence = format!("{sentence}; the rest is held as soon as the ledger answers again ({fault})");
        }
        let now = (application.number, version);
        Ok(Applied { previous, effect: Effect::Applied, removals, held, under_way, warnings, sentence, ..nothing(now) })
    }

    /// What the ledger says is in force. Another node may have applied it a moment ago; then this one knows it from here on.
    async fn in_force(&self) -> Result<InForce, Fault> {
        let in_force = self.ledger.in_force().await?.ok_or(Fault::new(FaultKind::Corrupt, "change.in_force"))?;
        if !self.book.has_reached(in_force.number)
            && let Some(policy) = self.book.kept(in_force.version).await?
        {
            self.book.adopt(in_force.number, policy);
        }
        Ok(in_force)
    }

    /// Another application was first: it is named.
    async fn beaten(&self, last: InForce) -> Result<NotDone, Fault> {
        Ok(decide::came_first(&self.ledger.in_force().await?.unwrap_or(last)))
    }

    async fn removal(&self, object: Object) -> Result<Removal, Fault> {
        let mut removal = Removal { object, open: 0, more: false };
        if matches!(removal.object, Object::Source(_)) {
            return Ok(removal);
        }
        let mut cursor = None;
        // A page may end short, or empty, before the last.
        while removal.open == 0 {
            let page = self.views.deliveries(query(&removal.object, &["waiting", "held", "dead_lettered"], cursor)).await?;
            removal = Removal { open: page.rows.len() as u64, more: page.next.is_some(), ..removal };
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        Ok(removal)
    }

    async fn hold_all(
        &self,
        removals: &[Removal],
        (in_force, asked): (u64, &Asked),
        (held, under_way): (&mut u64, &mut u64),
    ) -> Result<(), Fault> {
        // Destinations first: where a flow goes with its destination, that is the reason.
        for removal in removals.iter().rev().filter(|removal| removal.open > 0) {
            let mut cursor = None;
            while *held < HOLDS_MAX {
                let page = self.views.deliveries(query(&removal.object, &["waiting"], cursor)).await?;
                for some in page.rows.chunks(HOLDS_AT_ONCE) {
                    let lefts = join_all(some.iter().map(|row| self.hold(row, &removal.object, (in_force, asked)))).await;
                    for left in lefts {
                        let (now_held, now_under_way) = left?;
                        *held += now_held;
                        *under_way += now_under_way;
                    }
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Holds one, judged anew from the ledger. What changed meanwhile is being attempted, or settled.
    async fn hold(&self, row: &Delivery, removed: &Object, (in_force, asked): (u64, &Asked)) -> Result<(u64, u64), Fault> {
        let Some(delivery) = self.ledger.delivery(row.id).await? else { return Ok((0, 0)) };
        match decide::hold(&delivery, removed, in_force, (&asked.by, asked.at)) {
            Left::Settled => Ok((0, 0)),
            Left::UnderWay => Ok((0, 1)),
            Left::Hold(batch) => match self.ledger.commit(batch).await {
                Ok(_) => Ok((1, 0)),
                Err(fault) if fault.kind == FaultKind::Conflict => Ok((0, 1)),
                Err(fault) => Err(fault),
            },
        }
    }
}

/// Where the first policy goes.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// The policy to begin the book with.
    pub policy: Arc<Policy>,
    /// Whether it was there, or was applied now.
    pub effect: Effect,
    /// One sentence for people.
    pub sentence: String,
}

/// The policy that a process begins with: the one in force, or, in an empty ledger, the given one, which is applied as the
/// first. The files are not looked at when the ledger has a policy.
pub async fn bootstrap(
    ledger: &Arc<dyn Ledger>,
    partitions: &[Partition],
    files: &[SourceFile],
    asked: &Asked,
) -> Result<Beginning, NotDone> {
    if let Some(beginning) = begun(ledger).await? {
        return Ok(beginning);
    }
    asked.check()?;
    let (policy, _) = checked(files, asked.at)?;
    let version = policy.version;
    let application = Application { number: 1, version, files, in_force: version, gone: BTreeMap::new() };
    match ledger.commit(decide::batch(&application, partitions, "policy.bootstrap", asked)).await {
        Ok(_) => {
            Ok(Beginning { policy, effect: Effect::Applied, sentence: format!("{} is the first policy", version.short()) })
        }
        // Another node was first.
        Err(fault) if fault.kind == FaultKind::Conflict => begun(ledger).await?.ok_or(fault.into()),
        Err(fault) => Err(fault.into()),
    }
}

async fn begun(ledger: &Arc<dyn Ledger>) -> Result<Option<Beginning>, Fault> {
    let Some(InForce { version, .. }) = ledger.in_force().await? else { return Ok(None) };
    let stored = ledger.policy(version).await?.ok_or(Fault::new(FaultKind::Corrupt, "change.bootstrap"))?;
    let policy = Arc::new(book::compile(version, stored)?);
    let sentence = format!("the policy in force is {}", version.short());
    Ok(Some(Beginning { policy, effect: Effect::None, sentence }))
}

/// The terms of a way back.
const fn back(terms: Terms) -> Terms {
    Terms { breaches: Breaches::Allow, ..terms }
}

fn checked(files: &[SourceFile], at: Timestamp) -> Result<(Arc<Policy>, Vec<Diagnostic>), NotDone> {
    match policy::check_at(files, at) {
        (Some(policy), findings) if findings.iter().all(|finding| finding.severity != Severity::Error) => {
            Ok((Arc::new(policy), findings))
        }
        (_, findings) => Err(NotDone::Invalid(findings)),
    }
}

fn query(object: &Object, states: &[&str], cursor: Option<String>) -> DeliveryQuery {
    let (flow, destination) = match object {
        Object::Source(_) => (None, None),
        Object::Flow(name) => (Some(name.clone()), None),
        Object::Destination(name) => (None, Some(name.clone())),
    };
    let states = states.iter().map(|word| (*word).to_owned()).collect();
    DeliveryQuery { states, flow, destination, cursor, limit: PAGE_ROWS_MAX, ..DeliveryQuery::default() }
}

fn nothing((number, version): (u64, PolicyVersion)) -> Applied {
    Applied {
        number,
        version,
        previous: version,
        effect: Effect::None,
        removals: Vec::new(),
        held: 0,
        under_way: 0,
        warnings: Vec::new(),
        sentence: String::new(),
    }
}

fn sentence(version: PolicyVersion, previous: PolicyVersion, removals: &[Removal], held: u64) -> String {
    let mut sentence = format!("{} is in force, after {}", version.short(), previous.short());
    if !removals.is_empty() {
        let names: Vec<String> = removals.iter().map(|removal| removal.object.to_string()).collect();
        sentence += "; removed: ";
        sentence += &names.join(", ");
    }
    match held {
        0 => sentence,
        _ => format!("{sentence}; {held} deliveries were held for their owners"),
    }
}
