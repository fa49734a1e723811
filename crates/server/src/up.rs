//! Starting and stopping: stores, first policy, node, loops, listener; and in the other order. A step that fails undoes
//! nothing, because nothing is half done: what was committed stands, and the next start goes on from there.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::ServiceExt;
use axum::extract::Request;
use axum::serve::ListenerExt;
use backends::sqlite::{JournalOptions, Options, Store};
use engine::book::Book;
use engine::change::apply::bootstrap;
use engine::keyring::Keyring;
use engine::node::{Ground, Node};
use engine::observe::Facts;
use engine::ports::{Clock, Journal, Ledger, Views};
use engine::rules::asked::{Asked, NotDone};
use model::{Fault, NodeName, Principal, TimeSpan};
use policy::SourceFile;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::api::NewToken;
use crate::app::App;
use crate::clock::SystemClock;
use crate::settings::{OpenOnLoopback, Settings};
use crate::tasks::Tasks;
use crate::{http, identity, port, secrets};

/// The start did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// A port cannot be had.
    #[error(transparent)]
    Port(#[from] port::NoPort),
    /// The stores cannot be opened or read.
    #[error("the data folder {folder} cannot be used: {fault}")]
    Store {
        /// Which folder.
        folder: String,
        /// Why.
        fault: Fault,
    },
    /// The project's first policy was refused.
    #[error("the project cannot be applied: {0}")]
    Policy(NotDone),
    /// The store failed while starting.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The running product.
#[derive(Debug)]
pub struct Running {
    /// What handlers share.
    pub app: Arc<App>,
    /// Where it listens.
    pub address: SocketAddr,
    /// The administrator's token, when this was the first start.
    pub first_token: Option<NewToken>,
    tasks: Tasks,
    stop: watch::Sender<bool>,
    store: Arc<Store>,
}

/// Starts everything. Traffic is accepted when this answers.
pub async fn start(settings: Settings, files: &[SourceFile]) -> Result<Running, NotStarted> {
    let listener = port::listen(&settings).await?;
    let address = listener.local_addr().map_err(|error| port::NoPort::Refused(([127, 0, 0, 1], 0).into(), error))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Arc::new(open(&settings, &clock).await?);
    let journal: Arc<dyn Journal> = store.journal.clone();
    let ledger: Arc<dyn Ledger> = store.ledger.clone();
    let views: Arc<dyn Views> = store.ledger.clone();
    let asked = Asked { by: Principal::product(), why: "first start".to_owned(), at: clock.now() };
    let beginning = bootstrap(&ledger, &journal.partitions(), files, &asked).await.map_err(NotStarted::Policy)?;
    let book = Arc::new(Book::new(Arc::clone(&ledger), beginning.policy));
    let (keys_sender, keys) = watch::channel(Arc::new(keyring(&book, &settings)));
    let (stop, stopped) = watch::channel(false);
    let facts = Arc::new(Facts::default());
    let outbound = Arc::new(adapters::http::Http::new(Arc::clone(&clock)));
    let ground = Ground { journal, ledger, outbound, clock, book, keys, facts, stop: stopped };
    let mut node = Node::begin(ground.clone(), &NodeName::new("embedded").expect("a literal name")).await?;
    node.retention.payload = TimeSpan::from_days(settings.body_days);
    node.retention.metadata = TimeSpan::from_days(settings.record_days);
    let tasks = Tasks::default();
    for (name, run) in node.loops() {
        tasks.spawn(&name, run);
    }
    tasks.spawn("keys", keep_keys(ground.clone(), settings.clone(), keys_sender));
    let first_token = match settings.open_on_loopback {
        OpenOnLoopback::Yes => None,
        OpenOnLoopback::No => identity::first_token(&ground).await?,
    };
    let app = Arc::new(app(ground, node, views, settings));
    tasks.spawn("http", serve(listener, Arc::clone(&app)));
    app.ready.store(true, Ordering::Relaxed);
    Ok(Running { app, address, first_token, tasks, stop, store })
}

async fn open(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Store, NotStarted> {
    let (folder, clock) = (settings.data.clone(), Arc::clone(clock));
    let options = Options {
        journal: JournalOptions { budget_bytes: settings.journal_bytes, ..JournalOptions::default() },
        ..Options::default()
    };
    let opened = tokio::task::spawn_blocking(move || Store::open(&folder, options, &clock)).await;
    let failed = |fault| NotStarted::Store { folder: settings.data.display().to_string(), fault };
    opened.map_err(|error| failed(Fault::from_error(model::FaultKind::Unavailable, "store.open", error)))?.map_err(failed)
}

fn keyring(book: &Book, settings: &Settings) -> Keyring {
    secrets::load(&secrets::names(&book.current()), &settings.environment, &settings.data).0
}

/// Values follow the policy, and files that are changed are read again.
async fn keep_keys(ground: Ground, settings: Settings, keys: watch::Sender<Arc<Keyring>>) -> Result<(), Fault> {
    let mut policies = ground.book.watch();
    let mut stop = ground.stop.clone();
    while !*stop.borrow() {
        tokio::select! {
            _ = stop.changed() => break,
            _ = policies.changed() => {}
            () = ground.clock.sleep(model::limit::PERIOD.times(10)) => {}
        }
        let (fresh, _) = secrets::load(&secrets::names(&ground.book.current()), &settings.environment, &settings.data);
        keys.send_if_modified(|held| {
            let differs = **held != fresh;
            if differs {
                *held = Arc::new(fresh);
            }
            differs
        });
    }
    Ok(())
}

fn app(ground: Ground, node: Node, views: Arc<dyn Views>, settings: Settings) -> App {
    let intake = node.intake();
    let mut registry = prometheus_client::registry::Registry::default();
    ground.facts.meters.register(&mut registry);
    let same_site = identity::secret_text(&ground.clock);
    App {
        ground,
        node,
        views,
        intake,
        settings,
        registry,
        same_site,
        under_way: http::once::UnderWay::default(),
        ready: AtomicBool::new(false),
    }
}

async fn serve(listener: TcpListener, app: Arc<App>) -> Result<(), Fault> {
    let mut stop = app.ground.stop.clone();
    let router = http::router(app);
    let service = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(router);
    let listener = listener.tap_io(|stream| {
        // Without it small answers wait for the peer's acknowledgement; failing to set it costs only time.
        drop(stream.set_nodelay(true));
    });
    let stopped = async move {
        // The sender's end means the same as its word.
        drop(stop.wait_for(|stopped| *stopped).await);
    };
    let served = axum::serve(listener, service).with_graceful_shutdown(stopped).await;
    served.map_err(|error| Fault::from_error(model::FaultKind::Unavailable, "http.serve", error))
}

impl Running {
    /// Stops taking traffic, finishes what is under way, and closes the stores. Answers what did not end well.
    pub async fn shutdown(self) -> Vec<String> {
        self.app.ready.store(false, Ordering::Relaxed);
        self.stop.send_replace(true);
        let failed = self.tasks.join().await;
        let store = Arc::clone(&self.store);
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        failed.into_iter().chain(closed.err().map(|error| error.to_string())).collect()
    }
}

/// Whether a folder has a data folder of ours in it.
pub fn is_data_folder(folder: &Path) -> bool {
    folder.join("ledger.sqlite").is_file()
}
