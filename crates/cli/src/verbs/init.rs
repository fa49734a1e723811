//! `crossdock init`: a small project that passes `check` and `test`, with secrets made for this folder. It never writes over
//! a file.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::args::{Form, Init};
use crate::exit::{Ended, Exit, Failure};
use crate::moment;
use crate::output::Output;

/// The sample's files.
const FILES: [(&str, &str); 10] = [
    ("systems/shop.yaml", include_str!("../../sample/systems/shop.yaml")),
    ("systems/warehouse.yaml", include_str!("../../sample/systems/warehouse.yaml")),
    ("contracts/shop.order/1.0.0.yaml", include_str!("../../sample/contracts/shop.order/1.0.0.yaml")),
    ("contracts/warehouse.order/1.0.0.yaml", include_str!("../../sample/contracts/warehouse.order/1.0.0.yaml")),
    ("mappings/warehouse-order.yaml", include_str!("../../sample/mappings/warehouse-order.yaml")),
    ("flows/orders-to-warehouse.yaml", include_str!("../../sample/flows/orders-to-warehouse.yaml")),
    ("tests/order.yaml", include_str!("../../sample/tests/order.yaml")),
    ("tests/order-without-lines.yaml", include_str!("../../sample/tests/order-without-lines.yaml")),
    ("tests/orders/1.json", include_str!("../../sample/tests/orders/1.json")),
    (".gitignore", "# Data and secrets of this machine.\n/.crossdock/\n"),
];

/// The secrets that the sample names.
const SECRETS: [&str; 2] = ["shop/webhook", "warehouse/webhook"];

pub(crate) fn run(args: &Init, output: &Output) -> Ended {
    let taken = server::project::FOLDERS.into_iter().find(|name| args.folder.join(name).exists());
    if let Some(name) = taken {
        let message = format!("{} has a project already: there is {name}/", args.folder.display());
        return Err(Failure::new(Exit::Refused, "project", message).hint("choose an empty folder"));
    }
    let mut written = Vec::new();
    for (path, text) in FILES {
        if write(&args.folder.join(path), text, 0o644)? {
            written.push(path.to_owned());
        }
    }
    for name in SECRETS {
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
    let here = if args.folder == Path::new(".") { String::new() } else { format!("cd {}; ", args.folder.display()) };
    output.next(&format!("{here}crossdock test, then crossdock up, then crossdock send shop --file tests/orders/1.json"));
    Ok(Exit::Done)
}

/// Whether the file was made; one that is there is left as it is.
fn write(path: &Path, text: &str, mode: u32) -> Result<bool, Failure> {
    let failed = |error: std::io::Error| Failure::new(Exit::Failed, "write", format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(mode).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true).map_err(failed),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}
