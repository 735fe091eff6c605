use std::{
    fmt,
    net::{AddrParseError, IpAddr, Ipv6Addr},
    str::FromStr,
};

/// Where logins come from, as far as their failures are counted together.
///
/// An IPv4 address, or the first 64 bits of an IPv6 address: whoever has one of those has all the others behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceAddress(IpAddr);

impl FromStr for SourceAddress {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        Ok(Self(match text.parse::<IpAddr>()?.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
            address @ IpAddr::V4(_) => address,
        }))
    }
}

impl fmt::Display for SourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> String {
        text.parse::<SourceAddress>().unwrap().to_string()
    }

    #[test]
    fn an_ipv4_address_stands_for_itself_however_it_is_written() {
        assert_eq!(address("203.0.113.7"), "203.0.113.7");
        assert_eq!(address("::ffff:203.0.113.7"), "203.0.113.7");
    }

    #[test]
    fn ipv6_addresses_of_one_network_are_the_same() {
        assert_eq!(address("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(address("2001:db8:1:2:ffff::1"), address("2001:DB8:1:2::"));
        assert_ne!(address("2001:db8:1:3::1"), address("2001:db8:1:2::1"));
    }

    #[test]
    fn what_is_no_address_is_rejected() {
        for text in ["", "test-invoke-source-ip", "203.0.113.7:443", "203.0.113", "1.2.3.4, 5.6.7.8"] {
            assert!(text.parse::<SourceAddress>().is_err(), "{text}");
        }
    }
}
