//! Real processes with sockets of their own: this binary again, under another
//! name, told what to do by the test.
//!
//! ```ignore
//! let server = lab.program("web-server").start(&net.server);
//! let listener = server.listen("[::]:80");
//! let client = lab.program("browser").start(&net.client);
//! let link = client.connect(listener.local);
//! let end = server.accept(&listener);
//! client.send(&link, 1000);
//! server.receive(&end, 1000);
//! ```
//!
//! A process ends when its value is dropped, at the latest with the laboratory.

use std::env;
use std::fmt::Arguments;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use super::actor::ACTOR;
use super::namespace::Host;
use super::{Lab, mounts, skip, skip_unless_root};

/// A process that has not done by then what it is told hangs.
const LIMIT: Duration = Duration::from_secs(20);

impl Lab {
    /// A program, which [`Program::start`] makes a process of.
    pub fn program<'a>(&'a self, name: &'a str) -> Program<'a> {
        Program {
            lab: self,
            name,
            user: None,
            unprivileged: false,
            group: None,
        }
    }
}

/// A program that is yet to be started.
#[derive(Clone)]
pub struct Program<'a> {
    lab: &'a Lab,
    name: &'a str,
    user: Option<u32>,
    unprivileged: bool,
    group: Option<&'a Group>,
}

impl<'a> Program<'a> {
    /// Started by another user. Skips the test where there is no such user:
    /// root of a user namespace is alone there.
    #[must_use]
    pub fn user(mut self, id: u32) -> Self {
        self.user = Some(id);
        self
    }

    /// Started without any capability, as
    /// [`unprivileged`](super::unprivileged) says.
    #[must_use]
    pub fn unprivileged(mut self) -> Self {
        self.unprivileged = true;
        self
    }

    /// Started in a control group.
    #[must_use]
    pub fn group(mut self, group: &'a Group) -> Self {
        self.group = Some(group);
        self
    }

    /// Starts it on a host.
    pub fn start(self, host: &Host) -> Process {
        let file = executable(self.name);
        let mut command = if self.unprivileged {
            host.unprivileged(&file)
        } else {
            host.command(&file)
        };
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        ours.set_read_timeout(Some(LIMIT)).expect("not zero");
        let child = command
            .args([
                &self.lab.test,
                "--exact",
                "--include-ignored",
                "--nocapture",
            ])
            .env(ACTOR, self.name)
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {}: {e}", self.name));
        let process = Process {
            name: self.name.to_owned(),
            child,
            control: ours,
            file,
        };
        if let Some(group) = self.group {
            group.take(process.pid());
        }
        if let Some(id) = self.user
            && let Err(error) = process.order(format_args!("user {id}"))
        {
            skip_unless_root(format_args!("be another user: {error}"));
        }
        process
    }
}

/// This binary under another name, so that the processes made of it have that
/// name. What is mounted for it is gone with the laboratory, however that ends.
fn executable(name: &str) -> PathBuf {
    static MADE: AtomicU32 = AtomicU32::new(0);
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        let directory = env::temp_dir().join("flowtop-lab");
        fs::create_dir_all(&directory)
            .unwrap_or_else(|e| panic!("cannot make {}: {e}", directory.display()));
        mounts::hide(directory.to_str().expect("UTF-8"));
        directory
    });
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let directory = directory.join(number.to_string());
    let file = directory.join(name);
    let this = env::current_exe().expect("a path");
    fs::create_dir(&directory)
        .and_then(|()| fs::write(&file, ""))
        .and_then(|()| mounts::show(&this, &file))
        .unwrap_or_else(|e| panic!("cannot make a program {}: {e}", file.display()));
    file
}

/// A running process. It ends when this value is dropped.
pub struct Process {
    name: String,
    child: Child,
    control: UnixStream,
    file: PathBuf,
}

/// A socket of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    number: u32,
    /// Its own end.
    pub local: SocketAddr,
    /// The other end, if it is connected.
    pub remote: Option<SocketAddr>,
}

impl Process {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its program is.
    pub fn executable(&self) -> &Path {
        &self.file
    }

    /// Listens for TCP connections. An IPv6 wildcard takes IPv4 as well.
    pub fn listen(&self, address: &str) -> Socket {
        self.make(format_args!("listen {address}"))
    }

    /// Connects over TCP. Nobody needs to accept.
    pub fn connect(&self, to: SocketAddr) -> Socket {
        self.make(format_args!("connect {to}"))
    }

    /// Accepts a connection, which must be waiting or on its way.
    pub fn accept(&self, listener: &Socket) -> Socket {
        self.make(format_args!("accept {}", listener.number))
    }

    /// Binds a UDP socket that is not connected.
    pub fn bind(&self, address: &str) -> Socket {
        self.make(format_args!("bind {address}"))
    }

    /// As [`Process::bind`], with an IPv4 address and `SO_REUSEPORT`: others
    /// may have it too.
    pub fn bind_shared(&self, address: &str) -> Socket {
        self.make(format_args!("bind_shared {address}"))
    }

    /// Connects a UDP socket. Nothing is sent.
    pub fn talk(&self, to: SocketAddr) -> Socket {
        self.make(format_args!("talk {to}"))
    }

    /// Sends an ICMP echo request from a socket of its own.
    ///
    /// # Errors
    ///
    /// If the kernel does not give this process such a socket.
    pub fn ping(&self, kind: Echo, to: &str) -> io::Result<Socket> {
        let kind = match kind {
            Echo::Ping => "ping",
            Echo::Raw => "raw",
        };
        self.order(format_args!("ping {kind} {to}"))
            .map(|answer| self.socket(&answer))
    }

    /// Sends so many bytes through a connected socket.
    pub fn send(&self, socket: &Socket, bytes: usize) {
        self.told(format_args!("send {} {bytes}", socket.number));
    }

    /// Sends a datagram of so many bytes.
    pub fn send_to(&self, socket: &Socket, to: SocketAddr, bytes: usize) {
        self.told(format_args!("send {} {bytes} {to}", socket.number));
    }

    /// Waits for so many bytes, or for a datagram of at most so many. Says who
    /// sent them.
    pub fn receive(&self, socket: &Socket, bytes: usize) -> SocketAddr {
        let answer = self.told(format_args!("receive {} {bytes}", socket.number));
        answer.parse().expect("an address")
    }

    /// Waits until the other end of a connection has closed it.
    pub fn await_end(&self, socket: &Socket) {
        self.told(format_args!("end {}", socket.number));
    }

    /// Closes a socket.
    pub fn close(&self, socket: Socket) {
        self.told(format_args!("close {}", socket.number));
    }

    /// Forks, and leaves a socket to the child alone. Returns the child's
    /// process id; the child ends with its parent.
    pub fn leave_to_child(&self, socket: Socket) -> u32 {
        self.told(format_args!("leave {} 0", socket.number))
            .parse()
            .expect("a process id")
    }

    /// As [`Process::leave_to_child`], with a process id that is free.
    ///
    /// # Errors
    ///
    /// If this process may not choose, or the id is in use.
    pub fn leave_to_child_with_pid(&self, socket: Socket, pid: u32) -> io::Result<u32> {
        let answer = self.order(format_args!("leave {} {pid}", socket.number))?;
        Ok(answer.parse().expect("a process id"))
    }

    /// Forks, and both hold a socket. Returns the child's process id.
    pub fn share_with_child(&self, socket: &Socket) -> u32 {
        self.told(format_args!("share {}", socket.number))
            .parse()
            .expect("a process id")
    }

    /// Ends a child; its process id is free then.
    pub fn reap(&self, child: u32) {
        self.told(format_args!("reap {child}"));
    }

    fn make(&self, order: Arguments) -> Socket {
        self.socket(&self.told(order))
    }

    /// A socket as the process tells of it.
    fn socket(&self, answer: &str) -> Socket {
        let mut words = answer.split(' ');
        let number = words.next().and_then(|word| word.parse().ok());
        let mut ends = words.map(|word| word.parse().expect("an address"));
        let (Some(number), Some(local)) = (number, ends.next()) else {
            panic!("{} made no socket: {answer}", self.name);
        };
        Socket {
            number,
            local,
            remote: ends.next(),
        }
    }

    /// The answer to an order that cannot fail.
    fn told(&self, order: Arguments) -> String {
        self.order(order)
            .unwrap_or_else(|e| panic!("{}: {order}: {e}", self.name))
    }

    fn order(&self, order: Arguments) -> io::Result<String> {
        (&self.control).write_all(format!("{order}\n").as_bytes())?;
        let mut answer = String::new();
        // One order, one answer: the reader takes nothing of the next.
        BufReader::new(&self.control).read_line(&mut answer)?;
        match answer.trim_end().split_once(' ') {
            Some(("ok", answer)) => Ok(answer.to_owned()),
            Some(("error", why)) => Err(io::Error::other(why.to_owned())),
            _ => match answer.trim_end() {
                "ok" => Ok(String::new()),
                _ => Err(io::Error::other("it has ended")),
            },
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A kind of socket that pings.
#[derive(Clone, Copy, Debug)]
pub enum Echo {
    /// `SOCK_DGRAM`: of whoever `net.ipv4.ping_group_range` allows to.
    Ping,
    /// `SOCK_RAW`: of who has `CAP_NET_RAW`.
    Raw,
}

/// A control group, like those that container runtimes make. It goes away with
/// this value, if no process is left in it.
pub struct Group {
    /// The directories that were made, from the top.
    made: Vec<PathBuf>,
}

impl Group {
    /// Makes a group below the root of the unified hierarchy: `path` without a
    /// slash in front. Skips the test where that cannot be.
    pub fn new(path: &str) -> Self {
        let Some(root) = unified_hierarchy() else {
            skip("no cgroup2 is mounted");
        };
        let mut group = Self { made: Vec::new() };
        let mut directory = root;
        for part in path.split('/') {
            directory.push(part);
            match fs::create_dir(&directory) {
                Ok(()) => group.made.push(directory.clone()),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => skip_unless_root(format_args!("make {}: {e}", directory.display())),
            }
        }
        group
    }

    fn take(&self, pid: u32) {
        let group = self.made.last().expect("its last part was made");
        let file = group.join("cgroup.procs");
        if let Err(error) = fs::write(&file, pid.to_string()) {
            skip_unless_root(format_args!("write to {}: {error}", file.display()));
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for directory in self.made.iter().rev() {
            // The kernel takes a moment to forget a process that has ended.
            for _ in 0..100 {
                if fs::remove_dir(directory).is_ok() {
                    break;
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// Where cgroup2 is mounted.
fn unified_hierarchy() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ');
        let directory = fields.nth(1)?;
        (fields.next()? == "cgroup2").then(|| directory.into())
    })
}
