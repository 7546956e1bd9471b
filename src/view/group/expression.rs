//! What a group is asked for by.

use std::net::IpAddr;

use super::{Country, Group};
use crate::view::Who;

impl Group {
    /// The filter that holds the flows of the group, and maybe a few others;
    /// `None` where none could say what it is.
    pub fn expression(&self) -> Option<String> {
        Some(match self {
            Self::Country(Country::Code(code)) => format!("country:{}", code.as_str()),
            Self::Asn(asn) => format!("asn:{}", (*asn)?),
            Self::Service(service) | Self::Served(Some(service)) => match service.port {
                Some(port) => format!("proto:{} port:{port}", service.proto),
                None => format!("proto:{}", service.proto),
            },
            Self::Process(Who::Process { pid, .. }) => format!("pid:{pid}"),
            Self::Host(host) | Self::Peer(host) => format!("host:{host}"),
            Self::Source(host) => format!("src:{host}"),
            Self::Destination(host) => format!("dst:{host}"),
            Self::Pair(from, to) => format!("src:{from} dst:{to}"),
            Self::Subnet(first, width) => format!("net:{first}/{width}"),
            Self::Mark(mark) => format!("mark:{}", (*mark)?),
            Self::Zone(zone) => format!("zone:{zone}"),
            Self::Protocol(proto) => format!("proto:{proto}"),
            // Nobody knows their names, or others have the same.
            Self::Served(None)
            | Self::Country(_)
            | Self::Process(_)
            | Self::User(_)
            | Self::Unit(_)
            | Self::Interface(_)
            | Self::State(_)
            | Self::Others => return None,
        })
    }

    /// The address of a group that is one host.
    pub const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Host(host) | Self::Source(host) | Self::Destination(host) | Self::Peer(host) => {
                Some(*host)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Protocol;
    use crate::view::filter::Filter;
    use crate::view::group::Service;

    #[test]
    fn what_a_group_is_asked_for_by_is_a_filter() {
        let service = Service {
            proto: Protocol::UDP,
            port: Some(53),
        };
        let host = "2001:db8::1".parse().unwrap();
        for group in [
            Group::Service(service),
            Group::Host(host),
            Group::Source(host),
            Group::Destination(host),
            Group::Peer(host),
            Group::Served(Some(service)),
            Group::Pair(host, host),
            Group::subnet(host, 64),
            Group::Mark(Some(16)),
            Group::Zone(2),
            Group::Protocol(Protocol(250)),
            Group::Asn(std::num::NonZeroU32::new(64500)),
            Group::Process(Who::Process {
                pid: 7,
                start_ticks: 1,
            }),
        ] {
            let text = group.expression().unwrap();
            assert_eq!(Filter::parse(&text).unwrap().to_string(), text);
        }
        assert_eq!(Group::Others.expression(), None);
    }
}
