//! The page of rates: answers rise from a line of time, what was sent hangs from
//! it, on one scale; below are births and ends.
//!
//! ```text
//! everything  /port 443                 60s  5m  15m  1h
//! ↓ 12.4MB/s   average 8.10MB/s   most 14.0MB/s
//! 20.0MB/s ⣀⣠⣤⣶⣿⣿⣷⣶⣤⣀            max
//!        0 ──────────┼─────────
//! 20.0MB/s ⠉⠉⠛⠛⠉⠉
//! ↑ 210kB/s ...
//! new ...
//!          60s ago     30s    now
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::keys::Action;
use super::super::state::{SPANS, State};
use super::super::theme::Role;
use super::line::{self, Piece};
use super::picture::Scale;
use super::picture::braille::{self, Cell, DOTS_HIGH, DOTS_WIDE, Grow, Mark};
use crate::flow::Moment;
use crate::view::chart::Chart;
use crate::view::column::ColumnId;
use crate::view::history::Sample;
use crate::view::units;
use crate::view::{View, ViewRow};

/// Cells of the scale at the left, with the blanks around it.
const GUTTER: u16 = 11;
/// Cells at the right, for the names of lines.
const TAIL: u16 = 5;
/// Rows of text around the bars: what it is of, figures of both directions, the
/// line of time, the time.
const TEXTS: u16 = 5;
/// From this height on there are births and ends as well, in so many rows each.
const TURNOVER: [(u16, u16); 3] = [(34, 3), (24, 2), (18, 1)];
/// The least full height of rates, in bytes per second, so that rest looks like
/// rest.
const RATES_LEAST: u64 = 1_000;
/// Parts of the line of time.
const TICKS: usize = 4;
/// The least full height of births and ends, in tenths per second.
const FLOWS_LEAST: u64 = 10;

/// What keys do here, on the key line, and which goes first where there is no
/// room.
pub(super) const fn hint(action: Action) -> Option<(u8, &'static str)> {
    match action {
        Action::Move(_) => Some((3, "of what")),
        Action::ScrollLeft => Some((2, "time")),
        Action::ToggleBits => Some((6, "bits")),
        Action::EditFilter => Some((4, "filter")),
        Action::CycleDirection => Some((7, "direction")),
        Action::Back => Some((5, "back")),
        Action::Help => Some((0, "help")),
        Action::Leave => Some((1, "quit")),
        _ => None,
    }
}

/// What a flow is called as a whole.
pub(in super::super) fn flow_label(state: &State, row: &ViewRow) -> String {
    let row = row.row(state.now);
    let mut text = String::new();
    for id in [
        ColumnId::Proto,
        ColumnId::Source,
        ColumnId::Arrow,
        ColumnId::Destination,
        ColumnId::Service,
    ] {
        if !text.is_empty() {
            text.push(' ');
        }
        id.cell(&row, state.cell_style(), &mut text);
    }
    text
}

/// How many steps there is room for.
pub(in super::super) fn steps(state: &State) -> usize {
    let width = state.size.width.saturating_sub(GUTTER + TAIL);
    usize::from(width) * DOTS_WIDE
}

/// Draws it.
pub(super) fn draw(state: &State, view: &View, area: Rect, buf: &mut Buffer) {
    let mut left = area;
    let chart = view.chart.as_deref();
    heading(state, chart, view.at, top(&mut left, 1), buf);
    let Some(chart) = chart else {
        let text = "The flow is not there any more, and nothing was kept of it.";
        return say(state, text, left, buf);
    };
    if chart.series.steps.iter().flatten().next().is_none() {
        let text = "Two readings make a rate; the second is on its way.";
        return say(state, text, left, buf);
    }
    let bars = left.height + 1;
    let flows = TURNOVER.into_iter().find(|(from, _)| bars >= *from);
    // Of a single flow there are none.
    let mut known = chart.series.steps.iter().flatten();
    let has_flows = known.any(|sample| sample.born_per_sec.is_some());
    let flows = flows.filter(|_| has_flows).map_or(0, |(_, rows)| rows);
    let around = TEXTS - 1 + if flows > 0 { 2 * flows + 2 } else { 0 };
    let rows = left.height.saturating_sub(around);
    let plot = Plot {
        state,
        chart,
        samples: newest(&chart.series.steps, steps(state)),
    };
    plot.rates(rows, &mut left, buf);
    if flows > 0 {
        plot.flows(flows, &mut left, buf);
    }
    plot.times(top(&mut left, 1), buf);
}

/// Takes lines from the top.
fn top(left: &mut Rect, height: u16) -> Rect {
    let height = height.min(left.height);
    let area = Rect { height, ..*left };
    left.y += height;
    left.height -= height;
    area
}

fn say(state: &State, text: &str, area: Rect, buf: &mut Buffer) {
    let pieces = vec![Piece::new(0, text, Role::Dim)];
    line::draw(pieces, Vec::new(), &state.theme, area, buf);
}

/// As many values as there is room for; what is missing is not known.
fn newest(steps: &[Option<Sample>], count: usize) -> Vec<Option<Sample>> {
    let known = &steps[steps.len().saturating_sub(count)..];
    let mut samples = vec![None; count - known.len()];
    samples.extend_from_slice(known);
    samples
}

/// Of what it is, and of how much time.
fn heading(state: &State, chart: Option<&Chart>, at: Moment, area: Rect, buf: &mut Buffer) {
    let now = state.charted_now();
    let mut left = Vec::new();
    for (of, mut label) in state.charted() {
        line::cut_end(&mut label, usize::from(area.width) / 2);
        left.push(if of == now {
            Piece::new(0, label, Role::TabActive)
        } else {
            Piece::new(5, label, Role::Tab)
        });
    }
    if chart.is_some_and(|chart| chart.is_over) {
        left.push(Piece::new(1, "ended", Role::Alert));
    }
    let mut right = Vec::new();
    if let Some(since) = chart.and_then(|chart| since(state, chart, at)) {
        right.push(Piece::new(6, since, Role::Dim));
    }
    for (index, span) in SPANS.into_iter().enumerate() {
        let mut text = String::new();
        span_text(&mut text, span.as_secs());
        right.push(if index == state.charts.span {
            Piece::new(0, text, Role::TabActive)
        } else {
            Piece::new(3, text, Role::Tab)
        });
    }
    line::draw(left, right, &state.theme, area, buf);
}

/// `60s`, `5m`, `1h`, `7m30s`.
fn span_text(out: &mut String, secs: u64) {
    let text = match secs {
        0..=60 => format!("{secs}s"),
        3600 => "1h".to_owned(),
        _ if secs.is_multiple_of(60) => format!("{}m", secs / 60),
        _ => format!("{}m{:02}s", secs / 60, secs % 60),
    };
    out.push_str(&text);
}

/// Since when there is anything to see, if not for all of the time.
fn since(state: &State, chart: &Chart, at: Moment) -> Option<String> {
    let series = &chart.series;
    let length = series.step.as_nanos() * series.steps.len() as u128;
    let since_ns = series.since_ns?;
    let is_whole = u128::from(series.end_ns.saturating_sub(since_ns)) >= length;
    let ago = at.mono_ns.checked_sub(since_ns).filter(|_| !is_whole)?;
    let time = super::status::time_of_day(state, at.real_ns.saturating_sub(ago));
    Some(format!("since {time}"))
}

/// Bars of what there is to see.
struct Plot<'a> {
    state: &'a State,
    chart: &'a Chart,
    samples: Vec<Option<Sample>>,
}

/// One direction.
struct Bars<'a> {
    values: &'a [Option<u64>],
    scale: Scale,
    /// Rows that the full scale takes.
    rows: u16,
    grow: Grow,
    role: Role,
    /// Whether the average and the most have lines.
    has_marks: bool,
}

/// The rows of both directions: as many for the same rate, but no more than the
/// one that has less can make use of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Split {
    /// Rows of the one that has more: they stand for the full scale.
    high: u16,
    /// Rows of the other one.
    low: u16,
    /// The part of the full scale that those stand for.
    share: u16,
}

impl Split {
    /// Of `rows`, where `less` is the most of the direction that has less.
    fn of(rows: u16, full: u64, less: u64) -> Self {
        let share = match less {
            _ if less <= full / 4 => 4,
            _ if less <= full / 2 => 2,
            _ => 1,
        };
        let low = rows.div_ceil(share + 1).min(rows / 2);
        Self {
            high: rows - low,
            low,
            share,
        }
    }
}

impl Plot<'_> {
    fn values(&self, get: impl Fn(&Sample) -> Option<u64>) -> Vec<Option<u64>> {
        let of = |sample: &Option<Sample>| sample.as_ref().and_then(&get);
        self.samples.iter().map(of).collect()
    }

    fn rates(&self, rows: u16, left: &mut Rect, buf: &mut Buffer) {
        let unit = self.state.unit;
        let rate = |value: Option<u64>| {
            let mut text = String::new();
            units::rate(&mut text, value, unit);
            text
        };
        let reply = self.values(|sample| Some(sample.bytes_per_sec.reply));
        let orig = self.values(|sample| Some(sample.bytes_per_sec.orig));
        let (down, up) = (most(&reply), most(&orig));
        let scale = Scale::of_rates(down.max(up).max(RATES_LEAST), unit);
        let split = Split::of(rows, scale.full(), down.min(up));
        let high = (split.high, rate(Some(scale.full())));
        let low = (split.low, rate(Some(scale.full() / u64::from(split.share))));
        let (down, up) = if down >= up { (high, low) } else { (low, high) };
        self.figures(&[("↓", Role::Down, &reply)], rate, top(left, 1), buf);
        let bars = Bars {
            values: &reply,
            scale,
            rows: split.high,
            grow: Grow::Up,
            role: Role::Down,
            has_marks: true,
        };
        self.bars(&bars, &down.1, top(left, down.0), buf);
        self.line_of_time(top(left, 1), buf);
        let bars = Bars {
            values: &orig,
            grow: Grow::Down,
            role: Role::Up,
            ..bars
        };
        self.bars(&bars, &up.1, top(left, up.0), buf);
        self.figures(&[("↑", Role::Up, &orig)], rate, top(left, 1), buf);
    }

    /// Births and ends.
    fn flows(&self, rows: u16, left: &mut Rect, buf: &mut Buffer) {
        let tenths = |per_sec: Option<f64>| per_sec.map(|rate| (rate * 10.0).round() as u64);
        let born = self.values(|sample| tenths(sample.born_per_sec));
        let ended = self.values(|sample| tenths(sample.ended_per_sec));
        let scale = Scale::of_counts(most(&born).max(most(&ended)).max(FLOWS_LEAST));
        let text = |tenths: Option<u64>| match tenths {
            None => "-".to_owned(),
            Some(tenths) => super::status::per_sec(tenths as f64 / 10.0),
        };
        let of = [("new", Role::Text, &born), ("end", Role::Dim, &ended)];
        self.figures(&of, text, top(left, 1), buf);
        let full = text(Some(scale.full()));
        let bars = Bars {
            values: &born,
            scale,
            rows,
            grow: Grow::Up,
            role: Role::Text,
            has_marks: false,
        };
        self.bars(&bars, &full, top(left, rows), buf);
        self.line_of_time(top(left, 1), buf);
        let bars = Bars {
            values: &ended,
            grow: Grow::Down,
            role: Role::Dim,
            ..bars
        };
        self.bars(&bars, &full, top(left, rows), buf);
    }

    /// What it is now, on average, and at most.
    fn figures(
        &self,
        of: &[(&str, Role, &Vec<Option<u64>>)],
        text: impl Fn(Option<u64>) -> String,
        area: Rect,
        buf: &mut Buffer,
    ) {
        let mut pieces = Vec::new();
        for (name, role, values) in of {
            let now = values.last().copied().flatten();
            pieces.push(
                Piece::new(0, format!("{name} "), *role)
                    .and(format!("{:<9}", text(now)), Role::Title),
            );
            let average = text(average(values));
            pieces.push(
                Piece::new(2, "average ", Role::Dim).and(format!("{average:<9}"), Role::Text),
            );
            let most = values.iter().flatten().max().copied();
            pieces.push(
                Piece::new(1, "most ", Role::Dim).and(format!("{:<9}", text(most)), Role::Text),
            );
        }
        line::draw(pieces, Vec::new(), &self.state.theme, area, buf);
    }

    /// Bars, and what their full height stands for at the row that is farthest
    /// from the line of time.
    fn bars(&self, bars: &Bars<'_>, full: &str, area: Rect, buf: &mut Buffer) {
        let dots = u64::from(bars.rows) * DOTS_HIGH;
        let level = |value: u64| bars.scale.level(value, dots);
        let levels: Vec<_> = bars.values.iter().map(|value| value.map(level)).collect();
        let lines: Vec<(u64, &str)> = if bars.has_marks {
            let of = |value: Option<u64>, name| Some((level(value.filter(|v| *v > 0)?), name));
            let most = of(bars.values.iter().flatten().max().copied(), "max");
            let average = of(average(bars.values), "avg");
            // The line of time stands for one at its very edge.
            let seen = [most, average].into_iter().flatten();
            seen.filter(|(level, _)| *level > 1).collect()
        } else {
            Vec::new()
        };
        let marks: Vec<Mark> = lines.iter().map(|(level, _)| Mark(*level)).collect();
        let theme = &self.state.theme;
        for row in 0..area.height {
            let y = match bars.grow {
                Grow::Up => area.bottom() - 1 - row,
                Grow::Down => area.y + row,
            };
            if row + 1 == area.height {
                self.put_left(full, y, area, buf);
            }
            let cells = braille::row(&levels, row.into(), bars.grow, &marks);
            let places = (area.x + GUTTER..area.right()).zip(cells);
            for (x, cell) in places {
                let (symbol, role) = match cell {
                    Cell::Unknown | Cell::Blank => continue,
                    Cell::Line(symbol) => (symbol, Role::Dim),
                    Cell::Bar(symbol) => (symbol, bars.role),
                };
                buf[(x, y)].set_char(symbol).set_style(theme.style(role));
            }
            let here = |(level, _): &&(u64, &str)| (level - 1) / DOTS_HIGH == u64::from(row);
            if let Some((_, name)) = lines.iter().find(here) {
                let x = area.right().saturating_sub(TAIL - 1);
                buf.set_stringn(x, y, name, TAIL.into(), theme.style(Role::Dim));
            }
        }
    }

    /// A text beside the bars.
    fn put_left(&self, text: &str, y: u16, area: Rect, buf: &mut Buffer) {
        let room = usize::from(GUTTER - 1);
        let text = format!("{text:>room$}");
        buf.set_stringn(area.x, y, text, room, self.state.theme.style(Role::Dim));
    }

    /// The line that bars stand on, with a cross at every part; points where
    /// nothing is known.
    fn line_of_time(&self, area: Rect, buf: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        self.put_left("0", area.y, area, buf);
        let style = self.state.theme.style(Role::Dim);
        let cells = self.samples.chunks(DOTS_WIDE);
        let ticks = self.ticks();
        for ((x, pair), index) in (area.x + GUTTER..area.right()).zip(cells).zip(0..) {
            let is_known = pair.iter().any(Option::is_some);
            let symbol = match (ticks.contains(&index), is_known) {
                (true, _) => '┼',
                (false, true) => '─',
                (false, false) => '·',
            };
            buf[(x, area.y)].set_char(symbol).set_style(style);
        }
    }

    /// The cells of the line of time with a cross, the oldest first.
    fn ticks(&self) -> Vec<usize> {
        let cells = self.samples.len() / DOTS_WIDE;
        let last = cells.saturating_sub(1);
        (0..=TICKS).map(|part| last * part / TICKS).collect()
    }

    /// How long ago it was, below the crosses.
    fn times(&self, area: Rect, buf: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        let style = self.state.theme.style(Role::Dim);
        let series = &self.chart.series;
        let step = series.step.as_secs_f64();
        let mut free = area.x;
        for (part, cell) in self.ticks().into_iter().enumerate() {
            let steps = self.samples.len() * (TICKS - part) / TICKS;
            let secs = (step * steps as f64).round() as u64;
            let mut text = String::new();
            span_text(&mut text, secs);
            let text = match part {
                0 => format!("{text} ago"),
                TICKS => "now".to_owned(),
                _ => text,
            };
            let width = text.chars().count() as u16;
            let tick = area.x + GUTTER + cell as u16;
            let x = tick
                .saturating_sub(width / 2)
                .min(area.right().saturating_sub(width));
            if x >= free {
                buf.set_stringn(x, area.y, &text, width.into(), style);
                free = x + width + 1;
            }
        }
    }
}

fn most(values: &[Option<u64>]) -> u64 {
    values.iter().flatten().max().copied().unwrap_or_default()
}

/// Of what is known.
fn average(values: &[Option<u64>]) -> Option<u64> {
    let known = values.iter().flatten();
    let count = known.clone().count() as u128;
    let sum: u128 = known.map(|value| u128::from(*value)).sum();
    let average = sum.checked_div(count)?;
    u64::try_from(average).ok()
}
