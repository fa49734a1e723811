//! Destinations: little to resolve, and warnings about addresses.

use crate::compiled::{Destination, Network};
use crate::decode::url::Url;
use crate::specs::{DestinationSpec, SystemSpec};
use crate::{Findings, Spanned, codes};

/// The destination, or `None` where something about it is wrong and reported.
pub(crate) fn destination(system: &SystemSpec, spec: &DestinationSpec, findings: &mut Findings) -> Option<Destination> {
    let url = spec.url.as_ref()?;
    check_address(url, spec.name.value.as_str(), &spec.allow, findings);
    if spec.breaker.pause > spec.breaker.pause_max {
        let message =
            format!("the first pause of `{}` is longer than its longest, {}", spec.name.value, spec.breaker.pause_max);
        findings.push(findings.error(codes::OUT_OF_RANGE, spec.name.span, message).help("`pause_max` is at least `pause`"));
    }
    Some(Destination {
        name: spec.name.value.clone(),
        system: system.name.clone(),
        owner: system.owner.as_ref()?.value.clone(),
        url: url.value.clone(),
        method: spec.method.clone(),
        sign: spec.sign.clone(),
        auth: spec.auth.clone(),
        headers: spec.headers.clone(),
        timeout: spec.timeout,
        concurrency: spec.concurrency,
        rate: spec.rate,
        first_attempts_percent: spec.first_attempts_percent,
        repeat: spec.repeat,
        breaker: spec.breaker,
        allow: spec.allow.clone(),
    })
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
