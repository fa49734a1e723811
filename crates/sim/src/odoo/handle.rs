//! The handle of a simulated Odoo, for servers and for tests: requests as they come over the wire, transactions that are begun
//! and ended at will, switches, and the books. Handles are cheap to clone and share one Odoo.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use engine::ports::Clock;
use futures::FutureExt as _;
use model::{TimeSpan, Timestamp};
use serde_json::{Map, Value as Json};

use super::accounts::Login;
use super::calls;
use super::env::World;
use super::errors::Failure;
use super::faults::Fault;
use super::ledger::{Change, Load, Webhooks};
use super::outbox::{self, Addon};
use super::perform::{Ask, Caller, Held, Shared, perform, send};
use super::store::{Record, Store};
use super::version::Version;
use super::webhooks::{Receipt, Sender};
use super::wire::{self, Reply, Request};
use super::{keys, records, seed};

/// What kind of Odoo.
#[derive(Clone, Debug)]
pub struct Options {
    /// The version.
    pub version: Version,
    /// The name of its one database.
    pub database: String,
    /// The seed of all chance.
    pub seed: u64,
    /// Sales orders, with partners and products, that are there from the start.
    pub records: usize,
    /// Whether the outbox addon is there.
    pub addon: Addon,
}

impl Options {
    /// An Odoo of a version with nothing but what every database has.
    pub fn new(version: Version) -> Self {
        Self { version, database: "odoo".to_owned(), seed: 7, records: 0, addon: Addon::Missing }
    }
}

/// A simulated Odoo.
#[derive(Clone, Debug)]
pub struct Odoo {
    pub(super) shared: Arc<Shared>,
    key: Arc<str>,
}

/// How long a client is left without an answer before a proxy gives up, unless it is set.
const SILENCE: TimeSpan = TimeSpan::from_secs(600);
/// The administrator's id.
const ADMINISTRATOR: i64 = 2;

impl Odoo {
    /// A fresh one. Webhooks go nowhere until there is a sender.
    ///
    /// # Panics
    /// When its opening records contradict its own tables.
    pub fn new(options: &Options, clock: Arc<dyn Clock>) -> Self {
        let mut world = World::new(options.version, &options.database, options.seed);
        world.outbox.addon = options.addon;
        let nobody: Sender = Arc::new(|_| async { Receipt::Lost }.boxed());
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            clock,
            sender: Mutex::new(nobody),
            hold: Mutex::new(TimeSpan::ZERO),
            silence: Mutex::new(SILENCE),
        });
        let key = seed::plant(&shared).expect("the opening records fit our own tables");
        let odoo = Self { shared, key: Arc::from(key.as_str()) };
        odoo.populate(options.records);
        odoo.shared.world().ledger.forget();
        odoo
    }

    /// Answers a request. It waits on the clock for what takes time inside of Odoo; [`Reply::delay`] and
    /// [`Reply::ending`] are the caller's to follow.
    pub async fn answer(&self, request: &Request) -> Reply {
        wire::answer(self, request).await
    }

    /// Calls a method as the administrator, as JSON-RPC would: arguments by place and by name. A method that answers None
    /// gives null.
    pub async fn call(&self, model: &str, method: &str, args: Json, named: Json) -> Result<Json, Failure> {
        let ask = Ask::Places {
            model: model.to_owned(),
            method: method.to_owned(),
            args: args.as_array().cloned().unwrap_or_default(),
            named: named.as_object().cloned().unwrap_or_default(),
        };
        let done = perform(&self.shared, &Caller { user: ADMINISTRATOR, session: None }, &ask).await?;
        Ok(done.outcome.to_rpc().unwrap_or_default())
    }

    /// Begins a transaction of the administrator that stays open until it is ended: the way to a late committer.
    pub fn begin(&self) -> Open {
        Open { held: Held::begin(&self.shared, ADMINISTRATOR), shared: Arc::clone(&self.shared), told: 0 }
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.shared.world().version
    }

    /// The name of the database.
    pub fn database(&self) -> String {
        self.shared.world().database.clone()
    }

    /// The administrator's login; the password is the same.
    pub const fn login(&self) -> &'static str {
        seed::ADMINISTRATOR_LOGIN
    }

    /// A key of the administrator without an end.
    pub fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    pub(super) fn is_database(&self, name: &str) -> Result<(), Failure> {
        if self.shared.world().database == name {
            return Ok(());
        }
        Err(Failure::Operational(format!(
            "connection to server at \"localhost\", port 5432 failed: FATAL:  database \"{name}\" does not exist\n"
        )))
    }

    /// Sends webhooks this way from now on.
    pub fn set_sender(&self, sender: Sender) {
        *self.shared.sender.lock().unwrap_or_else(PoisonError::into_inner) = sender;
    }

    /// Lets each call that writes keep its transaction open for so long, so that calls overlap.
    pub fn set_hold(&self, span: TimeSpan) {
        *self.shared.hold.lock().unwrap_or_else(PoisonError::into_inner) = span;
    }

    /// Lets a proxy answer with 504 what gets no answer of Odoo's, after so long.
    pub fn set_silence(&self, span: TimeSpan) {
        *self.shared.silence.lock().unwrap_or_else(PoisonError::into_inner) = span;
    }

    /// Switches a fault on, for every request.
    pub fn begin_fault(&self, fault: Fault) {
        self.begin_fault_for(fault, 1_000);
    }

    /// Switches a fault on for so many of a thousand requests, drawn from the seed.
    pub fn begin_fault_for(&self, fault: Fault, in_thousand: u64) {
        self.shared.world().faults.begin(fault, in_thousand);
    }

    /// Switches a fault on for so long, as a restart or a day without Odoo.
    pub fn begin_fault_span(&self, fault: Fault, span: TimeSpan) {
        let until = self.now() + span;
        self.shared.world().faults.begin_until(fault, until);
    }

    /// Mends a fault.
    pub fn end_fault(&self, fault: Fault) {
        self.shared.world().faults.end(fault);
    }

    /// Installs the outbox addon, or takes it away.
    pub fn set_addon(&self, addon: Addon) {
        self.shared.world().outbox.addon = addon;
    }

    /// Begins another epoch of the outbox, as restoring the database elsewhere does.
    pub fn restore(&self) {
        let mut world = self.shared.world();
        let next = world.store.next_txid();
        world.outbox.restore(next);
    }

    /// A copy of the whole cluster, as of its volume.
    pub fn back_up(&self) -> Backup {
        let world = self.shared.world();
        Backup { store: world.store.clone(), outbox: world.outbox.clone() }
    }

    /// Puts the whole cluster back: records, transaction ids and the outbox are as they were, its identity and its epoch too.
    pub fn put_back(&self, backup: &Backup) {
        let mut world = self.shared.world();
        world.store.put_back(&backup.store);
        world.outbox.put_back(&backup.outbox);
    }

    /// Lets a rule hide records of a model from everybody who asks.
    pub fn hide(&self, model: &str, ids: &[i64]) {
        self.shared.world().hidden.extend(ids.iter().map(|id| (model.to_owned(), *id)));
    }

    /// Shows what a rule has hidden of a model.
    pub fn show(&self, model: &str) {
        self.shared.world().hidden.retain(|(of, _)| of != model);
    }

    /// Removes the oldest so many rows of the outbox, read or not, as above its hard limit.
    pub fn lose(&self, rows: usize) {
        let mut places: Vec<_> = self.records(outbox::MODEL).iter().map(|(id, row)| (row.int("txid"), *id)).collect();
        places.sort_unstable();
        if let Some(upto) = places.into_iter().take(rows).next_back() {
            self.shared.world().outbox.lose(rows, upto);
        }
    }

    /// How far a consumer has acknowledged the outbox.
    pub fn acknowledged(&self, consumer: &str) -> Option<(i64, i64)> {
        self.shared.world().outbox.acknowledged.get(consumer).copied()
    }

    /// Adds a user with the groups of these names. Answers its id.
    ///
    /// # Panics
    /// When there is such a login.
    pub fn add_user(&self, login: &str, password: &str, groups: &[&str]) -> i64 {
        let mut held = Held::begin(&self.shared, ADMINISTRATOR);
        let id = held.with(None, |env| seed::user(env, login, password, groups)).expect("no other user has this login");
        held.commit();
        id
    }

    /// Replaces the groups of a user.
    pub fn set_groups(&self, user: i64, groups: &[&str]) {
        self.shared.world().accounts.set_groups(user, groups);
    }

    /// Sets how a user may log in.
    pub fn set_login(&self, user: i64, login: Login) {
        self.shared.world().accounts.set_login(user, login);
    }

    /// A new key of a user, with or without an end. Answers the key.
    ///
    /// # Panics
    /// Never: a new row conflicts with nothing.
    pub fn issue_key(&self, user: i64, name: &str, expires: Option<Timestamp>) -> String {
        let mut held = Held::begin(&self.shared, user);
        let key = held.with(None, |env| keys::issue(env, user, name, expires)).expect("a new row conflicts with nothing");
        held.commit();
        key
    }

    /// Lets a key end at an instant.
    pub fn expire_key(&self, key: &str, at: Timestamp) {
        self.shared.world().accounts.expire_key(key, at);
    }

    /// Makes so many sales orders more, with the partners and products that they need. It is quick, rings no webhooks and
    /// stands in the ledger.
    pub fn populate(&self, orders: usize) {
        seed::populate(&self.shared, orders);
    }

    /// Every committed change so far, in order: the oracle.
    pub fn changes(&self) -> Vec<Change> {
        self.shared.world().ledger.changes.clone()
    }

    /// The changes from one number on.
    pub fn changes_after(&self, sequence: u64) -> Vec<Change> {
        let world = self.shared.world();
        let from = world.ledger.changes.partition_point(|change| change.sequence <= sequence);
        world.ledger.changes.get(from..).unwrap_or_default().to_vec()
    }

    /// The last word on all records of a model.
    pub fn records(&self, model: &str) -> BTreeMap<i64, Arc<Record>> {
        self.shared.world().store.latest(model)
    }

    /// The last word on a record.
    pub fn record(&self, model: &str, id: i64) -> Option<Arc<Record>> {
        self.shared.world().store.committed(model, id)
    }

    /// What it was asked so far.
    pub fn load(&self) -> Load {
        self.shared.world().ledger.load.clone()
    }

    /// What became of webhooks so far.
    pub fn webhooks(&self) -> Webhooks {
        self.shared.world().ledger.webhooks
    }
}

/// What a cluster was at a moment.
#[derive(Debug)]
pub struct Backup {
    store: Store,
    outbox: outbox::Outbox,
}

/// A transaction that a test holds open. Dropped, it is rolled back.
#[derive(Debug)]
pub struct Open {
    held: Held,
    shared: Arc<Shared>,
    told: u64,
}

impl Open {
    /// Makes a record.
    pub fn create(&mut self, model: &str, values: &Json) -> Result<i64, Failure> {
        let none = Map::new();
        self.held.with(None, |env| records::make(env, model, values.as_object().unwrap_or(&none)))
    }

    /// Changes records.
    pub fn write(&mut self, model: &str, ids: &[i64], values: &Json) -> Result<(), Failure> {
        let none = Map::new();
        let values = values.as_object().unwrap_or(&none);
        self.held.with(None, |env| ids.iter().try_for_each(|id| records::change(env, model, *id, values)))
    }

    /// Deletes records.
    pub fn unlink(&mut self, model: &str, ids: &[i64]) -> Result<(), Failure> {
        self.held.with(None, |env| ids.iter().try_for_each(|id| records::delete(env, model, *id)))
    }

    /// Calls a method, as [`Odoo::call`] does, in this transaction.
    pub fn call(&mut self, model: &str, method: &str, args: &Json, named: &Json) -> Result<Json, Failure> {
        let (args, named) = (args.as_array().cloned().unwrap_or_default(), named.as_object().cloned().unwrap_or_default());
        let outcome = self.held.with(None, |env| {
            let method = calls::resolve(env, model, method)?;
            let call = calls::bind_places(method, model, &args, &named)?;
            calls::run(env, method, &call)
        })?;
        Ok(outcome.to_rpc().unwrap_or_default())
    }

    /// Sends now what webhooks have to be told so far, as 18 does while the transaction is open. 19 sends after the commit.
    pub async fn tell(&mut self) {
        if !self.shared.world().version.is_new() {
            let hooks = self.held.hooks();
            self.told += send(&self.shared, &hooks).await;
        }
    }

    /// Makes it visible. Answers how many records changed.
    pub async fn commit(mut self) -> Result<usize, Failure> {
        self.held.with(None, outbox::record)?;
        self.tell().await;
        let hooks = self.held.hooks();
        let count = self.held.commit();
        send(&self.shared, &hooks).await;
        Ok(count)
    }

    /// Takes it back. What 18 has told by then was about nothing.
    pub async fn roll_back(mut self) {
        self.tell().await;
        self.shared.world().ledger.webhooks.phantom += self.told;
    }
}
