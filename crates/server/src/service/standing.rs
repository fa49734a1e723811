//! Where an event stands and why, in one sentence each, with the next command: for a person who asks at 16:40 and has a cut-off
//! at 17:00. It says only what the stores and this node's board show.

use engine::board::Board;
use engine::replay::decide::Reason;
use engine::rules::asked::NotDone;
use engine::rules::breaker::State;
use engine::rules::names::Object;
use engine::rules::overtaken::Overtaken;
use model::change::Switch;
use model::newest::{Blind, Fate};
use model::quarantine::QuarantineState;
use model::view::{CauseGroup, DeliveryQuery, DeliveryStory, EventStory};
use model::{Delivery, DeliveryState, DestinationName, Diagnostic, EventId, Fault, FlowName, QuarantineRow, Timestamp};
use policy::Policy;
use policy::compiled::Repeat;

use crate::api::{DeliveryPage, DeliveryRow, QuarantinePage};
use crate::app::App;
use crate::secrets;
use crate::service::advice::{self, Advice, Trouble};
use crate::service::answers::{Answer, Answers};

/// No flow selects it.
pub const NO_FLOW: &str = "no_flow";
/// A flow selects it, and retention has let go what became of it.
pub const FORGOTTEN: &str = "forgotten";

/// Where an event stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// A word: `quarantined`, `unrouted`, `with_a_person`, `moving`, `no_flow`, `forgotten` or `done`.
    pub state: &'static str,
    /// Why, in a sentence.
    pub why: String,
    /// What to do next, as a command; empty where nothing has to be done.
    pub next: String,
}

impl Standing {
    fn new(state: &'static str, why: String, next: String) -> Self {
        Self { state, why, next }
    }

    /// Says what the first delivery that waits for a person says: it knows what went of its key since.
    pub fn speaks_as(&mut self, deliveries: &[DeliveryPage]) {
        let waits = |page: &&DeliveryPage| is_with_a_person(&page.story.delivery);
        if let Some(page) = deliveries.iter().find(waits).filter(|_| self.state == "with_a_person") {
            (self.why, self.next) = (page.waits_for.clone(), page.next.clone());
        }
    }
}

/// Where an event stands: the most pressing of its deliveries speaks for it.
pub fn of_event(app: &App, event: EventId, story: &EventStory, is_routed: bool, answers: Answers) -> Standing {
    if let Some(row) = story.quarantine.as_ref().filter(|row| row.state == QuarantineState::Open) {
        let said = |reason: &Diagnostic| match answers {
            Answers::Shown => reason.message.clone(),
            Answers::Hidden => reason.public().to_owned(),
        };
        let reason = row.reasons.first().map(said).unwrap_or_default();
        let why = format!("waits for {}: {reason}", row.owner);
        return Standing::new("quarantined", why, format!("crossdock quarantine show {event}"));
    }
    if !is_routed {
        return Standing::new("unrouted", "accepted; the router has not reached it yet".to_owned(), String::new());
    }
    let with_a_person = |story: &&DeliveryStory| is_with_a_person(&story.delivery);
    if let Some(DeliveryStory { delivery, attempts }) = story.deliveries.iter().find(with_a_person) {
        let (why, next) = of_delivery(app, delivery, answers.newest(attempts));
        return Standing::new("with_a_person", why, next);
    }
    let moving = |story: &&DeliveryStory| matches!(story.delivery.state, DeliveryState::Waiting { .. });
    if let Some(DeliveryStory { delivery, .. }) = story.deliveries.iter().find(moving) {
        let (why, next) = of_delivery(app, delivery, Answer::None);
        return Standing::new("moving", why, next);
    }
    if story.deliveries.is_empty() {
        return match &story.quarantine {
            Some(row) => Standing::new("done", format!("quarantined and {}", row.state.word()), String::new()),
            None => Standing::new(NO_FLOW, "accepted and routed: no flow selects it".to_owned(), String::new()),
        };
    }
    let why = match story.deliveries.len() {
        1 => "its delivery is finished".to_owned(),
        count => format!("all {count} deliveries are finished"),
    };
    Standing::new("done", why, String::new())
}

const fn is_with_a_person(delivery: &Delivery) -> bool {
    matches!(delivery.state, DeliveryState::Held { .. } | DeliveryState::DeadLettered { .. })
}

/// What a delivery waits for, and the command that would change it; nothing where it is final.
pub fn of_delivery(app: &App, delivery: &Delivery, answer: Answer<'_>) -> (String, String) {
    match &delivery.state {
        DeliveryState::Waiting { .. } => {
            let policy = app.ground.book.current();
            let lacking = secrets_missing(app, &delivery.destination).into_iter().next();
            waiting(Around { board: &app.node.board, policy: &policy, now: app.ground.clock.now(), lacking }, delivery)
        }
        DeliveryState::Held { for_whom: owner } | DeliveryState::DeadLettered { owner } => {
            let Advice { sentence, next } = advice_on(app, delivery, answer);
            (format!("{} waits for {owner}: {}; {sentence}", delivery.flow, delivery.why), next)
        }
        DeliveryState::Done { .. } | DeliveryState::Cancelled { .. } | DeliveryState::Superseded { .. } => {
            Default::default()
        }
    }
}

/// LIMIT: rows of a list of which it is looked up whether a newer state of their key went; the others lead to where it is told.
const OVERTAKEN_ROWS_MAX: usize = 100;

/// Deliveries of a list, each with what it waits for, as far as the one who asks may read values.
pub async fn rows(app: &App, deliveries: Vec<Delivery>, answers: Answers) -> Result<Vec<DeliveryRow>, Fault> {
    let (mut rows, mut looked_up) = (Vec::with_capacity(deliveries.len()), 0);
    for delivery in deliveries {
        let delivery = answers.of_why(delivery);
        let (mut waits_for, mut next) = of_delivery(app, &delivery, Answer::None);
        if is_with_a_person(&delivery) && looked_up == OVERTAKEN_ROWS_MAX {
            next = format!("crossdock deliveries show {}", delivery.id);
        } else if let Some((said, instead)) = overtaken(app, &delivery).await? {
            (waits_for, next) = (format!("{waits_for}; {said}"), instead);
        }
        looked_up = (looked_up + usize::from(is_with_a_person(&delivery))).min(OVERTAKEN_ROWS_MAX);
        rows.push(DeliveryRow { delivery, waits_for, next });
    }
    Ok(rows)
}

/// A delivery and its attempts with what it waits for, as far as the one who asks may read answers.
pub fn page(app: &App, story: DeliveryStory, answers: Answers) -> DeliveryPage {
    let story = DeliveryStory { delivery: answers.of_why(story.delivery), ..story };
    let (waits_for, next) = of_delivery(app, &story.delivery, answers.newest(&story.attempts));
    let (story, answers_hidden) = answers.of_delivery(story);
    DeliveryPage { story, answers_hidden, waits_for, next }
}

/// What is said beside a delivery that waits for a person where a newer state of its key went, and what to do then: a retry would
/// be refused.
pub async fn overtaken(app: &App, delivery: &Delivery) -> Result<Option<(String, String)>, Fault> {
    if !is_with_a_person(delivery) {
        return Ok(None);
    }
    let newer = app.operate().would_go_over(delivery).await?;
    Ok(newer.map(|newer| (format!("but {}", newer.beside("a retry")), next_over(&newer, delivery))))
}

/// What is done about a delivery that would go over a newer state. Only what the newer one says as well is ended.
fn next_over(newer: &Overtaken, delivery: &Delivery) -> String {
    match newer.newer {
        Fate::Unknown(Blind::Behind) => format!("crossdock retry {} --reason …", delivery.id),
        Fate::Done | Fate::UnderWay | Fate::Blocks | Fate::Unknown(Blind::Crowded | Blind::Removed) if newer.may_end() => {
            format!("crossdock cancel {} --reason …", delivery.id)
        }
        Fate::Done | Fate::UnderWay | Fate::Blocks | Fate::Unknown(Blind::Crowded | Blind::Removed) => {
            format!("crossdock retry {} {} --reason …", delivery.id, newer.flag())
        }
    }
}

/// A kept event, and what is said beside it where a newer state of its key went: a release would be refused.
pub async fn kept(app: &App, row: QuarantineRow, answers: Answers) -> Result<QuarantinePage, Fault> {
    let newer = app.quarantine().would_go_over(&row).await?;
    let may_close = newer.as_ref().is_some_and(Overtaken::may_end);
    let newer = newer.map(|newer| newer.beside("a release, or a correction,"));
    Ok(QuarantinePage { row: answers.of_row(row), newer, may_close })
}

/// A delivery and its attempts as [`page`] has it, and what went of its key since.
pub async fn page_with_newer(app: &App, story: DeliveryStory, answers: Answers) -> Result<DeliveryPage, Fault> {
    let mut page = page(app, story, answers);
    if let Some((said, next)) = overtaken(app, &page.story.delivery).await? {
        page.waits_for = format!("{}; {said}", page.waits_for);
        page.next = next;
    }
    Ok(page)
}

/// LIMIT: deliveries of a group of which it is looked up what a retry of the group would send.
const GROUP_ASKED_MAX: usize = 100;

/// What is said beside a group where a retry of it would not send all, and what to do then: such a retry is a replay, and leaves out
/// what would go over a newer state. Nothing where its advice is no such retry.
pub async fn kept_back(app: &App, group: &CauseGroup, advice: &Advice) -> Result<Option<Advice>, Fault> {
    let CauseGroup { state, flow, destination, cause, .. } = group;
    let cause_path = format!("--cause {flow}/{destination}/{cause}");
    if !advice.next.contains(&format!("retry {cause_path}")) {
        return Ok(None);
    }
    let query = DeliveryQuery {
        states: vec![state.clone()],
        flow: Some(flow.clone()),
        destination: Some(destination.clone()),
        cause: Some(cause.clone()),
        limit: GROUP_ASKED_MAX,
        ..DeliveryQuery::default()
    };
    let ids: Vec<_> = app.views.deliveries(query).await?.rows.iter().map(|delivery| delivery.id).collect();
    let outlook = match app.replays().outlook(ids, app.ground.clock.now()).await {
        Ok(outlook) => outlook,
        Err(NotDone::Fault(fault)) => return Err(fault),
        // What moved on in between is told at the next look.
        Err(_) => return Ok(None),
    };
    if outlook.left_out.is_empty() {
        return Ok(None);
    }
    let reasons: Vec<String> =
        outlook.left_out.iter().map(|(reason, count)| format!("{count} kept back: {}", reason.sentence())).collect();
    let asked = outlook.send + outlook.left_out.values().sum::<u64>();
    let of = if asked < group.count { format!("of the newest {asked}, ") } else { String::new() };
    let sentence = format!("{}; {of}{} would be sent, {}", advice.sentence, outlook.send, reasons.join(", "));
    let is_forgotten = outlook.left_out.contains_key(&Reason::NewerRemoved);
    let next = match (outlook.send, is_forgotten) {
        (0, true) => format!("crossdock retry {cause_path} --over-removed --canary 1 --reason …"),
        (0, false) => format!("crossdock deliveries ls --state {state} --flow {flow} --cause {cause}"),
        (_, true) => format!("{}, with --over-removed for what cannot be told", advice.next),
        (_, false) => advice.next.clone(),
    };
    Ok(Some(Advice { sentence, next }))
}

/// A flow of the policy that goes to where the removed one went, if there is one.
fn successor(policy: &Policy, (flow, to): (&FlowName, &DestinationName)) -> Option<FlowName> {
    let other = policy.flows.values().find(|other| other.destination == *to && other.name != *flow);
    other.map(|other| other.name.clone())
}

fn advice_on(app: &App, delivery: &Delivery, answer: Answer<'_>) -> Advice {
    let Delivery { flow, destination, event, .. } = delivery;
    let instead = successor(&app.ground.book.current(), (flow, destination));
    advice::of(&Trouble {
        instead: instead.map(|flow| (format!("crossdock replay --event {event} --flow {flow} --reason …"), flow)),
        cause: &delivery.cause,
        flow: &delivery.flow,
        destination: &delivery.destination,
        repeat: repeat_of(app, &delivery.destination),
        secrets: secrets_missing(app, &delivery.destination),
        gone: Object::gone((&delivery.flow, &delivery.destination), &app.ground.book.current()),
        is_policy_newer: delivery.policy != app.ground.book.current().version,
        answer,
        retry: format!("crossdock retry {} --reason …", delivery.id),
        give_up: format!("crossdock cancel {} --reason …", delivery.id),
    })
}

/// What to do about deliveries of one cause; the newest of them, where it was looked up, speaks for all.
pub fn advice_on_group(app: &App, group: &CauseGroup, example: Option<&DeliveryStory>, answers: Answers) -> Advice {
    let answer = example.map_or(Answer::None, |story| answers.newest(&story.attempts));
    if let (1, Some(DeliveryStory { delivery, .. })) = (group.count, example) {
        return advice_on(app, delivery, answer);
    }
    let CauseGroup { state, flow, destination, cause, .. } = group;
    let list = format!("crossdock deliveries ls --state {state} --flow {flow} --cause {cause}");
    let repeat = repeat_of(app, destination);
    let all = format!("crossdock retry --cause {flow}/{destination}/{cause} --canary 1 --reason …");
    // Sent as new deliveries they would be acted on twice, where that must not be: these are looked at one by one.
    let is_unclear = repeat == Repeat::Unsafe && ["timeout", "closed", "protocol", "unknown"].contains(&cause.as_str());
    let present = app.ground.book.current();
    let gone = Object::gone((flow, destination), &present);
    // By a flow that is gone each is sent for itself.
    let is_each = is_unclear || cause.is_empty() || matches!(gone, Some(Object::Flow(_)));
    advice::of(&Trouble {
        instead: successor(&present, (flow, destination)).map(|flow| (list.clone(), flow)),
        cause,
        flow,
        destination,
        repeat,
        secrets: secrets_missing(app, destination),
        gone,
        is_policy_newer: example.is_some_and(|story| story.delivery.policy != present.version),
        answer,
        retry: if is_each { list.clone() } else { all },
        give_up: list,
    })
}

/// One that no policy knows any more may not get anything twice.
fn repeat_of(app: &App, destination: &DestinationName) -> Repeat {
    app.ground.book.current().destinations.get(destination).map_or(Repeat::Unsafe, |it| it.repeat)
}

/// The secrets of a destination that have no value, each with where that would be read from.
fn secrets_missing(app: &App, destination: &DestinationName) -> Vec<String> {
    let policy = app.ground.book.current();
    let keys = app.ground.keys.borrow().clone();
    let names = policy.destinations.get(destination).into_iter().flat_map(|it| it.secrets());
    let lacking = names.filter(|name| keys.get(name).is_none());
    lacking.map(|name| format!("{name} (from {})", secrets::place(name, &app.settings.data))).collect()
}

/// What holds waiting deliveries up or lets them go.
struct Around<'a> {
    board: &'a Board,
    policy: &'a Policy,
    now: Timestamp,
    /// A secret of the destination that has no value.
    lacking: Option<String>,
}

/// What a waiting delivery waits for, and the command that would change it.
fn waiting(Around { board, policy, now, lacking }: Around<'_>, delivery: &Delivery) -> (String, String) {
    let Delivery { flow, destination, .. } = delivery;
    if delivery.lease.is_some() {
        return (format!("attempt {} to {destination} is under way", delivery.attempts), String::new());
    }
    for object in [format!("flow/{flow}"), format!("destination/{destination}")] {
        if let Some(Switch { by, why, at, .. }) = board.switches.paused(&object) {
            let next = format!("crossdock resume {object} --reason …");
            return (format!("{object} is paused by {by} for {}: {why}", now.since(at).rounded()), next);
        }
    }
    if delivery.behind {
        let lane = delivery.lane.as_ref().map_or("", |lane| lane.as_str());
        let next = format!("crossdock deliveries ls --flow {flow}");
        return (format!("{flow} waits behind an earlier delivery of lane {lane}"), next);
    }
    if let Some(secret) = lacking {
        return (format!("nothing can be sent to {destination}: give {secret} a value"), String::new());
    }
    let gate = board.gates().into_iter().find(|(name, ..)| name == destination);
    let busy = match gate {
        Some((_, State::Open { since, until, .. }, _)) => {
            let (age, soon) = (now.since(since).rounded(), until.since(now).rounded());
            let why = format!("the breaker of {destination} is open: it has failed for {age} and is tried again in {soon}");
            return (why, "crossdock status".to_owned());
        }
        Some((_, State::HalfOpen { since, .. }, _)) => {
            let why = format!("{destination} has failed for {}; one probe is under way", now.since(since).rounded());
            return (why, "crossdock status".to_owned());
        }
        Some((_, State::Closed, busy)) => busy,
        None => 0,
    };
    match delivery.state {
        DeliveryState::Waiting { due } if delivery.attempts > 0 => {
            let next = delivery.attempts + 1;
            let soon = due.since(now).rounded();
            (format!("{flow}: {}; attempt {next} is due in {soon}", delivery.why), String::new())
        }
        DeliveryState::Waiting { due } if due > now => {
            (format!("{flow}: its first attempt is due in {}", due.since(now).rounded()), String::new())
        }
        _ => {
            let slots = policy.destinations.get(destination).map_or(0, |destination| destination.concurrency);
            (format!("{flow} waits for a slot of {destination}: {busy} of {slots} are in use"), String::new())
        }
    }
}
