//! Silence: a driver that has not reported for a while leaves the index, and after a long while the table.
//!
//! A wheel brings the drivers whose time may have come; nothing scans the table. Being late by a tick is no
//! fault: whoever reads a state compares its time itself.

use kerb_ports::Slot;
use kerb_types::timing_wheel::{TimingWheel, WheelAction};

use crate::counters::Counters;
use crate::table::DriverTable;

/// The wheel's resolution.
pub const EXPIRY_TICK_MS: i64 = 1_000;

/// The wheel and its times.
#[derive(Debug)]
pub struct Expiry {
    wheel: TimingWheel,
    position_ttl_ms: i64,
    retention_ms: i64,
}

impl Expiry {
    /// Nobody is watched yet.
    pub fn new(now_ms: i64, position_ttl_ms: i64, retention_ms: i64) -> Self {
        // A deadline further away than one gone-time is looked at early and put back.
        let buckets = (position_ttl_ms / EXPIRY_TICK_MS + 3) as usize;
        Self { wheel: TimingWheel::new(now_ms, EXPIRY_TICK_MS, buckets), position_ttl_ms, retention_ms }
    }

    /// Turns to `now_ms`: takes silent drivers out of the index and forgets those of long ago that nobody holds.
    /// Answers the slots of the forgotten.
    pub fn turn(
        &mut self,
        now_ms: i64,
        table: &DriverTable,
        is_held: impl Fn(Slot) -> bool,
        counters: &Counters,
    ) -> Vec<Slot> {
        for slot in table.take_newcomers() {
            let since_ms = table.state(slot).map_or(now_ms, |state| state.update_version.time_ms);
            self.wheel.insert(slot, since_ms + self.position_ttl_ms);
        }
        let Self { wheel, position_ttl_ms, retention_ms } = self;
        let mut retired = Vec::new();
        wheel.advance(now_ms, |slot| {
            let gone = |time_ms: i64| time_ms + *position_ttl_ms <= now_ms;
            if table.unlist_if(slot, |state| gone(state.update_version.time_ms)) {
                counters.gone.add(1);
            }
            // Who has never reported is kept only while somebody holds it.
            let over = |time_ms: Option<i64>| time_ms.is_none_or(|time_ms| time_ms + *retention_ms <= now_ms);
            if table
                .retire(slot, |state| over(state.map(|state| state.update_version.time_ms)) && !is_held(slot))
            {
                counters.retired.add(1);
                retired.push(slot);
                return WheelAction::Remove;
            }
            let next_ms = table.state(slot).map_or(now_ms, |state| {
                let stay_ms = if state.listed { *position_ttl_ms } else { *retention_ms };
                state.update_version.time_ms + stay_ms
            });
            // Somebody still holds a driver that is over: look again after a while.
            WheelAction::Reschedule(if next_ms > now_ms { next_ms } else { now_ms + *position_ttl_ms })
        });
        retired
    }
}
