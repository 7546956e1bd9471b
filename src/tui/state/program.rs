//! What is about the program, not about flows: how often it refreshes, when it
//! stands still, how it ends.

use std::time::Duration;

use super::super::Ending;
use super::super::keys::Action;
use super::{Effects, State};
use crate::view::units;

/// What keys make of the time between two refreshes. Any other that the command
/// line or the options give is in between.
const STEPS_MS: [u64; 14] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000,
    1_800_000, 3_600_000,
];

impl State {
    /// What keys do that are about the program.
    pub(super) fn act_on_program(&mut self, action: Action, effects: &mut Effects) {
        match action {
            Action::Slower => self.step_interval(true, effects),
            Action::Faster => self.step_interval(false, effects),
            Action::Refresh => {
                effects.refresh = true;
                self.say("Reading everything anew.");
            }
            Action::Redraw => effects.clear = true,
            Action::Suspend => effects.suspend = true,
            Action::QuitShowing => effects.ending = Some(Ending::QuitShowing),
            Action::Leave | Action::Quit => effects.ending = Some(Ending::Quit),
            _ => {}
        }
    }

    /// Takes the next longer or shorter interval.
    pub(in crate::tui) fn step_interval(&mut self, longer: bool, effects: &mut Effects) {
        let mut steps = STEPS_MS.map(Duration::from_millis).into_iter();
        let next = if longer {
            steps.find(|step| *step > self.interval)
        } else {
            steps.rfind(|step| *step < self.interval)
        };
        match next {
            Some(next) => {
                self.set_interval(next, effects);
                let every = interval_text(next);
                self.say(&format!("Refreshed every {every}."));
            }
            None if longer => self.say("An hour is the longest there is."),
            None => self.say("A tenth of a second is the shortest there is."),
        }
    }

    pub(in crate::tui) const fn set_interval(&mut self, interval: Duration, effects: &mut Effects) {
        self.interval = interval;
        effects.interval = Some(interval);
    }
}

/// `1s`, `0.2s`, `2m`.
pub(in crate::tui) fn interval_text(interval: Duration) -> String {
    if interval.subsec_nanos() == 0 {
        let mut text = String::new();
        units::duration(&mut text, interval);
        text
    } else {
        format!("{}s", interval.as_secs_f64())
    }
}
