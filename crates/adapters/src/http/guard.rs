//! Which addresses a destination may reach: public ones, and what its policy lists.
//!
//! Pure: it never resolves a name. Whoever connects asks about the very address that it connects to, so that a name
//! that changes its mind between check and use (DNS rebinding) gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use model::Network;

/// IPv4 networks that are not the public internet, or that lead back to the machine or its cloud.
const CLOSED_V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::UNSPECIFIED, 8),            // this network; 0.0.0.0 reaches the machine itself
    (Ipv4Addr::new(10, 0, 0, 0), 8),       // private, RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10),    // carrier-grade NAT, RFC 6598; Alibaba's metadata
    (Ipv4Addr::new(127, 0, 0, 0), 8),      // loopback
    (Ipv4Addr::new(168, 63, 129, 16), 32), // Azure's host, a public address that only its guests reach
    (Ipv4Addr::new(169, 254, 0, 0), 16),   // link-local; the metadata service of most clouds
    (Ipv4Addr::new(172, 16, 0, 0), 12),    // private, RFC 1918
    (Ipv4Addr::new(192, 0, 0, 0), 24),     // IETF protocol assignments; Oracle's metadata
    (Ipv4Addr::new(192, 0, 2, 0), 24),     // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),   // 6to4 relays, withdrawn
    (Ipv4Addr::new(192, 168, 0, 0), 16),   // private, RFC 1918
    (Ipv4Addr::new(198, 18, 0, 0), 15),    // benchmarking, RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24),  // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),   // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),      // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),      // reserved, broadcast
];

/// The only IPv6 space that is handed out for public use. Loopback, unique-local, link-local, multicast and all that is
/// not assigned yet lie outside.
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What is not public inside it.
const CLOSED_V6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // IETF protocol assignments: benchmarking, ORCHID
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation, RFC 9637
];

/// Whether a destination with this list of networks may reach the address.
///
/// An IPv4 address that travels inside an IPv6 one (mapped, compatible, translated, 6to4, NAT64, Teredo) is judged as
/// itself, since that is where the packets end up. The list may name the outer or the inner address.
pub fn permitted(address: IpAddr, allow: &[Network]) -> bool {
    let listed = |it: IpAddr| allow.iter().any(|network| network.contains(it));
    let reachable = |it: Ipv4Addr| is_public_v4(it) || listed(IpAddr::V4(it));
    match address {
        _ if listed(address) => true,
        IpAddr::V4(it) => is_public_v4(it),
        // They look like compatible forms of 0.0.0.0 and 0.0.0.1, and are not.
        IpAddr::V6(it) if it.is_unspecified() || it.is_loopback() => false,
        IpAddr::V6(it) => match embedded(it) {
            Embedded::Nothing => is_public_v6(it),
            Embedded::One(inner) => reachable(inner),
            Embedded::Two(inner, other) => reachable(inner) && reachable(other),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !CLOSED_V4.iter().any(|network| holds_v4(*network, address))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    holds_v6(GLOBAL_V6, address) && !CLOSED_V6.iter().any(|network| holds_v6(*network, address))
}

/// IPv4 addresses inside an IPv6 one.
enum Embedded {
    Nothing,
    One(Ipv4Addr),
    /// Teredo names its server and its client.
    Two(Ipv4Addr, Ipv4Addr),
}

fn embedded(address: Ipv6Addr) -> Embedded {
    let part = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        // ::a.b.c.d compatible, ::ffff:a.b.c.d mapped, ::ffff:0:a.b.c.d translated, 64:ff9b::a.b.c.d NAT64, 6to4
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Embedded::One(part(high, low)),
        [0x2001, 0, server_high, server_low, _, _, high, low] => {
            Embedded::Two(part(server_high, server_low), part(!high, !low))
        }
        _ => Embedded::Nothing,
    }
}

fn holds_v4((network, bits): (Ipv4Addr, u8), address: Ipv4Addr) -> bool {
    let tail = 32_u32.saturating_sub(u32::from(bits));
    network.to_bits().checked_shr(tail) == address.to_bits().checked_shr(tail)
}

fn holds_v6((network, bits): (Ipv6Addr, u8), address: Ipv6Addr) -> bool {
    let tail = 128_u32.saturating_sub(u32::from(bits));
    network.to_bits().checked_shr(tail) == address.to_bits().checked_shr(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        let (address, bits) = text.split_once('/').unwrap();
        Network { address: address.parse().unwrap(), bits: bits.parse().unwrap() }
    }

    fn check(address: &str, allow: &[&str], expected: bool) {
        let allow: Vec<Network> = allow.iter().map(|text| network(text)).collect();
        assert_eq!(permitted(address.parse().unwrap(), &allow), expected, "{address} with {allow:?}");
    }

    #[test]
    fn public_addresses_are_reached() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "93.184.216.34",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "2a00:1450:4001::1",
            "2001:200::1",
            "3ffe::1",
        ] {
            check(address, &[], true);
        }
    }

    #[test]
    fn addresses_that_are_not_public_are_refused() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.0",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "169.254.0.1",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            check(address, &[], false);
        }
        for address in [
            "::",
            "::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "fc00::1",
            "fdff::1",
            "fd00:ec2::254",
            "ff02::1",
            "ff0e::1",
            "100::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "3fff::1",
            "3fff:fff::1",
            "5f00::1",
            "64:ff9b:1::808:808",
            "4000::1",
        ] {
            check(address, &[], false);
        }
    }

    #[test]
    fn an_address_inside_an_address_is_judged_as_itself() {
        for (address, expected) in [
            ("::ffff:127.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("::ffff:8.8.8.8", true),
            ("::127.0.0.1", false),
            ("::10.0.0.1", false),
            ("::8.8.8.8", true),
            ("::ffff:0:192.168.0.1", false),
            ("64:ff9b::10.0.0.1", false),
            ("64:ff9b::169.254.169.254", false),
            ("64:ff9b::8.8.8.8", true),
            ("2002:7f00:1::", false),
            ("2002:a9fe:a9fe::1", false),
            ("2002:808:808::1", true),
            // Teredo: the client is written inverted, the server plainly.
            ("2001:0:808:808::f5ff:fffe", false),
            ("2001:0:a00:1::f7f7:f7f7", false),
            ("2001:0:808:808::f7f7:f7f7", true),
        ] {
            check(address, &[], expected);
        }
    }

    #[test]
    fn a_list_opens_exactly_what_it_names() {
        for (address, allow, expected) in [
            ("10.20.3.4", "10.20.0.0/16", true),
            ("10.21.3.4", "10.20.0.0/16", false),
            ("127.0.0.1", "127.0.0.1/32", true),
            ("127.0.0.2", "127.0.0.1/32", false),
            ("192.168.1.130", "192.168.1.128/25", true),
            ("192.168.1.127", "192.168.1.128/25", false),
            ("169.254.169.254", "0.0.0.0/0", true),
            ("::1", "0.0.0.0/0", false),
            ("::1", "::1/128", true),
            ("::", "0.0.0.0/0", false),
            ("::", "::/128", true),
            ("fd12::7", "fd12::/16", true),
            ("fd13::7", "fd12::/16", false),
            ("::ffff:10.0.0.1", "10.0.0.0/8", true),
            ("64:ff9b::10.0.0.1", "10.0.0.0/8", true),
            ("64:ff9b::10.0.0.1", "64:ff9b::/96", true),
            ("64:ff9b::10.0.0.1", "11.0.0.0/8", false),
            ("2001:0:a00:1::f5ff:fffe", "10.0.0.0/8", true),
            ("8.8.8.8", "10.0.0.0/8", true),
        ] {
            check(address, &[allow], expected);
        }
    }
}
