//! What each action does. Those of one kind stand together in the files around.

use super::super::keys::Action;
use super::super::tabs::{Label, Tab};
use super::columns::Seen;
use super::{Effects, Popup, State};
use crate::view::Page;

impl State {
    pub(in crate::tui) fn act(&mut self, action: Action, effects: &mut Effects) {
        // What was said is answered by the next key.
        self.notice = None;
        if let Some(popup) = self.popup {
            self.asked_to_forget = None;
            self.act_on_popup(popup, action, effects);
            return;
        }
        if self.lacks_rows(action) {
            return self.say("There are no rows here; lists are in the other tabs.");
        }
        self.do_action(action, effects);
    }

    /// Does what an action says, whatever floats over it.
    pub(in crate::tui) fn do_action(&mut self, action: Action, effects: &mut Effects) {
        let asked_to_forget = self.asked_to_forget.take();
        let scope = self.scope;
        match action {
            action if self.act_on_chart(action) => {}
            Action::Move(motion) if self.tab.page() == Page::Health => self.scroll_page(motion),
            Action::Move(motion) => self.move_cursor(motion),
            Action::ScrollLeft => self.scroll = self.scroll.saturating_sub(1),
            Action::ScrollRight => self.scroll += 1,
            Action::NextTab => self.go(self.tab.step(1)),
            Action::PreviousTab => self.go(self.tab.step(Tab::ALL.len() - 1)),
            Action::Go(tab) if tab == self.tab => self.trail_mut().restart(),
            Action::Go(tab) => self.go(tab),
            Action::Enter if !self.level().has_groups() => self.toggle_pane(),
            Action::Enter => self.enter(),
            Action::Inspect => self.toggle_pane(),
            Action::Back if self.followed.is_some() => self.toggle_follow(),
            Action::Back if self.pane().is_some() => self.toggle_pane(),
            Action::Back if self.level().is_anything_selected() => {
                self.trail_mut().here_mut().select_nothing();
            }
            Action::Back => self.trail_mut().back(),
            Action::DetailUp => self.scroll_pane(-1),
            Action::DetailDown => self.scroll_pane(1),
            Action::ToggleGroup(_)
            | Action::AllGroups
            | Action::ToggleFamily(_)
            | Action::ToggleLoopback
            | Action::EditFilter
            | Action::EditPort
            | Action::OnlyThis
            | Action::NotThis
            | Action::ClearFilter
            | Action::CycleDirection
            | Action::ToggleActive => self.choose(action),
            Action::ToggleEnded => self.toggle_ended(),
            Action::ForgetEnded => self.forget_ended(asked_to_forget),
            Action::Baseline => self.set_baseline(),
            Action::SortLeft
            | Action::SortRight
            | Action::Reverse
            | Action::ToggleFreeze
            | Action::ChooseColumns => self.act_on_order(action),
            Action::Follow => self.toggle_follow(),
            Action::TogglePin => self.toggle_pin(),
            Action::GroupBy => self.open_groupings(),
            Action::ToggleBits
            | Action::ToggleSource
            | Action::CycleBars
            | Action::CycleHosts
            | Action::TogglePorts => self.look(action),
            Action::Copy | Action::Mask | Action::WriteScreen | Action::Export => {
                self.take(action, effects);
            }
            Action::TogglePause => self.toggle_pause(),
            Action::Track => effects.track = self.track(),
            Action::Help => self.open_help(),
            Action::Options => self.open_options(),
            Action::About => self.open(Popup::About),
            Action::Themes => self.open_themes(),
            Action::Slower
            | Action::Faster
            | Action::Refresh
            | Action::Redraw
            | Action::Suspend
            | Action::QuitShowing
            | Action::Leave
            | Action::Quit => self.act_on_program(action, effects),
        }
        if self.scope != scope {
            self.seen = Seen::default();
        }
        self.clamp();
    }

    /// Whether an action is about the rows of a list or its columns, and a page
    /// is shown that has none: what cannot be seen is not changed.
    const fn lacks_rows(&self, action: Action) -> bool {
        match self.tab.page() {
            Page::List => false,
            // There they are about time.
            Page::Chart if matches!(action, Action::ScrollLeft | Action::ScrollRight) => false,
            Page::Health | Page::Chart => matches!(
                action,
                Action::ScrollLeft
                    | Action::ScrollRight
                    | Action::Enter
                    | Action::Inspect
                    | Action::DetailUp
                    | Action::DetailDown
                    | Action::OnlyThis
                    | Action::NotThis
                    | Action::ToggleEnded
                    | Action::SortLeft
                    | Action::SortRight
                    | Action::Reverse
                    | Action::ToggleFreeze
                    | Action::ChooseColumns
                    | Action::Follow
                    | Action::TogglePin
                    | Action::GroupBy
                    | Action::Copy
            ),
        }
    }

    /// Goes into the selected group.
    fn enter(&mut self) {
        let Some(view) = self.current_view() else {
            return;
        };
        let level = self.level();
        // The row itself, not the one next to where the cursor went.
        let line = view.line_of(level.cursor);
        match line.and_then(|line| view.groups.get(line)).cloned() {
            Some(row) => {
                let label = Label {
                    plain: row.label(),
                    masked: row.masked(&self.settings.mask).label(),
                };
                self.trail_mut().enter(&row, label);
            }
            None if level.is_anything_selected() => self.say("The row is not there yet."),
            None => self.say(&format!("Select a row first: {}.", self.keys("↑ ↓"))),
        }
    }
}
