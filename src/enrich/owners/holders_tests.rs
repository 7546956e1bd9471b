//! Tests of the search for processes, in a directory that looks like `/proc`.

use super::*;
use crate::enrich::owners::tree::Tree;

/// Links enough for any of these trees.
const ALL: usize = 1_000_000;

struct Scene {
    tree: Tree,
    holders: Holders,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        let tree = Tree::new();
        tree.process(1, 0, "init");
        let holders = Holders::new(tree.path());
        Self {
            tree,
            holders,
            now: Instant::now(),
        }
    }

    fn pass(&mut self, secs: f32) {
        self.now += Duration::from_secs_f32(secs);
    }

    /// Who holds a socket, once all that is due is done.
    fn who(&mut self, inode: u32) -> Option<u32> {
        self.pass(0.001);
        if let Some(holder) = self.holders.want(inode, self.now) {
            return Some(holder.pid);
        }
        let outcome = self.holders.look(ALL, self.now);
        let found = outcome.found.iter().find(|(found, _)| *found == inode);
        Some(found?.1.pid)
    }

    /// What it costs to look for a socket.
    fn cost(&mut self, inode: u32) -> usize {
        assert_eq!(self.holders.want(inode, self.now), None);
        self.holders.look(ALL, self.now).links
    }
}

#[test]
fn a_socket_is_found_where_it_is_open() {
    let mut scene = Scene::new();
    scene.tree.process(10, 1, "a");
    scene.tree.socket(10, 3, 100);
    scene.tree.link("10/fd/0", "/dev/null");
    scene.tree.link("10/fd/1", "pipe:[101]");
    scene.tree.process(20, 1, "b");
    scene.tree.socket(20, 5, 101);
    assert_eq!(scene.who(101), Some(20));
    assert_eq!(scene.who(100), Some(10));
    assert_eq!(scene.holders.due(), None, "nothing is wanted any more");
    assert_eq!(scene.holders.look(ALL, scene.now).links, 0, "at rest");
}

#[test]
fn what_was_seen_by_the_way_is_known() {
    let mut scene = Scene::new();
    scene.tree.process(10, 1, "a");
    scene.tree.socket(10, 3, 100);
    scene.tree.socket(10, 4, 101);
    assert_eq!(scene.who(100), Some(10));
    let holder = scene.holders.want(101, scene.now);
    let expected = Identity {
        pid: 10,
        start_ticks: 1000,
    };
    assert_eq!(holder, Some(expected), "without a look");
}

#[test]
fn what_is_known_is_held_against_the_descriptor() {
    let mut scene = Scene::new();
    scene.tree.process(10, 1, "a");
    scene.tree.socket(10, 3, 100);
    assert_eq!(scene.who(100), Some(10));
    // Closed, and its number is another's now; the process has as many
    // descriptors as before.
    scene.tree.socket(10, 3, 200);
    scene.tree.process(20, 1, "b");
    scene.tree.socket(20, 3, 100);
    assert_eq!(scene.who(100), Some(20));
}

#[test]
fn a_pid_that_is_used_again_is_another_process() {
    let mut scene = Scene::new();
    scene.tree.process(10, 1, "a");
    scene.tree.socket(10, 3, 100);
    assert_eq!(scene.who(100), Some(10));
    scene.tree.remove("10");
    scene.tree.process_since(10, 1, "b", 5000);
    scene.tree.socket(10, 3, 200);
    scene.pass(0.1);
    assert_eq!(scene.who(200), Some(10));
    let holder = scene.holders.want(200, scene.now).unwrap();
    assert_eq!(holder.start_ticks, 5000);
    assert_eq!(scene.who(100), None);
}

#[test]
fn the_first_of_a_line_that_holds_it_has_it() {
    let mut scene = Scene::new();
    for (pid, ppid) in [(10, 1), (20, 10), (30, 20), (40, 1), (50, 40)] {
        scene.tree.process(pid, ppid, "x");
    }
    for pid in [20, 30] {
        scene.tree.socket(pid, 3, 100);
    }
    assert_eq!(scene.who(100), Some(20), "children inherit it");
    scene.tree.socket(50, 3, 101);
    assert_eq!(scene.who(101), Some(50), "the parent has closed it");
}

#[test]
fn who_opens_sockets_for_others_has_them_only_alone() {
    let mut scene = Scene::new();
    scene.tree.process(5, 1, "systemd");
    scene.tree.process(20, 5, "service");
    for pid in [1, 5, 20] {
        scene.tree.socket(pid, 3, 100);
    }
    scene.tree.socket(1, 4, 101);
    assert_eq!(scene.who(100), Some(20));
    assert_eq!(scene.who(101), Some(1));
}

#[test]
fn a_process_that_did_not_change_is_not_read_again_so_soon() {
    let mut scene = Scene::new();
    scene.tree.process(10, 1, "big");
    for fd in 0..500 {
        scene.tree.socket(10, fd, 1000 + fd);
    }
    let first = scene.cost(7);
    assert!(first > 500, "{first}");
    scene.pass(0.2);
    let again = scene.holders.look(ALL, scene.now).links;
    assert!(again < 50, "{again}");
    // Its pause is over: it could have changed unseen.
    scene.pass(1.0);
    let later = scene.holders.look(ALL, scene.now).links;
    assert!(later > 500, "{later}");
    scene.pass(1.5);
    let much_later = scene.holders.look(ALL, scene.now).links;
    assert!(much_later < 50, "twice as long: {much_later}");
}

#[test]
fn a_process_with_more_descriptors_is_read_at_once() {
    let mut scene = Scene::new();
    scene.tree.process(10, 1, "a");
    scene.tree.socket(10, 3, 100);
    assert_eq!(scene.who(100), Some(10));
    scene.tree.socket(10, 4, 101);
    assert_eq!(scene.who(101), Some(10));
}

#[test]
fn who_had_such_sockets_lately_is_read_though_it_looks_the_same() {
    let mut scene = Scene::new();
    scene.tree.process(10, 1, "client");
    scene.tree.socket(10, 3, 100);
    assert_eq!(scene.who(100), Some(10));
    for process in scene.holders.processes.values_mut() {
        process.pause = LAST_PAUSE;
    }
    scene.tree.socket(10, 3, 101);
    let stamp = scene.holders.stamp(10).unwrap();
    scene.holders.processes.get_mut(&10).unwrap().stamp = stamp;
    scene.pass(0.5);
    assert_eq!(scene.who(101), Some(10));
    // After a long time without it is no longer expected to.
    scene.tree.socket(10, 3, 102);
    let stamp = scene.holders.stamp(10).unwrap();
    let process = scene.holders.processes.get_mut(&10).unwrap();
    process.stamp = stamp;
    process.pause = LAST_PAUSE;
    process.hit = None;
    assert_eq!(scene.who(102), None);
}

#[test]
fn what_is_not_found_is_looked_for_less_and_less_often() {
    let mut scene = Scene::new();
    let start = scene.now;
    assert_eq!(scene.holders.want(7, start), None);
    let mut waits = Vec::new();
    for passes in 1..=8 {
        let outcome = scene.holders.look(ALL, scene.now);
        assert_eq!(outcome.missed, [(7, passes)]);
        let due = scene.holders.due().unwrap();
        waits.push((due - scene.now).as_millis());
        let early = scene.holders.look(ALL, scene.now);
        assert_eq!(early.links, 0);
        scene.now = due;
    }
    assert_eq!(
        waits,
        [100, 400, 1600, 6400, 25_600, 60_000, 60_000, 60_000]
    );
    scene.holders.give_up(7);
    assert_eq!(scene.holders.due(), None);
}

#[test]
fn a_pass_goes_on_where_its_allowance_ended() {
    let mut scene = Scene::new();
    for pid in 10..40 {
        scene.tree.process(pid, 1, "x");
        scene.tree.socket(pid, 3, 1000 + pid);
    }
    for pid in 10..40 {
        assert_eq!(scene.holders.want(1000 + pid, scene.now), None);
    }
    let mut found = 0;
    let mut slices = 0;
    while found < 30 {
        let outcome = scene.holders.look(20, scene.now);
        assert!(outcome.links < 80, "{}", outcome.links);
        assert!(outcome.missed.is_empty());
        found += outcome.found.len();
        slices += 1;
        assert!(slices < 100);
    }
    assert!(slices > 5, "{slices}");
    assert!(!scene.holders.is_looking());
}

#[test]
fn the_newest_process_is_read_first() {
    let mut scene = Scene::new();
    for pid in [10, 300, 400] {
        scene.tree.process(pid, 1, "x");
    }
    // Pids have come round.
    scene.tree.file("loadavg", "0 0 0 1/9 12\n");
    scene.tree.socket(10, 3, 100);
    scene.holders.want(100, scene.now);
    let outcome = scene.holders.look(ALL, scene.now);
    assert_eq!(outcome.found.len(), 1);
    assert!(scene.holders.processes.contains_key(&10));
    assert!(!scene.holders.processes.contains_key(&400), "no need to");
}

#[test]
fn processes_that_are_gone_are_forgotten() {
    let mut scene = Scene::new();
    scene.tree.process(10, 1, "x");
    scene.tree.socket(10, 3, 100);
    assert_eq!(scene.who(100), Some(10));
    scene.tree.remove("10");
    assert_eq!(scene.who(100), None);
    assert!(!scene.holders.processes.contains_key(&10));
    assert!(scene.holders.of.is_empty());
}
