//! Expiry: a driver that has not reported for the position TTL leaves the index, and after the retention it leaves the table.
//!
//! A timing wheel returns the drivers whose deadline may have come, so nothing scans the table. A deadline that is met a
//! tick late does no harm: each reader compares a state's time with its own clock.

use kerb_ports::Slot;
use kerb_types::timing_wheel::{TimingWheel, WheelAction};
use kerb_types::{Millis, Timestamp};

use super::driver_table::DriverTable;
use crate::metrics::Metrics;

/// The resolution of the wheel.
pub const EXPIRY_TICK_MS: Millis = Millis::new(1_000);

/// The deadlines of all drivers.
#[derive(Debug)]
pub struct Expiry {
    wheel: TimingWheel,
    buckets: usize,
    position_ttl_ms: Millis,
    retention_ms: Millis,
    /// The time of the last call of [`Expiry::expire_due`].
    last_run: Timestamp,
}

impl Expiry {
    /// Creates an expiry without drivers.
    pub fn new(now: Timestamp, position_ttl_ms: Millis, retention_ms: Millis) -> Self {
        // The wheel covers one position TTL. It returns a later deadline early, and the driver is rescheduled. The cast
        // cannot lose: the TTL is a positive 32-bit number.
        let buckets = (position_ttl_ms.get() / EXPIRY_TICK_MS.get() + 3) as usize;
        let wheel = TimingWheel::new(now, EXPIRY_TICK_MS, buckets);
        Self { wheel, buckets, position_ttl_ms, retention_ms, last_run: now }
    }

    fn track(&mut self, slot: Slot, now: Timestamp, table: &DriverTable) {
        let since_ms = table.state(slot).map_or(now, |state| state.update_version.time);
        let deadline =
            if since_ms.is_ahead_of(now) { Timestamp::MIN } else { since_ms + self.position_ttl_ms };
        self.wheel.insert(slot.get(), deadline);
    }

    /// Tracks all drivers anew after the clock was set back: the wheel would do nothing until the clock has caught up.
    fn restart(&mut self, now: Timestamp, table: &DriverTable) {
        tracing::warn!(last_ms = %self.last_run, now_ms = %now, "the clock was set back");
        // A tick earlier, so that the deadlines that are over come up in this run.
        self.wheel = TimingWheel::new(now - EXPIRY_TICK_MS, EXPIRY_TICK_MS, self.buckets);
        for slot in (0..table.slots_end().get()).map(Slot::new) {
            if table.is_used(slot) {
                self.track(slot, now, table);
            }
        }
    }

    /// Removes silent drivers from the index, and those that are silent for the retention from the table. A driver for whose
    /// slot `is_connected` returns true stays in the table. Returns the slots of the drivers that left the table.
    pub fn expire_due(
        &mut self,
        now: Timestamp,
        table: &DriverTable,
        is_connected: impl Fn(Slot) -> bool,
        metrics: &Metrics,
    ) -> Vec<Slot> {
        let newcomers = table.take_newcomers();
        if self.last_run.is_ahead_of(now) {
            self.restart(now, table);
        } else {
            for slot in newcomers {
                self.track(slot, now, table);
            }
        }
        self.last_run = now;
        let Self { wheel, position_ttl_ms, retention_ms, .. } = self;
        let mut retired = Vec::new();
        wheel.advance(now, |key| {
            let slot = Slot::new(key);
            // A time ahead of the clock is no fresher than one that is too old.
            let has_expired =
                |time_ms: Timestamp| time_ms + *position_ttl_ms <= now || time_ms.is_ahead_of(now);
            if table.deindex_if(slot, |state| has_expired(state.update_version.time)) {
                metrics.expired.increment();
            }
            // A driver that has never reported stays only while it is connected.
            let is_over = |time_ms: Option<Timestamp>| time_ms.is_none_or(|ms| ms + *retention_ms <= now);
            let may_retire = |time_ms: Option<Timestamp>| is_over(time_ms) && !is_connected(slot);
            if table.retire(slot, |state| may_retire(state.map(|state| state.update_version.time))) {
                metrics.retired.increment();
                retired.push(slot);
                return WheelAction::Remove;
            }
            let next_ms = table.state(slot).map_or(now, |state| {
                let stay_ms = if state.indexed { *position_ttl_ms } else { *retention_ms };
                state.update_version.time + stay_ms
            });
            // A deadline in the past is that of a driver that is over its retention and connected: check again later.
            WheelAction::Reschedule(if next_ms > now { next_ms } else { now + *position_ttl_ms })
        });
        retired
    }
}
