//! Every limit of the product in one place, each with its reason. A loop, buffer, page or body without a limit
//! from here is a defect (I9).

use crate::time::Span;

/// LIMIT: a name; long enough for `partner/system/purpose`, short enough for every index and screen.
pub const NAME_BYTES_MAX: usize = 120;
/// LIMIT: a received body that is stored in the journal. What is larger is refused with 413 until a place for
/// large bodies is decided.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// LIMIT: JSON nesting; a real order needs about ten levels, a parser's stack ends at a hundred and more.
pub const BODY_DEPTH_MAX: usize = 64;
/// LIMIT: events in one `CloudEvents` batch, so that one request cannot hold the journal's writer.
pub const BATCH_EVENTS_MAX: usize = 500;
/// LIMIT: one header value that a source may keep or verify.
pub const HEADER_BYTES_MAX: usize = 8 * 1024;
/// LIMIT: header lines of one request.
pub const HEADERS_MAX: usize = 100;
/// LIMIT: an idempotency key; longer native keys are replaced by their digest.
pub const KEY_BYTES_MAX: usize = 256;
/// LIMIT: business identifiers of one event.
pub const IDENTIFIERS_MAX: usize = 64;
/// LIMIT: one business identifier's value; longer ones are replaced by their digest, and found by it.
pub const IDENTIFIER_BYTES_MAX: usize = 200;
/// LIMIT: the text of a lane or ordering key; longer keys are replaced by their digest.
pub const LANE_KEY_BYTES_MAX: usize = 200;
/// LIMIT: what is kept of a destination's answer.
pub const RESPONSE_BYTES_KEPT: usize = 64 * 1024;
/// LIMIT: what is read of a destination's answer before the connection is closed.
pub const RESPONSE_BYTES_READ: usize = 256 * 1024;
/// LIMIT: records of a source that wait to be looked at after a nudge; those beyond are found by the next sweep.
pub const NUDGES_MAX: usize = 10_000;
/// LIMIT: reasons kept for one quarantined event; the rest is counted.
pub const REASONS_MAX: usize = 20;
/// LIMIT: parts of schemas that are applied to the values of one request, where a contract lets them multiply, and what listing
/// mistakes copies, for every contract: a fifth of a second.
pub const VALIDATION_STEPS_MAX: usize = 1_000_000;
/// LIMIT: of these, what every event of a batch may take, whatever those before it took.
pub const VALIDATION_FLOOR: usize = 5_000;
/// LIMIT: later bodies that a quarantined event is given one after the other; further ones wait for [`LATER_WAIT`].
pub const LATER_AT_ONCE: u64 = 10;
/// LIMIT: how long a later body keeps its place once [`LATER_AT_ONCE`] came: long enough for a person to look and decide.
pub const LATER_WAIT: Span = Span::from_secs(3_600);
/// LIMIT: a mapped body; as the received one.
pub const OUTPUT_BYTES_MAX: usize = BODY_BYTES_MAX;
/// LIMIT: records that a consumer reads at once.
pub const READ_RECORDS_MAX: usize = 512;
/// LIMIT: bytes that a consumer reads at once.
pub const READ_BYTES_MAX: usize = 8 * 1024 * 1024;
/// LIMIT: entries that one durable commit of the journal takes.
pub const COMMIT_ENTRIES_MAX: usize = 1024;
/// LIMIT: requests that may wait for the journal's writer; above that intake answers 503.
pub const APPENDS_WAITING_MAX: usize = 4096;
/// LIMIT: batches that may wait for the ledger's writer.
pub const BATCHES_WAITING_MAX: usize = 4096;
/// LIMIT: rows of one page for people.
pub const PAGE_ROWS_MAX: usize = 500;
/// LIMIT: rows that one page looks at while it searches for those that were asked for; then it ends short. One step takes a
/// reader less than 40 ms from a cold file, measured with a million deliveries.
pub const PAGE_WALK_ROWS: usize = 20_000;
/// LIMIT: causes that are told of what waits for people, largest first; who has more looks for one mistake behind them.
pub const CAUSES_MAX: usize = 100;
/// LIMIT: members of a cause that are told, so that people recognise by their order numbers what it is about.
pub const CAUSE_SAMPLES: usize = 3;
/// LIMIT: deliveries that one claim takes for one destination.
pub const CLAIM_MAX: usize = 256;
/// LIMIT: concurrent sends to one destination, whatever it declares.
pub const CONCURRENCY_MAX: u32 = 512;
/// LIMIT: changes at once in one Odoo that a destination of commands may declare: more of them wait for each other's locks. Each
/// node counts its own, so that two nodes make twice as many; declare half of it there.
pub const COMMANDS_AT_ONCE_MAX: u32 = 4;
/// LIMIT: files of one project folder and their size, against an accidental `/`.
pub const PROJECT_FILES_MAX: usize = 10_000;
/// LIMIT: one project file.
pub const PROJECT_FILE_BYTES_MAX: usize = 1024 * 1024;
/// LIMIT: a project in one request; as JSON a text can take twice its bytes.
pub const PROJECT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// LIMIT: a command of the management API: fifty thousand ids, which is more than anybody names one by one.
pub const COMMAND_BYTES_MAX: usize = 2 * 1024 * 1024;
/// LIMIT: writes of one principal whose keys are remembered; above that its writes with new keys are refused until old ones are
/// forgotten.
pub const KEYED_WRITES_MAX: u64 = 10_000;
/// LIMIT: the body of an answer that is kept for repeats; a larger one is made anew, which does nothing twice.
pub const KEYED_ANSWER_BYTES_MAX: usize = 256 * 1024;
/// LIMIT: nesting of a project file; a schema of a real order needs about twenty levels.
pub const PROJECT_DEPTH_MAX: usize = 64;
/// LIMIT: mistakes that one check shows; nobody reads further, and a hostile file could make a million.
pub const DIAGNOSTICS_MAX: usize = 1_000;
/// LIMIT: members of one replay; what is more is replayed in several. They are stored in one commit, with 12 µs each in a
/// build without optimisation: nothing else that a ledger does waits longer for it than 0.6 s.
pub const REPLAY_MEMBERS_MAX: usize = 50_000;
/// LIMIT: deliveries of one lane or ordering key that are looked through for the newest that is done or under way; all of
/// them wait for a person or were cancelled. A tenth of a second of one reader.
pub const NEWEST_ROWS_MAX: usize = 100_000;
/// LIMIT: members of the last previews that a process remembers, with eight bytes each.
pub const PREVIEWED_MAX: usize = 200_000;
/// LIMIT: deliveries that took each other's place, one after the other, for one event and flow.
pub const SUCCESSORS_MAX: usize = 32;
/// LIMIT: rows that retention removes in one commit, so that intake never waits for it longer than a commit.
pub const TRIM_ROWS_MAX: usize = 500;
/// LIMIT: records of a captured model that one change names, or one question: a page of a system of record has at most so many,
/// and a commit of them takes 12 ms in a build without optimisation.
pub const CAPTURE_ROWS_MAX: usize = 2_000;
/// LIMIT: ids of known records that one question lists: a range of them, compared with what is there where the counts differ.
pub const CAPTURE_IDS_MAX: usize = 10_000;
/// LIMIT: ranges of ids that one question counts known records in; with ranges of ten thousand ids, two and a half million. A
/// hundred thousand records are counted in 10 ms.
pub const CAPTURE_RANGES_MAX: usize = 256;
/// LIMIT: what a capture writes of how far it is. It is read whole and written whole at each step, two kilobytes for a model at most.
pub const STANDING_BYTES_MAX: usize = 256 * 1024;
/// LIMIT: known records of a captured model that one pass takes as deleted without a person, where a share of them is less: as many
/// are tidied away in an afternoon.
pub const GONE_AT_ONCE_MAX: u64 = 100;
/// LIMIT: the share that one pass takes as deleted without a person: one of so many. Where more are not shown any more, a wrong or
/// restored database, or a right that was taken away, is likelier than their deletion, and each would be an event.
pub const GONE_SHARE: u64 = 10;
/// LIMIT: how much of the past a reconciliation compares at least: less lies within a sweep.
pub const RECONCILED_MIN: Span = Span::from_secs(60);
/// LIMIT: how much of the past a reconciliation compares at most; the comparison of all contents reads what is older.
pub const RECONCILED_MAX: Span = Span::from_days(400);
/// LIMIT: records that a journal remembers to spare; a removal that was decided before more than these is not made.
pub const SPARED_MAX: usize = 16_384;
/// LIMIT: tokens that hold at once: one for each person and system of a large house, and few enough that all of them are
/// read, and looked over by a person, whenever one is made or revoked.
pub const TOKENS_MAX: usize = 1_000;
/// LIMIT: attempts of one round of a delivery; where the last wait repeats and no deadline ends it, a person gets it at last.
pub const ATTEMPTS_MAX: u32 = 1_000;

/// LIMIT: bytes of entries that may wait for the journal's writer, beside their number: bodies have up to 1 MiB.
pub const APPEND_BYTES_WAITING_MAX: usize = 64 * 1024 * 1024;
/// LIMIT: bytes of entries that one durable commit of the journal takes, so that nobody waits long for the others.
pub const COMMIT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// LIMIT: batches that one durable commit of the ledger takes.
pub const COMMIT_BATCHES_MAX: usize = 512;
/// LIMIT: questions that may wait for the readers of an embedded store.
pub const READS_WAITING_MAX: usize = 1024;
/// LIMIT: hashes in the open segment of a registry (keys, words): what is held in memory with about 64 bytes each.
pub const SEGMENT_HASHES_MAX: usize = 256 * 1024;
/// LIMIT: rows of a segment that are written or removed in one commit.
pub const SEGMENT_SLICE_ROWS: usize = 2_048;

/// LIMIT: spans that wait for the collector of telemetry, about a kilobyte each; what finds no room is dropped and counted.
pub const SPANS_WAITING_MAX: usize = 8_192;
/// LIMIT: spans of one request to the collector.
pub const SPANS_SENT_MAX: usize = 1_024;
/// LIMIT: connections that are open at once; who comes above it waits in the queue of the machine. Senders keep theirs
/// alive, and a thousand of them at once have been measured.
pub const CONNECTIONS_MAX: usize = 4_096;
/// LIMIT: bytes of the head of a request, its headers and address; what is larger is refused with 431.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// LIMIT: bytes of received bodies that are in memory and not yet answered; above that intake answers 503.
pub const BODIES_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long the head of a request may take, and a connection be idle before it.
pub const HEAD_WAIT: Span = Span::from_secs(30);
/// How long the body of a request may take: 35 kB/s for the largest.
pub const BODY_WAIT: Span = Span::from_secs(30);
/// How long the other side may take to read each [`HEAD_BYTES_MAX`] of an answer: 2 kB/s.
/// Who does not read would keep its place for ever.
pub const ANSWER_WAIT: Span = Span::from_secs(30);
/// How long a sender that still sends what is not read any more is listened to, so that it can read its answer.
pub const LINGER_WAIT: Span = Span::from_secs(5);

/// How long a segment of a registry stays open, so that the old ones can be dropped whole.
pub const SEGMENT_PERIOD: Span = Span::from_days(1);
/// How long a key is remembered: the longest redelivery that a partner is known to do, twice over.
pub const KEY_WINDOW: Span = Span::from_days(14);
/// How long the key of a write of the management API is remembered: a day of repeats by a client that was away.
pub const KEYED_WRITE_WINDOW: Span = Span::from_days(1);
/// How far a sender's clock may be off before its signature is stale, unless the source says otherwise.
pub const SIGNATURE_TOLERANCE: Span = Span::from_secs(300);
/// Every loop runs at least this often; a wake-up is only a hint.
pub const PERIOD: Span = Span::from_secs(1);
/// A node that has not shown itself for this long has lost its leases.
pub const LEASE: Span = Span::from_secs(10);
/// How often a node shows itself.
pub const HEARTBEAT: Span = Span::from_secs(1);
