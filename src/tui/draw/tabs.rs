//! The line of tabs, and how one came to the list that is shown.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::keys::Action;
use super::super::mouse::Spot;
use super::super::state::State;
use super::super::tabs::Tab;
use super::super::theme::Role;
use super::line::{self, Piece};

/// Cells between two tabs.
const TAB_GAP: usize = 2;

/// The tabs; behind the one that is shown, how one came to its list. Names of
/// the other tabs go where there is no room: their digits are their keys.
pub(super) fn draw(state: &State, area: Rect, buf: &mut Buffer) {
    line::draw(tab_pieces(state, area), Vec::new(), &state.theme, area, buf);
}

/// What a click on the tabs does.
pub(super) fn spot(state: &State, area: Rect, x: u16) -> Option<Spot> {
    line::spot(tab_pieces(state, area), Vec::new(), area, x)
}

fn tab_pieces(state: &State, area: Rect) -> Vec<Piece> {
    let others = (Tab::ALL.len() - 1) * (1 + TAB_GAP);
    let mut pieces = Vec::new();
    for tab in Tab::ALL {
        let digit = tab.digit();
        let text = format!("{digit} {}", tab.title());
        let go = Spot::Act(Action::Go(tab));
        pieces.push(if tab == state.tab {
            let room = usize::from(area.width).saturating_sub(2 + others + text.len());
            let piece = Piece::new(0, text, Role::TabActive).on(go);
            let crumbs = trail(state, room).into_iter();
            crumbs.fold(piece, |piece, (text, spot)| {
                piece.and(text, Role::TabActive).on(spot)
            })
        } else {
            let piece = Piece::new(1, text, Role::Tab).on(go);
            piece.or_short(0, digit, Role::Tab)
        });
    }
    pieces
}

/// How one came to the list; what came first is left out first.
fn trail(state: &State, room: usize) -> Vec<(String, Option<Spot>)> {
    let is_masked = state.mask().is_some();
    let labels: Vec<String> = state.trail().labels(is_masked).collect();
    for skipped in 0..labels.len() {
        let mut texts = Vec::new();
        if skipped > 0 {
            texts.push((" › …".to_owned(), None));
        }
        for (index, label) in labels.iter().enumerate().skip(skipped) {
            texts.push((format!(" › {label}"), Some(Spot::Crumb(index + 1))));
        }
        let width = |text: &str| text.chars().count();
        let all: usize = texts.iter().map(|(text, _)| width(text)).sum();
        if all <= room || skipped + 1 == labels.len() {
            if let Some((last, _)) = texts.last_mut() {
                let others = all - width(last);
                line::cut_end(last, room.saturating_sub(others));
            }
            return texts;
        }
    }
    Vec::new()
}
