//! What holds the picture: a paused view.

use std::time::Duration;

use super::scene::{Scene, world};
use super::snapshot::{check, text};

fn scene(width: u16) -> Scene {
    Scene::new((width, 20), |_| ()).with(&world())
}

/// The lines of the table: without what tells of the present.
fn rows(screen: &str) -> Vec<&str> {
    screen.lines().skip(3).take(16).collect()
}

fn title(scene: &Scene, width: u16) -> String {
    let screen = text(&scene.buffer(width, 20));
    screen.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_paused_view_stands_still_and_says_since_when() {
    for width in [60, 80, 120] {
        let mut scene = scene(width);
        scene.keys(" ");
        assert!(scene.query.paused);
        let before = text(&scene.buffer(width, 20));
        scene.now = scene.now.after(Duration::from_secs(72));
        scene.state.tick(scene.now);
        let after = text(&scene.buffer(width, 20));
        // Ages and averages are those of the picture.
        assert_eq!(rows(&before), rows(&after));
        check(&format!("paused_{width}"), &after);
        scene.keys(" ");
        assert!(!scene.query.paused);
        assert!(!title(&scene, width).contains("PAUSED"));
        assert_ne!(rows(&before), rows(&text(&scene.buffer(width, 20))));
    }
}

#[test]
fn a_view_from_before_the_pause_is_still_live() {
    let mut scene = scene(120);
    let late = scene.view();
    scene.press(crossterm::event::KeyCode::Char(' '));
    assert!(title(&scene, 120).contains("PAUSED 0s"));
    scene.show(late);
    let before = text(&scene.buffer(120, 20));
    scene.now = scene.now.after(Duration::from_secs(3));
    scene.state.tick(scene.now);
    let after = text(&scene.buffer(120, 20));
    // Until the picture is there, time goes on in it.
    assert_ne!(rows(&before), rows(&after));
}
