//! I9: no queue, buffer, body, loop or page without a limit from `model::limit`, as far as ports and destinations see.

use model::limit::{
    CAPTURE_IDS_MAX, CAPTURE_RANGES_MAX, CAPTURE_ROWS_MAX, CLAIM_MAX, COMMIT_ENTRIES_MAX, PAGE_ROWS_MAX, READ_RECORDS_MAX,
    RESPONSE_BYTES_KEPT, STANDING_BYTES_MAX, TRIM_ROWS_MAX,
};
use model::{Batch, Change};

/// Something that has a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Entries of one append.
    Append(usize),
    /// Records that one read asks for.
    Read(usize),
    /// Records that one read got, and how many it had asked for.
    Got(usize, usize),
    /// Deliveries that one look at what is due asks for.
    Due(usize),
    /// Open attempts of ended lives that one sweep asks for.
    Orphans(usize),
    /// Emitted entries that one turn of the outbox asks for.
    Outbox(usize),
    /// Rows of a page.
    Page(usize),
    /// Records that retention or a replay names at once.
    Trim(usize),
    /// Members of a replay that are read at once.
    Members(usize),
    /// Records of a captured model that one change or one question names, or that one answer may have.
    Known(usize),
    /// Ids of known records that one answer may have.
    Ids(usize),
    /// Ranges that what is known is counted in at once.
    Ranges(usize),
    /// Bytes of how far a capture is.
    Standing(usize),
    /// Attempts that one batch opens.
    Claims(usize),
    /// Changes of one batch.
    Changes(usize),
    /// Bytes of an answer that are kept.
    Response(usize),
    /// Sends of one node to one destination at once, and how many that allows.
    Sends(usize, usize),
}

impl Size {
    /// The sizes of a batch.
    pub fn of(batch: &Batch) -> [Self; 5] {
        let claims = batch.changes.iter().filter(|change| matches!(change, Change::Claim { .. })).count();
        let kept = batch.changes.iter().filter_map(|change| match change {
            Change::Settle { result, .. } => Some(result.response.len()),
            _ => None,
        });
        let known = batch.changes.iter().filter_map(|change| match change {
            Change::Know { rows, .. } => Some(rows.len()),
            Change::Forget { ids, .. } => Some(ids.len()),
            _ => None,
        });
        let standing = batch.changes.iter().filter_map(|change| match change {
            Change::Stand { text, .. } => Some(text.len()),
            _ => None,
        });
        [
            Self::Claims(claims),
            Self::Changes(batch.changes.len()),
            Self::Response(kept.max().unwrap_or(0)),
            Self::Known(known.max().unwrap_or(0)),
            Self::Standing(standing.max().unwrap_or(0)),
        ]
    }

    /// LIMIT: changes of a batch: a read's worth of records, each with some flows.
    const CHANGES_MAX: usize = READ_RECORDS_MAX * 16;

    const fn is_within(self) -> bool {
        match self {
            Self::Append(entries) | Self::Outbox(entries) => entries <= COMMIT_ENTRIES_MAX,
            Self::Read(records) => records <= READ_RECORDS_MAX,
            Self::Got(records, asked) => records <= asked,
            Self::Due(deliveries) | Self::Orphans(deliveries) | Self::Claims(deliveries) => deliveries <= CLAIM_MAX,
            Self::Trim(records) => records <= TRIM_ROWS_MAX,
            Self::Page(rows) | Self::Members(rows) => rows <= PAGE_ROWS_MAX,
            Self::Known(rows) => rows <= CAPTURE_ROWS_MAX,
            Self::Ids(ids) => ids <= CAPTURE_IDS_MAX,
            Self::Ranges(ranges) => ranges <= CAPTURE_RANGES_MAX,
            Self::Standing(bytes) => bytes <= STANDING_BYTES_MAX,
            Self::Changes(changes) => changes <= Self::CHANGES_MAX,
            Self::Response(bytes) => bytes <= RESPONSE_BYTES_KEPT,
            Self::Sends(sends, most) => sends <= most,
        }
    }
}

/// Whether a size is within its limit.
pub fn i9_everything_has_a_limit(size: Size) -> Option<String> {
    (!size.is_within()).then(|| format!("{size:?} is above its limit"))
}
