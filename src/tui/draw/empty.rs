//! What stands where flows would, if there are none: why, and what helps.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::state::State;
use super::super::theme::Role;
use super::line;
use crate::flow::{Family, Group};
use crate::view::units;
use crate::view::{List, Source, View};

/// Blank cells before the text.
const INDENT: u16 = 3;

/// Makes the kernel track connections over IPv4 and IPv6: a rule that looks at
/// the state of a connection, and does nothing about it.
const TRACK: [&str; 3] = [
    "nft add table inet ct_on",
    "nft 'add chain inet ct_on in { type filter hook input priority 0; }'",
    "nft 'add rule inet ct_on in ct state new,established'",
];

/// A paragraph.
type Line = (String, Role);

/// Draws it.
pub(super) fn draw(state: &State, area: Rect, buf: &mut Buffer) {
    let room = usize::from(area.width.saturating_sub(2 * INDENT));
    let mut y = area.y;
    for (text, role) in lines(state) {
        // What a key does is written with that of the key table.
        let text = match text.split_once("  ") {
            Some((keys, does)) => format!("{}  {does}", state.keys(keys)),
            None => text,
        };
        for line in line::wrap(&text, room) {
            if y >= area.bottom() {
                return;
            }
            let style = state.theme.style(role);
            buf.set_stringn(area.x + INDENT, y, line, room, style);
            y += 1;
        }
    }
}

fn lines(state: &State) -> Vec<Line> {
    let Some(view) = &state.view else {
        return vec![text("Reading the table.")];
    };
    let is_of_places = matches!(view.query.list, List::By(by) if by.is_of_places());
    if is_of_places && view.status.places.is_empty() {
        vec![
            text("No places, because no database of places is in use."),
            dim(format!(
                "-G switches them off. If one could not be opened, {} says why.",
                state.keys("V")
            )),
        ]
    } else if !view.query.within.is_empty() {
        drained(view)
    } else if view.out_of_scope + view.out_of_direction + view.filtered_out + view.inactive > 0 {
        filtered(state, view)
    } else if view.status.tracking_wanted == Some(false) {
        untracked()
    } else if view.status.synced {
        vec![
            text("No flows yet."),
            dim(match view.status.source {
                Source::Sockets => {
                    "They appear here as soon as a program of this machine is connected."
                }
                Source::Conntrack | Source::Both => {
                    "They appear here as soon as the kernel tracks one."
                }
            }),
        ]
    } else {
        vec![text("Reading the table.")]
    }
}

/// A group without flows to show.
fn drained(view: &View) -> Vec<Line> {
    let mut lines = match view.inactive {
        0 if view.out_of_direction > 0 => {
            let others = view.out_of_direction;
            vec![
                text(match others {
                    1 => "Its only flow goes another way.".to_owned(),
                    _ => format!("All its {} flows go another way.", grouped(others)),
                }),
                key("o  other directions"),
            ]
        }
        0 if view.filtered_out > 0 => vec![
            text(match view.filtered_out {
                1 => "The filter hides its only flow.".to_owned(),
                others => format!("The filter hides all its {} flows.", grouped(others)),
            }),
            key("0  no filter"),
        ],
        0 => vec![text("None of its flows are there any more.")],
        1 => vec![text("Its only flow is idle."), key("a  idle flows")],
        idle => vec![
            text(format!("All its {} flows are idle.", grouped(idle))),
            key("a  idle flows"),
        ],
    };
    lines.push(key("Esc  back to the list"));
    lines
}

/// Everything there is is filtered away.
fn filtered(state: &State, view: &View) -> Vec<Line> {
    let (outside, turned, idle) = (view.out_of_scope, view.out_of_direction, view.inactive);
    let others = view.filtered_out;
    let hidden = match outside + turned + others + idle {
        1 => "Filters hide the only flow".to_owned(),
        all => format!("Filters hide all {} flows", grouped(all)),
    };
    let parts = [
        (outside, "outside of what the first line names"),
        (turned, "in other directions"),
        (others, "not what the filter asks for"),
        (idle, "idle"),
    ];
    let why: Vec<_> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", grouped(*count)))
        .collect();
    let why = why.join(", ");
    let mut lines = vec![text(format!("{hidden}: {why}.")), blank()];
    lines.extend(keys(state, view));
    lines
}

/// The keys that let through what is hidden.
fn keys(state: &State, view: &View) -> Vec<Line> {
    let scope = state.scope;
    let all_groups = Group::ALL.iter().all(|group| scope.has_group(*group));
    let is_outside = view.out_of_scope > 0;
    let keys = [
        (is_outside && !all_groups, "A  all protocols"),
        (is_outside && !scope.has_family(Family::Ipv4), "4  IPv4"),
        (is_outside && !scope.has_family(Family::Ipv6), "6  IPv6"),
        (is_outside && !scope.has_loopback(), "L  loopback flows"),
        (view.out_of_direction > 0, "o  other directions"),
        (view.filtered_out > 0, "0  no filter"),
        (view.inactive > 0, "a  idle flows"),
    ];
    keys.into_iter()
        .filter(|(helps, _)| *helps)
        .map(|(_, text)| key(text))
        .collect()
}

fn untracked() -> Vec<Line> {
    let mut lines = vec![
        text(
            "No flows, because no rule in this network namespace asks the kernel to track connections.",
        ),
        dim(
            "Tracking begins with the first firewall or NAT rule that needs it. flowtop can add one that changes nothing else, and removes it when it exits:",
        ),
        blank(),
        key("E  track connections until flowtop exits"),
        blank(),
        dim("To keep tracking on until the next boot, as root:"),
        blank(),
    ];
    lines.extend(TRACK.map(|command| (command.to_owned(), Role::HelpKey)));
    lines.extend([
        blank(),
        dim("To undo it: nft delete table inet ct_on"),
        dim("New connections then appear here by themselves."),
    ]);
    lines
}

fn text(text: impl Into<String>) -> Line {
    (text.into(), Role::Text)
}

fn dim(text: impl Into<String>) -> Line {
    (text.into(), Role::Dim)
}

fn key(text: &str) -> Line {
    (text.to_owned(), Role::HelpKey)
}

fn blank() -> Line {
    text("")
}

fn grouped(count: usize) -> String {
    let mut text = String::new();
    units::grouped(&mut text, count as u64);
    text
}
