//! The drivers of this node that an offer or a trip reserves, as far as the node has delivered it: an assignment reserves a
//! driver, and its end frees the driver.
//!
//! The matcher decides reservations and keeps its own; this copy only serves the index. A lost notification must not keep a
//! driver out of the index's free drivers, so [`ReservedDrivers::due`] names drivers whose reservation the matcher is to
//! confirm.

use std::sync::Arc;

use dashmap::DashMap;
use foldhash::quality::RandomState;
use kerb_ports::{DriverAction, DriverNotification, Slot};
use kerb_trips::{TripId, TripState};
use kerb_types::{DriverStatus, Millis, Timestamp};

use crate::table::DriverTable;

/// An app that reports AVAILABLE during a trip has its reservation confirmed this often.
const CONFIRM_MS: Millis = Millis::new(30_000);

/// Trips by the slot of their driver.
pub(crate) struct ReservedDrivers {
    table: Arc<DriverTable>,
    by_slot: DashMap<Slot, Reservation, RandomState>,
}

struct Reservation {
    trip: TripId,
    confirmed: Timestamp,
    stage: Stage,
}

/// What holds the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// An open offer.
    Offer,
    /// An open offer whose answer is on its way to the matcher.
    Answering,
    /// An accepted trip.
    Trip,
}

impl ReservedDrivers {
    pub(crate) fn new(table: Arc<DriverTable>) -> Self {
        Self { table, by_slot: DashMap::default() }
    }

    /// Returns the trip that reserves the driver in this slot.
    pub(crate) fn trip(&self, slot: Slot) -> Option<TripId> {
        self.by_slot.get(&slot).map(|reservation| reservation.trip.clone())
    }

    /// Applies a notification of the matcher. The newest one replaces all before it.
    pub(crate) fn notified(&self, slot: Slot, notification: &DriverNotification, now: Timestamp) {
        match notification {
            DriverNotification::Assignment(assignment) => {
                let is_offer = assignment.state == TripState::Offered;
                self.reserve(slot, &assignment.trip, if is_offer { Stage::Offer } else { Stage::Trip }, now);
            }
            DriverNotification::Ended { .. } => self.free_if(slot, |_| true),
        }
    }

    /// Applies the matcher's answer to what trip the driver has, unless a notification has come since the call, when the
    /// driver had `before`.
    pub(crate) fn answered(
        &self,
        slot: Slot,
        before: Option<&TripId>,
        answer: Option<&DriverNotification>,
        now: Timestamp,
    ) {
        if self.trip(slot).as_ref() != before {
            return;
        }
        match answer {
            Some(notification) => self.notified(slot, notification, now),
            None => self.free_if(slot, |trip| Some(trip) == before),
        }
    }

    /// Records that an action of the driver is on its way to the matcher. Until its result, the offer is not returned.
    pub(crate) fn acting(&self, slot: Slot, trip: &TripId) {
        self.change_stage(slot, trip, Stage::Offer, Stage::Answering);
    }

    /// Records that an action has failed: the offer is still open, as far as this node knows.
    pub(crate) fn act_failed(&self, slot: Slot, trip: &TripId) {
        self.change_stage(slot, trip, Stage::Answering, Stage::Offer);
    }

    /// Applies an action that the matcher has taken: the matcher sends no notification of an end that the driver causes.
    pub(crate) fn acted(&self, slot: Slot, trip: &TripId, action: &DriverAction) {
        match action {
            DriverAction::Decline { .. } | DriverAction::DroppedOff | DriverAction::Cancel { .. } => {
                self.ended(slot, trip);
            }
            DriverAction::Accept | DriverAction::Arrived | DriverAction::PickedUp => {
                self.change_stage(slot, trip, Stage::Answering, Stage::Trip);
            }
        }
    }

    /// Returns the trip of an open offer that must go back, because the driver reports that it takes none. The caller then
    /// calls [`ReservedDrivers::ended`] or [`ReservedDrivers::act_failed`]; until then, further calls return `None`.
    pub(crate) fn take_open_offer(&self, slot: Slot, now: Timestamp, ttl_ms: Millis) -> Option<TripId> {
        if !self.table.is_reserved(slot) {
            return None;
        }
        let state = self.table.state(slot)?;
        // An expired state is no report: the driver may report to another node.
        let measured = state.update_version.time;
        if state.status == DriverStatus::Available || measured + ttl_ms <= now || measured.is_ahead_of(now) {
            return None;
        }
        let mut reservation = self.by_slot.get_mut(&slot).filter(|it| it.stage == Stage::Offer)?;
        reservation.stage = Stage::Answering;
        Some(reservation.trip.clone())
    }

    /// Records that the trip is over or unknown. The driver may have another one already.
    pub(crate) fn ended(&self, slot: Slot, trip: &TripId) {
        self.free_if(slot, |reserved| reserved == trip);
    }

    /// Forgets drivers who have left the table.
    pub(crate) fn remove(&self, slots: &[Slot]) {
        for slot in slots {
            self.by_slot.remove(slot);
        }
    }

    /// Returns at most `count` drivers who report AVAILABLE although they were reserved long ago, in order.
    pub(crate) fn due(&self, now: Timestamp, count: usize) -> Vec<Slot> {
        let is_available =
            |slot: Slot| self.table.state(slot).is_some_and(|state| state.status == DriverStatus::Available);
        let is_due = |reservation: &Reservation| {
            now - reservation.confirmed >= CONFIRM_MS || reservation.confirmed.is_ahead_of(now)
        };
        let due = self.by_slot.iter().filter(|entry| is_due(entry.value()) && is_available(*entry.key()));
        let mut slots: Vec<_> = due.map(|entry| (entry.value().confirmed, *entry.key())).collect();
        slots.sort_unstable();
        slots.into_iter().take(count).map(|(_, slot)| slot).collect()
    }

    /// The flag changes under the map's lock, so that flag and map agree.
    fn reserve(&self, slot: Slot, trip: &TripId, stage: Stage, now: Timestamp) {
        let reservation = Reservation { trip: trip.clone(), confirmed: now, stage };
        let _entry = self.by_slot.entry(slot).insert(reservation);
        self.table.set_reserved(slot, true);
    }

    fn change_stage(&self, slot: Slot, trip: &TripId, from: Stage, to: Stage) {
        if let Some(mut reservation) = self.by_slot.get_mut(&slot)
            && reservation.trip == *trip
            && reservation.stage == from
        {
            reservation.stage = to;
        }
    }

    fn free_if(&self, slot: Slot, is_over: impl Fn(&TripId) -> bool) {
        self.by_slot.remove_if(&slot, |_, reservation| {
            // Under the map's lock, as in `reserve`.
            let frees = is_over(&reservation.trip);
            if frees {
                self.table.set_reserved(slot, false);
            }
            frees
        });
    }
}

#[cfg(test)]
mod tests {
    use kerb_types::{
        Capabilities, DriverId, DriverProfile, IndexedStatus, Partitioning, Sharding, VehicleClass,
    };

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn trip(id: &str) -> TripId {
        id.parse().unwrap()
    }

    fn ended(id: &str) -> DriverNotification {
        DriverNotification::Ended { trip: trip(id), state: TripState::Cancelled, reason: String::new() }
    }

    fn world() -> (ReservedDrivers, Slot) {
        let table = Arc::new(DriverTable::new(Sharding::new(16, Partitioning::Tile).unwrap(), 4));
        let profile = DriverProfile {
            id: DriverId::new("cab").unwrap(),
            vehicle_class: VehicleClass(0),
            capabilities: Capabilities(0),
        };
        let slot = table.register(&profile, |_| ()).unwrap().slot;
        table.set_connected(slot, true);
        (ReservedDrivers::new(table), slot)
    }

    #[test]
    fn the_end_of_another_trip_does_not_free() {
        let (reserved, slot) = world();
        let status = || reserved.table.indexed_status(slot, DriverStatus::Available);
        reserved.reserve(slot, &trip("world-1"), Stage::Offer, NOW);
        assert_eq!(status(), Some(IndexedStatus::Reserved));
        reserved.acted(slot, &trip("world-2"), &DriverAction::DroppedOff);
        reserved.acted(slot, &trip("world-1"), &DriverAction::Accept);
        assert_eq!(status(), Some(IndexedStatus::Reserved));
        reserved.acted(slot, &trip("world-1"), &DriverAction::DroppedOff);
        assert_eq!(status(), Some(IndexedStatus::Available));
        reserved.reserve(slot, &trip("world-2"), Stage::Offer, NOW);
        reserved.notified(slot, &ended("world-1"), NOW);
        assert_eq!(status(), Some(IndexedStatus::Available), "the newest notification names no other trip");
    }

    #[test]
    fn an_answer_that_a_notification_has_overtaken_is_ignored() {
        let (reserved, slot) = world();
        let before = reserved.trip(slot);
        reserved.reserve(slot, &trip("world-1"), Stage::Offer, NOW);
        reserved.answered(slot, before.as_ref(), None, NOW);
        assert_eq!(reserved.trip(slot), Some(trip("world-1")));
        let before = reserved.trip(slot);
        reserved.answered(slot, before.as_ref(), None, NOW);
        assert_eq!(reserved.trip(slot), None);
        assert!(!reserved.table.is_reserved(slot));
    }
}
