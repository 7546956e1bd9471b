//! The switches of connection tracking, in network namespaces of the tests' own.
//!
//! Each test runs itself again in a child process that lives in new user,
//! mount and network namespaces, so that nothing outside of them changes and
//! an ordinary user can do it too. Where the kernel permits no such namespace,
//! or has no connection tracking, the test says so and passes, unless
//! `FLOWTOP_REQUIRE_KERNEL` is set.

#![expect(unsafe_code, reason = "namespaces and mounts have no safe wrapper")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "the lints spare test functions, but not what they call"
)]

use std::env;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::panic;
use std::process::Command;
use std::ptr;
use std::thread;

use flowtop::sysctl::{self, Accounting, Action, Restorer, Switch, Switches};

const ACCT: &str = "/proc/sys/net/netfilter/nf_conntrack_acct";
const TIMESTAMP: &str = "/proc/sys/net/netfilter/nf_conntrack_timestamp";
const INSIDE: &str = "FLOWTOP_TEST_INSIDE_NAMESPACE";

/// Whether this is the child. In the parent, runs the child and passes its
/// verdict on.
fn inside(test: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        // New namespaces inherit the module's parameters, whatever they are.
        fs::write(ACCT, "0").unwrap();
        fs::write(TIMESTAMP, "0").unwrap();
        return true;
    }
    if !fs::exists(ACCT).unwrap() || !fs::exists(TIMESTAMP).unwrap() {
        skip(test, "nf_conntrack is not loaded");
        return false;
    }
    // SAFETY: neither function has preconditions.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let maps = [
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/uid_map", format!("0 {uid} 1")),
        ("/proc/self/gid_map", format!("0 {gid} 1")),
    ];
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    child.env(INSIDE, "1");
    // SAFETY: the closure makes system calls and allocates nothing that another
    // thread of the parent could have locked at the fork.
    unsafe {
        child.pre_exec(move || {
            let flags = libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWNET;
            if libc::unshare(flags) != 0 {
                return Err(io::Error::last_os_error());
            }
            for (path, text) in &maps {
                fs::write(path, text)?;
            }
            Ok(())
        });
    }
    match child.output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            let failed = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "in the namespace:\n{said}{failed}");
            assert!(said.contains("1 passed"), "no test `{test}`:\n{said}");
        }
        Err(error) => skip(test, &format!("no new namespaces: {error}")),
    }
    false
}

fn skip(test: &str, why: &str) {
    assert!(
        env::var_os("FLOWTOP_REQUIRE_KERNEL").is_none(),
        "{test}: {why}"
    );
    eprintln!("{test}: skipped, {why}");
}

fn mount(source: &str, target: &str, kind: &str, flags: libc::c_ulong) {
    let [source, target, kind] = [source, target, kind].map(|s| CString::new(s).unwrap());
    // SAFETY: three strings that end in NUL and live until the call returns,
    // and no data.
    let result = unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            kind.as_ptr(),
            flags,
            ptr::null(),
        )
    };
    assert_eq!(
        result,
        0,
        "mount {target:?}: {}",
        io::Error::last_os_error()
    );
}

/// Puts ordinary files where the switches are.
fn pretend(acct: Option<&str>, timestamp: Option<&str>) {
    mount("none", "/proc/sys/net/netfilter", "tmpfs", 0);
    for (path, text) in [(ACCT, acct), (TIMESTAMP, timestamp)] {
        if let Some(text) = text {
            fs::write(path, text).unwrap();
        }
    }
}

fn values() -> [String; 2] {
    [ACCT, TIMESTAMP].map(|path| fs::read_to_string(path).unwrap().trim().to_owned())
}

const fn both(acct: bool, timestamp: bool) -> Accounting {
    Accounting {
        acct: Some(acct),
        timestamp: Some(timestamp),
    }
}

#[test]
fn switched_on_and_restored() {
    if !inside("switched_on_and_restored") {
        return;
    }
    assert_eq!(sysctl::read(), both(false, false));
    let (switches, warnings) = Switches::turn_on();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(values(), ["1", "1"]);
    assert_eq!(sysctl::read(), both(true, true));
    assert!(switches.restore().is_empty());
    assert_eq!(values(), ["0", "0"]);
}

#[test]
fn what_was_on_stays_on() {
    if !inside("what_was_on_stays_on") {
        return;
    }
    fs::write(TIMESTAMP, "1").unwrap();
    let (switches, warnings) = Switches::turn_on();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(values(), ["1", "1"]);
    drop(switches);
    assert_eq!(values(), ["0", "1"]);
}

#[test]
fn a_panic_restores() {
    if !inside("a_panic_restores") {
        return;
    }
    let result = panic::catch_unwind(|| {
        let (_switches, _) = Switches::turn_on();
        assert_eq!(values(), ["1", "1"]);
        panic!("on purpose");
    });
    let message = result.unwrap_err();
    assert_eq!(message.downcast_ref(), Some(&"on purpose"));
    assert_eq!(values(), ["0", "0"]);
}

/// As when a signal arrives while the main thread hangs in a write: another
/// thread restores, and when the main thread comes to it, it is done already.
#[test]
fn another_thread_restores_once_for_all() {
    if !inside("another_thread_restores_once_for_all") {
        return;
    }
    let (switches, _) = Switches::turn_on();
    let restorers: Vec<Restorer> = (0..8).map(|_| switches.restorer()).collect();
    let threads: Vec<_> = restorers
        .into_iter()
        .map(|restorer| {
            thread::spawn(move || {
                let warnings = restorer.restore();
                // Whoever comes back, by then it is done.
                (warnings.len(), values())
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), (0, ["0".into(), "0".into()]));
    }
    fs::write(ACCT, "1").unwrap();
    drop(switches);
    assert_eq!(values(), ["1", "0"], "restored a second time");
}

#[test]
fn what_somebody_else_changed_is_left_alone() {
    if !inside("what_somebody_else_changed_is_left_alone") {
        return;
    }
    let (switches, _) = Switches::turn_on();
    fs::write(ACCT, "0").unwrap();
    // From now on every write would fail, and so be reported.
    mount("/proc/sys", "/proc/sys", "none", libc::MS_BIND);
    read_only();
    let warnings = switches.restore();
    let tried: Vec<Switch> = warnings.iter().map(|w| w.switch).collect();
    assert_eq!(tried, [Switch::Timestamp], "{warnings:?}");
    assert_eq!(warnings[0].action, Action::Restore);
    let text = warnings[0].to_string();
    assert!(text.contains("Read-only file system"), "{text}");
    assert_eq!(values(), ["0", "1"]);
}

fn read_only() {
    let flags = libc::MS_REMOUNT
        | libc::MS_BIND
        | libc::MS_RDONLY
        | libc::MS_NOSUID
        | libc::MS_NODEV
        | libc::MS_NOEXEC;
    mount("none", "/proc/sys", "none", flags);
}

#[test]
fn a_read_only_sysctl_is_a_warning() {
    if !inside("a_read_only_sysctl_is_a_warning") {
        return;
    }
    mount("/proc/sys", "/proc/sys", "none", libc::MS_BIND);
    read_only();
    let (switches, warnings) = Switches::turn_on();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    for warning in &warnings {
        assert_eq!(warning.action, Action::TurnOn);
        assert_eq!(warning.source.kind(), io::ErrorKind::ReadOnlyFilesystem);
    }
    assert_eq!(sysctl::read(), both(false, false));
    assert!(switches.restore().is_empty());
}

#[test]
fn a_missing_or_odd_sysctl_is_a_warning() {
    if !inside("a_missing_or_odd_sysctl_is_a_warning") {
        return;
    }
    pretend(None, Some("banana\n"));
    let (switches, warnings) = Switches::turn_on();
    let kinds: Vec<_> = warnings
        .iter()
        .map(|w| (w.switch, w.action, w.source.kind()))
        .collect();
    assert_eq!(
        kinds,
        [
            (Switch::Acct, Action::Read, io::ErrorKind::NotFound),
            (Switch::Timestamp, Action::Read, io::ErrorKind::InvalidData),
        ]
    );
    let (acct, timestamp) = (None, None);
    assert_eq!(sysctl::read(), Accounting { acct, timestamp });
    assert_eq!(sysctl::count(), None);
    assert!(switches.restore().is_empty());
    assert_eq!(fs::read_to_string(TIMESTAMP).unwrap(), "banana\n");
}

#[test]
fn switches_that_go_away_need_no_restoring() {
    if !inside("switches_that_go_away_need_no_restoring") {
        return;
    }
    pretend(Some("0\n"), Some("0\n"));
    let (switches, warnings) = Switches::turn_on();
    assert!(warnings.is_empty(), "{warnings:?}");
    fs::remove_file(ACCT).unwrap();
    assert!(switches.restore().is_empty());
    assert!(!fs::exists(ACCT).unwrap());
    assert_eq!(fs::read_to_string(TIMESTAMP).unwrap().trim(), "0");
}

#[test]
fn figures_are_of_this_namespace() {
    if !inside("figures_are_of_this_namespace") {
        return;
    }
    assert_eq!(sysctl::count(), Some(0));
    assert!(sysctl::max().unwrap() > 0);
    assert!(sysctl::buckets().unwrap() > 0);
    assert!(sysctl::events().unwrap() <= 2);
    fs::write("/proc/sys/net/ipv4/ip_local_port_range", "20000 20100").unwrap();
    assert_eq!(sysctl::local_port_range(), Some(20000..=20100));
}
