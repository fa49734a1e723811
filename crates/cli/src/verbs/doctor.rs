//! `crossdock doctor`: machine, project and product, each finding with its fix. Where the product does not run, it checks
//! what can be checked without it.

mod machine;
mod odoo;
mod product;
mod project;

use model::{Code, Diagnostic};
use serde::Serialize;
use serde_json::json;
use server::api::Status;
use server::settings::{Environment, Flags, Settings};

use crate::args::{Common, Doctor, Form};
use crate::client::Client;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::project::no_project;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// As it should be.
    Good,
    /// Not checked, or worth knowing.
    Note,
    /// To be mended.
    Finding,
}

/// One thing that was checked.
#[derive(Clone, Debug, Serialize)]
struct Checked {
    what: &'static str,
    standing: Standing,
    text: String,
    fix: String,
    /// Of what has a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
}

/// Everything that was checked.
#[derive(Debug, Default)]
struct Checks(Vec<Checked>);

impl Checks {
    fn good(&mut self, what: &'static str, text: impl Into<String>) {
        self.put(what, Standing::Good, (text.into(), String::new()));
    }

    fn note(&mut self, what: &'static str, text: impl Into<String>) {
        self.put(what, Standing::Note, (text.into(), String::new()));
    }

    fn finding(&mut self, what: &'static str, text: impl Into<String>, fix: impl Into<String>) {
        self.put(what, Standing::Finding, (text.into(), fix.into()));
    }

    /// A finding that has a page.
    fn diagnosed(&mut self, what: &'static str, found: &Diagnostic) {
        let said = if found.label.is_empty() { String::new() } else { format!(": {}", found.label) };
        let (text, fix) = (format!("{}{said}", found.message), found.help.clone());
        self.0.push(Checked { what, standing: Standing::Finding, text, fix, code: Some(found.code) });
    }

    fn put(&mut self, what: &'static str, standing: Standing, (text, fix): (String, String)) {
        self.0.push(Checked { what, standing, text, fix, code: None });
    }
}

pub(crate) async fn run(common: &Common, args: &Doctor, output: &Output) -> Ended {
    if !args.folder.is_dir() {
        // What would be made there could be made anywhere.
        return Err(no_project(&args.folder));
    }
    let flags = Flags {
        project: Some(args.folder.clone()),
        data: args.data.clone(),
        settings: args.settings.clone(),
        ..Flags::default()
    };
    let settings = Settings::resolve(&flags, Environment::read())
        .map_err(|error| Failure::new(Exit::Usage, "settings", error.to_string()))?;
    let mut checks = Checks::default();
    let client = Client::at(common, &args.folder)?;
    let status: Result<Status, Failure> = client.get("/status").await;
    let running = status.as_ref().ok();
    machine::data_folder(&settings.data, &mut checks);
    machine::rights(&settings.data, &mut checks);
    machine::free_space(&settings, running, &mut checks);
    machine::open_files(&mut checks);
    match &status {
        Ok(status) => {
            product::check(&client, status, &mut checks);
            product::tokens(&client, &mut checks).await;
        }
        Err(failure) => product::absent(&client, failure, &settings, &mut checks).await,
    }
    project::check(&settings, running.map(|_| &client), (common, args), &mut checks).await;
    print(&checks.0, output);
    let found = checks.0.iter().any(|it| it.standing == Standing::Finding);
    Ok(if found { Exit::Findings } else { Exit::Done })
}

fn print(checks: &[Checked], output: &Output) {
    let findings = checks.iter().filter(|it| it.standing == Standing::Finding).count();
    if output.form == Form::Json {
        output.json(&json!({ "schema": "crossdock/doctor/1", "findings": findings, "checks": checks }));
        return;
    }
    let plural = if findings == 1 { "" } else { "s" };
    output.line(&if findings == 0 { "nothing to mend".to_owned() } else { format!("{findings} finding{plural}") });
    for it in checks {
        let mark = match it.standing {
            Standing::Good => "✓",
            Standing::Note => "·",
            Standing::Finding => "✖",
        };
        let code = it.code.map(|code| format!(" [{code}]")).unwrap_or_default();
        output.line(&format!("  {mark} {:<14} {}{code}", it.what, it.text));
        if !it.fix.is_empty() {
            output.line(&format!("      fix: {}", it.fix));
        }
    }
}
