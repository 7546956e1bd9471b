//! What the kernel's table says: status, timers, marks, family.

use std::fmt::Write;
use std::time::Duration;

use jiff::Timestamp;

use super::super::super::state::State;
use super::super::super::theme::Role;
use super::ends;
use super::prose::{Prose, Sheet};
use crate::flow::Status;
use crate::view::units;
use crate::view::{Age, Detail, EndReason, Row};

/// Status bits, and what they mean. Those that say that translation was looked
/// at are set in nearly every flow; they stand in the number.
const WORDS: &[(Status, &str)] = &[
    (Status::EXPECTED, "announced by a helper"),
    (Status::SEEN_REPLY, "answered"),
    (Status::ASSURED, "assured (kept when the table is full)"),
    (Status::CONFIRMED, "confirmed"),
    (Status::SRC_NAT, "source rewritten"),
    (Status::DST_NAT, "destination rewritten"),
    (Status::SEQ_ADJUST, "sequence numbers adjusted"),
    (Status::DYING, "removed from the table"),
    (
        Status::FIXED_TIMEOUT,
        "fixed timeout (packets do not refresh it)",
    ),
    (Status::TEMPLATE, "template (no flow)"),
    (Status::NAT_CLASH, "clash of translations"),
    (Status::HELPER, "helper attached by a rule"),
    (Status::OFFLOAD, "offloaded to a flowtable"),
    (Status::HW_OFFLOAD, "offloaded to hardware"),
];

pub(super) fn tell(state: &State, detail: &Detail, row: &Row<'_>, sheet: &mut Sheet) {
    let flow = row.flow;
    if let Some(reason) = flow.end_reason() {
        sheet.say("ended", ended(state, row, reason));
    }
    sheet.say("began", began(state, row));
    if let Some(left) = flow.timeout_secs(row.now).filter(|_| !detail.is_over) {
        let mut text = "in ".to_owned();
        units::duration(&mut text, Duration::from_secs(left));
        text.push_str(" if no packet comes");
        sheet.say("expires", Prose::of(text, Role::Text));
    }
    if let Some(status) = flow.status() {
        sheet.say("status", bits(status));
    }
    if let Some(master) = flow.master() {
        let prose = Prose::of(ends::tuple(master), Role::Text);
        let lives = match detail.parent_lives {
            Some(true) => ", still there",
            Some(false) => ", gone",
            None => "",
        };
        let prose = prose.and(lives, Role::Text);
        sheet.say("announced", prose.known("in this flow, by a helper"));
    }
    sheet.say("kernel", names(row));
    if let Some(context) = flow.secctx() {
        sheet.say("label", Prose::of(context, Role::Text).known("secctx"));
    }
}

/// When it ended, and why, and who says so.
fn ended(state: &State, row: &Row<'_>, reason: EndReason) -> Prose {
    let said = match reason {
        EndReason::Closed => "both ends closed it: counters are final",
        EndReason::Reset => "one end broke it off or refused it (RST): counters are final",
        EndReason::TimedOut => "no packet came until its timeout ran out: counters are final",
        EndReason::Deleted => {
            "removed before its time, by hand, or for want of room: counters are final"
        }
        EndReason::Destroyed => "the kernel said so: counters are final",
        EndReason::Vanished => "found gone: its last counters may be missing",
    };
    let ago = row.flow.ended_ago(row.now).unwrap_or_default();
    let ago_ns = u64::try_from(ago.as_nanos()).unwrap_or(u64::MAX);
    let at = clock(state, row.now.real_ns.saturating_sub(ago_ns));
    let mut text = format!("{at}, {}", reason.label());
    if ago.as_secs() > 0 {
        text.push(' ');
        units::duration(&mut text, ago);
        text.push_str(" ago");
    }
    Prose::of(text, Role::Text).known(said)
}

/// When it began, and who says so.
fn began(state: &State, row: &Row<'_>) -> Prose {
    let age = row.flow.age(row.now);
    let mut lived = String::new();
    units::duration(&mut lived, age.duration());
    let (start, how) = match (row.flow.start_ns(), age) {
        (Some(stamp), _) => (Some(stamp), "stamped by the kernel"),
        (None, Age::Exact(_)) => (None, "flowtop saw it begin"),
        (None, Age::AtLeast(_)) => (None, "flowtop saw it first then; it is older"),
    };
    let since = age.duration() + row.flow.ended_ago(row.now).unwrap_or_default();
    let since = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    let start = start.unwrap_or_else(|| row.now.real_ns.saturating_sub(since));
    let lived = match row.flow.end_reason() {
        None => format!(", {lived} ago"),
        Some(_) => format!(", lived {lived}"),
    };
    Prose::of(clock(state, start), Role::Text)
        .and(lived, Role::Text)
        .known(how)
}

/// The time of day; with the date if that is another one.
fn clock(state: &State, real_ns: u64) -> String {
    let zoned = |ns: u64| {
        let at = Timestamp::from_nanosecond(ns.into()).ok()?;
        Some(at.to_zoned(state.zone.clone()))
    };
    let Some(at) = zoned(real_ns) else {
        return "at a time out of bounds".to_owned();
    };
    let is_today = zoned(state.now.real_ns).is_some_and(|now| now.date() == at.date());
    let time = at.time();
    let mut text = String::new();
    if !is_today {
        let _ = write!(text, "{} ", at.date());
    }
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let _ = write!(text, "{hour:02}:{minute:02}:{second:02}");
    text
}

fn bits(status: Status) -> Prose {
    let mut words: Vec<&str> = WORDS
        .iter()
        .filter(|(bit, _)| status.has(*bit))
        .map(|(_, word)| *word)
        .collect();
    if !status.has(Status::SEEN_REPLY) {
        words.insert(0, "no answer so far");
    }
    Prose::of(words.join(", "), Role::Text).then(format!("{:#x}", status.0), Role::Dim)
}

/// What the kernel knows it by.
fn names(row: &Row<'_>) -> Prose {
    let flow = row.flow;
    let mut prose = Prose::default();
    let mut say = |what: &str, value: String| {
        let said = std::mem::take(&mut prose);
        prose = said
            .then(format!("{what} "), Role::Dim)
            .and(value, Role::Text);
    };
    if let Some(id) = flow.id() {
        say("id", id.to_string());
    }
    say("zone", flow.key().zone.to_string());
    if let Some(mark) = flow.mark() {
        say("mark", format!("{mark:#x}"));
    }
    if let Some(labels) = flow.labels() {
        say("labels", bit_numbers(labels));
    }
    if let Some(helper) = flow.helper() {
        say("helper", helper.to_owned());
    }
    prose
}

/// Numbers of the labels that are set. The kernel keeps them in words of its
/// size (`unsigned long`), of which the lowest bit is the first.
fn bit_numbers(labels: [u8; 16]) -> String {
    const WORD: usize = size_of::<usize>();
    let mut numbers = Vec::new();
    for (index, word) in labels.chunks_exact(WORD).enumerate() {
        let word = word
            .try_into()
            .map_or(0, |octets: [u8; WORD]| usize::from_ne_bytes(octets));
        let set = (0..WORD * 8).filter(|bit| word & (1 << bit) != 0);
        numbers.extend(set.map(|bit| (index * WORD * 8 + bit).to_string()));
    }
    if numbers.is_empty() {
        return "none".to_owned();
    }
    numbers.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_told_by_their_numbers() {
        const WORD: usize = size_of::<usize>();
        let mut labels = [0; 16];
        assert_eq!(bit_numbers(labels), "none");
        labels[..WORD].copy_from_slice(&0x8000_0001_usize.to_ne_bytes());
        labels[16 - WORD..].copy_from_slice(&2_usize.to_ne_bytes());
        let last = 129 - WORD * 8;
        assert_eq!(bit_numbers(labels), format!("0,31,{last}"));
    }
}
