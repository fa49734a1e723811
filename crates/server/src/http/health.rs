//! Whether the process lives, and whether it takes traffic.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use engine::ports::Usage;
use engine::retention::decide::ALARM_FULL;
use model::limit::APPEND_BYTES_WAITING_MAX;
use model::room::Room;

use super::problem::{Problem, kinds};
use crate::app::App;

/// Says which start of which product answers, to whoever asks.
pub const INSTANCE: &str = "crossdock-instance";

/// The process answers, and which it is.
pub async fn live(State(app): State<Arc<App>>) -> ([(&'static str, String); 1], &'static str) {
    ([(INSTANCE, app.instance.clone())], "live\n")
}

/// Traffic is accepted: all loops live, the store's threads among them, and the stores take what comes.
pub async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    if let Some(end) = app.ended.borrow().as_ref() {
        return Err(Problem::new(kinds::LOOP_ENDED, format!("{end}; the process ends and has to be started again")));
    }
    if !app.ready.load(Ordering::Relaxed) {
        return Err(Problem::new(kinds::NOT_READY, "starting, or going down"));
    }
    accepts(app.ground.journal.usage().await?, app.ground.ledger.room().await?)?;
    Ok("ready\n")
}

#[expect(clippy::result_large_err, reason = "a refusal ends the request, once")]
fn accepts(usage: Usage, room: Room) -> Result<(), Problem> {
    if usage.bytes >= usage.budget {
        return Err(Problem::new(kinds::JOURNAL_FULL, format!("the journal has used its {} bytes", usage.budget)));
    }
    if room.percent() >= ALARM_FULL {
        return Err(Problem::new(kinds::LEDGER_FULL, format!("the ledger has used its {} bytes", room.budget)));
    }
    if usage.waiting >= APPEND_BYTES_WAITING_MAX as u64 {
        return Err(Problem::new(kinds::JOURNAL_BUSY, format!("{} bytes wait to be written", usage.waiting)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_takes_nothing_is_not_ready_and_says_why() {
        let usage = Usage { bytes: 1, budget: 2, waiting: 0, ..Usage::default() };
        let code = |usage| accepts(usage, Room::default()).err().map(|problem| problem.code);
        assert_eq!(code(usage), None);
        assert_eq!(code(Usage { bytes: 2, ..usage }).as_deref(), Some("journal-full"));
        let full = accepts(usage, Room { bytes: 2, budget: 2 }).err().map(|problem| problem.code);
        assert_eq!(full.as_deref(), Some("ledger-full"));
        let waiting = APPEND_BYTES_WAITING_MAX as u64;
        assert_eq!(code(Usage { waiting, ..usage }).as_deref(), Some("journal-busy"));
    }
}
