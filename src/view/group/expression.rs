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
            Self::Network(_, Some(asn)) => format!("asn:{asn}"),
            Self::Service(service) => match service.port {
                Some(port) => format!("proto:{} port:{port}", service.proto),
                None => format!("proto:{}", service.proto),
            },
            Self::Process(Who::Process { pid, .. }) => format!("pid:{pid}"),
            Self::Host(Some(host)) => format!("host:{host}"),
            Self::Country(Country::Lan | Country::Unknown)
            | Self::Network(_, None)
            | Self::Process(_)
            | Self::Host(None) => return None,
        })
    }

    /// The address of a group that is one host.
    pub const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Host(host) => *host,
            Self::Country(_) | Self::Network(..) | Self::Service(_) | Self::Process(_) => None,
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
            Group::Host(Some(host)),
            Group::Network(Country::Unknown, std::num::NonZeroU32::new(64500)),
            Group::Process(Who::Process {
                pid: 7,
                start_ticks: 1,
            }),
        ] {
            let text = group.expression().unwrap();
            assert_eq!(Filter::parse(&text).unwrap().to_string(), text);
        }
        assert_eq!(Group::Host(None).expression(), None);
    }
}
