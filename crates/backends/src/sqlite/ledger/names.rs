//! Names as small numbers: a delivery's row holds five names, and there are few different ones.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use model::PolicyVersion;
use rusqlite::Connection;

use super::super::broken::Broken;
use super::super::sql::{len, statements};

statements! {
    NAMES = "SELECT id, name FROM names ORDER BY id";
    PUT_NAME = "INSERT INTO names (id, name) VALUES ($1, $2)";
}

/// Texts by number, for readers. Only grows; what an undone transaction put in is never asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct NameTexts(Arc<RwLock<Vec<Arc<str>>>>);

/// Numbers by text, for the writer.
#[derive(Debug, Default)]
pub(super) struct Names {
    texts: NameTexts,
    numbers: HashMap<Arc<str>, i64>,
    policies: HashMap<PolicyVersion, i64>,
    /// Made since the last commit.
    fresh: Vec<Arc<str>>,
}

impl NameTexts {
    /// The name with this number.
    pub(super) fn name<T: FromStr>(&self, number: i64) -> Result<T, Broken> {
        let texts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let text = usize::try_from(number).ok().and_then(|index| texts.get(index));
        text.and_then(|text| text.parse().ok()).ok_or_else(|| Broken::Corrupt(format!("name {number} is not known")))
    }

    /// The number of a name; nothing where no row has it. There are few of them.
    pub(super) fn number(&self, text: &str) -> Option<i64> {
        let texts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        texts.iter().position(|known| **known == *text).map(len)
    }

    fn put(&self, number: i64, text: Arc<str>) {
        let mut texts = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Ok(index) = usize::try_from(number) else { return };
        if texts.len() <= index {
            texts.resize(index + 1, Arc::from(""));
        }
        texts[index] = text;
    }

    fn next(&self) -> i64 {
        len(self.0.read().unwrap_or_else(PoisonError::into_inner).len()).max(1)
    }
}

impl Names {
    /// What the file holds.
    pub(super) fn load(conn: &Connection) -> Result<Self, Broken> {
        let mut names = Self::default();
        let mut statement = conn.prepare(NAMES)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (number, text): (i64, String) = (row.get(0)?, row.get(1)?);
            let text: Arc<str> = Arc::from(text);
            names.texts.put(number, Arc::clone(&text));
            names.numbers.insert(text, number);
        }
        Ok(names)
    }

    /// For readers.
    pub(super) fn texts(&self) -> &NameTexts {
        &self.texts
    }

    /// The number of a name.
    pub(super) fn number(&mut self, conn: &Connection, text: &str) -> Result<i64, Broken> {
        if let Some(number) = self.numbers.get(text) {
            return Ok(*number);
        }
        let number = self.texts.next();
        conn.prepare_cached(PUT_NAME)?.execute((number, text))?;
        let text: Arc<str> = Arc::from(text);
        self.texts.put(number, Arc::clone(&text));
        self.numbers.insert(Arc::clone(&text), number);
        self.fresh.push(text);
        Ok(number)
    }

    /// The number of a policy.
    pub(super) fn policy(&mut self, conn: &Connection, version: PolicyVersion) -> Result<i64, Broken> {
        if let Some(number) = self.policies.get(&version) {
            return Ok(*number);
        }
        let number = self.number(conn, &version.to_string())?;
        self.policies.insert(version, number);
        Ok(number)
    }

    /// The number of a name that was used before.
    pub(super) fn known(&self, text: &str) -> Option<i64> {
        self.numbers.get(text).copied()
    }

    /// What was made since the last commit is durable.
    pub(super) fn keep(&mut self) {
        self.fresh.clear();
    }

    /// How many were made since the last commit: where [`Names::undo_to`] goes back to.
    pub(super) fn mark(&self) -> usize {
        self.fresh.len()
    }

    /// What was made since then is not in the file.
    pub(super) fn undo_to(&mut self, mark: usize) {
        for text in self.fresh.drain(mark..) {
            self.numbers.remove(&text);
        }
        self.policies.clear();
    }
}
