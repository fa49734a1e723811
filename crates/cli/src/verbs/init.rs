//! `crossdock init`: a project that passes `check` and `test`, the small sample or packs, with secrets made for this folder.
//! It never writes over a file.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::SecretName;
use policy::SourceFile;

use crate::args::{Form, Init};
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::{moment, packs};

/// The sample's files.
const SAMPLE: [(&str, &str); 9] = [
    ("systems/shop.yaml", include_str!("../../sample/systems/shop.yaml")),
    ("systems/warehouse.yaml", include_str!("../../sample/systems/warehouse.yaml")),
    ("contracts/shop.order/1.0.0.yaml", include_str!("../../sample/contracts/shop.order/1.0.0.yaml")),
    ("contracts/warehouse.order/1.0.0.yaml", include_str!("../../sample/contracts/warehouse.order/1.0.0.yaml")),
    ("mappings/warehouse-order.yaml", include_str!("../../sample/mappings/warehouse-order.yaml")),
    ("flows/orders-to-warehouse.yaml", include_str!("../../sample/flows/orders-to-warehouse.yaml")),
    ("tests/order.yaml", include_str!("../../sample/tests/order.yaml")),
    ("tests/order-without-lines.yaml", include_str!("../../sample/tests/order-without-lines.yaml")),
    ("tests/orders/1.json", include_str!("../../sample/tests/orders/1.json")),
];

/// What is not to be shared.
pub(super) const GITIGNORE: (&str, &str) = (".gitignore", "# Data and secrets of this machine.\n/.crossdock/\n");

pub(crate) fn run(args: &Init, output: &Output) -> Ended {
    let taken = server::project::folders().find(|name| args.folder.join(name).exists());
    if let Some(name) = taken {
        let message = format!("{} has a project already: there is {name}/", args.folder.display());
        return Err(Failure::new(Exit::Refused, "project", message).hint("choose an empty folder"));
    }
    let files = files(args);
    let mut written = Vec::new();
    for (path, text) in files.iter().map(|(path, text)| (*path, text.as_str())).chain([GITIGNORE]) {
        if write(&args.folder.join(path), text, 0o644)? {
            written.push(path.to_owned());
        }
    }
    for name in secrets(&files) {
        let path = format!(".crossdock/secrets/{name}");
        let value = format!("whsec_{}", STANDARD.encode(format!("{}{}", moment::chance(), moment::chance())));
        if write(&args.folder.join(&path), &value, 0o600)? {
            written.push(path);
        }
    }
    match output.form {
        Form::Json => {
            output.json(&serde_json::json!({ "schema": "crossdock/init/1", "files": written }));
        }
        Form::Table => written.iter().for_each(|path| output.line(path)),
    }
    tell(args, output);
    Ok(Exit::Done)
}

fn files(args: &Init) -> Vec<(&'static str, String)> {
    if args.pack.is_empty() {
        return SAMPLE.map(|(path, text)| (path, text.to_owned())).into();
    }
    packs::project(&args.pack)
}

/// Every secret that the project names gets a value of this folder: a sender that is not played here has its own.
fn secrets(files: &[(&str, String)]) -> BTreeSet<SecretName> {
    let files: Vec<SourceFile> = files.iter().map(|(path, text)| SourceFile::new(*path, text.as_str())).collect();
    policy::check(&files).0.as_ref().map(server::secrets::names).unwrap_or_default()
}

/// Who plays what, and the next command.
fn tell(args: &Init, output: &Output) {
    let (send, signing) = match args.pack.first() {
        None => ("crossdock send shop --file tests/orders/1.json", "warehouse/webhook"),
        Some(pack) => (pack.send(), "canonical/signing"),
    };
    output.say("to try it, each in a terminal of its own:");
    output.say(&format!("  crossdock listen --secret-file .crossdock/secrets/{signing}"));
    output.say(&format!("  crossdock up\n  {send}"));
    let here = if args.folder == Path::new(".") { String::new() } else { format!("cd {} && ", args.folder.display()) };
    output.next(&format!("{here}crossdock test"));
}

/// Whether the file was made; one that is there is left as it is.
pub(super) fn write(path: &Path, text: &str, mode: u32) -> Result<bool, Failure> {
    let failed = |error: std::io::Error| Failure::new(Exit::Failed, "write", format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        // Who may not read a file may not enter its folder either.
        let of_others = mode & 0o077;
        let folder_mode = if of_others == 0 { 0o700 } else { 0o777 };
        DirBuilder::new().recursive(true).mode(folder_mode).create(folder).map_err(failed)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(mode).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true).map_err(failed),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}
