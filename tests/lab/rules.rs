//! Rules of a host, through nftables' netlink interface
//! (`linux/netfilter/nf_tables.h`).
//!
//! All live in the table `inet lab`, one base chain per purpose.

use std::io;
use std::net::SocketAddr;

use neli::consts::socket::NlFamily;

use super::namespace::Host;
use super::skip;
use super::wire::{Message, Netlink, attribute};
use flowtop::flow::Protocol;

const TABLE: &str = "lab";
/// Of `linux/netfilter/nf_tables.h`, not of libc.
const NFT_MSG_GETFLOWTABLE: i32 = 23;
/// `NFTA_LIST_ELEM`.
const LIST_ELEM: u16 = 1;
/// `NFTA_DATA_VALUE`.
const DATA_VALUE: u16 = 1;
/// `NFT_REG_1` and `NFT_REG_2`, 16 bytes each.
const REG_1: u32 = 1;
const REG_2: u32 = 2;

/// A base chain: where in the packet's way its rules are asked.
#[derive(Clone, Copy)]
struct Chain {
    name: &'static str,
    kind: &'static str,
    /// `enum nf_inet_hooks`.
    hook: i32,
    /// `enum nf_ip_hook_priorities`.
    priority: i32,
}

impl Chain {
    /// Before connection tracking looks at the packet.
    const ZONE_FORWARD: Self = Self::filter("zone", libc::NF_INET_PRE_ROUTING, libc::NF_IP_PRI_RAW);
    const ZONE_LOCAL: Self =
        Self::filter("zone-local", libc::NF_INET_LOCAL_OUT, libc::NF_IP_PRI_RAW);
    /// After connection tracking.
    const MARK_FORWARD: Self =
        Self::filter("mark", libc::NF_INET_PRE_ROUTING, libc::NF_IP_PRI_MANGLE);
    const MARK_LOCAL: Self = Self::filter(
        "mark-local",
        libc::NF_INET_LOCAL_OUT,
        libc::NF_IP_PRI_MANGLE,
    );
    const TRACK: Self = Self::filter("track", libc::NF_INET_PRE_ROUTING, libc::NF_IP_PRI_FILTER);
    const DNAT: Self = Self {
        name: "dnat",
        kind: "nat",
        hook: libc::NF_INET_PRE_ROUTING,
        priority: libc::NF_IP_PRI_NAT_DST,
    };
    const MASQUERADE: Self = Self {
        name: "masquerade",
        kind: "nat",
        hook: libc::NF_INET_POST_ROUTING,
        priority: libc::NF_IP_PRI_NAT_SRC,
    };

    const fn filter(name: &'static str, hook: i32, priority: i32) -> Self {
        Self {
            name,
            kind: "filter",
            hook,
            priority,
        }
    }
}

/// What nftables has, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruleset {
    /// Names of the tables.
    pub tables: Vec<String>,
    all: Vec<Vec<u8>>,
}

impl Host {
    /// Lets the host follow connections, its own and those it forwards: one
    /// rule that looks at `ct state`. Without any such rule a namespace's
    /// table stays empty.
    pub fn track(&self) {
        self.add_rule(Chain::TRACK, vec![ct_load(libc::NFT_CT_STATE)]);
    }

    /// Gives what leaves through an interface that interface's address.
    pub fn masquerade(&self, out_interface: &str) {
        let rule = vec![
            meta_load(libc::NFT_META_OIFNAME),
            equals(&interface_name(out_interface)),
            expression("masq", |data| data),
        ];
        self.add_rule(Chain::MASQUERADE, rule);
    }

    /// Sends what arrives here for a port to another address and port. Only
    /// the address family of `to` is concerned.
    pub fn dnat(&self, protocol: Protocol, port: u16, to: SocketAddr) {
        let (family, address) = match to {
            SocketAddr::V4(to) => (libc::NFPROTO_IPV4, to.ip().octets().to_vec()),
            SocketAddr::V6(to) => (libc::NFPROTO_IPV6, to.ip().octets().to_vec()),
        };
        let rule = vec![
            meta_load(libc::NFT_META_NFPROTO),
            equals(&[family as u8]),
            meta_load(libc::NFT_META_L4PROTO),
            equals(&[protocol.0]),
            // The destination port of every protocol that has ports.
            expression("payload", |data| {
                data.be32(1, REG_1) // NFTA_PAYLOAD_DREG
                    .be32(2, libc::NFT_PAYLOAD_TRANSPORT_HEADER as u32) // _BASE
                    .be32(3, 2) // _OFFSET
                    .be32(4, 2) // _LEN
            }),
            equals(&port.to_be_bytes()),
            immediate(REG_1, &address),
            immediate(REG_2, &to.port().to_be_bytes()),
            expression("nat", |data| {
                data.be32(1, libc::NFT_NAT_DNAT as u32) // NFTA_NAT_TYPE
                    .be32(2, family as u32) // _FAMILY
                    .be32(3, REG_1) // _REG_ADDR_MIN
                    .be32(5, REG_2) // _REG_PROTO_MIN
            }),
        ];
        self.add_rule(Chain::DNAT, rule);
    }

    /// Gives every flow a connection mark.
    pub fn set_mark(&self, mark: u32) {
        for chain in [Chain::MARK_FORWARD, Chain::MARK_LOCAL] {
            let rule = vec![
                immediate(REG_1, &mark.to_ne_bytes()),
                ct_store(libc::NFT_CT_MARK),
            ];
            self.add_rule(chain, rule);
        }
    }

    /// Gives every flow a connection label, a bit below 128.
    pub fn set_label(&self, bit: u8) {
        for chain in [Chain::MARK_FORWARD, Chain::MARK_LOCAL] {
            let rule = vec![
                immediate(REG_1, &(1u128 << bit).to_ne_bytes()),
                ct_store(libc::NFT_CT_LABELS),
            ];
            self.add_rule(chain, rule);
        }
    }

    /// Puts every flow of the host into a conntrack zone.
    pub fn set_zone(&self, zone: u16) {
        for chain in [Chain::ZONE_FORWARD, Chain::ZONE_LOCAL] {
            self.add_rule(chain, put_into_zone(zone));
        }
    }

    /// Puts every flow of the host into a conntrack zone in its original
    /// direction only: answers are looked for in no zone.
    pub fn set_original_zone(&self, zone: u16) {
        for chain in [Chain::ZONE_FORWARD, Chain::ZONE_LOCAL] {
            let store = expression("ct", |data| {
                data.be32(2, libc::NFT_CT_ZONE as u32) // NFTA_CT_KEY
                    .attr(3, &[0]) // _DIRECTION, IP_CT_DIR_ORIGINAL
                    .be32(4, REG_1) // _SREG
            });
            self.add_rule(chain, vec![immediate(REG_1, &zone.to_ne_bytes()), store]);
        }
    }

    /// Puts flows that arrive on one interface into a conntrack zone. Answers
    /// on other interfaces need a call of their own to find their flow.
    pub fn set_interface_zone(&self, in_interface: &str, zone: u16) {
        let mut rule = vec![
            meta_load(libc::NFT_META_IIFNAME),
            equals(&interface_name(in_interface)),
        ];
        rule.extend(put_into_zone(zone));
        self.add_rule(Chain::ZONE_FORWARD, rule);
    }

    /// Rules that have nothing to do with connections, as those of a firewall
    /// without states: a counter of pings, and a set with a port.
    pub fn filter_without_states(&self) {
        let set = nft(libc::NFT_MSG_NEWSET, libc::NLM_F_CREATE)
            .text(1, TABLE) // NFTA_SET_TABLE
            .text(2, "ports") // _NAME
            .be32(3, 0) // _FLAGS
            .be32(4, 13) // _KEY_TYPE, nft's inet_service
            .be32(5, 2) // _KEY_LEN
            .be32(10, 1); // _ID
        let element = nft(libc::NFT_MSG_NEWSETELEM, libc::NLM_F_CREATE)
            .text(1, TABLE) // NFTA_SET_ELEM_LIST_TABLE
            .text(2, "ports") // _SET
            .nest(3, |list| {
                list.nest(LIST_ELEM, |element| {
                    // NFTA_SET_ELEM_KEY
                    element.nest(1, |key| key.attr(DATA_VALUE, &443u16.to_be_bytes()))
                })
            });
        let rule = vec![
            meta_load(libc::NFT_META_L4PROTO),
            equals(&[Protocol::ICMP.0]),
            expression("counter", |data| data),
        ];
        self.add_rule(
            Chain::filter("plain", libc::NF_INET_LOCAL_IN, libc::NF_IP_PRI_FILTER),
            rule,
        );
        self.nft_batch(vec![set, element])
            .unwrap_or_else(|e| panic!("cannot add a set to {}: {e}", self.name()));
    }

    /// Adds a rule that looks at nothing to a chain of somebody's table.
    pub fn add_to_chain(&self, table: &str, chain: &str) {
        let rule = nft(
            libc::NFT_MSG_NEWRULE,
            libc::NLM_F_CREATE | libc::NLM_F_APPEND,
        )
        .text(1, table) // NFTA_RULE_TABLE
        .text(2, chain) // _CHAIN
        .nest(4, |list| {
            list.append(vec![meta_load(libc::NFT_META_L4PROTO)])
        });
        self.nft_batch(vec![rule])
            .unwrap_or_else(|e| panic!("cannot add to {table} of {}: {e}", self.name()));
    }

    /// Everything nftables has here, as the kernel tells it: tables, chains,
    /// rules, sets and their elements, objects, flowtables. Not the number of
    /// the generation, which every change raises.
    pub fn ruleset(&self) -> Ruleset {
        let mut netlink = Netlink::open(self, NlFamily::Netfilter);
        let mut ask = |message: Message, what: &str| {
            let mut bodies = Vec::new();
            netlink
                .converse(vec![message], |body| {
                    let mut body = body.to_vec();
                    // `nfgenmsg.res_id`.
                    body[2..4].fill(0);
                    bodies.push(body);
                })
                .unwrap_or_else(|e| panic!("cannot list the {what} of {}: {e}", self.name()));
            bodies
        };
        let get = |kind: i32| {
            let kind = (libc::NFNL_SUBSYS_NFTABLES << 8 | kind) as u16;
            Message::new(kind, libc::NLM_F_DUMP).nfgenmsg(libc::NFPROTO_UNSPEC, 0)
        };
        let mut all = Vec::new();
        let mut tables = Vec::new();
        for (kind, what) in [
            (libc::NFT_MSG_GETTABLE, "tables"),
            (libc::NFT_MSG_GETCHAIN, "chains"),
            (libc::NFT_MSG_GETRULE, "rules"),
            (libc::NFT_MSG_GETOBJ, "objects"),
            (NFT_MSG_GETFLOWTABLE, "flowtables"),
        ] {
            let bodies = ask(get(kind), what);
            if kind == libc::NFT_MSG_GETTABLE {
                // NFTA_TABLE_NAME
                let names = bodies.iter().filter_map(|body| attribute(&body[4..], &[1]));
                tables.extend(names.map(name));
            }
            all.extend(bodies);
        }
        let sets = ask(get(libc::NFT_MSG_GETSET), "sets");
        for set in &sets {
            // NFTA_SET_TABLE, _NAME
            let [table, set_name] =
                [1, 2].map(|kind| name(attribute(&set[4..], &[kind]).expect("a set has it")));
            let kind = (libc::NFNL_SUBSYS_NFTABLES << 8 | libc::NFT_MSG_GETSETELEM) as u16;
            let elements = Message::new(kind, libc::NLM_F_DUMP)
                .nfgenmsg(set[0].into(), 0)
                .text(1, &table)
                .text(2, &set_name);
            all.extend(ask(elements, "elements"));
        }
        all.extend(sets);
        Ruleset { tables, all }
    }

    /// Removes all rules of the laboratory. With the last of them the kernel
    /// stops following connections here; known flows stay until they expire.
    pub fn clear_rules(&self) {
        let table = nft(libc::NFT_MSG_DELTABLE, 0).text(1, TABLE); // NFTA_TABLE_NAME
        match self.nft_batch(vec![table]) {
            Err(e) if e.raw_os_error() == Some(libc::ENOENT) => {}
            result => {
                result
                    .unwrap_or_else(|e| panic!("cannot remove the rules of {}: {e}", self.name()));
            }
        }
    }

    fn add_rule(&self, chain: Chain, expressions: Vec<Message>) {
        let table = nft(libc::NFT_MSG_NEWTABLE, libc::NLM_F_CREATE).text(1, TABLE); // NFTA_TABLE_NAME
        let base = nft(libc::NFT_MSG_NEWCHAIN, libc::NLM_F_CREATE)
            .text(1, TABLE) // NFTA_CHAIN_TABLE
            .text(3, chain.name) // _NAME
            .nest(4, |hook| {
                hook.be32(1, chain.hook as u32) // _HOOK { NFTA_HOOK_HOOKNUM
                    .be32(2, chain.priority as u32) // _PRIORITY }
            })
            .text(7, chain.kind); // _TYPE
        let rule = nft(
            libc::NFT_MSG_NEWRULE,
            libc::NLM_F_CREATE | libc::NLM_F_APPEND,
        )
        .text(1, TABLE) // NFTA_RULE_TABLE
        .text(2, chain.name) // _CHAIN
        .nest(4, |list| list.append(expressions)); // _EXPRESSIONS
        let Err(error) = self.nft_batch(vec![table, base, rule]) else {
            return;
        };
        match error.raw_os_error() {
            // Chain types and expressions are modules that may be left out.
            Some(libc::ENOENT | libc::EOPNOTSUPP | libc::EINVAL) => skip(format_args!(
                "this kernel's nftables cannot do what chain {} needs: {error}",
                chain.name
            )),
            _ => panic!(
                "cannot add to chain {} of {}: {error}",
                chain.name,
                self.name()
            ),
        }
    }

    /// Applies messages together or not at all.
    fn nft_batch(&self, messages: Vec<Message>) -> io::Result<()> {
        let edge = |kind: i32| {
            Message::new(kind as u16, 0)
                .nfgenmsg(libc::AF_UNSPEC, libc::NFNL_SUBSYS_NFTABLES as u16)
        };
        let mut batch = vec![edge(libc::NFNL_MSG_BATCH_BEGIN)];
        batch.extend(messages.into_iter().map(Message::acknowledged));
        batch.push(edge(libc::NFNL_MSG_BATCH_END));
        Netlink::open(self, NlFamily::Netfilter).converse(batch, |_| {})
    }
}

/// A name as an attribute has it.
fn name(payload: &[u8]) -> String {
    let bytes = payload.strip_suffix(&[0]).unwrap_or(payload);
    String::from_utf8_lossy(bytes).into_owned()
}

fn nft(message: i32, flags: i32) -> Message {
    let kind = (libc::NFNL_SUBSYS_NFTABLES << 8 | message) as u16;
    Message::new(kind, flags).nfgenmsg(libc::NFPROTO_INET, 0)
}

/// One step of a rule.
fn expression(name: &str, data: impl FnOnce(Message) -> Message) -> Message {
    Message::fragment().nest(LIST_ELEM, |element| {
        element.text(1, name).nest(2, data) // NFTA_EXPR_NAME, _DATA
    })
}

fn meta_load(key: i32) -> Message {
    // NFTA_META_DREG, _KEY
    expression("meta", |data| data.be32(1, REG_1).be32(2, key as u32))
}

fn ct_load(key: i32) -> Message {
    // NFTA_CT_DREG, _KEY
    expression("ct", |data| data.be32(1, REG_1).be32(2, key as u32))
}

fn ct_store(key: i32) -> Message {
    // NFTA_CT_KEY, _SREG
    expression("ct", |data| data.be32(2, key as u32).be32(4, REG_1))
}

/// Goes on only if the first register begins with `value`.
fn equals(value: &[u8]) -> Message {
    expression("cmp", |data| {
        data.be32(1, REG_1) // NFTA_CMP_SREG
            .be32(2, libc::NFT_CMP_EQ as u32) // _OP
            .nest(3, |data| data.attr(DATA_VALUE, value)) // _DATA
    })
}

fn immediate(register: u32, value: &[u8]) -> Message {
    expression("immediate", |data| {
        data.be32(1, register) // NFTA_IMMEDIATE_DREG
            .nest(2, |data| data.attr(DATA_VALUE, value)) // _DATA
    })
}

fn put_into_zone(zone: u16) -> Vec<Message> {
    vec![
        immediate(REG_1, &zone.to_ne_bytes()),
        ct_store(libc::NFT_CT_ZONE),
    ]
}

/// An interface name as the kernel compares it: all of `IFNAMSIZ`.
fn interface_name(name: &str) -> [u8; libc::IFNAMSIZ] {
    let mut padded = [0; libc::IFNAMSIZ];
    padded[..name.len()].copy_from_slice(name.as_bytes());
    padded
}
