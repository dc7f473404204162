//! The open connections of a server, and which of them makes room for a new one.
//!
//! A connection is *proven* once it has sent a complete message to a method that exists. Only connections that are not
//! proven, or that have no open call, are ever evicted: a client in use keeps its connection, whatever others open.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::quality::RandomState;

use super::connection_record::ConnectionRecord;
use super::pool::Peer;
use crate::server::options::ServerOptions;

/// From this share of the maximum on, the sweep lists the idle connections.
const IDLE_LIST_SHARE: f64 = 0.75;

/// The open connections.
pub(super) struct ConnectionTable {
    options: ServerOptions,
    connections_max: usize,
    connections_per_address_max: usize,
    next_id: u64,
    open: HashMap<u64, Arc<ConnectionRecord>, RandomState>,
    addresses: HashMap<IpAddr, AddressEntry, RandomState>,
    /// The connections that are not proven, oldest first: ids grow.
    unproven: BTreeMap<u64, IpAddr>,
    /// Connections without an open call at the last sweep, the longest idle first.
    idle: VecDeque<u64>,
}

struct AddressEntry {
    peer: Arc<Peer>,
    connections: usize,
    unproven: BTreeSet<u64>,
}

/// What became of a new connection.
pub(super) enum Admission {
    Free(Arc<ConnectionRecord>),
    /// Another connection must end for it.
    Evicted {
        record: Arc<ConnectionRecord>,
        evicted: Arc<ConnectionRecord>,
    },
    Refused,
}

impl ConnectionTable {
    /// Makes an empty table. `descriptors`: how many the connections may use; `None` without a limit.
    pub(super) fn new(options: &ServerOptions, descriptors: Option<u64>) -> Self {
        let wanted = u64::from(options.connections_max);
        let max = descriptors.unwrap_or(u64::MAX).min(wanted);
        if max < wanted {
            tracing::info!(
                connections_max = max,
                "server.connections_max is {wanted}, but the limit of open files (ulimit -n) allows fewer"
            );
        }
        // With fewer connections, an address gets the same share of them.
        let per_address = u64::from(options.connections_per_address_max).min(wanted) * max / wanted;
        Self {
            options: *options,
            connections_max: usize::try_from(max).unwrap_or(usize::MAX),
            connections_per_address_max: usize::try_from(per_address.max(1)).unwrap_or(usize::MAX),
            next_id: 0,
            open: HashMap::default(),
            addresses: HashMap::default(),
            unproven: BTreeMap::new(),
            idle: VecDeque::new(),
        }
    }

    /// Adds a connection, if there is room or another one makes room.
    pub(super) fn admit(
        &mut self,
        address: IpAddr,
        make: impl FnOnce(u64, Arc<Peer>) -> Arc<ConnectionRecord>,
    ) -> Admission {
        let of_address = self.addresses.get(&address).map_or(0, |entry| entry.connections);
        let evicted = if of_address >= self.connections_per_address_max {
            let oldest = self.addresses.get(&address).and_then(|entry| entry.unproven.first().copied());
            let Some(evicted) = oldest.and_then(|id| self.take(id)) else { return Admission::Refused };
            Some(evicted)
        } else if self.open.len() >= self.connections_max {
            let Some(evicted) = self.evict() else { return Admission::Refused };
            Some(evicted)
        } else {
            None
        };
        let id = self.next_id;
        self.next_id += 1;
        let options = &self.options;
        let entry = self.addresses.entry(address).or_insert_with(|| AddressEntry {
            peer: Arc::new(Peer::new(
                options.streams_per_address_max.into(),
                options.buffered_bytes_per_address_max,
            )),
            connections: 0,
            unproven: BTreeSet::new(),
        });
        entry.connections += 1;
        entry.unproven.insert(id);
        let record = make(id, entry.peer.clone());
        self.unproven.insert(id, address);
        self.open.insert(id, record.clone());
        match evicted {
            None => Admission::Free(record),
            Some(evicted) => Admission::Evicted { record, evicted },
        }
    }

    /// Takes the connection out that is missed least: the oldest one that is not proven, else the one that was idle for the
    /// longest time. `None`: all are in use.
    pub(super) fn evict(&mut self) -> Option<Arc<ConnectionRecord>> {
        if let Some(id) = self.unproven.keys().next().copied() {
            return self.take(id);
        }
        while let Some(id) = self.idle.pop_front() {
            // It may have a call again since the sweep.
            if self.open.get(&id).is_some_and(|record| record.idle_since().is_some()) {
                return self.take(id);
            }
        }
        None
    }

    /// Notes that a connection is proven.
    pub(super) fn proven(&mut self, id: u64, address: IpAddr) {
        self.unproven.remove(&id);
        if let Some(entry) = self.addresses.get_mut(&address) {
            entry.unproven.remove(&id);
        }
    }

    /// Removes a connection that has ended. It may have been taken out before.
    pub(super) fn remove(&mut self, id: u64, address: IpAddr) {
        if self.open.remove(&id).is_none() {
            return;
        }
        self.proven(id, address);
        if let Some(entry) = self.addresses.get_mut(&address) {
            entry.connections -= 1;
        }
    }

    /// Returns all connections. Forgets addresses that have none, and lists the idle ones when room becomes scarce.
    pub(super) fn sweep(&mut self) -> Vec<Arc<ConnectionRecord>> {
        // An address whose calls still hold something keeps its pools.
        self.addresses.retain(|_, entry| entry.connections > 0 || Arc::strong_count(&entry.peer) > 1);
        self.idle.clear();
        if self.open.len() as f64 >= self.connections_max as f64 * IDLE_LIST_SHARE {
            let since = |record: &Arc<ConnectionRecord>| Some((record.idle_since()?, record.id));
            let mut idle: Vec<_> = self.open.values().filter_map(since).collect();
            idle.sort_unstable();
            self.idle.extend(idle.into_iter().map(|(_, id)| id));
        }
        self.open.values().cloned().collect()
    }

    fn take(&mut self, id: u64) -> Option<Arc<ConnectionRecord>> {
        let record = self.open.get(&id)?.clone();
        self.remove(id, record.address);
        Some(record)
    }
}
