//! The decoder against what no kernel sends: noise, cuts, flipped bits and
//! attributes that do not exist yet.

use flowtop::flow::{Counters, Family, Key, L4, Origin, Protocol, Report, Tuple};
use flowtop::netlink::conntrack::decode::Source;
use flowtop::netlink::conntrack::{CT_NEW, Problems, decode, request};
use flowtop::netlink::wire::{Requests, messages};
use proptest::prelude::*;

use super::FLOWS;
use super::fixture::Fixture;

/// Bytes before the attributes.
const ATTRIBUTES: usize = 20;
/// One more than `CTA_TIMESTAMP_EVENT`.
const CTA_FUTURE: u16 = 28;

/// All reports of a datagram.
fn read(datagram: &[u8], source: Source) -> (Vec<Report>, Problems) {
    let mut problems = Problems::default();
    let reports = messages(datagram)
        .filter_map(|message| decode(&message, source, &mut problems))
        .collect();
    (reports, problems)
}

/// The fixtures about flows: bytes and how they arrived.
fn flows() -> impl Iterator<Item = (Vec<u8>, Source)> {
    FLOWS
        .iter()
        .map(|(name, source)| (Fixture::load(name).bytes, *source))
}

/// A message with another length in its header.
fn resized(mut message: Vec<u8>) -> Vec<u8> {
    let length = message.len() as u32;
    message[..4].copy_from_slice(&length.to_ne_bytes());
    message
}

/// Where the top attributes of a message begin.
fn attribute_starts(message: &[u8]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut at = ATTRIBUTES;
    while at < message.len() {
        starts.push(at);
        let length = u16::from_ne_bytes([message[at], message[at + 1]]);
        at += usize::from(length).next_multiple_of(4);
    }
    starts
}

/// Whether `part` says nothing that `whole` does not say.
fn is_part(part: &Report, whole: &Report) -> bool {
    fn agrees<T: PartialEq>(part: Option<&T>, whole: Option<&T>) -> bool {
        part.is_none() || part == whole
    }
    part.key.orig == whole.key.orig
        && [0, whole.key.zone].contains(&part.key.zone)
        && part.origin == whole.origin
        && agrees(part.id.as_ref(), whole.id.as_ref())
        && agrees(part.reply.as_ref(), whole.reply.as_ref())
        && agrees(part.status.as_ref(), whole.status.as_ref())
        && agrees(part.state.as_ref(), whole.state.as_ref())
        && agrees(part.timeout_secs.as_ref(), whole.timeout_secs.as_ref())
        && agrees(part.mark.as_ref(), whole.mark.as_ref())
        && agrees(part.start_ns.as_ref(), whole.start_ns.as_ref())
        && agrees(part.stop_ns.as_ref(), whole.stop_ns.as_ref())
        && agrees(part.rare.as_ref(), whole.rare.as_ref())
        // One direction may be cut off.
        && part.counters.is_none_or(|part| {
            whole.counters.is_some_and(|whole| {
                [whole.orig, Counters::default()].contains(&part.orig)
                    && [whole.reply, Counters::default()].contains(&part.reply)
            })
        })
}

#[test]
fn a_cut_datagram_is_left_over() {
    for (bytes, source) in flows() {
        for cut in 0..bytes.len() {
            let mut walk = messages(&bytes[..cut]);
            assert_eq!(walk.by_ref().count(), 0);
            assert_eq!(walk.leftover(), cut);
            assert_eq!(read(&bytes[..cut], source).0, []);
        }
    }
}

#[test]
fn a_cut_message_says_less_and_never_something_else() {
    for (bytes, source) in flows() {
        let whole = read(&bytes, source).0.remove(0);
        let starts = attribute_starts(&bytes);
        for cut in 16..bytes.len() {
            let (reports, problems) = read(&resized(bytes[..cut].to_vec()), source);
            match &reports[..] {
                [] => assert_eq!(problems.unusable, 1, "at {cut} of {whole:?}"),
                [report] => {
                    assert!(is_part(report, &whole), "{report:?} of {whole:?}");
                    // Only between two attributes a cut cannot be seen.
                    let seen = problems.total() > 0;
                    let padding = starts.iter().any(|start| (cut..cut + 4).contains(start));
                    assert!(seen || padding, "at {cut} of {whole:?}");
                }
                more => panic!("{more:?}"),
            }
        }
    }
}

#[test]
fn a_message_after_a_broken_one_is_read() {
    let sound = Fixture::load("dump_udp_ipv4").bytes;
    let expected = read(&sound, Source::Dump).0;
    for (bytes, _) in flows() {
        for broken in [16, 18, 20, 24, 50] {
            let mut datagram = resized(bytes[..broken].to_vec());
            datagram.resize(broken.next_multiple_of(4), 0);
            datagram.extend(&sound);
            let (reports, problems) = read(&datagram, Source::Dump);
            assert_eq!(reports, expected);
            assert_eq!(problems.unusable, 1);
        }
    }
}

#[test]
fn attributes_of_the_future_are_counted_and_passed_over() {
    for (bytes, source) in flows() {
        let (expected, _) = read(&bytes, source);
        for at in attribute_starts(&bytes) {
            let mut message = bytes.clone();
            let [low, high] = CTA_FUTURE.to_ne_bytes();
            message.splice(at..at, [7, 0, low, high, 1, 2, 3, 0]);
            let (reports, problems) = read(&resized(message), source);
            assert_eq!(reports, expected);
            assert_eq!((problems.unknown, problems.total()), (1, 1));
        }
    }
}

#[test]
fn an_attribute_of_the_wrong_length_is_absent_and_counted() {
    // What is left of a fixture that has everything.
    let bytes = Fixture::load("event_destroy_tcp").bytes;
    let whole = read(&bytes, Source::Event).0.remove(0);
    let without = |wanted: u16| {
        let at = attribute_starts(&bytes)
            .into_iter()
            .find(|at| u16::from_ne_bytes([bytes[at + 2], bytes[at + 3]]) & 0x3fff == wanted)
            .expect("the fixture has it");
        let mut message = bytes.clone();
        let length = u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
        // Within the same four bytes, so that the next attribute stays.
        message[at..at + 2].copy_from_slice(&(length - 1).to_ne_bytes());
        let (mut reports, problems) = read(&message, Source::Event);
        assert_eq!(problems.total(), 1 + problems.unusable, "{wanted}");
        reports.pop()
    };
    let but = |change: fn(&mut Report)| {
        let mut report = whole.clone();
        change(&mut report);
        Some(report)
    };
    assert_eq!(without(1), None, "CTA_TUPLE_ORIG");
    assert_eq!(without(2), but(|r| r.reply = None), "CTA_TUPLE_REPLY");
    assert_eq!(without(3), but(|r| r.status = None), "CTA_STATUS");
    assert_eq!(without(7), but(|r| r.timeout_secs = None), "CTA_TIMEOUT");
    assert_eq!(without(8), but(|r| r.mark = None), "CTA_MARK");
    assert_eq!(without(12), but(|r| r.id = None), "CTA_ID");
    let bytes = Fixture::load("event_new_made").bytes;
    let zone = [6u16.to_ne_bytes(), 18u16.to_ne_bytes(), 3u16.to_be_bytes()].concat();
    let at = bytes.windows(6).position(|window| window == zone);
    let mut message = bytes.clone();
    message[at.expect("CTA_ZONE")] = 5;
    let (reports, problems) = read(&message, Source::Event);
    assert_eq!(reports, [], "without its zone it would be another flow");
    assert_eq!(problems.unusable, 1);
}

#[test]
fn half_a_tuple_names_no_flow() {
    let bytes = Fixture::load("dump_udp_ipv4").bytes;
    // CTA_PROTO_SRC_PORT of the original tuple becomes an unknown attribute.
    let port = [6, 0, 2, 0, 0x9c, 0x40];
    let at = bytes.windows(6).position(|window| window == port);
    let mut message = bytes;
    message[at.expect("a source port") + 2] = 99;
    let (reports, problems) = read(&message, Source::Dump);
    assert_eq!(reports, []);
    assert_eq!((problems.unusable, problems.malformed), (1, 1));
}

/// Asks for a flow, and reads the question as if it were the answer.
fn through_a_request(key: &Key) -> Report {
    let mut requests = Requests::new();
    request::get(&mut requests, 1, key);
    let mut message = requests.bytes().to_vec();
    message[4..6].copy_from_slice(&CT_NEW.to_ne_bytes());
    let (mut reports, problems) = read(&message, Source::Get);
    assert_eq!(problems, Problems::default());
    reports.pop().expect("a flow")
}

#[test]
fn what_was_read_can_be_asked_for() {
    for (bytes, source) in flows() {
        let key = read(&bytes, source).0.remove(0).key;
        assert_eq!(through_a_request(&key), Report::about(key, Origin::Fetched));
    }
}

fn any_key() -> impl Strategy<Value = Key> {
    let l4 = prop_oneof![
        Just(L4::None),
        any::<(u16, u16)>().prop_map(|(src, dst)| L4::Ports { src, dst }),
        any::<(u8, u8, u16)>().prop_map(|(kind, code, id)| L4::Icmp { kind, code, id }),
    ];
    (
        any::<u16>(),
        any::<bool>(),
        any::<[u128; 2]>(),
        any::<u8>(),
        l4,
    )
        .prop_map(|(zone, v4, [src, dst], proto, l4)| {
            let proto = Protocol(proto);
            let orig = if v4 {
                Tuple::v4((src as u32).into(), (dst as u32).into(), proto, l4)
            } else {
                Tuple::v6(src.into(), dst.into(), proto, l4)
            };
            Key { zone, orig }
        })
}

fn any_source() -> impl Strategy<Value = Source> {
    prop_oneof![Just(Source::Event), Just(Source::Dump), Just(Source::Get)]
}

proptest! {
    #[test]
    fn noise_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..400), source in any_source()) {
        read(&bytes, source);
    }

    /// Noise of which the headers are right, so that it gets to the attributes.
    #[test]
    fn noise_inside_a_message_is_survived(
        noise in prop::collection::vec(any::<u8>(), 0..400),
        family in prop_oneof![Just(Family::Ipv4), Just(Family::Ipv6)],
        source in any_source(),
    ) {
        let mut requests = Requests::new();
        requests.message(CT_NEW, 0, 0, family as u8);
        let mut message = requests.bytes().to_vec();
        message.extend(&noise);
        let (reports, problems) = read(&resized(message), source);
        prop_assert_eq!(reports.len() as u64 + problems.unusable, 1);
    }

    #[test]
    fn flipped_bits_are_survived_and_stay_in_their_message(
        number in 0..FLOWS.len(),
        flips in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
    ) {
        let (name, source) = FLOWS[number];
        let sound = Fixture::load(name).bytes;
        let mut broken = sound.clone();
        for flip in flips {
            // Not the length: it says where the next message is.
            let bit = 32 + flip.index(broken.len() * 8 - 32);
            broken[bit / 8] ^= 1 << (bit % 8);
        }
        let expected = read(&sound, source).0;
        let (reports, problems) = read(&[broken, sound].concat(), source);
        prop_assert_eq!(reports.last(), expected.last());
        prop_assert!(reports.len() <= 2 && problems.unusable <= 1);
    }

    #[test]
    fn a_key_survives_being_written_and_read(key in any_key()) {
        prop_assert_eq!(through_a_request(&key), Report::about(key, Origin::Fetched));
    }
}
