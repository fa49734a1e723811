//! Starting and stopping the simulated systems: two listeners, the shop's clock, and a few messengers. Each task has a name,
//! and [`Running`] awaits them all.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use engine::ports::Clock;
use model::TimeSpan;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::diary::Next;
use super::ledger::Books;
use super::post::Post;
use super::project::{ODOO_PORT, WORLD_PORT};
use super::serve::{self, Shared};
use super::trouble::Trouble;
use super::world::{BURST, World};

/// LIMIT: letters that are under way at once.
const MESSENGERS: usize = 8;
/// How often the loops look around without being woken.
const LOOK: TimeSpan = TimeSpan::from_millis(200);
/// How long Odoo takes for a restart.
const RESTART: TimeSpan = TimeSpan::from_secs(20);
/// LIMIT: what a stop waits for.
const PATIENCE: Duration = Duration::from_secs(12);

/// Whether Parcelwind misbehaves by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// It does, now and then.
    Changing,
    /// Only when it is told to.
    Calm,
}

/// What kind of world.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the product is, such as `http://127.0.0.1:8080`.
    pub product: String,
    /// The seed of all decisions.
    pub seed: u64,
    /// How many seconds of the world one second is; at least 1.
    pub speed: u32,
    /// Orders that the shop places in a minute of the world.
    pub orders_per_minute: u32,
    /// Orders that it places at once at the start.
    pub opening_orders: u64,
    /// The number of the first order. Those before it were placed by an earlier world.
    pub first_order: u64,
    /// Whether Parcelwind misbehaves by itself.
    pub weather: Weather,
    /// What is broken from the start.
    pub troubles: Vec<Trouble>,
}

/// The world cannot start.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// A port cannot be had.
    #[error("the simulated systems cannot listen on {0}: {1}")]
    Port(SocketAddr, std::io::Error),
    /// No HTTP client can be made.
    #[error("the simulated systems cannot send: {0}")]
    Client(#[from] reqwest::Error),
}

/// The ports of the simulated systems, taken before anything else starts, because the project names them.
#[derive(Debug)]
pub struct Ports {
    world: (TcpListener, SocketAddr),
    odoo: (TcpListener, SocketAddr),
}

impl Ports {
    /// The ports that `packs/demo` names.
    pub async fn fixed() -> Result<Self, NotStarted> {
        Ok(Self { world: listen(WORLD_PORT).await?, odoo: listen(ODOO_PORT).await? })
    }

    /// The same where they are free, else any.
    pub async fn fixed_or_any() -> Result<Self, NotStarted> {
        match Self::fixed().await {
            Ok(ports) => Ok(ports),
            Err(_) => Ok(Self { world: listen(0).await?, odoo: listen(0).await? }),
        }
    }

    /// The port of all systems but Odoo.
    pub const fn world(&self) -> u16 {
        self.world.1.port()
    }

    /// Odoo's port.
    pub const fn odoo(&self) -> u16 {
        self.odoo.1.port()
    }
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), NotStarted> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let failed = |error| NotStarted::Port(address, error);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// The running world.
#[derive(Debug)]
pub struct Running {
    /// Where its books are, such as `http://127.0.0.1:9700`.
    pub url: String,
    world: Arc<World>,
    quiet: watch::Sender<bool>,
    stop: watch::Sender<bool>,
    senders: JoinSet<()>,
    servers: JoinSet<()>,
}

/// Starts the world.
pub fn start(ports: Ports, options: Options, clock: Arc<dyn Clock>) -> Result<Running, NotStarted> {
    let post = Post::new(&options.product)?;
    let world = Arc::new(World::new(options, clock, post));
    for trouble in &world.options.troubles {
        world.troubles.begin(*trouble);
    }
    let (quiet, quieted) = watch::channel(false);
    let (stop, stopped) = watch::channel(false);
    let shared = Shared { world: Arc::clone(&world), stop: stopped.clone() };
    let url = format!("http://{}", ports.world.1);
    let mut servers = JoinSet::new();
    servers.spawn(serve_world(ports.world.0, shared.clone()));
    servers.spawn(serve_odoo(ports.odoo, shared));
    let mut senders = JoinSet::new();
    senders.spawn(shop(Arc::clone(&world), quieted.clone()));
    for _ in 0..MESSENGERS {
        senders.spawn(messenger(Arc::clone(&world), quieted.clone()));
    }
    Ok(Running { url, world, quiet, stop, senders, servers })
}

impl Running {
    /// The books now.
    pub fn books(&self) -> Books {
        self.world.books()
    }

    /// Stops sending and waits for the answers that are under way. Deliveries are still taken, so that the product can
    /// finish what it began.
    pub async fn quiet(&mut self) {
        self.quiet.send_replace(true);
        finish(&mut self.senders).await;
    }

    /// Stops all.
    pub async fn stop(mut self) -> Books {
        self.quiet().await;
        self.stop.send_replace(true);
        finish(&mut self.servers).await;
        self.world.books()
    }
}

/// Awaits all tasks for a while; what does not end then is of no use to anybody.
async fn finish(tasks: &mut JoinSet<()>) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(PATIENCE, all).await.is_err() {
        tasks.shutdown().await;
    }
}

/// Waits until it is told to stop; the sender's end means the same as its word.
async fn told(mut stop: watch::Receiver<bool>) {
    drop(stop.wait_for(|stopped| *stopped).await);
}

async fn serve_world(listener: TcpListener, shared: Shared) {
    let stop = shared.stop.clone();
    // A listener that fails is seen by everybody: deliveries wait, and the ledger cannot be read.
    drop(axum::serve(listener, serve::router(shared)).with_graceful_shutdown(told(stop)).await);
}

/// Odoo's own listener: closed while it restarts, so that connections are refused as they would be.
async fn serve_odoo((listener, address): (TcpListener, SocketAddr), shared: Shared) {
    let mut bound = Some(listener);
    while !*shared.stop.borrow() {
        let world = &shared.world;
        if world.troubles.has(Trouble::OdooRestart) {
            bound = None;
            tokio::select! {
                () = world.clock.sleep(RESTART) => {}
                () = until(&shared, |world| !world.troubles.has(Trouble::OdooRestart)) => {}
            }
            world.troubles.end(Trouble::OdooRestart);
        }
        let listener = match bound.take() {
            Some(listener) => Ok(listener),
            None => TcpListener::bind(address).await,
        };
        let Ok(listener) = listener else {
            world.clock.sleep(LOOK).await;
            continue;
        };
        let stopping = shared.clone();
        let stopped = async move { until(&stopping, |world| world.troubles.has(Trouble::OdooRestart)).await };
        drop(axum::serve(listener, serve::router(shared.clone())).with_graceful_shutdown(stopped).await);
    }
}

/// Waits for a state of the world, or for the stop.
async fn until(shared: &Shared, is_so: impl Fn(&World) -> bool + Send) {
    while !*shared.stop.borrow() && !is_so(&shared.world) {
        tokio::select! {
            () = shared.world.clock.sleep(LOOK) => {}
            () = told(shared.stop.clone()) => {}
        }
    }
}

/// The shop places its orders.
async fn shop(world: Arc<World>, stop: watch::Receiver<bool>) {
    let per_second = u64::from(world.options.orders_per_minute) * u64::from(world.options.speed);
    let gap = 60_000_000_u64.checked_div(per_second).map(|micros| TimeSpan::from_micros(micros.max(100)));
    let mut due = gap.map(|gap| world.clock.now() + gap);
    world.place(world.options.opening_orders);
    while !*stop.borrow() {
        let now = world.clock.now();
        let mut wait = LOOK;
        if !world.is_paused() {
            if world.troubles.end(Trouble::Burst) {
                world.place(BURST);
            }
            if let (Some(gap), Some(at)) = (gap, due.filter(|at| *at <= now)) {
                world.place(1);
                due = Some((at + gap).max(now - LOOK));
                continue;
            }
            wait = due.map_or(LOOK, |due| due.since(now).min(LOOK));
        }
        tokio::select! {
            () = world.clock.sleep(wait) => {}
            () = told(stop.clone()) => {}
        }
    }
}

/// Takes what is due and carries it, one after the other.
async fn messenger(world: Arc<World>, stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let next = if world.is_paused() { Next::Nothing } else { world.diary.next(world.clock.now()) };
        let wait = match next {
            Next::Due(journey) => {
                world.carry(journey).await;
                world.diary.lay_down();
                continue;
            }
            Next::In(span) => span.min(LOOK),
            Next::Nothing => LOOK,
        };
        tokio::select! {
            () = world.clock.sleep(wait) => {}
            () = world.diary.changed() => {}
            () = told(stop.clone()) => {}
        }
    }
}
