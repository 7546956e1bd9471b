//! What was: flows that have ended, and the moment from which on is counted.

use std::time::Duration;

use super::{NOTICE, State};
use crate::flow::Moment;
use crate::view::units;

/// A second press within this time takes a baseline back.
const TAKEN_BACK: Duration = Duration::from_secs(2);

impl State {
    /// Shows flows that have ended, or does not.
    pub(super) fn toggle_ended(&mut self) {
        if self.level().has_groups() {
            self.say("Ended flows are in these sums already; lists of flows can show them.");
            return;
        }
        self.with_ended = !self.with_ended;
        if !self.with_ended {
            return;
        }
        let Some(kept) = self.view.as_ref().map(|view| view.departed) else {
            return;
        };
        let forget = self.keys("X");
        if kept.capacity == 0 {
            self.say("No ended flow is kept: --max-closed is 0.");
        } else if kept.flows == 0 {
            self.say("No flow has ended yet. Those that do stay here, dim.");
        } else {
            let flows = counted(kept.flows);
            self.say(&format!(
                "{flows}, dim; sums count them anyway. {forget} twice forgets them."
            ));
        }
    }

    /// Forgets flows that have ended, when asked a second time soon after the
    /// first.
    pub(super) fn forget_ended(&mut self, asked: Option<Moment>) {
        let is_sure = asked.is_some_and(|since| self.now.since(since) < NOTICE);
        let flows = self.view.as_ref().map_or(0, |view| view.departed.flows);
        if flows == 0 {
            self.say("There is no ended flow to forget.");
        } else if is_sure {
            self.forgotten += 1;
            self.say(&format!("Forgot {}. Sums stay.", counted(flows)));
        } else {
            self.asked_to_forget = Some(self.now);
            let key = self.keys("X");
            self.say(&format!(
                "{key} again forgets {}. Sums stay.",
                counted(flows)
            ));
        }
    }

    /// Counts from now on; pressed again at once, from the start again.
    pub(super) fn set_baseline(&mut self) {
        let is_fresh = |since| self.now.since(since) < TAKEN_BACK;
        if self.baseline.is_some_and(is_fresh) {
            self.baseline = None;
            self.say("Counting from the start of flowtop again.");
        } else {
            self.baseline = Some(self.now);
            let key = self.keys("z");
            self.say(&format!(
                "↓ Δ and ↑ Δ count from now on. {key} again at once: from the start of flowtop."
            ));
        }
    }
}

fn counted(flows: usize) -> String {
    let mut text = String::new();
    units::grouped(&mut text, flows as u64);
    text + if flows == 1 {
        " ended flow"
    } else {
        " ended flows"
    }
}
