//! The codec against replies that servers, and others, may send.

use super::*;
use domain::base::Serial;
use domain::base::iana::Rcode;
use domain::base::message_builder::AnswerBuilder;
use domain::base::record::ComposeRecord;
use domain::base::{Ttl, name::FromStrError};
use domain::rdata::{A, Cname};
use proptest::prelude::*;
use std::str::FromStr as _;

const ID: u16 = 0xbeef;

fn addr() -> IpAddr {
    "8.8.4.4".parse().unwrap()
}

fn dns_name(text: &str) -> Name<Vec<u8>> {
    let name: Result<_, FromStrError> = Name::from_str(text);
    name.unwrap()
}

/// A reply to the query for [`addr`], its answers to be added.
fn start(rcode: Rcode) -> AnswerBuilder<Vec<u8>> {
    let query = query(ID, addr()).unwrap();
    let query = Message::from_octets(query).unwrap();
    MessageBuilder::new_vec()
        .start_answer(&query, rcode)
        .unwrap()
}

fn asked() -> Name<Vec<u8>> {
    dns_name("4.4.8.8.in-addr.arpa")
}

fn pointer(owner: &str, target: &str, ttl: u32) -> impl ComposeRecord {
    (
        dns_name(owner),
        Ttl::from_secs(ttl),
        Ptr::new(dns_name(target)),
    )
}

fn read(datagram: &[u8]) -> Result<Outcome, NotMine> {
    reply(datagram, ID, addr())
}

fn named(name: &str, secs: u64) -> Outcome {
    Outcome::Named {
        name: name.into(),
        ttl: Duration::from_secs(secs),
    }
}

/// A reply whose only answer is a PTR record with these octets as its name.
fn with_target(target: &[u8]) -> Vec<u8> {
    let mut datagram = start(Rcode::NOERROR).finish();
    datagram[6..8].copy_from_slice(&1u16.to_be_bytes());
    datagram.extend([0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 60]);
    datagram.extend((target.len() as u16).to_be_bytes());
    datagram.extend(target);
    datagram
}

#[test]
fn the_query_is_what_rfc_1035_wants() {
    let expected = [
        &[0xbe, 0xef, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0][..],
        b"\x014\x014\x018\x018\x07in-addr\x04arpa\0",
        &[0, 12, 0, 1],
    ];
    assert_eq!(query(ID, addr()).unwrap(), expected.concat());
    let v6 = query(ID, "2001:db8::1".parse().unwrap()).unwrap();
    assert!(v6[12..].starts_with(b"\x011\x010\x010"));
    assert!(v6.ends_with(b"\x012\x03ip6\x04arpa\0\0\x0c\0\x01"));
    assert_eq!(id(&v6), Some(ID));
}

#[test]
fn a_name_with_its_ttl() {
    let mut message = start(Rcode::NOERROR);
    message
        .push(pointer("4.4.8.8.in-addr.arpa", "dns.google", 7))
        .unwrap();
    message
        .push(pointer("4.4.8.8.in-addr.arpa", "second.example", 8))
        .unwrap();
    assert_eq!(read(&message.finish()), Ok(named("dns.google", 7)));
}

#[test]
fn servers_may_change_the_case_of_the_question() {
    let mut message = start(Rcode::NOERROR);
    message
        .push(pointer("4.4.8.8.in-addr.arpa", "dns.google", 7))
        .unwrap();
    let mut datagram = message.finish();
    datagram[20..28].make_ascii_uppercase();
    assert_eq!(read(&datagram), Ok(named("dns.google", 7)));
}

#[test]
fn a_classless_delegation_is_followed() {
    let mut message = start(Rcode::NOERROR);
    let alias = dns_name("4.0-15.4.8.8.in-addr.arpa");
    message
        .push((asked(), Ttl::from_secs(9), Cname::new(alias)))
        .unwrap();
    message
        .push(pointer("else.example", "wrong.example", 5))
        .unwrap();
    message
        .push(pointer("4.0-15.4.8.8.in-addr.arpa", "right.example", 6))
        .unwrap();
    assert_eq!(read(&message.finish()), Ok(named("right.example", 6)));
}

#[test]
fn no_name_lasts_as_long_as_the_soa_says() {
    for (rcode, ttl, minimum) in [(Rcode::NXDOMAIN, 900, 400), (Rcode::NOERROR, 400, 900)] {
        let mut message = start(rcode).authority();
        let zero = Ttl::from_secs(0);
        let soa = Soa::new(
            dns_name("ns.example"),
            dns_name("admin.example"),
            Serial::from(1),
            zero,
            zero,
            zero,
            Ttl::from_secs(minimum),
        );
        message
            .push((dns_name("8.8.in-addr.arpa"), Ttl::from_secs(ttl), soa))
            .unwrap();
        let nameless = Outcome::Nameless {
            ttl: Some(Duration::from_secs(400)),
        };
        assert_eq!(read(&message.finish()), Ok(nameless));
    }
    assert_eq!(
        read(&start(Rcode::NXDOMAIN).finish()),
        Ok(Outcome::Nameless { ttl: None })
    );
}

#[test]
fn records_that_are_no_answer_are_no_name() {
    let mut message = start(Rcode::NOERROR);
    message
        .push((asked(), Ttl::from_secs(9), A::from_octets(1, 2, 3, 4)))
        .unwrap();
    message
        .push(pointer("5.4.8.8.in-addr.arpa", "neighbour.example", 9))
        .unwrap();
    assert_eq!(read(&message.finish()), Ok(Outcome::Nameless { ttl: None }));
    assert_eq!(
        read(&with_target(b"\0")),
        Ok(Outcome::Nameless { ttl: None }),
        "the root"
    );
}

#[test]
fn errors_of_the_server_are_failures() {
    for rcode in [
        Rcode::SERVFAIL,
        Rcode::REFUSED,
        Rcode::FORMERR,
        Rcode::NOTIMP,
    ] {
        assert_eq!(read(&start(rcode).finish()), Ok(Outcome::Failed), "{rcode}");
    }
}

#[test]
fn truncation_matters_only_if_the_name_is_missing() {
    let mut message = start(Rcode::NOERROR);
    message.header_mut().set_tc(true);
    assert_eq!(read(&message.clone().finish()), Ok(Outcome::Failed));
    message
        .push(pointer("4.4.8.8.in-addr.arpa", "dns.google", 7))
        .unwrap();
    assert_eq!(read(&message.finish()), Ok(named("dns.google", 7)));
}

#[test]
fn what_belongs_to_another_query_is_not_mine() {
    let good = start(Rcode::NOERROR).finish();
    assert_eq!(reply(&good, ID + 1, addr()), Err(NotMine::Id));
    assert_eq!(
        reply(&good, ID, "8.8.4.5".parse().unwrap()),
        Err(NotMine::Question)
    );
    assert_eq!(read(&query(ID, addr()).unwrap()), Err(NotMine::NotReply));
    assert_eq!(read(&good[..11]), Err(NotMine::Short));
    assert_eq!(read(&good[..good.len() - 1]), Err(NotMine::Question));
    let change = |at: usize, to: u8| {
        let mut bad = good.clone();
        bad[at] = to;
        read(&bad)
    };
    assert_eq!(change(2, 0x80 | 4 << 3), Err(NotMine::NotReply), "NOTIFY");
    assert_eq!(change(5, 0), Err(NotMine::Question), "no question");
    assert_eq!(change(5, 2), Err(NotMine::Question), "two questions");
    let qtype = good.len() - 3;
    assert_eq!(change(qtype, 1), Err(NotMine::Question), "type A");
    assert_eq!(change(qtype + 2, 3), Err(NotMine::Question), "class CH");
}

#[test]
fn pointers_that_lead_nowhere_are_failures() {
    let at = with_target(b"").len() as u8;
    for target in [
        vec![0xc0, at],               // itself
        vec![1, b'a', 0xc0, at],      // a loop with a label
        vec![0xc0, at + 2, 0xc0, at], // two that point at each other
        vec![0xc0, at + 2],           // forward
        vec![0xff, 0xff],             // past the end
        vec![0xc0],                   // half a pointer
        vec![63, b'a'],               // half a label
        vec![0x41, b'a', 0],          // a label type that does not exist
        vec![0x80, b'a', 0],
        vec![1, b'a'], // no end
        vec![],
    ] {
        assert_eq!(
            read(&with_target(&target)),
            Ok(Outcome::Failed),
            "{target:?}"
        );
    }
}

#[test]
fn many_hops_within_the_bounds_of_a_name_end() {
    // Pointers that each lead back by two octets to the next one: legal one by
    // one, far too many in all.
    let mut datagram = start(Rcode::NOERROR).finish();
    let first = datagram.len();
    datagram.push(0);
    datagram.extend((0..1000).flat_map(|i: usize| {
        let to = if i == 0 {
            first
        } else {
            first + 1 + 2 * (i - 1)
        };
        (0xc000 | to as u16).to_be_bytes()
    }));
    let last = datagram.len() - 2;
    datagram[6..8].copy_from_slice(&1u16.to_be_bytes());
    datagram.extend((0xc000 | last as u16).to_be_bytes());
    assert_eq!(read(&datagram), Ok(Outcome::Failed));
}

#[test]
fn a_name_may_have_255_octets_and_no_more() {
    let label = |len: u8| [&[len][..], &vec![b'a'; len.into()]].concat();
    let full = [label(63), label(63), label(63), label(61), vec![0]].concat();
    assert_eq!(full.len(), 255);
    let Ok(Outcome::Named { name, .. }) = read(&with_target(&full)) else {
        unreachable!()
    };
    assert_eq!(name.len(), 253);
    let long = [
        label(63),
        label(63),
        label(63),
        label(63),
        label(44),
        vec![0],
    ]
    .concat();
    assert_eq!(read(&with_target(&long)), Ok(Outcome::Failed));
}

#[test]
fn escape_codes_arrive_spelled_out() {
    let Ok(outcome) = read(&with_target(b"\x08\x1b[31mred\x03a.b\x02\xc3\xbc\0")) else {
        unreachable!()
    };
    assert_eq!(outcome, named("\\027[31mred.a\\.b.\\195\\188", 60));
    let Ok(Outcome::Named { name, .. }) = read(&with_target(
        &[&[63][..], &[7; 63], &[63], &[7; 63], &[0]].concat(),
    )) else {
        unreachable!()
    };
    assert_eq!(
        name.len(),
        253,
        "63 escapes and a dot, then what fits in 255"
    );
}

proptest! {
    #[test]
    fn any_octets_are_read_without_a_panic(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = id(&octets);
        let _ = read(&octets);
    }

    #[test]
    fn any_answer_to_our_question_is_read_without_a_panic(
        counts in any::<[u8; 6]>(),
        octets in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut datagram = start(Rcode::NOERROR).finish();
        datagram[6..12].copy_from_slice(&counts);
        datagram.extend(octets);
        let _ = read(&datagram);
    }

    #[test]
    fn any_target_gives_a_drawable_name_or_none(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(Outcome::Named { name, .. }) = read(&with_target(&octets)) {
            prop_assert!(!name.is_empty() && name.len() <= 255);
            prop_assert!(name.bytes().all(|b| b.is_ascii_graphic()));
        }
    }
}
