//! What this program uses itself.

use std::fs;
use std::time::Duration;

/// Length of a clock tick of `/proc` (`USER_HZ`, 100 a second everywhere).
const TICK: Duration = Duration::from_millis(10);

/// What this process has used, all of its threads together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// Time on a CPU since it began, in user mode and in the kernel.
    pub cpu: Option<Duration>,
    /// Memory that is its own or shared, and present (`VmRSS`), in bytes.
    pub memory_bytes: Option<u64>,
}

impl Own {
    /// Reads it.
    pub(super) fn read() -> Self {
        let text = |file: &str| fs::read_to_string(file).unwrap_or_default();
        Self {
            cpu: cpu(&text("/proc/self/stat")),
            memory_bytes: memory(&text("/proc/self/status")),
        }
    }
}

/// Fields 14 and 15 of `/proc/PID/stat`. The second field may hold blanks and
/// parentheses.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let kernel: u32 = fields.next()?.parse().ok()?;
    Some(TICK.saturating_mul(user.saturating_add(kernel)))
}

fn memory(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_memory_are_found_whatever_the_name() {
        let stat = "10429 (flow) top) R 10419 10419 1214 0 -1 4194304 97 0 0 0 250 50 0 0 20 0 1 0";
        assert_eq!(cpu(stat), Some(Duration::from_secs(3)));
        let status = "Name:\tflowtop\nVmPeak:\t  20000 kB\nVmRSS:\t    6144 kB\n";
        assert_eq!(memory(status), Some(6 << 20));
        assert_eq!((cpu(""), memory("")), (None, None));
    }

    #[test]
    fn this_process_uses_something() {
        let own = Own::read();
        assert!(own.memory_bytes > Some(100_000));
        assert!(own.cpu.is_some());
    }
}
