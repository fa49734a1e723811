//! I11: conservation, exactly: what was accepted is done, moving, or with a person.

use model::account::Line;
use model::{Bucket, Fault};

use crate::oracle::Stores;

/// The lines of the account have nothing missing, and the counters are what the rows say.
pub async fn i11_accounts_balance(stores: &Stores) -> Result<Vec<String>, Fault> {
    let (account, recount) = (stores.ledger.account().await?, stores.ledger.recount().await?);
    let census = stores.journal.census(account.routed_to.clone()).await?;
    let mut broken: Vec<String> = account.lines(&census).iter().flat_map(missing).collect();
    for (counted, found) in account.tallies.iter().zip(&recount.tallies) {
        let differ = Bucket::ALL.iter().filter(|bucket| counted.get(**bucket) != found.get(**bucket));
        broken.extend(differ.map(|bucket| {
            format!("the counter of {bucket:?} says {}, the rows say {}", counted.get(*bucket), found.get(*bucket))
        }));
    }
    Ok(broken)
}

fn missing(line: &Line) -> Vec<String> {
    let mut broken = Vec::new();
    if line.entries_missing() != 0 {
        broken.push(format!("{} accepted entries of {:?} are in no bucket", line.entries_missing(), line.origin));
    }
    if line.deliveries_missing() != 0 {
        broken.push(format!("{} deliveries of {:?} are in no bucket", line.deliveries_missing(), line.origin));
    }
    broken
}
