//! Destinations: little to resolve, what differs between HTTP and commands, and warnings about addresses.

use std::sync::Arc;

use model::TimeSpan;
use model::limit::COMMANDS_AT_ONCE_MAX;

use super::capture::{odoo, told_odoo};
use crate::compiled::{Destination, Network, Odoo, Repeat, Way, Writing};
use crate::decode::url::Url;
use crate::specs::{DestinationSpec, SystemSpec};
use crate::{Findings, Spanned, codes};

/// LIMIT: of HTTP, for a whole exchange: a receiver that takes longer has a queue to build.
const TIMEOUT_S_MAX: u64 = 60;
/// LIMIT: of commands, for a change. Odoo repeats a conflict for up to half a minute and ends any request after two.
const CHANGE_S: std::ops::RangeInclusive<u64> = 60..=180;
/// What only a destination of HTTP has.
const OF_HTTP: [&str; 6] = ["method", "sign", "auth", "headers", "repeat", "allow"];

/// The destination, or `None` where something about it is wrong and reported.
pub(crate) fn destination(system: &SystemSpec, spec: &DestinationSpec, findings: &mut Findings) -> Option<Destination> {
    if spec.breaker.pause > spec.breaker.pause_max {
        let message =
            format!("the first pause of `{}` is longer than its longest, {}", spec.name.value, spec.breaker.pause_max);
        findings.push(findings.error(codes::OUT_OF_RANGE, spec.name.span, message).help("`pause_max` is at least `pause`"));
    }
    let resolved = match &spec.commands {
        None => over_http(spec, findings)?,
        Some(writing) => by_commands(system, spec, writing, findings)?,
    };
    Some(Destination {
        name: spec.name.value.clone(),
        system: system.name.clone(),
        owner: system.owner.as_ref()?.value.clone(),
        way: resolved.way,
        url: resolved.url,
        method: spec.method.clone(),
        sign: spec.sign.clone(),
        auth: spec.auth.clone(),
        headers: spec.headers.clone(),
        timeout: resolved.timeout,
        concurrency: resolved.concurrency,
        rate: spec.rate,
        first_attempts_percent: spec.first_attempts_percent,
        repeat: resolved.repeat,
        breaker: spec.breaker,
        allow: resolved.allow,
    })
}

/// What differs between the ways.
struct Resolved {
    way: Way,
    url: String,
    timeout: TimeSpan,
    concurrency: u32,
    repeat: Repeat,
    allow: Vec<Network>,
}

fn over_http(spec: &DestinationSpec, findings: &mut Findings) -> Option<Resolved> {
    if let Some(timeout) = spec.timeout.as_ref().filter(|it| it.value > TimeSpan::from_secs(TIMEOUT_S_MAX)) {
        out_of_range("timeout", timeout, &format!("from 1s to {TIMEOUT_S_MAX}s"), findings);
    }
    let url = spec.url.as_ref()?;
    check_address(url, spec.name.value.as_str(), &spec.allow, findings);
    Some(Resolved {
        way: Way::Http,
        url: url.value.clone(),
        timeout: spec.timeout.as_ref().map_or(TimeSpan::from_secs(15), |it| it.value),
        concurrency: spec.concurrency.as_ref().map_or(8, |it| it.value),
        repeat: spec.repeat,
        allow: spec.allow.clone(),
    })
}

/// A command reads before it does anything, so that repeats of it are always safe.
fn by_commands(
    system: &SystemSpec,
    spec: &DestinationSpec,
    writing: &Spanned<Writing>,
    findings: &mut Findings,
) -> Option<Resolved> {
    if let Some(timeout) = spec.timeout.as_ref().filter(|it| {
        let (least, most) = (TimeSpan::from_secs(*CHANGE_S.start()), TimeSpan::from_secs(*CHANGE_S.end()));
        it.value < least || it.value > most
    }) {
        let range = format!("of commands from {}s to {}s", CHANGE_S.start(), CHANGE_S.end());
        out_of_range("timeout", timeout, &range, findings);
    }
    if let Some(at_once) = spec.concurrency.as_ref().filter(|it| it.value > COMMANDS_AT_ONCE_MAX) {
        out_of_range("concurrency", at_once, &format!("of commands from 1 to {COMMANDS_AT_ONCE_MAX}"), findings);
    }
    for given in spec.given.iter().filter(|it| OF_HTTP.contains(&it.value.as_str())) {
        let message = format!("`{}` gives commands, which have no `{}`", spec.name.value, given.value);
        let diagnostic = findings.error(codes::NO_COMMANDS, given.span, message);
        findings.push(diagnostic.help("remove it: how Odoo is reached stands under `odoo` of the system"));
    }
    if system.odoo.is_none() {
        let message = format!("`{}` gives commands, and its system does not say to which Odoo", spec.name.value);
        let diagnostic = findings.error(codes::NO_COMMANDS, writing.span, message);
        findings.push(diagnostic.help("add `odoo:` with `url`, `database` and `keys` to the system"));
    }
    let odoo = odoo_once(system, spec, findings)?;
    Some(Resolved {
        url: odoo.url.clone(),
        allow: odoo.allow.clone(),
        way: Way::Odoo { odoo, writing: writing.value },
        timeout: spec.timeout.as_ref().map_or(TimeSpan::from_secs(150), |it| it.value),
        concurrency: spec.concurrency.as_ref().map_or(2, |it| it.value),
        repeat: Repeat::Safe,
    })
}

/// The API of the system; what there is to say of its address is said once.
fn odoo_once(system: &SystemSpec, spec: &DestinationSpec, findings: &mut Findings) -> Option<Arc<Odoo>> {
    let is_captured = system.sources.iter().any(|source| source.capture.is_some());
    let first = system.destinations.iter().find(|it| it.commands.is_some());
    if is_captured || first.is_none_or(|first| first.name.value != spec.name.value) {
        return odoo(system);
    }
    told_odoo(system, findings)
}

fn out_of_range<T: std::fmt::Display>(key: &str, value: &Spanned<T>, range: &str, findings: &mut Findings) {
    let message = format!("`{key}` is out of its range: `{}`", value.value);
    findings.push(findings.error(codes::OUT_OF_RANGE, value.span, message).help(range.to_owned()));
}

/// Warns where `name` is called in clear text, or is where it may not be reached.
pub(super) fn check_address(text: &Spanned<String>, name: &str, allow: &[Network], findings: &mut Findings) {
    let Ok(url) = Url::parse(&text.value) else { return };
    if !url.is_https && !url.is_loopback() {
        let message = format!("`{name}` is called in clear text");
        let diagnostic = findings.warning(codes::CLEAR_TEXT, text.span, message);
        findings.push(diagnostic.help("use `https`; bodies and credentials can be read on the way"));
    }
    if url.is_private() && !url.is_allowed(allow) {
        let message = format!("`{}` is in a private network that `{name}` is not allowed to reach", url.host);
        let network = url.address().map_or_else(|| "127.0.0.0/8".to_owned(), |address| network_of(address).to_owned());
        let diagnostic = findings.warning(codes::PRIVATE_ADDRESS, text.span, message);
        findings.push(diagnostic.help(format!("add `allow: [{network}]` if it is meant so; every attempt fails otherwise")));
    }
}

/// The private network that an address is commonly in.
fn network_of(address: std::net::IpAddr) -> &'static str {
    match address.to_canonical() {
        std::net::IpAddr::V4(it) => match it.octets() {
            [10, ..] => "10.0.0.0/8",
            [172, ..] => "172.16.0.0/12",
            [192, ..] => "192.168.0.0/16",
            [169, ..] => "169.254.0.0/16",
            [100, ..] => "100.64.0.0/10",
            _ => "127.0.0.0/8",
        },
        std::net::IpAddr::V6(it) if it.is_loopback() => "::1/128",
        std::net::IpAddr::V6(it) if it.is_unicast_link_local() => "fe80::/10",
        std::net::IpAddr::V6(_) => "fd00::/8",
    }
}
