//! Makes a large store: events that were accepted, routed and delivered, as the product would have left them.

use std::path::Path;
use std::sync::Arc;

use backends::sqlite::{Options, Store};
use engine::ports::{Clock, Journal as _, Ledger as _};
use model::Batch;

use super::sample::{WallClock, entry, routed, settled};
use crate::{Outcome, event};

/// Events of one commit.
const BATCH: u64 = 1_024;

/// Fills a data folder with at least so many events.
pub(crate) async fn run(folder: &Path, events: u64) -> Outcome<()> {
    let clock: Arc<dyn Clock> = Arc::new(WallClock);
    let store = Store::open(folder, Options::default(), &clock)?;
    for from in (0..events).step_by(BATCH as usize) {
        let numbers = from..from + BATCH;
        store.journal.append(numbers.clone().map(|n| entry(n, event::BYTES)).collect()).await?;
        store.ledger.commit(routed(from, BATCH)).await?;
        let mut ended = Batch::new();
        ended.changes.extend(numbers.flat_map(|n| settled(n).changes));
        store.ledger.commit(ended).await?;
    }
    store.close();
    Ok(())
}
