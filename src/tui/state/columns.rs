//! Which columns there are: those that were chosen, and of which anything is
//! known.

use crossterm::event::KeyEvent;

use super::super::layout::Wish;
use super::super::picker::Picked;
use super::super::{Ending, draw};
use super::{Effects, State};
use crate::flow::Moment;
use crate::view::column::{ColumnId, Style};
use crate::view::{SortKey, Unknown, ViewRow};

/// What rows have had to show. It only grows, so that columns do not swing with
/// every refresh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is whether one thing was seen"
)]
pub(super) struct Seen {
    /// Length of the longest host.
    longest_host: u16,
    /// Length of the longest destination with its service.
    longest_endpoint: u16,
    /// Whether anybody has looked for a process, and not only found that the
    /// flow is forwarded.
    process: bool,
    interface: bool,
    rtt: bool,
    ended: bool,
}

impl Seen {
    fn row(&mut self, row: &ViewRow, style: Style, now: Moment) {
        let host = draw::longest_host(row, style.hosts);
        self.longest_host = self.longest_host.max(host);
        let endpoint = draw::longest_endpoint(row, style, now);
        self.longest_endpoint = self.longest_endpoint.max(endpoint);
        let row = row.row(now);
        let process = row.process();
        self.process |= process.is_some_and(|process| process != Err(Unknown::Forwarded));
        let interfaces = &row.bearings.interfaces;
        self.interface |= interfaces.orig.is_some() || interfaces.reply.is_some();
        self.rtt |= row.rtt_us().is_some();
        self.ended |= row.flow.end_reason().is_some();
    }
}

impl State {
    /// What decides where columns stand.
    pub(in super::super) fn wish(&self) -> Wish {
        let places = self.view.as_ref().map(|view| &view.status.places);
        let is_known = |id| match id {
            ColumnId::Country => places.is_some_and(|places| !places.is_empty()),
            ColumnId::Process => self.seen.process,
            ColumnId::Interface => self.seen.interface,
            ColumnId::Rtt => self.seen.rtt,
            ColumnId::Ended => self.with_ended && self.seen.ended,
            ColumnId::ReplyDelta | ColumnId::OrigDelta => self.baseline.is_some(),
            ColumnId::Trend => draw::table_width(self) >= draw::TREND_FROM,
            _ => true,
        };
        Wish {
            columns: self.columns.shown(is_known),
            unit: self.unit,
            host: self.seen.longest_host,
            endpoint: self.seen.longest_endpoint,
        }
    }

    /// Looks for what rows before had not.
    pub(super) fn measure(&mut self) {
        let (at, style) = (self.shown_at(), self.cell_style());
        for row in self.view.iter().flat_map(|view| &view.rows) {
            self.seen.row(row, style, at);
        }
    }

    /// A key while columns are chosen.
    pub(super) fn pick(&mut self, key: KeyEvent, effects: &mut Effects) {
        let Some(picker) = &mut self.picker else {
            return;
        };
        self.notice = None;
        match picker.key(key, &mut self.columns) {
            Picked::More => {}
            Picked::Refused => self.say("DESTINATION stays: without it a row says nothing."),
            Picked::Explain(id) => self.explain(SortKey::Column(id)),
            Picked::Done => self.picker = None,
            Picked::Quit => effects.ending = Some(Ending::Quit),
        }
        self.clamp();
    }
}
