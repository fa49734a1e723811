//! The kinds of problem that this surface has besides the refusals of intake ([`model::RefusalKind`]): status, code and title.
//! A code is never used for something else, not even after its kind is gone.

/// A kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: &'static str,
    /// The kind in words.
    pub title: &'static str,
}

const fn kind(status: u16, code: &'static str, title: &'static str) -> Kind {
    Kind { status, code, title }
}

/// The request cannot be read.
pub const MALFORMED: Kind = kind(400, "malformed", "The request cannot be read");
/// A parameter has a value that it cannot have.
pub const BAD_PARAMETER: Kind = kind(400, "bad-parameter", "A parameter has a value that it cannot have");
/// A query has a parameter that the operation does not have.
pub const UNKNOWN_PARAMETER: Kind = kind(400, "unknown-parameter", "There is no such parameter");
/// Nobody is signed in.
pub const SIGN_IN: Kind = kind(401, "sign-in", "A token is needed");
/// The token does not hold.
pub const UNKNOWN_TOKEN: Kind = kind(401, "unknown-token", "The token does not hold");
/// The scope is not granted.
pub const SCOPE: Kind = kind(403, "scope", "The token does not have the scope");
/// The page is of another site.
pub const WRONG_ORIGIN: Kind = kind(403, "wrong-origin", "Pages of other sites are refused");
/// A write without a token of either kind.
pub const SAME_SITE_TOKEN: Kind = kind(403, "same-site-token", "A write needs the same-site token");
/// It is not there.
pub const NOT_FOUND: Kind = kind(404, "not-found", "It is not there");
/// The path has no such method.
pub const METHOD_NOT_ALLOWED: Kind = kind(405, "method-not-allowed", "The path has no such method");
/// The caller takes no media type that is answered.
pub const NOT_ACCEPTABLE: Kind = kind(406, "not-acceptable", "No accepted media type can be answered");
/// Another change came first.
pub const CHANGED_MEANWHILE: Kind = kind(409, "changed-meanwhile", "Another change came first");
/// The first request with this key is under way.
pub const KEY_UNDER_WAY: Kind = kind(409, "idempotency-key-under-way", "The first request with this key is under way");
/// The version that was seen is not the present one.
pub const STALE: Kind = kind(412, "stale", "It has changed since it was seen");
/// The body is larger than the operation takes.
pub const TOO_LARGE: Kind = kind(413, "too-large", "The body is too large");
/// The body is of another media type.
pub const UNSUPPORTED_MEDIA_TYPE: Kind = kind(415, "unsupported-media-type", "The body is of another media type");
/// The host is not one of ours.
pub const WRONG_HOST: Kind = kind(421, "wrong-host", "This server does not answer for the host");
/// The body is JSON, but not what the operation takes.
pub const INVALID_BODY: Kind = kind(422, "invalid-body", "The body is not what the operation takes");
/// The key was used for another request.
pub const KEY_REUSED: Kind = kind(422, "idempotency-key-reused", "The key was used for another request");
/// What was handed in breaks rules.
pub const INVALID: Kind = kind(422, "invalid", "What was handed in breaks rules");
/// A person has to say why.
pub const REASON: Kind = kind(422, "reason", "A reason is needed");
/// A rule or the present state forbids it.
pub const REFUSED: Kind = kind(422, "refused", "It cannot be done as things stand");
/// It would put an old state over a newer one.
pub const OVERTAKEN: Kind = kind(422, "overtaken", "A newer state went out since");
/// The policy names secrets that have no value.
pub const MISSING_SECRETS: Kind = kind(422, "missing-secrets", "Secrets have no value");
/// A contract would break what it promised.
pub const BREAKS: Kind = kind(422, "breaks-contract", "A contract would break what it promised");
/// More is asked for than there is room for.
pub const OVER_LIMIT: Kind = kind(429, "over-limit", "More is asked for than there is room for");
/// What is stored contradicts itself.
pub const CORRUPT: Kind = kind(500, "corrupt", "What is stored contradicts itself");
/// The process does not take traffic.
pub const NOT_READY: Kind = kind(503, "not-ready", "The process does not take traffic");
/// A loop of the process has ended.
pub const LOOP_ENDED: Kind = kind(503, "loop-ended", "A part of the process has ended");
/// The journal has used its budget.
pub const JOURNAL_FULL: Kind = kind(503, "journal-full", "The journal has used its budget");
/// The ledger has used its budget.
pub const LEDGER_FULL: Kind = kind(503, "ledger-full", "The ledger has used its budget");
/// More waits for the store than it can do now.
pub const BUSY: Kind = kind(503, "busy", "More waits for the store than it can do now");
/// More waits for the journal's disk than it takes.
pub const JOURNAL_BUSY: Kind = kind(503, "journal-busy", "More waits for the disk than it takes");
/// The store cannot be reached.
pub const UNAVAILABLE: Kind = kind(503, "unavailable", "The store cannot be reached");

/// All kinds, by status.
pub const ALL: &[Kind] = &[
    MALFORMED,
    BAD_PARAMETER,
    UNKNOWN_PARAMETER,
    SIGN_IN,
    UNKNOWN_TOKEN,
    SCOPE,
    WRONG_ORIGIN,
    SAME_SITE_TOKEN,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    CHANGED_MEANWHILE,
    KEY_UNDER_WAY,
    STALE,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    WRONG_HOST,
    INVALID_BODY,
    KEY_REUSED,
    INVALID,
    REASON,
    REFUSED,
    OVERTAKEN,
    MISSING_SECRETS,
    BREAKS,
    OVER_LIMIT,
    CORRUPT,
    NOT_READY,
    LOOP_ENDED,
    JOURNAL_FULL,
    LEDGER_FULL,
    BUSY,
    JOURNAL_BUSY,
    UNAVAILABLE,
];
