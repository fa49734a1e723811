//! The project: mistakes, secrets without a value, destinations that do not resolve, permissions that end.

use std::time::Duration;

use model::{Severity, TimeSpan};
use policy::Policy;
use policy::compiled::Verify;
use policy::render;
use server::api::Status;
use server::settings::Settings;

use super::Checks;
use crate::moment;

/// So long before an unsigned source's permission ends, somebody should know.
const NEAR: TimeSpan = TimeSpan::from_days(14);
/// How long a name may take to resolve.
const RESOLVE: Duration = Duration::from_secs(3);

pub(super) async fn check(settings: &Settings, running: Option<&Status>, checks: &mut Checks) {
    let files = match server::project::read(&settings.project) {
        Ok(files) if files.is_empty() => {
            return checks.note("project", format!("{} has none; `crossdock init` begins one", settings.project.display()));
        }
        Ok(files) => files,
        Err(error) => {
            return checks.finding("project", error.to_string(), "make the folder readable");
        }
    };
    let (policy, findings) = policy::check_at(&files, moment::now());
    let has_error = findings.iter().any(|finding| finding.severity == Severity::Error);
    if findings.is_empty() {
        checks.good("project", format!("{} files without a mistake", files.len()));
    } else {
        let fix = format!("crossdock check {}", settings.project.display());
        checks.finding("project", render::count(&findings), fix);
    }
    let Some(policy) = policy.filter(|_| !has_error) else { return };
    secrets(&policy, settings, running, checks);
    permissions(&policy, checks);
    destinations(&policy, checks).await;
}

/// By the running product where it knows; its environment is not that of this shell.
fn secrets(policy: &Policy, settings: &Settings, running: Option<&Status>, checks: &mut Checks) {
    let wanted = server::secrets::names(policy);
    let (_, mut missing) = server::secrets::load(&wanted, &settings.environment, &settings.data);
    if let Some(status) = running {
        let lacks = |name: &String| status.sources.iter().any(|source| source.secrets_missing.contains(name));
        let of_source = |name: &model::SecretName| policy.sources.values().any(|source| source.secrets.contains(name));
        missing.retain(|name| !of_source(name) || lacks(&name.to_string()));
    }
    if missing.is_empty() {
        checks.good("secrets", format!("{} have a value", wanted.len()));
    }
    for name in missing {
        let file = settings.data.join("secrets").join(name.as_str());
        let fix = format!("set {}, or write it to {}", name.variable(), file.display());
        checks.finding("secrets", format!("{name} has no value here"), fix);
    }
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
