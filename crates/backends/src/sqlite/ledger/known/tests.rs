//! What only a file goes through: how ranges are found, what a row takes, and a row that is damaged.

use std::path::Path;
use std::sync::Arc;

use engine::ports::{Clock, Ledger as _};
use model::limit::CAPTURE_ROWS_MAX;
use model::{Batch, Change, Known};
use rusqlite::Connection;

use super::{COUNT, LISTED, ROW, UNREAD};
use crate::conformance::ManualClock;
use crate::conformance::sample::{at, known, name};
use crate::sqlite::schema::{LEDGER, migrate};
use crate::sqlite::{Options, SqliteLedger, Store};

const SOURCE: &str = "odoo";
const MODEL: &str = "sale.order";

fn opened(folder: &Path) -> Arc<SqliteLedger> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(at(0)));
    Store::open(folder, Options::default(), &clock).expect("the folder opens").ledger
}

async fn know(ledger: &SqliteLedger, rows: Vec<Known>) {
    let change = Change::Know { source: name(SOURCE), model: MODEL.to_owned(), rows };
    ledger.commit(Batch::new().change(change)).await.expect("the ledger takes it");
}

async fn counted(ledger: &SqliteLedger, range: (u64, u64)) -> Vec<u64> {
    ledger.known_counts(&name(SOURCE), MODEL, vec![range]).await.expect("the ledger reads")
}

#[test]
fn ranges_are_found_by_the_key_and_come_in_its_order() {
    let conn = Connection::open_in_memory().unwrap();
    migrate(&conn, LEDGER, Path::new("ledger.sqlite")).unwrap();
    for (sql, by) in [(COUNT, "id>? AND id<?"), (LISTED, "id>? AND id<?"), (UNREAD, "id>? AND id<?"), (ROW, "id=?")] {
        let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let (mut rows, mut steps) = (explain.raw_query(), Vec::new());
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get::<_, String>(3).unwrap());
        }
        assert_eq!(steps, [format!("SEARCH known USING PRIMARY KEY (source=? AND model=? AND {by})")], "{sql}");
    }
}

/// A hundred bytes are what the decision promises.
#[tokio::test]
async fn a_known_record_takes_a_hundred_bytes_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = opened(folder.path());
    let empty = ledger.room().await.unwrap().bytes;
    let (pages, rows) = (10, CAPTURE_ROWS_MAX as u64);
    for page in 0..pages {
        know(&ledger, (page * rows..(page + 1) * rows).map(known).collect()).await;
    }
    let bytes = ledger.room().await.unwrap().bytes - empty;
    assert!(bytes < pages * rows * 100, "{bytes} bytes for {} records", pages * rows);
    know(&ledger, (0..rows).map(known).collect()).await;
    assert_eq!(ledger.room().await.unwrap().bytes - empty, bytes, "what is known again takes no more");
}

#[tokio::test]
async fn a_damaged_row_is_named_left_out_and_known_anew() {
    let folder = tempfile::tempdir().unwrap();
    for damage in ["hidden = 7", "hidden = 'no'", "digest = x'00'", "state = x'ff'", "written_at = 'soon'"] {
        let ledger = opened(folder.path());
        know(&ledger, (1..=3).map(known).collect()).await;
        ledger.close();
        drop(ledger);
        let conn = Connection::open(folder.path().join("ledger.sqlite")).unwrap();
        assert_eq!(conn.execute(&format!("UPDATE known SET {damage} WHERE id = 2"), []).unwrap(), 1, "{damage}");
        drop(conn);
        let ledger = opened(folder.path());
        let found = ledger.known(&name(SOURCE), MODEL, vec![1, 2, 3]).await.unwrap();
        assert_eq!(found.rows, [known(1), known(3)], "{damage}");
        assert_eq!(found.unreadable.len(), 1, "{damage}");
        let told = &found.unreadable[0];
        assert!(told.starts_with("what is known of sale.order 2 of odoo: "), "{told}");
        let seen = u64::from(!damage.starts_with("hidden"));
        assert_eq!(counted(&ledger, (0, 9)).await, [2 + seen], "{damage}");
        know(&ledger, vec![known(2)]).await;
        let found = ledger.known(&name(SOURCE), MODEL, vec![1, 2, 3]).await.unwrap();
        assert_eq!((found.rows, found.unreadable), ((1..=3).map(known).collect(), Vec::new()), "{damage}");
        assert_eq!(counted(&ledger, (0, 9)).await, [3], "{damage}");
    }
}
