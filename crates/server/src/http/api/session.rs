//! Who am I, and tokens.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::TimeSpan;

use crate::api::{NewToken, Rows, Session, TokenCommand, TokenLine, TokensRevoked};
use crate::app::App;
use crate::http::parameters::{Body, Path};
use crate::http::problem::{Problem, kinds};
use crate::identity::{self, Caller, TOKEN_DAYS_MAX};

pub(super) async fn session(State(app): State<Arc<App>>, caller: Caller) -> Json<Session> {
    Json(Session { principal: caller.principal.to_string(), scopes: caller.scopes, same_site: app.same_site.clone() })
}

pub(super) async fn tokens(State(app): State<Arc<App>>) -> Result<Json<Rows<TokenLine>>, Problem> {
    let tokens = app.ground.ledger.tokens().await?.into_iter().map(|token| TokenLine {
        name: token.name,
        scopes: token.scopes,
        created_at: token.created_at,
        expires_at: token.expires_at,
        revoked_at: token.revoked_at,
    });
    Ok(Json(Rows { schema: "crossdock/tokens/1".to_owned(), rows: tokens.collect(), next: None }))
}

pub(super) async fn make_token(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(command): Body<TokenCommand>,
) -> Result<Json<NewToken>, Problem> {
    let by = caller.principal;
    if command.days == 0 || command.days > TOKEN_DAYS_MAX || command.name.trim().is_empty() || command.scopes.is_empty() {
        let why = format!("a token has a name, at least one scope, and 1 to {TOKEN_DAYS_MAX} days");
        return Err(Problem::new(kinds::INVALID_BODY, why));
    }
    let holds = TimeSpan::from_days(u64::from(command.days));
    let made = identity::make(&app.ground.ledger, &app.ground.clock, &by, (&command.name, command.scopes), holds).await?;
    Ok(Json(made))
}

pub(super) async fn revoke_token(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<TokensRevoked>, Problem> {
    let by = caller.principal;
    let revoked = identity::revoke(&app.ground.ledger, &by, &name, app.ground.clock.now()).await?;
    if revoked == 0 {
        return Err(Problem::not_found(format!("there is no token {name:?} that holds")));
    }
    Ok(Json(TokensRevoked { revoked }))
}
