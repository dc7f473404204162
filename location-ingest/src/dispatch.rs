//! From the table's marks to the links: each tick, every changed driver is looked at once and marked on the links
//! that hold its shard, or hold it still.

use std::collections::BTreeSet;
use std::sync::Arc;

use kerb_ports::{Eviction, Slot};
use kerb_types::{MembershipView, NodeId, ShardId};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::counters::Counters;
use crate::elsewhere::Elsewhere;
use crate::handover::{Handover, Tick};
use crate::link::LinkState;
use crate::slab::{Mark, slots_of};
use crate::table::DriverTable;
use crate::token::ResumeToken;

/// An index server's state and the bell of its task.
#[derive(Debug)]
pub struct Link {
    /// The index server.
    pub node: NodeId,
    /// What it has been told.
    pub state: Mutex<LinkState>,
    /// Rung when there may be something to send.
    pub wake: Notify,
    /// Who waits until the server has been told everything, at most `FLUSHES_MAX`.
    pub flushes: mpsc::Sender<oneshot::Sender<()>>,
    /// The other end, for the link's task.
    pub flush_requests: Mutex<Option<mpsc::Receiver<oneshot::Sender<()>>>>,
}

/// Waiting flushes of a link, at most; then who asks waits.
const FLUSHES_MAX: usize = 8;

impl Link {
    fn new(node: NodeId, state: LinkState) -> Self {
        let (flushes, requests) = mpsc::channel(FLUSHES_MAX);
        let flush_requests = Mutex::new(Some(requests));
        Self { node, state: Mutex::new(state), wake: Notify::new(), flushes, flush_requests }
    }
}

/// The links of a view, and which of them hold a shard.
#[derive(Debug)]
struct LinkSet {
    links: Vec<Arc<Link>>,
    holders: Vec<Vec<u16>>,
}

/// What a view changed.
#[derive(Debug, Default)]
pub struct LinkChanges {
    /// Links to be run.
    pub added: Vec<Arc<Link>>,
    /// Links to be ended.
    pub removed: Vec<Arc<Link>>,
}

/// All links of this node.
#[derive(Debug)]
pub struct Links {
    table_shards: u16,
    /// A tick reads it as a whole: a view changes between two ticks, never within one, or a driver that moves
    /// into a gained shard at that moment would be neither in its full part nor among its changes.
    set: RwLock<LinkSet>,
    /// Slots of retired drivers that a link may still name.
    retired: Mutex<Vec<Slot>>,
    /// Drivers whose last node is to be told that they are here now.
    elsewhere: Mutex<Elsewhere>,
    handover: Mutex<Handover>,
}

impl Links {
    /// No links yet, for a table of so many shards.
    pub fn new(shards: u16) -> Self {
        let set = LinkSet { links: Vec::new(), holders: vec![Vec::new(); usize::from(shards)] };
        Self {
            table_shards: shards,
            set: RwLock::new(set),
            retired: Mutex::default(),
            elsewhere: Mutex::default(),
            handover: Mutex::default(),
        }
    }

    /// Takes over a new view: makes links of new index servers, and moves shards.
    pub fn apply_view(&self, table: &DriverTable, view: &MembershipView) -> LinkChanges {
        let mut set = self.set.write();
        let mut before = std::mem::take(&mut set.links);
        let mut changes = LinkChanges::default();
        // Every link has been told the same, but those that are behind.
        let known = before.iter().map(|link| link.state.lock().recent_forgets()).max_by_key(Vec::len);
        let known = known.unwrap_or_default();
        for node in view.shard_map.servers() {
            let shards: BTreeSet<_> = view.shard_map.shards_of(node).into_iter().collect();
            let link = if let Some(i) = before.iter().position(|link| link.node == *node) {
                let link = before.swap_remove(i);
                link.state.lock().set_shards(table, shards);
                link.wake.notify_one();
                link
            } else {
                let state = LinkState::new(shards).remembering(&known);
                let link = Arc::new(Link::new(node.clone(), state));
                changes.added.push(link.clone());
                link
            };
            set.links.push(link);
        }
        // Links stand in the order of the map's servers, which is what its holders count by.
        let holders = |shard| view.shard_map.holders(ShardId(shard)).to_vec();
        set.holders = (0..self.table_shards).map(holders).collect();
        changes.removed = before;
        changes
    }

    /// Hands the table's marks to the links, and to the store when there is one. Answers how many changes the
    /// busiest link has to send.
    pub fn tick(&self, table: &DriverTable, counters: &Counters, stored: bool, now_ms: i64) -> usize {
        let set = self.set.read();
        let (tick, released) = self.begin_tick(&set, now_ms);
        let slab = table.slab();
        let mut states = Vec::new();
        slab.take_marks(Mark::State, |word, bits| states.push((word, bits)));
        // After the states: a profile's mark is set before its state's, so every profile that belongs to a taken state
        // is taken too.
        let mut profiles = Vec::new();
        slab.take_marks(Mark::Profile, |word, bits| profiles.push((word, bits)));
        if stored {
            slab.mark_words(Mark::StoreProfile, &profiles);
            slab.mark_words(Mark::StoreState, &states);
        }
        let changed = states.iter().flat_map(|(word, bits)| slots_of(*word, *bits));
        for forget in self.elsewhere.lock().settle(table, changed) {
            queue_forget(&set, &forget, tick, counters);
        }
        let routed = route(table, &set, &states);
        let mut pending = Vec::with_capacity(set.links.len());
        for (link, slots) in set.links.iter().zip(routed) {
            pending.push(mark(link, &states, &profiles, &slots, (tick, released)));
        }
        self.release_retired(table, &set, stored);
        counters.links_pending.set(pending.iter().sum::<usize>() as u64);
        pending.into_iter().max().unwrap_or(0)
    }

    /// A new tick, and the one up to which what left may be removed.
    fn begin_tick(&self, set: &LinkSet, now_ms: i64) -> (Tick, Tick) {
        let shown = set.links.iter().filter_map(|link| link.state.lock().shown()).min();
        let mut handover = self.handover.lock();
        (handover.begin(now_ms, shown), handover.released())
    }

    /// The driver in this slot comes from another node: with its first report here, that node's entry goes.
    pub fn expect(&self, slot: Slot, token: ResumeToken) {
        self.elsewhere.lock().expect(slot, token);
    }

    /// Slots of retired drivers: they are free once no link names them.
    pub fn retire(&self, slots: impl IntoIterator<Item = Slot>) {
        self.retired.lock().extend(slots);
    }

    /// Every link.
    pub fn all(&self) -> Vec<Arc<Link>> {
        self.set.read().links.clone()
    }

    fn release_retired(&self, table: &DriverTable, set: &LinkSet, stored: bool) {
        let mut retired = self.retired.lock();
        if retired.is_empty() {
            return;
        }
        retired.retain(|slot| {
            let named = set.links.iter().any(|link| link.state.lock().knows(*slot));
            if !named {
                self.elsewhere.lock().drop_slot(*slot);
            }
            match (named, stored) {
                (true, _) => {}
                (false, true) => table.release_after_turn(*slot),
                (false, false) => table.release(*slot),
            }
            named
        });
    }
}

/// Queues a forget on every link.
fn queue_forget(set: &LinkSet, forget: &Eviction, tick: Tick, counters: &Counters) {
    for link in &set.links {
        if link.state.lock().forget(forget.clone(), tick) {
            counters.forgets_dropped.add(1);
        }
    }
}

/// The changed slots that each link's shards hold now.
fn route(table: &DriverTable, set: &LinkSet, states: &[(usize, u64)]) -> Vec<Vec<Slot>> {
    let mut routed = vec![Vec::new(); set.links.len()];
    let slots: Vec<Slot> = states.iter().flat_map(|(word, bits)| slots_of(*word, *bits)).collect();
    table.states(&slots, |slot, state| {
        if let Some(state) = state.filter(|state| state.listed) {
            for holder in &set.holders[usize::from(state.shard.0)] {
                routed[usize::from(*holder)].push(slot);
            }
        }
    });
    routed
}

fn mark(
    link: &Link,
    states: &[(usize, u64)],
    profiles: &[(usize, u64)],
    slots: &[Slot],
    (tick, released): (Tick, Tick),
) -> usize {
    let mut state = link.state.lock();
    for slot in profiles.iter().flat_map(|(word, bits)| slots_of(*word, *bits)) {
        state.mark_profile(slot);
    }
    for (word, bits) in states {
        state.mark_held(*word, *bits);
    }
    for slot in slots {
        state.mark(*slot);
    }
    state.end_tick(tick, released);
    let pending = state.pending();
    drop(state);
    link.wake.notify_one();
    pending
}
