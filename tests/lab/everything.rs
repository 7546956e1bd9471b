//! A conversation in every protocol the laboratory can speak.

use flowtop::flow::Protocol;

use super::links::Network;
use super::packets::{self, Packet, Talk};
use super::traffic::{self, TcpService, UdpService};

/// The addresses of [`Network::server`].
pub const SERVERS: [&str; 2] = ["198.51.100.20", "2001:db8:2::20"];

/// Flows that [`Network::speak_everything`] makes per address of the server:
/// TCP, UDP, ICMP, SCTP, DCCP, UDP-Lite, GRE, ESP and protocol 253.
pub const FLOWS_PER_SERVER: usize = 9;

impl Network {
    /// Client and server talk in every protocol, through the router. For it
    /// to see UDP-Lite it must not check checksums; see [`Packet::udplite`].
    pub fn speak_everything(&self, server: &str) {
        let at = |port| {
            if server.contains(':') {
                format!("[{server}]:{port}")
            } else {
                format!("{server}:{port}")
            }
        };
        let service = TcpService::listen(&self.server, &at(80));
        service.connect(&self.client).echo(10_000);
        let service = UdpService::bind(&self.server, &at(53));
        service.connect(&self.client).exchange(100, 1000);
        traffic::ping(&self.client, server, 77);
        packets::associate(&self.client, &self.server, server, [5000, 80]);
        for (request, answer) in [
            (
                Packet::dccp_request(4000, 5001),
                Packet::dccp_response(5001, 4000),
            ),
            (
                Packet::udplite(4000, 5002, b"question"),
                Packet::udplite(5002, 4000, b"answer"),
            ),
            (Packet::gre(b"question"), Packet::gre(b"answer")),
            (Packet::esp(1, 1, b"question"), Packet::esp(2, 1, b"answer")),
            (
                Packet::opaque(Protocol(253), vec![1; 20]),
                Packet::opaque(Protocol(253), vec![2; 30]),
            ),
        ] {
            let mut talk = Talk::new(&self.client, &self.server, server, request.protocol());
            talk.request(&request);
            talk.answer(&answer);
        }
    }
}
