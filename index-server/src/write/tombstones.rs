//! Keeps removed drivers from being restored by an older state.
//!
//! A driver is removed when a resume token moves it to another node, or when its node removes it. Another node may send
//! an older state of the driver later.

use std::collections::VecDeque;

use hashbrown::HashMap;
use kerb_types::{DriverId, Timestamp, UpdateVersion};

/// Maximum number of tombstones; the oldest is dropped first. Fewer drivers reconnect when a whole node fails.
const TOMBSTONES_MAX: usize = 1 << 20;

/// Driver ids, each with the newest version that is rejected until a deadline.
#[derive(Default)]
pub(crate) struct Tombstones {
    rejected: HashMap<DriverId, (UpdateVersion, Timestamp), foldhash::fast::RandomState>,
    /// Ids by deadline. An id whose tombstone was renewed is here more than once.
    order: VecDeque<(Timestamp, DriverId)>,
}

impl Tombstones {
    /// Rejects states up to `update_version` until `deadline_ms`, which never decreases from call to call.
    pub(crate) fn add(&mut self, id: &DriverId, update_version: UpdateVersion, deadline_ms: Timestamp) {
        let entry = self.rejected.entry(id.clone()).or_insert((update_version, deadline_ms));
        *entry = (entry.0.max(update_version), deadline_ms);
        self.order.push_back((deadline_ms, id.clone()));
        if self.order.len() > TOMBSTONES_MAX {
            self.drop_first();
        }
    }

    /// Whether this state is rejected at `now`. A newer state ends the rejection, and so does a clock that was set back.
    pub(crate) fn rejects(&mut self, id: &DriverId, update_version: UpdateVersion, now: Timestamp) -> bool {
        match self.rejected.get(id) {
            None => false,
            Some((up_to, _)) if update_version <= *up_to && !up_to.time.is_ahead_of(now) => true,
            Some(_) => {
                self.rejected.remove(id);
                false
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rejected.is_empty()
    }

    /// Drops the tombstones whose deadline has passed.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        while self.order.front().is_some_and(|(deadline_ms, _)| *deadline_ms <= now) {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some((deadline_ms, id)) = self.order.pop_front()
            && self.rejected.get(&id).is_some_and(|(_, last_ms)| *last_ms == deadline_ms)
        {
            self.rejected.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(0);

    #[test]
    fn a_state_is_rejected_until_it_is_newer_or_the_deadline_passes() {
        let update_version = |sequence| UpdateVersion { sequence, time: Timestamp::from_millis(0) };
        let (a, b) = (DriverId::new("a").unwrap(), DriverId::new("b").unwrap());
        let mut tombstones = Tombstones::default();
        tombstones.add(&a, update_version(5), Timestamp::from_millis(100));
        tombstones.add(&b, update_version(5), Timestamp::from_millis(100));
        tombstones.add(&a, update_version(3), Timestamp::from_millis(200));
        assert!(tombstones.rejects(&a, update_version(5), NOW));
        assert!(!tombstones.rejects(&b, update_version(6), NOW));
        assert!(!tombstones.rejects(&b, update_version(1), NOW));
        tombstones.expire(Timestamp::from_millis(100));
        assert!(tombstones.rejects(&a, update_version(5), NOW));
        tombstones.expire(Timestamp::from_millis(200));
        assert!(tombstones.is_empty());
    }

    #[test]
    fn a_time_ahead_of_the_clock_rejects_nothing() {
        let (a, hour) = (DriverId::new("a").unwrap(), Timestamp::from_millis(3_600_000));
        let mut tombstones = Tombstones::default();
        tombstones.add(&a, UpdateVersion { sequence: 0, time: hour }, hour);
        let now_version = UpdateVersion { sequence: 0, time: NOW };
        assert!(tombstones.rejects(&a, now_version, hour));
        assert!(!tombstones.rejects(&a, now_version, NOW), "the clock was set back by an hour");
    }
}
