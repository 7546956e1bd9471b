//! Exact bytes of every format.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::enrich::geoip::{CountryCode, Location, Place};
use crate::flow::{
    Counters, Key, L4, Moment, Origin, Pair, Protocol, Rare, Report, State, Status, Tuple, Update,
};
use crate::view::field::{Event, FIELDS, find};
use crate::view::{Bearings, End, Row, Table};

/// 2026-11-21T03:00:00Z
const THREE_O_CLOCK: u64 = 1_795_230_000_000_000_000;

const START: Moment = Moment {
    mono_ns: 1_000_000_000,
    real_ns: THREE_O_CLOCK,
};

fn counters(packets: u64, bytes: u64) -> Counters {
    Counters { packets, bytes }
}

/// A translated FTP flow that says all a flow can say.
fn rich() -> Report {
    let orig = Tuple::v4(
        Ipv4Addr::new(192, 168, 1, 23),
        Ipv4Addr::new(203, 0, 113, 80),
        Protocol::TCP,
        L4::Ports {
            src: 54321,
            dst: 21,
        },
    );
    let reply = Tuple::v4(
        Ipv4Addr::new(203, 0, 113, 80),
        Ipv4Addr::new(198, 51, 100, 1),
        Protocol::TCP,
        L4::Ports {
            src: 21,
            dst: 61000,
        },
    );
    let mut report = Report::about(Key { zone: 5, orig }, Origin::Dumped);
    report.id = Some(2_817_749_152);
    report.reply = Some(reply);
    report.state = Some(State::TCP_ESTABLISHED);
    report.status = Some(Status::SEEN_REPLY | Status::ASSURED | Status::SRC_NAT);
    report.timeout_secs = Some(431_999);
    report.mark = Some(0);
    report.start_ns = Some(THREE_O_CLOCK - 7_440_500_000_000);
    report.counters = Some(Pair {
        orig: counters(10, 1_000),
        reply: counters(20, 2_000),
    });
    report.rare = Some(Box::new(Rare {
        helper: Some("ftp".into()),
        ..Rare::default()
    }));
    report
}

/// A ping over IPv6 of which the kernel says little.
fn ping() -> Report {
    let orig = Tuple::v6(
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x17),
        Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0x1234, 0x5678),
        Protocol::ICMPV6,
        L4::Icmp {
            kind: 128,
            code: 0,
            id: 4711,
        },
    );
    Report::about(Key { zone: 0, orig }, Origin::Dumped)
}

/// The table one second after these reports, of which those with counters
/// moved 4096 and 12,400,000 bytes.
fn table_of(reports: &[Report]) -> (Table, Moment) {
    let mut table = Table::new();
    let now = START.after(Duration::from_secs(1));
    for report in reports {
        table.apply(&Update::Flow(report.clone()), START, &mut |_| {});
        let mut report = report.clone();
        if let Some(counters) = &mut report.counters {
            counters.orig.bytes += 4_096;
            counters.reply.bytes += 12_400_000;
        }
        table.apply(&Update::Flow(report), now, &mut |_| {});
    }
    (table, now)
}

fn settings(format: Format, keys: Option<&[&str]>) -> Settings {
    Settings {
        format,
        fields: keys.map(|keys| keys.iter().map(|key| find(key).unwrap()).collect()),
        unit: RateUnit::Bytes,
        course: Course::Samples,
        columns: None,
        mask: None,
    }
}

/// Nothing is known of either end.
fn nowhere() -> Pair<End> {
    let end = End {
        location: Location::Unknown,
        name: None,
    };
    Pair {
        orig: end.clone(),
        reply: end,
    }
}

/// A laptop of this network, and a server of which everything is known.
fn known_ends() -> Pair<End> {
    Pair {
        orig: End {
            location: Location::Lan,
            name: Some("laptop".into()),
        },
        reply: End {
            location: Location::Place(Place {
                country_code: CountryCode::parse("DE"),
                city: Some("Köln".into()),
                asn: NonZeroU32::new(64_500),
                as_org: Some("Example \"Netz\", AG".into()),
            }),
            name: Some("ftp.example.net".into()),
        },
    }
}

const fn lost() -> Record<'static> {
    Record {
        event: Event::Lost,
        ts_ns: THREE_O_CLOCK + 1_123_456_789,
        row: None,
        count: Some(4834),
    }
}

/// What a writer makes of samples of these reports, the service being one for
/// all.
fn written(settings: &Settings, reports: &[Report], service: Option<&str>) -> String {
    written_between(settings, reports, service, &nowhere())
}

/// As [`written`], with what is known of both ends.
fn written_between(
    settings: &Settings,
    reports: &[Report],
    service: Option<&str>,
    ends: &Pair<End>,
) -> String {
    let (table, now) = table_of(reports);
    let mut out = Vec::new();
    let mut writer = Writer::new(settings, &mut out);
    for (_, flow) in table.flows() {
        let record = Record {
            event: Event::Sample,
            ts_ns: now.real_ns + 123_456_789,
            row: Some(Row {
                flow,
                now,
                service,
                ends: ends.clone(),
                bearings: Bearings::default(),
                owners: None,
            }),
            count: None,
        };
        writer.record(&record).unwrap();
    }
    writer.flush().unwrap();
    String::from_utf8(out).unwrap()
}

fn written_lost(settings: &Settings) -> String {
    let mut out = Vec::new();
    let mut writer = Writer::new(settings, &mut out);
    writer.record(&lost()).unwrap();
    writer.flush().unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn json_says_all_there_is_in_one_line() {
    let text = written(&settings(Format::Json, None), &[rich()], Some("ftp"));
    let expected = r#"{"v":1,"event":"sample","ts":"2026-11-21T03:00:01.123456Z","id":2817749152,"zone":5,"family":"ipv4","proto":"tcp","state":"established","status":["seen_reply","assured","src_nat"],"timeout_secs":431999,"mark":0,"helper":"ftp","orig_src":"192.168.1.23","orig_dst":"203.0.113.80","orig_sport":54321,"orig_dport":21,"reply_src":"203.0.113.80","reply_dst":"198.51.100.1","reply_sport":21,"reply_dport":61000,"nat":"snat","orig_packets":10,"orig_bytes":5096,"reply_packets":20,"reply_bytes":12402000,"orig_bytes_per_sec":4096,"reply_bytes_per_sec":12400000,"counters":"exact","start":"2026-11-21T00:55:59.500000Z","duration_secs":7441.500,"service":"ftp"}"#;
    assert_eq!(text, format!("{expected}\n"));
    let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(parsed["duration_secs"], json!(7441.5));
    assert_eq!(
        parsed["status"],
        json!(["seen_reply", "assured", "src_nat"])
    );
    assert_eq!(parsed["mark"], json!(0));
}

#[test]
fn json_has_the_places_and_names_that_are_known_and_no_lan() {
    let keys: Vec<_> = FIELDS
        .iter()
        .map(|field| field.key)
        .filter(|key| key.starts_with("src_") || key.starts_with("dst_"))
        .filter(|key| {
            !["_mac", "_pid", "_process"]
                .iter()
                .any(|end| key.ends_with(end))
        })
        .collect();
    assert_eq!(keys.len(), 12, "{keys:?}");
    let settings = settings(Format::Json, Some(&keys));
    let text = written_between(&settings, &[rich()], None, &known_ends());
    let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = json!({
        "src_name": "laptop",
        "dst_country": "DE", "dst_country_name": "Germany", "dst_city": "Köln",
        "dst_asn": 64_500, "dst_as_org": "Example \"Netz\", AG",
        "dst_name": "ftp.example.net",
    });
    assert_eq!(parsed, expected);
    assert_eq!(written(&settings, &[rich()], None), "{}\n");
}

#[test]
fn a_table_names_hosts_and_countries() {
    let settings = settings(Format::Table, None);
    let text = written_between(&settings, &[rich()], None, &known_ends());
    for shown in ["laptop:54321", "ftp.example.net", " DE "] {
        assert!(text.contains(shown), "{text}");
    }
    let mut lan = known_ends();
    lan.reply.location = Location::Lan;
    let text = written_between(&settings, &[rich()], None, &lan);
    assert!(text.contains(" lan "), "{text}");
}

#[test]
fn csv_quotes_what_others_have_named() {
    let settings = settings(
        Format::Csv,
        Some(&["src_country", "dst_as_org", "dst_name"]),
    );
    let text = written_between(&settings, &[rich()], None, &known_ends());
    assert_eq!(
        text,
        "src_country,dst_as_org,dst_name\n,\"Example \"\"Netz\"\", AG\",ftp.example.net\n"
    );
}

#[test]
fn json_leaves_out_what_is_not_known() {
    let text = written(&settings(Format::Json, None), &[ping()], None);
    let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = json!({
        "v": 1, "event": "sample", "ts": "2026-11-21T03:00:01.123456Z", "zone": 0,
        "family": "ipv6", "proto": "icmpv6",
        "orig_src": "2001:db8::17", "orig_dst": "2001:db8:ffff::1234:5678",
        "reply_src": "2001:db8:ffff::1234:5678", "reply_dst": "2001:db8::17",
        "icmp_type": 128, "icmp_code": 0, "icmp_id": 4711,
        "counters": "none",
    });
    assert_eq!(parsed, expected);
}

#[test]
fn json_of_a_loss_and_of_nothing() {
    assert_eq!(
        written_lost(&settings(Format::Json, None)),
        "{\"v\":1,\"event\":\"lost\",\"ts\":\"2026-11-21T03:00:01.123456Z\",\"count\":4834}\n"
    );
    assert_eq!(
        written_lost(&settings(Format::Json, Some(&["state", "mark"]))),
        "{}\n"
    );
    assert_eq!(
        written_lost(&settings(Format::Json, Some(&["state", "count"]))),
        "{\"count\":4834}\n"
    );
}

#[test]
fn json_escapes_names_from_outside() {
    let mut report = rich();
    let name = "a\"b\\c\n\u{1b}[31m\u{7f}é";
    if let Some(rare) = &mut report.rare {
        rare.helper = Some(name.into());
    }
    let text = written(&settings(Format::Json, Some(&["helper"])), &[report], None);
    assert_eq!(text.lines().count(), 1);
    assert!(!text.contains('\u{1b}'));
    let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(parsed["helper"], json!(name));
}

#[test]
fn json_knows_unnamed_protocols_and_states_as_text() {
    let mut report = ping();
    report.key.orig = Tuple::v4(
        Ipv4Addr::new(192, 0, 2, 1),
        Ipv4Addr::new(192, 0, 2, 2),
        Protocol(253),
        L4::None,
    );
    report.state = Some(State::Tcp(77));
    report.status = Some(Status::default());
    let keys = ["proto", "state", "status", "orig_sport"];
    assert_eq!(
        written(&settings(Format::Json, Some(&keys)), &[report], None),
        "{\"proto\":\"253\",\"state\":\"77\",\"status\":[]}\n"
    );
}

#[test]
fn csv_has_one_header_and_quotes_what_needs_it() {
    let mut report = rich();
    if let Some(rare) = &mut report.rare {
        rare.helper = Some("a,\"b\"\r\nc".into());
    }
    let keys = [
        "ts",
        "proto",
        "status",
        "icmp_id",
        "helper",
        "duration_secs",
    ];
    assert_eq!(
        written(&settings(Format::Csv, Some(&keys)), &[report, ping()], None),
        "ts,proto,status,icmp_id,helper,duration_secs\n\
         2026-11-21T03:00:01.123456Z,tcp,seen_reply|assured|src_nat,,\"a,\"\"b\"\"\r\nc\",7441.500\n\
         2026-11-21T03:00:01.123456Z,icmpv6,,4711,,\n"
    );
}

#[test]
fn csv_header_comes_even_without_records_and_names_every_field() {
    let text = written(&settings(Format::Csv, None), &[], None);
    let keys: Vec<_> = FIELDS.iter().map(|field| field.key).collect();
    assert_eq!(text, keys.join(",") + "\n");
}

#[test]
fn list_table_fits_its_columns_to_the_contents() {
    let mut offloaded = rich();
    offloaded.key.zone = 6;
    offloaded.state = None;
    offloaded.status = Some(Status::SEEN_REPLY | Status::ASSURED | Status::OFFLOAD);
    offloaded.counters = None;
    offloaded.reply = None;
    let reports = [rich(), ping(), offloaded];
    let text = written(&settings(Format::Table, None), &reports, None);
    let expected = "
PROTO   STATE          AGE  SOURCE                 DESTINATION               SERVICE  CC  PROCESS  ↓ BYTES  ↑ BYTES    ↓ RATE    ↑ RATE
tcp     ESTABLISHED  2h04m  192.168.1.23:54321  ⇢  203.0.113.80              21       -   -         12.4MB   5.10kB  12.4MB/s  4.10kB/s
icmpv6  -              >1s  2001:db8::17        →  2001:db8:ffff::1234:5678  echo     -   -              -        -         -         -
tcp     OFFLOAD      2h04m  192.168.1.23:54321  →  203.0.113.80              21       -   -              -        -         -         -
";
    assert_eq!(text, expected.trim_start());
}

#[test]
fn rates_of_the_table_are_told_in_bits_if_asked() {
    let settings = Settings {
        unit: RateUnit::Bits,
        ..settings(Format::Table, None)
    };
    let text = written(&settings, &[rich()], Some("ftp"));
    assert!(text.contains("  99.2Mbit/s  32.8kbit/s\n"), "{text}");
}

#[test]
fn table_of_fields_aligns_and_escapes() {
    let mut report = rich();
    if let Some(rare) = &mut report.rare {
        rare.helper = Some("é\u{1b}[2J\u{202e}\n".into());
    }
    let keys = ["orig_dst", "orig_dport", "helper", "mark"];
    let text = written(
        &settings(Format::Table, Some(&keys)),
        &[ping(), report],
        None,
    );
    let expected = r"
orig_dst                  orig_dport  helper                mark
2001:db8:ffff::1234:5678           -  -                        -
203.0.113.80                      21  é\u{1b}[2J\u{202e}\n     0
";
    assert_eq!(text, expected.trim_start());
}

#[test]
fn samples_of_a_table_stand_apart_and_an_empty_one_is_a_header() {
    let mut out = Vec::new();
    let mut writer = Writer::new(
        &settings(Format::Table, Some(&["proto", "count"])),
        &mut out,
    );
    writer.flush().unwrap();
    writer.record(&lost()).unwrap();
    writer.flush().unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text, "proto  count\n\nproto  count\n-       4834\n");
}

#[test]
fn table_of_events_has_one_header_and_tells_of_losses() {
    let settings = Settings {
        course: Course::Events,
        ..settings(Format::Table, None)
    };
    let (table, now) = table_of(&[rich()]);
    let mut out = Vec::new();
    let mut writer = Writer::new(&settings, &mut out);
    for (_, flow) in table.flows() {
        let record = Record {
            event: Event::Update,
            ts_ns: now.real_ns,
            row: Some(Row {
                flow,
                now,
                service: Some("ftp"),
                ends: nowhere(),
                bearings: Bearings::default(),
                owners: None,
            }),
            count: None,
        };
        writer.record(&record).unwrap();
        writer.flush().unwrap();
        writer.record(&lost()).unwrap();
        writer.flush().unwrap();
    }
    let expected = "
TIME           EVENT   PROTO    STATE            AGE  SOURCE                    DESTINATION      SERVICE    CC   PROCESS          ↓ BYTES  ↑ BYTES    ↓ RATE    ↑ RATE
03:00:01.000Z  update  tcp      ESTABLISHED    2h04m  192.168.1.23:54321     ⇢  203.0.113.80     ftp        -    -                 12.4MB   5.10kB  12.4MB/s  4.10kB/s
03:00:01.123Z  lost    4834 events lost: the kernel dropped them
";
    assert_eq!(String::from_utf8(out).unwrap(), expected.trim_start());
}

#[test]
fn a_broken_pipe_passes_through() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut writer = Writer::new(&settings(Format::Json, None), Closed);
    writer.record(&lost()).unwrap();
    let error = writer.flush().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn a_long_sample_reaches_the_sink_in_pieces_and_whole() {
    struct Pieces(Vec<u8>, usize);
    impl Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.extend_from_slice(bytes);
            self.1 += 1;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut pieces = Pieces(Vec::new(), 0);
    let mut writer = Writer::new(&settings(Format::Json, None), &mut pieces);
    for _ in 0..2_000 {
        writer.record(&lost()).unwrap();
    }
    writer.flush().unwrap();
    assert!(pieces.1 > 1);
    let text = String::from_utf8(pieces.0).unwrap();
    let line = written_lost(&settings(Format::Json, None));
    assert_eq!(text, line.repeat(2_000));
}
