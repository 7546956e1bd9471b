//! What holds the picture: the view paused.

use super::State;
use crate::flow::Moment;

impl State {
    /// The moment that the screen shows: the present, unless the view is
    /// paused.
    pub(in super::super) fn shown_at(&self) -> Moment {
        let paused = self.view.as_ref().filter(|view| view.query.paused);
        paused.map_or(self.now, |view| view.at)
    }

    /// Lets the picture stand, or go on.
    pub(super) fn toggle_pause(&mut self) {
        if self.paused.take().is_some() {
            return self.say("Live again.");
        }
        self.paused = Some(self.now);
        let key = self.keys("Space");
        self.say(&format!(
            "The view is paused: sort, filter and look at it. Flows go on; {key} shows them."
        ));
    }
}
