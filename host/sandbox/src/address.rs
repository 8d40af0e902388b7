//! Which addresses are public: everything else is some private place of whoever runs this.
//!
//! An address is first brought to its canonical form, because the same machine can be reached through several: IPv4
//! mapped into IPv6, NAT64, 6to4. When in doubt an address is not public. Source: IANA's special-purpose address
//! registries for IPv4 and IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// May a tool that was granted the public internet reach this address?
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        0 | 10 | 127 | 224..=255 => true, // this network, private, loopback, multicast and reserved
        100 => (64..128).contains(&b),    // shared between carriers and customers
        169 => b == 254,                  // link-local, where clouds keep their metadata
        172 => (16..32).contains(&b),     // private
        192 => b == 168 || (b == 0 && (c == 0 || c == 2)) || (b == 88 && c == 99), // private, protocols, documentation, relays
        198 => b == 18 || b == 19 || (b == 51 && c == 100), // benchmarks, documentation
        203 => b == 0 && c == 113,                          // documentation
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = address.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b) {
        (0x64, 0xff9b) if c == 0 && d == 0 && e == 0 && f == 0 => v4(g, h), // NAT64
        (0x2002, _) => v4(b, c),                                            // 6to4
        (0x2001, 0x0000..=0x01ff) | (0x2001, 0x0db8) => false, // Teredo, protocols, documentation
        (0x3fff, 0x0000..=0x0fff) => false,                    // documentation
        (0x2000..=0x3fff, _) => true, // what is given out as global unicast
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_private_place_is_private() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:7f00:1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn the_internet_is_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "172.32.0.1",
            "192.169.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
