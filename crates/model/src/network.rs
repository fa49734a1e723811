//! Networks in CIDR form: who may send, and what a destination may reach.

use std::net::IpAddr;

/// A network in CIDR form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// An address in it.
    pub address: IpAddr,
    /// Leading bits that count.
    pub bits: u8,
}

impl Network {
    /// Whether the address is in it. An IPv4 address inside IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(it)) => {
                same_head(u128::from(net.to_bits()), u128::from(it.to_bits()), 32, self.bits)
            }
            (IpAddr::V6(net), IpAddr::V6(it)) => same_head(net.to_bits(), it.to_bits(), 128, self.bits),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

fn same_head(one: u128, other: u128, width: u32, bits: u8) -> bool {
    let tail = width.saturating_sub(u32::from(bits));
    tail >= 128 || one >> tail == other >> tail
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(network: (&str, u8), address: &str, expected: bool) {
        let network = Network { address: network.0.parse().unwrap(), bits: network.1 };
        assert_eq!(network.contains(address.parse().unwrap()), expected, "{network:?} {address}");
    }

    #[test]
    fn leading_bits_decide() {
        check(("10.20.0.0", 16), "10.20.255.1", true);
        check(("10.20.0.0", 16), "10.21.0.1", false);
        check(("0.0.0.0", 0), "8.8.8.8", true);
        check(("127.0.0.1", 32), "127.0.0.1", true);
        check(("fd00::", 8), "fdab::1", true);
        check(("::", 0), "2001:db8::1", true);
        check(("10.0.0.0", 8), "::ffff:10.1.2.3", true);
        check(("10.0.0.0", 8), "::1", false);
    }
}
