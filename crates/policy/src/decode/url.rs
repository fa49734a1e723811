//! URLs of destinations: absolute, `http` or `https`, without credentials. Only what a check needs of them; calling them
//! is the business of the adapters.

use std::net::IpAddr;

use crate::compiled::Network;

/// A URL that can be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Whether it is `https`.
    pub is_https: bool,
    /// The host in lower case, without brackets.
    pub host: String,
}

impl Url {
    /// Reads one, or says what is wrong with it as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if has_credentials(text) {
            return Err("has a user or a password in it");
        }
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        let is_https = scheme.eq_ignore_ascii_case("https");
        if !is_https && !scheme.eq_ignore_ascii_case("http") {
            return Err("does not begin with `https://`");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has a blank or a character that must be percent-encoded");
        }
        if text.contains('#') {
            return Err("has a fragment, which is never sent");
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let (host, port) = split_port(authority).ok_or("has a host that cannot be read")?;
        if !port.is_empty() && port.parse::<u16>().map_or(true, |port| port == 0) {
            return Err("has a port that does not exist");
        }
        Ok(Self { is_https, host: host.to_lowercase() })
    }

    /// The address, where the host is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Whether it leads to this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || self.address().is_some_and(|it| it.to_canonical().is_loopback())
    }

    /// Whether it leads to an address or a name that the open network does not have.
    pub fn is_private(&self) -> bool {
        let is_inner_name = [".local", ".internal", ".lan", ".home.arpa"].iter().any(|tail| self.host.ends_with(tail));
        self.is_loopback() || is_inner_name || self.address().is_some_and(is_private)
    }

    /// Whether one of the networks has its address; a name is in the networks of this machine where it leads there.
    pub fn is_allowed(&self, allow: &[Network]) -> bool {
        match self.address() {
            Some(address) => allow.iter().any(|network| network.contains(address)),
            None if self.is_loopback() => allow.iter().any(|network| network.address.is_loopback()),
            None => !allow.is_empty(),
        }
    }
}

/// Whether a text has the form of a URL with a user or a password.
pub fn has_credentials(text: &str) -> bool {
    let authority = text.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(it) => {
            let is_shared = it.octets()[0] == 100 && (64..128).contains(&it.octets()[1]);
            it.is_private()
                || it.is_loopback()
                || it.is_link_local()
                || it.is_unspecified()
                || it.is_broadcast()
                || is_shared
        }
        IpAddr::V6(it) => it.is_loopback() || it.is_unspecified() || it.is_unique_local() || it.is_unicast_link_local(),
    }
}

fn split_port(authority: &str) -> Option<(&str, &str)> {
    if let Some(inside) = authority.strip_prefix('[') {
        let (host, tail) = inside.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return if tail.is_empty() { Some((host, "")) } else { tail.strip_prefix(':').map(|port| (host, port)) };
    }
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let begins_well = host.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    (begins_well && host.len() <= 253 && host.bytes().all(is_host)).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_absolute_and_without_credentials() {
        for (text, host) in [
            ("https://wms.example.com/api/orders?x=1", "wms.example.com"),
            ("http://127.0.0.1:9000", "127.0.0.1"),
            ("https://[::1]:8443/x", "::1"),
            ("https://WMS.example.com", "wms.example.com"),
            ("HTTPS://EXAMPLE.com", "example.com"),
        ] {
            assert_eq!(Url::parse(text).map(|url| url.host), Ok(host.to_owned()), "{text}");
        }
        assert_eq!(Url::parse("HTTPS://a").map(|url| url.is_https), Ok(true));
        for text in [
            "",
            "/orders",
            "ftp://a",
            "https://",
            "https://u:p@a/",
            "https://a b",
            "https://a/#x",
            "https://a:0/",
            "https://a:99999",
            "https://[::1",
            "https://-a",
        ] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn private_addresses_are_known() {
        for (text, expected) in [
            ("http://10.0.0.1/", true),
            ("http://localhost/", true),
            ("http://[fd00::1]/", true),
            ("http://[::ffff:192.168.1.1]/", true),
            ("http://169.254.169.254/", true),
            ("http://100.64.0.1/", true),
            ("http://wms.internal/", true),
            ("http://8.8.8.8/", false),
            ("https://wms.example.com/", false),
        ] {
            assert_eq!(Url::parse(text).map(|url| url.is_private()), Ok(expected), "{text}");
        }
    }
}
