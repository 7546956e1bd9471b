//! Real traffic through the kernel's own sockets: TCP, UDP and ICMP echo.
//!
//! A test holds both ends of a conversation, so that each step is over when
//! its call returns, and nothing happens between steps.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use flowtop::flow::Protocol;

use super::PATIENCE;
use super::namespace::Host;
use super::packets::{Packet, RawSocket};

/// A TCP port that accepts connections.
pub struct TcpService {
    listener: TcpListener,
}

impl TcpService {
    /// Listens on a host. Port 0 lets the kernel choose.
    pub fn listen(host: &Host, address: &str) -> Self {
        let listener = host
            .enter(|| TcpListener::bind(address))
            .unwrap_or_else(|e| panic!("cannot listen on {address} of {}: {e}", host.name()));
        Self { listener }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound socket")
    }

    /// Connects a client directly.
    pub fn connect(&self, client: &Host) -> Connection {
        self.connect_by(client, self.address())
    }

    /// Connects a client that knows the service by another address, which
    /// somebody on the way translates.
    pub fn connect_by(&self, client: &Host, address: SocketAddr) -> Connection {
        let stream = client
            .enter(|| TcpStream::connect_timeout(&address, PATIENCE))
            .unwrap_or_else(|e| panic!("cannot connect {} to {address}: {e}", client.name()));
        let (server, _) = self.listener.accept().expect("a connection waits");
        for end in [&stream, &server] {
            end.set_read_timeout(Some(PATIENCE)).expect("not zero");
            end.set_write_timeout(Some(PATIENCE)).expect("not zero");
        }
        Connection {
            client: stream,
            server,
        }
    }
}

/// Both ends of an established TCP connection. Dropping it closes both at
/// once.
pub struct Connection {
    /// The end that connected.
    pub client: TcpStream,
    /// The end that accepted.
    pub server: TcpStream,
}

impl Connection {
    /// Sends so many bytes from the client to the server, and waits until all
    /// have arrived.
    pub fn upload(&self, bytes: usize) {
        transfer(&self.client, &self.server, bytes);
    }

    /// Sends so many bytes from the server to the client, and waits until all
    /// have arrived.
    pub fn download(&self, bytes: usize) {
        transfer(&self.server, &self.client, bytes);
    }

    /// Sends so many bytes there and back.
    pub fn echo(&self, bytes: usize) {
        self.upload(bytes);
        self.download(bytes);
    }

    /// Closes in good order: the client first, then the server. Both have
    /// seen the other's FIN when this returns.
    pub fn close(self) {
        for (from, to) in [(&self.client, &self.server), (&self.server, &self.client)] {
            from.shutdown(Shutdown::Write).expect("connected");
            let mut end = to;
            assert_eq!(end.read(&mut [0]).expect("an end, not an error"), 0);
        }
    }
}

fn transfer(mut from: &TcpStream, mut to: &TcpStream, bytes: usize) {
    let data = vec![0x55; bytes];
    let mut sink = vec![0; bytes];
    thread::scope(|scope| {
        scope.spawn(|| from.write_all(&data).expect("connected"));
        to.read_exact(&mut sink).expect("connected");
    });
}

/// A UDP port that receives datagrams.
pub struct UdpService {
    socket: UdpSocket,
}

impl UdpService {
    /// Binds a port of a host. Port 0 lets the kernel choose.
    pub fn bind(host: &Host, address: &str) -> Self {
        Self {
            socket: udp(host, address),
        }
    }

    /// Where it receives.
    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("a bound socket")
    }

    /// A client of this service.
    pub fn connect(&self, client: &Host) -> Conversation<'_> {
        self.connect_by(client, self.address())
    }

    /// A client that knows the service by another address, which somebody on
    /// the way translates.
    pub fn connect_by(&self, client: &Host, address: SocketAddr) -> Conversation<'_> {
        let any = if address.is_ipv4() {
            "0.0.0.0:0"
        } else {
            "[::]:0"
        };
        let socket = udp(client, any);
        socket
            .connect(address)
            .unwrap_or_else(|e| panic!("no route from {} to {address}: {e}", client.name()));
        Conversation {
            client: socket,
            server: &self.socket,
        }
    }
}

fn udp(host: &Host, address: &str) -> UdpSocket {
    let socket = host
        .enter(|| UdpSocket::bind(address))
        .unwrap_or_else(|e| panic!("cannot bind {address} of {}: {e}", host.name()));
    socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
    socket
}

/// A UDP client and its service.
pub struct Conversation<'a> {
    /// The client's socket, connected.
    pub client: UdpSocket,
    server: &'a UdpSocket,
}

impl Conversation<'_> {
    /// Sends a datagram with so many bytes of payload to the service, and
    /// waits until it has arrived. Returns where it seemed to come from.
    pub fn request(&self, bytes: usize) -> SocketAddr {
        self.client.send(&vec![0x55; bytes]).expect("connected");
        let mut buffer = vec![0; bytes + 1];
        let (length, from) = self.server.recv_from(&mut buffer).expect("a request");
        assert_eq!(length, bytes, "the service received another datagram");
        from
    }

    /// A request and an answer, each with so many bytes of payload.
    pub fn exchange(&self, request: usize, answer: usize) {
        let from = self.request(request);
        self.server
            .send_to(&vec![0xaa; answer], from)
            .expect("a route back");
        let mut buffer = vec![0; answer + 1];
        assert_eq!(self.client.recv(&mut buffer).expect("an answer"), answer);
    }
}

/// Sends an ICMP or `ICMPv6` echo request with an identifier and waits for the
/// answer of the other host's kernel.
pub fn ping(host: &Host, to: &str, id: u16) {
    let to: IpAddr = to.parse().unwrap_or_else(|e| panic!("{to}: {e}"));
    let protocol = match to {
        IpAddr::V4(_) => Protocol::ICMP,
        IpAddr::V6(_) => Protocol::ICMPV6,
    };
    let socket = RawSocket::open(host, protocol, to.is_ipv4());
    socket.send(to, &Packet::echo_request(to.is_ipv4(), id));
    // The socket hears every ICMP message that the host receives.
    let is_answer = |bytes: &[u8]| {
        let kind = if to.is_ipv4() { 0 } else { 129 };
        bytes.first() == Some(&kind) && bytes.get(4..6) == Some(&id.to_be_bytes())
    };
    loop {
        let (from, bytes) = socket.receive();
        if from == to && is_answer(&bytes) {
            return;
        }
    }
}

/// Sends a SYN that nobody will answer and gives up at once: the flow stays
/// in `SYN_SENT`. `to` must be an address that no host has, on a network that
/// a host on the way is connected to.
pub fn unanswered_syn(host: &Host, to: &str) {
    let address: SocketAddr = to.parse().unwrap_or_else(|e| panic!("{to}: {e}"));
    let error = host
        .enter(|| TcpStream::connect_timeout(&address, Duration::from_millis(1)))
        .expect_err("nobody is there");
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
}
