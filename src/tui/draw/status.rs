//! The lines around the table: how things are, as a whole.

use std::borrow::Cow;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::super::keys::{Action, Hint, KEYS, Key};
use super::super::layout;
use super::super::mouse::Spot;
use super::super::state::{State, interval_text};
use super::super::theme::Role;
use super::chart;
use super::line::{self, Piece};
use super::picture::{Scale, spark};
use super::table_width;
use crate::flow::{Direction, Family, Group, Pair};
use crate::view::health::{self, Severity, percent};
use crate::view::history::Sample;
use crate::view::units::{self, RateUnit};
use crate::view::{Freeze, List, Page, PlaceSource, SortKey, Source, Status, View};

/// Cells of the sparklines of rates and of births on the line of the totals: the
/// first that leave room for everything else.
const SPARKS: [(usize, usize); 6] = [(32, 16), (24, 16), (16, 10), (24, 0), (16, 0), (10, 0)];
/// Pieces of a higher rank than this yield before sparklines do: they explain,
/// and are no numbers.
const SPARK_RANK: u8 = 11;
/// The least that the full height of a sparkline stands for, in bytes and in
/// tenths of a flow per second, so that rest looks like rest.
const SPARK_BYTES: u64 = 10_000;
const SPARK_FLOWS: u64 = 100;

/// Cells of a filter on the line of the totals, at most.
const FILTER_WIDTH: usize = 32;
/// Longer names of what is followed are cut.
const FOLLOWED_WIDTH: usize = 24;

/// Who, when, what, and how the source is doing.
pub(super) fn title(state: &State, area: Rect, buf: &mut Buffer) {
    let settings = &state.settings;
    let mut left = vec![Piece::new(0, state.host_name(), Role::Title)];
    if let Some(namespace) = &settings.namespace {
        let namespace = match state.mask() {
            Some(mask) => mask.word("ns", namespace),
            None => namespace.clone(),
        };
        left.push(Piece::new(5, format!("netns {namespace}"), Role::Chip));
    }
    left.push(Piece::new(7, clock(state), Role::Text));
    let (rank, role) = if state.interval == settings.interval {
        (11, Role::Dim)
    } else {
        (6, Role::Chip)
    };
    left.push(Piece::new(rank, interval_text(state.interval), role));
    if let Some(view) = &state.view {
        let source = view.status.source.label();
        left.push(Piece::new(6, source, Role::Dim));
    }
    if state.mask().is_some() {
        left.push(Piece::new(2, "masked", Role::Chip));
    }
    left.extend(paused(state));
    left.extend(following(state));
    left.extend(chips(state));
    let right = state
        .view
        .as_ref()
        .map(|view| health(&view.status, &settings.health))
        .unwrap_or_default();
    line::draw(left, right, &state.theme, area, buf);
}

fn clock(state: &State) -> String {
    time_of_day(state, state.now.real_ns)
}

/// The time of day at some nanoseconds since 1970.
pub(super) fn time_of_day(state: &State, real_ns: u64) -> String {
    Timestamp::from_nanosecond(real_ns.into()).map_or_else(
        |_| "--:--:--".to_owned(),
        |at| {
            let time = at.to_zoned(state.zone.clone()).time();
            format!(
                "{:02}:{:02}:{:02}",
                time.hour(),
                time.minute(),
                time.second()
            )
        },
    )
}

/// That the picture stands still, and since when.
fn paused(state: &State) -> Option<Piece> {
    let mut text = "PAUSED ".to_owned();
    units::duration(&mut text, state.now.since(state.paused?));
    Some(Piece::new(5, text, Role::ChipWarn).or_short(0, "PAUSED", Role::ChipWarn))
}

/// What is followed.
fn following(state: &State) -> Option<Piece> {
    let mut name = state.followed_name()?;
    line::cut_end(&mut name, FOLLOWED_WIDTH);
    let text = format!("following {name}");
    let piece = Piece::new(6, text.trim_end(), Role::Chip);
    Some(piece.or_short(1, "following", Role::Chip))
}

/// What is shown.
fn chips(state: &State) -> Vec<Piece> {
    let scope = state.scope;
    let families = [Family::Ipv4, Family::Ipv6].map(|family| {
        let name = match family {
            Family::Ipv4 => "IPv4",
            Family::Ipv6 => "IPv6",
        };
        scope.has_family(family).then_some(name)
    });
    let families: Vec<_> = families.into_iter().flatten().collect();
    let groups: Vec<_> = Group::ALL
        .iter()
        .filter(|group| scope.has_group(**group))
        .map(|group| group.title())
        .collect();
    let mut chips = vec![Piece::new(6, families.join(" "), Role::Chip)];
    chips.push(match groups.len() {
        0 => Piece::new(2, "no protocol", Role::ChipWarn),
        count if count == Group::ALL.len() => Piece::new(6, "all protocols", Role::Chip),
        _ => Piece::new(6, groups.join(" "), Role::Chip),
    });
    if let Some(direction) = state.direction {
        chips.push(Piece::new(3, direction_chip(direction), Role::Chip));
    }
    let more = [
        (scope.has_loopback(), "+loopback"),
        (state.hides_idle(), "active"),
        (shows_ended(state), "closed"),
        (state.unit == RateUnit::Bits, "bits"),
    ];
    for (_, word) in more.iter().filter(|(on, _)| *on) {
        chips.push(Piece::new(7, *word, Role::Chip));
    }
    chips
}

/// Whether flows that have ended stand among the others.
fn shows_ended(state: &State) -> bool {
    state.with_ended && !state.level().has_groups()
}

/// Of flows that go one way only.
const fn direction_chip(direction: Direction) -> &'static str {
    match direction {
        Direction::Out => "only out",
        Direction::In => "only in",
        Direction::Forward => "only forwarded",
        Direction::Local => "only local",
    }
}

/// How the source is doing.
fn health(status: &Status, limits: &health::Settings) -> Vec<Piece> {
    let mut pieces = Vec::new();
    if !status.synced {
        pieces.push(Piece::new(3, "syncing", Role::ChipWarn));
    }
    if status.stretched {
        pieces.push(Piece::new(4, "slow refresh", Role::ChipWarn));
    }
    if status.updates_shed {
        pieces.push(Piece::new(4, "updates shed", Role::ChipWarn));
    }
    if let Some(problem) = &status.resolver {
        let piece = Piece::new(10, problem.as_str(), Role::ChipWarn);
        pieces.push(piece.or_short(4, "no names", Role::ChipWarn));
    }
    pieces.extend(table_use(status, limits));
    match status.accounting {
        Some(true) => pieces.push(Piece::new(10, "acct on", Role::Dim)),
        Some(false) => pieces.push(Piece::new(3, "acct off", Role::ChipWarn)),
        None => {}
    }
    pieces.push(match status.lost {
        0 => Piece::new(8, "lost 0", Role::Dim),
        lost => Piece::new(1, format!("lost {}", grouped(lost)), Role::ChipCrit),
    });
    pieces.extend(places(&status.places));
    pieces
}

/// The age of the database that is asked first for countries.
fn places(places: &[PlaceSource]) -> Option<Piece> {
    let tells_countries = |place: &&PlaceSource| place.gives.contains("country");
    let place = places.iter().find(tells_countries).or(places.first())?;
    let (rank, role) = if place.is_stale {
        (7, Role::ChipWarn)
    } else {
        (11, Role::Dim)
    };
    Some(Piece::new(rank, format!("GeoIP {}d", place.age_days), role))
}

fn table_use(status: &Status, limits: &health::Settings) -> Option<Piece> {
    let used = status.table_used?;
    let text = format!("table {}", grouped(used));
    let Some(max) = status.table_max.filter(|max| *max > 0) else {
        return Some(Piece::new(8, text, Role::Text));
    };
    let percent = percent(used, max)?;
    let role = match limits.of_table(used, max) {
        Some(Severity::Critical) => Role::ChipCrit,
        Some(_) => Role::ChipWarn,
        None => Role::Text,
    };
    let fill = spark::gauge(percent, 100, 1);
    Some(
        Piece::new(9, format!("{text}/{} ", grouped(max)), Role::Text)
            .and(format!("{fill}{percent}%"), role)
            .or_short(4, format!("table {percent}%"), role),
    )
}

/// Rates of everything shown, and how many flows that is.
pub(super) fn totals(state: &State, area: Rect, buf: &mut Buffer) {
    let Some(view) = &state.view else {
        return;
    };
    let rate = |bytes_per_sec| {
        let mut text = String::new();
        units::rate(&mut text, bytes_per_sec, state.unit);
        // As wide as the widest, so that what follows keeps its place.
        let width = match state.unit {
            RateUnit::Bytes => 8,
            RateUnit::Bits => 10,
        };
        format!("{text:<width$}")
    };
    let is_part = view.query.is_part_of_its_scope();
    // Of the flows that are counted on the right, and of everything.
    let all_speed = view.bytes_per_sec;
    let speed = all_speed.map(|all| {
        if is_part {
            view.matching_bytes_per_sec
        } else {
            all
        }
    });
    let all_moved = view.totals.counters.bytes();
    let moved = if is_part {
        view.counters.bytes()
    } else {
        all_moved
    };
    let amount = |bytes| {
        let mut text = String::new();
        units::bytes(&mut text, Some(bytes));
        text
    };
    let mut left = vec![
        Piece::new(1, "↓ ", Role::Down).and(rate(speed.map(|s| s.reply)), Role::Title),
        Piece::new(1, "↑ ", Role::Up).and(rate(speed.map(|s| s.orig)), Role::Title),
        births("new", view.born_per_sec),
        births("end", view.ended_per_sec),
        Piece::new(9, "moved ", Role::Dim)
            .and("↓ ", Role::Down)
            .and(amount(moved.reply), Role::Text)
            .and("  ↑ ", Role::Up)
            .and(amount(moved.orig), Role::Text),
    ];
    if is_part {
        let of = Piece::new(7, "of ↓ ", Role::Dim)
            .and(rate(all_speed.map(|s| s.reply)), Role::Dim)
            .and("  ↑ ", Role::Dim)
            .and(rate(all_speed.map(|s| s.orig)), Role::Dim);
        left.insert(2, of);
        left.push(
            Piece::new(10, "of ↓ ", Role::Dim)
                .and(amount(all_moved.reply), Role::Dim)
                .and("  ↑ ", Role::Dim)
                .and(amount(all_moved.orig), Role::Dim),
        );
    }
    let mut right = Vec::new();
    if view.uncounted > 0 {
        let count = format!("{} without counters", grouped(view.uncounted as u64));
        right.push(
            Piece::new(12, format!("{count}: born before accounting"), Role::Dim).or_short(
                7,
                count,
                Role::Dim,
            ),
        );
    }
    if let Some(filter) = &view.query.filter {
        let mut text = format!("/{}", state.told(filter));
        line::cut_end(&mut text, FILTER_WIDTH);
        right.push(Piece::new(3, text, Role::Chip));
    }
    if let Some(since) = view.query.baseline {
        let text = format!("Δ since {}", time_of_day(state, since.real_ns));
        right.push(Piece::new(5, text, Role::Chip));
    }
    right.extend(ended(view));
    right.push(flows(view));
    let left = with_sparks(state, view, left, &right, area);
    line::draw(left, right, &state.theme, area, buf);
}

/// The rates and births at the beginning of the line with how they went, where
/// there is room: first for both rates, then for births and ends as well.
fn with_sparks(
    state: &State,
    view: &View,
    plain: Vec<Piece>,
    right: &[Piece],
    area: Rect,
) -> Vec<Piece> {
    let rate = |get: fn(Pair<u64>) -> u64| -> Vec<Option<u64>> {
        let of = |sample: &Option<Sample>| sample.map(|sample| get(sample.bytes_per_sec));
        view.recent.iter().map(of).collect()
    };
    let flows = |get: fn(&Sample) -> Option<f64>| -> Vec<Option<u64>> {
        let of = |sample: &Option<Sample>| sample.as_ref().and_then(get).map(tenths);
        view.recent.iter().map(of).collect()
    };
    let rates = [rate(|rate| rate.reply), rate(|rate| rate.orig)];
    let turnover = [flows(|s| s.born_per_sec), flows(|s| s.ended_per_sec)];
    let most = |both: &[Vec<Option<u64>>; 2], cells: usize| {
        let newest = both
            .iter()
            .flat_map(|values| values.iter().rev().take(cells));
        newest.flatten().copied().max().unwrap_or_default()
    };
    let spark = |values: &[Option<u64>], cells: usize, scale| {
        let newest = &values[values.len().saturating_sub(cells)..];
        format!(" {:>cells$}", spark::line(newest.iter().copied(), scale))
    };
    let with = |of_rates: usize, of_flows: usize| {
        let mut pieces = plain.clone();
        let bytes = Scale::of_rates(most(&rates, of_rates).max(SPARK_BYTES), state.unit);
        let counts = Scale::of_counts(most(&turnover, of_flows).max(SPARK_FLOWS));
        let of = [
            (0, &rates[0], of_rates, bytes, Role::Down),
            (1, &rates[1], of_rates, bytes, Role::Up),
            (2, &turnover[0], of_flows, counts, Role::Dim),
            (3, &turnover[1], of_flows, counts, Role::Dim),
        ];
        for (index, values, cells, scale, role) in of {
            if cells > 0
                && let Some(piece) = pieces.get_mut(index)
            {
                *piece = std::mem::take(piece).and(spark(values, cells, scale), role);
            }
        }
        pieces
    };
    let fits = |pieces: &Vec<Piece>| line::fits(pieces, right, SPARK_RANK, area);
    // Births are always those of everything, unlike what was read of a part.
    let is_part = view.query.is_part_of_its_scope();
    let some = SPARKS.iter().filter(|(_, flows)| *flows == 0 || !is_part);
    let mut all = some.map(|(rates, flows)| with(*rates, *flows));
    all.find(fits).unwrap_or(plain)
}

/// A count per second, as a number to be drawn.
fn tenths(per_sec: f64) -> u64 {
    (per_sec * 10.0).round() as u64
}

fn births(word: &str, per_sec: Option<f64>) -> Piece {
    let text = per_sec.map_or_else(|| "-".to_owned(), self::per_sec);
    Piece::new(6, format!("{word} "), Role::Dim).and(format!("{text:<7}"), Role::Text)
}

/// How many flows that have ended are shown, and how many there is no room to
/// keep.
fn ended(view: &View) -> Option<Piece> {
    if !view.query.with_ended || view.query.list != List::Flows {
        return None;
    }
    let text = format!("{} ended", grouped(view.ended as u64));
    let piece = Piece::new(4, text.clone(), Role::Text);
    let lost = view.departed.displaced;
    Some(if lost == 0 {
        piece
    } else {
        let lost = format!(", {} not kept", grouped(lost));
        piece.and(lost, Role::Dim).or_short(4, text, Role::Text)
    })
}

/// Tenths below ten.
pub(super) fn per_sec(rate: f64) -> String {
    if rate < 0.05 {
        "0/s".to_owned()
    } else if rate < 9.95 {
        format!("{rate:.1}/s")
    } else {
        let mut text = String::new();
        units::count(&mut text, rate.round() as u64);
        text + "/s"
    }
}

fn flows(view: &View) -> Piece {
    // Of how many: of a group, of those that are idle as well.
    let out_of_scope = if view.query.within.is_empty() {
        view.out_of_scope
    } else {
        0
    };
    let all =
        view.matching + out_of_scope + view.out_of_direction + view.filtered_out + view.inactive;
    let shown = grouped(view.matching as u64);
    let flows = if all == 1 { "flow" } else { "flows" };
    let piece = Piece::new(2, shown.clone(), Role::Title);
    if all == view.matching {
        piece.and(format!(" {flows}"), Role::Text)
    } else {
        piece.and(format!(" of {} {flows}", grouped(all as u64)), Role::Text)
    }
}

/// What the source does not show, and what would show more.
pub(super) fn hint(state: &State) -> Option<Cow<'_, str>> {
    let status = &state.view.as_ref()?.status;
    match (status.source, status.tracking_wanted) {
        (Source::Sockets, Some(false)) => {
            let key = state.keys("E");
            Some(Cow::Owned(format!(
                "Sockets of this machine: no rule here asks the kernel to track connections. \
                 {key} makes it, until flowtop exits"
            )))
        }
        _ => status.hint.as_deref().map(Cow::Borrowed),
    }
}

/// Whether there is something to say above the tabs.
pub(super) fn has_notice(state: &State) -> bool {
    state.warnings().next().is_some() || hint(state).is_some()
}

/// The latest warning; all of them stand in the help. Without one, what the
/// source does not show.
pub(super) fn warning(state: &State, area: Rect, buf: &mut Buffer) {
    let warnings: Vec<_> = state.warnings().collect();
    let hint = hint(state);
    let (last, others, role) = match (warnings.split_last(), &hint) {
        (Some((last, others)), hint) => {
            let others = others.len() + usize::from(hint.is_some());
            (last.as_str(), others, Role::ChipWarn)
        }
        (None, Some(hint)) => (hint.as_ref(), 0, Role::Dim),
        (None, None) => return,
    };
    let room = usize::from(area.width).saturating_sub(2);
    let key = state.keys("?");
    let more = match others {
        0 if last.chars().count() <= room => String::new(),
        0 => format!("{key} shows all of it"),
        others => format!("and {others} more: {key}"),
    };
    let mut text = last.to_owned();
    let used = more.chars().count() + usize::from(!more.is_empty()) * 2;
    line::cut_end(&mut text, room.saturating_sub(used));
    line::draw(
        vec![Piece::new(0, text, role)],
        vec![Piece::new(0, more, Role::Dim)],
        &state.theme,
        area,
        buf,
    );
}

/// Whether a key does anything in a list that is shown.
fn is_of_use(key: &Key, state: &State) -> bool {
    if state.tab.page() == Page::Chart {
        return chart::hint(key.action).is_some();
    }
    let has_groups = state.level().has_groups();
    match key.action {
        // Pages have no rows, and the one of health is about everything.
        Action::Move(_)
        | Action::Enter
        | Action::Inspect
        | Action::SortLeft
        | Action::SortRight
        | Action::ToggleActive
        | Action::ToggleEnded
        | Action::ToggleSource
        | Action::TogglePorts
        | Action::GroupBy
        | Action::ScrollLeft
        | Action::ChooseColumns
        | Action::Copy
            if state.tab.page() != Page::List =>
        {
            false
        }
        Action::ToggleGroup(_)
        | Action::AllGroups
        | Action::ToggleFamily(_)
        | Action::ToggleLoopback
        | Action::EditFilter
        | Action::CycleDirection
            if state.tab.page() == Page::Health =>
        {
            false
        }
        Action::ScrollLeft => {
            !has_groups && layout::max_scroll(table_width(state), &state.wish()) > 0
        }
        Action::ToggleSource
        | Action::ToggleActive
        | Action::ToggleEnded
        | Action::CycleHosts
        | Action::TogglePorts => !has_groups,
        Action::Enter => has_groups || state.pane().is_none(),
        // Of flows, Enter does the same.
        Action::Inspect => has_groups && state.pane().is_none(),
        Action::DetailUp => state.pane().is_some(),
        Action::TogglePause => state.paused.is_some(),
        Action::Back => state.pane().is_some() || state.trail().is_deep(),
        _ => true,
    }
}

/// How the rows are ordered.
fn order(state: &State) -> Vec<Piece> {
    let sort = state.sort();
    let mut pieces = Vec::new();
    if state.freeze != Freeze::No {
        pieces.push(Piece::new(1, "order kept", Role::ChipWarn));
    }
    let text = match (sort.key, sort.descending) {
        (SortKey::Usual, true) if state.level().has_groups() => "fastest first".to_owned(),
        (SortKey::Usual, true) => "fastest first (10 s)".to_owned(),
        (SortKey::Usual, false) => "slowest first".to_owned(),
        (_, descending) => format!("by {} {}", state.sorted_title(), line::sign(descending)),
    };
    pieces.push(Piece::new(12, text, Role::Dim).on(Spot::Order));
    pieces
}

/// Lines that the answer to a key takes at most.
const NOTICE_LINES: usize = 4;

/// What keys do, and where in the list the window is; or the answer to a key.
/// One that is too long for the line covers what is above it as well.
pub(super) fn keys(state: &State, area: Rect, buf: &mut Buffer) {
    if let Some(notice) = state.notice() {
        let room = usize::from(area.width).saturating_sub(2);
        let lines = line::wrap(notice, room);
        let count = lines.len().min(NOTICE_LINES).min(usize::from(area.y) + 1);
        if count > 1 {
            let above = (count - 1) as u16;
            let area = Rect::new(area.x, area.y - above, area.width, above + 1);
            Clear.render(area, buf);
            buf.set_style(area, state.theme.base());
            let style = state.theme.style(Role::Alert);
            for (y, text) in (area.y..area.bottom()).zip(&lines) {
                buf.set_stringn(area.x + 1, y, text, room, style);
            }
            return;
        }
    }
    let (left, right) = key_pieces(state);
    line::draw(left, right, &state.theme, area, buf);
}

/// What a click on the line of the keys does.
pub(super) fn spot_on_keys(state: &State, area: Rect, x: u16) -> Option<Spot> {
    let (left, right) = key_pieces(state);
    line::spot(left, right, area, x)
}

fn key_pieces(state: &State) -> (Vec<Piece>, Vec<Piece>) {
    let mut right = Vec::new();
    if let Some(place) = super::page_place(state) {
        right.push(Piece::new(2, place, Role::Dim));
    } else if let Some(view) = &state.view
        && state.tab.page() == Page::List
    {
        let (first, rows, all) = (view.first, view.window_rows(), view.row_count());
        if rows < all && view.query.page == Page::List {
            let [from, to, all] = [first + 1, first + rows, all].map(|n| grouped(n as u64));
            let position = format!("{from}-{to} of {all}");
            right.push(Piece::new(2, position, Role::Dim));
        }
    }
    if state.tab.page() == Page::List {
        right.extend(order(state));
    }
    let left = if let Some(notice) = state.notice() {
        vec![Piece::new(0, notice, Role::Alert)]
    } else {
        KEYS.iter()
            .filter(|key| is_of_use(key, state))
            .filter_map(|key| {
                let hint = key.hint?;
                let (rank, word) = match state.tab.page() {
                    Page::Chart => chart::hint(key.action)?,
                    Page::List | Page::Health => (hint.rank, hint.word),
                };
                key_piece(state, &Hint { word, rank, ..hint })
            })
            .collect()
    };
    (left, right)
}

/// Keys, and what they do. Each key can be clicked; so can the word, if it says
/// what one key does.
fn key_piece(state: &State, hint: &Hint) -> Option<Piece> {
    let keys = state.settings.keys.hinted(hint.keys)?;
    let mut piece = Piece::new(hint.rank, "", Role::HelpKey);
    for (text, action) in &keys {
        piece = piece.and(text, Role::HelpKey).on(action.map(Spot::Act));
    }
    let mut actions = keys.iter().filter_map(|(_, action)| *action);
    let only = actions.next().filter(|_| actions.next().is_none());
    let piece = piece.and(format!(" {}", hint.word), Role::HelpText);
    Some(piece.on(only.map(Spot::Act)))
}

fn grouped(count: u64) -> String {
    let mut text = String::new();
    units::grouped(&mut text, count);
    text
}
