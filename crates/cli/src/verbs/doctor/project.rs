//! The project: mistakes, secrets without a value, destinations that do not resolve, permissions that end.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{SecretName, Severity, TimeSpan};
use policy::Policy;
use policy::compiled::Verify;
use policy::render;
use server::api::{MissingSecret, Rows};
use server::settings::Settings;

use super::Checks;
use crate::args::{Common, Doctor};
use crate::client::{Client, encode};
use crate::exit::Failure;
use crate::moment;

/// So long before an unsigned source's permission ends, somebody should know.
const NEAR: TimeSpan = TimeSpan::from_days(14);
/// How long a name may take to resolve.
const RESOLVE: Duration = Duration::from_secs(3);

/// By the running product where it knows.
pub(super) async fn check(settings: &Settings, running: Option<&Client>, asked: (&Common, &Doctor), checks: &mut Checks) {
    let found = server::project::read(&settings.project);
    if found.is_empty() {
        return checks.note("project", format!("{} has none; `crossdock init` begins one", settings.project.display()));
    }
    let (policy, findings) = policy::check_folder(&found, moment::now());
    let has_error = findings.iter().any(|finding| finding.severity == Severity::Error);
    if findings.is_empty() {
        checks.good("project", format!("{} files without a mistake", found.files.len()));
    } else {
        let fix = format!("crossdock check {}", settings.project.display());
        checks.finding("project", render::count(&findings), fix);
    }
    let Some(policy) = policy.filter(|_| !has_error) else { return };
    secrets(&policy, settings, running, checks).await;
    permissions(&policy, checks);
    destinations(&policy, checks).await;
    super::odoo::check(&policy, settings, asked, checks).await;
}

/// By the running product, whose environment is not that of this shell; by this shell where none can be asked.
async fn secrets(policy: &Policy, settings: &Settings, running: Option<&Client>, checks: &mut Checks) {
    let wanted = server::secrets::names(policy);
    let told = match running {
        Some(client) if !wanted.is_empty() => ask(client, &wanted).await.ok(),
        Some(_) | None => None,
    };
    let missing = told.unwrap_or_else(|| {
        let (_, missing) = server::secrets::load(&wanted, &settings.environment, &settings.data);
        let line = |name: SecretName| MissingSecret { from: server::secrets::place(&name, &settings.data), name };
        missing.into_iter().map(line).collect()
    });
    if missing.is_empty() {
        checks.good("secrets", format!("{} have a value", wanted.len()));
    }
    for MissingSecret { name, from } in missing {
        checks.finding("secrets", format!("{name} has no value"), format!("give it one as {from}"));
    }
}

async fn ask(client: &Client, names: &BTreeSet<SecretName>) -> Result<Vec<MissingSecret>, Failure> {
    let names: Vec<&str> = names.iter().map(SecretName::as_str).collect();
    let missing: Rows<MissingSecret> = client.get(&format!("/secrets/missing?names={}", encode(&names.join(",")))).await?;
    Ok(missing.rows)
}

fn permissions(policy: &Policy, checks: &mut Checks) {
    let now = moment::now();
    for source in policy.sources.values() {
        let Verify::Unsigned { owner, until } = &source.verify else { continue };
        let name = &source.name;
        if *until <= now {
            checks.finding(
                "unsigned",
                format!("{name} refuses everything since {until}"),
                format!("give it a signature, or ask {owner} for a later `until`"),
            );
        } else if *until <= now + NEAR {
            checks.finding(
                "unsigned",
                format!("{name} refuses everything from {until} on"),
                format!("give it a signature, or ask {owner} for a later `until`"),
            );
        } else {
            checks.note("unsigned", format!("{name} takes what nobody signs until {until}, allowed by {owner}"));
        }
    }
}

async fn destinations(policy: &Policy, checks: &mut Checks) {
    let mut resolved = 0;
    for destination in policy.destinations.values() {
        let Some(place) = place(&destination.url) else { continue };
        let found = tokio::time::timeout(RESOLVE, tokio::net::lookup_host(place.as_str())).await;
        match found.map(|found| found.map(Iterator::count)) {
            Ok(Ok(0)) => unresolved(destination.name.as_str(), &place, "it has no address", checks),
            Ok(Ok(_)) => resolved += 1,
            Ok(Err(error)) => {
                unresolved(destination.name.as_str(), &place, &error.to_string(), checks);
            }
            Err(_) => {
                unresolved(destination.name.as_str(), &place, "no answer in three seconds", checks);
            }
        }
    }
    if resolved > 0 {
        checks.good("destinations", format!("{resolved} resolve"));
    }
}

fn unresolved(name: &str, place: &str, why: &str, checks: &mut Checks) {
    checks.finding(
        "destinations",
        format!("{name}: {place} does not resolve: {why}"),
        "mend its `url`, or the name service of this machine",
    );
}

/// `host:port` of a URL.
fn place(url: &str) -> Option<String> {
    let url: http::Uri = url.parse().ok()?;
    let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("https") { 443 } else { 80 });
    Some(format!("{}:{port}", url.host()?))
}
