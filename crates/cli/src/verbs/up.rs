//! `crossdock up`: runs everything in one process until it is told to stop.

use std::path::Path;

use server::settings::{Environment, Flags, Settings};
use server::tasks::{End, Endings};
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
    let (end, endings) = if demo::is_wanted(&settings, &files) {
        show_demo(&mut settings, &address_file, output).await?
    } else {
        let running = up::start(settings, &files).await.map_err(|error| not_started(&error))?;
        greet(&running, &address_file, output);
        let end = until_the_end(&running, output).await;
        (end, running.shutdown().await)
    };
    telemetry.stop();
    // A file that is gone already is what is wanted.
    drop(std::fs::remove_file(&address_file));
    if !endings.cut.is_empty() {
        output.say(&format!("cut short, because it did not end in time: {}", endings.cut.join(", ")));
    }
    ended(end, &endings)
}

/// How the command ends: well, when it was told to and everything ended well, or was cut short.
fn ended(end: Option<End>, endings: &Endings) -> Ended {
    if let Some(end) = end {
        return Err(
            Failure::new(Exit::Failed, "loop-ended", format!("{end}")).hint("start it again; nothing accepted is lost")
        );
    }
    if endings.failed.is_empty() {
        return Ok(Exit::Done);
    }
    let failed: Vec<String> = endings.failed.iter().map(ToString::to_string).collect();
    Err(Failure::new(Exit::Failed, "shutdown", failed.join("; ")))
}

/// The demo world. Its systems stop sending first and stop receiving last, so that the product can finish.
async fn show_demo(
    settings: &mut Settings,
    address_file: &Path,
    output: &Output,
) -> Result<(Option<End>, Endings), Failure> {
    let stage = demo::stage(settings).await?;
    let running =
        up::start(settings.clone(), stage.files()).await.map_err(|error| demo::not_started_here(&error, settings))?;
    write_address(&running, address_file, output);
    demo::greet(&running, &stage, output);
    let mut world = stage.play(&running, output).await?;
    let end = until_the_end(&running, output).await;
    world.quiet().await;
    let endings = running.shutdown().await;
    world.stop().await;
    Ok((end, endings))
}

/// Waits until somebody says stop, or a loop of the product ends by itself: then that end.
async fn until_the_end(running: &Running, output: &Output) -> Option<End> {
    let end = tokio::select! {
        () = wait_for_the_end() => None,
        end = running.first_end() => Some(end),
    };
    output.say(STOPPING);
    end
}

fn greet(running: &Running, address_file: &Path, output: &Output) {
    if let Some(token) = &running.first_token {
        output.say(&format!(
            "administrator's token, shown this once (it holds until {}):\n  {}",
            token.expires_at, token.token
        ));
    }
    for note in &running.notes {
        output.say(note);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_well_only_when_it_was_told_to_and_nothing_failed() {
        let end = |name: &str| End { name: name.to_owned(), why: Some("it panicked".to_owned()) };
        let none = Endings::default();
        assert_eq!(ended(None, &none).unwrap(), Exit::Done);
        assert_eq!(ended(None, &Endings { cut: vec!["delivery".to_owned()], ..none.clone() }).unwrap(), Exit::Done);
        let failure = ended(Some(end("router/0")), &none).unwrap_err();
        assert_eq!((failure.exit, failure.message.as_str()), (Exit::Failed, "router/0: it panicked"));
        let failed = Endings { failed: vec![end("sweep")], ..none };
        assert_eq!(ended(None, &failed).unwrap_err().exit, Exit::Failed);
    }
}
