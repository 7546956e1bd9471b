//! Other network namespaces of this machine.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::thread;

use super::socket;

/// Runs `body` on a thread inside the network namespace that `namespace` is a
/// file of (`/proc/PID/ns/net`, `/run/netns/NAME`), and waits for it. What is
/// opened there belongs to that namespace for good and may be used anywhere.
///
/// # Errors
/// If there can be no thread, or setns(2) fails: it needs `CAP_SYS_ADMIN`.
pub fn within<T: Send>(namespace: &File, body: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let inside = || {
            socket::enter_network(namespace.as_fd())?;
            Ok(body())
        };
        let visitor = thread::Builder::new()
            .name("namespace".into())
            .spawn_scoped(scope, inside)?;
        visitor
            .join()
            .unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    })
}

/// Moves the calling thread, and those that it starts from now on, into the
/// network namespace that `namespace` is a file of.
///
/// # Errors
/// If setns(2) fails: it needs `CAP_SYS_ADMIN`.
pub fn enter(namespace: &File) -> io::Result<()> {
    socket::enter_network(namespace.as_fd())
}
