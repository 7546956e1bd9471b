//! One process as `/proc/PID` shows it (proc(5)).

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Much longer command lines are cut.
const CMDLINE_BYTES: u64 = 4096;
/// More than any of the other files has.
const MAX_BYTES: u64 = 64 << 10;

/// The directory of a process.
#[derive(Clone, Debug)]
pub(super) struct Directory(PathBuf);

/// What `/proc/PID/stat` says, as far as it is of use here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// Field 2, without parentheses: at most 15 octets, any of them.
    pub(super) comm: Vec<u8>,
    /// Field 4.
    pub(super) ppid: u32,
    /// Field 22: clock ticks since boot.
    pub(super) start_ticks: u64,
}

impl Directory {
    pub(super) fn of(proc: &Path, pid: u32) -> Self {
        Self(proc.join(pid.to_string()))
    }

    /// `None` if there is no such process.
    pub(super) fn stat(&self) -> Option<Stat> {
        Stat::parse(&self.read("stat", MAX_BYTES)?)
    }

    /// The path of the executable, without ` (deleted)`.
    pub(super) fn exe(&self) -> Option<Vec<u8>> {
        let path = fs::read_link(self.0.join("exe")).ok()?;
        let mut path = path.into_os_string().into_encoded_bytes();
        if path.ends_with(b" (deleted)") {
            path.truncate(path.len() - b" (deleted)".len());
        }
        Some(path)
    }

    /// Its arguments, each with a NUL behind it. Empty for threads of the
    /// kernel.
    pub(super) fn cmdline(&self) -> Option<Vec<u8>> {
        self.read("cmdline", CMDLINE_BYTES)
    }

    /// Its effective user.
    pub(super) fn uid(&self) -> Option<u32> {
        effective_uid(&self.read("status", MAX_BYTES)?)
    }

    /// `/proc/PID/cgroup`.
    pub(super) fn cgroup(&self) -> Option<Vec<u8>> {
        self.read("cgroup", MAX_BYTES)
    }

    fn read(&self, file: &str, at_most: u64) -> Option<Vec<u8>> {
        // Files here say that they are empty: no use to ask for their size.
        let mut content = Vec::with_capacity(512);
        let file = File::open(self.0.join(file)).ok()?;
        file.take(at_most).read_to_end(&mut content).ok()?;
        Some(content)
    }
}

impl Stat {
    /// The name may hold spaces, parentheses and line ends: it goes to the last
    /// parenthesis.
    pub(super) fn parse(content: &[u8]) -> Option<Self> {
        let open = content.iter().position(|&octet| octet == b'(')?;
        let close = content.iter().rposition(|&octet| octet == b')')?;
        let comm = content.get(open + 1..close)?.to_vec();
        let rest = std::str::from_utf8(content.get(close + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        // From field 3, the state.
        let ppid = fields.nth(1)?.parse().ok()?;
        let start_ticks = fields.nth(17)?.parse().ok()?;
        Some(Self {
            comm,
            ppid,
            start_ticks,
        })
    }
}

/// `Uid: real effective saved file-system`, of `/proc/PID/status`.
fn effective_uid(status: &[u8]) -> Option<u32> {
    let line = status
        .split(|&octet| octet == b'\n')
        .find_map(|line| line.strip_prefix(b"Uid:"))?;
    let fields = std::str::from_utf8(line).ok()?;
    fields.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// What to call a process.
///
/// 1. The name of the program's file, if the process still goes by that: `comm`
///    is the same, cut after 15 octets.
/// 2. Else `comm`: that of a script the kernel started by its first line, a
///    link to a program of many names, a title that the process gave itself.
///    If it was cut, the argument that it was cut from says the rest.
///
/// A script that was given to its interpreter as an argument goes by the name
/// of the interpreter, as in ps(1) and top(1); the command line says the rest.
pub(super) fn name(comm: &[u8], exe: Option<&[u8]>, cmdline: &[u8]) -> Vec<u8> {
    /// `TASK_COMM_LEN` without the NUL.
    const CUT: usize = 15;
    let program = exe.map(basename);
    if let Some(program) = program
        && (program == comm || program.len() > CUT && program.get(..CUT) == Some(comm))
    {
        return program.to_vec();
    }
    if comm.len() < CUT {
        return comm.to_vec();
    }
    let arguments = cmdline.split(|&octet| octet == 0).take(2);
    let whole = arguments.map(basename).find(|name| name.starts_with(comm));
    whole.unwrap_or(comm).to_vec()
}

fn basename(path: &[u8]) -> &[u8] {
    let from = path.iter().rposition(|&octet| octet == b'/');
    path.get(from.map_or(0, |slash| slash + 1)..)
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &[u8] =
        b" S 42 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 18446744073709551615";

    #[test]
    fn names_may_hold_anything() {
        for comm in [
            &b"sh"[..],
            b"a b",
            b"tricky) S 1 (",
            b"(sd-pam)",
            b"",
            b"\xff\n)",
        ] {
            let line = [b"7 (", comm, b")", REST].concat();
            let stat = Stat::parse(&line).unwrap();
            assert_eq!(stat.comm, comm);
            assert_eq!((stat.ppid, stat.start_ticks), (42, 987_654));
        }
        for broken in [
            &b""[..],
            b"7",
            b"7 (sh",
            b"7 )sh(",
            b"7 (sh) S",
            b"7 (sh) S 1 2 3",
        ] {
            assert_eq!(Stat::parse(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn our_own_process_is_as_it_is() {
        let directory = Directory::of("/proc".as_ref(), std::process::id());
        let stat = directory.stat().unwrap();
        assert_eq!(stat.ppid, std::os::unix::process::parent_id());
        let exe = std::env::current_exe().unwrap();
        assert_eq!(directory.exe().unwrap(), exe.as_os_str().as_encoded_bytes());
        assert!(directory.uid().is_some());
        assert!(directory.cgroup().is_some());
        assert!(!directory.cmdline().unwrap().is_empty());
    }

    #[test]
    fn the_effective_user_is_the_second() {
        let status = b"Name:\tx\nUid:\t1000\t0\t0\t0\nGid:\t1\t2\t3\t4\n";
        assert_eq!(effective_uid(status), Some(0));
        assert_eq!(effective_uid(b"Name:\tUid:\n"), None);
    }

    #[test]
    fn a_process_goes_by_the_name_people_know() {
        let name = |comm: &str, exe: Option<&str>, cmdline: &str| {
            let name = super::name(comm.as_bytes(), exe.map(str::as_bytes), cmdline.as_bytes());
            String::from_utf8(name).unwrap()
        };
        assert_eq!(name("sshd", Some("/usr/sbin/sshd"), "sshd: x\0"), "sshd");
        assert_eq!(
            name("systemd-resolve", Some("/lib/systemd/systemd-resolved"), ""),
            "systemd-resolved"
        );
        assert_eq!(
            name(
                "backup.py",
                Some("/usr/bin/python3.11"),
                "python3\0/opt/backup.py\0"
            ),
            "backup.py",
            "a script by its first line"
        );
        assert_eq!(
            name(
                "a-long-script-n",
                Some("/usr/bin/python3.11"),
                "/usr/bin/python3\0/opt/a-long-script-name.py\0-v\0"
            ),
            "a-long-script-name.py"
        );
        assert_eq!(
            name(
                "python3.11",
                Some("/usr/bin/python3.11"),
                "python3\0backup.py\0"
            ),
            "python3.11",
            "a script as an argument"
        );
        assert_eq!(name("wget", Some("/bin/busybox"), "wget\0x\0"), "wget");
        assert_eq!(
            name(
                "Isolated Web Co",
                Some("/usr/lib/firefox/firefox"),
                "firefox\0"
            ),
            "Isolated Web Co"
        );
        assert_eq!(
            name("systemd-resolve", None, "/lib/systemd/systemd-resolved\0"),
            "systemd-resolved",
            "where the executable may not be read"
        );
        assert_eq!(name("kworker/0:1", None, ""), "kworker/0:1");
    }
}
