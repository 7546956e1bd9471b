//! What interfaces have carried, and how fast they could.

use std::fs;
use std::path::Path;

use crate::netlink::route::{LinkState, Session, Traffic};

/// What sysfs shows of interfaces: those of the network namespace that it was
/// mounted in, which need not be ours.
const SYSFS: &str = "/sys/class/net";

/// Kinds of interfaces whose speed is made up.
const BOUNDLESS: [&str; 4] = ["veth", "tun", "dummy", "ifb"];

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it has carried.
    pub traffic: Traffic,
    /// How fast it can be each way, in Mbit/s, where its driver says so.
    pub speed_mbit_per_sec: Option<u32>,
}

/// Reads all of them, or says why they cannot be read.
pub(super) fn read() -> Result<Vec<Link>, String> {
    let traffic = Session::open().and_then(|mut session| session.traffic());
    let traffic = traffic.map_err(|error| {
        format!(
            "reading what interfaces have carried over rtnetlink: {error}; \
             a sandbox around flowtop must allow sockets of the family AF_NETLINK"
        )
    })?;
    Ok(traffic
        .into_iter()
        .map(|traffic| Link {
            speed_mbit_per_sec: speed(Path::new(SYSFS), &traffic),
            traffic,
        })
        .collect())
}

/// The speed of an interface, if sysfs speaks of the same one.
fn speed(sysfs: &Path, link: &Traffic) -> Option<u32> {
    let is_made_up = |kind: &str| BOUNDLESS.contains(&kind);
    if link.is_loopback
        || link.state != LinkState::Up
        || link.kind.as_deref().is_some_and(is_made_up)
    {
        return None;
    }
    let read = |file| {
        let text = fs::read_to_string(sysfs.join(&link.name).join(file)).ok()?;
        Some(text.trim().to_owned())
    };
    // -1 where nobody knows.
    let speed = read("speed")?.parse().ok().filter(|speed| *speed > 0)?;
    let is_it = read("ifindex")?.parse() == Ok(link.index)
        && link.mac.is_some_and(|mac| {
            let octets = mac.map(|octet| format!("{octet:02x}"));
            read("address").is_some_and(|address| address == octets.join(":"))
        });
    is_it.then_some(speed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Pair;

    fn link(kind: Option<&str>) -> Traffic {
        Traffic {
            index: 2,
            name: "wan0".into(),
            kind: kind.map(str::to_owned),
            mac: Some([2, 0, 0, 0, 0x0a, 1]),
            is_loopback: false,
            state: LinkState::Up,
            carried: Pair::default(),
            collisions: 0,
        }
    }

    #[test]
    fn a_speed_is_that_of_the_same_interface_and_not_made_up() {
        let sysfs = std::env::temp_dir().join(format!("flowtop-speed-{}", std::process::id()));
        let dir = sysfs.join("wan0");
        fs::create_dir_all(&dir).unwrap();
        let write = |file: &str, text: &str| fs::write(dir.join(file), text).unwrap();
        write("speed", "1000\n");
        write("ifindex", "2\n");
        write("address", "02:00:00:00:0a:01\n");
        assert_eq!(speed(&sysfs, &link(None)), Some(1000));
        assert_eq!(speed(&sysfs, &link(Some("vlan"))), Some(1000));
        assert_eq!(speed(&sysfs, &link(Some("veth"))), None);
        let off = Traffic {
            state: LinkState::NoCarrier,
            ..link(None)
        };
        assert_eq!(speed(&sysfs, &off), None);
        write("address", "02:00:00:00:0a:02\n");
        assert_eq!(speed(&sysfs, &link(None)), None, "in another namespace");
        write("address", "02:00:00:00:0a:01\n");
        write("speed", "-1\n");
        assert_eq!(speed(&sysfs, &link(None)), None);
        fs::remove_dir_all(&sysfs).unwrap();
        assert_eq!(speed(&sysfs, &link(None)), None);
    }
}
