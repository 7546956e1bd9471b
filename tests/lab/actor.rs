//! What a [`Process`](super::processes::Process) does: this binary, run again
//! as a program that makes sockets when it is told to.
//!
//! It reads a line from its standard input, a socket, does what the line says
//! and answers with a line there: `ok` and what there is to tell, or `error`
//! and why not.
#![expect(
    unsafe_code,
    reason = "fork, clone3, set*id and ICMP sockets exist only in libc"
)]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::process;

use super::PATIENCE;

/// Set in a process of the laboratory to its name.
pub(super) const ACTOR: &str = "FLOWTOP_LAB_ACTOR";

/// Obeys until standard input ends, if this process was started to do so; else
/// returns at once.
pub(super) fn act_if_told() {
    let Ok(name) = env::var(ACTOR) else { return };
    // What is executed by its descriptor is called after that, and a child of
    // this thread after this thread.
    for process in ["self", "thread-self"] {
        fs::write(format!("/proc/{process}/comm"), &name).expect("it may be named");
    }
    // SAFETY: standard input is open, and nobody else reads it.
    let control = UnixStream::from(unsafe { OwnedFd::from_raw_fd(0) });
    let mut actor = Actor {
        sockets: BTreeMap::new(),
        made: 0,
    };
    for line in BufReader::new(&control).lines() {
        let Ok(line) = line else { break };
        let words: Vec<&str> = line.split(' ').collect();
        let answer = match actor.obey(&words) {
            Ok(answer) => format!("ok {answer}\n"),
            Err(error) => format!("error {error}\n"),
        };
        if (&control).write_all(answer.as_bytes()).is_err() {
            break;
        }
    }
    process::exit(0)
}

/// A socket that is held.
enum Held {
    Listener(TcpListener),
    Stream(TcpStream),
    Udp(UdpSocket),
    /// An ICMP socket, of whichever kind.
    Echo(OwnedFd),
}

impl Held {
    fn descriptor(&self) -> RawFd {
        match self {
            Self::Listener(socket) => socket.as_raw_fd(),
            Self::Stream(socket) => socket.as_raw_fd(),
            Self::Udp(socket) => socket.as_raw_fd(),
            Self::Echo(socket) => socket.as_raw_fd(),
        }
    }
}

struct Actor {
    /// By the number they were given.
    sockets: BTreeMap<u32, Held>,
    made: u32,
}

impl Actor {
    fn obey(&mut self, words: &[&str]) -> io::Result<String> {
        match *words {
            ["listen", address] => {
                let socket = TcpListener::bind(address)?;
                let local = socket.local_addr()?;
                Ok(self.hold(Held::Listener(socket), local, None))
            }
            ["accept", listener] => {
                let (socket, remote) = self.listener(listener)?.accept()?;
                let local = socket.local_addr()?;
                Ok(self.hold(Held::Stream(socket), local, Some(remote)))
            }
            ["connect", address] => {
                let remote = parse(address)?;
                let socket = TcpStream::connect_timeout(&remote, PATIENCE)?;
                let local = socket.local_addr()?;
                Ok(self.hold(Held::Stream(socket), local, Some(remote)))
            }
            ["bind", address] => {
                let socket = UdpSocket::bind(address)?;
                let local = socket.local_addr()?;
                Ok(self.hold(Held::Udp(socket), local, None))
            }
            ["bind_shared", address] => {
                let socket = bind_shared(parse(address)?)?;
                let local = socket.local_addr()?;
                Ok(self.hold(Held::Udp(socket), local, None))
            }
            ["talk", address] => {
                let remote: SocketAddr = parse(address)?;
                let any = if remote.is_ipv4() {
                    "0.0.0.0:0"
                } else {
                    "[::]:0"
                };
                let socket = UdpSocket::bind(any)?;
                socket.connect(remote)?;
                let local = socket.local_addr()?;
                Ok(self.hold(Held::Udp(socket), local, Some(remote)))
            }
            ["ping", kind, address] => self.ping(kind, parse(address)?),
            ["send", socket, bytes] => self.send(socket, &vec![0x55; parse(bytes)?], None),
            ["send", socket, bytes, to] => {
                self.send(socket, &vec![0x55; parse(bytes)?], Some(parse(to)?))
            }
            ["end", stream] => self.await_end(stream),
            ["receive", socket, bytes] => self.receive(socket, parse(bytes)?),
            ["share", socket] => self.fork(parse(socket)?, 0),
            ["leave", socket, pid] => {
                let number = parse(socket)?;
                let child = self.fork(number, parse(pid)?)?;
                self.sockets.remove(&number);
                Ok(child)
            }
            ["reap", pid] => reap(parse(pid)?),
            ["close", socket] => {
                self.sockets.remove(&parse(socket)?);
                Ok(String::new())
            }
            ["user", id] => become_user(parse(id)?),
            _ => Err(io::Error::other(format!("{words:?} is no order"))),
        }
    }

    /// Keeps a socket, and tells its number and ends.
    fn hold(&mut self, socket: Held, local: SocketAddr, remote: Option<SocketAddr>) -> String {
        self.made += 1;
        self.sockets.insert(self.made, socket);
        match remote {
            Some(remote) => format!("{} {local} {remote}", self.made),
            None => format!("{} {local}", self.made),
        }
    }

    fn socket(&self, number: &str) -> io::Result<&Held> {
        self.sockets
            .get(&parse(number)?)
            .ok_or_else(|| io::Error::other(format!("there is no socket {number}")))
    }

    fn listener(&self, number: &str) -> io::Result<&TcpListener> {
        match self.socket(number)? {
            Held::Listener(listener) => Ok(listener),
            _ => Err(io::Error::other(format!("socket {number} does not listen"))),
        }
    }

    fn send(&self, number: &str, bytes: &[u8], to: Option<SocketAddr>) -> io::Result<String> {
        match (self.socket(number)?, to) {
            (Held::Stream(socket), None) => {
                let mut socket = socket;
                socket.write_all(bytes)?;
            }
            (Held::Udp(socket), None) => drop(socket.send(bytes)?),
            (Held::Udp(socket), Some(to)) => drop(socket.send_to(bytes, to)?),
            _ => {
                return Err(io::Error::other(format!(
                    "socket {number} cannot send that"
                )));
            }
        }
        Ok(String::new())
    }

    /// Waits for so many bytes of a stream, or for a datagram. Tells who sent
    /// it.
    fn receive(&self, number: &str, bytes: usize) -> io::Result<String> {
        let mut buffer = vec![0; bytes];
        match self.socket(number)? {
            Held::Stream(socket) => {
                socket.set_read_timeout(Some(PATIENCE))?;
                let mut socket = socket;
                socket.read_exact(&mut buffer)?;
                Ok(socket.peer_addr()?.to_string())
            }
            Held::Udp(socket) => {
                socket.set_read_timeout(Some(PATIENCE))?;
                Ok(socket.recv_from(&mut buffer)?.1.to_string())
            }
            _ => Err(io::Error::other(format!("socket {number} cannot receive"))),
        }
    }

    /// Reads until the other end has closed.
    fn await_end(&self, number: &str) -> io::Result<String> {
        let Held::Stream(socket) = self.socket(number)? else {
            return Err(io::Error::other(format!("socket {number} is no stream")));
        };
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut socket = socket;
        socket.read_to_end(&mut Vec::new())?;
        Ok(String::new())
    }

    /// An ICMP socket of a kind (`ping` or `raw`), and one echo request from
    /// it. The answer is not waited for.
    fn ping(&mut self, kind: &str, to: IpAddr) -> io::Result<String> {
        let IpAddr::V4(to) = to else {
            return Err(io::Error::other("only IPv4 is pinged"));
        };
        let kind = match kind {
            "ping" => libc::SOCK_DGRAM,
            _ => libc::SOCK_RAW,
        };
        // SAFETY: socket(2) takes numbers only.
        let fd = unsafe { libc::socket(libc::AF_INET, kind | libc::SOCK_CLOEXEC, 1) };
        check(fd.into())?;
        // SAFETY: the kernel has just given us this descriptor.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let address = sockaddr(SocketAddrV4::new(to, 0));
        let length = size_of_val(&address) as libc::socklen_t;
        // Type 8, identifier 7777 (a ping socket puts its own there), sequence
        // number 1, and the checksum that makes it right (RFC 792).
        let id = 7777u16;
        let sum = !(0x0800 + id + 1);
        let mut request = [8, 0, 0, 0, 0, 0, 0, 1];
        request[2..4].copy_from_slice(&sum.to_be_bytes());
        request[4..6].copy_from_slice(&id.to_be_bytes());
        // SAFETY: both pointers are valid for the lengths that go with them.
        let sent = unsafe {
            libc::sendto(
                socket.as_raw_fd(),
                request.as_ptr().cast(),
                request.len(),
                0,
                (&raw const address).cast(),
                length,
            )
        };
        check(sent as libc::c_long)?;
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        Ok(self.hold(Held::Echo(socket), nowhere, None))
    }

    /// Makes a child that holds one socket and nothing else. A `pid` other than
    /// 0 is the one that it shall have.
    fn fork(&mut self, number: u32, pid: libc::pid_t) -> io::Result<String> {
        let kept = self.socket(&number.to_string())?.descriptor();
        let others: Vec<RawFd> = self
            .sockets
            .values()
            .map(Held::descriptor)
            .filter(|&fd| fd != kept)
            .collect();
        // Its end tells that the child has let go of all else.
        let (mut ready, busy) = io::pipe()?;
        let child = fork_as(pid)?;
        if child == 0 {
            // SAFETY: these take numbers only, and this is all the child ever
            // does: what other threads held at the fork is of no concern.
            unsafe {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                for fd in others {
                    libc::close(fd);
                }
                // So that the test sees the end of its parent.
                libc::close(0);
                libc::close(busy.as_raw_fd());
                loop {
                    libc::pause();
                }
            }
        }
        drop(busy);
        ready.read_to_end(&mut Vec::new())?;
        Ok(child.to_string())
    }
}

/// A UDP socket with `SO_REUSEPORT`.
fn bind_shared(at: SocketAddrV4) -> io::Result<UdpSocket> {
    // SAFETY: socket(2) takes numbers only.
    let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    check(fd.into())?;
    // SAFETY: the kernel has just given us this descriptor.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    let on: libc::c_int = 1;
    let length = size_of_val(&on) as libc::socklen_t;
    // SAFETY: the pointer is valid for the length that goes with it.
    let result = unsafe {
        let on = (&raw const on).cast();
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_REUSEPORT, on, length)
    };
    check(result.into())?;
    let address = sockaddr(at);
    let length = size_of_val(&address) as libc::socklen_t;
    // SAFETY: as before.
    check(unsafe { libc::bind(fd, (&raw const address).cast(), length) }.into())?;
    Ok(socket.into())
}

fn sockaddr(at: SocketAddrV4) -> libc::sockaddr_in {
    // SAFETY: an all-zero sockaddr_in is a valid one.
    let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    address.sin_port = at.port().to_be();
    address.sin_addr.s_addr = u32::from_ne_bytes(at.ip().octets());
    address
}

/// fork(2), or clone3(2) if the child shall have a certain pid.
fn fork_as(pid: libc::pid_t) -> io::Result<libc::pid_t> {
    let result = if pid == 0 {
        // SAFETY: the child makes system calls only.
        libc::c_long::from(unsafe { libc::fork() })
    } else {
        // struct clone_args (linux/sched.h): `exit_signal` is the fifth of its
        // numbers, `set_tid` and `set_tid_size` are the last of version 1.
        let mut args = [0u64; 10];
        args[4] = libc::SIGCHLD as u64;
        args[8] = (&raw const pid) as u64;
        args[9] = 1;
        let size = size_of_val(&args);
        // SAFETY: `args` and what it points to outlive the call, and the child
        // has a copy of this stack.
        unsafe { libc::syscall(libc::SYS_clone3, args.as_ptr(), size) }
    };
    check(result)?;
    Ok(result as libc::pid_t)
}

/// Ends a child and takes its pid back.
fn reap(pid: libc::pid_t) -> io::Result<String> {
    // SAFETY: kill(2) and waitpid(2) take numbers, and null for a status that
    // nobody wants.
    unsafe {
        check(libc::kill(pid, libc::SIGKILL).into())?;
        check(libc::waitpid(pid, std::ptr::null_mut(), 0).into())?;
    }
    Ok(String::new())
}

/// Becomes another user, without any capability, for good.
fn become_user(id: u32) -> io::Result<String> {
    // SAFETY: these take numbers only; the one null goes with a length of 0.
    unsafe {
        check(libc::setgroups(0, std::ptr::null()).into())?;
        check(libc::setresgid(id, id, id).into())?;
        check(libc::setresuid(id, id, id).into())?;
        // As after a log-in and an exec: who changes its user is otherwise
        // closed to that user.
        check(libc::prctl(libc::PR_SET_DUMPABLE, 1).into())?;
    }
    Ok(String::new())
}

fn check(result: libc::c_long) -> io::Result<()> {
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn parse<T: std::str::FromStr>(word: &str) -> io::Result<T> {
    word.parse()
        .map_err(|_| io::Error::other(format!("{word} cannot be read")))
}
