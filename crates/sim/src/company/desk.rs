//! The company's system of record as one life of a node reaches it: the engine's port, in virtual time. A call sees one moment of
//! the history and may take long to answer, or fail on either way. After the faults it answers soon and always. It has no
//! outbox.

use std::sync::{Arc, Mutex, PoisonError};

use engine::ports::{Absence, Asked, Extent, Peer, Place, Pull, Pulled, Read, Records, Row, Shape, Shown, Unread, Which};
use model::{TimeSpan, Timestamp};

use super::{Company, History, Model};
use crate::defect::Defect;
use crate::oracle::Oracle;
use crate::project::Captured;
use crate::random::Random;
use crate::timeline::Timeline;
use crate::weather::Sky;

/// LIMIT: how long a caller waits for an answer that does not come.
const PATIENCE: TimeSpan = TimeSpan::from_secs(60);
/// LIMIT: how long an answer takes once faults have ended.
const CALM_MAX: TimeSpan = TimeSpan::from_millis(300);

/// The way of one node's life to the company.
#[derive(Debug)]
pub struct Desk {
    /// Where it leads.
    pub company: Arc<Company>,
    /// Whether faults are on.
    pub sky: Arc<Sky>,
    /// The time.
    pub timeline: Arc<Timeline>,
    /// Who looks on.
    pub oracle: Arc<Oracle>,
    /// How it is captured.
    pub captured: Captured,
    /// What is broken on purpose.
    pub defect: Option<Arc<Defect>>,
    /// Chance of its own.
    pub random: Mutex<Random>,
}

/// What will happen to a call.
#[derive(Clone, Copy, Debug)]
struct Forecast {
    before: TimeSpan,
    after: TimeSpan,
    end: End,
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Answered,
    /// The answer breaks off.
    Cut(Extent),
}

/// What a call saw of the company, and when it was answered, by the company's clock.
struct Seen<T> {
    told: T,
    at: Timestamp,
}

impl Desk {
    /// A call: it sees one moment.
    async fn call<T>(&self, name: &'static str, look: impl FnOnce(&History) -> T) -> Result<Seen<T>, Unread> {
        let forecast = self.forecast();
        self.timeline.sleep(forecast.before).await;
        if self.company.is_away() {
            self.hang().await;
            return Err(unread(Extent::System, "connect"));
        }
        let told = look(&self.company.history());
        self.timeline.sleep(forecast.after).await;
        if self.company.is_away() {
            return Err(unread(Extent::System, "closed"));
        }
        match forecast.end {
            End::Cut(of) => Err(unread(of, "closed")),
            End::Answered => {
                self.oracle.note(|| format!("the company answers {name} after {}", forecast.after));
                Ok(Seen { told, at: self.company.clock() })
            }
        }
    }

    /// A refused connection is known at once, a lost packet is not.
    async fn hang(&self) {
        let span = {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            if random.in_thousand(700) { TimeSpan::from_millis(50) } else { PATIENCE }
        };
        self.timeline.sleep(span).await;
    }

    fn forecast(&self) -> Forecast {
        let faults = self.company.faults;
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, after) = (random.span(TimeSpan::ZERO, CALM_MAX), random.span(TimeSpan::ZERO, CALM_MAX));
        let calm = Forecast { before, after, end: End::Answered };
        if self.sky.is_calm() {
            return calm;
        }
        let slow = random.in_thousand(faults.slow).then(|| random.span(TimeSpan::from_secs(2), PATIENCE));
        let cut = random.in_thousand(faults.cut).then(|| {
            let of = if random.in_thousand(300) { Extent::Model } else { Extent::System };
            End::Cut(of)
        });
        Forecast { before, after: slow.unwrap_or(after), end: cut.unwrap_or(End::Answered) }
    }

    async fn show(&self, asked: &Asked) -> Result<Shown, Unread> {
        let model = model_of(&asked.model)?;
        let since = self.timeline.elapsed();
        let from = |from: Timestamp| self.defect.as_ref().map_or(from, |defect| defect.written_from(from, &self.captured));
        let is_wanted = |id: u64, written_at: Timestamp| match &asked.which {
            Which::Written { from: asked, after } => id > *after && written_at >= from(*asked),
            Which::These(ids) => ids.contains(&id),
            Which::All { after } => id > *after,
        };
        let fields = |name: &str| asked.reading.fields.contains_key(name);
        let look = |history: &History| -> Vec<Row> {
            let wanted = history.shown(model).filter(|(id, written)| is_wanted(*id, written.written_at));
            let row = |(id, written): (u64, &super::Written)| Row {
                id,
                written_at: Some(written.written_at),
                state: written.content.state.map(str::to_owned),
                body: written.body((model, id), fields),
            };
            wanted.take(asked.limit).map(row).collect()
        };
        let Seen { told: rows, at } = self.call("records", look).await?;
        let took = TimeSpan::from_micros(self.timeline.elapsed().micros() - since.micros());
        let at = self.defect.as_ref().map_or(at, |defect| defect.read_at(at, took));
        self.oracle.note(|| {
            let rows: Vec<String> = rows.iter().map(|row| String::from_utf8_lossy(&row.body).into_owned()).collect();
            format!("{} {:?} shows {} rows at {at}: {}", asked.model, asked.which, rows.len(), rows.join(" "))
        });
        let shape = if model.states().is_empty() { Shape::Plain } else { Shape::Stated };
        let more_after = rows.last().map(|row| row.id).filter(|_| rows.len() >= asked.limit);
        Ok(Shown { rows, closed: Vec::new(), more_after, at, shape })
    }

    async fn count(&self, model: &str, ranges: &[(u64, u64)]) -> Result<Vec<u64>, Unread> {
        let model = model_of(model)?;
        let mut counts = Vec::with_capacity(ranges.len());
        // One call each, as an adapter does it: the moments differ. What lies beyond all ids is not worth one.
        for (from, to) in ranges {
            let is_beyond = self.company.history().shown(model).all(|(id, _)| id < *from);
            if is_beyond {
                counts.push(0);
                continue;
            }
            let look = |history: &History| history.shown(model).filter(|(id, _)| (*from..*to).contains(id)).count() as u64;
            counts.push(self.call("count", look).await?.told);
        }
        Ok(counts)
    }

    async fn search(&self, model: &str, (from, to): (u64, u64)) -> Result<Vec<u64>, Unread> {
        let model = model_of(model)?;
        let look = |history: &History| history.shown(model).map(|(id, _)| id).filter(|id| (from..to).contains(id)).collect();
        Ok(self.call("ids", look).await?.told)
    }

    async fn absent(&self, model: &str, asked: &[u64]) -> Result<Vec<(u64, Absence)>, Unread> {
        let model = model_of(model)?;
        let look = |history: &History| -> Vec<(u64, Absence)> {
            let absence = |id| if history.holds((model, id)).is_some() { Absence::Hidden } else { Absence::Gone };
            asked.iter().map(|id| (*id, absence(*id))).collect()
        };
        let told = self.call("missing", look).await?.told;
        Ok(self.defect.as_ref().map_or_else(|| told.clone(), |defect| defect.absent(told.clone())))
    }
}

impl Records for Desk {
    fn shown<'a>(&'a self, _: &'a Peer, asked: &'a Asked) -> Read<'a, Shown> {
        Box::pin(self.show(asked))
    }

    fn counts<'a>(&'a self, _: &'a Peer, model: &'a str, ranges: &'a [(u64, u64)]) -> Read<'a, Vec<u64>> {
        Box::pin(self.count(model, ranges))
    }

    fn ids<'a>(&'a self, _: &'a Peer, model: &'a str, range: (u64, u64)) -> Read<'a, Vec<u64>> {
        Box::pin(self.search(model, range))
    }

    fn missing<'a>(&'a self, _: &'a Peer, model: &'a str, ids: &'a [u64]) -> Read<'a, Vec<(u64, Absence)>> {
        Box::pin(self.absent(model, ids))
    }

    fn pulled<'a>(&'a self, _: &'a Peer, _: &'a Pull) -> Read<'a, Pulled> {
        Box::pin(async { Err(unread(Extent::System, "no_addon")) })
    }

    fn acknowledged<'a>(&'a self, _: &'a Peer, _: &'a str, _: &'a Place) -> Read<'a, ()> {
        Box::pin(async { Err(unread(Extent::System, "no_addon")) })
    }
}

fn model_of(name: &str) -> Result<Model, Unread> {
    Model::named(name).ok_or_else(|| unread(Extent::Model, "odoo_not_found"))
}

fn unread(of: Extent, cause: &'static str) -> Unread {
    Unread { of, cause, why: format!("simulated: {cause}"), help: "" }
}
