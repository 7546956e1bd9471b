//! Where the fixtures come from: messages of the running kernel, about flows
//! that a laboratory makes the same way each time.

use flowtop::flow::{Key, L4, Origin, Protocol, Report, State, Status, Tuple};
use flowtop::netlink::conntrack::decode::Source;
use flowtop::netlink::conntrack::{
    CT_NEW, NFNLGRP_CONNTRACK_DESTROY, NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE, Problems,
    decode, request,
};
use flowtop::netlink::socket::Socket;
use flowtop::netlink::wire::{
    ENOENT, NLM_F_ACK, NLM_F_CREATE, NLMSG_DONE, NLMSG_ERROR, Requests, messages,
};

use super::fixture::split;
use super::lab::entries::Entry;
use super::lab::packets::{self, Packet, Talk};
use super::lab::traffic::{self, TcpService, UdpService};
use super::lab::{Host, Lab, Network, eventually, skip};
use super::notation::tuple;

// enum ctattr_type, ctattr_tuple, ctattr_ip, ctattr_l4proto, ctattr_protoinfo
const TUPLE_ORIG: u16 = 1;
const TUPLE_REPLY: u16 = 2;
const STATUS: u16 = 3;
const PROTOINFO: u16 = 4;
const TIMEOUT: u16 = 7;
const TUPLE_MASTER: u16 = 14;
const SEQ_ADJ_ORIG: u16 = 15;
const SECCTX: u16 = 19;
const TUPLE_ZONE: u16 = 3;
const PROTOINFO_TCP: u16 = 1;
const PROTOINFO_DCCP: u16 = 2;

/// One message, and how it came about.
pub(crate) struct Capture {
    pub(crate) name: &'static str,
    pub(crate) command: String,
    pub(crate) message: Vec<u8>,
}

/// Captures everything anew.
pub(crate) fn all(lab: &Lab) -> Vec<Capture> {
    let mut captures = Captures(Vec::new());
    captures.real_traffic(lab);
    captures.other_protocols(lab);
    captures.translation(lab);
    captures.uncounted(lab);
    captures.attributes(lab);
    captures.made_entries(lab);
    captures.events(lab);
    captures.answers(lab);
    captures.synthesised();
    captures.0
}

struct Captures(Vec<Capture>);

impl Captures {
    fn add(&mut self, name: &'static str, command: impl Into<String>, message: Vec<u8>) {
        self.0.push(Capture {
            name,
            command: command.into(),
            message,
        });
    }

    /// The row of one flow in a dump.
    fn dump(&mut self, name: &'static str, what: &str, host: &Host, zone: u16, orig: &str) {
        let key = Key {
            zone,
            orig: tuple(orig),
        };
        let command = format!("conntrack -L (CT_GET with NLM_F_DUMP): {what}");
        self.add(name, command, dump_row(host, &key));
        // What a row is called must be enough to ask for it.
        let mut requests = Requests::new();
        request::get(&mut requests, 1, &key);
        let answer = read(&ask(host, &requests).remove(0), Source::Get);
        assert_eq!(answer.map(|report| report.key), Some(key), "{name}");
    }

    fn real_traffic(&mut self, lab: &Lab) {
        let net = counting(lab);
        for (name, address, orig) in [
            (
                "dump_tcp_ipv4",
                "198.51.100.20:80",
                "tcp 192.0.2.10:40000 > 198.51.100.20:80",
            ),
            (
                "dump_tcp_ipv6",
                "[2001:db8:2::20]:80",
                "tcp [2001:db8:1::10]:40000 > [2001:db8:2::20]:80",
            ),
        ] {
            let service = TcpService::listen(&net.server, address);
            let connection = service.connect(&net.client);
            connection.upload(100);
            let what = "a router forwarding TCP: handshake and 100 bytes up; acct=1 timestamp=1";
            has_packets(&net.router, orig, 3, 2);
            self.dump(name, what, &net.router, 0, orig);
        }
        let service = UdpService::bind(&net.server, "198.51.100.20:53");
        let conversation = service.connect(&net.client);
        conversation.request(100);
        let what = "one UDP datagram with 100 bytes, no answer; acct=1 timestamp=1";
        let orig = "udp 192.0.2.10:40000 > 198.51.100.20:53";
        self.dump("dump_udp_unreplied", what, &net.router, 0, orig);
        conversation.exchange(0, 1000);
        let what = "UDP: 100 and 0 bytes there, 1000 back; acct=1 timestamp=1";
        self.dump("dump_udp_ipv4", what, &net.router, 0, orig);
        // It holds the client's only port.
        drop(conversation);
        let service = UdpService::bind(&net.server, "[2001:db8:2::20]:53");
        service.connect(&net.client).exchange(100, 1000);
        let what = "UDP: 100 bytes there, 1000 back; acct=1 timestamp=1";
        let orig = "udp [2001:db8:1::10]:40000 > [2001:db8:2::20]:53";
        self.dump("dump_udp_ipv6", what, &net.router, 0, orig);
        traffic::ping(&net.client, "198.51.100.20", 77);
        traffic::ping(&net.client, "2001:db8:2::20", 78);
        let what = "ping -c 1 -s 10; acct=1 timestamp=1";
        let orig = "icmp 192.0.2.10 > 198.51.100.20 type 8 code 0 id 77";
        self.dump("dump_icmp", what, &net.router, 0, orig);
        let orig = "icmpv6 2001:db8:1::10 > 2001:db8:2::20 type 128 code 0 id 78";
        self.dump("dump_icmpv6", what, &net.router, 0, orig);
    }

    fn other_protocols(&mut self, lab: &Lab) {
        let net = counting(lab);
        // See Packet::udplite.
        net.router
            .set_sysctl("net/netfilter/nf_conntrack_checksum", "0");
        for (name, orig, request, answer) in [
            (
                "dump_udplite",
                "udplite 192.0.2.10:4000 > 198.51.100.20:5002",
                Packet::udplite(4000, 5002, b"question"),
                Packet::udplite(5002, 4000, b"answer"),
            ),
            (
                "dump_gre",
                "gre 192.0.2.10:0 > 198.51.100.20:0",
                Packet::gre(b"question"),
                Packet::gre(b"answer"),
            ),
            (
                "dump_esp",
                "esp 192.0.2.10 > 198.51.100.20",
                Packet::esp(1, 1, b"question"),
                Packet::esp(2, 1, b"answer"),
            ),
            (
                "dump_dccp",
                "dccp 192.0.2.10 > 198.51.100.20",
                Packet::dccp_request(4000, 5001),
                Packet::dccp_response(5001, 4000),
            ),
        ] {
            let protocol = request.protocol();
            let mut talk = Talk::new(&net.client, &net.server, "198.51.100.20", protocol);
            talk.request(&request);
            talk.answer(&answer);
            let what = format!("one packet of {protocol} each way; acct=1 timestamp=1");
            if protocol == Protocol::DCCP && net.router.flow(protocol).orig.l4() != L4::None {
                // A kernel up to 6.16 tracks its ports: not what this fixture
                // is about.
                continue;
            }
            self.dump(name, &what, &net.router, 0, orig);
        }
        let _association =
            packets::associate(&net.client, &net.server, "198.51.100.20", [5000, 80]);
        let what = "an SCTP association after its four packets; acct=1 timestamp=1";
        let orig = "sctp 192.0.2.10:5000 > 198.51.100.20:80";
        self.dump("dump_sctp", what, &net.router, 0, orig);
    }

    fn translation(&mut self, lab: &Lab) {
        let net = counting(lab);
        let service = UdpService::bind(&net.server, "198.51.100.20:53");
        net.router.dnat(Protocol::UDP, 5353, service.address());
        let public = "192.0.2.1:5353".parse().expect("an address");
        service.connect_by(&net.client, public).exchange(10, 20);
        let what = "nft dnat to 198.51.100.20:53; UDP 10 bytes there, 20 back; acct=1 timestamp=1";
        let orig = "udp 192.0.2.10:40000 > 192.0.2.1:5353";
        self.dump("dump_dnat", what, &net.router, 0, orig);
        net.router.flush_flows();
        net.router.masquerade("wan");
        service.connect_by(&net.client, public).exchange(10, 20);
        let what = "nft dnat to 198.51.100.20:53 and masquerade; UDP 10 bytes there, 20 back; \
                    acct=1 timestamp=1";
        self.dump("dump_snat_and_dnat", what, &net.router, 0, orig);
        // It would keep the next from its port.
        net.router.flush_flows();
        service.connect(&net.client).exchange(10, 20);
        let what = "nft masquerade; UDP 10 bytes there, 20 back; acct=1 timestamp=1";
        let orig = "udp 192.0.2.10:40000 > 198.51.100.20:53";
        self.dump("dump_snat", what, &net.router, 0, orig);
        let service = TcpService::listen(&net.server, "[2001:db8:2::20]:80");
        let _connection = service.connect(&net.client);
        let orig = "tcp [2001:db8:1::10]:40000 > [2001:db8:2::20]:80";
        has_packets(&net.router, orig, 2, 1);
        let what = "nft masquerade; a TCP handshake over IPv6; acct=1 timestamp=1";
        self.dump("dump_snat_ipv6", what, &net.router, 0, orig);
    }

    fn uncounted(&mut self, lab: &Lab) {
        let net = network(lab);
        net.router.track();
        let service = UdpService::bind(&net.server, "198.51.100.20:53");
        service.connect(&net.client).exchange(100, 1000);
        let what = "UDP: 100 bytes there, 1000 back; acct=0 timestamp=0";
        let orig = "udp 192.0.2.10:40000 > 198.51.100.20:53";
        self.dump("dump_uncounted", what, &net.router, 0, orig);
    }

    fn attributes(&mut self, lab: &Lab) {
        let net = counting(lab);
        net.router.set_zone(9);
        net.router.set_mark(0xbeef);
        net.router.set_label(5);
        net.router.set_label(127);
        traffic::ping(&net.client, "198.51.100.20", 77);
        let what = "nft ct zone 9, ct mark 0xbeef, ct labels 5 and 127; ping -c 1 -s 10; \
                    acct=1 timestamp=1";
        let orig = "icmp 192.0.2.10 > 198.51.100.20 type 8 code 0 id 77";
        self.dump("dump_zone_mark_labels", what, &net.router, 9, orig);
    }

    /// Entries that need no packets.
    fn made_entries(&mut self, lab: &Lab) {
        let here = lab.here();
        let made = "an entry made by CT_NEW";
        let orig = "gre 10.0.0.1:8 > 10.0.0.2:9";
        here.create_flows([Entry::new(tuple(orig)).timeout_secs(1000)]);
        let what = format!("{made}: GRE with keys 8 and 9, as PPTP makes them; acct=0");
        self.dump("dump_gre_keys", &what, here, 0, orig);

        let ftp = "tcp 10.0.0.1:40000 > 10.0.0.2:21";
        here.create_flows([Entry::new(tuple(ftp)).timeout_secs(1000).helper("ftp")]);
        let what = format!("{made} with the helper ftp (and a CTA_SYNPROXY of zeroes); acct=0");
        self.dump("dump_helper_synproxy", &what, here, 0, ftp);

        let data = "tcp 10.0.0.2:20 > 10.0.0.1:40001";
        create(here, &tuple(data), None, |requests| {
            put_tuple(requests, TUPLE_MASTER, &tuple(ftp), None);
        });
        let what = format!("{made} with CTA_TUPLE_MASTER, the FTP connection; acct=0");
        self.dump("dump_master", &what, here, 0, data);

        let orig = "tcp 10.0.0.1:40002 > 10.0.0.2:22";
        create(here, &tuple(orig), None, |requests| {
            requests.nest(SEQ_ADJ_ORIG, |adjust| {
                for (kind, value) in [(1, 1000u32), (2, 5), (3, 7)] {
                    adjust.attribute(kind, &value.to_be_bytes()); // CTA_SEQADJ_*
                }
            });
        });
        let what = format!("{made} with CTA_SEQ_ADJ_ORIG; acct=0");
        self.dump("dump_seq_adjust", &what, here, 0, orig);

        let orig = "tcp 10.0.0.1:40003 > 10.0.0.2:22";
        create(here, &tuple(orig), Some((TUPLE_ORIG, 7)), |_| {});
        let what = format!("{made} with CTA_TUPLE_ZONE 7 in CTA_TUPLE_ORIG; acct=0");
        self.dump("dump_zone_of_orig", &what, here, 7, orig);

        let orig = "tcp 10.0.0.1:40004 > 10.0.0.2:22";
        create(here, &tuple(orig), Some((TUPLE_REPLY, 8)), |_| {});
        let what = format!("{made} with CTA_TUPLE_ZONE 8 in CTA_TUPLE_REPLY; acct=0");
        self.dump("dump_zone_of_reply", &what, here, 0, orig);
    }

    fn events(&mut self, lab: &Lab) {
        let net = counting(lab);
        let mut events = Listener::on(&net.router);
        let service = TcpService::listen(&net.server, "198.51.100.20:80");
        let connection = service.connect(&net.client);
        let orig = "tcp 192.0.2.10:40000 > 198.51.100.20:80";
        has_packets(&net.router, orig, 2, 1);
        let what = "conntrack -E: a TCP connection begins; acct=1 timestamp=1";
        self.add("event_new_tcp", what, events.next(orig, Origin::New));
        let what = "conntrack -E: its SYN is answered; acct=1 timestamp=1";
        let message = events.next(orig, Origin::Changed);
        self.add("event_update_tcp_syn_recv", what, message);
        let what = "conntrack -E: it is established; acct=1 timestamp=1";
        let message = events.next(orig, Origin::Changed);
        self.add("event_update_tcp_established", what, message);
        net.router.mark_flow(&tuple(orig), 0xbeef);
        let what = "conntrack -E: conntrack -U --mark 0xbeef; acct=1 timestamp=1";
        let message = events.next(orig, Origin::Changed);
        self.add("event_update_mark", what, message);
        net.router.delete_flow(&tuple(orig));
        let what = "conntrack -E: conntrack -D of a TCP connection; acct=1 timestamp=1";
        let message = events.next(orig, Origin::Destroyed);
        self.add("event_destroy_tcp", what, message);
        drop(connection);

        let service = UdpService::bind(&net.server, "[2001:db8:2::20]:53");
        service.connect(&net.client).exchange(100, 1000);
        let orig = "udp [2001:db8:1::10]:40000 > [2001:db8:2::20]:53";
        let what = "conntrack -E: a UDP datagram over IPv6; acct=1 timestamp=1";
        self.add("event_new_udp_ipv6", what, events.next(orig, Origin::New));
        let what = "conntrack -E: it is answered; acct=1 timestamp=1";
        let message = events.next(orig, Origin::Changed);
        self.add("event_update_udp_reply", what, message);
        net.router.flush_flows();
        let what = "conntrack -E: conntrack -F ends a UDP flow; acct=1 timestamp=1";
        let message = events.next(orig, Origin::Destroyed);
        self.add("event_destroy_udp_ipv6", what, message);

        let here = lab.here();
        let mut events = Listener::on(here);
        let orig = "sctp 10.0.0.1:5000 > 10.0.0.2:80";
        here.create_flows([Entry::new(tuple(orig))
            .zone(3)
            .mark(5)
            .timeout_secs(1000)
            .state(State::Sctp(4))]);
        let what = "conntrack -E: conntrack -I of SCTP in zone 3 with mark 5; acct=0 timestamp=0";
        self.add("event_new_made", what, events.next(orig, Origin::New));
        here.flush_flows();
        let what = "conntrack -E: conntrack -F ends SCTP in zone 3 with mark 5; acct=0 timestamp=0";
        let message = events.next(orig, Origin::Destroyed);
        self.add("event_destroy_uncounted", what, message);
    }

    fn answers(&mut self, lab: &Lab) {
        let net = counting(lab);
        let service = UdpService::bind(&net.server, "198.51.100.20:53");
        service.connect(&net.client).exchange(100, 1000);
        let orig = tuple("udp 192.0.2.10:40000 > 198.51.100.20:53");
        let mut requests = Requests::new();
        request::get(&mut requests, 1, &Key { zone: 0, orig });
        let what = "conntrack -G (CT_GET) of a UDP flow; acct=1 timestamp=1";
        self.add("get_udp", what, ask(&net.router, &requests).remove(0));
        net.router.flush_flows();
        let what = "conntrack -G (CT_GET) of a flow that is not there";
        let answer = ask(&net.router, &requests).remove(0);
        self.add("get_enoent", what, answer);
        let mut requests = Requests::new();
        request::dump_all(&mut requests, 2);
        let what = "conntrack -L (CT_GET with NLM_F_DUMP) of an empty table";
        let done = ask(&net.router, &requests).remove(0);
        self.add("dump_done", what, done);
    }

    /// What this kernel does not do is derived from what it does.
    fn synthesised(&mut self) {
        let tcp = self.named("dump_tcp_ipv4");
        let dccp = self.named("dump_udp_ipv4");
        let synthesised = "SYNTHESISED, as this needs hardware, a security module or an older \
                           kernel: derived from";
        for (name, bits, how) in [
            ("dump_offload", Status::OFFLOAD, "IPS_OFFLOAD"),
            (
                "dump_hw_offload",
                Status::OFFLOAD | Status::HW_OFFLOAD,
                "IPS_OFFLOAD and IPS_HW_OFFLOAD",
            ),
        ] {
            // ctnetlink ignores these bits in CT_NEW.
            let message = rewritten(&tcp, |kind, payload, requests| match kind & 0x3fff {
                TIMEOUT | PROTOINFO => {}
                STATUS => {
                    let status = u32::from_be_bytes(payload.try_into().expect("a be32"));
                    requests.attribute(STATUS, &(status | bits.0).to_be_bytes());
                }
                _ => {
                    requests.attribute(kind, payload);
                }
            });
            let command =
                format!("{synthesised} dump_tcp_ipv4, with {how}, without TIMEOUT and PROTOINFO");
            self.add(name, command, message);
        }
        let message = rewritten(&tcp, |kind, payload, requests| {
            requests.attribute(kind, payload);
            if kind & 0x3fff == STATUS {
                requests.nest(SECCTX, |nest| {
                    let label = b"system_u:object_r:unlabeled_t:s0\0";
                    nest.attribute(1, label); // CTA_SECCTX_NAME
                });
            }
        });
        let command = format!("{synthesised} dump_tcp_ipv4, with CTA_SECCTX added");
        self.add("dump_secctx", command, message);
        let message = rewritten(&dccp, |kind, payload, requests| {
            let udp = [5, 0, 1, 0, 17];
            let is_tuple = matches!(kind & 0x3fff, TUPLE_ORIG | TUPLE_REPLY);
            let mut payload = payload.to_vec();
            if let Some(at) = payload.windows(5).position(|w| is_tuple && w == udp) {
                payload[at + 4] = Protocol::DCCP.0;
            }
            requests.attribute(kind, &payload);
            if kind & 0x3fff == STATUS {
                requests.nest(PROTOINFO, |info| {
                    info.nest(PROTOINFO_DCCP, |dccp| {
                        dccp.attribute(1, &[4]) // CTA_PROTOINFO_DCCP_STATE: OPEN
                            .attribute(2, &[0]) // _ROLE: client
                            .attribute(4, &[]) // _PAD
                            .attribute(3, &7u64.to_be_bytes()); // _HANDSHAKE_SEQ
                    });
                });
            }
        });
        let command =
            format!("{synthesised} dump_udp_ipv4, as Linux 6.16 would say it of tracked DCCP");
        self.add("dump_dccp_tracked", command, message);
    }

    fn named(&self, name: &str) -> Vec<u8> {
        let found = self.0.iter().find(|capture| capture.name == name);
        found.expect("captured before").message.clone()
    }
}

/// A router that tracks, counts and stamps, and a client with a single port.
fn counting(lab: &Lab) -> Network {
    let net = network(lab);
    for key in ["acct", "timestamp"] {
        net.router
            .set_sysctl(&format!("net/netfilter/nf_conntrack_{key}"), "1");
    }
    net.router.track();
    net
}

fn network(lab: &Lab) -> Network {
    let net = lab.router();
    net.client
        .set_sysctl("net/ipv4/ip_local_port_range", "40000 40000");
    net
}

/// Waits until a flow has so many packets there and back.
fn has_packets(host: &Host, orig: &str, there: u64, back: u64) {
    let orig = tuple(orig);
    eventually(&format!("{orig:?} has {there} and {back} packets"), || {
        host.flows().iter().any(|flow| {
            let packets = flow.counters.map(|c| c.map(|(packets, _)| packets));
            flow.orig == orig && packets == Some([there, back])
        })
    });
}

fn open(host: &Host) -> Socket {
    host.enter(|| Socket::open().expect("a netlink socket"))
}

/// All messages that come back, up to the one that ends the answer.
fn ask(host: &Host, requests: &Requests) -> Vec<Vec<u8>> {
    let socket = open(host);
    socket.send(requests.bytes()).expect("the kernel listens");
    let mut buffer = vec![0; 1 << 16];
    let mut answers = Vec::new();
    let is_dump = requests.bytes()[7] & 3 != 0; // NLM_F_DUMP
    loop {
        let length = socket.recv(&mut buffer).expect("an answer");
        for message in split(&buffer[..length]) {
            let kind = u16::from_ne_bytes([message[4], message[5]]);
            answers.push(message.to_vec());
            if !is_dump || kind == NLMSG_DONE || kind == NLMSG_ERROR {
                return answers;
            }
        }
    }
}

fn read(message: &[u8], source: Source) -> Option<Report> {
    let message = messages(message).next()?;
    decode(&message, source, &mut Problems::default())
}

fn dump_row(host: &Host, key: &Key) -> Vec<u8> {
    let mut requests = Requests::new();
    request::dump_all(&mut requests, 1);
    ask(host, &requests)
        .into_iter()
        .find(|message| read(message, Source::Dump).is_some_and(|report| report.key == *key))
        .unwrap_or_else(|| panic!("{key:?} is not in the dump"))
}

struct Listener {
    socket: Socket,
    heard: Vec<Vec<u8>>,
}

impl Listener {
    fn on(host: &Host) -> Self {
        let socket = open(host);
        for group in [
            NFNLGRP_CONNTRACK_NEW,
            NFNLGRP_CONNTRACK_UPDATE,
            NFNLGRP_CONNTRACK_DESTROY,
        ] {
            socket.join(group).expect("a subscription");
        }
        let heard = Vec::new();
        Self { socket, heard }
    }

    /// The next event of a kind about a flow.
    fn next(&mut self, orig: &str, origin: Origin) -> Vec<u8> {
        let wanted = tuple(orig);
        let mut buffer = vec![0; 1 << 16];
        let mut found = None;
        eventually(&format!("{origin:?} of {orig}"), || {
            while let Some(length) = self.socket.recv_now(&mut buffer).expect("events") {
                let messages = split(&buffer[..length]);
                self.heard.extend(messages.into_iter().map(<[u8]>::to_vec));
            }
            found = self.heard.iter().position(|message| {
                read(message, Source::Event)
                    .is_some_and(|r| r.key.orig == wanted && r.origin == origin)
            });
            found.is_some()
        });
        self.heard.remove(found.expect("waited for"))
    }
}

/// Makes a TCP entry that lives for 1000 seconds, with more than
/// [`Entry`] can say: a zone in one of its tuples, other attributes.
fn create(host: &Host, orig: &Tuple, zone: Option<(u16, u16)>, more: impl FnOnce(&mut Requests)) {
    let mut requests = Requests::new();
    requests.message(CT_NEW, NLM_F_CREATE | NLM_F_ACK, 1, libc::AF_INET as u8);
    let zone_of = |tuple| zone.filter(|(of, _)| *of == tuple).map(|(_, zone)| zone);
    put_tuple(&mut requests, TUPLE_ORIG, orig, zone_of(TUPLE_ORIG));
    put_tuple(
        &mut requests,
        TUPLE_REPLY,
        &orig.inverted(),
        zone_of(TUPLE_REPLY),
    );
    let status = Status::CONFIRMED | Status::SEEN_REPLY | Status::ASSURED;
    requests
        .attribute(STATUS, &status.0.to_be_bytes())
        .attribute(TIMEOUT, &1000u32.to_be_bytes())
        .nest(PROTOINFO, |info| {
            info.nest(PROTOINFO_TCP, |tcp| {
                tcp.attribute(1, &[State::TCP_ESTABLISHED.number()]);
            });
        });
    more(&mut requests);
    let answer = ask(host, &requests).remove(0);
    let errno = messages(&answer).next().map_or(ENOENT, |m| m.errno());
    if errno != 0 {
        let error = std::io::Error::from_raw_os_error(errno);
        skip(format_args!("this kernel does not make {orig:?}: {error}"));
    }
}

/// Adds an IPv4 tuple with ports.
fn put_tuple(requests: &mut Requests, kind: u16, tuple: &Tuple, zone: Option<u16>) {
    let port = |port: Option<u16>| port.expect("a protocol with ports").to_be_bytes();
    let ip = |address| match address {
        std::net::IpAddr::V4(ip) => ip.octets(),
        std::net::IpAddr::V6(_) => panic!("an IPv4 tuple is expected"),
    };
    requests.nest(kind, |nest| {
        nest.nest(1, |addresses| {
            addresses
                .attribute(1, &ip(tuple.src()))
                .attribute(2, &ip(tuple.dst()));
        })
        .nest(2, |proto| {
            proto
                .attribute(1, &[tuple.proto().0])
                .attribute(2, &port(tuple.sport()))
                .attribute(3, &port(tuple.dport()));
        });
        if let Some(zone) = zone {
            nest.attribute(TUPLE_ZONE, &zone.to_be_bytes());
        }
    });
}

/// A message whose attributes have gone through `each`, which adds what is to
/// be there instead. Attribute types keep their flags.
fn rewritten(message: &[u8], mut each: impl FnMut(u16, &[u8], &mut Requests)) -> Vec<u8> {
    let (head, mut rest) = message.split_at(20);
    let word = |at: usize| [head[at], head[at + 1]];
    let mut requests = Requests::new();
    requests.message(u16::from_ne_bytes(word(4)), 0, 0, head[16]);
    while let [low, high, kind_low, kind_high, ..] = *rest {
        let length = usize::from(u16::from_ne_bytes([low, high]));
        let kind = u16::from_ne_bytes([kind_low, kind_high]);
        each(kind, &rest[4..length], &mut requests);
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    let mut bytes = requests.bytes().to_vec();
    // Flags, sequence number and port as the kernel wrote them.
    bytes[6..16].copy_from_slice(&head[6..16]);
    bytes
}
