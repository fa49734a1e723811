//! Starting and stopping: stores, first policy, node, loops, listener; and in the other order. A step that fails undoes
//! nothing, because nothing is half done: what was committed stands, and the next start goes on from there.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backends::sqlite::Store;
use engine::book::Book;
use engine::change::apply::bootstrap;
use engine::drive::Stop;
use engine::node::{DRAIN, Ground, Node};
use engine::ports::{Clock, Journal, Ledger, Views};
use engine::rules::asked::{Asked, NotDone};
use model::limit::PERIOD;
use model::{Fault, FaultKind, NodeName, Principal, Severity};
use policy::SourceFile;
use tokio::sync::watch;

use crate::api::NewToken;
use crate::app::App;
use crate::clock::SystemClock;
use crate::http::once::UnderWay;
use crate::http::room::Room;
use crate::http::serve::Serving;
use crate::odoo::rotation;
use crate::settings::{OpenOnLoopback, Settings};
use crate::tasks::{End, Endings, Tasks};
use crate::telemetry::{self, Telemetry};
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
    /// The administrator's first token was refused.
    #[error("the administrator's token cannot be made: {0}")]
    Token(NotDone),
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
    /// What a person should know at the start, in sentences.
    pub notes: Vec<String>,
    tasks: Tasks,
    telemetry: Option<Telemetry>,
    stop: watch::Sender<bool>,
    store: Arc<Store>,
}

/// Starts everything. Traffic is accepted when this answers.
pub async fn start(settings: Settings, files: &[SourceFile]) -> Result<Running, NotStarted> {
    // Where a secret is looked for is told to people in other folders.
    let data = std::path::absolute(&settings.data).unwrap_or_else(|_| settings.data.clone());
    let settings = Settings { data, ..settings };
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
    let keys = book.follow_keys(secrets::loader(&settings));
    let notes = notes(&ledger, &book, files).await?;
    let (stop, stopped) = watch::channel(false);
    let (facts, spans) = telemetry::facts(settings.otlp.as_ref());
    let facts = Arc::new(facts);
    let outbound = Arc::new(adapters::outside::Outside::new(&clock));
    let ground = Ground { journal, ledger, outbound, clock, book, keys, facts, stop: stopped };
    let mut node = Node::begin(ground.clone(), &NodeName::new("embedded").expect("a literal name")).await?;
    node.records = Some(Arc::new(adapters::odoo::OdooRecords::new(Arc::clone(&ground.clock))));
    node.retention = settings.retention();
    let tasks = Tasks::default();
    for (name, run) in node.loops() {
        tasks.spawn(&name, run);
    }
    tasks.spawn("store", watch_store(Arc::clone(&store), Arc::clone(&ground.clock), ground.stop.clone()));
    tasks.spawn("keys", keep_keys(ground.clone()));
    let first_token = match settings.open_on_loopback {
        OpenOnLoopback::Yes => None,
        OpenOnLoopback::No => identity::first_token(&ground).await.map_err(NotStarted::Token)?,
    };
    let app = Arc::new(app(ground, node, views, settings, tasks.watch()));
    tasks.spawn("http", serving(&app).run(listener));
    let (ground, settings, rotations) = (app.ground.clone(), app.settings.clone(), Arc::clone(&app.rotations));
    tasks.spawn("rotation", rotation::watch::run(ground, settings, rotations));
    let telemetry = Telemetry::start(&app, spans);
    app.ready.store(true, Ordering::Relaxed);
    Ok(Running { app, address, first_token, notes, tasks, telemetry, stop, store })
}

async fn open(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Store, NotStarted> {
    let (folder, clock) = (settings.data.clone(), Arc::clone(clock));
    let options = settings.store();
    let opened = tokio::task::spawn_blocking(move || Store::open(&folder, options, &clock)).await;
    let failed = |fault| NotStarted::Store { folder: settings.data.display().to_string(), fault };
    opened.map_err(|error| failed(Fault::from_error(FaultKind::Unavailable, "store.open", error)))?.map_err(failed)
}

/// What a person should know at the start: the files of the folder that hold only once they are applied, and secrets that
/// have no value.
async fn notes(ledger: &Arc<dyn Ledger>, book: &Book, files: &[SourceFile]) -> Result<Vec<String>, Fault> {
    let mut notes = Vec::new();
    let present = book.current();
    if let Some(stored) = ledger.policy(present.version).await?.filter(|_| !files.is_empty()) {
        let stored: Vec<SourceFile> = stored.into_iter().map(|(path, text)| SourceFile { path, text }).collect();
        notes.extend(difference(&stored, files));
    }
    let missing = book.secrets_missing(&present);
    if !missing.is_empty() {
        notes.push(format!("these secrets have no value: {}", missing.join("; ")));
    }
    Ok(notes)
}

/// How a folder differs from the policy in force. Tests are not part of what holds.
fn difference(stored: &[SourceFile], files: &[SourceFile]) -> Option<String> {
    let without_tests = |files: &[SourceFile]| -> Vec<SourceFile> {
        files.iter().filter(|file| !file.path.starts_with("tests/")).cloned().collect()
    };
    let files = without_tests(files);
    if policy::check(&files).1.iter().any(|finding| finding.severity == Severity::Error) {
        return Some("the folder has mistakes, and the policy in force holds without it: crossdock check".to_owned());
    }
    let changes = policy::plan::plan(&without_tests(stored), &files).changes.len();
    (changes > 0).then(|| {
        let plural = if changes == 1 { "change" } else { "changes" };
        format!("the folder differs from the policy in force ({changes} {plural}): crossdock plan")
    })
}

/// Files of secrets that are changed are read again, and what only an earlier policy named is forgotten.
async fn keep_keys(ground: Ground) -> Result<(), Fault> {
    let mut stop = ground.stop.clone();
    while !*stop.borrow() {
        tokio::select! {
            _ = stop.changed() => break,
            () = ground.clock.sleep(PERIOD.times(10)) => {}
        }
        ground.book.renew_keys();
    }
    Ok(())
}

fn app(ground: Ground, node: Node, views: Arc<dyn Views>, settings: Settings, ended: watch::Receiver<Option<End>>) -> App {
    let intake = node.intake();
    let same_site = identity::secret_text(&ground.clock);
    let instance = hex::encode(ground.clock.chance());
    let (ready, under_way) = (AtomicBool::new(false), UnderWay::default());
    let (room, previews, rotations) = (Room::default(), Arc::default(), Arc::default());
    App { ground, node, views, intake, room, settings, instance, same_site, previews, rotations, under_way, ready, ended }
}

/// Looks whether the store's own threads live. Their panic ends this loop.
async fn watch_store(store: Arc<Store>, clock: Arc<dyn Clock>, mut stop: Stop) -> Result<(), Fault> {
    loop {
        tokio::select! {
            biased;
            // The sender's end means the same as its word.
            _ = stop.wait_for(|stopped| *stopped) => return Ok(()),
            () = clock.sleep(PERIOD) => {}
        }
        if let Some(file) = store.ended() {
            return Err(Fault::from_error(FaultKind::Unavailable, "store.watch", format!("a thread of {file} panicked")));
        }
    }
}

fn serving(app: &Arc<App>) -> Serving {
    Serving {
        clock: Arc::clone(&app.ground.clock),
        stop: app.ground.stop.clone(),
        limits: app.settings.http,
        surface: http::Surface::new(Arc::clone(app)),
    }
}

impl Running {
    /// The first loop that ends by itself, awaited: the process cannot do its work any more, and takes no traffic from
    /// then on.
    pub async fn first_end(&self) -> End {
        let end = self.tasks.first_end().await;
        self.app.ready.store(false, Ordering::Relaxed);
        tracing::error!(name = end.name, why = end.why, "a loop ended, so the process ends: {end}");
        end
    }

    /// Stops taking traffic, finishes what is under way, cuts short what does not end in time, and closes the stores.
    pub async fn shutdown(self) -> Endings {
        self.app.ready.store(false, Ordering::Relaxed);
        self.stop.send_replace(true);
        let mut endings = self.tasks.join(&self.app.ground.clock, DRAIN).await;
        if let Some(telemetry) = self.telemetry {
            telemetry.finish().await;
        }
        let store = Arc::clone(&self.store);
        if let Err(error) = tokio::task::spawn_blocking(move || store.close()).await {
            endings.failed.push(End { name: "store".to_owned(), why: Some(error.to_string()), fault: None });
        }
        endings
    }
}

/// Whether a folder has a data folder of ours in it.
pub fn is_data_folder(folder: &Path) -> bool {
    folder.join("ledger.sqlite").is_file()
}

#[cfg(test)]
mod tests;
