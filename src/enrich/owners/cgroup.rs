//! What a control group's path says: systemd units and containers.

use std::sync::Arc;

use super::{Cgroup, Container};
use crate::enrich::names;

/// Longest path that is shown.
const PATH_BYTES: usize = 512;
/// Digits of a container id that is a hash.
const ID_DIGITS: usize = 64;

/// How scopes of containers begin, and what runs them. Scopes of their
/// monitors (`libpod-conmon-`, `crio-conmon-`) are no containers.
const SCOPES: [(&str, &str); 6] = [
    ("docker-", "docker"),
    ("libpod-", "podman"),
    ("cri-containerd-", "containerd"),
    ("crio-", "cri-o"),
    ("nerdctl-", "containerd"),
    ("buildkit-", "buildkit"),
];

/// Directories above bare ids, where a runtime manages control groups itself.
const PARENTS: [(&str, &str); 5] = [
    ("docker", "docker"),
    ("libpod_parent", "podman"),
    ("k8s.io", "containerd"),
    ("buildkit", "buildkit"),
    ("ecs", "docker"),
];

impl Cgroup {
    /// What a path from the root of the hierarchy says (`/system.slice/...`).
    pub fn of_path(path: &[u8]) -> Self {
        let text = names::line(path, PATH_BYTES);
        let unit = unit(&text).map(Arc::from);
        let container = container(&text);
        Self {
            path: text.into_boxed_str(),
            unit,
            container,
        }
    }
}

/// The path to show of `/proc/PID/cgroup`: that of the unified hierarchy, and
/// where only the old ones are in use, that of systemd's, else the longest
/// (`cgroups(7)`: `id:controllers:path`).
pub(super) fn path_of_process(content: &[u8]) -> Option<&[u8]> {
    let mut best: Option<((u8, usize), &[u8])> = None;
    for line in content.split(|&octet| octet == b'\n') {
        let mut fields = line.splitn(3, |&octet| octet == b':');
        let (Some(_), Some(controllers), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let preference = match (controllers, path) {
            (_, b"/") => 0,
            (b"", _) => 3,
            (b"name=systemd", _) => 2,
            _ => 1,
        };
        let rank = (preference, path.len());
        if best.is_none_or(|(known, _)| rank > known) {
            best = Some((rank, path));
        }
    }
    best.map(|(_, path)| path)
}

/// The innermost service or scope.
fn unit(path: &str) -> Option<&str> {
    path.rsplit('/').find(|part| {
        let kind = part.rsplit_once('.').map(|(_, kind)| kind);
        kind.is_some_and(|kind| ["service", "scope"].contains(&kind))
    })
}

/// The innermost container.
fn container(path: &str) -> Option<Container> {
    let parts: Vec<&str> = path.split('/').collect();
    (0..parts.len()).rev().find_map(|at| {
        let above = at.checked_sub(1).and_then(|above| parts.get(above));
        let (runtime, id) = part(parts.get(at)?, above.copied().unwrap_or(""), path)?;
        Some(Container {
            runtime,
            id: id.into(),
            name: None,
            pod: None,
        })
    })
}

/// What one part of a path says, below `above`.
fn part<'a>(part: &'a str, above: &str, path: &str) -> Option<(&'static str, &'a str)> {
    let scope = part.strip_suffix(".scope");
    if let Some(scope) = scope {
        for (prefix, runtime) in SCOPES {
            if let Some(id) = scope.strip_prefix(prefix).filter(|id| is_id(id)) {
                return Some((runtime, id));
            }
        }
        // libvirt's machines have a scope of the same form, and are none.
        let machine = scope.strip_prefix("machine-");
        if let Some(name) = machine.filter(|name| !name.starts_with("qemu")) {
            return Some(match name.strip_prefix("lxc\\x2d") {
                Some(name) => ("lxc", name),
                None => ("systemd-nspawn", name),
            });
        }
    }
    if let Some(name) = part.strip_prefix("lxc.payload.") {
        return Some(("lxc", name));
    }
    if above == "lxc.payload" || above == "lxc" {
        return (!part.is_empty()).then_some(("lxc", part));
    }
    let nspawn = part.strip_prefix("systemd-nspawn@");
    if let Some(name) = nspawn.and_then(|name| name.strip_suffix(".service")) {
        return Some(("systemd-nspawn", name));
    }
    // `crio-<id>` and `libpod-<id>` without a scope, under cgroupfs.
    let bare = SCOPES
        .iter()
        .find_map(|(prefix, runtime)| Some((*runtime, part.strip_prefix(prefix)?)));
    if let Some((runtime, id)) = bare.filter(|(_, id)| is_id(id)) {
        return Some((runtime, id));
    }
    // A bare id, or on Fargate `<id>-<number>`, which is shorter.
    let id = match part.split_once('-') {
        Some((id, _)) if path.contains("/ecs/") && is_hex(id) => id,
        None if is_id(part) => part,
        _ => return None,
    };
    // Where the runtime does not name itself: some CRI runtime, or another.
    let in_pod = path.contains("kubepods").then_some("cri");
    let named = PARENTS
        .iter()
        .find(|(parent, _)| path.contains(&format!("/{parent}/")));
    let runtime = in_pod.or(named.map(|(_, runtime)| *runtime));
    Some((runtime.unwrap_or("container"), id))
}

fn is_hex(text: &str) -> bool {
    text.len() >= 12 && text.bytes().all(|octet| octet.is_ascii_hexdigit())
}

fn is_id(text: &str) -> bool {
    text.len() == ID_DIGITS && is_hex(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn of(path: &str) -> Cgroup {
        Cgroup::of_path(path.replace("ID", ID).as_bytes())
    }

    #[test]
    fn runtimes_are_told_by_their_paths() {
        for (path, runtime, id) in [
            ("/system.slice/docker-ID.scope", "docker", ID),
            ("/system.slice/docker-ID.scope/init", "docker", ID),
            ("/docker/ID", "docker", ID),
            ("/docker/ID/docker/ID", "docker", ID),
            (
                "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-ID.scope",
                "docker",
                ID,
            ),
            ("/machine.slice/libpod-ID.scope/container", "podman", ID),
            ("/libpod_parent/libpod-ID", "podman", ID),
            (
                "/kubepods.slice/kubepods-pod1_2.slice/cri-containerd-ID.scope",
                "containerd",
                ID,
            ),
            (
                "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podx.slice/crio-ID.scope",
                "cri-o",
                ID,
            ),
            ("/kubepods/burstable/pod12-34/ID", "cri", ID),
            ("/kubepods/podx/crio-ID", "cri-o", ID),
            ("/k8s.io/ID", "containerd", ID),
            ("/system.slice/nerdctl-ID.scope", "containerd", ID),
            ("/actions_job/ID", "container", ID),
            ("/ecs/task/ID", "docker", ID),
            (
                "/ecs/0123456789abcdef/0123456789abcdef-42",
                "docker",
                "0123456789abcdef",
            ),
            ("/lxc/web/system.slice/nginx.service", "lxc", "web"),
            ("/lxc.payload.web", "lxc", "web"),
            ("/lxc.payload/web/init.scope", "lxc", "web"),
            (
                "/machine.slice/machine-build.scope",
                "systemd-nspawn",
                "build",
            ),
            (
                "/machine.slice/systemd-nspawn@build.service/payload",
                "systemd-nspawn",
                "build",
            ),
            ("/machine.slice/machine-lxc\\x2dweb.scope", "lxc", "web"),
        ] {
            let container = of(path).container;
            let found = container.as_ref().map(|c| (c.runtime, &*c.id));
            assert_eq!(found, Some((runtime, id)), "{path}");
        }
    }

    #[test]
    fn what_is_no_container_is_none() {
        for path in [
            "/",
            "",
            "/system.slice/ssh.service",
            "/system.slice/docker.service",
            "/machine.slice/libpod-conmon-ID.scope",
            "/system.slice/crio-conmon-ID.scope",
            "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope",
            "/lxc.monitor.web",
            "/system.slice/docker-0123.scope",
            "/app/0123456789abcdef-42",
        ] {
            assert_eq!(of(path).container, None, "{path}");
        }
    }

    #[test]
    fn the_innermost_unit_counts() {
        let unit = |path| of(path).unit.map(|unit| unit.to_string());
        assert_eq!(unit("/system.slice/ssh.service").unwrap(), "ssh.service");
        assert_eq!(unit("/init.scope").unwrap(), "init.scope");
        assert_eq!(
            unit("/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope").unwrap(),
            "app-x.scope"
        );
        assert_eq!(
            unit("/system.slice/cron.service/worker/1").unwrap(),
            "cron.service"
        );
        assert_eq!(unit("/user.slice/user-1000.slice"), None);
        assert_eq!(unit("/"), None);
    }

    #[test]
    fn the_hierarchy_that_says_most_is_shown() {
        let path = |content: &'static str| path_of_process(content.as_bytes());
        assert_eq!(path("0::/a.service\n").unwrap(), b"/a.service");
        assert_eq!(
            path("9:name=systemd:/\n4:memory:/docker/x\n0::/\n").unwrap(),
            b"/docker/x"
        );
        assert_eq!(
            path("4:memory:/longer/than/that\n1:name=systemd:/a.service\n0::/\n").unwrap(),
            b"/a.service"
        );
        assert_eq!(path("4:memory:/x\n0::/a:b\n").unwrap(), b"/a:b");
        assert_eq!(path("0::/\n").unwrap(), b"/");
        assert_eq!(path("nonsense"), None);
    }

    #[test]
    fn a_path_is_fit_for_a_terminal() {
        assert_eq!(&*of("/a\u{1b}[2J.service").path, "/a\\027[2J.service");
    }
}
