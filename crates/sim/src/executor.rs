//! The executor: one thread, named tasks in groups, a seeded choice among those that can run, and virtual time.
//!
//! A group is a node or a part of the world around it. Killing a group drops its tasks wherever they await: that is a crash.
//! Nothing in here knows what the tasks are about.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use model::TimeSpan;

use crate::random::Random;
use crate::timeline::Timeline;
use crate::trace::Trace;

/// What a task does.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// LIMIT: polls without time moving on; more is a livelock.
const POLLS_PER_INSTANT_MAX: u64 = 200_000;

/// LIMIT: polls of one simulation, and further ones for each hour that it lasts: nodes look for work through the night as well.
const POLLS_MAX: u64 = 12_000_000;
const POLLS_PER_HOUR_MAX: u64 = 1_000_000;

type TaskId = u64;
type ReadySet = Arc<Mutex<BTreeSet<TaskId>>>;

struct Task {
    name: String,
    group: String,
    work: Work,
    waker: Waker,
    polls: u64,
}

struct Bell {
    task: TaskId,
    ready: ReadySet,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).insert(self.task);
    }
}

enum Order {
    Spawn { group: String, name: String, work: Work },
    Kill { group: String },
    KillAfter { group: String, polls: u64 },
}

/// Gives orders to the executor from inside of tasks; they are followed between two polls.
#[derive(Clone, Default)]
pub struct Spawner {
    orders: Arc<Mutex<Vec<Order>>>,
    dead: Arc<Mutex<BTreeSet<String>>>,
}

impl std::fmt::Debug for Spawner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spawner").finish_non_exhaustive()
    }
}

impl Spawner {
    /// Starts a task in a group.
    pub fn spawn(&self, group: &str, name: &str, work: impl Future<Output = ()> + Send + 'static) {
        self.order(Order::Spawn { group: group.to_owned(), name: name.to_owned(), work: Box::pin(work) });
    }

    /// Drops all tasks of a group where they are.
    pub fn kill(&self, group: &str) {
        self.order(Order::Kill { group: group.to_owned() });
    }

    /// Drops all tasks of a group after they were polled so many times more.
    pub fn kill_after(&self, group: &str, polls: u64) {
        self.order(Order::KillAfter { group: group.to_owned(), polls });
    }

    /// Whether a group was killed. Nothing is started in it any more.
    pub fn is_dead(&self, group: &str) -> bool {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).contains(group)
    }

    fn bury(&self, group: &str) {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).insert(group.to_owned());
    }

    fn order(&self, order: Order) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).push(order);
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The condition came true.
    Stopped,
    /// Every task has ended or waits for what never comes.
    Asleep,
    /// Too many polls; who was polled most.
    Livelock(String),
}

/// The executor.
pub struct Executor {
    tasks: BTreeMap<TaskId, Task>,
    ready: ReadySet,
    spawner: Spawner,
    timeline: Arc<Timeline>,
    trace: Arc<Trace>,
    schedule: Random,
    fuses: BTreeMap<String, u64>,
    next: TaskId,
    polls: u64,
    since: (TimeSpan, u64),
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").field("tasks", &self.tasks.len()).field("polls", &self.polls).finish_non_exhaustive()
    }
}

impl Executor {
    /// An executor without tasks.
    pub fn new(timeline: Arc<Timeline>, trace: Arc<Trace>, schedule: Random) -> Self {
        Self {
            tasks: BTreeMap::new(),
            ready: ReadySet::default(),
            spawner: Spawner::default(),
            timeline,
            trace,
            schedule,
            fuses: BTreeMap::new(),
            next: 0,
            polls: 0,
            since: (TimeSpan::ZERO, 0),
        }
    }

    /// Where orders are given.
    pub fn spawner(&self) -> Spawner {
        self.spawner.clone()
    }

    /// Polls so far.
    pub const fn polls(&self) -> u64 {
        self.polls
    }

    /// Runs until `done` says so, asked after every poll.
    pub fn run(&mut self, done: impl Fn() -> bool) -> Ended {
        loop {
            self.follow_orders();
            if done() {
                return Ended::Stopped;
            }
            match self.choose() {
                Some(task) => self.poll(task),
                None if self.timeline.advance() => {}
                None => return Ended::Asleep,
            }
            if self.is_livelock() {
                return Ended::Livelock(self.busiest());
            }
        }
    }

    /// One of the tasks that can run.
    fn choose(&mut self) -> Option<TaskId> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        while !ready.is_empty() {
            let place = self.schedule.place(ready.len());
            let task = *ready.iter().nth(place)?;
            ready.remove(&task);
            if self.tasks.contains_key(&task) {
                return Some(task);
            }
        }
        None
    }

    fn poll(&mut self, id: TaskId) {
        self.polls += 1;
        let Some(task) = self.tasks.get_mut(&id) else { return };
        task.polls += 1;
        self.trace.step(id, self.timeline.elapsed());
        let waker = task.waker.clone();
        let ended = task.work.as_mut().poll(&mut Context::from_waker(&waker));
        let group = task.group.clone();
        if ended == Poll::Ready(()) {
            drop(self.tasks.remove(&id));
        }
        self.burn(&group);
    }

    /// A crash may be set to come after some more polls of its group.
    fn burn(&mut self, group: &str) {
        let Some(left) = self.fuses.get_mut(group) else { return };
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.kill(group);
        }
    }

    fn kill(&mut self, group: &str) {
        self.fuses.remove(group);
        self.spawner.bury(group);
        let trace = Arc::clone(&self.trace);
        trace.note(self.timeline.elapsed(), || format!("{group} is killed"));
        let gone: Vec<TaskId> = self.tasks.iter().filter(|(_, task)| task.group == group).map(|(id, _)| *id).collect();
        for id in gone {
            drop(self.tasks.remove(&id));
        }
    }

    fn follow_orders(&mut self) {
        loop {
            let orders = std::mem::take(&mut *self.spawner.orders.lock().unwrap_or_else(PoisonError::into_inner));
            if orders.is_empty() {
                return;
            }
            for order in orders {
                match order {
                    Order::Spawn { group, work, .. } if self.spawner.is_dead(&group) => drop(work),
                    Order::Spawn { group, name, work } => self.start(group, name, work),
                    Order::Kill { group } => self.kill(&group),
                    Order::KillAfter { group, polls } => {
                        self.fuses.insert(group, polls.max(1));
                    }
                }
            }
        }
    }

    fn start(&mut self, group: String, name: String, work: Work) {
        let id = self.next;
        self.next += 1;
        let bell = Arc::new(Bell { task: id, ready: Arc::clone(&self.ready) });
        self.tasks.insert(id, Task { name, group, work, waker: Waker::from(bell), polls: 0 });
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    }

    fn is_livelock(&mut self) -> bool {
        let now = self.timeline.elapsed();
        if now != self.since.0 {
            self.since = (now, self.polls);
        }
        self.polls - self.since.1 > POLLS_PER_INSTANT_MAX
            || self.polls > POLLS_MAX + POLLS_PER_HOUR_MAX * (now.micros() / 3_600_000_000)
    }

    fn busiest(&self) -> String {
        let mut busiest: Vec<&Task> = self.tasks.values().collect();
        busiest.sort_by_key(|task| std::cmp::Reverse(task.polls));
        let names = busiest.iter().take(3).map(|task| format!("{}/{} ({} polls)", task.group, task.name, task.polls));
        let names: Vec<String> = names.collect();
        format!("{} polls at {}: {}", self.polls, self.timeline.elapsed(), names.join(", "))
    }
}

/// Lets others run first, without time passing.
pub async fn give_way() {
    let mut waited = false;
    std::future::poll_fn(move |context| {
        if waited {
            return Poll::Ready(());
        }
        waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn executor(seed: u64) -> (Executor, Arc<Timeline>) {
        let timeline = Arc::new(Timeline::default());
        let trace = Arc::new(Trace::new(0));
        (Executor::new(Arc::clone(&timeline), trace, Random::stream(seed, "schedule")), timeline)
    }

    #[test]
    fn time_goes_on_only_when_nothing_can_run() {
        let (mut executor, timeline) = executor(1);
        let inside = Arc::clone(&timeline);
        executor.spawner().spawn("world", "sleeper", async move {
            inside.sleep(TimeSpan::from_secs(5)).await;
            give_way().await;
        });
        assert_eq!(executor.run(|| false), Ended::Asleep);
        assert_eq!(timeline.elapsed(), TimeSpan::from_secs(5));
    }

    #[test]
    fn a_killed_group_does_nothing_more() {
        let (mut executor, timeline) = executor(2);
        let count = Arc::new(AtomicU64::new(0));
        let (inside, clock) = (Arc::clone(&count), Arc::clone(&timeline));
        executor.spawner().spawn("node", "counter", async move {
            loop {
                inside.fetch_add(1, Ordering::Relaxed);
                clock.sleep(TimeSpan::from_secs(1)).await;
            }
        });
        executor.spawner().kill_after("node", 3);
        assert_eq!(executor.run(|| false), Ended::Asleep);
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_task_that_never_waits_is_reported() {
        let (mut executor, _) = executor(3);
        executor.spawner().spawn("node", "spinner", async {
            loop {
                give_way().await;
            }
        });
        assert!(matches!(executor.run(|| false), Ended::Livelock(who) if who.contains("node/spinner")));
    }
}
