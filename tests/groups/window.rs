//! The order of groups, their window and their age.

use std::time::Duration;

use flowtop::flow::{Origin, Protocol, Scope};
use flowtop::view::group::{GroupColumn, Service};
use flowtop::view::{Age, Cursor, Freeze, Group, Grouping, List, Query, Sort, SortKey};

use crate::scene::{Scene, country, tcp};

#[test]
fn the_fastest_group_comes_first() {
    let mut scene = Scene::new("rates");
    let (slow, fast) = (
        tcp("192.168.0.2", "82.0.0.1", 443),
        tcp("192.168.0.2", "81.0.0.1", 443),
    );
    scene.live(slow, (0, 1_000_000));
    scene.live(fast, (0, 0));
    scene.now = scene.now.after(Duration::from_secs(1));
    scene.live(slow, (0, 1_000_010));
    scene.live(fast, (5, 500));
    let groups = scene.groups(List::By(Grouping::Country));
    assert_eq!(groups[0].group, Group::Country(country("DE")));
    let rate = groups[0].bytes_per_sec;
    assert_eq!((rate.orig, rate.reply), (5, 500));
    assert_eq!(groups[1].bytes_per_sec.reply, 10);
}

#[test]
fn only_the_window_leaves_and_the_cursor_stays_on_its_group() {
    let mut scene = Scene::without_places();
    for port in 0..1000 {
        let bytes = 100_000 - u64::from(port);
        scene.live(tcp("192.168.0.2", "81.0.0.1", port), (0, bytes));
    }
    let service = |port| {
        Group::Service(Service {
            proto: Protocol::TCP,
            port: Some(port),
        })
    };
    let mut query = Query {
        list: List::By(Grouping::Service),
        cursor: Cursor::Index(505),
        first: 500,
        height: 10,
        ..Query::of(Scope::EVERYTHING)
    };
    let view = scene.answer(&query);
    assert_eq!((view.groups.len(), view.group_count), (10, 1000));
    assert_eq!((view.row_count(), view.window_rows()), (1000, 10));
    assert_eq!(
        (view.first, view.group_cursor),
        (500, Some((505, service(505))))
    );
    assert_eq!(view.groups[0].group, service(500));
    query.settle(&view);
    assert_eq!(view.line_of(query.cursor), Some(5));
    assert_eq!(view.cursor_on(5), Some(query.cursor));
    // Three that were slower overtake it: it keeps its line.
    for port in [700, 800, 900] {
        scene.live(tcp("192.168.0.3", "81.0.0.1", port), (0, 100_000));
    }
    let view = scene.answer(&query);
    assert_eq!(
        (view.first, view.group_cursor),
        (503, Some((508, service(505))))
    );
    assert_eq!(view.line_of(query.cursor), Some(5));
    // A pinned one stands above all others, those around the cursor move down.
    let mut pinned = query.clone();
    assert!(pinned.pins.toggle_group(service(990)));
    let view = scene.answer(&pinned);
    assert_eq!(
        (view.first, view.group_cursor),
        (504, Some((509, service(505))))
    );
    assert_eq!(view.line_of(query.cursor), Some(5));
    (pinned.cursor, pinned.first) = (Cursor::None, 0);
    for descending in [true, false] {
        for column in [GroupColumn::Name, GroupColumn::ReplyBytes] {
            let key = SortKey::Group(column);
            pinned.sort = Sort { key, descending };
            let view = scene.answer(&pinned);
            assert_eq!(view.groups[0].group, service(990), "{column:?}");
            pinned.freeze = Freeze::Now;
            let view = scene.answer(&pinned);
            assert_eq!(view.groups[0].group, service(990), "{column:?}");
            pinned.freeze = Freeze::No;
        }
    }
    // Near the end the window holds what there is.
    query.cursor = Cursor::Index(5000);
    let view = scene.answer(&query);
    assert_eq!(
        (view.first, view.group_cursor.map(|c| c.0)),
        (990, Some(999))
    );
    // A cursor of another list means its place.
    query.list = List::Flows;
    query.cursor = Cursor::Group {
        group: service(505),
        index: 3,
        line: 3,
    };
    let view = scene.answer(&query);
    assert_eq!(
        (view.cursor.map(|c| c.0), view.group_cursor),
        (Some(3), None)
    );
    assert!(view.groups.is_empty() && view.rows.len() == 10);
}

#[test]
fn groups_are_as_old_as_their_oldest_flow() {
    let mut scene = Scene::without_places();
    scene.tell(tcp("192.168.0.3", "81.0.0.1", 1), Origin::New, None);
    scene.now = scene.now.after(Duration::from_secs(60));
    scene.tell(tcp("192.168.0.3", "81.0.0.1", 2), Origin::New, None);
    let [row] = &scene.groups(List::By(Grouping::Source))[..] else {
        panic!("one source");
    };
    assert_eq!(row.oldest, Some(Age::Exact(Duration::from_secs(60))));
}
