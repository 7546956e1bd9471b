//! Single flows, asked for by their keys.

use flowtop::collect::{Clock, Delivery, Inquiry, Kernel, Source as _};
use flowtop::flow::{Key, L4, Protocol, Tuple};

use crate::lab::entries::Entry;
use crate::lab::traffic::UdpService;
use crate::lab::{self, FLOWS_PER_SERVER, Host, SERVERS};
use crate::notation::{between, ip, ports};
use crate::observed::{accept_udplite, at, observed};
use crate::watch::{DUMPS, LISTEN, Watch};

/// Entries of every protocol, family and zone.
fn entries_of_every_kind() -> Vec<Entry> {
    let mut entries = Vec::new();
    for zone in [0, 1, 65_535] {
        for (src, dst) in [("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2")] {
            let v4 = ip(src).is_ipv4();
            let icmp = if v4 { Protocol::ICMP } else { Protocol::ICMPV6 };
            let kinds: &[u8] = if v4 { &[8, 13, 15, 17] } else { &[128] };
            for &kind in kinds {
                let (code, id) = (0, 4711);
                entries.push((src, dst, icmp, L4::Icmp { kind, code, id }, zone));
            }
            for proto in [Protocol::TCP, Protocol::UDP, Protocol::UDPLITE] {
                entries.push((src, dst, proto, ports(1234, 80), zone));
            }
            entries.push((src, dst, Protocol::SCTP, ports(1234, 80), zone));
            entries.push((src, dst, Protocol::GRE, ports(0, 0x4d), zone));
            for number in [0, 2, 41, 50, 51, 89, 253, 255] {
                entries.push((src, dst, Protocol(number), L4::None, zone));
            }
        }
    }
    entries
        .into_iter()
        .map(|(src, dst, proto, l4, zone)| Entry::new(between(src, dst, proto, l4)).zone(zone))
        .collect()
}

/// Another key that nobody has.
fn neighbour(key: &Key) -> Key {
    let orig = key.orig;
    let l4 = match orig.l4() {
        L4::None => return Key { zone: 9, ..*key },
        L4::Ports { src, dst } => ports(src, dst + 1),
        L4::Icmp { kind, code, id } => L4::Icmp {
            kind,
            code,
            id: id + 1,
        },
    };
    Key {
        orig: Tuple::new(orig.src(), orig.dst(), orig.proto(), l4).expect("one family"),
        ..*key
    }
}

#[test]
fn every_kind_of_flow_can_be_asked_for() {
    lab::run("asked::every_kind_of_flow_can_be_asked_for", |lab| {
        let here = lab.here();
        here.create_flows(entries_of_every_kind());
        let mut watch = Watch::start(here, DUMPS);
        watch.dump();
        watch.assert_is(here);
        let keys: Vec<Key> = watch.table.flows().map(|(_, flow)| *flow.key()).collect();
        assert_eq!(keys.len(), entries_of_every_kind().len());
        ask(here, &keys, true);
        ask(here, &keys.iter().map(neighbour).collect::<Vec<_>>(), false);
        let nowhere: Vec<_> = keys.iter().map(|key| Key { zone: 77, ..*key }).collect();
        ask(here, &nowhere, false);
        here.flush_flows();
        ask(here, &keys, false);
        watch.refresh();
        assert!(watch.table.is_empty());
    });
}

/// Flows whose zone counts in one direction only are found by their key too.
#[test]
fn flows_with_a_zone_in_one_direction_can_be_asked_for() {
    lab::run(
        "asked::flows_with_a_zone_in_one_direction_can_be_asked_for",
        |lab| {
            let net = observed(lab);
            net.router.set_original_zone(12);
            let mut watch = Watch::start(&net.router, LISTEN);
            for server in SERVERS {
                let service = UdpService::bind(&net.server, &at(server, 53));
                service.connect(&net.client).exchange(1, 1);
            }
            watch.refresh();
            let keys: Vec<Key> = watch.table.flows().map(|(_, flow)| *flow.key()).collect();
            assert_eq!(keys.len(), 2, "{keys:?}");
            assert!(keys.iter().all(|key| key.zone == 12), "{keys:?}");
            ask(&net.router, &keys, true);
            let elsewhere: Vec<_> = keys.iter().map(|key| Key { zone: 0, ..*key }).collect();
            ask(&net.router, &elsewhere, false);
        },
    );
}

#[test]
fn every_flow_of_real_traffic_can_be_asked_for() {
    lab::run(
        "asked::every_flow_of_real_traffic_can_be_asked_for",
        |lab| {
            let net = observed(lab);
            accept_udplite(&net.router);
            net.router.masquerade("wan");
            for server in SERVERS {
                net.speak_everything(server);
            }
            let mut watch = Watch::start(&net.router, DUMPS);
            watch.dump();
            let keys: Vec<Key> = watch.table.flows().map(|(_, flow)| *flow.key()).collect();
            assert_eq!(keys.len(), 2 * FLOWS_PER_SERVER);
            ask(&net.router, &keys, true);
        },
    );
}

/// Asks for each key and compares whether it is there, and which.
fn ask(host: &Host, keys: &[Key], exist: bool) {
    use flowtop::flow::{Origin, Update};
    let (out, deliveries) = std::sync::mpsc::sync_channel::<Delivery>(64);
    let kernel = host
        .enter(|| Kernel::start(DUMPS, Clock::start(), &out))
        .expect("permitted");
    kernel.inquire(Inquiry::Get(keys.to_vec()));
    // The end of a dump is the end of the answers before it.
    kernel.inquire(Inquiry::Dump);
    let mut answers = Vec::new();
    'answers: loop {
        let Ok(Delivery::Batch(batch)) = deliveries.recv() else {
            panic!("the source has ended");
        };
        for update in batch.updates {
            match update {
                Update::Absent(key) => answers.push((key, false)),
                Update::Flow(report) if report.origin == Origin::Fetched => {
                    answers.push((report.key, true));
                }
                Update::DumpBegin => break 'answers,
                other => panic!("unexpected {other:?}"),
            }
        }
    }
    let expected: Vec<_> = keys.iter().map(|key| (*key, exist)).collect();
    assert_eq!(answers, expected);
}

#[test]
fn gets_are_pipelined_by_the_thousand() {
    lab::run("asked::gets_are_pipelined_by_the_thousand", |lab| {
        let here = lab.here();
        here.create_flows((0..3000).map(Entry::numbered));
        let mut watch = Watch::start(here, DUMPS);
        watch.dump();
        let keys: Vec<Key> = watch.table.flows().map(|(_, flow)| *flow.key()).collect();
        assert_eq!(keys.len(), 3000);
        ask(here, &keys, true);
    });
}
