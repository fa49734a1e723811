//! The demo world of `crossdock up` in a folder without a project: the product as it is, the demo project, and the
//! simulated systems in the same process. It has a data folder of its own, so that it never mixes with what is real.

use std::path::Path;
use std::sync::Arc;

use engine::change::apply::Changes;
use engine::change::decide::{OpenDeliveries, Terms};
use engine::rules::asked::{Asked, NotDone};
use model::Principal;
use policy::SourceFile;
use server::service::answers::Answers;
use server::service::status::status;
use server::settings::{OpenOnLoopback, Settings};
use server::up::{self, Running};
use sim::demo::{self, Options, Ports, Weather, project};

use super::simulate::{next_order, secrets};
use super::up::{moved, not_started};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::project::no_project;

/// The data folder of a place where nobody says otherwise.
const DATA: &str = ".crossdock";
/// Below the data folder of the place.
const FOLDER: &str = "demo";
/// The seed of the demo; the same story for everybody.
const SEED: u64 = 7;
/// Orders that are placed at once at the first start, so that there is something to see, and at later ones.
const OPENING_ORDERS: [u64; 2] = [40, 5];
/// Orders a minute from there on.
const ORDERS_PER_MINUTE: u32 = 5;

/// What has to be there before the product starts, because project and settings name it.
#[derive(Debug)]
pub(crate) struct Stage {
    ports: Ports,
    is_first_start: bool,
    files: Vec<SourceFile>,
}

/// Whether a folder has nothing but what the demo may use.
pub(crate) fn is_wanted(settings: &Settings, files: &[SourceFile]) -> bool {
    files.is_empty() && !up::is_data_folder(&settings.data)
}

/// Only an empty folder takes the demo where somebody named it: in any other a project was meant.
pub(crate) fn must_have_room(named: &Path) -> Result<(), Failure> {
    let unreadable = |error| Failure::new(Exit::Failed, "project", format!("{}: {error}", named.display()));
    for entry in std::fs::read_dir(named).map_err(unreadable)? {
        // The demo's own data of an earlier start are below it.
        if entry.map_err(unreadable)?.file_name() != DATA {
            return Err(no_project(named));
        }
    }
    Ok(())
}

/// Takes the ports of the simulated systems, and makes settings and files of the demo.
pub(crate) async fn stage(settings: &mut Settings) -> Result<Stage, Failure> {
    let ports = Ports::fixed_or_any().await.map_err(|error| failed(&error))?;
    if settings.data == settings.project.join(DATA) {
        settings.data = settings.data.join(FOLDER);
    }
    settings.open_on_loopback = OpenOnLoopback::Yes;
    settings.world = Some(format!("http://127.0.0.1:{}", ports.world()));
    settings.environment = std::mem::take(&mut settings.environment).with(secrets());
    let files = project::files(ports.world(), ports.odoo());
    Ok(Stage { is_first_start: !up::is_data_folder(&settings.data), ports, files })
}

impl Stage {
    /// The project's files.
    pub(crate) fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Starts the simulated systems against the running product.
    pub(crate) async fn play(self, running: &Running, output: &Output) -> Result<demo::Running, Failure> {
        let known = status(&running.app, Answers::Hidden).await;
        let known = known.map_err(|fault| Failure::new(Exit::Failed, "not-started", fault.to_string()))?;
        if !self.is_first_start {
            self.renew(running, output).await?;
        }
        let options = Options {
            product: format!("http://{}", running.address),
            seed: SEED,
            speed: 1,
            orders_per_minute: ORDERS_PER_MINUTE,
            opening_orders: OPENING_ORDERS[usize::from(!self.is_first_start)],
            first_order: next_order(&known),
            weather: Weather::Changing,
            troubles: Vec::new(),
        };
        demo::start(self.ports, options, Arc::clone(&running.app.ground.clock)).map_err(|error| failed(&error))
    }

    /// An earlier start has applied the project of its program with its ports; these may be others. What a person applied
    /// since is replaced: the demo's systems listen where the demo's project says.
    async fn renew(&self, running: &Running, output: &Output) -> Result<(), Failure> {
        let ground = &running.app.ground;
        let changes = Changes {
            journal: Arc::clone(&ground.journal),
            ledger: Arc::clone(&ground.ledger),
            views: Arc::clone(&running.app.views),
            book: Arc::clone(&ground.book),
        };
        let asked = Asked { by: Principal::product(), why: "the demo began again".to_owned(), at: ground.clock.now() };
        match changes.apply(&self.files, Terms { open: OpenDeliveries::Hold, ..Terms::default() }, &asked).await {
            Ok(_) => Ok(()),
            Err(NotDone::Fault(fault)) => Err(Failure::new(Exit::Failed, "not-started", fault.to_string())),
            Err(refused) => {
                output.say(&format!("the demo project of this program was not applied: {refused}"));
                Ok(())
            }
        }
    }
}

fn failed(error: &demo::NotStarted) -> Failure {
    Failure::new(Exit::Failed, "world", error.to_string())
}

/// What a newcomer reads; one line where nobody sits at a terminal.
pub(crate) fn greet(running: &Running, stage: &Stage, output: &Output) {
    let url = format!("http://{}", running.address);
    if !output.terminal {
        return output.line(&format!("ready url={url} demo=true"));
    }
    let data = running.app.settings.data.strip_prefix(Path::new(".")).unwrap_or(&running.app.settings.data);
    let opening = OPENING_ORDERS[usize::from(!stage.is_first_start)];
    output.line(&format!(
        "crossdock {} · demo world (no project here; data in ./{}, remove it to begin anew)",
        env!("CARGO_PKG_VERSION"),
        data.display()
    ));
    output.line(&format!("ready  {url}        sign-in not needed on this machine"));
    if let Some(why) = moved(running) {
        output.line(&format!("       {why}"));
    }
    output.line(&format!("       6 simulated systems, {opening} orders at once, {ORDERS_PER_MINUTE} a minute from there on, one carrier about to misbehave"));
    output.line("       look   crossdock status   ·   crossdock trace S00001   ·   crossdock tail");
    output.line("       break  crossdock simulate faults   ·   crossdock simulate fault odoo-restart");
    output.line("       end    Ctrl-C");
}

/// The not-started failure of a demo, with what to do about its data.
pub(crate) fn not_started_here(error: &up::NotStarted, settings: &Settings) -> Failure {
    let failure = not_started(error, &settings.project);
    if !failure.hint.is_empty() || matches!(error, up::NotStarted::Port(_)) {
        return failure;
    }
    failure.hint(format!("the demo's data is in {}; without it the demo begins anew", settings.data.display()))
}
