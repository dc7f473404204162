//! The fan-out of changes. Every tick takes the table's marks, reads each changed driver once, and marks it on the links
//! of the index servers that hold its shard or still hold the driver.

use std::collections::BTreeSet;
use std::sync::Arc;

use kerb_ports::{Eviction, Slot};
use kerb_types::{MembershipView, ShardId, Timestamp};
use parking_lot::{Mutex, RwLock};

use super::handover::{Handover, Tick};
use super::link_state::LinkState;
use super::replication_link::ReplicationLink;
use super::resume::ResumedDrivers;
use super::resume_token::ResumeToken;
use crate::metrics::Metrics;
use crate::table::DriverTable;
use crate::table::bitset::slots_of;
use crate::table::slab::Mark;

/// The links of a view, and the links that hold each shard.
#[derive(Debug)]
struct LinkSet {
    links: Vec<Arc<ReplicationLink>>,
    /// For each shard, the indices in `links` of its holders.
    holders: Vec<Vec<u16>>,
}

/// The difference between two membership views.
#[derive(Debug, Default)]
pub struct LinkChanges {
    /// Links of new index servers; each needs a task.
    pub added: Vec<Arc<ReplicationLink>>,
    /// Links of removed index servers, whose tasks must stop.
    pub removed: Vec<Arc<ReplicationLink>>,
}

/// All links of an ingest node.
#[derive(Debug)]
pub struct Fanout {
    shards: u16,
    /// A tick holds the lock to its end, so a view changes between two ticks and never within one. Otherwise a driver
    /// that moves into a gained shard at that moment would be neither in its snapshot nor among its changes.
    set: RwLock<LinkSet>,
    /// Slots of retired drivers that a link may still use.
    retired: Mutex<Vec<Slot>>,
    resumed: Mutex<ResumedDrivers>,
    handover: Mutex<Handover>,
}

impl Fanout {
    /// Creates a fan-out without links, for a table of `shards` shards.
    pub fn new(shards: u16) -> Self {
        let set = LinkSet { links: Vec::new(), holders: vec![Vec::new(); usize::from(shards)] };
        Self {
            shards,
            set: RwLock::new(set),
            retired: Mutex::default(),
            resumed: Mutex::default(),
            handover: Mutex::default(),
        }
    }

    /// Applies a new view: creates links of new index servers, and moves shards between links.
    pub fn apply_view(&self, table: &DriverTable, view: &MembershipView) -> LinkChanges {
        let mut set = self.set.write();
        let mut before = std::mem::take(&mut set.links);
        let mut changes = LinkChanges::default();
        // All links have the same recent evictions, except those that are behind: the longest list is complete.
        let evictions = before.iter().map(|link| link.state.lock().recent_evictions()).max_by_key(Vec::len);
        let evictions = evictions.unwrap_or_default();
        for node in view.shard_map.servers() {
            let shards: BTreeSet<_> = view.shard_map.shards_of(node).into_iter().collect();
            let link = if let Some(i) = before.iter().position(|link| link.node == *node) {
                let link = before.swap_remove(i);
                link.state.lock().set_shards(table, shards);
                link.wake.notify_one();
                link
            } else {
                let state = LinkState::new(shards).with_evictions(&evictions);
                let link = Arc::new(ReplicationLink::new(node.clone(), state));
                changes.added.push(link.clone());
                link
            };
            set.links.push(link);
        }
        // The links are in the order of the map's servers, so the map's server indices are indices of links.
        let holders = |shard| view.shard_map.holders(ShardId(shard)).to_vec();
        set.holders = (0..self.shards).map(holders).collect();
        changes.removed = before;
        changes
    }

    /// Distributes the table's marks to the links, and to the store if there is one. Returns the number of changes that the
    /// busiest link has to send.
    pub fn tick(&self, table: &DriverTable, metrics: &Metrics, has_store: bool, now: Timestamp) -> usize {
        let set = self.set.read();
        let (tick, released) = self.begin_tick(&set, now);
        let slab = table.slab();
        let mut states = Vec::new();
        slab.take_marks(Mark::State, |word, bits| states.push((word, bits)));
        // After the states: the table sets a profile's mark before its state's mark, so every profile that belongs to a
        // taken state is taken too.
        let mut profiles = Vec::new();
        slab.take_marks(Mark::Profile, |word, bits| profiles.push((word, bits)));
        if has_store {
            slab.mark_words(Mark::StoreProfile, &profiles);
            slab.mark_words(Mark::StoreState, &states);
        }
        let changed = states.iter().flat_map(|(word, bits)| slots_of(*word, *bits));
        for eviction in self.resumed.lock().take_evictions(table, changed) {
            queue_eviction(&set, &eviction, tick, metrics);
        }
        let routed = route(table, &set, &states);
        let mut pending = Vec::with_capacity(set.links.len());
        for (link, slots) in set.links.iter().zip(routed) {
            pending.push(mark(link, &states, &profiles, &slots, (tick, released)));
        }
        self.release_retired(table, &set, has_store);
        metrics.links_pending.set(pending.iter().sum::<usize>() as u64);
        pending.into_iter().max().unwrap_or(0)
    }

    /// Begins a tick. Returns its number, and the newest tick whose departures may be removed.
    fn begin_tick(&self, set: &LinkSet, now: Timestamp) -> (Tick, Tick) {
        let confirmed = set.links.iter().filter_map(|link| link.state.lock().confirmed_tick()).min();
        let mut handover = self.handover.lock();
        (handover.begin_tick(now, confirmed), handover.released())
    }

    /// Expects the first report of a driver that came from another node. The report evicts that node's entry.
    pub(crate) fn expect_report(&self, slot: Slot, token: ResumeToken) {
        self.resumed.lock().expect_report(slot, token);
    }

    /// Takes the slots of retired drivers. Each slot is released once no link uses it.
    pub fn retire(&self, slots: impl IntoIterator<Item = Slot>) {
        self.retired.lock().extend(slots);
    }

    /// Returns the links of all index servers.
    pub fn links(&self) -> Vec<Arc<ReplicationLink>> {
        self.set.read().links.clone()
    }

    fn release_retired(&self, table: &DriverTable, set: &LinkSet, has_store: bool) {
        let mut retired = self.retired.lock();
        retired.retain(|slot| {
            let in_use = set.links.iter().any(|link| link.state.lock().uses_slot(*slot));
            if in_use {
                return true;
            }
            self.resumed.lock().remove_slot(*slot);
            if has_store {
                table.release_after_flush(*slot);
            } else {
                table.release(*slot);
            }
            false
        });
    }
}

/// Queues an eviction on every link.
fn queue_eviction(set: &LinkSet, eviction: &Eviction, tick: Tick, metrics: &Metrics) {
    for link in &set.links {
        if link.state.lock().evict(eviction.clone(), tick) {
            metrics.evictions_dropped.increment();
        }
    }
}

/// Returns, for each link, the changed slots whose drivers are in the link's shards now.
fn route(table: &DriverTable, set: &LinkSet, states: &[(usize, u64)]) -> Vec<Vec<Slot>> {
    let mut routed = vec![Vec::new(); set.links.len()];
    let slots: Vec<Slot> = states.iter().flat_map(|(word, bits)| slots_of(*word, *bits)).collect();
    table.states(&slots, |slot, state| {
        if let Some(state) = state.filter(|state| state.indexed) {
            for holder in &set.holders[usize::from(state.shard.0)] {
                routed[usize::from(*holder)].push(slot);
            }
        }
    });
    routed
}

/// Marks a tick's changes on one link and wakes its task. Returns the number of changes that wait on the link.
fn mark(
    link: &ReplicationLink,
    states: &[(usize, u64)],
    profiles: &[(usize, u64)],
    slots: &[Slot],
    (tick, released): (Tick, Tick),
) -> usize {
    let mut state = link.state.lock();
    for slot in profiles.iter().flat_map(|(word, bits)| slots_of(*word, *bits)) {
        state.mark_profile(slot);
    }
    // Drivers that the server holds, whichever shard they are in now.
    for (word, bits) in states {
        state.mark_on_server(*word, *bits);
    }
    // Drivers that are in the server's shards, whether or not it holds them.
    for slot in slots {
        state.mark(*slot);
    }
    state.end_tick(tick, released);
    let pending = state.pending();
    drop(state);
    link.wake.notify_one();
    pending
}
