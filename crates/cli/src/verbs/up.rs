//! `crossdock up`: runs everything in one process until it is told to stop.

use std::path::Path;

use server::settings::{Environment, Flags, Settings};
use server::telemetry::Telemetry;
use server::up::{self, NotStarted, Running};

use crate::args::Up;
use crate::client::ADDRESS_FILE;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::verbs::demo;

const STOPPING: &str = "stopping: what is under way is finished first";

pub(crate) async fn run(args: &Up, output: &Output) -> Ended {
    let flags = Flags {
        project: args.project.clone(),
        data: args.data.clone(),
        listen: args.listen,
        settings: args.settings.clone(),
    };
    let mut settings = Settings::resolve(&flags, Environment::read())
        .map_err(|error| Failure::new(Exit::Usage, "settings", error.to_string()))?;
    let telemetry =
        Telemetry::start(&settings).map_err(|error| Failure::new(Exit::Usage, "telemetry", error.to_string()))?;
    let files = server::project::read(&settings.project)
        .map_err(|error| Failure::new(Exit::Failed, "project", error.to_string()))?;
    let address_file = settings.project.join(ADDRESS_FILE);
    let failed = if demo::is_wanted(&settings, &files) {
        show_demo(&mut settings, &address_file, output).await?
    } else {
        let running = up::start(settings, &files).await.map_err(|error| not_started(&error))?;
        greet(&running, &address_file, output);
        wait_for_the_end().await;
        output.say(STOPPING);
        running.shutdown().await
    };
    telemetry.stop();
    // A file that is gone already is what is wanted.
    drop(std::fs::remove_file(&address_file));
    if failed.is_empty() {
        return Ok(Exit::Done);
    }
    Err(Failure::new(Exit::Failed, "shutdown", failed.join("; ")))
}

/// The demo world. Its systems stop sending first and stop receiving last, so that the product can finish.
async fn show_demo(settings: &mut Settings, address_file: &Path, output: &Output) -> Result<Vec<String>, Failure> {
    let stage = demo::stage(settings).await?;
    let running =
        up::start(settings.clone(), stage.files()).await.map_err(|error| demo::not_started_here(&error, settings))?;
    write_address(&running, address_file, output);
    demo::greet(&running, &stage, output);
    let mut world = stage.play(&running, output).await?;
    wait_for_the_end().await;
    output.say(STOPPING);
    world.quiet().await;
    let failed = running.shutdown().await;
    world.stop().await;
    Ok(failed)
}

fn greet(running: &Running, address_file: &Path, output: &Output) {
    if let Some(token) = &running.first_token {
        output.say(&format!(
            "administrator's token, shown this once (it holds until {}):\n  {}",
            token.expires_at,
            token.token.as_deref().unwrap_or_default()
        ));
    }
    write_address(running, address_file, output);
    output.line(&format!("ready url=http://{}", running.address));
}

/// Writes where the product is, for the other commands in this folder.
fn write_address(running: &Running, address_file: &Path, output: &Output) {
    let url = format!("http://{}", running.address);
    let written =
        address_file.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(address_file, &url));
    if let Err(error) = written {
        output.say(&format!(
            "other commands must name this address with --url: {} cannot be written ({error})",
            address_file.display()
        ));
    }
}

pub(crate) fn not_started(error: &NotStarted) -> Failure {
    let failure = Failure::new(Exit::Failed, "not-started", error.to_string());
    match error {
        NotStarted::Policy(_) => failure.hint("crossdock check shows every mistake of the project"),
        NotStarted::Port(_) | NotStarted::Store { .. } | NotStarted::Fault(_) => failure,
    }
}

/// SIGTERM and Ctrl-C mean the same.
pub(crate) async fn wait_for_the_end() {
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        return drop(tokio::signal::ctrl_c().await);
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
