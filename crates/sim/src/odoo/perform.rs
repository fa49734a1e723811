//! Performing a call: a transaction, the webhooks in it or after it by version, the commit, and the server's own repeats after
//! a conflict. No lock is held while it waits; the transaction is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::ports::Clock;
use futures::future::{Either, select};
use model::TimeSpan;
use serde_json::{Map, Value as Json};

use super::calls::{self, Outcome};
use super::env::{Env, World};
use super::errors::Failure;
use super::faults::Fault;
use super::load;
use super::outbox;
use super::rights::Operation;
use super::transaction::Transaction;
use super::webhooks::{Hook, Receipt, Sender, TIMEOUT};

/// How often the server tries a transaction that conflicts.
const TRIES: u32 = 5;
/// How often a waiting transaction looks whether the other one has ended.
const LOOK: TimeSpan = TimeSpan::from_millis(20);
/// LIMIT: how long a transaction waits for another one; the server's own limit of a request.
const PATIENCE: TimeSpan = TimeSpan::from_secs(120);

/// What all handles of one Odoo share.
pub(super) struct Shared {
    pub(super) world: Mutex<World>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sender: Mutex<Sender>,
    /// How long a call that writes keeps its transaction open.
    pub(super) hold: Mutex<TimeSpan>,
    /// How long a client is left without an answer before a proxy gives up.
    pub(super) silence: Mutex<TimeSpan>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn silence(&self) -> TimeSpan {
        *self.silence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self) -> TimeSpan {
        *self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who calls.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) user: i64,
    pub(super) session: Option<String>,
}

/// What is asked: a method with its arguments by place and name, or by name alone.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Places { model: String, method: String, args: Vec<Json>, named: Map<String, Json> },
    Names { model: String, method: String, body: Map<String, Json> },
}

impl Ask {
    fn method(&self) -> &str {
        match self {
            Self::Places { method, .. } | Self::Names { method, .. } => method,
        }
    }
}

/// A transaction that is rolled back unless it is committed, also when whoever has it goes away.
#[derive(Debug)]
pub(super) struct Held {
    shared: Arc<Shared>,
    tx: Option<Transaction>,
}

impl Held {
    pub(super) fn begin(shared: &Arc<Shared>, user: i64) -> Self {
        let now = shared.clock.now();
        let tx = shared.world().store.begin(now, user);
        Self { shared: Arc::clone(shared), tx: Some(tx) }
    }

    /// Runs something in it.
    pub(super) fn with<T>(&mut self, session: Option<&str>, work: impl FnOnce(&mut Env<'_>) -> T) -> T {
        let tx = self.tx.as_mut().expect("it is there until it is committed, which takes it");
        let mut world = self.shared.world();
        let session = session.map(str::to_owned);
        work(&mut Env { world: &mut world, tx, context: Map::new(), session })
    }

    pub(super) fn hooks(&mut self) -> Vec<Hook> {
        self.tx.as_mut().map(|tx| std::mem::take(&mut tx.hooks)).unwrap_or_default()
    }

    /// Makes it visible. Answers how many records changed.
    pub(super) fn commit(mut self) -> usize {
        let Some(tx) = self.tx.take() else { return 0 };
        let now = self.shared.clock.now();
        let started = tx.start;
        let mut world = self.shared.world();
        let changes = world.store.commit(tx);
        let count = changes.len();
        world.ledger.commit(changes, started, now);
        count
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(tx) = self.tx.take() {
            self.shared.world().store.roll_back(&tx);
        }
    }
}

/// A call that was performed.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) outcome: Outcome,
    /// Whether something is different now.
    pub(super) wrote: bool,
}

/// Performs a call.
pub(super) async fn perform(shared: &Arc<Shared>, caller: &Caller, ask: &Ask) -> Result<Done, Failure> {
    let mut in_vain = 0;
    let mut tries = 1;
    loop {
        let mut held = Held::begin(shared, caller.user);
        let ran = held.with(caller.session.as_deref(), |env| run(env, ask));
        if let Ok((_, Operation::Write | Operation::Create | Operation::Unlink)) = &ran
            && let Some(failure) = struck(shared).await
        {
            return Err(failure);
        }
        let is_new = shared.world().version.is_new();
        let hooks = held.hooks();
        let told = if is_new { 0 } else { send(shared, &hooks).await };
        let failure = match ran {
            Ok((outcome, needs)) => {
                if !matches!(needs, Operation::Read | Operation::Call) {
                    shared.clock.sleep(shared.hold()).await;
                }
                let wrote = held.commit() > 0;
                shared.world().ledger.webhooks.doubled += in_vain;
                if is_new {
                    send(shared, &hooks).await;
                }
                return Ok(Done { outcome, wrote });
            }
            Err(failure) => failure,
        };
        drop(held);
        in_vain += told;
        match failure {
            Failure::Blocked(by) => {
                shared.world().ledger.load.conflicts += 1;
                wait_for(shared, by).await;
                if ask.method() == "load" {
                    shared.world().ledger.webhooks.phantom += in_vain;
                    return Ok(Done { outcome: load::overtaken(), wrote: false });
                }
            }
            Failure::Serialization => shared.world().ledger.load.conflicts += 1,
            other => {
                shared.world().ledger.webhooks.phantom += in_vain;
                return Err(other);
            }
        }
        if tries == TRIES {
            shared.world().ledger.webhooks.phantom += in_vain;
            return Err(Failure::Serialization);
        }
        let most = TimeSpan::from_secs(1 << tries);
        let wait = shared.world().chance.span(TimeSpan::ZERO, most);
        shared.clock.sleep(wait).await;
        tries += 1;
    }
}

fn run(env: &mut Env<'_>, ask: &Ask) -> Result<(Outcome, Operation), Failure> {
    let (method, call) = match ask {
        Ask::Places { model, method, args, named } => {
            let method = calls::resolve(env, model, method)?;
            (method, calls::bind_places(method, model, args, named)?)
        }
        Ask::Names { model, method, body } => {
            let method = calls::resolve(env, model, method)?;
            (method, calls::bind_names(method, model, body)?)
        }
    };
    let outcome = calls::run(env, method, &call)?;
    outbox::record(env)?;
    Ok((outcome, method.needs))
}

/// The fault of a transaction that never gets through, after as long as the server tries.
async fn struck(shared: &Shared) -> Option<Failure> {
    let wait = {
        let mut world = shared.world();
        if !world.faults.strikes(Fault::Serialization) {
            return None;
        }
        world.ledger.load.conflicts += u64::from(TRIES);
        TimeSpan::from_millis(world.faults.millis(2_000, 23_200))
    };
    shared.clock.sleep(wait).await;
    Some(Failure::Serialization)
}

async fn wait_for(shared: &Shared, other: u64) {
    let until = shared.clock.now() + PATIENCE;
    while shared.world().store.is_open(other) && shared.clock.now() < until {
        shared.clock.sleep(LOOK).await;
    }
}

/// Sends webhooks, one after the other, each for a second at most. Answers how many.
pub(super) async fn send(shared: &Shared, hooks: &[Hook]) -> u64 {
    for hook in hooks {
        let sender = Arc::clone(&shared.sender.lock().unwrap_or_else(PoisonError::into_inner));
        let is_lost = shared.world().faults.strikes(Fault::HooksLost);
        let receipt = if is_lost {
            Receipt::Lost
        } else {
            match select(sender(hook.clone()), shared.clock.sleep(TIMEOUT)).await {
                Either::Left((receipt, _)) => receipt,
                Either::Right(_) => Receipt::Lost,
            }
        };
        let mut world = shared.world();
        world.ledger.webhooks.sent += 1;
        if receipt == Receipt::Lost {
            world.ledger.webhooks.lost += 1;
        }
    }
    hooks.len() as u64
}
