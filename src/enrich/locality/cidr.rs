//! Networks as a person writes them.

use std::net::IpAddr;

use ipnet::IpNet;

/// Reads `10.0.0.0/8`, `2001:db8::/32`, or an address alone, which is a
/// network of its own. Bits behind the prefix are ignored, as `ip route` of a
/// router prints them in its addresses.
///
/// # Errors
/// What is wrong, in a few words.
pub fn parse(text: &str) -> Result<IpNet, String> {
    let (address, len) = match text.split_once('/') {
        Some((address, len)) => (address, Some(len)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| {
        format!(
            "{}: this is no network; give one such as 192.168.0.0/16 or fd00::/8",
            text.escape_debug()
        )
    })?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let len = len.map_or(Some(bits), |len| len.parse().ok());
    let network = len.and_then(|len| IpNet::new(address, len).ok());
    network.map(|network| network.trunc()).ok_or_else(|| {
        format!(
            "{}: the length of the prefix is a number from 0 to {bits}",
            text.escape_debug()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_and_masked() {
        for (text, network) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:db8::7", "2001:db8::7/128"),
            ("2001:db8:1::/32", "2001:db8::/32"),
        ] {
            assert_eq!(parse(text).map(|n| n.to_string()), Ok(network.into()));
        }
    }

    #[test]
    fn a_mistake_is_named() {
        for (text, error) in [
            ("10.0.0.0/33", "from 0 to 32"),
            ("10.0.0.0/", "from 0 to 32"),
            ("10.0.0.0/-1", "from 0 to 32"),
            ("10.0.0.0/255.0.0.0", "from 0 to 32"),
            ("fd00::/129", "from 0 to 128"),
            ("lan", "this is no network"),
            ("10.0/8", "this is no network"),
            ("", "this is no network"),
        ] {
            let said = parse(text).unwrap_err();
            assert!(said.contains(error) && said.starts_with(text), "{said}");
        }
    }
}
