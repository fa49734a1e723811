//! Projects: the one of a folder and the one that is applied, checked before anything is built on them.

use std::path::Path;

use model::{Diagnostic, Severity};
use policy::render::{self, Colour};
use policy::{Policy, SourceFile};
use server::api::Rows;

use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// A project without a mistake.
#[derive(Debug)]
pub(crate) struct Project {
    /// Its files.
    pub(crate) files: Vec<SourceFile>,
    /// What they say.
    pub(crate) policy: Policy,
}

/// Reads a project folder, or says why it cannot be read.
pub(crate) fn read(folder: &Path) -> Result<Vec<SourceFile>, Failure> {
    let files = server::project::read(folder).map_err(|error| Failure::new(Exit::Failed, "project", error.to_string()))?;
    if files.is_empty() { Err(no_project(folder)) } else { Ok(files) }
}

/// What is said of a folder without a project.
pub(crate) fn no_project(folder: &Path) -> Failure {
    let message =
        format!("{} is no project folder: it has none of {}/", folder.display(), server::project::FOLDERS.join("/, "));
    Failure::new(Exit::NotFound, "no-project", message).hint("begin one with `crossdock init`")
}

/// The project of a folder. Its mistakes are shown before the failure says how many they are.
pub(crate) fn load(folder: &Path, output: &Output) -> Result<Project, Failure> {
    let files = read(folder)?;
    match policy::check_at(&files, crate::moment::now()) {
        (Some(policy), findings) if !has_error(&findings) => Ok(Project { files, policy }),
        (_, findings) => {
            output.say(render::text(&findings, &files, Colour::Plain).trim_end());
            let message = format!("{}: {}", folder.display(), render::count(&findings));
            Err(Failure::new(Exit::Findings, "project-mistakes", message)
                .hint("mend them; `crossdock check` shows them all"))
        }
    }
}

fn has_error(findings: &[Diagnostic]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

/// The files of an applied policy: `present`, or a version.
pub(crate) async fn applied(client: &Client, version: &str) -> Result<Vec<SourceFile>, Failure> {
    let rows: Rows<(String, String)> = client.get(&format!("/policies/{version}")).await?;
    Ok(rows.rows.into_iter().map(|(path, text)| SourceFile { path, text }).collect())
}

/// What is done, without the tests of it: they are no part of a version.
pub(crate) fn without_tests(files: &[SourceFile]) -> Vec<SourceFile> {
    files.iter().filter(|file| !file.path.starts_with("tests/")).cloned().collect()
}

/// The policy that judges now.
pub(crate) async fn present(client: &Client) -> Result<Policy, Failure> {
    let files = applied(client, "present").await?;
    let (policy, _) = policy::check(&files);
    policy.ok_or_else(|| {
        Failure::new(Exit::Failed, "policy", "the applied policy cannot be read by this version of the program")
    })
}
