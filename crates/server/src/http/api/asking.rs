//! Who asks, and of which moment. A repeat of a write speaks of the moment of its first try, so that the ids which follow
//! from it are the same.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use engine::rules::asked::Asked;
use http::request::Parts;
use model::Principal;

use crate::app::App;
use crate::http::once::Begun;
use crate::http::problem::Problem;
use crate::identity::Caller;

/// A person or machine that asks for something.
#[derive(Clone, Debug)]
pub(super) struct Asking {
    /// Who.
    pub(super) by: Principal,
    /// Since when, and what ids are made of.
    pub(super) begun: Begun,
}

impl Asking {
    /// The wish with its reason.
    pub(super) fn because(self, why: String) -> Asked {
        Asked { by: self.by, why, at: self.begun.at }
    }
}

impl FromRequestParts<Arc<App>> for Asking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let clock = &app.ground.clock;
        let first = || Begun { at: clock.now(), chance: clock.chance() };
        let begun = parts.extensions.get::<Begun>().copied().unwrap_or_else(first);
        Ok(Self { by: caller.principal, begun })
    }
}
