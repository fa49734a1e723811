//! Who am I, and tokens.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use model::audit::version_of_tokens;
use model::{TimeSpan, Token};

use super::asking::Asking;
use crate::api::{Because, NewToken, Rows, Session, TokenCommand, TokenLine, TokensRevoked};
use crate::app::App;
use crate::http::conditions::{Seen, Versioned};
use crate::http::once::KeptInstead;
use crate::http::parameters::{Body, Path};
use crate::http::problem::Problem;
use crate::identity::{self, Caller, Wanted};

pub(super) async fn session(State(app): State<Arc<App>>, caller: Caller) -> Json<Session> {
    Json(Session { principal: caller.principal.to_string(), scopes: caller.scopes, same_site: app.same_site.clone() })
}

pub(super) async fn tokens(State(app): State<Arc<App>>) -> Result<Json<Rows<TokenLine>>, Problem> {
    Ok(lines(app.ground.ledger.tokens().await?))
}

pub(super) async fn tokens_of(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Versioned<Json<Rows<TokenLine>>>, Problem> {
    let mut tokens = app.ground.ledger.tokens().await?;
    tokens.retain(|token| token.name == name);
    if tokens.is_empty() {
        return Err(Problem::not_found(format!("there is no token {name:?}")));
    }
    Ok(Versioned(version_of_tokens(&tokens, &name).to_string(), lines(tokens)))
}

fn lines(tokens: Vec<Token>) -> Json<Rows<TokenLine>> {
    let line = |token: Token| TokenLine {
        name: token.name,
        scopes: token.scopes,
        created_at: token.created_at,
        expires_at: token.expires_at,
        revoked_at: token.revoked_at,
    };
    Json(Rows {
        schema: "crossdock/tokens/1".to_owned(),
        rows: tokens.into_iter().map(line).collect(),
        next: None,
        unreadable: Vec::new(),
    })
}

/// The answer that is kept for repeats is without the token's text.
pub(super) async fn make_token(
    State(app): State<Arc<App>>,
    asking: Asking,
    Body(command): Body<TokenCommand>,
) -> Result<(Extension<KeptInstead>, Json<NewToken>), Problem> {
    let holds = TimeSpan::from_days(u64::from(command.days));
    let wanted = Wanted { name: command.name, scopes: command.scopes, holds };
    let (ground, chance) = (&app.ground, asking.begun.chance);
    let made = identity::make((&ground.ledger, &ground.clock), &asking.because(command.why), chance, wanted).await?;
    let kept = serde_json::json!(NewToken { token: None, ..made.clone() }).to_string();
    Ok((Extension(KeptInstead(kept)), Json(made)))
}

pub(super) async fn revoke_tokens(
    State(app): State<Arc<App>>,
    asking: Asking,
    (Path(name), seen): (Path<String>, Seen),
    Body(because): Body<Because>,
) -> Result<Json<TokensRevoked>, Problem> {
    match identity::revoke(&app.ground.ledger, &asking.because(because.why), &name, seen.number()).await {
        Ok(revoked) => Ok(Json(TokensRevoked { revoked })),
        Err(not_done) => {
            let present = version_of_tokens(&app.ground.ledger.tokens().await?, &name).to_string();
            Err(seen.problem(not_done, Some(present)))
        }
    }
}
