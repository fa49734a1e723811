//! What a person should know, and whether it makes the whole unhealthy: the exit code of `crossdock status` and the findings of
//! `crossdock doctor`. Pure: what was seen comes in. The reference of the command line lists the rules in words.

use std::path::Path;

use engine::pulls::Outlook;
use engine::retention::decide::{ALARM_HIGH, ALARM_LOW};
use engine::rules::onward;
use engine::unread::Gap;
use model::change::Switch;
use model::view::Backlog;
use model::{SecretName, SourceName, TimeSpan, Timestamp};

use crate::api::{Concern, DestinationStatus, Health, ReconciliationLine, SourceStatus};
use crate::odoo::rotation::watch::Outcome;
use crate::secrets;

/// A pause is a decision; one that nobody remembers is trouble.
const PAUSE_MAX: TimeSpan = TimeSpan::from_secs(3_600);
/// What is due is attempted within milliseconds, but for rates, slots and a flood.
const DUE_MAX: TimeSpan = TimeSpan::from_secs(300);
/// Routing takes milliseconds.
const LAG_MAX: TimeSpan = TimeSpan::from_secs(10);
/// Machines that keep their clock differ by less.
const DRIFT_MAX: TimeSpan = TimeSpan::from_secs(2);

/// A restart of Odoo takes less.
const AWAY_MAX: TimeSpan = TimeSpan::from_secs(120);
/// A transaction of Odoo's takes seconds, the longest of its own jobs a few minutes.
const HELD_BACK_MAX: TimeSpan = TimeSpan::from_secs(300);

/// What was seen.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// Now, by the clock that never goes back.
    pub now: Timestamp,
    /// Now, by the machine's clock.
    pub wall: Timestamp,
    /// What no account holds.
    pub missing: i128,
    /// Rows of the ledger that could not be read since the process started.
    pub unreadable: u64,
    /// What waits for persons.
    pub with_a_person: u64,
    /// What people paused.
    pub paused: &'a [(String, Switch)],
    /// Work per flow and destination.
    pub work: &'a [Backlog],
    /// Destinations and how they are.
    pub destinations: &'a [DestinationStatus],
    /// Sources and how they are.
    pub sources: &'a [SourceStatus],
    /// What captures cannot read.
    pub gaps: &'a [Gap],
    /// The outboxes that captures read, by their sources.
    pub pulls: &'a [(SourceName, Outlook)],
    /// What came of rotations of keys, by system, and when.
    pub rotations: &'a [(String, Timestamp, Outcome)],
    /// How reconciliations stand.
    pub reconciled: &'a [ReconciliationLine],
    /// Accepted entries that are not routed, and when the oldest of them was accepted.
    pub unrouted: Option<(u64, Timestamp)>,
    /// The earliest deadline of those that passed and nobody gave up.
    pub deadline_passed: Option<Timestamp>,
    /// Hundredths of the journal's budget in use.
    pub journal: u64,
    /// The same of the ledger's.
    pub ledger: u64,
    /// The data folder, where secrets may be.
    pub data: &'a Path,
}

fn concern(kind: &str, health: Health, text: String, next: &str) -> Concern {
    Concern { kind: kind.to_owned(), health, text, next: next.to_owned() }
}

/// All concerns, the gravest kinds first.
pub fn concerns(seen: &Seen<'_>) -> Vec<Concern> {
    let mut concerns = Vec::new();
    if seen.missing != 0 {
        let text = format!(
            "{} are not accounted for: a defect of the product; keep the data folder as it is and report it",
            seen.missing
        );
        concerns.push(concern("accounts", Health::Unhealthy, text, "crossdock doctor"));
    }
    if seen.unreadable > 0 {
        let rows = match seen.unreadable {
            1 => "1 row of the store cannot be read and is".to_owned(),
            rows => format!("{rows} rows of the store cannot be read and are"),
        };
        let text = format!(
            "{rows} passed over, the log names each: stop the product, keep a copy of the data folder and report it"
        );
        concerns.push(concern("unreadable", Health::Unhealthy, text, ""));
    }
    concerns.extend(room("journal", seen.journal));
    concerns.extend(room("ledger", seen.ledger));
    concerns.extend(router(seen));
    concerns.extend(clock(seen));
    concerns.extend(without_secret(seen));
    concerns.extend(seen.destinations.iter().filter_map(|it| breaker(it, seen.now)));
    concerns.extend(seen.gaps.iter().filter_map(|gap| unread(gap, seen.now)));
    concerns.extend(seen.pulls.iter().filter_map(|(source, outlook)| held_back(source, outlook, seen.now)));
    concerns.extend(seen.pulls.iter().filter_map(|(source, outlook)| lost(source, outlook, seen.now)));
    concerns.extend(seen.pulls.iter().filter_map(|(source, outlook)| anew(source, outlook, seen.now)));
    concerns.extend(seen.pulls.iter().filter_map(|(source, outlook)| unseen(source, outlook)));
    concerns.extend(seen.pulls.iter().filter_map(|(source, outlook)| other_reading(source, outlook, seen.now)));
    concerns.extend(seen.rotations.iter().map(|(system, at, outcome)| rotation(system, seen.now.since(*at), outcome)));
    concerns.extend(seen.reconciled.iter().filter_map(|line| withheld(line, seen.now)));
    concerns.extend(seen.reconciled.iter().filter_map(hidden));
    concerns.extend(seen.reconciled.iter().filter_map(refused));
    concerns.extend(overdue(seen));
    concerns.extend(seen.paused.iter().map(|(object, switch)| paused(object, switch, seen)));
    if seen.with_a_person > 0 {
        concerns.push(concern("person", Health::Unhealthy, format!("{} wait for a person", seen.with_a_person), ""));
    }
    concerns
}

/// Whether somebody has to act.
pub fn health(concerns: &[Concern]) -> Health {
    if concerns.iter().any(|it| it.health == Health::Unhealthy) { Health::Unhealthy } else { Health::Healthy }
}

fn room(store: &str, percent: u64) -> Option<Concern> {
    let mend = format!("raise `{store}_mib`, or stop the product and run `crossdock retention preview`");
    let (health, text) = match percent {
        100.. => (
            Health::Unhealthy,
            format!("the {store} is full, at {percent} % of its budget: intake answers 503 until there is room; {mend}"),
        ),
        ALARM_HIGH.. => {
            (Health::Unhealthy, format!("the {store} is at {percent} % of its budget; at 100 % intake answers 503; {mend}"))
        }
        ALARM_LOW.. => {
            (Health::Healthy, format!("the {store} is at {percent} % of its budget; at 100 % intake answers 503; {mend}"))
        }
        _ => return None,
    };
    // No command mends it while the product runs.
    Some(concern(store, health, text, ""))
}

fn router(seen: &Seen<'_>) -> Option<Concern> {
    let (entries, oldest) = seen.unrouted?;
    let age = seen.now.since(oldest);
    let text = format!("the router is behind: {entries} accepted entries wait for it, the oldest for {}", age.rounded());
    (age > LAG_MAX).then(|| concern("router", Health::Unhealthy, text, "crossdock doctor"))
}

/// What only time mends is told once it takes long; what a person mends, at once.
fn unread(gap: &Gap, now: Timestamp) -> Option<Concern> {
    let Gap { source, model, since, why, help } = gap;
    let age = now.since(*since);
    let of = model.as_ref().map_or_else(String::new, |model| format!("{model} of "));
    let help = if help.is_empty() { String::new() } else { format!("; {help}") };
    let text = format!(
        "{of}{source} has not been read for {}: {why}{help}. Nothing is lost: it goes on from where it was",
        age.rounded()
    );
    (!gap.help.is_empty() || age > AWAY_MAX).then(|| concern("unread", Health::Unhealthy, text, "crossdock doctor"))
}

/// The outbox hands out nothing that an older transaction could still come before.
fn held_back(source: &SourceName, outlook: &Outlook, now: Timestamp) -> Option<Concern> {
    let held = outlook.held_back.filter(|held| now.since(held.since) > HELD_BACK_MAX)?;
    let text = format!(
        "{} changes in the outbox of {source} have waited for {} behind one transaction that does not end: find it in pg_stat_activity of \
         Odoo's database, by the oldest backend_xid. Nothing is lost",
        held.count,
        now.since(held.since).rounded()
    );
    Some(concern("held_back", Health::Unhealthy, text, ""))
}

/// What the outbox removed is gone; what it changed is found by comparing.
fn lost(source: &SourceName, outlook: &Outlook, now: Timestamp) -> Option<Concern> {
    let lost = outlook.lost?;
    let text = format!(
        "{} changes of {source} were removed from its outbox before they were read, as was learnt {} ago: all contents are being compared, and \
         what differs becomes an event; states in between are lost. Give the outbox room for more rows in its settings",
        lost.count,
        now.since(lost.since).rounded()
    );
    Some(concern("lost", Health::Unhealthy, text, ""))
}

/// A database that went back or was copied: what it has forgotten is found by comparing.
fn anew(source: &SourceName, outlook: &Outlook, now: Timestamp) -> Option<Concern> {
    let text = format!(
        "the database of {source} was restored or copied, as was learnt {} ago: all contents are being compared, and what differs becomes an \
         event; states between the restore and that moment may not be seen one by one",
        now.since(outlook.anew?).rounded()
    );
    Some(concern("anew", Health::Unhealthy, text, ""))
}

/// What only our user could read stays named.
fn unseen(source: &SourceName, outlook: &Outlook) -> Option<Concern> {
    let text = format!(
        "the outbox of {source} named {} records that a rule hides from our user: they changed, and what they are now is not told. They are asked \
         after again with the identities. Give the user in Odoo the companies and the rights to see them, or give the rules of the outbox a domain",
        outlook.hidden
    );
    (outlook.hidden > 0).then(|| concern("unseen", Health::Unhealthy, text, "crossdock doctor"))
}

/// What was written by an older reading tells only that a record changed.
fn other_reading(source: &SourceName, outlook: &Outlook, now: Timestamp) -> Option<Concern> {
    let lines = outlook.other_reading?;
    let text = format!(
        "for {} the rules of the outbox of {source} have told something else than its contracts read now ({} changes): each such record is read \
         anew, so that states in between are not seen. Bring the rules in line with crossdock add odoo … --capture outbox",
        now.since(lines.since).rounded(),
        lines.count
    );
    Some(concern("other_reading", Health::Unhealthy, text, "crossdock doctor"))
}

/// A key that ends with no other beside it stops everything; a new one that is in use is good to know for a day.
fn rotation(system: &str, age: TimeSpan, outcome: &Outcome) -> Concern {
    match outcome {
        Outcome::Done(rotated) => {
            let text = format!("{system}: {} ago {rotated}", age.rounded());
            concern("key", Health::Healthy, text, "crossdock doctor")
        }
        Outcome::Failed(found) => {
            let said = if found.label.is_empty() { String::new() } else { format!(": {}", found.label) };
            let text = format!("the key is not rotated: {}{said}; {}", found.message, found.help);
            concern("key", Health::Unhealthy, text, &format!("crossdock explain {}", found.code))
        }
    }
}

/// So many deletions at once that none is believed, until a person or a later look says otherwise.
fn withheld(line: &ReconciliationLine, now: Timestamp) -> Option<Concern> {
    let ReconciliationLine { source, model, brake: Some(brake), .. } = line else { return None };
    let (missing, known, age) = (brake.missing, brake.known, now.since(brake.since).rounded());
    let told = format!("{missing} of {known} known {model} of {source} are not shown any more, since {age}");
    if let Some(by) = &brake.released {
        let text = format!("{told}; {by} released them, and the next look at identities takes them");
        return Some(concern("withheld", Health::Healthy, text, "crossdock status"));
    }
    let text = format!(
        "{told}: too many to be believed, none was deleted. Is it the right database, was an old one restored, was a right taken \
         away? When it is mended this goes by itself; if they were deleted, release them"
    );
    let next = format!("crossdock reconcile release {source} --model {model} --reason …");
    Some(concern("withheld", Health::Unhealthy, text, &next))
}

/// A remark: it may be meant so.
fn hidden(line: &ReconciliationLine) -> Option<Concern> {
    let ReconciliationLine { source, model, hidden, .. } = line;
    let are = if *hidden == 1 { "is" } else { "are" };
    let text = format!(
        "{hidden} {model} of {source} {are} hidden from our user by a rule there: what changes in such a one is an event only where an outbox tells it. If it is not \
         meant so, give the user in Odoo the companies and the rights to see every {model}, or change the record rule (Settings, \
         Technical, Record Rules)"
    );
    (*hidden > 0).then(|| concern("hidden", Health::Healthy, text, "crossdock reconcile ls"))
}

/// What intake refuses is known, and no event tells of it until a person has mended why.
fn refused(line: &ReconciliationLine) -> Option<Concern> {
    let ReconciliationLine { source, model, refused, .. } = line;
    let records = match refused {
        0 => return None,
        1 => format!("1 record of {model} of {source} is refused at intake and is no event"),
        count => format!("{count} records of {model} of {source} are refused at intake and are no events"),
    };
    let text = format!(
        "{records}: the log names each with its reason. Raise the limit that it names; they are tried again when they change, and when \
         all is compared"
    );
    let next = format!("crossdock reconcile odoo {source} --model {model} --reason …");
    Some(concern("refused", Health::Unhealthy, text, &next))
}

/// A remark: work goes on, and nothing but time mends it, unless the machine's clock is wrong now.
fn clock(seen: &Seen<'_>) -> Option<Concern> {
    let ahead = seen.now.since(seen.wall);
    let text = format!(
        "the machine's clock was set back: the product's times are {} ahead of it, and agree with it in about {}. Nothing stands \
         still meanwhile, waits are a ninth longer",
        ahead.rounded(),
        onward::caught_up_in(ahead).rounded()
    );
    (ahead > DRIFT_MAX).then(|| concern("clock", Health::Healthy, text, "crossdock doctor"))
}

fn without_secret(seen: &Seen<'_>) -> Vec<Concern> {
    let from = |names: &[String]| names.iter().map(|name| from(name, seen.data)).collect::<Vec<_>>().join(", ");
    let sources = seen.sources.iter().filter(|it| !it.secrets_missing.is_empty());
    let refuses = sources.map(|it| format!("{} refuses everything: give {} a value", it.source, from(&it.secrets_missing)));
    let destinations = seen.destinations.iter().filter(|it| !it.secrets_missing.is_empty());
    let gets_nothing = destinations
        .map(|it| format!("nothing can be sent to {}: give {} a value", it.destination, from(&it.secrets_missing)));
    refuses.chain(gets_nothing).map(|text| concern("secret", Health::Unhealthy, text, "crossdock doctor")).collect()
}

/// A secret with where its value would be read from.
fn from(name: &str, data: &Path) -> String {
    SecretName::new(name).map_or_else(|_| name.to_owned(), |known| format!("{name} (from {})", secrets::place(&known, data)))
}

fn breaker(it: &DestinationStatus, now: Timestamp) -> Option<Concern> {
    let since = it.failing_since?;
    let (name, age) = (&it.destination, now.since(since).rounded());
    let text = format!(
        "the breaker of {name} is {}: it has failed for {age}; {}, none is lost",
        it.breaker.replace('_', "-"),
        waiting(it.waiting)
    );
    let next = format!("crossdock deliveries ls --destination {name} --state waiting");
    Some(concern("breaker", Health::Unhealthy, text, &next))
}

/// Work that is due and stands still although nothing that is told elsewhere holds it.
fn overdue(seen: &Seen<'_>) -> Vec<Concern> {
    let is_paused = |object: String| seen.paused.iter().any(|(paused, _)| *paused == object);
    let moves = |it: &&Backlog| {
        let of = seen.destinations.iter().find(|status| status.destination == it.destination);
        let is_held_up = of.is_some_and(|of| of.failing_since.is_some() || !of.secrets_missing.is_empty());
        !is_held_up && !is_paused(format!("flow/{}", it.flow)) && !is_paused(format!("destination/{}", it.destination))
    };
    let late = |it: &Backlog| {
        let age = it.next_due.map(|due| seen.now.since(due)).filter(|age| *age > DUE_MAX)?;
        let (flow, name) = (&it.flow, &it.destination);
        let text = format!("{flow} to {name} is overdue: the first of {} was due {} ago", it.waiting, age.rounded());
        let next = format!("crossdock deliveries ls --flow {flow} --state waiting");
        Some(concern("overdue", Health::Unhealthy, text, &next))
    };
    let mut concerns: Vec<Concern> = seen.work.iter().filter(moves).filter_map(late).collect();
    if let Some(deadline) = seen.deadline_passed {
        let age = seen.now.since(deadline).rounded();
        let text = format!("a delivery waits although its deadline passed {age} ago");
        concerns.push(concern("overdue", Health::Unhealthy, text, "crossdock deliveries ls --state waiting"));
    }
    concerns
}

fn paused(object: &str, switch: &Switch, seen: &Seen<'_>) -> Concern {
    let age = seen.now.since(switch.at);
    let of_it = |it: &&Backlog| object == format!("flow/{}", it.flow) || object == format!("destination/{}", it.destination);
    let count: u64 = seen.work.iter().filter(of_it).map(|it| it.waiting).sum();
    let oldest = seen.work.iter().filter(of_it).filter_map(|it| it.oldest_at).min();
    let effect = match oldest {
        _ if object.starts_with("source/") => "its senders are answered 503".to_owned(),
        Some(at) => format!("{}, the oldest for {}", waiting(count), seen.now.since(at).rounded()),
        None => waiting(count),
    };
    let text = format!("{object} is paused by {} for {} ({}): {effect}", switch.by, age.rounded(), switch.why);
    let health = if age > PAUSE_MAX { Health::Unhealthy } else { Health::Healthy };
    concern("paused", health, text, &format!("crossdock resume {object} --reason …"))
}

fn waiting(count: u64) -> String {
    if count == 1 { "1 delivery waits".to_owned() } else { format!("{count} deliveries wait") }
}

#[cfg(test)]
mod tests;
