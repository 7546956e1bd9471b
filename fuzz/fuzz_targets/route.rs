//! Whatever rtnetlink says is read without a panic, and what comes out of it
//! holds what its documentation promises.
//!
//! The input is a datagram.

#![no_main]

use std::net::IpAddr;

use flowtop::netlink::route::{Item, decode};
use flowtop::netlink::wire::messages;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|datagram: &[u8]| {
    for message in messages(datagram) {
        let Some(notice) = decode(&message) else {
            continue;
        };
        match notice.item {
            Item::Address(address) => {
                assert_eq!(address.address.is_ipv4(), address.network.is_ipv4());
                assert!(address.prefix_len <= bits(address.address));
            }
            Item::Route(route) => assert!(route.prefix_len <= bits(route.destination)),
            Item::Link(_) | Item::Neighbour(_) | Item::Rule(_) => {}
        }
    }
});

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}
