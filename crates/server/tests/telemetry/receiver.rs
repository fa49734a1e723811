//! A destination that answers as it is told, and keeps what it got.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use server::tasks::Tasks;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What it says in the body of each answer.
pub(crate) const ANSWER: &str = "answer-sentinel-5f1c";

#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    script: watch::Sender<Vec<u16>>,
    got: watch::Receiver<Vec<HeaderMap>>,
    _tasks: Tasks,
}

#[derive(Debug)]
struct Desk {
    script: watch::Receiver<Vec<u16>>,
    got: watch::Sender<Vec<HeaderMap>>,
}

impl Receiver {
    /// It answers with these, and goes on with the last.
    pub(crate) async fn start(statuses: &[u16]) -> Self {
        let (script, said) = watch::channel(statuses.to_vec());
        let (keep, got) = watch::channel(Vec::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/orders", post(take)).with_state(Arc::new(Desk { script: said, got: keep }));
        let tasks = Tasks::default();
        tasks.spawn("receiver", async move {
            axum::serve(listener, router).await.unwrap();
            Ok(())
        });
        Self { address, script, got, _tasks: tasks }
    }

    /// From now on it answers with this.
    pub(crate) fn answer(&self, status: u16) {
        self.script.send_replace(vec![status]);
    }

    /// The headers of the requests, when there are so many.
    pub(crate) async fn until(&self, requests: usize) -> Vec<HeaderMap> {
        let mut got = self.got.clone();
        let got = got.wait_for(|got| got.len() >= requests).await.unwrap();
        got.clone()
    }
}

async fn take(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> (StatusCode, &'static str) {
    let mut before = 0;
    desk.got.send_modify(|got| {
        before = got.len();
        got.push(headers);
    });
    let script = desk.script.borrow();
    let status = script.get(before).or(script.last()).copied().unwrap();
    (StatusCode::from_u16(status).unwrap(), ANSWER)
}
