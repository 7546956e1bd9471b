//! The clients of one service on our side instead of flows: `list --service`.

use std::io::{self, Write};
use std::net::IpAddr;

use crate::config::ListOptions;
use crate::enrich::Knowledge;
use crate::flow::Moment;
use crate::output::{self, Format};
use crate::table::{Flow, Table};
use crate::view::group::Service;
use crate::view::mask::Mask;
use crate::view::{Group, Grouping, Ledger, List, Query, View};

/// What is asked for, and what has ended between two samples.
pub(super) struct Clients {
    query: Query,
    ledger: Ledger,
    format: Format,
    mask: Option<Mask>,
}

impl Clients {
    /// Asks for those of a service.
    pub(super) fn of(service: Service, options: &ListOptions, mask: Option<&Mask>) -> Self {
        let query = Query {
            filter: options.source.filter.clone(),
            within: vec![Group::Served(Some(service))],
            list: List::By(Grouping::Peer),
            sort: options.sort.unwrap_or_default(),
            height: options.top.map_or(usize::MAX, |top| top.get() as usize),
            ..Query::of(options.source.scope)
        };
        let mut ledger = Ledger::keeping(0);
        ledger.open(&query);
        Self {
            query,
            ledger,
            format: options.output.format,
            mask: mask.cloned(),
        }
    }

    /// Takes note of the end of a flow.
    pub(super) fn book(&mut self, flow: &Flow, knowledge: &mut Knowledge, at: Moment) {
        self.ledger.book(flow, knowledge, at);
    }

    fn view(&self, table: &Table, knowledge: &mut Knowledge, now: Moment) -> View {
        View::compute(&self.query, table, &self.ledger, knowledge, now)
    }

    /// Their addresses.
    pub(super) fn hosts(
        &self,
        table: &Table,
        knowledge: &mut Knowledge,
        now: Moment,
    ) -> Vec<IpAddr> {
        let view = self.view(table, knowledge, now);
        let hosts = view.groups.iter().flat_map(|row| row.group.hosts());
        hosts.collect()
    }

    /// Writes them, and tells how many they are.
    ///
    /// # Errors
    /// Those of the sink.
    pub(super) fn write(
        &self,
        table: &Table,
        knowledge: &mut Knowledge,
        now: Moment,
        sink: &mut impl Write,
    ) -> io::Result<usize> {
        let view = self.view(table, knowledge, now);
        if self.format != Format::Table || !view.groups.is_empty() {
            output::groups(&view.groups, self.format, self.mask.as_ref(), sink)?;
        }
        Ok(view.groups.len())
    }
}
