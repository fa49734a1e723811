//! The simulated Odoo as an HTTP server: connections as Odoo's threaded server treats them, one request each. A client that
//! goes away does not stop what it asked for.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use futures::FutureExt as _;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use model::TimeSpan;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::faults::Fault;
use super::handle::Odoo;
use super::webhooks::{Hook, Receipt, Sender, TIMEOUT};
use super::wire::{Ending, Reply, Request};

/// LIMIT: what a request may bring; Odoo's own is 128 MiB, and no client of ours comes near this.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// LIMIT: calls at once; more wait for their turn.
const CALLS_MAX: usize = 256;
/// LIMIT: what a stop waits for.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running server.
#[derive(Debug)]
pub struct Serving {
    /// Where it is, such as `http://127.0.0.1:8069`.
    pub url: String,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    calls: Arc<Mutex<JoinSet<()>>>,
}

impl Serving {
    /// Stops it; calls that are under way are dropped after a moment.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let timely = tokio::time::timeout(PATIENCE, all).await;
        if timely.is_err() {
            self.tasks.abort_all();
        }
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

#[derive(Clone, Debug)]
struct Site {
    odoo: Odoo,
    stop: watch::Receiver<bool>,
    calls: Arc<Mutex<JoinSet<()>>>,
    places: Arc<tokio::sync::Semaphore>,
}

/// Serves an Odoo on a listener until it is told to stop.
pub fn serve(odoo: Odoo, listener: TcpListener) -> std::io::Result<Serving> {
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let calls = Arc::new(Mutex::new(JoinSet::new()));
    let site = Site {
        odoo: odoo.clone(),
        stop: stopped.clone(),
        calls: Arc::clone(&calls),
        places: Arc::new(tokio::sync::Semaphore::new(CALLS_MAX)),
    };
    let router = Router::new().fallback(request).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(site);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let told = async move {
            let mut stopped = stopped;
            drop(stopped.wait_for(|stopped| *stopped).await);
        };
        // A listener that fails is seen by every client.
        drop(axum::serve(Door { listener, odoo }, router).with_graceful_shutdown(told).await);
    });
    Ok(Serving { url: format!("http://{address}"), stop, tasks, calls })
}

/// A listener that closes what it accepted while connections are refused.
struct Door {
    listener: TcpListener,
    odoo: Odoo,
}

impl axum::serve::Listener for Door {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let (stream, address) = axum::serve::Listener::accept(&mut self.listener).await;
            let now = self.odoo.now();
            let mut world = self.odoo.shared.world();
            world.faults.pass(now);
            let is_refused = world.faults.strikes(Fault::Refused);
            drop(world);
            if !is_refused {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

async fn request(State(mut site): State<Site>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let request = Request { method, path: uri.path().to_owned(), headers, body: body.to_vec() };
    let (say, said) = oneshot::channel();
    let odoo = site.odoo.clone();
    let places = Arc::clone(&site.places);
    {
        let mut calls = site.calls.lock().unwrap_or_else(PoisonError::into_inner);
        while calls.try_join_next().is_some() {}
        calls.spawn(async move {
            let _place = places.acquire().await;
            let reply = odoo.answer(&request).await;
            odoo.shared.clock.sleep(reply.delay).await;
            // The client may have gone; what it asked for is done.
            drop(say.send(reply));
        });
    }
    let Ok(reply) = said.await else { return Response::new(Body::empty()) };
    if reply.ending != Ending::Answered {
        let waits = if reply.ending == Ending::Silence { site.odoo.shared.silence() } else { TimeSpan::ZERO };
        tokio::select! {
            () = site.odoo.shared.clock.sleep(waits) => {}
            _ = site.stop.wait_for(|stopped| *stopped) => {}
        }
    }
    response(reply)
}

fn response(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A sender of webhooks over HTTP.
pub fn post() -> Result<Sender, reqwest::Error> {
    // The only error is that a provider is installed already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let http = reqwest::Client::builder()
        .timeout(TIMEOUT.to_duration())
        .connect_timeout(TIMEOUT.to_duration())
        .no_proxy()
        .tls_certs_only([])
        .build()?;
    Ok(Arc::new(move |hook: Hook| {
        let mut request = http.post(&hook.url).body(hook.body);
        for (name, value) in Hook::HEADERS {
            request = request.header(name, value);
        }
        async move {
            match request.send().await {
                Ok(answer) if answer.status().is_success() => Receipt::Taken,
                Ok(_) | Err(_) => Receipt::Lost,
            }
        }
        .boxed()
    }))
}
