//! From the bytes about sockets to sockets: whatever a datagram or a text table
//! holds, decoding ends, and what it makes is consistent.
//!
//! Input: netlink messages, told apart as the kernel tells them: words about
//! sockets that go have no sequence number. The same bytes are read as a text
//! table too.
#![no_main]

use flowtop::flow::{Family, Protocol};
use flowtop::netlink::sockdiag::decode::Source;
use flowtop::netlink::sockdiag::proc_net::Table;
use flowtop::netlink::sockdiag::{Problems, Socket, SocketState, decode};
use flowtop::netlink::wire::messages;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut problems = Problems::default();
    let mut seen = 0u64;
    let mut decoded = 0u64;
    for message in messages(input) {
        let source = match message.seq {
            0 => Source::Destroyed,
            odd if odd % 2 == 1 => Source::Answer(Protocol::TCP),
            _ => Source::Answer(Protocol::UDP),
        };
        seen += 1;
        if let Some(socket) = decode(&message, source, &mut problems) {
            decoded += 1;
            check(&socket);
            let silent = source == Source::Destroyed;
            assert!(!silent || socket.inode.is_none() && socket.uid.is_none());
        }
    }
    assert!(decoded + problems.unusable <= seen);
    if let Ok(text) = std::str::from_utf8(input) {
        for table in Table::ALL {
            table.parse(text, &mut |socket| {
                check(&socket);
                assert_eq!(socket.proto, table.proto);
            });
        }
    }
});

fn check(socket: &Socket) {
    assert!(socket.family == Family::Ipv6 || socket.local.address.is_ipv4());
    assert!(socket.inode != Some(0) && socket.cookie != Some(0));
    assert!(socket.interface != Some(0));
    if socket.tcp.is_some() {
        assert_eq!(socket.proto, Protocol::TCP);
        assert_ne!(socket.state, SocketState::LISTEN);
    }
    if socket.is_connected() {
        assert!(!socket.remote.is_any());
    }
}
