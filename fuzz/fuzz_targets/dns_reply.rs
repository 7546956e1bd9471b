//! Whatever a nameserver sends is read without a panic, and a name that comes
//! out of it is short, printable ASCII.
//!
//! The first two octets of the input are the id that was asked with; the rest
//! is the datagram, once as it is and once behind our own question, so that
//! the fuzzer need not guess that first.

#![no_main]

use std::net::IpAddr;

use flowtop::enrich::dns::{Outcome, wire};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((id, datagram)) = input.split_first_chunk() else {
        return;
    };
    let id = u16::from_be_bytes(*id);
    let addr = IpAddr::from([8, 8, 4, 4]);
    check(datagram, id, addr);
    let (Some(query), Some((counts, records))) =
        (wire::query(id, addr), datagram.split_first_chunk::<8>())
    else {
        return;
    };
    let mut reply = query;
    reply[2..4].copy_from_slice(&counts[..2]);
    reply[2] |= 0x80;
    reply[6..12].copy_from_slice(&counts[2..]);
    reply.extend_from_slice(records);
    check(&reply, id, addr);
});

fn check(datagram: &[u8], id: u16, addr: IpAddr) {
    let _ = wire::id(datagram);
    if let Ok(Outcome::Named { name, .. }) = wire::reply(datagram, id, addr) {
        assert!(!name.is_empty() && name.len() <= 255);
        assert!(name.bytes().all(|octet| octet.is_ascii_graphic()));
    }
}
