//! Screens and exports to new files, elsewhere than where the screen is drawn.
//!
//! A file is made by who writes it: `O_EXCL` takes none that is there, be it a
//! link to somewhere else, and mode 0600 lets nobody else read it. What could
//! not be written whole is removed again.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::engine::{Export, Exported, Input};
use crate::output::{self, Course, Format, Writer};
use crate::tui::{Form, Message, Rows, Save, Saved, Saving};
use crate::view::Piece;
use crate::view::field::{Event, Record};

/// Pieces under way from the engine: it never waits for the disk, and holds no
/// more than these back.
const PIECES: usize = 2;
/// Files of one second, before it is given up to find a name.
const SAME_SECOND: u32 = 100;
/// What takes longer says how far it is, and how often.
const SILENCE: Duration = Duration::from_secs(1);
const TELL_EVERY: Duration = Duration::from_millis(250);

/// Writes what the viewer is asked to.
pub(super) struct Saver {
    /// Where; `None` if nobody said and there is no home.
    dir: Option<PathBuf>,
    engine: SyncSender<Input>,
    screen: SyncSender<Message>,
    /// Each ends with what went wrong, if the screen was gone before.
    threads: Vec<JoinHandle<Option<String>>>,
}

impl Saver {
    /// Writes into `dir` what the engine hands out, and tells the screen.
    pub(super) const fn new(
        dir: Option<PathBuf>,
        engine: SyncSender<Input>,
        screen: SyncSender<Message>,
    ) -> Self {
        Self {
            dir,
            engine,
            screen,
            threads: Vec::new(),
        }
    }

    /// Writes it in a thread of its own, which tells the screen how that went.
    pub(super) fn save(&mut self, save: Save) {
        let dir = self.dir.clone();
        let (engine, screen) = (self.engine.clone(), self.screen.clone());
        let body = move || {
            let result = match save.what {
                Saving::Screen(text) => write_text(dir, &save.stem, &text),
                Saving::Rows(rows) => write_rows(dir, &save.stem, *rows, &engine, &screen),
            };
            match screen.send(Message::Saved(result)).err()?.0 {
                Message::Saved(result) => result.err(),
                _ => None,
            }
        };
        self.threads.retain(|thread| !thread.is_finished());
        match thread::Builder::new().name("export".into()).spawn(body) {
            Ok(thread) => self.threads.push(thread),
            Err(error) => {
                let why = format!("cannot start a thread to write a file: {error}; try again");
                // Sent from the screen itself, which does not wait for itself.
                let _ = self.screen.try_send(Message::Saved(Err(why)));
            }
        }
    }

    /// Waits for what is under way, when screen and engine are gone: a file of
    /// text is written to its end, and one of rows removed, of which there will
    /// be no more. Returns what nobody was told.
    pub(super) fn finish(self) -> Vec<String> {
        // A thread that panicked has told so on standard error.
        let ended = self.threads.into_iter().flat_map(JoinHandle::join);
        ended.flatten().collect()
    }
}

/// A new file; removed again unless it is kept.
struct New {
    file: File,
    path: PathBuf,
    is_kept: bool,
}

impl Drop for New {
    fn drop(&mut self) {
        if !self.is_kept {
            // What is left of it, if it cannot be removed, is ours alone.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl New {
    /// Makes a file that was not there, and its directory.
    fn make(dir: Option<PathBuf>, stem: &str, ending: &str) -> Result<Self, String> {
        let dir = dir.ok_or(
            "no file is written: there is no home directory; name a directory with --export-dir",
        )?;
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&dir);
        made.map_err(|error| cannot("make", &dir, &error))?;
        if let Some(owner) = strange_link(&dir) {
            return Err(format!(
                "no file is written: {} is a link that user {owner} has made; name a directory \
                 with --export-dir",
                dir.display()
            ));
        }
        let mut path = dir.join(format!("{stem}.{ending}"));
        for number in 2..=SAME_SECOND {
            let mut options = OpenOptions::new();
            let options = options.write(true).create_new(true).mode(0o600);
            match options.open(&path) {
                Ok(file) => {
                    return Ok(Self {
                        file,
                        path,
                        is_kept: false,
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    path = dir.join(format!("{stem}-{number}.{ending}"));
                }
                Err(error) => return Err(cannot("write", &path, &error)),
            }
        }
        Err(format!(
            "no file is written: {SAME_SECOND} of this second are in {} already",
            dir.display()
        ))
    }

    fn told(&self, error: &io::Error) -> String {
        cannot("write", &self.path, error)
    }

    /// It is whole.
    fn keep(mut self) -> PathBuf {
        self.is_kept = true;
        std::mem::take(&mut self.path)
    }
}

/// The user who made a link of this name, if neither we nor root have: it may
/// lead anywhere.
fn strange_link(path: &Path) -> Option<u32> {
    let link = fs::symlink_metadata(path).ok()?;
    // The owner of our own entry in /proc is our effective user.
    let us = fs::metadata("/proc/self").ok()?.uid();
    let is_strange = link.is_symlink() && ![0, us].contains(&link.uid());
    is_strange.then(|| link.uid())
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> String {
    let helps = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "nothing is kept; make room, or name another directory with --export-dir"
        }
        _ => "name another directory with --export-dir",
    };
    format!("cannot {what} {}: {error}; {helps}", path.display())
}

fn write_text(dir: Option<PathBuf>, stem: &str, text: &str) -> Result<Saved, String> {
    let mut new = New::make(dir, stem, "txt")?;
    let written = new.file.write_all(text.as_bytes());
    written.map_err(|error| new.told(&error))?;
    Ok(Saved {
        path: new.keep(),
        rows: None,
        ended: 0,
    })
}

fn write_rows(
    dir: Option<PathBuf>,
    stem: &str,
    rows: Rows,
    engine: &SyncSender<Input>,
    screen: &SyncSender<Message>,
) -> Result<Saved, String> {
    let (format, ending) = match rows.form {
        Form::Csv => (Format::Csv, "csv"),
        Form::Json => (Format::Json, "json"),
        Form::Text => (Format::Table, "txt"),
    };
    let new = New::make(dir, stem, ending)?;
    let (writer, pieces) = sync_channel(PIECES);
    let export = Export {
        query: rows.query,
        writer,
    };
    let gone = "no file is written: flowtop ended before all rows were in it; export again";
    let asked = engine.send(Input::Export(Box::new(export)));
    asked.map_err(|_| gone.to_owned())?;
    let settings = output::Settings {
        format,
        fields: None,
        unit: rows.unit,
        course: Course::Samples,
        columns: Some(rows.columns).filter(|columns| !columns.is_empty()),
        mask: rows.mask,
    };
    let written = copy(&pieces, &settings, &new.file, screen);
    match written.map_err(|error| new.told(&error))? {
        Some((rows, all)) => Ok(Saved {
            path: new.keep(),
            rows: Some(rows),
            ended: all.saturating_sub(rows),
        }),
        None => Err(gone.to_owned()),
    }
}

/// Writes what comes: how many rows there were, and of how many; `None` if the
/// engine ended before the last.
fn copy(
    pieces: &Receiver<Exported>,
    settings: &output::Settings,
    mut file: &File,
    screen: &SyncSender<Message>,
) -> io::Result<Option<(usize, usize)>> {
    let mut told = Instant::now() + SILENCE;
    let (mut written, mut all, mut ts_ns) = (0, 0, 0);
    let mut writer = None;
    for piece in pieces {
        match piece {
            Exported::Begin(rows, at) => (all, ts_ns) = (rows, at.real_ns),
            Exported::Rows(Piece::Groups(groups)) => {
                output::groups(&groups, settings.format, settings.mask.as_ref(), &mut file)?;
                return Ok(Some((groups.len(), all)));
            }
            Exported::Rows(Piece::Flows(rows, at)) => {
                let writer = writer.get_or_insert_with(|| Writer::new(settings, file));
                for row in &rows {
                    writer.record(&Record {
                        event: Event::Sample,
                        ts_ns,
                        row: Some(row.row(at)),
                        count: None,
                    })?;
                }
                written += rows.len();
            }
            Exported::End => {
                let mut writer = writer.unwrap_or_else(|| Writer::new(settings, file));
                writer.flush()?;
                return Ok(Some((written, all)));
            }
        }
        if Instant::now() >= told {
            told = Instant::now() + TELL_EVERY;
            // A screen that is busy is told with the next piece.
            let _ = screen.try_send(Message::Saving(written, all));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
