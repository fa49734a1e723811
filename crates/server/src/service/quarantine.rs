//! What waits in quarantine, by cause: a thousand orders with the same mistake are one line for their owner.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::ports::Views;
use model::limit::PAGE_ROWS_MAX;
use model::view::QuarantineQuery;
use model::{Fault, QuarantineRow};

use crate::api::QuarantineGroup;

/// LIMIT: open rows that are looked at, so that a flood does not make the status slow; the account counts all of them.
const ROWS_MAX: usize = 10 * PAGE_ROWS_MAX;

/// The newest open rows.
pub async fn open(views: &Arc<dyn Views>) -> Result<Vec<QuarantineRow>, Fault> {
    let mut rows = Vec::new();
    let mut cursor = None;
    while rows.len() < ROWS_MAX {
        let states = vec!["open".to_owned()];
        let query = QuarantineQuery { states, cursor, limit: PAGE_ROWS_MAX, ..QuarantineQuery::default() };
        let page = views.quarantine(query).await?;
        rows.extend(page.rows);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(rows)
}

/// Rows, newest first, by source, owner and first reason; the largest group first.
pub fn groups(rows: &[QuarantineRow]) -> Vec<QuarantineGroup> {
    let mut groups: BTreeMap<(&str, &str, String), QuarantineGroup> = BTreeMap::new();
    for row in rows {
        let first = row.reasons.first();
        let code = first.map(|reason| reason.code.to_string()).unwrap_or_default();
        let group = groups.entry((row.source.as_str(), row.owner.as_str(), code.clone())).or_insert(QuarantineGroup {
            source: row.source.clone(),
            code,
            owner: row.owner.to_string(),
            count: 0,
            oldest_at: row.at,
            newest_at: row.at,
            example: row.event,
            reason: first.map(|reason| reason.message.clone()).unwrap_or_default(),
        });
        group.count += 1;
        group.oldest_at = group.oldest_at.min(row.at);
        group.newest_at = group.newest_at.max(row.at);
    }
    let mut groups: Vec<QuarantineGroup> = groups.into_values().collect();
    groups.sort_by_key(|group| (std::cmp::Reverse(group.count), group.oldest_at));
    groups
}

#[cfg(test)]
mod tests {
    use model::diagnostic::Place;
    use model::{Code, Diagnostic, Origin, Owner, Position, QuarantineState, SourceName, Timestamp};

    use super::*;

    fn row(no: u8, source: &str, code: u16) -> QuarantineRow {
        QuarantineRow {
            event: format!("00000000-0000-7000-8000-0000000000{no:02}").parse().unwrap(),
            position: Position::default(),
            source: SourceName::new(source).unwrap(),
            kind: model::EventType::new("order.created"),
            origin: Origin::Live,
            owner: Owner::new("team-commerce").unwrap(),
            at: Timestamp::from_secs(i64::from(no)),
            reasons: vec![Diagnostic::error(Code(code), Place::Whole, format!("message {no}"))],
            state: QuarantineState::Open,
            revision: 0,
            version: 1,
        }
    }

    #[test]
    fn what_has_the_same_source_and_reason_is_one_line() {
        let rows = [row(9, "shop", 704), row(8, "carrier", 701), row(7, "shop", 704), row(6, "shop", 701)];
        let groups = groups(&rows);
        let short: Vec<_> =
            groups.iter().map(|it| (it.source.as_str(), it.code.as_str(), it.count, it.oldest_at.secs())).collect();
        assert_eq!(short, [("shop", "H0704", 2, 7), ("shop", "H0701", 1, 6), ("carrier", "H0701", 1, 8)]);
        assert_eq!((groups[0].example, groups[0].reason.as_str()), (rows[0].event, "message 9"));
    }
}
