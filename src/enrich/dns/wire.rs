//! The two messages of a reverse lookup (RFC 1035 section 4), through the
//! `domain` crate: the query is composed, the reply is read record by record,
//! and no pointer of it is followed more than a bounded number of times.

use std::net::IpAddr;
use std::time::Duration;

use domain::base::iana::{Class, Opcode, Rcode};
use domain::base::name::Label;
use domain::base::{Message, MessageBuilder, Name, ParsedName, Rtype};
use domain::rdata::{Ptr, Soa};

use super::Outcome;
use crate::enrich::names;

/// Replies without EDNS have at most 512 octets (RFC 1035 section 4.2.1);
/// more than that is read so that a longer one is not mistaken for a torn one.
pub const MAX_REPLY_BYTES: usize = 4096;

/// Why a datagram says nothing about a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMine {
    /// Not even a header.
    #[error("shorter than a DNS header")]
    Short,
    /// A query, or no standard one.
    #[error("not a reply to a standard query")]
    NotReply,
    /// Of another query, or forged.
    #[error("the id is not that of the query")]
    Id,
    /// Of another query, or forged.
    #[error("the question is not that of the query")]
    Question,
}

/// The query for the name of `addr`: one question, recursion desired.
/// `None` only if a reverse name did not fit a message, which no address does.
pub fn query(id: u16, addr: IpAddr) -> Option<Vec<u8>> {
    let name = reverse_name(addr)?;
    let mut message = MessageBuilder::new_vec();
    message.header_mut().set_id(id);
    message.header_mut().set_rd(true);
    let mut message = message.question();
    message.push((&name, Rtype::PTR, Class::IN)).ok()?;
    Some(message.finish())
}

/// The id of a datagram, to find the query it may belong to.
pub fn id(datagram: &[u8]) -> Option<u16> {
    Some(Message::from_slice(datagram).ok()?.header().id())
}

/// What the server says about the query with `id` for `addr`.
///
/// A reply counts if
/// 1. it has a header with the bit QR, a standard opcode, and the id asked,
/// 2. its only question is the one asked.
///
/// Then, in this order,
/// 3. `NXDOMAIN`: the address has no name, as long as the SOA says (RFC 2308),
/// 4. any other error: the server failed,
/// 5. a PTR record that belongs to the question, after any CNAME (RFC 2317):
///    that is the name; further ones are not looked at,
/// 6. a record that cannot be read, or a truncated message: the server failed,
/// 7. otherwise: the address has no name.
///
/// The bit TC alone changes nothing: one PTR record fits.
pub fn reply(datagram: &[u8], id: u16, addr: IpAddr) -> Result<Outcome, NotMine> {
    let message = Message::from_slice(datagram).map_err(|_| NotMine::Short)?;
    let header = message.header();
    if !header.qr() || header.opcode() != Opcode::QUERY {
        return Err(NotMine::NotReply);
    }
    if header.id() != id {
        return Err(NotMine::Id);
    }
    let question = message.sole_question().map_err(|_| NotMine::Question)?;
    let asked = reverse_name(addr).ok_or(NotMine::Question)?;
    if question.qtype() != Rtype::PTR
        || question.qclass() != Class::IN
        || *question.qname() != asked
    {
        return Err(NotMine::Question);
    }
    match header.rcode() {
        Rcode::NXDOMAIN => {
            return Ok(Outcome::Nameless {
                ttl: negative_ttl(message),
            });
        }
        Rcode::NOERROR => {}
        _ => return Ok(Outcome::Failed),
    }
    Ok(match first_pointer(message) {
        Ok(Some((name, ttl))) => Outcome::Named {
            name: name.into(),
            ttl,
        },
        Ok(None) if !header.tc() => Outcome::Nameless {
            ttl: negative_ttl(message),
        },
        Ok(None) | Err(Unreadable) => Outcome::Failed,
    })
}

/// A record section that breaks off or points astray.
struct Unreadable;

fn first_pointer(message: &Message<[u8]>) -> Result<Option<(String, Duration)>, Unreadable> {
    let owner = message.canonical_name().ok_or(Unreadable)?;
    let answer = message.answer().map_err(|_| Unreadable)?;
    for record in answer.limit_to_in::<Ptr<ParsedName<_>>>() {
        let record = record.map_err(|_| Unreadable)?;
        if *record.owner() == owner {
            let labels = record.data().ptrdname().iter().map(Label::as_slice);
            // The last label is the root's, which is empty and has no text.
            let labels = labels.filter(|label| !label.is_empty());
            let ttl = record.ttl().into_duration();
            return Ok(names::from_labels(labels).map(|name| (name, ttl)));
        }
    }
    Ok(None)
}

/// RFC 2308 section 5: the lesser of the SOA record's own TTL and its MINIMUM.
fn negative_ttl(message: &Message<[u8]>) -> Option<Duration> {
    let authority = message.authority().ok()?;
    let soa = authority.limit_to_in::<Soa<ParsedName<_>>>().next()?.ok()?;
    Some(soa.ttl().min(soa.data().minimum()).into_duration())
}

fn reverse_name(addr: IpAddr) -> Option<Name<Vec<u8>>> {
    Name::reverse_from_addr(addr).ok()
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
