//! The destinations of a simulation: they write down what arrives, and answer as the weather of the seed has it. What they
//! wrote down belongs to the world; a node's crash only closes its connections.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use engine::ports::{Message, Outbound, Sent};
use formats::signature::standard_webhooks::{self, SigningKey};
use model::outcome::Again;
use model::{Outcome, TimeSpan, TransportError};

use crate::checks::{Size, i9_everything_has_a_limit};
use crate::defect::Defect;
use crate::oracle::{Arrival, Oracle, Rule};
use crate::project::Project;
use crate::random::Random;
use crate::swarm::OutsideFaults;
use crate::timeline::Timeline;
use crate::watch::watch_arrival;
use crate::weather::Sky;

/// LIMIT: how long each half of an exchange takes once faults have ended.
const CALM_MAX: TimeSpan = TimeSpan::from_millis(200);

/// All destinations.
#[derive(Debug)]
pub struct Receivers {
    /// What they are.
    pub project: Arc<Project>,
    /// How they misbehave, while faults are on.
    pub faults: OutsideFaults,
    /// Whether faults are on.
    pub sky: Arc<Sky>,
    /// Who writes down.
    pub oracle: Arc<Oracle>,
    /// The time.
    pub timeline: Arc<Timeline>,
    /// What is broken on purpose.
    pub defect: Option<Arc<Defect>>,
    /// Their moods.
    pub moods: Moods,
}

/// The chance of each destination, and which of them are down.
#[derive(Debug)]
pub struct Moods {
    state: Mutex<BTreeMap<String, Mood>>,
    seed: u64,
}

#[derive(Debug)]
struct Mood {
    random: Random,
    down: bool,
}

impl Moods {
    /// Moods of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: Mutex::new(BTreeMap::new()), seed }
    }

    /// Sets whether a destination answers nothing but 503.
    pub fn set_down(&self, destination: &str, down: bool) {
        self.with(destination, |mood| mood.down = down);
    }

    fn with<T>(&self, destination: &str, act: impl FnOnce(&mut Mood) -> T) -> T {
        let mut state: MutexGuard<'_, _> = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Mood { random: Random::stream(self.seed, &format!("receiver {destination}")), down: false };
        act(state.entry(destination.to_owned()).or_insert_with(fresh))
    }
}

/// What a destination will do with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Answer(Reply),
    /// It is taken, and no answer comes.
    Silent,
    /// Nothing arrives, and no answer comes.
    Lost,
    /// It is taken, and the connection is closed.
    Cut,
    /// There is no connection.
    Unreachable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    Taken,
    Failing(u16),
    Refusing(u16),
    Patience(u16, TimeSpan),
}

/// The destinations as a node reaches them.
#[derive(Debug)]
pub struct Outside {
    /// The destinations.
    pub receivers: Arc<Receivers>,
    /// From where.
    pub node: String,
}

impl Outbound for Outside {
    fn send<'a>(&'a self, message: &'a Message) -> Pin<Box<dyn Future<Output = Sent> + Send + 'a>> {
        Box::pin(self.exchange(message))
    }
}

/// A request that is being served; its end is written down however it ends.
struct Serving<'a> {
    receivers: &'a Receivers,
    place: usize,
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let at = self.receivers.timeline.elapsed();
        self.receivers.oracle.known().arrivals.end(self.place, at);
    }
}

impl Outside {
    async fn exchange(&self, message: &Message) -> Sent {
        let receivers = &*self.receivers;
        let (plan, travel, service) = receivers.plan(message.destination.as_str());
        let travel = travel.min(message.timeout);
        receivers.timeline.sleep(travel).await;
        let left = TimeSpan::from_micros(message.timeout.micros() - travel.micros());
        let outcome = match plan {
            Plan::Unreachable => unreached(TransportError::Connect),
            Plan::Lost => {
                receivers.timeline.sleep(left).await;
                unreached(TransportError::Timeout)
            }
            Plan::Silent => {
                let serving = receivers.arrive(message, &self.node, true);
                receivers.timeline.sleep(left).await;
                drop(serving);
                unreached(TransportError::Timeout)
            }
            Plan::Cut => {
                let serving = receivers.arrive(message, &self.node, true);
                receivers.timeline.sleep(service.min(left)).await;
                drop(serving);
                unreached(TransportError::Closed)
            }
            Plan::Answer(reply) => {
                let serving = receivers.arrive(message, &self.node, reply == Reply::Taken);
                receivers.timeline.sleep(service.min(left)).await;
                drop(serving);
                if service > left { unreached(TransportError::Timeout) } else { answered(reply) }
            }
        };
        receivers.oracle.note(|| format!("{} answers {} with {outcome:?}", message.destination, name_of(message)));
        Sent { outcome, response: Bytes::from_static(b"ok"), cut: false }
    }
}

const fn unreached(error: TransportError) -> Outcome {
    Outcome::Unreached { error }
}

const fn answered(reply: Reply) -> Outcome {
    match reply {
        Reply::Taken => Outcome::Accepted { status: 200 },
        Reply::Failing(status) => Outcome::Refused { status, again: Again::Perhaps, refusal: None },
        Reply::Refusing(status) => Outcome::Refused { status, again: Again::Never, refusal: None },
        Reply::Patience(status, span) => Outcome::Deferred { status, retry_after: Some(span) },
    }
}

fn name_of(message: &Message) -> String {
    format!("{} attempt {}", header(message, "webhook-id"), header(message, "crossdock-attempt"))
}

fn header<'a>(message: &'a Message, name: &str) -> &'a str {
    message.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

impl Receivers {
    fn plan(&self, destination: &str) -> (Plan, TimeSpan, TimeSpan) {
        let calm = self.sky.is_calm();
        let OutsideFaults { answer_max, slow, .. } = self.faults;
        self.moods.with(destination, |mood| {
            let travel = mood.random.span(TimeSpan::ZERO, answer_max.percent(30));
            let mut service = mood.random.span(TimeSpan::ZERO, answer_max);
            if calm {
                // Within every timeout that a project has.
                return (Plan::Answer(Reply::Taken), travel.min(CALM_MAX), service.min(CALM_MAX));
            }
            if mood.random.in_thousand(slow) {
                service = mood.random.span(TimeSpan::from_secs(1), TimeSpan::from_secs(30));
            }
            let plan = if mood.down { Plan::Answer(Reply::Failing(503)) } else { self.faults.pick(&mut mood.random) };
            (plan, travel, service)
        })
    }

    fn arrive(&self, message: &Message, node: &str, taken: bool) -> Serving<'_> {
        let body = self.defect.as_ref().map_or_else(|| message.body.clone(), |defect| defect.body(message));
        let attempt = header(message, "crossdock-attempt").parse().unwrap_or(0);
        let delivery = header(message, "webhook-id").to_owned();
        watch_arrival(&self.oracle, delivery.parse().ok(), attempt);
        let arrival = Arrival {
            destination: message.destination.as_str().to_owned(),
            node: node.to_owned(),
            at: self.timeline.elapsed(),
            until: None,
            delivery,
            event: header(message, "crossdock-event").to_owned(),
            flow: header(message, "crossdock-flow").to_owned(),
            attempt,
            signed_well: self.is_signed_well(message),
            body,
            taken,
        };
        self.oracle.note(|| format!("{} gets {} from {node}", arrival.destination, name_of(message)));
        let mut known = self.oracle.known();
        let place = known.arrivals.begin(arrival);
        let sends = known.arrivals.serving(message.destination.as_str(), node);
        drop(known);
        let most = self.project.destination(message.destination.as_str()).map_or(0, |it| it.concurrency as usize);
        self.oracle.blame(Rule::I9, i9_everything_has_a_limit(Size::Sends(sends, most)));
        Serving { receivers: self, place }
    }

    /// Whether the signature is the one that the secret gives, where one is due, and none where it is not.
    fn is_signed_well(&self, message: &Message) -> bool {
        let Some(destination) = self.project.destination(message.destination.as_str()) else {
            return false;
        };
        let given = header(message, "webhook-signature");
        if !destination.signed {
            return given.is_empty();
        }
        let at = header(message, "webhook-timestamp").parse::<i64>();
        let (Ok(at), Ok(key)) = (at, SigningKey::parse(&destination.secret())) else {
            return false;
        };
        standard_webhooks::sign(header(message, "webhook-id"), at, &message.body, &[key]).is_ok_and(|right| right == given)
    }
}

impl OutsideFaults {
    fn pick(&self, random: &mut Random) -> Plan {
        if random.in_thousand(self.unreachable) {
            Plan::Unreachable
        } else if random.in_thousand(self.lost) {
            Plan::Lost
        } else if random.in_thousand(self.silent) {
            Plan::Silent
        } else if random.in_thousand(self.cut) {
            Plan::Cut
        } else if random.in_thousand(self.failing) {
            Plan::Answer(Reply::Failing(*random.pick(&[500, 502, 503])))
        } else if random.in_thousand(self.refusing) {
            Plan::Answer(Reply::Refusing(*random.pick(&[400, 410, 422])))
        } else if random.in_thousand(self.deferring) {
            Plan::Answer(Reply::Patience(
                *random.pick(&[429, 503]),
                random.span(TimeSpan::from_secs(1), TimeSpan::from_secs(20)),
            ))
        } else {
            Plan::Answer(Reply::Taken)
        }
    }
}
