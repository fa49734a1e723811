//! A map that can take back what was done to it since the last commit.

use std::collections::BTreeMap;

/// Rows by key, and what they were before the present batch.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    before: Vec<(K, Option<V>)>,
}

/// How a batch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// What it did stays.
    Keep,
    /// Everything is as it was.
    Undo,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), before: Vec::new() }
    }
}

impl<K: Ord + Clone, V> Table<K, V> {
    /// All rows, for reading.
    pub(super) fn rows(&self) -> &BTreeMap<K, V> {
        &self.rows
    }

    /// One row.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    /// Whether there is a row.
    pub(super) fn has(&self, key: &K) -> bool {
        self.rows.contains_key(key)
    }

    /// Writes a row, new or not.
    pub(super) fn put(&mut self, key: K, row: V) {
        let old = self.rows.insert(key.clone(), row);
        self.before.push((key, old));
    }

    /// Writes a row unless there is one. Says whether it wrote.
    pub(super) fn put_new(&mut self, key: K, row: V) -> bool {
        let new = !self.has(&key);
        if new {
            self.put(key, row);
        }
        new
    }

    /// Removes a row. Says whether there was one.
    pub(super) fn remove(&mut self, key: &K) -> bool {
        let old = self.rows.remove(key);
        let found = old.is_some();
        if found {
            self.before.push((key.clone(), old));
        }
        found
    }

    /// Ends a batch.
    pub(super) fn close(&mut self, end: End) {
        match end {
            End::Keep => self.before.clear(),
            End::Undo => {
                while let Some((key, old)) = self.before.pop() {
                    match old {
                        Some(row) => self.rows.insert(key, row),
                        None => self.rows.remove(&key),
                    };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undone_batch_leaves_nothing() {
        let mut table = Table::default();
        table.put(1, "one");
        table.put(2, "two");
        table.close(End::Keep);
        let before = table.rows().clone();
        table.put(1, "uno");
        table.put(1, "ein");
        table.remove(&2);
        table.put(2, "zwei");
        table.put(3, "three");
        table.remove(&3);
        table.close(End::Undo);
        assert_eq!(table.rows(), &before);
    }
}
