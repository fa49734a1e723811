//! The inside of a call: the database through one transaction, with the right to change anything. Rights and conversions are
//! the edge's business; here every write takes its record, gets the transaction's start as its date, and rings the webhooks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::Timestamp;
use serde_json::{Map, Value as Json};

use super::accounts::Accounts;
use super::errors::Failure;
use super::faults::Faults;
use super::ledger::Ledger;
use super::outbox::Outbox;
use super::schema::{Model, Schema};
use super::store::{Conflict, Record, Store};
use super::transaction::Transaction;
use super::value::{Value, text};
use super::version::Version;
use super::view::View;
use super::webhooks::{self, Occasion};
use crate::random::Random;

/// All that an Odoo consists of.
#[derive(Debug)]
pub(super) struct World {
    pub(super) version: Version,
    pub(super) database: String,
    pub(super) schema: Arc<Schema>,
    pub(super) store: Store,
    pub(super) accounts: Accounts,
    pub(super) ledger: Ledger,
    pub(super) faults: Faults,
    pub(super) outbox: Outbox,
    /// Records that a rule hides from everybody who asks, by model and id.
    pub(super) hidden: BTreeSet<(String, i64)>,
    pub(super) chance: Random,
    sequences: BTreeMap<&'static str, u64>,
}

impl World {
    pub(super) fn new(version: Version, database: &str, seed: u64) -> Self {
        let schema = Arc::new(Schema::of(version));
        Self {
            version,
            database: database.to_owned(),
            store: Store::new(&schema),
            schema,
            accounts: Accounts::default(),
            ledger: Ledger::default(),
            faults: Faults::new(seed),
            outbox: Outbox::new(seed),
            hidden: BTreeSet::new(),
            chance: Random::stream(seed, "odoo"),
            sequences: BTreeMap::new(),
        }
    }

    /// What a transaction sees.
    pub(super) fn view<'a>(&'a self, tx: &'a Transaction) -> View<'a> {
        View { version: self.version, schema: &self.schema, store: &self.store, hidden: &self.hidden, tx }
    }

    /// So many digits of chance.
    pub(super) fn digits(&mut self, length: usize) -> String {
        let parts: Vec<String> = (0..length.div_ceil(16)).map(|_| format!("{:016x}", self.chance.number())).collect();
        let mut text = parts.concat();
        text.truncate(length);
        text
    }

    /// The next number of a sequence; gaps stay, as with the real ones.
    pub(super) fn sequence(&mut self, name: &'static str) -> u64 {
        let number = self.sequences.entry(name).or_default();
        *number += 1;
        *number
    }
}

/// One call at work.
#[derive(Debug)]
pub(super) struct Env<'a> {
    pub(super) world: &'a mut World,
    pub(super) tx: &'a mut Transaction,
    /// The caller's context.
    pub(super) context: Map<String, Json>,
    /// The cookie of the caller's web session.
    pub(super) session: Option<String>,
}

impl Env<'_> {
    /// What the transaction sees now.
    pub(super) fn view(&self) -> View<'_> {
        self.world.view(self.tx)
    }

    /// When the transaction began.
    pub(super) fn now(&self) -> Timestamp {
        self.tx.start
    }

    /// The version.
    pub(super) fn version(&self) -> Version {
        self.world.version
    }

    /// A record that has to be there.
    pub(super) fn get(&self, model: &str, id: i64) -> Result<Arc<Record>, Failure> {
        self.view().get(model, id)
    }

    /// The records of a model that refer to this one.
    pub(super) fn referring(&self, model: &str, field: &'static str, target: i64) -> Vec<i64> {
        self.view().referring(model, field, target)
    }

    /// Whether the context has this switched on.
    pub(super) fn has(&self, key: &str) -> bool {
        self.context.get(key).is_some_and(|it| it.as_bool() != Some(false) && !it.is_null())
    }

    /// A model, with the lifetime of the schema.
    pub(super) fn model(&self, name: &str) -> Result<(Arc<Schema>, &'static str), Failure> {
        let schema = Arc::clone(&self.world.schema);
        let name = schema.model(name).map(|model| model.name).ok_or_else(|| Failure::NoModel(name.to_owned()))?;
        Ok((schema, name))
    }

    /// Makes a record of what is given and nothing else.
    pub(super) fn add(&mut self, model: &'static str, fields: Vec<(&'static str, Value)>) -> Result<i64, Failure> {
        let mut record = Record::default();
        for (field, value) in fields {
            record.set(field, value);
        }
        let id = self.world.store.next_id(model);
        let at = Value::Time(self.tx.start.micros());
        let by = Value::Ref(self.tx.user);
        for (field, value) in
            [("create_date", at.clone()), ("create_uid", by.clone()), ("write_date", at), ("write_uid", by)]
        {
            record.set(field, value);
        }
        self.put(model, id, None, Some(Arc::new(record)))?;
        Ok(id)
    }

    /// Changes fields of a record.
    pub(super) fn set(&mut self, model: &'static str, id: i64, fields: &[(&'static str, Value)]) -> Result<(), Failure> {
        let before = self.get(model, id)?;
        let mut record = Record::clone(&before);
        for (field, value) in fields {
            record.set(field, value.clone());
        }
        record.set("write_date", Value::Time(self.tx.start.micros()));
        record.set("write_uid", Value::Ref(self.tx.user));
        self.put(model, id, Some(before), Some(Arc::new(record)))
    }

    /// As [`Env::set`] where something differs; a computed field that comes to the same is not written.
    pub(super) fn settle(&mut self, model: &'static str, id: i64, fields: &[(&'static str, Value)]) -> Result<(), Failure> {
        let before = self.get(model, id)?;
        let differing: Vec<_> = fields.iter().filter(|(field, value)| before.get(field) != value).cloned().collect();
        if differing.is_empty() { Ok(()) } else { self.set(model, id, &differing) }
    }

    /// Sets the state of a record.
    pub(super) fn state(&mut self, model: &'static str, id: i64, state: &str) -> Result<(), Failure> {
        self.set(model, id, &[("state", text(state))])
    }

    /// Deletes a record.
    pub(super) fn remove(&mut self, model: &'static str, id: i64) -> Result<(), Failure> {
        let before = self.get(model, id)?;
        self.put(model, id, Some(before), None)
    }

    /// Gives a row of external ids its name, which no other may have.
    pub(super) fn name(&mut self, external: &str, row: i64) -> Result<(), Failure> {
        self.world.store.claim_name(self.tx, external, row).map_err(conflict)
    }

    fn put(
        &mut self,
        model: &'static str,
        id: i64,
        before: Option<Arc<Record>>,
        after: Option<Arc<Record>>,
    ) -> Result<(), Failure> {
        // The webhook of a rule that runs in the transaction is sent before the database has been asked for the record.
        let occasion = Occasion { model, id, before, after: after.clone() };
        let deletes = after.is_none();
        if deletes {
            webhooks::ring(self, &occasion);
        }
        self.tx.put(model, id, after);
        if !deletes {
            webhooks::ring(self, &occasion);
        }
        self.world.store.claim(self.tx, model, id).map_err(conflict)
    }
}

fn conflict(conflict: Conflict) -> Failure {
    match conflict {
        Conflict::Held(by) => Failure::Blocked(by),
        Conflict::Late => Failure::Serialization,
    }
}

/// The fields of a model that a version has; those of the other version are left out.
pub(super) fn known(model: &Model, fields: Vec<(&'static str, Value)>) -> Vec<(&'static str, Value)> {
    fields.into_iter().filter(|(name, _)| model.field(name).is_some()).collect()
}
