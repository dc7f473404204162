//! The application of updates: the hot path of an ingest node.

use kerb_ports::Slot;
use kerb_proto::convert::Report;
use kerb_types::{DriverStatus, Timestamp};

use super::driver_table::DriverTable;
use super::entry::DriverState;
use super::entry_guard::EntryGuard;
use super::rate_limit::{Pace, RateLimit};
use super::registered_driver::RegisteredDriver;
use super::slab::Mark;
use super::update_order::{LastUpdate, UpdateOrder, order_of};

/// What the table did with an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateOutcome {
    /// The update is the driver's newest state now. It came at this pace.
    Newest(Pace),
    /// The update was dropped: the table has the same or a newer one.
    Late,
    /// The update was dropped: it exceeds the rate limit.
    TooFast,
    /// The update was dropped: its sequence is too far above the last one.
    Ahead {
        /// The greatest sequence that would have been taken.
        sequence_max: u64,
    },
}

/// The result of [`DriverTable::apply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpdateResult {
    /// What the table did with the update.
    pub outcome: UpdateOutcome,
    /// The driver's state after it, so that an acknowledgement does not read the entry again. `None` if the driver's first
    /// update was dropped.
    pub state: Option<DriverState>,
}

/// The slot belongs to another driver now, so the driver must register again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleSlot;

impl DriverTable {
    /// Applies an update whose values and time are legal, unless the table has a newer one or it exceeds the limit. Time 0
    /// stands for the time of receipt, `now`.
    #[inline]
    pub fn apply(
        &self,
        driver: &RegisteredDriver,
        report: &Report,
        now: Timestamp,
        limit: RateLimit,
    ) -> Result<UpdateResult, StaleSlot> {
        let mut entry = self.slab.lock(driver.slot);
        if !entry.has_id(&driver.id) {
            return Err(StaleSlot);
        }
        let before = entry.state();
        let reported = report.update_version;
        let last = LastUpdate::new(before.as_ref(), entry.last_sequence());
        let update_version = match order_of(last, reported, now, self.order_ends_after) {
            UpdateOrder::Newer(update_version) => update_version,
            UpdateOrder::Late => return Ok(UpdateResult { outcome: UpdateOutcome::Late, state: before }),
            UpdateOrder::Ahead { sequence_max } => {
                return Ok(UpdateResult { outcome: UpdateOutcome::Ahead { sequence_max }, state: before });
            }
        };
        let pace = entry.check_rate(limit, now);
        if pace == Pace::TooFast {
            return Ok(UpdateResult { outcome: UpdateOutcome::TooFast, state: before });
        }
        let status_before = before.map_or(DriverStatus::Available, |state| state.status);
        let status = report.status.unwrap_or(status_before);
        let after = DriverState {
            position: report.position,
            update_version,
            motion: report.motion,
            accuracy_dm: report.accuracy_dm,
            status,
            shard: self.sharding.shard_of(&driver.id, report.position),
            indexed: status != DriverStatus::Offline,
        };
        self.replace(driver.slot, &mut entry, before.as_ref(), &after);
        Ok(UpdateResult { outcome: UpdateOutcome::Newest(pace), state: Some(after) })
    }

    /// Removes a driver from the index if `has_expired` returns true for its newest state. The driver stays in the table.
    /// Returns whether it was removed.
    pub fn deindex_if(&self, slot: Slot, has_expired: impl FnOnce(&DriverState) -> bool) -> bool {
        let mut entry = self.slab.lock(slot);
        let Some(before) = entry.state() else { return false };
        if !before.indexed || !has_expired(&before) {
            return false;
        }
        self.replace(slot, &mut entry, Some(&before), &DriverState { indexed: false, ..before });
        true
    }

    /// Moves the slot between the lists of the reverse index, writes the state and marks it.
    fn replace(
        &self,
        slot: Slot,
        entry: &mut EntryGuard<'_>,
        before: Option<&DriverState>,
        after: &DriverState,
    ) {
        let from = before.filter(|state| state.indexed).map(|state| state.shard);
        let to = after.indexed.then_some(after.shard);
        if from != to {
            if let Some(shard) = from {
                self.reverse_index.remove(&self.slab, shard, slot);
            }
            if let Some(shard) = to {
                self.reverse_index.insert(&self.slab, shard, slot);
            }
        }
        entry.write(Some(after));
        // After the write: a reader that takes the mark sees the new state.
        self.slab.mark(Mark::State, slot);
    }
}
