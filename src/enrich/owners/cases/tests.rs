//! Tests of how far flows get, without a kernel.

use std::collections::HashSet;

use super::side::MAX_LOOKS;
use super::*;
use crate::enrich::owners::accounts::Accounts;
use crate::enrich::owners::matching::Kind;
use crate::enrich::owners::tree::Tree;
use crate::flow::{L4, TcpFigures, Tuple};
use crate::netlink::sockdiag::SocketState;

/// What an end was told to be.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Process(String),
    Unknown(Unknown),
    Elsewhere,
}

struct Scene {
    cases: Cases,
    processes: Processes,
    hierarchy: Hierarchy,
    tree: Tree,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        let tree = Tree::new();
        tree.process(10, 0, "client");
        tree.process(20, 0, "server");
        let accounts = Accounts::open(tree.path().join("passwd"));
        Self {
            cases: Cases::default(),
            processes: Processes::new(tree.path(), accounts, None),
            hierarchy: Hierarchy::mounted(tree.path()),
            tree,
            now: Instant::now(),
        }
    }

    fn begin(&mut self, subject: Subject) {
        let near = HashSet::from([IpAddr::from([172, 17, 0, 2])]);
        let mut all = near.clone();
        all.insert([172, 30, 0, 2].into());
        let elsewhere = Elsewhere {
            all: &all,
            near: &near,
        };
        self.cases.begin(&[subject], elsewhere, self.now);
    }

    /// Answers every end that is due.
    fn see(&mut self, mut sighting: impl FnMut(usize) -> Sighting) -> usize {
        let due = self.cases.take_due(self.now);
        for ends in &due {
            self.cases
                .take_sighting(ends, sighting(ends.side), self.now);
        }
        due.len()
    }

    fn refresh(&mut self, sighting: impl FnMut(usize) -> Sighting) -> usize {
        self.cases.look_again();
        self.see(sighting)
    }

    fn held_by(&mut self, inode: u32, pid: u32) {
        let holder = Identity {
            pid,
            start_ticks: u64::from(pid) * 100,
        };
        self.cases.held_by(inode, holder);
    }

    fn tell(&mut self) -> Vec<Attributed> {
        let Self {
            cases,
            processes,
            hierarchy,
            now,
            ..
        } = self;
        cases.tell(usize::MAX, processes, hierarchy, *now)
    }

    /// The one answer.
    fn told(&mut self) -> [Told; 2] {
        let mut answers = self.tell();
        assert_eq!(answers.len(), 1, "{answers:?}");
        let owners = answers.remove(0).owners;
        [owners.orig, owners.reply].map(|owner| match owner.map(|owner| owner.process) {
            Some(Ok(process)) => Told::Process(process.name.to_string()),
            Some(Err(why)) => Told::Unknown(why),
            None => Told::Elsewhere,
        })
    }
}

fn subject(proto: Protocol, direction: Direction) -> Subject {
    let ports = L4::Ports {
        src: 40_000,
        dst: 80,
    };
    let orig = Tuple::v4(
        [192, 0, 2, 1].into(),
        [198, 51, 100, 1].into(),
        proto,
        ports,
    );
    Subject {
        key: Key { zone: 0, orig },
        reply: orig.inverted(),
        direction,
    }
}

fn about() -> About {
    About {
        state: SocketState::ESTABLISHED,
        cookie: Some(1),
        uid: None,
        cgroup_id: None,
        figures: None,
        fingerprint: 1,
    }
}

fn held(inodes: &[u32]) -> Sighting {
    Sighting::Held(inodes.to_vec(), about())
}

fn named(name: &str) -> Told {
    Told::Process(name.to_owned())
}

const fn unknown(why: Unknown) -> Told {
    Told::Unknown(why)
}

const TCP: Protocol = Protocol::TCP;

#[test]
fn a_flow_is_told_when_both_its_ends_are_settled() {
    let mut scene = Scene::new();
    scene.begin(subject(TCP, Direction::Local));
    assert_eq!(scene.cases.unanswered(), 1);
    assert_eq!(scene.see(|side| held(&[side as u32 + 1])), 2);
    assert_eq!(scene.cases.take_wanted(), [1, 2]);
    scene.held_by(1, 10);
    assert!(scene.tell().is_empty());
    scene.held_by(2, 20);
    assert_eq!(scene.told(), [named("client"), named("server")]);
    assert_eq!(scene.cases.unanswered(), 0);
    assert!(scene.tell().is_empty(), "once");
}

#[test]
fn an_end_elsewhere_has_no_owner() {
    for (direction, expected) in [
        (Direction::Out, [named("client"), Told::Elsewhere]),
        (Direction::In, [Told::Elsewhere, named("client")]),
    ] {
        let mut scene = Scene::new();
        scene.begin(subject(TCP, direction));
        assert_eq!(scene.see(|_| held(&[1])), 1);
        scene.held_by(1, 10);
        assert_eq!(scene.told(), expected);
    }
}

#[test]
fn what_passes_through_is_told_at_once_unless_an_end_is_a_namespace_s() {
    let mut scene = Scene::new();
    scene.begin(subject(TCP, Direction::Forward));
    assert_eq!(scene.see(|_| Sighting::Nothing), 0);
    let forwarded = unknown(Unknown::Forwarded);
    assert_eq!(scene.told(), [forwarded.clone(), forwarded]);

    let mut other = subject(TCP, Direction::Forward);
    let ports = L4::Ports { src: 1, dst: 2 };
    other.key.orig = Tuple::v4([172, 17, 0, 2].into(), [198, 51, 100, 1].into(), TCP, ports);
    other.reply = other.key.orig.inverted();
    scene.begin(other);
    let due = scene.cases.take_due(scene.now);
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].elsewhere, Some([172, 17, 0, 2].into()));
    scene.cases.take_sighting(&due[0], held(&[1]), scene.now);
    scene.held_by(1, 10);
    assert_eq!(scene.told(), [named("client"), Told::Elsewhere]);
}

#[test]
fn behind_a_router_only_connected_sockets_are_looked_for() {
    for (address, proto, expected) in [
        ([172, 17, 0, 2], Protocol::UDP, Some(Kind::Datagrams)),
        ([172, 30, 0, 2], Protocol::UDP, Some(Kind::Connection)),
        ([172, 30, 0, 2], TCP, Some(Kind::Connection)),
        ([172, 30, 0, 2], Protocol::GRE, None),
    ] {
        let mut scene = Scene::new();
        let mut subject = subject(proto, Direction::Forward);
        let ports = L4::Ports { src: 1, dst: 2 };
        let dst = [198, 51, 100, 1].into();
        subject.key.orig = Tuple::v4(address.into(), dst, proto, ports);
        scene.begin(subject);
        let due = scene.cases.take_due(scene.now);
        assert_eq!(due.first().map(|ends| ends.end.kind), expected);
    }
}

#[test]
fn a_namespace_without_a_socket_passes_a_flow_on() {
    let mut scene = Scene::new();
    let mut subject = subject(TCP, Direction::Forward);
    let ports = L4::Ports { src: 1, dst: 2 };
    let (src, dst) = ([172, 17, 0, 2].into(), [198, 51, 100, 1].into());
    subject.key.orig = Tuple::v4(src, dst, TCP, ports);
    scene.begin(subject);
    for _ in 0..3 {
        scene.see(|_| Sighting::Nothing);
        scene.now += LOOK_AGAIN[1];
    }
    let forwarded = unknown(Unknown::Forwarded);
    assert_eq!(scene.told(), [forwarded.clone(), forwarded]);
}

#[test]
fn where_nothing_is_yet_is_looked_at_again_soon() {
    let mut scene = Scene::new();
    scene.begin(subject(TCP, Direction::Out));
    for pause in LOOK_AGAIN {
        assert_eq!(scene.see(|_| Sighting::Nothing), 1);
        assert!(scene.tell().is_empty(), "too early to tell");
        assert_eq!(scene.cases.due(), Some(scene.now + pause));
        scene.now += pause;
    }
    assert_eq!(scene.see(|_| Sighting::Nothing), 1);
    assert_eq!(scene.told(), [unknown(Unknown::Gone), Told::Elsewhere]);
    assert_eq!(scene.cases.due(), None);
    // And a few times more.
    let looks = (0..20).map(|_| scene.refresh(|_| Sighting::Nothing));
    assert_eq!(looks.sum::<usize>(), usize::from(MAX_LOOKS) - 3);
}

#[test]
fn a_socket_that_comes_late_is_found() {
    let mut scene = Scene::new();
    scene.begin(subject(TCP, Direction::Out));
    scene.see(|_| Sighting::Nothing);
    scene.now += LOOK_AGAIN[0];
    scene.see(|_| held(&[1]));
    scene.held_by(1, 10);
    assert_eq!(scene.told(), [named("client"), Told::Elsewhere]);
}

#[test]
fn sockets_of_several_processes_are_ambiguous_and_of_one_are_not() {
    let mut scene = Scene::new();
    for (other, expected) in [(20, unknown(Unknown::Ambiguous)), (10, named("client"))] {
        let subject = subject(Protocol::UDP, Direction::Out);
        scene.begin(subject);
        scene.see(|_| held(&[1, 2]));
        scene.held_by(1, 10);
        assert!(scene.tell().is_empty());
        scene.held_by(2, other);
        assert_eq!(scene.told(), [expected, Told::Elsewhere]);
        scene.cases.end(&[subject.key]);
    }
}

#[test]
fn a_connection_changes_hands_when_it_is_accepted() {
    let mut scene = Scene::new();
    scene.begin(subject(TCP, Direction::In));
    for pause in LOOK_AGAIN {
        scene.see(|_| Sighting::Waiting(vec![5], about()));
        scene.now += pause;
    }
    scene.see(|_| Sighting::Waiting(vec![5], about()));
    scene.held_by(5, 10);
    assert_eq!(scene.told(), [Told::Elsewhere, named("client")]);
    scene.refresh(|_| held(&[6]));
    assert!(scene.tell().is_empty(), "not known yet");
    scene.held_by(6, 20);
    assert_eq!(scene.told(), [Told::Elsewhere, named("server")]);
}

#[test]
fn a_socket_that_no_process_holds_is_the_kernel_s_if_it_stays() {
    let mut scene = Scene::new();
    scene.begin(subject(TCP, Direction::Out));
    scene.see(|_| held(&[1]));
    scene.cases.missed(1, 1, false, scene.now);
    assert_eq!(scene.see(|_| held(&[1])), 1);
    assert!(scene.tell().is_empty());
    scene.cases.missed(1, 2, false, scene.now);
    assert_eq!(scene.see(|_| held(&[1])), 1);
    assert_eq!(scene.told(), [unknown(Unknown::Kernel), Told::Elsewhere]);
    // A process may yet be found.
    scene.held_by(1, 10);
    assert_eq!(scene.told(), [named("client"), Told::Elsewhere]);
}

#[test]
fn a_socket_that_went_while_it_was_looked_for_is_gone() {
    let mut scene = Scene::new();
    scene.begin(subject(TCP, Direction::Out));
    scene.see(|_| held(&[1]));
    scene.cases.missed(1, 1, false, scene.now);
    assert_eq!(scene.see(|_| Sighting::Nothing), 1);
    assert_eq!(scene.told(), [unknown(Unknown::Gone), Told::Elsewhere]);
    assert_eq!(scene.cases.take_released(), [1]);
}

#[test]
fn where_processes_are_hidden_that_is_the_reason() {
    let mut scene = Scene::new();
    scene.begin(subject(TCP, Direction::Out));
    scene.see(|_| held(&[1]));
    scene.cases.missed(1, 1, true, scene.now);
    assert_eq!(
        scene.told(),
        [unknown(Unknown::NotPermitted), Told::Elsewhere]
    );
    assert!(scene.cases.take_released().is_empty(), "still looked for");
}

#[test]
fn who_was_known_stays_when_the_socket_is_gone() {
    for left in [Sighting::Nothing, Sighting::Left(about())] {
        let mut scene = Scene::new();
        scene.begin(subject(TCP, Direction::Out));
        scene.see(|_| held(&[1]));
        scene.held_by(1, 10);
        assert_eq!(scene.told(), [named("client"), Told::Elsewhere]);
        scene.tree.remove("10");
        scene.refresh(|_| left.clone());
        assert_eq!(scene.told(), [named("client"), Told::Elsewhere]);
        assert_eq!(scene.refresh(|_| held(&[1])), 0, "not looked at any more");
    }
}

#[test]
fn figures_are_told_when_they_change_and_counted_each_way() {
    let figures = |bytes| {
        let figures = TcpFigures {
            bytes_sent: Some(bytes),
            bytes_retransmitted: Some(0),
            bytes_received: Some(7),
            segments_out: Some(2),
            segments_in: Some(3),
            ..TcpFigures::default()
        };
        let about = About {
            figures: Some(figures),
            ..about()
        };
        Sighting::Held(vec![1], about)
    };
    for (direction, expected) in [(Direction::Out, (50, 7)), (Direction::In, (7, 50))] {
        let mut scene = Scene::new();
        scene.begin(subject(TCP, direction));
        scene.see(|_| figures(10));
        scene.held_by(1, 10);
        assert_eq!(scene.tell().len(), 1);
        assert_eq!(scene.refresh(|_| figures(10)), 1);
        assert!(scene.tell().is_empty(), "nothing moved");
        scene.refresh(|_| figures(50));
        let answers = scene.tell();
        let bytes = answers[0].counters.unwrap().bytes();
        assert_eq!((bytes.orig, bytes.reply), expected);
        // What is left of the socket has none: the last ones stay.
        scene.refresh(|_| Sighting::Left(about()));
        let counters = scene.tell()[0].counters;
        assert_eq!(counters.unwrap().bytes(), bytes);
    }
}

#[test]
fn the_last_word_of_a_socket_counts() {
    let figures = |bytes| TcpFigures {
        bytes_sent: Some(bytes),
        bytes_retransmitted: Some(0),
        bytes_received: Some(7),
        segments_out: Some(2),
        segments_in: Some(3),
        ..TcpFigures::default()
    };
    let mut scene = Scene::new();
    let subject = subject(TCP, Direction::Out);
    scene.begin(subject);
    let seen = About {
        figures: Some(figures(10)),
        ..about()
    };
    scene.see(|_| Sighting::Held(vec![1], seen.clone()));
    scene.held_by(1, 10);
    assert_eq!(scene.tell().len(), 1);
    let end = End::of_originator(&subject.key.orig);
    let word = |cookie, bytes| Socket {
        proto: TCP,
        family: crate::flow::Family::Ipv4,
        v6_only: false,
        state: SocketState::CLOSE,
        local: end.local,
        remote: end.remote,
        interface: None,
        inode: None,
        cookie: Some(cookie),
        uid: None,
        cgroup_id: None,
        tcp: Some(Box::new(figures(bytes))),
    };
    scene.cases.take_last_words(&[word(2, 99)]);
    assert!(scene.tell().is_empty(), "of another connection");
    scene.cases.take_last_words(&[word(1, 50)]);
    assert_eq!(scene.tell()[0].counters.unwrap().bytes().orig, 50);
}

#[test]
fn the_known_socket_is_confirmed_and_keeps_its_congestion_control() {
    let figures = |cwnd, name| TcpFigures {
        cwnd: Some(cwnd),
        congestion: crate::flow::Congestion::new(name),
        ..TcpFigures::default()
    };
    let mut scene = Scene::new();
    let subject = subject(TCP, Direction::Out);
    scene.begin(subject);
    let due = scene.cases.take_due(scene.now);
    assert_eq!(due[0].known, None, "nothing was seen yet");
    let seen = Sighting::Held(
        vec![1],
        About {
            figures: Some(figures(10, "cubic")),
            ..about()
        },
    );
    scene.cases.take_sighting(&due[0], seen, scene.now);
    scene.held_by(1, 10);
    assert_eq!(scene.tell().len(), 1);
    scene.cases.look_again();
    let due = scene.cases.take_due(scene.now);
    assert_eq!(due[0].known, Some(1));

    let mut confirm = |inode, cookie, cwnd, name| {
        let says = About {
            cookie: Some(cookie),
            figures: Some(figures(cwnd, name)),
            ..about()
        };
        let is_same = scene.cases.confirm(&due[0], inode, says);
        let told = scene.tell().pop();
        let figures = told.map(|told| told.owners.orig.unwrap().figures.unwrap());
        (is_same, figures)
    };
    let same = Some(1);
    assert_eq!(confirm(same, 1, 10, ""), (true, None), "nothing is new");
    let unnamed = (true, Some(figures(11, "cubic")));
    assert_eq!(confirm(same, 1, 11, ""), unnamed, "it was not asked for");
    let renamed = (true, Some(figures(11, "bbr")));
    assert_eq!(confirm(same, 1, 11, "bbr"), renamed);
    for (inode, cookie) in [(Some(2), 1), (None, 1), (same, 2)] {
        let other = confirm(inode, cookie, 12, "");
        assert_eq!(other, (false, None), "{inode:?} {cookie}");
    }
}

#[test]
fn what_has_ended_is_forgotten_and_its_sockets_are_released() {
    let mut scene = Scene::new();
    let [one, two] = [Protocol::UDP, Protocol::UDPLITE].map(|p| subject(p, Direction::Out));
    scene.begin(one);
    scene.begin(two);
    scene.see(|_| held(&[1]));
    scene.cases.end(&[one.key]);
    assert!(scene.cases.take_released().is_empty(), "another wants it");
    scene.cases.end(&[two.key, two.key]);
    assert_eq!(scene.cases.take_released(), [1]);
    scene.held_by(1, 10);
    assert!(scene.tell().is_empty());
    assert_eq!(scene.cases.unanswered(), 0);
    assert!(scene.cases.waiting.is_empty() && scene.cases.of.is_empty());
}

#[test]
fn what_is_begun_again_or_could_not_be_told_is_told_again() {
    let mut scene = Scene::new();
    let subject = subject(TCP, Direction::Out);
    scene.begin(subject);
    scene.see(|_| held(&[1]));
    scene.held_by(1, 10);
    let answers = scene.tell();
    scene.cases.not_told(answers);
    assert_eq!(scene.told(), [named("client"), Told::Elsewhere]);
    scene.begin(subject);
    assert_eq!(scene.told(), [named("client"), Told::Elsewhere]);
    assert_eq!(scene.see(|_| Sighting::Nothing), 0, "it is known");
}

#[test]
fn a_kernel_that_does_not_tell_is_no_proof_of_absence() {
    let mut scene = Scene::new();
    scene.begin(subject(TCP, Direction::Out));
    for _ in 0..3 {
        scene.see(|_| Sighting::Unknown);
        scene.now += LOOK_AGAIN[1];
    }
    assert_eq!(
        scene.told(),
        [unknown(Unknown::NotPermitted), Told::Elsewhere]
    );
}
