//! The database: records in versions, so that a transaction sees what was committed before it began. Only commits change what
//! others see; a record that an open transaction has written belongs to it until its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::Timestamp;

use super::schema::{Kind, Schema};
use super::transaction::Transaction;
use super::value::{EMPTY, Value};

/// A record: what it holds by field. What is empty is not in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    fields: BTreeMap<&'static str, Value>,
}

impl Record {
    /// The value of a field.
    pub fn get(&self, field: &str) -> &Value {
        self.fields.get(field).unwrap_or(&EMPTY)
    }

    /// Sets a field.
    pub fn set(&mut self, field: &'static str, value: Value) {
        match value {
            Value::Empty => self.fields.remove(field),
            value => self.fields.insert(field, value),
        };
    }

    /// The number in a field: an id, or a whole number; 0 where there is none.
    pub fn int(&self, field: &str) -> i64 {
        self.get(field).int()
    }

    /// The quantity in a field.
    pub fn float(&self, field: &str) -> f64 {
        self.get(field).float()
    }

    /// The text in a field.
    pub fn text(&self, field: &str) -> &str {
        self.get(field).text()
    }

    /// All fields that hold something.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.fields.iter().map(|(name, value)| (*name, value))
    }
}

/// What a record was from a commit on; nothing when it was deleted.
#[derive(Clone, Debug)]
struct Past {
    commit: u64,
    state: Option<Arc<Record>>,
}

#[derive(Clone, Debug, Default)]
struct Row {
    past: Vec<Past>,
    /// How often it was committed.
    count: u64,
}

#[derive(Clone, Debug, Default)]
struct Table {
    last_id: i64,
    rows: BTreeMap<i64, Row>,
    /// By a many2one that a one2many looks at: which records ever had that value. A reader checks again.
    by_reference: BTreeMap<(&'static str, i64), BTreeSet<i64>>,
    /// By the write date of the newest version.
    by_time: BTreeSet<(i64, i64)>,
}

/// A transaction that has not ended, as others see it.
#[derive(Clone, Debug)]
struct Open {
    snapshot: u64,
    xid: Option<u64>,
    written: BTreeSet<(&'static str, i64)>,
    /// External ids that it gave, with their rows.
    names: BTreeMap<String, i64>,
}

/// Why a record cannot be written now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conflict {
    /// That open transaction has it.
    Held(u64),
    /// Somebody committed it after this transaction began.
    Late,
}

/// What a commit did to one record.
#[derive(Clone, Debug)]
pub(super) struct Committed {
    pub(super) model: &'static str,
    pub(super) id: i64,
    pub(super) before: Option<Arc<Record>>,
    pub(super) after: Option<Arc<Record>>,
    pub(super) count: u64,
}

/// The database.
#[derive(Clone, Debug)]
pub(super) struct Store {
    tables: BTreeMap<&'static str, Table>,
    /// For each model the references that are looked up backwards: by lists of others, and before something is deleted.
    inverses: BTreeMap<&'static str, Vec<&'static str>>,
    open: BTreeMap<u64, Open>,
    /// Rows by external id, with the commit that gave it.
    names: BTreeMap<String, (i64, u64)>,
    commits: u64,
    transactions: u64,
    xids: u64,
}

impl Store {
    pub(super) fn new(schema: &Schema) -> Self {
        let mut inverses: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::new();
        for (model, field) in schema.models().flat_map(|model| model.fields.values().map(|field| (model.name, field))) {
            let backwards = match field.kind {
                Kind::One2many(target, inverse) => (target, inverse),
                Kind::Many2one(_) if field.is_restricting => (model, field.name),
                _ => continue,
            };
            let list = inverses.entry(backwards.0).or_default();
            if !list.contains(&backwards.1) {
                list.push(backwards.1);
            }
        }
        // What a deleted record was called is looked up backwards, too.
        inverses.entry("ir.model.data").or_default().push("res_id");
        // The outbox is read from a transaction on.
        inverses.entry("crossdock.outbox").or_default().push("txid");
        let tables = schema.models().map(|model| (model.name, Table::default())).collect();
        // A database that has run before; transaction ids of a fresh cluster are about so high.
        Self { tables, inverses, open: BTreeMap::new(), names: BTreeMap::new(), commits: 0, transactions: 0, xids: 5_000 }
    }

    /// Begins a transaction: it sees what is committed now.
    pub(super) fn begin(&mut self, start: Timestamp, user: i64) -> Transaction {
        self.transactions += 1;
        let id = self.transactions;
        self.open.insert(id, Open { snapshot: self.commits, xid: None, written: BTreeSet::new(), names: BTreeMap::new() });
        Transaction::new(id, start, self.commits, user)
    }

    /// The next id of a model. It is not given back by a rollback, as with PostgreSQL's sequences.
    pub(super) fn next_id(&mut self, model: &'static str) -> i64 {
        let table = self.tables.entry(model).or_default();
        table.last_id += 1;
        table.last_id
    }

    /// Makes ids of a model go on after this one.
    pub(super) fn skip_ids(&mut self, model: &'static str, up_to: i64) {
        let table = self.tables.entry(model).or_default();
        table.last_id = table.last_id.max(up_to);
    }

    /// Takes a record for a transaction that writes it. The first write gives the transaction its id in the database.
    pub(super) fn claim(&mut self, tx: &Transaction, model: &'static str, id: i64) -> Result<(), Conflict> {
        let key = (model, id);
        let holder = self.open.iter().find(|(other, open)| **other != tx.id && open.written.contains(&key));
        if let Some((other, _)) = holder {
            return Err(Conflict::Held(*other));
        }
        let newest = self.tables.get(model).and_then(|table| table.rows.get(&id)).and_then(|row| row.past.last());
        if newest.is_some_and(|past| past.commit > tx.snapshot) {
            return Err(Conflict::Late);
        }
        self.touch(tx);
        if let Some(open) = self.open.get_mut(&tx.id) {
            open.written.insert(key);
        }
        Ok(())
    }

    /// Takes an external id for a row. Two transactions that want one conflict, as with a unique index.
    pub(super) fn claim_name(&mut self, tx: &Transaction, name: &str, row: i64) -> Result<(), Conflict> {
        let holder = self.open.iter().find(|(other, open)| **other != tx.id && open.names.contains_key(name));
        if let Some((other, _)) = holder {
            return Err(Conflict::Held(*other));
        }
        if self.names.get(name).is_some_and(|(_, commit)| *commit > tx.snapshot) {
            return Err(Conflict::Late);
        }
        if let Some(open) = self.open.get_mut(&tx.id) {
            open.names.insert(name.to_owned(), row);
        }
        Ok(())
    }

    /// The row of an external id, as a transaction sees it.
    pub(super) fn named(&self, tx: &Transaction, name: &str) -> Option<i64> {
        let own = self.open.get(&tx.id).and_then(|open| open.names.get(name)).copied();
        own.or_else(|| self.names.get(name).filter(|(_, commit)| *commit <= tx.snapshot).map(|(row, _)| *row))
    }

    /// The transaction's id in the database, given at its first write.
    pub(super) fn touch(&mut self, tx: &Transaction) -> u64 {
        let next = self.xids + 1;
        let Some(open) = self.open.get_mut(&tx.id) else { return next };
        if open.xid.is_none() {
            open.xid = Some(next);
            self.xids = next;
        }
        open.xid.unwrap_or(next)
    }

    /// The oldest transaction id that may still write: all below have ended.
    pub(super) fn fence(&self) -> u64 {
        self.open.values().filter_map(|open| open.xid).min().unwrap_or(self.xids + 1)
    }

    /// The next transaction id.
    pub(super) fn next_txid(&self) -> u64 {
        self.xids + 1
    }

    /// Becomes what it was before, as a whole: no transaction is open, and one that still is of the time after has its own number.
    pub(super) fn put_back(&mut self, before: &Self) {
        let transactions = self.transactions;
        *self = Self { transactions, open: BTreeMap::new(), ..before.clone() };
    }

    /// Whether a transaction has not ended.
    pub(super) fn is_open(&self, id: u64) -> bool {
        self.open.contains_key(&id)
    }

    /// What a transaction sees of a record.
    pub(super) fn visible(&self, tx: &Transaction, model: &str, id: i64) -> Option<Arc<Record>> {
        match tx.own(model, id) {
            Some(own) => own.clone(),
            None => self.tables.get(model)?.rows.get(&id)?.seen(tx.snapshot),
        }
    }

    /// All ids of a model that a transaction may see, within bounds, ascending; [`Store::visible`] decides.
    pub(super) fn candidates(&self, tx: &Transaction, model: &str, from: i64, to: i64) -> Vec<i64> {
        if from > to {
            return Vec::new();
        }
        let mut ids: Vec<i64> =
            self.tables.get(model).map(|table| table.rows.range(from..=to).map(|(id, _)| *id).collect()).unwrap_or_default();
        merge(&mut ids, tx.written(model).filter(|id| (from..=to).contains(id)));
        ids
    }

    /// The ids of a model whose newest version was written at or after an instant, and what the transaction itself wrote.
    pub(super) fn written_since(&self, tx: &Transaction, model: &str, micros: i64) -> Vec<i64> {
        let mut ids: Vec<i64> = self
            .tables
            .get(model)
            .map(|table| table.by_time.range((micros, i64::MIN)..).map(|(_, id)| *id).collect())
            .unwrap_or_default();
        ids.sort_unstable();
        merge(&mut ids, tx.written(model));
        ids
    }

    /// The ids of a model in the order of their last changes, from an instant on; nothing where a transaction sees another
    /// order, because it wrote something itself or something was committed since it began.
    pub(super) fn in_time(&self, tx: &Transaction, model: &str, since: Option<i64>) -> Option<Vec<i64>> {
        let is_present = tx.snapshot == self.commits && tx.written(model).next().is_none();
        let from = (since.unwrap_or(i64::MIN), i64::MIN);
        let table = self.tables.get(model).filter(|_| is_present)?;
        Some(table.by_time.range(from..).map(|(_, id)| *id).collect())
    }

    /// The ids of a model whose looked-up field has this value or a greater one.
    pub(super) fn at_least(&self, tx: &Transaction, model: &str, field: &'static str, value: i64) -> Vec<i64> {
        let table = self.tables.get(model).into_iter();
        let known = table.flat_map(|table| table.by_reference.range((field, value)..=(field, i64::MAX)));
        let mut ids: Vec<i64> = known.flat_map(|(_, ids)| ids.iter().copied()).collect();
        ids.extend(tx.written(model));
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The ids of a model whose field refers to `target`, ascending.
    pub(super) fn referring(&self, tx: &Transaction, model: &str, field: &'static str, target: i64) -> Vec<i64> {
        let table = self.tables.get(model);
        let known = table.and_then(|table| table.by_reference.get(&(field, target)));
        let mut ids: Vec<i64> = known.map(|ids| ids.iter().copied().collect()).unwrap_or_default();
        merge(&mut ids, tx.written(model));
        ids.retain(|id| self.visible(tx, model, *id).is_some_and(|record| record.int(field) == target));
        ids
    }

    /// Whether a reference of a model can be looked up backwards.
    pub(super) fn is_indexed(&self, model: &str, field: &str) -> bool {
        self.inverses.get(model).is_some_and(|list| list.contains(&field))
    }

    /// Ends a transaction without a trace.
    pub(super) fn roll_back(&mut self, tx: &Transaction) {
        self.open.remove(&tx.id);
    }

    /// Makes visible what a transaction wrote. Conflicts were found when it wrote.
    pub(super) fn commit(&mut self, tx: Transaction) -> Vec<Committed> {
        let names = self.open.remove(&tx.id).map(|open| open.names).unwrap_or_default();
        let oldest = self.open.values().map(|open| open.snapshot).min().unwrap_or(u64::MAX);
        let changes = tx.into_changes();
        if changes.is_empty() {
            return Vec::new();
        }
        self.commits += 1;
        self.names.extend(names.into_iter().map(|(name, row)| (name, (row, self.commits))));
        changes.into_iter().map(|(model, id, after)| self.put(model, id, after, oldest)).collect()
    }

    fn put(&mut self, model: &'static str, id: i64, after: Option<Arc<Record>>, oldest: u64) -> Committed {
        let commit = self.commits;
        let inverses = self.inverses.get(model).map(Vec::as_slice).unwrap_or_default();
        let table = self.tables.entry(model).or_default();
        let row = table.rows.entry(id).or_default();
        let before = row.past.last().and_then(|past| past.state.clone());
        row.past.push(Past { commit, state: after.clone() });
        row.count += 1;
        let count = row.count;
        // What no open transaction can see any more goes.
        let unseen = row.past.iter().skip(1).take_while(|past| past.commit <= oldest.min(commit)).count();
        row.past.drain(..unseen);
        let is_forgotten = row.past.len() == 1 && after.is_none();
        if let Some(before) = &before {
            table.by_time.remove(&(before.int("write_date"), id));
        }
        if let Some(after) = &after {
            table.by_time.insert((after.int("write_date"), id));
            for field in inverses {
                let target = after.int(field);
                if target != 0 {
                    table.by_reference.entry((field, target)).or_default().insert(id);
                }
            }
        }
        if is_forgotten {
            table.rows.remove(&id);
        }
        Committed { model, id, before, after, count }
    }

    /// The last word on a record.
    pub(super) fn committed(&self, model: &str, id: i64) -> Option<Arc<Record>> {
        self.tables.get(model)?.rows.get(&id)?.past.last()?.state.clone()
    }

    /// What is committed of a model, as nobody's transaction sees it: the last word on each record.
    pub(super) fn latest(&self, model: &str) -> BTreeMap<i64, Arc<Record>> {
        let rows = self.tables.get(model).into_iter().flat_map(|table| &table.rows);
        rows.filter_map(|(id, row)| Some((*id, row.past.last()?.state.clone()?))).collect()
    }
}

impl Row {
    fn seen(&self, snapshot: u64) -> Option<Arc<Record>> {
        self.past.iter().rev().find(|past| past.commit <= snapshot)?.state.clone()
    }
}

fn merge(ids: &mut Vec<i64>, own: impl Iterator<Item = i64>) {
    let before = ids.len();
    ids.extend(own);
    if ids.len() > before {
        ids.sort_unstable();
        ids.dedup();
    }
}
