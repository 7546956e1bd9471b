//! Whether the kernel tracks at all, and whether we may ask.

use std::env;

use flowtop::collect::{Clock, Delivery, Inquiry, Kernel, Source as _};
use flowtop::flow::Protocol;
use flowtop::netlink::NetlinkError;
use flowtop::netlink::tracking::{Tracking, tracking};

use crate::lab::{self, Host};
use crate::watch::{DUMPS, LISTEN};

#[test]
fn tracking_is_told_by_the_rules_that_want_it() {
    lab::run(
        "allowed::tracking_is_told_by_the_rules_that_want_it",
        |lab| {
            type Rule = fn(&Host);
            let net = lab.router();
            let rules: [(&str, Rule); 4] = [
                ("ct state", Host::track),
                ("masquerade", |host| host.masquerade("wan")),
                ("dnat", |host| {
                    let to = "198.51.100.20:80".parse().expect("an address");
                    host.dnat(Protocol::TCP, 80, to);
                }),
                ("dnat over IPv6", |host| {
                    let to = "[2001:db8:2::20]:80".parse().expect("an address");
                    host.dnat(Protocol::TCP, 80, to);
                }),
            ];
            for (name, rule) in rules {
                assert_eq!(net.router.enter(tracking), Tracking::Unwanted, "{name}");
                rule(&net.router);
                assert_eq!(net.router.enter(tracking), Tracking::Wanted, "{name}");
                // Another namespace's rules are none of ours.
                assert_eq!(net.client.enter(tracking), Tracking::Unwanted, "{name}");
                net.router.clear_rules();
            }
            assert_eq!(net.router.enter(tracking), Tracking::Unwanted);
        },
    );
}

/// Set in a copy of this process that has no rights.
const POWERLESS: &str = "KERNEL_TEST_POWERLESS";

#[test]
fn without_the_capability_the_error_names_it() {
    let name = "allowed::without_the_capability_the_error_names_it";
    if env::var_os(POWERLESS).is_some() {
        return expect_refusal();
    }
    lab::run(name, |lab| lab.here().rerun_unprivileged(name, POWERLESS));
}

fn expect_refusal() {
    let (out, deliveries) = std::sync::mpsc::sync_channel::<Delivery>(64);
    let Err(error) = Kernel::start(LISTEN, Clock::start(), &out) else {
        panic!("an ordinary user may listen");
    };
    assert!(
        matches!(error, NetlinkError::NotPermitted { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("CAP_NET_ADMIN"), "{error}");
    let kernel = Kernel::start(DUMPS, Clock::start(), &out).expect("sockets may be opened");
    kernel.inquire(Inquiry::Dump);
    let error = loop {
        match deliveries.recv().expect("an answer") {
            Delivery::Failed(error) => break error,
            Delivery::Batch(_) | Delivery::Odd(_) => {}
        }
    };
    assert!(
        matches!(error, NetlinkError::NotPermitted { .. }),
        "{error}"
    );
    assert_eq!(tracking(), Tracking::Unknown);
}
