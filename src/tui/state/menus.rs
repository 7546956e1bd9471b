//! What keys do while a menu is open, and what its lines do.

use crossterm::event::KeyEvent;

use super::super::Ending;
use super::super::menu::{Deed, Picked};
use super::{Effects, State};

impl State {
    /// A key while a menu is open.
    pub(in crate::tui) fn key_in_menu(&mut self, key: KeyEvent, effects: &mut Effects) {
        let Some(menu) = &mut self.menu else {
            return;
        };
        match menu.key(key) {
            Picked::More => {}
            Picked::Closed => self.menu = None,
            Picked::Quit => effects.ending = Some(Ending::Quit),
            Picked::Chosen(deed) => {
                self.menu = None;
                self.carry_out(deed, effects);
            }
        }
        self.clamp();
    }

    fn carry_out(&mut self, deed: Deed, effects: &mut Effects) {
        match deed {
            Deed::Say(why) => self.say(&why),
            Deed::Copy(what, text) => self.copy(&what, text, effects),
            Deed::Export(form) => self.export(form, effects),
            Deed::Narrow(term) => self.narrow(&term),
            Deed::ShowAs(list) => self.show_as(list),
            Deed::ChooseWidths => self.open_widths(),
            Deed::Subnets(widths) => self.show_subnets(widths),
        }
    }
}
