//! With a screen.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::defaults;
use super::save::Saver;
use super::source::{self, Instead};
use super::suspend::{self, JobControl};
use super::themes;
use super::tracking::on_request;
use super::{
    Failure, QUEUE, Started, Wanted, attribution, lookups, mask, memory, nfs, restore, say, start,
};
use crate::collect::{Clock, pace};
use crate::config::{SourceMode, ViewerOptions};
use crate::engine::{Core, EngineError, Facts, Input, Sources, Viewer};
use crate::enrich::Timeouts;
use crate::enrich::geoip::{self, GeoIp};
use crate::netlink::tracking::{Tracking, tracking};
use crate::output;
use crate::sysctl::{self, Switches};
use crate::tui::memory::Memory;
use crate::tui::theme::Themes;
use crate::tui::{self, Ending, Errand, Message, Multiplexer};
use crate::view::View;
use crate::view::column::Hosts;
use crate::view::group::Service;
use crate::view::mask::Mask;
use crate::vitals::Observer;

/// Largest share of one CPU for dumps of the table.
const DUMP_SHARE: f64 = 0.1;
/// How often to look for new databases of places: an update shows within a
/// minute.
const PLACES_EVERY: Duration = Duration::from_secs(30);
/// How often to look for rules while the table is empty.
const TRACKING_EVERY: Duration = Duration::from_secs(3);

impl From<Arc<View>> for Message {
    fn from(view: Arc<View>) -> Self {
        Self::View(view)
    }
}

/// Shows the viewer until the user quits.
pub(super) fn view(options: &ViewerOptions, mask: Mask) -> Result<(), Failure> {
    // Before any thread there is.
    let jobs = JobControl::take_over().map_err(Failure::Signals)?;
    let clock = Clock::start();
    let (to_engine, inputs) = sync_channel(QUEUE);
    let (to_screen, messages) = sync_channel(QUEUE);
    let interval = options.source.interval;
    let wanted = Wanted {
        options: &options.source,
        events: true,
        family: None,
        pace: pace::Settings {
            interval,
            share: DUMP_SHARE,
        },
        track: options.source.track,
    };
    let Started {
        core,
        instead,
        mut knowledge,
        mut warnings,
        place_warnings,
        switches,
        mut tracked,
        signals,
    } = start(&wanted, clock, &to_engine)?;
    let service = nfs::begin(&options.source, &mut knowledge, &mut warnings, &to_engine)?;
    let screen = to_screen.clone();
    let stop = move || !matches!(screen.try_send(Message::Stop), Err(TrySendError::Full(_)));
    signals
        .watch(stop, tui::rescue, switches.as_ref().map(Switches::restorer))
        .map_err(Failure::Thread)?;
    jobs.watch(to_screen.clone()).map_err(Failure::Thread)?;

    let themes = themes::read(options, &mut warnings);
    let wake = to_engine.clone();
    let resolver = lookups::resolver(&options.source, &mut warnings, move || {
        // A full queue is looked through soon, and answers wait.
        let _ = wake.try_send(Input::Names);
    });
    let locality =
        attribution::watch_locality(&options.source, &mut knowledge, &mut warnings, &to_engine);
    let wake = to_engine.clone();
    let asker = attribution::asker(&options.source, &mut warnings, move || {
        let _ = wake.try_send(Input::Owners);
    });
    let is_readable = !matches!(instead, Some(Instead::Unreadable(_)));
    let (collecting, to_source) = (wanted.settings(), to_engine.clone());
    let sources: Sources = Box::new(move |kind| source::open(kind, collecting, clock, &to_source));
    let reopened = to_engine.clone();
    let viewer = Viewer {
        knowledge,
        resolver,
        asker,
        sources: (options.source.mode == SourceMode::Auto && is_readable).then_some(sources),
        hint: instead.as_ref().filter(|_| !is_readable).map(source::hint),
        reopen_places: Box::new(move |settings| reopen_places(settings, reopened.clone())),
        places_every: PLACES_EVERY,
        interval,
        observer: observer(clock, &to_engine, &mut warnings),
        health: options.health,
        probe: probe(),
        timeouts: Box::new(|| Timeouts::read(sysctl::timeout)),
        max_ended: options.max_closed,
        warnings,
        place_warnings,
    };
    let engine = spawn(viewer, core, inputs, to_screen.clone()).map_err(Failure::Thread)?;
    let dir = options.export_dir.clone();
    let mut saver = Saver::new(dir, to_engine.clone(), to_screen.clone());
    let done = read_keys(to_screen).map_err(Failure::Thread)?;
    let mut left = None;
    let ending = tui::run(
        screen_settings(options, themes, mask, service),
        &messages,
        &mut |errand| run_errand(errand, &to_engine, options, &mut saver, &mut left),
        &mut || on_request(&mut tracked),
    );
    let kept = left.map_or(Ok(()), |left| memory::keep(options, &left));
    done.store(true, Ordering::Relaxed);
    drop(messages);
    drop(locality);
    let _ = to_engine.send(Input::Stop);
    let result = engine.join();
    restore(tracked, switches);
    kept.err().into_iter().chain(saver.finish()).for_each(say);
    if let Ok(Err(error)) = result {
        return Err(error.into());
    }
    over(ending.map_err(Failure::Terminal)?)
}

/// How the program ends as the viewer did.
fn over(ending: Ending) -> Result<(), Failure> {
    match ending {
        Ending::Quit | Ending::QuitShowing => Ok(()),
        Ending::Failed(reason) => Err(Failure::Terminal(io::Error::other(reason))),
    }
}

/// Does what the viewer has others do.
fn run_errand(
    errand: Errand,
    engine: &SyncSender<Input>,
    options: &ViewerOptions,
    saver: &mut Saver,
    left: &mut Option<Memory>,
) -> Option<Message> {
    let input = match errand {
        Errand::Ask(query) => Input::Query(query),
        Errand::Interval(interval) => Input::Interval(interval),
        Errand::Refresh => Input::Refresh,
        Errand::Save(save) => {
            saver.save(save);
            return None;
        }
        Errand::Suspend => {
            suspend::stop_job();
            return None;
        }
        Errand::Keep(settings) => {
            let dir = options.source.user_dir.as_deref();
            return Some(Message::Kept(defaults::save(dir, &settings)));
        }
        // For the end of the run.
        Errand::Remember(memory) => {
            *left = Some(memory);
            return None;
        }
    };
    // An engine that has ended has told why.
    let _ = engine.send(input);
    None
}

/// Reads keys in a thread of its own, until it is told that this is done.
fn read_keys(screen: SyncSender<Message>) -> io::Result<Arc<AtomicBool>> {
    let done = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&done);
    let body = move || tui::read_input(&screen, &told);
    thread::Builder::new().name("input".into()).spawn(body)?;
    Ok(done)
}

/// Runs the engine in a thread of its own.
fn spawn<P: FnMut(bool) -> Facts + Send + 'static>(
    viewer: Viewer<P>,
    core: Core,
    inputs: Receiver<Input>,
    screen: SyncSender<Message>,
) -> io::Result<JoinHandle<Result<(), EngineError>>> {
    thread::Builder::new().name("engine".into()).spawn(move || {
        let result = viewer.run(core, inputs, &screen);
        if let Err(error) = &result {
            // The reason is told when the screen is gone.
            let _ = screen.send(Message::Failed(error.to_string()));
        }
        result
    })
}

fn screen_settings(
    options: &ViewerOptions,
    themes: Themes,
    mask: Mask,
    service: Option<Service>,
) -> tui::Settings {
    tui::Settings {
        mask,
        is_masked: options.source.mask,
        json: output::record,
        group_json: output::object,
        multiplexer: multiplexer(),
        host: mask::host_name(),
        namespace: namespace(),
        interval: options.source.interval,
        scope: options.source.scope,
        filter: options.source.filter.clone(),
        service,
        show_source: options.show_source,
        columns: options.columns.clone(),
        subnets: options.subnets,
        unit: options.unit,
        tiers: options.tiers,
        hosts: match options.source.lookups.names {
            Some(_) => Hosts::Name,
            None => Hosts::Address,
        },
        memory: options.memory.clone(),
        keys: options.keys.clone(),
        themes,
        saved: options.saved.clone(),
        health: options.health,
        mouse: options.mouse,
    }
}

/// What stands between the terminal and this program, by what it leaves in the
/// environment.
fn multiplexer() -> Multiplexer {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if is_set("TMUX") {
        Multiplexer::Tmux
    } else if is_set("STY") {
        Multiplexer::Screen
    } else {
        Multiplexer::None
    }
}

/// Reads how the kernel and the interfaces do, for the page of health.
fn observer(
    clock: Clock,
    engine: &SyncSender<Input>,
    warnings: &mut Vec<String>,
) -> Option<Observer> {
    let engine = engine.clone();
    let hand_on = move |reading| {
        // An engine that is behind gets the next one.
        let _ = engine.try_send(Input::Vitals(Box::new(reading)));
    };
    Observer::start(move || clock.now(), hand_on)
        .inspect_err(|error| {
            warnings.push(format!(
                "starting the thread that reads what the kernel counts: {error}; \
                 the Health tab shows less"
            ));
        })
        .ok()
}

/// Opens the databases of places in a thread of its own: they can have a
/// hundred megabytes, and the flows go on.
fn reopen_places(settings: geoip::Settings, engine: SyncSender<Input>) {
    let body = move || {
        let (geoip, problems) = GeoIp::open(settings);
        let problems = problems.iter().map(ToString::to_string).collect();
        // An engine that has ended wants no places.
        let _ = engine.send(Input::Places(Arc::new(geoip), problems));
    };
    // If there can be no thread now, the next look tries again.
    let _ = thread::Builder::new().name("places".into()).spawn(body);
}

/// Finds out, at each refresh, what the table does not know about its source.
fn probe() -> impl FnMut(bool) -> Facts {
    let mut looked: Option<(Instant, Option<bool>)> = None;
    move |empty| {
        if !empty {
            looked = None;
        } else if looked.is_none_or(|(at, _)| at.elapsed() >= TRACKING_EVERY) {
            let wanted = match tracking() {
                Tracking::Wanted => Some(true),
                Tracking::Unwanted => Some(false),
                Tracking::Unknown => None,
            };
            looked = Some((Instant::now(), wanted));
        }
        let accounting = sysctl::read();
        Facts {
            table_used: sysctl::count(),
            table_max: sysctl::max(),
            accounting: accounting.acct,
            timestamps: accounting.timestamp,
            tracking_wanted: looked.and_then(|(_, wanted)| wanted),
        }
    }
}

/// The name of this network namespace, unless it is that of process 1: what `ip
/// netns` calls it, else its inode. `None` in the initial one, and where it has
/// no name and process 1 may not be asked.
fn namespace() -> Option<String> {
    let inode = |path: &Path| fs::metadata(path).ok().map(|m| m.ino());
    let ours = inode(Path::new("/proc/self/ns/net"))?;
    let initial = inode(Path::new("/proc/1/ns/net"));
    if initial == Some(ours) {
        return None;
    }
    let named = fs::read_dir("/run/netns")
        .into_iter()
        .flatten()
        .flatten()
        .find(|entry| inode(&entry.path()) == Some(ours))
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    named.or_else(|| initial.map(|_| format!("netns {ours}")))
}
