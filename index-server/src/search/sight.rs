//! Looks at one driver: its position, traits and state as they were together at one instant.

use std::hint::black_box;

use kerb_geometry::LatLng;
use kerb_ports::DriverFilter;
use kerb_types::ShardId;

use crate::store::Store;
use crate::store::page::Traits;
use crate::store::record::{NOWHERE, State};
use crate::sync::spin_loop;

/// Looks at a record that is being written, at most, before a torn state is taken. A write is a dozen stores; one
/// that takes longer is a writer that was stopped in the middle, for which no search waits.
const LOOKS_MAX: u32 = 64;

/// A driver at one instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sighting {
    pub(crate) traits: Traits,
    pub(crate) position: LatLng,
    pub(crate) state: State,
    pub(crate) shard: ShardId,
}

/// The driver of this record; `None` when it is in no tree.
#[inline]
pub(crate) fn sight(store: &Store, number: u32) -> Option<Sighting> {
    let record = store.records.get(number);
    let mut looks = 0;
    loop {
        let version = record.version();
        let place = record.place();
        if place == NOWHERE {
            return None;
        }
        let entry = store.entry(place);
        let traits = entry.traits();
        let position = entry.position();
        let sighting = Sighting { traits, position, state: record.state(), shard: record.home().shard };
        let whole = version.is_multiple_of(2) && record.version_after() == version;
        // At another's entry: the driver has left it since its place was read, so a new place is there to read.
        if traits.record() == number && traits != Traits::NOBODY && (whole || looks >= LOOKS_MAX) {
            return Some(sighting);
        }
        looks += 1;
        spin_loop();
    }
}

/// Whether the traits pass; the time is looked at later, because it is in the record.
#[inline]
pub(crate) fn traits_pass(filter: &DriverFilter, traits: Traits) -> bool {
    (filter.statuses == 0 || filter.statuses >> traits.status_number() & 1 == 1)
        && (filter.vehicle_classes == 0 || filter.vehicle_classes >> traits.class().0 & 1 == 1)
        && traits.capabilities().contains_all(filter.capabilities)
}

/// Whether the driver passes.
#[inline]
pub(crate) fn passes(filter: &DriverFilter, sighting: &Sighting) -> bool {
    traits_pass(filter, sighting.traits) && sighting.state.update_version.time_ms >= filter.time_min_ms
}

/// Loads a word of each record; none of the loads waits for another.
#[inline]
pub(crate) fn fetch_records(store: &Store, numbers: &[u32]) {
    for number in numbers {
        black_box(store.records.get(*number).version());
    }
}
