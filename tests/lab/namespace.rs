//! Namespaces: the child a test runs in, the hosts inside it, and processes
//! with fewer rights than the test.
#![expect(
    unsafe_code,
    reason = "unshare, setns, process groups and the code between fork and exec exist only in libc"
)]

use std::env;
use std::ffi::{CStr, OsStr};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::panic;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::ptr;
use std::thread;
use std::time::{Duration, Instant};

/// The uid and gid of processes that should own nothing.
const NOBODY: u32 = 65534;
/// `CAP_LAST_CAP` may grow; the kernel refuses numbers it does not know.
const CAPABILITIES: std::ops::Range<libc::c_ulong> = 0..64;

/// How a child ended.
pub(super) struct Outcome {
    /// `None` if it had to be killed.
    pub(super) exit: Option<ExitStatus>,
    /// Standard output and error, in the order they were written.
    pub(super) output: String,
}

/// Runs `test` of this binary again, alone, in fresh namespaces and with the
/// environment variable `marker` set to its name. Everything the child left
/// running in its process group is killed when it ends or `limit` is over.
///
/// # Errors
///
/// If there is no such child. [`is_refusal`] tells whether that is because
/// this user may not make the namespaces.
pub(super) fn rerun(test: &str, marker: &str, limit: Duration) -> io::Result<Outcome> {
    // A file rather than a pipe: a process that outlives the child could hold
    // a pipe open, and reading it would never end.
    let output = memory_file()?;
    let spawn = |user_namespace| -> io::Result<Child> {
        let mut command = Command::new(env::current_exe()?);
        command
            .args([
                test,
                "--exact",
                "--include-ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(marker, test)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output.try_clone()?)
            .process_group(0);
        isolate(&mut command, user_namespace);
        command.spawn()
    };
    // Root makes namespaces directly; root of a container may lack the
    // capability and is then as good as an ordinary user.
    let mut child = spawn(false).or_else(|_| spawn(true))?;
    let deadline = Instant::now() + limit;
    while !has_ended(&child)? && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(2));
    }
    let ended = has_ended(&child)?;
    // SAFETY: kill(2) takes no pointers. The child has not been waited for,
    // so its process group cannot be anybody else's.
    unsafe { libc::kill(-(child.id() as libc::pid_t), libc::SIGKILL) };
    let status = child.wait()?;
    let mut bytes = vec![0; output.metadata()?.len() as usize];
    output.read_exact_at(&mut bytes, 0)?;
    Ok(Outcome {
        exit: ended.then_some(status),
        output: String::from_utf8_lossy(&bytes).into_owned(),
    })
}

/// Whether an error of [`rerun`] means that the kernel or its administrator
/// does not allow what was asked, rather than that something is broken.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    // EINVAL: no user namespaces in this kernel; ENOSPC and EUSERS: no more
    // of them.
    const REFUSALS: [i32; 6] = [
        libc::EPERM,
        libc::EACCES,
        libc::EINVAL,
        libc::ENOSYS,
        libc::ENOSPC,
        libc::EUSERS,
    ];
    error
        .raw_os_error()
        .is_some_and(|errno| REFUSALS.contains(&errno))
}

/// An anonymous file in memory, to which several processes may write.
fn memory_file() -> io::Result<File> {
    // SAFETY: the name is a NUL-terminated string that lives on.
    let fd = unsafe { libc::memfd_create(c"lab".as_ptr(), libc::MFD_CLOEXEC) };
    check(fd)?;
    // SAFETY: the kernel has just given us this descriptor.
    let file = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    // They share an offset, which the kernel does not lock for such a file: of
    // two who write at once, one would overwrite what the other has said.
    // SAFETY: fcntl(2) with F_SETFL takes flags only.
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, libc::O_APPEND) })?;
    Ok(file)
}

/// Whether the child has ended, without reaping it.
fn has_ended(child: &Child) -> io::Result<bool> {
    // SAFETY: siginfo_t is plain data for which all zeroes are valid.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is a valid place for the answer.
    check(unsafe { libc::waitid(libc::P_PID, child.id(), &raw mut info, options) })?;
    // SAFETY: after waitid this member is initialised, to 0 if nothing ended.
    Ok(unsafe { info.si_pid() } != 0)
}

/// Lets `command` begin in its own network and mount namespaces, as uid 0 of
/// its own user namespace if asked.
fn isolate(command: &mut Command, user_namespace: bool) {
    // SAFETY: geteuid and getegid take nothing and cannot fail.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let maps = [
        (c"/proc/self/setgroups", "deny".to_owned()),
        (c"/proc/self/uid_map", format!("0 {uid} 1")),
        (c"/proc/self/gid_map", format!("0 {gid} 1")),
    ];
    let prepare = move || {
        let user = if user_namespace {
            libc::CLONE_NEWUSER
        } else {
            0
        };
        // SAFETY: unshare, mount and prctl are called as their manual pages
        // say, with constant strings and null where nothing is to be given.
        unsafe {
            check(libc::unshare(user | libc::CLONE_NEWNET | libc::CLONE_NEWNS))?;
            if user_namespace {
                for (path, line) in &maps {
                    write_after_fork(path, line.as_bytes())?;
                }
            }
            // What the test mounts stays in its mount namespace.
            check(libc::mount(
                ptr::null(),
                c"/".as_ptr(),
                ptr::null(),
                libc::MS_REC | libc::MS_PRIVATE,
                ptr::null(),
            ))?;
            // An interrupted test run takes the child along.
            check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))
        }
    };
    // SAFETY: between fork and exec the closure only makes system calls; its
    // strings were allocated before.
    unsafe { command.pre_exec(prepare) };
}

/// Writes a whole file without allocating.
fn write_after_fork(path: &CStr, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: the path is NUL-terminated, the buffer is as long as said, and
    // the descriptor is the one just opened.
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        check(fd)?;
        let written = libc::write(fd, bytes.as_ptr().cast(), bytes.len());
        let result = check(written as libc::c_int);
        libc::close(fd);
        result
    }
}

/// The error of a system call that says -1.
fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// A host of the laboratory: a network namespace. It exists until the value
/// is dropped and the last process and socket in it are gone.
pub struct Host {
    name: String,
    namespace: OwnedFd,
}

impl Host {
    /// A new namespace with its loopback interface up.
    pub(super) fn new(name: &str) -> Self {
        let make = || {
            // SAFETY: unshare(2) takes flags only, and this thread has no
            // other purpose.
            check(unsafe { libc::unshare(libc::CLONE_NEWNET) })
                .unwrap_or_else(|e| panic!("cannot make a network namespace for {name}: {e}"));
            Self::current(name)
        };
        thread::scope(|scope| scope.spawn(make).join())
            .unwrap_or_else(|payload| panic::resume_unwind(payload))
    }

    /// The calling thread's namespace, which must be fresh.
    pub(super) fn current(name: &str) -> Self {
        // Not /proc/self, which is the process's first thread.
        let namespace = File::open("/proc/thread-self/ns/net")
            .unwrap_or_else(|e| panic!("cannot open the namespace of {name}: {e}"))
            .into();
        let host = Self {
            name: name.to_owned(),
            namespace,
        };
        // Addresses are usable at once, and no host speaks unasked.
        for interfaces in ["all", "default"] {
            for (key, value) in [
                ("disable_ipv6", "0"),
                ("accept_dad", "0"),
                ("accept_ra", "0"),
                ("router_solicitations", "0"),
            ] {
                let key = format!("net/ipv6/conf/{interfaces}/{key}");
                if host.sysctl(&key).is_some() {
                    host.set_sysctl(&key, value);
                }
            }
        }
        // Their defaults are module parameters, which an administrator may
        // have changed.
        for key in ["nf_conntrack_acct", "nf_conntrack_timestamp"] {
            let key = format!("net/netfilter/{key}");
            if host.sysctl(&key).is_some() {
                host.set_sysctl(&key, "0");
            }
        }
        host.raise("lo");
        host
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The namespace's descriptor, for setns(2) and netlink.
    pub fn namespace_fd(&self) -> RawFd {
        self.namespace.as_raw_fd()
    }

    /// Runs `body` on a thread inside this host. Sockets made there belong to
    /// the host for good and may be used from anywhere.
    pub fn enter<T: Send>(&self, body: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            setns(&self.namespace)
                .unwrap_or_else(|e| panic!("cannot enter the namespace of {}: {e}", self.name));
            body()
        };
        thread::scope(|scope| scope.spawn(inside).join())
            .unwrap_or_else(|payload| panic::resume_unwind(payload))
    }

    /// A command that will run inside this host, with the test's rights. What
    /// is spawned by other means inside [`Host::enter`] runs there as well.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.place(Command::new(program))
    }

    /// As [`unprivileged`], inside this host.
    pub fn unprivileged(&self, program: impl AsRef<OsStr>) -> Command {
        let (command, image) = by_descriptor(program.as_ref());
        // The namespace first: entering it needs the rights.
        drop_rights(self.place(command), image)
    }

    /// Runs a test of this binary again inside this host, without any
    /// capability and with the environment variable `marker` set.
    ///
    /// # Panics
    ///
    /// If it does not pass.
    pub fn rerun_unprivileged(&self, test: &str, marker: &str) {
        let output = self
            .unprivileged(env::current_exe().expect("a path"))
            .args([test, "--exact", "--nocapture"])
            .env(marker, "1")
            .output()
            .expect("this binary runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}"
        );
    }

    fn place(&self, mut command: Command) -> Command {
        let namespace = self
            .namespace
            .try_clone()
            .unwrap_or_else(|e| panic!("cannot duplicate the namespace of {}: {e}", self.name));
        // SAFETY: the closure makes one system call and allocates nothing.
        unsafe { command.pre_exec(move || setns(&namespace)) };
        command
    }

    /// The value of a sysctl inside this host, without its line end; `None` if
    /// the kernel does not have it. `key` is a path below `/proc/sys`.
    pub fn sysctl(&self, key: &str) -> Option<String> {
        let path = format!("/proc/sys/{key}");
        self.enter(|| match fs::read_to_string(&path) {
            Ok(value) => Some(value.trim_end().to_owned()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => panic!("cannot read {path}: {e}"),
        })
    }

    /// Sets a sysctl inside this host. `key` is a path below `/proc/sys`.
    pub fn set_sysctl(&self, key: &str, value: &str) {
        let path = format!("/proc/sys/{key}");
        self.enter(|| fs::write(&path, value))
            .unwrap_or_else(|e| panic!("cannot write {value} to {path} of {}: {e}", self.name));
    }
}

fn setns(namespace: &OwnedFd) -> io::Result<()> {
    // SAFETY: setns(2) takes a descriptor, which is open, and a flag.
    check(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) })
}

/// A command that will run without any capability: as nobody where the caller
/// is root, with an empty bounding set where it is root of a user namespace
/// that has no other user, and as it is for an ordinary user.
///
/// `program` is a path. It need only be reachable for the caller: the binary
/// may lie in a directory that is closed to nobody.
pub fn unprivileged(program: impl AsRef<OsStr>) -> Command {
    let (command, image) = by_descriptor(program.as_ref());
    drop_rights(command, image)
}

/// A command that executes an open file, and the file, which must stay open
/// until then.
fn by_descriptor(program: &OsStr) -> (Command, File) {
    let image = File::open(program)
        .unwrap_or_else(|e| panic!("cannot open {} to run it: {e}", program.display()));
    let mut command = Command::new(format!("/proc/self/fd/{}", image.as_raw_fd()));
    command.arg0(program);
    (command, image)
}

fn drop_rights(mut command: Command, image: File) -> Command {
    let drop = move || {
        let _open_until_exec = &image;
        // SAFETY: prctl, setgroups and the set*id calls take numbers only;
        // the one pointer is null and goes with a length of 0.
        unsafe {
            // Refused to whoever has no capabilities to lose.
            for capability in CAPABILITIES {
                libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0);
            }
            check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
            if libc::geteuid() == 0 {
                // Forbidden in a user namespace without privileges.
                libc::setgroups(0, ptr::null());
                accept_unmapped(libc::setresgid(NOBODY, NOBODY, NOBODY))?;
                accept_unmapped(libc::setresuid(NOBODY, NOBODY, NOBODY))?;
            }
        }
        Ok(())
    };
    // SAFETY: the closure makes system calls only and allocates nothing.
    unsafe { command.pre_exec(drop) };
    command
}

/// The result of a set*id call, where an id that the user namespace does not
/// have is no failure: the empty bounding set has already done the work.
fn accept_unmapped(result: libc::c_int) -> io::Result<()> {
    check(result).or_else(|e| match e.raw_os_error() {
        Some(libc::EINVAL) => Ok(()),
        _ => Err(e),
    })
}
