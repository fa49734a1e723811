//! How a page of rows is found, newest first, however rare the rows are that it is asked for.
//!
//! A page walks down an index by age and looks at so many rows. Where that was not enough, a smaller index is asked that holds
//! all rows of this kind; where that has many too, the page ends short and says where to go on. It must never hold a reader
//! for longer than that: nothing here depends on how many rows there are in all.

use std::fmt::Display;
use std::str::FromStr;

use model::limit::PAGE_ROWS_MAX;
use model::view::Page;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::connection::snapshot;
use super::super::sql::len;

/// LIMIT: rows of a page whose question names no number.
const PAGE_ROWS: usize = 50;

/// The place of a row in a page: its time and its id, or digest. Newer rows never change what is below it.
pub(super) type Place<I = Uuid> = (i64, I);

/// Above every row.
pub(super) const TOP: Place = (i64::MAX, Uuid::max());
/// Below every row.
pub(super) const BOTTOM: Place = (i64::MIN, Uuid::nil());

/// What pages are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    /// The table.
    pub(super) table: &'static str,
    /// What a row of it is called.
    pub(super) noun: &'static str,
    /// What is read of a row.
    pub(super) columns: &'static str,
    /// The two columns of its place.
    pub(super) place: (&'static str, &'static str),
    /// The column that its indexes have besides.
    pub(super) key: &'static str,
}

/// What a row must be: a text with a `$` where its value stands, if it has one.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    text: String,
    value: Option<Value>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// The condition of the index by age that is walked down; nothing for that of all rows.
    pub(super) index: Option<&'static str>,
    /// What a row must be besides.
    pub(super) conditions: Vec<Condition>,
    /// All that fits is among these rows, which an index of their own has.
    pub(super) few: Option<Vec<Condition>>,
    /// From here on upwards.
    pub(super) from: Place,
    /// And below here.
    pub(super) below: Place,
    /// How many rows: one more than a page has.
    pub(super) rows: usize,
    /// How many rows are looked at; nothing where an index leads to those that fit, and to no others.
    pub(super) walk: Option<usize>,
}

/// What was found: rows by age, newest first.
#[derive(Debug)]
pub(super) struct Found<T> {
    /// Those that can be read.
    rows: Vec<T>,
    /// What cannot be read among them, and where it stands.
    unreadable: Vec<(Place, String)>,
    /// Where the search goes on that ended before it had as many as were wanted.
    next: Option<Place>,
}

/// A statement while it is put together, with its values.
#[derive(Debug, Default)]
struct Statement {
    text: String,
    values: Vec<Value>,
}

impl Condition {
    /// The value stands for the `$` of the text.
    pub(super) fn of(text: &str, value: impl Into<Value>) -> Self {
        Self { text: text.to_owned(), value: Some(value.into()) }
    }

    /// A condition without a value.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), value: None }
    }
}

impl Statement {
    fn say(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    fn value(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        let number = self.values.len();
        self.say(&format!("?{number}"))
    }

    fn place(self, (at, id): Place) -> Self {
        self.say("(").value(at).say(", ").value(id.into_bytes().to_vec()).say(")")
    }

    fn and(self, conditions: &[Condition]) -> Self {
        if conditions.is_empty() { self } else { self.say(" AND ").all(conditions) }
    }

    fn all(mut self, conditions: &[Condition]) -> Self {
        for (at, condition) in conditions.iter().enumerate() {
            let (before, after) = condition.text.split_once('$').unwrap_or((&condition.text, ""));
            self = self.say(if at == 0 { "" } else { " AND " }).say(before);
            if let Some(value) = &condition.value {
                self = self.value(value.clone());
            }
            self = self.say(after);
        }
        self
    }
}

impl Rows {
    /// The rows that fit and can be read, at most as many as wanted. One that cannot be read is named and left out: it must not
    /// take the others from a person.
    pub(super) fn find<T>(
        &self,
        conn: &Connection,
        question: &Question,
        read: impl Fn(&Row<'_>) -> Result<T, Broken>,
    ) -> Result<Found<T>, Broken> {
        snapshot(conn, || {
            let bound = match question.walk {
                Some(walk) => self.bound(conn, question, walk)?,
                None => None,
            };
            let walked = self.walked(question, bound.unwrap_or(question.from));
            let rows = fetch(conn, &walked, |row| self.placed(row, &read))?;
            if bound.is_none() || rows.len() >= question.rows {
                return Ok(readable(rows, question.rows, None));
            }
            let few = question.few.as_deref().zip(question.walk);
            match few {
                Some((few, walk)) if self.are_within(conn, few, walk)? => {
                    let rows = fetch(conn, &self.among(few, question), |row| self.placed(row, &read))?;
                    Ok(readable(rows, question.rows, None))
                }
                Some(_) | None => Ok(readable(rows, question.rows, bound)),
            }
        })
    }

    /// The last row that is looked at; nothing where the walk comes to its end before.
    fn bound(&self, conn: &Connection, question: &Question, walk: usize) -> Result<Option<Place>, Broken> {
        let (at, id) = self.place;
        let statement = Statement::default().say(&format!("SELECT {at}, {id} FROM {} WHERE ", self.table));
        let statement = self.newest(self.between(statement, question, question.from)).say(" LIMIT 1 OFFSET ");
        let statement = statement.value(len(walk.saturating_sub(1)));
        let bound = fetch(conn, &statement, |row| Ok((row.get(0)?, Uuid::from_bytes(row.get(1)?))))?;
        Ok(bound.into_iter().next())
    }

    /// The rows that fit between two places, down the index.
    fn walked(&self, question: &Question, from: Place) -> Statement {
        let Self { columns, table, place: (at, id), .. } = self;
        let statement = Statement::default().say(&format!("SELECT {columns}, {at}, {id} FROM {table} WHERE "));
        let statement = self.between(statement, question, from).and(&question.conditions);
        self.newest(statement).say(" LIMIT ").value(len(question.rows))
    }

    /// The rows that fit among few others, all of which are sorted.
    fn among(&self, few: &[Condition], question: &Question) -> Statement {
        let Self { columns, table, key, place: (at, id), .. } = self;
        // The limit keeps the inner question by itself, and CROSS keeps it the first: without them the walk is taken again.
        let statement =
            Statement::default().say(&format!("SELECT {columns}, {at}, {id} FROM (SELECT {key} AS few FROM {table} WHERE "));
        let statement =
            statement.all(few).say(&format!(" LIMIT {}) AS few CROSS JOIN {table} WHERE {key} = few AND ", i64::MAX));
        let statement = self.between(statement, question, question.from).and(&question.conditions);
        self.newest(statement).say(" LIMIT ").value(len(question.rows))
    }

    /// Whether no more than `most` rows are of this kind.
    fn are_within(&self, conn: &Connection, few: &[Condition], most: usize) -> Result<bool, Broken> {
        let Self { table, key, .. } = self;
        let statement = Statement::default().say(&format!("SELECT count(*) FROM (SELECT {key} FROM {table} WHERE "));
        let statement = statement.all(few).say(" LIMIT ").value(len(most.saturating_add(1))).say(") AS few");
        let counted: Vec<i64> = fetch(conn, &statement, |row| Ok(row.get(0)?))?;
        Ok(counted.into_iter().all(|count| count <= len(most)))
    }

    /// All statements that a question can lead to, for tests of their plans.
    #[cfg(test)]
    pub(super) fn texts(&self, question: &Question) -> Vec<String> {
        let mut texts = vec![self.walked(question, question.from).text];
        texts.extend(question.few.as_deref().map(|few| self.among(few, question).text));
        texts
    }

    fn between(&self, statement: Statement, question: &Question, from: Place) -> Statement {
        let (at, id) = self.place;
        let statement = match question.index {
            Some(index) => statement.say(index).say(" AND "),
            None => statement,
        };
        let statement = statement.say(&format!("({at}, {id}) < ")).place(question.below);
        statement.say(&format!(" AND ({at}, {id}) >= ")).place(from)
    }

    fn newest(&self, statement: Statement) -> Statement {
        let (at, id) = self.place;
        statement.say(&format!(" ORDER BY {at} DESC, {id} DESC"))
    }

    /// A row with its place, which stands behind what is read of it.
    fn placed<T>(&self, row: &Row<'_>, read: impl Fn(&Row<'_>) -> Result<T, Broken>) -> Result<Placed<T>, Broken> {
        let columns = row.as_ref().column_count();
        let (at, id) = (row.get(columns - 2)?, Uuid::from_bytes(row.get(columns - 1)?));
        Ok(((at, id), read(row).map_err(|broken| format!("{} {id}: {broken}", self.noun))))
    }
}

/// A row with its place, or what is wrong with it.
type Placed<T> = (Place, Result<T, String>);

/// What can be read of rows. Where some cannot, and there may be more behind as many as were wanted, the search goes on
/// behind the last of them.
fn readable<T>(placed: Vec<Placed<T>>, wanted: usize, bound: Option<Place>) -> Found<T> {
    let last = if placed.len() >= wanted { placed.last().map(|(place, _)| *place) } else { None };
    let (mut rows, mut unreadable) = (Vec::new(), Vec::new());
    for (place, row) in placed {
        match row {
            Ok(row) => rows.push(row),
            Err(what) => unreadable.push((place, what)),
        }
    }
    let is_short = rows.len() < wanted;
    Found { rows, unreadable, next: bound.or(last.filter(|_| is_short)) }
}

impl<T> Found<T> {
    /// The page of these, of which one more than its limit was wanted.
    pub(super) fn page(self, limit: usize, place: impl Fn(&T) -> Place) -> Page<T> {
        let page = page(self.rows, limit, &place);
        let end = page.next.as_ref().and_then(|_| page.rows.last()).map(place);
        let is_on_it = |place: Place| end.is_none_or(|end| place > end);
        let unreadable = self.unreadable.into_iter().filter(|(place, _)| is_on_it(*place)).map(|(_, what)| what).collect();
        Page { unreadable, next: page.next.or(self.next.as_ref().map(cursor)), ..page }
    }
}

fn fetch<T>(
    conn: &Connection,
    statement: &Statement,
    read: impl Fn(&Row<'_>) -> Result<T, Broken>,
) -> Result<Vec<T>, Broken> {
    let mut prepared = conn.prepare_cached(&statement.text)?;
    let mut found = prepared.query(params_from_iter(&statement.values))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(read(row)?);
    }
    Ok(rows)
}

/// The rows of a page that asks for so many.
pub(super) fn page_rows(limit: usize) -> usize {
    if limit == 0 { PAGE_ROWS } else { limit.min(PAGE_ROWS_MAX) }
}

/// A page of rows of which one more than its limit was read.
pub(super) fn page<T, I: Display>(mut rows: Vec<T>, limit: usize, place: impl Fn(&T) -> Place<I>) -> Page<T> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = if more { rows.last() } else { None };
    let next = last.map(|row| cursor(&place(row)));
    Page { rows, next, unreadable: Vec::new() }
}

/// The text of a place.
pub(super) fn cursor<I: Display>((micros, id): &Place<I>) -> String {
    format!("{micros}.{id}")
}

/// The place that a cursor names, or the top; `None` for a cursor that no page gave out.
pub(super) fn place_of<I: FromStr>(cursor: Option<&str>, top: Place<I>) -> Option<Place<I>> {
    let Some(cursor) = cursor else { return Some(top) };
    let (micros, id) = cursor.split_once('.')?;
    Some((micros.parse().ok()?, id.parse().ok()?))
}
