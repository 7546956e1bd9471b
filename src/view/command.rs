//! Commands of other programs that are about one flow, ready for a shell.
//!
//! They consist of numbers, addresses and words of ours, never of text that
//! others chose; what a shell could take for its own stands in single quotes.

use std::fmt::Write;
use std::net::IpAddr;

use super::Row;
use crate::flow::{Direction, Family, L4, Protocol, Tuple};
use crate::table::Flow;

/// Why there is no command, in words that go on after "because".
pub type NoCommand = &'static str;

/// The flow in one line: protocol, source and destination of its first packet.
/// IPv6 addresses stand in brackets before a port.
pub fn tuple(orig: &Tuple) -> String {
    let end = |address: IpAddr, port: Option<u16>| match (address, port) {
        (IpAddr::V6(ip), Some(port)) => format!("[{ip}]:{port}"),
        (ip, Some(port)) => format!("{ip}:{port}"),
        (ip, None) => ip.to_string(),
    };
    let mut text = format!(
        "{} {} {}",
        orig.proto(),
        end(orig.src(), orig.sport()),
        end(orig.dst(), orig.dport())
    );
    // Writing to a String cannot fail.
    let _ = match orig.l4() {
        L4::Icmp { kind, code, id } => write!(text, " type {kind} code {code} id {id}"),
        L4::Ports { src, dst } if orig.sport().is_none() => {
            write!(text, " key {src:#x} {dst:#x}")
        }
        L4::Ports { .. } | L4::None => Ok(()),
    };
    text
}

/// The command of conntrack(8) that deletes this entry and no other one: its
/// family, all of its original tuple, and its zone. The tool would otherwise
/// take entries of all zones, and `-w 0` means the default one.
pub fn conntrack_delete(flow: &Flow) -> String {
    let orig = &flow.key().orig;
    let mut command = format!(
        "conntrack -D -f {} -s {} -d {} -p {}",
        orig.family().name(),
        orig.src(),
        orig.dst(),
        protocol(orig.proto())
    );
    // Writing to a String cannot fail.
    let _ = match (orig.l4(), orig.family()) {
        (L4::Ports { src, dst }, _) if orig.proto() == Protocol::GRE => {
            write!(command, " --srckey {src:#x} --dstkey {dst:#x}")
        }
        (L4::Ports { src, dst }, _) => write!(command, " --sport {src} --dport {dst}"),
        (L4::Icmp { kind, code, id }, Family::Ipv4) => write!(
            command,
            " --icmp-type {kind} --icmp-code {code} --icmp-id {id}"
        ),
        (L4::Icmp { kind, code, id }, Family::Ipv6) => write!(
            command,
            " --icmpv6-type {kind} --icmpv6-code {code} --icmpv6-id {id}"
        ),
        (L4::None, _) => Ok(()),
    };
    let _ = write!(command, " -w {}", flow.key().zone);
    command
}

/// As conntrack(8) takes it: it knows these by name, with options of their own;
/// all others by number.
fn protocol(proto: Protocol) -> String {
    match proto {
        Protocol::TCP
        | Protocol::UDP
        | Protocol::UDPLITE
        | Protocol::SCTP
        | Protocol::DCCP
        | Protocol::GRE
        | Protocol::ICMP
        | Protocol::ICMPV6 => proto.to_string(),
        Protocol(number) => number.to_string(),
    }
}

/// The command of tcpdump(8) that shows the packets of this flow, both ways;
/// with address translation before and after it.
pub fn tcpdump(flow: &Flow) -> String {
    let orig = &flow.key().orig;
    let reply = flow.reply();
    let before = packets(orig);
    let filter = if reply == orig.inverted() {
        before
    } else {
        let after = packets(&reply);
        format!("({before}) or ({after})")
    };
    format!("tcpdump -ni any '{filter}'")
}

/// The packets of a tuple in the words of pcap-filter(7), either way.
fn packets(tuple: &Tuple) -> String {
    let mut filter = match (tuple.proto(), tuple.family()) {
        (Protocol::TCP, _) => "tcp".to_owned(),
        (Protocol::UDP, _) => "udp".to_owned(),
        (Protocol::SCTP, _) => "sctp".to_owned(),
        (Protocol::ICMP, _) => "icmp".to_owned(),
        (Protocol::ICMPV6, _) => "icmp6".to_owned(),
        (Protocol(number), Family::Ipv4) => format!("ip proto {number}"),
        (Protocol(number), Family::Ipv6) => format!("ip6 proto {number}"),
    };
    // Writing to a String cannot fail.
    let _ = write!(filter, " and host {} and host {}", tuple.src(), tuple.dst());
    let has_ports = matches!(
        tuple.proto(),
        Protocol::TCP | Protocol::UDP | Protocol::SCTP
    );
    let _ = match (tuple.l4(), tuple.family()) {
        (L4::Ports { src, dst }, _) if has_ports => {
            write!(filter, " and port {src} and port {dst}")
        }
        (L4::Icmp { id, .. }, Family::Ipv4) => write!(filter, " and icmp[4:2] = {id}"),
        // pcap-filter has no word for the inside of ICMPv6: it begins after the
        // 40 bytes of the header.
        (L4::Icmp { id, .. }, Family::Ipv6) => write!(filter, " and ip6[44:2] = {id}"),
        (L4::Ports { .. } | L4::None, _) => Ok(()),
    };
    filter
}

/// The table of [`nft_drop`].
const DROP_TABLE: &str = "flowtop_drop";

/// The command of nft(8) that drops every packet from a host and to it, whatever
/// flow it is of. It makes a table of its own, so that it can be undone with
/// [`nft_undo`] and disturbs no other rules; another host may be added.
pub fn nft_drop(host: IpAddr) -> String {
    let ip = match host {
        IpAddr::V4(_) => "ip",
        IpAddr::V6(_) => "ip6",
    };
    let table = format!("inet {DROP_TABLE}");
    format!(
        "nft 'add table {table}; \
         add chain {table} in {{ type filter hook prerouting priority raw; }}; \
         add chain {table} out {{ type filter hook output priority raw; }}; \
         add rule {table} in {ip} saddr {host} drop; \
         add rule {table} in {ip} daddr {host} drop; \
         add rule {table} out {ip} daddr {host} drop'"
    )
}

/// The command that undoes [`nft_drop`], of all hosts.
pub fn nft_undo() -> String {
    format!("nft delete table inet {DROP_TABLE}")
}

impl Row<'_> {
    /// The host that [`nft_drop`] is about: the one on the other side, by the
    /// address that it has there, behind all translation.
    ///
    /// 1. Of flows that go out the destination, of those that come in the
    ///    source.
    /// 2. Of flows that pass through the end that is public; the destination if
    ///    both are or neither.
    ///
    /// # Errors
    /// If no end is another machine, or it is not known which one is.
    pub fn host_to_drop(&self) -> Result<IpAddr, NoCommand> {
        let source = self.flow.key().orig.src();
        let destination = self.flow.reply().src();
        let host = match self.bearings.direction {
            Some(Direction::Out) => destination,
            Some(Direction::In) => source,
            Some(Direction::Forward) => match (is_public(source), is_public(destination)) {
                (true, false) => source,
                _ => destination,
            },
            Some(Direction::Local) => return Err("both ends are this machine"),
            None => return Err("it is not known yet which end is this machine"),
        };
        let is_one_host = !(host.is_loopback() || host.is_multicast() || host.is_unspecified());
        let is_broadcast = host == IpAddr::from([255; 4]);
        if is_one_host && !is_broadcast {
            Ok(host)
        } else {
            Err("the other end is no single host")
        }
    }
}

fn is_public(address: IpAddr) -> bool {
    use crate::enrich::geoip::Scope;
    Scope::of(address) != Scope::Lan
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;
    use crate::enrich::Knowledge;
    use crate::enrich::services::{self, Services};
    use crate::flow::{Key, Moment, Origin, Pair, Report, Status, Update};
    use crate::table::Table;
    use crate::view::{Bearings, End};

    fn ports(src: u16, dst: u16) -> L4 {
        L4::Ports { src, dst }
    }

    fn v4(proto: Protocol, l4: L4) -> Tuple {
        let (src, dst) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(192, 0, 2, 7));
        Tuple::v4(src, dst, proto, l4)
    }

    fn v6(proto: Protocol, l4: L4) -> Tuple {
        let src = "fd00::1".parse().unwrap();
        Tuple::v6(src, "2001:db8::7".parse::<Ipv6Addr>().unwrap(), proto, l4)
    }

    fn flow(zone: u16, orig: Tuple, reply: Option<Tuple>) -> Flow {
        let mut report = Report::about(Key { zone, orig }, Origin::Dumped);
        report.status = Some(Status::CONFIRMED);
        report.reply = reply;
        let mut table = Table::default();
        table.apply(&Update::Flow(report), Moment::default(), &mut |_| {});
        table.flows().next().unwrap().1.clone()
    }

    fn deletes(orig: Tuple) -> String {
        conntrack_delete(&flow(0, orig, None))
    }

    #[test]
    fn each_protocol_has_options_of_its_own() {
        let begin = "conntrack -D -f ipv4 -s 10.0.0.1 -d 192.0.2.7 -p";
        let icmp = L4::Icmp {
            kind: 8,
            code: 0,
            id: 77,
        };
        for (tuple, rest) in [
            (v4(Protocol::TCP, ports(5, 80)), "tcp --sport 5 --dport 80"),
            (v4(Protocol::SCTP, ports(5, 6)), "sctp --sport 5 --dport 6"),
            (
                v4(Protocol::GRE, ports(0x11, 0x22)),
                "gre --srckey 0x11 --dstkey 0x22",
            ),
            (
                v4(Protocol::ICMP, icmp),
                "icmp --icmp-type 8 --icmp-code 0 --icmp-id 77",
            ),
            (v4(Protocol(50), L4::None), "50"),
            (v4(Protocol::DCCP, L4::None), "dccp"),
        ] {
            assert_eq!(deletes(tuple), format!("{begin} {rest} -w 0"));
        }
        assert_eq!(
            deletes(v6(Protocol::ICMPV6, icmp)),
            "conntrack -D -f ipv6 -s fd00::1 -d 2001:db8::7 -p icmpv6 \
             --icmpv6-type 8 --icmpv6-code 0 --icmpv6-id 77 -w 0"
        );
        let zoned = flow(7, v4(Protocol::UDP, ports(1, 2)), None);
        assert!(conntrack_delete(&zoned).ends_with(" -w 7"));
    }

    #[test]
    fn packets_are_looked_for_before_and_after_translation() {
        let orig = v4(Protocol::TCP, ports(5000, 443));
        assert_eq!(
            tcpdump(&flow(0, orig, None)),
            "tcpdump -ni any \
             'tcp and host 10.0.0.1 and host 192.0.2.7 and port 5000 and port 443'"
        );
        let outside = Ipv4Addr::new(198, 51, 100, 1);
        let far = Ipv4Addr::new(192, 0, 2, 7);
        let reply = Tuple::v4(far, outside, Protocol::TCP, ports(443, 6000));
        let both = tcpdump(&flow(0, orig, Some(reply)));
        assert_eq!(
            both,
            "tcpdump -ni any \
             '(tcp and host 10.0.0.1 and host 192.0.2.7 and port 5000 and port 443) or \
             (tcp and host 192.0.2.7 and host 198.51.100.1 and port 443 and port 6000)'"
        );
        let ping = L4::Icmp {
            kind: 128,
            code: 0,
            id: 9,
        };
        let six = tcpdump(&flow(0, v6(Protocol::ICMPV6, ping), None));
        assert!(six.contains("icmp6 and host fd00::1"), "{six}");
        assert!(six.ends_with("ip6[44:2] = 9'"), "{six}");
        let esp = tcpdump(&flow(0, v4(Protocol(50), L4::None), None));
        assert!(esp.contains("'ip proto 50 and host"), "{esp}");
    }

    #[test]
    fn a_tuple_is_one_line() {
        assert_eq!(
            tuple(&v6(Protocol::TCP, ports(5000, 443))),
            "tcp [fd00::1]:5000 [2001:db8::7]:443"
        );
        assert_eq!(
            tuple(&v4(Protocol::UDP, ports(1, 53))),
            "udp 10.0.0.1:1 192.0.2.7:53"
        );
        assert_eq!(
            tuple(&v4(Protocol::GRE, ports(0, 9))),
            "gre 10.0.0.1 192.0.2.7 key 0x0 0x9"
        );
    }

    fn to_drop(direction: Option<Direction>, orig: Tuple, reply: Option<Tuple>) -> String {
        let flow = flow(0, orig, reply);
        let (services, _) = Services::load(&services::Settings::default());
        let mut knowledge = Knowledge::new(services);
        let mut row = Row::new(&flow, &mut knowledge, Moment::default());
        row.bearings = Bearings {
            direction,
            ..Bearings::default()
        };
        row.ends = Pair {
            orig: End::UNKNOWN,
            reply: End::UNKNOWN,
        };
        row.host_to_drop()
            .map_or_else(str::to_owned, |host| host.to_string())
    }

    #[test]
    fn what_is_dropped_is_never_this_machine() {
        let plain = v4(Protocol::TCP, ports(5, 80));
        assert_eq!(to_drop(Some(Direction::Out), plain, None), "192.0.2.7");
        assert_eq!(to_drop(Some(Direction::In), plain, None), "10.0.0.1");
        assert_eq!(
            to_drop(Some(Direction::Local), plain, None),
            "both ends are this machine"
        );
        assert!(to_drop(None, plain, None).contains("not known yet"));
        // A port of ours, forwarded to a server inside.
        let client = Ipv4Addr::new(1, 1, 1, 1);
        let ours = Ipv4Addr::new(8, 8, 8, 8);
        let server = Ipv4Addr::new(10, 0, 0, 9);
        let come = Tuple::v4(client, ours, Protocol::TCP, ports(5, 80));
        let answer = Tuple::v4(server, client, Protocol::TCP, ports(80, 5));
        let forward = Some(Direction::Forward);
        assert_eq!(to_drop(forward, come, Some(answer)), "1.1.1.1");
        let group = Tuple::v4(
            server,
            Ipv4Addr::new(224, 0, 0, 251),
            Protocol::UDP,
            ports(5353, 5353),
        );
        assert!(to_drop(Some(Direction::Out), group, None).contains("no single host"));
    }

    #[test]
    fn nothing_in_a_command_leaves_its_quotes() {
        let host = "2001:db8::7".parse().unwrap();
        let command = nft_drop(host);
        assert_eq!(command.matches('\'').count(), 2);
        assert!(command.starts_with("nft 'add table inet flowtop_drop; "));
        assert!(command.ends_with("add rule inet flowtop_drop out ip6 daddr 2001:db8::7 drop'"));
        assert_eq!(nft_undo(), "nft delete table inet flowtop_drop");
    }
}
