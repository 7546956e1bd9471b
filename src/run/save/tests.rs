//! New files, and what stands in their way.

use std::os::unix::fs::{lchown, symlink};
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::flow::{Moment, Scope};
use crate::view::Query;
use crate::view::units::RateUnit;

/// A directory of a test, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("flowtop-save-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_file_is_new_and_for_its_owner_alone() {
    let scratch = Scratch::new();
    let dir = scratch.0.join("state/flowtop");
    let saved = write_text(Some(dir.clone()), "flowtop-1", "a\nb\n").unwrap();
    assert_eq!(saved.path, dir.join("flowtop-1.txt"));
    assert_eq!(fs::read_to_string(&saved.path).unwrap(), "a\nb\n");
    assert_eq!(fs::metadata(&saved.path).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o777, 0o700);
    let again = write_text(Some(dir.clone()), "flowtop-1", "c\n").unwrap();
    assert_eq!(again.path, dir.join("flowtop-1-2.txt"));
    assert_eq!(fs::read_to_string(&saved.path).unwrap(), "a\nb\n");
}

#[test]
fn no_link_is_followed_wherever_it_leads() {
    let scratch = Scratch::new();
    let victim = scratch.0.join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, scratch.0.join("flowtop-1.txt")).unwrap();
    // A link to what is not there would make it.
    let missing = scratch.0.join("missing");
    symlink(&missing, scratch.0.join("flowtop-1-2.txt")).unwrap();
    let saved = write_text(Some(scratch.0.clone()), "flowtop-1", "mine").unwrap();
    assert_eq!(saved.path, scratch.0.join("flowtop-1-3.txt"));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(!missing.exists());
    let made = fs::symlink_metadata(&saved.path).unwrap();
    assert!(made.file_type().is_file());
}

#[test]
fn a_directory_may_be_a_link_of_ours_but_of_nobody_else() {
    let scratch = Scratch::new();
    let (real, link) = (scratch.0.join("real"), scratch.0.join("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    write_text(Some(link.clone()), "flowtop-1", "a").unwrap();
    assert!(real.join("flowtop-1.txt").exists());
    // Only root can make links in the name of others.
    if lchown(&link, Some(12_345), None).is_ok() {
        let told = write_text(Some(link), "flowtop-2", "a").unwrap_err();
        assert!(told.contains("user 12345"), "{told}");
        assert!(!real.join("flowtop-2.txt").exists());
    }
}

#[test]
fn what_cannot_be_written_says_why_and_what_helps() {
    let none = write_text(None, "flowtop-1", "").unwrap_err();
    assert!(none.contains("--export-dir"), "{none}");
    let scratch = Scratch::new();
    let file = scratch.0.join("file");
    fs::write(&file, "").unwrap();
    let told = write_text(Some(file.clone()), "flowtop-1", "").unwrap_err();
    assert!(told.contains(&file.display().to_string()), "{told}");
    assert!(told.ends_with("--export-dir"), "{told}");
}

#[test]
fn a_full_disk_keeps_nothing() {
    let scratch = Scratch::new();
    let mut new = New::make(Some(scratch.0.clone()), "flowtop-1", "txt").unwrap();
    // As full as a disk can be.
    new.file = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let error = new.file.write_all(b"text").unwrap_err();
    let told = new.told(&error);
    assert!(told.contains("make room"), "{told}");
    drop(new);
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 0);
}

fn rows() -> Rows {
    Rows {
        query: Query::of(Scope::default()),
        form: Form::Csv,
        columns: Vec::new(),
        unit: RateUnit::Bytes,
        mask: None,
    }
}

#[test]
fn an_export_is_whole_or_not_there() {
    let scratch = Scratch::new();
    let (screen, _messages) = sync_channel(8);
    let (engine, inputs) = sync_channel(8);
    // An engine that ends before the last row.
    let ends = thread::spawn(move || match inputs.recv().unwrap() {
        Input::Export(export) => export
            .writer
            .send(Exported::Begin(3, Moment::default()))
            .unwrap(),
        other => panic!("{other:?}"),
    });
    let dir = || Some(scratch.0.clone());
    let told = write_rows(dir(), "flowtop-1", rows(), &engine, &screen).unwrap_err();
    assert!(told.contains("ended before"), "{told}");
    ends.join().unwrap();
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 0);

    let (engine, inputs) = sync_channel(8);
    let whole = thread::spawn(move || match inputs.recv().unwrap() {
        Input::Export(export) => {
            let all = [Exported::Begin(3, Moment::default()), Exported::End];
            for one in all {
                export.writer.send(one).unwrap();
            }
        }
        other => panic!("{other:?}"),
    });
    let saved = write_rows(dir(), "flowtop-1", rows(), &engine, &screen).unwrap();
    whole.join().unwrap();
    assert_eq!((saved.rows, saved.ended), (Some(0), 3));
    let text = fs::read_to_string(&saved.path).unwrap();
    assert!(text.starts_with("v,event,ts,"), "{text}");
}

#[test]
fn the_end_waits_for_a_screen_and_leaves_nothing_of_rows() {
    let scratch = Scratch::new();
    let (screen, messages) = sync_channel(8);
    let (engine, inputs) = sync_channel(8);
    let mut saver = Saver::new(Some(scratch.0.clone()), engine, screen);
    let save = |stem: &str, what| Save {
        stem: stem.to_owned(),
        what,
    };
    saver.save(save("rows", Saving::Rows(Box::new(rows()))));
    // It is asked for, and never answered.
    let asked = inputs.recv().unwrap();
    drop((asked, inputs, messages));
    saver.save(save("screen", Saving::Screen("text".into())));
    let told = saver.finish();
    assert!(
        matches!(&told[..], [one] if one.contains("ended before")),
        "{told:?}"
    );
    let entries = fs::read_dir(&scratch.0).unwrap().flatten();
    let names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["screen.txt"]);
}
