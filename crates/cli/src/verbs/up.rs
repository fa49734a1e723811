//! `crossdock up`: runs everything in one process until it is told to stop.

mod first_token;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use model::FaultKind;
use server::settings::{Environment, Flags, Listen, Settings};
use server::tasks::{End, Endings};
use server::up::{self, NotStarted, Running};

use crate::address::{Address, SaidBy, Written};
use crate::args::Up;
use crate::client::Client;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::patience::Word;
use crate::project;
use crate::verbs::demo;

const STOPPING: &str = "stopping: what is under way is finished first";

pub(crate) async fn run(args: &Up, output: &Output) -> Ended {
    let flags = Flags {
        project: args.project.clone(),
        data: args.data.clone(),
        listen: args.listen,
        settings: args.settings.clone(),
        log: args.log_format,
    };
    let mut settings = Settings::resolve(&flags, Environment::read())
        .map_err(|error| Failure::new(Exit::Usage, "settings", error.to_string()))?;
    server::logs::start(&settings).map_err(|error| Failure::new(Exit::Usage, "settings", error.to_string()))?;
    if let Some(named) = &args.project {
        must_exist(named)?;
    }
    let files = project::whole(server::project::read(&settings.project))?;
    let is_demo = demo::is_wanted(&settings, &files);
    if is_demo && let Some(named) = &args.project {
        demo::must_have_room(named)?;
    }
    let word = Word::listen();
    let (end, endings) = if is_demo {
        show_demo(&mut settings, word, output).await?
    } else {
        let project = settings.project.clone();
        let running = up::start(settings, &files).await.map_err(|error| not_started(&error, &project))?;
        let address = write_address(&running, output).await;
        greet(&running, output);
        let end = until_the_end(&running, word, output).await;
        address.remove();
        (end, running.shutdown().await)
    };
    if !endings.cut.is_empty() {
        output.say(&format!("cut short, because it did not end in time: {}", endings.cut.join(", ")));
    }
    ended(end, &endings)
}

/// A folder that somebody named is not made: it may be another one that was meant.
fn must_exist(named: &Path) -> Result<(), Failure> {
    if named.is_dir() {
        return Ok(());
    }
    let message = format!("there is no folder {}, which --project names", named.display());
    Err(Failure::new(Exit::NotFound, "no-project", message).hint("name another, or begin one there with `crossdock init`"))
}

/// What to do where the store contradicts itself: another start ends like this one.
const DAMAGED: &str = "the store is damaged, and started again it ends again: keep a copy of the data folder as it is, then \
                       restore the last backup (guide: Back up and upgrade); what was accepted after it is in the copy";

/// How the command ends: well, when it was told to and everything ended well, or was cut short.
fn ended(end: Option<End>, endings: &Endings) -> Ended {
    if let Some(end) = end {
        let hint = match end.fault {
            Some(FaultKind::Corrupt) => DAMAGED,
            _ => "start it again; nothing accepted is lost",
        };
        return Err(Failure::new(Exit::Failed, "loop-ended", format!("{end}")).hint(hint));
    }
    if endings.failed.is_empty() {
        return Ok(Exit::Done);
    }
    let failed: Vec<String> = endings.failed.iter().map(ToString::to_string).collect();
    Err(Failure::new(Exit::Failed, "shutdown", failed.join("; ")))
}

/// The demo world. Its systems stop sending first and stop receiving last, so that the product can finish.
async fn show_demo(settings: &mut Settings, word: Word, output: &Output) -> Result<(Option<End>, Endings), Failure> {
    let stage = demo::stage(settings).await?;
    let running =
        up::start(settings.clone(), stage.files()).await.map_err(|error| demo::not_started_here(&error, settings))?;
    let address = write_address(&running, output).await;
    demo::greet(&running, &stage, output);
    let mut world = stage.play(&running, output).await?;
    let end = until_the_end(&running, word, output).await;
    address.remove();
    world.quiet().await;
    let endings = running.shutdown().await;
    world.stop().await;
    Ok((end, endings))
}

/// Waits until somebody says stop, or a loop of the product ends by itself: then that end.
async fn until_the_end(running: &Running, mut word: Word, output: &Output) -> Option<End> {
    let end = tokio::select! {
        () = word.said() => None,
        end = running.first_end() => Some(end),
    };
    output.say(STOPPING);
    end
}

fn greet(running: &Running, output: &Output) {
    if let Some(token) = &running.first_token {
        first_token::hand_over(token, &running.app.settings);
    }
    for note in running.notes.iter().cloned().chain(moved(running)) {
        output.say(&note);
    }
    let policy = running.app.ground.book.current();
    for source in policy.sources.keys() {
        output.say(&format!("takes POST http://{}/in/{source}", running.address));
    }
    output.line(&format!("ready url=http://{}", running.address));
}

/// The usual port was taken and nobody named one.
pub(crate) fn moved(running: &Running) -> Option<String> {
    let Listen::Default(usual) = running.app.settings.listen else { return None };
    let port = usual.port();
    (port != running.address.port()).then(|| format!("port {port} is taken by another program; this is the next free one"))
}

/// Writes where the product is, for the other commands in this folder, unless another one of this folder lives.
async fn write_address(running: &Running, output: &Output) -> Written {
    let address = running.address;
    // What listens on every address is asked on this machine's own.
    let ip = if address.ip().is_unspecified() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { address.ip() };
    let url = format!("http://{}", SocketAddr::new(ip, address.port()));
    let folder = &running.app.settings.project;
    let written = Written::new(folder, &url, &running.app.instance);
    if let Some(other) = Client::living(folder).await {
        output.say(&format!("other commands in this folder ask {other}, which runs as well; for this one say --url {url}"));
    } else if let Err(why) = written.write() {
        output.say(&why);
    }
    written
}

/// Why it did not start. Most often the product of this folder runs already.
pub(crate) fn not_started(error: &NotStarted, project: &Path) -> Failure {
    let failure = Failure::new(Exit::Failed, "not-started", error.to_string());
    match error {
        NotStarted::Policy(_) => failure.hint("crossdock check shows every mistake of the project"),
        NotStarted::Store { .. } => {
            let address = Address::find(None, project);
            let SaidBy::Folder { file, .. } = &address.said_by else { return failure };
            let (file, url) = (file.display(), &address.url);
            failure.hint(format!(
                "by {file} a product of this folder runs at {url}: `crossdock status` asks it, Ctrl-C ends it"
            ))
        }
        NotStarted::Port(_) | NotStarted::Token(_) | NotStarted::Fault(_) => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_well_only_when_it_was_told_to_and_nothing_failed() {
        let end = |name: &str| End { name: name.to_owned(), why: Some("it panicked".to_owned()), fault: None };
        let none = Endings::default();
        assert_eq!(ended(None, &none).unwrap(), Exit::Done);
        assert_eq!(ended(None, &Endings { cut: vec!["delivery".to_owned()], ..none.clone() }).unwrap(), Exit::Done);
        let failure = ended(Some(end("router/0")), &none).unwrap_err();
        assert_eq!((failure.exit, failure.message.as_str()), (Exit::Failed, "router/0: it panicked"));
        let failed = Endings { failed: vec![end("sweep")], ..none };
        assert_eq!(ended(None, &failed).unwrap_err().exit, Exit::Failed);
    }
}
