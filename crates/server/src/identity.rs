//! The first floor of identity: tokens with scopes and expiry, an administrator's token at the first start, and the
//! demo world's open door for what comes from this machine.

use std::sync::Arc;

use engine::ports::{Clock, Ledger};
use model::limit::ATTEMPTS_MAX;
use model::{AuditId, AuditRow, Batch, Change, Digest, Fault, Principal, Scope, TimeSpan, Timestamp, Token, TokenId};

use crate::api::NewToken;

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

/// Makes a token. Its text is in the answer and nowhere else.
pub async fn make(
    ledger: &Arc<dyn Ledger>,
    clock: &Arc<dyn Clock>,
    by: &Principal,
    (name, scopes): (&str, Vec<Scope>),
    holds: TimeSpan,
) -> Result<NewToken, Fault> {
    let now = clock.now();
    let text = format!("cdk_{}", secret_text(clock));
    let id = TokenId(model::arrival_id(now, clock.chance()));
    let expires_at = now + holds;
    let token = Token {
        id,
        digest: Digest::of(text.as_bytes()),
        name: name.to_owned(),
        scopes,
        created_at: now,
        expires_at,
        revoked_at: None,
    };
    let audit = AuditRow {
        id: AuditId::derive(id.0, &[b"made"]),
        at: now,
        by: by.clone(),
        action: "token.make".to_owned(),
        subject: name.to_owned(),
        why: String::new(),
    };
    ledger.commit(Batch::new().change(Change::PutToken(Box::new(token))).change(Change::Audit(audit))).await?;
    Ok(NewToken { name: name.to_owned(), token: text, expires_at })
}

/// Revokes every token of a name. Answers how many.
pub async fn revoke(ledger: &Arc<dyn Ledger>, by: &Principal, name: &str, now: Timestamp) -> Result<usize, Fault> {
    let mut batch = Batch::new();
    for token in ledger.tokens().await?.into_iter().filter(|token| token.name == name && token.revoked_at.is_none()) {
        let audit = AuditRow {
            id: AuditId::derive(token.id.0, &[b"revoked"]),
            at: now,
            by: by.clone(),
            action: "token.revoke".to_owned(),
            subject: name.to_owned(),
            why: String::new(),
        };
        batch =
            batch.change(Change::PutToken(Box::new(Token { revoked_at: Some(now), ..token }))).change(Change::Audit(audit));
    }
    let revoked = batch.changes.len() / 2;
    if revoked > 0 {
        ledger.commit(batch).await?;
    }
    Ok(revoked)
}

/// The administrator's token, made when there is no token at all.
pub async fn first_token(ledger: &Arc<dyn Ledger>, clock: &Arc<dyn Clock>) -> Result<Option<NewToken>, Fault> {
    if !ledger.tokens().await?.is_empty() {
        return Ok(None);
    }
    make(ledger, clock, &Principal::product(), ("admin", vec![Scope::Admin]), FIRST_TOKEN).await.map(Some)
}

/// 240 bits of chance in hexadecimal digits.
pub fn secret_text(clock: &Arc<dyn Clock>) -> String {
    hex::encode([clock.chance(), clock.chance(), clock.chance()].concat())
}
