//! The first floor of identity: tokens with scopes and expiry, an administrator's token at the first start, and the
//! demo world's open door for what comes from this machine.

use std::sync::Arc;

use engine::node::Ground;
use engine::ports::{Clock, Ledger};
use engine::rules::asked::NotDone;
use model::audit::version_of_tokens;
use model::limit::ATTEMPTS_MAX;
use model::{AuditId, AuditRow, Batch, Change, Digest, Fault, Guard, Principal, Scope, TimeSpan, Timestamp, Token, TokenId};

use crate::api::NewToken;
use crate::http::once::Begun;

/// How long an administrator's first token holds.
pub const FIRST_TOKEN: TimeSpan = TimeSpan::from_days(365);
/// LIMIT: days that a token can hold.
pub const TOKEN_DAYS_MAX: u16 = 365;
/// LIMIT: tokens that are listed and held.
pub const TOKENS_MAX: usize = ATTEMPTS_MAX as usize;

/// Who asks, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// What they may do.
    pub scopes: Vec<Scope>,
}

impl Caller {
    /// Whoever sits at this machine in the demo world.
    pub fn local() -> Self {
        Self { principal: Principal::new("local"), scopes: vec![Scope::Admin] }
    }

    /// Whether this scope is granted.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }
}

/// The caller behind a token's text; `None` when it is unknown, expired or revoked.
pub async fn by_token(ledger: &Arc<dyn Ledger>, text: &str, now: Timestamp) -> Result<Option<Caller>, Fault> {
    let token = ledger.token(Digest::of(text.as_bytes())).await?;
    let valid = token.filter(|token| token.revoked_at.is_none() && now < token.expires_at);
    Ok(valid.map(|token| Caller { principal: Principal::new(&token.name), scopes: token.scopes }))
}

/// A token that is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The name of its principal.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// How long it holds.
    pub holds: TimeSpan,
}

/// Makes a token. Its text is in the answer and nowhere else. Made again of the same moment and chance, it is the same token
/// with a new text, and the old text holds no more; what was revoked in between stays revoked.
pub async fn make(ground: &Ground, by: &Principal, begun: Begun, wanted: Wanted) -> Result<NewToken, Fault> {
    let text = format!("cdk_{}", secret_text(&ground.clock));
    let id = TokenId(model::arrival_id(begun.at, begun.chance));
    let expires_at = begun.at + wanted.holds;
    let before = ground.ledger.tokens().await?.into_iter().find(|token| token.id == id);
    let token = Token {
        id,
        digest: Digest::of(text.as_bytes()),
        name: wanted.name.clone(),
        scopes: wanted.scopes,
        created_at: begun.at,
        expires_at,
        revoked_at: before.and_then(|token| token.revoked_at),
    };
    let audit = audit(AuditId::derive(id.0, &[b"made"]), "token.make", (by, begun.at), &wanted.name);
    ground.ledger.commit(Batch::new().change(Change::PutToken(Box::new(token))).change(Change::Audit(audit))).await?;
    Ok(NewToken { name: wanted.name, token: Some(text), expires_at })
}

fn audit(id: AuditId, action: &str, (by, at): (&Principal, Timestamp), subject: &str) -> AuditRow {
    let (action, subject) = (action.to_owned(), subject.to_owned());
    AuditRow { id, at, by: by.clone(), action, subject, why: String::new() }
}

/// Revokes every token of a name. Answers how many. `Changed` when its tokens are at another version than `seen`, or one was
/// made or revoked in between.
pub async fn revoke(
    ledger: &Arc<dyn Ledger>,
    by: &Principal,
    name: &str,
    (seen, now): (Option<u64>, Timestamp),
) -> Result<usize, NotDone> {
    let tokens = ledger.tokens().await?;
    let version = version_of_tokens(&tokens, name);
    if seen.is_some_and(|seen| seen != version) {
        return Err(NotDone::Changed(format!("the tokens of {name:?} have changed: look at them again")));
    }
    let mut batch = Batch::new().guard(Guard::Tokens { name: name.to_owned(), version });
    for token in tokens.into_iter().filter(|token| token.name == name && token.revoked_at.is_none()) {
        let audit = audit(AuditId::derive(token.id.0, &[b"revoked"]), "token.revoke", (by, now), name);
        let revoked = Token { revoked_at: Some(now), ..token };
        batch = batch.change(Change::PutToken(Box::new(revoked))).change(Change::Audit(audit));
    }
    let revoked = batch.changes.len() / 2;
    if revoked == 0 {
        return Err(NotDone::Unknown(format!("there is no token {name:?} that holds")));
    }
    ledger.commit(batch).await?;
    Ok(revoked)
}

/// The administrator's token, made when there is no token at all.
pub async fn first_token(ground: &Ground) -> Result<Option<NewToken>, Fault> {
    if !ground.ledger.tokens().await?.is_empty() {
        return Ok(None);
    }
    let begun = Begun { at: ground.clock.now(), chance: ground.clock.chance() };
    let wanted = Wanted { name: "admin".to_owned(), scopes: vec![Scope::Admin], holds: FIRST_TOKEN };
    make(ground, &Principal::product(), begun, wanted).await.map(Some)
}

/// 240 bits of chance in hexadecimal digits.
pub fn secret_text(clock: &Arc<dyn Clock>) -> String {
    hex::encode([clock.chance(), clock.chance(), clock.chance()].concat())
}
