//! Where a flow comes from, which way it goes, and where to.

use super::{Field, Kind, Record, Value, of_row};
use crate::enrich::geoip::{CountryCode, Place};
use crate::flow::{Direction, Pair};
use crate::view::End;

/// The source or the destination of the first packet.
type Side = for<'p> fn(&'p Pair<End>) -> &'p End;

const SOURCE: Side = |ends| &ends.orig;
const DESTINATION: Side = |ends| &ends.reply;

fn of_place<'a>(
    record: &'a Record<'_>,
    side: Side,
    get: impl FnOnce(&'a Place) -> Value<'a>,
) -> Value<'a> {
    of_row(record, |row| {
        side(&row.ends).location.place().map_or(Value::Absent, get)
    })
}

fn country<'a>(record: &'a Record<'_>, side: Side) -> Value<'a> {
    of_place(record, side, |place| {
        place.country_code.as_ref().map(CountryCode::as_str).into()
    })
}

fn asn<'a>(record: &'a Record<'_>, side: Side) -> Value<'a> {
    of_place(record, side, |place| {
        place.asn.map(|asn| u64::from(asn.get())).into()
    })
}

/// What is known of one end; `$end` is what the documentation calls it.
macro_rules! end {
    ($prefix:literal, $side:ident, $end:literal) => {
        &[
            Field {
                key: concat!($prefix, "_country"),
                kind: Kind::Text,
                doc: concat!(
                    "ISO 3166-1 code of the country where the network of the ",
                    $end,
                    " is registered; absent for private addresses and where no database knows it."
                ),
                get: |r| country(r, $side),
            },
            Field {
                key: concat!($prefix, "_country_name"),
                kind: Kind::Text,
                doc: concat!("Name of the country of the ", $end, " in English."),
                get: |r| of_place(r, $side, |place| place.country_name().into()),
            },
            Field {
                key: concat!($prefix, "_city"),
                kind: Kind::Text,
                doc: concat!("City of the ", $end, ", if a database knows cities."),
                get: |r| of_place(r, $side, |place| place.city.as_deref().into()),
            },
            Field {
                key: concat!($prefix, "_asn"),
                kind: Kind::Integer,
                doc: concat!(
                    "Number of the autonomous system of the ",
                    $end,
                    ", if a database knows them."
                ),
                get: |r| asn(r, $side),
            },
            Field {
                key: concat!($prefix, "_as_org"),
                kind: Kind::Text,
                doc: concat!("Organisation of the autonomous system of the ", $end, "."),
                get: |r| of_place(r, $side, |place| place.as_org.as_deref().into()),
            },
            Field {
                key: concat!($prefix, "_name"),
                kind: Kind::Text,
                doc: concat!(
                    "Name of the ",
                    $end,
                    ": from the [names] table, a DHCP lease, the hosts file or reverse DNS; \
                     not printable characters are escaped."
                ),
                get: |r| of_row(r, |row| $side(&row.ends).name.as_deref().into()),
            },
        ]
    };
}

/// Of the source.
pub(super) const SRC: &[Field] = end!("src", SOURCE, "source");
/// Of the destination.
pub(super) const DST: &[Field] = end!("dst", DESTINATION, "destination");

/// Which way, and through what.
pub(super) const ROUTE: &[Field] = &[
    Field {
        key: "direction",
        kind: Kind::Text,
        doc: "in, out, forward or local, by which ends are addresses of this machine after \
              translation; absent until these are known.",
        get: |r| of_row(r, |row| row.bearings.direction.map(Direction::name).into()),
    },
    Field {
        key: "interface_in",
        kind: Kind::Text,
        doc: "Interface where the first packet comes in. Inferred from the routes of now, not \
              observed; absent for flows that begin on this machine.",
        get: |r| of_row(r, |row| row.bearings.interfaces.orig.as_deref().into()),
    },
    Field {
        key: "interface_out",
        kind: Kind::Text,
        doc: "Interface where the first packet goes out. Inferred from the routes of now, not \
              observed; absent for flows that end on this machine.",
        get: |r| of_row(r, |row| row.bearings.interfaces.reply.as_deref().into()),
    },
    Field {
        key: "src_mac",
        kind: Kind::Text,
        doc: "Hardware address of the source, if it is a neighbour on a link of this machine.",
        get: |r| {
            of_row(r, |row| {
                row.bearings.src_mac.map_or(Value::Absent, Value::Mac)
            })
        },
    },
];
