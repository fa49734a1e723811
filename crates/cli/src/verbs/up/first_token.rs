//! The administrator's first token, which is shown once and must reach a person: on the screen of whoever sits there, else in
//! a file that nobody but the product's user reads. It never goes into a log.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use server::api::NewToken;
use server::settings::{LogFormat, Settings};

use crate::output::Output;

/// Below the data folder.
const FILE: &str = "admin-token";

/// Hands it over, whatever remarks were asked for: without it nobody can ask the product for anything.
pub(super) fn hand_over(made: &NewToken, settings: &Settings) {
    let (token, until) = (made.token.as_deref().unwrap_or_default(), made.expires_at);
    if settings.log == LogFormat::Text && Output::is_watched() {
        return Output::insist(&format!(
            "administrator's token, shown this once (it holds until {until}):\n  {token}\nother commands take it from the environment: export CROSSDOCK_TOKEN=…"
        ));
    }
    let path = settings.data.join(FILE);
    let (file, data) = (path.display(), settings.data.display());
    match write(&path, token) {
        Ok(()) => Output::insist(&format!(
            "administrator's token (it holds until {until}) is in the file {file}\ntake note of it and remove the file; other commands take it from the environment: export CROSSDOCK_TOKEN=…"
        )),
        Err(error) => Output::insist(&format!(
            "administrator's token cannot be written to {file}: {error}\nmake another while the product is stopped: crossdock token make admin-2 --scope admin --data {data} --reason …"
        )),
    }
}

/// Makes the file anew: one that is left over may be readable for others, and keeps its rights when it is written.
fn write(path: &Path, token: &str) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{token}")?;
    file.sync_all()
}
