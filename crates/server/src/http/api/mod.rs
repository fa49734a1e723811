//! The management API as a list of operations. Each names the scope that it asks for; reads come from views, writes go to
//! the rooms.

mod asking;
mod command;
mod read;
mod reconciliation;
mod secrets;
mod session;

use std::sync::Arc;

use axum::handler::Handler;
use engine::replay::preview::Preview;
use http::Method;
use model::limit::{BODY_BYTES_MAX, COMMAND_BYTES_MAX, PROJECT_BYTES_MAX};
use model::view::{CauseGroup, FeedRow};
use model::{AuditRow, DeliveryId, EventId, QuarantineRow, Replay, ReplayId, Scope};

use super::operation::{Access, Effect, Operation, Versions};
use crate::api::queries::{
    AuditFilter, DeliveryFilter, EventPaging, FeedPaging, Paging, PolicyPaging, QuarantineFilter, SecretFilter,
};
use crate::api::{
    Applied, ApplyCommand, ApplyPreview, ApplyResult, Because, CommandResult, DeliveryCommand, DeliveryPage, DeliveryRow,
    EventSummary, MissingSecret, NewToken, QuarantineCommand, QuarantinePage, QuarantineResult, ReconciliationCommand,
    ReconciliationLine, ReconciliationOrdered, ReleaseCommand, Released, ReplayCancelled, ReplayCommand, ReplayOrdered,
    ReplayPage, RetryCommand, RetryManyCommand, Rows, Session, Status, SwitchCommand, SwitchLine, SwitchResult,
    TokenCommand, TokenLine, TokensRevoked, Trace,
};
use crate::app::App;

/// Where the management API begins.
pub const ROOT: &str = "/api/v1";

/// LIMIT: a corrected body as a JSON text, every byte of which may be escaped.
const CORRECTION_BYTES_MAX: usize = 6 * BODY_BYTES_MAX + COMMAND_BYTES_MAX;

/// All operations of the management API but its own description.
pub fn operations() -> Vec<Operation> {
    [identity(), overview(), events(), deliveries(), quarantine(), replays(), reconciliations(), policies()].concat()
}

/// An operation that reads.
fn reads<H, T>(path: &str, id: &'static str, summary: &'static str, handler: H) -> Operation
where
    H: Handler<T, Arc<App>>,
    T: 'static,
{
    Operation::new(Method::GET, &format!("{ROOT}{path}"), id, summary, handler).access(Access::Scope(Scope::Read))
}

/// An operation that takes a command.
fn commands<H, T>(path: &str, id: &'static str, summary: &'static str, handler: H) -> Operation
where
    H: Handler<T, Arc<App>>,
    T: 'static,
{
    Operation::new(Method::POST, &format!("{ROOT}{path}"), id, summary, handler)
        .access(Access::Scope(Scope::Operate))
        .effect(Effect::Changes)
}

/// A command on one delivery.
fn of_one<H, T>(path: &str, id: &'static str, summary: &'static str, handler: H) -> Operation
where
    H: Handler<T, Arc<App>>,
    T: 'static,
{
    commands(path, id, summary, handler)
        .parameter::<DeliveryId>()
        .takes::<Because>()
        .answers::<CommandResult>()
        .versions(Versions::Asked)
}

/// A command on many deliveries.
fn of_many<H, T>(path: &str, id: &'static str, summary: &'static str, handler: H) -> Operation
where
    H: Handler<T, Arc<App>>,
    T: 'static,
{
    commands(path, id, summary, handler).takes::<DeliveryCommand>().answers::<Rows<CommandResult>>()
}

fn identity() -> Vec<Operation> {
    vec![
        reads("/session", "session", "Who asks, and what they may do", session::session)
            .access(Access::Principal)
            .answers::<Session>(),
        reads("/tokens/{name}", "tokensOf", "The tokens of a name, without their texts", session::tokens_of)
            .access(Access::Scope(Scope::Admin))
            .parameter::<String>()
            .answers::<Rows<TokenLine>>()
            .versions(Versions::Told),
        reads("/tokens", "tokens", "All tokens, without their texts", session::tokens)
            .access(Access::Scope(Scope::Admin))
            .answers::<Rows<TokenLine>>(),
        commands("/tokens", "makeToken", "Makes a token; its text is shown this once", session::make_token)
            .access(Access::Scope(Scope::Admin))
            .takes::<TokenCommand>()
            .answers::<NewToken>(),
        commands("/tokens/{name}/revoke", "revokeTokens", "Revokes the tokens of a name", session::revoke_tokens)
            .access(Access::Scope(Scope::Admin))
            .parameter::<String>()
            .takes::<Because>()
            .answers::<TokensRevoked>()
            .versions(Versions::Asked),
    ]
}

fn overview() -> Vec<Operation> {
    vec![
        reads("/status", "status", "Is everything accounted for, and who has to do something", read::status)
            .answers::<Status>(),
        reads("/trace/{*reference}", "trace", "The way of everything that a reference names", read::trace)
            .parameter::<String>()
            .answers::<Trace>(),
        reads("/feed", "feed", "Changes of deliveries, oldest first", read::feed)
            .query::<FeedPaging>()
            .answers::<Rows<FeedRow>>(),
        reads("/audit", "audit", "What people did, newest first", read::audit)
            .query::<AuditFilter>()
            .answers::<Rows<AuditRow>>(),
        reads("/switches", "switches", "What was ever paused or resumed", read::switches).answers::<Rows<SwitchLine>>(),
        commands("/switches", "turnSwitch", "Pauses or resumes a source, a flow or a destination", command::switch)
            .takes::<SwitchCommand>()
            .answers::<SwitchResult>()
            .problems(&[404]),
    ]
}

fn events() -> Vec<Operation> {
    vec![
        reads("/events", "events", "What was received, newest first", read::events)
            .query::<EventPaging>()
            .answers::<Rows<EventSummary>>(),
        reads("/events/{id}", "event", "One event, without its bytes", read::event)
            .parameter::<EventId>()
            .answers::<EventSummary>(),
        reads("/events/{id}/body", "eventBody", "The bytes of an event as they were received", read::event_body)
            .access(Access::Scope(Scope::Bodies))
            .parameter::<EventId>()
            .answers_raw("application/octet-stream"),
    ]
}

fn deliveries() -> Vec<Operation> {
    vec![
        reads("/deliveries", "deliveries", "Deliveries, newest first", read::deliveries)
            .query::<DeliveryFilter>()
            .answers::<Rows<DeliveryRow>>(),
        reads("/deliveries/{id}", "delivery", "One delivery with its attempts", read::delivery)
            .parameter::<DeliveryId>()
            .answers::<DeliveryPage>()
            .versions(Versions::Told),
        reads("/causes", "causes", "What waits for a person, by cause", read::causes).answers::<Rows<CauseGroup>>(),
        of_one("/deliveries/{id}/retry", "retryDelivery", "It is attempted again", command::retry_one)
            .takes::<RetryCommand>(),
        of_one("/deliveries/{id}/cancel", "cancelDelivery", "It is not delivered any more", command::cancel_one),
        of_one("/deliveries/{id}/hold", "holdDelivery", "It is held for its owner", command::hold_one),
        of_many("/deliveries/retry", "retryDeliveries", "What waits for a person is attempted again", command::retry)
            .takes::<RetryManyCommand>(),
        of_many("/deliveries/cancel", "cancelDeliveries", "What is open is not delivered any more", command::cancel),
        of_many("/deliveries/hold", "holdDeliveries", "What waits is held for its owner", command::hold),
    ]
}

fn quarantine() -> Vec<Operation> {
    vec![
        reads("/quarantine", "quarantine", "Events that were kept for a person, newest first", read::quarantine)
            .query::<QuarantineFilter>()
            .answers::<Rows<QuarantineRow>>(),
        reads("/quarantine/{event}", "quarantined", "One event that was kept, with the reasons", read::quarantined)
            .parameter::<EventId>()
            .answers::<QuarantinePage>()
            .versions(Versions::Told),
        reads("/quarantine/{event}/later/body", "laterBody", "The bytes of what came under its key later", read::later_body)
            .access(Access::Scope(Scope::Bodies))
            .parameter::<EventId>()
            .answers_raw("application/octet-stream"),
        commands(
            "/quarantine/{event}",
            "decideQuarantined",
            "Corrects, resubmits, releases or closes an event that was kept",
            command::decide_quarantine,
        )
        .parameter::<EventId>()
        .takes::<QuarantineCommand>()
        .answers::<QuarantineResult>()
        .versions(Versions::Asked)
        .up_to(CORRECTION_BYTES_MAX),
    ]
}

fn replays() -> Vec<Operation> {
    vec![
        reads("/replays", "replays", "Replays, newest first", read::replays).query::<Paging>().answers::<Rows<Replay>>(),
        reads("/replays/{id}", "replay", "One replay with its first members and its progress", read::replay)
            .parameter::<ReplayId>()
            .answers::<ReplayPage>()
            .versions(Versions::Told),
        commands("/replays/preview", "previewReplay", "What a replay would do; changes nothing", command::preview_replay)
            .access(Access::Scope(Scope::Read))
            .effect(Effect::Reads)
            .takes::<ReplayCommand>()
            .answers::<Preview>()
            .problems(&[404]),
        commands("/replays", "orderReplay", "Sends a frozen set of events again", command::order_replay)
            .takes::<ReplayCommand>()
            .answers::<ReplayOrdered>()
            .problems(&[404]),
        commands("/replays/{id}/cancel", "cancelReplay", "Ends a replay that runs", command::cancel_replay)
            .parameter::<ReplayId>()
            .takes::<Because>()
            .answers::<ReplayCancelled>()
            .versions(Versions::Asked),
    ]
}

fn reconciliations() -> Vec<Operation> {
    vec![
        reads(
            "/reconciliations",
            "reconciliations",
            "How complete each captured model is, and how far its reconciliation is",
            reconciliation::list,
        )
        .answers::<Rows<ReconciliationLine>>(),
        commands(
            "/reconciliations",
            "orderReconciliation",
            "Compares a captured source with what is known of it, now",
            reconciliation::order,
        )
        .takes::<ReconciliationCommand>()
        .answers::<ReconciliationOrdered>()
        .problems(&[404]),
        commands(
            "/reconciliations/release",
            "releaseDeletions",
            "Lets deletions go that are withheld because they are too many at once",
            reconciliation::release,
        )
        .takes::<ReleaseCommand>()
        .answers::<Released>()
        .problems(&[404]),
    ]
}

fn policies() -> Vec<Operation> {
    vec![
        reads("/policies", "policies", "Policies that were applied, newest first", read::policies)
            .query::<PolicyPaging>()
            .answers::<Rows<Applied>>(),
        reads("/policies/{version}", "policy", "The files of a policy; `present` is the one that judges now", read::policy)
            .parameter::<String>()
            .answers::<Rows<(String, String)>>()
            .versions(Versions::Told),
        reads("/secrets/missing", "missingSecrets", "Which of these secrets have no value", secrets::missing)
            .query::<SecretFilter>()
            .answers::<Rows<MissingSecret>>(),
        commands(
            "/policies/preview",
            "previewPolicy",
            "What applying would come to; changes nothing",
            command::preview_apply,
        )
        .access(Access::Scope(Scope::Read))
        .effect(Effect::Reads)
        .takes::<ApplyCommand>()
        .answers::<ApplyPreview>()
        .problems(&[404])
        .up_to(PROJECT_BYTES_MAX),
        commands("/policies/apply", "applyPolicy", "Applies a project, or an earlier policy again", command::apply)
            .access(Access::Scope(Scope::Apply))
            .takes::<ApplyCommand>()
            .answers::<ApplyResult>()
            .versions(Versions::Asked)
            .problems(&[404])
            .up_to(PROJECT_BYTES_MAX),
    ]
}
