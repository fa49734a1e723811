//! The first floor of identity: tokens with scopes and expiry, an administrator's token at the first start, and the
//! demo world's open door for what comes from this machine.

use std::sync::Arc;

use engine::node::Ground;
use engine::ports::{Clock, Ledger};
use engine::rules::asked::{Asked, NotDone};
use model::audit::version_of_tokens;
use model::limit::TOKENS_MAX;
use model::{
    AuditId, AuditRow, Batch, Change, Digest, Fault, Guard, Principal, Scope, TimeSpan, Timestamp, Token, TokenId, TokenName,
};

use crate::api::NewToken;

/// How long an administrator's first token holds.
pub const FIRST_TOKEN: TimeSpan = TimeSpan::from_days(365);
/// LIMIT: days that a token can hold.
pub const TOKEN_DAYS_MAX: u16 = 365;
const TOKEN_HOLDS_MAX: TimeSpan = TimeSpan::from_days(TOKEN_DAYS_MAX as u64);

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
        Self { principal: Principal::local(), scopes: vec![Scope::Admin] }
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
///
/// Refused without a reason, under what is no name or the product's own, without a scope or an end, and beside [`TOKENS_MAX`]
/// others that hold.
pub async fn make(
    (ledger, clock): (&Arc<dyn Ledger>, &Arc<dyn Clock>),
    asked: &Asked,
    chance: [u8; 10],
    wanted: Wanted,
) -> Result<NewToken, NotDone> {
    asked.check()?;
    let name =
        TokenName::new(&wanted.name).map_err(|bad| NotDone::Refused(format!("{:?} is no name: {bad}", wanted.name)))?;
    if Principal::is_own(name.as_str()) {
        return Err(NotDone::Refused(format!("{name} is the product's own name in the audit; take another")));
    }
    if wanted.scopes.is_empty() || wanted.holds == TimeSpan::ZERO || wanted.holds > TOKEN_HOLDS_MAX {
        return Err(NotDone::Refused(format!("a token has at least one scope, and 1 to {TOKEN_DAYS_MAX} days")));
    }
    let text = format!("cdk_{}", secret_text(clock));
    let id = TokenId(model::arrival_id(asked.at, chance));
    let (before, others): (Vec<Token>, Vec<Token>) = ledger.tokens().await?.into_iter().partition(|token| token.id == id);
    let holding = others.iter().filter(|token| token.revoked_at.is_none() && asked.at < token.expires_at).count();
    if holding >= TOKENS_MAX {
        return Err(NotDone::Refused(format!("{holding} tokens hold, which is the most; revoke those that nobody uses")));
    }
    let expires_at = asked.at + wanted.holds;
    let told = Asked { why: with_terms(&asked.why, &wanted.scopes, expires_at), ..asked.clone() };
    let token = Token {
        id,
        digest: Digest::of(text.as_bytes()),
        name: name.to_string(),
        scopes: wanted.scopes,
        created_at: asked.at,
        expires_at,
        revoked_at: before.first().and_then(|token| token.revoked_at),
    };
    let audit = AuditRow { id: AuditId::derive(id.0, &[b"made"]), ..told.audit("token.make", name.as_str()) };
    ledger.commit(Batch::new().change(Change::PutToken(Box::new(token))).change(Change::Audit(audit))).await?;
    Ok(NewToken { name: wanted.name, token: Some(text), expires_at })
}

/// A reason with what the token may do and until when: the audit is read when the token itself is gone.
fn with_terms(why: &str, scopes: &[Scope], expires_at: Timestamp) -> String {
    let words: Vec<&str> = scopes.iter().map(|scope| scope.word()).collect();
    format!("{why} ({} until {expires_at})", words.join(", "))
}

/// Revokes every token of a name. Answers how many. `Changed` when its tokens are at another version than `seen`, or one was
/// made or revoked in between.
pub async fn revoke(ledger: &Arc<dyn Ledger>, asked: &Asked, name: &str, seen: Option<u64>) -> Result<usize, NotDone> {
    asked.check()?;
    let tokens = ledger.tokens().await?;
    let version = version_of_tokens(&tokens, name);
    if seen.is_some_and(|seen| seen != version) {
        return Err(NotDone::Changed(format!("the tokens of {name:?} have changed: look at them again")));
    }
    let mut batch = Batch::new().guard(Guard::Tokens { name: name.to_owned(), version });
    for token in tokens.into_iter().filter(|token| token.name == name && token.revoked_at.is_none()) {
        let audit = AuditRow { id: AuditId::derive(token.id.0, &[b"revoked"]), ..asked.audit("token.revoke", name) };
        let revoked = Token { revoked_at: Some(asked.at), ..token };
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
pub async fn first_token(ground: &Ground) -> Result<Option<NewToken>, NotDone> {
    if !ground.ledger.tokens().await?.is_empty() {
        return Ok(None);
    }
    let asked = Asked { by: Principal::product(), why: "first start".to_owned(), at: ground.clock.now() };
    let wanted = Wanted { name: "admin".to_owned(), scopes: vec![Scope::Admin], holds: FIRST_TOKEN };
    make((&ground.ledger, &ground.clock), &asked, ground.clock.chance(), wanted).await.map(Some)
}

/// 240 bits of chance in hexadecimal digits.
pub fn secret_text(clock: &Arc<dyn Clock>) -> String {
    hex::encode([clock.chance(), clock.chance(), clock.chance()].concat())
}

#[cfg(test)]
mod tests {
    use backends::memory::MemoryLedger;
    use engine::ports::Views as _;

    use super::*;
    use crate::clock::SystemClock;

    struct World {
        stored: Arc<MemoryLedger>,
        ledger: Arc<dyn Ledger>,
        clock: Arc<dyn Clock>,
    }

    impl World {
        fn new() -> Self {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
            let stored = Arc::new(MemoryLedger::new(Arc::clone(&clock)));
            Self { ledger: stored.clone(), stored, clock }
        }

        fn asked(&self, why: &str) -> Asked {
            Asked { by: Principal::new("ines"), why: why.to_owned(), at: self.clock.now() }
        }

        async fn make(&self, name: &str, why: &str) -> Result<NewToken, NotDone> {
            let wanted = Wanted { name: name.to_owned(), scopes: vec![Scope::Read], holds: TimeSpan::from_days(1) };
            make((&self.ledger, &self.clock), &self.asked(why), self.clock.chance(), wanted).await
        }
    }

    #[tokio::test]
    async fn a_token_is_made_and_revoked_for_a_reason_which_the_audit_keeps() {
        let world = World::new();
        assert!(matches!(world.make("scraper", " ").await, Err(NotDone::WithoutReason)));
        world.make("scraper", "metrics").await.unwrap();
        let revoked = revoke(&world.ledger, &world.asked(""), "scraper", None).await;
        assert!(matches!(revoked, Err(NotDone::WithoutReason)));
        assert_eq!(revoke(&world.ledger, &world.asked("moved"), "scraper", None).await.unwrap(), 1);
        let audit = world.stored.audit(None, None, 10).await.unwrap().rows;
        let mut told: Vec<_> = audit.iter().map(|row| (row.action.as_str(), row.by.as_str(), row.why.as_str())).collect();
        told.sort_unstable();
        let made = told.remove(0);
        assert_eq!((made.0, made.1), ("token.make", "ines"));
        let until = made.2.strip_prefix("metrics (read until ").and_then(|rest| rest.strip_suffix(')')).unwrap();
        assert!(until.parse::<Timestamp>().unwrap() > world.clock.now(), "{until}");
        assert_eq!(told, [("token.revoke", "ines", "moved")]);
    }

    #[tokio::test]
    async fn the_name_of_a_token_is_a_name() {
        let world = World::new();
        for name in ["", "two\nlines", "Mila", "a b", "\u{202e}evil"] {
            assert!(matches!(world.make(name, "x").await, Err(NotDone::Refused(_))), "{name:?}");
        }
        assert!(world.ledger.tokens().await.unwrap().is_empty());
        world.make("team/mila-2", "x").await.unwrap();
    }

    #[tokio::test]
    async fn nobody_acts_in_the_name_of_the_product() {
        let world = World::new();
        for own in [Principal::product(), Principal::data_folder(), Principal::local()] {
            let refused = world.make(own.as_str(), "x").await;
            assert!(matches!(refused, Err(NotDone::Refused(why)) if why.contains("product's own")), "{own}");
        }
        assert!(world.ledger.tokens().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn there_are_only_so_many_tokens_that_hold() {
        let world = World::new();
        for _ in 0..TOKENS_MAX {
            world.make("many", "x").await.unwrap();
        }
        assert!(matches!(world.make("more", "x").await, Err(NotDone::Refused(why)) if why.contains("revoke")));
        revoke(&world.ledger, &world.asked("too many"), "many", None).await.unwrap();
        world.make("more", "x").await.unwrap();
    }
}
