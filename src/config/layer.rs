//! One value for what a file, or the command line, says of the options; what it
//! does not say is left to the layer below.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use ipnet::IpNet;

use super::options::{Color, Options, Protocols, SourceMode};
use super::{Usage, command, set};
use crate::enrich::dns::Lookup;
use crate::flow::{Family, Group};
use crate::tui::keymap::Preset;
use crate::tui::keys::{Action, Chord};
use crate::view::column::Choice;
use crate::view::group::Widths;
use crate::view::units::Tiers;

/// What one layer says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layer {
    pub(super) families: Option<Vec<Family>>,
    pub(super) protocols: Option<Vec<Group>>,
    pub(super) loopback: Option<bool>,
    pub(super) no_dns: Option<bool>,
    pub(super) no_geoip: Option<bool>,
    pub(super) show_src: Option<bool>,
    pub(super) columns: Option<Choice>,
    pub(super) subnet: Option<Widths>,
    pub(super) mask: Option<bool>,
    /// An empty one is the usual one.
    pub(super) export_dir: Option<PathBuf>,
    pub(super) bits: Option<bool>,
    pub(super) rate_tiers: Option<Tiers>,
    pub(super) no_mouse: Option<bool>,
    pub(super) no_state: Option<bool>,
    pub(super) color: Option<Color>,
    pub(super) max_closed: Option<usize>,
    pub(super) theme: Option<String>,
    pub(super) interval: Option<Duration>,
    pub(super) mode: Option<SourceMode>,
    pub(super) no_process: Option<bool>,
    pub(super) no_sysctl: Option<bool>,
    pub(super) track: Option<bool>,
    /// In bytes.
    pub(super) rcvbuf: Option<usize>,
    pub(super) local: Option<Vec<IpNet>>,
    pub(super) resolver: Option<Lookup>,
    /// An empty one is none, and takes back what layers below say.
    pub(super) geoip_dir: Option<PathBuf>,
    pub(super) services: Option<Vec<PathBuf>>,
    /// Of one host each, so that layers add to one another.
    pub(super) names: HashMap<IpAddr, String>,
    /// Texts of `[filters]` by name; right or wrong, see
    /// [`Definitions`](crate::view::filter::Definitions).
    pub(super) filters: BTreeMap<String, String>,
    /// Limits of `[health]`; the later ones win.
    pub(super) health: Vec<(&'static str, u64)>,
    pub(super) preset: Option<Preset>,
    /// Changes of the key table; the later ones win.
    pub(super) keys: Vec<(Chord, Option<Action>)>,
    /// How files write what they say, by key: for messages.
    pub(super) written: BTreeMap<&'static str, String>,
}

impl Layer {
    /// What the environment says. The colours that `NO_COLOR` asks for are no
    /// layer: files and flags win over it, as <https://no-color.org> has it.
    pub(super) fn of_environment(variable: &impl Fn(&str) -> Option<OsString>) -> Self {
        Self {
            geoip_dir: set(variable, "FLOWTOP_GEOIP_DIR").map(PathBuf::from),
            ..Self::default()
        }
    }

    /// What the command line says.
    ///
    /// # Errors
    /// If a flag and its opposite stand on different sides of the command, and
    /// so neither is the last.
    pub(super) fn of_flags(options: &Options) -> Result<Self, Usage> {
        let Options {
            protocols,
            display,
            source,
            lookups,
            undo,
            ..
        } = options;
        Ok(Self {
            families: families(protocols.ipv4, protocols.ipv6),
            protocols: groups(protocols),
            loopback: switch("loopback", protocols.loopback, undo.no_loopback)?,
            no_dns: switch("no-dns", display.no_dns, display.dns)?,
            no_geoip: switch("no-geoip", display.no_geoip, undo.geoip)?,
            show_src: switch("show-src", display.show_src, undo.no_show_src)?,
            columns: display.columns.clone(),
            subnet: display.subnet,
            mask: switch("mask", display.mask, undo.no_mask)?,
            export_dir: display.export_dir.clone(),
            bits: switch("bits", display.bits, undo.no_bits)?,
            rate_tiers: display.rate_tiers,
            no_mouse: switch("no-mouse", display.no_mouse, undo.mouse)?,
            no_state: switch("no-state", display.no_state, undo.state)?,
            color: display.color,
            max_closed: display.max_closed,
            theme: display.theme.clone(),
            interval: source.interval,
            mode: source.mode,
            no_process: switch("no-process", source.no_process, undo.process)?,
            no_sysctl: switch("no-sysctl", source.no_sysctl, undo.sysctl)?,
            track: switch("track", source.track, undo.no_track)?,
            rcvbuf: source.rcvbuf,
            local: said(&source.local),
            resolver: lookups.resolver,
            geoip_dir: lookups.geoip_dir.clone().map(PathBuf::from),
            services: said(&lookups.services),
            names: HashMap::new(),
            filters: BTreeMap::new(),
            health: Vec::new(),
            preset: None,
            keys: Vec::new(),
            written: BTreeMap::new(),
        })
    }

    /// This layer above another one.
    pub(super) fn over(self, below: Self) -> Self {
        Self {
            families: self.families.or(below.families),
            protocols: self.protocols.or(below.protocols),
            loopback: self.loopback.or(below.loopback),
            no_dns: self.no_dns.or(below.no_dns),
            no_geoip: self.no_geoip.or(below.no_geoip),
            show_src: self.show_src.or(below.show_src),
            columns: self.columns.or(below.columns),
            subnet: self.subnet.or(below.subnet),
            mask: self.mask.or(below.mask),
            export_dir: self.export_dir.or(below.export_dir),
            bits: self.bits.or(below.bits),
            rate_tiers: self.rate_tiers.or(below.rate_tiers),
            no_mouse: self.no_mouse.or(below.no_mouse),
            no_state: self.no_state.or(below.no_state),
            color: self.color.or(below.color),
            max_closed: self.max_closed.or(below.max_closed),
            theme: self.theme.or(below.theme),
            interval: self.interval.or(below.interval),
            mode: self.mode.or(below.mode),
            no_process: self.no_process.or(below.no_process),
            no_sysctl: self.no_sysctl.or(below.no_sysctl),
            track: self.track.or(below.track),
            rcvbuf: self.rcvbuf.or(below.rcvbuf),
            local: self.local.or(below.local),
            resolver: self.resolver.or(below.resolver),
            geoip_dir: self.geoip_dir.or(below.geoip_dir),
            services: self.services.or(below.services),
            names: added(below.names, self.names),
            filters: added(below.filters, self.filters),
            health: added(below.health, self.health),
            preset: self.preset.or(below.preset),
            keys: added(below.keys, self.keys),
            written: added(below.written, self.written),
        }
    }
}

/// What is below, and what is above in its place.
fn added<C: Extend<T> + IntoIterator<Item = T>, T>(mut below: C, above: C) -> C {
    below.extend(above);
    below
}

/// What a flag that may be repeated says, if it is there.
fn said<T: Clone>(values: &[T]) -> Option<Vec<T>> {
    (!values.is_empty()).then(|| values.to_vec())
}

/// Families by flag. Neither flag says nothing.
fn families(ipv4: bool, ipv6: bool) -> Option<Vec<Family>> {
    match (ipv4, ipv6) {
        (false, false) => None,
        (true, false) => Some(vec![Family::Ipv4]),
        (false, true) => Some(vec![Family::Ipv6]),
        (true, true) => Some(vec![Family::Ipv4, Family::Ipv6]),
    }
}

/// Protocols by flag. None says nothing; `--all` means every protocol, whatever
/// else is said.
fn groups(flags: &Protocols) -> Option<Vec<Group>> {
    let asked = [
        (Group::Tcp, flags.tcp),
        (Group::Udp, flags.udp),
        (Group::Dccp, flags.dccp),
        (Group::Icmp, flags.icmp),
        (Group::Sctp, flags.sctp),
        (Group::Other, flags.other),
    ];
    let groups: Vec<_> = asked
        .into_iter()
        .filter(|(_, asked)| flags.all || *asked)
        .map(|(group, _)| group)
        .collect();
    (!groups.is_empty()).then_some(groups)
}

/// What a flag and its opposite say. Beside each other the last one counts,
/// which clap sees to; it overlooks those on the other side of a command.
fn switch(name: &str, on: bool, off: bool) -> Result<Option<bool>, Usage> {
    if on && off {
        let opposite = name
            .strip_prefix("no-")
            .map_or_else(|| format!("no-{name}"), str::to_owned);
        let what = format!(
            "the argument '--{name}' cannot be used with '--{opposite}' on the other side \
             of the command"
        );
        return Err(command().error(ErrorKind::ArgumentConflict, what).into());
    }
    Ok((on || off).then_some(on))
}
