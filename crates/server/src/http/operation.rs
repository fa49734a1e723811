//! An operation of the HTTP surface: what is served and what is told about it are one value. The router and the description
//! are both made from the list of operations, so neither can have what the other lacks.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;
use model::Scope;
use model::limit::COMMAND_BYTES_MAX;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::once;
use super::parameters;
use super::problem::{Problem, kinds};
use crate::app::App;
use crate::identity::Caller;

/// How a type is described.
pub type Describe = fn(&mut SchemaGenerator) -> Schema;

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody who reaches the port.
    Anybody,
    /// Whoever the declaration of the source lets in.
    Source,
    /// Any principal.
    Principal,
    /// A principal with this scope.
    Scope(Scope),
    /// The same, unless the settings let anybody in; its handler asks.
    ScopeOrOpen(Scope),
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing is changed; asked twice, it answers twice.
    Reads,
    /// Something is changed; a repeat is recognised by its `Idempotency-Key`.
    Changes,
    /// An event comes in; a repeat is recognised by the event's own key.
    Admits,
}

/// What an operation has to do with versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// Nothing.
    None,
    /// Its answer says in `ETag` which version it shows.
    Told,
    /// It takes in `If-Match` the version that was seen.
    Asked,
}

/// What is answered when all is well.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// JSON of a type.
    Json(Describe),
    /// Text or bytes of a media type.
    Raw(&'static str),
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its method.
    pub method: Method,
    /// Its path as it is served, parameters in braces.
    pub path: String,
    /// Its name in generated clients.
    pub id: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Who may ask.
    pub access: Access,
    /// What it does to the product.
    pub effect: Effect,
    /// The parameter in the path, if there is one.
    pub parameter: Option<Describe>,
    /// The parameters in the query, if there are any.
    pub query: Option<Describe>,
    /// The body that it takes, if it takes one.
    pub body: Option<Content>,
    /// The status when all is well.
    pub status: u16,
    /// What is answered then.
    pub answer: Content,
    /// Whether its answer names its version.
    pub versions: Versions,
    /// LIMIT: the bytes of its body. Intake has its own, which it tells by itself.
    pub body_bytes_max: usize,
    /// Statuses of problems that only some operations have.
    pub problems: Vec<u16>,
    route: MethodRouter<Arc<App>>,
}

impl Operation {
    /// An operation that is served by this handler. It reads, anybody may ask, and it answers JSON without rules until it is
    /// said otherwise.
    pub fn new<H, T>(method: Method, path: &str, id: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).expect("a method that is routed");
        Self {
            route: on(filter, handler),
            method,
            path: path.to_owned(),
            id,
            summary,
            access: Access::Anybody,
            effect: Effect::Reads,
            parameter: None,
            query: None,
            body: None,
            status: 200,
            answer: Content::Json(SchemaGenerator::subschema_for::<serde_json::Value>),
            versions: Versions::None,
            body_bytes_max: COMMAND_BYTES_MAX,
            problems: Vec::new(),
        }
    }

    /// The same for whoever may.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// The same with an effect.
    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// The same with a parameter in its path.
    #[must_use]
    pub fn parameter<T: JsonSchema>(mut self) -> Self {
        self.parameter = Some(SchemaGenerator::subschema_for::<T>);
        self
    }

    /// The same with parameters in its query.
    #[must_use]
    pub fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(SchemaGenerator::subschema_for::<T>);
        self
    }

    /// The same with a JSON body.
    #[must_use]
    pub fn takes<T: JsonSchema>(mut self) -> Self {
        self.body = Some(Content::Json(SchemaGenerator::subschema_for::<T>));
        self
    }

    /// The same with a body of any kind.
    #[must_use]
    pub fn takes_raw(mut self, media: &'static str) -> Self {
        self.body = Some(Content::Raw(media));
        self
    }

    /// The same with a JSON answer.
    #[must_use]
    pub fn answers<T: JsonSchema>(mut self) -> Self {
        self.answer = Content::Json(SchemaGenerator::subschema_for::<T>);
        self
    }

    /// The same with an answer of a media type.
    #[must_use]
    pub fn answers_raw(mut self, media: &'static str) -> Self {
        self.answer = Content::Raw(media);
        self
    }

    /// The same with another status when all is well.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same with problems that only some operations have.
    #[must_use]
    pub fn problems(mut self, statuses: &[u16]) -> Self {
        self.problems.extend_from_slice(statuses);
        self
    }

    /// The same with what it has to do with versions.
    #[must_use]
    pub fn versions(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// The same with a larger body.
    #[must_use]
    pub fn up_to(mut self, bytes: usize) -> Self {
        self.body_bytes_max = bytes;
        self
    }

    /// What serves it: its handler, done once where it changes something, behind the check of who may ask.
    pub fn into_route(self, app: &Arc<App>) -> MethodRouter<Arc<App>> {
        let route = match self.effect {
            Effect::Changes => self.route.route_layer(from_fn_with_state(Arc::clone(app), once::once)),
            Effect::Reads => self.route,
            // Its source says how many bytes a body may have, and who may send it.
            Effect::Admits => return self.route,
        };
        let route = route.layer(DefaultBodyLimit::max(self.body_bytes_max));
        let media = match self.answer {
            Content::Json(_) => "application/json",
            Content::Raw(media) => media,
        };
        let route = match self.access {
            Access::Anybody | Access::Source | Access::ScopeOrOpen(_) => route,
            Access::Principal | Access::Scope(_) => {
                route.route_layer(from_fn(move |request, next| acceptable(media, request, next)))
            }
        };
        match self.access {
            Access::Anybody | Access::Source | Access::ScopeOrOpen(_) => route,
            Access::Principal => route.route_layer(from_fn(|_: Caller, request, next: Next| next.run(request))),
            Access::Scope(scope) => {
                route.route_layer(from_fn(move |caller, request, next| granted(scope, caller, request, next)))
            }
        }
    }
}

async fn acceptable(media: &'static str, request: Request, next: Next) -> Result<Response, Problem> {
    if parameters::accepts(request.headers(), media) {
        return Ok(next.run(request).await);
    }
    Err(Problem::new(
        kinds::NOT_ACCEPTABLE,
        format!("this operation answers {media}; let the header Accept take that, or leave it out"),
    ))
}

async fn granted(scope: Scope, caller: Caller, request: Request, next: Next) -> Result<Response, Problem> {
    caller.must(scope)?;
    Ok(next.run(request).await)
}
