//! What the viewer shows.

mod scene;

use scene::{Scene, evening, text};

#[test]
fn look() {
    for width in [60, 80, 100, 120, 160, 200] {
        for source in [false, true] {
            let scene = Scene::new((width, 20), |s| s.show_source = source).with(&evening());
            println!("{width}\n{}", text(&scene.buffer(width, 20)));
        }
    }
}
