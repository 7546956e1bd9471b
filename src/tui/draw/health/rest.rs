//! This machine's own TCP and UDP, and how flows come here.

use std::fmt::Write as _;

use super::super::super::theme::Role;
use super::super::popup::Text;
use super::table::is_tracked;
use super::{Section, bytes, grouped, per_sec};
use crate::view::health::{Count, Health};
use crate::view::{View, units};

/// Cells of a label.
const LABEL: usize = 18;

fn line(label: &str, figure: impl Into<String>, role: Role, note: impl Into<String>) -> Text {
    vec![
        (format!("{label:<LABEL$}"), Role::Dim),
        (figure.into(), role),
        (format!("  {}", note.into()), Role::Dim),
    ]
}

/// TCP and UDP of this machine.
pub(super) fn host(health: &Health) -> Section {
    let mut lines = Vec::new();
    if let Some(stack) = health.vitals.as_ref().map(|vitals| vitals.stack) {
        if let Some(established) = stack.established {
            lines.push(line(
                "TCP established",
                grouped(established),
                Role::Text,
                "",
            ));
        }
        let segments = stack.segments.unwrap_or(0);
        let of = format!("of {} segments in a minute", grouped(segments));
        lines.push(match stack.retransmit_percent {
            Some(percent) => line("retransmitted", format!("{percent:.1}%"), Role::Text, of),
            None => line("retransmitted", "low sample", Role::Dim, of),
        });
        let counts = [
            ("broken segments", stack.tcp_in_errors, false),
            ("listen overflows", stack.listen_overflows, true),
            ("listen drops", stack.listen_drops, true),
            ("UDP, no buffer", stack.udp_receive_errors, true),
        ];
        for (label, count, is_trouble) in counts {
            lines.extend(count.map(|count| counter(label, count, is_trouble)));
        }
    }
    Section {
        title: "TCP AND UDP OF THIS MACHINE",
        note: "without forwarded packets".to_owned(),
        lines,
    }
}

fn counter(label: &str, count: Count, is_trouble: bool) -> Text {
    let grows = count.per_sec.is_some_and(|rate| rate > 0.0);
    let role = match (count.total, is_trouble && grows) {
        (0, _) => Role::Dim,
        (_, true) => Role::ChipCrit,
        (_, false) => Role::Text,
    };
    let sign = if is_trouble && grows { "! " } else { "" };
    let mut note = String::new();
    if count.added > 0 {
        note = format!("+{} since flowtop began", grouped(count.added));
    }
    if let Some(rate) = count.per_sec.filter(|rate| *rate > 0.0) {
        let _ = write!(note, ", {} now", per_sec(rate));
    }
    line(label, format!("{sign}{}", grouped(count.total)), role, note)
}

/// How flows come here, and what that costs.
pub(super) fn source(view: &View, health: &Health) -> Section {
    let (status, source) = (&view.status, &health.source);
    let mut lines = Vec::new();
    let span = |time| {
        let mut text = String::new();
        units::span(&mut text, time);
        text
    };
    if is_tracked(view) {
        let role = if status.lost > 0 {
            Role::ChipWarn
        } else {
            Role::Text
        };
        let note = source.lost_at.map_or_else(String::new, |at| {
            let mut text = "the last ".to_owned();
            units::duration(&mut text, view.at.since(at));
            text + " ago"
        });
        lines.push(line("events lost", grouped(status.lost), role, note));
        let (shed, role) = if status.updates_shed {
            ("given up for now", Role::ChipWarn)
        } else {
            ("listened to", Role::Text)
        };
        lines.push(line("updates", shed, role, ""));
    }
    if let Some(buffer) = source.buffer {
        let capped = if buffer.capped {
            "less than asked for"
        } else {
            ""
        };
        let held = buffer.bytes / EVENT_BYTES;
        let note = format!("about {} events  {capped}", grouped(held as u64));
        lines.push(line(
            "event buffer",
            bytes(buffer.bytes as u64),
            Role::Text,
            note.trim_end(),
        ));
    }
    let mut note = source
        .dump_took
        .map_or_else(String::new, |took| format!("took {}", span(took)));
    if let Some(every) = source.dump_every {
        let _ = write!(note, ", every {}", span(every));
    }
    lines.push(line("dumps", grouped(source.dumps), Role::Text, note));
    lines.push(line(
        "resyncs",
        grouped(source.resyncs),
        Role::Text,
        "dumps because events were lost",
    ));
    let odd = source.problems.total();
    let role = if odd > 0 { Role::ChipWarn } else { Role::Text };
    lines.push(line("odd messages", grouped(odd), role, ""));
    if let Some(vitals) = &health.vitals {
        let cpu = vitals.cpu_percent.map(|percent| format!("{percent:.1}%"));
        let memory = vitals
            .own
            .memory_bytes
            .map(|count| format!("{} of memory", bytes(count)));
        let figure = cpu.map_or_else(|| "-".to_owned(), |cpu| format!("{cpu} of one CPU"));
        lines.push(line(
            "flowtop itself",
            figure,
            Role::Text,
            memory.unwrap_or_default(),
        ));
    }
    Section {
        title: "EVENTS, DUMPS AND FLOWTOP",
        note: String::new(),
        lines,
    }
}

/// What the kernel books for one event.
const EVENT_BYTES: usize = 1280;
