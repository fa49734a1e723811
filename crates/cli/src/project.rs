//! Projects: the one of a folder and the one that is applied, checked before anything is built on them.

use std::path::Path;

use model::{Diagnostic, Severity};
use policy::render::{self, Colour};
use policy::{Folder, Policy, SourceFile};
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

/// Reads a project folder, which has to be one.
pub(crate) fn read(folder: &Path) -> Result<Folder, Failure> {
    let found = server::project::read(folder);
    if found.is_empty() { Err(no_project(folder)) } else { Ok(found) }
}

/// The files of a folder of which everything can be read.
pub(crate) fn whole(found: Folder) -> Result<Vec<SourceFile>, Failure> {
    if found.unreadable.is_empty() {
        return Ok(found.files);
    }
    let text = render::text(&found.unreadable, &[], Colour::Plain);
    let message = format!("the project cannot be read:\n{}", text.trim_end());
    Err(Failure::new(Exit::Failed, "project", message).hint("`crossdock check` shows all mistakes"))
}

/// What is said of a folder without a project.
pub(crate) fn no_project(folder: &Path) -> Failure {
    let message = format!(
        "{} is no project folder: it has none of {}/",
        folder.display(),
        server::project::folders().collect::<Vec<_>>().join("/, ")
    );
    Failure::new(Exit::NotFound, "no-project", message).hint("begin one with `crossdock init`")
}

/// The project of a folder. Its mistakes are shown before the failure says how many they are.
pub(crate) fn load(folder: &Path, output: &Output) -> Result<Project, Failure> {
    let found = read(folder)?;
    match policy::check_folder(&found, crate::moment::now()) {
        (Some(policy), findings) if !has_error(&findings) => Ok(Project { files: found.files, policy }),
        (_, findings) => {
            output.say(render::text(&findings, &found.files, Colour::Plain).trim_end());
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
