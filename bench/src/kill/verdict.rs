//! What must hold in the end, whatever was killed when.

use std::sync::PoisonError;

use super::senders::Senders;
use super::sink::Sink;
use crate::Outcome;
use crate::product::Product;

/// LIMIT: sentences of one kind that are shown.
const SHOWN: usize = 5;

/// Every broken promise in a sentence; empty when all are kept.
pub(crate) async fn judge(senders: &Senders, sink: &Sink, product: &Product, drained: bool) -> Outcome<Vec<String>> {
    let mut failures = Vec::new();
    if !drained {
        failures.push("the backlog did not drain in time".to_owned());
    }
    let metrics = product.metrics().await?;
    if metrics.unaccounted() != 0 {
        failures.push(format!("{} not accounted for", metrics.unaccounted()));
    }
    let ids = senders.ids.lock().unwrap_or_else(PoisonError::into_inner);
    if metrics.accepted() != ids.len() as u64 {
        failures.push(format!("{} accepted by its own word, {} by the senders'", metrics.accepted(), ids.len()));
    }
    let seen = sink.seen();
    let lost = ids.keys().filter(|which| !seen.ids.contains_key(which));
    failures.extend(
        lost.take(SHOWN).map(|(lane, number)| format!("lost: lane {lane} number {number} was accepted and never arrived")),
    );
    let twice = seen.ids.iter().filter(|(_, ids)| ids.len() > 1);
    failures
        .extend(twice.take(SHOWN).map(|((lane, number), ids)| format!("twice: lane {lane} number {number} under {ids:?}")));
    for (lane, order) in &seen.order {
        let pairs = order.iter().zip(order.iter().skip(1));
        let wrong = pairs.filter(|(first, second)| first > second);
        failures.extend(
            wrong.take(1).map(|(first, second)| format!("order: in lane {lane} number {first} came before {second}")),
        );
    }
    failures.extend(seen.overlaps.iter().take(SHOWN).cloned());
    if seen.strangers > 0 {
        failures.push(format!("{} requests were no event of ours", seen.strangers));
    }
    failures.extend(senders.complaints.lock().unwrap_or_else(PoisonError::into_inner).iter().take(SHOWN).cloned());
    Ok(failures)
}
