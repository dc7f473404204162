//! The open streams of driver apps, by slot. Each driver has one; a newer stream replaces the older one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use foldhash::quality::RandomState;
use kerb_ports::Slot;

use super::outbox::Outbox;
use crate::metrics::Metrics;
use crate::table::DriverTable;

/// The newest open stream of every connected driver.
pub(crate) struct OpenStreams {
    /// Gets a flag for each driver with a stream, set under the lock of the driver's entry below.
    table: Arc<DriverTable>,
    by_slot: DashMap<Slot, OpenStream, RandomState>,
    next_number: AtomicU64,
    metrics: Arc<Metrics>,
}

struct OpenStream {
    number: u64,
    outbox: Arc<Outbox>,
}

/// The registration of one stream in [`OpenStreams`]. Dropping it closes the stream.
pub(crate) struct OpenStreamGuard {
    streams: Arc<OpenStreams>,
    slot: Slot,
    number: u64,
}

impl OpenStreams {
    pub(crate) fn new(table: Arc<DriverTable>, metrics: Arc<Metrics>) -> Self {
        Self { table, by_slot: DashMap::default(), next_number: AtomicU64::new(0), metrics }
    }

    /// Returns a number that no other stream of this node has.
    pub(crate) fn next_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes the stream the newest one of the driver in `slot`. Returns the outbox of the stream that it replaces.
    pub(crate) fn replace(&self, slot: Slot, number: u64, outbox: Arc<Outbox>) -> Option<Arc<Outbox>> {
        let newer = OpenStream { number, outbox };
        match self.by_slot.entry(slot) {
            Entry::Vacant(vacant) => {
                let _entry = vacant.insert(newer);
                self.table.set_connected(slot, true);
                None
            }
            Entry::Occupied(mut occupied) => {
                self.metrics.superseded.increment();
                Some(occupied.insert(newer).outbox)
            }
        }
    }

    /// Returns the guard of a stream that [`OpenStreams::replace`] has put in.
    pub(crate) fn guard(self: &Arc<Self>, slot: Slot, number: u64) -> OpenStreamGuard {
        self.metrics.streams_open.add(1);
        OpenStreamGuard { streams: Arc::clone(self), slot, number }
    }

    /// Whether the driver in `slot` has an open stream.
    pub(crate) fn is_connected(&self, slot: Slot) -> bool {
        self.by_slot.contains_key(&slot)
    }

    /// Returns the outbox of the driver in `slot`, if the driver has an open stream.
    pub(crate) fn outbox(&self, slot: Slot) -> Option<Arc<Outbox>> {
        self.by_slot.get(&slot).map(|open| open.outbox.clone())
    }
}

impl OpenStreamGuard {
    /// Closes the stream. Returns whether it was the driver's newest one, so that the driver is disconnected now.
    pub(crate) fn close(self) -> bool {
        self.remove()
    }

    fn remove(&self) -> bool {
        let streams = &self.streams;
        let is_newest = |_: &Slot, open: &mut OpenStream| {
            // A newer stream of the driver has another number and stays.
            let is_newest = open.number == self.number;
            if is_newest {
                streams.table.set_connected(self.slot, false);
            }
            is_newest
        };
        streams.by_slot.remove_if_mut(&self.slot, is_newest).is_some()
    }
}

impl Drop for OpenStreamGuard {
    fn drop(&mut self) {
        self.remove();
        self.streams.metrics.streams_open.sub(1);
    }
}
