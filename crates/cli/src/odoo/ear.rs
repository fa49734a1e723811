//! Whoever hears Odoo's webhooks while they are tried: the running product, or this command in its place, at its address.
//!
//! It answers what it hears and keeps nothing of it but model and id.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use http::{StatusCode, Uri};
use model::SourceName;
use policy::compiled::Source;
use serde_json::Value;
use server::api::Status;
use server::settings::{Listen, Settings};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use crate::client::Client;
use crate::exit::Exit;

/// How often the product is asked what it heard.
const LOOK: Duration = Duration::from_millis(100);
/// LIMIT: webhooks that wait to be looked at.
const WAITING_MAX: usize = 1_000;

/// A record that a webhook named.
pub(crate) type Named = (String, u64);

/// Who hears.
#[derive(Debug)]
pub(crate) enum Ear {
    /// The product; it counts.
    Product { client: Box<Client>, source: SourceName, before: u64 },
    /// This command.
    Own { heard: Receiver<Named>, serving: JoinHandle<()> },
}

/// What the listener needs to know.
#[derive(Clone, Debug)]
struct Listener {
    path: String,
    heard: Sender<Named>,
}

impl Ear {
    /// The product where it runs and knows the source, this command where nobody listens; else why nobody can hear.
    pub(crate) async fn of(client: Client, settings: &Settings, source: &Source) -> Result<Self, String> {
        if source.secrets.is_empty() {
            return Err("its source has no nudges".to_owned());
        }
        let wanted = source.secrets.iter().cloned().collect();
        let (keys, _) = server::secrets::load(&wanted, &settings.environment, &settings.data);
        let secret = keys.values(&source.secrets).next().ok_or("the secret of its nudges has no value here")?;
        Self::open(client, settings, &source.name, &String::from_utf8_lossy(secret.expose())).await
    }

    async fn open(client: Client, settings: &Settings, source: &SourceName, secret: &str) -> Result<Self, String> {
        match client.get::<Status>("/status").await {
            Ok(status) => Self::product(client, &status, source),
            Err(failure) if failure.exit == Exit::Unreachable => {
                let (Listen::Default(address) | Listen::Exactly(address)) = settings.listen;
                Self::own(address, source, secret).await
            }
            Err(failure) => Err(format!("the product at {} does not say what it hears: {}", client.base(), failure.message)),
        }
    }

    fn product(client: Client, status: &Status, source: &SourceName) -> Result<Self, String> {
        let line = status.sources.iter().find(|line| line.source == *source);
        let before = line.map(|line| line.nudges_since_start);
        let before = before.ok_or_else(|| format!("the product at {} does not know {source} yet", client.base()))?;
        Ok(Self::Product { client: Box::new(client), source: source.clone(), before })
    }

    #[expect(clippy::disallowed_methods, reason = "it ends with the ear, which aborts it")]
    async fn own(address: SocketAddr, source: &SourceName, secret: &str) -> Result<Self, String> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|error| format!("{address}, where the product would listen, is taken: {error}"))?;
        let (sender, heard) = channel(WAITING_MAX);
        // A proxy may leave out what stands before it.
        let state = Listener { path: format!("/in/{source}/{secret}"), heard: sender };
        let router = Router::new().fallback(hear).with_state(state);
        let serving = tokio::spawn(async move {
            // Where it ends early, nothing is heard, and that is told.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self::Own { heard, serving })
    }

    /// Waits until a record is named, for so long. The product does not say which.
    pub(crate) async fn hears(&mut self, record: &Named, patience: Duration) -> bool {
        let heard = async {
            match self {
                Self::Own { heard, .. } => while heard.recv().await.is_some_and(|named| named != *record) {},
                Self::Product { client, source, before } => loop {
                    if let Some(count) = nudges(client, source).await.filter(|count| count > before) {
                        *before = count;
                        break;
                    }
                    tokio::time::sleep(LOOK).await;
                },
            }
        };
        tokio::time::timeout(patience, heard).await.is_ok()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        if let Self::Own { serving, .. } = self {
            serving.abort();
        }
    }
}

async fn nudges(client: &Client, source: &SourceName) -> Option<u64> {
    let status: Status = client.get("/status").await.ok()?;
    status.sources.iter().find(|line| line.source == *source).map(|line| line.nudges_since_start)
}

async fn hear(State(listener): State<Listener>, uri: Uri, body: Bytes) -> StatusCode {
    if !uri.path().ends_with(&listener.path) {
        return StatusCode::NOT_FOUND;
    }
    let told: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (Some(model), Some(id)) = (told["_model"].as_str(), told["_id"].as_u64()) else { return StatusCode::BAD_REQUEST };
    // What finds no room is one of a thousand that wait.
    drop(listener.heard.try_send((model.to_owned(), id)));
    StatusCode::NO_CONTENT
}
